"""A prompt as data: the form of its file, and its messages with the variables filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, Protocol, TypedDict

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clients.wording import did_you_mean
from engine.base.definitions import PromptDefinition, PromptMessage
from engine.base.errors import ExpressionError, InvalidFile, InvalidInput
from engine.base.json_text import JsonObject, JsonSchema
from engine.base.problem import Problem
from engine.compiler.definition.model import Identifier, Version
from engine.documents.json_file import JsonFile, JsonPath, parse
from engine.documents.schema_check import misfits
from engine.documents.shapes import Fault, faults
from engine.expressions.expressions import Template, compile_template
from engine.expressions.json_values import shown
from engine.plugins.step import JsonValue
from engine.prompts.assertions import AnswerAssertion
from engine.workspace.canonical import canonical

_DRAFT = "prompt"
"""The file name in problems of a prompt that is not saved."""
DEFAULT_LABEL = "production"
PASS_AT_LEAST = 0.8
"""The share of the cases of a prompt that should pass with the model that a workflow asks."""


MOST_EXAMPLES = 8
"""How many cases a prompt shows the model as examples at most."""
MOST_EXAMPLE_TOKENS = 1_500
"""Of all examples of a question together, estimated: small models read few thousand tokens at once."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class MessageModel(_Part):
    """One message; `content` is its text, or a list of lines."""

    role: Literal["system", "user", "assistant"]
    content: str | list[str]


class SampleModel(_Part):
    """Values to try a prompt with."""

    name: str = Field(min_length=1)
    variables: dict[str, JsonValue] = Field(default_factory=dict)


class MoveModel(_Part):
    """A move of a protected label, or one that somebody gave a reason for."""

    label: str
    version: int = Field(ge=1)
    by: str
    at: str
    reason: str | None = None
    cases: int | None = None
    demo: bool = False


class MessagePart(TypedDict):
    """A piece of the text of a message."""

    text: str
    variable: str | None
    """The expression that it is the value of; None for the prompt's own text."""


class MarkedMessage(TypedDict):
    """A message with the values of its variables marked."""

    role: str
    content: str
    tokens: int
    """An estimate."""
    parts: list[MessagePart]
    """The content in pieces."""


class CaseExample(Struct, frozen=True):
    """A case with its right answer, which the model gets as an earlier turn of the conversation."""

    case: str
    """The name of its file."""
    variables: Mapping[str, object]
    """A value for each variable of the prompt."""
    answer: str
    """JSON."""


class PromptModel(_Part):
    """A prompt file."""

    schema_version: Version
    title: str = ""
    description: str = ""
    tags: list[str] = Field(default_factory=list)
    labels: dict[str, int] = Field(default_factory=dict)
    protected: list[str] = Field(default_factory=list)
    model: str | None = None
    pass_at_least: float = Field(PASS_AT_LEAST, ge=0, le=1)
    sure_at_least: float | None = Field(None, gt=0, le=1)
    examples: int | None = Field(None, ge=1, le=MOST_EXAMPLES)
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    variables: dict[Identifier, dict[str, Any]] = Field(default_factory=dict)
    messages: list[MessageModel] = Field(min_length=1)
    output_schema: dict[str, Any] | None = None
    assertions: list[AnswerAssertion] = Field(default_factory=list)
    samples: list[SampleModel] = Field(default_factory=list)
    fragments: dict[str, str] = Field(default_factory=dict)
    moves: list[MoveModel] = Field(default_factory=list)


def of_draft(document: Mapping[str, Any]) -> PromptDefinition:
    """Return a document being edited, if it has the form of a prompt. Raises InvalidFile."""
    return checked(parse(canonical(dict(document), "prompt"), _DRAFT))


class PlacedDocument(Protocol):
    """A document with the places of its parts: a JsonFile, or a prompt in another form of file."""

    @property
    def file(self) -> str:
        """The name used in problems."""
        ...

    @property
    def value(self) -> Any:
        """The document."""
        ...

    def place(self, path: JsonPath, offset: int = 0) -> tuple[int, int]:
        """Return line and column (from 1) of a value; `offset` is an index into a text."""
        ...

    def key_place(self, path: JsonPath) -> tuple[int, int]:
        """Return line and column (from 1) of a key."""
        ...


def checked(file: JsonFile) -> PromptDefinition:
    """Return the document of a prompt file of the right form. Raises InvalidFile."""
    try:
        PromptModel.model_validate(file.value)
    except ValidationError as error:
        raise InvalidFile.of(file.file, form_problems(file, error)) from error
    checked: PromptDefinition = file.value
    return checked


def form_problems(file: PlacedDocument, error: ValidationError) -> list[Problem]:
    """Return the faults that PromptModel finds in the file, with their places."""
    return [
        prompt_problem(file, one.path, one.message, one.code, _remedy(one), at_key=one.is_about_key)
        for one in faults(error, PromptModel, file.value)
    ]


def _remedy(fault: Fault) -> str:
    if fault.path[:1] == ("moves",):
        whole = "this move" if len(fault.path) > 1 else "'moves'"
        return f"Remove {whole}: the history is written when a label moves, not by hand."
    return fault.remedy


def messages(
    document: PromptDefinition, variables: Mapping[str, object], examples: Sequence[CaseExample] = ()
) -> list[dict[str, str]]:
    """Return the messages [{role, content}] with the variables filled in; expressions inside values are never expanded.

    `examples` come before the last message of the user. Raises InvalidInput for a variable that is missing, unknown or
    of the wrong type, ExpressionError.
    """
    names = filled(document.get("variables", {}), variables)
    roots = frozenset(names)
    found = [
        {"role": message["role"], "content": _content(number, text_of(message["content"]), roots, names)}
        for number, message in enumerate(document["messages"])
    ]
    if not examples:
        return found
    asked = question_number(document)
    return [*found[:asked], *(turn for one in examples for turn in example_turns(document, one)), *found[asked:]]


def question_number(document: PromptDefinition) -> int:
    """Return the place of the last message of the user; after the last message without one."""
    numbers = [number for number, message in enumerate(document["messages"]) if message["role"] == "user"]
    return numbers[-1] if numbers else len(document["messages"])


def example_turns(document: PromptDefinition, example: CaseExample) -> list[dict[str, str]]:
    """Return an example as messages: the last one of the user with its values, and its answer. Raises ExpressionError.

    `document` has a message of the user.
    """
    number = question_number(document)
    text = text_of(document["messages"][number]["content"])
    asked = _content(number, text, frozenset(example.variables), example.variables)
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": example.answer}]


def marked(
    document: PromptDefinition, variables: Mapping[str, object], examples: Sequence[CaseExample] = ()
) -> list[MarkedMessage]:
    """Return the messages with the values of variables marked where they came in. Raises as `messages`."""
    names = filled(document.get("variables", {}), variables)
    asked = question_number(document)
    found = [_parts(message, names) for message in document["messages"]]
    turns = [turn for one in examples for turn in _example_parts(document["messages"][asked], one)]
    sent = messages(document, variables, examples)
    return [
        MarkedMessage(
            role=message["role"],
            content=message["content"],
            tokens=estimated_tokens(message["content"]),
            parts=parts,
        )
        for message, parts in zip(sent, [*found[:asked], *turns, *found[asked:]], strict=True)
    ]


def _parts(message: PromptMessage, names: Mapping[str, object]) -> list[MessagePart]:
    pieces = _template(text_of(message["content"]), frozenset(names)).parts(names)
    return [MessagePart(text=text, variable=variable) for text, variable in pieces]


def _example_parts(question: PromptMessage, example: CaseExample) -> list[list[MessagePart]]:
    return [_parts(question, example.variables), [MessagePart(text=example.answer, variable="examples")]]


def estimated_tokens(text: str) -> int:
    """Return the approximate number of tokens of a message: four bytes each, a rule of thumb for all models."""
    return -(-len(text.encode("utf-8", "replace")) // 4) + 4  # the marks around a message are tokens, too


def text_of(content: str | Sequence[str]) -> str:
    """Return the text of a message, with its lines joined."""
    return content if isinstance(content, str) else "\n".join(content)


def _content(number: int, text: str, roots: frozenset[str], names: Mapping[str, object]) -> str:
    try:
        return shown(_template(text, roots).value(names))
    except ExpressionError as error:
        raise ExpressionError(f"Message {number + 1} of the prompt: {error.message}", remedy=error.remedy) from error


@lru_cache(maxsize=256)
def _template(text: str, roots: frozenset[str]) -> Template:
    return compile_template(text, roots)


def filled(declared: Mapping[str, JsonSchema], given: Mapping[str, object]) -> dict[str, object]:
    """Return a value for each declared variable: the given one, else its default. Raises InvalidInput."""
    for name in given:
        if name not in declared:
            remedy = did_you_mean(name, list(declared))
            raise InvalidInput(f"The prompt has no variable {name!r}.", remedy=remedy)
    values = {name: schema["default"] for name, schema in declared.items() if "default" in schema} | dict(given)
    for name, schema in declared.items():
        if name not in values:
            raise InvalidInput(f"The prompt's variable {name!r} has no value.", remedy="Give it one in `variables`.")
        for misfit in misfits(values[name], schema):
            raise InvalidInput(f"The prompt's variable {name!r} does not fit: {misfit}")
    return values


def prompt_problem(
    file: PlacedDocument,
    path: JsonPath,
    message: str,
    code: str,
    remedy: str = "",
    *,
    severity: str = "error",
    offset: int = 0,
    at_key: bool = False,
) -> Problem:
    """Return a Problem at a value of a prompt file, or at its key; `offset` is an index into a text."""
    line, column = file.key_place(path) if at_key else file.place(path, offset)
    field = ".".join(map(str, path)) or None
    return Problem(message, code, severity, file.file, line, column, field=field, remedy=remedy)


def with_changes(document: JsonObject, changes: JsonObject) -> str:
    """Return the text of a prompt with members replaced; one that becomes null is removed."""
    changed = {**document, **changes}
    return canonical({name: one for name, one in changed.items() if one is not None}, "prompt")
