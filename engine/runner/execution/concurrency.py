"""What sibling steps share: a reason to stop, a common end, and their outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from engine.compiler.definition.plan import Block
from engine.record.failure import StepFailed
from engine.record.frames import Frame


class RunStopped(Exception):
    """A step ended the whole run successfully; no `on_error` catches it."""

    def __init__(self, outputs: Any, message: str) -> None:
        super().__init__(message)
        self.outputs, self.message = outputs, message


class StopSignal(Struct):
    """Set by the first failure in a block or loop, or by the end of the run: no step starts, running ones finish."""

    failure: StepFailed | None = None
    stopped: RunStopped | None = None

    @property
    def is_set(self) -> bool:
        """Return whether nothing new may start."""
        return self.failure is not None or self.stopped is not None

    def raise_it(self) -> None:
        """Raise the reason to stop; a failure takes precedence over a successful end."""
        reason = self.failure or self.stopped
        if reason is not None:
            raise reason


async def all_of(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Wait for all tasks; if cancelled, or if one fails, cancel the others and wait for them."""
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def outputs_of(block: Block, frame: Frame) -> dict[str, Any]:
    """Return {step id: output} for the steps with an output."""
    steps = frame.steps
    return {node.id: steps[node.id]["output"] for node in block.nodes if "output" in steps[node.id]}
