"""A workflow taken apart: its own fields, its steps by id, and the lists that the steps are in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.base.errors import InvalidFile
from engine.base.json_text import JsonObject, is_alike
from engine.base.step_tree import FAILURE, ON_ERROR, StepDefinition, home_of, step_nodes

STEPS, TRIGGERS = "steps", "triggers"


class StepOutline(Struct, frozen=True):
    """A step without the steps inside it."""

    id: str
    home: str
    """The list that it is in: "" for the workflow, `on_failure`, a group (`each_mail`) or a fallback
    (`label.on_error`)."""
    fields: dict[str, Any]
    """Without the id; lists of steps are empty."""

    @property
    def title(self) -> str:
        """The title, or else the id."""
        return StepDefinition({**self.fields, "id": self.id}).title


class Outline(Struct, frozen=True):
    """The parts of a workflow. `whole` puts them together again."""

    fields: dict[str, Any]
    """The fields of the workflow: lists of steps are empty, triggers are by id."""
    parts: dict[str, StepOutline]
    """The steps by id, outer before inner, in the order of the file."""
    lists: dict[str, list[str]]
    """The ids in each list of steps."""

    def inside(self, id_: str) -> Iterator[str]:
        """Yield a step and the steps in it."""
        yield id_
        for home in homes_of(id_):
            for one in self.lists.get(home, ()):
                yield from self.inside(one)

    def around(self, id_: str) -> Iterator[str]:
        """Yield a step and the steps around it, from the inside out."""
        while id_ in self.parts:
            yield id_
            id_ = owner_of(self.parts[id_].home)


def owner_of(home: str) -> str:
    """Return the step that holds a list, "" for a list of the workflow."""
    return "" if home == FAILURE else home.partition(".")[0]


def homes_of(id_: str) -> tuple[str, str]:
    """Return the names of the lists that a step may hold."""
    return id_, f"{id_}.{ON_ERROR}"


def outline(document: JsonObject, file: str) -> Outline:
    """Return the parts of a workflow. Raises InvalidFile if its steps have no ids of their own."""
    parts, lists = dict[str, StepOutline](), dict[str, list[str]]()
    fields = _emptied(document, lists, "", FAILURE)
    for node in step_nodes(document):
        id_ = node.step.id
        parts[id_] = StepOutline(id_, home_of(node), _own(node.step.json, id_, lists))
        lists.setdefault(parts[id_].home, []).append(id_)
    triggers = document.get(TRIGGERS)
    if isinstance(triggers, list) and all(isinstance(one, dict) and isinstance(one.get("id"), str) for one in triggers):
        fields[TRIGGERS] = {one["id"]: one for one in triggers}
    found = Outline(fields, parts, lists)
    if sum(map(len, lists.values())) > len(parts) or not is_alike(whole(found), document):
        raise InvalidFile(
            f"{file} cannot be merged: its steps and triggers need ids, and each id may occur once.",
            remedy="Correct it first: `orchestra validate` shows the places.",
        )
    return found


def _own(json: JsonObject, id_: str, lists: dict[str, list[str]]) -> dict[str, Any]:
    return {key: value for key, value in _emptied(json, lists, *homes_of(id_)).items() if key != "id"}


def _emptied(json: JsonObject, lists: dict[str, list[str]], steps: str, other: str) -> dict[str, Any]:
    """Return an object with empty lists of steps; `steps` and `other` name the lists that it has."""
    own = dict(json)
    if isinstance(own.get(STEPS), list):
        own[STEPS] = []
        lists.setdefault(steps, [])
    key = FAILURE if other == FAILURE else ON_ERROR
    handler = own.get(key)
    if key == FAILURE and isinstance(handler, list):
        own[key] = []
        lists.setdefault(other, [])
    elif isinstance(handler, Mapping) and isinstance(handler.get(STEPS), list):
        own[key] = {**handler, STEPS: []}
        lists.setdefault(other, [])
    return own


def whole(found: Outline) -> dict[str, Any]:
    """Return the document of an outline."""
    document = _filled(found, found.fields, "", FAILURE)
    if isinstance(document.get(TRIGGERS), dict):
        document[TRIGGERS] = list(document[TRIGGERS].values())
    return document


def whole_step(found: Outline, id_: str) -> dict[str, Any]:
    """Return the definition of a step with all steps in it."""
    return {"id": id_, **_filled(found, found.parts[id_].fields, *homes_of(id_))}


def _filled(found: Outline, fields: JsonObject, steps: str, other: str) -> dict[str, Any]:
    own = dict(fields)
    if STEPS in own and steps in found.lists:
        own[STEPS] = [whole_step(found, one) for one in found.lists[steps]]
    key = FAILURE if other == FAILURE else ON_ERROR
    if key in own and other in found.lists:
        inside = [whole_step(found, one) for one in found.lists[other]]
        own[key] = {**own[key], STEPS: inside} if isinstance(own[key], Mapping) else inside
    return own


def has_steps(value: Any) -> bool:
    """Return whether the value of `steps`, `on_error` or `on_failure` holds a list of steps."""
    return isinstance(value, list) or (isinstance(value, Mapping) and isinstance(value.get(STEPS), list))
