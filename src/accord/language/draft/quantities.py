"""Reads groups of quantities, and checks."""

from __future__ import annotations

import datetime as dt

from accord.language.draft.model import DraftQuantity, DraftVersion
from accord.language.draft.written import Written, as_record, scalar_at, scalars_of, status_named, word_at
from accord.language.problem import nearest
from accord.language.text import Entries, Items, Scalar, Tree


class QuantityReader:
    """Quantities and checks."""

    def __init__(self, written: Written) -> None:
        self.written = written

    def group(self, group: Entries) -> None:
        """Read one group."""
        draft = self.written.draft
        said = group.get("each")
        each = None if said is not None and self.written.is_misshapen(said) else self.written.known_keys(said)
        names = [(key, spec) for key, spec in group if key.value not in ("each", "rows", "through", "title")]
        if each is None or self.written.is_misshapen(group):
            draft.broken |= {key.value for key, _ in names}
            draft.unread.add("rows")
            return
        draft.key_order.setdefault(frozenset(each), each)
        self.written.said_rows(each, group.get("rows"))
        through = scalars_of(group.get("through"))
        for name, spec in names:
            if self.written.break_misspelt(name):
                continue
            if name.value in draft.quantities:
                self.written.problem(
                    name,
                    f"{name.value} is defined twice; it was first defined on line "
                    f"{draft.quantities[name.value].place.line}",
                    "rename one",
                )
                continue
            quantity = self._quantity(name, spec, each, through, word_at(group, "title"))
            if quantity is None:
                draft.broken.add(name.value)
            else:
                draft.quantities[name.value] = quantity

    def _quantity(
        self, name: Scalar, spec: Tree, each: tuple[str, ...], through: tuple[Scalar, ...], title: str
    ) -> DraftQuantity | None:
        versions: list[DraftVersion] = []
        if isinstance(spec, Scalar):
            record = Entries((), spec.place)
            written: list[tuple[dt.date | None, Scalar]] = [(None, spec)]
        else:
            record = as_record(spec)
            if self.written.has_a_slip(record):
                return None
            single, dated = scalar_at(record, "is"), record.get("dated")
            if (single is None) == (dated is None):
                if not self.written.is_misshapen(record):
                    said = "both is and dated" if single is not None else "no formula"
                    self.written.problem(name, f"{name.value} has {said}", "is: … or dated: [{from: …, is: …}]")
                return None
            written = [(None, single)] if single is not None else self._dated_formulas(name, dated)
        good = bool(written)
        for since, scalar in written:
            if self.written.is_misshapen(scalar):
                good = False
                continue
            formula = self.written.formula(scalar)
            if formula is None:
                good = False
            else:
                versions.append(DraftVersion(since, formula, " ".join(scalar.spelled()[0].split())))
        before = len(self.written.draft.problems)
        unit = self.written.unit(scalar_at(record, "unit"))
        relabels = self.written.unit(scalar_at(record, "relabels"))
        rounding = self.written.rounding(scalar_at(record, "round"))
        held = scalar_at(record, "key")
        if held is not None and held.value not in self.written.draft.keys:
            self.written.problem(
                held, f"{held.value} is not a key of this contract", nearest(held.value, self.written.draft.keys)
            )
        if relabels is not None and unit is None:
            self.written.problem(name, f"{name.value} relabels a unit but does not say its own", "unit: …")
        if not good or len(self.written.draft.problems) > before:
            return None
        return DraftQuantity(
            name.value,
            name.place,
            each,
            through,
            versions,
            unit,
            rounding,
            relabels,
            held.value if held is not None else None,
            word_at(record, "clause"),
            word_at(record, "note"),
            title,
            word_at(record, "report") == "true",
            status_named(word_at(record, "status")),
        )

    def _dated_formulas(self, name: Scalar, dated: Tree | None) -> list[tuple[dt.date | None, Scalar]]:
        found: list[tuple[dt.date | None, Scalar]] = []
        previous: dt.date | None = None
        for spec in dated.items if isinstance(dated, Items) else ():
            record = as_record(spec)
            since, formula = self.written.date(record.get("from")), scalar_at(record, "is")
            if since is None or formula is None:
                return []
            if previous is not None and since <= previous:
                self.written.problem(
                    record, f"{since} does not come after {previous}", "write dated formulas in order of time"
                )
                return []
            previous = since
            found.append((since, formula))
        term, first = self.written.draft.term, found[0][0] if found else None
        if term is not None and first is not None and first > term.start:
            self.written.problem(
                name,
                f"{name.value} has no formula before {first}, and the periods begin on {term.start}",
                f"begin with from: {term.start}",
            )
            return []
        return found

    def check(self, number: int, record: Entries) -> None:
        """Read one check."""
        each = self.written.known_keys(record.get("each"))
        that = scalar_at(record, "that")
        if each is None or that is None or self.written.has_a_slip(record):
            return
        self.written.draft.key_order.setdefault(frozenset(each), each)
        self.written.said_rows(each, record.get("rows"))
        formula = self.written.formula(that)
        if formula is None:
            return
        self.written.draft.checks.append(
            DraftQuantity(
                f"check {number}",
                that.place,
                each,
                scalars_of(record.get("through")),
                [DraftVersion(None, formula, " ".join(that.spelled()[0].split()))],
                check_message=word_at(record, "else"),
            )
        )
