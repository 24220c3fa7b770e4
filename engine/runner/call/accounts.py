"""The account that a call works on, and whether a person agreed to it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.base.statuses import AccountMode
from engine.connections.accounts import Account
from engine.plugins.step import Effect
from engine.runner.execution.step_call import Check, Outcome, StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class OpenedAccounts(Check):
    """Gives a call its account. Steps that start together open it together, once."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._opened: dict[tuple[str | None, str | None], asyncio.Future[Account]] = {}

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call with its account, if it needs one, and with that of the model that makes its vectors."""
        action = call.action
        if action.connection is None and not action.step_type.connection_optional:
            return call
        account = await self._account(action.connection, action.step_type.service)
        embedder = None if action.embedding is None else await self._account(action.embedding, None)
        return replace(call, account=account, embedder=embedder)

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


class RequiredConsent(Check):
    """Refuses a call to an account that nobody agreed to (AccountChanged).

    Checked at each call, not only when the run is accepted: config.yaml or the sign-in may have changed while the run
    waited, was queued or was taken over.
    """

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._found: set[tuple[str, str, bool]] = set()
        """(connection, account, whether it is written to), as already found in the consents."""

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call if that was agreed to."""
        if call.action.connection is not None and call.account is not None:
            await self._require(call, call.account, writes=call.effect is Effect.WRITES)
        if call.embedder is not None:
            await self._require(call, call.embedder, writes=False)
        return call

    async def _require(self, call: StepCall, account: Account, *, writes: bool) -> None:
        if account.mode == AccountMode.DEMO:
            return
        identity = account.known_identity or await self._run.reads.ask(self._run.job(call), account.identity)
        if (account.connection, identity, writes) in self._found:
            return
        await self._run.guarded(partial(self._run.facts.agreed.require, account, writes=writes))
        if account.known_identity == identity:  # else the sign-in has changed meanwhile
            self._found.add((account.connection, identity, writes))
