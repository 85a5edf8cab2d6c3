"""Admitting: the rows of one source for one table are read, checked against its definition, and written or refused.

What a row must be is said in ``tables/*.yaml``; from that, one DuckDB select is made that turns every value into its
type, looks up the person's pseudonym, and marks the rows that break a rule. The rows that stand are written at once, in
the form in which the record keeps them; for the others, every reason is written. An identifier is in memory only.

Before that, the distinct values of each column are looked at. Where all of them are as they should be, as they mostly
are, none of the rows is asked about that column, and its values are taken as they stand: a column of a million rows
rarely has a thousand values. Where one is not, every row is asked, in the same words that give the reasons.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from accord.engine.database import quoted, text_literal
from accord.record import disclosure, strangers
from accord.record.definition import DOTLESS, Column, Table
from accord.record.pseudonym import KeyChain, row_expression

if TYPE_CHECKING:
    import duckdb

FIRST_DAY = dt.date(1850, 1, 1)
"""The earliest day that a row may hold: nobody alive when records began was born before it."""

AHEAD = dt.timedelta(days=366)
"""How far beyond the day of loading a day may lie: an appointment or a planned end, not a sentinel such as 2999."""

_SEPARATOR = "\x1e"


@dataclass(frozen=True, slots=True)
class Rule:
    """What makes a row wrong. ``broken`` is a predicate in SQL, ``reason`` its words (in SQL), ``shown`` the value.

    ``asks`` is ``row`` for what is asked of every row, ``values`` for what is not asked of a withdrawal (which needs
    its key alone), and ``text`` for values of which all are looked at in one go, and singly only where that found any.
    """

    column: str
    broken: str
    reason: str
    shown: str = "NULL"
    asks: Literal["row", "values", "text"] = "values"


@dataclass(frozen=True, slots=True)
class Admitted:
    """What became of the rows that a source gave for a table: so many of each, for each file."""

    given: Mapping[int, int]
    written: Mapping[int, int]
    refused: Mapping[int, int]
    withdrawn: Mapping[int, int]
    """Rows with which the source withdraws one that it gave before."""
    away: Mapping[tuple[int, str], int]
    """Rows of people who have opted out, by file and kind of opt-out."""


@dataclass(frozen=True, slots=True)
class Admission:
    """How the rows of one source for one table are admitted: the select, made once from the definition."""

    table: Table
    source: str
    known: dt.date
    day: dt.date
    keys: KeyChain
    nhs: bool
    """Whether people are given by NHS numbers."""
    people: Sequence[Path] = ()
    """The files of the people whom the record knows already."""

    def admit(self, con: duckdb.DuckDBPyConnection, incoming: str, target: Path) -> Admitted:
        """Write the rows that stand, the reasons of those that do not, and the withdrawals, into a folder.

        Args:
            con: holds the view ``incoming``; ``identifiers`` (identifier, person, rooted: the pseudonym under the
                first secret alone, away); ``identifiers_seen`` (accord_file, identifier, rows: how often).
            incoming: the rows as :class:`accord.record.source.SourceRows` says, with a column ``accord_file``.
            target: an empty folder; ``rows.parquet``, ``rejects.parquet`` and ``withdrawn.parquet`` are written there.
        """
        self._bind_secrets(con)
        # names are the same in any case, and DuckDB may give them in that of the file
        types = {name.lower(): kind for name, kind, *_ in con.execute(f"describe select * from {incoming}").fetchall()}
        fine = self._fine_columns(con, incoming, types)
        if self._named:
            self._look_for_strangers(con, incoming, types, fine)
        judged = self.judged(incoming, types, self.rules(types, fine), fine)
        takes_back = "takes_back" if "deleted" in types else "false"
        stands = f"not broken and away is null and not {takes_back}"
        named = ", ".join(f"{_written(column)} as {quoted(column.name)}" for column in self.table.columns)
        person = "" if self.table.of_persons == "none" else "person, "
        source = _one_of(text_literal(self.source), [self.source])
        rows = (
            f"select {person}row, {source} as source, known as known_from, NULL::DATE as known_until, "
            f"accord_file as file, line, {named} from ({judged}) where {stands}"
        )
        con.execute(
            f"copy ({rows}) to {text_literal(str(target / 'rows.parquet'))} (format parquet, compression zstd, "
            "compression_level 1)"
        )
        written = _by_file(con, f"select file, count(*) from {_parquet(target / 'rows.parquet')} group by 1")
        given, away = self._given(con)
        if away:
            self._note_away(con, incoming, target)
        withdrawn = self._withdraw(con, judged, target) if "deleted" in types else {}
        settled = sum(written.values()) + sum(withdrawn.values()) + sum(away.values())
        refused = self._refuse(con, incoming, types, judged, target) if settled < sum(given.values()) else {}
        for file, rows_given in given.items():
            others = sum(number for (each, _), number in away.items() if each == file)
            found = written.get(file, 0) + withdrawn.get(file, 0) + refused.get(file, 0) + others
            if found != rows_given:
                raise AssertionError(f"{self.table.name}: {rows_given} rows were given, and {found} are accounted for")
        return Admitted(given, written, refused, withdrawn, away)

    @property
    def _named(self) -> bool:
        """Whether rows are of people with NHS numbers, which then may stand where they should not."""
        return self.nhs and self.table.of_persons != "none"

    def _look_for_strangers(
        self, con: duckdb.DuckDBPyConnection, incoming: str, types: Mapping[str, str], fine: Collection[str]
    ) -> None:
        asked = [column for column in self.table.columns if column.name in types and column.name not in fine]
        texts = {column.name: True for column in asked if _is_text(column)}
        amounts = {column.name: False for column in asked if column.type in ("count", "pence", "number")}
        strangers.look(con, incoming, {**texts, **amounts}, self.keys, self.people)

    def _given(self, con: duckdb.DuckDBPyConnection) -> tuple[dict[int, int], dict[tuple[int, str], int]]:
        """How many rows each file gave, and how many of them are of people who have opted out."""
        join, away = self._join("s.")
        found = con.execute(
            f"select accord_file, {away} as away, sum(rows)::BIGINT from identifiers_seen s {join} group by all"
        ).fetchall()
        given: dict[int, int] = {}
        for file, _, rows in found:
            given[file] = given.get(file, 0) + rows
        return given, {(file, kind): rows for file, kind, rows in found if kind is not None}

    def _note_away(self, con: duckdb.DuckDBPyConnection, incoming: str, target: Path) -> None:
        """Which rows those were, for the balance of files whose rows make several; gone when the load is done."""
        join, away = self._join("i.")
        rows = f"select i.accord_file as file, i.source_row::BIGINT as line, {away} as away from {incoming} i {join}"
        file = text_literal(str(target / "away.parquet"))
        con.execute(f"copy (select * from ({rows}) where away is not null) to {file} (format parquet)")

    def _join(self, alias: str) -> tuple[str, str]:
        """The join with the pseudonyms, and the kind of opt-out that keeps a row of this table away (or NULL)."""
        if self.table.of_persons == "none":
            return "", "NULL::VARCHAR"
        kept_away = "away" if self.table.general_practice else "case when away = 'national' then away end"
        return f"left join identifiers on identifiers.identifier = {alias}identifier", kept_away

    def _fine_columns(self, con: duckdb.DuckDBPyConnection, incoming: str, types: Mapping[str, str]) -> Collection[str]:
        """The columns of which every value is as it should be, so that no row can break a rule of the column.

        ``key`` is among them if every row has a key of its own.
        """
        selects: dict[str, str] = {}
        for column in self.table.columns:
            incoming_type = types.get(column.name)
            fine = incoming_type and self._fine(column, incoming_type, quoted(column.name))
            if not fine:
                continue
            name = quoted(column.name)
            asked = f"{name} is not null and coalesce({fine}, false)" if column.required else fine
            # of what has many values, as text of many codes, telling them apart would take longer than asking each
            several = column.type in ("code", "word", "day")
            rows = f"(select distinct {name} from {incoming})" if several else incoming
            selects[column.name] = f"(select coalesce(bool_and({asked}), true) from {rows})"
        if "key" in types:
            selects["key"] = (
                f"(select coalesce(bool_and(key is not null and key::VARCHAR <> ''), true) from {incoming})"
            )
        if not selects:
            return ()
        found = con.execute(f"select {', '.join(selects.values())}").fetchall()[0]
        return frozenset(name for name, fine in zip(selects, found, strict=True) if fine)

    def _fine(self, column: Column, incoming: str, given: str) -> str | None:
        """A predicate of values as they are given: where it holds, no rule is broken, and the value needs no cleaning.

        It may fail for values that break no rule: rows are then asked one by one.
        """
        match column.type:
            case "code" | "codes" if incoming == "VARCHAR":
                plain = f"regexp_full_match({given}, {text_literal(_PLAIN)}) and strlen({given}) <= {_LONGEST}"
                number = f" and not regexp_matches({given}, '{strangers.DIGITS}')" if self._named else ""
                spaced = f" and not contains({given}, '  ')" if column.type == "codes" else ""
                dotless = f" and {_dotless(given)} = {given}" if column.dotless else ""
                return plain + number + spaced + dotless
            case "word" if incoming == "VARCHAR":
                return f"{given} in ({', '.join(text_literal(word) for word in column.allowed or ())})"
            case "day":
                first, last = self._days(column)
                within = f"between DATE '{first}' and DATE '{last}'"
                if not _as_text(column, incoming):
                    return f"{given}::DATE {within}"
                if incoming != "VARCHAR":
                    return None
                written = f"regexp_full_match({given}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')"
                return f"{written} and coalesce(try_cast({given} as DATE) {within}, false)"
            case "count" | "pence" if incoming in _NUMERIC:
                least, most = column.least or 0, min(column.most or _SURELY_WHOLE, _SURELY_WHOLE)
                return f"{given} between {least} and {most}"
            case "number":
                most = min(column.most or _SURELY_WHOLE, _SURELY_WHOLE)
                within = f"<= {most}" if column.least is None else f"between {column.least} and {most}"
                return f"coalesce(try_cast({given} as DECIMAL(18, 4)) {within}, {given} is null)"
            case "flag" if incoming == "BOOLEAN":
                return "true"
            case "key" if incoming == "VARCHAR":
                return f"regexp_full_match({given}, '[!-~]+')"
            case "key" if incoming in _NUMERIC:
                return "true"
            case _:
                return None

    def _days(self, column: Column) -> tuple[dt.date, dt.date]:
        """The first and the last day that may stand in a column."""
        return FIRST_DAY, self.day if (self.table.name, column.name) in _PAST else self.day + AHEAD

    def judged(self, incoming: str, types: Mapping[str, str], rules: Sequence[Rule], fine: Collection[str] = ()) -> str:
        """The select that turns every value into its type, finds the person, and marks what breaks a rule (``broken``).

        ``raw x`` stands beside ``value x`` for what was there; of the columns that are ``fine``, as it was given.
        """
        known_default = f"DATE {text_literal(self.known.isoformat())}"
        known = f"coalesce(try_cast(i.known as DATE), {known_default})" if "known" in types else known_default
        deleted = "coalesce(try_cast(i.deleted as BOOLEAN), false)" if "deleted" in types else "false"
        raws = ", ".join(
            f"{_raw_expression(column, types.get(column.name), column.name in fine)} as {_raw(column.name)}"
            for column in self.table.columns
        )
        key = "i.key::VARCHAR" if "key" in fine else "nullif(i.key::VARCHAR, '')"
        given = (
            f"select i.accord_file, i.source_row::BIGINT as line, i.identifier as given_identifier, "
            f"{key} as given_key, {known} as known, {deleted} as takes_back, "
            f"{_or_null(types, 'refused')} as refused, {_or_null(types, 'refused_column')} as refused_column, {raws} "
            f"from {incoming} i"
        )
        values = ", ".join(
            f"{self._value_expression(column, types.get(column.name), column.name in fine)} as {_value(column.name)}"
            for column in self.table.columns
        )
        valued = f"select *, {values} from ({given})"
        marked = f"select *, coalesce({self._wrong_values(rules, types, fine)}, false) as wrong from ({valued})"
        join, away = self._join("m.given_")
        person, rooted = ("identifiers.person", "identifiers.rooted") if join else ("NULL::BIGINT", "NULL::BIGINT")
        linked = f"select m.*, {person} as person, {rooted} as rooted, {away} as away from ({marked}) m {join}"
        # whether there is an identifier is looked at where no person was found alone
        nobody = f"case when person is null then {' or '.join(each.broken for each in self._person_rules())} end"
        broken = " or ".join(
            f"coalesce({each}, false)"
            for each in (
                "refused is not null",
                "wrong",
                *([nobody] if self._person_rules() else []),
                *(rule.broken for rule in rules if rule.asks == "row" and rule.column != "identifier"),
            )
        )
        return f"select *, {self._row()} as row, {broken} as broken from ({linked})"

    def _value_expression(self, column: Column, incoming: str | None, fine: bool = False) -> str:
        raw = _raw(column.name)
        if incoming is None:
            return f"NULL::{sql_type(column)}"
        if fine and column.type != "key":
            return raw if _TYPES.get(column.type, "VARCHAR") == incoming else f"{raw}::{sql_type(column)}"
        text = _as_text(column, incoming)
        match column.type:
            case "day" if text:
                return (
                    f"case length({raw}) when 10 then try_cast({raw} as DATE) "
                    f"when 8 then try_strptime({raw}, '%Y%m%d')::DATE "
                    f"else case when substr({raw}, 11, 1) in (' ', 'T') then try_cast(left({raw}, 10) as DATE) end end"
                )
            case "day":
                return f"{raw}::DATE"
            case "count" | "pence" if text:
                # 12, 12.0, and 1e+05, which is how some programs write 100000; not 1e-2, which would be cast to 0
                whole = f"regexp_full_match({raw}, '[+-]?[0-9]+([.]0*)?([eE][+]?[0-9]{{1,2}})?')"
                return f"try_cast(case when {whole} then {raw} end as BIGINT)"
            case "count" | "pence":
                return f"case when {raw} = round({raw}) then try_cast({raw} as BIGINT) end"
            case "number":
                return f"try_cast({raw} as DECIMAL(18, 4))"
            case "flag" if text:
                return f"try_cast({raw} as BOOLEAN)"
            case "flag" if incoming == "BOOLEAN":
                return raw
            case "flag":
                return f"case {raw} when 1 then true when 0 then false end"
            case "key":
                hashed = row_expression(raw, self._secrets(column.name))
                return f"case when {raw} is not null then {hashed} end"
            case "code" if column.dotless:
                of_these = f"{_raw('coding')} in ({', '.join(map(text_literal, DOTLESS))})"
                holds = "true" if column.dotless == "always" else of_these
                return f"case when {holds} then {_dotless(raw)} else {raw} end"
            case "codes":
                return f"case when contains({raw}, '  ') then regexp_replace({raw}, ' +', ' ', 'g') else {raw} end"
            case _:
                return raw

    def _row(self) -> str:
        """The key of the row: the source's own, or made from what makes it unique, or from the whole content."""
        unique = self.table.unique
        columns = [column.name for column in self.table.columns] if unique == ("row",) else list(unique)
        # people and keys count as they were before any rotation, so that the same row has the same key after one
        raw = {column.name for column in self.table.columns if column.type == "key"}
        parts = ["rooted"] if unique == ("row",) and self.table.of_persons != "none" else []
        parts += ["rooted" if name == "person" else _raw(name) if name in raw else _value(name) for name in columns]
        # a key that is made begins as no key that was given does
        content = ", ".join(f"coalesce({part}::VARCHAR, '')" for part in parts)
        text = f"coalesce(given_key, concat_ws({text_literal(_SEPARATOR)}, '', {content}))"
        return row_expression(text, self._secrets("row"))

    def _secrets(self, of: str) -> list[str]:
        """The DuckDB variables that hold the secrets of a column's keys, or of the rows'."""
        return [f"secret_{of}_{number}" for number in range(len(self.keys))]

    def _bind_secrets(self, con: duckdb.DuckDBPyConnection) -> None:
        domains = {"row": f"{self.source} {self.table.name}"}
        # a spell has the same key in every table of its source
        domains |= {
            column.name: f"{self.source} {column.name}" for column in self.table.columns if column.type == "key"
        }
        for of, domain in domains.items():
            for name, secret in zip(self._secrets(of), self.keys.row_secrets(domain), strict=True):
                con.execute(f"set variable {name} = ?", [secret])

    def rules(self, types: Mapping[str, str], fine: Collection[str] = ()) -> list[Rule]:
        """Every rule that a row can break, in the order in which the reasons are given; none of columns ``fine``."""
        rules: list[Rule] = []
        rules += self._person_rules()
        if "known" in types:
            wrong = f"known > DATE '{self.day.isoformat()}' or known < DATE '{FIRST_DAY.isoformat()}'"
            rules.append(Rule("known", wrong, "'is later than the day of loading, or before 1850'", asks="row"))
        if "deleted" in types:
            no_key = "takes_back and given_key is null"
            rules.append(Rule("", no_key, "'a row is withdrawn without saying which'", asks="row"))
        for column in self.table.columns:
            if column.name not in fine:
                rules += self._column_rules(column, types.get(column.name))
        for order in self.table.order:
            first, then = _value(order.first), _value(order.then)
            if order.first in types and order.then in types:
                sign, words = (">", "before") if order.same else (">=", "not after")
                rules.append(Rule(order.then, f"{first} {sign} {then}", text_literal(f"is {words} {order.first}")))
        return rules

    def _wrong_values(self, rules: Sequence[Rule], types: Mapping[str, str], fine: Collection[str]) -> str:
        """Whether any value of a row is wrong, as it is asked of every row: quickly."""
        wrong = [rule.broken for rule in rules if rule.asks == "values"]
        asked = [column for column in self.table.columns if column.name in types and column.name not in fine]
        texts = [_raw(column.name) for column in asked if _is_text(column)]
        if texts:
            joined = f"concat_ws({text_literal(_SEPARATOR)}, '', {', '.join(texts)})"
            wrong.append(f"regexp_matches({joined}, {text_literal(_UNFIT_JOINED)})")
            wrong += [f"strlen({text}) > {_LONGEST}" for text in texts]
            if self._named:
                wrong += [_holds_identifier(text) for text in texts]
                wrong += [strangers.held(text) for text in texts]
        together = " or ".join(f"({each})" for each in wrong) or "false"
        return f"not takes_back and ({together})" if "deleted" in types else together

    def _person_rules(self) -> list[Rule]:
        if self.table.of_persons == "none":
            return []
        what = "an NHS number (ten digits, of which the last checks the others)" if self.nhs else "an identifier"
        there = "trim(given_identifier) <> ''"
        rules = [Rule("identifier", f"person is null and {there}", text_literal(f"is not {what}"), asks="row")]
        if self.table.of_persons == "required":
            missing = "'is missing: nobody knows whose row it is'"
            rules.append(Rule("identifier", f"not coalesce({there}, false)", missing, asks="row"))
        return rules

    def _column_rules(self, column: Column, incoming: str | None) -> list[Rule]:
        name, raw, value = column.name, _raw(column.name), _value(column.name)
        if incoming is None:
            return [Rule(name, "true", "'is missing'")] if column.required else []
        rules = [Rule(name, f"{raw} is null", "'is missing'")] if column.required else []
        shown = _shown(column, raw)
        unreadable = Rule(
            name, f"{raw} is not null and {value} is null", text_literal(_UNREADABLE.get(column.type, "")), shown
        )
        match column.type:
            case "day":
                first, latest = self._days(column)
                rules.append(unreadable)
                early, late = first.isoformat(), latest.isoformat()
                rules.append(Rule(name, f"{value} < DATE '{early}'", text_literal(f"is before {early}"), shown))
                ahead = "in the future" if latest == self.day else f"after {late}, too far in the future"
                rules.append(Rule(name, f"{value} > DATE '{late}'", text_literal(f"is {ahead}"), shown))
            case "count" | "pence" | "number":
                least = 0 if column.least is None and column.type != "number" else column.least
                rules.append(unreadable)
                if least is not None:
                    words = "is negative" if least == 0 else f"is less than {least}"
                    rules.append(Rule(name, f"{value} < {least}", text_literal(words), shown))
                if column.most is not None:
                    rules.append(
                        Rule(name, f"{value} > {column.most}", text_literal(f"is more than {column.most}"), shown)
                    )
                if self._named:
                    same = f"{value} = try_cast(replace(given_identifier, ' ', '') as BIGINT)"
                    held = f"case when {value} > {_SURELY_WHOLE} then coalesce({same}, false) end"
                    rules.append(Rule(name, held, "'is the person''s identifier'"))
                    stranger = f"case when {value} > {_SURELY_WHOLE} then not coalesce({same}, false) "
                    stranger += f"and {strangers.same(value)} end"
                    rules.append(Rule(name, stranger, "'is another person''s NHS number'"))
            case "flag":
                rules.append(unreadable)
            case "word":
                allowed = ", ".join(text_literal(word) for word in column.allowed or ())
                words = text_literal(f"is not one of: {', '.join(column.allowed or ())}")
                rules.append(Rule(name, f"{raw} not in ({allowed})", words, shown))
            case "code" | "codes":
                unfit = text_literal(_UNFIT)
                wrongs = {
                    f"regexp_matches({raw}, {unfit})": "holds characters that are not text: a wrong encoding?",
                    f"{raw}[1] in ('=', '@')": "begins as a formula, not as a code",
                    f"strlen({raw}) > {_LONGEST}": "is too long for a code",
                }
                if self._named:
                    own = _holds_identifier(raw)
                    wrongs[own] = "holds the person's identifier"
                    wrongs[f"not coalesce({own}, false) and {strangers.held(raw)}"] = (
                        "holds another person's NHS number"
                    )
                rules += [Rule(name, broken, text_literal(words), asks="text") for broken, words in wrongs.items()]
            case _:
                pass
        return rules

    def _withdraw(self, con: duckdb.DuckDBPyConnection, judged: str, target: Path) -> dict[int, int]:
        rows = (
            f"select row, {text_literal(self.source)} as source, known as known_from, accord_file as file, line "
            f"from ({judged}) where takes_back and not broken and away is null"
        )
        file = target / "withdrawn.parquet"
        con.execute(f"copy ({rows}) to {text_literal(str(file))} (format parquet)")
        return _by_file(con, f"select file, count(*) from {_parquet(file)} group by 1")

    def _refuse(
        self, con: duckdb.DuckDBPyConnection, incoming: str, types: Mapping[str, str], judged: str, target: Path
    ) -> dict[int, int]:
        """Write a row for every reason, and count the rows that have one."""
        con.execute(
            "create or replace temp table refused_lines as "
            f"select distinct accord_file, line as source_row from ({judged}) where broken and away is null"
        )
        # only these are asked everything; columns that are fine are asked again, for the reader's own are not
        rules = self.rules(types)
        doubtful = f"(select * from {incoming} semi join refused_lines using (accord_file, source_row))"
        judged = self.judged(doubtful, types, rules)
        # where the reader could not map a row, what follows from that is no news; nor is it for a withdrawal
        # digits are hidden in what the reader says: it knows the values, and a slip there must not tell them
        first = Rule("", "refused is not null", "regexp_replace(refused, '[0-9][0-9 ]{5,}', '…', 'g')", asks="row")
        cases = [(first, first.broken, "coalesce(refused_column, '')")]
        cases += [(rule, _asked(rule), text_literal(rule.column)) for rule in rules]
        several = ", ".join(
            f'case when {asked} then struct_pack("column" := {blamed}, reason := {rule.reason}, '
            f'"value" := {rule.shown}) end'
            for rule, asked, blamed in cases
        )
        con.execute(
            "create or replace temp table refused_rows as select accord_file as file, line, "
            f"hash(given_identifier) as whose, [{several}] as problems from ({judged}) where broken and away is null"
        )
        words = [column.name for column in self.table.columns if column.type == "word"]
        listed = ", ".join(text_literal(word) for word in words) or "''"
        con.execute(
            # a word that is not allowed is shown where more people have it than a small count: it is not one person's
            f"""copy (
              with each as (
                select file, line, whose, unnest(list_filter(problems, lambda p: p is not null)) as p from refused_rows
              ), often as (
                select p."column" as named, p."value" as held from each where p."column" in ({listed})
                group by all having count(distinct whose) > {disclosure.rules().most}
              )
              select file, line, {text_literal(self.table.name)} as "table", p."column" as "column", p.reason as reason,
                case when p."column" not in ({listed}) or held is not null then p."value" end as "value"
              from each left join often on named = p."column" and held = p."value"
              order by file, line, p."column", p.reason
            ) to {text_literal(str(target / "rejects.parquet"))} (format parquet)"""
        )
        counted = _by_file(con, "select file, count(*) from refused_rows group by 1")
        con.execute("drop table refused_rows")
        con.execute("drop table refused_lines")
        return counted


_LONGEST = 400
"""The longest text, in bytes, that a code column may hold."""

_PLAIN = "[!-<>?A-~]([ -~]*[!-~])?"
"""Text of letters, digits and signs of ASCII, not begun as a formula, with no space around it: most codes are."""

_SURELY_WHOLE = 99_999_999
"""A number up to this is too short for an NHS number, and fits into every type of whole numbers."""

_TWICE = "[\\x{c2}\\x{c3}][\\x{80}-\\x{bf}]"
"""What UTF-8 leaves that was read as another encoding and written as UTF-8 again."""

_UNFIT = f"[\\x00-\\x1f\\x7f\\x{{80}}-\\x{{9f}}\\x{{fffd}}]|{_TWICE}"
"""Characters that no code holds: controls, what stands for bytes that could not be decoded, what was encoded twice."""

_UNFIT_JOINED = f"[\\x00-\\x1d\\x1f\\x7f\\x{{80}}-\\x{{9f}}\\x{{fffd}}]|\\x1e[=@]|{_TWICE}"

_PAST = {("people", "born"), ("deaths", "day")}
"""Days that cannot lie after the day of loading."""

_UNREADABLE = {
    "day": "is not a day such as 2026-04-01",
    "count": "is not a whole number such as 12",
    "pence": "is not a whole number of pence such as 1250",
    "number": "is not a number such as 12.5",
    "flag": "is neither true nor false",
}

_TYPES = {
    "day": "DATE",
    "count": "BIGINT",
    "pence": "BIGINT",
    "number": "DECIMAL(18, 4)",
    "flag": "BOOLEAN",
    "key": "BIGINT",
    "person": "BIGINT",
}

_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def _asked(rule: Rule) -> str:
    of_whom = "refused is null" if rule.asks == "row" else "refused is null and not takes_back"
    return f"{of_whom} and ({rule.broken})"


def _is_text(column: Column) -> bool:
    return column.type in ("code", "codes")


def _as_text(column: Column, incoming: str) -> bool:
    """Whether values of a column come as text, or are made text first, being of no kind that its type takes."""
    match column.type:
        case "day":
            return incoming != "DATE" and not incoming.startswith("TIMESTAMP")
        case "count" | "pence" | "number":
            return incoming not in (*_NUMERIC, "DOUBLE", "FLOAT") and not incoming.startswith("DECIMAL")
        case "flag":
            return incoming != "BOOLEAN" and incoming not in _NUMERIC
        case _:
            return True


def _raw_expression(column: Column, incoming: str | None, fine: bool = False) -> str:
    if incoming is None:
        return "NULL::VARCHAR"
    given = f"i.{quoted(column.name)}"
    if not _as_text(column, incoming):
        return given
    if fine:
        return given if incoming == "VARCHAR" or column.type != "key" else f"{given}::VARCHAR"
    return f"nullif(trim({given if incoming == 'VARCHAR' else f'{given}::VARCHAR'}, {text_literal(_SPACES)}), '')"


_SPACES = " \t\r\n\xa0"


def _holds_identifier(text: str) -> str:
    plain = "replace(given_identifier, ' ', '')"
    # most long codes are digits alone, and telling that is quicker than taking signs off
    taken_off = f"translate({text}, '{strangers.SIGNS}', '')"
    bare = f"case when regexp_full_match({text}, '[0-9]*') then {text} else {taken_off} end"
    held = f"contains({bare}, {plain})"
    return f"case when strlen({text}) >= 10 then strlen({plain}) >= 10 and {held} end"


def _dotless(text: str) -> str:
    return f"upper(replace({text}, '.', ''))"


def _shown(column: Column, raw: str) -> str:
    """The value as a reject may show it: only what cannot be an identifier, or a name."""
    text = f"{raw}::VARCHAR"
    digits = f"length(regexp_replace({text}, '[^0-9]', '', 'g'))"
    if column.type == "day":
        short = f"case when substr({text}, 11, 1) in (' ', 'T') then left({text}, 10) else {text} end"
        plain = f"regexp_full_match({short}, '[0-9./ -]{{1,10}}')"
        return f"case when {plain} and length(regexp_replace({short}, '[^0-9]', '', 'g')) <= 8 then {short} end"
    if column.type in ("count", "pence", "number"):
        return f"case when regexp_full_match({text}, '[+-]?[0-9.,]{{1,16}}') and {digits} <= 8 then {text} end"
    if column.type == "word":
        return f"case when length({text}) <= 40 and {digits} <= 4 then {text} end"
    return "NULL"


def _or_null(types: Mapping[str, str], name: str) -> str:
    return f"i.{name}::VARCHAR" if name in types else "NULL::VARCHAR"


def sql_type(column: Column) -> str:
    """How DuckDB calls what the values of a column are."""
    return _TYPES.get(column.type, "VARCHAR")


def _written(column: Column) -> str:
    """The value as it is written: a word as one of those allowed, which Parquet takes as it stands."""
    value = _value(column.name)
    return _one_of(value, column.allowed) if column.type == "word" and column.allowed else value


def _one_of(text: str, words: Iterable[str]) -> str:
    """A text known to be one of some words, as a number that stands for it: written in a third of the time."""
    return f"try_cast({text} as enum({', '.join(map(text_literal, words))}))"


def _by_file(con: duckdb.DuckDBPyConnection, select: str) -> dict[int, int]:
    return {int(file): int(rows) for file, rows in con.execute(select).fetchall()}


def _raw(name: str) -> str:
    return f'"raw {name}"'


def _value(name: str) -> str:
    return f'"value {name}"'


def _parquet(path: Path) -> str:
    return f"read_parquet({text_literal(str(path))})"
