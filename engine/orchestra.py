"""The one door: every action that a person or program can take is a method behind `Orchestra`."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.clock import Clock, utc_now
from engine.compiler.compiler import Surroundings
from engine.compiler.plan import Plan
from engine.connections.accounts import Account, Accounts, Mode
from engine.connections.modes import Modes
from engine.connections.stand_ins import StandInProcess
from engine.connections.troubles import Troubles
from engine.environment import DEMO_VARIABLE, WORKSPACE_VARIABLE
from engine.errors import OrchestraError
from engine.people.access import Principal, require
from engine.people.audit import Audit, AuditLine
from engine.runner.host import Host
from engine.runner.live import Live
from engine.runs.acceptance import checked_inputs
from engine.runs.run_log import RunLogs
from engine.runs.runs import Runs
from engine.settings import Settings
from engine.store.damage import set_aside
from engine.store.database import Database
from engine.store.locks import ServeLock
from engine.store.owners import Owner, refuse_strangers
from engine.store.receipts import has_begun_rename, last_rename
from engine.workspace import config as configuration
from engine.workspace.config import Config, LoadedConfig
from engine.workspace.config_files import ConfigFiles
from engine.workspace.workflow_plans import WorkflowPlans
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.connections.connections import Connections
    from engine.connections.demo import Demo
    from engine.people.users import Users
    from engine.prompts.prompt_files import PromptFiles
    from engine.prompts.prompts import PromptStore
    from engine.runs.approvals import Approvals
    from engine.runs.preview import RunPreview
    from engine.runs.rebuild import Rebuild
    from engine.runs.renaming import Renaming
    from engine.runs.retention import Retention
    from engine.step_info import StepTypeInfo, TriggerTypeInfo
    from engine.triggering.machinery import Machinery
    from engine.triggering.triggers import Triggers
    from engine.triggering.workplace import Workplace
    from engine.upkeep import Upkeep
    from engine.workspace.drafts import Drafts
    from engine.workspace.workflow_files import WorkflowFiles

ENGINE = Principal("engine", "owner")
"""Who does what nobody asks for: upkeep."""


class Orchestra:
    """An opened workspace. Facets: `workflows, prompts, drafts, runs, triggers, approvals, connections, users,
    demo`; close it when done.

    `demo`: every service is its stand-in, whatever is set. `serve`: this process is the workspace's one server: it
    adopts the runs of dead processes, watches triggers, and each service is Demo until it is switched to Mine.
    """

    def __init__(self, root: Path, *, demo: bool = False, serve: bool = False, clock: Clock = utc_now) -> None:
        self._config_files = ConfigFiles(root)
        self.config: Config = self._config_files.loaded().config
        self.workspace = Workspace(root, self.config.state_dir, clock)
        state = self.workspace.state_dir
        self._serve_lock = ServeLock(state) if serve else None
        self._clock = clock
        self._database = Database(state)
        self._audit = Audit(self._database, clock)
        self._stand_ins = StandInProcess(state / "demo")
        self._settings = Settings(self._database)
        self._modes = Modes(self._settings, "demo" if serve else "mine", forced=demo)
        self._accounts = Accounts(self._loaded, self._stand_ins, self.config.limits.calls_at_once, state)
        self.troubles = Troubles(self._database, self._loaded, self._accounts, clock)
        self._accounts.refusals = self.troubles
        renames = partial(last_rename, self._database)
        self._plans = WorkflowPlans(self.workspace.workflows, self._surroundings, renames)
        self._logs = logs = RunLogs(self.workspace.logs)
        if self._database.has_unread_logs():  # a lost state file must not make anything happen twice
            refuse_strangers(self._database, state / "owners")
            self._rebuilt().all()
        self._end_renames()
        owner = Owner(
            self._database,
            state / "owners",
            "serve" if serve else "cli",
            clock,
            lease_seconds=self.config.limits.lease_seconds,
            drafts=self.workspace.logs / ".drafts",
        )
        self._host = Host(self._database, owner, self._accounts, logs, clock, Live() if serve else None)
        self.runs = Runs(
            self._host,
            logs,
            self._audit,
            clock,
            self._ready_plan,
            self._surroundings,
            self._modes.of,
            self._rebuilt,
        )
        self._host.on_adopted = self._let_go
        self._upkeep = self._kept_up() if serve else None
        if serve:
            self._triggering.begin_watching()
            self._host.adopt_from_now_on()

    @classmethod
    def open(cls, workspace: Path, *, demo: bool = False, serve: bool = False) -> Orchestra:
        """Open a workspace. Raises UnknownName (no workspace there), InvalidFile, StorageError, InUse."""
        return cls(workspace, demo=demo, serve=serve)

    @staticmethod
    def set_aside_damaged_state(workspace: Path) -> Path | None:
        """Move a damaged state file away, so that opening makes a new one from the logs; return where it lies now.

        None where it is sound. Raises UnknownName, InvalidFile, InUse, StorageError.
        """
        return set_aside(Workspace(workspace, configuration.load(workspace).config.state_dir).state_dir, utc_now())

    @property
    def is_taken_over(self) -> threading.Event:
        """Return what is set once another process has the runs of this one, because it was silent for too long."""
        return self._host.is_taken_over

    def close(self) -> None:
        """Stop working; runs that are not ended go on when the workspace is next served or resumed."""
        if "retention" in vars(self):
            self.retention.stop()
        if "_triggering" in vars(self):
            self._triggering.close()
        if self._upkeep is not None:
            self._upkeep.close()
        self._host.close()
        self._accounts.close()
        self._stand_ins.close()
        self._database.close()
        if self._serve_lock is not None:
            self._serve_lock.close()

    def preview(self, p: Principal, workflow: str, inputs: Mapping[str, Any], *, look: bool = True) -> RunPreview:
        """Return what a run would touch; with `look`, also what its first loop would go through (reads only).

        Raises UnknownName, InvalidFile, InvalidInput, ServiceError.
        """
        from engine.runs import preview

        require(p, "run", "start runs")
        plan = self._ready_plan(workflow, {})
        filled = checked_inputs(plan, inputs)
        services = dict(self._surroundings().connections)
        modes = self._modes_of(plan)
        opened = self._opened(plan, modes)
        found = preview.items(plan, filled, opened) if look else None
        preview.identify(opened)
        titles, count = found if found is not None else (None, None)
        return preview.RunPreview(
            workflow=workflow,
            connections=preview.badges(plan, modes, services, self._accounts),
            warnings=preview.warnings(plan, filled, opened),
            items=titles,
            count=count,
        )

    def is_confirmed(self, p: Principal, workflow: str) -> bool:
        """Tell whether runs of a workflow on the accounts that it would now touch were agreed to before."""
        require(p, "run", "start runs")
        mine = self._real_connections(workflow)
        return not mine or self._settings.get(f"confirmed.{workflow}") == mine

    def confirm(self, p: Principal, workflow: str) -> None:
        """Agree that a workflow runs on the real accounts it would now touch."""
        require(p, "run", "start runs")
        self._settings.put(f"confirmed.{workflow}", self._real_connections(workflow))
        self._audit.record(p, "runs.confirm", workflow)

    def step_types(self, p: Principal) -> list[StepTypeInfo]:
        """Return every step type with the schemas of its fields and output."""
        from engine.step_info import step_type_infos

        require(p, "view", "see step types")
        return step_type_infos()

    def trigger_types(self, p: Principal) -> list[TriggerTypeInfo]:
        """Return every trigger type with the schemas of its fields and of an item."""
        from engine.step_info import trigger_type_infos

        require(p, "view", "see trigger types")
        return trigger_type_infos()

    def audit(self, p: Principal, limit: int = 100) -> list[AuditLine]:
        """Return the latest lines of the audit trail, newest first."""
        require(p, "admin", "see the audit trail")
        return self._audit.latest(limit)

    def health(self) -> dict[str, Any]:
        """Return {"status": "ok" | "failing", …}: whether the state can be read and the engine's loop answers.

        `triggers` has {on, silent, dead}: how many are on, how many of them silent, and things that need somebody;
        `refused_connections` is the number of accounts that refuse what workflows need.
        """
        try:
            self._settings.get("health")
            self._database.require_in_place()
            self._host.check()
            triggers = self.triggers.summary()
            refused = len(self.troubles.open())
        except OrchestraError as error:
            return {"status": "failing", "message": error.message}
        about = {"workspace": self.workspace.root.name, "owner": self._host.owner.id}
        return {"status": "ok", **about, "triggers": triggers, "refused_connections": refused}

    # --- facets: each is imported when it is first asked for, since a command needs few of them

    @cached_property
    def connections(self) -> Connections:
        """Whose account each service means."""
        from engine.connections.connections import Connections

        return Connections(
            self.workspace, self._loaded, self._accounts, self._modes, self._audit, self.troubles, self._clock
        )

    @cached_property
    def users(self) -> Users:
        """Who may sign in."""
        from engine.people.users import Users

        return Users(self._database, self.workspace.state_dir, self._audit, self._clock)

    @cached_property
    def workflows(self) -> WorkflowFiles:
        """The files of workflows."""
        from engine.workspace.workflow_files import WorkflowFiles

        return WorkflowFiles(self.workspace, self._surroundings, self._audit, self._renaming)

    @cached_property
    def prompts(self) -> PromptFiles:
        """The prompts and their versions."""
        from engine.prompts.prompt_files import PromptFiles

        return PromptFiles(self._prompt_store, self._audit)

    @cached_property
    def drafts(self) -> Drafts:
        """Texts of editors that are not saved yet."""
        from engine.workspace.drafts import Drafts

        return Drafts(self._settings, self._clock)

    @property
    def triggers(self) -> Triggers:
        """What starts runs by itself."""
        return self._triggering.facet

    @cached_property
    def approvals(self) -> Approvals:
        """Questions of runs to people."""
        from engine.runs.approvals import Approvals

        return Approvals(self._database, self._host, self._audit, self._clock)

    @cached_property
    def demo(self) -> Demo:
        """The stand-ins and their data."""
        from engine.connections.demo import Demo

        return Demo(self._stand_ins, self._database, self._host, self._logs, self._audit, self.runs.cancel)

    @cached_property
    def retention(self) -> Retention:
        """Which ended runs are kept."""
        from engine.runs.retention import Retention

        return Retention(self._database, self._logs, self._audit, self._clock, lambda: self._loaded().config.retention)

    @cached_property
    def _renaming(self) -> Renaming:
        from engine.runs.renaming import Renaming

        return Renaming(self._database, self._logs, self.workspace.workflows, self._clock)

    def _rebuilt(self) -> Rebuild:
        from engine.runs.rebuild import Rebuild

        return Rebuild(self._database, self._logs, lambda: self._surroundings().connections)

    def _kept_up(self) -> Upkeep:
        from engine.upkeep import Upkeep

        prune = partial(self.retention.prune, ENGINE)
        upkeep = Upkeep(self.workspace.state_dir, prune, self._database.shrink, self._end_renames)
        upkeep.start()
        return upkeep

    @cached_property
    def _triggering(self) -> Machinery:
        from engine.runs.acceptor import Acceptor
        from engine.triggering.machinery import Machinery, Needs

        return Machinery(
            Needs(
                host=self._host,
                acceptor=Acceptor(self._host, self._logs, self._audit, self._clock, self._surroundings, self._modes.of),
                accounts=self._accounts,
                logs=self._logs,
                audit=self._audit,
                clock=self._clock,
                workplace=self._workplace,
                workflows=self.workspace.workflows.names,
                agree=self._agree,
                resume=self.runs.resume,
            )
        )

    @cached_property
    def _workplace(self) -> Workplace:
        from engine.triggering.workplace import Workplace

        return Workplace(
            root=self.workspace.root,
            loaded=self._loaded,
            plan=self._plan,
            mode=self._modes.of,
            connections=self.connections,
            troubles=self.troubles,
            settings=self._settings,
            clock=self._clock,
        )

    def _let_go(self) -> None:
        """Let runs that were taken over begin in their turns."""
        self._triggering.turns.begin()

    # --- what the facets share

    def _loaded(self) -> LoadedConfig:
        """Return the settings of this moment: a connection added by hand counts from the next run on."""
        return self._config_files.loaded()

    @cached_property
    def _prompt_store(self) -> PromptStore:
        from engine.prompts.prompts import PromptStore

        return PromptStore(self.workspace)

    def _prompt(self, reference: str) -> dict[str, Any]:
        return self._prompt_store.resolve(reference)

    def _surroundings(self) -> Surroundings:
        connections = {name: one.service for name, one in self._loaded().config.connections.items()}
        return Surroundings(connections, self._prompt, self.workspace.workflows.document)

    def _end_renames(self) -> None:
        """Let receipts follow files that were renamed by a process that died, or whose disk was full, in between."""
        if has_begun_rename(self._database):
            self._renaming.settle()

    def _plan(self, name: str) -> Plan:
        """Return the plan of a workflow for runs, which find all that was written under its earlier names."""
        self._end_renames()
        return self._plans.plan(name)

    def _ready_plan(self, name: str, kept: Mapping[str, Mode]) -> Plan:
        """Return the plan of a workflow if all accounts that it would touch can be signed in to. Raises InvalidInput.

        Else it would stop at the first step that needs one, after the model was paid. `kept`: whose account stands
        behind a connection for this run, whatever is set now.
        """
        plan = self._plan(name)
        modes = {name: kept.get(name, mode) for name, mode in self._modes_of(plan).items()}
        if modes:
            self.connections.require_ready(modes)
        return plan

    def _agree(self, p: Principal, workflow: str) -> None:
        if not self._workplace.is_agreed(self._plans.plan(workflow)):
            self.confirm(p, workflow)

    def _modes_of(self, plan: Plan) -> dict[str, Mode]:
        services = self._surroundings().connections
        return {name: self._modes.of(services[name]) for name in plan.connections}

    def _opened(self, plan: Plan, modes: Mapping[str, Any]) -> dict[str, Account]:
        return {name: self._accounts.open(name, None, modes[name]) for name in plan.connections}

    def _real_connections(self, workflow: str) -> str:
        modes = self._modes_of(self._plans.plan(workflow))
        return " ".join(sorted(name for name, mode in modes.items() if mode == "mine"))


_shared: dict[Path, Orchestra] = {}
_shared_lock = threading.Lock()


def shared() -> Orchestra:
    """Return the workspace that this process serves (ORCHESTRA_WORKSPACE, else the current folder), opened once."""
    root = Path(os.environ.get(WORKSPACE_VARIABLE) or Path.cwd()).resolve()
    with _shared_lock:
        if root not in _shared:
            _shared[root] = Orchestra(root, demo=os.environ.get(DEMO_VARIABLE) == "1", serve=True)
        return _shared[root]
