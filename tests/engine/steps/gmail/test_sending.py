"""Gmail steps that send: answers to one and to all, mails passed on, drafts that are sent; each leaves once, marked."""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr, ValidationError

from clients.errors import InvalidRequest, NotFound
from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings
from clients.mail.addresses import specs
from engine.base.run_file import RunFile
from engine.mail.writing import MailSend
from engine.plugins.registry import step_type
from engine.plugins.step import Call, StepType
from engine.steps.gmail.drafts import CreateDraft, DeleteDraft, GetDraft, SendDraft, UpdateDraft
from engine.steps.gmail.sending import Forward, Reply, Send
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

LETTER = {"to": "ann@example.org", "subject": "Hello", "text": "How are you?"}
TEAM = (
    "From: Ann <ann@example.org>\nTo: {me}, Bob <bob@example.org>\nCc: carl@example.org, BOB@example.org, {me}\n"
    "Subject: Offer\nMessage-ID: <offer.1@example.org>\n\nHello"
)
FILED = (
    "From: Ann <ann@example.org>\nTo: {me}\nSubject: Offer\nContent-Type: multipart/mixed; boundary=x\n\n"
    "--x\n\nSee the file.\n--x\nContent-Type: text/csv; name=a.csv\n\n1,2\n--x--\n"
)
Do = Callable[..., Any]


@pytest.fixture
def call(standins: StandIns, http: httpx.Client) -> Call:
    endpoint = standins["gmail"]
    settings = GmailSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url)
    now = datetime.now(UTC)
    client = GmailClient(settings, http)
    return Call(None, client, "m" * 32, intended_at=now, started_at=now, read=lambda file: file.name.encode())


@pytest.fixture
def do(call: Call) -> Do:
    """Make one call of a step."""

    def run(step: StepType, marker: str = "m" * 32, **arguments: Any) -> Any:
        return step.call(replace(call, fields=step.fields.model_validate(arguments), marker=marker, request={}))

    return run


@pytest.fixture
def arrive(standins: StandIns, call: Call) -> Callable[[str], str]:
    """Let a mail arrive; gives its id."""

    def deliver(raw: str) -> str:
        content = raw.replace("{me}", call.client.account()).encode()
        url = f"{standins['gmail'].origin}/_demo/mail"
        answer = httpx.post(
            url, content=content, headers={"content-type": "text/plain"}, trust_env=False, timeout=PATIENCE_SECONDS
        )
        return str(answer.raise_for_status().json()["id"])

    return deliver


def head(standins: StandIns, message: str) -> dict[str, str]:
    """The headers of a mail that was sent."""
    (sent,) = [each for each in standins.show("gmail")["sent"] if each["id"] == message]
    return {each["name"]: each["value"] for each in sent["payload"]["headers"]}


CAME_FROM: dict[str, str] = {
    "Ann <ann@example.org>": "ann@example.org",
    '"boss@example.com" <ann@example.org>': "ann@example.org",
    "boss@example.com <ann@example.org>": "ann@example.org",
    "ann@example.org (boss@example.com)": "ann@example.org",
    "Ann <ann(boss@example.com)@example.org>": "ann@example.org",
    "Ann <@boss.example,@example.com:ann@example.org>": "ann@example.org",
    "Doe, boss <ann@example.org>": "ann@example.org",
}
"""How a mail's sender is written, and the address that it comes from."""


@pytest.mark.parametrize(("sender", "address"), CAME_FROM.items(), ids=CAME_FROM)
def test_a_mail_to_the_sender_of_another_goes_to_the_address_that_it_came_from_alone(
    do: Do, arrive: Callable[[str], str], call: Call, standins: StandIns, sender: str, address: str
) -> None:
    came = call.client.mail.message(arrive(f"From: {sender}\nSubject: Offer\n\nHello"))
    sent = do(Send(), to=came["from"], subject="Yes", text="Thanks")
    to = head(standins, sent["id"])["To"]
    assert [found for _, found in getaddresses([to])] == [address], to
    assert specs(came["from"]) == [address]


NOBODY = (
    "Ann",
    "undisclosed-recipients:;",
    "ann@example.org, " * 4000,
    "Boss <boss@example.com>, Ann <ann@example.org>",
    "<boss@example.com> <ann@example.org>",
    "Sales @ Acme, Inc. <ann@example.org>",
    "=?utf-8?q?boss=40example=2Ecom=2C?= <ann@example.org>",  # Gmail gives it as two
    "=?utf-8?q?=22x=22_=3Cboss=40example=2Ecom=3E?= <ann@example.org>",
)
"""How a sender is written that is nobody, or may be one of several."""


@pytest.mark.parametrize("sender", NOBODY)
def test_a_mail_whose_sender_is_none_or_too_many_is_not_answered_by_its_name(
    do: Do, arrive: Callable[[str], str], call: Call, sender: str
) -> None:
    came = call.client.mail.message(arrive(f"From: {sender}\nSubject: Offer\n\nHello"))
    with pytest.raises(ValidationError):  # before anything is sent
        do(Send(), to=came["from"], subject="Yes", text="Thanks")


@pytest.mark.parametrize("is_to_all", [False, True], ids=["to one", "to all"])
def test_an_answer_goes_to_its_sender_and_on_request_to_all_others_but_oneself(
    do: Do, call: Call, arrive: Callable[[str], str], standins: StandIns, is_to_all: bool
) -> None:
    mail = arrive(TEAM)
    output = do(Reply(), message=mail, text="Thanks", all=is_to_all)
    written = head(standins, output["id"])
    assert written["To"] == "ann@example.org"
    assert written.get("Cc") == ("bob@example.org, carl@example.org" if is_to_all else None)
    assert (written["Subject"], written["In-Reply-To"]) == ("Re: Offer", "<offer.1@example.org>")
    assert written["Auto-Submitted"] == "auto-replied"
    assert output["thread_id"] == call.client.mail.message(mail)["thread_id"]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param("From: {me}", id="oneself"),
        pytest.param("From: a@b.example\nAuto-Submitted: auto-generated", id="automatic"),
        pytest.param("From: a@b.example\nPrecedence: bulk", id="bulk"),
        pytest.param("From: a@b.example\nList-Id: <x.b.example>", id="list"),
        pytest.param("From: no-reply@b.example", id="no-reply"),
    ],
)
def test_what_must_not_be_answered_is_refused_and_may_be_passed_on(
    do: Do, arrive: Callable[[str], str], standins: StandIns, headers: str
) -> None:
    mail = arrive(f"{headers}\nSubject: x\n\nhello")
    before = len(standins.show("gmail")["sent"])
    for is_to_all in (False, True):
        with pytest.raises(InvalidRequest, match="must not be answered"):
            do(Reply(), message=mail, text="Thanks", all=is_to_all)
    assert len(standins.show("gmail")["sent"]) == before
    assert do(Forward(), message=mail, to="ann@example.org")["id"]


FORM = "From: Form <form@site.example>\nReply-To: {to}\nSubject: Offer\nMessage-ID: <offer.2@site.example>\n\nHello"
ELSEWHERE = FORM.replace("{to}", "Vic <vic@corp.example>")


@pytest.mark.parametrize(
    ("step", "fields"),
    [
        pytest.param(Reply(), {"message": "MAIL"}, id="reply"),
        pytest.param(Reply(), {"message": "MAIL", "all": True}, id="reply to all"),
        pytest.param(Send(), {"in_reply_to": "MAIL"}, id="send"),
        pytest.param(Send(), {"in_reply_to": "MAIL", "cc": "me@example.org"}, id="send with a copy"),
    ],
)
def test_an_answer_that_nobody_has_seen_goes_to_no_other_than_the_sender(
    do: Do, call: Call, arrive: Callable[[str], str], standins: StandIns, step: StepType, fields: dict[str, Any]
) -> None:
    mail = arrive(ELSEWHERE)
    given = {**fields, "text": "Thanks", **{key: mail for key, value in fields.items() if value == "MAIL"}}
    before = len(standins.show("gmail")["sent"])
    with pytest.raises(InvalidRequest, match=r"vic@corp\.example \(Reply-To\)") as refused:
        do(step, **given)
    assert "approve" in refused.value.remedy
    assert len(standins.show("gmail")["sent"]) == before
    asked = replace(call, fields=step.fields.model_validate(given), notes=[])
    assert "form@site.example" in str(step.preview(asked))  # who approves it is told
    output: Any = step.call(replace(asked, is_seen=True))
    assert head(standins, output["id"])["To"] == "vic@corp.example"
    assert any("Reply-To" in note for note in asked.notes)


def test_an_answer_to_a_sender_whom_the_workflow_names_needs_nobody(
    do: Do, arrive: Callable[[str], str], standins: StandIns
) -> None:
    output = do(Send(), in_reply_to=arrive(ELSEWHERE), to="form@site.example", text="Thanks")
    assert head(standins, output["id"])["To"] == "form@site.example"
    same = arrive(FORM.replace("{to}", "Form@Site.example"))
    assert head(standins, do(Reply(), message=same, marker="n" * 32, text="Thanks")["id"])["To"]


def test_a_draft_that_answers_somebody_else_says_so_and_is_not_sent_unseen(
    do: Do, call: Call, arrive: Callable[[str], str], standins: StandIns
) -> None:
    asked = replace(
        call, fields=CreateDraft.fields.model_validate({"in_reply_to": arrive(ELSEWHERE), "text": "Hi"}), notes=[]
    )
    draft: Any = CreateDraft().call(asked)
    assert any("vic@corp.example (Reply-To)" in note for note in asked.notes)
    before = len(standins.show("gmail")["sent"])
    with pytest.raises(InvalidRequest, match="Reply-To") as refused:
        do(SendDraft(), draft=draft["id"])
    assert "approve" in refused.value.remedy
    assert len(standins.show("gmail")["sent"]) == before
    sending = replace(call, fields=SendDraft.fields.model_validate({"draft": draft["id"]}), marker="s" * 32)
    output: Any = SendDraft().call(replace(sending, is_seen=True))
    written = head(standins, output["id"])
    assert written["To"] == "vic@corp.example"
    assert [name for name in written if name.startswith("X-")] == ["X-Orchestra"]


def test_a_mail_is_passed_on_with_its_files_and_ones_own(
    do: Do, call: Call, arrive: Callable[[str], str], standins: StandIns
) -> None:
    mail = arrive(FILED)
    own = RunFile.model_validate({"$file": "x", "name": "b.pdf", "bytes": 5, "media_type": "application/pdf"})
    given = [own.model_dump(by_alias=True), {"name": "c.txt", "text": "c"}]
    output = do(Forward(), message=mail, to=["Bob <bob@example.org>"], text="For you.", attachments=given)
    written = call.client.mail.message(output["id"])
    assert (written["subject"], written["to"]) == ("Fwd: Offer", "Bob <bob@example.org>")
    assert written["text"].startswith("For you.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@example.org>")
    assert written["text"].endswith("\n\nSee the file.")
    files = [(one["name"], one["media_type"], one["bytes"]) for one in written["attachments"]]
    assert files == [("a.csv", "text/csv", 3), ("b.pdf", "application/pdf", 5), ("c.txt", "text/plain", 1)]
    assert head(standins, output["id"])["Auto-Submitted"] == "auto-generated"
    bare = do(Forward(), marker="n" * 32, message=mail, to="bob@example.org", subject="Look", with_files=False)
    written = call.client.mail.message(bare["id"])
    assert (written["subject"], written["attachments"]) == ("Look", [])


def test_a_file_of_the_mail_that_is_passed_on_is_not_shown_in_place_of_ones_own(
    do: Do, call: Call, arrive: Callable[[str], str]
) -> None:
    mail = arrive(FILED.replace("text/csv; name=a.csv", "image/png; name=logo.png").replace("1,2", "theirs"))
    own = {"name": "logo.png", "base64": base64.b64encode(b"own").decode()}
    given = {"text": "![Logo](logo.png)", "markdown": True, "attachments": [own]}
    sent = do(Forward(), message=mail, to="bob@example.org", **given)["id"]
    found = call.client.mail.message(sent)["attachments"]
    contents = {one["inline"]: call.client.mail.attachment(sent, one["id"]).content.strip() for one in found}
    assert contents == {True: b"own", False: b"theirs"}


def test_a_mail_to_nobody_is_not_sent(do: Do, arrive: Callable[[str], str]) -> None:
    with pytest.raises(InvalidRequest, match="no recipient"):
        do(Forward(), message=arrive(FILED))
    assert [field for field, _ in Forward().problems({"message": "1"}, {})] == ["to"]


def test_a_draft_is_sent_as_it_is_and_found_by_the_write_that_sent_it(do: Do, call: Call, standins: StandIns) -> None:
    draft = do(CreateDraft(), **LETTER, attachments=[{"name": "a.txt", "text": "a\nb"}])
    asked = replace(call, fields=SendDraft.fields.model_validate({"draft": draft["id"]}), marker="s" * 32)
    assert SendDraft().find(asked) is None
    output: Any = SendDraft().call(asked)
    assert SendDraft().find(asked) == output
    assert output["thread_id"] == draft["thread_id"]
    written = head(standins, output["id"])
    assert written["Message-ID"] == output["message_id"] != draft["message_id"]
    assert (written["X-Orchestra"], written["Auto-Submitted"]) == ("s" * 32, "auto-generated")
    assert (written["To"], written["Subject"]) == ("ann@example.org", "Hello")
    sent = call.client.mail.message(output["id"])
    assert (sent["text"], [one["bytes"] for one in sent["attachments"]]) == ("How are you?", [3])
    assert draft["id"] not in [one["id"] for one in standins.show("gmail")["drafts"]]


def test_a_draft_is_changed_read_and_deleted(do: Do) -> None:
    draft = do(CreateDraft(), **LETTER)["id"]
    changed = do(UpdateDraft(), draft=draft, **{**LETTER, "subject": "Other"})
    assert changed["id"] == draft
    found = do(GetDraft(), draft=draft)
    assert (found["draft"], found["id"], found["subject"]) == (draft, changed["message"], "Other")
    assert do(DeleteDraft(), draft=draft) == {"id": draft, "deleted": True}
    assert do(DeleteDraft(), draft=draft) == {"id": draft, "deleted": False}
    for step in (GetDraft(), SendDraft()):
        with pytest.raises(NotFound, match=draft):
            do(step, draft=draft)


@pytest.mark.parametrize("step", [Send(), Reply(), Forward(), SendDraft()], ids=lambda step: step.name)
def test_every_step_that_sends_can_be_found_and_not_undone(step: MailSend) -> None:
    assert (str(step.repeat), step.undoes) == ("findable", "")
    assert "cannot be recalled" in step.lasts


@pytest.mark.parametrize(
    ("step", "listed"),
    [
        pytest.param(Send(), "messages", id="a mail"),
        pytest.param(CreateDraft(), "drafts", id="a draft"),
    ],
)
def test_what_was_written_is_found_while_the_search_is_late(
    call: Call, standins: StandIns, step: StepType, listed: str
) -> None:
    asked = replace(call, fields=step.fields.model_validate(LETTER))
    assert step.find(asked) is None
    made = step.call(asked)
    standins.faults("gmail", match="rfc822msgid", status=200, body=f'{{"{listed}": []}}', times=5)
    assert step.find(asked) == made


def read(standins: StandIns, message: str) -> EmailMessage:
    """A mail of the mailbox, as another program parses it."""
    url = f"{standins['gmail'].base_url}/gmail/v1/users/me/messages/{message}?format=raw"
    headers = {"Authorization": f"Bearer {standins['gmail'].token}"}
    answer = httpx.get(url, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()
    mail = email.message_from_bytes(base64.urlsafe_b64decode(answer.json()["raw"] + "=="), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


WRITTEN = {"subject": "Offer", "text": "**Yes** <b>no</b>", "markdown": True, "reply_to": "desk@example.org"}


@pytest.mark.parametrize("step", [Send(), CreateDraft(), Reply(), Forward()], ids=lambda step: str(step.name))
def test_markdown_has_an_html_version_in_which_tags_are_text_and_answers_go_elsewhere(
    call: Call, standins: StandIns, arrive: Callable[[str], str], step: StepType
) -> None:
    place = {"message": arrive(FILED)} if "message" in step.fields.model_fields else {}
    to = {"to": "bob@example.org"} if "to" in step.fields.model_fields else {}
    asked = replace(call, fields=step.fields.model_validate({**WRITTEN, **place, **to}), request={})
    output: Any = step.call(asked)
    mail = read(standins, output.get("message", output["id"]))
    assert mail["Reply-To"] == "desk@example.org"
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert plain.startswith("**Yes** <b>no</b>")
    assert "<strong>Yes</strong> &lt;b&gt;no&lt;/b&gt;" in html
    assert ("Forwarded message" in html) is (step.name == "gmail.forward")
    shown = step.preview(replace(asked, request={})).text
    assert "Reply-To: desk@example.org" in shown
    assert "<strong>Yes</strong>" in shown


def test_html_of_one_s_own_is_sent_as_it_is_beside_its_text(do: Do, standins: StandIns) -> None:
    made = do(CreateDraft(), to="a@example.org", html="<p>One</p><p>Two</p>")
    mail = read(standins, made["message"])
    plain, html = (mail.get_body((kind,)).get_content().strip() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert (plain.split(), html) == (["One", "Two"], "<p>One</p><p>Two</p>")


@pytest.mark.parametrize("name", ["gmail.send", "gmail.reply", "gmail.create_draft", "smtp.send", "imap.create_draft"])
def test_a_text_that_is_sent_as_html_is_rewritten_as_markdown(name: str) -> None:
    step = step_type(name)
    for given, markup in ((False, ""), (True, "markdown"), ("{{ inputs.markdown }}", "markdown")):
        assert step.markup_of("text", {"markdown": given}) == markup
    assert step.markup_of("text", {}) == step.markup_of("subject", {"markdown": True}) == ""
