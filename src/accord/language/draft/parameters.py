"""Reads parameters: values over time, by member, and scales."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise

from accord.language.contract import Entry, Parameter, Scale, ScalePoints, Value
from accord.language.draft.written import Written, as_record, read_number, scalar_at, scalars_of, wanted_form, word_at
from accord.language.problem import shortened
from accord.language.rounding import decimal_places
from accord.language.text import Entries, Items, Scalar, Tree
from accord.language.types import Type
from accord.language.unit import RATIO, WrittenUnit


class ParameterReader:
    """Parameters and their entries."""

    def __init__(self, written: Written) -> None:
        self.written = written

    def parameter(self, name: Scalar, record: Entries) -> None:
        """Read one parameter."""
        draft = self.written.draft
        before = len(draft.problems)
        if self.written.has_a_slip(record):
            draft.broken.add(name.value)
            return
        if record.get("as_at") is not None:
            draft.as_at_said.add(name.value)
        kind = {"flag": "flag", "text": "text", "date": "date"}.get(word_at(record, "type"), "number")
        scale_kind = word_at(record, "scale")
        written: WrittenUnit | None = None
        if kind == "number":
            unit = scalar_at(record, "unit")
            if unit is None:
                self.written.problem(
                    name, f"parameter {name.value} has no unit", "unit: GBP, percent, people, ratio … or type: flag"
                )
                draft.broken.add(name.value)
                return
            written = self.written.unit(unit)
        scale = self._scale(name, record, scale_kind, written)
        points = record.get("points") is not None or record.get("bands") is not None
        if scale is None and points:
            draft.broken.add(name.value)  # the scale itself has its problem already
            return
        start = draft.term.start if draft.term else None
        dated = record.get("dated")
        bodies = [word for word in ("value", "values", "points", "bands", "dated") if record.get(word) is not None]
        if len(bodies) != 1 and not self.written.is_misshapen(record):
            said = f"says both {bodies[0]} and {bodies[1]}" if bodies else "has no value"
            fix = (
                "keep one of them" if bodies else "value: …, values: {…} with by:, dated: [ … ], or points: for a scale"
            )
            self.written.problem(name, f"parameter {name.value} {said}", fix)
        default = None
        if word_at(record, "authority") or not isinstance(dated, Items):
            default = self.written.source(record, name, f"parameter {name.value}")
        else:
            default = None
        if word_at(record, "as_at") == "days" and (kind != "number" or scale is not None):
            what = "a scale" if scale is not None else f"a {kind}"
            self.written.problem(
                name, f"as_at: days weighs numbers by days; {name.value} is {what}", "as_at: start or end"
            )
        entries: list[Entry] = []
        by = tuple(scalar.value for scalar in scalars_of(record.get("by")))
        typed = {"flag": Type("flag", None), "text": Type("text", None), "date": Type("date", None)}.get(kind)
        typed = typed or Type("number", written.unit if written else RATIO)
        for spec in dated.items if isinstance(dated, Items) else ():
            entry = as_record(spec)
            if self.written.has_a_slip(entry):
                draft.broken.add(name.value)
                continue
            since = self.written.date(entry.get("from"))
            anchor = entry.key("from") or name
            source = self.written.source(entry, anchor, f"this entry of {name.value}", default)
            values = self._values(name, entry, typed, written, scale, by)
            until = self.written.date(entry.get("until"))
            if since is not None and until is not None and until < since:
                self.written.problem(entry.get("until") or entry, f"{until} is before the entry begins on {since}")
            if since is not None and source is not None and values is not None:
                entries.append(
                    Entry(since, values, source, entry.place, self.written.date(entry.get("known_from")), until)
                )
        if dated is None and start is not None:
            values = self._values(name, record, typed, written, scale, by)
            until = self.written.date(record.get("until"))
            if values is not None and default is not None:
                entries.append(Entry(start, values, default, name.place, None, until))
        if isinstance(dated, Items) and not dated.items:
            self.written.problem(dated, f"{name.value} has no entries", "dated: [{from: …, value: …}]")
        ordered = sorted(entries, key=lambda entry: (entry.since, entry.known_from or dt.date.min))
        for earlier, later in pairwise(ordered):
            if (earlier.since, earlier.known_from) == (later.since, later.known_from):
                self.written.problem(
                    later.place,
                    f"{name.value} has two entries from {later.since}",
                    "say known_from: on the one that was learnt later, or remove one",
                )
        flat = [value for entry in ordered for value in entry.values.values()]
        numbers = [value for value in flat if isinstance(value, Fraction)]
        points = [y for value in flat if isinstance(value, ScalePoints) for _, y in value.points]
        exact = all(decimal_places(value) is not None for value in [*numbers, *points])
        if typed.kind == "number":
            positive = bool(numbers or points) and all(value > 0 for value in [*numbers, *points])
            unit_of_result = typed.unit
            if scale is not None and scale.kind == "marginal" and unit_of_result is not None:
                unit_of_result, positive = unit_of_result.times(scale.of.unit), False
            if scale is not None and scale.kind == "linear":
                exact = False
            typed = Type("number", unit_of_result, exact=exact, positive=positive)
        if typed.kind == "text":
            typed = Type("text", None, options=tuple(dict.fromkeys(str(value) for value in flat)))
        draft.parameters[name.value] = Parameter(
            name.value,
            typed,
            tuple(ordered),
            name.place,
            by,
            written,
            word_at(record, "as_at") or "start",
            word_at(record, "carry") == "last",
            scale,
            word_at(record, "note"),
        )
        if len(draft.problems) > before or not ordered:
            draft.broken.add(name.value)

    def _scale(self, name: Scalar, record: Entries, kind: str, written: WrittenUnit | None) -> Scale | None:
        of = scalar_at(record, "of")
        if kind not in ("step", "linear", "marginal"):
            stray = next((w for w in ("points", "bands", "of", "below", "above") if record.get(w) is not None), None)
            if stray is not None and not kind:
                self.written.problem(
                    record.key(stray) or name,
                    f"{name.value} has {stray}, but does not say what scale it is",
                    "scale: step, linear or marginal",
                )
            return None
        if of is None:
            self.written.problem(name, f"scale {name.value} does not say what it is a scale of", "of: people")
            return None
        argument = self.written.unit(of)
        if argument is None or written is None:
            return None
        wanted = "bands" if kind == "marginal" else "points"
        other = "points" if kind == "marginal" else "bands"
        if record.get(other) is not None:
            self.written.problem(
                record.key(other) or name, f"a {kind} scale has {wanted}, not {other}", f"{wanted}: [[ … ]]"
            )
            return None
        return Scale(
            {"step": "step", "linear": "linear", "marginal": "marginal"}[kind],  # pyright: ignore
            argument,
            word_at(record, "below") == "hold",
            word_at(record, "above") == "hold",
        )

    def _values(
        self,
        name: Scalar,
        record: Entries,
        typed: Type,
        written: WrittenUnit | None,
        scale: Scale | None,
        by: tuple[str, ...],
    ) -> Mapping[tuple[str, ...], Value | ScalePoints] | None:
        """The values of one entry by members; None (and a problem) if they cannot be read."""
        body = next((record.get(w) for w in ("value", "values", "points", "bands") if record.get(w) is not None), None)
        if body is None:
            if not self.written.is_misshapen(record) and record.get("from") is not None:
                self.written.problem(
                    record, f"this entry of {name.value} has no value", "value: …, values: {…}, points: or bands:"
                )
            return None
        found: dict[tuple[str, ...], Value | ScalePoints] = {}
        good = True

        def leaf(members: tuple[str, ...], tree: Tree) -> None:
            nonlocal good
            if len(members) != len(by):
                expected = f"one value for each {' and '.join(by)}: {{…}}" if by else "one value, not values by member"
                self.written.problem(
                    tree, f"{name.value} needs {expected}", "" if by else "say by: … to choose among values"
                )
                good = False
                return
            if scale is not None:
                points = self._points(name, tree, scale, written)
                if points is None:
                    good = False
                else:
                    found[members] = points
                return
            if not isinstance(tree, Scalar):
                self.written.problem(tree, f"{name.value} needs a single value here")
                good = False
                return
            value = self.written.typed(typed, written, tree.value, fraction=True)
            if value is None:
                hint = "write percent values without %" if "%" in tree.value else ""
                self.written.problem(
                    tree, f"{shortened(tree.value)} is not {wanted_form(typed)}, which {name.value} is", hint
                )
                good = False
                return
            found[members] = value

        def descend(members: tuple[str, ...], tree: Tree) -> None:
            if isinstance(tree, Entries):
                if len(members) >= len(by):
                    leaf((*members, "?"), tree)
                    return
                for key, inner in tree:
                    descend((*members, key.value), inner)
            else:
                leaf(members, tree)

        descend((), body)
        if good and not found:
            self.written.problem(body, f"{name.value} has no values", f"one value for each {' and '.join(by)}: {{…}}")
        return found if good and found else None

    def _points(self, name: Scalar, tree: Tree, scale: Scale, written: WrittenUnit | None) -> ScalePoints | None:
        pairs: list[tuple[Fraction | None, Fraction]] = []
        across = Fraction(1, 100) if scale.of.percent else Fraction(1)
        up = Fraction(1, 100) if written is not None and written.percent else Fraction(1)
        rows = tree.items if isinstance(tree, Items) else ()
        for position, row in enumerate(rows):
            cells = scalars_of(row)
            if len(cells) != 2:
                self.written.problem(row, f"a point of {name.value} is a pair [x, y]")
                return None
            last = position == len(rows) - 1
            x: Fraction | None = None
            if scale.kind == "marginal" and cells[0].value == "above":
                if not last:
                    self.written.problem(cells[0], "only the last band may be above")
                    return None
            else:
                number = read_number(cells[0].value)
                if number is None:
                    self.written.problem(cells[0], f"{shortened(cells[0].value)} is not a number")
                    return None
                x = number * across
                if pairs and pairs[-1][0] is not None and x <= pairs[-1][0]:
                    self.written.problem(
                        cells[0],
                        f"{cells[0].value} does not come after the point before it",
                        "write the points of a scale in rising order",
                    )
                    return None
            y = read_number(cells[1].value)
            if y is None:
                self.written.problem(cells[1], f"{shortened(cells[1].value)} is not a number")
                return None
            pairs.append((x, y * up))
        least = 2 if scale.kind == "linear" else 1
        if len(pairs) < least:
            self.written.problem(tree, f"{name.value} needs at least {least} point{'s' if least > 1 else ''}")
            return None
        if scale.kind == "marginal" and pairs[0][0] is not None and pairs[0][0] <= 0:
            self.written.problem(tree, f"the first band of {name.value} must reach above 0")
            return None
        return ScalePoints(tuple(pairs))
