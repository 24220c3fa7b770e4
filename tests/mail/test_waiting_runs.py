"""Runs that wait for an answer: suspended, woken by mail that arrives, and by nothing else before their time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from cli import main
from engine.base.clock import timestamp, utc_now
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.triggering.mail_watch import MailWatch
from tests.engine.record.members import misfits
from tests.engine.triggering.conftest import MovingClock
from tests.mail.answered import ANN, BOB, SentMail, sent_from
from tests.patience import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from tests.conftest import StandIns

OWNER = Principal("ann", "owner", confirmed=True)
LISTED = "GET /gmail/v1/users/me/messages"


@dataclass
class Place:
    """A workspace with one mailbox, from which a mail to Ann was sent."""

    root: Path
    sent: SentMail
    orchestra: Orchestra

    def start(self, **fields: Any) -> str:
        """Start a run that waits for an answer, for ten days unless the fields say otherwise."""
        given = {"message": self.sent.id, **({} if "until" in fields else {"days": 10}), **fields}
        return self.run([{"id": "wait", "title": "Her answer", "uses": self.sent.uses, "with": given}])

    def run(self, steps: list[Mapping[str, Any]]) -> str:
        """Start a run of these steps."""
        document = {"schema_version": 1, "steps": steps}
        (self.root / "workflows" / "work.json").write_text(json.dumps(document))
        return self.orchestra.runs.start(OWNER, "work", {})

    def document(self, run_id: str) -> Any:
        """The run as it is now."""
        found = self.orchestra.runs.get(OWNER, run_id)
        assert misfits(found) == []
        return found

    def waiting(self, run_id: str, looks: int = 1) -> Any:
        """The run once it is suspended, after so many looks."""
        until(lambda: self._is_suspended(run_id, looks))
        return self.document(run_id)

    def _is_suspended(self, run_id: str, looks: int) -> bool:
        found: Any = self.orchestra.runs.get(OWNER, run_id)
        assert found["ended_at"] is None, found["error"]
        waited = [len(one.get("waited", ())) for one in found["steps"]]
        row = self.orchestra._families.opened.state.runs.get(run_id)
        is_put_away = row is not None and row.due_at is not None and not row.due_at.startswith("0001")
        return found["status"] == "waiting" and waited[:1] == [looks] and is_put_away

    def ended(self, run_id: str) -> Any:
        """The run once it has ended."""
        until(lambda: self.orchestra.runs.get(OWNER, run_id)["ended_at"] is not None)
        return self.document(run_id)

    def watch(self) -> MailWatch:
        """What notices mail, anew: it has looked nowhere yet."""
        families = self.orchestra._families
        state = families.opened.state
        return MailWatch(state.mail_waits, state.settings, families.opened.accounts, utc_now)

    def awaited(self) -> list[Any]:
        """The mailboxes in which anything is awaited."""
        return [*self.orchestra._families.opened.state.mail_waits.mailboxes()]


@pytest.fixture(params=["gmail"])
def place(request: pytest.FixtureRequest, tmp_path: Path, standins: StandIns, http: httpx.Client) -> Iterator[Place]:
    """A workspace that is served."""
    root = tmp_path / "w"
    for folder in ("workflows", "prompts", "logs"):
        (root / folder).mkdir(parents=True)
    with sent_from(request.param, standins, http) as sent:
        secret = "password" if sent.service == "imap" else "token"
        connection = {"service": sent.service, **sent.settings, secret: "env:SECRET"}
        config = {"connections": {"mailbox": connection}, "approvals": {"default": "never"}}
        (root / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (root / ".env").write_text(f'SECRET="{sent.settings[secret]}"\n', encoding="utf-8")
        found = Place(root, sent, Orchestra.open(root, serve=True))
        if sent.service != "imap":
            found.orchestra.connections.set_mode(OWNER, sent.service, AccountMode.MINE)
        looks = found.orchestra._families.triggers.triggering._mail
        assert looks is not None
        looks.close()  # the tests look themselves
        try:
            yield found
        finally:
            found.orchestra.close()


services = pytest.mark.parametrize("place", ["gmail", "outlook", "imap"], indirect=True)


@services
def test_a_run_is_suspended_until_the_answer_arrives(place: Place) -> None:
    run_id = place.start(**{"from": "ann@example.org"})
    waiting = place.waiting(run_id)
    [step] = waiting["steps"]
    assert step["status"] == "waiting"
    assert step["awaits"]["people"] == ["ann@example.org"]
    assert step["due_at"] == step["awaits"]["until"] == waiting["due_at"]
    [mailbox] = place.awaited()
    assert (mailbox.connection, mailbox.mode) == ("mailbox", "mine")
    answer = place.sent.answer()
    place.watch().look()
    done = place.ended(run_id)
    assert done["status"] == "succeeded", done["error"]
    output = done["steps"][0]["output"]
    assert (output["answered"], output["mail"]["id"], output["mail"]["from"]) == (True, answer, ANN)
    assert place.awaited() == []


def test_mail_of_somebody_else_wakes_it_once_and_it_goes_on_waiting_as_long_as_before(place: Place) -> None:
    run_id = place.start(**{"from": "ann@example.org"})
    before = place.waiting(run_id)["steps"][0]
    place.sent.answer(BOB)
    watch = place.watch()
    watch.look()
    after = place.waiting(run_id, looks=2)["steps"][0]
    assert after["awaits"] == {**before["awaits"], "hints": 1}
    watch._due_at.clear()
    watch.look()
    assert place.awaited() != []
    assert place.orchestra._families.opened.state.mail_waits.of(place.awaited()[0], after["awaits"]["names"]) != []
    place.sent.answer()
    watch._due_at.clear()
    watch.look()
    done = place.ended(run_id)["steps"][0]
    assert done["output"]["mail"]["from"] == ANN
    assert len(done["waited"]) == 2


def test_mail_in_other_conversations_wakes_nobody(place: Place) -> None:
    run_id = place.start()
    before = place.waiting(run_id)
    place.sent.answer(Subject="Else", In_Reply_To="", References="")
    place.watch().look()
    assert place.document(run_id)["steps"] == before["steps"]
    row = place.orchestra._families.opened.state.runs.get(run_id)
    assert row is not None
    assert row.due_at == before["due_at"]


def test_nobody_answers_until_the_limit(place: Place) -> None:
    run_id = place.start(until=timestamp(utc_now() + timedelta(seconds=4)))
    place.waiting(run_id)
    done = place.ended(run_id)
    assert done["status"] == "succeeded", done["error"]
    assert (done["steps"][0]["output"]["answered"], done["steps"][0]["output"]["mail"]) == (False, None)
    assert place.awaited() == []


def test_an_answer_that_nobody_noticed_is_found_at_the_limit(place: Place) -> None:
    run_id = place.start(until=timestamp(utc_now() + timedelta(seconds=4)))
    place.waiting(run_id)
    place.sent.answer()
    assert place.ended(run_id)["steps"][0]["output"]["answered"] is True


def test_an_answer_that_came_while_nobody_served_is_noticed_at_the_start(place: Place) -> None:
    run_id = place.start()
    place.waiting(run_id)
    place.orchestra.close()
    place.sent.answer()
    place.orchestra = Orchestra.open(place.root, serve=True)
    assert place.ended(run_id)["steps"][0]["output"]["mail"]["from"] == ANN


def test_a_wait_of_which_the_state_knows_nothing_looks_again_and_is_known(place: Place) -> None:
    run_id = place.start()
    place.waiting(run_id)
    families = place.orchestra._families
    with families.opened.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM mail_waits")
        connection.exec_driver_sql(f"UPDATE runs SET due_at = '{timestamp(utc_now())}'")
    place.waiting(run_id, looks=2)
    assert len(place.awaited()) == 1


def test_a_run_that_is_cancelled_waits_for_nothing(place: Place) -> None:
    run_id = place.start()
    place.waiting(run_id)
    place.orchestra.runs.cancel(OWNER, run_id)
    assert place.ended(run_id)["status"] == "cancelled"
    assert place.awaited() == []


def test_a_service_that_asks_for_patience_does_not_make_the_wait_longer(place: Place, standins: StandIns) -> None:
    run_id = place.start()
    before = place.waiting(run_id)["steps"][0]
    fault = {"match": "/threads/", "status": 429, "retry_after": 4, "times": 1}
    standins.faults("gmail", **fault)
    place.sent.answer(BOB, Auto_Submitted="auto-replied")
    place.watch().look()
    after = place.waiting(run_id, looks=3)["steps"][0]
    assert after["awaits"] == {**before["awaits"], "hints": 1}
    assert (after["due_at"], "held" in after) == (before["due_at"], False)


def test_a_mailbox_is_asked_once_however_many_wait_there(place: Place, standins: StandIns) -> None:
    wait = {"id": "wait", "uses": "gmail.wait_for_reply", "with": {"message": place.sent.id, "days": 1}}
    each = {"id": "each", "foreach": f"{{{{ {list(range(250))} }}}}", "as": "n", "parallel": 250, "steps": [wait]}
    run_ids = [place.run([each]), place.run([each])]
    mail_waits = place.orchestra._families.opened.state.mail_waits
    until(lambda: bool(place.awaited()) and len(mail_waits.of(place.awaited()[0], [place.sent.thread])) == 500)
    until(lambda: all(place.document(one)["status"] == "waiting" for one in run_ids))
    watch, before = place.watch(), dict(standins.requests("gmail"))
    for _ in range(3):
        watch._due_at.clear()
        watch.look()
    after = standins.requests("gmail")
    asked = {path: many - before.get(path, 0) for path, many in after.items() if many != before.get(path, 0)}
    assert asked == {LISTED: 3}


def test_a_mailbox_is_asked_again_after_a_minute_and_later_if_it_fails(place: Place, standins: StandIns) -> None:
    place.waiting(place.start())
    clock, families = MovingClock(), place.orchestra._families
    state = families.opened.state
    watch = MailWatch(state.mail_waits, state.settings, families.opened.accounts, clock)

    def asked() -> int:
        before = standins.requests("gmail").get(LISTED, 0)
        watch.look()
        return standins.requests("gmail").get(LISTED, 0) - before

    assert [asked(), asked()] == [1, 0]
    clock.move(59)
    assert asked() == 0
    clock.move(1)
    standins.faults("gmail", match="/messages", status=403, times=1)
    assert asked() == 1
    clock.move(61)
    assert asked() == 1


def test_a_plan_says_until_when_it_would_wait(place: Place) -> None:
    letter = {"to": "ann@example.org", "subject": "Hi", "text": "?"}
    send = {"id": "send", "uses": "gmail.send", "with": letter}
    reply = {"message": "{{ steps.send.output.id }}", "days": 2}
    unknown = {"id": "unknown", "uses": "gmail.wait_for_reply", "with": reply}
    known = {"id": "known", "uses": "gmail.wait_for_reply", "with": {"message": place.sent.id, "days": 2}}
    ask = {"id": "ask", "uses": "gmail.send", "if": "{{ !steps.known.output.answered }}", "with": letter}
    place.run([send, unknown, known, ask])  # so that the file is there
    plan_id = place.orchestra.plans.make(OWNER, "work", {})
    plan = place.orchestra.runs.wait(OWNER, plan_id, PATIENCE_SECONDS)
    assert plan["status"] == "succeeded", plan["error"]
    notes = {one["id"]: one["planned"].get("note", "") for one in plan["steps"]}
    expected = f"{utc_now() + timedelta(days=2):%Y-%m-%d %H:}"
    for step in ("unknown", "known"):
        assert notes[step].startswith(f"The run waits here for a reply, until {expected}"), notes
    assert [one["run_id"] for one in [plan] if place.awaited() and one["status"] == "waiting"] == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"days": 3}, "Give either a mail", id="no mail"),
        pytest.param({"message": "m"}, "Say how long to wait", id="no end"),
        pytest.param({"message": "m", "days": 3, "until": "2026-12-04T09:00:00Z"}, "not both", id="two ends"),
        pytest.param({"message": "m", "until": "tomorrow"}, "a time with its offset", id="no time"),
        pytest.param({"message": "m", "days": 400}, "366", id="more than a year"),
    ],
)
def test_what_is_written_wrongly_is_said_before_a_run(place: Place, fields: Mapping[str, Any], said: str) -> None:
    document = {"schema_version": 1, "steps": [{"id": "wait", "uses": "gmail.wait_for_reply", "with": dict(fields)}]}
    problems = place.orchestra.workflows.check(OWNER, "work", json.dumps(document))
    assert said in " ".join(one.message for one in problems)


def test_the_command_line_says_whose_answer_it_waits_for(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = place.start(**{"from": "ann@example.org"})
    until_when = place.waiting(run_id)["due_at"]
    assert main(["runs", "show", run_id, "--workspace", str(place.root)]) == 0
    shown = capsys.readouterr()
    said = f"a reply from ann@example.org until {until_when}"
    assert f"Her answer  (waits for {said})" in shown.out
    assert f"It is waiting for {said}" in shown.err


@pytest.mark.parametrize("part", ["text", "subject", "reply_to", "full_text"])
def test_what_an_answer_says_chooses_no_recipient(place: Place, part: str) -> None:
    wait = {"id": "wait", "uses": "gmail.wait_for_reply", "with": {"message": place.sent.id, "days": 1}}
    send = {"to": f"{{{{ steps.wait.output.mail.{part} }}}}", "subject": "Hi", "text": "?"}
    answered = {"id": "send", "uses": "gmail.send", "if": "{{ steps.wait.output.answered }}", "with": send}
    document = {"schema_version": 1, "steps": [wait, answered]}
    problems = place.orchestra.workflows.check(OWNER, "work", json.dumps(document))
    found = [one for one in problems if one.severity == "error" and one.field and "to" in one.field]
    assert found, [one.message for one in problems]
