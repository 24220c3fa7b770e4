"""What a workflow may refer to outside its file, and what comes of compiling it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.compiler.plan import Plan
from engine.compiler.schemas import Prompts
from engine.errors import Problem, UnknownName
from engine.expressions.celtypes import Schema

Workflows = Callable[[str], Mapping[str, Any]]
"""Gives the document of a workflow by its name; raises UnknownName, InvalidFile."""


def no_workflows(name: str) -> Mapping[str, Any]:
    """Know no workflow. Raises UnknownName."""
    raise UnknownName("workflow", name, [])


@dataclass(frozen=True)
class Surroundings:
    """What a workflow may refer to outside its file."""

    connections: Mapping[str, str]
    """The service of each connection of config.yaml, by name."""
    prompts: Prompts
    workflows: Workflows = no_workflows


@dataclass(frozen=True)
class Compiled:
    """What came of a compilation: a plan, unless one of the problems is an error."""

    plan: Plan | None
    problems: list[Problem]
    accepted: Plan | None = None
    """The plan of a definition that a run was accepted with: values that may be missing do not stand in its way, since
    earlier releases did not look for them. Where one is missing, its step fails."""
    outputs: Schema = field(default_factory=dict)
    """JSON Schema of the outputs, for those that call the workflow."""
    maybe_absent: frozenset[str] = frozenset()
    """Outputs that a run may end without."""
