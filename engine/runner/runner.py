"""Walks a plan: which step runs when, how long it may take, what a failure means. Knows nothing of services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

from engine.compiler.plan import Block, Node, Plan
from engine.errors import ExpressionError, OrchestraError, StepTimeout
from engine.expressions.deferred import opened
from engine.expressions.expressions import render, render_field
from engine.expressions.wording import kind_of
from engine.runner.failure import StepFailed, document_of, failure
from engine.runner.frames import Frame, Record
from engine.runner.loops import Loops
from engine.runner.recording import Recording
from engine.runner.selection import LeftOut, Pinned, Selection
from engine.runner.siblings import RunStopped, Stop, all_of, outputs_of

_CONDITIONS = "Compare the value with something, such as x == 'yes'."

Perform = Callable[[Node, Frame, str], Awaitable[Any]]
"""Runs the action of a node at a run path and returns its output; raises StepFailed."""


class Runner:
    """One run of one plan. All decisions follow from the plan, the inputs and the recorded results."""

    def __init__(
        self,
        plan: Plan,
        recording: Recording,
        perform: Perform,
        at_work: AbstractContextManager[None],
        selection: Selection | None = None,
    ) -> None:
        self._plan, self._recording, self._perform, self._selection = plan, recording, perform, selection
        self._at_work = at_work
        """Entered by each action for as long as it runs."""

    async def run(self, inputs: Mapping[str, Any], run: Mapping[str, Any]) -> Any:
        """Run all steps and return the outputs. Raises StepFailed, RunStopped."""
        frame = Frame({"inputs": inputs, "run": run, "steps": {}})
        with _as_failure("", self._plan.name):
            async with self._limited("", self._plan.timeout_seconds, "The workflow") as deadline:
                await self._block(self._plan.block, frame.until(deadline))
        if self._selection is not None and self._selection.is_part:
            return None
        with _as_failure("outputs", self._plan.name):
            return render_field("outputs", self._plan.outputs, frame.names)

    async def after_failure(self, inputs: Mapping[str, Any], run: Mapping[str, Any], error: Mapping[str, Any]) -> None:
        """Run the steps that the workflow has for its failure. Raises StepFailed, RunStopped."""
        if self._plan.on_failure is not None:
            told = {name: error[name] or "" for name in ("type", "message", "step")}
            frame = Frame({"inputs": inputs, "run": run, "error": told, "steps": {}}, prefix="on_failure.")
            await self._block(self._plan.on_failure, frame)

    @asynccontextmanager
    async def _limited(self, path: str, seconds: float | None, what: str) -> AsyncIterator[datetime | None]:
        """Raise StepTimeout when the block is not done so long after its step first began; None is no limit.

        Gives the moment when the time is over.
        """
        if seconds is None:
            yield None
            return
        deadline = self._recording.deadline(path, seconds)
        left = self._recording.seconds_until(deadline)
        timeout = StepTimeout(f"{what} took longer than {seconds:g} s.")
        if left <= 0:
            raise timeout
        try:
            async with asyncio.timeout(left):
                yield deadline
        except TimeoutError as error:
            raise timeout from error

    # --- blocks

    async def _block(self, block: Block, frame: Frame) -> None:
        """Run siblings; their records go into the frame."""
        if block.is_sequence:
            for node in block.nodes:
                frame.steps[node.id] = await self._node(node, frame)
            return
        ended = {node.id: asyncio.Event() for node in block.nodes}
        stop = Stop()
        tasks = [
            asyncio.ensure_future(self._when_ready(node, _needs(block, index), frame, ended, stop))
            for index, node in enumerate(block.nodes)
        ]
        await all_of(tasks)
        stop.raise_it()

    async def _when_ready(
        self, node: Node, needs: tuple[str, ...], frame: Frame, ended: Mapping[str, asyncio.Event], stop: Stop
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
            ended[node.id].set()

    # --- one step

    async def _node(self, node: Node, frame: Frame) -> Record:
        path = f"{frame.prefix}{node.id}"
        known = self._recording.record_of(path)
        if known is not None and known["status"] == "failed" and node.fallback is not None:
            return await self._caught(node, frame, path, StepFailed(known["error"]))
        if known is not None and (_is_whole(known) or node.action is not None):
            return self._live(known)
        if self._selection is not None:
            stand_in = self._selection.of(node, frame)
            if stand_in is not None:
                return self._stood_in(node, path, stand_in)
        try:
            return await self._decided(node, frame, path)
        except StepFailed as failed:
            return await self._caught(node, frame, path, failed)

    def _live(self, known: Record) -> Record:
        if "stops" in known:
            stops = self._recording.values.live(known["stops"])
            raise RunStopped(stops["outputs"], stops["message"])
        seen = {name: value for name, value in known.items() if name != "fallback"}  # as expressions see it
        return self._recording.values.live(seen) if "output" in seen else seen

    def _stood_in(self, node: Node, path: str, stand_in: Pinned | LeftOut) -> Record:
        """Write down what a test run takes for a step that it does not run."""
        if isinstance(stand_in, LeftOut):
            self._finish(path, node, "skipped", note=stand_in.note, **_called(node))
            return {"status": "skipped"}
        output = self._recording.values.kept(stand_in.output)
        written = self._recording.values.written(output)
        self._finish(path, node, "succeeded", output=written, pinned=True, **_called(node))
        return {"status": "succeeded", "output": output}

    async def _decided(self, node: Node, frame: Frame, path: str) -> Record:
        """Decide `if`, then do what the step is."""
        if node.condition is not True and not self._condition(node, frame, path):
            self._recording.emit("step_finished", path=path, status="skipped", title=node.title, **_called(node))
            return {"status": "skipped"}
        if node.action is not None:
            with self._at_work:
                return {"status": "succeeded", "output": await self._perform(node, frame, path)}
        if self._recording.record_of(path) is None:
            self._recording.emit("step_started", path=path, title=node.title)
        return await self._composed(node, frame, path)

    def _condition(self, node: Node, frame: Frame, path: str) -> bool:
        with self._failing(node, path, "if"):
            value = opened(render(node.condition, frame.names))
            if not isinstance(value, bool):
                raise ExpressionError(f"'if' is {kind_of(value)}, not true or false.", remedy=_CONDITIONS, field="if")
            return value

    async def _composed(self, node: Node, frame: Frame, path: str) -> Record:
        """Run a loop or a group and write down how it ended."""
        is_over = self._recording.record_of(path) is not None  # then only its output is put together again
        seconds = None if is_over else node.timeout_seconds
        try:
            async with self._limited(path, seconds, f"Step {node.id!r}") as deadline:
                inner = frame.until(deadline)
                output = await (self._loop(node, inner, path) if node.loop else self._group(node, inner))
        except (OrchestraError, StepFailed) as error:
            document = document_of(error, step=path, workflow=self._plan.name)
            self._finish(path, node, "failed", error=document, handled=is_handled(node))
            raise StepFailed(document) from error
        # What only gathers the outputs of the steps inside is not written down a second time.
        written = {"output": self._recording.values.written(output)} if node.has_output and not node.loop else {}
        self._finish(path, node, "succeeded", **written)
        return {"status": "succeeded", "output": output}

    def _finish(self, path: str, node: Node, status: str, **details: Any) -> None:
        known = self._recording.record_of(path)
        if known is None or known["status"] != status:
            self._recording.emit("step_finished", path=path, status=status, title=node.title, **details)

    async def _caught(self, node: Node, frame: Frame, path: str, failed: StepFailed) -> Record:
        """Apply `on_error`."""
        error = {"type": failed.error["type"], "message": failed.error["message"], "step": path}
        if node.fallback is not None:
            inner = frame.inside(node, {"error": error})
            await self._block(node.fallback, inner)
            last = inner.steps[node.fallback.nodes[-1].id]
            given = {} if last.get("output") is None else {"output": last["output"]}
            written = {name: self._recording.values.written(output) for name, output in given.items()}
            self._recording.emit("step_finished", path=path, status="succeeded", **written, fallback=True)
            return {"status": "succeeded", **given}
        if node.on_error == "continue":
            return {"status": "failed", "error": error}
        raise failed

    async def _loop(self, node: Node, frame: Frame, path: str) -> list[Record]:
        return await Loops(self._plan.name, self._recording, self._block, self._selection).run(node, frame, path)

    async def _group(self, node: Node, frame: Frame) -> Any:
        assert node.body is not None
        inner = frame.inside(node)
        await self._block(node.body, inner)
        is_part = self._selection is not None and self._selection.is_around(f"{frame.prefix}{node.id}")
        if node.has_output and not is_part:
            output, _ = await self._recording.kept(render_field("output", node.output, inner.names))
            return output
        return outputs_of(node.body, inner)

    @contextmanager
    def _failing(self, node: Node, path: str, step_field: str) -> Iterator[None]:
        """Turn an error in a field of a step into the failure of the step."""
        try:
            yield
        except OrchestraError as error:
            document = {**failure(error, step=path, workflow=self._plan.name), "field": step_field}
            self._finish(path, node, "failed", error=document, handled=is_handled(node), **_called(node))
            raise StepFailed(document) from error


@contextmanager
def _as_failure(place: str, workflow: str) -> Iterator[None]:
    """Turn an error of the engine into StepFailed."""
    try:
        yield
    except OrchestraError as error:
        raise StepFailed(failure(error, step=place, workflow=workflow)) from error


def _is_whole(known: Record) -> bool:
    """Tell whether a record says all of a group or loop, so that its output is not put together again."""
    return known["status"] != "succeeded" or "output" in known or "fallback" in known


def _called(node: Node) -> dict[str, str | None]:
    """Return what a step would have called, for one that never came to it."""
    return {} if node.action is None else {"uses": node.action.uses, "connection": node.action.connection}


def _needs(block: Block, index: int) -> tuple[str, ...]:
    node = block.nodes[index]
    return tuple(one.id for one in block.nodes[:index]) if node.needs is None else node.needs


def is_handled(node: Node) -> bool:
    """Tell whether the run goes on when this step fails."""
    return node.on_error == "continue" or node.fallback is not None
