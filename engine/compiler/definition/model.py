"""The models of a workflow file: its keys and their types."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from engine.base.names import NAME
from engine.base.statuses import Priority
from engine.base.step_tree import FAILURE, Place, StepNode, walk
from engine.budgets.settings import WorkflowBudget
from engine.compiler.definition.access_lists import AccessModel
from engine.compiler.definition.approval_rules import Rule
from engine.compiler.definition.identifiers import LONGEST, name_fault
from engine.compiler.definition.step_model import FallbackModel, FilePart, Name, Seconds, StepModel, children
from engine.documents.shapes import Misfit
from engine.plugins.step import JsonValue


def _identifier(name: str) -> str:
    fault = name_fault(name)
    if fault is not None:
        raise Misfit(*fault)
    return name


Identifier = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_identifier)]


def _workflow_id(text: Any) -> Any:
    if not isinstance(text, str) or not NAME.match(text):
        raise Misfit(
            "must be up to 64 lower-case letters, digits, '-' and '_', a letter or digit first",
            "Leave it out, and saving the workflow in the dashboard or by `orchestra` gives it one.",
        )
    return text


WorkflowId = Annotated[Any, AfterValidator(_workflow_id)]

Steps = Annotated[list[StepModel], Field(min_length=1)]


def _form_of_steps(on_failure: Any) -> str:
    return "[list]" if isinstance(on_failure, list) else "[steps]"


class TriggerModel(FilePart):
    """One trigger: what it watches (`uses`, `with`), and how an item becomes the inputs of a run."""

    id: Name = Field(examples=["new_mail"])
    title: str | None = None
    uses: str
    connection: str | None = None
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    poll_seconds: Annotated[float, Field(ge=1, le=86_400, strict=True)] | None = None


class ParallelModel(FilePart):
    """How many runs started by triggers may be in progress at the same time."""

    parallel: int = Field(ge=1, le=256, strict=True)


def _form_of_concurrency(concurrency: Any) -> str:
    return "[parallel]" if isinstance(concurrency, dict | ParallelModel) else "[word]"


def _is_concurrency(word: Any) -> Any:
    if word not in ("queue", "skip", "cancel_previous"):
        raise Misfit(
            "must be 'queue', 'skip', 'cancel_previous' or {\"parallel\": 4}",
            "Choose one: 'queue' runs one after the other, 'skip' leaves out what comes while one runs,"
            " 'cancel_previous' cancels the one that runs.",
        )
    return word


ConcurrencyWord = Annotated[Any, AfterValidator(_is_concurrency)]


def _no_boolean(version: Any) -> Any:
    if isinstance(version, bool):  # Python treats true as 1
        raise Misfit("must be 1", "Write 1.")
    return version


Version = Annotated[Literal[1], BeforeValidator(_no_boolean)]


class WorkflowModel(FilePart):
    """A workflow file."""

    schema_version: Version = Field(examples=[1])
    id: WorkflowId = None
    """Stays the same when the file is renamed: receipts and triggers go by it. Without one it is the file's name."""
    title: str = ""
    description: str = ""
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    triggers: list[TriggerModel] = Field([])
    concurrency: Annotated[
        Annotated[ConcurrencyWord, Tag("[word]")] | Annotated[ParallelModel, Tag("[parallel]")],
        Discriminator(_form_of_concurrency),
    ] = "queue"
    priority: Priority | None = None
    """How urgent its runs are, unless whoever starts one says otherwise."""
    allow: list[Literal["reply_to_sender"]] = Field([])
    """Exceptions from the rules about text from outside."""
    links: list[str] = Field([])
    """Hosts to which text from outside may link, beside those that the workflow names; `*` is any."""
    privacy: Literal["local"] | None = None
    """`local`: text from outside stays on this machine."""
    expose: bool = False
    """Whether programs can call it as a tool, by MCP (api/mcp/tools.py)."""
    timeout_seconds: Seconds | None = None
    access: AccessModel = AccessModel()
    """Who keeps the rights of their role in this workflow; a missing list takes no right away."""
    approvals: dict[str, Rule] = Field({})
    """When calls need a person's approval, by step type; `default` is for the other types."""
    budget: WorkflowBudget | None = None
    steps: list[StepModel] = Field(min_length=1)
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    on_failure: (
        Annotated[
            Annotated[FallbackModel, Tag("[steps]")] | Annotated[Steps, Tag("[list]")], Discriminator(_form_of_steps)
        ]
        | None
    ) = None
    """Steps that run when the run has failed; they can use `inputs`, `run`, `error` and each other."""

    @property
    def failure_steps(self) -> list[StepModel]:
        """The steps of `on_failure`, in whichever form they are written."""
        if isinstance(self.on_failure, FallbackModel):
            return self.on_failure.steps
        return self.on_failure or []

    @property
    def failure_place(self) -> Place:
        """The place of the list of these steps in the file."""
        return (FAILURE, "steps") if isinstance(self.on_failure, FallbackModel) else (FAILURE,)

    def nodes(self) -> Iterator[StepNode[StepModel]]:
        """Yield every step, outer before inner, in file order; the steps of `on_failure` last."""
        after = children(self.failure_steps, self.failure_place)
        return walk(chain(children(self.steps, ("steps",)), after), StepModel.inside)
