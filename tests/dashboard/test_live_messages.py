"""Messages of the engine for the canvas, in the language of its page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.live_route import live_routes
from engine.orchestra import Orchestra

MESSAGES = [
    "Step 'a' cannot use its own output.",
    "Correct it first: `orchestra validate greet`.",
    "Nothing that we would say",
]


@pytest.fixture
def client(orchestra: Orchestra) -> TestClient:
    return TestClient(Starlette(routes=live_routes(lambda: orchestra)), base_url="http://127.0.0.1:8501")


def test_the_canvas_hears_messages_in_its_language_with_pages_for_commands(
    client: TestClient, sign_in: Callable[..., str]
) -> None:
    asked = {"language": "de", "messages": MESSAGES}
    assert client.post("/live/messages", json=asked).status_code == 401
    client.cookies.set("orchestra_session_8501", sign_in())
    assert client.post("/live/messages", json=asked).json()["messages"] == [
        "Schritt 'a' kann seine eigene Ausgabe nicht verwenden.",
        "Berichtigen Sie ihn zuerst: die Seite des Workflows.",
        "Nothing that we would say",
    ]
    assert client.post("/live/messages", json={**asked, "language": "xx"}).json()["messages"][0] == MESSAGES[0]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"language": "de", "messages": [1]}',
        b'{"language": "de", "messages": [' + b'"",' * 2_000 + b'""]}',
    ],
)
def test_what_is_no_list_of_messages_is_refused(client: TestClient, sign_in: Callable[..., str], body: bytes) -> None:
    client.cookies.set("orchestra_session_8501", sign_in())
    assert client.post("/live/messages", content=body).status_code == 422
    assert client.post("/live/messages", content=b" " * 4_000_001).status_code == 413
