"""The single entry point: every action that a person or program can take is a method behind `Orchestra`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.wording import counted
from engine.agents.documents import with_agents
from engine.base.clock import Clock, utc_now
from engine.base.definitions import PromptDefinition
from engine.base.environment import DEMO_VARIABLE, WORKSPACE_VARIABLE
from engine.base.errors import InvalidFile, SecretLost, UnknownName
from engine.base.names import is_branch
from engine.base.problem import Problem
from engine.base.statuses import AccountMode
from engine.base.step_path import step_id
from engine.compiler.definition.environment import SeenAccount, Surroundings
from engine.compiler.definition.plan import Plan
from engine.connections.accounts import Account, Accounts
from engine.connections.agreements import Agreements
from engine.connections.connection_failures import Troubles
from engine.connections.hosts import hosts
from engine.connections.modes import Modes
from engine.connections.paces import opened_paces
from engine.connections.stand_ins import StandInProcess
from engine.facets import Facets
from engine.observing.tally import Tally
from engine.observing.traces import tracer_of
from engine.people.access import ENGINE, LOCAL, Principal, require
from engine.people.audit import Audit
from engine.people.people import is_known
from engine.record.acceptance import checked_inputs
from engine.record.run_log import RunLogs
from engine.runner.effects.live import Live
from engine.runner.worker.claim_queue import ClaimQueue
from engine.runner.worker.queue import LocalQueue, WorkQueue
from engine.runner.worker.worker import Worker, WorkerEvents
from engine.runs.proof import Proof
from engine.runs.runs import Runs
from engine.runs.starting.acceptor import Acceptor
from engine.runs.starting.consent import PUBLIC, Consents
from engine.runs.starting.current_plans import CurrentPlans
from engine.runs.starting.room import Room
from engine.secrets.vault_keys import VARIABLE
from engine.store.blobs.blobs import Blobs
from engine.store.blobs.opened import opened_blobs
from engine.store.locks import ServeLock
from engine.store.people.audit import AuditLine, TrailFilter
from engine.store.sql.opening import open_database, soundness_of
from engine.store.sql.state import SqlState
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.damage import set_aside
from engine.store.state import State
from engine.store.write_list import WriteList
from engine.tools.opened import OpenedTools
from engine.workflows.environment_plans import EnvironmentPlans
from engine.workspace import config as configuration
from engine.workspace.config import Config, LoadedConfig
from engine.workspace.config_files import ConfigFiles
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.agents.agents import Agents
    from engine.agents.compiled_agents import CompiledAgents
    from engine.agents.tries import AgentTries
    from engine.agents.versions import AgentVersions
    from engine.attention import AttentionReader
    from engine.collections import Collections
    from engine.copies import Copies
    from engine.copilot.copilot import Copilot
    from engine.copilot.kept import CopilotStore
    from engine.demo_mailbox import Demo
    from engine.first_run.first_run import FirstRun
    from engine.health import HealthCheck, Reason
    from engine.ingress.ingress import Ingress
    from engine.metrics.metrics import Metrics
    from engine.people.languages import Languages
    from engine.people.users import Users
    from engine.plugins.step_info import StepTypeInfo, TriggerTypeInfo
    from engine.prompts.fragment_files import FragmentFiles
    from engine.prompts.prompt_cases import PromptCases
    from engine.prompts.prompt_files import PromptFiles
    from engine.prompts.protected import CaseProof
    from engine.runs.approval_links import ApprovalLinks
    from engine.runs.approvals import Approvals
    from engine.runs.branches.branches import Branches
    from engine.runs.budgets import Budgets
    from engine.runs.correcting.corrections import Corrections
    from engine.runs.debugging.debugging import Debugging
    from engine.runs.environments.environments import Environments
    from engine.runs.environments.promotion import PromotionChecks
    from engine.runs.made_up.step_tries import StepTries
    from engine.runs.planning.plans import Plans
    from engine.runs.predicting.predictions import Predictions
    from engine.runs.projects.commands import ProjectRuns
    from engine.runs.projects.previews import ProjectPreviews
    from engine.runs.projects.store import ProjectStore
    from engine.runs.reindex import Rebuild
    from engine.runs.retention import Retention
    from engine.runs.starting.preview import RunPreview
    from engine.runs.trying.case_tests import CaseTests
    from engine.runs.trying.cells import Cells
    from engine.runs.trying.comparing import Comparisons
    from engine.runs.trying.tries import Tries
    from engine.runs.trying.try_requests import TryRequests
    from engine.runs.workers import Workers
    from engine.tools.editing import ToolFiles
    from engine.tools.servers import ToolServers
    from engine.tools.tools import Tools
    from engine.tools.versions import ToolHistory
    from engine.triggering.assembly import Triggering
    from engine.triggering.forms import Forms
    from engine.triggering.polling.context import TriggerContext
    from engine.triggering.triggers import Triggers
    from engine.workflows.bundles.bundles import Bundles
    from engine.workflows.compiled_files import CompiledFiles
    from engine.workflows.editing.editing import WorkflowEditing
    from engine.workflows.versions import WorkflowVersions
    from engine.workflows.workflow_files import WorkflowFiles
    from engine.workspace.drafts import Draft, Drafts
    from engine.workspace.step_renames import StepRenames

_LONGEST_TURN_SECONDS = 3.0
_HANGS_SECONDS, _HANGS_LEASES = 10.0, 2.0
_MOST_TESTS = 20
"""How many recent runs are searched for one that is not a test."""


class Orchestra(Facets):
    """An opened workspace. Each property is one area, such as `runs` or `workflows`. Call `close()` when done.

    `demo`: use the stand-ins for all services, regardless of settings. `serve`: act as the workspace's only server:
    adopt the runs of dead processes, poll the triggers, and use the demo of each service until it is switched to Mine.
    `slots`: where the state is shared, how many runs this worker executes at once. `tally`: the counters of an earlier
    instance, if this process opens the workspace again. `as_served`: see each service's account as the server does.
    """

    runs: Runs

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
    ) -> None:
        self._exits = ExitStack()
        self._clock, self._tally = clock, tally or Tally()
        with ExitStack() as failed:
            failed.callback(self.close)
            loaded = self._open_state(root, serve=serve)
            state = self.workspace.state_dir
            self._stand_ins = self._to_close(StandInProcess(state / "demo"))
            self._settings = self._state.settings
            default = AccountMode.DEMO if serve or as_served else AccountMode.MINE
            self._modes = Modes(self._settings, default, forced=demo)
            self._accounts, self.troubles = self._opened_accounts(loaded)
            self._plans = self._opened_plans()
            self._logs = logs = RunLogs(self._blobs)
            self._writes = WriteList(state, self.workspace.logs)
            proof, owners = self._state.proof, state / "owners"
            self.proof = Proof(proof, self._writes, logs, self._rebuild, owners, self._audit, clock)
            self.proof.establish()  # a lost or outdated state file must not make anything happen twice
            self._end_renames()
            slots = slots if self.config.shares_runs else None
            self._worker = self._to_close(self._opened_worker(serve=serve, slots=slots))
            self._consents, self._acceptor, self.runs = self._accepting()
            self._begin(serve=serve, works=slots is not None)
            failed.pop_all()

    def _open_state(self, root: Path, *, serve: bool) -> LoadedConfig:
        """Open the state with what is beside it; return the settings."""
        self._config_files = ConfigFiles(root)
        loaded = self._config_files.loaded()
        self.config: Config = loaded.config
        state = root.resolve() / self.config.state_dir
        if serve:
            self._to_close(ServeLock(state))
        self._database = open_database(state, self.config.state, loaded.queue_url)
        self._state: State = self._to_close(SqlState(self._database))
        self.workspace = Workspace(root, self.config.state_dir, self._clock, self._database.texts)
        self.workspace.make_private()
        self._config_files.keep_secrets_in(self.workspace.texts)
        self._blobs = self._to_close(self._opened_blobs(loaded))
        self._tools = OpenedTools(self.workspace.root)
        self._audit = Audit(self._state.audit, self._clock)
        return loaded

    def _opened_blobs(self, loaded: LoadedConfig) -> Blobs:
        """Return where the logs of runs and their large values are kept."""
        return opened_blobs(self.config.logs, self.workspace.logs, loaded.environment, self.config.state)

    def _opened_accounts(self, loaded: LoadedConfig) -> tuple[Accounts, Troubles]:
        """Return the accounts of the connections, which keep to the pace of all processes, and those that refuse."""
        state, is_shared = self.workspace.state_dir, bool(self.config.state)
        paces = opened_paces(state, self._settings, is_shared=is_shared, cache=loaded.cache_url)
        accounts = Accounts(self._loaded, self._stand_ins, self.config.limits.calls_at_once, state, paces)
        self._to_close(accounts)
        names = self.workspace.workflow_ids
        accounts.refusals = troubles = Troubles(self._state.refusals, self._loaded, accounts, self._clock, names)
        return accounts, troubles

    def _opened_plans(self) -> EnvironmentPlans:
        """Return the plans of workflows, in each environment."""
        renamed = self._state.renames.last
        return EnvironmentPlans(self.workspace, self._surroundings, self._default_environment, renamed)

    @property
    def _compiled(self) -> CompiledFiles:
        """The workflow files, with the names of the default environment."""
        return self._plans.as_they_are

    def _accepting(self) -> tuple[Consents, Acceptor, Runs]:
        """Return who agrees to accounts, what accepts runs, and the facet that shows and changes them."""
        worker, logs, audit, clock = self._worker, self._logs, self._audit, self._clock
        agreements, named = Agreements(self._settings), lambda: self._surroundings().connections
        renamed = self._state.renames.last
        consents = Consents(agreements, self._accounts, audit, worker.plans, named, renamed)
        room = Room(self._state.runs.backlog, self.config.limits.most_waiting_runs, clock)
        acceptor = Acceptor(worker, logs, audit, clock, self._surroundings, self._modes.of, consents, room)
        plans = CurrentPlans(self._ready_plan, self.workspace.workflow_ids)
        runs = Runs(worker, logs, audit, clock, plans, self._surroundings, acceptor, self.proof.reindex)
        return consents, acceptor, runs

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
    ) -> Orchestra:
        """Open a workspace. Raises UnknownName (no workspace there), InvalidFile, StorageError, InUse."""
        return cls(workspace, demo=demo, serve=serve, slots=slots, tally=tally, as_served=as_served)

    @staticmethod
    def set_aside_damaged_state(workspace: Path) -> Path | None:
        """Move a damaged state file away, so that the next open rebuilds it from the logs; return its new path.

        Return None if it is intact. Raises UnknownName, InvalidFile, InUse, StorageError.
        """
        config = configuration.load(workspace).config
        return None if config.state else set_aside(Workspace(workspace, config.state_dir).state_dir, utc_now())

    @property
    def is_taken_over(self) -> threading.Event:
        """Return an event that is set once another process has adopted our runs, after too long a silence."""
        return self._worker.is_taken_over

    @property
    def state_form(self) -> str:
        """The version of the tables of the state."""
        return self._database.fact("schema_version") or ""

    @property
    def own_process(self) -> str:
        """The id of this process among those that work on runs."""
        return self._worker.owner.id

    @property
    def is_drained(self) -> bool:
        """Whether this process was asked to take no more runs, and those that it has are done."""
        return self._queue.is_drained

    def is_turning(self) -> bool:
        """Tell, without waiting, whether the engine's event loop has run in the last seconds."""
        return self._worker.silent_seconds() < _LONGEST_TURN_SECONDS

    def hangs(self) -> bool:
        """Tell, without waiting, whether that loop has been silent for longer than any wait for the state takes."""
        patience_seconds = max(_HANGS_SECONDS, _HANGS_LEASES * self.config.limits.lease_seconds)
        return self._worker.silent_seconds() > patience_seconds

    def holds_lease(self) -> bool:
        """Tell, without waiting, whether no other process can have taken over our runs."""
        return not self.is_taken_over.is_set() and self._worker.owner.is_certain()

    def version(self) -> int:
        """Return a number that changes whenever any process writes to the state; cheap enough to ask all the time."""
        return self._state.changes.version()

    def preview(
        self, p: Principal, workflow: str, inputs: Mapping[str, Any], *, look: bool = True, environment: str = ""
    ) -> RunPreview:
        """Return what a run would touch; with `look`, also the items of its first loop (reads only).

        Raises UnknownName, InvalidFile, InvalidInput, ServiceError.
        """
        from engine.runs.starting import preview

        require(p, "run", "start runs")
        plan = self._ready_plan(workflow, {}, environment)
        filled = checked_inputs(plan, inputs)
        services = dict(self._surroundings().connections)
        modes = self._modes_of(plan)
        opened = self._opened(plan, modes)
        found = preview.items(plan, filled, opened) if look else None
        preview.identify(opened)
        needs = self._consents.missing(plan, filled, modes, self._modes.of(""))
        titles, count = found if found is not None else (None, None)
        return preview.RunPreview(
            workflow=workflow,
            connections=preview.badges(plan, modes, services, self._accounts),
            warnings=preview.warnings(plan, filled, opened, needs),
            items=titles,
            count=count,
            estimate=self._acceptor.estimates.of(plan, modes, count),
            needs_confirmation=[one.name for one in needs],
            has_new_accounts=any(one.kind != PUBLIC for one in needs),
        )

    def is_confirmed(self, p: Principal, workflow: str, environment: str = "") -> bool:
        """Tell whether somebody has agreed to the real accounts that runs of a workflow would touch now.

        This calls no service, so it misses what only `preview` and the start of a run can detect: a repository that is
        public, another account behind the same key.
        """
        require(p, "run", "start runs")
        return self._trigger_context.is_agreed(self._plan(workflow, environment))

    def step_types(self, p: Principal) -> list[StepTypeInfo]:
        """Return every step type with the schemas of its fields and output."""
        from engine.plugins.step_info import step_type_infos

        require(p, "view", "see step types")
        return step_type_infos(self._tools.all_usable())

    def own_step_types(self, p: Principal) -> list[str]:
        """Return the names of the step types of this workspace: tested tools, and accepted ones of servers."""
        require(p, "view", "see step types")
        return self._tools.usable_names()

    def trigger_types(self, p: Principal) -> list[TriggerTypeInfo]:
        """Return every trigger type with the schemas of its fields and of an item."""
        from engine.plugins.step_info import trigger_type_infos

        require(p, "view", "see trigger types")
        return trigger_type_infos()

    def audit(self, p: Principal, limit: int = 100) -> list[AuditLine]:
        """Return the latest lines of the audit trail, newest first."""
        return self.trail.lines(p, TrailFilter(limit=limit))

    @cached_property
    def health(self) -> HealthCheck:
        """The health checks: the engine, the state file, the logs, and decisions that somebody has to make.

        The result has `counts`: `triggers` {on, silent, dead}: triggers that are on, those that are silent, and items
        that need attention; `refused_connections`: accounts that refuse calls workflows need; `set_aside_runs`:
        runs that took their process down too often; where the state is shared, `workers` {working, draining, silent,
        taking_runs}: the servers and workers of all machines.
        """
        from engine.health import HealthCheck

        checks = {"engine": self._worker.check, "state": soundness_of(self._database), "logs": self._worker.check_logs}
        return HealthCheck(checks, self._needs_person, self._counts)

    def _needs_person(self) -> Reason | None:
        from engine.health import Reason

        held = self._state.proof.held()
        if held is not None:
            return Reason("writes", held.message, held.remedy)
        lost = self.lost_secrets()
        if lost is not None:
            return Reason("secrets", lost.message, lost.remedy)
        if not self.config.shares_runs:
            return None
        from engine.runs.workers import NO_WORKER

        waiting = self.workers.lacking()
        said = f"{counted(waiting, 'run waits', 'runs wait')}, and no process takes runs."
        return Reason("workers", said, NO_WORKER) if waiting else None

    def lost_secrets(self) -> SecretLost | None:
        """Return why this process cannot open secrets that are shared by all, with the remedy; None if it can."""
        safe = self._loaded().safe
        lost = safe.unopened() if safe.texts.is_shared else []
        if not lost:
            return None
        names, reasons = ", ".join(one.name for one in lost), " ".join(dict.fromkeys(one.why for one in lost))
        remedy = f"Give this process the {VARIABLE} with which they were sealed, and start it again."
        return SecretLost(f"This process cannot open the secrets kept as {names}. {reasons}", remedy=remedy)

    def _counts(self) -> dict[str, Any]:
        found = {
            "triggers": self.triggers.summary(),
            "refused_connections": len(self.troubles.open()),
            "set_aside_runs": self._state.loads.set_aside(),
        }
        return {**found, "workers": self.workers.counts()} if self.config.shares_runs else found

    # --- facets: imported on first use, since a command needs few of them

    @cached_property
    def copies(self) -> Copies:
        """Copies of the logs and the state at another place."""
        from engine.copies import Copies

        others = self._others_at_work
        return Copies(self.workspace, self.config, self._loaded, self._logs, self._database, self._audit, others)

    def _others_at_work(self, p: Principal) -> list[str]:
        return [one.id for one in self.workers.list(p) if one.id != self.own_process and one.state != "silent"]

    @cached_property
    def users(self) -> Users:
        """Who may sign in."""
        from engine.people.users import Users

        def is_theirs(user_id: str, key: str) -> bool:
            from engine.belongings import belongs_to  # only if a user is removed

            return belongs_to(user_id, key)

        return Users(self._state, self._signing_secret, self._audit, self._clock, is_theirs)

    @cached_property
    def languages(self) -> Languages:
        """The language of the dashboard for each user."""
        from engine.people.languages import Languages

        return Languages(self._settings, self._state.people)

    @cached_property
    def workflows(self) -> WorkflowFiles:
        """The workflow files."""
        from engine.workflows.workflow_files import WorkflowFiles

        drafts = self.drafts

        def drafted(p: Principal, name: str) -> Draft | None:
            return drafts.get(p, "workflow", name)

        def follow(name: str, new: str, trash: Path | None = None) -> None:
            if trash is not None:
                drafts.set_aside("workflow", name, trash)
            drafts.follow("workflow", name, new)
            self._kept_by_copilot.follow_workflow(name, new)

        return WorkflowFiles(
            self.workspace,
            self._compiled,
            self._audit,
            self._renaming,
            follow,
            drafted,
            self._plans.default,
            self.connections.add_missing,
        )

    @cached_property
    def editing(self) -> WorkflowEditing:
        """Operations on drafts of workflows."""
        from engine.workflows.editing.editing import WorkflowEditing

        shelf, compiled = self.workspace.workflows, self._compiled
        return WorkflowEditing(shelf, self.workflows, compiled, self.drafts, self._last_values)

    def _last_values(self, p: Principal, workflow: str) -> dict[str, Any]:
        """Return the inputs of the last successful run of a workflow and the outputs of its steps, {} if none.

        Test runs do not count: their values may be made up.
        """
        rows = self.runs.list(p, workflow=workflow, status="succeeded", limit=_MOST_TESTS).rows
        last = next((one for one in rows if not one.is_test), None)
        if last is None:
            return {}
        run = self.runs.get(p, last.run_id)
        outputs = {step_id(one["path"]): one.get("output") for one in run["steps"][::-1]}
        return {"inputs": run.get("inputs"), "steps": outputs}

    @cached_property
    def predictions(self) -> Predictions:
        """What the steps of drafts would give."""
        from engine.runs.predicting.predictions import Predictions

        shelf, around = self.workspace.workflows, self._compiled.surroundings
        return Predictions(shelf, self.editing, around, self.runs, self._logs.blobs)

    @cached_property
    def step_tries(self) -> StepTries:
        """Steps that run alone with made-up values."""
        from engine.runs.made_up.step_tries import StepTries

        plans = CurrentPlans(self._ready_plan, self.workspace.workflow_ids)
        shelf, around = self.workspace.workflows, self._compiled.surroundings

        def edited(p: Principal, name: str) -> str:
            return self.editing.draft_text(p, name).text

        def plan_of(name: str, text: str) -> Plan:
            plan = self._after_renames(lambda: self._compiled.plan(name, text))
            self._require_ready(plan, {})
            return plan

        return StepTries(shelf, around, plans, self._acceptor, self._last_values, edited, plan_of)

    @cached_property
    def bundles(self) -> Bundles:
        """Workflows with their prompts as one file."""
        from engine.workflows.bundles.bundles import Bundles

        return Bundles(self.workspace, self.workflows, lambda: self._surroundings().connections, self._audit)

    @cached_property
    def prompts(self) -> PromptFiles:
        """The prompts and their versions."""
        from engine.prompts.prompt_files import PromptFiles

        def follow(name: str, new: str) -> None:
            self.drafts.follow("prompt", name, new)
            self._try_records.follow(name, new)
            self._consents.follow_prompt(name, new)
            self._kept_by_copilot.follow_prompt(name, new)

        return PromptFiles(self._prompt_store, self._audit, follow, self._proved, self._clock)

    @cached_property
    def fragments(self) -> FragmentFiles:
        """The fragments that prompts share."""
        from engine.prompts.fragment_files import FragmentFiles

        follow = partial(self.drafts.follow, "fragment")
        return FragmentFiles(self._prompt_store.fragments, self._audit, follow)

    def _proved(self, name: str, document: PromptDefinition) -> CaseProof:
        """Test a text with the cases of a prompt, by recorded answers alone."""
        from engine.prompts.cases import CaseStore
        from engine.runs.trying.case_proof import case_proof

        return case_proof(name, document, CaseStore(self.workspace.prompts), self._try_requests, self._cells)

    @cached_property
    def tries(self) -> Tries:
        """Questions to models outside of runs."""
        from engine.runs.trying.tries import Tries

        tries = Tries(
            self._worker,
            self._try_requests,
            self._consents,
            self._try_records,
            self._logs,
            lambda: self._loaded().config,
            self._audit,
            self._clock,
        )
        return self._to_close(tries)

    @cached_property
    def comparisons(self) -> Comparisons:
        """The same values asked in several columns."""
        from engine.runs.trying.comparing import Comparisons

        return Comparisons(self.tries, self._try_requests, self._clock)

    @cached_property
    def cases(self) -> PromptCases:
        """The cases of prompts."""
        from engine.prompts.cases import CaseStore
        from engine.prompts.prompt_cases import PromptCases

        def models() -> list[str]:
            return self._try_requests.connections()

        return PromptCases(CaseStore(self.workspace.prompts, models), self._audit)

    @cached_property
    def corrections(self) -> Corrections:
        """Answers of models in runs that a person has found wrong."""
        from engine.runs.correcting.corrections import Corrections
        from engine.runs.correcting.lesson import Lessons
        from engine.runs.trying.recorded import RecordedCalls

        return Corrections(
            self._worker,
            self._logs,
            self._audit,
            self._clock,
            self.runs,
            CurrentPlans(self._ready_plan, self.workspace.workflow_ids),
            self._acceptor,
            Lessons(self.cases, RecordedCalls(self.runs, self._logs.blobs)),
        )

    @cached_property
    def case_tests(self) -> CaseTests:
        """Tests of prompts with their cases."""
        from engine.prompts.cases import CaseStore
        from engine.runs.trying.case_tests import CaseTests
        from engine.runs.trying.matrix_records import MatrixRecords

        tests = CaseTests(
            self._try_requests,
            self._consents,
            self._cells,
            self._prompt_store,
            CaseStore(self.workspace.prompts),
            MatrixRecords(self.workspace.texts, self._state.owners, self._worker.owner.id, self._clock),
            self._audit,
            self._clock,
        )
        return self._to_close(tests)

    @cached_property
    def _cells(self) -> Cells:
        from engine.runs.trying.cells import Cells

        return Cells(self._worker, self._logs, lambda: self._loaded().config, self._clock)

    @cached_property
    def debugging(self) -> Debugging:
        """Runs that pause before steps."""
        from engine.runs.debugging.debugging import Debugging

        def plan(p: Principal, name: str) -> tuple[Plan, bool]:
            draft = self.editing.draft_text(p, name)
            return self._after_renames(lambda: self._compiled.plan(name, draft.text)), draft.state.is_draft

        return Debugging(self._worker, self._clock, self.runs, self._acceptor, plan)

    @cached_property
    def copilot(self) -> Copilot:
        """Changes proposed for drafts."""
        from engine.copilot.assembly import CopilotDependencies, assembled

        copilot = assembled(
            CopilotDependencies(
                kept=self._kept_by_copilot,
                clock=self._clock,
                workspace=self.workspace,
                config=self._loaded,
                settings=self._settings,
                editing=self.editing,
                workflows=self.workflows,
                compiled=self._compiled,
                plan=lambda name, text: self._after_renames(lambda: self._compiled.plan(name, text)),
                renames_since=self._renames_since,
                acceptor=self._acceptor,
                runs=self.runs,
                connections=lambda: self._surroundings().connections,
                prompts=self.prompts,
                cases=self.cases,
                case_tests=self.case_tests,
                modes=self._modes,
                accounts=self._accounts,
                worker=self._worker,
                logs=self._logs,
                audit=self._audit,
            )
        )
        self._to_close(copilot.talking)
        return copilot

    @cached_property
    def _kept_by_copilot(self) -> CopilotStore:
        from engine.copilot.kept import CopilotStore

        return CopilotStore(self._settings)

    @cached_property
    def environments(self) -> Environments:
        """Which version of each workflow runs where, with which connections and variables."""
        from engine.runs.environments.environments import Environments

        return Environments(self.workspace, self._plans, self._checks, self._audit, self._clock)

    @cached_property
    def versions(self) -> WorkflowVersions:
        """Kept texts of workflows, and their labels."""
        from engine.workflows.versions import WorkflowVersions

        return WorkflowVersions(self.workspace, self._plans.kept, self.workflows, self._audit, self._clock)

    @cached_property
    def branches(self) -> Branches:
        """Copies of workflows in which people work apart."""
        from engine.runs.branches.branches import Branches

        shelf, drafts = self.workspace.workflows, self.drafts
        return Branches(shelf, self.workflows, self._plans, self._checks, drafts, self._audit, self._renames_since)

    def _renames_since(self, workflow: str, at: str) -> StepRenames:
        """Return the steps renamed in the file of a workflow since a time, oldest first; a branch has no receipts."""
        return () if is_branch(workflow) else self._logs.renames().since(self.workspace.workflow_ids.of(workflow), at)

    @cached_property
    def _checks(self) -> PromotionChecks:
        """What a text is checked with before it runs somewhere else."""
        from engine.runs.environments.promotion import PromotionChecks

        def estimate(plan: Plan) -> str:
            found = self._acceptor.estimates.of(plan, self._modes_of(plan))
            return "" if found is None else found["sentence"]

        return PromotionChecks(
            require_ready=partial(self._require_ready, kept={}),
            estimate=estimate,
            is_agreed=partial(self._trigger_context.is_agreed, connection=None),
            services=lambda: self._surroundings().connections,
        )

    def plan(self, p: Principal, workflow: str, environment: str = "") -> Plan:
        """Return a workflow as it runs in an environment, by default the default one.

        Raises UnknownName, InvalidFile with every problem, and InvalidInput if it is not in the environment.
        """
        require(p, "view", "see workflows")
        return self._plan(workflow, environment)

    @cached_property
    def drafts(self) -> Drafts:
        """Unsaved texts of the editors."""
        from engine.workspace.drafts import Drafts

        return Drafts(self._settings, self._clock)

    @property
    def triggers(self) -> Triggers:
        """What starts runs automatically."""
        return self._triggering.facet

    @property
    def forms(self) -> Forms:
        """Forms that anybody may fill in who has their address."""
        return self._triggering.forms

    @cached_property
    def ingress(self) -> Ingress:
        """Messages of a broker that start runs."""
        from engine.ingress.ingress import Ingress

        def plan(name: str, environment: str) -> Plan:
            return self._ready_plan(name, {}, environment)

        locks, folder = self._worker.owner.locks, self.workspace.state_dir
        return Ingress(self._loaded, self._state, self._acceptor, plan, self.is_taken_over, locks, folder)

    @cached_property
    def approvals(self) -> Approvals:
        """Questions that runs ask people."""
        from engine.runs.approvals import Approvals

        is_user = partial(is_known, self._state.people)

        def warnings() -> list[Problem]:
            return configuration.warnings(self._loaded(), is_user)

        return Approvals(self._state.approvals, self._worker, self._audit, self._clock, warnings)

    @cached_property
    def plans(self) -> Plans:
        """What runs would write, shown before they do."""
        from engine.runs.planning.plans import Plans

        plans = CurrentPlans(self._ready_plan, self.workspace.workflow_ids)
        return Plans(
            self._worker, self._logs, self._clock, self.runs, plans, self._acceptor, lambda: self._loaded().config
        )

    @cached_property
    def first_run(self) -> FirstRun:
        """Five steps to a run on a person's own mail."""
        from engine.first_run.first_run import FirstRun

        return FirstRun(self.workspace, self._settings, self.connections, self.workflows, self.plans, self.triggers)

    @cached_property
    def approval_links(self) -> ApprovalLinks:
        """Answers by signed links."""
        from engine.runs.approval_links import ApprovalLinks

        def is_on() -> bool:
            return self._loaded().config.approvals.notify is not None

        return ApprovalLinks(self.approvals, self._signing_secret, self._clock, is_on)

    @cached_property
    def budgets(self) -> Budgets:
        """What model calls may use, and have used."""
        from engine.runs.budgets import Budgets
        from engine.workspace.config_section import write_section

        settings, shelf = lambda: self._loaded().config, self.workspace.workflows
        write = partial(write_section, self.workspace.root, "budgets")
        return Budgets(self._state.spent, settings, shelf, self._worker, self._audit, self._clock, write)

    @cached_property
    def attention(self) -> AttentionReader:
        """What needs a person."""
        from engine.attention import AttentionReader

        return AttentionReader(self.runs, self.triggers, self.approvals, self.connections, self.budgets, self.proof)

    @cached_property
    def collections(self) -> Collections:
        """The collections of documents that workflows index and search."""
        from engine.collections import Collections
        from engine.runs.trying.question_vectors import QuestionVectors

        vectors = QuestionVectors(self._worker, self._logs, lambda: self._loaded().config, self._clock)
        return Collections(self._accounts.open, vectors.of, self._audit)

    @cached_property
    def tools(self) -> Tools:
        """The step types that people of the workspace have written."""
        from engine.tools.tools import Tools

        shelf, users = self._tools.own, self.workspace.users
        state = self.workspace.state_dir
        return Tools(shelf, lambda: self._loaded().config.code, users, state, self._tool_history, self._audit)

    @cached_property
    def tool_files(self) -> ToolFiles:
        """The files and versions of these step types."""
        from engine.tools.editing import ToolFiles

        return ToolFiles(self._tools.own, self._tool_history, self.workspace.workflows, self._audit)

    @property
    def _tool_history(self) -> ToolHistory:
        from engine.tools.versions import ToolHistory

        return ToolHistory(self.workspace.texts, self._clock)

    @cached_property
    def tool_servers(self) -> ToolServers:
        """The tools of MCP servers: offered, and accepted as steps."""
        from engine.tools.servers import ToolServers

        return ToolServers(self._tools.accepted, self.connections.client_of, self.workspace, self._audit)

    @cached_property
    def projects(self) -> ProjectStore:
        """The programs that workflows and people write together."""
        from engine.projects.projects import Projects
        from engine.runs.projects.store import ProjectStore, tested_with

        def recorded(run_id: str) -> list[str]:
            try:
                return tested_with(self.runs.get(ENGINE, run_id))
            except (UnknownName, InvalidFile):  # its log is no longer kept
                return []

        return ProjectStore(Projects(self.workspace, self._clock), self._audit, recorded)

    @cached_property
    def project_runs(self) -> ProjectRuns:
        """Commands that people run in projects."""
        from engine.runs.projects.commands import ProjectRuns

        runs = ProjectRuns(self.projects, lambda: self._loaded().config.code, self._audit, self._clock)
        return self._to_close(runs)

    @cached_property
    def project_previews(self) -> ProjectPreviews:
        """Links to the static pages of projects."""
        from engine.runs.projects.previews import ProjectPreviews

        def is_user(who: str) -> bool:
            return who.startswith(LOCAL) or is_known(self._state.people, who)

        return ProjectPreviews(self.projects, self._signing_secret, is_user, self._clock)

    @cached_property
    def _compiled_agents(self) -> CompiledAgents:
        from engine.agents.compiled_agents import CompiledAgents

        return CompiledAgents(self._agent_store, self._surroundings)

    @cached_property
    def agents(self) -> Agents:
        """The agents of the workspace."""
        from engine.agents.agents import Agents

        return Agents(self._agent_store, self._compiled_agents, self._audit, partial(self.drafts.follow, "agent"))

    @cached_property
    def agent_tries(self) -> AgentTries:
        """Agents that work in the demo, as somebody is editing them."""
        from engine.agents.tries import AgentTries

        return AgentTries(self._compiled_agents, self._acceptor)

    @cached_property
    def agent_versions(self) -> AgentVersions:
        """Kept texts of agents, and their labels."""
        from engine.agents.versions import AgentVersions

        return AgentVersions(self._agent_store, self.agents, self._audit, self._clock)

    @cached_property
    def workers(self) -> Workers:
        """The processes that work on runs."""
        from engine.runs.workers import Workers

        locks = self._worker.owner.locks
        shares = self.config.shares_runs
        return Workers(self._state.loads, self._state.owners, locks, self._audit, self._clock, shares_runs=shares)

    @cached_property
    def metrics(self) -> Metrics:
        """Figures of the workspace and of this process, for Prometheus."""
        from engine.metrics.metrics import Metrics
        from engine.metrics.workspace import MetricSources

        def sources() -> MetricSources:
            return MetricSources(self._state.loads, self.triggers, self.budgets, self.troubles.open, self._clock)

        return Metrics(sources, self._tally, self._worker.silent_seconds)

    @cached_property
    def demo(self) -> Demo:
        """The stand-ins and their data."""
        from engine.demo_mailbox import Demo

        return Demo(
            self._stand_ins, self._state.demo, self._worker, self._logs, self._audit, self.runs.cancel, self._writes
        )

    @cached_property
    def retention(self) -> Retention:
        """Which ended runs are kept."""
        from engine.files.readings import FOLDER, Readings
        from engine.runs.retention import Retention

        return Retention(
            self._state.old_runs,
            self._logs,
            self._audit,
            self._clock,
            lambda: self._loaded().config.retention,
            Readings(self.workspace.state_dir / FOLDER),
        )

    def _rebuild(self, *, is_lost: bool) -> Rebuild:
        from engine.runs.reindex import Rebuild

        return Rebuild(self._state, self._logs, lambda: self._surroundings().connections, is_lost=is_lost)

    def _opened_worker(self, *, serve: bool, slots: int | None) -> Worker:
        """`slots`: how many runs a process takes that does nothing else; a server takes as many as the settings say."""
        kind = "worker" if slots else "serve" if serve else "cli"  # `orchestra ingress` has no slots
        if slots is None and serve and self.config.shares_runs:
            slots = self.config.limits.runs_at_once
        limits = self.config.run_limits
        owner = SqlOwner(
            self._database,
            self.workspace.state_dir / "owners",
            kind,
            self._clock,
            lease_seconds=self.config.limits.lease_seconds,
            blobs=self._logs.blobs,
            slots=slots,
            limits=limits,
        )
        queue: WorkQueue = LocalQueue()
        if slots is not None or limits.are_set:
            queue = ClaimQueue(self._state.claims, owner.id, self._clock, slots, limits)
        self._queue = queue
        return Worker(
            self._state,
            owner,
            self._accounts,
            self._logs,
            self._writes,
            queue,
            self._clock,
            WorkerEvents(
                idle=self._next_turn,
                adopted=self._let_go,
                live=self._live(owner.id, serve=serve, works=slots is not None),
                observer=self._tally,
                tracer=tracer_of(os.environ, owner.id),
            ),
        )

    def _live(self, process: str, *, serve: bool, works: bool) -> Live | None:
        """Return where answers of models are seen while they arrive; None if nobody looks at them."""
        channel = self._database.broadcast() if serve or works else None
        if channel is None:
            return Live() if serve else None
        from engine.runner.effects.shared_live import SharedLive

        return SharedLive(channel, process)

    def _begin(self, *, serve: bool, works: bool) -> None:
        """Adopt the runs of dead processes, as servers and workers do; a server also starts upkeep and triggers."""
        if serve:
            self._start_upkeep()
            self._triggering.begin_watching()
        if serve or works:
            self._worker.adopt_from_now_on()

    def _start_upkeep(self) -> None:
        from engine.upkeep import Upkeep

        prune = partial(self.retention.prune, ENGINE)
        upkeep = Upkeep(self.workspace.state_dir, prune, self._database.shrink, self._end_renames)
        self._to_close(upkeep)
        self._exits.callback(self.retention.stop)  # before it: its thread may be removing many runs
        upkeep.start()

    @cached_property
    def _triggering(self) -> Triggering:
        from engine.triggering.assembly import Triggering, TriggeringDependencies

        triggering = Triggering(
            TriggeringDependencies(
                state=self._state,
                worker=self._worker,
                acceptor=self._acceptor,
                accounts=self._accounts,
                logs=self._logs,
                audit=self._audit,
                clock=self._clock,
                context=self._trigger_context,
                workflows=self.workspace.workflows.names,
                resume=self.runs.resume,
                links=self.approval_links,
                secret=self._signing_secret,
            )
        )
        return self._to_close(triggering)

    @cached_property
    def _trigger_context(self) -> TriggerContext:
        from engine.triggering.polling.context import TriggerContext

        return TriggerContext(
            root=self.workspace.root,
            loaded=self._loaded,
            plan=lambda name: self._after_renames(lambda: self._plans.trigger_plan(name)),
            ids=self.workspace.workflow_ids,
            mode=self._modes.of,
            connections=self.connections,
            troubles=self.troubles,
            consents=self._consents,
            clock=self._clock,
            state_dir=self.workspace.state_dir,
        )

    def _next_turn(self) -> None:
        """Let a queued run start, now that the work on another is over."""
        if "_triggering" in vars(self):  # else none is queued here
            self._triggering.turns.look_again()

    def _let_go(self) -> None:
        """Start queued runs that were adopted, when it is their turn."""
        self._triggering.turns.begin()

    # --- shared by the facets

    def _loaded(self) -> LoadedConfig:
        """Return the current settings: a connection added to the file counts from the next run on."""
        return self._config_files.loaded()

    def _signing_secret(self) -> bytes:
        """Return what signs tokens and links, for every process of the workspace."""
        from engine.secrets.shared_key import signing_secret

        return signing_secret(self.workspace.state_dir, self._loaded().safe)

    @cached_property
    def _try_requests(self) -> TryRequests:
        from engine.runs.trying.recorded import RecordedCalls
        from engine.runs.trying.try_requests import TryRequests

        return TryRequests(
            self._prompt_store,
            self._accounts,
            RecordedCalls(self.runs, self._logs.blobs),
            self._modes.of,
            self.connections.require_ready,
            self._clock,
            self._worker.owner.id,
        )

    def _prompt(self, reference: str) -> PromptDefinition:
        return self._prompt_store.resolve(reference)

    def _surroundings(self) -> Surroundings:
        loaded, workspace = self._loaded(), self.workspace
        connections = {name: one.service for name, one in loaded.config.connections.items()}
        asked = workspace.workflow_ids.asked()
        is_user = partial(is_known, self._state.people)
        return Surroundings(
            connections,
            self._prompt,
            with_agents(lambda: self._agent_store, workspace.workflows.document),
            asked,
            hosts(loaded),
            is_user,
            seen=self._seen,
            lacks=self._lacks,
            own_settings=loaded.own_settings,
            tools=self._tools.usable,
        )

    def _seen(self, connection: str) -> SeenAccount | None:
        return self.connections.seen(connection)  # imported only if a step has a connection

    def _lacks(self, connection: str) -> tuple[str, str]:
        return self.connections.lacks(connection)

    def _end_renames(self) -> None:
        """Finish renames that a crash or a full disk interrupted, so that receipts follow the steps."""
        if self._state.renames.is_begun():
            self._renaming.settle()

    def _plan(self, name: str, environment: str = "") -> Plan:
        """Return the plan of a workflow for runs; it finds records written under earlier ids of its steps."""
        return self._after_renames(lambda: self._plans.plan(name, environment))

    def _after_renames(self, plan: Callable[[], Plan]) -> Plan:
        self._end_renames()
        try:
            return plan()
        except (InvalidFile, UnknownName):  # what it names may have been renamed between two reads of the files
            self._end_renames()
            return plan()

    def _default_environment(self) -> str:
        return self._loaded().config.default_environment

    def _ready_plan(self, name: str, kept: Mapping[str, AccountMode], environment: str = "") -> Plan:
        """Return the plan of a workflow if all accounts that it would touch can sign in. Raises InvalidInput.

        Otherwise the run would stop at the first step that needs one, after the model was paid. `kept`: the account
        mode of each connection for this run, regardless of the current settings. `environment`: by default the default
        one.
        """
        plan = self._plan(name, environment)
        self._require_ready(plan, kept)
        return plan

    def _require_ready(self, plan: Plan, kept: Mapping[str, AccountMode]) -> None:
        modes = self._acceptor.modes(plan, kept)
        if modes:
            self.connections.require_ready(modes)

    def _modes_of(self, plan: Plan) -> dict[str, AccountMode]:
        return self._acceptor.modes(plan, {})

    def _opened(self, plan: Plan, modes: Mapping[str, Any]) -> dict[str, Account]:
        return {name: self._accounts.open(name, None, modes[name]) for name in plan.connections}


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
