"""What `app.py` hands to Streamlit: our routes beside its own, the gate before them, the engine's start and end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from api.access_log import keep_secrets_out
from api.announcement import announced
from api.gate import Gate
from api.headers import SecurityHeaders
from api.hosts import HostCheck
from api.login import Pages
from api.server import create_api
from engine.errors import OrchestraError
from engine.orchestra import Orchestra
from engine.store.owners import Fenced

_EXIT_STORAGE_OR_IN_USE = 4
_EXIT_TAKEN_OVER = 75
"""The parent starts the serving process again then, as a new owner of runs (EX_TEMPFAIL of sysexits.h)."""


@dataclass(frozen=True)
class Site:
    """The parts of one served workspace; `shared` opens it at the first call and gives the same engine ever after."""

    shared: Callable[[], Orchestra]

    def routes(self) -> list[BaseRoute]:
        """Return every address that is not a page of the dashboard."""
        api = create_api(self.shared)
        # One application under several roots: a Mount would take the path's beginning away from it.
        paths = ("/api", "/api/{rest:path}", "/health", "/auth/login", "/workflows/execute")
        return [*(Route(path, endpoint=api) for path in paths), *Pages(self.shared).routes()]

    def middleware(self) -> list[Middleware]:
        """Return what each request passes, the outermost first."""
        return [
            Middleware(SecurityHeaders),
            Middleware(HostCheck, bound_to=lambda: self.shared().config.server.host),
            Middleware(Gate, orchestra_provider=self.shared),
        ]

    @asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[dict[str, Any]]:
        """Open the workspace before the first request, close it after the last."""
        keep_secrets_out()
        orchestra = await to_thread.run_sync(self._opened)
        try:
            threading.Thread(target=_leave_when_taken_over, args=(orchestra,), daemon=True).start()
            with announced(orchestra):
                yield {"orchestra": orchestra}
        finally:
            await to_thread.run_sync(orchestra.close)

    def _opened(self) -> Orchestra:
        try:
            orchestra = self.shared()
            orchestra.users.check_secret()
        except OrchestraError as error:
            # The server would show a traceback. No run has begun, so leaving at once loses nothing.
            sys.stderr.write(f"{error.message} {error.remedy}\n")
            sys.stderr.flush()
            os._exit(_EXIT_TAKEN_OVER if isinstance(error, Fenced) else _EXIT_STORAGE_OR_IN_USE)
        return orchestra


def _leave_when_taken_over(orchestra: Orchestra) -> None:
    """End this process once another has its runs: whatever it still has on its way must not go on beside that one."""
    orchestra.is_taken_over.wait()
    sys.stderr.write(f"{Fenced()} This process ends.\n")
    sys.stderr.flush()
    os._exit(_EXIT_TAKEN_OVER)
