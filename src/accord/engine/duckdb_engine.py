"""The plan in DuckDB: exact whole numbers, one statement for each stage of a frame.

What is not proven to fit 128 bits goes to the Python-integer engine and comes back as a column. Whatever must stop a
run is a flag beside the values, looked at after each statement; nothing in a statement can fail by itself.
"""

# pyarrow has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from accord.engine.across import aggregate, shares
from accord.engine.batches import batches, together
from accord.engine.database import in_memory, quiet
from accord.engine.exact import OP_KINDS, Cell, Failure, Held, Number, common_unit
from accord.engine.expressions import WORLD, Const, Expr, Lookup, OwnColumn, Pick, Rounded, everything
from accord.engine.integers import (
    IntegerEngine,
    ListColumn,
    Relation,
    gathering_failures,
    is_own_row,
    relation_of,
)
from accord.engine.rows import ancestors, enclosing, joined_keys
from accord.engine.schedule import Stage, own_table_column, schedule
from accord.engine.settling import ResultTable, narrowed, whole_array
from accord.engine.sql import (
    BIGINT,
    HUGE,
    HUGEINT,
    TooWide,
    check_width,
    literal,
    quoted,
    sql_type,
    text_literal,
    width_of,
)
from accord.engine.statement import FLAG, FrameState, SqlColumn, SqlRelation, Statement
from accord.engine.steps import Compute, Gathering, Loop, Plan, Ranking, Sharing, Step, table_name
from accord.engine.stopping import SHOWN, Stop
from accord.engine.whole import Op
from accord.language.contract import PeriodItem
from accord.language.meaning import OwnKey
from accord.language.place import Place

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from accord.engine.inputs import Inputs


Progress = Callable[[str], None]


def run_in_duckdb(
    plan: Plan, inputs: Inputs, threads: int | None = None, progress: Progress | None = None
) -> dict[str, ResultTable]:
    """Run a plan in DuckDB; the kept columns of every frame. Many worlds are settled some at a time."""
    parts = batches(inputs)
    if len(parts) > 1:
        with suppress(Stop, ValueError):  # a message counts the rows of all worlds: then all are settled together
            return together([_run(plan, part, threads, progress) for part in parts])
    return _run(plan, inputs, threads, progress)


def _run(plan: Plan, inputs: Inputs, threads: int | None, progress: Progress | None) -> dict[str, ResultTable]:
    """Run a plan in one batch."""
    import duckdb

    from accord.engine.settling import results_of_lists

    connection = quiet(_database(threads).cursor())
    try:
        return DuckEngine(plan, inputs, connection, progress).run()
    except (duckdb.OutOfRangeException, duckdb.ConversionException):
        # a value that no branch uses lies outside every bound: Python's whole numbers have none
        worker = IntegerEngine(plan, inputs)
        worker.run(progress)
        return results_of_lists(worker, plan)
    finally:
        connection.close()


@cache
def _database(threads: int | None) -> duckdb.DuckDBPyConnection:
    """An empty database in memory, kept for the life of the process: opening one takes as long as a small contract.

    Every run has a cursor of its own; its tables are temporary ones, which no other cursor sees and which go with it.
    """
    import duckdb

    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": os.path.join(tempfile.gettempdir(), f"accord-{os.getpid()}"),
    }
    if threads is not None:
        config["threads"] = threads
    connection = in_memory(config)
    # a division that only a check of the contract guards gives nothing where the check fails, and the check says so
    with suppress(duckdb.CatalogException):  # before 2.0 it was so without being asked, and the setting has no name
        connection.execute("set global error_on_division_by_zero = false").fetchall()
    # joins are written in the order in which they should run: the rows first, what they look up after
    connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'").fetchall()
    return connection


class DuckEngine:
    """One run of a plan on one connection."""

    def __init__(
        self, plan: Plan, inputs: Inputs, connection: duckdb.DuckDBPyConnection, progress: Progress | None
    ) -> None:
        self.plan = plan
        self.inputs = inputs
        self.contract = plan.contract
        self.connection = connection
        self.progress = progress
        self.many_worlds = len(inputs.worlds) > 1
        self.schedule = schedule(plan)
        self.relations: dict[str, SqlRelation] = {}
        self.states: dict[str, FrameState] = {}
        self.waiting: dict[str, Statement] = {}
        self.python_lists: dict[str, Relation] = {}
        self.number = 0
        self.listings: dict[str, Lookup] = {}
        self.kept: list[Expr] = []
        self.in_python: list[str] = []
        """What had to be computed in Python whole numbers."""

    # -- the run

    def run(self) -> dict[str, ResultTable]:
        """Every stage, then the results."""
        for number in range(self.schedule.end + 1):
            for loop in self.schedule.loops.get(number, ()):
                self.say(f"{loop.period} by {loop.period}")
                self.loop(loop)
            for stage in self.schedule.stages.get(number, ()):
                for step in stage.computes:
                    self.say(step.label)
                self.stage(stage)
        return {frame: self.result(frame) for frame in self.plan.results}

    def say(self, what: str) -> None:
        """Report progress."""
        if self.progress is not None:
            self.progress(what)

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement and read all of its result."""
        return self.connection.execute(sql).fetchall()

    def fresh(self, what: str) -> str:
        """A name that is not taken."""
        self.number += 1
        return f"{what}:{self.number}"

    def only_one(self, key: str) -> bool:
        """Whether the run has one period of this key, so that all its rows are of that one."""
        return len(self.inputs.periods.get(key, ())) == 1

    # -- relations

    def relation(self, name: str) -> SqlRelation:
        """A relation by name; a frame: where its rows are."""
        found = self.relations.get(name)
        if found is None:
            if name.startswith("table:"):
                found = self.load(name)
            else:
                return self.state(name).base
            self.relations[name] = found
        return found

    def load(self, name: str) -> SqlRelation:
        """A loaded table, read in place."""
        import pyarrow as pa
        import pyarrow.compute as pc

        table = self.inputs.tables[name[6:]]
        described = self.contract.tables[name[6:]]
        data = table.data
        if table.has_worlds and not self.many_worlds:
            data = data.filter(pc.equal(data.column(WORLD), self.inputs.worlds[0]))
        self.connection.register(name, data)
        columns: dict[str, SqlColumn] = {}
        for column in described.columns:
            kind = column.type.kind
            values = data.column(column.name)
            nullable = values.null_count > 0
            if kind != "number":
                plain = "text" if kind == "key" else kind
                columns[column.name] = SqlColumn(Held(plain, nullable), column.name)
                continue
            factor = Fraction(1, 10 ** table.places[column.name])
            if pa.types.is_string(values.type):
                columns[column.name] = SqlColumn(Held("number", nullable, factor), column.name, "VARCHAR")
                continue
            ends = pc.min_max(values).as_py()
            lo, hi = int(ends["min"] or 0), int(ends["max"] or 0)
            stored = BIGINT if pa.types.is_int64(values.type) else "DECIMAL(38,0)"
            columns[column.name] = SqlColumn(Held("number", nullable, factor, lo, hi), column.name, stored)
        world = table.has_worlds and self.many_worlds
        return SqlRelation(name, quoted(name), described.keys, world, data.num_rows, columns)

    def state(self, frame: str) -> FrameState:
        """Where a frame stands."""
        found = self.states.get(frame)
        if found is None:
            found = self.states[frame] = FrameState(self.rows(frame))
        return found

    def where(self, relation: str, column: str) -> SqlRelation:
        """The relation that holds a column."""
        if relation.startswith(("table:", "gather:", "held:", "list:")):
            return self.relation(relation)
        state = self.state(relation)
        if column in state.base.columns or column.startswith("key:") or column == WORLD:
            return state.base
        return state.elsewhere[column]

    def held(self, relation: str, column: str) -> Held:
        """How a column is held."""
        if column.startswith("key:"):
            return Held("text", False)
        if column == WORLD:
            return Held("number", False, Fraction(1), min(self.inputs.worlds), max(self.inputs.worlds))
        return self.where(relation, column).columns[column].held

    def own_lookup(self, frame: str, column: str) -> Lookup | None:
        """How a row finds a column of its own that another relation holds."""
        if self.where(frame, column) is self.state(frame).base:
            return None
        keys = tuple(OwnColumn("text", False, f"key:{key}") for key in self.plan.frames[frame].keys)
        return Lookup(self.where(frame, column).name, keys, False, Place("", 0, 0))

    def always_found(self, frame: str, lookup: Lookup) -> bool:
        """Whether a lookup is on the very rows."""
        if not frame.startswith("rows:"):
            return False
        return is_own_row(self.plan, frame, lookup)

    def listed(self, pick: Pick) -> Lookup | None:
        """A choice between many constants as a relation of its own: DuckDB plans a long ``case`` slowly."""
        name = f"list:{id(pick)}"
        if name not in self.relations:
            constants = [value.value for _, value in pick.cases if isinstance(value, Const)]
            if pick.kind == "number":
                numbers = [value for value in constants if isinstance(value, Fraction)]
                unit = common_unit([abs(number) for number in numbers if number])
                if len(numbers) < len(constants):
                    return None
                wholes = [int(number / unit) for number in numbers]
                held = Held("number", False, unit, min(wholes), max(wholes))
                try:
                    stored = width_of(held.lo, held.hi)
                except TooWide:
                    return None
                texts = [f"({whole})::{stored}" for whole in wholes]
                column = SqlColumn(held, "value", stored)
            else:
                texts = [literal(value, OP_KINDS[pick.kind]) for value in constants]
                column = SqlColumn(Held(pick.kind, False), "value")
            self.kept.append(pick)
            labels = [literal(label, "text") for label, _ in pick.cases]
            values = ", ".join(f"({label}, {text})" for label, text in zip(labels, texts, strict=True))
            self.execute(f'create temp table {quoted(name)} as select * from (values {values}) v("of", "value")')
            self.relations[name] = SqlRelation(name, quoted(name), ("of",), False, len(texts), {"value": column})
        lookup = self.listings.get(name)
        if lookup is None:
            lookup = self.listings[name] = Lookup(name, (pick.of,), False, Place("", 0, 0))
        return lookup

    # -- row sets

    def rows(self, frame: str) -> SqlRelation:
        """The rows of a frame."""
        described = self.plan.frames[frame]
        rows, contract = described.rows, self.contract
        keys = joined_keys(contract, rows)
        own = all(isinstance(path, OwnKey) for path in rows.paths)
        tables = [source for source in rows.sources if source in contract.tables]
        if own and len(rows.sources) == 1 and tables and set(keys) == set(rows.keys):
            table = self.relation(table_name(tables[0]))
            columns = {own_table_column(table.name, name): column for name, column in table.columns.items()}
            if frame in self.plan.varying and not table.world:
                source = f"(select t.*, w.{quoted(WORLD)} from {table.source} t cross join {self.worlds()} w)"
                many = table.rows * len(self.inputs.worlds)
                return SqlRelation(frame, source, rows.keys, True, many, columns)
            return SqlRelation(frame, table.source, rows.keys, table.world, table.rows, columns)
        combined = self.combined(f"joined:{frame}", rows.sources, keys)
        if own and set(keys) == set(rows.keys):
            sql = f"select {self.key_list(combined, rows.keys)} from {combined.source} b"
        else:
            self.states[combined.name] = FrameState(combined)
            statement = Statement(self, combined.name)
            found = {
                key: statement.formulas.plain(expr) for key, expr in zip(rows.keys, described.projection, strict=True)
            }
            inner = statement.sql(found, {WORLD: f"b.{quoted(WORLD)}"} if combined.world else {})
            there = " and ".join(f"{quoted(key)} is not null" for key in rows.keys) or "true"
            sql = f"select distinct * from ({inner}) where {there}"
            periods = [key for key in rows.keys if contract.keys[key].is_period]
            for key in periods:
                labels = ", ".join(text_literal(item.label) for item in self.inputs.periods.get(key, ()))
                sql += f" and {quoted(key)} in ({labels or 'null'})"
        name = self.fresh("rows")
        self.execute(f"create temp table {quoted(name)} as {sql}")
        count = self.execute(f"select count(*) from {quoted(name)}")[0][0]
        return SqlRelation(frame, quoted(name), rows.keys, combined.world, count, {})

    def key_list(self, relation: SqlRelation, keys: Iterable[str]) -> str:
        """The keys, and the world if there is one, as columns of a select from ``b``."""
        names = [*keys, *([WORLD] if relation.world else [])]
        return ", ".join(f"b.{quoted(name)}" for name in names) or "1 as one"

    def worlds(self) -> str:
        """The worlds as a subquery."""
        listed = ", ".join(f"({world})" for world in self.inputs.worlds)
        return f"(select v::INTEGER as {quoted(WORLD)} from (values {listed}) x(v))"

    def combined(self, name: str, sources: Sequence[str], keys: Sequence[str]) -> SqlRelation:
        """The combined rows of several sources: joined on the keys they share, periods on nesting."""
        contract = self.contract
        joins: list[str] = []
        have: dict[str, str] = {}
        world: str | None = None
        nested: set[tuple[str, str]] = set()
        for number, source in enumerate(sources):
            alias = f"s{number}"
            if source in contract.tables:
                table = self.relation(table_name(source))
                text, new, has_world = table.source, contract.tables[source].keys, table.world
            else:
                text, new, has_world = self.period_list(source, self.inputs.periods.get(source, ())), (source,), False
            conditions = [f"{alias}.{quoted(key)} = {have[key]}" for key in new if key in have]
            arriving = {key: f"{alias}.{quoted(key)}" for key in new if key not in have}
            if has_world:
                if world is not None:
                    conditions.append(f"{alias}.{quoted(WORLD)} = {world}")
                else:
                    world = f"{alias}.{quoted(WORLD)}"
            known = {**have, **arriving}
            for inner in known:
                for outer in ancestors(contract, inner) if contract.keys[inner].is_period else ():
                    if outer in known and (inner, outer) not in nested:
                        nested.add((inner, outer))
                        conditions.append(f"{self.nesting(inner, outer, known[inner])} = {known[outer]}")
            joins.append(
                f"{text} {alias}" if not joins else f"join {text} {alias} on {' and '.join(conditions) or 'true'}"
            )
            if len(joins) == 1 and conditions:
                joins[0] = f"(select * from {text} {alias} where {' and '.join(conditions)}) {alias}"
            have = known
        if name.removeprefix("joined:") in self.plan.varying and world is None:
            joins.append(f"{'join ' if joins else ''}{self.worlds()} w{' on true' if joins else ''}")
            world = f"w.{quoted(WORLD)}"
        listed = [f"{have[key]} as {quoted(key)}" for key in keys]
        if world is not None:
            listed.append(f"{world} as {quoted(WORLD)}")
        source = f"(select {', '.join(listed) or '1 as one'}{' from ' + ' '.join(joins) if joins else ''})"
        return SqlRelation(name, source, tuple(keys), world is not None, 0, {})

    def period_list(self, key: str, items: Sequence[PeriodItem]) -> str:
        """The periods of a run as a subquery."""
        if not items:
            return f"(select null::VARCHAR as {quoted(key)} where false)"
        listed = ", ".join(f"({text_literal(item.label)})" for item in items)
        return f"(select v as {quoted(key)} from (values {listed}) x(v))"

    def nesting(self, inner: str, outer: str, column: str) -> str:
        """The period ``outer`` in which a period ``inner`` lies."""
        pairs = [
            (item.label, enclosing(self.contract, outer, inner, item.label)) for item in self.contract.keys[inner].items
        ]
        whens = " ".join(
            f"when {text_literal(label)} then {text_literal(found)}" for label, found in pairs if found is not None
        )
        return f"(case {column} {whens} end)" if whens else "null::VARCHAR"

    # -- stages

    def stage(self, stage: Stage) -> None:
        """Compute the columns of a stage, and what starts from there."""
        frame = stage.frame
        statement = Statement(self, frame)
        wide = not statement.add(stage.computes) or not statement.verify(stage.verifies)
        if stage.kept or wide:
            if wide:
                self.in_parts(stage)
            else:
                self.keep(statement, self.schedule.moment(stage.number) + 1)
            statement = Statement(self, frame)
        used = False
        for gatherings in stage.gatherings.values():
            self.gather(statement, gatherings, stage.number)
            used, statement = True, Statement(self, frame)
        for step in stage.others:
            if isinstance(step, Ranking):
                self.rank(statement, step, stage.number)
            else:
                self.share(statement, step, stage.number)
            used, statement = True, Statement(self, frame)
        if stage.last and not used:
            self.waiting[frame] = statement
        elif statement.traps and not used:
            self.check(statement.sql({FLAG: statement.flag()}, statement.keys()), statement)

    def in_parts(self, stage: Stage) -> None:
        """A stage in which something does not fit 128 bits: what fits in SQL, the rest in Python, and what follows."""
        pending = list(stage.computes)
        while pending:
            statement = Statement(self, stage.frame)
            blocked: set[str] = set()
            later: list[Compute] = []
            wide: list[Compute] = []
            for step in pending:
                read = {expr.name for expr in everything(step.exprs) if isinstance(expr, OwnColumn)}
                if read & blocked:
                    later.append(step)
                    blocked.add(step.column)
                elif not statement.add([step]):
                    wide.append(step)
                    blocked.add(step.column)
            if statement.made or statement.traps:
                self.keep(statement, self.schedule.moment(stage.number))
            for step in wide:
                self.in_whole_python(step)
            pending = later
        for verify in stage.verifies:
            statement = Statement(self, stage.frame)
            if not statement.verify([verify]):
                self.in_whole_python(verify)
            elif statement.traps:
                self.check(statement.sql({FLAG: statement.flag()}, statement.keys()), statement)

    def keep(self, statement: Statement, after: int) -> None:
        """Make a table of a frame's rows with the columns of a statement and those that are read from ``after`` on."""
        frame, state = statement.frame, self.state(statement.frame)
        base = state.base
        outputs: dict[str, Op] = {}
        made: dict[str, SqlColumn] = {}
        for column, (step, n, d, factor) in statement.made.items():
            outputs[column] = n
            made[column] = self.described(step.expr, statement.cells[column], column, n, d, factor)
            if d is not None:
                outputs[f"{column}:d"] = d
        carried: dict[str, str] = {}
        for name, column in base.columns.items():
            if self.schedule.last_read.get((frame, name), -1) >= after:
                kept = replace(column, name=f"col:{name}", under=f"col:{name}:d" if column.under else "")
                carried[kept.name] = f"b.{quoted(column.name)}"
                if column.under:
                    carried[kept.under] = f"b.{quoted(column.under)}"
                made[name] = kept
        columns = {**statement.keys(), **carried}
        if statement.traps:
            outputs[FLAG] = statement.flag()
        name = self.fresh("stage")
        self.execute(f"create temp table {quoted(name)} as {statement.sql(outputs, columns)}")
        if statement.traps:
            self.check(f"select * from {quoted(name)}", statement)
        new = {name: made[name] for name in statement.made}
        made |= self.measured(quoted(name), new)
        state.base = SqlRelation(name, quoted(name), base.keys, base.world, base.rows, made)
        self.relations[name] = state.base

    def described(self, expr: Expr, cell: Cell, column: str, n: Op, d: Op | None, factor: Fraction) -> SqlColumn:
        """How a computed column will be held."""
        if not isinstance(cell, Number):
            return SqlColumn(Held(expr.kind, expr.nullable), column)
        held = Held("number", expr.nullable, factor, n.lo, n.hi, d is not None)
        if d is None:
            return SqlColumn(held, column, sql_type(n))
        held = replace(held, d_lo=d.lo, d_hi=d.hi, values=(cell.lo, cell.hi))
        return SqlColumn(held, column, sql_type(n), f"{column}:d", sql_type(d))

    def measured(self, source: str, columns: Mapping[str, SqlColumn]) -> dict[str, SqlColumn]:
        """The same columns with the intervals that their numbers really lie in."""
        asked: list[str] = []
        for column in columns.values():
            if column.held.kind == "number" and not column.held.listed:
                for name in (column.name, column.under):
                    if name:
                        asked += [f"min({quoted(name)})", f"max({quoted(name)})"]
        if not asked:
            return dict(columns)
        ends = iter(
            [int(end) if end is not None else 0 for end in self.execute(f"select {', '.join(asked)} from {source}")[0]]
        )
        found: dict[str, SqlColumn] = {}
        for name, column in columns.items():
            held = column.held
            if held.kind == "number" and not held.listed:
                held = replace(held, lo=next(ends), hi=next(ends))
                if column.under:
                    held = replace(held, d_lo=next(ends), d_hi=next(ends))
            found[name] = replace(column, held=held)
        return found

    def check(self, sql: str, statement: Statement) -> None:
        """Stop if a row of a select with a flag has sprung a trap."""
        self.sprung(
            self.execute(f"select min({quoted(FLAG)}) from ({sql}) where {quoted(FLAG)} > 0")[0][0], sql, statement
        )

    def sprung(self, trap: int | None, sql: str, statement: Statement) -> None:
        """Stop for a trap; ``sql`` lists the rows with their flags."""
        if not trap:
            return
        keys = list(statement.keys())
        where = f"from ({sql}) where {quoted(FLAG)} = {trap}"
        count = self.execute(f"select count(*) {where}")[0][0]
        listed = ", ".join(quoted(key) for key in keys) or "1"
        rows = self.execute(f"select {listed} {where} order by all limit {SHOWN}")
        named = [dict(zip(keys, map(str, row), strict=False)) for row in rows]
        raise statement.traps[trap - 1].stop(count, named)

    # -- across rows

    def gather(self, statement: Statement, steps: Sequence[Gathering], number: int) -> None:
        """Gatherings of one frame by the same groups, in one statement."""
        try:
            found = self.gathering(statement, steps)
        except TooWide:
            if statement.made or statement.traps:
                self.keep(Statement.again(statement), self.schedule.moment(number) + 1)
            for step in steps:
                self.in_whole_python(step)
            return
        self.relations.update(found)

    def gathering(self, statement: Statement, steps: Sequence[Gathering]) -> dict[str, SqlRelation]:
        """The relations of gatherings by the same groups. Raises TooWide before anything is run."""
        formulas, program = statement.formulas, statement.program
        outputs: dict[str, Op] = {f"k{i}": formulas.plain(part) for i, part in enumerate(steps[0].match)}
        keys = list(outputs)
        base = self.state(statement.frame).base
        made: list[str] = []
        columns: dict[str, SqlColumn] = {}
        traps = list(statement.traps)
        for number, step in enumerate(steps):
            traps += [statement.trap(failure, step.label) for failure in gathering_failures(formulas, step)]
            kept = ""
            if step.where is not None:
                outputs[f"w{number}"] = program.holds(formulas.plain(step.where))
                kept = f" filter (where {quoted(f'w{number}')})"
            name = f"v{number}"
            if step.value is None:
                made.append(f"count(*){kept} as {quoted(name)}")
                columns[step.name] = SqlColumn(Held("number", True, Fraction(1), 0, base.rows), name, BIGINT)
                continue
            value, factor = formulas.cell(step.value), Fraction(1)
            if isinstance(value, Number):
                op, under, factor = formulas.numbers.stored(value, True)
                assert under is None, f"{step.label} of an unrounded quotient"
            else:
                op = value
            outputs[name] = op
            made.append(f"{aggregate(step.how, quoted(name), kept, op, base.rows)} as {quoted(name)}")
            if not isinstance(value, Number):
                columns[step.name] = SqlColumn(Held(step.value.kind, True), name)
                continue
            times = base.rows if step.how == "sum" else 1
            lo, hi = min((op.lo or 0) * times, 0), max((op.hi or 0) * times, 0)
            held = Held("number", True, factor, lo, hi, listed=step.how == "sorted")
            columns[step.name] = SqlColumn(held, name, width_of(lo, hi))
        check_width([*outputs.values(), *(trap.when for trap in traps)])
        statement.traps = traps
        if traps:
            outputs[FLAG] = statement.flag()
            made.append(f"max({quoted(FLAG)}) as {quoted(FLAG)}")
        world = {WORLD: f"b.{quoted(WORLD)}"} if base.world else {}
        sql = statement.sql(outputs, {**statement.keys(), **world} if traps else world)
        groups = [quoted(name) for name in (*keys, *world)]
        by = f" group by {', '.join(groups)}" if groups else ""
        name = self.fresh("gathered")
        self.execute(f"create temp table {quoted(name)} as select {', '.join([*groups, *made])} from ({sql}){by}")
        if traps:
            self.sprung(self.execute(f"select max({quoted(FLAG)}) from {quoted(name)}")[0][0], sql, statement)
        rows = self.execute(f"select count(*) from {quoted(name)}")[0][0]
        columns = self.measured(quoted(name), columns)
        return {
            step.name: SqlRelation(
                step.name, quoted(name), tuple(keys), base.world, rows, {"value": columns[step.name]}
            )
            for step in steps
        }

    def rank(self, statement: Statement, step: Ranking, number: int) -> None:
        """The rank of every row, as a relation beside the frame."""
        formulas = statement.formulas
        outputs: dict[str, Op] = {f"p{i}": formulas.plain(part) for i, part in enumerate(step.partition)}
        parts = [quoted(name) for name in outputs]
        order: list[str] = []
        for i, (expr, descending) in enumerate(step.order):
            cell = formulas.cell(expr)
            if isinstance(cell, Number) and cell.dens:
                self.in_whole_python(step)
                return
            outputs[f"o{i}"] = cell.n if isinstance(cell, Number) else cell
            order.append(quoted(f"o{i}") + (" desc" if descending else ""))
        failures = [failure for expr in step.exprs for failure in formulas.failures(expr)]
        statement.traps += [statement.trap(failure, step.label) for failure in failures]
        try:
            check_width([*outputs.values(), *(trap.when for trap in statement.traps)])
        except TooWide:
            self.in_whole_python(step)
            return
        base = self.state(statement.frame).base
        if base.world:
            parts.append(quoted(WORLD))
        keys = statement.keys()
        if statement.traps:
            outputs[FLAG] = statement.flag()
        sql = statement.sql(outputs, keys)
        over = f"{'partition by ' + ', '.join(parts) + ' ' if parts else ''}order by {', '.join(order)}"
        flag = [quoted(FLAG)] if statement.traps else []
        listed = ", ".join([*(quoted(key) for key in keys), *flag, f"(rank() over ({over}))::BIGINT as n"])
        column = SqlColumn(Held("number", False, Fraction(1), 1, max(base.rows, 1)), "n", BIGINT)
        name = self.fresh("ranks")
        self.execute(f"create temp table {quoted(name)} as select {listed} from ({sql})")
        if statement.traps:
            self.check(f"select * from {quoted(name)}", statement)
        self.held_beside(step.frame, step.column, name, column)

    def share(self, statement: Statement, step: Sharing, number: int) -> None:
        """Shares of pools: whole steps in proportion to weights, what is left over by largest remainder."""
        formulas, program = statement.formulas, statement.program
        pool, weight = formulas.number(step.pool), formulas.number(step.weight)
        base = self.state(statement.frame).base
        if step.floor is not None or weight.dens:
            self.in_whole_python(step)
            return
        ratio = pool.factor / step.step
        top = program.times(pool.n, ratio.numerator)
        under = program.times(program.product(pool.dens), ratio.denominator)
        steps = program.divide(top, under)
        size, weighed = program.absolute(steps), weight.n
        if weighed.lo is None or weighed.lo < 0:
            negative = program.compare("<", weighed, program.whole(0))
            statement.traps.append(
                statement.trap(Failure(program.holds(negative), "a weight is below 0", step.place), step.label)
            )
        if under.value != 1:
            rest = program.compare("<>", program.remainder(top, under), program.whole(0))
            message = "the pool is not a whole number of steps"
            statement.traps.append(statement.trap(Failure(program.holds(rest), message, step.place), step.label))
        failures = [failure for expr in step.exprs for failure in formulas.failures(expr)]
        statement.traps += [statement.trap(failure, step.label) for failure in failures]
        outputs: dict[str, Op] = {f"g{i}": formulas.plain(part) for i, part in enumerate(step.group)}
        outputs |= {"pool": steps, "w": weighed}
        largest = max((weighed.size or 0) * max(base.rows, 1), (weighed.size or 0) * (size.size or 0))
        try:
            check_width([*outputs.values(), *(trap.when for trap in statement.traps)])
            if largest > HUGE:
                raise TooWide
        except TooWide:
            self.in_whole_python(step)
            return
        keys = statement.keys()
        groups = [*(f"g{i}" for i in range(len(step.group))), *([WORLD] if base.world else [])]
        if statement.traps:
            outputs[FLAG] = statement.flag()
        sql = statement.sql(outputs, keys)
        column = SqlColumn(Held("number", True, step.step, steps.lo, steps.hi), "n", sql_type(steps))
        name = self.fresh("shares")
        sharing = shares(sql, list(keys), groups, sql_type(steps), bool(statement.traps))
        self.execute(f"create temp table {quoted(name)} as {sharing}")
        if statement.traps:
            self.check(f"select * from {quoted(name)}", statement)
        stuck = self.execute(f"select count(*) from {quoted(name)} where stuck")[0][0]
        if stuck:
            listed = ", ".join(quoted(key) for key in keys) or "1"
            rows = self.execute(f"select {listed} from {quoted(name)} where stuck order by all limit {SHOWN}")
            named = [dict(zip(keys, map(str, row), strict=False)) for row in rows]
            raise Stop(step.place, step.label, "there is money to share and every weight is 0", stuck, named)
        self.held_beside(step.frame, step.column, name, column)

    def held_beside(self, frame: str, column: str, name: str, described: SqlColumn) -> None:
        """A column of a frame is held by the table ``name``."""
        state = self.state(frame)
        base = state.base
        columns = self.measured(quoted(name), {column: described})
        held = SqlRelation(self.fresh("held"), quoted(name), base.keys, base.world, base.rows, columns)
        self.relations[held.name] = held
        state.elsewhere[column] = held

    # -- loops

    def loop(self, loop: Loop) -> None:
        """Steps that turn on a period: in SQL one period at a time, or all in Python if something does not fit."""
        frames = {step.frame for step in loop.steps if not isinstance(step, Loop)}
        before = {frame: dict(self.state(frame).elsewhere) for frame in frames}
        try:
            self.turning(loop)
        except TooWide:
            for frame, elsewhere in before.items():
                self.state(frame).elsewhere = elsewhere
            self.in_whole_python(loop)

    def turning(self, loop: Loop) -> None:
        """The loop in SQL. Raises TooWide."""
        rounds: list[list[Compute] | Step] = []
        for step in loop.steps:
            last = rounds[-1] if rounds else None
            if isinstance(step, Compute) and isinstance(last, list) and last[0].frame == step.frame:
                last.append(step)
            else:
                rounds.append([step] if isinstance(step, Compute) else step)
        for part in rounds:
            if isinstance(part, list):
                self.start(part)
            elif isinstance(part, Gathering):
                continue
            else:
                raise TooWide  # a rank or an allocation inside a loop is done in Python
        tables: dict[str, str] = {}
        for item in self.inputs.periods[loop.period]:
            for part in rounds:
                if isinstance(part, list):
                    self.turn(part, loop.labels[part[0].frame], item.label)
                else:
                    assert isinstance(part, Gathering)
                    self.turn_gathering(part, loop.labels[part.frame], item.label, tables)

    def start(self, steps: Sequence[Compute]) -> None:
        """An empty relation for columns that a loop fills."""
        frame = steps[0].frame
        state = self.state(frame)
        columns: dict[str, SqlColumn] = {}
        types = [f"{quoted(key)} VARCHAR" for key in state.base.keys]
        if state.base.world:
            types.append(f"{quoted(WORLD)} INTEGER")
        for step in steps:
            kind = step.expr.kind
            if kind != "number":
                columns[step.column] = SqlColumn(Held(kind, True), step.column)
                types.append(f"{quoted(step.column)} {_COLUMN_TYPES[kind]}")
                continue
            factor = step.expr.step if isinstance(step.expr, Rounded) and step.exact else Fraction(1)
            factor = Fraction(1, factor.denominator) if _is_power_of_ten(factor.denominator) else Fraction(1)
            under = "" if step.exact else f"{step.column}:d"
            held = Held("number", True, factor, 0, 0, not step.exact, 1, 1)
            columns[step.column] = SqlColumn(held, step.column, HUGEINT, under, HUGEINT)
            types.append(f"{quoted(step.column)} HUGEINT")
            if under:
                types.append(f"{quoted(under)} HUGEINT")
        name = self.fresh("held")
        self.execute(f"create temp table {quoted(name)} ({', '.join(types)})")
        held = SqlRelation(name, quoted(name), state.base.keys, state.base.world, state.base.rows, columns)
        self.relations[name] = held
        for step in steps:
            state.elsewhere[step.column] = held

    def turn(self, steps: Sequence[Compute], label: Expr, period: str) -> None:
        """Compute the columns for the rows of one period."""
        frame = steps[0].frame
        state = self.state(frame)
        holder = state.elsewhere[steps[0].column]
        statement = Statement(self, frame, (label, period))
        if not statement.add(steps):
            raise TooWide
        outputs: dict[str, Op] = {}
        columns = dict(holder.columns)
        for step in steps:
            _, n, d, factor = statement.made[step.column]
            column = columns[step.column]
            if step.expr.kind == "number" and d is None and factor != column.held.factor:
                n, column = self.same_factor(statement, holder, column, n, factor)
                columns[step.column] = column
            outputs[column.name] = n
            if column.under:
                outputs[column.under] = statement.program.whole(1) if d is None else d
        check_width(list(outputs.values()))
        names = ", ".join(quoted(name) for name in (*statement.keys(), *outputs))
        if statement.traps:
            turned = self.fresh("turned")
            flagged = statement.sql({**outputs, FLAG: statement.flag()}, statement.keys())
            self.execute(f"create temp table {quoted(turned)} as {flagged}")
            self.check(f"select * from {quoted(turned)}", statement)
            sql = f"select {names} from {quoted(turned)}"
        else:
            sql = statement.sql(outputs, statement.keys())
        self.execute(f"insert into {holder.source} ({names}) {sql}")
        grown = replace(holder, columns=self.measured(holder.source, columns))
        self.relations[holder.name] = grown
        for step in steps:
            state.elsewhere[step.column] = grown

    def same_factor(
        self, statement: Statement, holder: SqlRelation, column: SqlColumn, n: Op, factor: Fraction
    ) -> tuple[Op, SqlColumn]:
        """Bring a column that a loop fills, or its new values, to the finer of their two factors."""
        before = column.held.factor
        if factor > before:
            return statement.program.times(n, int(factor / before)), column
        times = int(before / factor)
        lo, hi = (column.held.lo or 0) * times, (column.held.hi or 0) * times
        width_of(lo, hi)
        self.execute(f"update {holder.source} set {quoted(column.name)} = {quoted(column.name)} * {times}")
        return n, replace(column, held=replace(column.held, factor=factor, lo=lo, hi=hi))

    def turn_gathering(self, step: Gathering, label: Expr, period: str, tables: dict[str, str]) -> None:
        """Gather the rows of one period, and add the groups to those of earlier ones."""
        statement = Statement(self, step.frame, (label, period))
        made = self.gathering(statement, [step])[step.name]
        before = self.relations.get(step.name)
        if before is None:
            self.relations[step.name] = made
            return
        old, new = before.columns["value"], made.columns["value"]
        if old.held.factor != new.held.factor:
            raise TooWide  # rare, and Python does it
        name = self.fresh("gathered")
        listed = ", ".join(quoted(key) for key in (*made.keys, *([WORLD] if made.world else []), "v0"))
        self.execute(
            f"create temp table {quoted(name)} as select {listed} from {before.source} "
            f"union all select {listed} from {made.source}"
        )
        stored = HUGEINT if HUGEINT in (old.stored, new.stored) else new.stored
        columns = self.measured(quoted(name), {"value": replace(new, stored=stored)})
        self.relations[step.name] = replace(made, source=quoted(name), rows=before.rows + made.rows, columns=columns)

    # -- Python whole numbers

    def in_whole_python(self, step: Step) -> None:
        """Do a step in Python whole numbers and bring back what it made."""
        self.in_python.append(getattr(step, "label", getattr(step, "period", "check")))
        worker = IntegerEngine(self.plan, self.inputs, self.fetch)
        worker.step(step)
        for part in step.steps if isinstance(step, Loop) else (step,):
            match part:
                case Gathering(name=name):
                    relation = worker.relations[name]
                    self.relations[name] = self.brought_back(name, relation, "value", tuple(relation.keys))
                case (
                    Compute(frame=frame, column=column)
                    | Ranking(frame=frame, column=column)
                    | Sharing(frame=frame, column=column)
                ):
                    keys = self.state(frame).base.keys
                    held = self.brought_back(self.fresh("held"), worker.relation(frame), column, keys)
                    self.relations[held.name] = held
                    self.state(frame).elsewhere[column] = held
                case _:
                    pass

    def brought_back(self, name: str, relation: Relation, column: str, keys: tuple[str, ...]) -> SqlRelation:
        """A relation of the Python engine with one of its columns."""
        import pyarrow as pa

        made = relation.column(column)
        data: dict[str, pa.Array] = {key: pa.array(relation.keys[key], pa.string()) for key in keys}
        if relation.worlds is not None:
            data[WORLD] = pa.array(relation.worlds, pa.int32())
        held, stored, under = made.held, "", ""
        if held.kind == "number" and not held.listed:
            data["n"], lo, hi, stored = _bounded(made.values)
            held = replace(held, lo=lo, hi=hi)
            if made.under is not None:
                unders = [None if n is None else d for n, d in zip(made.values, made.under, strict=True)]
                data["d"], d_lo, d_hi, under = _bounded(unders)
                held = replace(held, d_lo=d_lo, d_hi=d_hi)
        elif held.listed:
            data["n"] = pa.array([None if items is None else "" for items in made.values], pa.string())
            held = replace(held, lo=None, hi=None)
        else:
            data["n"] = pa.array(made.values)
        registered = self.fresh("python")
        self.connection.register(registered, pa.table(data))
        found = SqlColumn(held, "n", stored, "d" if under else "", under)
        self.python_lists[name] = relation
        return SqlRelation(name, quoted(registered), keys, relation.worlds is not None, relation.rows, {column: found})

    def fetch(self, name: str) -> Relation:
        """A relation for the Python engine."""
        if name.startswith("table:"):
            table = self.contract.tables[name[6:]]
            return relation_of(self.inputs.tables[name[6:]], table.keys, self.inputs.worlds)
        if name in self.python_lists:
            return self.python_lists[name]
        base = self.relation(name)
        key_names = self.plan.frames[name].keys if name in self.plan.frames else base.keys
        listed = self.key_list(base, base.keys)
        rows = self.execute(f"select {listed} from {base.source} b")
        worlds = [row[len(base.keys)] for row in rows] if base.world else None
        keys = {key: [row[i] for row in rows] for i, key in enumerate(key_names)}
        relation = Relation(keys, worlds, len(rows))

        def more(column: str) -> ListColumn:
            holder = self.where(name, column)
            if holder.name in self.python_lists:
                other = self.python_lists[holder.name]
                found = other.column(column)
                at = [other.index()[key] for key in relation.index()]
                under = None if found.under is None else [found.under[i] for i in at]
                return ListColumn(found.held, [found.values[i] for i in at], under)
            held = holder.columns[column]
            names = [quoted(part) for part in (held.name, held.under) if part]
            read = self.execute(
                f"select {self.key_list(holder, holder.keys)}, {', '.join(names)} from {holder.source} b"
            )
            width = len(holder.keys) + (1 if holder.world else 0)
            by_key = {row[:width]: row[width:] for row in read}
            nothing = (None,) * len(names)
            found_rows = [by_key.get(key, nothing) for key in relation.index()]
            is_number = held.held.kind == "number" and not held.held.listed
            values = [int(row[0]) if is_number and row[0] is not None else row[0] for row in found_rows]
            under = [None if row[1] is None else int(row[1]) for row in found_rows] if held.under else None
            return ListColumn(held.held, values, under)

        relation.more = more
        return relation

    # -- results

    def result(self, frame: str) -> ResultTable:
        """The kept columns of a frame."""
        import pyarrow as pa

        statement = self.waiting.pop(frame, None) or Statement(self, frame)
        rows = self.plan.frames[frame].rows
        outputs: dict[str, Op] = {}
        places: dict[str, int] = {}
        for column in self.plan.results[frame]:
            shown = column.removeprefix("q:")
            if column in statement.made:
                step, n, d, factor = statement.made[column]
                self.put_result(outputs, places, shown, step.expr.kind == "number", n, d, factor)
            else:
                statement.put_held(outputs, places, column, shown, self.put_result)
        if statement.traps:
            outputs[FLAG] = statement.flag()
        sql = statement.sql(outputs, statement.keys())
        world = self.state(frame).base.world
        sorted_by = [*([WORLD] if world else []), *(key for key in rows.keys if not self.only_one(key))]
        order = ", ".join(quoted(name) for name in sorted_by)
        data = self.connection.sql(f"{sql}{' order by ' + order if order else ''}").to_arrow_table()
        if statement.traps:
            import pyarrow.compute as pc

            flags = data.column(FLAG)
            sprung = pc.min(flags.filter(pc.greater(flags, 0))).as_py()
            self.sprung(sprung, sql, statement)
            data = data.drop_columns([FLAG])
        if not rows.keys and "one" in data.column_names:
            data = data.drop_columns(["one"])
        if not world:  # the same in every world
            each = [
                data.append_column(WORLD, pa.repeat(pa.scalar(number, pa.int32()), data.num_rows))
                for number in self.inputs.worlds
            ]
            data = pa.concat_tables(each)
        names = [*rows.keys, WORLD, *(name for name in outputs if name != FLAG)]
        numbers = {*places, *(name for name in names if name.endswith((":n", ":d")))}
        columns = {name: narrowed(data.column(name)) if name in numbers else data.column(name) for name in names}
        return ResultTable(rows, pa.table(columns), places)

    @staticmethod
    def put_result(
        outputs: dict[str, Op], places: dict[str, int], shown: str, number: bool, n: Op, d: Op | None, factor: Fraction
    ) -> None:
        """A column of a result, or the two of a quotient."""
        if d is not None:
            outputs[f"{shown}:n"], outputs[f"{shown}:d"] = n, d
            return
        outputs[shown] = n
        if number:
            places[shown] = len(str(factor.denominator)) - 1


_COLUMN_TYPES = {"text": "VARCHAR", "flag": "BOOLEAN", "date": "DATE"}


# -- small things ------------------------------------------------------------------------------------------------------


def _bounded(values: Sequence[int | None]) -> tuple[Any, int | None, int | None, str]:
    """Whole numbers for Arrow, the interval they lie in (None: too wide for 128 bits), and how they are stored."""
    import pyarrow as pa

    there = [value for value in values if value is not None]
    lo, hi = min(there, default=0), max(there, default=0)
    array = whole_array(values)
    if pa.types.is_string(array.type):
        return array, None, None, "VARCHAR"
    return array, lo, hi, BIGINT if pa.types.is_int64(array.type) else "DECIMAL(38,0)"


def _is_power_of_ten(n: int) -> bool:
    while n % 10 == 0:
        n //= 10
    return n == 1
