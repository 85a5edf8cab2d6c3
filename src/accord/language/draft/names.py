"""One name means one thing: what is named twice, or named like a word of the language."""

from __future__ import annotations

from collections.abc import Mapping

from accord.language.contract import Parameter
from accord.language.draft.model import DraftQuantity
from accord.language.draft.written import Written
from accord.language.formula import FUNCTIONS, RESERVED
from accord.language.place import Place


class Names:
    """The names of one draft."""

    def __init__(self, written: Written) -> None:
        self.written = written

    def check(self) -> None:
        """Report every name that means two things, or that the language has taken."""
        draft = self.written.draft
        columns: dict[str, Place] = {}
        for table in draft.tables.values():
            for column in table.columns:
                columns.setdefault(column.name, column.place)
        taken: dict[str, str] = {name: "a key" for name in draft.keys}
        for name in columns:
            taken.setdefault(name, "a column")
        sections: tuple[tuple[str, Mapping[str, Parameter | DraftQuantity]], ...] = (
            ("a parameter", draft.parameters),
            ("a quantity", draft.quantities),
        )
        for what, named in sections:
            for name, thing in named.items():
                if name in taken:
                    self.written.problem(
                        thing.place,
                        f"{name} names both {taken[name]} and {what}",
                        "every name in a contract means one thing: rename one",
                    )
                    draft.broken.add(name)
                taken[name] = what
        everything: list[tuple[str, Place]] = [(key.name, key.place) for key in draft.keys.values()]
        everything += columns.items()
        everything += [(name, parameter.place) for name, parameter in draft.parameters.items()]
        everything += [(name, quantity.place) for name, quantity in draft.quantities.items()]
        for name, place in everything:
            if name in FUNCTIONS:
                self.written.problem(place, f"{name} is a function of the language", "choose another name")
                draft.broken.add(name)
            elif name in RESERVED:
                self.written.problem(place, f"{name} is a word of the formula language", "choose another name")
                draft.broken.add(name)
            elif name == "world":
                self.written.problem(place, "world is the hidden key of simulated worlds", "choose another name")
                draft.broken.add(name)
