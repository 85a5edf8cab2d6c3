"""OMOP: the tables of the OMOP Common Data Model 5.x, CSV or Parquet, as rows of the record.

A row of an OMOP table becomes one row of the record (a visit through the emergency room that ended in a bed becomes an
attendance and an episode). What the concepts mean stands in ``omop.yaml`` beside this module. Tables that OMOP derives
from others (eras), and tables without a counterpart, are set aside and counted. ``docs/readers.md`` has the whole list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from accord.engine.database import text_literal
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest
from accord.language.text import decode, read_tree
from accord.record.pseudonym import file_label
from accord.record.readers.delimited import (
    content_hash,
    heading,
    nth_column,
    parquet_names,
    parquet_rows,
    parquet_select,
    plain,
    read_delimited,
    sayable,
)
from accord.record.source import NHS, RefusedRows, RowsRead, SetAside, SourceFile, SourcePart, SourceRows

if TYPE_CHECKING:
    import duckdb

VERSION = "2"
"""Changes when the same file would be read differently."""

CONCEPTS = Path(__file__).parent / "omop.yaml"
"""What OMOP's concepts mean for the record."""

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet")
"""The files of OMOP that are read."""


@dataclass(frozen=True, slots=True)
class OmopTable:
    """A table of the Common Data Model: columns that must be there, and others that are read where they are."""

    needs: tuple[str, ...]
    uses: tuple[str, ...] = ()


_SOURCE = ("visit_occurrence_id", "provider_id")

TABLES: Mapping[str, OmopTable] = {
    "care_site": OmopTable(("care_site_id",), ("care_site_name",)),
    "person": OmopTable(
        ("person_id", "gender_concept_id", "year_of_birth"),
        (
            "month_of_birth",
            "day_of_birth",
            "birth_datetime",
            "care_site_id",
            "person_source_value",
            "ethnicity_source_value",
        ),
    ),
    "death": OmopTable(
        ("person_id", "death_date"), ("cause_source_value", "cause_source_concept_id", "cause_concept_id")
    ),
    "observation_period": OmopTable(
        ("observation_period_id", "person_id", "observation_period_start_date", "observation_period_end_date")
    ),
    "visit_occurrence": OmopTable(
        ("visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date"),
        (
            "visit_end_date",
            "care_site_id",
            "provider_id",
            "admitted_from_concept_id",
            "admitting_source_concept_id",
            "discharged_to_concept_id",
            "discharge_to_concept_id",
        ),
    ),
    "visit_detail": OmopTable(
        ("visit_detail_id", "person_id", "visit_detail_start_date", "visit_occurrence_id"),
        ("visit_detail_end_date", "care_site_id"),
    ),
    "condition_occurrence": OmopTable(
        ("condition_occurrence_id", "person_id", "condition_concept_id", "condition_start_date"),
        (
            "condition_end_date",
            "condition_source_value",
            "condition_source_concept_id",
            "condition_status_concept_id",
            "condition_type_concept_id",
            *_SOURCE,
        ),
    ),
    "procedure_occurrence": OmopTable(
        ("procedure_occurrence_id", "person_id", "procedure_concept_id", "procedure_date"),
        ("procedure_source_value", "procedure_source_concept_id", *_SOURCE),
    ),
    "drug_exposure": OmopTable(
        ("drug_exposure_id", "person_id", "drug_concept_id", "drug_exposure_start_date"),
        ("quantity", "drug_source_value", "drug_source_concept_id", *_SOURCE),
    ),
    "device_exposure": OmopTable(
        ("device_exposure_id", "person_id", "device_concept_id", "device_exposure_start_date"),
        ("device_source_value", "device_source_concept_id", *_SOURCE),
    ),
    "measurement": OmopTable(
        ("measurement_id", "person_id", "measurement_concept_id", "measurement_date"),
        ("value_as_number", "unit_source_value", "measurement_source_value", "measurement_source_concept_id", *_SOURCE),
    ),
    "observation": OmopTable(
        ("observation_id", "person_id", "observation_concept_id", "observation_date"),
        ("value_as_number", "unit_source_value", "observation_source_value", "observation_source_concept_id", *_SOURCE),
    ),
    "concept": OmopTable(("concept_id", "vocabulary_id", "concept_code")),
    "provider": OmopTable(("provider_id",), ("specialty_concept_id",)),
    "cost": OmopTable(("cost_id", "cost_event_id"), ("cost_domain_id", "currency_concept_id", "total_cost")),
    "cdm_source": OmopTable((), ("source_release_date",)),
}
"""The tables that are read, in the order in which they are."""

_VOCABULARY = "a table of the vocabulary: it says what codes mean, not what happened to anybody"
_DERIVED = "OMOP derives it from other tables, which are read themselves"
_NONE = "the record has no table for it"

ASIDE: Mapping[str, str] = {
    "concept": "the vocabulary: read to tell codes by their own coding, not kept",
    "provider": "clinicians: read to tell who a general practitioner is, not kept",
    "cost": "read for the cost of a visit where it is in pounds sterling, not kept by itself",
    "condition_era": _DERIVED,
    "drug_era": _DERIVED,
    "dose_era": _DERIVED,
    "payer_plan_period": "insurance cover: " + _NONE,
    "location": "addresses: the record keeps small areas with the days lived there, which this table does not say",
    "location_history": "addresses: the record keeps small areas, which these addresses do not name",
    "specimen": "samples: " + _NONE,
    "note": "free text is not read: it may name persons",
    "note_nlp": "free text is not read: it may name persons",
    "fact_relationship": _NONE,
    "survey_conduct": "which survey was held: the answers are in observation",
    "episode": "episodes of disease: " + _NONE,
    "episode_event": "episodes of disease: " + _NONE,
    "metadata": "it is about the data set, not about persons",
    "cdm_source": "it is about the data set: read for the day on which it was taken, not kept",
    "cohort": "groups that somebody made from the other tables",
    "cohort_definition": "groups that somebody made from the other tables",
    "cohort_attribute": "groups that somebody made from the other tables",
    "attribute_definition": "groups that somebody made from the other tables",
    **dict.fromkeys(
        (
            "vocabulary",
            "domain",
            "concept_class",
            "concept_relationship",
            "relationship",
            "concept_synonym",
            "concept_ancestor",
            "source_to_concept_map",
            "drug_strength",
        ),
        _VOCABULARY,
    ),
}
"""The tables that are counted and not kept, with the reason."""


@dataclass(frozen=True, slots=True)
class Concepts:
    """What OMOP's concepts mean for the record: one file, read once."""

    visits: Mapping[str, Mapping[str, str]]
    places: Mapping[str, Mapping[str, str]]
    sexes: Mapping[str, str]
    general_practitioners: tuple[str, ...]
    primary_statuses: tuple[str, ...]
    primary_types: tuple[str, ...]
    vocabularies: Mapping[str, str]


@cache
def concepts() -> Concepts:
    """What ``omop.yaml`` says."""
    read = plain(read_tree(decode(CONCEPTS.read_bytes(), CONCEPTS.name)))
    mapping = cast("Mapping[str, Mapping[str, str]]", read)
    return Concepts(
        visits=cast("Mapping[str, Mapping[str, str]]", mapping["visits"]),
        places=cast("Mapping[str, Mapping[str, str]]", mapping["places"]),
        sexes=mapping["sexes"],
        general_practitioners=tuple(mapping["general_practitioners"]),
        primary_statuses=tuple(mapping["primary_statuses"]),
        primary_types=tuple(mapping["primary_types"]),
        vocabularies=mapping["vocabularies"],
    )


@dataclass
class OmopReader:
    """Reads OMOP tables. ``source`` names the data set.

    ``identifiers``: the numbering by which persons are known: ``omop`` (then ``person_id`` is the identifier), or
    ``nhs``: then ``person.person_source_value`` holds the NHS number, and rows of a person whose number is not in the
    table ``person`` have none.
    """

    source: str = "omop"
    identifiers: str = "omop"
    name: str = field(default="omop", init=False)
    _files: dict[str, list[SourceFile]] = field(default_factory=dict, init=False, repr=False)
    _content: str = field(default="", init=False, repr=False)

    @property
    def fingerprint(self) -> str:
        """Differs when the same files would be read differently."""
        concepts_said = hashlib.sha256(CONCEPTS.read_bytes()).hexdigest()[:16]
        return f"omop {VERSION} {self.identifiers} {concepts_said} {self._content}"

    def files(self, given: Sequence[Path]) -> tuple[SourceFile, ...]:
        """The files of tables among what is given (folders are looked through), in the order in which they are read.

        Raises:
            DataRefused: a file is not of a table of OMOP, or lacks columns; every such file is named.
        """
        problems: list[Problem] = []
        found: list[tuple[int, str, SourceFile]] = []
        order = [*TABLES, *(name for name in ASIDE if name not in TABLES)]
        for nth, path in enumerate(_paths(given), 1):
            label = file_label(path.name, nth)
            table = _table_of(path)
            if table is None:
                hint = nearest(_stem(path).lower(), order)
                problems.append(Problem(Place(label, 0, 0), "this is not a table of OMOP CDM 5", hint))
                continue
            file = SourceFile(path, label, table, self.source)
            problems.extend(_lacking(file))
            found.append((order.index(table), str(path), file))
        if not found and not problems:
            problems.append(
                Problem(Place("", 0, 0), "there are no OMOP tables there", "give a folder with person.csv and others")
            )
        if problems:
            raise DataRefused(problems)
        self._files, self._content = {}, ""
        for _, _, file in sorted(found, key=lambda each: each[:2]):
            self._files.setdefault(file.kind, []).append(file)
        # a row of one table is read with what others say of it (the codes of a stay, the practice of a person): when
        # any of the tables changes, all are read again
        self._content = content_hash(file for _, _, file in found if file.kind in TABLES)
        return tuple(file for _, _, file in sorted(found, key=lambda each: each[:2]))

    def rows(self, file: SourceFile, con: duckdb.DuckDBPyConnection) -> Iterator[SourcePart]:
        """What a file holds: rows for the record, rows that cannot be read, and how many are set aside."""
        if file.kind not in TABLES or file.kind in ASIDE:
            yield from self._aside(file, con)
            return
        self._look_up(con)  # first, since it reads other files into the same temporary tables
        read = self._read(file, con)
        if read.refused:
            yield RefusedRows(con.sql(f"select source_row, reason from {read.refused_table}"))
        yield from _Rows(self, file, con, read.table).parts()
        yield RowsRead(read.rows)

    def _aside(self, file: SourceFile, con: duckdb.DuckDBPyConnection) -> Iterator[SourcePart]:
        if file.path.suffix.lower() == ".parquet":
            rows = parquet_rows(file)
        else:
            read = _read_csv(con, file)
            if read.refused:
                yield RefusedRows(con.sql(f"select source_row, reason from {read.refused_table}"))
            yield SetAside(file.kind, ASIDE[file.kind], read.rows - read.refused)
            yield RowsRead(read.rows)
            return
        yield SetAside(file.kind, ASIDE[file.kind], rows)
        yield RowsRead(rows)

    def _read(self, file: SourceFile, con: duckdb.DuckDBPyConnection) -> _Read:
        """The file's rows under the names of the model, every value a text, columns that it lacks empty."""
        table = TABLES[file.kind]
        wanted = (*table.needs, *table.uses)
        if file.path.suffix.lower() == ".parquet":
            names = parquet_names(file)
            read = _Read(f"({parquet_select(file)})", "", parquet_rows(file), 0)
        else:
            read = _read_csv(con, file)
            names = heading(file.path, file.label)[1]
        places = {name.lower(): nth_column(nth) for nth, name in enumerate(names)}
        values = ", ".join(f"{places.get(name, 'cast(null as varchar)')} as {name}" for name in wanted)
        con.execute(f"create or replace temp view omop_rows as select source_row, {values} from {read.table}")
        return _Read("omop_rows", read.refused_table, read.rows, read.refused)

    def _look_up(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make ready in the connection what other tables say: codes of concepts, diagnoses of visits, and so on."""
        identity = f"{self.fingerprint} {id(self)}"
        there = con.execute("select 1 from duckdb_tables() where table_name = 'omop_looked_up'").fetchall()
        if there and con.execute("select identity from omop_looked_up").fetchall() == [(identity,)]:
            return
        _LookingUp(self, con).everything()
        con.execute(f"create or replace temp table omop_looked_up as select {text_literal(identity)} as identity")


@dataclass(frozen=True, slots=True)
class _Read:
    table: str
    refused_table: str
    rows: int
    refused: int


@dataclass(frozen=True, slots=True)
class _LookingUp:
    """Temporary tables of what rows need from other files."""

    reader: OmopReader
    con: duckdb.DuckDBPyConnection

    def everything(self) -> None:
        """The constants, and a table for each thing that others say: codes, persons, costs, parts, diagnoses."""
        self._constants()
        self._gather(
            "concept",
            "omop_concepts",
            "concept_id varchar, coding varchar, code varchar",
            "select concept_id, codings.coding, "
            "case when codings.coding in ('icd10', 'icd9', 'opcs4') then upper(replace(concept_code, '.', '')) "
            "else concept_code end "
            "from omop_rows join omop_codings as codings on codings.vocabulary = vocabulary_id",
        )
        self._gather(
            "concept",
            "omop_sterling",
            "concept_id varchar",
            "select concept_id from omop_rows where vocabulary_id = 'Currency' and concept_code = 'GBP'",
        )
        self._gather(
            "cdm_source",
            "omop_known",
            "known date",
            f"select try_cast({_day('source_release_date')} as date) from omop_rows",
        )
        self._gather(
            "person",
            "omop_persons",
            "person_id varchar, person_source_value varchar, care_site_id varchar",
            "select person_id, person_source_value, care_site_id from omop_rows",
            "select person_id, any_value(person_source_value) as person_source_value, "
            "any_value(care_site_id) as care_site_id from omop_gathered group by person_id",
        )
        self._gather(
            "provider",
            "omop_clinicians",
            "provider_id varchar",
            f"select provider_id from omop_rows where specialty_concept_id in "
            f"({_texts(concepts().general_practitioners)})",
        )
        self._gather(
            "cost",
            "omop_costs",
            "visit_occurrence_id varchar, pounds decimal(18, 4)",
            "select cost_event_id, try_cast(total_cost as decimal(18, 4)) from omop_rows "
            "where cost_domain_id = 'Visit' and currency_concept_id in (select concept_id from omop_sterling)",
            "select visit_occurrence_id, cast(sum(cast(pounds * 100 as decimal(18, 0))) as bigint) as pence "
            "from omop_gathered where pounds is not null group by visit_occurrence_id",
        )
        self._gather(
            "visit_detail",
            "omop_details",
            "stay varchar, part varchar, since varchar, until varchar",
            "select visit_occurrence_id, visit_detail_id, visit_detail_start_date, visit_detail_end_date "
            "from omop_rows where visit_occurrence_id is not null",
            """
            select stay, part, min(nth) as episode
            from (
                select *, row_number() over (
                    partition by stay order by since, until, try_cast(part as bigint), part
                ) as nth
                from omop_gathered
            ) group by stay, part
            """,
        )
        inpatient = [each for each, visit in concepts().visits.items() if visit.get("table") == "episodes"]
        self._gather(
            "visit_occurrence",
            "omop_stays",
            ", ".join(f"{column} varchar" for column in ("visit_occurrence_id", *_OF_STAYS, "stay_care_site_id")),
            f"select visit_occurrence_id, {', '.join(_OF_STAYS)}, care_site_id from omop_rows "
            f"where visit_concept_id in ({_texts(inpatient)})",
            "select distinct on (visit_occurrence_id) * from omop_gathered",
        )
        codes = "visit_occurrence_id varchar, code varchar, number bigint, rank integer"
        together = (
            "select visit_occurrence_id, string_agg(code, ' ' order by rank, number, code) as codes "
            "from omop_gathered group by visit_occurrence_id"
        )
        self._gather("condition_occurrence", "omop_visit_diagnoses", codes, _DIAGNOSES(), together)
        self._gather("procedure_occurrence", "omop_visit_procedures", codes, _PROCEDURES, together)

    def _constants(self) -> None:
        known = concepts()
        self._pairs("omop_codings", ("vocabulary", "coding"), known.vocabularies.items())
        self._pairs("omop_sexes", ("concept_id", "sex"), known.sexes.items())
        columns = ("table", "aside", "mode", "department", "emergency")
        self._pairs(
            "omop_visits",
            ("concept_id", *(f"visit_{name}" for name in columns)),
            [(concept, *(visit.get(name) for name in columns)) for concept, visit in known.visits.items()],
        )
        self._pairs(
            "omop_places",
            ("concept_id", "came_from", "went_to", "method"),
            [
                (concept, place.get("from"), place.get("to"), place.get("method"))
                for concept, place in known.places.items()
            ],
        )

    def _pairs(self, table: str, columns: Sequence[str], rows: object) -> None:
        self.con.execute(f"create or replace temp table {table} ({', '.join(f'{name} varchar' for name in columns)})")
        values = [list(row) for row in cast("list[Sequence[str | None]]", rows)]
        self.con.executemany(f"insert into {table} values ({', '.join('?' for _ in columns)})", values)

    def _gather(
        self, kind: str, table: str, columns: str, each: str, whole: str = "select * from omop_gathered"
    ) -> None:
        """A table of what all files of one kind say: ``each`` is asked of every file, ``whole`` of all of it together.

        What belongs to one visit or person may stand in several files, so nothing is put together before all are read.
        """
        self.con.execute(f"create or replace temp table omop_gathered ({columns})")
        for file in self.reader._files.get(kind, []):
            self.reader._read(file, self.con)
            self.con.execute(f"insert into omop_gathered {each}")
        self.con.execute(f"create or replace temp table {table} as {whole}")
        self.con.execute("drop table omop_gathered")


_OF_STAYS = (
    "visit_start_date",
    "visit_end_date",
    "visit_concept_id",
    "admitted_from_concept_id",
    "admitting_source_concept_id",
    "discharged_to_concept_id",
    "discharge_to_concept_id",
)
"""What the parts of a stay take from the stay."""


def _DIAGNOSES() -> str:
    known = concepts()
    return f"""
        select visit_occurrence_id, coded.code, try_cast(condition_occurrence_id as bigint),
            case when condition_status_concept_id in ({_texts(known.primary_statuses)}) then 0
                when condition_type_concept_id in ({_texts(known.primary_types)}) then 1 else 2 end
        from omop_rows join omop_concepts as coded on coded.concept_id = condition_source_concept_id
        where coded.coding = 'icd10' and visit_occurrence_id is not null
    """


_PROCEDURES = """
    select visit_occurrence_id, coded.code, try_cast(procedure_occurrence_id as bigint), 0
    from omop_rows join omop_concepts as coded on coded.concept_id = procedure_source_concept_id
    where coded.coding = 'opcs4' and visit_occurrence_id is not null
"""


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one file, for the tables of the record that they belong to."""

    reader: OmopReader
    file: SourceFile
    con: duckdb.DuckDBPyConnection
    table: str

    def parts(self) -> Iterator[SourcePart]:
        """Rows and what is set aside."""
        maker = cast("Callable[[], Iterator[SourcePart]]", getattr(self, f"_{self.file.kind}"))
        return maker()

    def _give(self, table: str, select: str) -> SourceRows:
        return SourceRows(table, self.con.sql(select), self.reader.identifiers)

    def _start(self, key: str) -> str:
        """What every row has: its number, whose it is, its key."""
        return (
            f"source_row, {self._identifier()} as identifier, {text_literal(self.file.kind + ':')} || {key} as key, "
            "(select max(known) from omop_known) as known"
        )

    def _identifier(self) -> str:
        if self.reader.identifiers != NHS:
            return f"{self.table}.person_id"
        return f"{self.table}.person_source_value" if self.file.kind == "person" else "numbers.nhs_number"

    def _from(self) -> str:
        if self.reader.identifiers != NHS or self.file.kind == "person":
            return self.table
        # the columns that both have are the table's own; only the number is taken from the persons
        return (
            f"{self.table} left join (select person_id as numbered, person_source_value as nhs_number "
            f"from omop_persons) as numbers on numbers.numbered = {self.table}.person_id"
        )

    def _care_site(self) -> Iterator[SourcePart]:
        yield self._give(
            "organisations",
            "select source_row, cast(null as varchar) as identifier, 'care_site:' || care_site_id as key, "
            "care_site_id as code, "
            "case when care_site_id in (select care_site_id from omop_persons) then 'practice' else 'provider' end "
            "as kind, "
            f"care_site_name as name from {self.table}",
        )

    def _person(self) -> Iterator[SourcePart]:
        year, month, of_month = (
            "lpad(year_of_birth, 4, '0')",
            "lpad(month_of_birth, 2, '0')",
            "lpad(day_of_birth, 2, '0')",
        )
        yield self._give(
            "people",
            f"""
            select {self._start(f"{self.table}.person_id")},
                case
                    when birth_datetime is not null and day_of_birth is null then {_day("birth_datetime")}
                    when month_of_birth is null then {year} || '-07-01'
                    else {year} || '-' || {month} || '-' || coalesce({of_month}, '01')
                end as born,
                coalesce(sexes.sex, 'unknown') as sex,
                case when regexp_full_match(ethnicity_source_value, '[A-SZ]') then ethnicity_source_value end
                    as ethnicity
            from {self._from()} left join omop_sexes as sexes on sexes.concept_id = gender_concept_id
            """,
        )

    def _death(self) -> Iterator[SourcePart]:
        yield self._give(
            "deaths",
            f"""
            select {self._start(f"{self.table}.person_id")}, {_day("death_date")} as day,
                case when causes.coding = 'icd10' then causes.code end as cause
            from {self._from()} left join omop_concepts as causes on causes.concept_id = cause_source_concept_id
            """,
        )

    def _observation_period(self) -> Iterator[SourcePart]:
        without = _count(
            self.con,
            f"select count(*) from {self.table} left join omop_persons as homes using (person_id) "
            "where homes.care_site_id is null",
        )
        yield self._give(
            "registrations",
            f"""
            select {self._start("observation_period_id")}, homes.care_site_id as practice,
                {_day("observation_period_start_date")} as since, {_day_after("observation_period_end_date")} as until
            from {self._from()} join omop_persons as homes on homes.person_id = {self.table}.person_id
            where homes.care_site_id is not null
            """,
        )
        if without:
            yield SetAside(
                "observation_period",
                "a registration needs a practice, and person.care_site_id names none for this person",
                without,
            )

    def _visit_occurrence(self) -> Iterator[SourcePart]:
        meant = (
            f"{self._from()} left join omop_visits as meaning on meaning.concept_id = visit_concept_id "
            "left join (select distinct stay as visit_occurrence_id, true as told from omop_details) as details "
            "using (visit_occurrence_id) "
            "left join omop_costs as costs using (visit_occurrence_id) "
            "left join omop_visit_diagnoses as diagnoses using (visit_occurrence_id) "
            "left join omop_visit_procedures as procedures using (visit_occurrence_id)"
        )
        start = self._start("visit_occurrence_id")
        day = f"{_day('visit_start_date')} as day"
        inpatient = "visit_table = 'episodes'"
        yield self._give(
            "episodes",
            f"""
            select {start}, visit_occurrence_id as spell, 1 as episode,
                {_day("visit_start_date")} as since, {_day("visit_end_date")} as until,
                {_day("visit_start_date")} as admitted, {_day("visit_end_date")} as discharged,
                {self.table}.care_site_id as provider, {_ADMISSION},
                diagnoses.codes as diagnoses, procedures.codes as procedures, costs.pence as cost
            from {meant} {_PLACES} where {inpatient} and details.told is null
            """,
        )
        yield self._give(
            "attendances",
            f"""
            select {start}, {day}, {self.table}.care_site_id as provider, visit_department as department,
                split_part(diagnoses.codes, ' ', 1) as diagnosis,
                case when visit_table = 'episodes' then 'admitted' end as disposal,
                case when visit_table = 'attendances' then costs.pence end as cost
            from {meant} where visit_table = 'attendances' or visit_emergency = 'true'
            """,
        )
        yield self._give(
            "outpatients",
            f"""
            select {start}, {day}, {self.table}.care_site_id as provider, 'attended' as attended, costs.pence as cost
            from {meant} where visit_table = 'outpatients'
            """,
        )
        yield self._give(
            "consultations",
            f"""
            select {start}, {day}, {self.table}.care_site_id as practice, provider_id as clinician,
                case when provider_id in (select provider_id from omop_clinicians) then 'gp' end as role,
                visit_mode as mode, costs.pence as cost
            from {meant} where visit_table = 'consultations'
            """,
        )
        yield self._give(
            "community_contacts",
            f"""
            select {start}, {day}, {self.table}.care_site_id as provider, provider_id as clinician,
                'attended' as attended, costs.pence as cost
            from {meant} where visit_table = 'community_contacts'
            """,
        )
        told_by_details = _count(
            self.con,
            f"select count(*) from {meant} where {inpatient} and details.told and visit_emergency is null",
        )
        if told_by_details:
            yield SetAside("visit_occurrence", "a stay whose parts are read from visit_detail", told_by_details)
        others = self.con.execute(
            f"select visit_concept_id, visit_aside, count(*) from {meant} where visit_table is null "
            "group by all order by all"
        ).fetchall()
        for concept, reason, rows in others:
            said = reason or f"no table is known for visits of the concept {_number(concept)} (see omop.yaml)"
            yield SetAside("visit_occurrence", said, rows)

    def _visit_detail(self) -> Iterator[SourcePart]:
        if not self.reader._files.get("visit_occurrence"):
            yield SetAside(
                "visit_detail",
                "a part of a visit, and there is no visit_occurrence",
                _count(self.con, _ALL(self.table)),
            )
            return
        yield self._give(
            "episodes",
            f"""
            select {self._start("visit_detail_id")}, visit_occurrence_id as spell, details.episode,
                {_day("visit_detail_start_date")} as since, {_day("visit_detail_end_date")} as until,
                {_day("visit_start_date")} as admitted, {_day("visit_end_date")} as discharged,
                coalesce({self.table}.care_site_id, stays.stay_care_site_id) as provider, {_ADMISSION},
                diagnoses.codes as diagnoses, procedures.codes as procedures
            from {self._from()} join omop_stays as stays using (visit_occurrence_id)
            join omop_details as details
                on details.stay = visit_occurrence_id and details.part is not distinct from visit_detail_id
            left join omop_visits as meaning on meaning.concept_id = visit_concept_id
            left join omop_visit_diagnoses as diagnoses using (visit_occurrence_id)
            left join omop_visit_procedures as procedures using (visit_occurrence_id) {_PLACES}
            """,
        )
        others = _count(
            self.con, f"select count(*) from {self.table} anti join omop_stays as stays using (visit_occurrence_id)"
        )
        if others:
            yield SetAside(
                "visit_detail", "a part of a visit that is not a stay in hospital: the visit itself is kept", others
            )

    def _condition_occurrence(self) -> Iterator[SourcePart]:
        own = f"{_day('condition_start_date')} as since, {_day_after('condition_end_date')} as until"
        yield self._coded(
            "conditions", "condition_occurrence_id", "condition", own, ("snomed", "icd10", "icd9", "read")
        )

    def _procedure_occurrence(self) -> Iterator[SourcePart]:
        yield self._coded(
            "observations", "procedure_occurrence_id", "procedure", f"{_day('procedure_date')} as day", _ENTRIES
        )

    def _device_exposure(self) -> Iterator[SourcePart]:
        yield self._coded(
            "observations", "device_exposure_id", "device", f"{_day('device_exposure_start_date')} as day", _ENTRIES
        )

    def _measurement(self) -> Iterator[SourcePart]:
        value = f"{_day('measurement_date')} as day, value_as_number as value, unit_source_value as unit"
        yield self._coded("observations", "measurement_id", "measurement", value, _ENTRIES)

    def _observation(self) -> Iterator[SourcePart]:
        value = f"{_day('observation_date')} as day, value_as_number as value, unit_source_value as unit"
        yield self._coded("observations", "observation_id", "observation", value, _ENTRIES)

    def _drug_exposure(self) -> Iterator[SourcePart]:
        own = f"{_day('drug_exposure_start_date')} as day, quantity"
        yield self._coded("prescriptions", "drug_exposure_id", "drug", own, ("dmd", "rxnorm", "ndc"))

    def _coded(self, table: str, key: str, what: str, own: str, codings: Sequence[str]) -> SourceRows:
        """Rows with a code: in the source's own coding if the record knows it, else the standard one, else OMOP's."""
        concept, source, text = f"{what}_concept_id", f"{what}_source_concept_id", f"{what}_source_value"
        known = _texts(codings)
        return self._give(
            table,
            f"""
            select {self._start(key)}, {own},
                case
                    when own_code.code is not null then own_code.coding
                    when standard_code.code is not null then standard_code.coding
                    when coalesce({concept}, '0') <> '0' or coalesce({source}, '0') <> '0' then 'omop'
                    when {text} is not null then 'local'
                end as coding,
                case
                    when own_code.code is not null then own_code.code
                    when standard_code.code is not null then standard_code.code
                    when coalesce({concept}, '0') <> '0' then {concept}
                    when coalesce({source}, '0') <> '0' then {source}
                    else {text}
                end as code,
                case when coalesce({concept}, '0') = '0' and coalesce({source}, '0') = '0' and {text} is null
                    then 'it has neither a concept nor a code of the source' end as refused,
                {text_literal(concept)} as refused_column
            from {self._from()}
            left join (select * from omop_concepts where coding in ({known})) as own_code
                on own_code.concept_id = {source}
            left join (select * from omop_concepts where coding in ({known})) as standard_code
                on standard_code.concept_id = {concept}
            """,
        )


_ENTRIES = ("snomed", "loinc", "icd10", "icd9", "cpt", "read", "cvx")

_PLACES = (
    "left join omop_places as arrival on arrival.concept_id = "
    "coalesce(nullif(admitted_from_concept_id, '0'), nullif(admitting_source_concept_id, '0')) "
    "left join omop_places as leaving on leaving.concept_id = "
    "coalesce(nullif(discharged_to_concept_id, '0'), nullif(discharge_to_concept_id, '0'))"
)

# a person who came through the emergency room was admitted as an emergency by that department: national code 21
_ADMISSION = (
    "case when visit_emergency = 'true' then '21' end as admission_method, arrival.came_from as admission_source, "
    "leaving.went_to as discharge_destination, leaving.method as discharge_method"
)


def _ALL(table: str) -> str:
    return f"select count(*) from {table}"


def _day(column: str) -> str:
    """A day as year-month-day: OMOP's datetimes lose their time, and 20100304 gets its dashes."""
    return (
        f"case when length({column}) = 8 and {column} not like '%-%' and {column} not like '%/%' "
        f"then substr({column}, 1, 4) || '-' || substr({column}, 5, 2) || '-' || substr({column}, 7, 2) "
        f"when length({column}) > 10 then substr({column}, 1, 10) else {column} end"
    )


def _day_after(column: str) -> str:
    """The first day that no longer belongs to a span whose last day is given; what is not a day stays as it is."""
    day = _day(column)
    return f"coalesce(cast(try_cast({day} as date) + 1 as varchar), {day})"


def _texts(values: Sequence[str]) -> str:
    return ", ".join(text_literal(value) for value in values) or "''"


def _number(concept: object) -> str:
    """A concept in a message: its number, or nothing of what stands there instead."""
    return concept if isinstance(concept, str) and concept.isdigit() else "that is not a number"


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(con.execute(query).fetchall()[0][0])


def _paths(given: Sequence[Path]) -> Iterator[Path]:
    for path in given:
        if path.is_dir():
            yield from sorted(
                each for each in path.rglob("*") if each.is_file() and each.name.lower().endswith(SUFFIXES)
            )
        else:
            yield path


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _table_of(path: Path) -> str | None:
    """The table by the file's name, or for the parts of a folder (person/part-0.parquet) by the folder's."""
    for name in (_stem(path).lower(), path.parent.name.lower()):
        if name in TABLES or name in ASIDE:
            return name if path.name.lower().endswith(SUFFIXES) else None
    return None


def _lacking(file: SourceFile) -> list[Problem]:
    """Columns that the table must have and the file has not."""
    if file.kind not in TABLES or (file.kind in ASIDE and file.kind not in ("concept", "provider", "cost")):
        return []
    try:
        parquet = file.path.suffix.lower() == ".parquet"
        names = [name.lower() for name in (parquet_names(file) if parquet else heading(file.path, file.label)[1])]
    except DataRefused as refused:
        return list(refused.problems)
    table = TABLES[file.kind]
    twice = [name for name in (*table.needs, *table.uses) if names.count(name) > 1]
    return [
        Problem(Place(file.label, 1, 1), f"the table {file.kind} has the column {name} twice", "leave one of them out")
        for name in twice
    ] + [
        Problem(Place(file.label, 1, 1), f"the table {file.kind} has no column {name}", nearest(name, sayable(names)))
        for name in table.needs
        if name not in names
    ]


def _read_csv(con: duckdb.DuckDBPyConnection, file: SourceFile) -> _Read:
    delimiter, names = heading(file.path, file.label)
    read = read_delimited(con, file.path, file.label, len(names), delimiter=delimiter)
    return _Read(read.table, read.refused_table, read.rows, read.refused)
