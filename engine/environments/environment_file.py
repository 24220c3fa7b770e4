"""The file of an environment: which version of each workflow it runs, its connections and its variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from clients.in_workspace.levels import LEVELS_MOST, is_deep
from engine.base.errors import InvalidFile
from engine.base.problem import Problem
from engine.compiler.definition.environment import CURRENT
from engine.documents.json_file import JsonFile, JsonPath, parse
from engine.documents.repair import repaired
from engine.workspace.secret import is_clear_secret
from engine.workspace.version_labels import Number

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")
_VARIABLE_REMEDY = "Letters, digits and '_', such as DATABASE."
_KEYS_REMEDY = "Keys belong to connections: `orchestra connections add` stores them."
_NULL = "A variable has a value: null has no type."


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Promoted(_Part):
    """A version of a workflow in an environment, and how it came there."""

    version: Number | Literal["current"]
    hash: str = ""
    """The hash of the version's text, which must not change; an empty one is not checked."""
    made_at: str = ""
    """When the file was this version: steps that were renamed later have other ids now."""
    promoted_at: str = ""
    promoted_by: str = ""
    promoted_from: str = ""
    """The environment that it came from, or the `version …` that was named."""


class WorkflowEntry(Promoted):
    """What an environment says about a workflow."""

    triggers: bool = False
    """Whether its triggers start runs in this environment, not in the default one."""
    earlier: tuple[Promoted, ...] = ()
    """What was here before, oldest first; rolling back returns to the last."""


class EnvironmentFile(_Part):
    """The content of `environments/<name>.json`."""

    schema_version: Literal[1] = 1
    title: str = Field("", max_length=200)
    connections: dict[str, str] = {}
    """The connection to use for a name in the workflows; `demo`: the stand-in of that connection."""
    variables: dict[str, JsonValue] = {}
    """`env.NAME` in expressions."""
    others: Literal["current", "none"] = "current"
    """What runs for workflows that are not listed: their files as they are, or nothing."""
    workflows: dict[str, WorkflowEntry] = {}

    def text(self) -> str:
        """Return the text of the file."""
        written = self.model_dump(mode="json", exclude_defaults=True)
        whole: dict[str, Any] = {"schema_version": 1, "title": self.title, "connections": {}, "variables": {}}
        whole |= {"others": self.others, "workflows": {}} | written
        whole["workflows"] = dict(sorted(whole["workflows"].items()))
        return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def read_environment(text: str, file: str) -> EnvironmentFile:
    """Return the content of a file. Raises InvalidFile with every problem."""
    found = parse(text, file)
    if not isinstance(found.value, dict):
        raise InvalidFile(f"{file} does not contain a JSON object.")
    model, repair = repaired(EnvironmentFile, found.value)
    problems = [_problem(found, repair.written(one.path), one.message, one.code, one.remedy) for one in repair.faults]
    problems += _faults(found, model) if model is not None and not problems else []
    if problems or model is None:
        raise InvalidFile.of(file, problems)
    return model


def variable_fault(name: str, value: JsonValue) -> tuple[str, str] | None:
    """Return what is wrong with a variable, and what to do; None if nothing is."""
    if not _VARIABLE.match(name):
        return f"{name!r} cannot be the name of a variable.", _VARIABLE_REMEDY
    if is_deep(value):
        return f"The variable {name!r} is nested deeper than {LEVELS_MOST} levels.", "Put less inside each other."
    if _has_null(value):
        return _NULL, 'Write "" or leave the variable out.'
    if _has_secret(name, value):
        return f"The variable {name!r} contains a secret in plain text, and this file is meant for git.", _KEYS_REMEDY
    return None


def _has_null(value: object) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(_has_null, inner))


def _has_secret(name: str, value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(is_clear_secret("", key) or _has_secret(key, one) for key, one in value.items())
    if isinstance(value, list):
        return any(_has_secret(name, one) for one in value)
    return is_clear_secret(name, value)


def _faults(file: JsonFile, model: EnvironmentFile) -> Iterator[Problem]:
    for name, value in model.variables.items():
        fault = variable_fault(name, value)
        if fault is not None:
            yield _problem(file, ("variables", name), fault[0], "variable", fault[1])
    for name, target in model.connections.items():
        if target in model.connections:
            message = f"{name!r} leads to {target!r}, which itself leads to another connection."
            remedy = "Name the last connection instead."
            yield _problem(file, ("connections", name), message, "connection", remedy)
    for name, entry in model.workflows.items():
        if entry.version == CURRENT and entry.hash:
            message = "The file as it is has no hash."
            yield _problem(file, ("workflows", name, "hash"), message, "wrong_value", "Take 'hash' out.")


def _problem(file: JsonFile, path: JsonPath, message: str, code: str, remedy: str) -> Problem:
    line, column = file.place(path)
    where = ".".join(map(str, path)) or None
    return Problem(message, code, file=file.file, line=line, column=column, field=where, remedy=remedy)


def changed(model: EnvironmentFile, **more: Any) -> EnvironmentFile:
    """Return the content with other values of these fields."""
    return model.model_copy(update=more)
