"""Descriptions of step types and trigger types for forms, docs and programs."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.base.definitions import WorkspaceTool
from engine.base.json_text import JsonSchema
from engine.plugins.kind import Kind, kind_of
from engine.plugins.registry import step_types, tool_type, trigger_types
from engine.plugins.step import StepType, fields_schema
from engine.plugins.trigger import StartFrom, TriggerType


@dataclass(frozen=True)
class StepTypeInfo:
    """A step type: name (`service.action`), words for people, effect, and JSON Schemas of fields and output."""

    name: str
    title: str
    description: str
    service: str | None
    kind: Kind
    effect: str
    repeat: str | None
    approval: str
    """`always`: a person approves each write first, unless a rule says otherwise; else `never`."""
    fields_schema: JsonSchema
    output_schema: JsonSchema


@dataclass(frozen=True)
class TriggerTypeInfo:
    """A trigger type: name (`service.event`), words for people, and JSON Schemas of its fields and of an item."""

    name: str
    title: str
    description: str
    service: str | None
    poll_seconds: float
    start_from: tuple[StartFrom, ...]
    is_watched: bool
    fields_schema: JsonSchema
    item_schema: JsonSchema


def first_paragraph(description: str) -> str:
    """Return the first paragraph of a description in one line: what forms show of it."""
    return description.partition("\n\n")[0].replace("\n", " ")


def step_type_infos(tools: Sequence[WorkspaceTool] = ()) -> list[StepTypeInfo]:
    """Return every step type, and one for each of these tools, by name."""
    return sorted(
        [*_infos(tuple(step_types().values())), *(_info(tool_type(one)) for one in tools)], key=lambda one: one.name
    )


@lru_cache(maxsize=1)
def _infos(types: tuple[StepType, ...]) -> tuple[StepTypeInfo, ...]:
    return tuple(map(_info, types))


def _info(kind: StepType) -> StepTypeInfo:
    return StepTypeInfo(
        name=kind.name,
        title=kind.title,
        description=inspect.getdoc(type(kind)) or "",
        service=kind.service,
        kind=kind_of(kind),
        effect=str(kind.effect),
        repeat=str(kind.repeat) if kind.repeat else None,
        approval=kind.approval,
        fields_schema=dict(fields_schema(kind.fields)),
        output_schema=kind.output_schema({}, {}),
    )


def trigger_type_infos() -> list[TriggerTypeInfo]:
    """Return every trigger type, by name."""
    return [_trigger_info(kind) for kind in trigger_types().values()]


def _trigger_info(kind: TriggerType) -> TriggerTypeInfo:
    return TriggerTypeInfo(
        name=kind.name,
        title=kind.title,
        description=inspect.getdoc(type(kind)) or "",
        service=kind.service,
        poll_seconds=kind.poll_seconds,
        start_from=kind.start_from,
        is_watched=kind.is_watched,
        fields_schema=dict(fields_schema(kind.fields)),
        item_schema=dict(kind.item_schema()),
    )
