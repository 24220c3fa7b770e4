"""Bound the work of an expression before it is evaluated, given the actual data.

Expressions come from files and are evaluated in the process that serves everybody: one nested `map` could block it for
hours. So the syntax tree is first walked with the sizes of the values at hand, and each function is charged with its
worst case. The result is an upper bound: if it is small, the expression is evaluated in this process, else in a child
process with limits (costly.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from engine.base.expression_limits import A_VALUE, LARGEST_INPUT, MOST_GROWTH, size
from engine.expressions.function_table import OWN
from engine.expressions.interpreter import CHEAP
from engine.expressions.patterns import BadPattern, pattern
from engine.expressions.syntax import ARRANGED, SyntaxNode

TOO_MUCH = 1 << 62  # more than any limit
_CANDIDATES = 20_000  # if a value may be one of more than these, only their sizes are kept
_ITEM_OF_A_LIST = 16
"""Bytes copied by each step of `map` and `filter` for each item collected so far."""
_PROGRAM_A_CHARACTER = 1_000
"""Upper bound of the program of a pattern, per character (`.{1000}`)."""
_LONGEST_PRECISION = 1_000  # most digits of a number in `format`
_COMPARISONS = 20
"""Upper bound of how often sorting looks at an item of a list."""
_COPYING = {
    **dict.fromkeys(("trim", "lowerAscii", "upperAscii", "reverse", "substring", "charAt", "dyn", "bytes"), 1),
    **dict.fromkeys(("optional.of", "optional.ofNonZeroValue", "value"), 1),
    **dict.fromkeys(("string", "strings.quote"), MOST_GROWTH),
}
"""Functions whose result is at most this many times their input."""


class Bound(Struct, frozen=True):
    """Upper bounds of a value: its characters in total, its items, and the characters of its largest item."""

    total: int
    count: int = 0
    item: int = 0
    known: tuple[Any, ...] | None = None
    """The possible values, if they are available."""

    def __or__(self, other: Bound) -> Bound:
        return Bound(max(self.total, other.total), max(self.count, other.count), max(self.item, other.item))


_SMALL = Bound(A_VALUE)


def _of(values: Sequence[Any]) -> Bound:
    """Return the bound of a value that is one of these."""
    if len(values) > _CANDIDATES:
        return _of_sizes(values)
    return Bound(max((size(one, LARGEST_INPUT) for one in values), default=A_VALUE), _most(values), 0, tuple(values))


def _of_sizes(values: Sequence[Any]) -> Bound:
    total = max(size(one, LARGEST_INPUT) for one in values)
    return Bound(total, _most(values), total)


def _most(values: Sequence[Any]) -> int:
    return max((len(one) for one in values if isinstance(one, str | list | dict)), default=0)


def _items(bound: Bound) -> Bound:
    """Return the bound of any item of a list, or of any key of an object."""
    if bound.known is None:
        return Bound(bound.item or bound.total, bound.item or bound.total, bound.item or bound.total)
    return _of([item for one in bound.known if isinstance(one, list | dict) for item in one])


def _values(bound: Bound) -> Bound:
    """Return the bound of the value at any index or key."""
    if bound.known is None:
        return _items(bound)
    return _of(
        [
            item
            for one in bound.known
            if isinstance(one, list | dict)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
    )


class Estimate:
    """The work of one expression with this data; every call is charged with its worst case."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.work = 0
        self._scope: dict[str, Bound] = {}
        self._data = data

    def of(self, node: SyntaxNode) -> Bound:
        """Return the bound of a node, and add the work of evaluating it."""
        bound = _KINDS[node.kind](self, node)
        if bound.known is None:  # values at hand are counted when they are passed on
            self.work = min(self.work + bound.total, TOO_MUCH)
        return bound

    def ident(self, node: SyntaxNode) -> Bound:
        """Bound a name."""
        if node.name in self._scope:
            return self._scope[node.name]
        return _of([self._data[node.name]] if node.name in self._data else [])

    def constant(self, node: SyntaxNode) -> Bound:
        """Bound a literal."""
        value = node.value[1] if node.value else None
        if isinstance(value, str | bytes):
            return Bound(len(value) + A_VALUE, len(value), A_VALUE)
        return _SMALL

    def select(self, node: SyntaxNode) -> Bound:
        """Bound a field."""
        holder = self.of(node.parts[0])
        if node.kind == "has":
            return _SMALL
        if holder.known is None:
            inside = holder.item or holder.total
            return Bound(inside, inside, inside)
        return _of([one[node.name] for one in holder.known if isinstance(one, dict) and node.name in one])

    def several(self, node: SyntaxNode) -> Bound:
        """Bound a list or object literal."""
        parts = [self.of(part) for part in node.parts]
        total = sum(part.total + A_VALUE for part in parts) + A_VALUE
        return Bound(total, len(parts), max((part.total for part in parts), default=0))

    def loop(self, node: SyntaxNode) -> Bound:
        """Bound a macro such as `map`: its step, repeated for each item."""
        ranged, first = self.of(node.parts[0]), self.of(node.parts[1])
        times, outer = ranged.count, dict(self._scope)
        if node.name:
            self._scope[node.name] = _items(ranged)
        if node.value[1]:
            self._scope[node.value[1]] = _values(ranged)
        self._scope[node.value[0]] = first
        before = self.work
        self.of(node.parts[2])
        once = self.of(node.parts[3])
        grown = once.count - first.count
        copied = grown * times * times // 2 * _ITEM_OF_A_LIST  # the list is copied whenever an item is added
        if _is_arranged(node):
            copied = ranged.total * _COMPARISONS
        self.work = min(before + times * (self.work - before + A_VALUE) + copied, TOO_MUCH)
        growth = max(once.total - first.total, 0)
        gathered = Bound(
            min(first.total + growth * times, TOO_MUCH), first.count + grown * times, max(first.item, once.item)
        )
        self._scope[node.value[0]] = gathered
        found = self.of(node.parts[4])
        self._scope = outer
        return found

    def call(self, node: SyntaxNode) -> Bound:
        """Bound a function call; an unknown function may do anything."""
        parts = [self.of(part) for part in node.parts]
        total = sum(part.total for part in parts)
        if node.name in CHEAP:
            self.work += total
            return _SMALL
        own = OWN.get(node.name)
        growth = _COPYING.get(node.name) if own is None else own.growth
        if growth is not None:
            most = total * growth + A_VALUE + (own.more if own else 0)
            if node.name.startswith("regex"):
                self.matched(node, parts[:2])
            self.work += total
            return Bound(most, most, most)
        special = _CALLS.get(node.name)
        if special is None:
            return Bound(TOO_MUCH, TOO_MUCH, TOO_MUCH)
        return special(self, node, parts)

    def added(self, _node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound `a + b`."""
        one, other = parts
        counts = [_items(part).total if part.known is not None else part.item for part in parts]
        return Bound(one.total + other.total, one.count + other.count, max(counts))

    def chosen(self, _node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound a choice between the last two parts."""
        one, other = (_plain(part) for part in parts[-2:])
        return one | other

    def indexed(self, _node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound `list[n]`."""
        return _values(parts[0])

    def searched(self, _node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound the search for a text in another, or for a value in a list."""
        self.work += parts[0].total * max(parts[1].total - A_VALUE, 1) if len(parts) > 1 else 0
        return _SMALL

    def listed(self, _node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound `x in list`."""
        self.work += parts[1].total + parts[0].total
        return _SMALL

    def replaced(self, node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound `x.replace(old, new)`: every character of `x` may be an occurrence."""
        text, new = parts[0], parts[2]
        self.searched(node, parts)
        shortest = _length(node.parts[1])
        times = text.total // max(shortest, 1) + 1
        total = text.total + times * new.total
        return Bound(total, total, total)

    def split(self, node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound `x.split(separator)`."""
        self.searched(node, parts)
        count = parts[0].total // max(_length(node.parts[1]), 1) + 1
        return Bound(parts[0].total + 4 * A_VALUE * count, count, parts[0].total)

    def joined(self, _node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound `list.join(separator)`."""
        between = parts[1].total if len(parts) > 1 else 0
        total = parts[0].total + parts[0].count * between
        return Bound(total, total, total)

    def formatted(self, _node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound `'%s'.format([…])`: each value once, as JSON; a number with the maximum number of digits."""
        form, values = parts[0], parts[1]
        # As JSON, a control character has six: `\u0001`.
        total = form.total + 6 * values.total + _LONGEST_PRECISION * values.count
        return Bound(total, total, total)

    def matched(self, node: SyntaxNode, parts: Sequence[Bound]) -> Bound:
        """Bound `x.matches(pattern)`: RE2 visits each character once for each step of the pattern."""
        last = node.parts[1]
        written = last.value[1] if last.kind == "constant" and last.value else None
        program = _program(written) if isinstance(written, str) else parts[1].total * _PROGRAM_A_CHARACTER
        self.work += parts[0].total * program // 8 + program
        return _SMALL


def _is_arranged(loop: SyntaxNode) -> bool:
    """Return whether a filter is a macro of ours, which our function evaluates at once."""
    step = loop.parts[3]
    return step.name == "_?_:_" and step.parts[0].name == ARRANGED


def _plain(bound: Bound) -> Bound:
    """Return the bound without its possible values."""
    return bound if bound.known is None else Bound(bound.total, bound.count, _items(bound).total)


def _program(source: str) -> int:
    """Return the number of steps of a pattern."""
    try:
        return pattern(source).steps
    except BadPattern:
        return len(source) * _PROGRAM_A_CHARACTER


def _length(node: SyntaxNode) -> int:
    """Return the length of a text literal, 0 for any other node."""
    value = node.value[1] if node.kind == "constant" and node.value else None
    return len(value) if isinstance(value, str) else 0


_KINDS: Mapping[str, Callable[[Estimate, SyntaxNode], Bound]] = {
    "ident": Estimate.ident,
    "constant": Estimate.constant,
    "select": Estimate.select,
    "has": Estimate.select,
    "optional": Estimate.select,
    "list": Estimate.several,
    "struct": Estimate.several,
    "loop": Estimate.loop,
    "call": Estimate.call,
}
_CALLS: Mapping[str, Callable[[Estimate, SyntaxNode, Sequence[Bound]], Bound]] = {
    "_+_": Estimate.added,
    "_?_:_": Estimate.chosen,
    "orValue": Estimate.chosen,
    "or": Estimate.chosen,
    "_[_]": Estimate.indexed,
    "_[?_]": Estimate.indexed,
    "_?._": Estimate.indexed,
    "@in": Estimate.listed,
    "contains": Estimate.searched,
    "indexOf": Estimate.searched,
    "lastIndexOf": Estimate.searched,
    "replace": Estimate.replaced,
    "split": Estimate.split,
    "join": Estimate.joined,
    "format": Estimate.formatted,
    "matches": Estimate.matched,
}


def work_of(written: SyntaxNode, data: Mapping[str, Any]) -> int:
    """Return an upper bound for the work of an expression with this data, including passing the data to CEL."""
    estimate = Estimate(data)
    estimate.work = size(data, LARGEST_INPUT)
    try:
        estimate.of(written)
    except RecursionError:
        return TOO_MUCH
    return estimate.work
