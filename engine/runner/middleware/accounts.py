"""Open the account that a step works on."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.connections.accounts import Account
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class OpenedAccounts(Middleware):
    """Gives a call its account. Steps that start together open it together, once."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._opened: dict[tuple[str | None, str | None], asyncio.Future[Account]] = {}

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call with its account, if it needs one, and with the account of the model that makes its vectors."""
        action = call.action
        if action.connection is None and not action.step_type.connection_optional:
            return await call_next(call)
        account = await self._account(action.connection, action.step_type.service)
        embedder = None if action.embedding is None else await self._account(action.embedding, None)
        return await call_next(replace(call, account=account, embedder=embedder))

    async def _account(self, connection: str | None, service: str | None) -> Account:
        key = (connection, service)
        if key not in self._opened:
            mode = self._run.facts.mode(*key)
            self._opened[key] = asyncio.ensure_future(self._run.guarded(partial(self._run.accounts.open, *key, mode)))
        opened = self._opened[key]
        if opened.done() and not opened.cancelled() and opened.exception() is None:
            return opened.result()
        try:
            account = await asyncio.shield(opened)  # shared: a cancelled step must not cancel it for the others
        except Exception:
            self._opened.pop(key, None)  # the next step tries again
            raise
        self._run.name_account(account)
        return account
