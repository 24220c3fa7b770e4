"""The ASGI application of `app.py`: our routes beside Streamlit's, the gate in front, the engine's start and end."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from api.base.hosts import HostCheck
from api.network.access_log import keep_secrets_out
from api.network.announcement import announced
from api.network.beside_api import BesideApi
from api.network.cors import Cors
from api.network.gate import Gate
from api.network.headers import SecurityHeaders
from api.network.link_filter import LinkFilter
from api.network.proxy import BehindProxy
from api.network.request_counts import RequestCounts
from api.network.request_ids import RequestIds
from api.network.request_limit import RequestLimit
from api.network.server_log import write_as_one
from api.pages.login import LoginPages
from api.pages.openid import OpenIdPages
from api.pages.preview import PreviewPages
from api.routes.short_addresses import short_addresses
from engine.base.errors import Fenced, OrchestraError, StateAway
from engine.base.threads import take_short_turns
from engine.garbage import GarbageWatch, collect_and_return
from engine.workspace.config import Config, ServerSettings

if TYPE_CHECKING:
    from engine.observing.tally import RequestTally
    from engine.orchestra import Orchestra

_EXIT_STORAGE_OR_IN_USE = 4
_EXIT_STATE_AWAY = 69
"""Makes the parent try again later, if the server has worked before (EX_UNAVAILABLE of sysexits.h)."""
_GARBAGE_SECONDS = 2.0
_EXIT_TAKEN_OVER = 75
"""Makes the parent start the serving process again, as a new owner of runs (EX_TEMPFAIL of sysexits.h)."""


@dataclass(frozen=True)
class Site:
    """The parts of one served workspace; `shared` opens it on the first call and returns the same engine ever after.

    `api` serves the addresses of the API, `open_routes` what is open to everybody beside the sign-in.
    """

    shared: Callable[[], Orchestra]
    api: ASGIApp
    open_routes: Sequence[Route] = ()

    def routes(self) -> list[BaseRoute]:
        """Return what is served beside the dashboard: sign-in, previews, short addresses."""
        sign_in = (LoginPages(self.shared), OpenIdPages(self.shared))
        pages = (*sign_in, PreviewPages(self.shared))
        return [*(route for one in pages for route in one.routes()), *short_addresses(), *self.open_routes]

    def middleware(self) -> list[Middleware]:
        """Return the middleware, outermost first."""
        # Refusals have an id, are counted and bear the headers, so these come first. The proxy comes before whatever
        # asks for the host or the client's address, and the gate before the filter, as that asks who gets an answer.
        return [
            Middleware(RequestIds),
            Middleware(RequestCounts, tally=self._requests),
            Middleware(BehindProxy, settings=self._server),
            Middleware(SecurityHeaders),
            Middleware(HostCheck, server=self._server),
            Middleware(BesideApi, api=Cors(RequestLimit(self.api, self._config), self._server)),
            Middleware(Gate, orchestra_provider=self.shared, open_paths=[one.path for one in self.open_routes]),
            Middleware(LinkFilter),
        ]

    def _requests(self) -> RequestTally:
        return self.shared().tally.requests

    def _config(self) -> Config:
        return self.shared().config

    def _server(self) -> ServerSettings:
        return self._config().server

    @asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[dict[str, Any]]:
        """Open the workspace before the first request, close it after the last."""
        keep_secrets_out()
        write_as_one()
        take_short_turns()
        orchestra = await to_thread.run_sync(self._opened)
        try:
            threading.Thread(target=_leave_when_taken_over, args=(orchestra,), daemon=True).start()
            collect_and_return()  # what imports left behind
            async with _watching_garbage():
                with announced(orchestra):
                    yield {"orchestra": orchestra}
        finally:
            await to_thread.run_sync(orchestra.close)

    def _opened(self) -> Orchestra:
        try:
            orchestra = self.shared()
            orchestra.workers.signs(orchestra.users.check_secret())
        except OrchestraError as error:
            # The server would show a traceback. No run has begun, so exiting right away loses nothing.
            sys.stderr.write(f"{error.message} {error.remedy}\n")
            sys.stderr.flush()
            exits = {Fenced: _EXIT_TAKEN_OVER, StateAway: _EXIT_STATE_AWAY}
            os._exit(exits.get(type(error), _EXIT_STORAGE_OR_IN_USE))
        return orchestra


@asynccontextmanager
async def _watching_garbage() -> AsyncIterator[None]:
    """Collect garbage when it is due, for as long as the block runs."""

    async def look() -> None:
        watch = GarbageWatch()
        while True:
            await asyncio.sleep(_GARBAGE_SECONDS)
            watch.look()

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _leave_when_taken_over(orchestra: Orchestra) -> None:
    """Exit once another process owns the runs: work still in progress must not continue beside the new owner."""
    orchestra.is_taken_over.wait()
    sys.stderr.write(f"{Fenced()} This process ends.\n")
    sys.stderr.flush()
    os._exit(_EXIT_TAKEN_OVER)  # sys.exit would end this thread only
