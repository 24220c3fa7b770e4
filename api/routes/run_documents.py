"""The JSON of runs: starting and resuming them, the list, undo reports and comparisons."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from api.base.awaiting import LONGEST_WAIT_SECONDS
from api.base.documents import Name, RequestBody
from api.base.models import model_for, model_of
from engine.base.statuses import ListedStatus, Priority, RunStatus
from engine.runs.bounced import UndeliveredMail
from engine.runs.compare.diff import StepDiff
from engine.runs.run_list import RunRow

RunId = Annotated[str, Field(max_length=64, examples=["20261120T120000Z-k7hd2mqa"])]
StepPath = Annotated[str, Field(min_length=1, max_length=1_000, examples=["each_mail[3].answer"])]


class Agreeing(BaseModel):
    """What the caller agrees to."""

    confirmed: bool | list[Annotated[str, Field(min_length=1, max_length=1_000)]] = Field(
        default=False,
        description="The real accounts and public repositories that the workflow may touch, as named in "
        "`needs_confirmation` of the refusal; true agrees to all of them, and `confirmed` of the run lists them.",
        examples=[["gmail:me@example.org:read", "github:acme/app:public"]],
    )


class RunBody(Agreeing, RequestBody):
    """Which workflow to run, with which inputs, and how long to wait for its end."""

    workflow: Name
    inputs: dict[str, JsonValue] = Field(default_factory=dict, examples=[{"limit": 5}])
    wait_seconds: float = Field(default=0, ge=0, le=LONGEST_WAIT_SECONDS)
    only: StepPath | None = Field(
        default=None, description="A test run: the one step to run, for all items or for one."
    )
    pins: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="A test run: outputs by step path, used instead of running those steps.",
        examples=[{"each_mail.classify": {"kind": "task"}}],
    )
    from_run: RunId | None = Field(
        default=None, description="With only: the run whose outputs stand in for the other steps."
    )
    environment: str = Field(
        default="",
        max_length=64,
        description="The environment to run in; default: the default one, if there are any.",
        examples=["prod"],
    )
    priority: Priority | None = Field(
        default=None,
        strict=False,
        description="The priority if more runs wait than can be processed; default: as its workflow says, else normal.",
    )
    plan: bool = Field(
        default=False,
        description="Show what would be written, and write nothing: the answer is a plan, see /api/plans.",
    )


class Resumption(Agreeing, RequestBody):
    """How to resume a run; the fields answer for writes whose outcome is unknown."""

    as_done: bool = Field(default=False, description="The writes of unknown outcome were done: continue after them.")
    redo: bool = Field(default=False, description="The writes of unknown outcome were not done: send them again.")
    step: StepPath | None = Field(default=None, description="Only the write at this path.")
    receipt: str = Field(default="", max_length=2_000, description="With as_done: its id or address in the service.")
    newest: bool = Field(
        default=False,
        description="Continue with the current file and prompts, if the finished steps are unchanged in them.",
    )


class Repetition(Agreeing, RequestBody):
    """How to run the workflow of a run again, with the same inputs and on the same accounts."""

    receipts: Literal["reuse", "update", "force"] = Field(
        default="reuse",
        description="What was written before is kept, updated to what this run produces, or written again.",
    )
    replay: bool = Field(default=False, description="Reuse what the earlier run read, and what models answered.")
    inputs: dict[str, JsonValue] = Field(
        default_factory=dict, description="Inputs that differ from the earlier run.", examples=[{"limit": 5}]
    )


class UndoBody(RequestBody):
    """Which writes of a run to undo."""

    item: str | None = Field(
        default=None, max_length=1_000, description="Only what was written for the loop item with this key."
    )


class WrongAnswer(RequestBody):
    """An answer of a model that is wrong, and what is right."""

    step: StepPath
    set: dict[Annotated[str, Field(min_length=1, max_length=200)], JsonValue] = Field(
        default_factory=dict,
        description="The right values by field of the answer: fields with fixed choices only.",
        examples=[{"kind": "task"}],
    )


class Correcting(Agreeing, WrongAnswer):
    """How to correct it."""

    leave: bool = Field(default=False, description="Go on, even if a write cannot be undone now; it stays as it is.")


class RunQuery(BaseModel):
    """Which runs to list, newest first."""

    model_config = ConfigDict(extra="forbid")

    status: list[ListedStatus] = Field(
        default_factory=list,
        description="One status, or several; `parts_failed`: succeeded, though steps or items failed; `set_aside`:"
        " failed or interrupted because it took its process down too often.",
    )
    workflow: str | None = Field(default=None, max_length=64)
    trigger: str | None = Field(default=None, max_length=64, description="The id of the trigger that started them.")
    parent: RunId | None = Field(default=None, description="The run that called them.")
    text: str | None = Field(
        default=None,
        max_length=200,
        description="Only runs with this text in their id, workflow, title or sentence, or in the subject, title or"
        " sender of what started them.",
    )
    since: AwareDatetime | None = Field(default=None, description="Only runs queued at or after this time (RFC 3339).")
    until: AwareDatetime | None = Field(default=None, description="Only runs queued before this time (RFC 3339).")
    demo: bool | None = Field(default=None, description="true: only runs on demo accounts; false: only other runs.")
    environment: str | None = Field(default=None, max_length=64, description="Only runs in this environment.")
    before: str | None = Field(default=None, max_length=200, description="`next` of the previous page.")
    limit: int = Field(default=50, ge=1, le=200)


class AcceptedRun(BaseModel):
    """A run in progress; GET /api/runs/{run_id} shows it."""

    run_id: str
    status: RunStatus
    status_url: str = Field(description="The path of the run; the header `Location` has it, too.")
    confirmed: list[str] = Field(description="What was agreed to when it started.")


@model_of(RunRow)
class RunRowView(BaseModel):
    """A run in the list."""

    counts: dict[str, Any]


class Bounced(BaseModel):
    """The mails of a run that were not delivered."""

    bounces: list[model_for(UndeliveredMail)]  # type: ignore[valid-type]


class RunRows(BaseModel):
    """A page of runs; send `next` as `before` to get the following page."""

    runs: list[RunRowView]
    next: str | None


class DifferenceView(BaseModel):
    """A place where two runs differ; a side without a value there is left out.

    So are both sides where a called workflow has changed that the reader may not see.
    """

    field: str
    good: Any = None
    bad: Any = None


@model_of(StepDiff)
class StepDifferenceView(BaseModel):
    """A step that went differently in the two runs."""

    kinds: list[str]
    differences: list[DifferenceView]


class RunDifferenceView(BaseModel):
    """All differences between two runs; `first` is where they part."""

    good: str
    bad: str
    sentence: str
    definition: list[DifferenceView]
    run: list[DifferenceView]
    first: StepDifferenceView | None
    rest: list[StepDifferenceView]
