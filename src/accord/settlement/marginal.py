"""Marginal values: what one more of something would bring, row by row, everything else held fixed.

    worth = money with one more − money as it is

``marginal.yaml`` in a contract's folder says which probes there are: a step in a column of an input (one more patient
treated), and the quantity that must be at least 1 for the step to be possible (patients still to be treated). Every
probe is a *world* of one settlement, so the money comes from the contract itself, thresholds, roundings and all, and
never from a derivative.

All rows of the input are stepped in one world wherever the contract proves that they cannot influence each other: the
money has the keys of the input, and nothing between the two gathers, ranks or shares out across them. Three worlds
then do what would otherwise take one for each row. Where the money is coarser (a practice's whole payment), there is a
world for each value of the key ``apart`` (the indicator), for all practices at once. Where rows do influence each
other (a national figure summed from the rows), the probe is refused: give that figure as an input, so that it is fixed.

Lives here: the probes, that proof, the worlds, the differences. Does not: any formula of a contract.
"""

# pyarrow has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from accord.engine.database import quoted, text_literal
from accord.language.contract import Contract
from accord.language.meaning import (
    Allocate,
    ColumnValue,
    EndOf,
    Gather,
    Node,
    OwnKey,
    Prior,
    QuantityValue,
    Rank,
    TrailingAverage,
    children,
)
from accord.language.place import Place
from accord.language.problem import ContractRefused, Problem, nearest
from accord.language.shape import IDENTIFIER, NAME, NUMBER, TITLE, Field, MapOf, Record, conform
from accord.language.text import Entries, Scalar, Tree, decode, read_tree

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.engine.inputs import Inputs, LoadedTable
    from accord.engine.settling import Settlement
    from accord.settlement.calls import Data

STANDING = "earned:standing"
"""The column that says if nothing, part or all of what a row can earn is earned."""

ROWS_AT_ONCE = 4_000_000
"""Worlds are settled in batches of about so many rows: more take more memory and hardly less time."""

MARGINAL = Record(
    "marginal values",
    (
        Field("marginal", IDENTIFIER, "Their short name.", required=True),
        Field("of", IDENTIFIER, "The contract they are about: the one in this folder.", required=True),
        Field("title", TITLE, "What is reported."),
        Field("note", TITLE, "A remark for the reader."),
        Field("money", NAME, "The quantity whose change is reported.", required=True),
        Field("apart", NAME, "The key each of whose values gets a world, where the money does not have it."),
        Field("earned", NAME, "A share between 0 and 1: at 0 nothing is earned yet, at 1 there is no more to earn."),
        Field(
            "probes",
            MapOf(
                "probes by name",
                NAME,
                Record(
                    "a probe",
                    (
                        Field("title", TITLE, "What is done."),
                        Field("input", NAME, "The input that is stepped.", required=True),
                        Field("add", MapOf("steps by column", NAME, NUMBER), "How far, as written.", required=True),
                        Field("while", NAME, "The quantity that must be at least 1 for the step.", required=True),
                        Field("against", NAME, "The probe that ought to bring more than this one."),
                    ),
                ),
            ),
            "What is tried.",
            required=True,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One small step in every row of an input.

    ``add`` is by column, as written (percent times 100); ``room`` is a quantity with the keys of the input: a row is
    stepped only where it is at least 1. ``against`` is the probe that ought to bring more: where it does not, the
    contract pays for the wrong thing.
    """

    name: str
    title: str
    input: str
    add: Mapping[str, Decimal]
    room: str
    against: str | None = None


@dataclass(frozen=True, slots=True)
class Probes:
    """What is tried on a contract, and which money is watched.

    ``earned`` is a quantity with the keys of the probed input: the share of what can be earned there.
    """

    contract: str
    title: str
    money: str
    apart: str | None
    probes: tuple[Probe, ...]
    file: str = "marginal.yaml"
    earned: str | None = None


@dataclass(frozen=True)
class MarginalValues:
    """What one more would bring, for each row of the input and each probe.

    ``data`` has the keys of the input and a column for each probe: a whole number of 10**-``places``, missing where the
    step is not possible (everybody is treated already, or nothing is measured). Where the probes name what is
    ``earned``, the column :data:`STANDING` says for each row if it is nothing, part or all.
    """

    probes: Probes
    keys: tuple[str, ...]
    data: pa.Table
    places: int
    worlds: int
    """How many worlds were settled, the real one included."""

    def values(self, probe: str) -> dict[tuple[str, ...], Fraction]:
        """The money that one more would bring, by row, where the step is possible."""
        rows = zip(*(self.data.column(key).to_pylist() for key in self.keys), strict=True)
        amounts = self.data.column(probe).to_pylist()
        power = 10**self.places
        return {row: Fraction(int(n), power) for row, n in zip(rows, amounts, strict=True) if n is not None}

    def by(self, key: str, probe: str) -> dict[str, Fraction]:
        """The same, added up by one of the keys: what it would bring if every row took the step."""
        total: dict[str, Fraction] = {}
        at = self.keys.index(key)
        for row, value in self.values(probe).items():
            total[row[at]] = total.get(row[at], Fraction(0)) + value
        return total


# ------------------------------------------------------------------------------------------------------------- reading


def read_probes(path: Path | str, contract: Contract) -> Probes:
    """The probes in that file, checked against their contract. Raises :class:`ContractRefused`."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"this file cannot be opened: {error.strerror}"
        raise ContractRefused(Problem(Place(str(path), 0, 0), message)) from None
    return parse_probes(content, str(path), contract)


def parse_probes(content: bytes, file: str, contract: Contract) -> Probes:
    """The probes in these bytes; ``file`` is the name used in messages. Raises :class:`ContractRefused`."""
    tree = read_tree(decode(content, file))
    problems = conform(tree, MARGINAL)
    if problems or not isinstance(tree, Entries):
        raise ContractRefused(problems)
    probes: list[Probe] = []
    named = tree.get("probes")
    for key, entry in named.entries if isinstance(named, Entries) else ():
        steps = entry.get("add") if isinstance(entry, Entries) else None
        add = {column.value: Decimal(_said(by)) for column, by in _entries(steps)}
        against = _text(entry, "against") or None
        probes.append(
            Probe(key.value, _text(entry, "title"), _text(entry, "input"), add, _text(entry, "while"), against)
        )
    made = Probes(
        _text(tree, "of"),
        _text(tree, "title"),
        _text(tree, "money"),
        _text(tree, "apart") or None,
        tuple(probes),
        file,
        _text(tree, "earned") or None,
    )
    problems = list(_problems(made, contract, tree.place))
    if problems:
        raise ContractRefused(problems)
    return made


def _entries(tree: Tree | None) -> Sequence[tuple[Scalar, Tree]]:
    return tree.entries if isinstance(tree, Entries) else ()


def _said(tree: Tree) -> str:
    return tree.value.replace("_", "") if isinstance(tree, Scalar) else ""


def _text(tree: Tree | None, name: str) -> str:
    value = tree.get(name) if isinstance(tree, Entries) else None
    return value.value if isinstance(value, Scalar) else ""


def _problems(probes: Probes, contract: Contract, place: Place) -> Iterator[Problem]:
    """What does not fit the contract."""
    numbers = [name for name, quantity in contract.quantities.items() if quantity.type.kind == "number"]
    earned = () if probes.earned is None else (probes.earned,)
    for name in (probes.money, *earned, *(probe.room for probe in probes.probes)):
        if name not in numbers:
            message = f"{name} is not a quantity of {contract.name} that is a number"
            yield Problem(place, message, nearest(name, numbers) or "name a quantity")
    if probes.money in numbers and not contract.quantities[probes.money].type.exact:
        yield Problem(place, f"{probes.money} is not rounded, so it is not money yet", "watch a quantity with round:")
    for probe in probes.probes:
        if probe.input not in contract.inputs:
            message = f"{probe.input} is not an input of {contract.name}"
            yield Problem(place, message, nearest(probe.input, list(contract.inputs)) or "name an input")
            continue
        table = contract.inputs[probe.input]
        columns = [column.name for column in table.columns if column.type.kind == "number"]
        for column in probe.add:
            if column not in columns:
                message = f"{column} is not a column of {probe.input} that is a number"
                yield Problem(place, message, nearest(column, columns) or f"one of {', '.join(columns)}")
        if probe.room in numbers and set(contract.quantities[probe.room].keys) != set(table.keys):
            message = f"{probe.room} is not one for each [{', '.join(table.keys)}]"
            yield Problem(place, message, f"name a quantity with the keys of {probe.input}")
        if probes.earned in numbers and set(contract.quantities[probes.earned].keys) != set(table.keys):
            message = f"{probes.earned} is not one for each [{', '.join(table.keys)}]"
            yield Problem(place, message, f"name a quantity with the keys of {probe.input}")
        others = [one.name for one in probes.probes if one.name != probe.name]
        if probe.against is not None and probe.against not in others:
            yield Problem(place, f"{probe.against} is not another probe", nearest(probe.against, others) or "name one")
        if probes.apart is not None and probes.apart not in table.keys:
            yield Problem(place, f"{probes.apart} is not a key of {probe.input}", f"one of {', '.join(table.keys)}")


# --------------------------------------------------------------------------------------------------------------- proof


def _reached(contract: Contract, money: str) -> list[str]:
    """The quantities that the money is worked out from, itself included."""
    found: list[str] = []
    ahead = [money]
    while ahead:
        name = ahead.pop()
        if name in found:
            continue
        found.append(name)
        for version in contract.quantities[name].versions:
            ahead += [node.quantity for node in _nodes(version.formula) if isinstance(node, QuantityValue)]
    return found


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _nodes(child)


def _touched(contract: Contract, reached: Collection[str], table: str, columns: Collection[str]) -> set[str]:
    """Which of the quantities depend on these columns."""
    touched: set[str] = set()
    while True:
        more = {
            name
            for name in reached
            if name not in touched
            for version in contract.quantities[name].versions
            for node in _nodes(version.formula)
            if (isinstance(node, ColumnValue) and node.table == table and node.column in columns)
            or (isinstance(node, QuantityValue) and node.quantity in touched)
        }
        if not more:
            return touched
        touched |= more


def _mixes(contract: Contract, probes: Probes, probe: Probe, apart: Collection[str]) -> str | None:
    """The first quantity between input and money in which rows with other values of ``apart`` influence each other."""
    touched = _touched(contract, _reached(contract, probes.money), probe.input, probe.add.keys())
    for names in contract.order:
        for name in names:
            if name not in touched:
                continue
            quantity = contract.quantities[name]
            if not set(apart) <= set(quantity.keys):
                return name
            if any(
                _reads_across(node, touched, probe, apart)
                for version in quantity.versions
                for node in _nodes(version.formula)
            ):
                return name
    return None


def _reads_across(node: Node, touched: Collection[str], probe: Probe, apart: Collection[str]) -> bool:
    """Whether a node reads what is stepped in rows with other values of these keys."""
    match node:
        case QuantityValue(quantity=name, at=at):
            return name in touched and not _own(at, apart)
        case ColumnValue(table=table, column=column, at=at):
            return table == probe.input and column in probe.add and not _own(at, apart)
        case Gather(match=paths) | EndOf(match=paths):
            return _touches(node, touched, probe) and not _own(paths, apart)
        case Rank(partition=paths) | Allocate(group=paths):
            return _touches(node, touched, probe) and not _own(paths, apart)
        case Prior(period=period) | TrailingAverage(period=period):
            return _touches(node, touched, probe) and period in apart
        case _:
            return False


def _own(paths: Sequence[object], apart: Collection[str]) -> bool:
    """Whether the row that is read has the same values of these keys."""
    return set(apart) <= {path.key for path in paths if isinstance(path, OwnKey)}


def _touches(node: Node, touched: Collection[str], probe: Probe) -> bool:
    return any(
        (isinstance(part, QuantityValue) and part.quantity in touched)
        or (isinstance(part, ColumnValue) and part.table == probe.input and part.column in probe.add)
        for part in _nodes(node)
    )


# -------------------------------------------------------------------------------------------------------------- worlds


def marginal(
    contract: str | Path,
    data: Data,
    *,
    probes: str | Path | None = None,
    money: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> MarginalValues:
    """What one more would bring: a contract settled on data, with the probes of ``marginal.yaml`` beside it.

    Args:
        contract: a library name, a file or a folder.
        data: as for :func:`accord.settle`.
        probes: another file of probes.
        money: another quantity to watch than the one the probes name, such as a practice's whole payment.
        progress: as for :func:`marginal_values`.

    Raises:
        NotFound: there is no such contract, or it has no file of probes.
        ContractRefused: the probes do not fit it, or rows influence each other.
        DataRefused, SettlementStopped: as for :func:`accord.settle`.
    """
    from accord.settlement import calls
    from accord.settlement.catalogue import NotFound, find

    file = find(contract)
    beside = Path(probes) if probes is not None else file.parent / "marginal.yaml"
    if not beside.is_file():
        message = "there are no probes: nothing says what one more would be"
        fix = "write marginal.yaml beside the contract, as the library's qof does, or name a file of probes"
        raise NotFound(Problem(Place(str(beside), 0, 0), message, fix))
    checked = calls.check(file)
    tried = read_probes(beside, checked)
    if money is not None:
        tried = replace(tried, money=money)
        if problems := list(_problems(tried, checked, Place(beside.name, 0, 0))):
            raise ContractRefused(problems)
    return marginal_values(checked, calls.read(checked, data), tried, progress=progress)


def marginal_values(
    contract: Contract, inputs: Inputs, probes: Probes, *, progress: Callable[[int, int], None] | None = None
) -> MarginalValues:
    """What one more would bring, for each row of the probes' input.

    Args:
        contract: the checked contract.
        inputs: what :func:`accord.engine.read_inputs` has read, without worlds.
        probes: from :func:`read_probes`; all of them step the same input.
        progress: called with how many worlds are settled, and of how many.

    Raises:
        ContractRefused: rows influence each other, so that one more in every row is not one more in each.
        SettlementStopped: as :func:`accord.engine.settle`.
    """
    from accord.engine import settle

    names = sorted({probe.input for probe in probes.probes})
    if len(names) != 1 or inputs.worlds != (0,):
        message = f"the probes step {', '.join(names)}" if len(names) != 1 else "the inputs have worlds already"
        raise ContractRefused(Problem(Place(probes.file, 0, 0), message, "probe one input, in the real world"))
    table = inputs.tables[names[0]]
    keys = contract.inputs[table.name].keys
    money = contract.quantities[probes.money].keys
    together = set(keys) <= set(money)
    apart = None if together else probes.apart or next(key for key in keys if key not in money)
    lost = [key for key in keys if key not in money and key != apart]
    if lost:
        message = f"{probes.money} is one for each [{', '.join(money)}]: too coarse to tell {table.name} apart"
        fix = f"watch a quantity for each {' and '.join(lost)} too"
        raise ContractRefused(Problem(Place(probes.file, 0, 0), message, fix))
    fixed = [key for key in keys if key in money]
    for probe in probes.probes:
        mixing = _mixes(contract, probes, probe, fixed)
        if mixing is not None:
            message = f"{mixing} brings rows of {table.name} together, so one more in every row is not one more in each"
            fix = "watch a quantity before that step, or give as an input what is to be held fixed"
            raise ContractRefused(Problem(Place(probes.file, 0, 0), message, fix))

    bare = replace(contract, payments=(), notices=())  # only the money that is watched, and the checks
    watched = {probes.money, *(probe.room for probe in probes.probes)}
    real = settle(bare, inputs, wanted=watched if probes.earned is None else watched | {probes.earned})
    with _Worlds(contract, probes, table, apart, real) as worlds:
        members = worlds.members() if apart is not None else [None]
        steps = [(probe, member) for probe in probes.probes for member in members]
        rows = max(table.data.num_rows, *(found.data.num_rows for found in real.tables.values()), 1)
        at_once = max(1, ROWS_AT_ONCE // rows)
        for start in range(0, len(steps), at_once):
            batch = steps[start : start + at_once]
            tables = {**inputs.tables, table.name: worlds.stepped(batch)}
            tried = replace(inputs, tables=tables, worlds=tuple(range(len(batch))))
            worlds.compare(batch, settle(bare, tried, wanted={probes.money}))
            if progress is not None:
                progress(start + len(batch), len(steps))
        places = real.tables[money].places[probes.money]
        return MarginalValues(probes, keys, worlds.result(), places, 1 + len(steps))


class _Worlds:
    """The stepped worlds and what they bring: joins of whole numbers, by the keys of the rows."""

    def __init__(
        self, contract: Contract, probes: Probes, table: LoadedTable, apart: str | None, real: Settlement
    ) -> None:
        from accord.engine.database import in_memory

        self.probes = probes
        self.table = table
        self.apart = apart
        self.keys = contract.inputs[table.name].keys
        self.money = contract.quantities[probes.money].keys
        self.connection = in_memory()
        self.connection.register("input", table.data)
        if probes.earned is not None:
            found = real.tables[contract.quantities[probes.earned].keys]
            self.connection.register("shares", found.data)
            over, under = _whole_parts(probes.earned, found.places)
            standing = f"case when {over} <= 0 then 'nothing' when {over} >= {under} then 'all' else 'part' end"
            sql = f"select {_columns(self.keys)}, {standing} as {quoted(STANDING)} from shares"
            self.connection.execute(f"create table standings as {sql}")
        self.connection.register("base", real.tables[self.money].data)
        self.connection.execute(
            "create table found (probe varchar, amount hugeint, " + _columns(self.keys, "varchar") + ")"
        )
        for probe in probes.probes:
            rooms = real.tables[contract.quantities[probe.room].keys]
            over, under = _whole_parts(probe.room, rooms.places)
            self.connection.register("rooms", rooms.data)
            sql = f"select {_columns(self.keys)} from rooms where {over} >= {under}"
            self.connection.execute(f"create table {quoted('room ' + probe.name)} as {sql}")

    def __enter__(self) -> _Worlds:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def members(self) -> list[str]:
        """The values of the key that gets a world each."""
        sql = f"select distinct {quoted(self.apart or '')} from input order by 1"
        return [member for (member,) in self.connection.execute(sql).fetchall()]

    def _stepped_rows(self, probe: Probe, member: str | None) -> str:
        """The rows of the input that take the step, as SQL: those with room, in the member's world only its own."""
        sql = f"select {_columns(self.keys)} from {quoted('room ' + probe.name)}"
        return sql if member is None else f"{sql} where {quoted(self.apart or '')} = {text_literal(member)}"

    def stepped(self, batch: Sequence[tuple[Probe, str | None]]) -> LoadedTable:
        """The input in the worlds of a batch."""
        from accord.engine.inputs import LoadedTable

        worlds: list[str] = []
        for world, (probe, member) in enumerate(batch):
            columns: list[str] = []
            for name in self.table.data.column_names:
                if name in probe.add:
                    step = probe.add[name].scaleb(self.table.places[name])
                    if step != int(step):
                        message = f"{name} has {self.table.places[name]} decimal places here, too few for this step"
                        raise ContractRefused(Problem(Place(self.probes.file, 0, 0), message, "take a whole step"))
                    columns.append(
                        f"i.{quoted(name)} + case when s.taken then {int(step)} else 0 end as {quoted(name)}"
                    )
                else:
                    columns.append(f"i.{quoted(name)}")
            worlds.append(
                f"select {', '.join(columns)}, {world}::int as world from input i left join"
                f" (select *, true as taken from ({self._stepped_rows(probe, member)})) s using ({_columns(self.keys)})"
            )
        data = self.connection.sql(" union all ".join(worlds)).to_arrow_table()
        schema = self.table.data.schema
        kept = {name: data.column(name).cast(schema.field(name).type) for name in self.table.data.column_names}
        import pyarrow as pa

        return LoadedTable(
            self.table.name, pa.table({**kept, "world": data.column("world")}), self.table.places, has_worlds=True
        )

    def compare(self, batch: Sequence[tuple[Probe, str | None]], tried: Settlement) -> None:
        """Keep what each world of a batch brings more than the real one, at the rows that took the step."""
        self.connection.register("tried", tried.tables[self.money].data)
        amount = f"{quoted(self.probes.money)}::hugeint"
        joined = ", ".join(quoted(key) for key in self.money)
        shared = _columns([key for key in self.keys if key in self.money])
        for world, (probe, member) in enumerate(batch):
            self.connection.execute(
                f"insert into found by name select {text_literal(probe.name)} as probe, {_columns(self.keys)},"
                f" t.amount - b.amount as amount"
                f" from ({self._stepped_rows(probe, member)})"
                f" join (select {joined}, {amount} as amount from tried where world = {world}) t using ({shared})"
                f" join (select {joined}, {amount} as amount from base) b using ({joined})"
            )

    def result(self) -> pa.Table:
        """One row for each row of the input, a column for each probe."""
        amounts = ", ".join(
            f"max(amount) filter (where probe = {text_literal(probe.name)})::decimal(38, 0) as {quoted(probe.name)}"
            for probe in self.probes.probes
        )
        keys = _columns(self.keys)
        sql = f"select {keys}, {amounts} from input left join found using ({keys}) group by {keys} order by {keys}"
        if self.probes.earned is not None:
            sql = f"select * from ({sql}) left join standings using ({keys}) order by {keys}"
        return self.connection.sql(sql).to_arrow_table()


def _whole_parts(quantity: str, places: Mapping[str, int]) -> tuple[str, str]:
    """A number of a result as SQL: what stands above and what below the line, both whole."""
    if quantity in places:
        return f"{quoted(quantity)}::hugeint", str(10 ** places[quantity])
    return f"{quoted(quantity + ':n')}::hugeint", f"{quoted(quantity + ':d')}::hugeint"


def _columns(names: Sequence[str], kind: str = "") -> str:
    return ", ".join(f"{quoted(name)} {kind}".rstrip() for name in names)
