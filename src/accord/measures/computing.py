"""Computing: measures over a record, many at once; what they share is made once a session.

A measure's select gives one row a thing that counts. The frame here does the rest, the same for every measure: days
outside the window are left out, people who were not registered (or resident) on the day are counted apart, ages and
sex are applied to rows and population alike, and numerators and denominators are added up as whole numbers, by
organisation, period and stratum. Rates are made last, from sums: never an average of rates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from accord.language.calendar import ONE_DAY, add_months, period_name
from accord.language.place import Place
from accord.language.problem import AccordError, Problem, nearest
from accord.measures import matching
from accord.measures.card import Ages, Card
from accord.measures.codelist import CodeList
from accord.measures.limit import LIMIT
from accord.measures.measure import Measure, Part
from accord.record import column
from accord.record.column import ColumnType
from accord.record.portable import MeasureRefused, Select, read_select
from accord.record.subset import Kind

if TYPE_CHECKING:
    from types import TracebackType

    import pyarrow as pa

    from accord.record.engines import Engine, EngineKind
    from accord.record.record import Record

Every = Literal["month", "quarter", "financial year", "year", "whole"]
"""How long a period is; ``whole`` is the whole window."""

EVERY: Mapping[str, int] = {"month": 1, "quarter": 3, "financial year": 12, "year": 12}
LEVELS = ("practice", "network", "neighbourhood", "board", "council", "all")
"""What figures can be added up by. The whole record is ``all``, under the name ``all``."""

OWN_STRATA = ("sex", "age_band", "deprivation")
ALL = "all"
FAR = dt.date(2101, 1, 1)
"""A day after every day of the calendar: the end of a span that has none."""

NOT_KNOWN = "not known"
"""The name of what a stratum or a level is where the record does not say."""

OLDEST = 130
"""Full years up to which ages are put into bands."""


class MeasureMisused(AccordError):
    """Measures were asked for something that they cannot give. Exit code 2."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Period:
    """A period asked for. ``label`` is the ISO date of its first day, as in the inputs of a contract."""

    label: str
    first: dt.date
    last: dt.date
    name: str

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums of one measure, as whole numbers: one row for each organisation of the lowest level, period and stratum.

    ``table`` has ``organisation``, ``period``, the strata, ``numerator``, ``denominator`` (missing in a total),
    ``events`` (rows whose numerator is not 0) and ``excluded`` (rows that count in neither).
    """

    measure: Measure
    strata: tuple[str, ...]
    table: pa.Table
    outside: Mapping[str, int]
    """By period, rows of people who were not in the population on the day."""


def no_step(name: str) -> None:
    """Say nothing."""


def called(value: object) -> str:
    """What a stratum or an organisation is called, known or not."""
    return NOT_KNOWN if value is None else str(value)


def periods(first: dt.date, until: dt.date, every: Every) -> tuple[Period, ...]:
    """The periods from ``first`` to the day before ``until``.

    Raises:
        MeasureMisused: the window does not begin and end where such periods do.
    """
    last = until - ONE_DAY
    if last < first:
        message = f"the window from {first} until {until} has no day"
        raise MeasureMisused(Problem(Place("--until", 0, 0), message, "until is the first day after it"))
    if every == "whole":
        return (Period(first.isoformat(), first, last, period_name(first, last)),)
    begins = {"month": range(1, 13), "quarter": (1, 4, 7, 10), "financial year": (4,), "year": (1,)}[every]
    found: list[Period] = []
    start = first
    while start < until:
        if start.day != 1 or start.month not in begins:
            fix = "begin on 1 April" if every == "financial year" else f"begin on the first day of a {every}"
            raise MeasureMisused(Problem(Place("--from", 0, 0), f"no {every} begins on {start}", fix))
        after = add_months(start, EVERY[every])
        if after > until:
            message = f"the {every} from {start} does not end before {until}"
            raise MeasureMisused(Problem(Place("--until", 0, 0), message, f"--until {start} or --until {after}"))
        found.append(Period(start.isoformat(), start, after - ONE_DAY, period_name(start, after - ONE_DAY)))
        start = after
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Contributions:
    """What people make of one sum: how many they are, all that they make of it, and what the two largest make.

    Of a person with corrections, what is left counts without its sign: a sum of 0 may be two people's.
    """

    people: int = 0
    whole: int = 0
    largest: int = 0
    second: int = 0

    def __add__(self, other: Contributions) -> Contributions:
        """Those of two sums together."""
        parts = sorted((self.largest, self.second, other.largest, other.second), reverse=True)
        return Contributions(self.people + other.people, self.whole + other.whole, parts[0], parts[1])


class Session:
    """Measures over one record in one window. Parts, code lists, the roster and populations are made once."""

    def __init__(
        self,
        record: Record,
        *,
        first: dt.date,
        until: dt.date,
        every: Every | Sequence[Period] = "whole",
        engine: EngineKind = "duckdb",
        threads: int | None = None,
        memory: str | None = None,
        limit: float | None = LIMIT,
        on_step: Callable[[str], None] = no_step,
    ) -> None:
        """Open the record with an engine; use the session in a ``with`` block, or close it.

        Args:
            record: the record.
            first: the first day that counts.
            until: the first day that no longer counts.
            every: how long the periods are; or the periods themselves (of a contract), in order, within these days.
            engine: ``duckdb`` or ``spark``.
            threads: how many the engine may use.
            memory: how much the engine may use, such as ``8GB``.
            limit: the seconds that one select (a measure, or a part of one) may take; ``None``: without end.
            on_step: told what is being computed.
        """
        from accord.record.engines import open_engine

        self._engine_asked = {"threads": threads, "memory": memory, "limit": limit}
        self.periods = periods(first, until, every) if isinstance(every, str) else tuple(every)
        self.on_step = on_step
        self.record = record
        self._known: dict[str, Mapping[str, Kind]] = {}
        self._made: set[str] = set()
        self._rules: dict[tuple[Ages, ...], str] = {}
        self._populations: dict[tuple[object, ...], pa.Table] = {}
        self._days_of: dict[Ages, str] = {}
        self._parts: dict[tuple[object, ...], str] = {}
        self._codes: dict[str, list[tuple[str, str]]] = {}
        self._organisations: list[dict[str, Any]] | None = None
        self.engine: Engine = open_engine(
            record,
            engine,
            threads=threads,
            memory=memory,
            limit=limit,
            first_day=first,
            last_day=until - ONE_DAY,
        )
        try:
            self._bind_periods()
        except BaseException:
            self.engine.close()
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of everything that was made."""
        self.engine.close()

    def of_other_days(self, first: dt.date, until: dt.date, every: Sequence[Period]) -> Session:
        """Another session over the same record, with an engine alike; close it."""
        return Session(
            self.record,
            first=first,
            until=until,
            every=every,
            engine=self.engine.kind,
            **self._engine_asked,  # type: ignore[arg-type]  # as they were given
        )

    # -- what a measure asks for ---------------------------------------------------------------------------------------
    def cells(self, measure: Measure, strata: Sequence[str] = ()) -> Cells:
        """The sums of a measure by organisation, period and the strata named (in that order).

        Raises:
            MeasureMisused: the measure has no such stratum.
        """
        card = measure.card
        for name in strata:
            if name not in OWN_STRATA and name not in card.strata:
                known = (*OWN_STRATA, *card.strata)
                raise MeasureMisused(
                    Problem(
                        Place("--by", 0, 0),
                        f"{card.measure} cannot be divided by {name}",
                        nearest(name, (*LEVELS, *known)) or f"it can be divided by {', '.join(known)}",
                    )
                )
        self.on_step(card.measure)
        counted = self.engine.rows(self._sums(measure, strata))
        _refuse_negative(measure, sum(counted.column("below").to_pylist()))
        sums, outside = _divided(counted, strata)
        if card.kind == "rate":
            apart = [name for name in strata if name in card.strata]
            population = self._population(card, [name for name in strata if name not in apart], self.bands(card))
            sums = _beside(sums, population, strata, apart)
        return Cells(measure, tuple(strata), _table(sums, strata, card.kind == "total"), outside)

    def rows(self, measure: Measure) -> pa.Table:
        """Every row of a measure's select as it stands (inside the boundary only), whoever and whenever it is about."""
        return self._rows(measure, "")

    def rows_of(self, measure: Measure, person: int) -> pa.Table:
        """Every row of a measure's select that is about one person (inside the boundary only)."""
        return self._rows(measure, f" where m.person = {int(person)}")

    def _rows(self, measure: Measure, which: str) -> pa.Table:
        self._prepare(measure)
        named = ", ".join(f'm."{name}"' for name in measure.select.columns)
        return self.engine.rows(self._read(f"{self._with(measure)} select {named} from measured m{which}", measure))

    def about_person(self, table: str, person: int) -> list[dict[str, Any]]:
        """The rows of a table of the record about one person (inside the boundary only)."""
        columns = ", ".join(f"t.{_quoted(name)}" for name in self.engine.columns(table))
        text = f"select {columns} from {_quoted(table)} t where t.person = {int(person)}"
        return self.engine.rows(self._read(text)).to_pylist()

    def members_of(self, who: str, person: int) -> list[dict[str, Any]]:
        """With whom one person was registered (or where they lived), and from when until when."""
        text = f"select r.organisation, r.since, r.until from {self._members(who)} r where r.person = {int(person)}"
        return self.engine.rows(self._read(text)).to_pylist()

    def people(
        self, who: str, day: dt.date, named: Mapping[str, str], within: Sequence[str], *, lives: bool
    ) -> list[tuple[Any, ...]]:
        """How many people are registered (or resident) on a day: organisation, what ``named`` says of each, people.

        ``named`` and ``within`` are expressions over the member ``r``, and where she or he lives, ``l`` (if ``lives``);
        ``within`` says who counts. People of whom the record says nothing (no row in ``people``) are there too, and
        so are those in no known place: the organisation is ``None``.
        """
        literal = f"date '{day}'"
        place = f"left join {self._lives()} l on l.person = r.person and l.since <= {literal} and l.until > {literal}"
        parts = [f"part_{at}" for at in range(len(named))]
        columns = [f"{expression} as {part}" for expression, part in zip(named.values(), parts, strict=True)]
        text = f"""select {", ".join(["m.organisation", *[f"m.{part}" for part in parts], "count(*) as people"])}
            from (
                select {", ".join(["r.organisation as organisation", *columns])}
                from {self._everybody(who)} r {place if lives else ""}
                where {" and ".join([f"r.since <= {literal}", f"r.until > {literal}", *within])}
            ) m
            group by {", ".join(["m.organisation", *[f"m.{part}" for part in parts]])}"""
        table = self.engine.rows(self._read(text))
        return list(zip(*[column.to_pylist() for column in table.columns], strict=True))

    def organisations(self) -> list[dict[str, Any]]:
        """The organisations of the record: code, kind, within, since, until; read once."""
        if self._organisations is None:
            select = self._read("select o.code, o.kind, o.within, o.since, o.until from organisations o")
            self._organisations = list[dict[str, Any]](self.engine.rows(select).to_pylist())
        return self._organisations

    def contributions(
        self, measure: Measure, strata: Sequence[str], quantity: Literal["numerator", "denominator"] = "numerator"
    ) -> list[tuple[str, str, tuple[str, ...], Contributions]]:
        """By organisation, period and stratum: how many people a sum is about, and what the largest of them make.

        ``quantity`` is the numerator, or the denominator of a ratio.
        """
        self._prepare(measure)
        named, groups, source = self._source(measure, strata)
        keys = ", ".join(_quoted(name) for name in ("organisation", "period", *strata))
        part = f"case when m.excluded is null then m.{quantity} end"
        part = part if "excluded" in measure.select.columns else f"m.{quantity}"
        text = f"""{self._with(measure)}, each_person as (
                select {", ".join(named)}, m.person, sum({part}) as part
                {source}
                group by {", ".join([*groups, "m.person"])}
            ), in_order as (
                select {keys}, part,
                    row_number() over (partition by {keys} order by abs(part) desc, person) as place
                from each_person
                where part <> 0
            )
            select {keys}, count(*) as people, sum(abs(part)) as whole, max(abs(part)) as largest,
                coalesce(max(case when place = 2 then abs(part) end), 0) as second
            from in_order
            group by {keys}"""
        found = self.engine.rows(self._read(text, measure)).to_pylist()
        return [
            (
                row["organisation"],
                row["period"],
                tuple(called(row[name]) for name in strata),
                Contributions(row["people"], row["whole"], row["largest"], row["second"]),
            )
            for row in found
            if row["organisation"] is not None
        ]

    # -- the frame's selects -------------------------------------------------------------------------------------------
    def _sums(self, measure: Measure, strata: Sequence[str]) -> Select:
        """Numerators (and denominators of ratios) by organisation, period and stratum."""
        self._prepare(measure)
        named, groups, source = self._source(measure, strata)
        counts = "m.excluded is null" if "excluded" in measure.select.columns else ""
        when = f" filter (where {counts})" if counts else ""
        named.append(f"coalesce(sum(m.numerator){when}, 0) as numerator")
        if measure.card.kind == "ratio":
            named.append(f"coalesce(sum(m.denominator){when}, 0) as denominator")
        named.append(f"count(*) filter (where {counts + ' and ' if counts else ''}m.numerator <> 0) as events")
        named.append(f"{'count(m.excluded)' if counts else 'count(*) - count(*)'} as excluded")
        named.append("count(*) as found")  # rows, whatever they count: those outside the population are told by it
        parts = ("m.numerator", *(("m.denominator",) if measure.card.kind == "ratio" else ()))
        negative = " or ".join(f"{part} < 0" for part in parts)
        named.append(f"count(*) filter (where {f'{counts} and ' if counts else ''}({negative})) as below")
        text = f"select {', '.join(named)} {source} group by {', '.join(groups)}"
        return self._over(self._read(text, measure, measured=True), measure)

    def _source(self, measure: Measure, strata: Sequence[str]) -> tuple[list[str], list[str], str]:
        """Columns of organisation, period and strata, what they are grouped by, and where rows come from."""
        card = measure.card
        joins, columns, condition = self._joined(card, strata, "m.day", ("d.born_by", "d.born_after"))
        own = "practice" in measure.select.columns
        organisation = "m.practice" if own else "r.organisation"
        # a measure that says the practice itself needs nobody's registration, unless ages or sexes are asked for
        known = own and not condition and not {*strata} & {*OWN_STRATA}
        roster = (
            ""
            if known
            else f"""left join {self._members(card.population.who)} r
            on r.person = m.person and r.since <= m.day and r.until > m.day"""
        )
        groups = [organisation, "d.period", *[expression for _, expression in columns]]
        named = [f"{organisation} as organisation", "d.period as period"]
        named += [f"{expression} as {_quoted(name)}" for name, expression in columns]
        source = f"""
            from measured m
            join {self._days(card.population.ages)} d on d.day = m.day
            {roster}
            {joins}
            {f"where r.person is null or ({condition})" if condition else ""}"""
        return named, groups, source

    def _with(self, measure: Measure, part: Part | None = None) -> str:
        """The select of a measure (or of one of its parts) as ``measured``, with its lists and parts by their names."""
        select = measure.select if part is None else part.select
        tables = [
            f"{_quoted(alias)} as (select {', '.join(_list_columns(codes))} from {_list_table(codes)})"
            for alias, codes in measure.lists.items()
            if alias in select.tables
        ]
        for each in measure.parts:
            if each.name in select.tables:
                columns = ", ".join(_quoted(name) for name in each.select.columns)
                tables.append(f"{_quoted(each.name)} as (select {columns} from {self._part_table(measure, each)})")
        return f"with {', '.join([*tables, f'measured as ({chr(10)}{select.text}{chr(10)})'])}"

    def _part_table(self, measure: Measure, part: Part) -> str:
        """Where the rows of a part are kept: one place for one text over the same lists and parts."""
        lists = tuple(codes.id for alias, codes in measure.lists.items() if alias in part.select.tables)
        parts = tuple(self._part_table(measure, one) for one in measure.parts if one.name in part.select.tables)
        key = (part.select.text, lists, parts)
        if key not in self._parts:
            self._parts[key] = f"part_{len(self._parts) + 1}_{part.name}"
        return self._parts[key]

    def _joined(
        self, card: Card, strata: Sequence[str], day: str, born: tuple[str, str]
    ) -> tuple[str, list[tuple[str, str]], str]:
        """Joins, columns of strata, and the condition of who counts, for rows with a member ``r`` on a day.

        ``born`` are the last day of birth of somebody old enough on that day, and the last of somebody too old.
        """
        joins: list[str] = []
        columns: list[tuple[str, str]] = []
        for name in strata:
            if name == "sex":
                columns.append((name, "r.sex"))
            elif name == "age_band":
                joins.append(f"left join {self._ages(self.bands(card))} b on b.age = age_on(r.born, {day})")
                columns.append((name, "b.band"))
            elif name == "deprivation":
                lives = self._lives()
                joins.append(f"left join {lives} l on l.person = r.person and l.since <= {day} and l.until > {day}")
                columns.append((name, "l.deprivation"))
            elif name in card.strata:
                columns.append((name, f"m.{_quoted(name)}"))
        conditions: list[str] = []
        ages, sexes = card.population.ages, card.population.sexes
        if ages is not None:
            conditions.append(f"r.born <= {born[0]}")
            if ages.until is not None:
                conditions.append(f"r.born > {born[1]}")
        if sexes:
            conditions.append("(" + " or ".join(f"r.sex = '{sex}'" for sex in sexes) + ")")
        return "\n".join(joins), columns, " and ".join(conditions)

    def _population(self, card: Card, strata: Sequence[str], bands: tuple[Ages, ...]) -> pa.Table:
        """The people (or person-days) of each organisation, period and stratum; made once for all measures alike."""
        population = card.population
        key = (population, tuple(strata), bands if "age_band" in strata else ())
        if key not in self._populations:
            if population.count == "person-days":
                select = self._person_days(card, strata, bands)
            else:
                select = self._people_on(card, strata)
            self._populations[key] = self.engine.rows(select)
        return self._populations[key]

    def _people_on(self, card: Card, strata: Sequence[str]) -> Select:
        """People on one day of each period: one scan of the roster a day."""
        on: dict[str, dt.date] = {period.label: counted_on(card, period) for period in self.periods}
        selects: list[str] = []
        for label, day in on.items():
            literal = f"date '{day}'"
            ages = card.population.ages or Ages(0, None)
            born = [f"date '{each}'" for each in (born_by(day, ages.since), born_by(day, (ages.until or OLDEST) + 1))]
            joins, columns, condition = self._joined(card, strata, literal, (born[0], born[1]))
            named = [f"{expression} as {_quoted(name)}" for name, expression in columns]
            selects.append(
                f"""select {", ".join(["r.organisation as organisation", f"'{label}' as period", *named])},
                    count(*) as denominator
                from {self._members(card.population.who)} r {joins}
                where r.since <= {literal} and r.until > {literal}{f" and {condition}" if condition else ""}
                group by {", ".join(["r.organisation", *[expression for _, expression in columns]])}"""
            )
        return self._read(" union all ".join(selects))

    def _person_days(self, card: Card, strata: Sequence[str], bands: tuple[Ages, ...]) -> Select:
        """Days that people were there within each period, at an age that counts; a birthday divides a person's days."""
        members = self._members(card.population.who)
        ages = card.population.ages
        spans = bands if "age_band" in strata else ((ages or Ages(0, None)),)
        selects: list[str] = []
        for band in spans:
            low = max(band.since, ages.since) if ages is not None else band.since
            ends = [end for end in (band.until, ages.until if ages is not None else None) if end is not None]
            high = min(ends) if ends else None
            if high is not None and high < low:
                continue
            begins = ["r.since", "p.first_day", *([_birthday(low)] if low else [])]
            finishes = ["r.until", "p.after", *([_birthday(high + 1)] if high is not None else [])]
            begin, finish = f"greatest({', '.join(begins)})", f"least({', '.join(finishes)})"
            named: list[str] = []
            groups: list[str] = []
            join = ""
            for name in strata:
                if name == "sex":
                    named.append("r.sex as sex")
                    groups.append("r.sex")
                elif name == "age_band":
                    named.append(f"'{band.name}' as age_band")
                else:
                    join = f"join {self._lives()} l on l.person = r.person"
                    begin = f"greatest({', '.join([*begins, 'l.since'])})"
                    finish = f"least({', '.join([*finishes, 'l.until'])})"
                    named.append("l.deprivation as deprivation")
                    groups.append("l.deprivation")
            sexes = card.population.sexes
            sex = " and (" + " or ".join(f"r.sex = '{each}'" for each in sexes) + ")" if sexes else ""
            selects.append(
                f"""select {", ".join(["r.organisation as organisation", "p.period as period", *named])},
                    sum(days_between({begin}, {finish})) as denominator
                from period_days p
                join {members} r on r.since < p.after and r.until > p.first_day
                {join}
                where days_between({begin}, {finish}) > 0{sex}
                group by {", ".join(["r.organisation", "p.period", *groups])}"""
            )
        return self._read(" union all ".join(selects))

    # -- what is made once ---------------------------------------------------------------------------------------------
    def _bind_periods(self) -> None:
        labels = [period.label for period in self.periods]
        firsts, lasts = [period.first for period in self.periods], [period.last for period in self.periods]
        spans: dict[str, tuple[ColumnType, Sequence[object]]] = {
            "period": ("text", labels),
            "first_day": ("day", firsts),
        }
        self.engine.bind("periods", column.table({**spans, "last_day": ("day", lasts)}))
        self._bind("period_days", {**spans, "after": ("day", [last + ONE_DAY for last in lasts])})

    def _days(self, ages: Ages | None) -> str:
        """The table of the days of all periods, with the days of birth between which somebody is of these ages."""
        ages = ages or Ages(0, None)
        if ages not in self._days_of:
            name = f"days_in_{len(self._days_of) + 1}"
            days = [(each.first + dt.timedelta(n), each.label) for each in self.periods for n in range(each.days)]
            self._bind(
                name,
                {
                    "day": ("day", [day for day, _ in days]),
                    "period": ("text", [of for _, of in days]),
                    "born_by": ("day", [born_by(day, ages.since) for day, _ in days]),
                    "born_after": ("day", [born_by(day, (ages.until or OLDEST) + 1) for day, _ in days]),
                },
            )
            self._days_of[ages] = name
        return self._days_of[ages]

    def _bind(self, name: str, columns: Mapping[str, tuple[ColumnType, Sequence[object]]]) -> None:
        self.engine.bind(name, column.table(columns))
        self._known[name] = {each: kind for each, (kind, _) in columns.items()}

    def _make(self, name: str, text: str) -> None:
        """Compute a select of the frame once, under a name."""
        select = self._read(text)
        self.engine.make(name, select)
        self._known[name] = select.kinds
        self._made.add(name)

    def _read(self, text: str, measure: Measure | None = None, measured: bool = False) -> Select:
        """A select of the frame, checked like any other; it may read a measure's rows as ``measured``."""
        known = self._known if measure is None or not measured else {**self._known, "measured": measure.select.kinds}
        return read_select(text, measure.file if measure is not None else "the frame of measures", known)

    def _over(self, frame: Select, measure: Measure) -> Select:
        """A select of the frame over the measure's own, with its code lists and parts where they are kept."""
        whole = frame.over("measured", measure.select)
        for part in measure.parts:
            if part.name in measure.select.tables:
                columns = ", ".join(_quoted(name) for name in part.select.columns)
                kept = self._read(f"select {columns} from {self._part_table(measure, part)}")
                whole = whole.over(part.name, kept)
        for alias, codes in measure.lists.items():
            if alias in measure.select.tables:
                kept = self._read(f"select {', '.join(_list_columns(codes))} from {_list_table(codes)}")
                whole = whole.over(alias, kept)
        return whole

    def _prepare(self, measure: Measure) -> None:
        """Make the parts and code lists of a measure, where no other measure has."""
        for codes in measure.lists.values():
            if _list_table(codes) not in self._made:
                self._make_list(codes)
        for part in measure.parts:
            name = self._part_table(measure, part)
            if name not in self._made:
                self.on_step(part.name.replace("_", " "))
                self._make(name, f"{self._with(measure, part)} select * from measured")

    def _make_list(self, codes: CodeList) -> None:
        name = _list_table(codes)
        self.on_step(f"code list {codes.name}")
        found = [pair for coding in matching.needs_occurring(codes) for pair in self._occurring(coding)]
        if codes.kind == "codes":
            self._bind(name, matching.meant(codes, found))
            self._made.add(name)
            return
        self._bind(f"{name}_codes", matching.matched(codes, found))
        self._bind(f"{name}_rules", matching.rules(codes))
        self._make(name, matching.stays_select(codes, f"{name}_codes", f"{name}_rules"))

    def _occurring(self, coding: str) -> list[tuple[str, str]]:
        """The codes of one coding as they occur in the record; looked up once."""
        if coding not in self._codes:
            found = self.engine.rows(self._read(_occurring_select(coding))).column("code").to_pylist()
            self._codes[coding] = [(coding, code) for code in found if code is not None]
        return self._codes[coding]

    def _members(self, who: str) -> str:
        """The roster with each person's sex and day of birth, under one name; made once."""
        name = f"members_{who}"
        if name not in self._made:
            if who == "registered":
                text = f"""select r.person, r.practice as organisation, r.since,
                        coalesce(r.until, date '{FAR}') as until, p.sex, p.born
                    from registered r join people p on p.person = r.person"""
            else:
                text = f"""select r.person, a.council as organisation, r.since,
                        coalesce(r.until, date '{FAR}') as until, p.sex, p.born
                    from resident r join people p on p.person = r.person join areas a on a.area = r.area"""
            self._make(name, text)
        return name

    def _everybody(self, who: str) -> str:
        """The roster with all that is on it: ``known`` is missing for people who have no row in ``people``."""
        name = f"everybody_{who}"
        if name not in self._made:
            place, at = (
                ("r.practice", "") if who == "registered" else ("a.council", "left join areas a on a.area = r.area")
            )
            text = f"""select r.person, {place} as organisation, r.since,
                    coalesce(r.until, date '{FAR}') as until, p.sex, p.born, p.person as known
                from {who} r left join people p on p.person = r.person {at}"""
            self._make(name, text)
        return name

    def _lives(self) -> str:
        """Where people live, with the deprivation fifth of the area; made once."""
        if "lives" not in self._made:
            text = f"""select r.person, r.since, coalesce(r.until, date '{FAR}') as until, a.deprivation
                from resident r join areas a on a.area = r.area"""
            self._make("lives", text)
        return "lives"

    def bands(self, card: Card) -> tuple[Ages, ...]:
        """The bands of age of a measure: those of its standard, or of the European Standard Population."""
        if card.standardise is not None and card.standardise.bands:
            return card.standardise.bands
        from accord.measures.standardising import standard_population

        return standard_population().bands

    def _ages(self, bands: tuple[Ages, ...]) -> str:
        """The table of ages and their bands."""
        if bands not in self._rules:
            name = f"ages_{len(self._rules) + 1}"
            pairs = [(age, band.name) for age in range(OLDEST + 1) for band in bands if age in band]
            self._bind(name, {"age": ("whole", [age for age, _ in pairs]), "band": ("text", [of for _, of in pairs])})
            self._rules[bands] = name
        return self._rules[bands]


NUMBERS = ("numerator", "denominator", "events", "excluded")
"""The numbers of a cell."""

Sums = dict[tuple[Any, ...], list[int]]
"""Numbers by organisation, period and strata."""


def _refuse_negative(measure: Measure, rows: int) -> None:
    """Refuse counts below zero; sums of money may have corrections among them.

    Raises:
        MeasureRefused: a row counts less than nothing.
    """
    if rows and measure.card.suppress != "money":
        what = "numerators or denominators" if measure.card.kind == "ratio" else "numerators"
        message = (
            f"{measure.card.measure}: {what} of {rows} rows are below 0, and nothing is counted fewer than 0 times"
        )
        fix = (
            "leave such rows out, or say why in the column excluded; corrections of costs: suppress: money in the card"
        )
        raise MeasureRefused(Problem(Place(measure.file, 0, 0), message, fix))


def _divided(counted: pa.Table, strata: Sequence[str]) -> tuple[Sums, Mapping[str, int]]:
    """Sums inside the population, and by period the rows outside it."""
    columns = {name: counted.column(name).to_pylist() for name in counted.column_names}
    keys = zip(*[columns[name] for name in ("organisation", "period", *strata)], strict=True)
    numbers = [columns.get(name) for name in NUMBERS]
    inside: Sums = {}
    outside: dict[str, int] = {}
    for row, key in enumerate(keys):
        if key[0] is None:
            outside[key[1]] = outside.get(key[1], 0) + columns["found"][row]
        else:
            inside[key] = [0 if column is None else column[row] for column in numbers]
    return inside, outside


def _beside(sums: Sums, population: pa.Table, strata: Sequence[str], apart: Sequence[str]) -> Sums:
    """Sums with the population of the same organisation, period and strata; an organisation without events has 0.

    Strata that only events have (``apart``: the condition admitted for) all stand over the same population.
    """
    shared = [name for name in strata if name not in apart]
    at = [2 + number for number, name in enumerate(strata) if name in apart]
    values = sorted({tuple(key[place] for place in at) for key in sums}, key=str) if apart else [()]
    columns = [population.column(name).to_pylist() for name in ("organisation", "period", *shared)]
    for *key, people in zip(*columns, population.column("denominator").to_pylist(), strict=True):
        found = dict(zip(("organisation", "period", *shared), key, strict=True))
        for value in values:
            here = {**found, **dict(zip([strata[place - 2] for place in at], value, strict=True))}
            sums.setdefault(tuple(here[name] for name in ("organisation", "period", *strata)), [0, 0, 0, 0])[1] += (
                people
            )
    return sums


def _table(sums: Sums, strata: Sequence[str], total: bool) -> pa.Table:
    """Sums as a table, in order."""
    ordered = sorted(sums, key=lambda key: tuple((value is None, str(value)) for value in key))
    columns: dict[str, tuple[ColumnType, Sequence[object]]] = {}
    for at, name in enumerate(("organisation", "period", *strata)):
        values = [key[at] for key in ordered]
        whole = at > 1 and all(value is None or type(value) is int for value in values)
        columns[name] = ("whole", values) if whole else ("text", values)
    for at, name in enumerate(NUMBERS):
        nothing = total and name == "denominator"
        columns[name] = ("whole", [None if nothing else sums[key][at] for key in ordered])
    return column.table(columns)


def born_by(day: dt.date, age: int) -> dt.date:
    """The last day of birth of somebody who is at least so old on a day.

    Born on 29 February, a year is full on 1 March: who is 25 on 28 February 2025 was born by 28 February 2000.
    """
    year = max(day.year - age, 1)
    if (day.month, day.day) == (2, 29) and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
        return dt.date(year, 2, 28)
    return dt.date(year, day.month, day.day)


def counted_on(card: Card, period: Period) -> dt.date:
    """The day on which the population of a period is counted."""
    match card.population.count:
        case "people on the last day":
            return period.last
        case "people on 1 April":
            this_year = dt.date(period.last.year, 4, 1)
            return this_year if this_year <= period.last else dt.date(period.last.year - 1, 4, 1)
        case _:
            return period.first


def _birthday(age: int) -> str:
    """The day on which a person's full years become so many; born on 29 February, that is 1 March in other years."""
    moved = f"add_months(r.born, {12 * age})"
    return f"add_days({moved}, {age} - age_on(r.born, {moved}))"


def _list_table(codes: CodeList) -> str:
    return f"list_{codes.name.replace('-', '_')}_{codes.version.replace('.', '_')}"


def _list_columns(codes: CodeList) -> tuple[str, ...]:
    return matching.CODES if codes.kind == "codes" else matching.ADMISSIONS


_OCCUR = {
    "icd10": (
        "select code from diagnoses",
        "select diagnosis as code from attendances",
        "select cause as code from deaths",
    ),
    "opcs4": ("select code from procedures",),
    "bnf": ("select code from prescriptions where coding = 'bnf'",),
    "admission_method": ("select admission_method as code from admissions",),
    "admission_source": ("select admission_source as code from admissions",),
    "main_specialty": (
        "select main_specialty as code from admissions",
        "select last_specialty as code from admissions",
    ),
}
"""Where codes of a coding stand besides conditions and observations."""


def _occurring_select(coding: str) -> str:
    """The codes of a coding that occur in the record; a coding has letters, digits and _ only."""
    selects = [
        *_OCCUR.get(coding, ()),
        f"select code from conditions where coding = '{coding}'",
        f"select code from observations where coding = '{coding}'",
    ]
    return f"select distinct o.code as code from ({' union all '.join(selects)}) o"


def _quoted(name: str) -> str:
    return f'"{name}"'
