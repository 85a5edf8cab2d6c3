"""In which order quantities can be computed, and which of them turn in a loop through prior()."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accord.language.meaning import (
    Allocate,
    BorneByQuantity,
    ColumnValue,
    EnclosingPeriod,
    EndOf,
    Gather,
    HeldByColumn,
    KeyPath,
    KeyValue,
    Node,
    ParameterValue,
    PeriodDay,
    PeriodLength,
    Prior,
    QuantityValue,
    Rank,
    ScaleValue,
    TrailingAverage,
    children,
)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a quantity needs: others in the same step, and others one period back (with the period)."""

    now: frozenset[str]
    before: frozenset[tuple[str, str]]


def paths_of(node: Node) -> tuple[KeyPath, ...]:
    """The key paths a node itself holds (not its children)."""
    match node:
        case KeyValue(path=path) | PeriodLength(path=path) | PeriodDay(path=path):
            return (path,)
        case ColumnValue(at=at) | QuantityValue(at=at):
            return at
        case ParameterValue(period=period) | ScaleValue(period=period):
            return () if period is None else (period,)
        case Gather(match=match) | EndOf(match=match):
            return match
        case Rank(partition=partition):
            return partition
        case Allocate(group=group):
            return group
        case _:
            return ()


def bearers(path: KeyPath) -> Iterator[str]:
    """The quantities that a key path reads on its way."""
    match path:
        case EnclosingPeriod(of=of):
            yield from bearers(of)
        case HeldByColumn(at=at):
            for inner in at:
                yield from bearers(inner)
        case BorneByQuantity(quantity=quantity, at=at):
            yield quantity
            for inner in at:
                yield from bearers(inner)
        case _:
            return


def needs(formulas: tuple[Node, ...]) -> Needs:
    """What formulas read of other quantities, now and before."""
    now: set[str] = set()
    before: set[tuple[str, str]] = set()

    def visit(node: Node) -> None:
        match node:
            case Prior(of=of, period=period) | TrailingAverage(of=of, period=period):
                if isinstance(of, QuantityValue):
                    before.add((of.quantity, period))
                    if isinstance(node, TrailingAverage):
                        now.add(of.quantity)
                for path in of.at:
                    now.update(bearers(path))
                if isinstance(node, TrailingAverage):
                    visit(node.count)
                return
            case QuantityValue(quantity=quantity):
                now.add(quantity)
            case _:
                pass
        for path in paths_of(node):
            now.update(bearers(path))
        for child in children(node):
            visit(child)

    for formula in formulas:
        visit(formula)
    return Needs(frozenset(now), frozenset(before))


@dataclass(frozen=True, slots=True)
class Circle:
    """Quantities that define each other within one period: refused."""

    names: tuple[str, ...]


def circle(needed: Mapping[str, Needs]) -> Circle | None:
    """The first circle of quantities that need each other in the same step; None if there is none."""
    state: dict[str, int] = {}
    for start in needed:
        trail: list[str] = []
        waiting: list[tuple[str, Iterator[str]]] = []

        def enter(name: str, trail: list[str] = trail, waiting: list[tuple[str, Iterator[str]]] = waiting) -> None:
            state[name] = 1
            trail.append(name)
            waiting.append((name, iter(sorted(needed[name].now & needed.keys()))))

        if state.get(start):
            continue
        enter(start)
        while waiting:
            name, rest = waiting[-1]
            following = next(rest, None)
            if following is None:
                state[name] = 2
                trail.pop()
                waiting.pop()
            elif state.get(following) == 1:
                return Circle((*trail[trail.index(following) :], following))
            elif not state.get(following):
                enter(following)
    return None


def loops_in_order(needed: Mapping[str, Needs]) -> list[tuple[str, ...]]:
    """Strongly connected components over all needs, each after what it needs; inside a loop, by what is needed now.

    Tarjan's algorithm (1972), without recursion; components come out in reverse topological order of what uses them,
    which is the order of computation.
    """
    everything = {name: sorted((n.now | {b for b, _ in n.before}) & needed.keys()) for name, n in needed.items()}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    on_stack: set[str] = set()
    stack: list[str] = []
    components: list[tuple[str, ...]] = []
    for root in needed:
        if root in index:
            continue
        waiting: list[tuple[str, Iterator[str]]] = []

        def enter(name: str, waiting: list[tuple[str, Iterator[str]]] = waiting) -> None:
            index[name] = low[name] = len(index)
            stack.append(name)
            on_stack.add(name)
            waiting.append((name, iter(everything[name])))

        enter(root)
        while waiting:
            name, rest = waiting[-1]
            following = next(rest, None)
            if following is None:
                waiting.pop()
                if waiting:
                    parent = waiting[-1][0]
                    low[parent] = min(low[parent], low[name])
                if low[name] == index[name]:
                    component: list[str] = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == name:
                            break
                    components.append(_by_need(component, needed))
            elif following not in index:
                enter(following)
            elif following in on_stack:
                low[name] = min(low[name], index[following])
    return components


def _by_need(component: list[str], needed: Mapping[str, Needs]) -> tuple[str, ...]:
    """The members of a loop so that each comes after those it needs in the same period."""
    members = sorted(component)
    done: list[str] = []
    while len(done) < len(members):
        ready = [name for name in members if name not in done and not (needed[name].now & set(members)) - set(done)]
        done.extend(ready)
        if not ready:  # pragma: no cover - circle() has refused this
            raise ValueError("a circle inside one period")
    return tuple(done)
