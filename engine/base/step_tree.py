"""The steps of a workflow document as a tree: one traversal for all readers, even of documents with problems.

A document nests steps in four places: `steps` of the workflow and of groups, `on_error` of a step as `{"steps": […]}`,
and `on_failure` of the workflow, as a list or as `{"steps": […]}`. Anything else that is not a step is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FAILURE_PREFIX = "on_failure."
"""Path prefix of the steps that run when the workflow has failed."""


@dataclass(frozen=True)
class StepNode:
    """A step and its position in a document."""

    step: Mapping[str, Any]
    """The step as it is in the document."""
    path: str
    """The ids from the outermost group to the step, joined by dots, after `on_failure.` if it is part of that."""
    depth: int
    """The number of groups around it."""
    is_fallback: bool
    """Whether it only runs if another step has failed."""

    @property
    def is_after_failure(self) -> bool:
        """Return whether it runs when the whole workflow has failed."""
        return self.path.startswith(FAILURE_PREFIX)


def step_nodes(document: Any) -> Iterator[StepNode]:
    """Yield every step of a workflow document, outer before inner, in file order; those of `on_failure` last."""
    yield from _inside(document, "", 0)
    yield from _inside(after_failure(document), FAILURE_PREFIX, 0)


def children(parent: Any) -> list[Mapping[str, Any]]:
    """Return the steps directly inside a workflow, group or fallback; empty if it has no readable `steps`."""
    steps = parent.get("steps") if isinstance(parent, Mapping) else None
    return [step for step in steps if isinstance(step, Mapping)] if isinstance(steps, list) else []


def id_of(step: Mapping[str, Any]) -> str:
    """Return the id of a step, or "?" if it has none."""
    own_id = step.get("id")
    return own_id if isinstance(own_id, str) and own_id else "?"


def after_failure(document: Any) -> Mapping[str, Any]:
    """Return the `on_failure` of a workflow as a group, in whichever form it is written."""
    after = document.get("on_failure") if isinstance(document, Mapping) else None
    if isinstance(after, list):
        return {"steps": after}
    return after if isinstance(after, Mapping) else {}


def _inside(parent: Any, prefix: str, depth: int, *, is_fallback: bool = False) -> Iterator[StepNode]:
    for step in children(parent):
        path = prefix + id_of(step)
        yield StepNode(step, path, depth, is_fallback)
        yield from _inside(step, f"{path}.", depth + 1, is_fallback=is_fallback)
        yield from _inside(step.get("on_error"), f"{path}.", depth + 1, is_fallback=True)
