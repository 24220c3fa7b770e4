"""The run document: what people and programs see of a run (docs/files.md: Run), and the acceptance it starts from."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, NotRequired

from typing_extensions import ReadOnly, TypedDict

from engine.base.definitions import RunDefinition
from engine.base.json_text import JsonObject
from engine.base.statuses import AccountMode, Priority, RunStatus
from engine.record.types.step import Failure, StepRecord, UsageRecord

Caller = Sequence[Any]
"""A step that called a run: [workflow id, step path, scope …]; the last is the caller of its own run, if any."""


Receipts = Literal["reuse", "update", "force"]
"""What a run does about a write that an earlier run made: use its receipt, update what was made, or make it again."""


class RunKind(StrEnum):
    """What a run is for: which of its steps really run, where their values come from, and what its writes do.

    An undo is not among them: it belongs to the run whose writes it undoes.
    """

    RUN = "run"
    """Executes its workflow and writes; a rerun, too, whatever it does about earlier answers and writes."""
    PLAN = "plan"
    """Reads and asks as a run would, and only shows its writes; it can be applied."""
    APPLY = "apply"
    """Executes a plan: it takes the answers of the plan, and makes the writes that the plan shows and no others."""
    PART = "part"
    """Executes one step, or a workflow some of whose outputs are pinned, and writes."""
    TRIAL = "trial"
    """Executes one step with values that a person has made up, and the runs which that calls; only shows its writes."""
    DEBUG = "debug"
    """Executes its workflow on the stand-ins, and pauses before steps."""
    REPLAY = "replay"
    """Ends each step as the run in a file did; it calls no service."""
    CORRECTION = "correction"
    """Goes on from the answer of a model that a person has corrected, and writes."""

    @property
    def is_test(self) -> bool:
        """Whether it is a test run: no basis for what its workflow does, costs or needs."""
        return self in _TESTS

    @property
    def writes_nothing(self) -> bool:
        """Whether a write only shows what it would do."""
        return self in _WITHOUT_WRITES


_TESTS = frozenset({RunKind.PART, RunKind.TRIAL, RunKind.DEBUG, RunKind.REPLAY})
_WITHOUT_WRITES = frozenset({RunKind.PLAN, RunKind.TRIAL, RunKind.REPLAY})


class AccountRecord(TypedDict):
    """The account behind a connection."""

    service: ReadOnly[str]
    mode: ReadOnly[AccountMode]
    account: NotRequired[ReadOnly[str]]
    """Its name; absent until the run has used it."""


class PlanTerms(TypedDict):
    """What a plan was made under, beside what every run records."""

    settings: ReadOnly[Mapping[str, str]]
    """Settings that decide what models answer and which accounts are meant: {`model_defaults.model`: value}."""


class AppliedPlan(TypedDict):
    """The plan that a run applies."""

    plan: ReadOnly[str]
    """The planning run of the same workflow."""
    root: ReadOnly[str]
    """The plan as a whole, with the workflows that it calls."""


class CorrectedAnswer(TypedDict):
    """The answer of a model step that a person has corrected."""

    run: ReadOnly[str]
    """The run whose step gave the wrong answer."""
    step: ReadOnly[str]
    """The path of the step, the same in both runs."""
    values: ReadOnly[JsonObject]
    """The right values, by field of the answer."""
    by: ReadOnly[str]
    """The person."""
    undone: NotRequired[ReadOnly[Sequence[str]]]
    """How the writes that the wrong answer caused were undone: "moves the page that it created to the trash"."""


class DebugTerms(TypedDict):
    """How a debug run begins."""

    breakpoints: ReadOnly[Sequence[str]]
    """Paths of steps before which it pauses; empty: it pauses before its first step."""
    draft: ReadOnly[bool]
    """Whether it runs the draft of the person who started it, and not the file."""


class RunOptions(TypedDict, total=False):
    """How a run differs from a plain one; empty for a plain run."""

    receipts: ReadOnly[Receipts]
    """How it uses the receipts of earlier writes, if not `reuse`."""
    replay: ReadOnly[str]
    """The run whose answers it uses."""
    plays: ReadOnly[JsonObject]
    """For a replay: the file of the run whose answers it plays ({`$file`}); it calls nothing."""
    only: ReadOnly[str]
    """For a test run: the path of the step that runs alone."""
    pins: ReadOnly[JsonObject]
    """For a test run: {step path: the output used instead of running it}."""
    from_run: ReadOnly[str]
    """For a test run: the run whose outputs stand in for the other steps."""
    outdated: ReadOnly[Sequence[str]]
    """For a run with `from_run`: the steps whose outputs there another definition has made; all in them is outside."""
    made_up: ReadOnly[Mapping[str, Sequence[Any]]]
    """For a test run with made-up values, which writes nothing: {path of a loop: its items instead of `foreach`}."""
    plan: ReadOnly[PlanTerms]
    """For a planning run: it writes nothing."""
    check: ReadOnly[str]
    """For a planning run: the plan that it compares with the present state of the world."""
    apply: ReadOnly[AppliedPlan]
    """The plan that it executes."""
    debug: ReadOnly[DebugTerms]
    """For a debug run, which pauses before steps and uses only stand-ins."""
    corrects: ReadOnly[CorrectedAnswer]
    """For a run that does an item of an earlier run again. It is not a test: `pins` has the corrected answer, `only`
    the item, if it is one of a loop, and `from_run` the earlier run, whose outputs stand in for the steps before."""


class TriggerItem(TypedDict):
    """What a trigger started a run for."""

    id: ReadOnly[str]
    """The trigger, in its workflow."""
    account: ReadOnly[str]
    source: ReadOnly[str]
    """What it watches in that account."""
    item: ReadOnly[str]
    title: ReadOnly[str]
    sender: NotRequired[ReadOnly[str]]
    """For a mail: its sender."""


class OutsideInput(TypedDict):
    """Text from outside in the inputs that a workflow or a message has given to a workflow."""

    place: ReadOnly[Sequence[str]]
    """The names on the way to it; `*` is any item of a list."""
    origin: ReadOnly[str]
    """Where it comes from, in words."""
    sender: ReadOnly[bool]
    """Whether it is the address from which the mail came that the caller works on."""
    file: NotRequired[ReadOnly[bool]]
    """Whether it is the path of a file that the caller has found in the workspace."""


class ConsentRecord(TypedDict, total=False):
    """What people had agreed to when a run with real accounts was accepted."""

    keys: ReadOnly[Sequence[str]]
    """See `engine.connections.consents.account_key`."""
    labels: ReadOnly[Mapping[str, str]]
    """The name of the account of each connection, for people."""


class EstimateRecord(TypedDict):
    """What a run was expected to cost before it started."""

    low_usd: ReadOnly[float | None]
    """None if a price is not known."""
    high_usd: ReadOnly[float | None]
    based_on: ReadOnly[str]
    sentence: ReadOnly[str]
    """The range and the assumption, in words."""


class EnvironmentRecord(TypedDict):
    """The environment of a run."""

    name: ReadOnly[str]
    version: ReadOnly[int | str]
    """The version of its workflow; `current`: the file as it was."""
    connections: ReadOnly[Mapping[str, str]]
    """The connection that stood for each of these names; `demo`: the stand-in of its service."""


class RunStart(TypedDict):
    """The members that a run document takes from the acceptance."""

    run_id: ReadOnly[str]
    """The time of acceptance and eight letters."""
    workflow: ReadOnly[str]
    workflow_hash: ReadOnly[str]
    demo: ReadOnly[bool]
    """Whether it touches only the demo."""
    started_by: ReadOnly[str]
    """A person, or `trigger:ID`."""
    origin_run_id: ReadOnly[str | None]
    """The run that this one repeats."""
    parent_run_id: ReadOnly[str | None]
    """The run that called it."""
    queued_at: ReadOnly[str]
    """When it was accepted."""
    inputs: ReadOnly[JsonObject]
    """With defaults; large values are references to files."""
    definition: ReadOnly[RunDefinition]
    """The texts that it runs with."""
    environment: NotRequired[ReadOnly[EnvironmentRecord | None]]
    """None if the workspace has no environments."""
    accounts: ReadOnly[Mapping[str, AccountRecord]]
    """By connection."""
    priority: NotRequired[ReadOnly[Priority]]
    """How urgent it is while more runs wait than can be worked on; `normal` if absent."""
    caller: NotRequired[ReadOnly[Caller | None]]
    options: NotRequired[ReadOnly[RunOptions]]
    trigger: NotRequired[ReadOnly[TriggerItem | None]]
    outside_inputs: NotRequired[ReadOnly[Sequence[OutsideInput]]]
    """If a workflow or a message started it: which of its inputs are text from outside."""
    changed_by: NotRequired[ReadOnly[Sequence[str]]]
    """Who had let the runs that called it continue with another definition."""
    estimate: NotRequired[ReadOnly[EstimateRecord | None]]
    """None if it asks no model, or another run called it."""
    confirmed: NotRequired[ReadOnly[Sequence[str]]]
    """What the person who started it agreed to at that moment."""


class Acceptance(RunStart):
    """Everything about a run that does not change, as stored when it is accepted."""

    modes: ReadOnly[Mapping[str, AccountMode]]
    """By connection of its workflow."""
    default_mode: ReadOnly[AccountMode]
    """For steps without a connection."""
    connections: ReadOnly[Mapping[str, str]]
    """The service of each connection of the workspace."""
    agreed: NotRequired[ReadOnly[ConsentRecord]]
    """For real accounts; empty for the demo."""


class OutcomeKind(TypedDict):
    """Something that was done with items of a run: a write, or a call that nobody approved."""

    word: ReadOnly[str]
    """`task` for what is created, else what was done: `labelled`; of a call that was not approved, what it was."""
    done: ReadOnly[str]
    """What was done, if the word is a name: `labelled`."""
    makes: ReadOnly[bool]
    """Whether it creates something, as opposed to a change that is the same when made twice."""
    because: ReadOnly[str]
    """Why it was not approved; empty for a write."""


class ItemsAlike(TypedDict):
    """Items with which the same was done."""

    items: ReadOnly[int]
    done: ReadOnly[Sequence[tuple[int, int]]]
    """(place in `kinds`, how often with each item)."""


class Outcomes(TypedDict):
    """What came of the items of a run, so that those of many runs can be added up; without a loop, of the run."""

    noun: ReadOnly[str]
    """What an item is: `mail`."""
    may_write: ReadOnly[bool]
    """Whether something could have been written about an item."""
    kinds: ReadOnly[Sequence[OutcomeKind]]
    alike: ReadOnly[Sequence[ItemsAlike]]
    """The items that succeeded."""
    endings: ReadOnly[Mapping[str, int]]
    """The others, by how they ended, in words: {`failed`: 1}."""
    repeated: ReadOnly[Mapping[str, int]]
    """How many of the items were `updated`, or `already done` by an earlier run."""
    names: NotRequired[Sequence[Sequence[str]]]
    """The items of each entry of `alike`, then of `endings`, by short hashes of their keys, so that an item that
    several runs have seen counts once; absent if there are no keys, or many items."""


class StepCounts(TypedDict):
    """How many steps, items and writes there were, by how they ended."""

    steps: ReadOnly[int]
    """The ones that ended with success or failure."""
    failed_steps: ReadOnly[int]
    items: ReadOnly[int]
    failed_items: ReadOnly[int]
    new_effects: ReadOnly[int]
    reused_effects: ReadOnly[int]
    differing_effects: ReadOnly[int]
    """Reused although this run wanted something different."""
    unknown_effects: ReadOnly[int]
    """Writes whose outcome is unknown."""


class Counts(StepCounts):
    """The same, and what came of it, once a run has ended or waits."""

    outcomes: NotRequired[ReadOnly[Outcomes]]
    rejected: NotRequired[ReadOnly[int]]
    """How many calls a person rejected, if nothing else failed."""
    stopped: NotRequired[ReadOnly[int]]
    """How many of these were mails for later, which that person stopped."""


class ResumeRecord(TypedDict):
    """A resumption of the run."""

    at: ReadOnly[str]
    by: ReadOnly[str]
    """The person, or `engine`."""
    answered: NotRequired[ReadOnly[bool]]
    """True if that person answered a question, so that what had failed was not done again."""
    newest: NotRequired[ReadOnly[bool]]
    """True if it took the current definition."""
    previous_hash: NotRequired[ReadOnly[str]]
    """The `workflow_hash` of the definition before."""


class Stopped(TypedDict):
    """How a `flow.stop` step ended the run."""

    message: ReadOnly[str]


class RunHead(RunStart):
    """A run without its steps; times are RFC 3339 texts in UTC."""

    schema_version: ReadOnly[int]
    kind: NotRequired[RunKind]
    """What its options say, for people and programs; absent in logs of 0.1.0, and set whenever a run is read."""
    status: RunStatus
    """Read from a log, it is plain text, which is equal. For an open run, its row knows better than its events."""
    sentence: str
    """What happened, in words; filled in by `engine.record.summary.sentence` from all the rest."""
    started_at: ReadOnly[str | None]
    ended_at: ReadOnly[str | None]
    duration_seconds: ReadOnly[float | None]
    """From its first start to its end, with all waits."""
    outputs: ReadOnly[Any]
    """None unless it succeeded."""
    error: ReadOnly[Failure | None]
    counts: Counts
    usage: ReadOnly[UsageRecord]
    due_at: NotRequired[ReadOnly[str | None]]
    """When its wait ends; None if it does not wait for a time."""
    resumed: NotRequired[ReadOnly[Sequence[ResumeRecord]]]
    cancel_requested: NotRequired[bool]
    """True while it is being cancelled."""
    stopped: NotRequired[ReadOnly[Stopped]]
    on_failure_error: NotRequired[ReadOnly[Failure]]
    """Why its `on_failure` steps failed."""


class Run(RunHead):
    """A run as people and programs see it."""

    steps: ReadOnly[Sequence[StepRecord]]
    """In the order in which they began."""
