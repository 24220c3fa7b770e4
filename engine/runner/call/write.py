"""The request itself: a write under its identity and only once, a read as often as its retry policy says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from clients.errors import Timeout
from engine.base.lazy_values import NotKnownYet, complete, marked
from engine.base.plain_values import plain_json
from engine.base.threads import WorkerThreads
from engine.base.wording import number_text
from engine.compiler.definition.plan import Action
from engine.expressions.expressions import render_field
from engine.observing import context
from engine.plugins.step import Directive, Effect, NotWanted, StopRun, WaitForMail
from engine.plugins.unreadable import answered
from engine.record.events import WriteSettled
from engine.record.values import in_thread_if_read
from engine.runner.effects.job import Attempt, Done, Job, Remarks
from engine.runner.effects.ledger import arguments_hash
from engine.runner.execution.filling import worked_out
from engine.runner.execution.step_call import (
    AwaitsMail,
    Check,
    Outcome,
    StepCall,
    Stops,
    Succeeded,
    Waits,
    failed,
)
from engine.store.ledger import IntendedWrite, identity

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext, RunFacts


_AT_ONCE = 4
"""Heavy calls of one process at a time: they need the processor, or a child process that does."""
_heavy_workers = WorkerThreads("heavy", _AT_ONCE)


class WriteIdentity(Check):
    """Gives a write its identity (docs/architecture.md: A write happens once)."""

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether the step may write."""
        return action.step_type.may_write

    def __init__(self, run: RunContext) -> None:
        self._run, self._facts = run, run.facts

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call; a write with its identity."""
        if call.effect is not Effect.WRITES:
            return call
        try:
            write = await self._write(call)
        except NotKnownYet:  # in a plan: the name depends on what another write will return
            return call
        return replace(call, write=write)

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
    named = None if once is None else str(complete(await worked_out(render_field, "once", once, call.frame.names)))
    return call.frame.identity_scope(named, facts.origin_run_id, facts.caller, facts.item)


class Once(Check):
    """Makes writes through the ledger, which also decides about their attempts: they end here, other calls go on.

    The intent is on disk before a write is sent, its receipt after it (engine/runner/effects/claim.py).
    """

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether the step may write."""
        return action.step_type.may_write

    def __init__(self, run: RunContext) -> None:
        self._run, self._recording = run, run.recording

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the result of the write, made now or before."""
        if call.effect is not Effect.WRITES:
            return call
        write = self._run.writes.write(replace(self._run.job(call), is_seen=self._is_seen(call)))
        is_told = call.action.step_type.may_be_unwanted(call.action.arguments)
        try:
            done = await write.make()
        except NotWanted as error:
            if write.may_be_out:  # nobody knows what became of an earlier attempt
                return failed(call, error, may_be_out=True)
            output = {**_empty(call.action.output_schema), "written": False, "why": error.message}
            return Succeeded(call, output, remarks=Remarks(notes=[error.message]))
        except asyncio.CancelledError:
            if write.settled is not None:
                await self._settled(call, write.settled)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the service may have received the write
            return failed(call, error, may_be_out=write.may_be_out)
        output = {**done.output, "written": True, "why": ""} if is_told else done.output
        return Succeeded(call, output, done.effect, done.remarks, done.began_at)

    def _is_seen(self, call: StepCall) -> bool:
        applied = self._run.applied
        return call.approved is not None or (applied is not None and applied.has_planned(call.path))

    async def _settled(self, call: StepCall, done: Done) -> None:
        """Record the result of a write that was in flight when the step was cancelled."""
        _, written = await self._recording.kept(done.output)
        self._recording.emit(WriteSettled, path=call.path, output=written, effect=done.effect)


def _empty(schema: Any) -> dict[str, Any]:
    """Return an output in which nothing is said: a text is empty, and so is a list."""
    return {name: [] if one.get("type") == "array" else "" for name, one in schema.get("properties", {}).items()}


class LastLink:
    """Makes all calls but writes."""

    def __init__(self, run: RunContext) -> None:
        self._run = run

    async def __call__(self, call: StepCall) -> Outcome:
        """Make the call."""
        if call.effect is Effect.WRITES:  # `may_write` of its type was wrong
            raise AssertionError(f"{call.action.uses} would write past the ledger.")
        if call.account is not None:
            done = await self._run.reads.make(self._run.job(call))
            if isinstance(done.output, WaitForMail):
                return AwaitsMail(call, done.output)
            return Succeeded(call, done.output, None, done.remarks, done.began_at)
        # One that needs no service has no second attempt. It is made at once, on the loop, unless it is heavy.
        started_at, remarks = self._run.clock(), Remarks()
        try:
            job = self._run.job(call)
            if call.action.step_type.heavy:
                result = await self._in_thread(job, remarks)
            else:
                with self._run.guard():
                    result = answered(job.step_type, job.call(1, started_at, remarks))
                result = result if isinstance(result, Directive) else plain_json(result, is_given=job.is_given)
            if not isinstance(result, Directive):
                return Succeeded(call, result, remarks=remarks)
        except Exception as error:
            self._run.attempt_failed(call, Attempt(started_at, self._run.clock(), error))
            raise
        assert not isinstance(result, WaitForMail)  # of reads alone
        return Stops(call, result) if isinstance(result, StopRun) else Waits(call, result)

    async def _in_thread(self, job: Job, remarks: Remarks) -> Any:
        """Make a heavy call in a worker thread; its result is plain JSON, with its files stored, or a directive."""
        names = context.current()

        def made() -> Any:
            with context.within(names), job.guard():
                result = answered(job.step_type, job.call(1, self._run.clock(), remarks))
            return result if isinstance(result, Directive) else job.plain(result)

        try:
            async with asyncio.timeout(job.timeout_seconds):
                return await _heavy_workers.run(made)
        except TimeoutError as error:
            remedy = "Give it less to do, or raise the step's `timeout_seconds`."
            raise Timeout(f"It was not done within {number_text(job.timeout_seconds)} s.", remedy=remedy) from error
