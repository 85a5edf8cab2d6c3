"""The portable subset: what it refuses, with place and fix, and what it prints for each engine."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accord.record.portable import MeasureRefused, read_select
from accord.record.record import write_record
from accord.record.subset import FUNCTIONS, INSTEAD, OWN, page

# a text that is refused | what is said | what is said to mend it
REFUSED = """
select persn from people                                | no column persn        | did you mean person?
select person from peple                                | no table peple         | did you mean people?
select p.born from people as q                          | no table p             | add it with join
select avg(cost) as a from attendances                  | avg is not a function  | sum(…) and count(…)
select cost / 2 as a from attendances                   | / gives different      | quotient(a, b)
select day - 3 as a from attendances                    | days and -             | add_days
select day - born as a from attendances join people using (person) | days and -  | days_between(a, b) is b - a
select day + interval 1 day as a from attendances       | intervals differ       | add_days
select date_trunc('month', day) as a from attendances   | date_trunc             | first_of_month
select current_date as a from people                    | current                | no clock
select random() as a from people                        | random                 | the same answer
select sum(treated) as a from attendances               | sum needs a whole      | case when … then 1
select sum(value) as a from observations                | sum needs a whole      | ten_thousandths
select cast(value as bigint) as a from observations     | differs between        | ten_thousandths
select person from people where born > '2000-01-01'     | a day beside text      | date '2026-04-01'
select person from attendances where provider = 7       | text beside a whole    | like with like
select person from people where null                    | null is neither        |
select person from people where sex                     | where needs true       |
select person from attendances where diagnosis like '%1' | like takes            | a code list
select person from attendances where diagnosis like 'J_4%' | like takes          | a code list
select person from attendances where regexp_matches(diagnosis, 'J4') | regexp    | code list
select person from people where person not in (select person from deaths) | not in | not exists
select person, case when exists (select 1 from deaths) then 1 end as a from people | exists may only | left join
select person from people union select person from deaths | union leaves rows    | union all
select person from people union all select born from people | is a whole number in | the same columns
select person from people limit 3                       | limit                  | row_number()
select person from people qualify row_number() over (order by person) = 1 | qualify | common table
select distinct on (person) person from people          | distinct on            | row_number()
select row_number() over () as a from people            | has no order           | order by
select first_value(born) over (order by born) as a from people | first_value     | row_number()
select person, count(*) as n from attendances           | neither grouped        | group by person
select person, count(*) as n from attendances group by 1 order by day | neither grouped | group by day
select person from people where count(*) > 1            | where chooses          | having
select sum(count(*)) as n from people                   | already gathered       | common table
select count(*) from people                             | has no name            | as name
select person, person from people                       | two columns called     | as name
select * from people, deaths                            | two columns called     | name the columns
select person from people, deaths                       | is a column of         | people.person
select (select 1) as a from people                      | one value stands       | cross join
select person from people asof join deaths using (person) | not part             | join
with people as (select 1 as a) select a from people     | is a table already     | my_people
with recursive t as (select 1 as a union all select a from t) select a from t | refer to itself | numbers
select person from 'other.csv'                          | looks like a file      | tables of the record
select person from "/etc/passwd"                        | looks like a file      | tables of the record
select a from read_csv('http://host/x.csv')             | read_csv(…) may not    | no files
select a from glob('/*')                                | glob(…) may not        | no files
select person from pg_catalog.people                    | another schema         | write people alone
select getenv('HOME') as a                              | getenv is not          | the functions are
copy people to 'x.csv'                                  | copy is not a select   | only reads
pragma database_list                                    | pragma is not          | only reads
set memory_limit = '1TB'                                | set is not a select    | only reads
attach 'x.db'                                           | attach is not          | only reads
install httpfs                                          | is not                 |
select 1 as a; select 2 as a                            | 2 statements           | with … as (…)
select person from people where                         |                        |
select 'open                                            | not SQL                | close every quotation mark
select substr(diagnosis, 0, 2) as a from attendances    | counts with whole      | substr(t, 1, 3)
select person % 0 as a from people                      | above 0                | a % 7
select known_from from people                           | no column known_from   |
"""


def _lines(text: str) -> list[list[str]]:
    return [[part.strip() for part in f"{line} ".split(" | ")] for line in text.strip().splitlines()]


@pytest.mark.parametrize(("text", "said", "mend"), [(*line, "")[:3] for line in _lines(REFUSED)])
def test_what_is_not_portable_is_refused_with_place_and_fix(text: str, said: str, mend: str) -> None:
    with pytest.raises(MeasureRefused) as refusal:
        read_select(text, "mine.sql")
    assert refusal.value.exit_code == 3
    for problem in refusal.value.problems:
        assert (problem.place.file, problem.place.line) == ("mine.sql", 1)
        assert 1 <= problem.place.column <= len(text)
    assert any(said in problem.message and mend in problem.fix for problem in refusal.value.problems), refusal.value


def test_everything_wrong_is_said_at_once_each_with_its_line_and_column() -> None:
    text = "select persn,\n  avg(cost) as mean\nfrom attendances\nwhere dya >= date '2026-04-01'"
    with pytest.raises(MeasureRefused) as refusal:
        read_select(text, "m.sql")
    found = [(each.place.line, each.place.column, each.message.split(" ")[0]) for each in refusal.value.problems]
    assert found == [(1, 8, "there"), (2, 3, "avg"), (4, 7, "there")]


def test_functions_are_either_portable_or_refused_with_what_to_write_instead() -> None:
    listed = {each.split("(")[0].strip() for group in FUNCTIONS for each in group.split("), ")}
    assert not listed & INSTEAD.keys()
    assert OWN.keys() <= listed


def test_the_page_of_the_docs_is_what_the_check_allows() -> None:
    written = (Path(__file__).resolve().parents[2] / "docs" / "measures-sql.md").read_text(encoding="utf-8")
    assert written == page(), "make docs"


def test_further_tables_are_known_by_their_columns() -> None:
    known = {"asthma": {"code": "text"}, "parts": ("person", "n")}
    select = read_select("select p.person, a.code from parts as p cross join asthma as a where p.n = 1", "m.sql", known)
    assert select.tables == {"asthma", "parts"}
    assert select.kinds == {"person": "any", "code": "text"}


@given(st.text(max_size=60) | st.text("select frompl*(),'\"%;.1= x\n", max_size=60))
@example("select " + "(" * 3000 + "1" + ")" * 3000 + " as a")
@example("\x00")
def test_no_text_at_all_ends_in_anything_but_a_refusal(text: str) -> None:
    try:
        read_select(text, "m.sql")
    except MeasureRefused as refusal:
        assert refusal.problems


# -- what is printed ---------------------------------------------------------------------------------------------------

PRINTED = {
    "select sum(cost) as c, count(*) filter (where visit = 'first') as n from attendances": (
        'SELECT CAST(SUM("cost") AS BIGINT) AS "c", COUNT(*) FILTER(WHERE "visit" = \'first\') AS "n" '
        'FROM "attendances"',
        "SELECT SUM(`cost`) AS `c`, COUNT(*) FILTER(WHERE `visit` = 'first') AS `n` FROM `attendances`",
    ),
    "select person, sum(cost) over (partition by person order by day desc, row) as c from attendances": (
        'SELECT "person", CAST(SUM("cost") OVER (PARTITION BY "person" ORDER BY "day" DESC NULLS LAST, "row" ASC NULLS '
        'LAST) AS BIGINT) AS "c" FROM "attendances"',
        "SELECT `person`, SUM(`cost`) OVER (PARTITION BY `person` ORDER BY `day` DESC NULLS LAST, `row` ASC NULLS "
        "LAST) AS `c` FROM `attendances`",
    ),
    "select days_between(born, add_days(born, -3)) as a, add_months(born, 1) as b, first_of_month(born) as c "
    "from people": (
        'SELECT (("born" + CAST(-3 AS INT)) - "born") AS "a", CAST("born" + TO_MONTHS(CAST(1 AS INT)) AS DATE) AS "b", '
        'CAST(DATE_TRUNC(\'month\', "born") AS DATE) AS "c" FROM "people"',
        "SELECT DATEDIFF(DATE_ADD(`born`, CAST(-3 AS INT)), `born`) AS `a`, ADD_MONTHS(`born`, CAST(1 AS INT)) AS `b`, "
        "CAST(DATE_TRUNC('month', `born`) AS DATE) AS `c` FROM `people`",
    ),
    "select quotient(cost, 7) as q, Year_Of(day) as y from Attendances "
    "where Diagnosis like 'J4%' or provider = 'O''\\X'": (
        'SELECT ("cost" // NULLIF(7, 0)) AS "q", YEAR("day") AS "y" FROM "attendances" WHERE STARTS_WITH("diagnosis", '
        "'J4') OR \"provider\" = 'O''\\X'",
        "SELECT (`cost` DIV NULLIF(7, 0)) AS `q`, YEAR(`day`) AS `y` FROM `attendances` WHERE STARTSWITH(`diagnosis`, "
        "'J4') OR `provider` = 'O\\'\\\\X'",
    ),
}


@pytest.mark.parametrize("text", PRINTED)
def test_what_is_printed_stays_what_it_was(text: str) -> None:
    select = read_select(text, "m.sql")
    for dialect, expected in zip(("duckdb", "spark"), PRINTED[text], strict=True):
        flat = " ".join(select.printed(dialect).split()).replace("( ", "(").replace(" )", ")")
        assert flat == expected


def _overflow(folder: Path, kind: str) -> str:
    from accord.record.engines import open_engine
    from accord.record.portable import SelectStopped

    record = write_record(folder, {})
    with open_engine(record, kind, threads=2) as engine:  # type: ignore[arg-type]
        engine.bind("v", pa.table({"n": [2**62, 2**62 + 4_010_232_137]}))
        with pytest.raises(SelectStopped) as stop:
            engine.rows(read_select("select sum(n) as n from v", "m.sql", {"v": {"n": "whole"}}))
    assert stop.value.exit_code == 5
    return str(stop.value)


def test_a_sum_beyond_64_bits_stops_and_never_wraps_and_no_value_is_shown(tmp_path: Path) -> None:
    said = _overflow(tmp_path, "duckdb")
    assert "larger than 64 bits" in said and "922" not in said and "461" not in said


# -- what it means on both engines -------------------------------------------------------------------------------------

D = dt.date
VALUES = {
    "days_between(date '2024-01-31', date '2024-03-01')": 30,
    "add_days(date '2024-02-28', 1)": D(2024, 2, 29),
    "add_days(date '2024-03-01', -1)": D(2024, 2, 29),
    "add_months(date '2024-01-31', 1)": D(2024, 2, 29),
    "add_months(date '2024-02-29', 1)": D(2024, 3, 29),
    "add_months(date '2024-03-31', -1)": D(2024, 2, 29),
    "age_on(date '2000-02-29', date '2001-02-28')": 0,
    "age_on(date '2000-02-29', date '2001-03-01')": 1,
    "age_on(date '2000-02-29', date '2004-02-29')": 4,
    "age_on(date '2000-07-01', date '2018-06-30')": 17,
    "age_on(date '2000-07-01', date '2018-07-01')": 18,
    "first_of_month(date '2024-02-29')": D(2024, 2, 1),
    "year_of(date '2024-12-31')": 2024,
    "quotient(7, 2)": 3,
    "quotient(-7, 2)": -3,
    "quotient(7, -2)": -3,
    "quotient(7, 0)": None,
    "-7 % 3": -1,
    "ten_thousandths(139.5)": 1_395_000,
    "'J45' || coalesce(null, '9')": "J459",
    "'a' || cast(null as text)": None,
    "least(3, null, 2)": 2,
    "greatest(3, null, 2)": 3,
    "nullif(2, 2)": None,
    "substr('J459', 1, 3)": "J45",
    "substr('J4', 1, 3)": "J4",
    "substr('J459', 2 - 1, 3 - 2)": "J",
    "substr('J459', 2 - 2, 3)": None,
    "substr('J459', 1, 2 - 3)": "",
    "split_part('I10 J45', ' ', 2 - 2)": None,
    "split_part('I10 J45', ' ', 3 - 1)": "J45",
    "replace('I10 J45', ' ', '')": "I10J45",
    "length('né')": 2,
    "split_part('I10 J45', ' ', 2)": "J45",
    "split_part('I10 J45', ' ', 3)": "",
    "upper('j45')": "J45",
    "case when cast(null as boolean) then 1 else 2 end": 2,
    "case when 'b' > 'a' and 'B' < 'a' and 'Z' < 'É' then 1 end": 1,
    "case when 'a' = 'A' then 1 else 0 end": 0,
    "case when 'a ' = 'a' then 1 else 0 end": 0,
    "case when 2 in (1, null) then 1 else 0 end": 0,
    "case when 140 > 139.9999 then 1 else 0 end": 1,
    "case when null is distinct from 1 then 1 else 0 end": 1,
    "case when 'a%b' like 'a%' then 1 else 0 end": 1,
    "'it''s \\ here'": "it's \\ here",
    "9223372036854775807": 9223372036854775807,
    "true and not false": True,
}

GATHERED = {
    "select sum(n) as a, count(n) as b, min(n) as c, count(*) as d, max(t) as e from v where n > 99": [
        {"a": None, "b": 0, "c": None, "d": 0, "e": None}
    ],
    "select t, sum(n) as a, count(*) as b, count(distinct n) as c from v group by t": [
        {"t": None, "a": 3, "b": 1, "c": 1},
        {"t": "a", "a": 1, "b": 2, "c": 1},
        {"t": "b", "a": 4, "b": 2, "c": 1},
    ],
    "select n, row_number() over (order by n, t) as a, rank() over (order by n) as b, lag(n) over (order by n, t) as c,"
    " sum(n) over (order by n, t rows between 1 preceding and current row) as d from v": [
        {"n": 1, "a": 1, "b": 1, "c": None, "d": 1},
        {"n": 2, "a": 2, "b": 2, "c": 1, "d": 3},
        {"n": 2, "a": 3, "b": 2, "c": 2, "d": 4},
        {"n": 3, "a": 4, "b": 4, "c": 2, "d": 5},
        {"n": None, "a": 5, "b": 5, "c": 3, "d": 3},
    ],
    "select t, row_number() over (order by t desc, n) as a from v where n is not null": [
        {"t": None, "a": 4},
        {"t": "a", "a": 3},
        {"t": "b", "a": 1},
        {"t": "b", "a": 2},
    ],
    "select v.n from v anti join w on v.t = w.t": [{"n": 3}],
    "select v.n from v semi join w on v.t = w.t where v.n = 1": [{"n": 1}],
    "select n from v where not exists (select 1 from w where w.t = v.t) or n in (select 1 as one)": [
        {"n": 1},
        {"n": 3},
    ],
    "select distinct t from v union all select 'a' as t": [{"t": None}, {"t": "a"}, {"t": "a"}, {"t": "b"}],
    "select t, count(*) as k from v left join w using (t) group by t having count(*) > 1": [
        {"t": "a", "k": 2},
        {"t": "b", "k": 2},
    ],
}


def _answers(folder: Path, kind: str) -> tuple[dict[str, object], dict[str, list[dict[str, object]]]]:
    from accord.record.engines import open_engine

    known = {"v": {"t": "text", "n": "whole"}, "w": {"t": "text"}}
    # all values in one select: starting a query is what costs on Spark
    values = read_select("select " + ", ".join(f"{each} as c{at}" for at, each in enumerate(VALUES)), "values.sql")
    record = write_record(folder, {})
    with open_engine(record, kind, threads=2) as engine:  # type: ignore[arg-type]
        engine.bind("v", pa.table({"t": ["a", "a", "b", "b", None], "n": [1, None, 2, 2, 3]}))
        engine.bind("w", pa.table({"t": ["a", "b"]}))
        found = engine.rows(values).to_pylist()[0]
        gathered = {text: engine.rows(read_select(text, "g.sql", known)).to_pylist() for text in GATHERED}
    return dict(zip(VALUES, found.values(), strict=True)), gathered


def _in_order(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row.values()])


def test_values_and_gathering_on_duckdb(tmp_path: Path) -> None:
    values, gathered = _answers(tmp_path, "duckdb")
    assert values == VALUES
    assert {text: _in_order(rows) for text, rows in gathered.items()} == {t: _in_order(r) for t, r in GATHERED.items()}


def test_values_and_gathering_on_spark(tmp_path: Path, spark: str) -> None:
    values, gathered = _answers(tmp_path, spark)
    assert "larger than 64 bits" in _overflow(tmp_path, spark)
    assert values == VALUES
    assert {text: _in_order(rows) for text, rows in gathered.items()} == {t: _in_order(r) for t, r in GATHERED.items()}
