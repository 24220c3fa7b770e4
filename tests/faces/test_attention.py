"""What needs a person is the same on every face, for a workspace with one of each kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from api.base.remedies import with_requests
from cli import main
from clients.errors import AuthError
from engine.base.statuses import AccountMode, RunStatus
from engine.operations.attention import Kind
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from engine.record.document import counts
from engine.store.held import HeldWrites
from engine.store.sql.base.tables import run_deaths, runs, triggers
from tests.faces.conftest import Faces
from tests.faces.test_budgets import set_budget
from tests.patience import PATIENCE_SECONDS, until

OWNER = Principal("owner", "owner")
FAILS = [{"id": "no", "uses": "flow.assert", "with": {"condition": False, "message": "This is wrong"}}]
ASKS = [{"id": "ask", "uses": "flow.approve", "with": {"message": "May it go out?"}}]
NIGHTLY = [{"id": "night", "uses": "schedule", "with": {"cron": "0 3 * * *"}}]


@pytest.fixture
def troubled(make_faces: Callable[[], Faces]) -> Faces:
    """A workspace in which one thing of each kind needs a person."""
    faces = make_faces()
    orchestra = faces.orchestra
    write(orchestra, "fails", FAILS)
    write(orchestra, "doubtful", FAILS)
    write(orchestra, "deadly", FAILS)
    write(orchestra, "asks", ASKS)
    write(orchestra, "broken", FAILS, NIGHTLY)
    write(orchestra, "flaky", FAILS, NIGHTLY)
    ended(orchestra, "fails")
    doubt(orchestra, ended(orchestra, "doubtful"))
    set_aside(orchestra, ended(orchestra, "deadly"))
    waiting(orchestra, "asks")
    interrupt(orchestra, waiting(orchestra, "nap"))
    for workflow in ("broken", "flaky"):
        orchestra.triggers.turn_on(OWNER, workflow, "night", Start())
    (orchestra.workspace.root / "workflows" / "broken.json").write_text("{")
    try_again(orchestra, "flaky")
    refused = AuthError("GitHub answered 401: Bad credentials.", service="github", http_status=401)
    orchestra.account_notices.report("github", AccountMode.DEMO, refused)
    set_budget(orchestra, 0)
    orchestra._families.opened.state.proof.hold(HeldWrites("2026-11-20T08:00:00.000Z", ["20261120T080000Z-aaaaaaaa"]))
    return faces


def write(orchestra: Orchestra, name: str, steps: list[Any], triggers: list[Any] | None = None) -> None:
    document = {"schema_version": 1, "title": name.capitalize(), "triggers": triggers or [], "steps": steps}
    (orchestra.workspace.root / "workflows" / f"{name}.json").write_text(json.dumps(document))


def ended(orchestra: Orchestra, workflow: str) -> str:
    run_id = orchestra.runs.start(OWNER, workflow, {})
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    return run_id


def waiting(orchestra: Orchestra, workflow: str) -> str:
    run_id = orchestra.runs.start(OWNER, workflow, {})
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == RunStatus.WAITING)
    return run_id


def interrupt(orchestra: Orchestra, run_id: str) -> None:
    orchestra._families.opened.state.runs.put_down(run_id, orchestra.own_process)


def doubt(orchestra: Orchestra, run_id: str) -> None:
    """Let the row of a run say that a write of it may have arrived."""
    changed = json.dumps({**counts(()), "failed_steps": 1, "unknown_effects": 1})
    with orchestra._families.opened.database.writing() as connection:
        connection.execute(runs.update().where(runs.c.run_id == run_id).values(counts=changed))


def set_aside(orchestra: Orchestra, run_id: str) -> None:
    with orchestra._families.opened.database.writing() as connection:
        connection.execute(run_deaths.insert().values(run_id=run_id, in_a_row=3, in_all=3))


def try_again(orchestra: Orchestra, workflow: str) -> None:
    error = json.dumps({"type": "Unavailable", "message": "The feed is away.", "remedy": "Wait a little."})
    mine = triggers.c.workflow == orchestra.workspace.workflow_ids.known(workflow)
    with orchestra._families.opened.database.writing() as connection:
        connection.execute(triggers.update().where(mine).values(error=error, failures=1))


def in_requests(item: Mapping[str, Any]) -> dict[str, Any]:
    return {**item, "remedy": with_requests(item["remedy"])}


def words_of(at: AppTest) -> str:
    """What a page shows, without the marks that keep its texts plain."""
    shown = [one.value for one in [*at.markdown, *at.error, *at.warning, *at.caption, *at.header, *at.subheader]]
    links = [one.proto.label for one in at.get("page_link")]
    return "\n".join([*shown, *links]).replace("\\", "").replace("\u2060", "").replace(":color[]", "").replace("**", "")


def test_every_face_tells_the_same_of_what_needs_a_person(troubled: Faces) -> None:
    command = troubled.command(["attention"]).value["items"]
    assert sorted(one["kind"] for one in command) == sorted(Kind)
    for user_id in ("owner", "viewer"):
        request = troubled.request("GET", "/api/attention", user_id=user_id).value["items"]
        assert request == [in_requests(one) for one in command], user_id
        page = words_of(troubled.page(lambda go: go(), user_id).value)
        for one in command:
            is_run = one["kind"].endswith(("_run", "_write"))
            parts = one["message"].split(": ", 1) if is_run else [one["message"]]
            assert [part for part in parts if part not in page] == [], (user_id, one)
        an = "your" if user_id == "owner" else "an"
        assert (
            "Nothing is written for now. 3 runs failed. 1 run was interrupted. Sign in again: GitHub. "
            "1 trigger needs a look. 1 budget is used up, or nearly. 1 trigger is trying again. "
            f"1 question waits for {an} answer."
        ) in page


def test_the_command_prints_a_line_for_each_thing_with_the_command_that_helps(
    troubled: Faces, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["attention", "--workspace", str(troubled.orchestra.workspace.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(Kind)
    [failed] = [one for one in lines if one.startswith("Failed run: Fails: ")]
    assert "This is wrong" in failed
    assert "`orchestra runs resume " in failed
    without = [one.partition(":")[0] for one in lines if "`orchestra " not in one]
    assert without == ["Trying again"]


def test_a_command_says_that_nothing_needs_a_person(
    make_faces: Callable[[], Faces], capsys: pytest.CaptureFixture[str]
) -> None:
    faces = make_faces()
    assert faces.request("GET", "/api/attention").value == faces.command(["attention"]).value == {"items": []}
    capsys.readouterr()
    assert main(["attention", "--workspace", str(faces.orchestra.workspace.root)]) == 0
    assert capsys.readouterr().out == "Nothing needs you.\n"
