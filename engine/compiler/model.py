"""A workflow file as data: what may stand in it, and in which form."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MAX_ITEMS = 10_000
"""The most items a loop may have."""

_CEL_WORDS = frozenset(
    "in as if for loop package namespace return var void while const continue break else function import let "
    "true false null bool int uint double string bytes list map type null_type dyn".split()
)
_STEP_WORDS = frozenset({"key", "status", "error", "index", "item", "steps", "inputs", "run"})
_LOOP_WORDS = frozenset({"steps", "inputs", "run", "index", "key", "error"})


def _identifier(name: str) -> str:
    plain = name.replace("_", "a")
    if not (plain.isascii() and plain.isalnum() and plain[0].islower()) or plain != plain.lower():
        raise ValueError("must be lower-case letters, digits and '_', a letter first")
    if name in _CEL_WORDS:
        raise ValueError("must be a name that the expression language leaves free")
    return name


def _step_id(name: str) -> str:
    if name in _STEP_WORDS:
        raise ValueError("must be a name that means nothing else in expressions")
    return _identifier(name)


def _loop_name(name: str) -> str:
    if name in _LOOP_WORDS:
        raise ValueError("must be a name that means nothing else in expressions")
    return _identifier(name)


Identifier = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_identifier)]
StepId = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_step_id)]
LoopName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_loop_name)]
Seconds = Annotated[float, Field(gt=0, le=366 * 86_400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=False)


class RetryModel(_Part):
    """How often a failed attempt is made again; `attempts` counts the first."""

    attempts: int = Field(3, ge=1, le=20)
    backoff_seconds: float = Field(1.0, ge=0, le=3600)
    on: list[str] = []


class FallbackModel(_Part):
    """Steps that run instead of a failed one; the last output becomes the step's."""

    steps: list[StepModel] = Field(min_length=1)


class StepModel(_Part):
    """One step: a call (`uses`) or a group (`steps`), perhaps repeated (`foreach`)."""

    id: StepId
    title: str | None = None
    uses: str | None = None
    connection: str | None = None
    if_: str | bool | None = Field(None, alias="if")
    needs: list[str] | None = None
    foreach: str | None = None
    as_: LoopName = Field("item", alias="as")
    key: str | None = None
    item_title: str | None = None
    parallel: int = Field(1, ge=1, le=256)
    on_item_error: Literal["stop", "continue", "drop"] = "stop"
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    once: str | None = None
    retry: RetryModel | None = None
    timeout_seconds: Seconds | None = None
    on_error: Literal["fail", "continue"] | FallbackModel = "fail"
    steps: list[StepModel] | None = Field(None, min_length=1)
    output: Any = None

    @model_validator(mode="after")
    def _fits_together(self) -> StepModel:
        given = self.model_fields_set
        if (self.uses is None) == (self.steps is None):
            raise ValueError("needs either 'uses' (a step type) or 'steps' (a group), not both")
        _only_with(given, "foreach", ["as_", "key", "item_title", "parallel", "on_item_error"])
        _only_with(given, "uses", ["with_", "connection", "once", "retry"])
        _only_with(given, "steps", ["output"])
        return self


def _only_with(given: set[str], owner: str, fields: list[str]) -> None:
    stray = [field.rstrip("_") for field in fields if field in given and owner not in given]
    if stray:
        raise ValueError(f"{', '.join(map(repr, stray))} goes only with {owner!r}")


class WorkflowModel(_Part):
    """A workflow file."""

    schema_version: Literal[1]
    title: str = ""
    description: str = ""
    inputs: dict[str, Any] = Field(default_factory=dict)
    triggers: list[Any] = []
    timeout_seconds: Seconds | None = None
    steps: list[StepModel] = Field(min_length=1)
    outputs: dict[str, Any] = Field(default_factory=dict)


FallbackModel.model_rebuild()
