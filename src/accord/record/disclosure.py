"""Disclosure: which counts are small, and how others are rounded, wherever figures leave (``disclosure.yaml``).

Counts from 1 to 7 are withheld, counts from 8 on are rounded to the nearest 5 (NHS Digital's rules for hospital
statistics since September 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

STAR = "*"
"""What stands where a number is withheld."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures of the rules (``disclosure.yaml``). Two people may not make more than ``share`` percent of a number,
    and beside them ``p`` percent of what the largest makes must remain at least.
    """

    least: int
    most: int
    step: int
    money_step: int
    share: int
    p: int

    @property
    def needed(self) -> int:
        """How many further values a small count must be able to have: as many as a rounded one."""
        return self.step - 1

    def small(self, count: int | None, days: int = 1) -> bool:
        """Whether a count must not be shown; of person-days over so many days, where the average is a small count."""
        return count is not None and self.least <= count < (self.most + 1) * days

    def dominated(self, whole: int, largest: int, second: int) -> bool:
        """Whether one or two people make most of a number, so that it says what one of them makes.

        Where everybody counts once, a number that is not small never is.
        """
        rest = whole - largest - second
        return whole > 0 and ((largest + second) * 100 > self.share * whole or rest * 100 < self.p * largest)


@cache
def rules() -> Rules:
    """The rules that come with Accord."""
    from accord.language.text import Entries, Scalar, decode, read_tree

    path = Path(__file__).with_name("disclosure.yaml")
    tree = read_tree(decode(path.read_bytes(), path.name))
    assert isinstance(tree, Entries)
    found: dict[tuple[str, str], int] = {}
    for key, value in tree:
        assert isinstance(value, Entries)
        for name, each in value:
            if isinstance(each, Scalar) and each.value.isdigit():
                found[key.value, name.value] = int(each.value)
    return Rules(
        found["small", "from"],
        found["small", "to"],
        found["round", "counts"],
        found["round_money", "pence"],
        found["dominance", "share"],
        found["dominance", "p"],
    )


def nearest(value: int, step: int) -> int:
    """A count to the nearest multiple of a step, halves up."""
    return value if step == 1 else (2 * value + step) // (2 * step) * step
