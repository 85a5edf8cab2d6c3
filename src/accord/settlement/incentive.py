"""Incentives: what marginal values say of a contract, row by row, and added up by one of the keys.

A step that ought to bring more (one more patient treated) stands against one that ought to bring less (one more
personalised care adjustment). Where the second brings as much, or where neither brings anything, the contract does not
pay for what it is meant to pay for. Everything else is held fixed, national figures too.
"""

# pyarrow has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from accord.engine.database import quoted
from accord.language.contract import Contract
from accord.language.problem import nearest
from accord.settlement import wording
from accord.settlement.marginal import STANDING, MarginalValues, Probe, Probes

Kind = Literal["as meant", "perverse", "nothing yet", "all earned", "no difference"]

KINDS: dict[Kind, str] = {
    "as meant": "the first step brings more",
    "perverse": "another step brings as much, or more",
    "nothing yet": "nothing: below the lower threshold",
    "all earned": "nothing: everything is earned",
    "no difference": "nothing: too small a step, or no money",
}
"""What a row where the step is possible is like, and that in words."""

ROUNDED = (
    "A single step is rounded as the contract says. Where it is worth about as little as the rounding, two steps can"
    " bring the same by rounding alone; averages even that out."
)
"""How the kinds of single rows are to be read."""

CHARTED = 60
"""Rows of a chart; what lies beyond is in the tables and the CSV file."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What a probe brings over the rows where it is possible: the middle one, the least, the most, all together."""

    rows: int
    middle: Fraction
    least: Fraction
    most: Fraction
    total: Fraction

    @property
    def average(self) -> Fraction:
        """For a row, on average, to a hundredth of a penny: roundings of single rows even out here."""
        return Fraction(round(self.total * 10_000 / self.rows), 10_000)


@dataclass(frozen=True, slots=True)
class Incentive:
    """The rows of one member of a key: how many, in how many a step is possible, of which kinds, and their worth."""

    member: str
    rows: int
    possible: int
    kinds: Mapping[Kind, int]
    worth: Mapping[str, Worth]
    """By probe; without rows where it is possible it is not there."""

    def share(self, probe: str, of: str) -> Fraction | None:
        """What one probe brings for what another brings, all rows together."""
        there = self.worth.get(of)
        return self.worth[probe].total / there.total if there is not None and there.total > 0 else None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the probed input: what each probe would bring there."""

    keys: tuple[str, ...]
    amounts: Mapping[str, Fraction]
    kind: Kind


@dataclass(frozen=True)
class Incentives:
    """What the marginal values of a contract come to."""

    contract: Contract
    probes: Probes
    keys: tuple[str, ...]
    by: tuple[str, ...]
    where: Mapping[str, str]
    worlds: int
    groups: tuple[Incentive, ...]
    whole: Incentive
    perverse: tuple[Row, ...]
    """Where another step brings most beyond the one that ought to bring more."""
    richest: tuple[Row, ...]
    """Where the step that ought to bring more brings most."""
    values: MarginalValues

    @property
    def first(self) -> Probe:
        """The probe that ought to bring more."""
        return first_of(self.probes)

    @property
    def others(self) -> tuple[Probe, ...]:
        """The probes that ought to bring less."""
        return tuple(probe for probe in self.probes.probes if probe.against == self.first.name)

    @property
    def by_text(self) -> str:
        """What the groups are."""
        return wording.listed(wording.words(key) for key in self.by)

    @property
    def findings(self) -> tuple[str, ...]:
        """What stands out, in sentences."""
        whole = self.whole
        if not whole.possible:
            return ("In no row is a step possible.",)

        def told(kind: Kind) -> str:
            return f"{whole.kinds[kind]:,} of {whole.possible:,} rows ({whole.kinds[kind] / whole.possible:.1%})"

        first = _lower(self.first.title)
        lines: list[str] = []
        for other in self.others:
            lines.append(f"{_lower(other.title)} brings as much as {first}, or more, in {told('perverse')}.")
            share = whole.share(other.name, self.first.name)
            if share is not None:
                lines.append(f"All rows together it brings {float(share):.0%} of what {first} brings.")
        lines.append(f"Neither brings anything, for not enough is done yet, in {told('nothing yet')}.")
        lines.append(f"Neither brings anything, for everything is earned, in {told('all earned')}.")
        if whole.kinds["no difference"]:
            lines.append(f"Neither brings anything, for the step is too small, in {told('no difference')}.")
        return tuple(line[:1].upper() + line[1:] for line in lines)

    def name_of(self, keys: Sequence[str], row: Sequence[str]) -> str:
        """A row as a reader knows it, by its members only."""
        return ", ".join(wording.member_name(self.contract, key, one) for key, one in zip(keys, row, strict=True))

    def money(self, amount: Fraction) -> str:
        """An amount in the contract's currency."""
        return wording.money(amount, self.contract.currency)

    def pence(self, amount: Fraction) -> str:
        """An average in the contract's currency, to the penny."""
        return self.money(Fraction(round(amount * 100), 100))

    def as_json(self) -> dict[str, object]:
        """The same as plain data; amounts are exact decimals as texts."""
        return {
            "contract": self.contract.name,
            "title": self.probes.title,
            "money": self.probes.money,
            "currency": self.contract.currency,
            "worlds": self.worlds,
            "probes": {probe.name: probe.title for probe in self.probes.probes},
            "by": list(self.by),
            "where": dict(self.where),
            "kinds": dict(KINDS),
            "findings": list(self.findings),
            "all": _group_json(self.whole),
            "groups": [_group_json(group) for group in self.groups],
            "perverse": [self._row_json(row) for row in self.perverse],
            "richest": [self._row_json(row) for row in self.richest],
        }

    def _row_json(self, row: Row) -> dict[str, object]:
        amounts = {probe: wording.plain(amount) for probe, amount in row.amounts.items()}
        return {**dict(zip(self.keys, row.keys, strict=True)), **amounts, "kind": row.kind}


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]


def _group_json(group: Incentive) -> dict[str, object]:
    return {
        "member": group.member,
        "rows": group.rows,
        "possible": group.possible,
        "kinds": dict(group.kinds),
        "worth": {
            probe: {
                "average": wording.plain(worth.average),
                "middle": wording.plain(worth.middle),
                "least": wording.plain(worth.least),
                "most": wording.plain(worth.most),
                "total": wording.plain(worth.total),
            }
            for probe, worth in group.worth.items()
        },
    }


def first_of(probes: Probes) -> Probe:
    """The probe that ought to bring more: the one that another stands against, else the first."""
    named = next((probe.against for probe in probes.probes if probe.against), probes.probes[0].name)
    return next(probe for probe in probes.probes if probe.name == named)


def incentives(
    contract: Contract,
    values: MarginalValues,
    *,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    top: int = 20,
) -> Incentives:
    """What marginal values come to, added up by keys.

    Args:
        contract: the contract that was probed.
        values: from :func:`accord.settlement.marginal.marginal`.
        by: keys of the probed input; without them the last that is not a period, such as the indicator.
        where: only rows with these members, by key; a period by its first day or its usual name.
        top: how many single rows are listed at the ends.

    Raises:
        Misused: no such key, or no row with these members.
    """
    from accord.settlement.calls import usage

    where = dict(where or {})
    for place, named in (("--by", by), ("marginal", where)):
        for key in named:
            if key not in values.keys:
                fix = nearest(key, list(values.keys)) or f"its keys are {wording.listed(values.keys)}"
                raise usage(place, f"{key} is not a key of what is probed", fix)
    for key, member in where.items():
        labels = {item.name: item.label for item in contract.keys[key].items}
        where[key] = labels.get(member, member)
    by = tuple(by) or tuple(key for key in values.keys if not contract.keys[key].is_period)[-1:] or values.keys[:1]
    with _Counted(values, where) as counted:
        whole = counted.groups(())
        if not whole[0].rows:
            told = ", ".join(f"{key}={member}" for key, member in where.items())
            raise usage("marginal", f"no row that is probed has {told}", "look into the input for what it has")
        named = [_named(contract, by, group) for group in counted.groups(by)]
        return Incentives(
            contract,
            values.probes,
            values.keys,
            by,
            where,
            values.worlds,
            tuple(named),
            whole[0],
            counted.rows("kind = 'perverse'", "other - first desc, other desc", top),
            counted.rows("first > 0", "first desc", top),
            values,
        )


def _named(contract: Contract, by: Sequence[str], group: Incentive) -> Incentive:
    """A group whose member is written as a reader knows it."""
    members = group.member.split("\0")
    name = ", ".join(wording.member_name(contract, key, one) for key, one in zip(by, members, strict=True))
    return Incentive(name, group.rows, group.possible, group.kinds, group.worth)


class _Counted:
    """Marginal values with the kind of each row, counted and added up in whole numbers."""

    def __init__(self, values: MarginalValues, where: Mapping[str, str]) -> None:
        from accord.engine.database import in_memory

        self.keys = values.keys
        self.probes = [probe.name for probe in values.probes.probes]
        self.power = 10**values.places
        self.connection = in_memory()
        self.connection.register("worth", values.data)
        first = first_of(values.probes)
        others = [quoted(probe.name) for probe in values.probes.probes if probe.against == first.name]
        other = f"greatest({', '.join(others)})" if others else "null::decimal(38, 0)"
        standing = quoted(STANDING) if STANDING in values.data.column_names else "null"
        conditions = [f"{quoted(key)} = $member_{number}" for number, key in enumerate(where)]
        self.connection.execute(
            f"""create table judged as
            select *, case
                when first is null then null
                when first = 0 and coalesce(other, 0) <= 0 then
                    case {standing} when 'nothing' then 'nothing yet' when 'all' then 'all earned'
                    else 'no difference' end
                when first < 0 or other >= first then 'perverse'
                else 'as meant' end as kind
            from (select *, {quoted(first.name)} as first, {other} as other from worth
                  {f"where {' and '.join(conditions)}" if conditions else ""})""",
            {f"member_{number}": member for number, member in enumerate(where.values())},
        )

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def groups(self, by: Sequence[str]) -> list[Incentive]:
        """One for each member of the keys, in their order; one for everything without keys."""
        member = " || chr(0) || ".join(quoted(key) for key in by) or "''"
        counts = ", ".join(f"count(*) filter (where kind = '{kind}')" for kind in KINDS)
        amounts = ", ".join(
            f"{how}::hugeint"
            for probe in map(quoted, self.probes)
            for how in (f"quantile_disc({probe}, 0.5)", f"min({probe})", f"max({probe})", f"sum({probe})")
        )
        sql = f"select {member} as member, count(*), count(first), {counts}, {amounts} from judged"
        return [
            self._group(row)
            for row in self.connection.execute(f"{sql} group by 1 order by 1" if by else sql).fetchall()
        ]

    def _group(self, row: Sequence[object]) -> Incentive:
        kinds: dict[Kind, int] = {kind: int(str(count)) for kind, count in zip(KINDS, row[3:], strict=False)}
        amounts = row[3 + len(KINDS) :]
        worth: dict[str, Worth] = {}
        for number, probe in enumerate(self.probes):
            four = amounts[4 * number : 4 * number + 4]
            if four[0] is not None:
                worth[probe] = Worth(int(str(row[2])), *(Fraction(int(str(one)), self.power) for one in four))
        return Incentive(str(row[0]), int(str(row[1])), int(str(row[2])), kinds, worth)

    def rows(self, where: str, order: str, most: int) -> tuple[Row, ...]:
        """Single rows, the first of an order."""
        keys = ", ".join(quoted(key) for key in self.keys)
        amounts = ", ".join(f"{quoted(probe)}::hugeint" for probe in self.probes)
        sql = f"select {keys}, kind, {amounts} from judged where {where} order by {order}, {keys} limit {most}"
        size = len(self.keys)
        return tuple(
            Row(
                tuple(row[:size]),
                {
                    probe: Fraction(amount, self.power)
                    for probe, amount in zip(self.probes, row[size + 1 :], strict=True)
                    if amount is not None
                },
                row[size],
            )
            for row in self.connection.execute(sql).fetchall()
        )

    def listed(self) -> tuple[list[str], list[tuple[object, ...]]]:
        """Every row: keys, what each probe brings as a whole number (or nothing), its kind."""
        heads = [*self.keys, *self.probes, "kind"]
        named = ", ".join(quoted(name) for name in (*self.keys, *self.probes))
        sql = f"select {named}, coalesce(kind, 'no step') from judged order by all"
        return heads, self.connection.execute(sql).fetchall()


def write_csv(found: Incentives, path: Path) -> int:
    """Every row with what each probe would bring there, and of which kind it is; gives the number of rows."""
    import csv

    from accord.settlement.run import safe_cell
    from accord.settlement.storage import placed

    first, last = len(found.keys), len(found.keys) + len(found.probes.probes)
    with _Counted(found.values, found.where) as counted, path.open("w", encoding="utf-8", newline="") as file:
        heads, rows = counted.listed()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heads)
        for row in rows:
            amounts = ("" if one is None else placed(str(one), found.values.places) for one in row[first:last])
            writer.writerow([*(safe_cell(str(key)) for key in row[:first]), *amounts, row[-1]])
    return len(rows)


def html(found: Incentives) -> str:
    """The report as one web page with charts."""
    from accord.settlement import chart
    from accord.settlement.page import render

    def pounds(value: float) -> str:
        return wording.money(Fraction(round(value * 100), 100), found.contract.currency)

    ordered = sorted(
        (group for group in found.groups if group.possible),
        key=lambda group: (-group.kinds["perverse"] / group.possible, group.member),
    )[:CHARTED]
    names = [found.first.name, *(other.name for other in found.others)]
    titles = {probe.name: probe.title for probe in found.probes.probes}
    kinds = chart.stacked(
        f"What a step brings, by {found.by_text}",
        "Each bar is all rows where a step is possible; on the right, how many",
        list(KINDS.values()),
        [(group.member, [group.kinds[kind] for kind in KINDS]) for group in ordered],
    )
    rich = sorted(ordered, key=lambda group: -group.worth[names[0]].average)
    worth = chart.dots(
        f"What one step brings on average, by {found.by_text}",
        "Where two dots meet, a step that ought to bring less is worth as much as the one that ought to bring more",
        [titles[name] for name in names],
        [(group.member, [float(group.worth[name].average) for name in names]) for group in rich],
        pounds,
    )
    charts = (kinds, worth) if ordered else ()
    return render(
        "incentive.html.j2", found=found, charts=charts, kinds=KINDS, names=names, titles=titles, most=CHARTED,
        rounded=ROUNDED, wording=wording,
    )  # fmt: skip
