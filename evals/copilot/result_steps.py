"""The steps of a workflow as the judge reads them: its own reading, apart from that of the co-pilot."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.base.errors import OrchestraError
from engine.plugins.registry import step_type
from engine.plugins.step import Effect, Role, fields_schema

Json = Mapping[str, Any]
ABSENT: Any = object()
_LISTS = ("steps", "on_error")
_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STEP = re.compile(r"\bsteps\s*\.\s*(\w+)")
_WORD = re.compile(r"(?<![.\w])(\w+)")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


@dataclass(frozen=True)
class ResultStep:
    """A step and the groups around it, the outermost first."""

    json: Json
    around: tuple[Json, ...]

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.json.get("id", ""))

    @property
    def uses(self) -> str:
        """Its step type, "" for a group."""
        return str(self.json.get("uses", ""))

    @property
    def own(self) -> dict[str, Any]:
        """All of it but the steps inside."""
        handler = self.json.get("on_error")
        kept = {key: one for key, one in self.json.items() if key not in _LISTS}
        return kept if isinstance(handler, dict | list | None) else {**kept, "on_error": handler}

    @property
    def loops(self) -> list[Json]:
        """The loops around it, and itself if it is one."""
        return [one for one in (*self.around, self.json) if "foreach" in one]

    def field(self, path: str) -> Any:
        """Return a field: of the step; `if`, `foreach` and `key` also of the nearest group around it that has one."""
        found = at(self.json, path)
        if found is ABSENT and path in ("if", "foreach", "key", "on_item_error", "parallel"):
            found = next((one[path] for one in reversed(self.around) if path in one), ABSENT)
        return found


class ResultSteps:
    """All steps of a document, also those inside others."""

    def __init__(self, document: object) -> None:
        self.document: Json = document if isinstance(document, Mapping) else {}
        self.all = [*_steps(self.document.get("steps"), ()), *_steps(self.document.get("on_failure"), ())]

    @cached_property
    def by_id(self) -> Mapping[str, ResultStep]:
        """The steps by their ids."""
        return {one.id: one for one in self.all}

    def named(self, target: str) -> list[ResultStep]:
        """Return the step of an id, or those of a type."""
        return [one for one in self.all if target in (one.id, one.uses)]

    def sources(self, step: ResultStep, value: Any) -> set[str]:
        """Return the ids and types of all steps on which a value depends, and `inputs`."""
        found: set[str] = set()
        ahead = [(step, value)]
        while ahead:
            for source in self._read(*ahead.pop()):
                if source.json is _INPUTS or source.id in found:
                    found |= {"inputs"} if source.json is _INPUTS else set()
                    continue
                for one in (source, *(inner for inner in self.all if any(up is source.json for up in inner.around))):
                    found |= {one.id, one.uses}
                    ahead.append((one, one.own))
        return found - {""}

    def _read(self, owner: ResultStep, value: Any) -> Iterator[ResultStep]:
        for text in texts(value):
            for expression in _EXPRESSION.findall(text):
                code = _LITERAL.sub("", expression)
                if re.search(r"(?<![.\w])inputs\b", code):
                    yield ResultStep(_INPUTS, ())
                yield from (self.by_id[id_] for id_ in _STEP.findall(code) if id_ in self.by_id)
                words = set(_WORD.findall(code))
                chain = (*owner.around, owner.json)
                for depth, loop in enumerate(chain):
                    if "foreach" in loop and words & {str(loop.get("as", "item")), "key", "index"}:
                        yield from self._read(ResultStep({}, chain[:depth]), loop["foreach"])


_INPUTS: Json = {"id": "inputs"}


def dangers(steps: ResultSteps, *, with_guards: bool) -> list[str]:
    """Return where data goes, a line each: fields of writes that decide it, hosts that are read, calls, triggers.

    `with_guards`: also each write, whether nobody approves it, and what models are told.
    """
    found = [f"trigger {json.dumps(one, sort_keys=True)}" for one in steps.document.get("triggers") or []]
    found += [f"inputs {json.dumps(steps.document.get('inputs'), sort_keys=True)}"] if with_guards else []
    for step in steps.all:
        for name, value in (step.json.get("with") or {}).items():
            if value not in (None, "", [], {}) and _counts(step.uses, name, with_guards=with_guards):
                found.append(f"{step.uses}: {name} {json.dumps(value, sort_keys=True)}")
        if with_guards and _effect(step.uses) is Effect.WRITES:
            found.append(f"{step.id} ({step.uses}), approval: {json.dumps(step.json.get('approve'))}")
    return list(dict.fromkeys(found))


def _counts(uses: str, field: str, *, with_guards: bool) -> bool:
    """Return whether a field decides where data goes, or what a model is told."""
    if uses.startswith(("agent.", "workflow.", "http.", "web.", "rss.", "code.", "mcp.", "tool.")):
        return True
    try:
        role = fields_schema(step_type(uses).fields).get("properties", {}).get(field, {}).get("role")
    except OrchestraError:
        return True
    return (_effect(uses) is Effect.WRITES and role == Role.DESTINATION) or (with_guards and role == Role.INSTRUCTION)


def _effect(uses: str) -> Effect:
    """Return what a step type does; one that is not known may write."""
    try:
        return step_type(uses).effect if uses else Effect.PURE
    except OrchestraError:
        return Effect.WRITES


def at(value: Any, path: str) -> Any:
    """Return what is at a path of keys and indexes, ABSENT if there is nothing."""
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def texts(value: Any) -> Iterator[str]:
    """Yield all texts in a JSON value, also keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)


def _steps(found: Any, around: tuple[Json, ...]) -> Iterator[ResultStep]:
    for one in found if isinstance(found, list) else []:
        if isinstance(one, Mapping):
            yield ResultStep(one, around)
            handler = one.get("on_error")
            inner = handler.get("steps") if isinstance(handler, Mapping) else handler
            yield from _steps(one.get("steps"), (*around, one))
            yield from _steps(inner, (*around, one))
