"""The rival of the person engine: the same model written by hand with numpy, as people usually write it.

All people at once, month after month: arrays by person, the rates of each person's cell, age and state looked up,
uniform draws compared with them, numbers of a year added up by practice and group. Floating point, its own random
numbers (SFC64, the fastest that numpy has), one scenario. Nothing of the person engine is used.
"""

from __future__ import annotations

import numpy as np

from accord.simulation.model import DRAWN, STREAMS, Model, monthly
from accord.simulation.people import AGES, BURDENS, CELLS, DEAD, STATES, People
from accord.simulation.results import GROUP_OF_AGE, GROUPS, RESULTS
from accord.simulation.tables import YEARLY, gamma_levels

Numbers = np.ndarray


class ByHand:
    """The model, ready for whole populations: what is looked up by cell, age and state stands in flat arrays."""

    def __init__(self, model: Model) -> None:
        """Make the arrays."""
        single = np.float32
        states = np.arange(STATES)
        self.death = monthly(model.death).ravel().astype(single)
        self.worse = (model.worse[:, :, states // 4] / 12).ravel().astype(single)
        frailer = np.broadcast_to(model.frailer[:, states % 4] / 12, (CELLS, AGES, STATES))
        self.frailer = frailer.ravel().astype(single)
        self.rate = {name: (model.rate[name] / 12).ravel().astype(single) for name in STREAMS}
        self.moves = model.value("moves") / 12
        self.mix = np.cumsum(model.mix, axis=2).reshape(-1, STATES)
        self.chronic = model.chronic
        self.stay = model.stay.mean(axis=0)
        self.cost = {kind: model.cost[kind].ravel() for kind in ("emergency", "elective")}
        self.sigma = {kind: np.sqrt(np.log1p(model.spread[kind].mean(axis=0) ** 2)) for kind in self.cost}
        self.burden = gamma_levels(model.value("burden_shape"), BURDENS).astype(single)
        self.year = gamma_levels(model.value("year_shape"), YEARLY).astype(single)

    def simulate(self, people: People, years: int, seed: int) -> Numbers:
        """Counts ``[practices, years, GROUPS, RESULTS]`` of a population."""
        random = np.random.Generator(np.random.SFC64(seed))
        size = len(people)
        practice = np.repeat(np.arange(people.practices), np.diff(people.offsets))
        cell = people.cell.astype(np.int32)
        state, level = people.state.astype(np.int32), people.burden.copy()
        out = np.zeros((people.practices, years, GROUPS, len(RESULTS)))
        for year in range(years):
            born = people.months.astype(np.int32) + 12 * year
            age = np.clip(born // 12, 0, AGES - 1)
            at = (cell * AGES + age) * STATES
            own = self.burden[level] * self.year[random.integers(0, YEARLY, size, dtype=np.uint8)]
            count = {name: np.zeros(size, np.float32) for name in RESULTS}
            for month in range(12):
                here = np.flatnonzero((state != DEAD) & (born + month >= 0))
                row, mine = at[here] + state[here], own[here]
                count["months"][here] += 1
                for name in STREAMS[len(DRAWN) :]:
                    count[name][here] += self.rate[name][row] * mine
                for name in DRAWN:
                    expected = self.rate[name][row] * mine
                    times = np.floor(expected)
                    times += random.random(len(here), np.float32) < expected - times
                    if name == "attendances":
                        count[name][here] += times
                        continue
                    some = times > 0
                    who = np.repeat(here[some], times[some].astype(np.int64))
                    np.add.at(count[name], who, 1)
                    mean = self.cost[name][at[who] // STATES]
                    sigma = self.sigma[name][age[who]]
                    cost = mean * np.exp(sigma * random.standard_normal(len(who)) - sigma**2 / 2)
                    np.add.at(count[f"{name}_cost"], who, cost)
                    if name == "emergency":
                        np.add.at(count["chronic"], who, random.random(len(who)) < self.chronic[age[who]])
                        np.add.at(count["emergency_days"], who, random.geometric(1 / (1 + self.stay[age[who]])) - 1)
                life = random.random(len(here), np.float32)
                died = life > 1 - self.death[row]
                worse = life < self.worse[row]
                frailer = (life >= 0.25) & (life - 0.25 < self.frailer[row])
                moved = (life >= 0.5) & (life - 0.5 < self.moves) & ~died
                state[here[worse]] += 4
                state[here[frailer]] += 1
                count["deaths"][here[died]] += 1
                state[here[died]] = DEAD
                new = here[moved]
                count["moves"][new] += 1
                state[new] = (random.random(len(new))[:, None] >= self.mix[at[new] // STATES][:, :-1]).sum(axis=1)
                level[new] = random.integers(0, BURDENS, len(new))
                own[new] = self.burden[level[new]] * self.year[random.integers(0, YEARLY, len(new))]
            group = practice * GROUPS + GROUP_OF_AGE[age] * CELLS + cell
            for number, name in enumerate(RESULTS):
                total = np.bincount(group, weights=count[name], minlength=people.practices * GROUPS)
                out[:, year, :, number] = total.reshape(-1, GROUPS)
        return out
