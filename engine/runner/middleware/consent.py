"""Touch a real account only if a person agreed to it for this run.

Checked at each call, not only when the run is accepted: config.yaml or the sign-in may have changed while the run
waited, was queued or was taken over.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engine.base.statuses import AccountMode
from engine.connections.accounts import Account
from engine.plugins.step import Effect
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class RequiredConsent(Middleware):
    """Refuses a call to an account that nobody agreed to (AccountChanged)."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._found: set[tuple[str, str, bool]] = set()
        """(connection, account, whether it is written to), as already found in the agreement."""

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call if that was agreed to."""
        if call.action.connection is not None and call.account is not None:
            await self._require(call, call.account, writes=call.effect is Effect.WRITES)
        if call.embedder is not None:
            await self._require(call, call.embedder, writes=False)
        return await call_next(call)

    async def _require(self, call: StepCall, account: Account, *, writes: bool) -> None:
        if account.mode == AccountMode.DEMO:
            return
        identity = account.known_identity or await self._run.reads.ask(self._run.job(call), account.identity)
        if (account.connection, identity, writes) in self._found:
            return
        await self._run.guarded(partial(self._run.facts.agreed.require, account, writes=writes))
        if account.known_identity == identity:  # else the sign-in has changed meanwhile
            self._found.add((account.connection, identity, writes))
