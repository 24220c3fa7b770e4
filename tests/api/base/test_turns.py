"""Checks of one person's texts hold up neither reads nor other people; those of clients that hung up never begin."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from api.base.turns import AT_ONCE, WAITING, WAITING_OF_ONE, Busy, CheckQueue
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD, opened

BASE = "http://127.0.0.1:8501"


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    with opened(tmp_path / "workspace") as orchestra:
        for name in ("ada", "vera"):
            orchestra.users.add(LOCAL, name, name, "editor", PASSWORD)
        yield orchestra


def test_reads_are_answered_while_checks_wait(
    app: Starlette, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the length of the check is made up; who hung up is never checked, too many get 429 with a time."""
    begun: list[str] = []
    go_on = threading.Event()

    def long_check(_p: Any, name: str, _text: str) -> list[Any]:
        begun.append(name)
        go_on.wait(30)
        return []

    monkeypatch.setattr(orchestra.workflows, "check", long_check)
    headers = {"Authorization": f"Bearer {orchestra.users.token('vera', PASSWORD)}"}

    async def story() -> list[httpx.Response]:
        answers: list[httpx.Response] = []
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers) as client:

            async def check(name: str) -> None:
                answers.append(await client.post(f"/api/workflows/{name}/validate", json={"text": "{}"}))

            async with anyio.create_task_group() as group:
                for number in range(WAITING_OF_ONE):
                    group.start_soon(check, f"x{number}")
                await anyio.sleep(1)
                refused = await client.post("/api/workflows/late/validate", json={"text": "{}"})
                assert refused.status_code == 429
                assert refused.headers["retry-after"] == "1"
                saved = await client.put("/api/workflows/late", json={"text": "{}"})
                assert saved.status_code == 429, "saving is behind the same door"
                with anyio.fail_after(15):
                    assert (await client.get("/api/workflows")).status_code == 200
                    assert (await client.get("/api/workflows/inbox-triage")).status_code == 200
                assert len(begun) == 1, "one at a time of a person"
                go_on.set()
        return answers

    answers = anyio.run(story)
    assert [one.status_code for one in answers] == [200] * WAITING_OF_ONE


def test_a_check_whose_client_has_hung_up_never_begins(app: Starlette, orchestra: Orchestra) -> None:
    token = orchestra.users.token("vera", PASSWORD)
    body = b'{"text": "{}"}'
    messages = [{"type": "http.request", "body": body, "more_body": False}, {"type": "http.disconnect"}]
    checked: list[Any] = []
    orchestra.workflows.check = lambda *given: checked.append(given) or []  # type: ignore[method-assign, func-returns-value]

    async def receive() -> Any:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:8501"), (b"authorization", f"Bearer {token}".encode())]
    headers.append((b"content-type", b"application/json"))
    path = "/api/workflows/x/validate"
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": headers, "scheme": "http", "http_version": "1.1", "client": ("127.0.0.1", 1)}
    anyio.run(app, scope, receive, send)
    assert checked == []


def test_turns_are_shared_among_people_and_the_queue_ends() -> None:
    running: list[str] = []

    async def story() -> None:
        turns = CheckQueue()
        refused: list[str] = []

        async def take(who: str) -> None:
            try:
                async with turns.turn(who):
                    running.append(who)
                    await anyio.sleep_forever()
            except Busy:
                refused.append(who)

        async with anyio.create_task_group() as group:
            for who in ["greedy"] * 10 + ["other"] + [f"p{number}" for number in range(WAITING)]:
                group.start_soon(take, who)
            await anyio.sleep(0.3)
            assert sorted(running) == ["greedy", "other"]
            assert len(running) == AT_ONCE
            assert refused.count("greedy") == 10 - WAITING_OF_ONE
            assert len(refused) == 10 + 1 + WAITING - WAITING
            group.cancel_scope.cancel()

    anyio.run(story)
