"""The model of a step in a workflow file: its fields, each declared once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from engine.base.json_text import JsonSchema
from engine.base.statuses import StepStatus
from engine.base.step_tree import ON_ERROR, Child, Place
from engine.compiler.definition.approval_rules import StepRule
from engine.compiler.definition.identifiers import LONGEST
from engine.compiler.definition.step_field import StepField, declared_fields, form_schema
from engine.documents.shapes import Misfit
from engine.plugins.step import JsonValue

MAX_ITEMS = 10_000
"""The most items a loop may have."""
MOST_RULES = 200
"""The most rules of a step: each is compared with each mail."""
_LONGEST_CONDITION = 500


Name = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Seconds = Annotated[float, Field(gt=0, le=366 * 86_400, strict=True)]


class FilePart(BaseModel):
    """A part of a file, in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)


class RetryModel(FilePart):
    """How often a failed attempt is repeated."""

    attempts: int = Field(3, ge=1, le=20, strict=True, title="Attempts", description="Including the first.")
    backoff_seconds: float = Field(
        1.0, ge=0, le=3600, strict=True, title="Seconds before the second", description="Doubles each time."
    )
    on: list[str] = Field([], title="Errors after which it tries again, beside the usual ones")


class RuleModel(FilePart):
    """A rule about the mail that a model is asked about; all of its conditions must hold."""

    from_: str | None = Field(None, alias="from", max_length=_LONGEST_CONDITION, title="Sender: an address or a domain")
    list_: str | None = Field(None, alias="list", max_length=_LONGEST_CONDITION, title="Id of the mailing list")
    subject_is: str | None = Field(None, max_length=_LONGEST_CONDITION, title="Subject, all of it")
    subject_contains: str | None = Field(None, max_length=_LONGEST_CONDITION, title="Words in the subject")
    answer: dict[str, JsonValue] = Field(min_length=1, title="The answer: a value for each of some fields")
    note: str = Field("", max_length=1_000, title="Note for readers")


class FallbackModel(FilePart):
    """Steps that run in place of a failed one; the last output becomes the step's output."""

    steps: list[StepModel] = Field(min_length=1)


def _form_of(on_error: Any) -> str:
    return "[steps]" if isinstance(on_error, dict | FallbackModel) else "[word]"


def _is_on_error(word: Any) -> Any:
    if word not in _ON_ERROR:
        raise Misfit(
            "must be 'fail', 'continue' or {\"steps\": [ … ]}",
            "Choose one: 'fail' ends the run, 'continue' goes on without this step, steps run in its place.",
        )
    return word


_ON_ERROR = ("fail", "continue")
OnErrorWord = Annotated[Any, AfterValidator(_is_on_error), WithJsonSchema({"enum": list(_ON_ERROR)})]


class StepModel(FilePart):
    """One step: a call (`uses`) or a group (`steps`), optionally repeated (`foreach`)."""

    # In the order of the canonical form (engine/workspace/canonical.py).
    id: Annotated[
        Name,
        StepField("Name in expressions", details="Lower-case letters, digits and `_`; unique in the file."),
    ] = Field(examples=["read_mail"])
    title: Annotated[
        str | None,
        StepField("Title of the step", details="For people; without one, the title of its type.", is_of_loop=True),
    ] = None
    note: Annotated[str | None, StepField("Note", "For readers; it has no effect.", widget="text", is_of_loop=True)] = (
        None
    )
    needs: Annotated[
        list[str] | None,
        StepField(
            "Waits for",
            details="Ids of siblings; default: all before it; `[]`: it starts at once.",
            section="waiting",
            is_of_loop=True,
        ),
    ] = None
    if_: Annotated[
        str | bool | None,
        StepField(
            "Runs only if",
            "An expression that is true or false, such as {{ inputs.limit > 5 }}.",
            "A skipped step has no `output` and counts as finished; a step that uses its output"
            " [must check](validation.md#what-may-be-missing) first.",
            section="condition",
            takes_expressions=True,
            is_of_loop=True,
            is_fixed_after=(StepStatus.SKIPPED,),
        ),
    ] = Field(None, alias="if")
    foreach: Annotated[
        str | None,
        StepField(
            "For each item of",
            "A list, such as {{ steps.mails.output.messages }}.",
            f"It may have {MAX_ITEMS:,} items; the step or group runs for each.",
            section="repetition",
            takes_expressions=True,
            is_of_loop=True,
            is_fixed=True,
        ),
    ] = None
    as_: Annotated[
        Name,
        StepField(
            "Name of the item",
            details="Inside the loop; `index` and `key` are available too.",
            section="repetition",
            only_with="foreach",
            is_of_loop=True,
            is_fixed=True,
        ),
    ] = Field("item", alias="as")
    key: Annotated[
        str | None,
        StepField(
            "Key of the item",
            "The permanent name of an item: what is written for it is written once over all runs.",
            "This also holds for items of one run with the same key.",
            section="repetition",
            takes_expressions=True,
            only_with="foreach",
            is_of_loop=True,
            is_fixed=True,
        ),
    ] = None
    item_title: Annotated[
        str | None,
        StepField(
            "Title of the item",
            "What people see of an item.",
            section="repetition",
            takes_expressions=True,
            only_with="foreach",
            is_of_loop=True,
        ),
    ] = None
    parallel: Annotated[int, StepField("Items at once", section="repetition", only_with="foreach", is_of_loop=True)] = (
        Field(1, ge=1, le=256, strict=True)
    )
    on_item_error: Annotated[
        Literal["stop", "continue", "drop"],
        StepField(
            "If an item fails",
            "stop: no new item starts. continue: the others finish, then the run fails. drop: it is left out.",
            "With `stop`, the loop fails. After `continue`, a resume runs only the failed items. What is dropped is"
            " removed from the output and counted.",
            section="repetition",
            only_with="foreach",
            is_of_loop=True,
        ),
    ] = "stop"
    uses: Annotated[
        str | None, StepField("Type", "What the step does.", "One of the [types](#types).", is_fixed=True)
    ] = None
    connection: Annotated[
        str | None,
        StepField("Connection", "Whose account it uses. It is needed only if several fit.", only_with="uses"),
    ] = None
    approve: Annotated[
        StepRule | None,
        StepField(
            "A person approves it",
            details="Before the call ([approvals](trust.md#approvals)); an object says more about it.",
            section="approval",
            only_with="uses",
        ),
    ] = None
    once: Annotated[
        str | None,
        StepField(
            "Written once for",
            "A text that replaces the keys of the loops around it.",
            section="approval",
            takes_expressions=True,
            only_with="uses",
        ),
    ] = None
    with_: Annotated[
        dict[str, JsonValue],
        StepField(
            "Fields",
            details="The fields of its type.",
            section="elsewhere",
            takes_expressions=True,
            only_with="uses",
            is_fixed_after=(StepStatus.FAILED, StepStatus.WAITING, StepStatus.SUCCEEDED),
        ),
    ] = Field(default_factory=dict, alias="with")
    allow: Annotated[
        dict[str, list[str]],
        StepField(
            "Allowed values",
            'The values that a field may have, by its name: a list such as ["*@example.org"].',
            '`{"to": ["*@example.org", "me@example.com"]}`; `*` is any text. A call with any other value fails, and'
            " nothing is sent ([trust](trust.md)).",
            section="approval",
            only_with="uses",
            is_fixed_after=(StepStatus.WAITING,),
        ),
    ] = {}
    rules: Annotated[
        list[RuleModel],
        StepField(
            "Rules",
            "What always gets the same answer, without asking the model.",
            "For a step that asks a model about a mail ([rules](control.md#rules)); the first that matches answers.",
            section="elsewhere",
            only_with="uses",
        ),
    ] = Field([], max_length=MOST_RULES)
    retry: Annotated[
        RetryModel | None,
        StepField("Attempts", details="How often a failed attempt is repeated.", section="attempts", only_with="uses"),
    ] = None
    timeout_seconds: Annotated[
        Seconds | None,
        StepField(
            "Seconds",
            "For one attempt; for a group or loop: for everything inside.",
            "Default 60, models 300. Waits inside count, too; for `flow.wait`, it limits the wait. While a model "
            "writes, it [begins anew](own-accounts.md#how-long-a-model-may-take) with each word.",
            section="time",
        ),
    ] = None
    on_error: Annotated[
        Annotated[OnErrorWord, Tag("[word]")] | Annotated[FallbackModel, Tag("[steps]")],
        Discriminator(_form_of),
        StepField(
            "If it fails",
            details='`continue`: the run goes on without it; `{"steps": […]}`: these run instead, and can use `error`.',
            section="failure",
            is_fixed_after=(StepStatus.FAILED,),
        ),
    ] = "fail"
    steps: Annotated[
        list[StepModel] | None,
        StepField("Steps", details="The steps of a group or loop, instead of `uses`.", section="elsewhere"),
    ] = Field(None, min_length=1)
    output: Annotated[
        Any,
        StepField(
            "Output",
            "Of a group; else the outputs of its steps by id.",
            takes_expressions=True,
            only_with="steps",
            is_of_loop=True,
            is_fixed_after=(StepStatus.SUCCEEDED,),
        ),
    ] = None

    def inside(self) -> Iterator[Child[StepModel]]:
        """Yield the steps directly inside it."""
        yield from children(self.steps or (), ("steps",))
        if isinstance(self.on_error, FallbackModel):
            yield from children(self.on_error.steps, (ON_ERROR, "steps"))


def children(steps: Iterable[StepModel], place: Place) -> Iterator[Child[StepModel]]:
    """Yield the steps of a list with the place of each; `place` is that of the list."""
    for index, step in enumerate(steps):
        yield Child(step.id, step, (*place, index))


def misfits_of(step: StepModel, lost: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield (message, remedy) for keys of a step that contradict each other; `lost` are keys with a faulty value."""
    empty = {name for name in ("uses", "steps", "foreach") if getattr(step, name) is None}
    given = {field.rstrip("_") for field in step.model_fields_set} - empty | {*lost}
    if {"uses", "steps"} <= given:
        yield "Needs either 'uses' (a step type) or 'steps' (a group), not both.", "Take one of the two out."
    elif not {"uses", "steps"} & given:
        remedy = 'Add one, such as "uses": "flow.set".'
        yield "Needs either 'uses' (a step type) or 'steps' (a group); it has neither.", remedy
    for owner, fields in _ONLY_WITH.items():
        stray = [field for field in fields if field in given and owner not in given]
        if stray and (owner == "foreach" or {"uses", "steps"} & given):
            shown = ", ".join(map(repr, stray))
            yield f"{shown} goes only with {owner!r}.", f"Take {shown} out, or add {owner!r}."


FallbackModel.model_rebuild()
STEP_FIELDS: Mapping[str, StepField] = declared_fields(StepModel)
_ONLY_WITH = {
    owner: tuple(name for name, one in STEP_FIELDS.items() if one.only_with == owner)
    for owner in ("foreach", "uses", "steps")
}


@cache
def step_schema() -> JsonSchema:
    """Return the JSON Schema of a step, with what forms need of each field (`StepField`)."""
    return form_schema(StepModel)
