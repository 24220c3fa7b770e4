"""Takes the messages of a workspace in a process of its own: `… ROOT [die]`; `die`: by kill -9 before the first ack."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from engine.ingress.brokers import nats
from engine.orchestra import Orchestra
from engine.runner.effects import fault_points


def die(point: fault_points.Point) -> None:
    """Kill this process once runs are stored and nothing is acknowledged."""
    if point == "before acknowledgement":
        os.kill(os.getpid(), signal.SIGKILL)


async def main(orchestra: Orchestra) -> None:
    """Take messages until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await orchestra.ingress.run(stop, lambda: None)


if __name__ == "__main__":
    nats._ACK_SECONDS = 2.0  # how long NATS waits before it delivers the messages of a dead client again
    fault_points.hook = die if sys.argv[2:] == ["die"] else None
    opened = Orchestra.open(Path(sys.argv[1]))
    asyncio.run(main(opened))
    opened.close()
