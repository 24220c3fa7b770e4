"""The agents of a workspace: read, checked, and turned into the workflows that they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from pydantic import ValidationError

from engine.agents.agent_file import AgentModel
from engine.agents.expansion import described, workflow_of
from engine.agents.tool_check import tool_faults
from engine.base.errors import InvalidFile, Problem
from engine.base.json_text import JsonObject
from engine.base.step_tree import AGENT_PREFIX
from engine.compiler.definition.environment import Surroundings, Workflows
from engine.compiler.definition.loader import problem
from engine.documents.json_file import JsonFile, parse
from engine.documents.shapes import faults
from engine.people.access import Principal, require
from engine.workspace.file_store import Shelf
from engine.workspace.references import users, users_by_name

# Inside the class below, `list` is the method.
Names: TypeAlias = list[str]
Problems: TypeAlias = list[Problem]


@dataclass(frozen=True)
class AgentTool:
    """A tool of an agent, for display."""

    name: str
    uses: str
    description: str
    fixed: JsonObject
    """The fields that its file fixes."""
    given: list[str]
    """The fields that the model fills."""
    choices: JsonObject
    """The values that given fields may have, by name; a field that is not named may have any."""
    approve: bool


@dataclass(frozen=True)
class AgentSummary:
    """One agent; a damaged one has problems and no tools."""

    name: str
    title: str
    description: str
    instructions: str
    connection: str
    model: str
    tools: list[AgentTool]
    limits: JsonObject
    used_by: list[str]
    """The workflows that run it, sorted."""
    problems: list[Problem] = field(default_factory=list)


def with_agents(agents: Shelf, workflows: Workflows) -> Workflows:
    """Return what finds the documents of workflows, and of the workflows that agents are.

    Those raise UnknownName, and InvalidFile with every problem of the agent's file.
    """

    def document(name: str) -> JsonObject:
        if not name.startswith(AGENT_PREFIX):
            return workflows(name)
        agent = name.removeprefix(AGENT_PREFIX)
        return workflow_of(agent, read_agent(agents.read(agent)))

    return document


def read_agent(file: JsonFile) -> AgentModel:
    """Return the agent in a parsed file. Raises InvalidFile with every problem."""
    try:
        agent = AgentModel.model_validate(file.value)
    except ValidationError as error:
        found = [
            problem(file, one.path, one.message, code=one.code, remedy=one.remedy)
            for one in faults(error, AgentModel, file.value)
        ]
        raise InvalidFile.of(file.file, found) from error
    wrong = [problem(file, one.path, one.message, code=one.code, remedy=one.remedy) for one in tool_faults(agent)]
    if wrong:
        raise InvalidFile.of(file.file, wrong)
    return agent


class Agents:
    """The `agents` facet. Every method checks the right of `p`."""

    def __init__(self, shelf: Shelf, workflows: Shelf, surroundings: Callable[[], Surroundings]) -> None:
        self._shelf, self._workflows, self._surroundings = shelf, workflows, surroundings

    def list(self, p: Principal) -> list[AgentSummary]:
        """Return every agent by name."""
        require(p, "view", "see agents")
        used_by = users_by_name(self._workflows, "agent", self._shelf.names())
        return [self._summary(name, by) for name, by in used_by.items()]

    def get(self, p: Principal, name: str) -> AgentSummary:
        """Return one agent. Raises UnknownName, InvalidInput."""
        require(p, "view", "see agents")
        self._shelf.text(name)
        return self._summary(name, users(self._workflows, "agent", name))

    def _summary(self, name: str, used_by: Names) -> AgentSummary:
        try:
            agent = read_agent(self._shelf.read(name))
        except InvalidFile as error:
            found = error.problems or [Problem(error.message, file=self._shelf.file(name))]
            return AgentSummary(name, name, "", "", "", "", [], {}, used_by, [*found])
        tools = [
            AgentTool(one.name, one.uses, described(one), one.with_, one.give, dict(one.choose_from), one.approve)
            for one in agent.tools
        ]
        return AgentSummary(
            name=name,
            title=agent.title or name,
            description=agent.description,
            instructions=agent.instructions,
            connection=agent.connection or "",
            model=agent.model,
            tools=tools,
            limits=agent.limits.model_dump(exclude_none=True),
            used_by=used_by,
            problems=self._problems(name, agent),
        )

    def _problems(self, name: str, agent: AgentModel) -> Problems:
        """Return what is wrong with the workflow that an agent is: a connection that is missing, a field's value."""
        from engine.compiler.compiler import compile_workflow

        text = json.dumps(workflow_of(name, agent), ensure_ascii=False, indent=2)
        found = compile_workflow(parse(text, self._shelf.file(name)), AGENT_PREFIX + name, self._surroundings())
        return [replace(one, line=1, column=1) for one in found.problems if one.severity == "error"]
