"""`orchestra worker` whose every step takes 20 ms in which nothing is done, as if a service were waited for."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

from engine.runner.call.write import LastLink
from engine.runner.execution.step_call import Outcome, StepCall

SECONDS = 0.02


class SlowLink(LastLink):
    """What carries out a step, after waiting as if for a service."""

    async def __call__(self, call: StepCall) -> Outcome:
        """Carry out a step."""
        await asyncio.sleep(SECONDS)
        return await super().__call__(call)


if __name__ == "__main__":
    from engine.runner.call import chain

    vars(chain)["LastLink"] = SlowLink
    sys.exit(import_module("cli").main(sys.argv[1:]))
