"""Walk a plan: which step runs when, how long it may take, what a failure means. Independent of services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Any

from engine.base.errors import ExpressionError, OrchestraError, StepTimeout
from engine.base.json_text import JsonObject
from engine.base.lazy_values import NotKnownYet, Unknown, opened
from engine.base.statuses import StepStatus
from engine.base.step_path import StepPath
from engine.base.step_tree import FAILURE_PREFIX
from engine.base.wording import kind_of, number_text
from engine.compiler.definition.plan import Block, Node, Plan
from engine.expressions.expressions import render, render_field
from engine.record.events import StepFinished, StepStarted
from engine.record.failure import StepFailed, document_of, failure
from engine.record.frames import Caught, Frame, Record, RunName
from engine.record.parts.selection import LeftOut, Pinned, Selection
from engine.record.types.step import Failure
from engine.runner.execution.concurrency import RunStopped, StopSignal, all_of, outputs_of
from engine.runner.execution.filling import worked_out
from engine.runner.execution.loops import Loops
from engine.runner.execution.recording import EarlierEnding, Recording

_SUCCEEDED = StepStatus.SUCCEEDED.value  # looked up once: Python 3.11 calls two functions for it
_CONDITIONS = "Compare the value with something, such as x == 'yes'."

Perform = Callable[[Node, Frame, str], Awaitable[Any]]
"""Runs the action of a node at a run path and returns its output; raises StepFailed."""

_AFTER_FAILURE = StepPath.parse(FAILURE_PREFIX.removesuffix("."))


class Runner:
    """One run of one plan. All decisions follow from the plan, the inputs and the recorded results."""

    def __init__(
        self,
        plan: Plan,
        recording: Recording,
        perform: Perform,
        at_work: AbstractContextManager[None],
        selection: Selection | None = None,
        *,
        is_timed: bool = True,
    ) -> None:
        """`is_timed`: whether the time limits of the workflow, of groups and of loops apply."""
        self._is_timed = is_timed
        self._plan, self._recording, self._perform, self._selection = plan, recording, perform, selection
        self._at_work = at_work
        """Entered by each action for as long as it runs."""

    async def run(self, inputs: JsonObject, run: RunName) -> Any:
        """Run all steps and return the outputs. Raises StepFailed, RunStopped."""
        frame = Frame({**self._plan.root_names, "inputs": inputs, "run": run, "steps": {}})
        with _as_failure("", self._plan.name):
            async with self._limited("", self._plan.timeout_seconds, "The workflow") as deadline:
                await self._block(self._plan.block, frame.until(deadline))
        if self._selection is not None and self._selection.is_part:
            return None
        with _as_failure("outputs", self._plan.name):
            return await worked_out(render_field, "outputs", self._plan.outputs, frame.names)

    async def after_failure(self, inputs: JsonObject, run: RunName, error: Failure) -> None:
        """Run the workflow's `on_failure` steps. Raises StepFailed, RunStopped."""
        if self._plan.on_failure is not None:
            told: Caught = {"type": error["type"], "message": error["message"], "step": error["step"] or ""}
            names = {**self._plan.root_names, "inputs": inputs, "run": run, "error": told, "steps": {}}
            frame = Frame(names, path=_AFTER_FAILURE)
            await self._block(self._plan.on_failure, frame)

    @asynccontextmanager
    async def _limited(self, path: str, seconds: float | None, what: str) -> AsyncIterator[datetime | None]:
        """Raise StepTimeout if the block does not end within the time since its step first began; None: no limit.

        Yields the time of the deadline.
        """
        if seconds is None or not self._is_timed:
            yield None
            return
        deadline = self._recording.deadline(path, seconds)
        left = self._recording.seconds_until(deadline)
        timeout = StepTimeout(f"{what} took longer than {number_text(seconds)} s.")
        if left <= 0:
            raise timeout
        try:
            async with asyncio.timeout(left):
                yield deadline
        except TimeoutError as error:
            raise timeout from error

    # --- blocks

    async def _block(self, block: Block, frame: Frame) -> None:
        """Run sibling steps; put their records into the frame."""
        if block.is_sequence:
            steps = frame.steps
            for node in block.nodes:
                steps[node.id] = await self._node(node, frame)
            return
        ended = {node.id: asyncio.Event() for node in block.nodes}
        stop = StopSignal()
        tasks = [
            asyncio.ensure_future(self._when_ready(node, _needs(block, index), frame, ended, stop))
            for index, node in enumerate(block.nodes)
        ]
        await all_of(tasks)
        stop.raise_it()

    async def _when_ready(
        self, node: Node, needs: tuple[str, ...], frame: Frame, ended: Mapping[str, asyncio.Event], stop: StopSignal
    ) -> None:
        for name in needs:
            await ended[name].wait()
        try:
            if not stop.is_set:
                frame.steps[node.id] = await self._node(node, frame)
        except StepFailed as failed:
            stop.failure = stop.failure or failed
        except RunStopped as stopped:
            stop.stopped = stop.stopped or stopped
        finally:
            ended[node.id].set()  # also after a failure: the steps that wait for this one see `stop` and end

    # --- one step

    async def _node(self, node: Node, frame: Frame) -> Record:
        path = frame.text_of(node)
        known, failure_before = self._recording.endings_of(path)
        if known is not None and known["status"] == StepStatus.FAILED and node.fallback is not None:
            return await self._caught(node, frame, path, StepFailed(known["error"]))
        if known is not None and (_is_whole(known) or node.action is not None):
            return self._live(node, known)
        if failure_before is not None:
            return await self._caught(node, frame, path, StepFailed(failure_before))
        if self._selection is not None:
            stand_in = self._selection.of(node, frame)
            if stand_in is not None:
                return self._stood_in(node, path, stand_in)
        try:
            made = self._made if node.condition is True else self._decided
            return await made(node, frame, path)
        except StepFailed as failed:
            return await self._caught(node, frame, path, failed)

    def _live(self, node: Node, known: EarlierEnding) -> Record:
        if "stops" in known:
            stops = self._recording.values.live(known["stops"])
            raise RunStopped(stops["outputs"], stops["message"])
        if known.get("may"):
            return _unknown(node)
        seen: Record = {"status": known["status"]}
        if "output" in known:
            seen = {**seen, "output": self._recording.values.live(known["output"])}
        return {**seen, "error": known["error"]} if "error" in known else seen

    def _stood_in(self, node: Node, path: str, stand_in: Pinned | LeftOut) -> Record:
        """Record what a test run uses in place of a step that it does not run."""
        if isinstance(stand_in, LeftOut):
            self._finish(path, node, StepStatus.SKIPPED, note=stand_in.note, **_called(node))
            return {"status": StepStatus.SKIPPED.value}
        output = self._recording.values.kept(stand_in.output)
        written = self._recording.values.written(output)
        marks: dict[str, Any] = {"replayed": True} if stand_in.is_recorded else {"pinned": True}
        marks |= {"note": stand_in.note} if stand_in.note else {}
        if stand_in.arguments is not None:
            marks["arguments"] = self._recording.values.written(self._recording.values.kept_fields(stand_in.arguments))
        self._finish(path, node, StepStatus.SUCCEEDED, output=written, **marks, **_called(node))
        return {"status": _SUCCEEDED, "output": output}

    async def _decided(self, node: Node, frame: Frame, path: str) -> Record:
        """Evaluate `if`, then run the action, loop or group."""
        holds = await self._condition(node, frame, path)
        if holds is None:
            return await self._perhaps(node, frame, path)
        if not holds:
            self._recording.emit(StepFinished, path=path, status=StepStatus.SKIPPED, title=node.title, **_called(node))
            return {"status": StepStatus.SKIPPED.value}
        return await self._made(node, frame, path)

    async def _perhaps(self, node: Node, frame: Frame, path: str) -> Record:
        """Plan a step that may not run, because its `if` is not known yet; nothing behind it is known either."""
        why = f"Only if `{node.condition.source}` is true, which is not known before the plan is applied."
        with suppress(StepFailed):
            await self._made(node, frame.maybe(why), path)
        return _unknown(node)

    async def _made(self, node: Node, frame: Frame, path: str) -> Record:
        """Run the action, loop or group."""
        if node.action is not None:
            with self._at_work:
                return {"status": _SUCCEEDED, "output": await self._perform(node, frame, path)}
        if self._recording.record_of(path) is None:
            self._recording.emit(StepStarted, path=path, title=node.title)
        return await self._composed(node, frame, path)

    async def _condition(self, node: Node, frame: Frame, path: str) -> bool | None:
        """Return whether `if` holds; in a plan None if that is not known yet."""
        with self._failing(node, path, "if"):
            try:
                value = opened(await worked_out(render, node.condition, frame.names))
            except NotKnownYet:
                return None
            if not isinstance(value, bool):
                raise ExpressionError(f"'if' is {kind_of(value)}, not true or false.", remedy=_CONDITIONS, field="if")
            return value

    async def _composed(self, node: Node, frame: Frame, path: str) -> Record:
        """Run a loop or a group and record how it ended."""
        is_over = self._recording.record_of(path) is not None  # then only its output is put together again
        seconds = None if is_over else node.timeout_seconds
        try:
            async with self._limited(path, seconds, f"Step {node.id!r}") as deadline:
                inner = frame.until(deadline)
                output = await (self._loop(node, inner, path) if node.loop else self._group(node, inner))
        except (OrchestraError, StepFailed) as error:
            document = document_of(error, step=path, workflow=self._plan.name)
            self._finish(path, node, StepStatus.FAILED, error=document, handled=is_handled(node))
            raise StepFailed(document) from error
        # An output that only collects the outputs of the inner steps is not recorded a second time.
        written = {"output": self._recording.values.written(output)} if node.has_output and not node.loop else {}
        if frame.may:
            written["planned"] = {"may": frame.may}
        self._finish(path, node, StepStatus.SUCCEEDED, **written)
        return {"status": _SUCCEEDED, "output": output}

    def _finish(self, path: str, node: Node, status: StepStatus, **details: Any) -> None:
        known = self._recording.record_of(path)
        if known is None or known["status"] != status:
            self._recording.emit(StepFinished, path=path, status=status, title=node.title, **details)

    async def _caught(self, node: Node, frame: Frame, path: str, failed: StepFailed) -> Record:
        """Apply `on_error`; nothing makes up for a plan that no longer fits."""
        if failed.is_final:
            raise failed
        error: Caught = {"type": failed.error["type"], "message": failed.error["message"], "step": path}
        if node.fallback is not None:
            inner = frame.inside(node, {"error": error})
            await self._block(node.fallback, inner)
            last = inner.steps[node.fallback.nodes[-1].id]
            output = last.get("output")
            written = {} if output is None else {"output": self._recording.values.written(output)}
            self._recording.emit(StepFinished, path=path, status=StepStatus.SUCCEEDED, **written, fallback=True)
            record: Record = {"status": _SUCCEEDED}
            return record if output is None else {**record, "output": output}
        if node.on_error == "continue" or failed.goes_on:
            return {"status": StepStatus.FAILED.value, "error": error}
        raise failed

    async def _loop(self, node: Node, frame: Frame, path: str) -> list[JsonObject] | Unknown:
        return await Loops(self._plan.name, self._recording, self._block, self._selection).run(node, frame, path)

    async def _group(self, node: Node, frame: Frame) -> Any:
        assert node.body is not None
        inner = frame.inside(node)
        await self._block(node.body, inner)
        is_part = self._selection is not None and self._selection.is_around(frame.path_of(node))
        if node.has_output and not is_part:
            output, _ = await self._recording.kept(await worked_out(render_field, "output", node.output, inner.names))
            return output
        return outputs_of(node.body, inner)

    @contextmanager
    def _failing(self, node: Node, path: str, step_field: str) -> Iterator[None]:
        """Turn an error in a field of a step into a failure of the step."""
        try:
            yield
        except OrchestraError as error:
            document: Failure = {**failure(error, step=path, workflow=self._plan.name), "field": step_field}
            self._finish(path, node, StepStatus.FAILED, error=document, handled=is_handled(node), **_called(node))
            raise StepFailed(document) from error


@contextmanager
def _as_failure(place: str, workflow: str) -> Iterator[None]:
    """Turn an error of the engine into StepFailed."""
    try:
        yield
    except OrchestraError as error:
        raise StepFailed(failure(error, step=place, workflow=workflow)) from error


def _is_whole(known: EarlierEnding) -> bool:
    """Return whether a record of a group or loop is complete, so that its output need not be put together again."""
    return known["status"] != StepStatus.SUCCEEDED or "output" in known or "fallback" in known


def _called(node: Node) -> dict[str, Any]:
    """Return what a step would have called, for a step that did not get that far."""
    return {} if node.action is None else {"uses": node.action.uses, "connection": node.action.connection}


def _unknown(node: Node) -> Record:
    """Return the record of a step that may or may not run, as far as a plan knows."""
    return {"status": Unknown.of(f"steps.{node.id}.status"), "output": Unknown.of(f"steps.{node.id}.output")}


def _needs(block: Block, index: int) -> tuple[str, ...]:
    node = block.nodes[index]
    return tuple(one.id for one in block.nodes[:index]) if node.needs is None else node.needs


def is_handled(node: Node) -> bool:
    """Return whether the run continues when this step fails."""
    return node.on_error == "continue" or node.fallback is not None
