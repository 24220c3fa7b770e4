"""Find values that may be missing where an expression uses them.

A step that is skipped or fails has no output, so `steps.a.output` is safe only where step `a` has certainly succeeded.
This is a domain of the abstract interpreter (engine/expressions/interpreter.py): `Facts` are what is certain at a
place (engine/compiler/analysis/conditions.py), such as the `if` of the step and the guards around it, and `ValueParts`
what is known of a value, namely which of its fields come from steps that may have ended otherwise. The use of such a
field raises an alarm unless the facts rule out all bad ends. Conditions are compared as normalized trees: an `if` that
repeats the other step's `if` is proof. When unsure, the value counts as missing only if it stems from a step: UNKNOWN
parts raise no alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from engine.compiler.analysis.conditions import (
    FAILED,
    SKIPPED,
    STEPS,
    SUCCEEDED,
    TRUE,
    Ends,
    Facts,
    learned,
    path_of,
    step_of,
)
from engine.compiler.analysis.missing_value_messages import PossiblyMissing
from engine.expressions.interpreter import Domain
from engine.expressions.syntax import SyntaxNode

HOLDER = SyntaxNode("ident", "@holder")
"""The output of the group, in conditions inside it: the outputs of its steps are fields of this."""


class ValueParts(Struct, frozen=True):
    """What is known of a value: the fields that come from steps, and the items of a list."""

    fields: Mapping[str, ValuePart] = field(default_factory=dict)
    items: ValueParts | None = None


class ValuePart(Struct, frozen=True):
    """A field of a value. `step` is the one whose output it is; `ends` how that may have ended, None if surely well."""

    value: ValueParts
    step: str = ""
    ends: Ends | None = None
    owner: str = ""
    """For `output` and `error`: the step they belong to, under whatever name the value is passed on."""


UNKNOWN = ValueParts()
_MOST_ASKED = 100
"""How far a chain of steps is followed in which each runs only if the one before it has an output."""


class StepValue(Ends, frozen=True):
    """What is known of a step that others may refer to."""

    output: ValueParts = UNKNOWN


class StepUse(Struct, frozen=True):
    """A reference to a step: `node` names it by its id, or as a field of the value that contains its output."""

    step: str
    node: SyntaxNode
    is_direct: bool


class MissingValueDomain(Domain[ValueParts, Facts]):
    """What is known of the values in one expression; collects its references to steps, and alarms."""

    unknown = UNKNOWN

    def __init__(self, steps: Mapping[str, StepValue]) -> None:
        self.alarms: list[PossiblyMissing] = []
        self.uses: list[StepUse] = []
        self._steps = steps
        self._asked = 0
        """How many steps, each in the condition of the one before, are being looked at."""

    def field(self, node: SyntaxNode, holder: ValueParts, whole: SyntaxNode, facts: Facts) -> ValueParts:
        """Return the parts of a field; its absence raises an alarm."""
        if node.parts[0] == STEPS:
            self.uses.append(StepUse(node.name, node, is_direct=True))
            known = self._steps.get(node.name)
            return UNKNOWN if known is None else _entry(node.name, known)
        part = holder.fields.get(node.name)
        if part is None:
            return UNKNOWN
        if part.step and step_of(node.parts[0]) is None:
            self.uses.append(StepUse(part.step, node, is_direct=False))
        if node.kind != "select" or part.ends is None or _may_be_none(node.parts[0]):
            return part.value
        ends = self._open_ends(node, part, facts)
        if ends:
            name = part.step or part.owner
            is_entry = bool(part.owner)
            self.alarms.append(
                PossiblyMissing(root(node).offset, name, path_of(node), whole, ends, part.ends.ends, is_entry=is_entry)
            )
        return part.value

    def item(self, holder: ValueParts) -> ValueParts:
        """Return the parts of an item."""
        return holder.items or UNKNOWN

    def listed(self, node: SyntaxNode, items: Sequence[ValueParts]) -> ValueParts:
        """Return the parts of a list."""
        return ValueParts(items=self.joined(items)) if items else UNKNOWN

    def gathered(self, node: SyntaxNode, item: ValueParts, facts: Facts) -> ValueParts:
        """Return the parts of the list of `filter` or `map`."""
        return ValueParts(items=self._refined(item, node, facts) if node.kind == "ident" else item)

    def struct(self, node: SyntaxNode, parts: Sequence[ValueParts]) -> ValueParts:
        """Return the parts of an object."""
        fields = zip(node.parts[::2], parts[1::2], strict=True)
        return ValueParts({key.value[1]: ValuePart(value) for key, value in fields if key.kind == "constant"})

    def joined(self, values: Sequence[ValueParts]) -> ValueParts:
        """Return the parts of a value that may be any of these: nothing is known if they differ."""
        return values[0] if values and all(one == values[0] for one in values) else UNKNOWN

    def assumed(self, facts: Facts, condition: SyntaxNode, *, truth: bool) -> Facts:
        """Add what follows from a condition."""
        return facts | learned(condition, self._steps, truth=truth)

    def forgotten(self, facts: Facts, name: str) -> Facts:
        """Leave out the facts that mention a variable."""
        return facts.without(name)

    def _open_ends(self, node: SyntaxNode, part: ValuePart, facts: Facts) -> frozenset[str]:
        """Return how the step may have ended if the value may be missing; empty if it is certainly present."""
        path = path_of(node)
        if part.ends is None or facts.is_impossible or path in facts.present:
            return frozenset()
        step = step_of(path.parts[0])
        good = FAILED if step is not None and path.name == "error" else SUCCEEDED
        possible = part.ends.ends
        condition = part.ends.condition
        if step is None:
            condition = _placed(condition, path.parts[0])
        else:
            possible -= {end for name, end in facts.ruled_out if name == step}
        if SKIPPED in possible and facts is not part.ends.unproven and self.holds(condition, facts):
            possible -= {SKIPPED}
        return frozenset() if possible <= {good} else possible

    def holds(self, node: SyntaxNode, facts: Facts) -> bool:
        """Return whether a condition is certainly true."""
        if node in facts.holds or node == TRUE:
            return True
        if node.kind == "has":
            return self._is_there(path_of(node), facts)
        if node.kind != "call":
            return False
        if node.name == "!_":
            return self._fails(node.parts[0], facts)
        if node.name in ("_&&_", "_||_"):
            every = all if node.name == "_&&_" else any
            return every(self.holds(part, facts) for part in node.parts)
        return node.name == "@in" and any(_same(node.parts[0], one) in facts.holds for one in node.parts[1].parts)

    def _fails(self, node: SyntaxNode, facts: Facts) -> bool:
        """Return whether a condition is certainly false."""
        if SyntaxNode("call", "!_", (node,)) in facts.holds:
            return True
        if node.kind != "call":
            return False
        if node.name == "!_":
            return self.holds(node.parts[0], facts)
        if node.name in ("_&&_", "_||_"):
            every = any if node.name == "_&&_" else all
            return every(self._fails(part, facts) for part in node.parts)
        return node.name == "_==_" and any(_excludes(one, node) for one in facts.holds)

    def _is_there(self, path: SyntaxNode, facts: Facts) -> bool:
        step = step_of(path.parts[0])
        known = None if step is None else self._steps.get(step)
        if path in facts.present or known is None or path.name not in ("output", "error"):
            return path in facts.present
        if self._asked >= _MOST_ASKED:
            return False
        self._asked += 1
        ends = self._open_ends(path, ValuePart(UNKNOWN, step or "", known), facts)
        self._asked -= 1
        return not ends

    def _refined(self, parts: ValueParts, holder: SyntaxNode, facts: Facts) -> ValueParts:
        """Return the parts of a value, without doubts about the fields that a condition has checked."""
        fields = {
            name: part
            if self._open_ends(SyntaxNode("select", name, (holder,)), part, facts)
            else replace(part, ends=None)
            for name, part in parts.fields.items()
        }
        return replace(parts, fields=fields)


def inside(steps: Sequence[tuple[str, StepValue]]) -> ValueParts:
    """Return the parts of a group's output: the output of each step inside, if it has one."""
    ids = {name for name, _ in steps}
    return ValueParts({name: ValuePart(step.output, name, _seen_outside(step, ids)) for name, step in steps})


def _seen_outside(step: StepValue, ids: set[str]) -> Ends | None:
    if step.ends == {SUCCEEDED}:
        return None
    return Ends(step.ends, _in_holder(step.condition, ids))


def _in_holder(node: SyntaxNode, ids: set[str]) -> SyntaxNode:
    """Return a condition with `steps.a.output` replaced by a field of the group's output."""
    step = step_of(node.parts[0]) if node.kind == "select" and node.name == "output" else None
    if step in ids:
        return SyntaxNode("select", str(step), (HOLDER,))
    return node.having(tuple(_in_holder(part, ids) for part in node.parts))


def _placed(node: SyntaxNode, holder: SyntaxNode) -> SyntaxNode:
    if node == HOLDER:
        return holder
    return node.having(tuple(_placed(part, holder) for part in node.parts))


def _entry(name: str, step: StepValue) -> ValueParts:
    """Return the parts of `steps.<id>`."""
    known = Ends(step.ends, step.condition, step.begun, step.unproven)
    return ValueParts({
        "output": ValuePart(step.output, ends=known, owner=name), "error": ValuePart(UNKNOWN, ends=known, owner=name)
    })  # fmt: skip


def _may_be_none(node: SyntaxNode) -> bool:
    """Return whether a select is from an optional, and so never fails."""
    while node.is_path_step:
        if node.kind == "optional":
            return True
        node = node.parts[0]
    return False


def root(node: SyntaxNode) -> SyntaxNode:
    """Return the first node of a path."""
    while node.kind in ("select", "has", "optional") or node.name == "_[_]":
        node = node.parts[0]
    return node


def _same(one: SyntaxNode, other: SyntaxNode) -> SyntaxNode:
    # Sorted as in normalized conditions (conditions.py), to be found among them.
    return SyntaxNode("call", "_==_", tuple(sorted((one, other), key=repr)))


def _excludes(known: SyntaxNode, other: SyntaxNode) -> bool:
    """Return whether two comparisons of one value with different constants exclude each other."""
    if known.kind != "call" or known.name != "_==_" or known == other:
        return False
    mine, theirs = set(known.parts), set(other.parts)
    return len(mine & theirs) == 1 and all(one.kind == "constant" for one in mine ^ theirs)
