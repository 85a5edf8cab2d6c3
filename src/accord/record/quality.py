"""Quality: how whole, timely, consistent and linked a record is: measured once, shown as a page or as plain data.

What may leave the place shows no small number: counts of 1 to 7 are hidden, others are rounded to the nearest 5, shares
to whole percents, and the months of a provider are compared with its own usual month, not counted (the rule is that of
Hospital Episode Statistics, ``facts``: 1 to 7 suppressed, rounded to 5). Inside, everything is exact.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from accord.engine.database import quoted, text_literal
from accord.record import definition, plausibility
from accord.record.disclosure import nearest, rules
from accord.record.record import Record

if TYPE_CHECKING:
    import duckdb
    from jinja2 import Environment

MONTHS = 24
"""So many months, up to the last with events, are compared for gaps."""

PROVIDERS = 40
"""So many organisations, those with most rows, are shown for gaps in each table."""

PROMPT = 31
"""Days within which a row is called prompt."""

Level = Literal["before", "none", "low", "usual", "high"]
"""A month of an organisation, against the middle of its own months: nothing, under half, usual, over one and a half;
``before`` its first month with anything there is no gap."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A column of a table, and in how many rows it has a value."""

    column: str
    required: bool
    rows: int


@dataclass(frozen=True, slots=True)
class TableQuality:
    """What is measured of one table. ``delays``: days from happening to being known, at the middle and at nine tenths.

    ``linked`` are rows whose person is in ``people``; ``doubled`` are rows that say what another row of the same person
    says under another key.
    """

    table: str
    title: str
    rows: int
    persons: int | None
    linked: int | None
    doubled: int
    first_day: dt.date | None
    last_day: dt.date | None
    delay_middle: int | None
    delay_ninth: int | None
    prompt: int | None
    columns: tuple[Filled, ...]


@dataclass(frozen=True, slots=True)
class Months:
    """One organisation's months in one table."""

    organisation: str
    rows: int
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Gaps:
    """The months of a table, and how each organisation's compare. ``others`` organisations are not shown."""

    table: str
    title: str
    months: tuple[str, ...]
    organisations: tuple[Months, ...]
    others: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was counted: in which table, what, and what is done about it."""

    table: str
    what: str
    rule: str
    rows: int


@dataclass(frozen=True, slots=True)
class Rejects:
    """Rows that were read and not kept, for one reason."""

    table: str
    column: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the rows of one kind of file."""

    source: str
    kind: str
    files: int
    rows: int
    kept: int
    unchanged: int
    rejected: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of one generation of a record."""

    generation: str
    people: int
    rows: int
    loads: int
    last_load: str | None
    tables: tuple[TableQuality, ...]
    delivered: tuple[Delivered, ...]
    aside: tuple[Rejects, ...]
    rejects: tuple[Rejects, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gaps, ...]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Everything, exact: for use inside only."""
        return _plain(asdict(self))  # type: ignore[return-value]  # a dataclass gives a mapping


def quality(record: Record) -> Quality:
    """Measure the quality of a record, as it stands now."""
    from accord.engine.database import in_memory

    con = in_memory()
    try:
        con.execute("set preserve_insertion_order = false")
        return _Measuring(con, record).quality()
    finally:
        con.close()


class _Measuring:
    """Measures one record; the rows that stand are views by the name of their table."""

    def __init__(self, con: duckdb.DuckDBPyConnection, record: Record) -> None:
        self.con, self.record = con, record
        self.there: dict[str, definition.Table] = {}
        for name, table in definition.tables().items():
            files = record.files(name)
            if files:
                listed = ", ".join(text_literal(str(path)) for path in files)
                stands = "" if table.derived else " where known_until is null"
                con.execute(f"create view {quoted(name)} as select * from read_parquet([{listed}]){stands}")
                self.there[name] = table

    def quality(self) -> Quality:
        """Everything."""
        manifest: Mapping[str, Any] = self.record.manifest
        loads: Sequence[Mapping[str, Any]] = manifest.get("loads") or []
        loaded = {name: table for name, table in self.there.items() if not table.derived}
        tables = tuple(self._table(table) for table in loaded.values())
        return Quality(
            generation=self.record.generation.name,
            people=self._one("select count(*) from people") if "people" in self.there else 0,
            rows=sum(table.rows for table in tables),
            loads=len(loads),
            last_load=str(loads[-1].get("day")) if loads else None,
            tables=tables,
            delivered=_delivered(manifest.get("files") or []),
            aside=_aside(manifest.get("files") or []),
            rejects=self._rejects(),
            findings=tuple(finding for finding in self._findings() if finding.rows),
            gaps=tuple(gaps for table in loaded.values() if (gaps := self._gaps(table))),
            warnings=tuple(problem.message for problem in plausibility.warnings(self.con, self.record)),
        )

    def _one(self, query: str) -> int:
        found = self.con.execute(query).fetchall()[0][0]
        return int(found or 0)

    def _table(self, table: definition.Table) -> TableQuality:
        name = quoted(table.name)
        personal = table.of_persons != "none"
        happened = _happened(table)
        counted = ", ".join(f"count({quoted(column.name)})" for column in table.columns)
        delay = f"date_diff('day', {happened}, known_from)" if happened else ""
        late = (
            f"quantile_disc({delay}, 0.5), quantile_disc({delay}, 0.9), count(*) filter (where {delay} <= {PROMPT}), "
            f"min({happened}), max({happened})"
            if happened
            else "null, null, null, null, null"
        )
        persons = "count(distinct person)" if personal else "null"
        row = self.con.execute(f"select count(*), {persons}, {late}, {counted} from {name}").fetchall()[0]
        rows, distinct, middle, ninth, prompt, first, last, *filled = row
        linked = None
        if personal and table.name != "people" and "people" in self.there:
            linked = self._one(f"select count(*) from {name} semi join people using (person)")
        return TableQuality(
            table=table.name,
            title=table.title,
            rows=rows,
            persons=distinct,
            linked=linked,
            doubled=self._doubled(table),
            first_day=first,
            last_day=last,
            delay_middle=middle,
            delay_ninth=ninth,
            prompt=prompt,
            columns=tuple(
                Filled(column.name, column.required, number)
                for column, number in zip(table.columns, filled, strict=True)
            ),
        )

    def _doubled(self, table: definition.Table) -> int:
        own = ", ".join(quoted(column.name) for column in table.columns)
        whose = "person, " if table.of_persons != "none" else ""
        return self._one(
            f"select sum(n - 1) from (select count(*) as n from {quoted(table.name)} "
            f"group by {whose}hash({own}) having n > 1)"
        )

    def _gaps(self, table: definition.Table) -> Gaps | None:
        happened = _happened(table)
        names = [column.name for column in table.columns]
        by = next((name for name in ("provider", "practice", "council") if name in names), None)
        if happened is None or by is None or table.name in ("registrations", "residences", "conditions"):
            return None
        month = f"date_trunc('month', {happened})::date"
        last = self.con.execute(
            # a day that lies ahead of the day on which it was known would move the months that are looked at
            f"select coalesce(max({month}) filter (where {happened} <= known_from), max({month})) "
            f"from {quoted(table.name)} where {quoted(by)} is not null"
        ).fetchall()[0][0]
        if last is None:
            return None
        first = self.con.execute(
            f"select min({month}) from {quoted(table.name)} where {quoted(by)} is not null"
        ).fetchall()[0][0]
        months = [each for back in range(MONTHS - 1, -1, -1) if (each := _months_before(last, back)) >= first]
        begun = dict(
            self.con.execute(
                f"select {quoted(by)}, min({month}) from {quoted(table.name)} where {quoted(by)} is not null group by 1"
            ).fetchall()
        )
        counts = self.con.execute(
            f"select {quoted(by)}, {month}, count(*) from {quoted(table.name)} "
            f"where {quoted(by)} is not null and {month} between ? and ? group by all",
            [months[0], months[-1]],
        ).fetchall()
        found: dict[str, dict[dt.date, int]] = {}
        for organisation, each, number in counts:
            found.setdefault(organisation, {})[each] = number
        order = sorted(found, key=lambda each: (-sum(found[each].values()), each))
        shown = tuple(
            Months(each, sum(found[each].values()), _levels([found[each].get(m) for m in months], months, begun[each]))
            for each in order[:PROVIDERS]
        )
        return Gaps(table.name, table.title, tuple(f"{m:%Y-%m}" for m in months), shown, max(0, len(order) - PROVIDERS))

    def _rejects(self) -> tuple[Rejects, ...]:
        files = sorted((self.record.generation / "rejects").glob("*.parquet"))
        if not files:
            return ()
        listed = ", ".join(text_literal(str(path)) for path in files)
        found = self.con.execute(
            "select coalesce(\"table\", ''), coalesce(\"column\", ''), reason, count(*) as rows "
            f"from read_parquet([{listed}], union_by_name = true) group by all order by rows desc, 1, 2, 3"
        ).fetchall()
        return tuple(Rejects(*each) for each in found)

    def _findings(self) -> list[Finding]:
        """What contradicts itself in rows that stand, and the rule by which it is used all the same."""
        found: list[Finding] = []
        if "episodes" in self.there:
            found += self._of_episodes()
        if "registrations" in self.there:
            overlapping = self._one(
                "select count(*) from "
                "(select since, lag(max_until) over (partition by person order by since, row) as before "
                "from (select person, row, since, max(coalesce(until, date '9999-12-31')) over "
                "(partition by person order by since, row) as max_until from registrations)) where since < before"
            )
            rule = "the later registration ends the earlier on its first day, so that everybody has one practice a day"
            found.append(
                Finding("registrations", "a registration begins before an earlier one has ended", rule, overlapping)
            )
        if "deaths" in self.there:
            for name, day in (
                ("consultations", "day"),
                ("attendances", "day"),
                ("episodes", "since"),
                ("outpatients", "day"),
            ):
                if name in self.there:
                    late = self._one(
                        f"select count(*) from {name} e join deaths d using (person) where e.{day} > d.day"
                    )
                    found.append(Finding(name, "it happened after the person's death", "it stands as it is", late))
        return found

    def _of_episodes(self) -> list[Finding]:
        far = "date '9999-12-31'"
        told_twice = self._one(
            "select sum(n - 1) from "
            "(select count(*) as n from episodes group by person, spell, episode, since having n > 1)"
        )
        self.con.execute(
            f"""
            create temp table spells as
            select person, spell, min(least(admitted, since)) as admitted, max(discharged) as discharged,
                count(distinct discharged) as discharges, count(distinct provider) as providers,
                arg_max(patient_class, since) as class,
                arg_max(discharge_destination, coalesce(until, {far})) as went_to,
                arg_min(admission_source, since) as came_from
            from episodes group by person, spell
            """
        )
        overlapping, received_from_home, sent_nowhere = self.con.execute(
            f"""
            select count(*) filter (where admitted < before_ended),
                count(*) filter (where admitted - before_ended between 0 and 2 and before_to = '19'
                    and came_from in ('51', '52', '53')),
                count(*) filter (where admitted - before_ended between 0 and 2 and before_to in ('51', '52', '53')
                    and came_from = '19')
            from (
                select admitted, came_from, lag(discharged) over earlier as before_ended,
                    lag(went_to) over earlier as before_to
                from spells where coalesce(class, '1') not in ('3', '4')
                window earlier as (partition by person order by admitted, coalesce(discharged, {far}), spell)
            )
            """
        ).fetchall()[0]
        unfinished = self._one(
            "select count(*) from spells s where discharged is null and exists (select 1 from spells o "
            "where o.person = s.person and o.admitted > s.admitted and coalesce(o.class, '1') not in ('2', '3', '4'))"
        )
        contradicting = self._one("select count(*) from spells where discharges > 1")
        several = self._one("select count(*) from spells where providers > 1")
        return [
            Finding("episodes", "an episode is told twice", "the finished one, then the later end, counts", told_twice),
            Finding("episodes", "a spell begins before an earlier one of the person has ended",
                    "joined to it with a sign of transfer, otherwise two admissions", int(overlapping)),
            Finding("episodes", "a spell without a day of discharge is followed by an ordinary admission",
                    "it ended then, if that came from a hospital; otherwise on the last day it shows", unfinished),
            Finding("episodes", "a spell has several days of discharge", "the last of them counts", contradicting),
            Finding("episodes", "a spell has several providers",
                    "it stays one spell, from the first of them to the last", several),
            Finding("episodes", "home, and within two days received from a hospital",
                    "one admission, unless the second is by method 21", int(received_from_home)),
            Finding("episodes", "sent to a hospital, and within two days admitted from home",
                    "one admission", int(sent_nowhere)),
        ]  # fmt: skip


def _happened(table: definition.Table) -> str | None:
    names = [column.name for column in table.columns]
    return next((name for name in ("day", "since") if name in names and table.of_persons != "none"), None)


def _months_before(month: dt.date, back: int) -> dt.date:
    number = month.year * 12 + month.month - 1 - back
    return dt.date(number // 12, number % 12 + 1, 1)


def _levels(counts: Sequence[int | None], months: Sequence[dt.date], begun: dt.date) -> tuple[Level, ...]:
    """Each month against the middle of the months; months before the first with anything are no gaps."""
    some = sorted(number for number in counts if number)
    middle = some[len(some) // 2] if some else 0
    levels: list[Level] = []
    for number, month in zip(counts, months, strict=True):
        if not number:
            levels.append("before" if month < begun else "none")
        elif 2 * number < middle:
            levels.append("low")
        elif 2 * number > 3 * middle:
            levels.append("high")
        else:
            levels.append("usual")
    return tuple(levels)


def _delivered(files: Sequence[Mapping[str, Any]]) -> tuple[Delivered, ...]:
    found: dict[tuple[str, str], list[int]] = {}
    for file in files:
        sums = found.setdefault((str(file["source"]), str(file["kind"])), [0] * 6)
        aside = sum(dict(file["set_aside"]).values())
        values = (1, file["rows"], file["kept"], file["unchanged"], file["rejected"], aside)
        for place, value in enumerate(values):
            sums[place] += int(value)
    return tuple(Delivered(source, kind, *sums) for (source, kind), sums in sorted(found.items()))


def _aside(files: Sequence[Mapping[str, Any]]) -> tuple[Rejects, ...]:
    found: dict[tuple[str, str], int] = {}
    for file in files:
        for reason, rows in dict(file["set_aside"]).items():
            found[str(file["source"]), reason] = found.get((str(file["source"]), reason), 0) + int(rows)
    order = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return tuple(Rejects(source, "", reason, rows) for (source, reason), rows in order)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, dt.date) else value


# the page

PAGES = Path(__file__).parents[1] / "settlement" / "templates"
"""Where the style that all pages share is kept: read as a file, since the record knows nothing of settlement."""


@dataclass(frozen=True, slots=True)
class Showing:
    """How numbers are shown: exact inside, and so that no small number can be seen in what may leave."""

    inside: bool

    def enough(self, number: int) -> bool:
        """Whether so many rows are enough to say something of them."""
        return self.inside or number > rules().most

    def count(self, number: int | None) -> str:
        """A count."""
        by = rules()
        if number is None:
            return "–"
        if self.inside:
            return f"{number:,}"
        return f"{by.least} to {by.most}" if by.small(number) else f"{nearest(number, by.step):,}"

    def share(self, part: int | None, whole: int | None) -> str:
        """A share in whole percents; not quite all is never shown as all, nor what few make, or few lack, exactly."""
        if part is None or not whole or not self.enough(whole):
            return "–"
        percent = (200 * part + whole) // (2 * whole)
        few = self._percent_of_few(whole)
        if (percent == 0 and part) or self._hidden(part):
            return f"< {few}%"
        if (percent == 100 and part < whole) or self._hidden(whole - part):
            return f"> {100 - few}%"
        return f"{percent}%"

    def width(self, part: int, whole: int) -> int:
        """The same share as the width of a bar, in percents."""
        if not whole or not self.enough(whole) or self._hidden(part):
            return 0
        return 100 if self._hidden(whole - part) else (200 * part + whole) // (2 * whole)

    def _hidden(self, number: int) -> bool:
        return not self.inside and rules().small(number)

    def _percent_of_few(self, whole: int) -> int:
        """The share that is surely more than a hidden count makes; inside, where nothing is hidden, 1 percent."""
        return 1 if self.inside else -(-100 * (rules().most + 1) // whole)


def page(measured: Quality, *, inside: bool = False) -> str:
    """The quality report as a web page that stands alone. Without ``inside`` it shows no small number."""
    return _environment().get_template("quality.html.j2").render(q=measured, show=Showing(inside), inside=inside)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([Path(__file__).parent / "templates", PAGES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
