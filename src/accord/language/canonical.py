"""The canonical JSON of a contract: one writing for one meaning, whatever the spacing, order of words or comments.

``canonical`` says everything; ``meaning_of`` leaves out what a reader reads but no number depends on (titles, notes,
clauses, authorities), so that a corrected typing slip does not disown four years of runs.
"""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction
from typing import cast

from accord.language.contract import Contract, Entry, Parameter, PartyOfRow, Quantity, ScalePoints, Table, Value
from accord.language.meaning import ColumnValue as ColumnNode
from accord.language.meaning import KeyValue, Node, OwnKey, QuantityValue
from accord.language.rounding import decimal_text

_WORDS = frozenset({"title", "note", "clause", "authority", "review_by", "examples", "warnings"})
"""What meaning_of leaves out."""


def _value(value: Value | ScalePoints | None) -> object:
    match value:
        case ScalePoints(points=points):
            return [[None if x is None else decimal_text(x), decimal_text(y)] for x, y in points]
        case bool() | None:
            return value
        case Fraction():
            return decimal_text(value)
        case dt.date():
            return value.isoformat()
        case str():
            return {"text": value}


def _table(table: Table) -> dict[str, object]:
    columns = [
        {
            "name": column.name,
            "kind": column.type.kind,
            "key": column.type.key,
            "unit": str(column.written) if column.written is not None else None,
            "one_of": list(column.type.options) if column.type.options is not None else None,
            "missing": column.type.missing,
            "min": _value(column.minimum),
            "places": column.places,
            "compare": column.comparable,
            "note": column.note,
        }
        for column in table.columns
    ]
    result: dict[str, object] = {
        "name": table.name,
        "keys": list(table.keys),
        "columns": columns,
        "optional": table.optional,
        "measure": table.measure,
        "note": table.note,
    }
    if table.rows is not None:
        result["rows"] = [[_value(cell) for cell in row] for row in table.rows]
    if table.source is not None:
        result |= {"authority": table.source.authority, "status": table.source.status}
    return result


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "from": entry.since.isoformat(),
        "known_from": entry.known_from.isoformat() if entry.known_from else None,
        "until": entry.until.isoformat() if entry.until else None,
        "values": sorted(
            ([list(by), _value(value)] for by, value in entry.values.items()), key=lambda pair: str(pair[0])
        ),
        "authority": entry.source.authority,
        "status": entry.source.status,
        "note": entry.source.note,
        "review_by": entry.source.review_by.isoformat() if entry.source.review_by else None,
    }


def _parameter(parameter: Parameter) -> dict[str, object]:
    scale = parameter.scale
    return {
        "name": parameter.name,
        "kind": parameter.type.kind,
        "unit": str(parameter.written) if parameter.written is not None else None,
        "by": list(parameter.by),
        "as_at": parameter.as_at,
        "carry": parameter.carry,
        "scale": None
        if scale is None
        else {"kind": scale.kind, "of": str(scale.of), "below": scale.below_holds, "above": scale.above_holds},
        "entries": [_entry(entry) for entry in parameter.entries],
        "note": parameter.note,
    }


def _quantity(quantity: Quantity) -> dict[str, object]:
    return {
        "name": quantity.name,
        "each": sorted(quantity.keys),
        "rows": list(quantity.rows.sources),
        "through": list(quantity.through),
        "formulas": [
            [version.since.isoformat() if version.since else None, version.canonical] for version in quantity.versions
        ],
        "unit": str(quantity.type.unit) if quantity.type.kind == "number" else quantity.type.kind,
        "round": str(quantity.rounding) if quantity.rounding is not None else None,
        "key": quantity.key,
        "report": quantity.report,
        "status": quantity.status,
        "title": quantity.title,
        "clause": quantity.clause,
        "note": quantity.note,
    }


def _held(node: Node | None) -> str | None:
    match node:
        case None:
            return None
        case KeyValue(path=path):
            return path.key if isinstance(path, OwnKey) else repr(path)
        case QuantityValue(quantity=quantity):
            return quantity
        case ColumnNode(table=table, column=column):
            return f"{table}.{column}"
        case _:  # pragma: no cover
            raise TypeError(node)


def _party(party: PartyOfRow) -> dict[str, object]:
    return {"party": party.party, "member": _held(party.member), "payee": _held(party.payee)}


def canonical(contract: Contract) -> dict[str, object]:
    """Everything a contract says as plain JSON data.

    Named things are lists of objects in written order; formulas are in their canonical writing; numbers are
    exact texts, in plain terms (a percent divided by 100).
    """
    return {
        "accord": 1,
        "contract": contract.name,
        "title": contract.title,
        "authority": contract.authority,
        "note": contract.note,
        "currency": contract.currency,
        "term": {
            "from": contract.term.first.isoformat(),
            "to": contract.term.last.isoformat(),
            "history": contract.term.history.isoformat() if contract.term.history else None,
        },
        "units": sorted(contract.units),
        "keys": [
            {
                "name": key.name,
                "title": key.title,
                "in": key.within,
                "periods": [[item.first.isoformat(), item.last.isoformat()] for item in key.items],
            }
            for key in contract.keys.values()
        ],
        "parties": [
            {"name": party.name, "title": party.title, "each": party.each, "paid_to": party.paid_to}
            for party in contract.parties.values()
        ],
        "inputs": [_table(table) for table in contract.tables.values() if not table.own],
        "tables": [_table(table) for table in contract.tables.values() if table.own],
        "parameters": [_parameter(parameter) for parameter in contract.parameters.values()],
        "quantities": [_quantity(quantity) for quantity in contract.quantities.values()],
        "checks": [
            {"that": check.canonical, "each": sorted(check.rows.keys), "else": check.message}
            for check in contract.checks
        ],
        "payments": [
            {
                "pay": payment.quantity,
                "from": _party(payment.payer),
                "to": _party(payment.receiver),
                "negative": "reverse" if payment.reverse_when_negative else None,
                "stream": payment.stream,
                "due": payment.due,
                "note": payment.note,
            }
            for payment in contract.payments
        ],
        "notices": [
            {
                "when": notice.when,
                "about": _party(notice.about),
                "notice": notice.notice,
                "days": notice.days,
                "power": notice.power,
            }
            for notice in contract.notices
        ],
        "examples": [
            {
                "title": example.title,
                "source": example.source,
                "given": {name: [dict(row) for row in rows] for name, rows in example.given.items()},
                "expect": [[e.quantity, dict(e.row), e.written] for e in example.expect],
            }
            for example in contract.examples
        ],
    }


def _without_words(data: object) -> object:
    # names that a contract gives are values here, never words of the form: nothing of them is left out
    if isinstance(data, dict):
        entries = cast("dict[str, object]", data)
        return {word: _without_words(value) for word, value in entries.items() if word not in _WORDS}
    if isinstance(data, list):
        return [_without_words(item) for item in cast("list[object]", data)]
    return data


def canonical_text(data: object) -> str:
    """JSON in one writing: sorted names, no spaces, UTF-8."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def meaning_of(contract: Contract) -> str:
    """The canonical text of what every number depends on; its SHA-256 is the meaning hash."""
    return canonical_text(_without_words(canonical(contract)))
