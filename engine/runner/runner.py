"""Walks a plan: which step runs when, what a failure means, what a loop gives. Knows nothing of services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.compiler.model import MAX_ITEMS
from engine.compiler.plan import Block, Loop, Node, Plan
from engine.errors import ExpressionError, InvalidInput, OrchestraError, StepTimeout
from engine.expressions.expressions import render
from engine.runner.failure import StepFailed, failure
from engine.runner.frames import Frame
from engine.runner.recording import KEPT, Recording

_LONGEST_KEY = 1000

Record = dict[str, Any]
"""How a step ended, as expressions see it: {status, output?, error?}."""
Perform = Callable[[Node, Frame, str], Awaitable[Any]]
"""Runs the action of a node at a run path and returns its output; raises StepFailed."""


class ItemsFailed(OrchestraError):
    """Some items of a loop failed; the others ended."""

    default_remedy = "Open the failed items; `orchestra runs resume RUN` runs only them again."


@dataclass
class _Stop:
    """Set by the first failure of a block or loop: nothing new starts, what runs may end."""

    failure: StepFailed | None = None


@dataclass
class _Tally:
    records: dict[int, Record] = field(default_factory=dict)
    failed: int = 0


@dataclass(frozen=True)
class _Turns:
    """The items of a loop; the frame of each is made when it is its turn, so that many items need little memory."""

    node: Node
    loop: Loop
    frame: Frame
    items: list[Any]
    keys: list[str | None]

    def __iter__(self) -> Iterator[tuple[int, Frame]]:
        for index, (item, key) in enumerate(zip(self.items, self.keys, strict=True)):
            yield index, self.frame.turn(self.node, self.loop, index, item, key)


class Runner:
    """One run of one plan. All decisions follow from the plan, the inputs and the recorded results."""

    def __init__(self, plan: Plan, recording: Recording, perform: Perform) -> None:
        self._plan, self._recording, self._perform = plan, recording, perform

    async def run(self, inputs: Mapping[str, Any], run: Mapping[str, Any]) -> Any:
        """Run all steps and return the outputs. Raises StepFailed."""
        frame = Frame({"inputs": inputs, "run": run, "steps": {}})
        with _as_failure("outputs", self._plan.name):
            async with self._limited("", self._plan.timeout_seconds, "The workflow") as deadline:
                await self._block(self._plan.block, frame.until(deadline))
            return render(self._plan.outputs, frame.names)

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
        stop = _Stop()
        tasks = [
            asyncio.ensure_future(self._when_ready(node, _needs(block, index), frame, ended, stop))
            for index, node in enumerate(block.nodes)
        ]
        await _all(tasks)
        if stop.failure is not None:
            raise stop.failure

    async def _when_ready(
        self, node: Node, needs: tuple[str, ...], frame: Frame, ended: Mapping[str, asyncio.Event], stop: _Stop
    ) -> None:
        for name in needs:
            await ended[name].wait()
        try:
            if stop.failure is None:
                frame.steps[node.id] = await self._node(node, frame)
        except StepFailed as failed:
            stop.failure = stop.failure or failed
        finally:
            ended[node.id].set()

    # --- one step

    async def _node(self, node: Node, frame: Frame) -> Record:
        path = f"{frame.prefix}{node.id}"
        known = self._recording.record_of(path)
        if known is not None and known["status"] == "failed" and node.fallback is not None:
            return await self._caught(node, frame, path, StepFailed(known["error"]))
        if known is not None and (node.action is not None or known["status"] != "succeeded" or "output" in known):
            return self._live(known)
        try:
            return await self._decided(node, frame, path)
        except StepFailed as failed:
            return await self._caught(node, frame, path, failed)

    def _live(self, known: Record) -> Record:
        return self._recording.values.loaded(known) if "output" in known else known

    async def _decided(self, node: Node, frame: Frame, path: str) -> Record:
        """Decide `if`, then do what the step is."""
        if node.condition is not True and not self._condition(node, frame, path):
            self._recording.emit("step_finished", path=path, status="skipped", title=node.title, **_called(node))
            return {"status": "skipped"}
        if node.action is not None:
            return {"status": "succeeded", "output": await self._perform(node, frame, path)}
        if self._recording.record_of(path) is None:
            self._recording.emit("step_started", path=path, title=node.title)
        return await self._composed(node, frame, path)

    def _condition(self, node: Node, frame: Frame, path: str) -> bool:
        with self._failing(node, path, "if"):
            value = render(node.condition, frame.names)
            if not isinstance(value, bool):
                raise ExpressionError(f"'if' is {value!r}, not true or false.", field="if")
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
            document = self._document(error, path)
            self._finish(path, node, "failed", error=document, handled=is_handled(node))
            raise StepFailed(document) from error
        # What only gathers the outputs of the steps inside is not written down a second time.
        written = {"output": self._recording.values.whole(output)} if node.has_output and not node.loop else {}
        self._finish(path, node, "succeeded", **written)
        return {"status": "succeeded", "output": output}

    def _document(self, error: OrchestraError | StepFailed, path: str) -> dict[str, Any]:
        return error.error if isinstance(error, StepFailed) else failure(error, step=path, workflow=self._plan.name)

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
            output = last.get("output")
            self._recording.emit(
                "step_finished",
                path=path,
                status="succeeded",
                output=self._recording.values.whole(output),
                fallback=True,
            )
            return {"status": "succeeded", "output": output}
        if node.on_error == "continue":
            return {"status": "failed", "error": error}
        raise failed

    async def _group(self, node: Node, frame: Frame) -> Any:
        assert node.body is not None
        inner = frame.inside(node)
        await self._block(node.body, inner)
        if node.has_output:
            return render(node.output, inner.names)
        return _outputs(node.body, inner)

    # --- loops

    async def _loop(self, node: Node, frame: Frame, path: str) -> list[Record]:
        loop = node.loop
        assert loop is not None
        items = loop.items.value(frame.names)
        if not isinstance(items, list):
            raise ExpressionError(f"'foreach' is {type(items).__name__}, not a list.", field="foreach")
        if len(items) > MAX_ITEMS:
            raise InvalidInput(f"'foreach' has {len(items)} items; at most {MAX_ITEMS} are allowed.", field="foreach")
        turns = _Turns(node, loop, frame, items, [_key(loop, frame, index, item) for index, item in enumerate(items)])
        self._announce(turns, path)
        tally = await self._items(turns)
        return self._gathered(loop, tally, len(items))

    def _announce(self, turns: _Turns, path: str) -> None:
        if self._recording.has_loop(path):
            return
        items = [[frame.names["key"], _item_title(turns.loop, frame)] for _, frame in turns]
        self._recording.emit("loop_started", path=path, noun=turns.loop.name, items=items)

    async def _items(self, turns: _Turns) -> _Tally:
        """Run the items, `parallel` at a time, in order of the list."""
        tally, stop, waiting = _Tally(), _Stop(), iter(turns)
        workers = [
            asyncio.ensure_future(self._work(turns.node, turns.loop, waiting, tally, stop))
            for _ in range(min(turns.loop.parallel, len(turns.items)))
        ]
        await _all(workers)
        if stop.failure is not None:
            raise stop.failure
        return tally

    async def _work(
        self, node: Node, loop: Loop, waiting: Iterator[tuple[int, Frame]], tally: _Tally, stop: _Stop
    ) -> None:
        for index, frame in waiting:
            if stop.failure is not None:
                return
            try:
                tally.records[index] = await self._item(node, loop, frame)
            except StepFailed as failed:
                tally.failed += 1
                tally.records[index] = _failed_item(node, frame, failed)
                if loop.on_item_error == "stop":
                    stop.failure = failed

    async def _item(self, node: Node, loop: Loop, frame: Frame) -> Record:
        assert node.body is not None
        path = frame.prefix.removesuffix(".")
        known = self._recording.record_of(path)
        if known is not None and known["status"] == "failed":  # dropped before
            raise StepFailed(known["error"])
        try:
            await self._block(node.body, frame)
            outputs = _outputs(node.body, frame)
            if node.has_output:
                outputs["output"] = render(node.output, frame.names)
        except (StepFailed, OrchestraError) as error:
            document = self._document(error, path)
            handled = loop.on_item_error == "drop"
            self._recording.emit("item_finished", path=path, status="failed", error=document, handled=handled)
            raise StepFailed(document) from error
        if known is None:
            self._recording.emit("item_finished", path=path, status="succeeded")
        return {"key": frame.names["key"], "status": "succeeded", "error": None, **outputs}

    def _gathered(self, loop: Loop, tally: _Tally, total: int) -> list[Record]:
        if tally.failed and loop.on_item_error == "continue":
            raise ItemsFailed(f"{tally.failed} of {total} items failed.")
        return [
            tally.records[index]
            for index in range(total)
            if loop.on_item_error != "drop" or tally.records[index]["status"] in KEPT
        ]

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


def _called(node: Node) -> dict[str, str | None]:
    """Return what a step would have called, for one that never came to it."""
    return {} if node.action is None else {"uses": node.action.uses, "connection": node.action.connection}


def _needs(block: Block, index: int) -> tuple[str, ...]:
    node = block.nodes[index]
    return tuple(one.id for one in block.nodes[:index]) if node.needs is None else node.needs


async def _all(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Wait for all; if this is cancelled, or one breaks down, the others are cancelled and waited for."""
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _outputs(block: Block, frame: Frame) -> Record:
    """Return {step id: output} of the steps that have one."""
    return {node.id: frame.steps[node.id]["output"] for node in block.nodes if "output" in frame.steps[node.id]}


def _failed_item(node: Node, frame: Frame, failed: StepFailed) -> Record:
    assert node.body is not None
    done = {one.id: frame.steps[one.id] for one in node.body.nodes if one.id in frame.steps}
    outputs = {name: record["output"] for name, record in done.items() if "output" in record}
    error = {"type": failed.error["type"], "message": failed.error["message"]}
    return {"key": frame.names["key"], "status": "failed", "error": error, **outputs}


def _key(loop: Loop, frame: Frame, index: int, item: Any) -> str | None:
    """Return the key of an item; in its expression `key` is that of the loop around this one."""
    if loop.key is None:
        return None
    value = render(loop.key, {**frame.names, loop.name: item, "index": index})
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise ExpressionError(f"The key of item {index} is {value!r}; it must be a text or a number.", field="key")
    if len(str(value)) > _LONGEST_KEY:
        raise ExpressionError(
            f"The key of item {index} has {len(str(value))} characters; at most {_LONGEST_KEY} are allowed.",
            field="key",
            remedy="Take an id of the item, not its content.",
        )
    return str(value)


def _item_title(loop: Loop, frame: Frame) -> str:
    if loop.item_title is None:
        return str(frame.names["key"])
    try:
        return str(render(loop.item_title, frame.names))[:200]
    except ExpressionError:
        return str(frame.names["key"])  # a title is a courtesy: it stops no item


def is_handled(node: Node) -> bool:
    """Tell whether the run goes on when this step fails."""
    return node.on_error == "continue" or node.fallback is not None
