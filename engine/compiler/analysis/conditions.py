"""The facts that are certain at a place of a workflow: true conditions, present values, and how steps have ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from msgspec import Struct, structs

from engine.base.statuses import StepStatus
from engine.compiler.analysis.constants import UNKNOWN, value_without
from engine.expressions.syntax import SyntaxNode, walk

SUCCEEDED, SKIPPED, FAILED = StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.FAILED
ENDS = frozenset({SUCCEEDED, SKIPPED, FAILED})
EMPTY = "empty"
"""Succeeded without an output: the last step of the fallback had none."""
STOPPED = "stopped"
"""For an output of a called workflow: the run succeeded by a `flow.stop` that does not give this output."""
TRUE = SyntaxNode("constant", value=("bool_value", True))
FALSE = SyntaxNode("constant", value=("bool_value", False))
STEPS = SyntaxNode("ident", "steps")
_MOST_FACTS = 1_000
"""The most facts that a step passes on: in a chain of steps, each after the success of the one before, they add up."""


class Facts(Struct, frozen=True):
    """All known facts."""

    holds: frozenset[SyntaxNode] = frozenset()
    """Conditions that are true; a false one is included as its negation."""
    present: frozenset[SyntaxNode] = frozenset()
    """Paths at which there is a value."""
    ruled_out: frozenset[tuple[str, str]] = frozenset()
    """(step id, an end that it cannot have had)."""
    is_impossible: bool = False
    """Whether this place is never reached."""

    def __or__(self, other: Facts) -> Facts:
        """Return the facts of both."""
        return Facts(
            self.holds | other.holds,
            self.present | other.present,
            self.ruled_out | other.ruled_out,
            self.is_impossible or other.is_impossible,
        )

    def without(self, name: str) -> Facts:
        """Return the facts that do not mention a variable: a macro reuses its name."""
        about = SyntaxNode("ident", name)
        kept = [frozenset(one for one in many if about not in walk(one)) for many in (self.holds, self.present)]
        return structs.replace(self, holds=kept[0], present=kept[1])


NOTHING_KNOWN = Facts()


class Ends(Struct, frozen=True):
    """How a step may end, its condition, and the facts that hold if it was not skipped."""

    ends: frozenset[str]
    condition: SyntaxNode = TRUE
    begun: Facts = NOTHING_KNOWN
    unproven: Facts | None = None
    """Facts from which its condition does not follow: they need not be looked at again."""


Steps = Mapping[str, Ends]


def normal(node: SyntaxNode, bindings: Mapping[str, str], bound: frozenset[str] = frozenset()) -> SyntaxNode:
    """Return a tree in which equal conditions are equal: variables are renamed to unique names, `!=` becomes `!(==)`.

    `bindings` maps variables to unique names; `bound` has the variables of enclosing macros.
    """
    if node.kind == "ident":
        known = None if node.name in bound else bindings.get(node.name)
        macro = f"{node.name}@macro" if node.name in bound and (node.name in bindings or node.name == "steps") else None
        return SyntaxNode("ident", known or macro or node.name, offset=node.offset)
    if node.kind == "loop":
        return _normal_loop(node, bindings, bound)
    if not node.parts:
        return node
    parts = tuple([normal(part, bindings, bound) for part in node.parts])
    if node.kind == "call" and node.name == "dyn" and len(parts) == 1:
        return parts[0]  # dyn() changes only the static type
    if node.kind == "call" and node.name in ("_==_", "_!=_"):
        # Sorted, so that `a == b` and `b == a` are one condition.
        same = SyntaxNode("call", "_==_", tuple(sorted(parts, key=repr)), offset=node.offset)
        return same if node.name == "_==_" else SyntaxNode("call", "!_", (same,), offset=node.offset)
    return node.having(parts)


def _normal_loop(node: SyntaxNode, bindings: Mapping[str, str], bound: frozenset[str]) -> SyntaxNode:
    inner = bound | {node.name, *node.value} - {""}
    first, *rest = node.parts
    name = f"{node.name}@macro" if node.name in bindings or node.name == "steps" else node.name
    parts = (normal(first, bindings, bound), *(normal(part, bindings, inner) for part in rest))
    return replace(node, name=name, parts=parts)


def path_of(node: SyntaxNode) -> SyntaxNode:
    """Return the plain path of a select, whether it is in has() or optional."""
    if node.kind in ("has", "optional", "select"):
        return SyntaxNode("select", node.name, (path_of(node.parts[0]),), offset=node.offset)
    return node


def step_of(node: SyntaxNode) -> str | None:
    """Return the id if a node is `steps.<id>`."""
    return node.name if node.is_path_step and node.parts[0] == STEPS else None


def learned(node: SyntaxNode, steps: Steps, *, truth: bool = True) -> Facts:
    """Return the facts that follow if a condition is true, or false."""
    own = Facts(holds=frozenset({node if truth else SyntaxNode("call", "!_", (node,))}))
    if node.kind == "call" and node.name == "!_":
        return own | learned(node.parts[0], steps, truth=not truth)
    if node.kind == "call" and node.name == ("_&&_" if truth else "_||_"):
        for part in node.parts:
            own |= learned(part, steps, truth=truth)
        return own
    return own | _of_leaf(node, steps, truth=truth) | _of_optionals(node, steps, truth=truth)


def _of_leaf(node: SyntaxNode, steps: Steps, *, truth: bool) -> Facts:
    if node.kind == "constant":
        return Facts(is_impossible=node.value == ("bool_value", not truth))
    if node.kind == "has":
        return _there(path_of(node), steps) if truth else _absent(path_of(node))
    if node.kind != "call":
        return NOTHING_KNOWN
    if node.name == "_?_:_":
        return _of_choice(node, steps, truth=truth)
    if node.name == "_==_":
        for one, other in (node.parts, node.parts[::-1]):
            if other.kind == "constant" and other.value[0] == "bool_value":
                return learned(one, steps, truth=other.value[1] == truth)
    asked = _asked_ends(node)
    if asked is None:
        return NOTHING_KNOWN
    step, ends = asked
    return _not_ended(step, ENDS - ends if truth else ends, steps)


def _of_choice(node: SyntaxNode, steps: Steps, *, truth: bool) -> Facts:
    condition, then, otherwise = node.parts
    unlike = SyntaxNode("constant", value=("bool_value", not truth))
    if otherwise == unlike:
        return learned(condition, steps) | learned(then, steps, truth=truth)
    if then == unlike:
        return learned(condition, steps, truth=False) | learned(otherwise, steps, truth=truth)
    return NOTHING_KNOWN


def _asked_ends(node: SyntaxNode) -> tuple[str, frozenset[str]] | None:
    """Return (step, ends) of `steps.x.status == 'succeeded'`, or `in […]`."""
    if node.name not in ("_==_", "@in"):
        return None
    for one, other in (node.parts, node.parts[::-1]):
        step = step_of(one.parts[0]) if one.kind == "select" and one.name == "status" else None
        texts = _texts(other)
        if step is not None and texts is not None:
            return step, texts
    return None


def _texts(node: SyntaxNode) -> frozenset[str] | None:
    found = node.parts if node.kind == "list" else (node,)
    if not all(one.kind == "constant" and one.value[0] == "string_value" for one in found):
        return None
    return frozenset(one.value[1] for one in found)


def _there(path: SyntaxNode, steps: Steps) -> Facts:
    own = Facts(present=frozenset({path}))
    step = step_of(path.parts[0]) if path.parts else None
    if step is None or path.name not in ("output", "error"):
        return own
    return own | _not_ended(step, (ENDS | {EMPTY}) - {SUCCEEDED if path.name == "output" else FAILED}, steps)


def _absent(path: SyntaxNode) -> Facts:
    step = step_of(path.parts[0])
    ends = {"output": SUCCEEDED, "error": FAILED}
    if step is None or path.name not in ends:
        return NOTHING_KNOWN
    return Facts(ruled_out=frozenset({(step, ends[path.name])}))


def _not_ended(step: str, ends: frozenset[str], steps: Steps) -> Facts:
    found = Facts(ruled_out=frozenset((step, end) for end in ends))
    begun = steps[step].begun if SKIPPED in ends and step in steps else NOTHING_KNOWN
    return found | begun if len(begun.holds) + len(begun.present) <= _MOST_FACTS else found


def _of_optionals(node: SyntaxNode, steps: Steps, *, truth: bool) -> Facts:
    """Return the optional paths that must have a value, because the condition would have another result otherwise."""
    found = NOTHING_KNOWN
    for one in walk(node):
        if one.kind == "call" and one.name in ("orValue", "hasValue") and one.parts[0].is_path_step:
            seen = value_without(one.parts[0], node)
            if seen is not UNKNOWN and seen is not truth:
                for prefix in _prefixes(one.parts[0]):
                    found |= _there(prefix, steps)
    return found


def _prefixes(node: SyntaxNode) -> Iterator[SyntaxNode]:
    while node.is_path_step:
        yield path_of(node)
        node = node.parts[0]
