"""Links that answer a question: whoever may start no runs gets none, by whatever way they ask."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from api.network.gate import Gate
from api.network.link_filter import LinkFilter, acts_as
from engine.orchestra import Orchestra
from engine.people.access import Principal, Role
from tests.api.conftest import LOCAL, PASSWORD, serving
from tests.engine.conftest import set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

SIGNATURE = "Ab-_--9z" * 5 + "xyz"
TOKEN = f"abcdefg2.1790000000.{SIGNATURE}"
LINK = f"https://orchestra.example/approve?token={TOKEN}"
LEFT_OUT = "https://orchestra.example/approve?token=abcdefg2.1790000000.left-out-"
_LONG = f"{'. ' * 32_740}{LINK} " * 4
"""With links where one reading ends and the next begins."""
ROLES = pytest.mark.parametrize(("role", "is_seen"), [("viewer", False), ("operator", True)])


def asking(orchestra: Orchestra, role: Role) -> dict[str, str]:
    """The headers of a person with this role."""
    orchestra.users.add(LOCAL, f"a-{role}", "Ada", role, PASSWORD)
    return {"Authorization": f"Bearer {orchestra.users.token(f'a-{role}', PASSWORD)}"}


@pytest.fixture
def url(app: Starlette) -> Iterator[str]:
    """The address of the application, served by a real server."""
    with serving(app) as address:
        yield address


@ROLES
def test_a_table_shows_viewers_no_link(url: str, orchestra: Orchestra, role: Role, *, is_seen: bool) -> None:
    orchestra.tables.save(LOCAL, "seen", LINK, {"text": f"Answer:\n{TOKEN}\nBye"})
    answer = httpx.get(f"{url}/api/tables/seen", headers=asking(orchestra, role))
    assert answer.status_code == 200
    assert (SIGNATURE in answer.text) is is_seen
    assert (LEFT_OUT in answer.json()["rows"][0]["key"]) is not is_seen


@ROLES
@pytest.mark.parametrize(
    "guess", [{"words": "-9z"}, {"prefix": LINK[:-20]}, {"words": "approve?token=abcdefg2.1790000000.a"}]
)
def test_nobody_guesses_a_link_letter_by_letter(
    orchestra: Orchestra, role: Role, guess: dict[str, str], *, is_seen: bool
) -> None:
    orchestra.tables.save(LOCAL, "seen", LINK, {"text": f"Bonn: {LINK}"})
    reader = Principal("a", role)
    assert orchestra.tables.rows(reader, "seen", words="bonn").total == 1
    assert orchestra.tables.rows(reader, "seen", prefix="https://orchestra.example/").total == 1
    assert orchestra.tables.rows(reader, "seen", **guess).total == int(is_seen)  # type: ignore[arg-type]


@ROLES
@pytest.mark.parametrize("kind", ["token", "api token"])
def test_a_large_value_of_a_run_shows_viewers_no_link(
    url: str, orchestra: Orchestra, role: Role, kind: str, *, is_seen: bool
) -> None:
    text = "It is long. " * 30_000 + LINK
    inputs = {"type": "object", "properties": {"text": {"type": "string"}}}
    write_workflow(
        orchestra.workspace.root, "gives", [set_step("given", {"value": "{{ inputs.text }}"})], inputs=inputs
    )
    run_id = orchestra.runs.start(LOCAL, "gives", {"text": text})
    orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)
    headers = asking(orchestra, role)
    if kind == "api token":
        made = orchestra.users.api_tokens.create(LOCAL, f"a-{role}", "program")
        headers = {"Authorization": f"Bearer {made.token}"}
    digest = hashlib.sha256(text.encode()).hexdigest()
    answer = httpx.get(f"{url}/api/runs/{run_id}/files/{digest}", headers=headers)
    assert (answer.status_code, len(answer.content)) == (200, len(text))
    assert (SIGNATURE in answer.text) is is_seen


@ROLES
def test_a_page_shows_viewers_no_link(client: TestClient, orchestra: Orchestra, role: Role, *, is_seen: bool) -> None:
    orchestra.users.add(LOCAL, f"a-{role}", "Ada", role)
    session = orchestra.users.redeem(orchestra.users.login_link(LOCAL, f"a-{role}"))
    assert session is not None
    client.cookies.set("orchestra_session_8501", session.id)
    assert (SIGNATURE in client.get(f"/some/{TOKEN}").text) is is_seen


@ROLES
def test_what_a_model_writes_shows_viewers_no_link(
    orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch, role: Role, *, is_seen: bool
) -> None:
    """It is sent in pieces, and no piece has a whole link."""
    live = orchestra._families.work.worker.live
    assert live is not None
    monkeypatch.setattr(live, "of", lambda _: {"said": f"Answer: {LINK}"})
    found = orchestra.runs.live(Principal("a", role), "20261120T120000Z-k7hd2mqa")
    assert (SIGNATURE in found["said"]) is is_seen


class _Acting:
    """Says that a viewer asks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        acts_as(scope, Principal("vera", "viewer"))
        await self.app(scope, receive, send)


async def _in_parts(request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        for sign in f"{'-' * 10_000}{LINK}{'-' * 10_000}":
            yield sign

    return StreamingResponse(parts(), media_type="text/plain")


async def _at_once(request: Request) -> Response:
    return Response(_LONG, media_type="text/plain")


async def _headers(request: Request) -> Response:
    return Response(", ".join(request.headers))


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(LINK)
    await websocket.send_bytes(b"\x0a\x6f" + LINK.encode())
    await websocket.close()


@pytest.fixture
def plain() -> Iterator[TestClient]:
    """A small application that a viewer asks."""
    routes = [
        Route("/parts", _in_parts),
        Route("/long", _at_once),
        Route("/headers", _headers),
        WebSocketRoute("/socket", _socket),
    ]
    with TestClient(Starlette(routes=routes, middleware=[Middleware(_Acting), Middleware(LinkFilter)])) as client:
        yield client


def test_a_link_in_two_parts_of_an_answer_is_left_out(plain: TestClient) -> None:
    text = plain.get("/parts").text
    assert LEFT_OUT in text
    assert SIGNATURE[20:] not in text
    assert len(text) == 20_000 + len(LINK)


def test_a_long_answer_is_left_as_it_is_but_for_its_links(plain: TestClient) -> None:
    assert plain.get("/long").text == _LONG.replace(SIGNATURE, ("left-out-" * 5)[: len(SIGNATURE)])


def test_an_answer_is_not_compressed_nor_cut_into_ranges(plain: TestClient) -> None:
    names = plain.get("/headers", headers={"Range": "bytes=0-9", "Accept-Encoding": "gzip", "X-Own": "a"}).text
    assert "x-own" in names
    assert "range" not in names
    assert "accept-encoding" not in names


def test_a_socket_sends_no_link(plain: TestClient) -> None:
    with plain.websocket_connect("/socket") as socket:
        assert socket.receive_text().startswith(LEFT_OUT)
        content = socket.receive_bytes()
    assert content.startswith(b"\x0a\x6f" + LEFT_OUT.encode())
    assert len(content) == len(LINK) + 2


def test_a_page_that_stays_open_follows_the_role(orchestra: Orchestra) -> None:
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        for _ in range(2):
            await websocket.receive_text()
            await websocket.send_text(LINK)

    middleware = [Middleware(Gate, orchestra_provider=lambda: orchestra), Middleware(LinkFilter)]
    app = Starlette(routes=[WebSocketRoute("/_stcore/stream", echo)], middleware=middleware)
    orchestra.users.add(LOCAL, "olga", "Olga", "operator")
    session = orchestra.users.redeem(orchestra.users.login_link(LOCAL, "olga"))
    assert session is not None
    client = TestClient(app, base_url="http://127.0.0.1:8501", cookies={"orchestra_session_8501": session.id})
    with client.websocket_connect(
        "ws://127.0.0.1:8501/_stcore/stream", headers={"Origin": "http://127.0.0.1:8501"}
    ) as socket:
        socket.send_text("")
        assert socket.receive_text() == LINK
        orchestra.users.set_role(LOCAL, "olga", "viewer")
        socket.send_text("")
        assert socket.receive_text().startswith(LEFT_OUT)
