"""What the steps of a document do outside: read from its JSON alone, so that it works for texts with problems, too.

Whatever is not known counts as dangerous: a step type that is not there may write, and a field without a role is a
destination.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.base.services import is_model
from engine.base.step_tree import CALLS, StepDefinition, StepNode, step_nodes
from engine.plugins.registry import step_type
from engine.plugins.step import Effect, Role, StepType, fields_schema

_WORDS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"\bsteps\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)")
_INPUT = re.compile(r"\binputs\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)")
SILENT = ("title", "note")
"""The fields of a step that change nothing it does."""
_OPEN_SERVICES = ("http", "web", "rss", "code", "mcp")
"""Services whose fields name the host, also of a read."""


class KnownStep(Struct, frozen=True, dict=True):
    """One step of a document."""

    node: StepNode[StepDefinition]

    @property
    def id(self) -> str:
        """Its id."""
        return self.node.step.id

    @property
    def uses(self) -> str:
        """Its step type, "" for a group."""
        return self.node.step.uses

    @cached_property
    def own(self) -> dict[str, Any]:
        """All that it says of itself, without titles, notes and the steps inside."""
        found = {key: one for key, one in self.node.step.json.items() if key not in (*SILENT, "steps")}
        handler = found.get("on_error")
        if isinstance(handler, Mapping):
            found["on_error"] = {key: one for key, one in handler.items() if key != "steps"} | {"steps": "…"}
        return found

    @cached_property
    def whole(self) -> Any:
        """All that it says, with the steps inside."""
        return _without_silent(self.node.step.json)

    @cached_property
    def type(self) -> StepType | None:
        """Its step type; None for a group, and for one that is not known."""
        try:
            return step_type(self.uses) if self.uses else None
        except OrchestraError:
            return None

    @property
    def effect(self) -> Effect:
        """What its call does; a called workflow, and a type that is not known, may write."""
        if not self.uses:
            return Effect.PURE
        if self.uses in CALLS or self.type is None:
            return Effect.WRITES
        try:
            return self.type.effect_of(self.node.step.arguments)[0]
        except (OrchestraError, TypeError, AttributeError, ValueError):  # a draft's fields may have any value
            return Effect.WRITES

    @property
    def writes(self) -> bool:
        """Whether it may write."""
        return self.effect is Effect.WRITES

    @property
    def asks_model(self) -> bool:
        """Whether it asks a model, or an agent."""
        return (
            self.uses in CALLS
            or self.uses.startswith("agent.")
            or (self.type is not None and is_model(self.type.service))
        )

    @property
    def leads_out(self) -> bool:
        """Whether its fields decide where data goes: it writes, or it may reach a host that its fields name."""
        if not self.uses or self.writes or self.asks_model:
            return bool(self.uses)
        service = str(self.type.service or "") if self.type is not None else ""
        return service in _OPEN_SERVICES or "connection" not in self._needs or self._names_hosts

    @property
    def _needs(self) -> tuple[str, ...]:
        return ("connection",) if self.type is not None and self.type.service else ()

    @property
    def _names_hosts(self) -> bool:
        try:
            return self.type is None or bool(self.type.hosts(self.node.step.arguments))
        except (OrchestraError, TypeError, AttributeError, ValueError):  # a draft's fields may have any value
            return True

    @property
    def given(self) -> dict[str, Any]:
        """The fields that are given and have a value."""
        return {name: one for name, one in self.node.step.arguments.items() if one not in (None, "", [], {})}

    def fields(self, role: Role) -> Iterator[tuple[str, Any]]:
        """Yield the given fields of a role; one without a role, or of a type that is not known, is a destination."""
        for name, value in self.given.items():
            if self._role(name) == role:
                yield name, value

    def places(self) -> Iterator[tuple[str, Any]]:
        """Yield the given fields that decide where data goes.

        For a type that writes and has no field for the destination (`github.graphql`, `sql.execute`), all of its fields
        decide.
        """
        if not self.leads_out:
            return
        if not self.writes or self.type is None or any(self._role(name) == Role.DESTINATION for name in self._schemas):
            yield from self.fields(Role.DESTINATION)
        else:
            yield from self.given.items()

    @property
    def _schemas(self) -> Mapping[str, Any]:
        """The schemas of the fields of its type."""
        found: Mapping[str, Any] = fields_schema(self.type.fields).get("properties", {}) if self.type else {}
        return found

    def knows(self, name: str) -> bool:
        """Return whether its type has a field of this name; one that is not known may have any."""
        return self.type is None or self.uses in CALLS or name in self._schemas

    def _role(self, name: str) -> str:
        if self.type is None:
            return Role.DESTINATION
        if self.uses in CALLS:  # what is called decides what it does with its inputs
            return Role.DESTINATION
        return str(self._schemas.get(name, {}).get("role") or Role.DESTINATION)


class KnownSteps:
    """The steps of a document, and what their expressions depend on."""

    def __init__(self, document: object) -> None:
        self.document: JsonObject = document if isinstance(document, Mapping) else {}
        self.all = [KnownStep(one) for one in step_nodes(self.document)]
        self.by_id = {one.id: one for one in reversed(self.all)}

    def depends_on(self, step: KnownStep, value: Any, *, is_written: bool = False) -> dict[str, Any]:
        """Return all that decides a value of a step beside itself: {name: definition}, through every reference.

        `is_written`: only what stands in the workflow itself (inputs and `flow.set`), and is no answer of a step.
        """
        found: dict[str, Any] = {}
        ahead = [(step, value)]
        while ahead:
            owner, one = ahead.pop()
            for text in _texts(one):
                for name, definition, next_owner in self._named(owner, text):
                    is_other = is_written and next_owner is not owner and next_owner.uses != "flow.set"
                    if name not in found and not is_other:
                        found[name] = definition
                        ahead.append((next_owner, definition))
        return found

    def _named(self, owner: KnownStep, text: str) -> Iterator[tuple[str, Any, KnownStep]]:
        if not any(sign in text for sign in ("{{", "steps", "inputs")) and not text.isidentifier():
            return
        words = set(_WORDS.findall(text))
        plain = set(_PLAIN.findall(text))
        is_hidden = "steps" in words and len(_PLAIN.findall(text)) < len(re.findall(r"\bsteps\b", text))
        ids = set(self.by_id) if is_hidden else (words & self.by_id.keys()) | (plain & self.by_id.keys())
        for id_ in sorted(ids):
            yield f"steps.{id_}", self.by_id[id_].whole, self.by_id[id_]
        for name, definition in self._inputs(text, words):
            yield name, definition, owner
        for up in owner.node.up():
            loop = up.step.json.get("foreach")
            if loop is not None and words & {up.step.item_name, "index", "key"}:
                parts = {key: up.step.json.get(key) for key in ("foreach", "as", "key")}
                yield f"loop.{up.step.id}", parts, KnownStep(up)

    def _inputs(self, text: str, words: Collection[str]) -> Iterator[tuple[str, Any]]:
        """Yield what decides the inputs that a text names; all of them, if one is not named by a dot and its name."""
        inputs = self.document.get("inputs")
        properties = inputs.get("properties") if isinstance(inputs, Mapping) else None
        named = _INPUT.findall(text)
        if "inputs" not in words:
            return
        if not isinstance(properties, Mapping) or len(named) < len(re.findall(r"\binputs\b", text)):
            yield "inputs", inputs
            return
        for name in dict.fromkeys(named):
            yield f"inputs.{name}", properties.get(name)


def canonical(value: Any) -> str:
    """Return a value as JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _without_silent(value: Any) -> Any:
    """Return a step without titles and notes, and so the steps inside."""
    if not isinstance(value, Mapping):
        return value
    found = {key: one for key, one in value.items() if key not in SILENT}
    for key in ("steps",):
        if isinstance(found.get(key), list):
            found[key] = [_without_silent(one) for one in found[key]]
    return found
