"""The base class of step types: fields, output, effect on the world, and how one call is made.

A step type describes one call of a service and nothing else: it does not retry, wait, log or ask for approval. The
engine does that for all of them, from what the type declares. The most important declaration is `effect` with `repeat`:
after a crash it is unknown whether a write arrived, and `repeat` decides whether the engine may send it again (`safe`),
asks the service first (`findable`), or asks a person (`unfindable`).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field

from clients.errors import Conflict, NotFound, ServiceError
from clients.limits.text_limit import TextLimit
from clients.mail.answering import MailConversation
from engine.base.definitions import PromptDefinition
from engine.base.json_text import JsonSchema
from engine.base.run_file import WORKSPACE_FILE, RunFile
from engine.base.services import is_model

JsonValue = Any
"""A plain JSON value: None, bool, int, float, str, list or dict of such."""
Prompts = Mapping[str, PromptDefinition]
"""The prompts that a step names, by reference."""


class Effect(StrEnum):
    """What a call does to the outside world."""

    PURE = "pure"
    READS = "reads"
    WRITES = "writes"


class Repeat(StrEnum):
    """What happens if a write is sent twice."""

    SAFE = "safe"
    """The same write twice changes nothing more (add a label)."""
    FINDABLE = "findable"
    """The service can be asked whether the first one arrived (`StepType.find`)."""
    UNFINDABLE = "unfindable"
    """Nobody can know whether it arrived; it is never sent again without a person's approval."""


class Role(StrEnum):
    """What a field means for trust in the workflow."""

    CONTENT = "content"
    """Takes text from outside."""
    DESTINATION = "destination"
    """A target: recipient, repository, URL, header, database, key, path, model, or what is read: a mail, a search. Text
    from outside must not decide it."""
    INSTRUCTION = "instruction"
    """An instruction for a model, a query, code, or HTML. Text from outside must not decide it."""
    OPTION = "option"
    """Anything else: numbers, switches, filters."""


Markup = Literal["", "markdown", "commit"]
"""`markdown`: the service makes links of addresses, and mentions people; `commit`: the text is, or becomes, the message
of a commit, where names still notify people and words such as `Fixes #1` close issues."""


def _role(role: Role, title: str, default: Any, extra: dict[str, Any]) -> Any:
    schema: dict[str, Any] = {"role": str(role)}
    if limit := extra.pop("limit", None):
        schema["limit"] = msgspec.structs.asdict(limit)
    for key in ("format", "widget", "markup", "names", "contentMediaType", "is_shown", "drops_empty"):
        if key in extra:
            schema[key] = extra.pop(key)
    return Field(default, title=title, json_schema_extra=dict(schema), **extra)


def content(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare a field that takes text from outside; `markup` says how the service reads it (Markup).

    With `drops_empty`, here and below, empty entries of its lists are left out, with a note.
    `limit` (clients/limits/): how long its texts may be there. Longer ones are made to fit before they are sent, and
    the output says so (`FITTED`). Other fields may have a limit, too.
    """
    return _role(Role.CONTENT, title, default, extra)


def destination(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare a field that decides where something goes; `format` names the picker, e.g. `github-repository`.

    With `names="file"` it may also be the path of a file that was found in the workspace (`found_file`). Forms do not
    fold away one with `is_shown`, although it may be left out.
    """
    return _role(Role.DESTINATION, title, default, extra)


def instruction(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare a field that instructs a model, a query or code; `contentMediaType` says what else it is: "text/html"."""
    return _role(Role.INSTRUCTION, title, default, extra)


def option(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare any other field."""
    return _role(Role.OPTION, title, default, extra)


FITTED = "fitted"
"""The member of an output that says, in sentences, which texts were too long for the service, and what became of them.

Every write has it that has a field with a limit.
"""


def limits_of(kind: StepType) -> Mapping[str, TextLimit]:
    """Return the limits of its fields, by name."""
    return _limits(kind.fields)


@cache
def _limits(fields: type[BaseModel]) -> Mapping[str, TextLimit]:
    known = fields_schema(fields).get("properties", {})
    return {name: TextLimit(**one["limit"]) for name, one in known.items() if "limit" in one}


EMBEDDING = "embedding_connection"
"""The field of a step on collections that names the connection of a model, which makes vectors of its texts."""


def embedding() -> Any:
    """Declare that field."""
    return destination("Model connection for vectors", "", format=EMBEDDING)


def outside(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare an output field that contains text from outside (a subject, a body, a comment)."""
    return Field(default, title=title, json_schema_extra={"outside": True}, **extra)


def address(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare an output field with the address of a page of the service: a title or a name of others may be part of it.

    It is text from outside, but leads to the service, so that content may link to it.
    """
    return Field(default, title=title, json_schema_extra={"outside": True, "address": True}, **extra)


def sender(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare an output field with the address that a mail came from: text from outside, to which a reply may go."""
    return Field(default, title=title, json_schema_extra={"outside": True, "sender": True}, **extra)


def found_file(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare an output field with the path of a file in the workspace that was found where the author looked for it.

    Its name is text from outside, but it leads to that file and nowhere else, so that a step may read it.
    """
    return Field(default, title=title, json_schema_extra={"outside": True, "format": WORKSPACE_FILE}, **extra)


def file_to_read(title: str, **extra: Any) -> Any:
    """Declare a field of type `RunFile | str`: a file of the run, or a path in the workspace.

    Text from outside must not decide the path; a file of a run, and what `found_file` declares, may come from anywhere.
    """
    return destination(title, extra.pop("default", ...), format=WORKSPACE_FILE, **extra)


def takes_files(schema: JsonSchema) -> bool:
    """Return whether a field takes a file of a run, or the path of one in the workspace, even if others named it."""
    return schema.get("format") == WORKSPACE_FILE or schema.get("names") == "file"


def own(title: str, default: Any = ..., **extra: Any) -> Any:
    """Declare an output field without text from outside, even if the step was given some (a person's comment)."""
    return Field(default, title=title, json_schema_extra={"outside": False}, **extra)


class Fields(BaseModel):
    """The arguments of one call; an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", strict=False, arbitrary_types_allowed=False)


class Output(BaseModel):
    """The result of one call, as workflows see it."""

    model_config = ConfigDict(extra="forbid")


class Part(BaseModel):
    """An object within an output."""

    model_config = ConfigDict(extra="forbid")


class Receipt(Struct, frozen=True):
    """The service's answer to a write: the id it assigned, and a URL that a person can open."""

    id: str
    url: str = ""


class Usage(Struct):
    """Tokens of model calls, summed over attempts; `cost_usd` is None if the price is unknown."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


def _no_files(file: RunFile) -> bytes:
    raise LookupError(f"there is no run that holds {file.name!r}")


def _no_paths(file: RunFile) -> AbstractContextManager[Path]:
    raise LookupError(f"there is no run that holds {file.name!r}")


class Embedder(Struct, frozen=True):
    """The model that makes the vectors of a step, beside its own service."""

    connection: str
    client: Any
    """Its opened client (clients/rag/embedding.py)."""


class WaitForMail(Struct, frozen=True):
    """Returned by a read instead of an output: the run waits, without a thread, until mail arrives in a conversation.

    Then, or at `due_at` at the latest, the call is made again, with this as its `waited`.
    """

    conversation: MailConversation
    due_at: datetime
    people: Sequence[str] = ()
    """Whose mail is awaited, for people: addresses and domains; empty: anybody's."""


class Call(Struct):
    """One call of one step: its input, and where it leaves what a person may want to see later."""

    fields: Any
    """An instance of the step type's `fields` model."""
    client: Any = None
    """The opened client of the step's connection (a class of `clients/`), or None."""
    marker: str = ""
    """Writes only: 32 letters and digits, the same for every attempt of the same write, never for another."""
    intended_at: datetime | None = None
    """Writes only: when this write was first about to be sent; nothing older can be its effect."""
    attempt: int = 1
    started_at: datetime | None = None
    """When this attempt began (aware, UTC): steps that need the time take it from here."""
    waited: WaitForMail | None = None
    """Reads: what the run has waited for since the call was made before."""
    approval_wait: timedelta = timedelta()
    """How long its run has waited so far for people to approve calls, and agents that it has called for people."""
    made_by_others: frozenset[str] = frozenset()
    """Writes without a marker that are looked for or repeated: ids (of receipts) that belong to other writes."""
    is_seen: bool = False
    """Writes only: whether a person has seen exactly this call: approved it, or applied a plan that shows it."""
    is_resent: bool = False
    """Writes only: whether it was claimed before, so that another process may have sent it."""
    prompts: Prompts = {}  # msgspec copies an empty dict or list for each object, here and below
    """The prompts of the run's definition, by the reference in the step's `prompt` field."""
    render: Callable[[PromptDefinition, Mapping[str, JsonValue]], list[dict[str, str]]] | None = None
    """Fills a prompt's variables: (prompt, variables) -> messages [{role, content}]."""
    usage: Usage = msgspec.field(default_factory=Usage)
    request: dict[str, JsonValue] = {}
    """What was actually sent, if it says more than the arguments (a model's rendered messages)."""
    notes: list[str] = []
    """Sentences for a person about a successful call: for example, what it could not read."""
    kept: dict[str, Any] = {}
    """What an attempt has that the next one of the same call need not ask for, and pay, again."""
    read: Callable[[RunFile], bytes] = _no_files
    """Returns the content of a file in a field; called before anything is sent. Raises InvalidRequest."""
    path: Callable[[RunFile], AbstractContextManager[Path]] = _no_paths
    """Gives the same as a local file, to be read inside: it takes no memory, however large it is."""
    other_model: str | None = None
    """Models: which one is asked instead of the step's own; "" is the one that its connection names."""
    is_other_service: bool = False
    """Whether that model belongs to another service, which may not know all parameters."""
    has_next_model: bool = False
    """Whether another model is asked if this one gives no answer, or refuses."""
    embedder: Embedder | None = None
    """The model that makes vectors (`embedding`), where the step names one."""
    on_text: Callable[[str], None] | None = None
    """Receives a model's answer piece by piece, for people who watch; nothing depends on it. None: nobody watches."""

    @property
    def is_again(self) -> bool:
        """Whether an earlier attempt, perhaps of another process, may have written something."""
        if self.intended_at is None or self.started_at is None:
            return self.is_resent or self.attempt > 1
        return self.is_resent or self.attempt > 1 or self.started_at - self.intended_at > timedelta(seconds=1)


class WaitUntil(Struct, frozen=True):
    """Returned instead of an output: the run waits, without a thread, until `due_at`; then `output` is the output."""

    due_at: datetime
    output: dict[str, JsonValue] = {}


class StopRun(Struct, frozen=True):
    """Returned instead of an output: the run ends here, succeeded, with these outputs; no new step starts."""

    outputs: dict[str, JsonValue] = {}
    message: str = ""


class AskPerson(Struct, frozen=True):
    """Returned instead of an output: the run waits until a person approves (`approvals`) or rejects."""

    message: str
    details: JsonValue = None
    """Shown to the person beside the message."""
    give: Mapping[str, float] = {}
    """Amounts that the person may change, by name, as they are proposed; the output has them as `given`."""
    may_refuse: bool = False
    """Whether a rejection is an answer, with `approved` false, and no failure of the step."""


class CallWorkflow(Struct, frozen=True):
    """Returned instead of an output: another workflow runs as a run of its own; its outputs become the output."""

    workflow: str
    inputs: dict[str, JsonValue] = {}


Directive = WaitUntil | WaitForMail | StopRun | AskPerson | CallWorkflow
"""What a step may ask of the engine instead of returning an output."""

Result = JsonValue | Directive
"""What `StepType.call` may return."""


class Written(Struct, frozen=True):
    """A write that a run made, according to its log: the input of `StepType.undo` and `update`."""

    arguments: Mapping[str, JsonValue]
    output: JsonValue
    receipt: Receipt
    marker: str
    """The write's marker in the service."""
    done_at: datetime
    updated: bool = False
    """Whether it updated what an earlier write had made, whose previous content is unknown."""
    undone_markers: AbstractSet[str] = frozenset()
    """Undo: the markers of the writes of this run that have been undone before this one, and of what those removed."""


@dataclass(frozen=True)
class Preview:
    """What a write would do, for people, and what it would do it to (`StepType.preview`)."""

    title: str
    """The object in one line: a subject, a page's title, a file's path."""
    text: str
    """What would be there afterwards, as people read it."""
    before: str | None = None
    """What is there now, in the same form; None: the write makes something new."""
    object: str = ""
    """What it changes, or makes unless it is there, named in its account: writes with the same name concern one thing.

    Empty: it makes something new in any case.
    """
    version: str = ""
    """What the service calls the present state of the object (a SHA, a time of change), where it says one."""
    to: str = field(default="", compare=False)
    """The recipients of a mail, which `text` names, too."""
    url: str = field(default="", compare=False)
    """The web address of the object, or of the mail that is answered; empty if it has no address."""
    head: Sequence[Sequence[str]] = field(default=(), compare=False)
    """If `text` is a letter: the lines above its blank line, each with its name (`To`), or "" for a sentence."""

    @property
    def body(self) -> str | None:
        """The text below its head; None if it does not begin with one."""
        head = "".join(f"{head_line(one)}\n" for one in self.head)
        return self.text.removeprefix(head).removeprefix("\n") if head and self.text.startswith(head) else None


def head_line(line: Sequence[str]) -> str:
    """Return a line of the head of a letter, given its name and value."""
    name, value = line
    return f"{name}: {value}" if name else value


def ids_of(written: Written) -> list[str]:
    """Return the ids of all messages that a text took (`ids` of the output), or the only one."""
    return [str(one) for one in written.output.get("ids") or [written.output["id"]]]


class NotWanted(ServiceError):
    """Raised by a write before it sends anything: it is not wanted any more, as the message says.

    The step succeeds, without an effect; its output says that nothing was written (`may_be_unwanted`).
    """


class CannotUndo(Exception):
    """An undo that must not be made, because somebody changed the target since; the message says what."""


@contextmanager
def changes_respected() -> Iterator[None]:
    """Turn a client's Conflict, which says what somebody changed, into CannotUndo."""
    try:
        yield
    except Conflict as error:
        raise CannotUndo(error.message) from error


_GONE = "It has been deleted since then. `orchestra runs rerun RUN --force` writes it again."


@contextmanager
def gone_explained() -> Iterator[None]:
    """Explain what to do if the object to update no longer exists."""
    try:
        yield
    except NotFound as error:
        error.remedy = _GONE
        raise


_UPDATED = "It updated what an earlier run had created, and the earlier content is not known."


class PluginType(ABC):
    """What `uses` can name: a step type or a trigger type."""

    name: ClassVar[str]
    """`service.action`, the value of `uses`."""
    title: ClassVar[str]
    """What it does, in words for people: "Create an issue"."""
    service: ClassVar[str | None] = None
    """The service whose connection it needs, if any."""
    connection_optional: ClassVar[bool] = False
    of_connection: ClassVar[str] = ""
    """The only connection that it can use, for one that only this account has."""
    link: ClassVar[str] = ""
    """What the addresses in its output lead to, in one word: "Draft". Empty: as its service says (`Service.link`)."""
    fields: ClassVar[type[Fields]]

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Return problems that the schema of the fields cannot express: [(field, message)]; called by the compiler."""
        return []


_MAY_BE_NEW = 100
"""Items that may have come to the front of a list since it was read."""


class StepType(PluginType):
    """A type of step. A new one is a class in a new module of `engine/steps/`, where everything else finds it."""

    done: ClassVar[str] = ""
    """Writes: what happens to the object, in one word: "labelled"."""
    agreed: ClassVar[str] = ""
    """Writes: what happens if a person agrees, with `{to}` (the recipient or place) or `{what}` (the title of its
    preview): "this mail goes to {to}". Empty: its title says it."""
    effect: ClassVar[Effect] = Effect.PURE
    repeat: ClassVar[Repeat | None] = None
    approval: ClassVar[Literal["always", "never"]] = "never"
    """Writes: whether a person approves each one unless a rule says otherwise (docs/trust.md: Approvals).

    `always` is for what reaches people or places outside the workspace's own accounts, merges or deletes.
    """

    def absence(self) -> str:
        """Return what this machine lacks for it, as a sentence with the remedy; empty if nothing."""
        return ""

    def unfit(self, arguments: Mapping[str, JsonValue], settings: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return (field, sentence) for what cannot be done here, with its service's settings from config.yaml."""
        return []

    def approval_of(self, arguments: Mapping[str, JsonValue]) -> Literal["always", "never"]:
        """Return `approval` for a call with these fields as written, where it depends on them."""
        return self.approval

    sends_mail: ClassVar[Literal["", "written", "stored"]] = ""
    """Writes: whether other people get what is sent; `stored` is for text that the service holds, such as a draft."""
    makes: ClassVar[tuple[str, ...]] = ()
    """Writes: what a call may add to its account, or change there, that starts runs (`TriggerType.watches`)."""
    leaves_drafts: ClassVar[bool] = False
    """Writes: whether it leaves a draft in its account, where searches may find it."""

    def search_for_drafts(self, arguments: Mapping[str, JsonValue]) -> tuple[str, str] | None:
        """Reads: return (field, remedy) of a search that also finds drafts, unless it is meant for them.

        A field that is not known before a run has a value that is not JSON.
        """
        return None

    tells_fitted: ClassVar[bool] = False
    """Writes: whether its client knows limits that no field does, so that its output has `FITTED` by itself."""

    def may_be_unwanted(self, arguments: Mapping[str, JsonValue]) -> bool:
        """Writes: return whether a call with these fields as written may raise NotWanted.

        Then its output says whether it was `written` and, if not, `why`.
        """
        return False

    lag_seconds: ClassVar[float] = 0.0
    """Findable writes: how long the service may hide a new write from `find`."""
    timeout_seconds: ClassVar[float] = 60.0
    heavy: ClassVar[bool] = False
    """Pure steps: whether a call may take more than a few milliseconds, so that it is made in a worker thread."""
    hands_on: ClassVar[frozenset[str]] = frozenset()
    """Fields that `call` only copies to its result: large values in them are not loaded (engine/record/values.py)."""
    sees_edits: ClassVar[bool] = False
    """Whether the engine fills its field `edited` with the calls of the run so far that people edited, by path."""
    streams: ClassVar[bool] = False
    """Models: whether the answer is text that people can watch as it arrives (`Call.on_text`)."""
    embeds: ClassVar[bool] = False
    """Models: whether it asks for vectors, so that there is no answer in words."""
    keeps_files: ClassVar[bool] = False
    """Whether its answer may name files of runs that its fields do not: it gives back what steps have stored."""
    is_for_output: ClassVar[bool] = False
    """Pure steps: whether the output is their only purpose, so that an unused one is probably a mistake."""
    is_tool: ClassVar[bool] = False
    """Whether the author decides what it does, such as any request of a service; drawings show it as a tool."""
    output: ClassVar[type[Output] | None] = None
    """None if the shape depends on the fields: then override `output_schema`."""

    @abstractmethod
    def call(self, call: Call) -> Result:
        """Make one attempt and return the output.

        Runs in a worker thread (pure ones that are not `heavy` on the engine's loop: they must not block). Raises
        ServiceError.
        """

    def find(self, call: Call) -> JsonValue | None:
        """Findable writes: return the output that `call` would have returned if this very write arrived, else None.

        Must use a read that the service keeps consistent, never a search index. Raises OutcomeUnknown if this account
        cannot know: then a person is asked, as for unfindable writes.
        """
        raise NotImplementedError(self.name)

    def is_marked(self, fields: Any) -> bool:
        """Findable writes: return whether the object bears the marker; if not, an equal write's object looks the same.

        Then `call.made_by_others` lists what to leave out, and while an equal write is open itself, a person decides.
        """
        return True

    undoes: ClassVar[str] = ""
    """Writes: what undoing it does, for people: "closes the issue with a note". Empty: it cannot be undone."""
    stays: ClassVar[str] = ""
    """Writes with `undoes`: what remains in the service: "the closed issue and the note"."""
    lasts: ClassVar[str] = "There is no way to take it back."
    """Writes without `undoes`: why it cannot be undone, as a sentence."""

    def why_kept(self, written: Written) -> str:
        """Writes: return why this one cannot be undone in any case; empty if it can be. Must not call the service."""
        if not self.undoes:
            return self.lasts
        return _UPDATED if written.updated else ""

    def undo(self, call: Call, written: Written) -> None:
        """Writes with `undoes`: undo the write. Repeating a completed undo must change nothing.

        `call.fields` are the fields it was made with, `call.marker` marks what the undo itself writes (a note). Raises
        CannotUndo if somebody changed the target since, ServiceError.
        """
        raise NotImplementedError(self.name)

    updates: ClassVar[bool] = False
    """Writes: whether `update` can apply new fields to what an earlier write made."""
    updates_always: ClassVar[bool] = False
    """Writes with `updates`: whether an update is also made with equal fields, since what was written may be gone."""

    def update(self, call: Call, written: Written) -> JsonValue:
        """Writes with `updates`: change what an earlier write made to `call.fields`, and return the new output.

        Must be idempotent. Raises ServiceError (NotFound if the object no longer exists).
        """
        raise NotImplementedError(self.name)

    def receipt(self, output: JsonValue) -> Receipt:
        """Writes: return what to keep of an output for ever."""
        return Receipt(id=str(output.get("id", "")), url=str(output.get("url", "")))

    def target(self, fields: Any) -> str:
        """Writes: return the target (a repository, a database); writes with the same target run one at a time."""
        return ""

    def markup_of(self, name: str, arguments: Mapping[str, JsonValue]) -> Markup:
        """Writes: return how the service reads a field, so that it does nothing there that a stranger wrote."""
        markup: Markup = fields_schema(self.fields)["properties"].get(name, {}).get("markup", "")
        return markup

    def preview(self, call: Call) -> Preview:
        """Writes: return what `call` would do. It may read, and is called where nothing else can be sent.

        Fields that hold text may contain parts that are not known yet, between double angle brackets. Raises
        ServiceError: the write would fail, too.
        """
        return described(self, call.fields.model_dump(exclude_unset=True))

    volatile: ClassVar[frozenset[str]] = frozenset({"has_more"})
    """Reads: members of the output that may differ although nothing was changed: a number of hits, a header."""

    def reread(self, arguments: Mapping[str, JsonValue], output: JsonValue) -> Mapping[str, JsonValue]:
        """Reads: return the arguments with which all that `output` has is read again, whatever is new since."""
        limit = fields_schema(self.fields).get("properties", {}).get("limit", {})
        if "maximum" not in limit:
            return arguments
        most = arguments.get("limit", limit.get("default"))
        return {**arguments, "limit": min(limit["maximum"], most + _MAY_BE_NEW)} if isinstance(most, int) else arguments

    def waits_until(self, arguments: Mapping[str, JsonValue], now: datetime) -> datetime | None:
        """Return until when a call that begins now may wait; None: it does not.

        Reads: for mail (`WaitForMail`). Writes: how long the call is held although it is ready, so that people can
        still stop it. What is not known yet in a plan is not among the arguments.
        """
        return None

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """Return the effect of a call with these arguments, for types whose effect depends on them (an HTTP method)."""
        return self.effect, self.repeat

    @property
    def may_write(self) -> bool:
        """Whether some call writes, as far as the type can tell without arguments."""
        return self.effect is Effect.WRITES or type(self).effect_of is not StepType.effect_of

    def hosts(self, arguments: Mapping[str, JsonValue]) -> Sequence[str]:
        """Return the hosts that a call with these fields may send to, besides its connection's own."""
        return ()

    def is_derived(self, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether the output of a call with these fields says nothing that it was not given, as a model's does.

        Then it is text from outside only if some was given, and a plan need not read it again.
        """
        return self.service is None or is_model(self.service)

    def output_schema(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> dict[str, JsonValue]:
        """Return the JSON Schema of the output, for the compiler.

        `arguments` are the step's fields as written (with their `{{ }}`); `prompts` the prompts that it names.
        """
        schema: dict[str, JsonValue] = json.loads(_schema_text(self.output)) if self.output else {}
        if schema and limits_of(self):
            schema["properties"][FITTED] = {"type": "array", "items": {"type": "string"}, "title": "What was too long"}
            schema["required"] = [*schema.get("required", ()), FITTED]
        if schema and self.may_be_unwanted(arguments):
            schema["properties"] |= {
                "written": {"type": "boolean", "title": "Written"},
                "why": {"type": "string", "title": "Why it was not written"},
            }
            schema["required"] = [*schema.get("required", ()), "written", "why"]
        return schema

    knows_account: ClassVar[bool] = False
    """Whether `seen_schema` adds something to the schema of the output."""

    def seen_schema(
        self, arguments: Mapping[str, JsonValue], schema: dict[str, JsonValue], seen: Any
    ) -> dict[str, JsonValue]:
        """Return the schema of the output with what the account was last seen to have (`AccountSighting.what`).

        Whatever is in doubt stays open: a difference to what the account has now is not a mistake of the workflow.
        """
        return schema


@lru_cache(maxsize=1024)
def _schema_text(output: type[BaseModel]) -> str:
    """Return the JSON Schema of a model as text: a check of one agent asks hundreds of times, and pydantic is slow."""
    return json.dumps(output.model_json_schema(mode="serialization"))


def described(kind: StepType, arguments: Mapping[str, JsonValue]) -> Preview:
    """Return a preview made of the arguments alone: the texts that people read last, after where they go."""
    roles = {name: one.get("role") for name, one in fields_schema(kind.fields).get("properties", {}).items()}
    told = {name: value for name, value in arguments.items() if value not in (None, "", [], {})}
    texts = [str(value) for name, value in told.items() if roles.get(name) == Role.CONTENT and "\n" in str(value)]
    lines = lines_of({name: value for name, value in told.items() if str(value) not in texts})
    titles = (str(told[name]) for name in ("title", "subject", "name") if name in told)
    return Preview(
        " ".join(next(titles, kind.title).split()), "\n".join([lines, *(f"\n{text}" for text in texts)]).strip()
    )


def lines_of(values: Mapping[str, JsonValue]) -> str:
    """Return values by name for people, one a line: `labels: ["bug"]`."""
    return "\n".join(f"{name}: {_on_one_line(value)}" for name, value in values.items())


def _on_one_line(value: JsonValue) -> str:
    is_line = isinstance(value, str) and len(value.splitlines()) < 2
    return value if is_line else json.dumps(value, ensure_ascii=False)


@cache
def fields_schema(kind: type[BaseModel]) -> JsonSchema:
    """Return the JSON Schema of a fields model (cached: pydantic takes milliseconds for one)."""
    schema: JsonSchema = kind.model_json_schema()
    return schema
