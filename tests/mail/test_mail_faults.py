"""Everything that can go wrong with a mail server, and the error that it becomes: one table for IMAP, one for SMTP."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from clients.client import Opening
from clients.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotFound,
    Outcome,
    RateLimited,
    ServiceError,
    Timeout,
    Unavailable,
)
from clients.imap.client import ImapClient
from clients.imap.filing import copy, flags_of, move, set_flags
from clients.imap.search import SearchCriteria
from clients.imap.threads import thread
from clients.mail.letter import Letter
from clients.mail.outgoing import OutgoingMail
from clients.mail_server.settings import ImapSettings
from clients.transport import deadline
from tests.mail.scripted import (
    SMTP,
    Answer,
    Script,
    ScriptedServer,
    Talk,
    cut,
    dripping,
    flooding,
    hear,
    imap,
    serving,
    silent,
    smtp,
    take_mail,
    then,
)

pytestmark = pytest.mark.slow

SECRET = "correct-horse-battery"
MARKER = "a" * 32
MAIL = OutgoingMail(["bob@example.org", "carol@example.org"], subject="Hi", text="Hello")
MESSAGE = "INBOX:7:1"


def client_of(server: ScriptedServer, kind: str, **changes: Any) -> ImapClient:
    """A client whose IMAP or SMTP server is this one; the other is nowhere. The server's end closes its connections."""
    ports = {"port": server.port, "smtp_port": 1} if kind == "imap" else {"port": 1, "smtp_port": server.port}
    named = {"address": "ann@example.com", "password": SECRET, "host": "127.0.0.1", "smtp_host": "127.0.0.1"}
    settings = ImapSettings(**{**named, "security": "none", "smtp_security": "none", **ports, **changes})
    client = ImapClient.open(settings, Opening())
    server.at_end.append(client.close)
    return client


@dataclass(frozen=True)
class Fault:
    """What the server answers to the command in question, and what becomes of it."""

    answer: Answer
    error: type[ServiceError]
    outcome: Outcome = "not_done"


IMAP_FAULTS = {
    "auth": Fault("TAG NO [NOPERM] Access denied", AuthError),
    "session ended for the account": Fault("TAG NO [AUTHENTICATIONFAILED] Token expired", AuthError),
    "not found": Fault("TAG NO [NONEXISTENT] No such mailbox", NotFound),
    "conflict": Fault("TAG NO [ALREADYEXISTS] There is one", Conflict),
    "refused": Fault("TAG NO [CANNOT] Not like this", InvalidRequest),
    "refused without a word": Fault("TAG NO [CANNOT] ", InvalidRequest),
    "full": Fault("TAG NO [OVERQUOTA] The mailbox is full", InvalidRequest),
    "not understood": Fault("TAG BAD Error in IMAP command", InvalidRequest),
    "too busy": Fault("TAG NO [LIMIT] Too many commands", RateLimited),
    "too busy, in words": Fault("TAG NO Account exceeded command or bandwidth limits: rate limit", RateLimited),
    "down": Fault("TAG NO [UNAVAILABLE] Try later", Unavailable),
    "goodbye": Fault(then("* BYE Shutting down", cut), Unavailable, "unknown"),
    "cut before an answer": Fault(cut, Unavailable, "unknown"),
    "cut in the answer": Fault(then(b"* 1 FE", cut), Unavailable, "unknown"),
    "timeout": Fault(silent, Timeout, "unknown"),
    "drip": Fault(dripping, Timeout, "unknown"),
    "garbage": Fault("HTTP/1.1 200 OK\r\n\r\n<html>", BadAnswer, "unknown"),
    "oversize": Fault("* 1 FETCH (UID 1 BODY[] {999999999}", BadAnswer, "unknown"),
    "a line without end": Fault(flooding, BadAnswer, "unknown"),
    "empty": Fault("", BadAnswer, "unknown"),
}


@dataclass(frozen=True)
class Operation:
    """What is done, and the command that the fault hits."""

    run: Callable[[ImapClient], Any]
    command: str
    is_write: bool = False


OPERATIONS = {
    "list_folders": Operation(lambda it: it.folders(), "LIST"),
    "search_messages": Operation(lambda it: it.mail.search(SearchCriteria(), 5), "UID SEARCH"),
    "search_messages, reading": Operation(lambda it: it.mail.search(SearchCriteria(), 5), "UID FETCH"),
    "get_message": Operation(lambda it: it.mail.message(MESSAGE), "EXAMINE"),
    "get_thread": Operation(lambda it: thread(it.mailbox, "<a@b>"), "UID SEARCH"),
    "get_attachment": Operation(lambda it: it.mail.attachment(MESSAGE, "0"), "UID FETCH"),
    "flags": Operation(lambda it: flags_of(it.mailbox, MESSAGE), "UID FETCH"),
    "mark_read": Operation(lambda it: set_flags(it.mailbox, MESSAGE, ["\\Seen"], on=True), "UID STORE", is_write=True),
    "move": Operation(lambda it: move(it.mailbox, MESSAGE, "Trash"), "UID MOVE", is_write=True),
    "copy": Operation(lambda it: copy(it.mailbox, MESSAGE, "Trash"), "UID COPY", is_write=True),
    "create_draft": Operation(
        lambda it: it.outbox.create_draft(Letter(MAIL, MARKER, None, datetime.now(UTC))), "APPEND", is_write=True
    ),
    "find_draft": Operation(lambda it: it.outbox.find_draft(MARKER), "UID SEARCH"),
}


THIRD = 3
"""Each operation is tried with a third of the faults, each fault with a third of them; `make assurance`: all."""


def pairs() -> Iterator[Any]:
    """Give every fault with every operation."""
    for row, (kind, fault) in enumerate(IMAP_FAULTS.items()):
        for column, (name, operation) in enumerate(OPERATIONS.items()):
            marks = () if (row + column) % THIRD == 0 else pytest.mark.chaos
            yield pytest.param(fault, operation, id=f"{kind}-{name}", marks=marks)


@pytest.mark.parametrize(("fault", "operation"), list(pairs()))
def test_every_fault_of_an_imap_server_becomes_its_error(
    fault: Fault, operation: Operation, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(imap({operation.command: fault.answer})) as server:
        client = client_of(server, "imap")
        with client.mailbox.session():
            pass  # signed in beforehand: the time is for the command alone
        begun = time.monotonic()
        with deadline(0.5 if fault.error is Timeout else 20), pytest.raises(ServiceError) as caught:
            operation.run(client)
        assert time.monotonic() - begun < 60
        _check(caught.value, fault, caplog)
        assert _count(server, operation.command) == 1, "nothing is sent twice"
        monkeypatch.setattr("clients.imap.mailbox._SURE_SECONDS", -1.0)
        _goes_on(client, server)


def _goes_on(client: ImapClient, server: ScriptedServer) -> None:
    """After a fault the next call has a connection that works."""
    server.script = imap()
    for talk in server.talks:  # those that the server still holds follow the script with the fault
        talk.end()
    assert client.mail.message(MESSAGE)["text"] == "Hello, Ann"


def _check(error: ServiceError, fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    assert (type(error), error.outcome, error.service) == (fault.error, fault.outcome, "imap"), error.message
    assert len(error.message.split()) >= 3
    assert error.message[-1] in ".!?"
    assert error.remedy
    assert SECRET not in f"{error!r} {error} {error.remedy} {caplog.text}"


def _count(server: ScriptedServer, command: str) -> int:
    return sum(command.encode() in line.upper() for line in server.heard)


def test_the_operations_work_where_nothing_is_wrong() -> None:
    for operation in OPERATIONS.values():
        with serving(imap()) as server:
            operation.run(client_of(server, "imap"))


GREETINGS = {
    "not IMAP": Fault("HTTP/1.1 400 Bad Request", BadAnswer),
    "goodbye at once": Fault("* BYE Too many connections from your address", RateLimited),
    "cut at once": Fault(cut, Unavailable),
    "silent": Fault(silent, Timeout),
}


@pytest.mark.parametrize("fault", GREETINGS.values(), ids=GREETINGS)
def test_a_server_that_does_not_let_anybody_begin(fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    with serving(imap(greeting=fault.answer)) as server, deadline(0.4 if fault.error is Timeout else 20):
        client = client_of(server, "imap")
        with pytest.raises(ServiceError) as caught:
            set_flags(client.mailbox, MESSAGE, ["\\Seen"], on=True)
        _check(caught.value, fault, caplog)


LOGINS = {
    "wrong password": Fault("TAG NO Invalid login or password", AuthError),
    "too many at once": Fault("TAG NO [ALERT] Too many simultaneous connections. (Failure)", RateLimited),
    "it passes": Fault("TAG NO [UNAVAILABLE] Temporary authentication failure", Unavailable),
    "it passes, in words": Fault("TAG NO Server error, please try again", Unavailable),
    "too many wrong ones": Fault("TAG NO [AUTHENTICATIONFAILED] Too many login failures", AuthError),
}


@pytest.mark.parametrize("fault", LOGINS.values(), ids=LOGINS)
def test_what_a_refused_login_means(fault: Fault, caplog: pytest.LogCaptureFixture) -> None:
    with serving(imap({"AUTHENTICATE": then("+ ", hear, fault.answer)})) as server:
        with pytest.raises(ServiceError) as caught:
            client_of(server, "imap").folders()
        _check(caught.value, fault, caplog)


def test_who_forgot_that_an_app_password_is_needed_is_told_where_to_get_one() -> None:
    refusing = {"AUTHENTICATE": then("+ ", hear, "TAG NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)")}
    with serving(imap(refusing)) as server:
        line = client_of(server, "imap", address="me@gmail.com").check()[0]
    assert (line.what, line.ok) == ("sign-in", False)
    assert "https://myaccount.google.com/apppasswords" in line.text


def test_nobody_there_is_told_by_its_address() -> None:
    with serving(imap()) as server:
        client = client_of(server, "smtp")
        with pytest.raises(Unavailable, match=r"Nothing answers at 127\.0\.0\.1:1\.") as caught:
            client.folders()
        assert caught.value.outcome == "not_done"


def test_a_password_goes_nowhere_in_clear_but_to_this_machine() -> None:
    with serving(imap()) as server:
        client = client_of(server, "imap", host="192.0.2.1", smtp_host="192.0.2.1")
        for call in (client.folders, client.smtp.check):
            with pytest.raises(InvalidRequest, match="without encryption"):
                call()


def test_a_server_that_offers_no_encryption_gets_no_password() -> None:
    for kind, script in (("imap", imap()), ("smtp", smtp())):
        with serving(script) as server:
            client = client_of(server, kind, security="starttls", smtp_security="starttls")
            with pytest.raises(ServiceError, match="STARTTLS"):
                _ = client.folders() if kind == "imap" else client.smtp.check()
            assert not _count(server, "AUTH PLAIN")


def test_what_is_said_before_the_encryption_is_no_answer() -> None:
    offers = {
        "CAPABILITY": "* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK done",
        "STARTTLS": "TAG OK go\r\n* PREAUTH injected",
    }
    with serving(imap(offers)) as server:
        client = client_of(server, "imap", security="starttls")
        with pytest.raises(BadAnswer, match="before the encryption began"):
            client.folders()


SMTP_FAULTS: dict[str, tuple[str, Fault]] = {
    "auth": ("AUTH", Fault("535 5.7.8 Bad credentials", AuthError)),
    "an app password is asked for": ("AUTH", Fault("534 5.7.9 Application-specific password required", AuthError)),
    "the sender is refused": ("MAIL", Fault("550 5.7.1 Not your address", InvalidRequest)),
    "one recipient is refused": ("RCPT TO:<CAROL", Fault("550 5.1.1 No such user", InvalidRequest)),
    "a recipient must wait": ("RCPT", Fault("450 4.2.1 Greylisted", Unavailable)),
    "too busy": ("MAIL", Fault("421 4.7.0 Try again later, rate limit", RateLimited)),
    "down": ("MAIL", Fault("421 Shutting down", Unavailable)),
    "too many mails": ("DATA", Fault("452 4.5.3 Too many messages", RateLimited)),
    "cut before the mail": ("DATA", Fault(cut, Unavailable)),
    "timeout before the mail": ("RCPT", Fault(silent, Timeout)),
    "garbage": ("MAIL", Fault("HTTP/1.1 200 OK", BadAnswer)),
    "cut before the end mark": ("DATA", Fault(then("354 go", hear, cut), Unavailable, "unknown")),
    "the mail is refused": ("DATA", Fault(then(take_mail, "554 5.6.0 Looks like spam"), InvalidRequest)),
    "the mail must wait": ("DATA", Fault(then(take_mail, "451 4.3.0 Try again later"), RateLimited)),
    "cut after the mail": ("DATA", Fault(then(take_mail, cut), Unavailable, "unknown")),
    "timeout after the mail": ("DATA", Fault(then(take_mail, silent), Timeout, "unknown")),
    "drip after the mail": ("DATA", Fault(then(take_mail, dripping), Timeout, "unknown")),
    "garbage after the mail": ("DATA", Fault(then(take_mail, "what?"), BadAnswer, "unknown")),
    "oversize after the mail": ("DATA", Fault(then(take_mail, flooding), BadAnswer, "unknown")),
}


@pytest.mark.parametrize(("command", "fault"), SMTP_FAULTS.values(), ids=SMTP_FAULTS)
def test_every_fault_of_an_smtp_server_becomes_its_error(
    command: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(smtp({command: fault.answer})) as server:
        # The rules are looked through in order: a longer one goes first.
        server.script = smtp_first(command, fault.answer)
        client = client_of(server, "smtp")
        begun = time.monotonic()
        with deadline(1.5 if fault.error is Timeout else 20), pytest.raises(ServiceError) as caught:
            client.outbox.send(Letter(MAIL, MARKER, None, datetime.now(UTC)))
        assert time.monotonic() - begun < 60
        _check(caught.value, fault, caplog)
        assert len(server.talks) == 1, "nothing is sent twice"


def smtp_first(command: str, answer: Answer) -> Script:
    """Speak SMTP, with this answer before all others."""
    rest = {name: value for name, value in SMTP.items() if name != command}
    return smtp({command: answer, **rest}) if command in SMTP else _special(command, answer)


def _special(command: str, answer: Answer) -> Script:
    def rcpt(talk: Talk, _tag: bytes) -> None:
        is_hit = talk.lines[-1].decode().upper().startswith(command)
        talk.say(str(answer) if is_hit else "250 OK")

    return smtp({"RCPT": rcpt})


def test_a_mail_larger_than_the_server_takes_is_not_begun() -> None:
    with serving(smtp()) as server:
        client = client_of(server, "smtp")
        large = OutgoingMail(["bob@example.org"], text="x" * 1_100_000)
        with pytest.raises(InvalidRequest, match="too large") as caught:
            client.outbox.send(Letter(large, MARKER))
        assert caught.value.outcome == "not_done"
        assert not _count(server, "MAIL FROM")


REPEATED = [f"{SECRET}", f"{SECRET[:9]}\r\n {SECRET[9:]}", base64.encodebytes(f"\0ann\0{SECRET}".encode()).decode()]


@pytest.mark.parametrize("said", REPEATED, ids=["as it is", "over lines", "base64"])
def test_what_a_mail_server_repeats_of_the_password_is_shown_nowhere(said: str) -> None:
    mail = f"Message-ID: <a@b>\r\nSubject: {SECRET}\r\n\r\nBefore {said} after".encode()
    head = f"* 1 FETCH (UID 1 FLAGS ({SECRET}) RFC822.SIZE {len(mail)} BODY[] {{{len(mail)}}}\r\n".encode()
    answers: dict[str, Answer] = {
        "UID FETCH": then(head + mail + b")\r\n", "TAG OK done"),
        "LIST": f'* LIST () "/" {SECRET}\r\nTAG OK done',
    }
    with serving(imap(answers)) as server:
        client = client_of(server, "imap")
        shown = repr([client.folders(), client.mail.search(SearchCriteria(), 5)])
    assert "Before" in shown
    assert SECRET[9:] not in shown
    assert base64.b64encode(f"\0ann\0{SECRET}".encode()).decode()[8:20] not in shown


@pytest.mark.parametrize("refusal", ["TAG NO", "TAG BAD", "* BYE"])
def test_a_refusal_that_repeats_the_password_is_cut_after_that_is_taken_out(refusal: str) -> None:
    answers: dict[str, Answer] = {"UID SEARCH": f"{refusal} {'x' * 285} {SECRET} and more"}
    with serving(imap(answers)) as server, pytest.raises(ServiceError) as refused:
        client_of(server, "imap").mail.search(SearchCriteria(), 5)
    assert SECRET[:6] not in repr(vars(refused.value))


@pytest.mark.parametrize("offers", [True, False], ids=["DSN", "no DSN"])
def test_a_server_that_sends_reports_gets_the_marker_for_them(offers: bool) -> None:
    answers = {"EHLO": "250-here\r\n250 DSN"} if offers else {}
    with serving(smtp(answers)) as server:
        client = client_of(server, "smtp", sent_copy="none")
        client.outbox.send(Letter(MAIL, MARKER))
        [said] = [line for line in server.talks[-1].lines if line.upper().startswith(b"MAIL FROM")]
    assert (f"ENVID={MARKER}".encode() in said) is offers
    assert (b"RET=HDRS" in said) is offers
