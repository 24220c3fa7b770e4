"""When a call needs a person's approval, and who may give it: as steps, workflows and config.yaml write it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from msgspec import Struct, field
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from engine.base.clock import duration_seconds
from engine.documents.shapes import Misfit
from engine.plugins.step import Effect, StepType

When = Literal["always", "when_outside", "never"]
"""`when_outside`: if a field of the call may contain text from outside."""

DEFAULT = "default"
"""The entry of a map of rules for the step types that it does not name."""
NOT_SELF = "not_self"
"""In `by`: anybody but the person who started the run."""
APPROVERS = ("owner", "editor", "operator")
"""Roles that may approve; each includes the ones before it."""
_WORDS = ("always", "when_outside", "never")
_LONGEST_SECONDS = 366 * 86_400


def _seconds(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise Misfit("must be a time such as '2d' or a number of seconds", "Write it like '30m', '24h' or '2d'.")
    seconds = duration_seconds(given) if isinstance(given, str) else given
    if seconds is None or not 0 < seconds <= _LONGEST_SECONDS:
        raise Misfit(
            "must be a time such as '2d' or a number of seconds, at most a year",
            "Write it like '30m', '24h' or '2d'.",
        )
    return float(seconds)


def _people(given: Any) -> Any:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not names or not all(isinstance(one, str) and one for one in names):
        raise Misfit(
            "must be a role, the name of a user, or a list of them",
            f"Roles are {', '.join(APPROVERS)}; {NOT_SELF!r} excludes the person who started the run.",
        )
    if "viewer" in names:
        raise Misfit("must be people who may approve; a viewer may not", f"Roles are {', '.join(APPROVERS)}.")
    return tuple(names)


class ApprovalRule(BaseModel):
    """Which calls wait for a person, and for whom. A member that is not given comes from the next place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: When | None = Field(None, title="A person approves it")
    by: Annotated[tuple[str, ...], BeforeValidator(_people)] = Field(
        (), title="Who may approve", description="Users or roles; empty: whoever may run."
    )
    """With `not_self` the person who started the run is excluded."""
    expires_after: Annotated[float | None, BeforeValidator(_seconds, json_schema_input_type=str)] = Field(
        None, title="The question ends after", description="Such as 2d or 12h; empty: never."
    )
    """In seconds."""

    def over(self, further: ApprovalRule | None) -> Self:
        """Return this rule, with what it leaves open taken from a rule that is further away."""
        if further is None:
            return self
        taken = {name: getattr(further, name) for name in ("when", "by", "expires_after") if not getattr(self, name)}
        return self.model_copy(update=taken)


class StepApproval(ApprovalRule):
    """The rule of one step, which also says what happens if nobody answers in time."""

    model_config = ConfigDict(title="Approval")

    on_expiry: Literal["reject", "continue"] = Field("reject", title="If nobody answers")
    """`reject`: the step fails; `continue`: it is left out like a failed one, and the run goes on without it."""


def _form(rule: Any) -> str:
    return "[rule]" if isinstance(rule, dict | ApprovalRule) else "[word]"


def _require_word(word: Any) -> None:
    if word not in _WORDS:
        raise Misfit(
            "must be 'always', 'when_outside', 'never' or an object with 'when' and 'by'",
            "Choose one: 'always' asks a person before each call, 'when_outside' only if text from outside goes into"
            " it, 'never' does not ask.",
        )


def _as_rule(word: Any) -> ApprovalRule:
    _require_word(word)
    return ApprovalRule(when=word)


def _as_step_rule(word: Any) -> StepApproval:
    _require_word(word)
    return StepApproval(when=word)


Rule = Annotated[
    Annotated[Any, AfterValidator(_as_rule), Tag("[word]")] | Annotated[ApprovalRule, Tag("[rule]")],
    Discriminator(_form),
]
StepRule = Annotated[
    Annotated[Any, AfterValidator(_as_step_rule), WithJsonSchema({"enum": list(_WORDS)}), Tag("[word]")]
    | Annotated[StepApproval, Tag("[rule]")],
    Discriminator(_form),
]
Rules = Mapping[str, ApprovalRule]
"""Rules by step type; `default` is for the others."""


class ApprovalSettings(BaseModel):
    """`approvals` in config.yaml: a rule for each step type, and how people are notified of questions."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Rule] = Field(init=False)

    default: Rule | None = None
    """The rule for step types that are not named."""
    notify: str | None = Field(None, min_length=1)
    """A workflow that is started for each question, or the address of a webhook. Its message has a link."""

    @cached_property
    def rules(self) -> Rules:
        """The rules by step type, and `default`."""
        named = dict(self.model_extra or {})
        return named if self.default is None else {**named, DEFAULT: self.default}


class WrittenRule(Struct, frozen=True):
    """What the file of a workflow says about a step."""

    own: StepApproval = field(default_factory=StepApproval)
    """The step's own rule, completed by the workflow's rule for its type."""
    default: ApprovalRule | None = None
    """The rule of the workflow for all other types."""
    usual: Literal["", "always", "never"] = ""
    """What holds where no rule says anything; empty: what the step type says."""

    def in_force(self, configured: Rules, kind: StepType, effect: Effect) -> StepApproval:
        """Return the rule for a call: of the file, then of config.yaml, then of the step type; `when` is set.

        Only a write needs approval by default; a read needs it if the step, or a rule for its type, says so.
        """
        places = [self.default, configured.get(kind.name), configured.get(DEFAULT)]
        found = self.own
        for rule in places if effect is Effect.WRITES else places[1:2]:
            found = found.over(rule)
        if found.when is not None:
            return found
        return found.model_copy(update={"when": (self.usual or kind.approval) if effect is Effect.WRITES else "never"})


def written_rule(
    own: StepApproval | None, of_workflow: Rules, uses: str, usual: Literal["", "always", "never"] = ""
) -> WrittenRule:
    """Return what a file says about a step of this type; `usual`: what its fields say without a rule."""
    return WrittenRule((own or StepApproval()).over(of_workflow.get(uses)), of_workflow.get(DEFAULT), usual)
