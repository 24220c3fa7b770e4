"""The fields that a step may have in a workflow file: each is one row.

The rows are in the order of the canonical form (engine/workspace/canonical.py). The other columns say which other
field a field needs (engine/compiler/definition/model.py), to what a comparison assigns it when a call has its own
`foreach` (engine/record/definitions.py), and when a run that continues with a newer definition needs it unchanged
(engine/runs/starting/upgrade_definition.py), so that another value of it may give another output.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from engine.base.statuses import StepStatus


class StepField(Struct, frozen=True):
    """One field of a step."""

    name: str
    only_with: str = ""
    """The field without which it has no meaning."""
    is_of_loop: bool = False
    """Whether it belongs to the loop, rather than to the call that is repeated."""
    is_fixed: bool = False
    """Whether a run that has come to this step needs it unchanged."""
    is_fixed_after: tuple[StepStatus, ...] = ()
    """How the step has ended, or waits, if only then."""


STEP_FIELDS: tuple[StepField, ...] = (
    StepField("id"),  # its name in expressions and paths
    StepField("title", is_of_loop=True),  # its name for people
    StepField("note", is_of_loop=True),  # what its readers should know; it has no effect
    StepField("needs", is_of_loop=True),  # the siblings that it waits for, instead of all before it
    StepField("if", is_of_loop=True, is_fixed_after=(StepStatus.SKIPPED,)),  # when it runs
    StepField("foreach", is_of_loop=True, is_fixed=True),  # the list that it is repeated for
    StepField("as", "foreach", is_of_loop=True, is_fixed=True),  # the name of the item
    StepField("key", "foreach", is_of_loop=True, is_fixed=True),  # what names the item for ever
    StepField("item_title", "foreach", is_of_loop=True),  # the name of the item for people
    StepField("parallel", "foreach", is_of_loop=True),  # how many items are worked on at once
    StepField("on_item_error", "foreach", is_of_loop=True),  # what happens when an item fails
    StepField("uses", is_fixed=True),  # its step type
    StepField("connection", "uses"),  # the account
    StepField("approve", "uses"),  # whether a person approves its call, and who
    StepField("once", "uses"),  # what identifies its write, instead of the keys around it
    StepField(
        "with",  # the fields of the step type
        "uses",
        is_fixed_after=(StepStatus.FAILED, StepStatus.WAITING, StepStatus.SUCCEEDED),
    ),
    StepField("allow", "uses", is_fixed_after=(StepStatus.WAITING,)),  # the values that its fields may have
    StepField("retry", "uses"),  # how often a failed attempt is repeated
    StepField("timeout_seconds"),  # how long an attempt may take
    StepField("on_error", is_fixed_after=(StepStatus.FAILED,)),  # what happens when it fails
    StepField("steps"),  # the steps of a group or loop
    StepField("output", "steps", is_of_loop=True,  # what it gives, instead of all that is in it
              is_fixed_after=(StepStatus.SUCCEEDED,)),
)  # fmt: skip


def names(chosen: Callable[[StepField], bool] = lambda _field: True) -> tuple[str, ...]:
    """Return the names of the fields for which this is true."""
    return tuple(one.name for one in STEP_FIELDS if chosen(one))
