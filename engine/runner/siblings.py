"""What steps that stand beside each other share: a reason to stop, their end, and their outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.compiler.plan import Block
from engine.runner.failure import StepFailed
from engine.runner.frames import Frame, Record


class RunStopped(Exception):
    """A step ended the whole run, successfully: no `on_error` catches it."""

    def __init__(self, outputs: Any, message: str) -> None:
        super().__init__(message)
        self.outputs, self.message = outputs, message


@dataclass
class Stop:
    """Set by the first failure of a block or loop, or by the end of the run: nothing new starts, what runs may end."""

    failure: StepFailed | None = None
    stopped: RunStopped | None = None

    @property
    def is_set(self) -> bool:
        """Tell whether nothing new starts."""
        return self.failure is not None or self.stopped is not None

    def raise_it(self) -> None:
        """Raise what was met; a failure tells more than an end."""
        reason = self.failure or self.stopped
        if reason is not None:
            raise reason


async def all_of(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Wait for all; if this is cancelled, or one breaks down, the others are cancelled and waited for."""
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def outputs_of(block: Block, frame: Frame) -> Record:
    """Return {step id: output} of the steps that have one."""
    return {node.id: frame.steps[node.id]["output"] for node in block.nodes if "output" in frame.steps[node.id]}
