"""n8n's graph, in which each node runs for every item, as steps, groups and loops.

A node that gives many items begins a loop, and what follows it is inside. Each output of an If is a group with a
condition. A node that several lead to is in the innermost group or loop that they share, after all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from engine.base.errors import InvalidInput
from engine.workflows.n8n.export import Edge, Export, N8nNode
from engine.workflows.n8n.functions import Untranslatable, step_into
from engine.workflows.n8n.script import Path

_DEEPEST = 20


class StepList(Struct, eq=False):
    """A list of steps: of the workflow, or of a group or loop, which is added to the outer one with its first step."""

    outer: StepList | None = None
    around: dict[str, Any] = field(default_factory=dict)
    """The group or loop without its steps."""
    steps: list[dict[str, Any]] = field(default_factory=list)

    def add(self, step: dict[str, Any]) -> None:
        """Put a step at the end."""
        if not self.steps and self.outer is not None:
            self.outer.add({**self.around, "steps": self.steps})
        self.steps.append(step)

    def __post_init__(self) -> None:
        """Raise InvalidInput if it is nested more deeply than a workflow can be."""
        if len(self.chain) > _DEEPEST:
            said = f"More than {_DEEPEST} conditions and loops of n8n are within each other."
            raise InvalidInput(said, remedy="Divide the workflow in n8n, with Execute Workflow.")

    @property
    def chain(self) -> list[StepList]:
        """This scope and those around it, the innermost first."""
        found: list[StepList] = [self]
        while found[-1].outer is not None:
            found.append(found[-1].outer)
        return found

    def until(self, outer: StepList) -> Iterator[StepList]:
        """Yield this scope and those around it, without `outer` and what is around that."""
        for one in self.chain:
            if one is outer:
                return
            yield one

    @property
    def condition(self) -> str:
        """The condition of a group, without its braces."""
        return str(self.around.get("if", "{{ true }}")).removeprefix("{{ ").removesuffix(" }}")


class Items(Struct, frozen=True):
    """What a node gives, as what follows sees it."""

    cel: str
    """The item, such as `steps.issue.output` or the name of a loop's item."""
    scope: StepList
    """Where it can be seen: there and in all that is inside."""
    gives: Mapping[str, str]
    """As in `nodes.Meant`."""
    through: Items | None = None
    """What the fields are of that this node leaves as they are."""
    listed: str = ""
    """All items of the node as a list."""
    is_many: bool = False
    """Whether the item is one of several."""
    known: Callable[[Path], str | None] | None = None
    """The fields of a trigger's item, which become inputs."""

    def at(self, path: Path, scope: StepList) -> str:
        """Return the CEL of a field. Raises Untranslatable for one that is not known, or cannot be seen from there."""
        if self.scope not in scope.chain:
            raise Untranslatable
        if not path:
            if self.known or "*" not in self.gives:
                raise Untranslatable
            return _joined(self.cel, self.gives["*"], ())
        found = self._field(path)
        if found is not None:
            return (self.known(found) or "") if self.known else _joined(self.cel, "", found)
        if self.through is not None:
            return self.through.at(path, scope)
        raise Untranslatable

    def _field(self, path: Path) -> Path | None:
        for length in range(len(path), 0, -1):
            here = self.gives.get(".".join(str(one) for one in path[:length]))
            if here is not None:
                return (*(here.split(".") if here else ()), *path[length:])
        others = self.gives.get("*")
        return None if others is None else (*(others.split(".") if others else ()), *path)


def _joined(cel: str, before: str, path: Sequence[str | int]) -> str:
    parts: list[str | int] = [*(before.split(".") if before else ()), *path]
    return cel + "".join(step_into(one) for one in parts)


class NodeNames(Struct, frozen=True):
    """The names in the expressions of a node (`script.Names`)."""

    before: Items | None
    """The item at hand; None if several nodes lead here with items of their own."""
    nodes: Mapping[str, Items]
    scope: StepList

    def item(self, node: str | None, path: Path) -> str:
        """Return the CEL of a field. Raises Untranslatable."""
        return self._of(node).at(path, self.scope)

    def items(self, node: str | None) -> str:
        """Return the CEL of a node's list. Raises Untranslatable."""
        found = self._of(node)
        if not found.listed or found.scope.outer not in self.scope.chain:
            raise Untranslatable
        return found.listed

    def has_items(self, node: str | None) -> bool:
        """Return whether it gives several items. Raises Untranslatable."""
        return bool(self._of(node).is_many)

    def _of(self, node: str | None) -> Items:
        found = self.before if node is None else self.nodes.get(node)
        if found is None:
            raise Untranslatable
        return found


def order(export: Export) -> tuple[list[str], tuple[Edge, ...]]:
    """Return the nodes, each after those that lead to it, and the links without those that lead back."""
    forward, seen = list[Edge](), dict[str, bool]()  # False while its followers are visited
    leads: dict[str, list[Edge]] = {}
    for edge in sorted(export.edges, key=lambda one: _is_done(export, one)):
        leads.setdefault(edge.source, []).append(edge)
    done = list[str]()
    targets, latest = {edge.target for edge in export.edges}, list(export.nodes)[::-1]
    for first in [*(one for one in latest if one not in targets), *latest]:
        ahead = [(first, list(leads.get(first, ())))] if first not in seen else []
        seen.setdefault(first, False)
        while ahead:
            name, edges = ahead[-1]
            if not edges:
                seen[name] = True
                done.append(name)
                ahead.pop()
                continue
            edge = edges.pop()
            if edge.target not in seen:
                seen[edge.target] = False
                ahead.append((edge.target, list(leads.get(edge.target, ()))))
            elif not seen[edge.target]:
                continue  # it leads back
            forward.append(edge)
    return done[::-1], tuple(forward)


def done_output(node: N8nNode) -> int:
    """Return the output of a Loop Over Items that comes after all items; the other one is for each of them."""
    return 0 if node.version >= 3 else 1


def _is_done(export: Export, edge: Edge) -> bool:
    source = export.nodes[edge.source]
    return source.type == "splitInBatches" and edge.output == done_output(source)


def shared(scopes: Sequence[StepList]) -> StepList:
    """Return the innermost scope that is around all of these."""
    return next(one for one in scopes[0].chain if all(one in other.chain for other in scopes))
