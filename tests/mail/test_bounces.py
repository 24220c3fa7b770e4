"""Runs whose mail could not be delivered: what the mailbox that sent it is told shows at the run, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from cli import main
from clients.errors import Unavailable
from engine.base.clock import timestamp
from engine.base.errors import UnknownName
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.bounced import UndeliveredMail
from engine.triggering.bounce_watch import BounceWatch, _by_name
from tests.engine.triggering.conftest import MovingClock
from tests.mail.answered import SentMail, sent_from
from tests.mail.bounced import FORMS, Returned, delayed, exchange, outlook_com, postfix, qmail
from tests.mail.mailboxes import connected, deliver, new_settings
from tests.mail.smtp_server import SmtpServer
from tests.patience import until

if TYPE_CHECKING:
    from tests.conftest import StandIns

OWNER = Principal("ann", "owner", confirmed=True)
TO = ["ann@example.org", "bob@other.example"]
SENDS = {"gmail": "gmail.send", "outlook": "outlook.send", "imap": "smtp.send"}


@dataclass
class Place:
    """A workspace with one mailbox, from which a run has sent a mail."""

    root: Path
    mailbox: SentMail
    orchestra: Orchestra
    run_id: str = ""

    def send(self, to: list[str] = TO) -> Returned:
        """Let a run send a mail; return it as reports return it."""
        letter = {"to": to, "subject": "Offer", "text": "Is this still of interest?"}
        step = {"id": "send", "uses": SENDS[self.mailbox.service], "with": letter, "approve": "never"}
        (self.root / "workflows" / "work.json").write_text(json.dumps({"schema_version": 1, "steps": [step]}))
        self.run_id = self.orchestra.runs.start(OWNER, "work", {})
        until(lambda: self.document()["ended_at"] is not None)
        found = self.document()
        assert found["status"] == "succeeded", found["error"]
        name = found["steps"][0]["output"]["message_id"]
        marker = name.removeprefix("<orchestra.").partition("@")[0]
        return Returned(name, marker, to, self.mailbox.client.account())

    def document(self) -> Any:
        """The run as it is now."""
        return self.orchestra.runs.get(OWNER, self.run_id)

    def watch(self, clock: MovingClock) -> BounceWatch:
        """What looks for reports, anew: it has looked nowhere yet."""
        families = self.orchestra._families
        state = families.opened.state
        logs = families.triggers.triggering._needs.logs
        return BounceWatch(state.bounces, state.settings, families.opened.accounts, logs, clock)

    def looked(self) -> list[UndeliveredMail]:
        """Look for reports; return those of the run."""
        self.watch(MovingClock()).look()
        return self.orchestra.runs.bounces(OWNER, self.run_id)


@pytest.fixture(params=["gmail"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, standins: StandIns, http: httpx.Client, smtp: SmtpServer
) -> Iterator[Place]:
    """A workspace that is served."""
    root = tmp_path / "w"
    for folder in ("workflows", "prompts", "logs"):
        (root / folder).mkdir(parents=True)
    with sent_from(request.param, standins, http) as sent:
        secret = "password" if sent.service == "imap" else "token"
        connection = {"service": sent.service, **sent.settings, secret: "env:SECRET"}
        if sent.service == "imap":
            connection |= {"smtp_host": "127.0.0.1", "smtp_port": smtp.tls_port}
        config = {"connections": {"mailbox": connection}}
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
def test_a_report_shows_at_the_step_that_sent_the_mail(place: Place) -> None:
    mail = place.send()
    before = place.document()
    assert place.looked() == []
    place.mailbox.arrive(postfix(mail))
    first, second = place.looked()
    assert (first.path, first.recipient, first.action, first.status) == ("send", "ann@example.org", "failed", "5.1.1")
    words = "Could not be delivered to ann@example.org: 550 5.1.1 <ann@example.org>: user unknown"
    assert first.sentence == words
    assert (second.recipient, second.connection) == ("bob@other.example", "mailbox")
    assert place.looked() == [first, second]
    assert place.document() == before  # the outcome of the run is what it was


@services
def test_a_report_that_came_before_its_mail_was_known_to_be_sent_is_not_lost(place: Place) -> None:
    """A process died after it had handed the mail over; its run went on an hour later."""
    clock = MovingClock()
    watch = place.watch(clock)
    place.send()  # another one, without which nobody looks
    mail = place.send()
    write = f"effects SET state = '{{state}}', done_at = {{at}} WHERE run_id = '{place.run_id}'"

    def mark(state: str, at: str) -> None:
        with place.orchestra._families.opened.database.writing() as connection:
            connection.exec_driver_sql("UPDATE " + write.format(state=state, at=at))

    mark("intent", "NULL")
    place.mailbox.arrive(postfix(mail))
    watch.look()
    clock.move(3600)
    watch.look()
    assert place.orchestra.runs.bounces(OWNER, place.run_id) == []
    mark("done", f"'{timestamp(clock())}'")
    clock.move(900)
    watch.look()
    assert [one.recipient for one in place.orchestra.runs.bounces(OWNER, place.run_id)] == TO


@services
@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_report_leads_to_the_run(place: Place, form: str) -> None:
    mail = place.send()
    place.mailbox.arrive(FORMS[form](mail, "1"))
    assert [one.recipient for one in place.looked()] == TO


def test_a_mail_that_is_late_and_then_fails_has_failed(place: Place) -> None:
    mail = place.send(["ann@example.org"])
    place.mailbox.arrive(delayed(mail))
    assert [one.action for one in place.looked()] == ["delayed"]
    place.mailbox.arrive(postfix(mail, "p2"))
    place.mailbox.arrive(qmail(mail, "q2"))  # a second report of the same failure
    place.mailbox.arrive(delayed(mail, "d2"))  # on its way for longer than the report of the failure
    assert [one.action for one in place.looked()] == ["failed"]


@services
@pytest.mark.parametrize("action", ["delivered", "relayed"])
def test_a_mail_that_is_late_and_then_arrives_is_told_no_more(place: Place, action: str) -> None:
    mail = place.send(["ann@example.org"])
    place.mailbox.arrive(delayed(mail))
    assert [one.action for one in place.looked()] == ["delayed"]
    place.mailbox.arrive(arrived(mail, action, "a1"))
    assert place.looked() == []


@services
@pytest.mark.parametrize("action", ["delivered", "relayed"])
def test_a_report_that_anybody_could_write_does_not_hide_a_failure(place: Place, action: str) -> None:
    mail = place.send(["ann@example.org"])
    place.mailbox.arrive(postfix(mail, "p1"))
    place.mailbox.arrive(arrived(mail, action, "a1"))
    assert [one.action for one in place.looked()] == ["failed"]
    place.mailbox.arrive(arrived(mail, action, "a2"))
    assert [one.action for one in place.looked()] == ["failed"]


def arrived(mail: Returned, action: str, number: str) -> bytes:
    """A report like `delayed`, with good news."""
    good_news = f"Action: {action}\r\nStatus: 2.0.0".encode()
    return delayed(mail, number).replace(b"Action: delayed\r\nStatus: 4.4.1", good_news)


@services
def test_a_report_about_a_mail_that_was_not_sent_from_here_counts_for_nothing(place: Place) -> None:
    mail = place.send()
    forged = Returned("<orchestra." + "z" * 32 + "@example.com>", "z" * 32, TO, mail.sender)
    own_name = Returned(place.mailbox.message_id, "", TO, mail.sender)  # in the mailbox, but no run has sent it
    place.mailbox.arrive(postfix(forged, "f1"))
    place.mailbox.arrive(outlook_com(forged, "f2"))
    place.mailbox.arrive(exchange(own_name, "f3"))
    place.mailbox.arrive(qmail(Returned("", ""), "f4"))
    assert place.looked() == []


@pytest.mark.parametrize("place", ["imap"], indirect=True)
def test_a_report_in_another_mailbox_counts_for_nothing(place: Place) -> None:
    mail = place.send()
    with connected(new_settings()) as other:
        deliver(other, postfix(mail))
        watch, now = place.watch(MovingClock()), "2026-11-30T08:00:00Z"
        arrived = other.answers.bounces(datetime.now(UTC) - timedelta(hours=1))
        assert [one.bounce.marker for one in arrived] == [mail.marker]
        bounces = place.orchestra._families.opened.state.bounces
        sent = bounces.mails(f"imap:{other.account()}", ["smtp.send"], "2000-01-01T00:00:00Z")
        watch._note("other", arrived, _by_name(sent), now)
    assert place.looked() == []


@services
def test_what_a_forger_writes_of_others_does_not_crowd_out_the_true_report(place: Place) -> None:
    mail = place.send()
    for number in range(3):
        many = Returned(mail.message_id, mail.marker, tuple(f"a{number}.{one}@x.example" for one in range(90)))
        place.mailbox.arrive(postfix(many, f"m{number}"))
    assert place.looked() == []
    place.mailbox.arrive(postfix(mail, "true"))
    assert [one.recipient for one in place.looked()] == TO


def test_of_a_mail_whose_recipients_nobody_knows_reports_are_bounded(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = place.send()
    monkeypatch.setattr(BounceWatch, "_recipients", lambda *_: None)
    many = Returned(mail.message_id, mail.marker, tuple(f"a{one}@x.example" for one in range(150)))
    place.mailbox.arrive(postfix(many, "m"))
    assert len(place.looked()) == 100


def test_a_mailbox_is_looked_at_ever_more_rarely_and_for_six_days(place: Place) -> None:
    place.send()
    clock = MovingClock()
    begun = clock.now
    watch, looks = place.watch(clock), list[float]()
    while (clock.now - begun).days < 8:
        before = dict(watch._looked_at)
        watch.look()
        if watch._looked_at != before:
            looks.append((clock.now - begun).total_seconds())
        clock.move(60)
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert pauses[0] == 60
    assert pauses == sorted(pauses)
    assert max(pauses) == 3600
    assert 5.9 * 86400 < looks[-1] < 6.1 * 86400
    assert len(looks) < 200


def test_an_account_that_cannot_be_opened_is_not_tried_all_the_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.send()
    clock, tried = MovingClock(), list[str]()
    watch = place.watch(clock)

    def refused(name: str, *_: object) -> None:
        tried.append(name)
        raise Unavailable("The service cannot be reached.", service="gmail")

    monkeypatch.setattr(watch._accounts, "open", refused)
    for _ in range(180):
        watch.look()
        clock.move(20)
    assert 0 < len(tried) < 40


def test_the_command_line_tells_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    mail = place.send(["ann@example.org"])
    place.mailbox.arrive(postfix(mail))
    [found] = place.looked()
    assert main(["runs", "show", place.run_id, "--workspace", str(place.root)]) == 0
    assert f"send: {found.sentence}" in capsys.readouterr().err


def test_an_unknown_run_has_no_reports(place: Place) -> None:
    with pytest.raises(UnknownName):
        place.orchestra.runs.bounces(OWNER, "20261120T120000Z-k7hd2mqa")
