"""The `agents` area: everything a person or program may do with the files of agents; versions.py has the versions."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from engine.agents.agent_file import AgentModel
from engine.agents.compiled_agents import CompiledAgents
from engine.agents.expansion import described
from engine.agents.store import CHECK_AGAIN, AgentStore, read_agent
from engine.base.checkout import CHECKOUT
from engine.base.errors import InUse, InvalidFile, OrchestraError, StaleEdit, UnknownName
from engine.base.json_text import JsonObject
from engine.base.names import checked_name
from engine.base.problem import Problem
from engine.documents.json_file import parse
from engine.files.atomic import etag
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import Face, operation
from engine.prompts.prompt import DEFAULT_LABEL
from engine.workflows.compiled_files import RecordedCompilerContext
from engine.workspace.blanks import blank_agent, checked_title, text_of_copy, title_of
from engine.workspace.canonical import as_written
from engine.workspace.versioned_files import DeletedItem, NewName
from engine.workspace.workspace import Workspace

Name = Annotated[str, Meta(description="The name of the agent."), Face(metavar="AGENT")]
_TAKEN: Mapping[type[OrchestraError], str] = {InUse: "The name is taken"}
_IN_USE: Mapping[type[OrchestraError], str] = {InUse: "It is in use, or the name is"}
# Inside the class below, `list` is the method.
Names: TypeAlias = list[str]
Problems: TypeAlias = list[Problem]


@dataclass(frozen=True)
class AgentTool:
    """A tool of an agent, for display."""

    name: str
    uses: str
    """The step type."""
    description: str
    fixed: JsonObject
    """The fields that the agent's file fixes."""
    given: list[str]
    """The fields that the model fills."""
    choices: JsonObject
    """The values that given fields may have, by name; a field that is not named may have any."""
    approve: bool
    """Whether a person approves each call."""


@dataclass(frozen=True)
class AgentSummary:
    """One agent, as its file is, or as one version was; a damaged one has problems and no tools."""

    name: str
    title: str
    description: str = ""
    instructions: str = ""
    connection: str = ""
    model: str = ""
    tools: list[AgentTool] = field(default_factory=list)
    limits: JsonObject = field(default_factory=dict)
    used_by: list[str] = field(default_factory=list)
    """The workflows that run it, sorted, then the agents, as `agent:NAME`."""
    problems: list[Problem] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    """The numbers of its versions."""
    labels: dict[str, int] = field(default_factory=dict)
    runs: int | None = None
    """The version used by steps that name none: the one labelled `production`; null: the file."""
    etag: str = ""
    text: str = ""


class AgentRenamed(Struct, frozen=True):
    """An agent under its new name, and what changed with it."""

    name: str
    users: list[str]
    """Workflows, and agents as `agent:NAME`."""

    @staticmethod
    def of(users: list[str], given: Mapping[str, Any]) -> AgentRenamed:
        """Return the answer for what was changed."""
        return AgentRenamed(given["new"], users)


class Agents:
    """The agents of a workspace; every change writes an audit line."""

    def __init__(
        self,
        store: AgentStore,
        compiled: CompiledAgents,
        audit: Audit,
        follow: Callable[[str, str], None] = lambda _name, _new: None,
    ) -> None:
        """`follow(name, new)` moves unsaved texts after a rename, or deletes them if `new` is ""."""
        self._store, self._shelf = store, store.shelf
        self._compiled, self._audit, self._follow = compiled, audit, follow

    @operation("agents.list", "view", "see agents", "List agents", "GET /api/agents", "agents list", answer="agents")
    def list(self, p: Principal) -> builtins.list[AgentSummary]:
        """List the agents.

        They come by name, with their tools, limits and problems.
        """
        used_by = self._store.naming.of_each(self._shelf.names())
        self._compiled.forget_all_but([*used_by])
        asked = self._compiled.asked()
        return [self._summary(name, p.shown(by), asked) for name, by in used_by.items()]

    @operation("agents.names", "view", "see agents", "List the names of agents")
    def names(self, p: Principal) -> Names:
        """Return the name of every agent, valid or not, sorted; unlike `list`, it reads no file."""
        return self._shelf.names()

    @operation("agents.get", "view", "see agents", "Show an agent", "GET /api/agents/{name}", "agents show")
    def get(
        self,
        p: Principal,
        name: Name,
        version: Annotated[
            str,
            Meta(max_length=200, description="A saved version: its number, label or id; default: the file."),
            Face(option="--version"),
        ] = "",
    ) -> AgentSummary:
        """Show an agent: its tools (which fields are fixed, and which the model fills), its limits and its problems.

        Raises UnknownName, InvalidInput.
        """
        if not version:
            self._shelf.text(name)
        text = self._store.versions.find(name, version).text if version else None
        return self._summary(name, self.users(p, name), self._compiled.asked(), text)

    @operation("agents.users", "view", "see agents", "List the workflows and agents that use an agent")
    def users(self, p: Principal, name: str) -> Names:
        """Return the workflows that run an agent, then the agents, as `agent:NAME`. Raises InvalidInput."""
        return p.shown(self._store.naming.of(checked_name("agent", name)))

    @operation(
        "agents.check",
        "view",
        "check agents",
        "Check the text of an agent",
        "POST /api/agents/{name}/check",
        answer="problems",
        is_checked=True,
    )
    def check(self, p: Principal, name: Name, text: str) -> Problems:
        """Return the problems that a text would have as this agent, by place; nothing is saved."""
        return self._problems(checked_name("agent", name), text)

    @operation(
        "agents.save",
        "edit",
        "change agents",
        "Save an agent",
        "PUT /api/agents/{name}",
        is_checked=True,
        raises={**_TAKEN, StaleEdit: "the file has changed"},
    )
    def save(
        self, p: Principal, name: Name, text: str, etag: Annotated[str | None, Meta(max_length=100)] = None
    ) -> AgentSummary:
        """Save the file of an agent; the answer lists its problems, which do not prevent saving.

        It has to be a JSON object, and gets a final line break. Workflows that run it then have its problems, too.
        `etag` belongs to the text to replace; without it, the agent must not exist yet.

        Raises InvalidFile, StaleEdit, InUse, UnknownName, StorageError.
        """
        self._require_object(name, text)
        self._shelf.save(name, as_written(text), etag, p.id)
        if etag is None:
            self._follow(name, "")
        self._audit.record(p, "agents.save", name)
        return self.get(p, name)

    @operation("agents.samples", "view", "see agents", "List the shipped agents")
    def samples(self, p: Principal) -> dict[str, str]:
        """Return the titles of the shipped agents, by name."""
        shelf = Workspace(CHECKOUT / "gallery").agents
        return {name: read_agent(shelf.read(name)).title for name in shelf.names()}

    @operation(
        "agents.create",
        "edit",
        "make agents",
        "Create an agent",
        "POST /api/agents",
        status=201,
        is_checked=True,
        raises=_TAKEN,
    )
    def create(
        self,
        p: Principal,
        name: Annotated[str, Meta(min_length=1, max_length=64, examples=["inbox-triage"])],
        title: Annotated[str, Meta(max_length=200, description="Default: made from the name.")] = "",
        sample: Annotated[
            str, Meta(max_length=64, description="A shipped agent to copy.", examples=["research-agent"])
        ] = "",
    ) -> AgentSummary:
        """Create an agent; workflows can run it at once.

        Raises UnknownName (a sample), InUse, InvalidInput, StorageError.
        """
        title = checked_title(title) or title_of(checked_name("agent", name))
        self._shelf.save(name, _sample(sample) if sample else blank_agent(title), None, p.id)
        self._follow(name, "")
        self._audit.record(p, "agents.create", name, {"sample": sample} if sample else {})
        return self.get(p, name)

    @operation(
        "agents.duplicate",
        "edit",
        "make agents",
        "Copy an agent",
        "POST /api/agents/{name}/copy",
        "agents copy",
        status=201,
        is_checked=True,
        raises=_TAKEN,
    )
    def duplicate(self, p: Principal, name: Name, new: NewName) -> AgentSummary:
        """Copy an agent with its versions and labels, titled "Copy of …".

        Raises UnknownName, InUse, InvalidInput, StorageError.
        """
        self._shelf.duplicate(name, new, text_of_copy(self._shelf.text(name), name, "agent"), p.id)
        self._follow(new, "")
        self._audit.record(p, "agents.duplicate", new, {"from": name})
        return self.get(p, new)

    @operation(
        "agents.rename",
        "edit",
        "rename agents",
        "Rename an agent",
        "POST /api/agents/{name}/rename",
        "agents rename",
        answer=AgentRenamed.of,
        is_checked=True,
        raises=_IN_USE,
    )
    def rename(self, p: Principal, name: Name, new: NewName) -> Names:
        """Rename an agent, also in the workflows and agents that run it.

        Raises UnknownName, InUse, InvalidInput, InvalidFile (a file that seems to use it cannot be read), StorageError.
        Returns the names of what was changed.
        """
        changed = self._store.versions.rename(name, new, p.id)
        self._follow(name, new)
        self._audit.record(p, "agents.rename", new, {"from": name, "users": changed})
        return p.shown(changed)

    @operation(
        "agents.delete",
        "edit",
        "delete agents",
        "Delete an agent",
        "DELETE /api/agents/{name}",
        "agents delete",
        answer=DeletedItem.of,
        raises=_IN_USE,
    )
    def delete(self, p: Principal, name: Name) -> Path:
        """Move an agent to the trash. Refused while a workflow or another agent runs it.

        The error names them.

        Raises UnknownName, InUse, StorageError. Returns the folder in the trash.
        """
        trash = self._store.versions.delete(name)
        self._follow(name, "")
        self._audit.record(p, "agents.delete", name, {"moved_to": str(trash)})
        return trash

    def _require_object(self, name: str, text: str) -> None:
        file = parse(text, self._shelf.file(name))
        if not isinstance(file.value, dict):
            raise InvalidFile.of(file.file, self._problems(name, text), remedy=CHECK_AGAIN)

    def _problems(self, name: str, text: str) -> Problems:
        return self._compiled.problems(name, text, self._compiled.asked())

    def _summary(
        self, name: str, used_by: Names, asked: RecordedCompilerContext, text: str | None = None
    ) -> AgentSummary:
        found = AgentSummary(name, name, used_by=used_by)
        try:
            text = self._shelf.text(name) if text is None else text
            labels = self._store.versions.label_numbers(name)
            numbers, runs = self._store.versions.numbers(name), labels.get(DEFAULT_LABEL)
            found = replace(found, versions=numbers, labels=labels, runs=runs, etag=etag(text), text=text)
            found = replace(found, problems=self._compiled.problems(name, text, asked))
            agent = read_agent(parse(text, self._shelf.file(name)))
        except OrchestraError as error:  # nothing breaks the list
            wrong = Problem(error.message, "unusable", file=self._shelf.file(name), remedy=error.remedy)
            return replace(found, problems=found.problems or getattr(error, "problems", None) or [wrong])
        return replace(
            found,
            title=agent.title or name,
            description=agent.description,
            instructions=agent.instructions,
            connection=agent.connection or "",
            model=agent.model,
            tools=_tools(agent),
            limits=agent.limits.model_dump(exclude_none=True),
        )


def _tools(agent: AgentModel) -> list[AgentTool]:
    return [
        AgentTool(one.name, one.uses, described(one), one.with_, one.give, dict(one.choose_from), one.approve)
        for one in agent.tools
    ]


def _sample(name: str) -> str:
    """Return the text of a shipped agent. Raises UnknownName."""
    shelf = Workspace(CHECKOUT / "gallery").agents
    if name not in shelf.names():
        raise UnknownName("sample", name, shelf.names())
    return shelf.text(name)
