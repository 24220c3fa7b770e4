"""What a workflow may refer to outside its file, and the result of compiling it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.base.errors import Problem, UnknownName
from engine.base.json_text import JsonObject

if TYPE_CHECKING:
    from engine.compiler.analysis.text_flow import Passage
    from engine.compiler.definition.plan import Plan, Reach
    from engine.compiler.definition.schemas import Prompts
    from engine.expressions.celtypes import Schema

Workflows = Callable[[str], JsonObject]
"""Returns the document of a workflow by its name, which may have problems; raises UnknownName, InvalidFile."""


WithId = Callable[[str], list[str]]
"""Returns the names of the workflows with an id, sorted."""


IsUser = Callable[[str], bool]
"""Returns whether somebody may answer questions under this name."""


def anybody(_name: str) -> bool:
    """Return True for every name, where the users are not known."""
    return True


def no_ids(_id: str) -> list[str]:
    """Return no name, in place of a workspace without workflows."""
    return []


def no_workflows(name: str) -> JsonObject:
    """Raise UnknownName for every name, in place of a workspace without workflows."""
    raise UnknownName("workflow", name, [])


@dataclass(frozen=True)
class Surroundings:
    """What a workflow may refer to outside its file."""

    connections: Mapping[str, str]
    """The service of each connection of config.yaml, by name."""
    prompts: Prompts
    workflows: Workflows = no_workflows
    with_id: WithId = no_ids
    hosts: Mapping[str, str] | None = None
    """The host of each connection, by name; None where a definition was accepted before."""
    is_user: IsUser = anybody


@dataclass(frozen=True)
class Compiled:
    """The result of a compilation: a plan, unless one of the problems is an error."""

    plan: Plan | None
    problems: list[Problem]
    accepted: Plan | None = None
    """The plan for a run that was accepted with this definition: possibly missing values do not block it, since earlier
    releases did not check for them. If one is missing, its step fails.
    """
    outputs: Schema = field(default_factory=dict)
    """JSON Schema of the outputs, for workflows that call this one."""
    maybe_absent: frozenset[str] = frozenset()
    """Outputs that a run may end without."""
    passage: Passage | None = None
    """What becomes of the text of its inputs, for workflows that call this one."""
    reach: tuple[Reach, ...] = ()
    """Which text from outside goes where, also if there are errors."""
    breaches: tuple[tuple[str, ...], ...] = ()
    """The ids of the steps on the way of each text that arrives where it must not."""
