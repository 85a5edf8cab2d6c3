"""Verification: a published results file, settled by the contract and compared with what was published.

``verification.yaml`` in a contract's folder holds what is compared, and the rules by which a figure may differ. It
*adds* to the contract (an input with the published figures, quantities that are flags) and is checked and settled by
the same engine, so a reason for a difference is a formula that anyone can read, and never a list of names.

    verification = contract + additions + one reading of the file + which quantity is compared with which

Lives here: that composition, the comparison, and its result as data. Does not: printing (``accord verify``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from accord.language.place import Place
from accord.language.problem import ContractRefused, DataRefused, Problem, nearest
from accord.language.shape import IDENTIFIER, NAME, TITLE, Field, ListOf, MapOf, Record, Word, conform
from accord.language.text import Entries, Items, Scalar, Tree, decode, read_tree
from accord.language.vocabulary import ANYTHING

if TYPE_CHECKING:
    from accord.language.contract import Contract
    from accord.settlement.filling import Applied
    from accord.settlement.reading import Reading

ONE_IN_A_THOUSAND = Fraction(1, 1000)
"""The looser of the two counts: within 0.1 % of the published figure."""

Engine = Literal["duckdb", "integers", "reference"]

_STEP = Word(
    "a number (the last digit that is published), or the quantity that gives it", r"\d+(\.\d+)?|[a-z][a-z0-9_]*", "0.01"
)

VERIFICATION = Record(
    "a verification",
    (
        Field("verification", IDENTIFIER, "Its short name.", required=True),
        Field("of", IDENTIFIER, "The contract it verifies: the one in this folder.", required=True),
        Field("title", TITLE, "What is compared with what."),
        Field("note", TITLE, "A remark for the reader."),
        Field("named_by", NAME, "The key by which misses are named, if not by the keys of their rows."),
        Field("add", MapOf("entries by section", NAME, ANYTHING), "What is added to the contract.", required=True),
        Field(
            "compare",
            ListOf(
                "a list of comparisons",
                Record(
                    "a comparison",
                    (
                        Field("name", NAME, "Its short name.", required=True),
                        Field("title", TITLE, "What it is called in print."),
                        Field("ours", NAME, "The quantity of the contract.", required=True),
                        Field("published", NAME, "The quantity with what was published.", required=True),
                        Field("where", NAME, "The flag that says which rows are compared.", required=True),
                        Field(
                            "step",
                            _STEP,
                            "How far apart equal figures may be: one unit of the rounding.",
                            required=True,
                        ),
                        Field("unit", Word("percent", "percent"), "Figures are shown times 100."),
                        Field(
                            "reasons",
                            ListOf(
                                "a list of reasons",
                                Record(
                                    "a reason",
                                    (
                                        Field("when", NAME, "The flag of a row that has it.", required=True),
                                        Field("reason", TITLE, "Why the figures differ.", required=True),
                                    ),
                                ),
                            ),
                            "Why a figure may differ; the first that holds is given.",
                        ),
                    ),
                ),
            ),
            "What is compared.",
            required=True,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule for a difference: ``when`` is the flag quantity, settled with the contract."""

    when: str
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A quantity of the contract beside a published one, on the rows where a flag holds."""

    name: str
    title: str
    ours: str
    published: str
    where: str
    step: str
    """A number, or the name of a quantity that gives one for each row."""
    percent: bool
    reasons: tuple[Reason, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification with the contract it makes: the base plus what it adds, checked."""

    name: str
    title: str
    note: str
    named_by: str
    contract: Contract
    comparisons: tuple[Comparison, ...]
    readings: tuple[Reading, ...]
    file: str


@dataclass(frozen=True, slots=True)
class Miss:
    """A row whose figures are further apart than one unit of the rounding; ``reason`` is empty where no rule holds."""

    key: str
    ours: Fraction | None
    published: Fraction | None
    reason: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcome of one comparison."""

    name: str
    title: str
    percent: bool
    compared: int
    exact: int
    within: int
    """Within 0.1 %, the exact ones included."""
    misses: tuple[Miss, ...]

    @property
    def unexplained(self) -> tuple[Miss, ...]:
        """The misses that no rule explains."""
        return tuple(miss for miss in self.misses if not miss.reason)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification of one file came to."""

    contract: str
    title: str
    year: str
    file: str
    note: str
    """What the reading says about the year: which figures are used."""
    reading: str
    reading_hash: str
    quantities: tuple[Compared, ...]
    rows_read: int
    left_out: Mapping[str, int]
    warnings: tuple[Problem, ...]

    @property
    def holds(self) -> bool:
        """Whether every miss has a recorded reason."""
        return not any(quantity.unexplained for quantity in self.quantities)

    def as_json(self) -> dict[str, object]:
        """As plain data: whole figures as whole numbers, others with their decimals, percent as written."""
        return {
            "contract": self.contract,
            "year": self.year,
            "file": self.file,
            "reading": {"name": self.reading, "hash": self.reading_hash, "note": self.note},
            "rows": {"read": self.rows_read, "left_out": dict(self.left_out)},
            "quantities": [
                {
                    "name": one.name,
                    "compared": one.compared,
                    "exact": one.exact,
                    "within_0.1pct": one.within,
                    "misses": [
                        {
                            "key": miss.key,
                            "ours": number(miss.ours, one.percent),
                            "published": number(miss.published, one.percent),
                            "reason": miss.reason or None,
                        }
                        for miss in one.misses
                    ],
                }
                for one in self.quantities
            ],
        }


def number(value: Fraction | None, percent: bool = False) -> int | float | None:
    """A figure for print and JSON: percent times 100, at most six decimals. Nothing is computed with it."""
    if value is None:
        return None
    shown = value * 100 if percent else value
    if shown.denominator == 1:
        return int(shown)
    return round(shown.numerator / shown.denominator, 6)


# ------------------------------------------------------------------------------------------------------ reading it in


def read_verification(contract: Path | str) -> Verification:
    """The verification of a contract (its file or its folder), with the readings beside it.

    Raises:
        ContractRefused: the contract has none, or it cannot be used as it stands; with every place.
    """
    from accord.settlement.reading import read_reading

    path = Path(contract)
    folder = path if path.is_dir() else path.parent
    file = folder / "verification.yaml"
    if not file.is_file():
        message = "this contract has no verification.yaml, which says what is compared with what"
        raise ContractRefused(
            Problem(Place(str(folder), 0, 0), message, "accord library lists the contracts that have one")
        )
    source = decode(file.read_bytes(), str(file))
    tree = read_tree(source)
    problems = conform(tree, VERIFICATION)
    if problems or not isinstance(tree, Entries):
        raise ContractRefused(problems)
    checked = _with_additions(tree, source.text, str(file), folder / "contract.yaml" if path.is_dir() else path)
    comparisons = tuple(_comparison(item) for item in _items(tree.get("compare")))
    problems = [problem for comparison in comparisons for problem in _unknown(comparison, checked)]
    if problems:
        raise ContractRefused(problems)
    readings = tuple(read_reading(one) for one in sorted((folder / "readings").glob("*.yaml")))
    return Verification(
        _text(tree, "verification"),
        _text(tree, "title"),
        _text(tree, "note"),
        _text(tree, "named_by"),
        checked,
        comparisons,
        tuple(reading for reading in readings if reading.of == _text(tree, "of")),
        str(file),
    )


def _text(tree: Tree | None, name: str) -> str:
    value = tree.get(name) if isinstance(tree, Entries) else None
    return " ".join(value.value.split()) if isinstance(value, Scalar) else ""


def _items(tree: Tree | None) -> tuple[Tree, ...]:
    return tree.items if isinstance(tree, Items) else ()


def _comparison(tree: Tree) -> Comparison:
    reasons = _items(tree.get("reasons")) if isinstance(tree, Entries) else ()
    return Comparison(
        name=_text(tree, "name"),
        title=_text(tree, "title") or _text(tree, "name"),
        ours=_text(tree, "ours"),
        published=_text(tree, "published"),
        where=_text(tree, "where"),
        step=_text(tree, "step"),
        percent=_text(tree, "unit") == "percent",
        reasons=tuple(Reason(_text(reason, "when"), _text(reason, "reason")) for reason in reasons),
        place=tree.place,
    )


def _unknown(comparison: Comparison, contract: Contract) -> list[Problem]:
    """Names that are no quantity, and quantities of other rows than those compared."""
    names = [comparison.ours, comparison.published, comparison.where, *(reason.when for reason in comparison.reasons)]
    if not comparison.step[0].isdigit():
        names.append(comparison.step)
    problems = [
        Problem(comparison.place, f"{name} is not a quantity", nearest(name, contract.quantities))
        for name in names
        if name not in contract.quantities
    ]
    if problems:
        return problems
    keys = contract.quantities[comparison.ours].keys
    return [
        Problem(
            comparison.place,
            f"{name} is one for each [{', '.join(contract.quantities[name].keys)}]; {comparison.ours} for each "
            f"[{', '.join(keys)}]",
            "compare quantities of the same rows",
        )
        for name in names
        if contract.quantities[name].keys != keys
    ]


def _with_additions(verification: Entries, text: str, file: str, contract: Path) -> Contract:
    """The contract with what the verification adds, checked.

    It is expanded as a variation of the contract. The verification's own text, with everything but its additions
    blanked out, *is* that variation, so places in messages are those of its file.
    """
    from accord.language import check_text
    from accord.measures.cards import Cards
    from accord.settlement.catalogue import check_with_cards

    base = check_with_cards(contract)
    lines = text.split("\n")
    starts = [key.place.line for key, _ in verification]
    for (key, _), following in zip(verification, [*starts[1:], len(lines) + 1], strict=True):
        if key.value not in ("add", "title", "note"):
            lines[key.place.line - 1 : following - 1] = [""] * (following - key.place.line)
    lines += [
        "accord: 1",
        f"variation: {base.name}-verification",
        f"of: {contract.name}",
        f"base_hash: {base.signed_hash}",
        "",
    ]
    beside = {path.name: path.read_bytes() for path in contract.parent.glob("*.csv")}
    files = {**beside, contract.name: contract.read_bytes()}
    return check_text("\n".join(lines), file, files, cards=Cards(contract.parent))


# ------------------------------------------------------------------------------------------------------------ verifying


def verify(
    contract: Path | str, file: Path | str, year: str | int, *, reading: str = "", engine: Engine = "duckdb"
) -> Verified:
    """Settle a published results file and compare it with what was published.

    Args:
        contract: the contract's file or folder.
        file: the published file.
        year: the year it is about, as the contract counts (a performance year).
        reading: which reading to use, where more than one covers the year.
        engine: as for :func:`accord.engine.settle`.

    Raises:
        ContractRefused: the contract, its verification or a reading cannot be used.
        DataRefused: the file cannot be read, or is of another year.
        SettlementStopped: the arithmetic must not go on.
    """
    from accord.engine import read_inputs, settle
    from accord.settlement.filling import apply_reading

    verification = read_verification(contract)
    chosen = _reading_for(verification, str(year), reading)
    applied = apply_reading(chosen, file, year)
    sources = {name: table for name, table in applied.tables.items() if name in verification.contract.inputs}
    lost = [name for name in applied.tables if name not in verification.contract.inputs]
    if lost:
        message = f"the reading fills {', '.join(lost)}, which is no input of {chosen.of} or of its verification"
        raise ContractRefused(
            Problem(Place(chosen.file, 0, 0), message, nearest(lost[0], verification.contract.inputs))
        )
    ends = f"{applied.year}-12-31" if applied.year.isdigit() else None  # 2017-18 ends where its data does
    inputs = read_inputs(verification.contract, sources, up_to=ends)
    wanted = {
        name
        for one in verification.comparisons
        for name in (one.ours, one.published, one.where, one.step, *(reason.when for reason in one.reasons))
        if name in verification.contract.quantities
    }
    settled = settle(verification.contract, inputs, engine, wanted=wanted)
    values = {name: settled.values(name) for name in wanted}
    return compare(verification, values, applied)


def _reading_for(verification: Verification, year: str, named: str) -> Reading:
    readings = [one for one in verification.readings if not named or one.name == named]
    if not readings:
        known = [one.name for one in verification.readings]
        folder = str(Path(verification.file).parent / "readings")
        message = (
            f"there is no reading {named}" if named else "this contract has no readings, which say how a file is read"
        )
        raise ContractRefused(Problem(Place(folder, 0, 0), message, nearest(named, known)))
    for one in readings:
        if one.covered(year):
            return one
    covered = sorted({each for one in readings for each in one.years})
    message = f"no reading of {readings[0].of} covers {year}; they cover {covered[0]} to {covered[-1]}"
    raise DataRefused(
        Problem(Place(readings[0].file, 0, 0), message, nearest(year, covered) or f"--year {covered[-1]}")
    )


def compare(
    verification: Verification, values: Mapping[str, Mapping[tuple[str, ...], Any]], applied: Applied
) -> Verified:
    """Lay settled values beside published ones; ``values`` by quantity and row key."""
    quantities: list[Compared] = []
    for one in verification.comparisons:
        label = _labels(verification, applied, verification.contract.quantities[one.ours].keys, values[one.ours])
        rows = sorted(row for row, flag in values[one.where].items() if flag is True)
        exact = within = 0
        misses: list[Miss] = []
        for row in rows:
            ours, published = values[one.ours][row], values[one.published][row]
            step = Fraction(one.step) if one.step[0].isdigit() else values[one.step][row]
            apart = abs(ours - published) if ours is not None and published is not None else None
            # a figure that neither side has agrees: N/A is published, and the contract finds that there is none
            if (apart is not None and apart <= step) or (ours is None and published is None):
                exact += 1
                within += 1
                continue
            within += apart is not None and apart <= abs(published or 0) * ONE_IN_A_THOUSAND
            reason = next((each.reason for each in one.reasons if values[each.when].get(row) is True), "")
            misses.append(Miss(label[row], ours, published, reason))
        quantities.append(Compared(one.name, one.title, one.percent, len(rows), exact, within, tuple(misses)))
    return Verified(
        contract=applied.reading.of,
        title=verification.title or verification.contract.title,
        year=applied.year,
        file=str(applied.file),
        note=applied.reading.years[applied.year],
        reading=applied.reading.name,
        reading_hash=applied.reading.hash,
        quantities=tuple(quantities),
        rows_read=applied.rows_read,
        left_out=applied.left_out,
        warnings=applied.warnings,
    )


def _labels(
    verification: Verification, applied: Applied, keys: tuple[str, ...], rows: Mapping[tuple[str, ...], Any]
) -> dict[tuple[str, ...], str]:
    """How each row is named: by the key the verification names, with the row's own keys where that is not enough."""
    periods = {key for key in keys if verification.contract.keys[key].is_period}
    own = {
        row: " ".join(part for key, part in zip(keys, row, strict=True) if key not in periods) or " ".join(row)
        for row in rows
    }
    by = verification.named_by
    if not by or by in keys:
        at = keys.index(by) if by else -1
        named = {row: row[at] for row in rows} if by else own
    else:
        named = own
        for table in applied.tables.values():
            known = [key for key in keys if key in table.column_names]
            if by in table.column_names and known:
                found = dict(
                    zip(
                        zip(*(table.column(key).to_pylist() for key in known), strict=True),
                        table.column(by).to_pylist(),
                        strict=True,
                    )
                )
                named = {row: found.get(tuple(row[keys.index(key)] for key in known)) or own[row] for row in rows}
                break
    count: dict[str, int] = {}
    for name in named.values():
        count[name] = count.get(name, 0) + 1
    return {row: name if count[name] == 1 else own[row] for row, name in named.items()}
