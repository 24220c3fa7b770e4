"""Accept runs: check the request, store the run on disk, and only then start it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engine.base.clock import Clock, timestamp
from engine.base.errors import OrchestraError
from engine.base.names import new_run_id
from engine.base.statuses import AccountMode
from engine.base.threads import shared_property
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.record.acceptance import AcceptanceContext, acceptance, checked_inputs
from engine.record.run_files import RunFiles, RunFolder
from engine.record.run_log import RunLogs
from engine.record.types.run import RunOptions
from engine.runs.starting.admission import Admission
from engine.runs.starting.consent import Consents, is_real
from engine.runs.starting.run_request import RunRequest, retry_if_renamed
from engine.runs.starting.unasked import require_asked
from engine.store.acceptances import IdempotentRequest, RunEntry

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker
    from engine.runs.starting.estimates import Estimates


class Acceptor:
    """Turns requests into runs of this process."""

    def __init__(
        self,
        worker: Worker,
        logs: RunLogs,
        audit: Audit,
        clock: Clock,
        compiler_context: Callable[[], CompilerContext],
        mode: Callable[[str], AccountMode],
        consents: Consents,
        admission: Admission,
    ) -> None:
        self._worker, self._logs, self._audit, self._clock = worker, logs, audit, clock
        self._compiler_context, self.mode, self.consents = compiler_context, mode, consents
        self.admission = admission

    @shared_property
    def estimates(self) -> Estimates:
        """What runs may cost, and how long they may take."""
        from engine.runs.starting.estimates import Estimates

        return Estimates(self._worker.state.spent, self._worker.accounts.config)

    def earlier(self, request: IdempotentRequest | None) -> str | None:
        """Return the run that a request started before. Raises InUse if its key was used for a different request."""
        return None if request is None else self._worker.rows.of_request(request)

    def prepare(
        self,
        p: Principal,
        plan: Plan,
        wanted: RunRequest,
        action: str,
        request: IdempotentRequest | None = None,
        others: Mapping[str, str] = MappingProxyType({}),
    ) -> RunEntry:
        """Return a run that is checked but not stored yet: `begin` does that, or the transaction that it is part of.

        `others`: the service of each connection that the plan has and the workspace need not have. Raises InvalidInput,
        ConfirmationNeeded, InUse (Renamed: see `retry_if_renamed`), and ServiceError if the owner of a new account
        cannot be determined.
        """
        require_asked(p, plan, wanted.options, self._worker.accounts.config().config.approvals.rules)
        circumstances = self._circumstances(p, plan, wanted, {**self.services(), **others})
        accepted = acceptance(plan, wanted.inputs, circumstances)
        self._worker.plans.keep(accepted, plan)
        title = str(plan.document.get("title") or plan.name)
        line = self._audit.entry(p, action, plan.name, {"run_id": accepted["run_id"], **_named(wanted.options)})
        return RunEntry(accepted, title, line, request, last_rename=plan.last_rename)

    def begin(self, entry: RunEntry) -> str:
        """Store a run and start it; return its id, or the id of the run that its request started before.

        Raises Renamed, InUse, StorageError.
        """
        self.begin_each([entry])
        return entry.started()

    def begin_each(self, entries: Sequence[RunEntry]) -> None:
        """Store runs in one transaction and start those that are stored; each has its own `error`, if any.

        Raises StorageError if the fate of some is unknown.
        """
        try:
            self._worker.acceptances.store(entries)
        except OrchestraError:
            if any(entry.run_id is None and entry.error is None for entry in entries):
                raise
        begun = [entry.acceptance for entry in entries if entry.is_new]
        if begun:  # else the errors of the entries count, and not why nothing may begin
            self._worker.begin(begun)

    def begin_once(self, request: IdempotentRequest | None, prepared: Callable[[], RunEntry]) -> str:
        """Start the run that `prepared` returns, unless the request has started one before; return the id of the run.

        So it does not matter whether the workflow was changed or deleted since. `prepared` is called again if a name
        changes meanwhile. Raises what it raises, InUse if the key was used for a different request, StorageError.
        """
        return self.earlier(request) or retry_if_renamed(lambda: self.begin(prepared()))

    def new_files(self) -> tuple[str, RunFiles]:
        """Return the id of a run to come, and where its files are stored."""
        run_id = new_run_id(self._clock())
        return run_id, RunFiles(RunFolder(self._logs.blobs, run_id))

    def services(self) -> dict[str, str]:
        """Return the service of each connection of the workspace."""
        return dict(self._compiler_context().connections)

    def modes(self, plan: Plan, kept: Mapping[str, AccountMode], *, in_demo: bool = False) -> dict[str, AccountMode]:
        """Return the account mode of each connection of a plan; `kept` overrides the settings, its environment both.

        `in_demo`: of a run on the demo, which takes the demo for a connection that it did not have before, too.
        """
        return self._modes(plan, kept, self.services(), in_demo=in_demo)

    def _modes(
        self, plan: Plan, kept: Mapping[str, AccountMode], services: Mapping[str, str], *, in_demo: bool
    ) -> dict[str, AccountMode]:
        def otherwise(name: str) -> AccountMode:
            return AccountMode.DEMO if in_demo else self.mode(services[name])

        return {name: plan.mode(name, kept.get(name) or otherwise(name)) for name in plan.connections}

    def _circumstances(
        self, p: Principal, plan: Plan, wanted: RunRequest, services: Mapping[str, str]
    ) -> AcceptanceContext:
        now = self._clock()
        default_mode = wanted.default_mode or self.mode("")
        modes = self._modes(plan, wanted.modes, services, in_demo=wanted.default_mode == AccountMode.DEMO)
        confirmed = self._confirmed(p, plan, wanted, modes, default_mode)
        return AcceptanceContext(
            run_id=wanted.run_id or new_run_id(now),
            started_by=p.id,
            queued_at=timestamp(now),
            modes=modes,
            default_mode=default_mode,
            connections=services,
            blobs=self._logs.blobs,
            origin_run_id=wanted.origin_run_id,
            caller=wanted.caller,
            options=wanted.options,
            trigger=wanted.trigger,
            outside_inputs=wanted.outside_inputs,
            estimate=self.estimates.of(plan, modes),
            priority=wanted.priority or plan.priority or wanted.usual_priority,
            confirmed=confirmed,
            agreed=self.consents.kept(plan.id, modes) if AccountMode.MINE in modes.values() else {},
        )

    def _confirmed(
        self,
        p: Principal,
        plan: Plan,
        wanted: RunRequest,
        modes: Mapping[str, AccountMode],
        default_mode: AccountMode,
    ) -> list[str]:
        """Record and return what `p` agrees to now: no run uses real accounts without consent."""
        self.consents.require_may_write(plan, wanted.inputs, modes, default_mode, wanted.options)
        if not is_real(plan, modes, default_mode):
            return []
        return self.consents.require(p, plan, checked_inputs(plan, wanted.inputs), modes, default_mode)


def _named(options: RunOptions) -> dict[str, Any]:
    """Return options for the audit trail: which steps and items were given, without the values."""
    return {**options, **{key: list(options[key]) for key in ("pins", "made_up") if key in options}}
