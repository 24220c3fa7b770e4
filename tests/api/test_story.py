"""The main job over HTTP, in the demo: 25 mails become tasks and issues, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.server import create_api
from engine.orchestra import Orchestra
from engine.plugins.trigger import Start
from tests.api.conftest import LOCAL, PASSWORD
from tests.workspaces import init

pytestmark = pytest.mark.slow


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    init(tmp_path / "workspace")
    orchestra = Orchestra.open(tmp_path / "workspace", demo=True, serve=True)
    orchestra.users.add(LOCAL, "ada", "Ada", "operator", PASSWORD)
    yield orchestra
    orchestra.close()


def outside(orchestra: Orchestra) -> Counter[str]:
    shown = orchestra.demo.show(LOCAL)
    return Counter(pages=len(shown["notion"]["pages"]), issues=len(shown["github"]["issues"]))


def receipts(run: dict[str, Any], uses: str) -> int:
    return sum(step["uses"] == uses and bool(step["effect"]) for step in run["steps"])


def test_a_program_signs_in_runs_the_triage_and_runs_it_again(orchestra: Orchestra) -> None:
    before = outside(orchestra)
    with TestClient(create_api(lambda: orchestra)) as program:
        signed_in = program.post("/auth/login", json={"user_id": "ada", "password": PASSWORD}).json()
        program.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
        body: dict[str, Any] = {"workflow": "inbox-triage", "inputs": {}, "wait_seconds": 300}
        answer = program.post("/workflows/execute", json=body)
        run = answer.json()
        assert answer.status_code == 200
        assert (run["status"], run["demo"], run["started_by"]) == ("succeeded", True, "ada"), run["error"]
        after = outside(orchestra)
        assert run["outputs"]["mails"] == 25
        assert after - before == Counter(
            pages=receipts(run, "notion.upsert_page"), issues=receipts(run, "github.create_issue")
        )
        assert receipts(run, "notion.upsert_page") >= 5
        assert receipts(run, "github.create_issue") >= 5
        again = program.post("/workflows/execute", json=body).json()
        assert again["status"] == "succeeded"
        assert again["run_id"] != run["run_id"]
        assert outside(orchestra) == after
        rows = program.get("/api/runs").json()["runs"]
        assert [row["status"] for row in rows] == ["succeeded", "succeeded"]


def test_a_mail_that_arrives_becomes_one_page_or_issue_by_itself(orchestra: Orchestra) -> None:
    orchestra.triggers.turn_on(LOCAL, "inbox-triage", "new_mail", Start())
    orchestra.triggers.poll(LOCAL, "inbox-triage")
    before = outside(orchestra)
    mail = orchestra.demo.new_mail(LOCAL)
    orchestra.triggers.poll(LOCAL, "inbox-triage")
    orchestra.triggers.poll(LOCAL, "inbox-triage")  # a second look finds nothing new
    [row] = orchestra.runs.list(LOCAL, trigger="new_mail").rows
    run = orchestra.runs.wait(LOCAL, row.run_id, 120)
    assert (run["status"], run["inputs"]["messages"]) == ("succeeded", [mail]), run["error"]
    assert (outside(orchestra) - before).total() == 1
