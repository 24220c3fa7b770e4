"""A step of a run, as the run document has it (docs/files.md: Run)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired

from typing_extensions import ReadOnly, TypedDict

from engine.base.json_text import JsonObject
from engine.base.statuses import StepStatus


class Failure(TypedDict):
    """Why a step or a run failed."""

    type: ReadOnly[str]
    """The class of the error, such as `NotFound`."""
    message: ReadOnly[str]
    """For people; at most 2,000 characters."""
    file: ReadOnly[str | None]
    """The workflow's file, relative to the workspace."""
    step: ReadOnly[str | None]
    """The path of the step."""
    field: ReadOnly[str | None]
    """The field of the step, such as `with.title`."""
    value: ReadOnly[Any]
    """The value that does not fit, shortened."""
    remedy: ReadOnly[str | None]
    """What to do next."""
    retryable: ReadOnly[bool]
    """Whether the same call may succeed later."""
    outcome: str
    """Whether a write was made: `not_done` or `unknown`."""
    http_status: ReadOnly[int | None]
    retry_after_seconds: ReadOnly[float | None]
    """How long the service asked to wait."""
    by: NotRequired[str]
    """The person who rejected the call, if one did."""
    stopped: NotRequired[bool]
    """True if it was a mail for later, which that person stopped."""


class AttemptRecord(TypedDict):
    """One attempt at a step's call."""

    started_at: ReadOnly[str]
    ended_at: ReadOnly[str]
    error: ReadOnly[Failure | None]
    """None if it succeeded."""


class UsageRecord(TypedDict):
    """The tokens of model calls."""

    input_tokens: ReadOnly[int]
    output_tokens: ReadOnly[int]
    cost_usd: ReadOnly[float | None]
    """None if a price is not known."""


class FailedModel(TypedDict):
    """A model of a step that gave no answer, so that the next one was asked."""

    connection: ReadOnly[str]
    model: ReadOnly[str]
    error: ReadOnly[Failure]
    usage: ReadOnly[UsageRecord | None]
    """What it used all the same; the step's usage includes it."""


class ReceiptRecord(TypedDict):
    """What the service calls the result of a write; empty texts if it names none."""

    id: ReadOnly[str]
    url: ReadOnly[str]


class UndoneRecord(TypedDict):
    """An undo of a write."""

    at: ReadOnly[str]
    by: ReadOnly[str]
    """The person."""
    note: ReadOnly[str]
    """What was done to undo it, for people."""


class FieldDifference(TypedDict):
    """A field in which the arguments of a kept write differ from what this run wanted; both values as short texts."""

    field: ReadOnly[str]
    old: ReadOnly[str]
    new: ReadOnly[str]


class StepEffect(TypedDict):
    """A write that was made."""

    identity: ReadOnly[str]
    outcome: ReadOnly[Literal["done"]]
    reused: ReadOnly[bool]
    """Whether it was made before, and this run only found its receipt."""
    receipt: ReadOnly[ReceiptRecord | None]
    generation: NotRequired[ReadOnly[int]]
    """How often it was undone before; absent if never."""
    found: NotRequired[ReadOnly[bool]]
    """True if the service was asked whether the write had arrived, and it had."""
    updated: NotRequired[ReadOnly[bool]]
    """True if it changed what an earlier run had made."""
    note: NotRequired[ReadOnly[str]]
    """Why it was kept, although this run wanted something different."""
    differences: NotRequired[ReadOnly[Sequence[FieldDifference]]]
    """What this run wanted to be different, if the earlier run is still known."""
    undone: NotRequired[ReadOnly[UndoneRecord]]
    """Its undo; absent if it was not undone."""


class CorrectedRecord(TypedDict):
    """The correction of a model's answer, in the record of the step that gave it."""

    run_id: ReadOnly[str]
    """The run that goes on from the right answer."""
    at: ReadOnly[str]
    by: ReadOnly[str]
    """The person."""
    values: ReadOnly[JsonObject]
    """The right values, by field of the answer."""


class RuleRecord(TypedDict):
    """The rule that answered in place of a model, in the record of the step."""

    when: ReadOnly[Mapping[str, str]]
    """The text of each condition, by its name."""
    answer: ReadOnly[JsonObject]
    """The answer as the workflow gives it."""


class Approved(TypedDict):
    """The approval of a step's call, in the record of the step."""

    approval: ReadOnly[str]
    """The id of the question."""
    by: ReadOnly[str]
    at: ReadOnly[str]
    comment: ReadOnly[str]
    hash: ReadOnly[str]
    """SHA-256 of the call as it was made."""
    before: NotRequired[ReadOnly[JsonObject]]
    """The arguments before the person edited them; absent if they were approved as they were."""


class EditedCall(TypedDict):
    """A call that a person edited before they approved it."""

    arguments: ReadOnly[JsonObject]
    """The arguments with which it was made."""
    changed: ReadOnly[Sequence[str]]
    """The names of the arguments that the person changed."""


class HeldBudget(TypedDict):
    """Which budget is used up."""

    period: ReadOnly[str]
    workflow: ReadOnly[str]
    """Empty if the budget is for all together."""


class Hold(TypedDict):
    """Why a step waits although it asked for nothing: a service, or a person, makes it wait."""

    by: ReadOnly[str]
    """The service, or AI-Orchestra."""
    message: ReadOnly[str]
    needs_person: NotRequired[ReadOnly[bool]]
    """True if writes are held until a person allows them again; the members below are then absent."""
    is_budget: NotRequired[ReadOnly[bool]]
    """True if a budget is used up; of the members below, only `budget` is there then."""
    budget: NotRequired[ReadOnly[HeldBudget]]
    since: NotRequired[ReadOnly[str]]
    """When it was first asked to wait."""
    asked: NotRequired[ReadOnly[int]]
    """How often it was asked to."""
    is_pace: NotRequired[ReadOnly[bool]]
    """Whether it is only the client's own rate limit."""


class AwaitedMail(TypedDict):
    """Mail that a step waits for."""

    names: ReadOnly[Sequence[str]]
    """The ids of the conversation in its service."""
    mail: ReadOnly[str]
    """The Message-ID of the mail to wait for a reply to, or ""."""
    since: ReadOnly[str]
    """When that mail was sent or has arrived."""
    people: ReadOnly[Sequence[str]]
    """Whose answer counts: addresses and domains; empty: anybody's."""
    until: ReadOnly[str]
    """When the step stops waiting for it."""
    hints: ReadOnly[int]
    """How much mail had been noticed there when the step last looked; with more, it looks again."""


class Paused(TypedDict):
    """A pause of a debug run before the call of a step."""

    why: ReadOnly[Literal["breakpoint", "step"]]
    """The step has a breakpoint, or the run goes step by step."""
    turn: ReadOnly[int]
    """How often the run had been continued."""


class StopRecord(TypedDict):
    """The wish of a `flow.stop` step to end the run."""

    outputs: ReadOnly[Any]
    message: ReadOnly[str]


class Wait(TypedDict, total=False):
    """What a step waits for; it survives a restart."""

    due_at: ReadOnly[str | None]
    """The time at which it ends, None if a person ends it."""
    then: ReadOnly[Any]
    """The output of the step once that time has come."""
    approval: ReadOnly[str]
    """The id of the question that a person has to answer."""
    call_hash: ReadOnly[str]
    """If the question is whether the step may make its call: the hash of the call."""
    child_run_id: ReadOnly[str]
    """The run that it called."""
    held: ReadOnly[Hold]
    """Why a service, or a person, makes it wait."""
    awaits: ReadOnly[AwaitedMail]
    """The mail that it waits for; with `held`, it goes on waiting for it after that."""
    paused: ReadOnly[Paused]
    """For a debug run: that it pauses before its call."""
    scheduled: ReadOnly[bool]
    """True if its mail is held until `due_at`, and goes out then unless somebody rejects `approval`."""


class PreviewRecord(TypedDict):
    """What a write would do, for people, and what it would do it to."""

    title: ReadOnly[str]
    """The object in one line: the page's title, the file's path."""
    text: ReadOnly[str]
    """What would be there afterwards."""
    before: ReadOnly[str | None]
    """What is there now; None: the write makes something new."""
    object: ReadOnly[str]
    """The id or path of what it changes, in its account; empty: nothing that is there already."""
    version: ReadOnly[str]
    """What the service calls the present state of the object; empty: `before` is all that is compared."""


class PlannedStep(TypedDict, total=False):
    """What a plan says about a step that it did not run."""

    write: ReadOnly[Literal["new", "kept"]]
    """For a write: to be made, or made by an earlier run and kept."""
    account: ReadOnly[str]
    """For a write: the identity of the account that it goes to."""
    unknown: ReadOnly[Sequence[str]]
    """The paths of the arguments that are known only when the plan is applied; "" means all of them."""
    may: ReadOnly[str]
    """Why it may not run, as a sentence; absent if it does."""
    asks: ReadOnly[bool]
    """For a write: true if a person has to approve it, by the rules as they were when it was planned; else absent."""
    note: ReadOnly[str]
    """What else happens there, as a sentence: it waits, it asks a person."""
    preview: ReadOnly[PreviewRecord]
    receipt: ReadOnly[ReceiptRecord | None]
    """For a write that is kept."""
    changes: ReadOnly[Sequence[FieldDifference]]
    """For a plan that is checked: how what is read now differs from what was read for it."""


class StepRecord(TypedDict):
    """A step, a group, a loop, or one item of a loop.

    Its members change as events arrive; the builder (engine/record/document.py) makes a new record each time.
    """

    id: ReadOnly[str]
    path: ReadOnly[str]
    """`each_mail[3].task`; for an item `each_mail[3]`."""
    key: ReadOnly[str | None]
    """For an item: its key; None if the loop has no keys."""
    title: ReadOnly[str]
    """For people."""
    uses: ReadOnly[str | None]
    """The step type; None for groups, loops and items."""
    connection: ReadOnly[str | None]
    status: ReadOnly[StepStatus]
    """Read from a log, it is plain text, which is equal."""
    started_at: ReadOnly[str | None]
    ended_at: ReadOnly[str | None]
    arguments: ReadOnly[JsonObject | None]
    """The evaluated fields; large values are references to files."""
    output: ReadOnly[Any]
    error: ReadOnly[Failure | None]
    attempts: ReadOnly[Sequence[AttemptRecord]]
    effect: StepEffect | None
    """For a write: how it was made. An undo adds to it later."""
    usage: ReadOnly[UsageRecord | None]
    items: NotRequired[ReadOnly[Sequence[Sequence[Any]]]]
    """For a loop: [key, title] of each item."""
    noun: NotRequired[ReadOnly[str]]
    """For a loop: the word for an item."""
    request: NotRequired[ReadOnly[JsonObject]]
    """What was sent to a model; may be a reference to a file."""
    due_at: NotRequired[ReadOnly[str | None]]
    """When the wait ends; None if a person ends it."""
    held: NotRequired[ReadOnly[Hold]]
    awaits: NotRequired[ReadOnly[AwaitedMail]]
    """The mail that it waits, or has waited, for."""
    paused: NotRequired[ReadOnly[Paused]]
    """For a debug run: that it pauses before its call; absent as soon as it is made."""
    scheduled: NotRequired[ReadOnly[bool]]
    """True if its mail was held until `due_at`, so that people could stop it; absent if it waits for something else."""
    waited: NotRequired[ReadOnly[Sequence[str]]]
    """When it began to wait, each time; absent if it never did."""
    handled: NotRequired[ReadOnly[bool]]
    """Whether the run goes on without it: it is not executed again."""
    fallback: NotRequired[ReadOnly[bool]]
    """Whether the output comes from its `on_error` steps."""
    identity: NotRequired[ReadOnly[str]]
    """For a write, from before it was sent."""
    note: NotRequired[ReadOnly[str]]
    """Why a test run left it out, or what a listing could not read."""
    pinned: NotRequired[ReadOnly[bool]]
    """Whether a given output was used instead of running it."""
    replayed: NotRequired[ReadOnly[bool]]
    """Whether the answer of an earlier run was used instead of calling."""
    approval: NotRequired[ReadOnly[str]]
    """The id of the question that it asked."""
    approved: NotRequired[ReadOnly[Approved]]
    """Who approved its call, if that was needed."""
    child_run_id: NotRequired[ReadOnly[str]]
    """The run that it called."""
    people_wait_seconds: NotRequired[ReadOnly[float]]
    """For a called agent: how long it has waited for people; absent if it has not."""
    stops: NotRequired[ReadOnly[StopRecord]]
    """If it ended the run."""
    planned: NotRequired[ReadOnly[PlannedStep]]
    """In a plan: what would have happened instead."""
    failed_models: NotRequired[ReadOnly[Sequence[FailedModel]]]
    """For a model step with a `fallback`: the models that gave no answer, in the order in which they were asked."""
    by_rule: NotRequired[ReadOnly[RuleRecord]]
    """For a model step: the rule that answered; no model was asked."""
    corrected: NotRequired[CorrectedRecord]
    """For a model step: the correction of its answer, added later."""


CANNOT_BE_UPDATED = "cannot be updated"
"""The note of a write that was kept although its fields differ now, and that its step type cannot update."""
REFUSALS = {"Rejected": "rejected by a person", "ApprovalExpired": "not approved in time"}
"""What became of a call that nobody approved, by the type of its error, if it is not known who rejected it."""


def refusal_words(error: Failure) -> str:
    """Return what became of a call that nobody approved: `rejected by ada`; of a mail for later, `stopped by ada`."""
    by = error.get("by")
    if by and error.get("stopped"):
        return f"stopped by {by}"
    return f"rejected by {by}" if by else REFUSALS[error["type"]]


def refusal_of(step: StepRecord) -> str | None:
    """Return the type of a step's error if nobody approved its call; None if somebody did, or it asked nobody."""
    error = step["error"]
    return error["type"] if error and step["status"] == StepStatus.FAILED and error["type"] in REFUSALS else None


def undo_of(step: StepRecord) -> UndoneRecord | None:
    """Return the undo of a step's write; None if it was not undone, or there is no write."""
    return step["effect"].get("undone") if step["effect"] else None
