"""Find values that may be missing where an expression uses them.

A step that is skipped or fails has no output, so `steps.a.output` is safe only where step `a` has certainly succeeded.
The analysis interprets expressions abstractly: `Facts` are what is certain at a place (engine/compiler/analysis/
conditions.py), such as the `if` of the step and the guards around it, and `Parts` what is known of a value, namely
which of its fields come from steps that may have ended otherwise. The use of such a field raises an alarm unless the
facts rule out all bad ends. Conditions are compared as normalized trees: an `if` that repeats the other step's `if` is
proof. When unsure, the value counts as missing only if it stems from a step: UNKNOWN parts raise no alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.compiler.analysis.conditions import (
    FAILED,
    SKIPPED,
    SUCCEEDED,
    TRUE,
    Ends,
    Facts,
    learned,
    path_of,
    step_of,
)
from engine.compiler.analysis.missing_value_messages import Alarm
from engine.expressions.syntax import Node

HOLDER = Node("ident", "@holder")
"""The output of the group, in conditions inside it: the outputs of its steps are fields of this."""


@dataclass(frozen=True)
class Parts:
    """What is known of a value: the fields that come from steps, and the items of a list."""

    fields: Mapping[str, Part] = field(default_factory=dict)
    items: Parts | None = None


@dataclass(frozen=True)
class Part:
    """A field of a value. `step` is the one whose output it is; `ends` how that may have ended, None if surely well."""

    value: Parts
    step: str = ""
    ends: Ends | None = None
    owner: str = ""
    """For `output` and `error`: the step they belong to, under whatever name the value is passed on."""


UNKNOWN = Parts()
_MOST_ASKED = 100
"""The longest chain of steps, each of which runs only if the one before it has an output, that is followed."""


@dataclass(frozen=True)
class Step(Ends):
    """What is known of a step that others may refer to."""

    output: Parts = UNKNOWN


@dataclass(frozen=True)
class Use:
    """A reference to a step: `node` names it by its id, or as a field of the value that contains its output."""

    step: str
    node: Node
    is_direct: bool


@dataclass
class Reading:
    """Reads one expression; collects its references to steps, and alarms."""

    steps: Mapping[str, Step]
    alarms: list[Alarm] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    _asked: int = 0
    """How many steps, each in the condition of the one before, are being looked at."""

    def parts(self, node: Node, facts: Facts, names: Mapping[str, Parts], whole: Node | None = None) -> Parts:
        """Read a normalized node; return what is known of its value. `names` has the parts of each variable."""
        if node.kind == "ident":
            return names.get(node.name, UNKNOWN)
        if node.kind in ("select", "has", "optional"):
            return self._select(node, facts, names, whole or node)
        if node.kind == "call":
            return self._call(node, facts, names)
        if node.kind == "loop":
            return self._loop(node, facts, names)
        inner = [self.parts(part, facts, names) for part in node.parts]
        if node.kind == "list":
            return Parts(items=_common(inner)) if inner else UNKNOWN
        return _struct(node, inner) if node.kind == "struct" else UNKNOWN

    def _select(self, node: Node, facts: Facts, names: Mapping[str, Parts], whole: Node) -> Parts:
        holder = node.parts[0]
        step = step_of(path_of(node))
        if step is not None:
            self.uses.append(Use(step, node, is_direct=True))
            known = self.steps.get(step)
            return UNKNOWN if known is None else _entry(step, known)
        part = self.parts(holder, facts, names, whole).fields.get(node.name)
        if part is None:
            return UNKNOWN
        if part.step and step_of(holder) is None:
            self.uses.append(Use(part.step, node, is_direct=False))
        if node.kind != "select" or part.ends is None or _may_be_none(holder):
            return part.value
        ends = self._open_ends(node, part, facts)
        if ends:
            name = part.step or part.owner
            is_entry = bool(part.owner)
            self.alarms.append(
                Alarm(root(node).offset, name, path_of(node), whole, ends, part.ends.ends, is_entry=is_entry)
            )
        return part.value

    def _open_ends(self, node: Node, part: Part, facts: Facts) -> frozenset[str]:
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

    def holds(self, node: Node, facts: Facts) -> bool:
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

    def _fails(self, node: Node, facts: Facts) -> bool:
        """Return whether a condition is certainly false."""
        if Node("call", "!_", (node,)) in facts.holds:
            return True
        if node.kind != "call":
            return False
        if node.name == "!_":
            return self.holds(node.parts[0], facts)
        if node.name in ("_&&_", "_||_"):
            every = any if node.name == "_&&_" else all
            return every(self._fails(part, facts) for part in node.parts)
        return node.name == "_==_" and any(_excludes(one, node) for one in facts.holds)

    def _is_there(self, path: Node, facts: Facts) -> bool:
        step = step_of(path.parts[0])
        known = None if step is None else self.steps.get(step)
        if path in facts.present or known is None or path.name not in ("output", "error"):
            return path in facts.present
        if self._asked >= _MOST_ASKED:
            return False
        self._asked += 1
        ends = self._open_ends(path, Part(UNKNOWN, step or "", known), facts)
        self._asked -= 1
        return not ends

    def _call(self, node: Node, facts: Facts, names: Mapping[str, Parts]) -> Parts:
        if node.name in ("_&&_", "_||_"):  # an error on one side is ignored if the other side decides
            first, second = node.parts
            truth = node.name == "_&&_"
            self.parts(first, facts | learned(second, self.steps, truth=truth), names)
            self.parts(second, facts | learned(first, self.steps, truth=truth), names)
            return UNKNOWN
        if node.name == "_?_:_":
            condition, then, otherwise = node.parts
            self.parts(condition, facts, names)
            given = self.parts(then, facts | learned(condition, self.steps), names)
            return _common([given, self.parts(otherwise, facts | learned(condition, self.steps, truth=False), names)])
        inner = [self.parts(part, facts, names) for part in node.parts]
        if node.name in ("_[_]", "_[?_]"):
            return inner[0].items or UNKNOWN
        if node.name in ("orValue", "or", "_+_"):
            return _common([one for one, part in zip(inner, node.parts, strict=True) if part.parts or part.name])
        return inner[0] if node.name in ("value", "optional.of", "optional.ofNonZeroValue") else UNKNOWN

    def _loop(self, node: Node, facts: Facts, names: Mapping[str, Parts]) -> Parts:
        """Read a macro. Something is known of the lists of `filter` and `map`, nothing of other results."""
        item = self.parts(node.parts[0], facts, names).items or UNKNOWN
        facts = facts.without(node.name)
        gathered = node.value[0]
        inner = {**names, node.name: item, gathered: self.parts(node.parts[1], facts, names)}
        condition, value = _gathers(node.parts[3], gathered)
        if value is None:
            for part in node.parts[2:4]:
                self.parts(part, facts, inner)
            return self.parts(node.parts[4], facts, inner)
        if condition is not None:
            self.parts(condition, facts, inner)
            facts |= learned(condition, self.steps)
        seen = self.parts(value, facts, inner)
        return Parts(items=self._refined(seen, value, facts) if value.kind == "ident" else seen)

    def _refined(self, parts: Parts, holder: Node, facts: Facts) -> Parts:
        """Return the parts of a value, without doubts about the fields that a condition has checked."""
        fields = {
            name: part if self._open_ends(Node("select", name, (holder,)), part, facts) else replace(part, ends=None)
            for name, part in parts.fields.items()
        }
        return replace(parts, fields=fields)


def inside(steps: Sequence[tuple[str, Step]]) -> Parts:
    """Return the parts of a group's output: the output of each step inside, if it has one."""
    ids = {name for name, _ in steps}
    return Parts({name: Part(step.output, name, _seen_outside(step, ids)) for name, step in steps})


def _seen_outside(step: Step, ids: set[str]) -> Ends | None:
    if step.ends == {SUCCEEDED}:
        return None
    return Ends(step.ends, _in_holder(step.condition, ids))


def _in_holder(node: Node, ids: set[str]) -> Node:
    """Return a condition with `steps.a.output` replaced by a field of the group's output."""
    step = step_of(node.parts[0]) if node.kind == "select" and node.name == "output" else None
    if step in ids:
        return Node("select", str(step), (HOLDER,))
    return node.having(tuple(_in_holder(part, ids) for part in node.parts))


def _placed(node: Node, holder: Node) -> Node:
    if node == HOLDER:
        return holder
    return node.having(tuple(_placed(part, holder) for part in node.parts))


def _entry(name: str, step: Step) -> Parts:
    """Return the parts of `steps.<id>`."""
    known = Ends(step.ends, step.condition, step.begun, step.unproven)
    return Parts({
        "output": Part(step.output, ends=known, owner=name), "error": Part(UNKNOWN, ends=known, owner=name)
    })  # fmt: skip


def _common(every: Sequence[Parts]) -> Parts:
    """Return the parts of a value that may be any of these."""
    return every[0] if every and all(one == every[0] for one in every) else UNKNOWN


def _struct(node: Node, inner: Sequence[Parts]) -> Parts:
    keys, values = node.parts[::2], inner[1::2]
    return Parts({
        key.value[1]: Part(value) for key, value in zip(keys, values, strict=True) if key.kind == "constant"
    })  # fmt: skip


def _gathers(step: Node, gathered: str) -> tuple[Node | None, Node | None]:
    """Return (condition, item) of the step of `filter` or `map`, (None, None) for other macros."""
    so_far = Node("ident", gathered)
    condition = None
    if step.name == "_?_:_" and step.parts[2] == so_far:
        condition, step = step.parts[0], step.parts[1]
    if step.name == "_+_" and step.parts[0] == so_far and step.parts[1].kind == "list":
        return condition, step.parts[1].parts[0]
    return None, None


def _may_be_none(node: Node) -> bool:
    """Return whether a select is from an optional, and so never fails."""
    while node.is_path_step:
        if node.kind == "optional":
            return True
        node = node.parts[0]
    return False


def root(node: Node) -> Node:
    """Return the first node of a path."""
    while node.kind in ("select", "has", "optional") or node.name == "_[_]":
        node = node.parts[0]
    return node


def _same(one: Node, other: Node) -> Node:
    return Node("call", "_==_", tuple(sorted((one, other), key=repr)))


def _excludes(known: Node, other: Node) -> bool:
    """Return whether two comparisons of one value with different constants exclude each other."""
    if known.kind != "call" or known.name != "_==_" or known == other:
        return False
    mine, theirs = set(known.parts), set(other.parts)
    return len(mine & theirs) == 1 and all(one.kind == "constant" for one in mine ^ theirs)
