"""The worker of a process, and what accepts runs for it: the runs themselves, consents, plans that are ready."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.base.statuses import AccountMode
from engine.base.threads import shared_property
from engine.compiler.definition.plan import Plan
from engine.connections.consents import ConsentStore
from engine.observing.tally import Tally
from engine.observing.traces import tracer_of
from engine.runner.effects.live import Live
from engine.runner.worker.claim_queue import ClaimQueue
from engine.runner.worker.queue import LocalQueue, WorkQueue
from engine.runner.worker.worker import Worker, WorkerOptions
from engine.runs.runs import Runs
from engine.runs.starting.acceptor import Acceptor
from engine.runs.starting.admission import Admission
from engine.runs.starting.consent import Consents
from engine.runs.starting.current_plans import CurrentPlans

if TYPE_CHECKING:
    from engine.assembly.open_workspace import OpenedWorkspace
    from engine.prompts.right_answers import RightAnswers
    from engine.runs.model_calls import ModelCalls
    from engine.runs.trials.trials import Trials
    from engine.triggering.polling.context import TriggerContext

_LONGEST_TURN_SECONDS = 3.0
_HANGS_SECONDS, _HANGS_LEASES = 10.0, 2.0


class RunWork:
    """Runs are accepted here and worked on. `slots`: how many runs it takes at once if it does nothing else."""

    def __init__(self, opened: OpenedWorkspace, tally: Tally, *, serve: bool, slots: int | None) -> None:
        self._opened, self.tally = opened, tally
        slots = slots if opened.config.shares_runs else None
        self.adopts = serve or slots is not None
        self.worker = opened.to_close(self._opened_worker(serve=serve, slots=slots))
        self.consents = self._consents()
        self.acceptor = self._acceptor()
        self.current_plans = CurrentPlans(self.ready_plan, opened.workspace.workflow_ids)
        self.runs = self._runs()

    @shared_property
    def trials(self) -> Trials:
        """Starts runs that only try something."""
        from engine.runs.trials.trials import Trials

        return Trials(self.acceptor, self.runs.require_files)

    @shared_property
    def model_calls(self) -> ModelCalls:
        """Calls models outside of runs."""
        from engine.runs.model_calls import ModelCalls

        opened = self._opened
        return ModelCalls(self.worker, opened.logs, opened.settings_now, opened.clock)

    def _opened_worker(self, *, serve: bool, slots: int | None) -> Worker:
        """`slots`: how many runs a process takes that does nothing else; a server takes as many as the settings say."""
        opened = self._opened
        kind = "worker" if slots else "serve" if serve else "cli"  # `orchestra ingress` has no slots
        works = slots is not None
        if slots is None and serve and opened.config.shares_runs:
            slots = opened.config.limits.runs_at_once
        owner, limits = opened.owner(kind, slots), opened.config.run_limits
        queue: WorkQueue = LocalQueue()
        if slots is not None or limits.are_set:
            queue = ClaimQueue(opened.state.claims, owner.id, opened.clock, slots, limits)
        self._queue = queue

        options = WorkerOptions(
            live=self._live(owner.id, serve=serve, works=works),
            observer=self.tally,
            tracer=None if opened.is_read_only else tracer_of(os.environ, owner.id),
            cases_of_prompts=lambda: self.right_answers,
        )
        return Worker(opened.state, owner, opened.accounts, opened.logs, opened.writes, queue, opened.clock, options)

    @shared_property
    def right_answers(self) -> RightAnswers:
        """What people have said in the cases of prompts."""
        from engine.prompts.cases import CaseStore
        from engine.prompts.right_answers import RightAnswers

        return RightAnswers(CaseStore(self._opened.workspace.prompts))

    def _live(self, process: str, *, serve: bool, works: bool) -> Live | None:
        """Return where answers of models are seen while they arrive; None if nobody looks at them."""
        channel = self._opened.database.broadcast() if serve or works else None
        if channel is None:
            return Live() if serve else None
        from engine.runner.effects.shared_live import SharedLive

        return SharedLive(channel, process)

    def _consents(self) -> Consents:
        """Return who agrees to accounts."""
        opened = self._opened
        consent_store, renamed = ConsentStore(opened.settings), opened.state.renames.last
        return Consents(consent_store, opened.accounts, opened.audit, self.worker.plans, opened.services, renamed)

    def _acceptor(self) -> Acceptor:
        opened, worker, clock = self._opened, self.worker, self._opened.clock
        admission = Admission(opened.state.runs.backlog, opened.config.limits.most_waiting_runs, clock)
        around, mode = opened.compiler_context, opened.modes.of
        return Acceptor(worker, opened.logs, opened.audit, clock, around, mode, self.consents, admission)

    def _runs(self) -> Runs:
        opened, worker, reindex = self._opened, self.worker, self._opened.proof.reindex
        plans, around, acceptor = self.current_plans, opened.compiler_context, self.acceptor
        return Runs(worker, opened.logs, opened.audit, opened.clock, plans, around, acceptor, reindex)

    def adopt(self) -> None:
        """Adopt the runs of dead processes from now on, as servers and workers do."""
        if self.adopts:
            self.worker.adopt_from_now_on()

    # --- the plans of runs

    def ready_plan(self, name: str, kept: Mapping[str, AccountMode], environment: str = "") -> Plan:
        """Return the plan of a workflow if all accounts that it would touch can sign in. Raises InvalidInput.

        Otherwise the run would stop at the first step that needs one, after the model was paid. `kept`: the account
        mode of each connection for this run, regardless of the current settings. `environment`: by default the default
        one.
        """
        plan = self._opened.plan(name, environment)
        self.require_ready(plan, kept)
        return plan

    def require_ready(self, plan: Plan, kept: Mapping[str, AccountMode] | None = None) -> None:
        """Raise InvalidInput unless all accounts of a plan can sign in; `kept` as for `ready_plan`."""
        modes = self.acceptor.modes(plan, kept or {})
        if modes:
            self._opened.connections.require_ready(modes)

    def modes_of(self, plan: Plan) -> dict[str, AccountMode]:
        """Return the account mode of each connection of a plan, according to the current settings."""
        return self.acceptor.modes(plan, {})

    @shared_property
    def trigger_context(self) -> TriggerContext:
        """What triggers know of the workspace."""
        from engine.triggering.polling.context import TriggerContext

        opened = self._opened
        return TriggerContext(
            root=opened.workspace.root,
            loaded=opened.loaded,
            plan=lambda name: opened.after_renames(lambda: opened.plans.trigger_plan(name)),
            ids=opened.workspace.workflow_ids,
            mode=opened.modes.of,
            connections=opened.connections,
            account_notices=opened.account_notices,
            consents=self.consents,
            clock=opened.clock,
            state_dir=opened.workspace.state_dir,
        )

    # --- how the worker is

    @property
    def is_taken_over(self) -> threading.Event:
        """Return an event that is set once another process has adopted our runs, after too long a silence."""
        return self.worker.is_taken_over

    @property
    def own_process(self) -> str:
        """The id of this process among those that work on runs."""
        return self.worker.owner.id

    @property
    def is_drained(self) -> bool:
        """Whether this process was asked to take no more runs, and those that it has are done."""
        return self._queue.is_drained

    def is_turning(self) -> bool:
        """Tell, without waiting, whether the engine's event loop has run in the last seconds."""
        return self.worker.silent_seconds() < _LONGEST_TURN_SECONDS

    def hangs(self) -> bool:
        """Tell, without waiting, whether that loop has been silent for longer than any wait for the state takes."""
        patience_seconds = max(_HANGS_SECONDS, _HANGS_LEASES * self._opened.config.limits.lease_seconds)
        return self.worker.silent_seconds() > patience_seconds

    def holds_lease(self) -> bool:
        """Tell, without waiting, whether no other process can have taken over our runs."""
        return not self.is_taken_over.is_set() and self.worker.owner.is_certain()
