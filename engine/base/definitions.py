"""The documents of workflows and prompts, once they have been checked: what their members are."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired

from typing_extensions import ReadOnly, TypedDict

from engine.base.json_text import JsonObject, JsonSchema


class PromptMessage(TypedDict):
    """A message of a prompt."""

    role: ReadOnly[str]
    """`system`, `user` or `assistant`."""
    content: ReadOnly[str | list[str]]
    """Its text with expressions, or the lines of it."""


class PromptSample(TypedDict):
    """Values to try a prompt with."""

    name: ReadOnly[str]
    variables: NotRequired[ReadOnly[JsonObject]]


class PromptDefinition(TypedDict, total=False):
    """A prompt file (engine/prompts/prompt.py checks it)."""

    schema_version: ReadOnly[int]
    title: ReadOnly[str]
    description: ReadOnly[str]
    tags: ReadOnly[Sequence[str]]
    """Words that group prompts."""
    labels: ReadOnly[Mapping[str, int]]
    protected: ReadOnly[Sequence[str]]
    """Labels that move only if the cases pass, or with a reason."""
    model: ReadOnly[str | None]
    pass_at_least: ReadOnly[float]
    """The share of its cases that should pass with the model that a workflow asks."""
    sure_at_least: ReadOnly[float | None]
    """How sure the model must be of a field with fixed choices; absent: it is not asked."""
    examples: ReadOnly[int | None]
    """How many of its cases the model gets as examples."""
    parameters: ReadOnly[JsonObject]
    """Parameters of the request to the model, such as `temperature`."""
    variables: ReadOnly[Mapping[str, JsonSchema]]
    messages: ReadOnly[Sequence[PromptMessage]]
    output_schema: ReadOnly[JsonSchema | None]
    assertions: ReadOnly[Sequence[JsonObject]]
    """What must hold of every answer in a run (engine/prompts/assertions.py)."""
    samples: ReadOnly[Sequence[PromptSample]]
    fragments: ReadOnly[Mapping[str, str]]
    """The fragments whose texts are in the messages of a version, each with a hash of its text then."""
    version: ReadOnly[int]
    """Its number, in what a run keeps."""


class ToolDefinition(TypedDict):
    """A tool of the workspace at one version (engine/tools/tool_file.py checks it): what a run keeps of it."""

    name: ReadOnly[str]
    version: ReadOnly[str]
    description: ReadOnly[str]
    language: ReadOnly[str]
    code: ReadOnly[str]
    input: ReadOnly[JsonSchema]
    output: ReadOnly[JsonSchema]
    effect: ReadOnly[str]
    """`pure`, `reads` or `writes`."""
    network: ReadOnly[Sequence[str]]
    limits: ReadOnly[JsonObject]
    hash: ReadOnly[str]
    """The SHA-256 of all its files."""
    files: NotRequired[ReadOnly[bool]]
    """Whether what it leaves in `/w/out` leaves as `files`; absent if not."""
    entry: NotRequired[ReadOnly[str]]
    """The file of its code, for messages; absent in runs that began before it was kept."""
    lock: NotRequired[ReadOnly[str]]
    """Its packages with their hashes (engine/tools/lock.py); absent without packages."""


class McpToolDefinition(TypedDict):
    """A tool of an MCP server as a person has accepted it (engine/tools/accepted.py): what a run keeps of it."""

    connection: ReadOnly[str]
    """The connection to its server."""
    name: ReadOnly[str]
    """Its name in steps, after the connection's: the server's name for it, with `_` for what steps do not allow."""
    tool: ReadOnly[JsonObject]
    """What the server said about it: its name there, description, schemas and annotations."""
    hash: ReadOnly[str]
    """The hash of the server and all that it said."""
    effect: ReadOnly[str]
    """`reads` or `writes`, as a person has said."""
    roles: ReadOnly[Mapping[str, str]]
    """The role of each argument that is not a destination."""


WorkspaceTool = ToolDefinition | McpToolDefinition
"""A step type that only this workspace has."""


class TriggerDefinition(TypedDict):
    """A trigger of a workflow; `with` has the fields of its type."""

    id: ReadOnly[str]
    uses: ReadOnly[str]
    title: NotRequired[ReadOnly[str | None]]
    connection: NotRequired[ReadOnly[str | None]]
    inputs: NotRequired[ReadOnly[JsonObject]]
    poll_seconds: NotRequired[ReadOnly[float | None]]


class WorkflowDefinition(TypedDict, total=False):
    """A workflow file (engine/compiler/definition/model.py checks it); `step_tree.step_nodes` reads its steps."""

    schema_version: ReadOnly[int]
    id: ReadOnly[str]
    """`workflow_id` reads it."""
    title: ReadOnly[str]
    description: ReadOnly[str]
    inputs: ReadOnly[JsonSchema]
    triggers: ReadOnly[Sequence[TriggerDefinition]]
    concurrency: ReadOnly[str | Mapping[str, int]]
    priority: ReadOnly[str]
    allow: ReadOnly[Sequence[str]]
    links: ReadOnly[Sequence[str]]
    privacy: ReadOnly[str]
    expose: ReadOnly[bool]
    timeout_seconds: ReadOnly[float | None]
    budget: ReadOnly[JsonObject]
    """How much its model calls may use (engine/budgets/settings.py)."""
    steps: ReadOnly[Sequence[Any]]
    outputs: ReadOnly[JsonObject]
    on_failure: ReadOnly[Any]


class RunEnvironment(TypedDict):
    """What an environment has set for the workflows of a run (docs/environments.md)."""

    name: ReadOnly[str]
    versions: ReadOnly[Mapping[str, int | str]]
    """The version of each workflow, the run's own and the ones that it calls; `current`: the file as it was."""
    since: ReadOnly[Mapping[str, str]]
    """When each version with a number was made, by the id of its workflow: steps renamed later have new ids."""
    connections: ReadOnly[Mapping[str, str]]
    """The connection to use for a name in the workflows; `demo`: the stand-in of that connection."""
    stand_ins: ReadOnly[Sequence[str]]
    """Connections that steps do not take by themselves, since some environment uses them in place of others."""
    variables: ReadOnly[JsonObject]


class RunDefinition(TypedDict):
    """What a run keeps of its workflow: everything that is needed to repeat it."""

    workflow: ReadOnly[WorkflowDefinition]
    prompts: ReadOnly[Mapping[str, PromptDefinition]]
    """The prompts that its steps name, by reference."""
    workflows: NotRequired[ReadOnly[Mapping[str, WorkflowDefinition]]]
    """The workflows that it calls, directly or indirectly, by name."""
    tools: NotRequired[ReadOnly[Mapping[str, WorkspaceTool]]]
    """The tools of the workspace that its steps use, by `uses`; absent if they use none."""
    environment: NotRequired[ReadOnly[RunEnvironment]]
    """Absent if the workspace has no environments."""
