"""The way in for messages: what becomes of each, alone and among others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.base.errors import Fenced, InvalidInput, NotAllowed
from engine.ingress.brokers.broker import BrokerMessage
from engine.ingress.orders import Accepted, OrderRefused, Outcome, RunOrder
from engine.orchestra import Orchestra
from engine.store.acceptances import RunEntry
from tests.engine.conftest import OWNER, Service, set_step, write_workflow
from tests.engine.ingress.conftest import MakeTopic, message
from tests.engine.runner.test_taken_over import fall_silent
from tests.patience import PATIENCE_SECONDS


def run_id(outcome: Outcome) -> str:
    assert isinstance(outcome, Accepted), outcome
    return outcome.run_id


def test_each_message_starts_a_run_of_the_configured_user(orchestra: Orchestra, topic: MakeTopic) -> None:
    outcomes = topic().take([message(number=number) for number in range(3)])
    runs = [orchestra.runs.wait(OWNER, run_id(one), PATIENCE_SECONDS) for one in outcomes]
    assert [(run["started_by"], run["status"]) for run in runs] == [("robot", "succeeded")] * 3
    assert [run["inputs"] for run in runs] == [{"number": number} for number in range(3)]


def test_five_hundred_messages_are_one_transaction(
    orchestra: Orchestra, topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sizes = orchestra._families.work.worker.acceptances.store, []

    def stored(entries: Sequence[RunEntry]) -> None:
        sizes.append(len(entries))
        store(entries)

    monkeypatch.setattr(orchestra._families.work.worker.acceptances, "store", stored)
    outcomes = topic().take([message(number=number) for number in range(500)])
    assert sizes == [500]
    assert len({run_id(one) for one in outcomes}) == 500


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"\xff\xfe", "InvalidInput", id="bytes"),
        pytest.param(b"{", "InvalidInput", id="no JSON"),
        pytest.param(b"[" * 100_000, "InvalidInput", id="deep"),
        pytest.param(b'{"workflow": "work", "workflow": "work"}', "InvalidInput", id="a key twice"),
        pytest.param(b'{"workflow": "work", "inputs": {"number": NaN}}', "InvalidInput", id="NaN"),
        pytest.param(b'{"workflow": "work", "input": {}}', "InvalidInput", id="an unknown member"),
        pytest.param(b'{"workflow": "work", "inputs": {"number": "one"}}', "InvalidInput", id="a wrong input"),
        pytest.param(b'{"workflow": "nowhere", "inputs": {}}', "UnknownName", id="no such workflow"),
        pytest.param(b'{"workflow": "work", "inputs": {}, "environment": "moon"}', "UnknownName", id="environment"),
    ],
)
def test_a_message_that_cannot_be_taken_is_refused_and_the_others_go_on(
    topic: MakeTopic, body: bytes, kind: str
) -> None:
    first, wrong, last = topic().take([message(number=1), BrokerMessage(body, "2"), message(number=3)])
    assert run_id(first) != run_id(last)
    assert isinstance(wrong, OrderRefused)
    assert (wrong.type, bool(wrong.text), wrong.header().isascii()) == (kind, True, True)


def test_a_message_names_no_file_of_a_run(root: Path, orchestra: Orchestra, topic: MakeTopic) -> None:
    write_workflow(root, "large", [set_step("first", {"text": "x" * 300_000})])
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "large", {}), PATIENCE_SECONDS)
    file = {**run["steps"][0]["output"]["text"], "name": "a.txt"}
    write_workflow(root, "take", [set_step("first")], inputs={"type": "object", "properties": {"given": {}}})
    sent = message("take", inputs={"given": {"deep": [file]}})
    [refused] = topic().take([sent])
    assert isinstance(refused, OrderRefused)
    assert "a file of a run" in refused.text
    assert isinstance(topic(is_trusted=True).take([sent])[0], Accepted)


def test_a_process_that_was_taken_over_refuses_no_message(root: Path, orchestra: Orchestra, topic: MakeTopic) -> None:
    """Whoever comes next takes them: a dead letter is a message that can never be taken."""
    fall_silent(orchestra)
    heir = Orchestra.open(root)
    try:
        heir.runs.resume_all(OWNER)
        assert orchestra.is_taken_over.wait(PATIENCE_SECONDS)
        with pytest.raises(Fenced):
            topic().take([message()])
    finally:
        heir.close()


def test_a_message_delivered_again_is_the_same_run(root: Path, orchestra: Orchestra, topic: MakeTopic) -> None:
    taking = topic()
    [first] = taking.take([message(number=7)])
    again, twin, other = taking.take([message(number=7), message(number=7), message(number=7, place="8")])
    assert run_id(first) == run_id(again) == run_id(twin) != run_id(other)
    (root / "workflows" / "work.json").unlink()
    [after] = taking.take([message(number=7)])
    assert run_id(after) == run_id(first)


def test_a_key_of_the_sender_counts_more_than_the_place_and_for_one_tenant(topic: MakeTopic) -> None:
    keyed = message(number=1, place="a", idempotency_key="order-1")
    elsewhere, theirs = replace(keyed, place="b"), replace(keyed, key="tenant-2")
    taking = topic()
    first, again, other = taking.take([keyed, elsewhere, theirs])
    assert run_id(first) == run_id(again) != run_id(other)
    [changed] = taking.take([message(number=2, place="c", idempotency_key="order-1")])
    assert isinstance(changed, OrderRefused)
    assert changed.type == "InUse"


def test_a_message_that_nothing_tells_from_the_next_is_refused(topic: MakeTopic) -> None:
    taking = topic()
    nameless = replace(message(number=1), place="")
    refused, named, again = taking.take([nameless, *[replace(nameless, sent_id="id-1")] * 2])
    assert isinstance(refused, OrderRefused)
    assert run_id(named) == run_id(again)


def test_a_key_longer_than_an_index_takes_tells_messages_apart_as_a_short_one_does(topic: MakeTopic) -> None:
    taking = topic()
    first, other = replace(message(), key="k" * 100_000), replace(message(), key="k" * 99_999 + "j")
    keyed = [replace(one, sent_id="id-1") for one in (first, first, other)]
    runs = [run_id(one) for one in taking.take(keyed)]
    assert runs[0] == runs[1] != runs[2]
    assert len(RunOrder.of(first).request("workflows", first).key) < 1_100


def test_headers_that_cannot_be_read_make_a_dead_letter(topic: MakeTopic) -> None:
    [refused] = topic().take([replace(message(), unreadable="ValueError: no")])
    assert isinstance(refused, OrderRefused)
    assert refused.text == "The headers of the message cannot be read: ValueError: no."


def fetching(orchestra: Orchestra, url: str) -> BrokerMessage:
    """A message for a workflow that gets an address, after a person has agreed to its account."""
    run = orchestra.runs.start(OWNER, "fetch", {"url": f"{url}-by-hand"})
    orchestra.runs.wait(OWNER, run, PATIENCE_SECONDS)
    return BrokerMessage(json.dumps({"workflow": "fetch", "inputs": {"url": url}}).encode(), "1")


def test_what_a_message_says_decides_nowhere_where_anything_goes(
    orchestra: Orchestra, topic: MakeTopic, service: Service, address: str
) -> None:
    sent = fetching(orchestra, address)
    [refused] = topic().take([sent])
    assert isinstance(refused, OrderRefused)
    assert refused.text == (
        "Text from outside must not decide this: `steps.get.with.url` of 'fetch' comes from `inputs.url`."
    )
    blind = topic()
    unaware = replace(blind, plan=lambda *names: replace(blind.plan(*names), decided_by_inputs=()))
    [taken] = unaware.take([sent])  # as if the compiler had not seen it: the run sees it
    run = orchestra.runs.wait(OWNER, run_id(taken), PATIENCE_SECONDS)
    assert run["error"] is not None
    assert (run["status"], run["error"]["type"]) == ("failed", "OutsideTextRefused")
    assert "a message (workflows)" in run["error"]["message"]
    assert "/fetched" not in service.seen
    trusted = replace(sent, place="2")
    [taken] = topic(is_trusted=True).take([trusted])
    assert orchestra.runs.wait(OWNER, run_id(taken), PATIENCE_SECONDS)["status"] == "succeeded"
    assert service.seen["/fetched"] == 1


def test_a_run_of_a_message_again_is_still_of_a_stranger(
    orchestra: Orchestra, topic: MakeTopic, service: Service, address: str
) -> None:
    blind = topic()
    unaware = replace(blind, plan=lambda *names: replace(blind.plan(*names), decided_by_inputs=()))
    sent = fetching(orchestra, address)
    first = run_id(unaware.take([sent])[0])
    orchestra.runs.wait(OWNER, first, PATIENCE_SECONDS)
    again = orchestra.runs.wait(OWNER, orchestra.runs.rerun(OWNER, first), PATIENCE_SECONDS)
    assert again["error"] is not None
    assert again["error"]["type"] == "OutsideTextRefused"
    assert "/fetched" not in service.seen


def test_a_user_who_may_not_start_runs_stops_all_messages_and_loses_none(
    root: Path, orchestra: Orchestra, topic: MakeTopic
) -> None:
    taking = topic()
    orchestra.users.set_role(OWNER, "robot", "viewer")
    with pytest.raises(NotAllowed, match="robot has the role viewer and may not start runs"):
        taking.take([message()])
    orchestra.users.remove(OWNER, "robot")
    with pytest.raises(InvalidInput, match="There is no user 'robot'"):
        taking.take([message()])
    assert orchestra.runs.list(OWNER).rows == []


def test_a_person_is_asked_about_what_a_message_says_and_not_about_what_a_person_says(
    root: Path, orchestra: Orchestra, topic: MakeTopic, service: Service
) -> None:
    fields = {"method": "POST", "url": service.url("/told"), "json": {"text": "{{ inputs.text }}"}}
    step = {"id": "tell", "uses": "http.request", "connection": "web", "with": fields, "approve": "when_outside"}
    texts = {"type": "object", "properties": {"text": {"type": "string"}}}
    write_workflow(root, "tell", [step], inputs=texts)
    by_hand = orchestra.runs.start(OWNER, "tell", {"text": "hello"})
    assert orchestra.runs.wait(OWNER, by_hand, PATIENCE_SECONDS)["status"] == "succeeded"
    [taken] = topic().take([BrokerMessage(b'{"workflow": "tell", "inputs": {"text": "hello"}}', "1")])
    assert orchestra.runs.wait(OWNER, run_id(taken), PATIENCE_SECONDS)["status"] == "waiting"
    [trusted] = topic(is_trusted=True).take([BrokerMessage(b'{"workflow": "tell", "inputs": {"text": "hello"}}', "2")])
    assert orchestra.runs.wait(OWNER, run_id(trusted), PATIENCE_SECONDS)["status"] == "succeeded"
    assert service.seen["/told"] == 2
