"""Accepts runs: checks what is asked for, puts it on disk, and only then lets them begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.clock import Clock
from engine.compiler.compiler import Surroundings
from engine.compiler.plan import Plan
from engine.connections.accounts import Mode
from engine.names import new_run_id, timestamp
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.runner.host import Host
from engine.runs.acceptance import Circumstances, acceptance
from engine.runs.request_keys import Request
from engine.runs.run_log import RunLogs
from engine.store.acceptances import Entry, Renamed

Result = TypeVar("Result")
_TRIES = 5


@dataclass(frozen=True)
class Wish:
    """What a run is to do beside what its workflow says."""

    inputs: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    modes: Mapping[str, Mode] = field(default_factory=dict)
    """Whose account stands behind a connection, where it is not what is set now."""
    default_mode: Mode | None = None
    """The same for steps without a connection."""
    origin_run_id: str | None = None
    caller: Any = None
    trigger: Mapping[str, Any] | None = None
    """What a trigger starts it for: {id, source, account, item, title}."""


class Acceptor:
    """Turns wishes into runs of this process."""

    def __init__(
        self,
        host: Host,
        logs: RunLogs,
        audit: Audit,
        clock: Clock,
        surroundings: Callable[[], Surroundings],
        mode: Callable[[str], Mode],
    ) -> None:
        self._host, self._logs, self._audit, self._clock = host, logs, audit, clock
        self._surroundings, self._mode = surroundings, mode

    def earlier(self, request: Request | None) -> str | None:
        """Return the run that a request started before. Raises InUse where its key came with something else."""
        return None if request is None else self._host.rows.of_request(request)

    def accept(self, p: Principal, plan: Plan, wish: Wish, request: Request | None, action: str) -> str:
        """Accept a run and start it; return its id, or that of the run which the request started before.

        Raises InvalidInput, InUse (Renamed: `anew` helps), StorageError.
        """
        [run_id] = self._begin([self._entry(p, plan, wish, action, self.services(), request)])
        return run_id

    def accept_all(self, p: Principal, plan: Plan, wishes: Iterable[Wish], action: str) -> list[str]:
        """Accept runs, all or none, in one transaction, and start them; return their ids. Raises as `accept`."""
        services = self.services()
        return self._begin([self._entry(p, plan, wish, action, services) for wish in wishes])

    def entry(self, p: Principal, plan: Plan, wish: Wish, action: str) -> Entry:
        """Return a run that is checked and not stored yet: `Acceptances.store_within` does that. Raises as `accept`."""
        return self._entry(p, plan, wish, action, self.services())

    def _begin(self, entries: Sequence[Entry]) -> list[str]:
        self._host.acceptances.store(entries)
        self._host.begin([entry.acceptance for entry in entries if entry.is_new])
        return [str(entry.run_id) for entry in entries]

    def _entry(
        self,
        p: Principal,
        plan: Plan,
        wish: Wish,
        action: str,
        services: Mapping[str, str],
        request: Request | None = None,
    ) -> Entry:
        accepted = acceptance(plan, wish.inputs, self._circumstances(p, plan, wish, services))
        self._host.plans.keep(accepted, plan)
        title = str(plan.document.get("title") or plan.name)
        line = self._audit.row(p, action, plan.name, {"run_id": accepted["run_id"], **_named(wish.options)})
        return Entry(accepted, title, line, request, last_rename=plan.last_rename)

    def services(self) -> dict[str, str]:
        """Return the service of each connection of the workspace."""
        return dict(self._surroundings().connections)

    def modes(self, plan: Plan, kept: Mapping[str, Mode]) -> dict[str, Mode]:
        """Return whose account stands behind each connection of a plan; `kept` holds whatever is set."""
        return self._modes(plan, kept, self.services())

    def _modes(self, plan: Plan, kept: Mapping[str, Mode], services: Mapping[str, str]) -> dict[str, Mode]:
        return {name: kept.get(name) or self._mode(services[name]) for name in plan.connections}

    def _circumstances(self, p: Principal, plan: Plan, wish: Wish, services: Mapping[str, str]) -> Circumstances:
        now = self._clock()
        return Circumstances(
            run_id=new_run_id(now),
            started_by=p.id,
            queued_at=timestamp(now),
            modes=self._modes(plan, wish.modes, services),
            default_mode=wish.default_mode or self._mode(""),
            connections=services,
            logs=self._logs.folder,
            origin_run_id=wish.origin_run_id,
            caller=wish.caller,
            options=wish.options,
            trigger=wish.trigger,
        )


def anew(accept: Callable[[], Result]) -> Result:
    """Return what `accept` returns; where something was renamed since it took its plan, it takes another.

    Raises what `accept` raises; Renamed only where that happens again and again.
    """
    for _ in range(_TRIES - 1):
        with suppress(Renamed):
            return accept()
    return accept()


def _named(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options for the audit trail: which steps were pinned, not to what."""
    return {name: list(value) if name == "pins" else value for name, value in options.items()}
