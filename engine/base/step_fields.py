"""The fields that a step may have in a workflow file: each is one row.

The order of the rows is that of the canonical form (engine/workspace/canonical.py). The other columns say which other
field a field needs (engine/compiler/definition/model.py), to what a comparison assigns it when a call has its own
`foreach` (engine/record/definitions.py), and when a run that continues with a newer definition needs it unchanged
(engine/runs/starting/upgrade_definition.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.base.statuses import StepStatus


@dataclass(frozen=True)
class StepField:
    """One field of a step."""

    name: str
    means: str
    only_with: str = ""
    """The field without which it has no meaning."""
    is_of_loop: bool = False
    """Whether it belongs to the loop, rather than to the call that is repeated."""
    is_fixed: bool = False
    """Whether a run that has come to this step needs it unchanged."""
    is_fixed_after: tuple[StepStatus, ...] = ()
    """How the step has ended, or waits, if only then."""


STEP_FIELDS: tuple[StepField, ...] = (
    StepField("id", "its name in expressions and paths"),
    StepField("title", "its name for people", is_of_loop=True),
    StepField("needs", "the siblings that it waits for, instead of all before it", is_of_loop=True),
    StepField("if", "when it runs", is_of_loop=True, is_fixed_after=(StepStatus.SKIPPED,)),
    StepField("foreach", "the list that it is repeated for", is_of_loop=True, is_fixed=True),
    StepField("as", "the name of the item", "foreach", is_of_loop=True, is_fixed=True),
    StepField("key", "what names the item for ever", "foreach", is_of_loop=True, is_fixed=True),
    StepField("item_title", "the name of the item for people", "foreach", is_of_loop=True),
    StepField("parallel", "how many items are worked on at once", "foreach", is_of_loop=True),
    StepField("on_item_error", "what happens when an item fails", "foreach", is_of_loop=True),
    StepField("uses", "its step type", is_fixed=True),
    StepField("connection", "the account", "uses"),
    StepField("once", "what identifies its write, instead of the keys around it", "uses"),
    StepField(
        "with",
        "the fields of the step type",
        "uses",
        is_fixed_after=(StepStatus.FAILED, StepStatus.WAITING, StepStatus.SUCCEEDED),
    ),
    StepField("retry", "how often a failed attempt is repeated", "uses"),
    StepField("timeout_seconds", "how long an attempt may take"),
    StepField("on_error", "what happens when it fails", is_fixed_after=(StepStatus.FAILED,)),
    StepField("steps", "the steps of a group or loop"),
    StepField("output", "what it gives, instead of all that is in it", "steps", is_of_loop=True,
              is_fixed_after=(StepStatus.SUCCEEDED,)),
)  # fmt: skip


def names(chosen: Callable[[StepField], bool] = lambda _field: True) -> tuple[str, ...]:
    """Return the names of the fields for which this is true."""
    return tuple(one.name for one in STEP_FIELDS if chosen(one))
