"""A proxy before a stand-in that mangles one thing of a list on its way."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.conftest import Endpoint
from tests.patience import PATIENCE_SECONDS

Mangle = Callable[[Any], Any]
_GONE = object()
_INSTEAD: tuple[Any, ...] = (None, 7, "x", [])
_LISTS = ("results", "items", "history")


def manglings(thing: Mapping[str, Any]) -> dict[str, Mangle]:
    """Every way to mangle a thing: each member, and each member inside it, is missing, null or a number."""
    found: dict[str, Mangle] = {f"is {what!r}": partial(_instead, what) for what in _INSTEAD}
    for path in _paths(thing):
        for value in (_GONE, None, 7):
            name = f"{'.'.join(path)} {'missing' if value is _GONE else json.dumps(value)}"
            found[name] = partial(_with, path, value)
    return found


def _paths(thing: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, value in thing.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, inner) for inner in value)


def _instead(what: Any, _thing: Any) -> Any:
    return what


def _with(path: tuple[str, ...], value: Any, thing: Any) -> Any:
    mangled = copy.deepcopy(thing)
    inside = mangled
    for name in path[:-1]:
        inside = inside[name]
    if value is _GONE:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return mangled


@dataclass
class Proxy:
    """Hands requests on; `wanted` chooses the thing that `mangle` changes, `seen` is what was chosen last."""

    target: Endpoint
    endpoint: Endpoint = field(init=False)
    wanted: Callable[[Any], bool] = lambda _: False
    mangle: Mangle = lambda one: one
    whole: Mangle = lambda answer: answer
    """Changes each answer as a whole."""
    seen: Any = None

    def changed(self, text: bytes) -> bytes:
        """Return an answer with the thing mangled."""
        answer = json.loads(text)
        lists = [answer] if isinstance(answer, list) else [answer[name] for name in _LISTS if name in answer]
        for things in lists:
            for place, thing in enumerate(things):
                if isinstance(thing, dict) and self.wanted(thing):
                    self.seen = thing
                    things[place] = self.mangle(thing)
        return json.dumps(self.whole(answer)).encode()


@contextmanager
def proxied(target: Endpoint) -> Iterator[Proxy]:
    """Run a proxy before a stand-in."""
    proxy = Proxy(target)
    client = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy, client))
    server.daemon_threads = True
    origin = f"http://127.0.0.1:{server.server_port}"
    proxy.endpoint = replace(target, base_url=target.base_url.replace(target.origin, origin))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_SECONDS)
        client.close()


def _handler(proxy: Proxy, client: httpx.Client) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Hand it on."""
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            answer = client.request(self.command, proxy.target.origin + self.path, content=body, headers=headers)
            is_json = "json" in answer.headers.get("content-type", "") and answer.status_code == 200
            content = proxy.changed(answer.content) if is_json else answer.content
            self.send_response_only(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PATCH = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


_OWN = {"host", "content-length", "transfer-encoding", "connection", "content-encoding", "accept-encoding", "etag"}
