"""Keeps everything but reads from leaving this program: while a plan is made, nothing may be written anywhere.

The engine makes the calls of a plan inside `reads_only()`, and reads there what it shows in a question to a person.
It is obeyed below everything that a step type can use. The HTTP transport compares each request with the reads that
its service declares (`Service.reads`), the connection to a mail server each command; and a connection (sockets.py)
sends only bytes that one of them has checked. Sockets that are opened without them are refused, and threads that are
started inside inherit the state.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from clients.errors import WriteRefused

if TYPE_CHECKING:
    import httpx

    from clients.reads import ConnectionReads

_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
_MARK = "_orchestra_reads_only"

_is_active: contextvars.ContextVar[bool | None] = contextvars.ContextVar("reads_only", default=None)
"""None: as the thread says."""
_is_checked: contextvars.ContextVar[bool] = contextvars.ContextVar("checked", default=False)


@contextlib.contextmanager
def reads_only() -> Iterator[None]:
    """Refuse every request that is not a declared read: of this thread, and of all threads that are started inside.

    What is refused raises WriteRefused before anything leaves this program. Enter it in the thread that makes the
    calls, around nothing but them: a coroutine would hand it on to whatever is started while it waits.
    """
    _install()
    token = _is_active.set(True)
    try:
        yield
    finally:
        _is_active.reset(token)


def is_active() -> bool:
    """Return whether only reads may leave now."""
    here = _is_active.get()
    return getattr(threading.current_thread(), _MARK, False) if here is None else here


def require_read(request: httpx.Request, reads: ConnectionReads) -> None:
    """Raise WriteRefused if only reads may leave and this request is not one."""
    if not is_active():
        return
    if not reads.include(request):
        url = request.url.copy_with(query=None, userinfo=b"")
        none = "" if reads.kinds else f", and {reads.title} declares none"
        error = refused(f"{request.method} {url}", none)
        error.looks_like_read = request.method in ("GET", "HEAD")
        raise error
    request.read()  # a body that is made while it is sent could send something else meanwhile


def refused(what: str, why: str = "") -> WriteRefused:
    """Return the error for something that was not sent."""
    when = "while a plan is made or a question is asked"
    return WriteRefused(f"{what} was not sent: {when}, only declared reads leave this program{why}.")


@contextlib.contextmanager
def checked() -> Iterator[None]:
    """Let the bytes through that are sent inside: they are part of a declared read."""
    token = _is_checked.set(True)
    try:
        yield
    finally:
        _is_checked.reset(token)


def require_checked(what: str) -> None:
    """Raise WriteRefused for bytes on a connection that nobody has checked."""
    if is_active() and not _is_checked.get():
        raise refused(what)


@functools.cache
def _install() -> None:
    """Watch the threads and sockets of this process: once, and only in one that plans.

    An audit hook (PEP 578) would see sockets, too; but in Python it costs 0.4 microseconds at every `id()` for ever.
    """
    for kind, name, before in (
        (threading.Thread, "start", _hand_on),
        (socket.socket, "connect", _require_client),
        (socket.socket, "connect_ex", _require_client),
        (socket.socket, "sendto", _require_client),
        (socket.socket, "sendmsg", _require_client),
    ):
        setattr(kind, name, _preceded(getattr(kind, name), before))
    ThreadPoolExecutor.submit = _handing_on(ThreadPoolExecutor.submit)  # type: ignore[method-assign]


def _preceded(method: Callable[..., Any], before: Callable[[Any], None]) -> Callable[..., Any]:
    @functools.wraps(method)
    def both(own: object, *args: Any, **more: Any) -> Any:
        before(own)
        return method(own, *args, **more)

    return both


def _handing_on(submit: Callable[..., Any]) -> Callable[..., Any]:
    """Return `submit` of a pool whose threads may have been started before, and work for others afterwards."""

    @functools.wraps(submit)
    def both(pool: object, work: Callable[..., Any], /, *args: Any, **more: Any) -> Any:
        return submit(pool, _inside(work) if is_active() else work, *args, **more)

    return both


def _inside(work: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: Any, **more: Any) -> Any:
        with reads_only():
            return work(*args, **more)

    return made


def _hand_on(thread: threading.Thread) -> None:
    if is_active():  # a new thread has a context of its own
        setattr(thread, _MARK, True)


def _require_client(opened: socket.socket) -> None:
    if opened.family not in _INTERNET:
        return
    try:
        require_checked("Something past the clients")
    except WriteRefused:
        opened.close()
        raise
