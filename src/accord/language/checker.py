"""Checking: from a text to a :class:`~accord.language.contract.Contract`, or to everything that is wrong with it.

Nothing here knows data or engines. What the check proves (grain, units, missing values, exactness, safe division,
sources, who pays whom) is what lets a settlement be a pure function.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from accord.language.canonical import meaning_of
from accord.language.contract import (
    Check,
    Contract,
    Notice,
    PartyOfRow,
    Payment,
    Quantity,
    Version,
)
from accord.language.draft.model import Draft, DraftQuantity
from accord.language.facts import Facts, certain, names_in, names_read
from accord.language.formula import FormulaRefused, Name, show
from accord.language.formula import walk as parts
from accord.language.inference.at import THROUGH_PRIOR, At, Broken, each, length, unify
from accord.language.inference.inference import Inference
from accord.language.keys import KeyRules
from accord.language.meaning import Allocate, Node, OwnKey, Prior, QuantityValue, RowSet, TrailingAverage, walk
from accord.language.order import Needs, circle, loops_in_order, needs, paths_of
from accord.language.place import Place
from accord.language.problem import ContractRefused, Problem, nearest
from accord.language.rounding import decimal_text
from accord.language.text import Scalar
from accord.language.types import Type
from accord.language.unit import DAYS, minor_unit_places

DEEPEST = 40
"""How many quantities may hang on each other in one circle before some of them must say their unit and rounding."""


@dataclass(frozen=True, slots=True)
class MeasureCard:
    """What a measure says of itself to a contract: the columns it gives and what they may be compared with.

    ``columns`` maps a column to ``all`` or to the only comparison that the measure's definition permits.
    """

    name: str
    version: str
    columns: Mapping[str, str]


class Checker:
    """One check of one draft."""

    def __init__(self, draft: Draft, cards: Mapping[str, MeasureCard]) -> None:
        self.draft = draft
        self.problems: list[Problem] = list(draft.problems)
        self.warnings: list[Problem] = []
        self.cards = cards
        self._measures()
        borne = {
            name: (quantity.key, quantity.each)
            for name, quantity in draft.quantities.items()
            if quantity.key is not None
        }
        self.rules = KeyRules(draft.keys, draft.tables, borne)
        self.types: dict[str, Type] = {}
        self.versions: dict[str, tuple[Version, ...]] = {}
        self._rows: dict[frozenset[str], RowSet | None] = {}
        self._rows_said: set[frozenset[str]] = set()
        everywhere = tuple(
            (check.each, certain(check.versions[0].formula, True)) for check in draft.checks if check.versions
        )
        known: tuple[tuple[tuple[str, ...], Facts], ...] = everywhere
        self.inference = Inference(draft, self.rules, self.rows_of, self.type_of, known)

    def problem(self, place: Place, message: str, fix: str = "") -> None:
        """Collect a problem."""
        self.problems.append(Problem(place, message, fix))

    # -- rows -------------------------------------------------------------------------------------------------------
    def rows_of(self, keys: frozenset[str]) -> RowSet | None:
        """The one set of rows with these keys; None if nothing says which exist."""
        if keys not in self._rows:
            self._rows[keys] = self._find_rows(keys)
        return self._rows[keys]

    def _find_rows(self, keys: frozenset[str]) -> RowSet | None:
        draft = self.draft
        said = draft.rows.get(keys)
        required = [t for t in draft.tables.values() if frozenset(t.keys) == keys and not t.optional]
        ordered = draft.key_order.get(keys) or (required[0].keys if required else tuple(sorted(keys)))
        if said is not None:
            return self._combined(ordered, said)
        own = tuple(OwnKey(key) for key in ordered)
        if required and keys:
            return RowSet(ordered, (required[0].name,), own)
        if not keys:
            return RowSet((), (), ())
        if len(keys) == 1 and draft.keys[ordered[0]].is_period:
            return RowSet(ordered, ordered, own)
        return None

    def _combined(self, keys: tuple[str, ...], said: tuple[Scalar, ...]) -> RowSet | None:
        draft = self.draft
        together: set[str] = set()
        for scalar in said:
            table = draft.tables.get(scalar.value)
            if table is not None and table.name in draft.broken:
                return None
            together.update(table.keys if table is not None else (scalar.value,))
        known = self.rules.known(frozenset(together))
        lacking = [key for key in keys if key not in known]
        if lacking:
            if all(scalar.value in draft.tables or scalar.value in draft.keys for scalar in said):
                self.problem(
                    said[0].place,
                    f"the rows of {' and '.join(scalar.value for scalar in said)} do not say which "
                    f"{' or '.join(lacking)} they are for",
                    f"name a table or period that has {lacking[0]} among its keys",
                )
            return None
        return RowSet(keys, tuple(scalar.value for scalar in said), tuple(known.paths[key] for key in keys))

    def _rows_for(self, quantity: DraftQuantity) -> RowSet | None:
        rows = self.rows_of(frozenset(quantity.each))
        keys = frozenset(quantity.each)
        unsure = "rows" in self.draft.unread or any(n in self.draft.broken for n in (*self.draft.tables, *keys))
        if rows is None and not unsure and keys not in self.draft.rows and keys not in self._rows_said:
            self._rows_said.add(keys)
            self.problem(
                quantity.place,
                f"which rows of {each(quantity.each)} exist? no required input or table has exactly these keys",
                self._rows_fix(quantity.each),
            )
        return rows

    def _rows_fix(self, keys: tuple[str, ...]) -> str:
        """Tables and periods that together have these keys, to paste."""
        wanted, parts = set(keys), list[str]()
        tables = sorted(
            (t for t in self.draft.tables.values() if not t.optional and t.keys and set(t.keys) <= wanted),
            key=lambda table: -len(table.keys),
        )
        for table in tables:
            if set(table.keys) & wanted:
                parts.append(table.name)
                wanted -= set(table.keys)
        parts += [key for key in keys if key in wanted and self.draft.keys[key].is_period]
        wanted -= set(parts)
        if not wanted:
            return f"say rows: [{', '.join(parts)}] on the group"
        return "say rows: [ … ] on the group: the tables and periods to combine"

    # -- types ------------------------------------------------------------------------------------------------------
    def type_of(self, quantity: DraftQuantity, stack: tuple[str, ...], place: Place) -> Type:
        """The type of a quantity, worked out when first asked for."""
        name = quantity.name
        if name in self.draft.broken:
            raise Broken
        found = self.types.get(name)
        if found is not None:
            return found
        if len(stack) > DEEPEST:
            raise FormulaRefused(
                place,
                "too many quantities hang on each other here",
                "say unit: and round: on those that look back through prior()",
            )
        if name in stack:
            since = stack[stack.index(name) :]
            if THROUGH_PRIOR in since:
                raise FormulaRefused(
                    place,
                    f"{name} looks back at itself: it must say its unit and how it is rounded",
                    "unit: … and round: … on its definition",
                )
            self.draft.broken.update(since)
            names = [*since, name]
            raise FormulaRefused(
                place, f"these define each other: {' → '.join(names)}", "one of the steps must go through prior()"
            )
        try:
            kind = self._infer(quantity, (*stack, name))
        except (FormulaRefused, Broken) as refused:
            if isinstance(refused, FormulaRefused):
                self.problems.append(refused.problem)
            self.draft.broken.add(name)
            raise Broken from None
        self.types[name] = kind
        return kind

    def _in_order_of_need(self) -> list[DraftQuantity]:
        """Quantities so that each comes after what it reads, as far as there is such an order; circles are refused.

        Types could be worked out in any order, but a long chain must not become a deep recursion.
        """
        quantities = {name: q for name, q in self.draft.quantities.items() if name not in self.draft.broken}
        needed: dict[str, Needs] = {}
        for name, quantity in quantities.items():
            read = [names_read(version.formula) for version in quantity.versions]
            now = {other for names in read for other in names.now} | {scalar.value for scalar in quantity.through}
            before = {other for names in read for other in names.before}
            needed[name] = Needs(
                frozenset(now & quantities.keys()), frozenset((other, "") for other in before & quantities.keys())
            )
        while (found := circle(needed)) is not None:
            self._refuse_circle(found.names)
            self.draft.broken.update(found.names)
            for name in found.names:
                needed.pop(name, None)
            needed = {name: Needs(n.now - set(found.names), n.before) for name, n in needed.items()}
        return [quantities[name] for component in loops_in_order(needed) for name in component]

    def _refuse_circle(self, names: tuple[str, ...]) -> None:
        """Refuse a circle, at the place where it closes."""
        last = self.draft.quantities[names[-2]]
        readings = (part for version in last.versions for part in parts(version.formula))
        place = next((p.place for p in readings if isinstance(p, Name) and p.name == names[-1]), last.place)
        shown = " → ".join(names) if len(names) <= 12 else f"{' → '.join(names[:10])} → … → {names[-1]}"
        self.problem(place, f"these define each other: {shown}", "one of the steps must go through prior()")

    def _infer(self, quantity: DraftQuantity, stack: tuple[str, ...]) -> Type:
        for scalar in quantity.through:
            if self.rules.role(scalar.value) is None and scalar.value not in self.draft.broken:
                raise FormulaRefused(
                    scalar.place,
                    f"through: {scalar.value} is not a column or quantity that holds a key under another name",
                    nearest(scalar.value, self.rules.roles),
                )
        unknown = [
            refused for version in quantity.versions for refused in self.inference.unknown_names(version.formula)
        ]
        if unknown:
            self.problems.extend(refused.problem for refused in unknown)
            raise Broken
        rows = self._rows_for(quantity)
        if rows is None:
            raise Broken
        through = tuple(scalar.value for scalar in quantity.through)
        resolved: list[Version] = []
        starts = [version.since for version in quantity.versions]
        if len(starts) > 1:
            self._changes_with_periods(quantity)
        for position, version in enumerate(quantity.versions):
            following = starts[position + 1] if position + 1 < len(starts) else None
            at = At(quantity.each, through, stack=stack, since=version.since, before=following, whole=True)
            node = self.inference.resolve(version.formula, at)
            node = self._stepped(quantity, node)
            resolved.append(Version(version.since, node, version.text, version.formula.place, show(version.formula)))
        kind = resolved[0].formula.type
        for version in resolved[1:]:
            kind = unify(kind, version.formula.type, version.place, "the dated formulas")
        self.versions[quantity.name] = tuple(resolved)
        return self._declared(quantity, kind)

    def _changes_with_periods(self, quantity: DraftQuantity) -> None:
        """Refuse dated formulas of which one begins inside a period of the rows: as with parameters, never a guess."""
        known = self.rules.known(frozenset(quantity.each)).paths
        periods = [key for name in known if (key := self.draft.keys[name]).is_period]
        if not periods:
            raise FormulaRefused(
                quantity.place,
                f"{quantity.name} has formulas that change over time, but is one for each {each(quantity.each)}",
                "add a period to each:",
            )
        shortest = min(periods, key=lambda key: (length(key), key.name))
        for version in quantity.versions:
            start = version.since
            inside = [item for item in shortest.items if start is not None and item.first < start <= item.last]
            if inside:
                raise FormulaRefused(
                    quantity.place,
                    f"{quantity.name} changes on {start}, inside the {shortest.name} that begins {inside[0].label}",
                    f"let the formula begin with a {shortest.name}, or use a shorter period",
                )

    def _stepped(self, quantity: DraftQuantity, node: Node) -> Node:
        """An allocation shares in whole steps of its rounding; without one, in the minor unit of its currency."""
        if not isinstance(node, Allocate):
            return node
        step = quantity.rounding.step if quantity.rounding is not None else node.step
        if not step:
            raise FormulaRefused(
                quantity.place,
                f"{quantity.name} shares out {node.type.unit}: say in what steps",
                f"round: 1 {node.type.unit} half_up",
            )
        pool = self.draft.quantities.get(node.pool.quantity) if isinstance(node.pool, QuantityValue) else None
        if pool is not None and pool.rounding is not None and (pool.rounding.step / step).denominator != 1:
            raise FormulaRefused(
                quantity.place,
                f"{pool.name} is rounded to {decimal_text(pool.rounding.step)}, finer than the steps of "
                f"{decimal_text(step)} in which {quantity.name} shares it out",
                f"round {pool.name} to {decimal_text(step)}, or give {quantity.name} a finer round:",
            )
        return replace(node, step=step)

    def _declared(self, quantity: DraftQuantity, kind: Type) -> Type:
        """What the quantity says of itself against what its formula gives."""
        name, place = quantity.name, quantity.place
        written, relabels, rounding = quantity.written, quantity.relabels, quantity.rounding
        if quantity.check_message is not None and kind.kind != "flag":
            raise FormulaRefused(place, f"a check is a condition; this is {kind}")
        if kind.kind != "number" and (written is not None or rounding is not None):
            raise FormulaRefused(place, f"{name} is {kind}, which has neither a unit nor a rounding", "remove them")
        if quantity.key is not None:
            if kind.kind not in ("key", "text"):
                raise FormulaRefused(place, f"{name} holds a key, but its formula gives {kind}")
            if kind.kind == "key" and kind.key != quantity.key:
                raise FormulaRefused(place, f"{name} holds a {quantity.key}, but its formula gives {kind}")
            return Type("key", None, missing=kind.missing, key=quantity.key)
        if kind.kind != "number":
            return kind
        if relabels is not None and kind.unit is not None and kind.unit != relabels.unit:
            raise FormulaRefused(
                place,
                f"{name} relabels {relabels.unit}, but its formula gives {kind.unit}",
                f"relabels: {kind.unit}",
            )
        if relabels is None and written is not None and kind.unit is not None and kind.unit != written.unit:
            raise FormulaRefused(
                place,
                f"{name} is declared in {written}, but its formula gives {kind.unit}",
                f"unit: {kind.unit}, or correct the formula; if only the name of the thing changes, "
                f"add relabels: {kind.unit}",
            )
        unit = written.unit if written is not None else kind.unit
        if rounding is not None and unit is not None and rounding.unit != unit:
            raise FormulaRefused(
                place, f"{name} is in {unit}, but rounds in {rounding.unit}", f"round: … {unit} {rounding.rule}"
            )
        if rounding is not None:
            unit = unit if unit is not None else rounding.unit
            keeps = kind.positive and rounding.rule in ("up", "ceiling")
            return replace(kind, unit=unit, exact=True, positive=keeps)
        return replace(kind, unit=unit)

    # -- measures ---------------------------------------------------------------------------------------------------
    def _measures(self) -> None:
        for name, table in list(self.draft.tables.items()):
            card = self.cards.get(table.measure or "")
            if card is None:
                continue
            columns = list(table.columns)
            for position, column in enumerate(columns):
                if column.name not in card.columns:
                    hint = nearest(column.name, card.columns) or f"it gives {', '.join(card.columns)}"
                    self.problem(column.place, f"measure {table.measure} gives no {column.name}", hint)
                elif card.columns[column.name] != "all":
                    permitted = card.columns[column.name]
                    columns[position] = replace(
                        column, comparable=permitted, type=replace(column.type, comparable=permitted)
                    )
            self.draft.tables[name] = replace(table, columns=tuple(columns))

    # -- the whole --------------------------------------------------------------------------------------------------
    def check(self, text: str, file: str, content: bytes) -> Contract:
        """The checked contract; raises :class:`ContractRefused` with every problem found."""
        draft = self.draft
        for quantity in self._in_order_of_need():
            try:
                self.type_of(quantity, (), quantity.place)
            except Broken:
                continue
        checks = tuple(self._checks())
        quantities = {name: self._quantity(draft.quantities[name]) for name in draft.quantities if name in self.types}
        payments = tuple(self._payments())
        notices = tuple(self._notices())
        order, loop_period, looks_back = self._order(quantities)
        if not self.problems:
            self._unused(quantities, checks)
        if any(problem.severity == "error" for problem in self.problems):
            raise ContractRefused(_in_order(self.problems))
        self._nothing_is_lost()
        assert draft.term is not None
        warned = [Problem(place, message, fix, "warning") for place, message, fix in self.inference.warnings]
        for scalar in dict.fromkeys(warned):
            self.warnings.append(scalar)
        contract = Contract(
            name=draft.name,
            title=draft.title or draft.name,
            authority=draft.authority,
            currency=draft.currency,
            term=draft.term,
            units=draft.units,
            keys=draft.keys,
            tables=draft.tables,
            parameters=draft.parameters,
            quantities=quantities,
            order=order,
            loop_period=loop_period,
            rows={keys: rows for keys, rows in self._rows.items() if rows is not None},
            checks=checks,
            payments=payments,
            notices=notices,
            parties={name: party for name, (party, _) in draft.parties.items()},
            examples=tuple(draft.examples),
            looks_back=looks_back,
            warnings=tuple(self.warnings),
            text=text,
            file=file,
            files=dict(draft.files),
            signed_hash=signed_hash(content, draft.files),
            meaning_hash="",
            note=draft.note,
        )
        return replace(contract, meaning_hash=hashlib.sha256(meaning_of(contract).encode()).hexdigest())

    def _nothing_is_lost(self) -> None:
        """Whatever could not be used has been reported; a contract with a part left out must never pass as whole."""
        lost = [
            quantity.place
            for quantity in [*self.draft.quantities.values(), *self.draft.checks]
            if quantity.name not in self.types
        ]
        lost += [parameter.place for name, parameter in self.draft.parameters.items() if name in self.draft.broken]
        if lost:
            raise ContractRefused(
                [
                    Problem(place, "this could not be used, and Accord did not say why: please report it")
                    for place in lost
                ]
            )

    def _quantity(self, quantity: DraftQuantity) -> Quantity:
        rows = self.rows_of(frozenset(quantity.each))
        assert rows is not None
        written = quantity.written
        return Quantity(
            quantity.name,
            rows,
            self.versions[quantity.name],
            self.types[quantity.name],
            quantity.place,
            quantity.rounding,
            tuple(scalar.value for scalar in quantity.through),
            written,
            quantity.clause,
            quantity.note,
            quantity.title,
            quantity.report,
            quantity.key,
            quantity.status,
        )

    def _checks(self) -> Iterator[Check]:
        for check in self.draft.checks:
            try:
                kind = self.type_of(check, (), check.place)
            except Broken:
                continue
            if kind.missing:
                self.problem(
                    check.place,
                    "this condition can be missing, and then nobody knows whether it holds",
                    "say what then: … is null or …",
                )
                continue
            rows = self.rows_of(frozenset(check.each))
            version = self.versions[check.name][0]
            assert rows is not None
            yield Check(
                check.name,
                rows,
                version.formula,
                version.text,
                check.check_message or "",
                check.place,
                version.canonical,
            )

    def _at(self, quantity: DraftQuantity, through: Scalar | None) -> At:
        roles = (through.value,) if through is not None else tuple(scalar.value for scalar in quantity.through)
        return At(quantity.each, roles)

    def _party(self, said: Scalar, quantity: DraftQuantity, through: Scalar | None, what: str) -> PartyOfRow | None:
        draft = self.draft
        found = draft.parties.get(said.value)
        if found is None:
            hint = nearest(said.value, draft.parties) or f"the parties are {', '.join(draft.parties) or 'not declared'}"
            self.problem(said.place, f"{said.value} is not a party", hint)
            return None
        party, words = found
        if said.value in draft.broken:
            return None
        at = self._at(quantity, through)
        member = payee = None
        try:
            if "each" in words:
                member = self._holder(words["each"], at, said.place, f"{what} of {each(quantity.each)}")
            if "paid_to" in words:
                payee = self._holder(words["paid_to"], at, said.place, f"{what} of {each(quantity.each)}")
        except FormulaRefused as refused:
            self.problems.append(refused.problem)
            return None
        except Broken:
            return None
        return PartyOfRow(party.name, member, payee)

    def _holder(self, word: Scalar, at: At, place: Place, what: str) -> Node:
        name = word.value
        draft = self.draft
        known = name in draft.keys or name in draft.quantities or name in self.inference.columns
        if not known and name not in draft.broken:
            hint = nearest(name, [*draft.keys, *self.rules.roles])
            raise FormulaRefused(word.place, f"{name} is not a key, nor a column or quantity that holds one", hint)
        try:
            node = self.inference.resolve(Name(place, name), at)
        except FormulaRefused as refused:
            hint = refused.problem.fix if "through" in refused.problem.fix else ""
            raise FormulaRefused(place, f"{what} does not say which {name}", hint) from None
        if node.type.kind != "key":
            raise FormulaRefused(word.place, f"{name} is {node.type}, and does not say which party")
        return node

    def _payments(self) -> Iterator[Payment]:
        draft = self.draft
        seen: set[tuple[str, str, str]] = set()
        for payment in draft.payments:
            name = payment.pay.value
            quantity = draft.quantities.get(name)
            if quantity is None:
                if name not in draft.broken:
                    hint = nearest(name, draft.quantities)
                    self.problem(payment.pay.place, f"{name} is not a quantity of this contract", hint)
                continue
            payer = self._party(payment.payer, quantity, payment.through, f"payment {name}")
            receiver = self._party(payment.receiver, quantity, payment.through, f"payment {name}")
            kind = self.types.get(name)
            if kind is None:
                continue
            same = (name, payment.payer.value, payment.receiver.value)
            if same[1] == same[2]:
                self.problem(payment.receiver.place, f"{same[1]} would pay itself", "name the other party")
                continue
            if same in seen:
                self.problem(payment.pay.place, f"{name} is paid twice, from {same[1]} to {same[2]}", "remove one")
                continue
            seen.add(same)
            if not self._payable(payment.pay, quantity, kind) or payer is None or receiver is None:
                continue
            yield Payment(
                name, payer, receiver, payment.place, payment.stream, payment.reverse, payment.due, payment.note
            )

    def _payable(self, said: Scalar, quantity: DraftQuantity, kind: Type) -> bool:
        name, currency = said.value, self.draft.currency
        coin = Fraction(10 ** minor_unit_places(currency))
        if kind.kind != "number":
            self.problem(said.place, f"payment {name} is {kind}, not money")
        elif kind.unit is not None and kind.unit.powers != ((currency, 1),):
            self.problem(said.place, f"payment {name} is in {kind.unit}, not in {currency}")
        elif not kind.exact:
            self.problem(said.place, f"payment {name} is not rounded", f"round: 0.01 {currency} half_up")
        elif quantity.rounding is not None and (quantity.rounding.step * coin).denominator != 1:
            self.problem(
                said.place,
                f"payment {name} is rounded to {decimal_text(quantity.rounding.step)} {currency}, which nobody can pay",
                f"round: {decimal_text(1 / coin)} {currency} {quantity.rounding.rule}",
            )
        elif kind.missing:
            shared = any(isinstance(version.formula, Allocate) for version in self.versions.get(name, ()))
            fix = (
                f"pay another quantity: coalesce({name}, 0) says that who belongs nowhere gets nothing"
                if shared
                else "coalesce(…, …), or case when … is null: nothing missing becomes money by itself"
            )
            self.problem(said.place, f"payment {name} can be missing: {self._why_missing(quantity)}", fix)
        else:
            return True
        return False

    def _why_missing(self, quantity: DraftQuantity, seen: frozenset[str] = frozenset()) -> str:
        """The way by which a value can come to be missing, in words."""
        versions = self.versions.get(quantity.name, ())
        for version in versions:
            for node in walk(version.formula):
                said = _missing_source(node)
                if said is not None:
                    return said
                for path in paths_of(node):
                    role = self.inference.missing_role(path, frozenset(), version.place)
                    if role is not None:
                        return f"{role} can be, and then its rows belong to no {path.key}"
        for version in quantity.versions:
            for name in sorted(names_in(version.formula)):
                inner = self.draft.quantities.get(name)
                kind = self.types.get(name)
                if inner is not None and kind is not None and kind.missing and name not in seen:
                    return f"{name}, because {self._why_missing(inner, seen | {quantity.name})}"
                for column in self.inference.columns.get(name, []):
                    if column.type.missing:
                        return f"{column.table}.{name} is optional"
        return "its formula can be missing"

    def _notices(self) -> Iterator[Notice]:
        draft = self.draft
        for notice in draft.notices:
            name = notice.when.value
            quantity = draft.quantities.get(name)
            if quantity is None:
                if name not in draft.broken:
                    hint = nearest(name, draft.quantities)
                    self.problem(notice.when.place, f"{name} is not a quantity of this contract", hint)
                continue
            about = self._party(notice.about, quantity, notice.through, f"notice {name}")
            kind = self.types.get(name)
            if kind is None:
                continue
            if kind.kind != "flag" or kind.missing:
                self.problem(notice.when.place, f"{name} is {kind}; a notice needs a flag that is never missing")
                continue
            days = notice.days
            if days is not None and not self._days(days, quantity):
                continue
            if about is None:
                continue
            power = "statutory" if notice.power == "statutory" else "policy"
            yield Notice(name, about, notice.notice, notice.place, days.value if days is not None else None, power)

    def _days(self, days: Scalar, quantity: DraftQuantity) -> bool:
        draft, name = self.draft, days.value
        if name in draft.broken:
            return False
        if name not in draft.quantities and name not in draft.parameters:
            self.problem(
                days.place,
                f"{name} is neither a quantity nor a parameter",
                nearest(name, [*draft.quantities, *draft.parameters]),
            )
            return False
        try:
            node = self.inference.resolve(Name(days.place, name), At(quantity.each))
        except FormulaRefused as refused:
            self.problems.append(refused.problem)
            return False
        except Broken:
            return False
        good = node.type.kind == "number" and node.type.unit in (DAYS, None)
        if not good or node.type.missing or not node.type.exact:
            self.problem(days.place, f"{name} is {node.type}; the days of a notice are days, rounded, never missing")
            return False
        return True

    def _order(self, quantities: Mapping[str, Quantity]) -> tuple[tuple[tuple[str, ...], ...], dict[str, str], bool]:
        needed: dict[str, Needs] = {
            name: needs(tuple(version.formula for version in quantity.versions))
            for name, quantity in quantities.items()
        }
        found = circle(needed)
        if found is not None:
            self._refuse_circle(found.names)
            return (), {}, False
        components = loops_in_order(needed)
        loop_period: dict[str, str] = {}
        for component in components:
            members = set(component)
            turning = {
                (name, period) for name in component for before, period in needed[name].before if before in members
            }
            if not turning:
                continue
            periods = {period for _, period in turning}
            first = quantities[component[0]]
            if len(periods) > 1:
                self.problem(
                    first.place,
                    f"{', '.join(component)} turn in two loops at once, along {' and '.join(sorted(periods))}",
                    "let one of them look back along the other's period",
                )
                continue
            period = periods.pop()
            stray = [
                n
                for n in component
                if period not in self.rules.known(frozenset(quantities[n].keys), quantities[n].through)
            ]
            if stray:
                self.problem(
                    quantities[stray[0]].place,
                    f"{stray[0]} takes part in a loop that turns on the {period}, which its rows do not know",
                    f"add {period} to its keys",
                )
                continue
            loop_period |= dict.fromkeys(component, period)
        formulas = [version.formula for quantity in quantities.values() for version in quantity.versions]
        formulas += [version.formula for check in self.draft.checks for version in self.versions.get(check.name, ())]
        looks_back = any(isinstance(node, (Prior, TrailingAverage)) for formula in formulas for node in walk(formula))
        return tuple(components), loop_period, looks_back

    def _unused(self, quantities: Mapping[str, Quantity], checks: tuple[Check, ...]) -> None:
        """What nothing reads: a typing slip shows here first."""
        draft = self.draft
        used: set[str] = set()
        for quantity in [*draft.quantities.values(), *draft.checks]:
            for version in quantity.versions:
                used |= names_in(version.formula) - ({quantity.name} if quantity.name not in used else set())
            used |= {scalar.value for scalar in quantity.through}
        for said in draft.rows.values():
            used |= {scalar.value for scalar in said}
        for parameter in draft.parameters.values():
            used |= {*parameter.by, parameter.as_at}
        for party, _ in draft.parties.values():
            used |= {word for word in (party.each, party.paid_to) if word is not None}
        paid = {payment.pay.value for payment in draft.payments} | {notice.when.value for notice in draft.notices}
        paid |= {scalar.value for p in draft.payments for scalar in (p.through,) if scalar is not None}
        paid |= {scalar.value for n in draft.notices for scalar in (n.days, n.through) if scalar is not None}
        for name, parameter in draft.parameters.items():
            if name not in used | paid:
                self.problem(parameter.place, f"parameter {name} is never used", "remove it, or use it")
        row_sources = {source for rows in self._rows.values() if rows is not None for source in rows.sources}
        for table in draft.tables.values():
            for column in table.columns:
                if column.name not in used | paid and column.type.key != column.name and not column.note:
                    self.problem(
                        column.place,
                        f"column {table.name}.{column.name} is never used",
                        "remove it, or say in note: why the record must carry it",
                    )
            holds_keys = any(column.type.key is not None for column in table.columns)
            read = table.name in used or any(column.name in used | paid for column in table.columns)
            carried = bool(table.columns) and all(column.note for column in table.columns)
            if not read and not holds_keys and not carried and table.name not in row_sources:
                what = "table" if table.own else "input"
                self.problem(table.place, f"{what} {table.name} is never read", "remove it, or use it")
        for name, quantity in quantities.items():
            if name not in used | paid and not quantity.report and quantity.key is None:
                self.problem(
                    quantity.place,
                    f"quantity {name} is neither paid nor used",
                    "report: true if it is there to be read",
                )


def _missing_source(node: Node) -> str | None:
    match node:
        case Prior():
            return f"there is nothing before the first {node.period}"
        case TrailingAverage():
            return f"there are not enough periods before the first {node.period}s"
        case _:
            return None


def signed_hash(content: bytes, files: Mapping[str, bytes]) -> str:
    """SHA-256 over what was signed: the contract's bytes, then each file beside it by name, each with its length."""
    digest = hashlib.sha256()
    for name, data in [("", content), *sorted(files.items())]:
        digest.update(f"{name}\n{len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def _said_once(problems: list[Problem]) -> list[Problem]:
    """One message for a name that nothing bears, however often it is used."""
    first: dict[tuple[str, str], Problem] = {}
    lines: dict[tuple[str, str], list[int]] = {}
    for problem in problems:
        said = (problem.place.file, problem.message)
        if said in first and problem.message.startswith("nothing is called"):
            lines.setdefault(said, []).append(problem.place.line)
        else:
            first.setdefault(said if problem.message.startswith("nothing is called") else (str(problem), ""), problem)
    return [
        replace(problem, message=f"{problem.message} (also on line {_some(lines[said])})") if said in lines else problem
        for said, problem in first.items()
    ]


def _some(lines: list[int], most: int = 8) -> str:
    shown = ", ".join(str(line) for line in lines[:most])
    return shown if len(lines) <= most else f"{shown} and {len(lines) - most} more"


def _in_order(problems: list[Problem]) -> list[Problem]:
    unique = _said_once(list(dict.fromkeys(problems)))
    return sorted(unique, key=lambda problem: (problem.place.file, problem.place.line, problem.place.column))
