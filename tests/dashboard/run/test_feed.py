"""What open pages of a run are sent while it is at work."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard.live_route import live_routes
from dashboard.run.feed import ITEMS, drawn, new_rows, rows_of
from engine.orchestra import Orchestra
from engine.runs.run_looks import RunLook
from tests.dashboard.conftest import OWNER
from tests.dashboard.run.test_board import LOOP, loop, step
from tests.dashboard.test_run import finished


def look(*steps: dict[str, Any], **more: Any) -> RunLook:
    told = {"started_at": "2026-01-01T00:00:00Z", "queued_at": "2026-01-01T00:00:00Z", "ended_at": None}
    definition = {"workflow": {"steps": [LOOP]}}
    run: Any = {
        "run_id": "20260101T000000Z-aaaaaaaa",
        "status": "running",
        **told,
        "definition": definition,
        "steps": list(steps),
        **more,
    }
    return RunLook(run)


def at_work(*statuses: str, **more: Any) -> RunLook:
    """Return a run of so many items, the first step of each in a status."""
    steps = [step(f"each[{n}].ask", status, effect=None) for n, status in enumerate(statuses)]
    return look(loop(*map(str, range(len(statuses)))), *steps, **more)


def taken(table: list[Any], sent: dict[str, Any]) -> list[Any]:
    """Return the rows of a page after an answer, as the browser puts them in."""
    rows = dict(enumerate(table)) | dict(sent["rows"])
    return [rows[index] for index in range(sent["count"])]


def test_pages_that_ask_at_any_time_have_the_rows_as_they_are() -> None:
    chance = random.Random(7)
    pages: list[tuple[str, list[Any]]] = [("", []), ("", []), ("of another server.3", [])]
    for _ in range(60):
        statuses = chance.choices(["pending", "running", "succeeded", "failed"], k=chance.randrange(1, 9))
        now = at_work(*statuses)
        for number in chance.sample(range(3), 2):
            version, table = pages[number]
            sent = new_rows(now, version)
            pages[number] = sent["version"], taken(table, sent)
            assert pages[number][1] == rows_of(now)
            assert new_rows(now, sent["version"])["rows"] == []


@pytest.mark.parametrize(
    ("opened", "after", "is_new"),
    [
        pytest.param(
            "", at_work("succeeded", "running", sentence="Other"), False, id="rows and sentence show themselves"
        ),
        pytest.param("each[0]", at_work("running", "succeeded"), False, id="another row than the open one"),
        pytest.param("each[1]", at_work("running", "succeeded"), True, id="the open row"),
        pytest.param("", at_work("running", "running", "running"), True, id="rows that were not there"),
        pytest.param("", at_work("running", "running", cancel_requested=True), True, id="it shall end"),
        pytest.param("", at_work("running", "running", status="succeeded"), True, id="it has ended"),
        pytest.param("", at_work("running", "running", outputs={"a": 1}), True, id="outputs"),
    ],
)
def test_the_page_is_drawn_anew_only_for_what_it_cannot_show_by_itself(
    orchestra: Orchestra, opened: str, after: RunLook, is_new: bool
) -> None:
    before = drawn(orchestra, OWNER, at_work("running", "running"), opened, ITEMS)
    assert (drawn(orchestra, OWNER, after, opened, ITEMS) != before) is is_new


def test_the_page_of_a_run_that_waits_for_a_budget_is_drawn_anew_when_it_is_raised(orchestra: Orchestra) -> None:
    held = {"by": "AI-Orchestra", "message": "The budget of the workspace is used up: $1 of $1.", "is_budget": True}
    waits = look(step("ask", "waiting", effect=None, held=held, due_at=None), status="waiting")

    def seen(amount: float) -> str:
        orchestra.budgets.set(OWNER, {"month": {"usd": amount}})
        return drawn(orchestra, OWNER, waits, "", ITEMS).partition(" ")[0]

    assert seen(1.5) != seen(2.5) == seen(2.5)


def test_the_route_answers_who_is_signed_in(orchestra: Orchestra, sign_in: Callable[..., str]) -> None:
    run_id = finished(orchestra, query="in:inbox crashes", limit=2)["run_id"]
    with TestClient(Starlette(routes=live_routes(lambda: orchestra)), base_url="http://127.0.0.1:8501") as client:
        asked = {"id": run_id, "since": ""}
        assert client.get("/live/run", params=asked).status_code == 401
        client.cookies.set("orchestra_session_8501", sign_in())
        told = client.get("/live/run", params=asked).json()
        assert told["table"]["rows"][0][1][1] == "Read mail"
        assert client.get("/live/run", params={"id": "20260101T000000Z-aaaaaaaa"}).status_code == 409
