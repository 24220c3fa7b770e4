"""What a workflow may refer to outside its file, and the result of compiling it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine.base.definitions import RunEnvironment, WorkflowDefinition, WorkspaceTool
from engine.base.errors import UnknownName
from engine.base.json_text import JsonObject
from engine.base.names import workflow_id
from engine.base.problem import Problem
from engine.base.statuses import AccountMode

if TYPE_CHECKING:
    from engine.compiler.analysis.text_flow import TextPassage
    from engine.compiler.definition.plan import Plan, Reach
    from engine.compiler.definition.schemas import Prompts
    from engine.expressions.cel_types import Schema

Workflows = Callable[[str], JsonObject]
"""Returns the document of a workflow by its name, which may have problems; raises UnknownName, InvalidFile."""


WithId = Callable[[str], list[str]]
"""Returns the names of the workflows with an id, sorted."""


IsUser = Callable[[str], bool]
"""Returns whether somebody may answer questions under this name."""


class SeenAccount(Struct, frozen=True):
    """What the account of a connection was last seen to have."""

    connection: str
    what: Any
    """As step types of its service understand it: `clients.client.AccountSighting`."""
    at: str
    """When, for people."""
    is_fresh: bool
    """Whether it is so new that what contradicts it is a mistake."""


SeenOf = Callable[[str], SeenAccount | None]
"""Returns what the account of a connection was last seen to have; None if nothing is known. Asks no service."""


def never_seen(_connection: str) -> None:
    """Return None for every connection, where nothing is known of accounts."""


Lacks = Callable[[str], tuple[str, str]]
"""Returns what is not installed that a connection needs, and the remedy; empty texts if nothing. Asks no service."""


def nothing_lacks(_connection: str) -> tuple[str, str]:
    """Return empty texts for every connection, where it is not known what is installed."""
    return "", ""


Tools = Callable[[str], WorkspaceTool]
"""Returns a tool that has passed its tests or that a person has accepted, by `uses`; raises OrchestraError."""


def no_tools(uses: str) -> WorkspaceTool:
    """Raise UnknownName for every name, in place of a workspace without tools."""
    raise UnknownName("tool", uses, [])


OwnSettings = Callable[[str], Mapping[str, Any] | None]
"""Returns the settings of a service that is used without a connection; None if they are not known."""


def unknown_settings(_service: str) -> None:
    """Return None for every service, where the settings of this machine do not count."""


def anybody(_name: str) -> bool:
    """Return True for every name, where the users are not known."""
    return True


def no_ids(_id: str) -> list[str]:
    """Return no name, in place of a workspace without workflows."""
    return []


def no_workflows(name: str) -> JsonObject:
    """Raise UnknownName for every name, in place of a workspace without workflows."""
    raise UnknownName("workflow", name, [])


CURRENT = "current"
"""Stands where the number of a version would: the file as it is now."""


class Environment(Struct, frozen=True):
    """An environment as the compiler sees it: what the names in workflows mean (docs/environments.md)."""

    name: str
    connections: Mapping[str, str] = field(default_factory=dict)
    """The connection to use for a name in the workflows; `demo`: the stand-in of that connection."""
    variables: JsonObject = field(default_factory=dict)
    stand_ins: frozenset[str] = frozenset()
    """Connections that stand for others in some environment; a step without `connection` never means them."""
    versions: Mapping[str, int | str] = field(default_factory=dict)
    """The number of the version of each workflow; the file as it is for those not named."""
    since: Mapping[str, str] = field(default_factory=dict)
    """When each of these versions was made, by the id of its workflow."""

    of: RunEnvironment | None = None
    """What a run has kept of the environment, for itself and the workflows that it calls."""

    @classmethod
    def of_run(cls, kept: RunEnvironment) -> Environment:
        """Return the environment in which a run was accepted."""
        return cls(kept["name"], kept["connections"], kept["variables"], frozenset(kept["stand_ins"]), of=kept)

    def stands_for(self, name: str) -> str:
        """Return the connection to use for a name in the workflows."""
        found = self.connections.get(name, AccountMode.DEMO)
        return name if found == AccountMode.DEMO else found

    def kept(self, workflows: Mapping[str, WorkflowDefinition]) -> RunEnvironment:
        """Return what a run of these workflows keeps of it."""
        if self.of is not None:
            return self.of
        ids = {workflow_id(document, name) for name, document in workflows.items()}
        return {
            "name": self.name,
            "versions": {name: self.versions.get(name, CURRENT) for name in workflows},
            "since": {id_: at for id_, at in self.since.items() if id_ in ids},
            "connections": dict(self.connections),
            "stand_ins": sorted(self.stand_ins),
            "variables": self.variables,
        }

    def schema(self) -> Schema:
        """Return the JSON Schema of `env` in expressions."""
        return schema_of(self.variables)


def schema_of(value: object) -> Schema:
    """Return the JSON Schema of values like this one: of the same type, an object with the same fields."""
    match value:
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case str():
            return {"type": "string"}
        case Mapping():
            fields = {name: schema_of(inner) for name, inner in value.items()}
            return {"type": "object", "properties": fields, "additionalProperties": False}
        case list():
            schemas = [schema_of(inner) for inner in value]
            is_uniform = bool(schemas) and schemas.count(schemas[0]) == len(schemas)
            return {"type": "array", "items": schemas[0]} if is_uniform else {"type": "array"}
        case _:
            return {}


class CompilerContext(Struct, frozen=True):
    """What a workflow may refer to outside its file."""

    connections: Mapping[str, str]
    """The service of each connection of config.yaml, by name."""
    prompts: Prompts
    workflows: Workflows = no_workflows
    with_id: WithId = no_ids
    hosts: Mapping[str, str] | None = None
    """The host of each connection, by name; None where a definition was accepted before."""
    is_user: IsUser = anybody
    environment: Environment | None = None
    """None if the workspace has no environments."""
    seen: SeenOf = never_seen
    lacks: Lacks = nothing_lacks
    own_settings: OwnSettings = unknown_settings
    tools: Tools = no_tools

    @property
    def names(self) -> Mapping[str, str]:
        """The service of each connection, by the names that steps may use for it."""
        if self.environment is None or not self.environment.connections:
            return self.connections
        found = {name: self.environment.stands_for(name) for name in (*self.connections, *self.environment.connections)}
        return {name: self.connections[real] for name, real in found.items() if real in self.connections}

    @property
    def set_aside(self) -> frozenset[str]:
        """The connections that a step takes only if it names them."""
        return frozenset() if self.environment is None else self.environment.stand_ins

    def stands_for(self, name: str) -> str:
        """Return the connection to use for a name in the workflow."""
        return name if self.environment is None else self.environment.stands_for(name)


class Compiled(Struct, frozen=True):
    """The result of a compilation: a plan, unless one of the problems is an error."""

    plan: Plan | None
    problems: list[Problem]
    accepted: Plan | None = None
    """The plan for a run that was accepted with this definition: possibly missing values do not block it, since the
    release that accepted it may have checked less. If one is missing, its step fails.
    """
    outputs: Schema = field(default_factory=dict)
    """JSON Schema of the outputs, for workflows that call this one."""
    maybe_absent: frozenset[str] = frozenset()
    """Outputs that a run may end without."""
    passage: TextPassage | None = None
    """What becomes of the text of its inputs, for workflows that call this one."""
    reach: tuple[Reach, ...] = ()
    """Which text from outside goes where, also if there are errors."""
    breaches: tuple[tuple[str, ...], ...] = ()
    """The ids of the steps on the way of each text that arrives where it must not."""
