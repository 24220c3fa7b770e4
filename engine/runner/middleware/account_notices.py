"""Report accounts that reject their credentials, and accounts that work again.

This happens once the step's end is on disk: nothing may come between an answered write and its record.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from clients.errors import AuthError
from engine.base.errors import StorageError
from engine.connections.accounts import Account
from engine.plugins.step import Effect
from engine.runner.execution.step_call import Failed, Middleware, Next, Outcome, StepCall, Succeeded

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class AccountNoticeReports(Middleware):
    """Tells `connections/account_notices.py` how the account of a call was received."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._facts, self._refusals = run.facts, run.accounts.notices

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call, then report."""
        outcome = await call_next(call)
        if isinstance(outcome, Failed):
            await self._refused(outcome)
        elif isinstance(outcome, Succeeded) and outcome.call.effect is not Effect.PURE:
            await self._worked(outcome)
        return outcome

    async def _worked(self, outcome: Succeeded) -> None:
        """Record that an account that refused before has accepted a call again."""
        accounts = filter(None, (outcome.call.account, outcome.call.embedder))
        for account in () if outcome.is_replayed else accounts:
            await self._accepted(account)

    async def _accepted(self, account: Account) -> None:
        with suppress(StorageError):
            if self._refusals.is_known(account.connection, account.mode):
                await asyncio.to_thread(self._refusals.worked, account.connection, account.mode)

    async def _refused(self, outcome: Failed) -> None:
        """Record that an account rejects its credentials, or lacks rights that a workflow with a trigger needs."""
        action, error = outcome.call.action, outcome.error
        connection = action.connection or action.embedding
        if connection is None or not isinstance(error, AuthError):
            return
        workflow = "" if self._facts.item is None else self._facts.workflow_id
        with suppress(StorageError):
            mode = self._facts.mode(connection, None)
            await asyncio.to_thread(self._refusals.report, connection, mode, error, workflow)
