"""Runs the action of one step of one run: fills its fields, finds its account, makes the call, writes it all down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from clients.errors import AuthError, ServiceError
from engine.compiler.plan import Action, Node
from engine.connections.accounts import Account, Accounts, Mode
from engine.errors import OrchestraError, StepTimeout, StorageError
from engine.expressions.deferred import complete
from engine.expressions.expressions import render_field
from engine.names import moment_of, timestamp
from engine.runner.attempts import Attempt, Done, Job, fields_of
from engine.runner.calls import Calls
from engine.runner.coercion import fitted
from engine.runner.failure import StepFailed, failure
from engine.runner.fault_points import reached
from engine.runner.frames import Frame
from engine.runner.holds import hold, is_hold
from engine.runner.ledger import Write, arguments_hash, identity
from engine.runner.pauses import Begun, Pauses, Waiting
from engine.runner.recording import Recording
from engine.runner.replay import Replay
from engine.runner.runner import is_handled
from engine.runner.siblings import RunStopped
from engine.runner.values import in_thread_if_read
from engine.step import Effect, StopRun, Usage
from engine.store.journal import JournalBroken

_log = logging.getLogger(__name__)
_NO_USAGE = Usage()


Wait = Callable[[Waiting, datetime | None, datetime | None], Awaitable[None]]
"""Waits until the pause is over, but not beyond the first moment; a run that is put away wakes at the second."""


class _AskedToWait(Exception):
    """A service named a time before which it takes no call of a step; it is written down."""


@dataclass(frozen=True)
class RunFacts:
    """What does not change in a run."""

    run_id: str
    origin_run_id: str
    workflow: str
    modes: Mapping[str, Mode]
    """For each connection (and service without one): whose account the run was accepted for."""
    prompts: Mapping[str, Any]
    default_mode: Mode = "mine"
    caller: Sequence[Any] | None = None
    """The `workflow.run` step that started the run: [workflow, step path, scope …]; None for a run of its own."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """How it differs from a plain run (docs/files.md: Run): `receipts`, `replay`, `only`, `pins`."""
    renamed: Callable[[str], str] | None = None
    """Gives the identity of a write as it is called today, where names may have changed since the run was accepted."""
    item: Sequence[str] | None = None
    """What a trigger started the run for, as identities of writes name it: (trigger, source, account, item)."""


class Actions:
    """The bridge between the walk of a run and the calls to services."""

    def __init__(
        self,
        facts: RunFacts,
        recording: Recording,
        accounts: Accounts,
        calls: Calls,
        pauses: Pauses,
        wait: Wait,
        replay: Replay | None = None,
    ) -> None:
        self._replay = replay
        self._facts, self._recording, self._accounts = facts, recording, accounts
        self._calls, self._pauses, self._wait = calls, pauses, wait
        self._opened: dict[tuple[str | None, str | None], asyncio.Future[Account]] = {}
        self._named: set[str] = set()

    async def perform(self, node: Node, frame: Frame, path: str) -> Any:
        """Run the step and return its output; its start, attempts and end are recorded.

        Raises StepFailed, RunStopped.
        """
        assert node.action is not None
        if self._recording.has_loose_end:
            await self._recording.tie_loose_end()
        written = self._recording.waiting(path)
        if written is not None and not is_hold(written) and not self._pauses.is_lost(written):
            return await self._wait_on(node, frame, path, self._pauses.of(written))
        while True:
            if written is not None and is_hold(written):
                await self._wait(self._pauses.of(written), None, frame.deadline)
            try:
                return await self._perform(node, frame, path)
            except _AskedToWait:
                written = self._recording.waiting(path)
                await self._recording.committed()

    async def _perform(self, node: Node, frame: Frame, path: str) -> Any:
        """Make the call. Raises StepFailed, RunStopped, _AskedToWait once that is written down."""
        assert node.action is not None
        trace: dict[str, Any] = {"started_at": self._recording.now()}
        job: Job | None = None
        pause: dict[str, Any] | None = None
        try:
            job = await self._job(node, frame, path, trace)
            result = job.replayed or await self._called(path, job)
            if isinstance(result, Done):
                result = Done(fitted(result.output, node.action.output_schema), result.effect)
            elif isinstance(result, Begun):
                earlier = self._recording.last_wait(path)
                replay = None if self._replay is None else self._replay.called_run(node, frame)
                pause = self._pauses.begun(result, path, self._caller(node, frame), earlier, replay)
        except StorageError as error:
            raise JournalBroken(error) from error  # no fault of the step: the run stops here, and goes on from here
        except (ServiceError, OrchestraError, ValidationError) as error:
            self._look_for_hold(node, frame, path, error, trace)
            raise await self._failed(node, path, error, trace, job) from error
        except JournalBroken:
            raise
        except Exception as error:
            _log.exception("step %s of run %s broke down", path, self._facts.run_id)
            raise await self._failed(node, path, error, trace, job) from error
        if isinstance(result, Begun):
            assert pause is not None
            self._recording.emit("step_waiting", path=path, title=node.title, **pause, **trace)
            return await self._wait_on(node, frame, path, self._pauses.of(pause))
        if isinstance(result, StopRun):
            raise await self._stopped(node, path, result, trace)
        return await self._succeeded(node, path, result, trace, job)

    async def _called(self, path: str, job: Job) -> Any:
        """Make the call; of a write that was broken off on its way write down what became of it."""
        try:
            return await self._calls.make(job)
        except asyncio.CancelledError:
            if job.settled is not None:
                _, written = await self._recording.kept(job.settled.output)
                self._recording.emit("write_settled", path=path, output=written, effect=job.settled.effect)
            raise

    def _look_for_hold(self, node: Node, frame: Frame, path: str, error: Exception, trace: Mapping[str, Any]) -> None:
        """Write it down where the service only asks to come again later. Raises _AskedToWait then."""
        now = moment_of(self._recording.now())
        pause = hold(error, self._recording.waiting(path), now, frame.deadline)
        if pause is not None:
            self._recording.emit("step_waiting", path=path, title=node.title, **pause, **trace)
            raise _AskedToWait from error

    async def _job(self, node: Node, frame: Frame, path: str, trace: dict[str, Any]) -> Job:
        action = node.action
        assert action is not None
        trace.update({"uses": action.uses, "connection": action.connection})
        rendered = render_field("with", action.arguments, frame.names)
        arguments, trace["arguments"] = await self._recording.kept_fields(rendered)
        if arguments is trace["arguments"]:
            make_fields = fields_of(action.step_type, arguments)
        else:
            read = {name: one for name, one in arguments.items() if name not in action.step_type.hands_on}
            make_fields = await in_thread_if_read(read, lambda: fields_of(action.step_type, arguments))
        effect, repeat = action.step_type.effect_of(arguments)
        account = await self._account(action)
        job = Job(
            step_type=action.step_type,
            make_fields=make_fields,
            effect=effect,
            repeat=repeat,
            retry=action.retry,
            timeout_seconds=node.timeout_seconds or action.step_type.timeout_seconds,
            account=account,
            prompts=self._facts.prompts,
            render=_messages,
            on_attempt=lambda attempt: self._attempted(path, attempt),
            files=self._recording.values.files,
            watch=self._calls.watch(action.step_type, self._facts.run_id, path),
            receipts=self._facts.options.get("receipts", "reuse"),
            failed_before=self._failed_before(path),
        )
        if effect is Effect.WRITES:
            job.write = await self._writing(node, frame, path, arguments, job)
            trace["identity"] = job.write.identity
        if effect is Effect.READS and self._replay is not None:
            job.replayed = await asyncio.to_thread(self._replay.answer, node, frame, arguments, account, job.request)
        if effect is not Effect.PURE:
            self._recording.emit("step_started", path=path, title=node.title, **trace)
            trace.clear()
        return job

    def _failed_before(self, path: str) -> int:
        """Return how many attempts failed before a service asked to wait; a new process begins to count anew."""
        return self._recording.failed_attempts(path) if is_hold(self._recording.waiting(path)) else 0

    async def _account(self, action: Action) -> Account | None:
        service = action.step_type.service
        if action.connection is None and (service is None or not action.step_type.connection_optional):
            return None
        key = (action.connection, service)
        if key not in self._opened:
            mode = self._facts.modes.get(action.connection or f"no:{service}", self._facts.default_mode)
            # Items of a loop that begin together open it together, once.
            opening = asyncio.to_thread(self._accounts.open, action.connection, service, mode)
            self._opened[key] = asyncio.ensure_future(opening)
        opened = self._opened[key]
        if opened.done() and not opened.cancelled() and opened.exception() is None:
            return opened.result()
        try:
            account = await asyncio.shield(opened)
        except Exception:
            self._opened.pop(key, None)  # the next step tries anew
            raise
        self._name_account(account)
        return account

    def _name_account(self, account: Account) -> None:
        """Write down whose account it is, as soon as that is known."""
        if account.label and account.connection not in self._named:
            self._named.add(account.connection)
            self._recording.emit("account_named", connection=account.connection, account=account.label)

    async def _writing(self, node: Node, frame: Frame, path: str, arguments: Mapping[str, Any], job: Job) -> Write:
        assert job.account is not None
        assert node.action is not None
        whose = job.account.known_identity or await self._calls.ask(job, job.account.identity)
        self._name_account(job.account)
        once = None if node.action.once is None else str(complete(render_field("once", node.action.once, frame.names)))
        scope = self._scope(frame, once)
        name = identity(whose, self._facts.workflow, node.path, [*scope, *self._again()])
        return Write(
            identity=name if self._facts.renamed is None else self._facts.renamed(name),
            account=whose,
            run_id=self._facts.run_id,
            path=path,
            uses=node.action.uses,
            arguments_hash=await in_thread_if_read(arguments, lambda: arguments_hash(complete(arguments))),
        )

    def _scope(self, frame: Frame, once: str | None) -> list[Any]:
        return frame.identity_scope(once, self._facts.origin_run_id, self._facts.caller, self._facts.item)

    def _again(self) -> list[Any]:
        """Return what makes every write of this run another one than that of earlier runs, where it says so."""
        return [["again", self._facts.run_id]] if self._facts.options.get("receipts") == "force" else []

    def _caller(self, node: Node, frame: Frame) -> list[Any]:
        """Return what a run that this step calls takes its identities from."""
        once = None if node.action is None or node.action.once is None else node.action.once
        text = None if once is None else str(complete(render_field("once", once, frame.names)))
        scope = self._scope(frame, text)
        return [self._facts.workflow, node.path, *scope]

    def _attempted(self, path: str, attempt: Attempt) -> None:
        self._recording.emit(
            "attempt_failed",
            path=path,
            started_at=timestamp(attempt.started_at),
            ended_at=timestamp(attempt.ended_at),
            error=failure(attempt.error, step=path, workflow=self._facts.workflow),
        )

    async def _succeeded(self, node: Node, path: str, result: Done, trace: dict[str, Any], job: Job) -> Any:
        output, written = await self._recording.kept(result.output)
        details: dict[str, Any] = {**trace, "output": written}
        if job.began_at is not None and self._recording.failed_attempts(path):
            details["attempt_at"] = timestamp(job.began_at)
        if result.effect is not None:
            details["effect"] = result.effect
        if job.usage != _NO_USAGE:
            details["usage"] = vars(job.usage)
        if job.replayed is not None:
            details["replayed"] = True
        if job.request:
            _, details["request"] = await self._recording.kept_fields(job.request)
        self._recording.emit("step_finished", path=path, status="succeeded", title=node.title, **details)
        if job.effect is Effect.PURE:  # the last of a run shares its commit with the end
            self._recording.leave_loose_end()
            return output
        await self._recording.committed()
        if result.effect is not None:
            reached("after record")
        if job.account is not None and job.replayed is None:
            await self._worked(job.account)
        return output

    async def _worked(self, account: Account) -> None:
        """Take down that an account that was refused before is let in again."""
        with suppress(StorageError):
            if self._accounts.refusals.is_known(account.connection, account.mode):
                await asyncio.to_thread(self._accounts.refusals.worked, account.connection, account.mode)

    async def _refused(self, node: Node, error: Exception) -> None:
        """Take down that an account does not take its key any more, or lets a workflow less than a trigger wants."""
        connection = None if node.action is None else node.action.connection
        if connection is None or not isinstance(error, AuthError):
            return
        workflow = "" if self._facts.item is None else self._facts.workflow
        with suppress(StorageError):
            mode = self._facts.modes.get(connection, self._facts.default_mode)
            await asyncio.to_thread(self._accounts.refusals.report, connection, mode, error, workflow)

    async def _failed(
        self, node: Node, path: str, error: Exception, trace: Mapping[str, Any], job: Job | None
    ) -> StepFailed:
        await self._refused(node, error)
        document = failure(error, step=path, workflow=self._facts.workflow)
        if job is None or not job.may_be_out:
            document["outcome"] = "not_done"  # only a write that was sent can have done something
        self._recording.emit(
            "step_finished",
            path=path,
            status="failed",
            title=node.title,
            error=document,
            handled=is_handled(node),
            **trace,
        )
        await self._recording.committed()
        return StepFailed(document)

    async def _stopped(self, node: Node, path: str, result: StopRun, trace: Mapping[str, Any]) -> RunStopped:
        stops = {"outputs": self._recording.values.whole(result.outputs), "message": result.message}
        self._recording.emit(
            "step_finished", path=path, status="succeeded", title=node.title, output={}, stops=stops, **trace
        )
        await self._recording.committed()
        return RunStopped(result.outputs, result.message)

    async def _wait_on(self, node: Node, frame: Frame, path: str, pause: Waiting) -> Any:
        """Wait until the pause is over, or until the step's own time is. Raises StepFailed."""
        await self._recording.committed()
        limit = node.timeout_seconds
        ends_at = None if limit is None else self._recording.deadline(path, limit)
        try:
            await self._wait(pause, ends_at, frame.deadline)
            if not pause.is_over():
                await pause.given_up("timeout")
                raise StepTimeout(f"Step {node.id!r} took longer than {limit or 0:g} s.")
            output = pause.output()
        except OrchestraError as error:
            begun = moment_of(self._recording.begun_at(path))
            self._attempted(path, Attempt(begun, moment_of(self._recording.now()), error))
            raise await self._failed(node, path, error, {}, None) from error
        output, written = await self._recording.kept(output)
        self._recording.emit("step_finished", path=path, status="succeeded", title=node.title, output=written)
        await self._recording.committed()
        return output


def _messages(document: Any, variables: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the messages of a prompt; most runs have none."""
    from engine.prompts.prompt import messages

    return messages(document, variables)
