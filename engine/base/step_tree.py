"""The steps of a workflow as a tree, and the only traversal of it.

A workflow has three forms: its JSON document, which may have problems (`StepDefinition`, here), the validated model
(engine/compiler/definition/model.py) and the compiled plan (engine/compiler/definition/plan.py). Each form says what is
directly inside one step; `walk` does the rest.

Steps are nested in four places: `steps` of the workflow and of groups, `on_error` of a step as `{"steps": […]}`, and
`on_failure` of the workflow, as a list or as `{"steps": […]}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from engine.base.json_text import JsonObject

CALL = "workflow.run"
"""The step type that calls another workflow."""
AGENT = "agent.run"
"""The step type that calls the workflow that an agent becomes."""
CALLS = (CALL, AGENT)
AGENT_PREFIX = "agent:"
"""Before the name of an agent, in the name of that workflow."""
FAILURE = "on_failure"
ON_ERROR = "on_error"
FAILURE_PREFIX = f"{FAILURE}."
"""Path prefix of the steps that run when the workflow has failed."""


def agent_workflow(reference: str) -> str:
    """Return the name of the workflow that an agent becomes; `reference`: `name`, `name@label` or `name@7`.

    >>> agent_workflow("research@7")
    'agent:research:7'
    """
    return f"{AGENT_PREFIX}{reference.replace('@', ':', 1)}"  # with @ it would be the name of a branch


def agent_reference(workflow: str) -> str:
    """Return the reference from which `agent_workflow` has made a name."""
    return workflow.removeprefix(AGENT_PREFIX).replace(":", "@", 1)


Place = tuple[str | int, ...]
"""Where a value is in a document: keys and indexes, from the outside in."""
AnyStep = TypeVar("AnyStep")


class Child(Struct, Generic[AnyStep], frozen=True):
    """A step directly inside a workflow or another step."""

    id: str
    step: AnyStep
    place: Place
    """From what is around it: `("steps", 0)`."""


class StepNode(Struct, Generic[AnyStep], frozen=True):
    """A step and its position in a workflow."""

    step: AnyStep
    place: Place
    """From the root of the workflow file."""
    path: str
    """The ids from the outermost group to the step, joined by dots, after `on_failure.` if it is part of that."""
    parent: StepNode[AnyStep] | None
    """The step around it."""
    depth: int
    """The number of steps around it."""
    is_fallback: bool
    """Whether it only runs if another step has failed."""

    @property
    def is_after_failure(self) -> bool:
        """Return whether it runs when the whole workflow has failed."""
        return self.place[0] == FAILURE

    @property
    def replaces_parent(self) -> bool:
        """Return whether it runs in place of the failed step around it."""
        return self.place[-3:-1] == (ON_ERROR, "steps")

    def up(self) -> Iterator[StepNode[AnyStep]]:
        """Yield the step itself and the steps around it, from the inside out."""
        node: StepNode[AnyStep] | None = self
        while node is not None:
            yield node
            node = node.parent


def walk(
    top: Iterable[Child[AnyStep]], inside: Callable[[AnyStep], Iterable[Child[AnyStep]]]
) -> Iterator[StepNode[AnyStep]]:
    """Yield the steps in `top` and all steps inside them, outer before inner, in the given order."""
    ahead = [step_node(child, None) for child in top][::-1]  # the last is taken out first
    while ahead:
        node = ahead.pop()
        yield node
        ahead += [step_node(child, node) for child in inside(node.step)][::-1]


def step_node(child: Child[AnyStep], parent: StepNode[AnyStep] | None) -> StepNode[AnyStep]:
    """Return a step and its position: directly inside `parent`, or of the workflow itself."""
    if parent is None:
        prefix = FAILURE_PREFIX if child.place[0] == FAILURE else ""
        return StepNode(child.step, child.place, prefix + child.id, None, 0, is_fallback=False)
    place, path = (*parent.place, *child.place), f"{parent.path}.{child.id}"
    is_fallback = parent.is_fallback or child.place[0] == ON_ERROR
    return StepNode(child.step, place, path, parent, parent.depth + 1, is_fallback)


class StepDefinition(Struct, frozen=True):
    """A step as it is in a workflow document; a value of the wrong type counts as missing."""

    json: JsonObject

    @property
    def id(self) -> str:
        """The id, or "?" if it has none."""
        return _text(self.json.get("id")) or "?"

    @property
    def title(self) -> str:
        """The title, or else the id."""
        return _text(self.json.get("title")) or self.id

    @property
    def uses(self) -> str:
        """The step type, empty for a group."""
        return _text(self.json.get("uses"))

    @property
    def arguments(self) -> JsonObject:
        """The fields of the step type."""
        return _object(self.json.get("with"))

    @property
    def condition(self) -> str:
        """The condition without its braces; empty if the step has no condition."""
        condition = self.json.get("if")
        if isinstance(condition, bool):
            return str(condition).lower()
        return "" if condition is None else str(condition).strip().removeprefix("{{").removesuffix("}}").strip()

    @property
    def needs(self) -> list[str] | None:
        """The siblings that it waits for; None: all before it."""
        needs = self.json.get("needs")
        return [one for one in needs if isinstance(one, str)] if isinstance(needs, list) else None

    @property
    def is_loop(self) -> bool:
        """Whether it is repeated."""
        return self.json.get("foreach") is not None

    @property
    def item_name(self) -> str:
        """The name that the steps inside a loop have for its item."""
        return _text(self.json.get("as")) or "item"

    @property
    def is_group(self) -> bool:
        """Whether it has steps of its own, rather than a call."""
        return self.json.get("steps") is not None

    def inside(self) -> Iterator[Child[StepDefinition]]:
        """Yield the steps directly inside it."""
        yield from _children(self.json.get("steps"), ("steps",))
        yield from _children(_object(self.json.get(ON_ERROR)).get("steps"), (ON_ERROR, "steps"))


def home_of(node: StepNode[StepDefinition]) -> str:
    """Return the name of the list that a step is in: "", `on_failure`, the id of a group, or `<id>.on_error`."""
    if node.parent is None:
        return FAILURE if node.is_after_failure else ""
    return f"{node.parent.step.id}.{ON_ERROR}" if node.replaces_parent else node.parent.step.id


def step_nodes(document: object) -> Iterator[StepNode[StepDefinition]]:
    """Yield every step of a workflow document, outer before inner, in file order; the steps of `on_failure` last.

    What is not a step, in a document with problems, is skipped.
    """
    return walk(_top(_object(document)), StepDefinition.inside)


def _top(document: JsonObject) -> Iterator[Child[StepDefinition]]:
    yield from _children(document.get("steps"), ("steps",))
    after = document.get(FAILURE)
    yield from _children(after, (FAILURE,))
    yield from _children(_object(after).get("steps"), (FAILURE, "steps"))


def _children(steps: object, place: Place) -> Iterator[Child[StepDefinition]]:
    for index, json in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(json, Mapping):
            step = StepDefinition(json)
            yield Child(step.id, step, (*place, index))


def _object(value: object) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
