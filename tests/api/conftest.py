"""A workspace, the people in it, and the application over it as a browser or a program reaches it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from api.asgi import Site
from api.pages.approval_link import LinkPages
from api.server import create_api
from dashboard.approvals.answer_page import rendered
from dashboard.base.app_route import app_routes
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.people.sessions import Session
from tests.patience import until
from tests.workspaces import init

LOCAL = Principal("local:grace", "owner")
PASSWORD = "correct horse battery"


@contextmanager
def opened(root: Path) -> Iterator[Orchestra]:
    """A workspace as `orchestra init` makes it, with the cases of one prompt, served."""
    init(root, all_cases=False)
    orchestra = Orchestra.open(root, serve=True)
    try:
        yield orchestra
    finally:
        orchestra.close()


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    """A workspace for one test; modules whose tests leave no trace have one for all of them."""
    with opened(tmp_path / "workspace") as orchestra:
        yield orchestra


@pytest.fixture(scope="session")
def api() -> FastAPI:
    """The REST API: FastAPI takes 300 ms to prepare its routes, which all tests of a process share."""
    return create_api(lambda: pytest.fail("no workspace is connected"))


@contextmanager
def application(orchestra: Orchestra, api: FastAPI) -> Iterator[Starlette]:
    """Our routes and middleware as Streamlit gets them, with plain pages where Streamlit's would be."""
    api.state.orchestra_provider = lambda: orchestra
    site = Site(lambda: orchestra, api, app_routes())
    behind = [
        WebSocketRoute("/_stcore/stream", _stream),
        Route("/{rest:path}", _page, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    ]
    links = LinkPages(lambda: orchestra, rendered).routes()
    yield Starlette(routes=[*site.routes(), *links, *behind], middleware=site.middleware())


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve the application by a real server until the block ends; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    until(lambda: server.started, "the server")
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def caller(app: Starlette) -> TestClient:
    """A caller without cookie or token."""
    base_url = "http://127.0.0.1:8501"
    return TestClient(app, base_url=base_url, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def app(orchestra: Orchestra, api: FastAPI) -> Iterator[Starlette]:
    """The application of one test."""
    with application(orchestra, api) as app:
        yield app


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    """The caller of one test."""
    with caller(app) as client:
        yield client


@pytest.fixture
def session(orchestra: Orchestra) -> Session:
    """The owner, signed in."""
    session = orchestra.users.redeem(orchestra.users.login_link(LOCAL))
    assert session is not None
    return session


@pytest.fixture
def browser(client: TestClient, session: Session) -> TestClient:
    """A caller with the owner's cookie."""
    client.cookies.set("orchestra_session_8501", session.id)
    return client


@pytest.fixture
def token(orchestra: Orchestra) -> str:
    """An access token of a user with every right."""
    orchestra.users.add(LOCAL, "ada", "Ada", "owner", PASSWORD)
    return str(orchestra.users.token("ada", PASSWORD))


async def _page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"page {request.url.path}")


async def _stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("stream")
    await websocket.close()
