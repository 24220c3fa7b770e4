"""Run the items of a loop: how many at once, what a failed item means, and the loop's result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from clients.wording import counted
from engine.base.errors import ExpressionError, InvalidInput, OrchestraError
from engine.base.json_text import JsonObject
from engine.base.lazy_values import Unknown, marked, opened
from engine.base.statuses import DONE_STEPS, StepStatus
from engine.base.wording import kind_of
from engine.compiler.definition.plan import Block, Loop, Node
from engine.compiler.definition.step_model import MAX_ITEMS
from engine.expressions.expressions import render, render_field
from engine.expressions.json_values import compact_json
from engine.record.events import ItemFinished, LoopStarted
from engine.record.failure import StepFailed, document_of
from engine.record.frames import Frame
from engine.runner.execution.concurrency import RunStopped, StopSignal, all_of, outputs_of
from engine.runner.execution.filling import worked_out
from engine.runner.execution.recording import Recording

if TYPE_CHECKING:
    from engine.record.parts.selection import Selection

_LONGEST_KEY = 1000
_PARTS = f"Give it a part, such as list.slice(0, {MAX_ITEMS}), or a list of lists for a loop in a loop."
_LISTS = "Name a list, such as steps.mails.output.messages."


class ItemsFailed(OrchestraError):
    """Some items of a loop failed; the others ended."""

    default_remedy = "Open the failed items; `orchestra runs resume RUN` runs only them again."


class _Tally(Struct):
    records: dict[int, JsonObject] = field(default_factory=dict)
    failed: int = 0


class _Turns(Struct, frozen=True):
    """The items of a loop; each frame is made when its item starts, so that many items need little memory."""

    node: Node
    loop: Loop
    frame: Frame
    items: list[Any]
    keys: list[str | None]
    are_unknown: bool = False
    """Whether a plan does not know the items: one placeholder is used for all of them."""

    def __iter__(self) -> Iterator[tuple[int, Frame]]:
        if self.are_unknown:
            yield 0, self._any()
            return
        for index, (item, key) in enumerate(zip(self.items, self.keys, strict=True)):
            yield index, self.frame.turn(self.node, self.loop, index, item, key)

    def _any(self) -> Frame:
        """Return the frame of any of the items."""
        why = f"Once for each item of `{self.loop.items.source}`, which is not known before the plan is applied."
        names = {name: Unknown.of(name) for name in (self.loop.name, "index", "key")}
        turn = self.frame.turn(self.node, self.loop, 0, None, names["key"].text)
        return replace(turn.maybe(why), names={**turn.names, **names})


class Loops:
    """The loops of one run; `run_block` runs the steps of an item."""

    def __init__(
        self,
        workflow: str,
        recording: Recording,
        run_block: Callable[[Block, Frame], Awaitable[None]],
        selection: Selection | None,
    ) -> None:
        self._workflow, self._recording, self._run_block = workflow, recording, run_block
        self._selection = selection

    async def run(self, node: Node, frame: Frame, path: str) -> list[JsonObject] | Unknown:
        """Run a loop; return the records of its items. Raises StepFailed and what its fields raise."""
        loop = node.loop
        assert loop is not None
        given = None if self._selection is None else self._selection.items_of(node)
        items = await worked_out(render_field, "foreach", loop.items, frame.names) if given is None else given
        if isinstance(items, Unknown):
            turns = _Turns(node, loop, frame, [None], [None], are_unknown=True)
            await self._announce(turns, path)
            await self._items(turns)
            return Unknown.of(f"steps.{node.id}.output")
        items = opened(items)
        if not isinstance(items, list):
            raise ExpressionError(f"'foreach' is {kind_of(items)}, not a list.", remedy=_LISTS, field="foreach")
        if len(items) > MAX_ITEMS:
            message = f"'foreach' has {len(items)} items; at most {MAX_ITEMS} are allowed."
            raise InvalidInput(message, remedy=_PARTS, field="foreach")
        if self._selection is not None:
            self._selection.require_item(frame.path_of(node), len(items))
        turns = _Turns(node, loop, frame, items, await worked_out(item_keys, loop, frame, items))
        await self._announce(turns, path)
        tally = await self._items(turns)
        return self._gathered(loop, tally, len(items))

    async def _announce(self, turns: _Turns, path: str) -> None:
        if self._recording.has_loop(path):
            return
        items = await worked_out(_announced, turns)
        self._recording.emit(LoopStarted, path=path, noun=turns.loop.name, items=items)

    async def _items(self, turns: _Turns) -> _Tally:
        """Run the items, `parallel` at a time, in list order."""
        tally, stop, waiting = _Tally(), StopSignal(), iter(turns)  # one iterator: each worker takes the next item
        workers = [
            asyncio.ensure_future(self._work(turns.node, turns.loop, waiting, tally, stop))
            for _ in range(min(turns.loop.parallel, len(turns.items)))
        ]
        await all_of(workers)
        stop.raise_it()
        return tally

    async def _work(
        self, node: Node, loop: Loop, waiting: Iterator[tuple[int, Frame]], tally: _Tally, stop: StopSignal
    ) -> None:
        for index, frame in waiting:
            if stop.is_set:
                return
            try:
                tally.records[index] = await self._item(node, loop, frame)
            except StepFailed as failed:
                tally.failed += 1
                tally.records[index] = _failed_item(node, frame, failed)
                if loop.on_item_error == "stop" or failed.is_final:
                    stop.failure = failed
            except RunStopped as stopped:
                stop.stopped = stop.stopped or stopped

    async def _item(self, node: Node, loop: Loop, frame: Frame) -> JsonObject:
        assert node.body is not None
        assert frame.path is not None
        path = str(frame.path)
        known, failure_before = self._recording.endings_of(path)
        if known is not None and known["status"] == StepStatus.FAILED:  # dropped in an earlier attempt
            raise StepFailed(known["error"])
        if failure_before is not None:
            raise StepFailed(failure_before)
        selection = self._selection
        left_out = None if selection is None else selection.item_left_out(frame)
        if left_out is not None:
            if known is None:
                self._recording.emit(ItemFinished, path=path, status=StepStatus.SKIPPED, note=left_out.note)
            return {"key": frame.names["key"], "status": StepStatus.SKIPPED.value, "error": None}
        try:
            await self._run_block(node.body, frame)
            outputs = outputs_of(node.body, frame)
            if node.has_output and not (selection is not None and selection.is_around(frame.path)):
                outputs["output"], _ = await self._recording.kept(
                    await worked_out(render_field, "output", node.output, frame.names)
                )
        except (StepFailed, OrchestraError) as error:
            document = document_of(error, step=path, workflow=self._workflow)
            failed = StepFailed(document)
            handled = loop.on_item_error == "drop" and not failed.is_final
            self._recording.emit(ItemFinished, path=path, status=StepStatus.FAILED, error=document, handled=handled)
            raise failed from error
        if known is None:
            self._recording.emit(ItemFinished, path=path, status=StepStatus.SUCCEEDED)
        return {"key": frame.names["key"], "status": StepStatus.SUCCEEDED.value, "error": None, **outputs}

    def _gathered(self, loop: Loop, tally: _Tally, total: int) -> list[JsonObject]:
        if tally.failed and loop.on_item_error == "continue":
            raise ItemsFailed(f"{tally.failed} of {counted(total, 'item')} failed.")
        return [
            tally.records[index]
            for index in range(total)
            if loop.on_item_error != "drop" or tally.records[index]["status"] in DONE_STEPS
        ]


def _failed_item(node: Node, frame: Frame, failed: StepFailed) -> JsonObject:
    assert node.body is not None
    done = {one.id: frame.steps[one.id] for one in node.body.nodes if one.id in frame.steps}
    outputs = {name: record["output"] for name, record in done.items() if "output" in record}
    error = {"type": failed.error["type"], "message": failed.error["message"]}
    return {"key": frame.names["key"], "status": StepStatus.FAILED.value, "error": error, **outputs}


def item_keys(loop: Loop, frame: Frame, items: list[Any]) -> list[str | None]:
    """Return the key of each item of a loop, None if it has no `key`. Raises ExpressionError."""
    return [_key(loop, frame, index, item) for index, item in enumerate(items)]


def _announced(turns: _Turns) -> list[list[str]]:
    return [[marked(frame.names["key"]), _item_title(turns.loop, frame)] for _, frame in turns]


def _key(loop: Loop, frame: Frame, index: int, item: Any) -> str | None:
    """Return the key of an item; in its expression, `key` is the key of the enclosing loop."""
    if loop.key is None:
        return None
    value = marked(render_field("key", loop.key, {**frame.names, loop.name: item, "index": index}))
    if value == "":
        said = f"The key of item {index} is empty."
        raise ExpressionError(said, field="key", remedy="Name something that each item has, such as its id.")
    if not isinstance(value, str | int) or isinstance(value, bool):
        said = f"The key of item {index} is {compact_json(value):.80}; it must be a text or a whole number."
        raise ExpressionError(said, field="key", remedy="Name something that each item has, such as its id.")
    if len(str(value)) > _LONGEST_KEY:
        raise ExpressionError(
            f"The key of item {index} has {len(str(value))} characters; at most {_LONGEST_KEY} are allowed.",
            field="key",
            remedy="Take an id of the item, not its content.",
        )
    return str(value)


def _item_title(loop: Loop, frame: Frame) -> str:
    if loop.item_title is None:
        return str(marked(frame.names["key"]))
    try:
        return str(marked(render(loop.item_title, frame.names)))[:200]
    except ExpressionError:
        return str(marked(frame.names["key"]))  # a title is optional: it must not stop an item
