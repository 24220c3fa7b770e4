"""Accept runs: check the request, store the run on disk, and only then start it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.base.clock import Clock, timestamp
from engine.base.errors import OrchestraError
from engine.base.names import new_run_id
from engine.base.statuses import AccountMode
from engine.base.threads import shared_property
from engine.compiler.definition.environment import Surroundings
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.record.acceptance import Circumstances, acceptance, checked_inputs
from engine.record.run_files import RunFiles, RunFolder
from engine.record.run_log import RunLogs
from engine.record.types.run import RunOptions
from engine.runs.starting.consent import Consents, is_real
from engine.runs.starting.room import Room
from engine.runs.starting.run_request import RunRequest
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
        surroundings: Callable[[], Surroundings],
        mode: Callable[[str], AccountMode],
        consents: Consents,
        room: Room,
    ) -> None:
        self._worker, self._logs, self._audit, self._clock = worker, logs, audit, clock
        self._surroundings, self.mode, self.consents = surroundings, mode, consents
        self.room = room

    @shared_property
    def estimates(self) -> Estimates:
        """What runs may cost, and how long they may take."""
        from engine.runs.starting.estimates import Estimates

        return Estimates(self._worker.state.spent, self._worker.accounts.config)

    def earlier(self, request: IdempotentRequest | None) -> str | None:
        """Return the run that a request started before. Raises InUse if its key was used for a different request."""
        return None if request is None else self._worker.rows.of_request(request)

    def accept(
        self,
        p: Principal,
        plan: Plan,
        wanted: RunRequest,
        request: IdempotentRequest | None,
        action: str,
        others: Mapping[str, str] | None = None,
    ) -> str:
        """Accept a run and start it; return its id, or the id of the run that this request started before.

        `others`: the service of each connection that the plan has and the workspace need not have.
        Raises InvalidInput, ConfirmationNeeded, InUse (Renamed: see `retry_if_renamed`), StorageError, and ServiceError
        if the owner of a new account cannot be determined.
        """
        return self.begin(self._entry(p, plan, wanted, action, {**self.services(), **(others or {})}, request))

    def ready(
        self, p: Principal, plan: Plan, wanted: RunRequest, request: IdempotentRequest | None, action: str
    ) -> RunEntry:
        """Return a run that is checked but not stored yet, for `begin`. Raises as `accept`."""
        return self._entry(p, plan, wanted, action, self.services(), request)

    def begin(self, entry: RunEntry) -> str:
        """Store such a run and start it; return its id, or the id of the run that its request started before.

        Raises Renamed, InUse, StorageError.
        """
        [run_id] = self._begin([entry])
        return run_id

    def begin_each(self, entries: Sequence[RunEntry]) -> None:
        """Store such runs in one transaction and start those that are stored; each has its own `error`, if any.

        Raises StorageError if the fate of some is unknown.
        """
        try:
            self._worker.acceptances.store(entries)
        except OrchestraError:
            if any(entry.run_id is None and entry.error is None for entry in entries):
                raise
        self._worker.begin([entry.acceptance for entry in entries if entry.is_new])

    def accept_once(
        self, p: Principal, plan: Plan, wanted: RunRequest, request: IdempotentRequest, action: str
    ) -> str | None:
        """Accept a run and start it; return its id, None if this request has started one before. Raises as `accept`."""
        entry = self._entry(p, plan, wanted, action, self.services(), request)
        [run_id] = self._begin([entry])
        return run_id if entry.is_new else None

    def accept_all(self, p: Principal, plan: Plan, run_requests: Iterable[RunRequest], action: str) -> list[str]:
        """Accept runs, all or none, in one transaction, and start them; return their ids. Raises as `accept`."""
        services = self.services()
        return self._begin([self._entry(p, plan, wanted, action, services) for wanted in run_requests])

    def entry(self, p: Principal, plan: Plan, wanted: RunRequest, action: str) -> RunEntry:
        """Return a run that is checked but not stored yet: `Acceptances.store_within` does that. Raises as `accept`."""
        return self._entry(p, plan, wanted, action, self.services())

    def new_files(self) -> tuple[str, RunFiles]:
        """Return the id of a run to come, and where its files are stored."""
        run_id = new_run_id(self._clock())
        return run_id, RunFiles(RunFolder(self._logs.blobs, run_id))

    def _begin(self, entries: Sequence[RunEntry]) -> list[str]:
        self._worker.acceptances.store(entries)
        self._worker.begin([entry.acceptance for entry in entries if entry.is_new])
        return [str(entry.run_id) for entry in entries]

    def _entry(
        self,
        p: Principal,
        plan: Plan,
        wanted: RunRequest,
        action: str,
        services: Mapping[str, str],
        request: IdempotentRequest | None = None,
    ) -> RunEntry:
        require_asked(p, plan, wanted.options, self._worker.accounts.config().config.approvals.rules)
        accepted = acceptance(plan, wanted.inputs, self._circumstances(p, plan, wanted, services))
        self._worker.plans.keep(accepted, plan)
        title = str(plan.document.get("title") or plan.name)
        line = self._audit.entry(p, action, plan.name, {"run_id": accepted["run_id"], **_named(wanted.options)})
        return RunEntry(accepted, title, line, request, last_rename=plan.last_rename)

    def services(self) -> dict[str, str]:
        """Return the service of each connection of the workspace."""
        return dict(self._surroundings().connections)

    def modes(self, plan: Plan, kept: Mapping[str, AccountMode]) -> dict[str, AccountMode]:
        """Return the account mode of each connection of a plan; `kept` overrides the settings, its environment both."""
        return self._modes(plan, kept, self.services())

    def _modes(
        self, plan: Plan, kept: Mapping[str, AccountMode], services: Mapping[str, str]
    ) -> dict[str, AccountMode]:
        return {name: plan.mode(name, kept.get(name) or self.mode(services[name])) for name in plan.connections}

    def _circumstances(
        self, p: Principal, plan: Plan, wanted: RunRequest, services: Mapping[str, str]
    ) -> Circumstances:
        now = self._clock()
        modes, default_mode = self._modes(plan, wanted.modes, services), wanted.default_mode or self.mode("")
        confirmed = self._confirmed(p, plan, wanted, modes, default_mode)
        return Circumstances(
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
