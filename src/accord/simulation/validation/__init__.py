"""Validation and verification: whether the simulator is right, as far as that can be asked.

Lives here: targets (published figures, each with its definition, tolerance and source), the closed form in which a
figure is asked of simulated people, the judging of targets, and the checks of the engines against each other and
against what must hold of any simulator. Does not: anything that fits the model (:mod:`accord.simulation.fitting`).
"""
