"""A compiled workflow: the order of its steps, and how each field gets its value. Frozen data without behaviour."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

from engine.base.definitions import PromptDefinition, RunDefinition, RunEnvironment, WorkflowDefinition, WorkspaceTool
from engine.base.json_text import JsonObject, JsonSchema
from engine.base.names import workflow_id
from engine.base.services import is_model
from engine.base.statuses import AccountMode, Priority
from engine.base.step_tree import FAILURE, ON_ERROR, Child, Place, StepNode, walk
from engine.compiler.definition.approval_rules import WrittenRule
from engine.compiler.definition.earlier import all_before
from engine.expressions.json_values import compact_json
from engine.plugins.step import Effect

if TYPE_CHECKING:
    from engine.expressions.expressions import Template
    from engine.mail.rules import MailRule
    from engine.plugins.step import StepType
    from engine.plugins.trigger import TriggerType

Tree = Any
"""JSON with a Template in place of every string that contains an expression."""


_STRENGTH = (Effect.PURE, Effect.READS, Effect.WRITES)


def strongest(effects: Iterable[Effect]) -> Effect:
    """Return the strongest of these effects."""
    return max(effects, key=_STRENGTH.index, default=Effect.PURE)


class Retry(Struct, frozen=True):
    """How often an attempt is made; `attempts` includes the first, and the wait doubles from `backoff_seconds`."""

    attempts: int
    backoff_seconds: float
    also: frozenset[str] = frozenset()
    """Names of further error types that are retried."""


class OutsideText(Struct, frozen=True):
    """Text from outside that a field may carry."""

    origin: str
    """Where it comes from, in words: "`steps.mails.output.messages.text`, the text of the mail"."""
    inputs: frozenset[str] = frozenset()
    """The inputs of the workflow that it comes from: then it is from outside only if theirs is."""
    sources: frozenset[str] = frozenset()
    """The connections or services whose text it may be, and inputs as `inputs.text`."""
    thing: str = ""
    """What all of it comes from, in one word: "mail"; empty if that is not the same for all."""
    of: str = ""
    """The one object that all of it comes from, as the step sees it: `mail`, `steps.read_mail`; empty if not known."""
    through: tuple[str, ...] = ()
    """The steps that it has passed on the way from there; in a loop that has ended, none of them is visible."""


@dataclass(frozen=True)
class Reach:
    """Text of a source that a step sends to a service."""

    source: str
    """The connection or service that the text comes from."""
    to: str
    """The connection or service that gets it."""
    host: str
    """Where that is."""
    is_local: bool
    """Whether that is this machine."""
    step: str
    """The path of the step."""
    workflow: str = ""
    """The called workflow in which the step is."""
    sender: str = ""
    """The connection that sends it, if it is mail that goes to somebody."""


class PlannedFallback(Struct, frozen=True):
    """A model that a step asks if those before it give no answer."""

    connection: str
    model: str = ""
    """Empty: the connection's own."""
    is_other_service: bool = False
    """Whether the connection is to another service than the step's own."""


class PlannedRules(Struct, frozen=True):
    """The rules that answer in place of a model."""

    mail: Template
    """The mail that they look at."""
    rules: tuple[MailRule, ...]
    """In order: the first that counts answers."""


class Action(Struct, frozen=True):
    """A call of a step type."""

    uses: str
    step_type: StepType
    connection: str | None
    arguments: Tree
    once: Tree
    retry: Retry | None
    """None: the engine's default for the kind of effect."""
    output_schema: JsonSchema = field(default_factory=dict)
    """The output type with which expressions were checked."""
    allow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The values that its fields may have, by name (engine/compiler/definition/allowed_values.py)."""
    links: frozenset[str] = frozenset()
    """The places to which text from outside may link, as patterns (engine/compiler/definition/links.py)."""
    outside_fields: Mapping[str, OutsideText] = field(default_factory=dict)
    """The fields that may carry text from outside, by name."""
    approval: WrittenRule = field(default_factory=WrittenRule)
    """What the file says about approvals of its calls."""
    other_models: tuple[PlannedFallback, ...] = ()
    """The `fallback` of a model step, in order."""
    embedding: str | None = None
    """The connection whose model makes its vectors, beside its own service."""
    rules: PlannedRules | None = None
    """Of a model step: what answers in its place; None if there are no rules."""

    @property
    def trees(self) -> tuple[Tree, ...]:
        """What is evaluated for a call: its fields, and what decides whether it is made."""
        return (self.arguments, self.once, *(() if self.rules is None else (self.rules.mail,)))

    @property
    def asks_models(self) -> bool:
        """Return whether a call may ask a model."""
        return self.embedding is not None or is_model(self.step_type.service)

    @property
    def beside(self) -> tuple[str, ...]:
        """The connections that a call may use beside its own."""
        others = tuple(one.connection for one in self.other_models)
        return others if self.embedding is None else (*others, self.embedding)


class Loop(Struct, frozen=True):
    """How a body is repeated."""

    items: Template
    name: str
    key: Tree
    item_title: Tree
    parallel: int
    on_item_error: Literal["stop", "continue", "drop"]


class Node(Struct, frozen=True):
    """One step of a workflow."""

    id: str
    path: str
    """Ids from the root, without indexes: `each_mail.task`."""
    title: str
    condition: Tree
    needs: tuple[str, ...] | None
    """None: it waits for all siblings before it."""
    action: Action | None = None
    body: Block | None = None
    loop: Loop | None = None
    output: Tree = None
    has_output: bool = False
    timeout_seconds: float | None = None
    on_error: Literal["fail", "continue"] = "fail"
    fallback: Block | None = None
    effect: Effect = Effect.PURE
    """Its effect on the world; for a group or loop the strongest inside, including fallbacks and called workflows."""

    @property
    def is_folded(self) -> bool:
        """Return whether it never runs: its `if` is false whatever the inputs."""
        return self.condition is False

    def inside(self) -> Iterator[Child[Node]]:
        """Yield the steps directly inside it."""
        yield from _children(self.body, ("steps",))
        yield from _children(self.fallback, (ON_ERROR, "steps"))


class Block(Struct, frozen=True, dict=True):
    """Steps with a common parent."""

    nodes: tuple[Node, ...]

    @property
    def effect(self) -> Effect:
        """The strongest effect of its steps, except those that never run."""
        return strongest(node.effect for node in self.nodes)

    @property
    def waits(self) -> dict[str, AbstractSet[str]]:
        """The siblings that each step waits for, in file order."""
        before = all_before([node.id for node in self.nodes])
        return {
            node.id: earlier if node.needs is None else frozenset(node.needs)
            for node, earlier in zip(self.nodes, before, strict=True)
        }

    @property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """Return the ids in the order in which they may start; the steps of one level may run in parallel."""
        depths: dict[str, int] = {}
        waits = self.waits
        while len(depths) < len(waits):  # a plan has no cycles
            for name, needed in waits.items():
                if name not in depths and depths.keys() >= needed:
                    depths[name] = 1 + max((depths[one] for one in needed), default=-1)
        rows = range(max(depths.values(), default=-1) + 1)
        return tuple(tuple(name for name in waits if depths[name] == row) for row in rows)

    @cached_property
    def is_sequence(self) -> bool:
        """Return whether each step waits for all before it."""
        return all(node.needs is None for node in self.nodes)


class Trigger(Struct, frozen=True):
    """A trigger, which starts runs of a workflow automatically."""

    id: str
    title: str
    kind: TriggerType
    connection: str | None
    fields: Mapping[str, object]
    """Checked against the type; constant."""
    inputs: Mapping[str, Tree]
    """The inputs of a run, computed from `item`."""
    poll_seconds: float
    outside_inputs: frozenset[str] = frozenset()
    """The inputs that may carry text from outside."""
    warning: str = ""
    """What its author may not have meant, with a remedy."""
    fed_by: frozenset[str] = frozenset()
    """The types of steps that write where it looks, so that nobody knows whether a run or a person did."""


class Concurrency(Struct, frozen=True):
    """What happens when a trigger starts a run while `at_once` others started by triggers are in progress.

    `queue`: it waits for its turn. `skip`: its item is left out, and shown as such. `cancel_previous`: those are
    cancelled.
    """

    policy: Literal["queue", "skip", "cancel_previous"] = "queue"
    at_once: int = 1


class Plan(Struct, frozen=True, dict=True, weakref=True):
    """An executable workflow."""

    name: str
    document: WorkflowDefinition
    block: Block
    outputs: Tree
    timeout_seconds: float | None
    prompts: Mapping[str, PromptDefinition]
    connections: tuple[str, ...]
    """Names of the connections that it and called workflows use, in order of first use."""
    inputs_schema: JsonSchema = field(default_factory=dict)
    on_failure: Block | None = None
    """Runs when the run has failed; the run paths of its steps begin with `on_failure.`."""
    failure_place: Place = (FAILURE,)
    """Where the list of these steps is in the file."""
    triggers: tuple[Trigger, ...] = ()
    concurrency: Concurrency = field(default_factory=Concurrency)
    priority: Priority | None = None
    """How urgent its runs are, unless whoever starts one says otherwise."""
    workflows: Mapping[str, WorkflowDefinition] = field(default_factory=dict)
    """The documents of all workflows called by `workflow.run` steps, directly or indirectly, by name."""
    tools: Mapping[str, WorkspaceTool] = field(default_factory=dict)
    """The tools of the workspace that its steps, and those in called workflows, use: by `uses`."""
    calls_openly: bool = False
    """Whether a step, also of a called workflow, requests a web address without a connection."""
    reach: tuple[Reach, ...] = ()
    """Which text from outside goes where (engine/compiler/checks/reach.py)."""
    decided_by_inputs: tuple[tuple[str, frozenset[str]], ...] = ()
    """The fields that decide where something goes, or instruct a model, and take text of inputs: each in words
    ("`steps.send.with.to`"), with the names of those inputs."""
    environment: RunEnvironment | None = None
    """What it was compiled for; None if the workspace has no environments."""
    last_rename: str = ""
    """The last rename of a workflow or step before the files were read (engine/store/sql/renames.py)."""

    @property
    def id(self) -> str:
        """The id of the workflow, which stays the same when its file is renamed."""
        return workflow_id(self.document, self.name)

    @property
    def effect(self) -> Effect:
        """The strongest effect of all its steps."""
        return strongest(block.effect for block in (self.block, self.on_failure) if block is not None)

    @cached_property
    def definition(self) -> RunDefinition:
        """What a run stores of the plan: {workflow, prompts, tools?, workflows?, environment?}, as all its runs do."""
        found: RunDefinition = {"workflow": self.document, "prompts": self.prompts}
        if self.tools:
            found = {**found, "tools": self.tools}
        if self.workflows:
            found = {**found, "workflows": self.workflows}
        return found if self.environment is None else {**found, "environment": self.environment}

    @property
    def root_names(self) -> JsonObject:
        """The names of its expressions that are the same in every run: `env`, if it has an environment."""
        return {} if self.environment is None else {"env": self.environment["variables"]}

    def mode(self, connection: str, otherwise: AccountMode) -> AccountMode:
        """Return the account mode of one of its connections: as its environment says, or else the given one."""
        in_demo = self.environment is not None and self.environment["connections"].get(connection) == AccountMode.DEMO
        return AccountMode.DEMO if in_demo else otherwise

    @cached_property
    def _hash_and_bytes(self) -> tuple[str, int]:
        text = compact_json(self.definition).encode()
        return hashlib.sha256(text).hexdigest()[:16], len(text)

    @property
    def definition_hash(self) -> str:
        """16 letters and digits that identify the definition."""
        return self._hash_and_bytes[0]

    @property
    def definition_bytes(self) -> int:
        """The size of the definition as JSON."""
        return self._hash_and_bytes[1]

    @property
    def touches_nothing(self) -> bool:
        """Return whether its runs stay on this machine: they use no account and no address."""
        return not self.connections and not self.calls_openly

    @cached_property
    def after_failures(self) -> frozenset[str]:
        """The paths of the steps that run only after a failure: in `on_error`, and in `on_failure`."""
        return frozenset(one.step.path for one in self.tree() if one.is_fallback or one.is_after_failure)

    @cached_property
    def calls_services(self) -> bool:
        """Return whether any of its steps may call a service."""
        return any(node.action is not None and node.action.step_type.service for node in self.nodes())

    @cached_property
    def asks_models(self) -> bool:
        """Return whether any of its own steps may ask a model."""
        return any(node.action is not None and node.action.asks_models for node in self.nodes())

    def tree(self) -> Iterator[StepNode[Node]]:
        """Yield every step with its position, outer before inner, in file order; the steps of `on_failure` last.

        The call that a loop repeats is a step of its own, inside the loop.
        """
        after = _children(self.on_failure, self.failure_place)
        return walk(chain(_children(self.block, ("steps",)), after), Node.inside)

    def nodes(self) -> Iterator[Node]:
        """Yield every step, in the order of `tree`."""
        return (one.step for one in self.tree())


def _children(block: Block | None, place: Place) -> Iterator[Child[Node]]:
    for index, node in enumerate(block.nodes if block is not None else ()):
        yield Child(node.id, node, (*place, index))
