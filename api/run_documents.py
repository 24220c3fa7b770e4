"""The JSON of runs: how to start one and go on, the list, what an undo does, how two differ."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from api.documents import Name, Sent

RunStatus = Literal["queued", "running", "waiting", "succeeded", "failed", "cancelled", "interrupted"]
RunId = Annotated[str, Field(max_length=64, examples=["20261120T120000Z-k7hd2mqa"])]
StepPath = Annotated[str, Field(min_length=1, max_length=1_000, examples=["each_mail[3].answer"])]
LONGEST_WAIT_SECONDS = 600


class Execution(Sent):
    """Which workflow to run, with what, and how long to wait for its end."""

    workflow: Name
    inputs: dict[str, JsonValue] = Field(default_factory=dict, examples=[{"limit": 5}])
    wait_seconds: float = Field(default=0, ge=0, le=LONGEST_WAIT_SECONDS)
    only: StepPath | None = Field(
        default=None, description="A test run: the one step that runs, of all items or of one."
    )
    pins: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="A test run: outputs by step path that are taken instead of running those steps.",
        examples=[{"each_mail.classify": {"kind": "task"}}],
    )
    from_run: RunId | None = Field(
        default=None, description="With only: the run whose outputs stand in for the other steps."
    )


class Resumption(Sent):
    """How to go on with a run; the members answer for writes of which nobody knows whether they were done."""

    as_done: bool = Field(default=False, description="They were done: go on after them.")
    redo: bool = Field(default=False, description="They were not done: send them again.")
    step: StepPath | None = Field(default=None, description="Only the one at this path.")
    receipt: str = Field(default="", max_length=2_000, description="With as_done: its id or address there.")
    newest: bool = Field(
        default=False,
        description="Go on with file and prompts as they are now, where what has finished is the same in them.",
    )


class Repetition(Sent):
    """How to run the workflow of a run again, with its inputs and on its accounts."""

    receipts: Literal["reuse", "update", "force"] = Field(
        default="reuse",
        description="What was written before is kept, brought to what this run wants, or written anew.",
    )
    replay: bool = Field(
        default=False, description="Take what was read, and what models answered, from the earlier run."
    )
    inputs: dict[str, JsonValue] = Field(
        default_factory=dict, description="Those that are to be others than before.", examples=[{"limit": 5}]
    )


class Undoing(Sent):
    """What of a run to take back."""

    item: str | None = Field(
        default=None, max_length=1_000, description="Only what was written for the loop item with this key."
    )


class RunFilter(BaseModel):
    """Which runs to list, newest first."""

    model_config = ConfigDict(extra="forbid")

    status: list[RunStatus] = Field(default_factory=list, description="One, or several.")
    workflow: str | None = Field(default=None, max_length=64)
    trigger: str | None = Field(default=None, max_length=64, description="The id of the trigger that started them.")
    parent: RunId | None = Field(default=None, description="The run that called them.")
    text: str | None = Field(default=None, max_length=200, description="Only runs whose title or sentence has this.")
    since: AwareDatetime | None = Field(default=None, description="Only runs queued at or after this time (RFC 3339).")
    until: AwareDatetime | None = Field(default=None, description="Only runs queued before this time (RFC 3339).")
    demo: bool | None = Field(default=None, description="Only those of the demo, or only those that are not.")
    before: str | None = Field(default=None, max_length=200, description="`next` of the page before.")
    limit: int = Field(default=50, ge=1, le=200)


class Accepted(BaseModel):
    """A run that goes on by itself; GET /api/runs/{run_id} shows it."""

    run_id: str
    status: RunStatus


class RunRowView(BaseModel):
    """A run in the list."""

    run_id: str
    workflow: str
    title: str
    status: RunStatus
    demo: bool
    started_by: str
    queued_at: str
    started_at: str | None
    ended_at: str | None
    duration_seconds: float | None
    sentence: str
    counts: dict[str, Any]
    parent_run_id: str | None = Field(description="The run that called it.")
    is_test: bool = Field(description="Whether one step alone ran, or outputs were pinned.")


class RunRows(BaseModel):
    """A page of runs; `next` goes into `before` to get the following one."""

    runs: list[RunRowView]
    next: str | None


class _WriteView(BaseModel):
    """A write of a run: which step of which run made it, and what it made."""

    run_id: str
    path: str
    key: str | None = Field(description="Of the loop item around it.")
    uses: str
    title: str
    url: str


class UndoneView(_WriteView):
    """A write that was taken back, or would be."""

    note: str = Field(description="How: closes the issue with a note.")
    stays: str = Field(description="What the service keeps of it all the same.")


class KeptView(_WriteView):
    """A write that stays."""

    reason: str


class UndoView(BaseModel):
    """What becomes of every write of a run."""

    undone: list[UndoneView]
    refused: list[KeptView] = Field(description="Somebody changed it since, or the service could not be asked.")
    cannot: list[KeptView] = Field(description="There is no way to take these back.")
    left: list[KeptView] = Field(description="Another run made it, or it was undone before.")


class DifferenceView(BaseModel):
    """A place where two runs differ; a side that has nothing there is left out."""

    field: str
    good: Any = None
    bad: Any = None


class StepDifferenceView(BaseModel):
    """A step that did not go the same way in both runs."""

    path: str
    good_path: str | None
    bad_path: str | None
    title: str
    kinds: list[str]
    differences: list[DifferenceView]


class RunDifferenceView(BaseModel):
    """All in which two runs differ; `first` is where they part."""

    good: str
    bad: str
    sentence: str
    definition: list[DifferenceView]
    run: list[DifferenceView]
    first: StepDifferenceView | None
    rest: list[StepDifferenceView]
