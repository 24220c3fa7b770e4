"""Links with which anybody can answer a question: viewers do not see them, wherever they stand."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

import pytest

from engine.base.errors import NotAllowed
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import NOTIFIER, Principal
from tests.engine.conftest import Service, post_step, write_workflow
from tests.engine.writer import writing
from tests.patience import PATIENCE_SECONDS, until

ADA = Principal("ada", "owner")
VIEWER, OPERATOR = Principal("vera", "viewer"), Principal("olga", "operator")
LINK = f"http://127.0.0.1:8501/approve?token=abcdefg2.1790000000.{'x' * 43}"
STEPS = [{"id": "told", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.link }}"}}}]
INPUTS = {"type": "object", "properties": {"link": {"type": "string"}}}
READS: list[Callable[[Orchestra, Principal, str], object]] = [
    lambda orchestra, p, run_id: orchestra.runs.get(p, run_id),
    lambda orchestra, p, run_id: orchestra.runs.look(p, run_id),
    lambda orchestra, p, run_id: orchestra.runs.diff(p, run_id, run_id),
    lambda orchestra, p, run_id: orchestra.runs.wait(p, run_id, 0),
]


@pytest.mark.parametrize("read", READS, ids=["get", "look", "diff", "wait"])
def test_a_viewer_sees_no_link_to_a_question(
    orchestra: Orchestra, read: Callable[[Orchestra, Principal, str], object]
) -> None:
    write_workflow(orchestra.workspace.root, "tell-me", STEPS, inputs=INPUTS)
    told = orchestra.runs.start(NOTIFIER, "tell-me", {"link": LINK})
    other = orchestra.runs.start(OPERATOR, "tell-me", {"link": "none"})
    for run_id in (told, other):
        orchestra.runs.wait(OPERATOR, run_id, PATIENCE_SECONDS)
        read(orchestra, OPERATOR, run_id)
    read(orchestra, VIEWER, other)
    with pytest.raises(NotAllowed, match="with which anybody can answer"):
        read(orchestra, VIEWER, told)
    assert LINK not in str(orchestra.runs.list(VIEWER).rows)


def test_a_viewer_sees_no_link_in_a_run_that_was_started_again_or_failed(orchestra: Orchestra) -> None:
    fail = [{"id": "fails", "uses": "flow.fail", "with": {"message": "{{ inputs.link }} was refused."}}]
    write_workflow(orchestra.workspace.root, "tell-me", fail, inputs=INPUTS)
    run_id = orchestra.runs.start(OPERATOR, "tell-me", {"link": LINK})
    orchestra.runs.wait(OPERATOR, run_id, PATIENCE_SECONDS)
    assert LINK in str(orchestra.runs.list(OPERATOR).rows)
    assert LINK not in str(orchestra.runs.list(VIEWER).rows)
    assert LINK not in str(orchestra.search.find(VIEWER, "tell-me"))
    with pytest.raises(NotAllowed):
        orchestra.runs.get(VIEWER, run_id)
    guess = LINK[-30:]
    assert [len(orchestra.runs.list(who, text=guess).rows) for who in (OPERATOR, VIEWER)] == [1, 0]


def test_a_viewer_sees_no_link_in_a_question(orchestra: Orchestra) -> None:
    ask = [{"id": "asks", "uses": "flow.approve", "with": {"message": "Send this?", "details": "{{ inputs.link }}"}}]
    write_workflow(orchestra.workspace.root, "ask", ask, inputs=INPUTS)
    for link in (LINK, "none"):
        orchestra.runs.start(OPERATOR, "ask", {"link": link})
    until(lambda: len(orchestra.approvals.list(OPERATOR)) == 2)
    [plain] = orchestra.approvals.list(VIEWER)
    assert plain.details == "none"
    [told] = [one for one in orchestra.approvals.list(OPERATOR) if one.id != plain.id]
    with pytest.raises(NotAllowed):
        orchestra.approvals.get(VIEWER, told.id)


def test_a_viewer_counts_the_questions_that_a_viewer_sees(orchestra: Orchestra) -> None:
    ask = [{"id": "asks", "uses": "flow.approve", "with": {"message": "Send this?", "details": "{{ inputs.link }}"}}]
    write_workflow(orchestra.workspace.root, "ask", ask, inputs=INPUTS)
    approvals = orchestra.approvals
    dots = "It is not. Understood? No.0123456789.Yes"
    for count, (who, link) in enumerate(
        [(OPERATOR, "none"), (OPERATOR, LINK), (OPERATOR, dots), (NOTIFIER, "none")], 1
    ):
        orchestra.runs.start(who, "ask", {"link": link})
        until(lambda count=count: approvals.count_open(OPERATOR) == count)  # type: ignore[misc]
    assert approvals.count_open(VIEWER) == len(approvals.list(VIEWER)) == 2
    found = {one.details for one in approvals.list(VIEWER, limit=2)}
    assert found == {"none", dots}, "the hidden ones take no place"


def test_a_viewer_counts_again_without_reading_what_was_read(orchestra: Orchestra) -> None:
    """Mails with such a text in many questions would cost seconds of every page of a viewer."""
    ask = [{"id": "asks", "uses": "flow.approve", "with": {"message": "Send?", "details": "a.0123456789.b"}}]
    write_workflow(orchestra.workspace.root, "ask", ask)
    orchestra.runs.start(OPERATOR, "ask", {})
    until(lambda: orchestra.approvals.count_open(OPERATOR) == 1)
    assert orchestra.approvals.count_open(VIEWER) == 1
    with sqlite3.connect(orchestra.workspace.state_dir / "state.db") as database:
        database.execute("UPDATE approvals SET details = 'no JSON a.0123456789.b'")
    assert orchestra.approvals.count_open(VIEWER) == 1


def test_a_viewer_counts_questions_without_reading_those_that_are_plain(orchestra: Orchestra) -> None:
    write_workflow(orchestra.workspace.root, "ask", [{"id": "asks", "uses": "flow.approve", "with": {"message": "?"}}])
    orchestra.runs.start(OPERATOR, "ask", {})
    until(lambda: orchestra.approvals.count_open(OPERATOR) == 1)
    with sqlite3.connect(orchestra.workspace.state_dir / "state.db") as database:
        database.execute("UPDATE approvals SET details = 'no JSON'")
    assert orchestra.approvals.count_open(VIEWER) == 1


def test_a_message_has_the_link_and_no_model_gets_it(orchestra: Orchestra, service: Service) -> None:
    message = {"role": "user", "content": "Say it politely: {{ inputs.link }}"}
    steps = [
        {"id": "worded", "uses": "llm.chat", "with": {"messages": [message]}},
        {**post_step("told", service.url("/tell"), approve="never"), "connection": "web"},
    ]
    steps[1]["with"]["json"] = {"link": "{{ inputs.link }}"}
    write_workflow(orchestra.workspace.root, "tell-me", steps, inputs=INPUTS)
    with writing() as model:
        model.may_end.set()
        web = {"service": "http", "allow_hosts": [f"127.0.0.1:{service.port}"]}
        config = {"connections": {"llm": model.connection, "web": web}}
        (orchestra.workspace.root / "config.yaml").write_text(json.dumps(config))
        (orchestra.workspace.root / ".env").write_text("WRITER_KEY=any\n")
        orchestra.connections.set_mode(ADA, "openai", AccountMode.MINE)
        run_id = orchestra.runs.start(ADA.agreeing(confirmed=True), "tell-me", {"link": LINK})
        assert orchestra.runs.wait(ADA, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    assert service.bodies == [{"link": LINK}]
    assert "approve?token=abcdefg2.1790000000.left-out-" in model.bodies[0]
    assert "x" * 43 not in model.bodies[0]
