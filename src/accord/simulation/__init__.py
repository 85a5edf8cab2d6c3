"""Futures: a synthetic population, what happens to it year by year, and what a contract would do about it.

Lives here: the model of people (ages, morbidity, frailty, use of care), the person engine and the cohort engine, and
what they are fitted to. Does not: any formula of a contract (a simulated year is settled by the contract itself, as
worlds), nor any outcome's definition (:mod:`accord.measures`).
"""
