"""Budgets and prices as people write them, in config.yaml and in workflow files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from engine.documents.shapes import Misfit

LOCAL = "local"
"""The entry of `prices` for every model server on this machine."""
UNKNOWN = "unknown"
"""The entry of `prices` for models whose price is not known otherwise."""

Usd = Annotated[float, Field(ge=0, le=1_000_000_000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**15, strict=True)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelAtLimit(_Part):
    """What to do at a limit: ask this model of the same connection instead."""

    model: str = Field(min_length=1)


def _form_of(on_limit: Any) -> str:
    return "[model]" if isinstance(on_limit, dict | ModelAtLimit) else "[word]"


def _is_on_limit(word: Any) -> Any:
    if word not in ("pause", "warn"):
        raise Misfit(
            "must be 'pause', 'warn' or {\"model\": NAME}",
            "Choose one: 'pause' makes runs wait, 'warn' only tells, a model is asked instead of the usual one.",
        )
    return word


OnLimitWord = Annotated[Any, AfterValidator(_is_on_limit)]
OnLimit = Annotated[
    Annotated[OnLimitWord, Tag("[word]")] | Annotated[ModelAtLimit, Tag("[model]")], Discriminator(_form_of)
]


class Limit(_Part):
    """How much may be used: USD, calls, tokens (input and output), whichever is reached first."""

    usd: Usd | None = None
    calls: Count | None = None
    tokens: Count | None = None
    on_limit: OnLimit = "pause"

    @model_validator(mode="after")
    def _limits_something(self) -> Limit:
        if self.usd is self.calls is self.tokens is None:
            raise Misfit("limits nothing", "Give it one of usd, calls and tokens.")
        return self

    @property
    def other_model(self) -> str:
        """The model to ask once the limit is reached; empty if the limit names no model."""
        return self.on_limit.model if isinstance(self.on_limit, ModelAtLimit) else ""


PERIODS: tuple[Literal["run", "day", "month"], ...] = ("run", "day", "month")


class WorkflowBudget(_Part):
    """The budgets of one workflow: of each run, and of all its runs in a day and in a month."""

    run: Limit | None = None
    day: Limit | None = None
    month: Limit | None = None

    def limits(self) -> Iterator[tuple[Literal["run", "day", "month"], Limit]]:
        """Yield the limits that are set, by period."""
        for period in PERIODS:
            limit: Limit | None = getattr(self, period)
            if limit is not None:
                yield period, limit

    def over(self, defaults: WorkflowBudget) -> WorkflowBudget:
        """Return these limits, with the limits of `defaults` for the periods that have none."""
        return defaults.model_copy(update=dict(self.limits()))


class BudgetSettings(_Part):
    """`budgets` in config.yaml."""

    day: Limit | None = None
    """For all workflows together."""
    month: Limit | None = None
    workflow: WorkflowBudget = WorkflowBudget()
    """For each workflow that does not say otherwise."""
    strict: bool = False
    """Whether calls of models with an unknown price are refused."""


class Price(_Part):
    """USD for a million tokens."""

    input: Usd = Field(examples=[0.4])
    output: Usd = Field(examples=[1.6])
    """0 if it is free, as for a model that only embeds."""
    max_output_tokens: int | None = Field(None, ge=1, strict=True)
    """How long an answer can be at most, if the step sets no `max_tokens`."""


def _spelled_out(written: Any) -> Any:
    if isinstance(written, int | float) and not isinstance(written, bool):
        if written != 0:
            raise Misfit("must say what input and output cost", "Write it like {input: 0.4, output: 1.6}; 0 is free.")
        return {"input": 0, "output": 0}
    return written


PriceTable = Mapping[str, Annotated[Price, BeforeValidator(_spelled_out)]]
"""By model, `model@connection`, `local` or `unknown`."""
