"""The abstract interpreter: reads the tree of an expression, and computes what a `Domain` knows of its value.

All analyses of expressions share it. It handles names, paths, conditions and macros; a domain says what a value is, and
what functions make of it. `Domain.call` handles functions that only pass values on, unless a domain replaces it. What
is certain at a place, because a condition was tested before, is passed along as `facts`; what these are is the domain's
choice, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from engine.expressions.syntax import ARRANGED, SyntaxNode

CHEAP = frozenset(
    "_==_ _!=_ _<_ _<=_ _>_ _>=_ _&&_ _||_ !_ -_ _-_ _*_ _/_ _%_ @not_strictly_false not_strictly_false type int uint"
    " double bool timestamp duration size startsWith endsWith hasValue getFullYear getMonth getDate getDayOfMonth"
    " getDayOfWeek getDayOfYear getHours getMinutes getSeconds getMilliseconds math.@max math.@min math.abs math.round"
    " math.ceil math.floor math.sign math.trunc math.isNaN math.isInf math.isFinite math.greatest math.least"
    " math.bitAnd math.bitOr math.bitXor math.bitNot"
    " math.bitShiftLeft math.bitShiftRight math.sqrt optional.none".split()
) | {ARRANGED}
SCALAR_RESULTS = CHEAP | {
    *("@in", "contains", "indexOf", "lastIndexOf", "matches"),
    *("sum", "avg", "parse_number", "parse_date", "start_of", "day", "lists.range"),
}
"""Functions and operators whose result is a number, a truth value, a time or a type, whatever their input."""

V = TypeVar("V")
F = TypeVar("F")
_UNCHANGED = frozenset({"dyn", "value", "optional.of", "optional.ofNonZeroValue"})
_ONE_OF = frozenset({"orValue", "or", "_+_"})
_FIELD_KINDS = frozenset({"select", "has", "optional"})
_PATH_KINDS = _FIELD_KINDS | {"ident"}
_ITEM_OF = frozenset({"_[_]", "_[?_]"})


class Domain(Generic[V, F]):
    """What an analysis knows of values (`V`), and of a place in an expression (`F`).

    A domain must set `unknown`. Each method has a default, which returns that, or the value or the facts it is given.
    So a domain has only the methods it is about; an analysis that looks for something notes it in them.
    """

    unknown: V
    """What is known of any value."""

    def name(self, node: SyntaxNode, whole: SyntaxNode, facts: F) -> V:
        """Return the value of a name that is not bound; `whole` is the complete path that begins with it."""
        return self.unknown

    def variable(self, node: SyntaxNode, value: V, facts: F) -> V:
        """Return the value of a bound variable, given the one it is bound to."""
        return value

    def constant(self, node: SyntaxNode) -> V:
        """Return the value of a literal."""
        return self.unknown

    def field(self, node: SyntaxNode, holder: V, whole: SyntaxNode, facts: F) -> V:
        """Return the value of a field (`select` or `optional`), or of the field that `has` tests for."""
        return self.unknown

    def path(self, start: V, steps: Sequence[SyntaxNode], facts: F) -> V:
        """Return the value at the end of a path: of field after field."""
        for step in steps:
            start = self.field(step, start, steps[-1], facts)
        return start

    def item(self, holder: V) -> V:
        """Return the value of any item of a list."""
        return self.unknown

    def gathered(self, node: SyntaxNode, item: V, facts: F) -> V:
        """Return the list that `map` or `filter` makes of such items; `node` is the expression of an item."""
        return self.unknown

    def listed(self, node: SyntaxNode, items: Sequence[V]) -> V:
        """Return the value of a list literal."""
        return self.unknown

    def struct(self, node: SyntaxNode, parts: Sequence[V]) -> V:
        """Return the value of an object literal; its parts are keys and values in turn."""
        return self.unknown

    def joined(self, values: Sequence[V]) -> V:
        """Return what is known of a value that may be any of these; `values` may be empty."""
        return self.unknown

    def chosen(self, value: V, by: V) -> V:
        """Return a value, if another decides which one it is: the condition of `? :`, or an index."""
        return value

    def function(self, node: SyntaxNode, values: Sequence[V]) -> V:
        """Return the result of a function or operator, or of `has`."""
        return self.unknown

    def call(self, node: SyntaxNode, values: Sequence[V], facts: F) -> V:
        """Return the result of a call; functions that only pass values on are handled here."""
        if node.name in _UNCHANGED:
            return values[0]
        if node.name in _ITEM_OF:
            return self.chosen(self.item(values[0]), values[1])
        if node.name in _ONE_OF:  # an empty literal adds nothing
            return self.joined([one for one, part in zip(values, node.parts, strict=True) if part.parts or part.name])
        return self.function(node, values)

    def assumed(self, facts: F, condition: SyntaxNode, *, truth: bool) -> F:
        """Return the facts where a condition is true, or false."""
        return facts

    def forgotten(self, facts: F, name: str) -> F:
        """Return the facts without the ones about a variable: a macro reuses its name."""
        return facts


class Interpreter(Generic[V, F]):
    """Reads expressions in one domain."""

    def __init__(self, domain: Domain[V, F]) -> None:
        self._domain = domain

    def value(self, node: SyntaxNode, facts: F, names: Mapping[str, V]) -> V:
        """Return the value of a node; `names` has the values of bound variables."""
        kind = node.kind
        if kind in _PATH_KINDS:
            return self._path(node, facts, names)
        if kind == "call":
            return self._call(node, facts, names)
        if kind == "loop":
            return self._loop(node, facts, names)
        inner = [self.value(part, facts, names) for part in node.parts]
        if kind == "list":
            return self._domain.listed(node, inner)
        return self._domain.struct(node, inner) if kind == "struct" else self._domain.constant(node)

    def _path(self, whole: SyntaxNode, facts: F, names: Mapping[str, V]) -> V:
        domain, steps, start = self._domain, [], whole
        while start.kind in _FIELD_KINDS:
            steps.append(start)
            start = start.parts[0]
        if start.kind != "ident":
            found = self.value(start, facts, names)
        elif start.name in names:
            found = domain.variable(start, names[start.name], facts)
        else:
            found = domain.name(start, whole, facts)
        if steps:
            found = domain.path(found, steps[::-1], facts)
        return domain.function(whole, [found]) if whole.kind == "has" else found

    def _call(self, node: SyntaxNode, facts: F, names: Mapping[str, V]) -> V:
        domain, parts = self._domain, node.parts
        if node.name in ("_&&_", "_||_"):  # an error on one side is ignored if the other side decides
            truth = node.name == "_&&_"
            others = zip(parts, parts[::-1], strict=True)
            sides = [self.value(one, domain.assumed(facts, other, truth=truth), names) for one, other in others]
            return domain.function(node, sides)
        if node.name == "_?_:_":
            condition = self.value(parts[0], facts, names)
            cases = zip((True, False), parts[1:], strict=True)
            values = [self.value(one, domain.assumed(facts, parts[0], truth=truth), names) for truth, one in cases]
            return domain.chosen(domain.joined(values), condition)
        return domain.call(node, [self.value(part, facts, names) for part in parts], facts)

    def _loop(self, node: SyntaxNode, facts: F, names: Mapping[str, V]) -> V:
        """Read a macro. The result of `filter` and `map` is a list; the result of others is what they accumulate."""
        domain, (gathered, second) = self._domain, node.value
        over, first, goes_on, step, result = node.parts
        item = domain.item(self.value(over, facts, names))
        start = self.value(first, facts, names)
        facts = domain.forgotten(facts, node.name)
        inner = {**names, node.name: item, second: item, gathered: start}
        condition, added = _gathers(step, gathered)
        if added is None:
            self.value(goes_on, facts, inner)
            inner[gathered] = domain.joined([start, self.value(step, facts, inner)])
            return self.value(result, facts, inner)
        if condition is None:
            return domain.gathered(added, self.value(added, facts, inner), facts)
        by = self.value(condition, facts, inner)
        facts = domain.assumed(facts, condition, truth=True)
        return domain.chosen(domain.gathered(added, self.value(added, facts, inner), facts), by)


def _gathers(step: SyntaxNode, gathered: str) -> tuple[SyntaxNode | None, SyntaxNode | None]:
    """Return (condition, item) of the step of `filter` or `map`, (None, None) for other macros."""
    so_far = SyntaxNode("ident", gathered)
    condition = None
    if step.name == "_?_:_" and step.parts[2] == so_far:
        condition, step = step.parts[0], step.parts[1]
    if step.name == "_+_" and step.parts[0] == so_far and step.parts[1].kind == "list":
        return condition, step.parts[1].parts[0]
    return None, None
