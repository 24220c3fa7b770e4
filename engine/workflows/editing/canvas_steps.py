"""The steps of a workflow as a canvas draws them: a list in file order, each with its place in the tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.base.errors import OrchestraError
from engine.base.step_tree import FAILURE, StepDefinition, StepNode, step_nodes
from engine.plugins.kind import Kind, kind_of
from engine.plugins.registry import step_type
from engine.plugins.step import StepType
from engine.workflows.editing.step_references import StepReference, reads_of


@dataclass(frozen=True)
class CanvasStep:
    """A step, which may have problems: what is missing is empty."""

    id: str
    path: str
    parent: str
    """The path of the step around it, `on_failure`, or ""."""
    place: Literal["steps", "on_error", "on_failure"]
    """The list of its parent, or of the workflow, that it is in."""
    title: str
    uses: str
    service: str
    kind: Kind | Literal["group"]
    effect: str
    """`pure`, `reads`, `writes`, or "" if the type is unknown or it is a group."""
    needs: list[str] | None
    """The siblings that it waits for; None: all before it."""
    condition: str
    foreach: str
    parallel: int
    note: str
    reads: list[StepReference]
    """The steps that its fields name, those inside it not counted."""


def canvas_steps(document: object) -> list[CanvasStep]:
    """Return the steps of a document, outer before inner, the steps of `on_failure` last."""
    nodes = list(step_nodes(document))
    ids = {node.step.id for node in nodes}
    return [_step(node, reads_of(node.step.json, ids)) for node in nodes]


def _step(node: StepNode[StepDefinition], reads: list[StepReference]) -> CanvasStep:
    step, json = node.step, node.step.json
    found = _type(step.uses)
    foreach, parallel = json.get("foreach"), json.get("parallel")
    return CanvasStep(
        id=step.id,
        path=node.path,
        parent=node.parent.path if node.parent is not None else FAILURE if node.is_after_failure else "",
        place="on_error" if node.replaces_parent else "on_failure" if _is_top_of_failure(node) else "steps",
        title=_text(json, "title") or (found.title if found is not None else step.id),
        uses=step.uses,
        service=found.service or "" if found is not None else "",
        kind="group" if step.is_group else kind_of(found),
        effect=str(found.effect) if found is not None else "",
        needs=step.needs,
        condition=step.condition,
        foreach=foreach if isinstance(foreach, str) else "",
        parallel=parallel if isinstance(parallel, int) and not isinstance(parallel, bool) else 1,
        note=_text(json, "note"),
        reads=reads,
    )


def _is_top_of_failure(node: StepNode[StepDefinition]) -> bool:
    return node.parent is None and node.is_after_failure


def _text(json: Mapping[str, object], key: str) -> str:
    value = json.get(key)
    return value if isinstance(value, str) else ""


def _type(uses: str) -> StepType | None:
    try:
        return step_type(uses) if uses else None
    except OrchestraError:
        return None
