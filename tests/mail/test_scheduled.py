"""Mails that go out later: held without a thread, stopped by anybody who may run the workflow, sent at their time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from pydantic import ValidationError

from cli import main
from clients.errors import InvalidRequest
from clients.mail.letter import Letter
from clients.mail.outgoing import OutgoingMail
from engine.base.clock import timestamp
from engine.base.errors import InUse, InvalidFile, InvalidInput, NotAllowed
from engine.base.statuses import AccountMode
from engine.mail.schedule import goes_out_at
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.registry import step_type, step_types
from engine.runner.suspension.questions import QuestionOutcome
from engine.runs.approvals import Approval
from tests.engine.record.members import misfits
from tests.few import few
from tests.mail.answered import SentMail, sent_from
from tests.mail.smtp_server import SmtpServer
from tests.patience import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from tests.conftest import StandIns

OWNER = Principal("ann", "owner", confirmed=True)
BOB = Principal("bob", "owner", confirmed=True)
OPERATOR = Principal("op", "operator")
VIEWER = Principal("vi", "viewer")
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
LATER = {"send_after": "10m"}


@dataclass
class Place:
    """A workspace with one mailbox, and a clock that is moved by hand."""

    root: Path
    mailbox: SentMail
    smtp: SmtpServer
    standins: StandIns
    moments: list[datetime] = field(default_factory=lambda: [NOON])
    opened: list[Orchestra] = field(default_factory=list)
    run_id: str = ""
    before: int = 0
    """The mails that were sent before."""

    @property
    def orchestra(self) -> Orchestra:
        """The server; a new one if it was closed."""
        if not self.opened:
            self.opened.append(Orchestra(self.root, serve=True, clock=lambda: self.moments[-1]))
            if self.mailbox.service != "imap":
                self.opened[0].connections.set_mode(OWNER, self.mailbox.service, AccountMode.MINE)
        return self.opened[0]

    def close(self) -> None:
        """End the server."""
        while self.opened:
            self.opened.pop().close()

    def later(self, **time: float) -> None:
        """Move the clock on."""
        self.moments.append(self.moments[-1] + timedelta(**time))

    def step(self, approve: Any = "never", name: str = "send", **given: Any) -> dict[str, Any]:
        """A step that sends a mail to Ann."""
        service = "smtp" if self.mailbox.service == "imap" else self.mailbox.service
        whom = {} if name == "send_draft" else {"text": "Here it is."}
        whom |= {"to": "ann@example.org", "subject": "Later"} if name == "send" else {}
        return {"id": name, "uses": f"{service}.{name}", "approve": approve, "with": {**whom, **LATER, **given}}

    def start(self, *steps: dict[str, Any], **more: Any) -> None:
        """Start a run of these steps; without any, of one that sends a mail in ten minutes."""
        self.before = self.sent()
        document = {"schema_version": 1, "steps": [*steps] or [self.step()], **more}
        (self.root / "workflows" / "work.json").write_text(json.dumps(document))
        self.run_id = self.orchestra.runs.start(OWNER, "work", {})

    @property
    def run(self) -> Any:
        """The run as it is now."""
        found = self.orchestra.runs.get(OWNER, self.run_id)
        assert misfits(found) == []
        return found

    def question(self, state: str = "scheduled") -> Approval:
        """The only question in a state, once its run is suspended."""
        until(lambda: self.run["status"] != "running" and len(self.orchestra.approvals.list(OWNER, state)) == 1)
        [found] = self.orchestra.approvals.list(OWNER, state)
        return found

    def ended(self) -> Any:
        """The run once it has ended."""
        until(lambda: self.run["ended_at"] is not None)
        return self.run

    def sent(self) -> int:
        """How many mails have left, since the run began."""
        if self.mailbox.service == "imap":
            return len(self.smtp.mails) - self.before
        shown = self.standins.controls.get(f"{self.standins[self.mailbox.service].origin}/_demo/show").json()
        return len(shown["sent"]) - self.before


@pytest.fixture(params=["gmail"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, standins: StandIns, http: httpx.Client, smtp: SmtpServer
) -> Iterator[Place]:
    """A workspace that is served."""
    root = tmp_path / "w"
    for folder in ("workflows", "prompts", "logs"):
        (root / folder).mkdir(parents=True)
    with sent_from(request.param, standins, http) as mailbox:
        secret = "password" if mailbox.service == "imap" else "token"
        connection = {"service": mailbox.service, **mailbox.settings, secret: "env:SECRET"}
        if mailbox.service == "imap":
            connection |= {"smtp_host": "127.0.0.1", "smtp_port": smtp.tls_port}
        config = {"connections": {"mailbox": connection}}
        (root / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (root / ".env").write_text(f'SECRET="{mailbox.settings[secret]}"\n', encoding="utf-8")
        found = Place(root, mailbox, smtp, standins)
        try:
            yield found
        finally:
            found.close()


services = pytest.mark.parametrize("place", ["gmail", "outlook", "imap"], indirect=True)


# --- held, and sent


@services
def test_a_mail_is_held_and_goes_out_at_its_time(place: Place) -> None:
    place.start()
    held = place.question()
    assert (held.expires_at, held.is_scheduled) == ("2026-12-01T12:10:00.000Z", True)
    [step] = place.run["steps"]
    assert (step["status"], step["scheduled"], step["due_at"]) == ("waiting", True, held.expires_at)
    assert place.orchestra.approvals.count_open(OWNER) == 0  # nobody need do anything
    place.close()
    place.later(minutes=7)  # time that is left passes while the clock stands still: a server begins slowly
    assert place.question().id == held.id
    assert place.sent() == 0
    place.later(minutes=3)
    run = place.ended()
    assert run["status"] == "succeeded", run["error"]
    assert place.sent() == 1
    assert place.orchestra.approvals.get(OWNER, held.id).state == "expired"


@services
def test_the_next_mail_to_go_out_is_listed_first(place: Place) -> None:
    def wait_for(count: int) -> None:
        until(lambda: len(place.orchestra.approvals.list(OWNER, "scheduled")) == count)

    for count, after in enumerate(("20m", "5m", "30m"), 1):
        place.start(place.step(send_after=after))
        wait_for(count)
    found = place.orchestra.approvals.list(OWNER, "scheduled")
    assert [one.expires_at for one in found] == sorted(str(one.expires_at) for one in found)
    assert place.orchestra.approvals.list(OWNER, "scheduled", 1) == found[:1], "however few are asked for"


def test_a_reply_and_its_conversation(place: Place) -> None:
    place.start(place.step(name="reply", message=place.mailbox.answer()))
    held = place.question()
    assert place.sent() == 0
    assert held.call is not None
    assert held.call.preview is not None
    assert held.call.preview.to == "ann@example.org"
    assert ["Held for", "10m"] in [list(line) for line in held.call.preview.head]
    place.later(minutes=10)
    assert place.ended()["status"] == "succeeded"
    assert place.sent() == 1


def test_every_step_that_sends_mail_can_send_it_later() -> None:
    names = {kind.name for kind in step_types().values() if kind.sends_mail}
    assert {"gmail.send", "gmail.send_draft", "outlook.forward", "smtp.reply"} <= names
    for name in names:
        assert step_type(name).waits_until({"send_after": "10m"}, NOON) == NOON + timedelta(minutes=10), name


def test_a_draft_is_sent_as_it_is_then(place: Place) -> None:
    write = {"id": "write", "uses": "gmail.create_draft", "with": {"to": "ann@example.org", "text": "Draft"}}
    place.start(write, place.step(name="send_draft", draft="{{ steps.write.output.id }}"))
    assert place.question().call is not None
    place.later(minutes=10)
    assert place.ended()["status"] == "succeeded"
    assert place.sent() == 1


@pytest.mark.parametrize(
    ("given", "due_at"),
    [
        pytest.param("2026-12-02T08:00:00+01:00", "2026-12-02T07:00:00.000Z", id="a time"),
        pytest.param("2d", "2026-12-03T12:00:00.000Z", id="two days"),
        pytest.param("2026-12-01T08:00:00Z", None, id="a time in the past"),
        pytest.param("0s", None, id="no time at all"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_when_it_goes_out(place: Place, given: str, due_at: str | None) -> None:
    place.start(place.step(send_after=given))
    if due_at is None:
        assert place.ended()["status"] == "succeeded"
        assert (place.sent(), place.orchestra.approvals.list(OWNER, None)) == (1, [])
    else:
        assert (place.question().expires_at, place.sent()) == (due_at, 0)


@pytest.mark.parametrize("given", ["tomorrow", "10", "-5m", "2026-12-01T08:00:00", "367d"])
def test_what_is_no_time_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="must be"):
        step_type("gmail.send").fields.model_validate({"to": "ann@example.org", "send_after": given})


def test_more_than_a_year_ahead_is_refused_before_anybody_is_asked(place: Place) -> None:
    with pytest.raises(InvalidRequest, match="more than a year"):
        goes_out_at({"send_after": "2027-12-05T00:00:00Z"}, NOON)
    place.start(place.step("always", send_after="2027-12-05T00:00:00Z"))
    run = place.ended()
    assert "more than a year" in run["error"]["message"]
    assert place.orchestra.approvals.list(OWNER, None) == []


@pytest.mark.parametrize("said", ["subject", "sent_at", "invitations[0].starts_at", "invitations[0].ends_at"])
def test_what_a_mail_says_does_not_decide_when(place: Place, said: str) -> None:
    mails = {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "Offer"}}
    step = place.step(send_after=f"{{{{ steps.mails.output.messages[0].{said} }}}}")
    with pytest.raises(InvalidFile) as refused:
        place.start(mails, step)
    assert {one.code for one in refused.value.problems} == {"outside_destination"}


# --- stopped


@services
def test_a_stopped_mail_never_goes_out_and_the_run_goes_on_as_after_a_rejection(place: Place) -> None:
    place.start({**place.step(), "on_error": "continue"}, {"id": "after", "uses": "flow.set", "with": {"values": {}}})
    held = place.question()
    with pytest.raises(NotAllowed, match="viewer"):
        place.orchestra.approvals.reject(VIEWER, held.id)
    place.orchestra.approvals.reject(OWNER, held.id, "Wrong price.")
    run = place.ended()
    steps = {one["id"]: one for one in run["steps"]}
    assert steps["send"]["error"]["type"] == "Rejected"
    assert steps["send"]["error"]["message"] == "The mail was stopped by ann: Wrong price."
    assert steps["send"]["error"]["by"] == "ann"
    assert steps["after"]["status"] == "succeeded"
    assert (run["counts"]["rejected"], run["counts"]["stopped"]) == (1, 1)
    assert run["sentence"].endswith("1 step done, 1 stopped by ann.")
    place.later(days=1)
    assert place.sent() == 0


def test_it_is_stopped_at_once_while_another_branch_is_at_work(place: Place) -> None:
    code = {"language": "python", "code": "import time\ntime.sleep(50)"}
    slow = {"id": "slow", "uses": "code.run", "with": code}
    each = {"id": "each", "foreach": "{{ ['mail', 'work'] }}", "as": "one", "key": "{{ one }}", "parallel": 2}
    steps = [{"if": "{{ one == 'mail' }}", **place.step()}, {"if": "{{ one == 'work' }}", **slow}]
    place.start({**each, "steps": steps})
    until(lambda: len(place.orchestra.approvals.list(OWNER, "scheduled")) == 1)
    [held] = place.orchestra.approvals.list(OWNER, "scheduled")
    place.orchestra.approvals.reject(OWNER, held.id)
    until(lambda: any(one["id"] == "send" and one["status"] == "failed" for one in place.run["steps"]))
    place.orchestra.runs.cancel(OWNER, place.run_id)
    assert place.sent() == 0


def test_a_mail_that_is_due_can_no_longer_be_stopped(place: Place) -> None:
    place.start()
    held = place.question()
    place.close()
    place.later(minutes=10)
    offline = Orchestra(place.root, clock=lambda: place.moments[-1])  # nobody works on the run
    try:
        with pytest.raises(InUse, match="too late"):
            offline.approvals.reject(OWNER, held.id)
    finally:
        offline.close()
    assert place.ended()["status"] == "succeeded"
    assert place.sent() == 1


def test_send_now_sends_it_at_once(place: Place) -> None:
    place.start()
    held = place.question()
    with pytest.raises(InvalidInput, match="cannot be edited"):
        place.orchestra.approvals.approve(OWNER, held.id, arguments={**_arguments(held), "text": "Else"})
    place.orchestra.approvals.approve(OWNER, held.id)
    run = place.ended()
    assert place.sent() == 1
    [step] = run["steps"]
    assert (step["approved"]["approval"], step["approved"]["by"]) == (held.id, "ann")


def _arguments(asked: Approval) -> dict[str, Any]:
    assert asked.call is not None
    return dict(asked.call.arguments)


def test_a_stopped_mail_of_a_resumed_run_asks(place: Place) -> None:
    place.start()
    place.orchestra.approvals.reject(OWNER, place.question().id)
    place.ended()
    place.later(days=1)
    place.orchestra.runs.resume(OWNER, place.run_id)
    asked = place.question("open")
    assert place.sent() == 0
    place.orchestra.approvals.approve(OWNER, asked.id)
    held = place.question()
    assert place.sent() == 0
    place.later(minutes=10)
    assert place.ended()["status"] == "succeeded"
    assert (place.sent(), place.orchestra.approvals.get(OWNER, held.id).state) == (1, "expired")


def test_a_cancelled_run_withdraws_it(place: Place) -> None:
    place.start()
    held = place.question()
    place.orchestra.runs.cancel(OWNER, place.run_id)
    assert place.ended()["status"] == "cancelled"
    place.later(days=1)
    assert (place.orchestra.approvals.get(OWNER, held.id).state, place.sent()) == ("withdrawn", 0)


# --- killed

_CHILD = """
import os, signal, sys
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import local_user
from engine.runner.effects import fault_points
from engine.runner.worker.worker import Worker

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

root, point = sys.argv[1:]
orchestra = Orchestra.open(Path(root), serve=point != "stopped")
if point == "stopped":
    Worker.go_on = die  # the answer is stored, and nobody has heard of it
    [held] = orchestra.approvals.list(local_user(), "scheduled")
    orchestra.approvals.reject(local_user(), held.id)
fault_points.hook = lambda reached: die() if reached == point else None
orchestra.runs.start(local_user().agreeing(True), "work", {})
signal.pause()
"""


def _killed(place: Place, point: str) -> None:
    """Let another process do its work until it kills itself at a point."""
    place.close()
    command = [sys.executable, "-c", _CHILD, str(place.root), point]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == -9, done.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("point", few(("after wait", "before effect", "after effect", "after record"), "after effect"))
def test_it_goes_out_once_though_the_process_dies(place: Place, point: str) -> None:
    place.before = place.sent()
    document = {"schema_version": 1, "steps": [place.step(send_after="3s")]}
    (place.root / "workflows" / "work.json").write_text(json.dumps(document))
    place.orchestra.approvals.list(OWNER)  # the mailbox is chosen
    _killed(place, point)
    assert place.sent() == (point in ("after effect", "after record"))
    [row] = place.orchestra.runs.list(OWNER).rows
    place.run_id = row.run_id
    run = place.ended()
    assert run["status"] == "succeeded", run["error"]
    assert place.sent() == 1


def _stopped_and_killed(place: Place) -> Any:
    place.start(place.step(send_after="2026-12-01T13:00:00Z"))
    place.question()
    _killed(place, "stopped")
    place.later(hours=2)
    return place.ended()


@pytest.mark.slow
def test_it_is_stopped_though_the_process_dies_right_then(place: Place) -> None:
    assert _stopped_and_killed(place)["error"]["type"] == "Rejected"
    assert place.sent() == 0


@pytest.mark.slow
@pytest.mark.control
def test_without_the_look_at_the_answer_it_is_seen_to_go_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuestionOutcome, "is_released", property(lambda self: self.is_scheduled))
    _stopped_and_killed(place)
    assert place.sent() == 1


# --- with an approval


def test_the_hold_counts_from_the_approval(place: Place) -> None:
    place.start(place.step("always"))
    asked = place.question("open")
    place.later(hours=1)
    place.orchestra.approvals.approve(OWNER, asked.id, "Fine.")
    held = place.question()
    assert held.expires_at == "2026-12-01T13:10:00.000Z"
    assert place.sent() == 0
    place.close()
    place.later(minutes=10)
    run = place.ended()
    assert place.sent() == 1
    [step] = run["steps"]
    assert (step["approved"]["approval"], step["approved"]["comment"]) == (asked.id, "Fine.")


def test_only_who_may_approve_it_sends_it_at_once_and_all_others_may_stop_it(place: Place) -> None:
    place.start(place.step({"when": "always", "by": ["owner", "not_self"]}))
    place.orchestra.approvals.approve(BOB, place.question("open").id)
    held = place.question()
    for one in (OWNER, OPERATOR):  # who started it, and who is no owner
        assert not place.orchestra.approvals.may_answer(one, held)
        with pytest.raises(NotAllowed):
            place.orchestra.approvals.approve(one, held.id)
    assert [place.orchestra.approvals.may_reject(one, held) for one in (OWNER, OPERATOR, VIEWER)] == [True, True, False]
    assert place.sent() == 0
    place.later(minutes=1)
    place.orchestra.approvals.reject(OPERATOR, held.id)
    assert (place.ended()["error"]["type"], place.sent()) == ("Rejected", 0)


def test_who_may_approve_it_sends_it_at_once(place: Place) -> None:
    place.start(place.step({"when": "always", "by": ["owner", "not_self"]}))
    place.orchestra.approvals.approve(BOB, place.question("open").id)
    held = place.question()
    place.later(minutes=1)  # the last answer counts
    place.orchestra.approvals.approve(BOB, held.id)
    assert (place.ended()["status"], place.sent()) == ("succeeded", 1)


def test_without_an_approval_whoever_may_run_it_sends_it_at_once(place: Place) -> None:
    place.start(place.step({"when": "when_outside", "by": ["owner", "not_self"]}))
    place.orchestra.approvals.approve(OPERATOR, place.question().id)
    assert (place.ended()["status"], place.sent()) == ("succeeded", 1)


def test_whoever_approves_it_may_say_when(place: Place) -> None:
    place.start(place.step("always"))
    asked = place.question("open")
    edited = {**_arguments(asked), "text": "Better", "send_after": "2026-12-02T08:00:00Z"}
    place.orchestra.approvals.approve(OWNER, asked.id, arguments=edited)
    assert place.question().expires_at == "2026-12-02T08:00:00.000Z"
    place.later(days=1)
    run = place.ended()
    assert place.sent() == 1
    assert run["steps"][0]["arguments"]["text"] == "Better"


def test_whoever_approves_it_cannot_put_it_off_for_ever(place: Place) -> None:
    place.start(place.step("always"))
    question = place.question("open")
    assert question.call is not None
    with pytest.raises(InvalidInput, match="more than a year from now"):
        place.orchestra.approvals.approve(
            OWNER, question.id, arguments={**question.call.arguments, "send_after": "9999-12-31T23:59:59Z"}
        )
    assert place.question("open").id == question.id, "it can still be answered"


def test_an_approved_mail_that_was_stopped_asks_again_once_its_run_is_resumed(place: Place) -> None:
    place.start(place.step("always"))
    place.orchestra.approvals.approve(OWNER, place.question("open").id)
    until(lambda: place.question().id != "")
    place.later(minutes=1)
    place.orchestra.approvals.reject(OWNER, place.question().id)
    place.ended()
    place.later(days=1)
    place.orchestra.runs.resume(OWNER, place.run_id)
    place.question("open")
    assert place.sent() == 0


def test_a_draft_that_was_changed_while_it_was_held_asks_again(place: Place) -> None:
    write = {"id": "write", "uses": "gmail.create_draft", "with": {"to": "ann@example.org", "text": "Draft"}}
    place.start(write, place.step("always", name="send_draft", draft="{{ steps.write.output.id }}"))
    place.orchestra.approvals.approve(OWNER, place.question("open").id)
    place.question()
    draft = next(one["output"]["id"] for one in place.run["steps"] if one["id"] == "write")
    _changed(place, draft)
    place.later(minutes=10)
    asked = place.question("open")
    assert asked.call is not None
    assert "has changed since" in asked.call.again
    assert place.sent() == 0


def _changed(place: Place, draft: str) -> None:
    """Let the owner of the mailbox change a draft."""
    mail = OutgoingMail(["ann@example.org"], subject="Else", text="Else")
    place.mailbox.client.outbox.update_draft(draft, Letter(mail, "n" * 32))


# --- when it goes


def test_an_answer_that_came_meanwhile_is_noticed_when_it_goes(place: Place) -> None:
    place.start(place.step(in_reply_to=place.mailbox.id, only_if_unanswered=True))
    place.question()
    place.mailbox.answer()
    place.later(minutes=10)
    run = place.ended()
    assert run["steps"][0]["output"]["written"] is False
    assert place.sent() == 0


def test_a_plan_shows_when_it_would_go_out_and_holds_nothing(place: Place) -> None:
    place.start(place.step(send_after="2026-12-02T08:00:00+01:00"))
    place.question()
    plan_id = place.orchestra.plans.make(OWNER, "work", {})
    until(lambda: place.orchestra.plans.show(OWNER, plan_id)["state"] != "planning")
    [write] = place.orchestra.plans.show(OWNER, plan_id)["writes"]
    assert "Scheduled for: 2026-12-02T08:00:00+01:00" in str(write)
    assert len(place.orchestra.approvals.list(OWNER, "scheduled")) == 1


def test_a_lost_state_asks_rather_than_sends(place: Place) -> None:
    """Nobody knows whether the mail was stopped."""
    place.start()
    held = place.question()
    place.close()
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (place.root / ".orchestra" / name).unlink(missing_ok=True)
    place.later(days=1)
    place.orchestra.runs.resume(OWNER, place.run_id)
    asked = place.question("open")
    assert (asked.id != held.id, place.sent()) == (True, 0)


def test_it_is_stopped_at_the_command_line(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.start()
    held = place.question()
    at = ["--workspace", str(place.root)]
    assert main(["approvals", "list", "--state", "scheduled", *at]) == 0
    assert f"goes out {held.expires_at}" in capsys.readouterr().out
    main(["runs", "show", place.run_id, *at])
    assert f"`orchestra approvals reject {held.id}` stops it" in capsys.readouterr().err
    main(["approvals", "reject", held.id, *at])
    assert place.ended()["status"] == "failed"
    assert place.sent() == 0
    assert timestamp(NOON) < str(held.expires_at)
