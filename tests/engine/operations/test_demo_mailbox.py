"""What a person can do with the demo services, on the real ones."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.errors import AuthError
from engine.base.errors import NotAllowed, NotAvailableYet, UnknownName
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import OWNER, write_workflow
from tests.workspaces import init

pytestmark = pytest.mark.slow
VIEWER = Principal("v", "viewer")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Orchestra]:
    root = tmp_path / "workspace"
    init(root)
    opened = Orchestra.open(root, demo=True)
    yield opened
    opened.close()


def ledger(place: Orchestra) -> list[Any]:
    with sqlite3.connect(place.workspace.state_dir / "state.db") as connection:
        rows = connection.execute("SELECT identity, account FROM effects ORDER BY identity").fetchall()
    connection.close()
    return rows


def triage(place: Orchestra) -> Any:
    return place.runs.wait(OWNER, place.runs.start(OWNER, "inbox-triage", {"limit": 4}), 120)


def test_a_reset_is_a_new_account_with_nothing_remembered(place: Orchestra) -> None:
    first, again = triage(place), triage(place)
    assert first["counts"]["new_effects"] > 0
    assert again["counts"]["new_effects"] == 0
    before = ledger(place)
    assert {account for _, account in before} == {"demo-1"}
    write_workflow(
        place.workspace.root, "waiting",
        [
            {"id": "m", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 1}},
            {"id": "w", "uses": "flow.wait", "with": {"seconds": 900}},
        ],
    )  # fmt: skip
    waiting = place.runs.start(OWNER, "waiting", {})
    place.runs.wait(OWNER, waiting, 60)
    log = place.workspace.logs / f"{first['run_id'][:4]}-{first['run_id'][4:6]}-{first['run_id'][6:8]}"
    assert (log / f"{first['run_id']}.json").exists()
    generation = place.demo.reset(OWNER)
    assert generation == 2
    assert ledger(place) == []
    assert place.runs.list(OWNER).rows == []
    assert list(log.glob("*")) == []
    with pytest.raises(UnknownName):
        place.runs.get(OWNER, waiting)
    assert place.demo.show(OWNER)["github"]["issues"] == [
        issue for issue in place.demo.show(OWNER)["github"]["issues"] if "orchestra:" not in (issue["body"] or "")
    ]
    third = triage(place)
    assert third["counts"]["new_effects"] == first["counts"]["new_effects"]
    assert {account for _, account in ledger(place)} == {"demo-2"}
    assert not {identity for identity, _ in before} & {identity for identity, _ in ledger(place)}


def test_a_reset_forgets_that_a_stand_in_refused(place: Orchestra) -> None:
    place.account_notices.report("github", AccountMode.DEMO, AuthError("No.", service="github", http_status=401))
    assert len(place.account_notices.open()) == 1
    place.demo.reset(OWNER)
    assert place.account_notices.open() == []


def test_a_mail_arrives_and_is_read(place: Orchestra) -> None:
    mail_id = place.demo.deliver(OWNER, "ann@example.com", "Hello \U0001f600", "The export crashes.")
    run_id = place.runs.start(OWNER, "inbox-triage", {"messages": [mail_id]})
    document = place.runs.wait(OWNER, run_id, 60)
    assert document["status"] == "succeeded"
    assert document["counts"]["items"] == 1
    assert place.demo.new_mail(OWNER) != mail_id


def test_a_broken_service_heals_and_the_run_ends_well(place: Orchestra) -> None:
    place.demo.break_service(OWNER, "notion", 1.0)
    began = time.monotonic()
    document = triage(place)
    if document["status"] != "succeeded":  # broken for longer than three attempts take
        time.sleep(max(0.0, began + 1.2 - time.monotonic()))
        place.runs.resume(OWNER, document["run_id"])
        document = place.runs.wait(OWNER, document["run_id"], 120)
    assert document["status"] == "succeeded"
    assert document["counts"]["failed_items"] == 0


def test_rights_and_names_are_checked(place: Orchestra) -> None:
    with pytest.raises(NotAllowed):
        place.demo.reset(VIEWER)
    with pytest.raises(NotAllowed):
        place.demo.deliver(VIEWER, "a@b.c", "s", "t")
    with pytest.raises(UnknownName, match="demo service"):
        place.demo.break_service(OWNER, "fax", 1.0)


def test_nobody_is_killed_where_nobody_would_start_again(place: Orchestra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCHESTRA_PARENT_PID", raising=False)
    assert not place.demo.can_kill
    with pytest.raises(NotAvailableYet, match="No parent"):
        place.demo.kill_engine(OWNER)
