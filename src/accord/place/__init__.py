"""The place room: a folder that says which contracts are in force for which people, and what is tried on its futures.

Lives here: ``place.yaml``, runs of simulated futures over a place, what they come to, and the page that shows it. Does
not: any engine, any formula of a contract, any size of an effect.
"""
