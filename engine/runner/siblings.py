"""What steps that stand beside each other share: a reason to stop, their end, and their outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from engine.compiler.plan import Block
from engine.runner.failure import StepFailed
from engine.runner.frames import Frame, Record


@dataclass
class Stop:
    """Set by the first failure of a block or loop: nothing new starts, what runs may end."""

    failure: StepFailed | None = None


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
