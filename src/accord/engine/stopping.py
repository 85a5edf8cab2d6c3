"""Why a settlement stops: the message, with the rows it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accord.language.contract import Check
from accord.language.place import Place
from accord.language.problem import Problem, SettlementStopped

SHOWN = 10
"""How many rows a message lists."""

_PERSONAL = frozenset({"person", "patient", "people", "nhs_number"})


def rows_text(count: int, rows: Sequence[Mapping[str, str]]) -> str:
    """The rows of a message: at most ten, and how many there are. A person is never named."""
    shown: list[str] = []
    for row in rows[:SHOWN]:
        named = ", ".join(f"{key} {value}" for key, value in row.items() if key not in _PERSONAL)
        shown.append(named or "a row")
    if _PERSONAL & {key for row in rows[:1] for key in row}:
        shown = list(dict.fromkeys(shown))
    if not any(rows):
        return ""
    more = f"; … ({count:,} rows in all)" if count > len(rows[:SHOWN]) else ""
    return f"{'; '.join(shown)}{more}"


class Stop(SettlementStopped):
    """The arithmetic must not go on: what, of which quantity, in which rows."""

    def __init__(
        self, place: Place, label: str, message: str, count: int, rows: Sequence[Mapping[str, str]], fix: str = ""
    ) -> None:
        listed = rows_text(count, rows)
        self.label = label
        named = f"{label}: {message}" if label else message
        super().__init__(Problem(place, named + (f": {listed}" if listed else ""), fix))


def failed_check(check: Check, count: int, rows: Sequence[Mapping[str, str]]) -> Stop:
    """A check of the contract that does not hold on some rows."""
    message = check.message or f"the check {check.text} does not hold"
    return Stop(check.place, "", message, count, rows, f"the contract wants {check.text}: correct the data")
