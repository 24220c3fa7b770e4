"""What people build for workflows to use: agents, tools, projects, and the step types that there are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engine.base.errors import InvalidFile, UnknownName
from engine.base.threads import shared_property
from engine.people.access import ENGINE, LOCAL, Principal
from engine.people.operation import operation
from engine.people.people import is_known

if TYPE_CHECKING:
    from engine.agents.agents import Agents
    from engine.agents.compiled_agents import CompiledAgents
    from engine.agents.tries import AgentTries
    from engine.agents.versions import AgentVersions
    from engine.assembly.open_workspace import OpenedWorkspace
    from engine.assembly.work import RunWork
    from engine.assembly.workflow_areas import WorkflowAreas
    from engine.plugins.step_info import StepTypeInfo, TriggerTypeInfo
    from engine.runs.projects.commands import ProjectRuns
    from engine.runs.projects.previews import ProjectPreviews
    from engine.runs.projects.store import ProjectStore
    from engine.tools.editing import ToolFiles
    from engine.tools.servers import ToolServers
    from engine.tools.tools import Tools
    from engine.tools.versions import VersionedTools


class ProgramAreas:
    """The areas of agents, tools and projects."""

    def __init__(self, opened: OpenedWorkspace, work: RunWork, workflows: WorkflowAreas) -> None:
        self._opened, self._work = opened, work
        self._workflows = workflows

    @operation("steps.types", "view", "see step types", "List the step types")
    def step_types(self, p: Principal) -> list[StepTypeInfo]:
        """Return every step type with the schemas of its fields and output."""
        from engine.plugins.step_info import step_type_infos

        return step_type_infos(self._opened.tools.all_usable())

    def fitting_step_types(self, p: Principal, request: str) -> list[str]:
        """Return the names of the step types that fit what a person says a step should do, the best first."""
        from engine.base.services import service_of
        from engine.search.step_search import StepWords, step_search

        found = [(one, service_of(one.service)) for one in self.step_types(p)]
        words = [StepWords(one.name, one.title, one.description, of.title if of else "") for one, of in found]
        return step_search(tuple(words)).fitting(request)

    @operation("steps.own_types", "view", "see step types", "List the workspace's own step types")
    def own_step_types(self, p: Principal) -> list[str]:
        """Return the names of the step types of this workspace: tested tools, and accepted ones of servers."""
        return self._opened.tools.usable_names()

    @operation("triggers.types", "view", "see trigger types", "List the trigger types")
    def trigger_types(self, p: Principal) -> list[TriggerTypeInfo]:
        """Return every trigger type with the schemas of its fields and of an item."""
        from engine.plugins.step_info import trigger_type_infos

        return trigger_type_infos()

    @shared_property
    def _compiled_agents(self) -> CompiledAgents:
        from engine.agents.compiled_agents import CompiledAgents

        opened = self._opened
        return CompiledAgents(opened.agent_store, opened.compiler_context, opened.state.renames.last)

    @shared_property
    def agents(self) -> Agents:
        """The agents of the workspace."""
        from engine.agents.agents import Agents

        follow = partial(self._workflows.drafts.follow, "agent")
        return Agents(self._opened.agent_store, self._compiled_agents, self._opened.audit, follow)

    @shared_property
    def agent_tries(self) -> AgentTries:
        """Agents that work in the demo, as somebody is editing them."""
        from engine.agents.tries import AgentTries

        return AgentTries(self._compiled_agents, self._work.trials)

    @shared_property
    def agent_versions(self) -> AgentVersions:
        """Kept texts of agents, and their labels."""
        from engine.agents.versions import AgentVersions

        return AgentVersions(self._opened.agent_store, self.agents, self._opened.audit)

    @shared_property
    def tools(self) -> Tools:
        """The step types that people of the workspace have written."""
        from engine.tools.tools import Tools

        opened, versions = self._opened, self._tool_versions
        state_dir = opened.workspace.state_dir
        return Tools(opened.tools.own, lambda: opened.settings_now().code, state_dir, versions, opened.audit)

    @shared_property
    def tool_files(self) -> ToolFiles:
        """The files and versions of these step types."""
        from engine.tools.editing import ToolFiles

        return ToolFiles(self._opened.tools.own, self._tool_versions, self._opened.audit)

    @shared_property
    def _tool_versions(self) -> VersionedTools:
        from engine.tools.versions import VersionedTools

        return VersionedTools(self._opened.tools.own, self._opened.workspace)

    @shared_property
    def tool_servers(self) -> ToolServers:
        """The tools of MCP servers: offered, and accepted as steps."""
        from engine.tools.servers import ToolServers

        opened = self._opened
        return ToolServers(opened.tools.accepted, opened.connections.client_of, opened.workspace, opened.audit)

    @shared_property
    def projects(self) -> ProjectStore:
        """The programs that workflows and people write together."""
        from engine.projects.projects import Projects
        from engine.runs.projects.store import ProjectStore, tested_with

        opened, runs = self._opened, self._work.runs

        def recorded(run_id: str) -> list[str]:
            try:
                return tested_with(runs.get(ENGINE, run_id))
            except (UnknownName, InvalidFile):  # its log is no longer kept
                return []

        return ProjectStore(Projects(opened.workspace, opened.clock), opened.audit, recorded)

    @shared_property
    def project_runs(self) -> ProjectRuns:
        """Commands that people run in projects."""
        from engine.runs.projects.commands import ProjectRuns

        opened = self._opened
        runs = ProjectRuns(self.projects, lambda: opened.settings_now().code, opened.audit, opened.clock)
        return opened.to_close(runs)

    @shared_property
    def project_previews(self) -> ProjectPreviews:
        """Links to the static pages of projects."""
        from engine.runs.projects.previews import ProjectPreviews

        opened = self._opened

        def is_user(who: str) -> bool:
            return who.startswith(LOCAL) or is_known(opened.state.people, who)

        return ProjectPreviews(self.projects, opened.signing_secret, is_user, opened.clock)
