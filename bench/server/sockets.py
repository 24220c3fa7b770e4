"""Ten sockets on a live run of 20 items a second (`live_pages.py`): the percentage of a core that they take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.base.figures import absolute
from bench.base.served import Served
from bench.server.live_pages import PAGES, measured_pages

WORK = "sockets_cpu"
GOAL = 5.0
_ITEMS = 2_500


def measure() -> dict[str, Any]:
    """Return the percentage of a core, the memory of the server, and the response time of `/health`."""
    found = measured_pages(_ITEMS, opened=_opened)
    return {**absolute(found["percent"], GOAL, "% core"), "more": found}


@contextmanager
def _opened(server: Served, run_id: str) -> Iterator[None]:
    """Follow the run with ten programs, which read all that comes."""
    from websockets.sync.client import connect

    address = f"ws://127.0.0.1:{server.port}/api/ws/runs/{run_id}"
    headers = {"Authorization": f"Bearer {server.token()}"}
    with ExitStack() as stack:
        sockets = [stack.enter_context(connect(address, additional_headers=headers)) for _ in range(PAGES)]
        for socket in sockets:
            threading.Thread(target=list, args=(socket,), daemon=True).start()
        yield
