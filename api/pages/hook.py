"""`/hooks/{name}/{token}`: deliveries of webhooks, without signing in; each is on disk before it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.base.authentication import client_address
from api.base.awaiting import awaited
from api.base.rate_limit import RateLimit
from api.base.routing import told_bytes
from engine.base.errors import OrchestraError
from engine.base.statuses import RunStatus
from engine.hooks.signatures import DeliveryRefused, Received, Verdict
from engine.people.access import Principal
from engine.triggering.hook_door import HookDoor, NoHook, OpenHook, TakenDelivery
from engine.triggering.hooks import PATH
from engine.workflows.recent import Recent

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_MISSES, _SECONDS = 120, 60.0
"""How many addresses that nothing has one network may try."""
_MOST_HOOKS = 1000
_DRAINED_BYTES = 8 * 1024 * 1024
"""How much more than it may have is read of a request, so that the sender reads the answer."""
_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_FULL_SECONDS = 60
_STATUSES: Mapping[Verdict, int] = {
    "signature": 401,
    "late": 401,
    "no_key": 503,
    "too_large": 413,
    "type": 415,
    "body": 400,
}
_WHO = Principal("triggers", "operator")


class _TooLarge(Exception):
    """The body has more bytes than fit."""


@dataclass(frozen=True)
class HookPages:
    """The handlers, over an engine that the caller has opened."""

    orchestra: Callable[[], Orchestra]
    misses: RateLimit = field(default_factory=lambda: RateLimit(_MISSES, _SECONDS))
    deliveries: Recent[tuple[str, int], RateLimit] = field(default_factory=lambda: Recent(_MOST_HOOKS, _MOST_HOOKS))
    """For each address and its limit."""

    def routes(self) -> list[Route]:
        """Return the routes for the application that also serves the dashboard."""
        path = f"{PATH}{{name}}/{{token}}"
        others = Route(f"{PATH}{{rest:path}}", self.unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        return [Route(path, self.ask, methods=["GET"]), Route(path, self.deliver, methods=["POST"]), others]

    async def unknown(self, request: Request) -> Response:
        """Answer what is no address as an address that nothing has; a sender must not be led to a page."""
        return self._refused(request, NoHook())

    async def ask(self, request: Request) -> Response:
        """Answer the challenge of a service that asks before it delivers; anything else is unknown."""
        try:
            hook = await run_in_threadpool(self._open, request)
            answer = await run_in_threadpool(self._door.challenge, hook, _received(request, b""))
        except OrchestraError as error:
            return self._refused(request, error)
        return PlainTextResponse(answer)

    async def deliver(self, request: Request) -> Response:
        """Take a delivery; the same one again changes nothing."""
        try:
            hook = await run_in_threadpool(self._open, request)
            if seconds := self._wait_seconds(hook):
                return _said(429, "too many deliveries in a minute", {"Retry-After": str(seconds)})
            body = await self._body(request, hook)
            taken = await run_in_threadpool(self._taken, hook, _received(request, body))
        except _TooLarge:
            return await run_in_threadpool(self._too_large, request, hook)
        except DeliveryRefused as error:
            return _said(_STATUSES[error.verdict], error.message)
        except ClientDisconnect:
            return Response(status_code=400)
        except (OrchestraError, OSError) as error:
            return self._refused(request, error)
        if taken is None:
            return _said(503, "too many deliveries wait for their runs", {"Retry-After": str(_FULL_SECONDS)})
        if taken.id and hook.fields.waits_for_run:
            return await self._outcome(request, hook, taken)
        return _answer(hook, taken)

    @property
    def _door(self) -> HookDoor:
        return self.orchestra().hook_door

    def _open(self, request: Request) -> OpenHook:
        return self._door.open(request.path_params["name"], request.path_params["token"])

    def _wait_seconds(self, hook: OpenHook) -> int:
        key = (hook.address, hook.fields.per_minute)
        limit = self.deliveries.get(key) or RateLimit(hook.fields.per_minute, _SECONDS)
        self.deliveries.keep(key, limit, 1)
        return limit.wait_seconds_of("")

    async def _body(self, request: Request, hook: OpenHook) -> bytes:
        """Return the whole body. Raises _TooLarge, once so much was read that the sender reads the answer."""
        most, body, size = hook.fields.most_bytes, bytearray(), 0
        stream: AsyncIterator[bytes] = request.stream()
        async for chunk in stream:
            size += len(chunk)
            if size <= most:
                body += chunk
            elif size > most + _DRAINED_BYTES:
                break
        if size > most:
            raise _TooLarge
        return bytes(body)

    def _taken(self, hook: OpenHook, received: Received) -> TakenDelivery | None:
        """Return what became of a delivery; None if too many wait. Raises DeliveryRefused, StorageError."""
        return None if self._door.is_full(hook) else self._door.receive(hook, received)

    def _too_large(self, request: Request, hook: OpenHook) -> Response:
        message = f"The body is larger than {hook.fields.largest_mb} MB."
        self._door.refuse(hook, DeliveryRefused("too_large", message), None, told_bytes(request.headers))
        return _said(413, message)

    async def _outcome(self, request: Request, hook: OpenHook, taken: TakenDelivery) -> Response:
        """Return the outputs of the run, or its address if it takes longer than a sender waits."""
        ends_at = anyio.current_time() + _WAIT_SECONDS
        item = None
        while item is None and anyio.current_time() < ends_at and not await request.is_disconnected():
            item = await run_in_threadpool(self._door.item_of, hook, taken.id)
            if item is None:
                await anyio.sleep(_LOOK_SECONDS)
        run_id = None if item is None else item.run_id
        if run_id is None:
            is_dead = item is not None and item.state == "dead"
            return JSONResponse({"status": "failed" if is_dead else "accepted"}, 500 if is_dead else 202)
        wait = partial(self.orchestra().runs.wait, _WHO, run_id)
        run: Any = await awaited(request, wait, max(ends_at - anyio.current_time(), 0.1))
        status = RunStatus.RUNNING if run is None else run["status"]
        if status == RunStatus.SUCCEEDED:
            return JSONResponse(run["outputs"] or {}, 200)
        has_failed = status in (RunStatus.FAILED, RunStatus.CANCELLED)
        return JSONResponse({"status": status, "run": f"/runs/{run_id}"}, 500 if has_failed else 202)

    def _refused(self, request: Request, error: Exception) -> Response:
        """Say as little as possible: an unknown address, a wrong secret and a trigger that is off look the same."""
        if not isinstance(error, NoHook):
            return _said(503, "not available at the moment", {"Retry-After": str(_FULL_SECONDS)})
        seconds = self.misses.wait_seconds(client_address(request))
        return _said(429, "too many requests", {"Retry-After": str(seconds)}) if seconds else _said(404, "not found")


def _received(request: Request, body: bytes) -> Received:
    return Received(dict(request.headers), dict(request.query_params), body)


def _answer(hook: OpenHook, taken: TakenDelivery) -> Response:
    if taken.answer is not None:
        return PlainTextResponse(taken.answer)
    return Response() if hook.fields.scheme.is_answered_empty else JSONResponse({"status": taken.verdict})


def _said(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers=headers)
