"""What runs of a workflow may touch outside: accounts, and the places that everybody may read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.base.services import is_in_workspace, service_of
from engine.compiler.definition.plan import Action, Node, Plan
from engine.expressions.expressions import Template, render
from engine.plugins.step import Effect

_DEEPEST = 8  # calls of workflows are nested no deeper (engine/runner/suspension/children.py)


class Touches(Struct):
    """What the steps of a workflow, and of the workflows it calls, may touch, without steps that never run."""

    written: set[str] = field(default_factory=set)
    """Connections that steps write through."""
    places: dict[tuple[str, str | None], None] = field(default_factory=dict)
    """(connection, place) of every write to a service with public places; None if it is known only at run time."""
    writes_in_workspace: bool = False
    """Whether a step changes a part of the workspace, such as its tables or files."""
    writes_without_connection: bool = False
    """Whether a step sends something to an address without an account."""


def touches(plan: Plan, inputs: JsonObject, called: Callable[[Plan, str], Plan]) -> Touches:
    """Return what runs of a plan may touch. `inputs`: as far as known; `called` returns a called workflow's plan."""
    found = Touches()
    _collect(found, plan, inputs, called, _DEEPEST)
    return found


def _collect(found: Touches, plan: Plan, inputs: JsonObject, called: Callable[[Plan, str], Plan], depth: int) -> None:
    for action, effect in _actions(plan):
        if action.uses == "workflow.run" and depth:
            inner = called(plan, str(action.arguments["workflow"]))
            given = _given(inner, action.arguments.get("inputs") or {}, {**plan.root_names, "inputs": inputs})
            _collect(found, inner, known_inputs(inner, given), called, depth - 1)
        elif action.connection is not None:
            _add(found, action, effect, {**plan.root_names, "inputs": inputs})
        elif effect is Effect.WRITES and _stays_here(action):
            found.writes_in_workspace = True
        elif effect is Effect.WRITES:
            found.writes_without_connection = True


def _stays_here(action: Action) -> bool:
    return is_in_workspace(action.step_type.service, None) and not action.step_type.hosts(action.arguments)


def _given(plan: Plan, tree: Any, names: JsonObject) -> Mapping[str, Any]:
    """Return the inputs passed to a called workflow, None for each that is not known."""
    if isinstance(tree, Mapping):
        return _known_fields(tree, names)
    whole = known_value(tree, names)  # one expression for all inputs
    return whole if isinstance(whole, Mapping) else dict.fromkeys(plan.inputs_schema.get("properties", {}))


def _actions(plan: Plan) -> Iterator[tuple[Action, Effect]]:
    for node in _running(plan):
        if node.action is not None:
            yield node.action, node.effect


def _running(plan: Plan) -> Iterator[Node]:
    """Yield every step that may run; a constant false `if` excludes everything inside."""
    folded: list[str] = []
    for node in plan.nodes():
        if node.is_folded:
            folded.append(f"{node.path}.")
        elif not any(node.path.startswith(path) for path in folded):
            yield node


def _add(found: Touches, action: Action, effect: Effect, names: JsonObject) -> None:
    assert action.connection is not None
    if effect is not Effect.WRITES:
        return
    found.written.add(action.connection)
    service = service_of(action.step_type.service)
    place = service.public_place if service else None
    if place is not None and place.field in action.arguments:
        value = known_value(action.arguments[place.field], names)
        found.places[action.connection, value if isinstance(value, str) else None] = None


def known_inputs(plan: Plan, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs that a run will certainly have; None means not known yet."""
    properties: JsonObject = plan.inputs_schema.get("properties", {})
    filled = {name: one["default"] for name, one in properties.items() if "default" in one}
    return {name: value for name, value in {**filled, **given}.items() if value is not None}


def fixed(tree: JsonObject) -> dict[str, Any]:
    """Return the fields of a tree, None for each that is not constant."""
    return _known_fields(tree, {"inputs": {}})


def _known_fields(tree: Any, names: JsonObject) -> dict[str, Any]:
    return {name: known_value(one, names) for name, one in tree.items()} if isinstance(tree, Mapping) else {}


def known_value(tree: Any, names: JsonObject) -> Any:
    """Return the value of a field that depends only on these names, or None if it is not known."""
    if not all(_is_there(path, names) for path in _paths(tree)):
        return None
    try:
        return render(tree, names)
    except OrchestraError:
        return None


def _is_there(path: tuple[str, ...], names: JsonObject) -> bool:
    return path[0] in names and (path[0] != "inputs" or len(path) < 2 or path[1] in names["inputs"])


def _paths(tree: Any) -> Iterator[tuple[str, ...]]:
    """Yield the path of every value that the expressions of a field use."""
    if isinstance(tree, Template):
        for piece in tree.pieces:
            yield from (one.path for one in getattr(piece, "references", ()))
    elif isinstance(tree, Mapping | list):
        for inner in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _paths(inner)
