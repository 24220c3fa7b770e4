"""The file of an agent, `agents/NAME.json`: its instructions, its tools and its limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from engine.compiler.definition.model import Identifier
from engine.documents.shapes import Misfit
from engine.plugins.step import JsonValue


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


def _tool_name(name: str) -> str:
    if name in _BUILT_IN:
        raise Misfit(f"is the name of the tool with which every agent {_BUILT_IN[name]}", "Take another name.")
    return name


_MOST_TURNS = 30
_BUILT_IN = {"finish": "ends", "ask": "asks a person"}


class ToolModel(_Part):
    """A step type that the agent may call: which fields are fixed, and which its model fills."""

    name: Annotated[Identifier, Field(max_length=40), AfterValidator(_tool_name)]
    uses: str
    description: str = ""
    connection: str | None = None
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    give: list[str] = []
    choose_from: dict[str, list[JsonValue]] = {}
    """The values that a given field may have, by its name."""
    plain_text: str = ""
    """The given field, a text, that the model writes below its call, as it is: models write code worse inside JSON."""
    approve: bool = False
    """Whether a person approves each call."""


class LimitsModel(_Part):
    """Where an agent stops: turns, tokens of all turns, US dollars, seconds since its first turn began."""

    turns: int = Field(8, ge=1, le=20, strict=True)
    tokens: int | None = Field(None, ge=1, strict=True)
    dollars: float | None = Field(None, gt=0)
    seconds: float | None = Field(None, gt=0)


class AgentModel(_Part):
    """A whole file."""

    schema_version: Literal[1]
    title: str = ""
    description: str = ""
    instructions: str = Field(min_length=1)
    connection: str | None = None
    model: str = ""
    temperature: float | None = Field(None, ge=0, le=2)
    variables: dict[str, JsonValue] = {}
    """JSON Schema of each variable, by name; all are required."""
    tools: list[ToolModel] = Field(default=[], max_length=20)
    limits: LimitsModel = LimitsModel()
    output: dict[str, JsonValue] | None = None
    """JSON Schema of the output; None: a text."""
    on_limit: Literal["ask", "stop", "fail"] = "ask"
    """What happens at a limit, and when the model calls the same again and again; `ask`: the model may ask, too."""

    @property
    def most_turns(self) -> int:
        """How many turns there can be, with the ones that a person adds; each question to a person takes one."""
        turns = self.limits.turns
        return min(2 * turns + 4, _MOST_TURNS) if self.on_limit == "ask" else turns
