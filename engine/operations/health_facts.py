"""What a health report says beside its checks: what a person must decide, and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clients.wording import counted
from engine.base.errors import SecretLost
from engine.connections.account_notices import AccountNotices
from engine.operations.health import Reason
from engine.runs.workers import NO_WORKER, SHARE_KEY, Workers
from engine.secrets.vault import Vault
from engine.secrets.vault_keys import VARIABLE
from engine.store.reports import REPLICA_REMEDY
from engine.store.state import State


class HealthFacts:
    """What is not broken, and still concerns a person.

    `workers`: the processes that share the runs, None if this one has them alone; `triggers`: counts of them.
    """

    def __init__(
        self,
        state: State,
        vault: Callable[[], Vault],
        account_notices: AccountNotices,
        triggers: Callable[[], Mapping[str, int]],
        workers: Workers | None,
    ) -> None:
        self._state, self._vault, self._account_notices = state, vault, account_notices
        self._triggers, self._workers = triggers, workers

    def degradation(self) -> Reason | None:
        """Return what somebody has to decide or repair; None for nothing. Raises StorageError."""
        held = self._state.proof.held()
        if held is not None:
            return Reason("writes", held.message, held.remedy)
        lost = self.lost_secrets()
        if lost is not None:
            return Reason("secrets", lost.message, lost.remedy)
        if self._workers is not None and (lacking := self._of_workers(self._workers)) is not None:
            return lacking
        fault = self._state.reports.fault()
        return Reason("replica", fault, REPLICA_REMEDY) if fault else None

    def _of_workers(self, workers: Workers) -> Reason | None:
        unlike = workers.unlike()
        if unlike:
            return Reason("servers", unlike, SHARE_KEY)
        waiting = workers.lacking()
        if not waiting:
            return None
        said = f"{counted(waiting, 'run waits', 'runs wait')}, and no process takes runs."
        return Reason("workers", said, NO_WORKER)

    def lost_secrets(self) -> SecretLost | None:
        """Return why this process cannot open secrets that are shared by all, with the remedy; None if it can."""
        vault = self._vault()
        lost = vault.unopened() if vault.texts.is_shared else []
        if not lost:
            return None
        names, reasons = ", ".join(one.name for one in lost), " ".join(dict.fromkeys(one.why for one in lost))
        remedy = f"Give this process the {VARIABLE} with which they were sealed, and start it again."
        return SecretLost(f"This process cannot open the secrets kept as {names}. {reasons}", remedy=remedy)

    def counts(self) -> dict[str, Any]:
        """Return the figures of a health check.

        `triggers` {on, silent, dead}: triggers that are on, those that are silent, and items that need attention;
        `refused_connections`: accounts that refuse calls workflows need; `set_aside_runs`: runs that took their process
        down too often; where the state is shared, `workers` {working, draining, silent, taking_runs}: the servers and
        workers of all machines. Raises StorageError.
        """
        found = {
            "triggers": self._triggers(),
            "refused_connections": len(self._account_notices.open()),
            "set_aside_runs": self._state.loads.set_aside(),
        }
        return found if self._workers is None else {**found, "workers": self._workers.counts()}
