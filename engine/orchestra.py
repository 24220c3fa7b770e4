"""The single entry point: every action that a person or program can take is a method behind `Orchestra`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, TypeVar, overload

from msgspec import Struct

from engine.assembly.guidance_areas import GuidanceAreas
from engine.assembly.open_workspace import OpenedWorkspace, set_aside_damaged_state
from engine.assembly.operation_areas import OperationAreas
from engine.assembly.program_areas import ProgramAreas
from engine.assembly.prompt_areas import PromptAreas
from engine.assembly.run_areas import RunAreas
from engine.assembly.trigger_areas import TriggerAreas
from engine.assembly.work import RunWork
from engine.assembly.workflow_areas import WorkflowAreas
from engine.base.clock import Clock, utc_now
from engine.base.environment import DEMO_VARIABLE, WORKSPACE_VARIABLE
from engine.observing.tally import Tally

Found = TypeVar("Found")


class _Families(Struct, frozen=True):
    """What an opened workspace consists of; each is made from some of those above it."""

    opened: OpenedWorkspace
    work: RunWork
    runs: RunAreas
    triggers: TriggerAreas
    workflows: WorkflowAreas
    prompts: PromptAreas
    programs: ProgramAreas
    guidance: GuidanceAreas
    operations: OperationAreas


class _Area(Generic[Found]):
    """One row of the façade: the family that makes an area, and what the area is."""

    def __init__(self, find: Callable[[_Families], Found], doc: str) -> None:
        self._find, self.__doc__ = find, doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, orchestra: None, owner: type) -> _Area[Found]: ...

    @overload
    def __get__(self, orchestra: Orchestra, owner: type) -> Found: ...

    def __get__(self, orchestra: Orchestra | None, owner: type) -> _Area[Found] | Found:
        if orchestra is None:
            return self
        found = self._find(orchestra._families)  # noqa: SLF001 - a row of the same class
        return orchestra._gate.guarded(self._name, found)  # noqa: SLF001 - the same


class Orchestra:
    """An opened workspace. Each row is an area, such as `runs`, or a method of one (its docstring has what it takes and
    raises). Call `close()` when done.

    `demo`: use the stand-ins for all services, regardless of settings. `serve`: act as the workspace's only server:
    adopt the runs of dead processes, poll the triggers, and use the demo of each service until it is switched to Mine.
    `slots`: where the state is shared, how many runs this worker executes at once. `tally`: the counters of an earlier
    instance, if this process opens the workspace again. `as_served`: see each service's account as the server does.
    `is_read_only`: the folder cannot be written. Then nothing is created or changed, and what would write raises
    StorageError.
    """

    def __init__(
        self,
        root: Path,
        *,
        demo: bool = False,
        serve: bool = False,
        slots: int | None = None,
        clock: Clock = utc_now,
        tally: Tally | None = None,
        as_served: bool = False,
        is_read_only: bool = False,
    ) -> None:
        opened = OpenedWorkspace(root, clock, demo=demo, serve=serve, as_served=as_served, is_read_only=is_read_only)
        with ExitStack() as failed:
            failed.callback(opened.close)
            work = RunWork(opened, tally or Tally(), serve=serve, slots=slots)
            runs = RunAreas(opened, work)
            workflows = WorkflowAreas(opened, work)
            prompts = PromptAreas(opened, work, workflows)
            triggers = TriggerAreas(opened, work, runs, prompts)
            programs = ProgramAreas(opened, work, workflows)
            guidance = GuidanceAreas(opened, work, runs, workflows, prompts, triggers)
            operations = OperationAreas(opened, work, runs, triggers)
            self._families = _Families(opened, work, runs, triggers, workflows, prompts, programs, guidance, operations)
            self._gate = opened.gate()
            if serve:
                operations.start_upkeep()
                triggers.triggering.begin_watching()
            work.adopt()
            failed.pop_all()

    @classmethod
    def open(
        cls,
        workspace: Path,
        *,
        demo: bool = False,
        serve: bool = False,
        slots: int | None = None,
        tally: Tally | None = None,
        as_served: bool = False,
        is_read_only: bool = False,
    ) -> Orchestra:
        """Open a workspace. Raises UnknownName (no workspace there), InvalidFile, StorageError, InUse."""
        return cls(
            workspace,
            demo=demo,
            serve=serve,
            slots=slots,
            tally=tally,
            as_served=as_served,
            is_read_only=is_read_only,
        )

    @staticmethod
    def set_aside_damaged_state(workspace: Path) -> Path | None:
        """Move a damaged state file away, so that the next open rebuilds it from the logs; return its new path.

        Return None if it is intact. Raises UnknownName, InvalidFile, InUse, StorageError.
        """
        return set_aside_damaged_state(workspace)

    def close(self) -> None:
        """Stop working; unfinished runs continue when the workspace is next served or resumed."""
        self._families.opened.close()

    @property
    def state_form(self) -> str:
        """The version of the tables of the state."""
        return self._families.opened.database.fact("schema_version") or ""

    def version(self) -> int:
        """Return a number that changes whenever any process writes to the state; cheap enough to ask all the time."""
        return self._families.opened.state.changes.version()

    # --- what is open: engine/assembly/open_workspace.py
    config = _Area(lambda of: of.opened.config, "config.yaml as it was when the workspace was opened.")
    workspace = _Area(lambda of: of.opened.workspace, "The folder, its files and versions.")
    connections = _Area(lambda of: of.opened.connections, "Which account each service uses.")
    account_notices = _Area(lambda of: of.opened.account_notices, "Accounts that refuse requests.")
    proof = _Area(lambda of: of.opened.proof, "Whether writes are held, because the state may be outdated.")
    trail = _Area(lambda of: of.opened.trail, "Who changed what, and when.")
    usage = _Area(lambda of: of.opened.usage, "Tokens and money of models, by what asked and what was asked.")
    general = _Area(lambda of: of.opened.general, "The settings that an owner changes while a server runs.")
    tables = _Area(lambda of: of.opened.tables, "The tables that workflows remember things in.")
    files = _Area(lambda of: of.opened.files, "The files of the workspace that steps read and write.")

    # --- runs: engine/assembly/work.py, run_areas.py
    tally = _Area(lambda of: of.work.tally, "What this process has counted since it started.")
    runs = _Area(lambda of: of.work.runs, "Starting, showing and changing runs.")
    preview = _Area(lambda of: of.runs.previews.of, "What a run would touch.")
    is_confirmed = _Area(lambda of: of.runs.is_confirmed, "Whether somebody has agreed to what runs would touch.")
    plan = _Area(lambda of: of.runs.plan, "A workflow as it runs in an environment.")
    run_bundles = _Area(lambda of: of.runs.bundles, "Runs as files, and their replays.")
    plans = _Area(lambda of: of.runs.plans, "What runs would write, shown before they do.")
    approvals = _Area(lambda of: of.runs.approvals, "Questions that runs ask people.")
    approval_links = _Area(lambda of: of.runs.approval_links, "Answers by signed links.")
    budgets = _Area(lambda of: of.runs.budgets, "What model calls may use, and have used.")

    # --- what starts runs: engine/assembly/trigger_areas.py
    triggers = _Area(lambda of: of.triggers.triggering.triggers, "What starts runs automatically.")
    forms = _Area(lambda of: of.triggers.triggering.forms, "Forms that anybody may fill in who has their address.")
    hooks = _Area(lambda of: of.triggers.triggering.hooks, "Webhooks: their addresses, keys and newest deliveries.")
    hook_door = _Area(lambda of: of.triggers.triggering.hook_door, "Takes what services deliver to webhooks.")
    ingress = _Area(lambda of: of.triggers.ingress, "Messages of a broker that start runs.")

    # --- workflows: engine/assembly/workflow_areas.py
    workflows = _Area(lambda of: of.workflows.workflows, "The workflow files.")
    drafts = _Area(lambda of: of.workflows.drafts, "Unsaved texts of the editors.")
    editing = _Area(lambda of: of.workflows.editing, "Operations on drafts of workflows.")
    bundles = _Area(lambda of: of.workflows.bundles, "Workflows with their prompts as one file.")
    versions = _Area(lambda of: of.workflows.versions, "Kept texts of workflows, and their labels.")
    environments = _Area(lambda of: of.workflows.environments, "Which version of each workflow runs where.")
    branches = _Area(lambda of: of.workflows.branches, "Copies of workflows for larger changes.")
    rules = _Area(lambda of: of.workflows.rules, "What answers in place of a model about mails.")
    predictions = _Area(lambda of: of.workflows.predictions, "What the steps of drafts would give.")
    step_tries = _Area(lambda of: of.workflows.step_tries, "Steps that run alone with made-up values.")
    debugging = _Area(lambda of: of.workflows.debugging, "Runs that pause before steps.")

    # --- prompts: engine/assembly/prompt_areas.py
    prompts = _Area(lambda of: of.prompts.prompts, "The prompts and their versions.")
    fragments = _Area(lambda of: of.prompts.fragments, "The fragments that prompts share.")
    tries = _Area(lambda of: of.prompts.tries, "Questions to models outside of runs.")
    comparisons = _Area(lambda of: of.prompts.comparisons, "The same values asked in several columns.")
    cases = _Area(lambda of: of.prompts.cases, "The cases of prompts.")
    case_tests = _Area(lambda of: of.prompts.case_tests, "Tests of prompts with their cases.")
    corrections = _Area(lambda of: of.prompts.corrections, "Answers of models that a person has found wrong.")

    # --- agents, tools and projects: engine/assembly/program_areas.py
    step_types = _Area(lambda of: of.programs.step_types, "Every step type with its schemas.")
    fitting_step_types = _Area(lambda of: of.programs.fitting_step_types, "Step types by what a step should do.")
    own_step_types = _Area(lambda of: of.programs.own_step_types, "The names of the step types of this workspace.")
    trigger_types = _Area(lambda of: of.programs.trigger_types, "Every trigger type with its schemas.")
    agents = _Area(lambda of: of.programs.agents, "The agents of the workspace.")
    agent_tries = _Area(lambda of: of.programs.agent_tries, "Agents that work in the demo, while somebody edits them.")
    agent_versions = _Area(lambda of: of.programs.agent_versions, "Kept texts of agents, and their labels.")
    tools = _Area(lambda of: of.programs.tools, "The step types that people of the workspace have written.")
    tool_files = _Area(lambda of: of.programs.tool_files, "The files and versions of these step types.")
    tool_servers = _Area(lambda of: of.programs.tool_servers, "The tools of MCP servers: offered, and accepted.")
    projects = _Area(lambda of: of.programs.projects, "The programs that workflows and people write together.")
    project_runs = _Area(lambda of: of.programs.project_runs, "Commands that people run in projects.")
    project_previews = _Area(lambda of: of.programs.project_previews, "Links to the static pages of projects.")

    # --- guidance: engine/assembly/guidance_areas.py
    copilot = _Area(lambda of: of.guidance.copilot, "Changes proposed for drafts.")
    first_run = _Area(lambda of: of.guidance.first_run, "Five steps to a run on a person's own mail.")

    # --- operations: engine/assembly/operation_areas.py
    users = _Area(lambda of: of.operations.users, "Who may sign in.")
    openid = _Area(lambda of: of.operations.openid, "Sign-in by a provider (OpenID Connect).")
    sign_in_check = _Area(lambda of: of.operations.sign_in_check, "Whether the sign-in provider can be used.")
    languages = _Area(lambda of: of.operations.languages, "The language of the dashboard for each user.")
    visits = _Area(lambda of: of.operations.visits, "When somebody was last here.")
    audit = _Area(lambda of: of.operations.audit, "The latest lines of the audit trail.")
    attention = _Area(lambda of: of.operations.attention, "What needs a person.")
    search = _Area(lambda of: of.operations.search, "What the workspace has, by words.")
    collections = _Area(lambda of: of.operations.collections, "The documents that workflows index and search.")
    demo = _Area(lambda of: of.operations.demo, "The stand-ins and their data.")
    health = _Area(lambda of: of.operations.health, "The engine, the state, the logs, and what somebody has to decide.")
    lost_secrets = _Area(
        lambda of: of.operations.health_facts.lost_secrets, "Why this process cannot open shared secrets, if so."
    )
    workers = _Area(lambda of: of.operations.workers, "The processes that work on runs.")
    metrics = _Area(lambda of: of.operations.metrics, "Figures of the workspace and of this process, for Prometheus.")
    copies = _Area(lambda of: of.operations.copies, "Copies of the logs and the state at another place.")
    retention = _Area(lambda of: of.operations.retention, "Which ended runs are kept.")

    # --- this process: engine/assembly/work.py
    own_process = _Area(lambda of: of.work.own_process, "The id of this process among those that work on runs.")
    is_drained = _Area(lambda of: of.work.is_drained, "Whether it was asked to take no more runs, and has none left.")
    is_taken_over = _Area(lambda of: of.work.is_taken_over, "An event: another process has adopted our runs.")
    is_turning = _Area(lambda of: of.work.is_turning, "Whether the event loop has run in the last seconds.")
    hangs = _Area(lambda of: of.work.hangs, "Whether it has been silent for longer than any wait takes.")
    holds_lease = _Area(lambda of: of.work.holds_lease, "Whether nobody can have taken over our runs.")


_shared: dict[str, Orchestra] = {}
_shared_lock = threading.Lock()


def shared() -> Orchestra:
    """Return the workspace that this process serves (ORCHESTRA_WORKSPACE, else the current folder); open it once."""
    root = os.path.abspath(os.environ.get(WORKSPACE_VARIABLE, ""))  # noqa: PTH100 - called at every request
    with _shared_lock:
        if root not in _shared:
            demo = os.environ.get(DEMO_VARIABLE) == "1"
            _shared[root] = Orchestra(Path(root).resolve(), demo=demo, serve=True)
        return _shared[root]
