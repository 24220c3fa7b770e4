"""Name a write: its identity in the ledger is the same in every run that wants this very write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.base.lazy_values import NotKnownYet, complete, marked
from engine.plugins.step import Effect
from engine.record.values import in_thread_if_read
from engine.runner.effects.ledger import arguments_hash
from engine.runner.execution.filling import filled
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall
from engine.store.ledger import IntendedWrite, identity

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext, RunFacts


class WriteIdentity(Middleware):
    """Gives a write its identity (docs/architecture.md: A write happens once)."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run, self._facts = run, run.facts

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call; a write with its identity."""
        if call.effect is not Effect.WRITES:
            return await call_next(call)
        try:
            write = await self._write(call)
        except NotKnownYet:  # in a plan: the name depends on what another write will return
            return await call_next(call)
        return await call_next(replace(call, write=write))

    async def _write(self, call: StepCall) -> IntendedWrite:
        account, arguments = call.account, call.arguments
        assert account is not None
        whose = account.known_identity or await self._run.reads.ask(self._run.job(call), account.identity)
        self._run.name_account(account)
        scope = await scope_of(self._facts, call)
        name = identity(whose, self._facts.workflow_id, call.node.path, [*scope, *self._again()])
        return IntendedWrite(
            identity=name if self._facts.renamed is None else self._facts.renamed(name),
            account=whose,
            run_id=call.run_id,
            path=call.path,
            uses=call.action.uses,
            arguments_hash=await in_thread_if_read(arguments, lambda: arguments_hash(marked(arguments))),
        )

    def _again(self) -> list[Any]:
        """Return what makes the writes of this run distinct from earlier runs' writes, if the run asks for that."""
        return [["again", self._facts.run_id]] if self._facts.options.get("receipts") == "force" else []


async def scope_of(facts: RunFacts, call: StepCall) -> list[Any]:
    """Return what distinguishes this call from others of the same step: `once`, keys, the item or the run."""
    once = call.action.once
    named = None if once is None else str(complete(await filled("once", once, call.frame.names)))
    return call.frame.identity_scope(named, facts.origin_run_id, facts.caller, facts.item)
