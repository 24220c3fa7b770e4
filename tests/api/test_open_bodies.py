"""What strangers send is not taken in: small bodies on open routes, none at all before the sign-in is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette

from api.base.routing import LARGEST_OPEN_BODY_BYTES
from engine.orchestra import Orchestra
from tests.api.conftest import opened

_PIECE = b"x" * 8_192


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    """One workspace for all tests, which leave no trace."""
    with opened(tmp_path_factory.mktemp("api") / "workspace") as orchestra:
        yield orchestra


def _taken_in(app: Starlette, path: str, told: bool) -> tuple[int, int]:
    """Send 800 kB by POST without a sign-in; return the status and how many bytes were read."""
    read = 0

    async def receive() -> Any:
        nonlocal read
        read += len(_PIECE)
        return {"type": "http.request", "body": _PIECE, "more_body": read < 800_000}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    kind = b"application/x-www-form-urlencoded" if path == "/login" else b"application/json"
    headers = [(b"host", b"127.0.0.1:8501"), (b"content-type", kind)]
    if told:
        headers.append((b"content-length", b"800000"))
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": headers, "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 1)}
    anyio.run(app, scope, receive, send)
    return sent[0]["status"], read


@pytest.mark.parametrize("told", [True, False], ids=["its length told", "in chunks"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/auth/login", 413),
        ("/login", 413),
        ("/workflows/execute", 401),
        ("/api/workflows", 401),
        ("/api/workflows/x/validate", 401),
        ("/api/users", 401),
        ("/health", 405),
        ("/ready", 405),
        ("/api/nope", 404),
        ("/runs", 303),
    ],
)
def test_a_stranger_cannot_have_a_large_body_taken_in(app: Starlette, path: str, status: int, told: bool) -> None:
    answered, read = _taken_in(app, path, told)
    assert answered == status
    assert read <= (0 if told or status != 413 else LARGEST_OPEN_BODY_BYTES + len(_PIECE))
