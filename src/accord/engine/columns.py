"""Raw columns made exact: keys, texts, flags, dates, and numbers as whole numbers of their smallest place.

Lives here: the reading of one column and of one row's keys, and what is said about values that do not fit. Does not:
files, the run, formulas.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# (pyarrow comes without types)

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from accord.engine.database import quoted
from accord.engine.source import SHOWN, RawTable, rows_text
from accord.language.contract import Column, Contract, Table
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.language.rounding import decimal_places, decimal_text

if TYPE_CHECKING:
    import pyarrow as pa

WORLD = "world"
"""The hidden key: an int32 column of a table that differs by world."""

FLOAT_PLACES = 9
"""Most decimal places a floating-point column may need, where its column does not say ``places``."""

PERSONAL = frozenset({"person", "patient", "people", "nhs_number"})
"""Keys whose values are never shown in a message."""


@dataclass(slots=True)
class Findings:
    """What is found wrong or doubtful with data, as reading goes on."""

    problems: list[Problem] = field(default_factory=list[Problem])
    warnings: list[Problem] = field(default_factory=list[Problem])

    def error(self, file: str, message: str, fix: str = "") -> None:
        """Note something that is wrong."""
        self.problems.append(Problem(Place(file, 0, 0), message, fix))

    def doubt(self, file: str, message: str, fix: str = "") -> None:
        """Note something that is doubtful."""
        self.warnings.append(Problem(Place(file, 0, 0), message, fix, "warning"))

    def stop_if_wrong(self) -> None:
        """Raise what has been collected."""
        if self.problems:
            raise DataRefused(self.problems)


@dataclass(frozen=True, slots=True)
class Typed:
    """A column in the form of :class:`LoadedTable`, and which rows could not be read (None: all could)."""

    data: pa.ChunkedArray
    places: int | None = None


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of texts by its distinct words: what is done to a word is done once."""

    indices: pa.Array
    words: pa.Array

    def data(self, words: pa.Array | None = None) -> pa.ChunkedArray:
        """The column (with other words in their place), in pieces that Arrow can hold."""
        import pyarrow as pa

        chosen: pa.Array = self.words if words is None else words
        pieces = range(0, max(len(self.indices), 1), _PIECE)
        return pa.chunked_array([chosen.take(self.indices.slice(start, _PIECE)) for start in pieces], chosen.type)

    def nulls(self) -> int:
        """How many rows have no word."""
        return self.indices.null_count if not self.words.null_count else self.data().null_count

    def code(self) -> tuple[pa.Array, int]:
        """A whole number for each row, equal where the words are equal, and how many there are."""
        import pyarrow.compute as pc

        same = pc.dictionary_encode(self.words)
        if len(same.dictionary) == len(self.words):
            return self.indices, max(len(self.words), 1)
        return same.indices.take(self.indices), max(len(same.dictionary), 1)


_PIECE = 1 << 24
_DIGITS = 100
"""Digits beyond which a written number is taken for a mistake."""
_BITS = 1 << 30
"""Combinations of keys that are counted with one bit each."""

_NUMBER = re.compile(r"([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,3}))?")


def plain_number(text: str) -> str | None:
    """A written number without its exponent: ``1e-05`` is 0.00001; None if it is no number."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None or not (found[2] or found[3]):
        return None
    value = Fraction(int((found[2] or "0") + found[3]), 10 ** len(found[3])) * Fraction(10) ** int(found[4] or 0)
    return ("-" if found[1] == "-" and value else "") + decimal_text(value)


class ExactColumns:
    """Reads the columns of a contract's inputs; notes in ``findings`` what does not fit."""

    def __init__(self, contract: Contract, findings: Findings) -> None:
        from accord.engine.database import in_memory

        self.contract, self.findings = contract, findings
        self.connection = in_memory()

    @property
    def problems(self) -> list[Problem]:
        """What was found wrong so far."""
        return self.findings.problems

    def nothing(self, column: Column, rows: int) -> Typed:
        """An optional column that the file does not have: missing in every row."""
        import pyarrow as pa

        kind = arrow_type(column.type.kind)
        return Typed(pa.chunked_array([pa.nulls(rows, kind)]), 0 if column.type.kind == "number" else None)

    def report(
        self,
        raw: RawTable,
        column: str,
        wrong: pa.ChunkedArray,
        message: str,
        fix: str = "",
        values: pa.ChunkedArray | Mapping[int, str] | None = None,
    ) -> bool:
        """Note the rows where ``wrong`` is true, if any; ``message`` may say ``{value}``: what stands there."""
        import pyarrow.compute as pc

        total: int = pc.sum(wrong).as_py() or 0
        if not total:
            return False
        rows: list[int] = pc.indices_nonzero(wrong).slice(0, SHOWN).to_pylist()
        numbers = raw.numbers(rows)
        if values is not None and "{value}" in message:
            seen: list[str] = []
            for row in rows:
                text = values[row] if isinstance(values, Mapping) else str(values[row].as_py())
                if text not in seen:
                    seen.append(text if len(text) <= 40 else text[:37] + "…")
            shown = ", ".join(seen[:3]) + (" …" if len(seen) > 3 else "")
            message = message.replace("{value}", "this value" if column in PERSONAL else shown)
        self.findings.error(raw.file, f"{rows_text(numbers, total)}, column {column}: {message}", fix)
        return True

    def required(self, raw: RawTable, name: str, data: pa.ChunkedArray, optional: bool) -> None:
        """Note the rows in which a required column is empty."""
        import pyarrow.compute as pc

        if not optional and data.null_count:
            self.report(
                raw,
                name,
                pc.is_null(data),
                "there is no value, and one is required",
                "supply the value, or mark the column optional: true in the contract",
            )

    # -- texts, keys, flags, dates: worked out on the distinct words -----------------------------------------------
    def coded(self, raw: RawTable, name: str, data: pa.ChunkedArray) -> Coded:
        """Any column as trimmed words; an empty one is missing."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_timestamp(data.type) or pa.types.is_date64(data.type):
            data = data.cast(pa.date32(), safe=False)
        if pa.types.is_floating(data.type):
            data = pc.if_else(pc.is_nan(data), None, data)
            whole = pc.fill_null(pc.and_(pc.equal(pc.floor(data), data), pc.less(pc.abs(data), 2.0**53)), True)
            if self.report(raw, name, pc.invert(whole), "{value} is no whole number, so it names nothing", "", data):
                data = pa.chunked_array([pa.nulls(len(data), pa.int64())])
            data = data.cast(pa.int64())
        if pa.types.is_nested(data.type):
            self.findings.error(raw.file, f"column {name} holds lists or records", "a column holds one value a row")
            data = pa.chunked_array([pa.nulls(len(data), pa.string())])
        if not pa.types.is_dictionary(data.type):
            data = (
                data.cast(pa.string()).dictionary_encode() if pa.types.is_null(data.type) else data.dictionary_encode()
            )
        whole_column = data.unify_dictionaries().combine_chunks()
        if isinstance(whole_column, pa.ChunkedArray):
            whole_column = whole_column.chunk(0) if whole_column.num_chunks else pa.array([], data.type)
        words = whole_column.dictionary
        if not pa.types.is_string(words.type):
            try:
                words = words.cast(pa.string())
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                self.findings.error(
                    raw.file, f"column {name} holds {words.type}, which is not text", "write it as text"
                )
                words = pa.nulls(len(words), pa.string())
        if pc.any(pc.match_substring_regex(words, r"^$|^\s|\s$")).as_py():
            words = pc.utf8_trim_whitespace(words)
            words = pc.if_else(pc.equal(words, ""), None, words)
        return Coded(whole_column.indices, words)

    def text(self, raw: RawTable, name: str, data: pa.ChunkedArray) -> pa.ChunkedArray:
        """Any column as trimmed text."""
        return self.coded(raw, name, data).data()

    def mapped(
        self,
        raw: RawTable,
        name: str,
        coded: Coded,
        kind: pa.DataType,
        convert: Callable[[str], object],
        message: str,
        fix: str = "",
    ) -> pa.Array:
        """Every distinct word converted once; None from ``convert`` is a word that cannot be read."""
        import pyarrow as pa

        words = coded.words.to_pylist()
        found = [convert(word) if word else None for word in words]
        bad = [bool(word) and value is None for word, value in zip(words, found, strict=True)]
        if any(bad):
            self.report(raw, name, coded.data(pa.array(bad, pa.bool_())), message, fix, coded.data())
        return pa.array(found, kind)

    def key(self, raw: RawTable, name: str, key: str, data: pa.ChunkedArray, optional: bool) -> Coded:
        """A key, or a column that holds one: text; a period by the ISO date of its first day."""
        import pyarrow as pa

        before = len(self.problems)
        coded = self.coded(raw, name, data)
        if len(self.problems) == before and not optional and coded.nulls():
            self.required(raw, name, coded.data(), optional)
        held = self.contract.keys[key]
        if not held.is_period:
            return coded
        labels = {item.name: item.label for item in held.items} | {item.label: item.label for item in held.items}
        starts = ", ".join([item.label for item in held.items][:3]) + (", …" if len(held.items) > 3 else "")
        example = next(item.name for item in held.items)
        message = f"{{value}} is not a {key} of the term; {key}s begin {starts}"
        fix = f"write the first day of the {key}, or its usual name ({example})"
        return Coded(coded.indices, self.mapped(raw, name, coded, pa.string(), labels.get, message, fix))

    def column(self, raw: RawTable, column: Column, data: pa.ChunkedArray) -> Typed:
        """One column in the form of its type."""
        import pyarrow as pa

        optional = column.type.missing
        before = len(self.problems)
        name = column.name
        match column.type.kind:
            case "number":
                typed = self.number(raw, column, data)
            case "key":
                return Typed(self.key(raw, name, column.type.key or name, data, optional).data())
            case "flag" if pa.types.is_boolean(data.type):
                typed = Typed(data)
            case "date" if pa.types.is_date(data.type) or pa.types.is_timestamp(data.type):
                typed = Typed(data.cast(pa.date32(), safe=False))
            case "flag" | "date" as kind:
                coded = self.coded(raw, name, data)
                if kind == "date":
                    words = self.mapped(
                        raw, name, coded, pa.date32(), read_date, "{value} is not a date", "write dates as 2026-04-01"
                    )
                elif pa.types.is_integer(data.type):
                    truths = {"1": True, "0": False}
                    words = self.mapped(raw, name, coded, pa.bool_(), truths.get, "{value} is not a flag", "1 or 0")
                else:
                    words = self.mapped(
                        raw, name, coded, pa.bool_(), _truth, "{value} is not a flag", "write true or false"
                    )
                typed = Typed(coded.data(words))
            case "text":
                coded = self.coded(raw, name, data)
                words = coded.words
                if (options := column.type.options) is not None:
                    allowed = {option: option for option in options}
                    message = "{value} is not one of " + ", ".join(options)
                    words = self.mapped(raw, name, coded, pa.string(), allowed.get, message)
                typed = Typed(coded.data(words))
        self.required(raw, name, typed.data if len(self.problems) == before else data, optional)
        return typed

    def world(self, raw: RawTable, data: pa.ChunkedArray) -> pa.ChunkedArray:
        """The world column: whole numbers, never missing."""
        import pyarrow as pa

        if pa.types.is_integer(data.type):
            worlds = data.cast(pa.int32())
        else:
            coded = self.coded(raw, WORLD, data)
            fix = "worlds are whole numbers; 0 is the real one"
            worlds = coded.data(self.mapped(raw, WORLD, coded, pa.int32(), _world, "{value} is not a world", fix))
        self.required(raw, WORLD, worlds, optional=False)
        return worlds

    # -- numbers ----------------------------------------------------------------------------------------------------
    def number(self, raw: RawTable, column: Column, data: pa.ChunkedArray) -> Typed:
        """A number column: whole numbers of the smallest place that occurs in it."""
        import pyarrow as pa

        kind = data.type
        if pa.types.is_dictionary(kind):
            data = data.cast(kind.value_type)
            kind = data.type
        before = len(self.problems)
        if pa.types.is_null(kind):
            whole, places = data.cast(pa.int64()), 0
        elif pa.types.is_integer(kind):
            whole, places = self._narrowest(data.cast(pa.decimal128(20, 0)) if kind == pa.uint64() else data), 0
        elif pa.types.is_floating(kind):
            whole, places = self._floats(raw, column, data)
        elif pa.types.is_decimal(kind):
            whole, places = self._decimals(data)
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            whole, places = self._written(raw, column.name, data)
        else:
            self.findings.error(raw.file, f"column {column.name} holds {kind}, not numbers", "supply numbers")
            return self.nothing(column, raw.rows)
        if len(self.problems) > before:
            return self.nothing(column, raw.rows)
        most = column.places
        if most is not None and places > most:
            self._too_many_places(raw, column, whole, places, most)
        if column.written is not None and column.written.percent:
            self._percent_doubt(raw, column, whole, places)
            places += 2
        if column.minimum is not None:
            self._minimum(raw, column, whole, places, column.minimum)
        return Typed(whole, places)

    def _narrowest(self, data: pa.ChunkedArray) -> pa.ChunkedArray:
        """Whole numbers as int64 if they fit."""
        import pyarrow as pa

        try:
            return data.cast(pa.int64())
        except pa.ArrowInvalid:
            return data.cast(pa.decimal128(38, 0))

    def _floats(self, raw: RawTable, column: Column, data: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
        """Floats as the shortest decimals that name them; more places than allowed are refused."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if data.type != pa.float64():
            # the shortest decimal that names a 32-bit float is not that of the 64-bit float of the same value
            texts = pa.chunked_array(
                [[None if v is None or v != v else str(Decimal(_short32(v))) for v in data.to_pylist()]]
            )
            return self._written(raw, column.name, texts.cast(pa.string()))
        data = pc.if_else(pc.is_nan(data), None, data)
        if pc.any(pc.is_inf(data)).as_py():
            self.report(raw, column.name, pc.fill_null(pc.is_inf(data), False), "infinity is not a number")
            return data, 0
        most = FLOAT_PLACES if column.places is None else column.places
        for places in range(most + 1):
            power = 10.0**places
            whole = pc.round(pc.multiply(data, power)) if places else pc.round(data)
            # whole / power is the float nearest to that decimal (both are exact): equal means that it names the value
            names = pc.and_(pc.equal(pc.divide(whole, power), data), pc.less(pc.abs(whole), 1e15))
            if pc.all(pc.fill_null(names, True)).as_py():
                return whole.cast(pa.int64()), places
        texts = pa.chunked_array(
            [[None if v is None else plain_number(repr(v)) for v in data.to_pylist()]], pa.string()
        )
        part = pc.list_element(pc.split_pattern(pc.binary_join_element_wise(texts, ".", ""), "."), 1)
        wrong = pc.fill_null(pc.greater(pc.utf8_length(part), most), False)
        if self.report(
            raw,
            column.name,
            wrong,
            f"{{value}} is a floating-point number that needs more than {most} decimal places to be written exactly",
            f"round it where it is made, write it as a decimal, or allow more with places: in the contract "
            f"(column {column.name})",
            texts,
        ):
            return texts, 0
        return self._written(raw, column.name, texts)

    def _decimals(self, data: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
        import pyarrow as pa

        scale = data.type.scale
        if pa.types.is_decimal128(data.type) and scale >= 0:
            whole = pa.chunked_array(
                [
                    pa.Array.from_buffers(
                        pa.decimal128(38, 0), len(chunk), chunk.buffers(), chunk.null_count, chunk.offset
                    )
                    for chunk in data.chunks
                ],
                pa.decimal128(38, 0),
            )
            spare = self._spare_places(whole, scale)
            if spare:
                whole = self._query(f"select (v // {10**spare})::decimal(38, 0) as v from given", whole)
            return self._narrowest(whole), scale - spare
        texts = pa.chunked_array([[None if v is None else format(v, "f") for v in data.to_pylist()]], pa.string())
        return self._texts(texts)

    def _spare_places(self, whole: pa.ChunkedArray, scale: int) -> int:
        """How many of the last ``scale`` places are 0 in every row."""
        if not scale:
            return 0
        tests = ", ".join(f"coalesce(bool_and(v::hugeint % {10**k} = 0), true)" for k in range(1, scale + 1))
        import pyarrow as pa

        self.connection.register("given", pa.table({"v": whole}))
        found = self.sql(f"select {tests} from given")[0]
        self.connection.unregister("given")
        return next((k for k in range(scale, 0, -1) if found[k - 1]), 0)

    def sql(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a result: DuckDB wants a result read before it does anything else."""
        return self.connection.execute(sql).fetchall()

    def _query(self, sql: str, given: pa.ChunkedArray) -> pa.ChunkedArray:
        """One column computed from one column, in order."""
        import pyarrow as pa

        self.connection.register("given", pa.table({"v": given}))
        result = self.connection.sql(sql).to_arrow_table()
        self.connection.unregister("given")
        return result.column(0)

    def _written(self, raw: RawTable, name: str, data: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
        """Written numbers; what is none is reported."""
        import pyarrow as pa
        import pyarrow.compute as pc

        data = self.text(raw, name, data)
        odd = pc.fill_null(pc.invert(pc.match_substring_regex(data, r"^[+-]?(\d+\.?\d*|\.\d+)$")), False)
        if pc.any(odd).as_py():
            spelled = pc.if_else(odd, data, None)
            plain: dict[str, str | None] = {word: plain_number(word) for word in pc.unique(spelled).to_pylist() if word}
            bad = [word for word, text in plain.items() if text is None]
            wrong = pc.and_(odd, pc.is_in(data, pa.array(bad, pa.string())))
            fix = "leave it empty if there is none"
            if any(re.fullmatch(r"[(£$€\s-]*\d[\d, _]*(\.\d*)?\)?", word) for word in bad):
                fix = "write numbers without separators or signs: 1234567.89"
            elif any(word.endswith("%") for word in bad):
                fix = "write percent without the sign: 92.19"
            if self.report(raw, name, wrong, "{value} is not a number", fix, data):
                return data, 0
            coded = self.coded(raw, name, spelled)
            data = pc.if_else(odd, coded.data(self.mapped(raw, name, coded, pa.string(), plain.get, "")), data)
        long = pc.fill_null(pc.greater(pc.utf8_length(data), _DIGITS), False)
        if self.report(raw, name, long, f"a number of more than {_DIGITS} digits is not read", "", data):
            return data, 0
        return self._texts(data)

    def _texts(self, data: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
        """Plain written decimals (checked) as whole numbers."""
        import pyarrow as pa

        self.connection.register("given", pa.table({"v": data}))
        places, digits = self.sql(
            """select coalesce(max(length(rtrim(split_part(v, '.', 2), '0'))), 0) as places,
                      coalesce(max(length(ltrim(split_part(v, '.', 1), '+-0'))), 0) as digits from given"""
        )[0]
        self.connection.unregister("given")
        part = f"rpad(rtrim(split_part(v, '.', 2), '0'), {places}, '0')" if places else "''"
        text = f"replace(split_part(v, '.', 1), '+', '') || {part}"
        width = places + digits
        if width <= 18:
            return self._query(f"select cast({text} as bigint) as v from given", data), places
        if width <= 38:
            whole = self._query(f"select cast({text} as decimal(38, 0)) as v from given", data)
            return self._narrowest(whole), places
        wide = f"case when starts_with(v, '-') then '-' else '' end || coalesce(nullif(ltrim({text}, '-0'), ''), '0')"
        return self._query(f"select {wide} as v from given", data), places

    # -- what a number must satisfy ---------------------------------------------------------------------------------
    def _whole_numbers(self, whole: pa.ChunkedArray) -> list[int | None]:
        return [None if value is None else int(value) for value in whole.to_pylist()]

    def _below(self, whole: pa.ChunkedArray, bound: int) -> pa.ChunkedArray:
        """Which rows are below a whole number; null is not."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_string(whole.type) or abs(bound) >= 10**38:
            return pa.chunked_array([[value is not None and value < bound for value in self._whole_numbers(whole)]])
        if pa.types.is_int64(whole.type):
            if not -(2**63) <= bound < 2**63:
                return pa.chunked_array([[value is not None and value < bound for value in self._whole_numbers(whole)]])
            return pc.fill_null(pc.less(whole, pa.scalar(bound, pa.int64())), False)
        return pc.fill_null(pc.less(whole, pa.scalar(Decimal(bound), pa.decimal128(38, 0))), False)

    def _minimum(self, raw: RawTable, column: Column, whole: pa.ChunkedArray, places: int, minimum: Fraction) -> None:
        import pyarrow.compute as pc

        bound = -((-minimum.numerator * 10**places) // minimum.denominator)
        wrong = self._below(whole, bound)
        if not pc.any(wrong).as_py():
            return
        percent = column.written is not None and column.written.percent
        shown = decimal_text(minimum * 100 if percent else minimum)
        rows: list[int] = pc.indices_nonzero(wrong).slice(0, SHOWN).to_pylist()
        written: dict[int, str] = {}
        for row in rows:
            value = Fraction(int(whole[row].as_py()), 10**places)
            written[row] = decimal_text(value * 100 if percent else value)
        self.report(raw, column.name, wrong, f"{{value}} is below the minimum of {shown}", values=written)

    def _too_many_places(self, raw: RawTable, column: Column, whole: pa.ChunkedArray, places: int, most: int) -> None:
        import pyarrow as pa

        step = 10 ** (places - most)
        wrong = pa.chunked_array([[value is not None and value % step != 0 for value in self._whole_numbers(whole)]])
        self.report(
            raw, column.name, wrong, f"written with more than the {most} decimal places that the contract allows",
            f"round it where it is made, or raise places: of column {column.name} in the contract",
        )  # fmt: skip

    def _percent_doubt(self, raw: RawTable, column: Column, whole: pa.ChunkedArray, places: int) -> None:
        import pyarrow.compute as pc

        if len(whole) == whole.null_count:
            return
        if pc.any(self._below(whole, 0)).as_py() or not pc.all(self._below(whole, 10**places + 1)).as_py():
            filled = whole.drop_null()
            if pc.any(self._below(filled, 0)).as_py() or not pc.all(self._below(filled, 10**places + 1)).as_py():
                return
        if pc.all(self._below(whole.drop_null(), 1)).as_py():
            return
        self.findings.doubt(
            raw.file,
            f"column {column.name}: every value lies between 0 and 1, and percent is written times 100 (40 means 40 %)",
            "if they are fractions, multiply by 100, or read the file through a reading with times: 100",
        )

    # -- across rows and tables -------------------------------------------------------------------------------------
    def no_twins(
        self, raw: RawTable, table: Table, data: Mapping[str, pa.ChunkedArray], codes: Mapping[str, Coded]
    ) -> None:
        """Note rows with the same keys (and world)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        names = [*table.keys, *([WORLD] if WORLD in data and WORLD not in (c.name for c in table.columns) else [])]
        if not names:
            if raw.rows > 1:
                message = f"input {table.name} has no keys, so it has one row; here are {raw.rows}"
                self.findings.error(raw.file, message, "leave one")
            return
        if raw.rows < 2:
            return
        coded = [code.code() for code in codes.values()]
        if WORLD in names:
            worlds = data[WORLD].combine_chunks().cast(pa.int64())
            bounds = pc.min_max(worlds).as_py()
            coded.append((pc.subtract(worlds, bounds["min"]), bounds["max"] - bounds["min"] + 1))
        size = math.prod(members for _, members in coded)
        if size < 2**62:
            self.connection.register("given", pa.table({f"c{n}": code for n, (code, _) in enumerate(coded)}))
            whole = "0::bigint"
            for number, (_, members) in enumerate(coded):
                whole = f"({whole} * {members} + c{number})"
            if size <= _BITS:
                count = f"bit_count(bitstring_agg({whole}, 0::bigint, {size - 1}::bigint))"
            else:
                count = f"count(distinct {whole})"
            distinct = self.sql(f"select {count} from given")[0][0]
            self.connection.unregister("given")
            if distinct == raw.rows:
                return
        keys = ", ".join(quoted(name) for name in names)
        self.connection.register("given", pa.table({name: data[name] for name in names}))
        found = self.sql(
            f"""with numbered as (select *, row_number() over () as r from given),
                     groups as (select {keys}, list(r order by r) as rs from numbered group by all having count(*) > 1)
                select {keys}, rs from groups order by rs[1]"""
        )
        self.connection.unregister("given")
        if not found:
            return
        parts: list[str] = []
        for *values, rows in found[:SHOWN]:
            said = ", ".join(f"{n} {v}" for n, v in zip(names, values, strict=True) if n not in PERSONAL)
            parts.append(f"{rows_text(raw.numbers([r - 1 for r in rows]), len(rows))}" + (f" ({said})" if said else ""))
        rest = f"; … ({len(found):,} in all)" if len(found) > SHOWN else ""
        self.findings.error(
            raw.file,
            f"one row for each {', '.join(table.keys)} is wanted, and these are the same: {'; '.join(parts)}{rest}",
            "keep one of them, or add them up where the file is made",
        )


def _truth(word: str) -> bool | None:
    return {"true": True, "false": False}.get(word.lower())


def _world(word: str) -> int | None:
    return int(word) if re.fullmatch(r"\d{1,9}", word) else None


def _short32(value: float) -> str:
    """The shortest decimal that names a 32-bit float."""
    import struct

    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == value:
            return text
    return repr(value)


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type in which a column of a kind is held (a number: the narrowest of its three)."""
    import pyarrow as pa

    return {"number": pa.int64(), "flag": pa.bool_(), "date": pa.date32()}.get(kind, pa.string())


def read_date(text: str) -> dt.date | None:
    """A date written 2026-04-01; None if it is none."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def whole_numbers(values: Sequence[Fraction | None]) -> tuple[pa.Array, int | None]:
    """Exact decimals as whole numbers of the smallest place among them, in the narrowest form, and that place.

    Raises ValueError for a value with no finite decimal.
    """
    import pyarrow as pa

    places = 0
    for value in values:
        if value is not None:
            needed = decimal_places(value)
            if needed is None:
                raise ValueError(f"{value} has no finite decimal")
            places = max(places, needed)
    wholes = [None if value is None else int(value * 10**places) for value in values]
    widest = max((abs(whole) for whole in wholes if whole is not None), default=0)
    if widest < 2**63:
        return pa.array(wholes, pa.int64()), places
    if widest < 10**38:
        return pa.array([None if w is None else Decimal(w) for w in wholes], pa.decimal128(38, 0)), places
    return pa.array([None if w is None else str(w) for w in wholes], pa.string()), places
