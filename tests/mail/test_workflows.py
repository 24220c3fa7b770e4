"""What people do with a mailbox, through the whole engine: answer, file, send, undo, and be told the truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from clients.errors import Timeout
from clients.imap import reading
from clients.imap import session as imap_session
from clients.imap.client import ImapClient
from clients.imap.filing import copy, flags_of
from clients.imap.search import SearchCriteria
from clients.mail.parts import header
from clients.mail.text import read_mail
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.steps.imap.filing import Copy
from engine.steps.imap.smtp import _BySmtp
from tests.mail.dovecot import PASSWORD
from tests.mail.mailboxes import connected, deliver, mail
from tests.mail.scripted import cut, serving, smtp, take_mail, then
from tests.mail.smtp_server import SmtpServer

OWNER = Principal("ann", "owner", confirmed=True)
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty workspace."""
    for folder in ("workflows", "prompts", "logs"):
        (tmp_path / "w" / folder).mkdir(parents=True)
    return tmp_path / "w"


@pytest.fixture
def orchestra(root: Path, sending_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Orchestra]:
    """A workspace with one connection: the mailbox."""
    connect(root, sending_settings)
    (root / ".env").write_text(f'IMAP_PASSWORD="{PASSWORD}"\n', encoding="utf-8")
    monkeypatch.setattr(_BySmtp, "lag_seconds", 0.0)
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def connect(root: Path, settings: Mapping[str, Any]) -> None:
    connection = {"service": "imap", **settings, "password": "env:IMAP_PASSWORD"}
    (root / "config.yaml").write_text(
        yaml.safe_dump({"connections": {"mailbox": connection}, "approvals": {"default": "never"}}), encoding="utf-8"
    )


def write(root: Path, steps: Sequence[Mapping[str, Any]]) -> None:
    document = {"schema_version": 1, "steps": list(steps)}
    (root / "workflows" / "work.json").write_text(json.dumps(document))


@pytest.fixture
def run(orchestra: Orchestra) -> Run:
    """Run these steps to the end."""

    def made(*steps: Mapping[str, Any]) -> Any:
        write(orchestra.workspace.root, steps)
        return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), 60)

    return made


@pytest.fixture
def ann(sending_settings: dict[str, Any]) -> Iterator[ImapClient]:
    """The owner's mail program."""
    with connected(sending_settings) as found:
        yield found


ANSWERING: tuple[dict[str, Any], ...] = (
    {"id": "mails", "uses": "imap.search_messages", "with": {"unread": True}},
    {
        "id": "each",
        "foreach": "{{ steps.mails.output.messages.filter(mail, mail.can_reply) }}",
        "as": "mail",
        "key": "{{ mail.id }}",
        "steps": [
            {
                "id": "draft",
                "uses": "imap.create_draft",
                "with": {"in_reply_to": "{{ mail.id }}", "text": "Thank you for: {{ mail.subject }}"},
            },
            {"id": "read", "uses": "imap.mark_read", "with": {"message": "{{ mail.id }}"}},
            {"id": "file", "uses": "imap.archive", "with": {"message": "{{ mail.id }}"}},
        ],
    },
)


def test_mail_is_answered_in_drafts_and_filed_and_all_of_it_is_undone(
    run: Run, ann: ImapClient, orchestra: Orchestra
) -> None:
    deliver(ann, mail("A question"))
    deliver(ann, mail("News", **{"List-Id": "<news.example.org>"}))
    done = run(*ANSWERING)
    assert done["status"] == "succeeded", done["error"]
    [draft] = ann.mail.search(SearchCriteria(folder="Drafts"), 9)["messages"]
    assert (draft["subject"], draft["text"]) == ("Re: A question", "Thank you for: A question")
    [filed] = ann.mail.search(SearchCriteria(folder="Archive"), 9)["messages"]
    assert (filed["subject"], filed["is_read"]) == ("A question", True)
    assert [one["subject"] for one in ann.mail.search(SearchCriteria(), 9)["messages"]] == ["News"]
    again = run(*ANSWERING)
    assert again["status"] == "succeeded"
    assert ann.mail.search(SearchCriteria(folder="Drafts"), 9)["matched"] == 1
    report = orchestra.runs.undo(OWNER, done["run_id"])
    assert (report.refused, report.cannot) == ([], [])
    assert ann.mail.search(SearchCriteria(folder="Drafts"), 9)["matched"] == 0
    assert {one["subject"] for one in ann.mail.search(SearchCriteria(), 9)["messages"]} == {"A question", "News"}


FILES = ["{{ steps.file.output.file }}", {"name": "note.txt", "text": "grüezi"}]


def test_a_file_of_a_mail_goes_on_to_somebody_else(run: Run, ann: ImapClient, smtp: SmtpServer) -> None:
    made = mail("Scan")
    made.add_attachment(b"%PDF-1.7 \x00\xff", maintype="application", subtype="pdf", filename="scan.pdf")
    identity = deliver(ann, made)
    done = run(
        {"id": "mail", "uses": "imap.get_message", "with": {"message": identity, "max_tokens": 100}},
        {
            "id": "file",
            "uses": "imap.get_attachment",
            "with": {"message": identity, "attachment": "{{ steps.mail.output.attachments[0].id }}"},
        },
        {
            "id": "send",
            "uses": "smtp.send",
            "with": {"to": "bob@example.org", "subject": "Scan", "attachments": FILES},
        },
    )
    assert done["status"] == "succeeded", done["error"]
    scan, note = smtp.last().iter_attachments()
    assert (scan.get_filename(), scan.get_content()) == ("scan.pdf", b"%PDF-1.7 \x00\xff")
    assert (note.get_filename(), note.get_payload(decode=True)) == ("note.txt", "grüezi".encode())
    assert smtp.last()["Auto-Submitted"] == "auto-generated"


def test_files_of_other_mails_are_attached_by_their_ids(run: Run, ann: ImapClient, smtp: SmtpServer) -> None:
    made = mail("Scan")
    made.add_attachment(b"%PDF-1.7 \x00\xff", maintype="application", subtype="pdf", filename="scan.pdf")
    identity = deliver(ann, made)
    [part] = ann.mail.message(identity)["attachments"]
    letter = {"to": "bob@example.org", "attachments": [{"message": identity, "id": part["id"]}]}
    done = run({"id": "send", "uses": "smtp.send", "with": letter})
    assert done["status"] == "succeeded", done["error"]
    [scan] = smtp.last().iter_attachments()
    assert (scan.get_filename(), scan.get_content()) == ("scan.pdf", b"%PDF-1.7 \x00\xff")


def test_a_mail_goes_on_with_its_files_below_a_text(run: Run, ann: ImapClient, smtp: SmtpServer) -> None:
    made, inner = mail("Scan", "The scan.\n"), mail("Older", "What was said.\n")
    made.add_attachment(b"%PDF-1.7 \x00\xff", maintype="application", subtype="pdf", filename="scan.pdf")
    made.add_attachment(inner)
    asked = {"message": deliver(ann, made), "to": "bob@example.org", "text": "For you."}
    done = run({"id": "on", "uses": "smtp.forward", "with": asked})
    assert done["status"] == "succeeded", done["error"]
    output, last = done["steps"][0]["output"], smtp.last()
    assert output == {**output, "message_id": last["Message-ID"], "recipients": ["bob@example.org"]}
    assert ann.mail.message(output["id"])["folder"] == "Sent Items"
    assert (last["Subject"], last["Auto-Submitted"], last["In-Reply-To"]) == ("Fwd: Scan", "auto-generated", None)
    lines = last.get_body(("plain",)).get_content().splitlines()  # type: ignore[union-attr]
    assert lines[:4] == ["For you.", "", "---------- Forwarded message ---------", "From: Bob <bob@example.org>"]
    assert "The scan." in lines
    scan, older = last.iter_attachments()
    assert (scan.get_filename(), scan.get_content()) == ("scan.pdf", b"%PDF-1.7 \x00\xff")
    assert b"What was said." in older.get_content()
    run({"id": "alone", "uses": "smtp.forward", "with": {**asked, "with_files": False}})
    assert [*smtp.last().iter_attachments()] == []


def test_everybody_gets_an_answer_where_that_is_wished(run: Run, ann: ImapClient, smtp: SmtpServer) -> None:
    asked = mail("Lunch?", To=f"{ann.account()}, Carol <carol@example.org>", Cc="dave@example.org")
    identity = deliver(ann, asked)
    done = run({"id": "answer", "uses": "smtp.reply", "with": {"message": identity, "text": "Yes.", "all": True}})
    assert done["status"] == "succeeded", done["error"]
    assert smtp.mails[0].rcpt_tos == ["bob@example.org", "carol@example.org", "dave@example.org"]
    assert (smtp.last()["Subject"], smtp.last()["In-Reply-To"]) == ("Re: Lunch?", str(asked["Message-ID"]))
    run({"id": "answer_one", "uses": "smtp.reply", "with": {"message": identity, "text": "Yes."}})
    assert smtp.mails[1].rcpt_tos == ["bob@example.org"]


def test_no_unseen_answer_goes_to_another_than_the_sender(run: Run, ann: ImapClient, smtp: SmtpServer) -> None:
    identity = deliver(ann, mail("Lunch?", **{"Reply-To": "Vic <vic@corp.example>"}))
    for uses, field in (("smtp.reply", "message"), ("smtp.send", "in_reply_to")):
        done = run({"id": "answer", "uses": uses, "with": {field: identity, "text": "Yes."}})
        assert (done["status"], done["error"]["type"]) == ("failed", "InvalidRequest")
        assert "vic@corp.example (Reply-To)" in done["error"]["message"]
    assert smtp.mails == []
    done = run({"id": "draft", "uses": "imap.create_draft", "with": {"in_reply_to": identity, "text": "Yes."}})
    assert "vic@corp.example (Reply-To)" in done["steps"][0]["note"]
    [draft] = ann.mail.search(SearchCriteria(folder="Drafts"), 9)["messages"]
    assert draft["to"] == "vic@corp.example"


def test_a_flag_that_was_there_before_stays_when_the_run_is_undone(
    run: Run, ann: ImapClient, orchestra: Orchestra
) -> None:
    identity = deliver(ann, mail(), flags=("\\Flagged",))
    done = run({"id": "flag", "uses": "imap.add_flags", "with": {"message": identity, "flags": ["\\Flagged", "todo"]}})
    assert done["steps"][0]["output"]["changed"] == ["todo"]
    orchestra.runs.undo(OWNER, done["run_id"])
    assert flags_of(ann.mailbox, identity) == ["\\Flagged"]


def test_a_mail_is_moved_and_copied_and_both_are_undone(run: Run, ann: ImapClient, orchestra: Orchestra) -> None:
    one, two = deliver(ann, mail("One")), deliver(ann, mail("Two"))
    done = run(
        {"id": "folders", "uses": "imap.list_folders"},
        {"id": "copy", "uses": "imap.copy", "with": {"message": one, "folder": "Archive"}},
        {"id": "bin", "uses": "imap.delete", "with": {"message": one}},
        {"id": "move", "uses": "imap.move", "with": {"message": two, "folder": "Archive"}},
        {"id": "unread", "uses": "imap.mark_unread", "with": {"message": "{{ steps.move.output.id }}"}},
        {"id": "plain", "uses": "imap.remove_flags", "with": {"message": "{{ steps.move.output.id }}"}},
    )
    assert done["status"] == "succeeded", done["error"]
    assert ann.mail.message(done["steps"][2]["output"]["id"])["subject"] == "One"
    assert ann.mail.search(SearchCriteria(), 9)["matched"] == 0
    report = orchestra.runs.undo(OWNER, done["run_id"])
    assert (report.refused, report.cannot) == ([], [])
    assert ann.mail.search(SearchCriteria(), 9)["matched"] == 2
    assert ann.mail.search(SearchCriteria(folder="Archive"), 9)["matched"] == 0


def test_a_copy_that_was_there_before_is_never_taken_for_ones_own(
    run: Run, ann: ImapClient, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = deliver(ann, mail("One"))
    copy(ann.mailbox, one, "Archive")
    transfer, fails = imap_session.ImapSession.transfer, [True]

    def stumbling(session: imap_session.ImapSession, command: str, uid: int, folder: str) -> int | None:
        if fails.pop() if fails else False:
            raise Timeout("The server did not send a complete answer in time.", service="imap")
        return transfer(session, command, uid, folder)

    monkeypatch.setattr(imap_session.ImapSession, "transfer", stumbling)
    monkeypatch.setattr(Copy, "lag_seconds", 0.0)
    done = run({"id": "copy", "uses": "imap.copy", "with": {"message": one, "folder": "Archive"}})
    assert done["status"] == "succeeded", done["error"]
    assert ann.mail.search(SearchCriteria(folder="Archive"), 9)["matched"] == 2, (
        "the one of before, and the one asked for"
    )
    orchestra.runs.undo(OWNER, done["run_id"])
    assert ann.mail.search(SearchCriteria(folder="Archive"), 9)["matched"] == 1


SEND = {"id": "send", "uses": "smtp.send", "with": {"to": "bob@example.org", "subject": "Hi", "text": "Hello"}}


@pytest.mark.parametrize("answer", ["--as-done", "--redo"])
def test_a_mail_that_may_have_left_is_a_persons_decision(
    run: Run, orchestra: Orchestra, sending_settings: dict[str, Any], ann: ImapClient, smtp: SmtpServer, answer: str
) -> None:
    with serving(smtp_that(then(take_mail, cut))) as server:
        connect(orchestra.workspace.root, {**sending_settings, "smtp_port": server.port, "smtp_security": "none"})
        failed = run(SEND)
        assert len(server.talks) == 1, "it is not sent once more"
    assert (failed["error"]["type"], failed["error"]["outcome"]) == ("OutcomeUnknown", "unknown")
    assert "--as-done" in failed["error"]["remedy"]
    connect(orchestra.workspace.root, sending_settings)
    resumed = orchestra.runs.resume(OWNER, failed["run_id"])
    ended: Any = orchestra.runs.wait(OWNER, resumed, 60)
    assert ended["error"]["type"] == "OutcomeUnknown"
    assert smtp.mails == []
    told = orchestra.runs.resume(OWNER, failed["run_id"], as_done=answer == "--as-done", redo=answer == "--redo")
    done = orchestra.runs.wait(OWNER, told, 60)
    assert done["status"] == "succeeded", done["error"]
    assert len(smtp.mails) == (answer == "--redo")


def test_a_mail_that_the_server_itself_has_kept_is_found_and_not_sent_again(
    run: Run, orchestra: Orchestra, sending_settings: dict[str, Any], ann: ImapClient
) -> None:
    def kept(talk: Any, tag: bytes) -> None:
        begun = len(talk.lines)
        take_mail(talk, tag)
        deliver(ann, b"\r\n".join(talk.lines[begun:-1]), "Sent Items")
        cut(talk, tag)

    with serving(smtp_that(kept)) as server:
        changed = {"smtp_port": server.port, "smtp_security": "none", "sent_copy": "server"}
        connect(orchestra.workspace.root, {**sending_settings, **changed})
        done = run(SEND)
        assert len(server.talks) == 1
    assert done["status"] == "succeeded", done["error"]
    assert done["steps"][0]["effect"]["found"]
    assert done["steps"][0]["output"]["recipients"] == ["bob@example.org"]


def smtp_that(answer: Any) -> Any:
    """A server that answers so to the mail itself."""
    return smtp({"DATA": answer})


def test_a_demo_reaches_no_mailbox(root: Path, sending_settings: dict[str, Any]) -> None:
    connect(root, sending_settings)
    (root / ".env").write_text(f'IMAP_PASSWORD="{PASSWORD}"\n', encoding="utf-8")
    write(root, [{"id": "mails", "uses": "imap.search_messages"}])
    opened = Orchestra.open(root, demo=True)
    try:
        failed: Any = opened.runs.wait(OWNER, opened.runs.start(OWNER, "work", {}), 60)
    finally:
        opened.close()
    assert "only the demo can be reached" in failed["error"]["message"]


def test_a_run_says_which_mails_could_not_be_read(run: Run, ann: ImapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(payload: Any, *rest: Any) -> dict[str, Any]:
        if header(payload, "Subject") == "Poison":
            raise TypeError("of a mail that nobody has thought of")
        return read_mail(payload, *rest)

    monkeypatch.setattr(reading, "read_mail", read)
    deliver(ann, mail("Order"))
    deliver(ann, mail("Poison"))
    done = run({"id": "mails", "uses": "imap.search_messages", "with": {}})
    [step] = done["steps"]
    assert (done["status"], step["output"]["matched"]) == ("succeeded", 2)
    assert [one["subject"] for one in step["output"]["messages"]] == ["Order"]
    [told] = step["output"]["unreadable"]
    assert told["subject"] == "Poison"
    assert step["note"] == f"1 of 2 mails could not be read. 'Poison': {told['reason']}"
    assert done["sentence"] == f"Done: 1 step done. {step['note']}"


def test_a_run_says_what_the_text_of_a_mail_leaves_out(run: Run, ann: ImapClient) -> None:
    crowded = mail("Crowded")
    crowded.make_mixed()
    for number in range(1001):
        crowded.attach(mail(f"{number}"))
    deliver(ann, mail("Order"))
    deliver(ann, crowded)
    [found] = run({"id": "mails", "uses": "imap.search_messages", "with": {}})["steps"]
    said = "Only the first 1,000 of its parts were read."
    told = {one["subject"]: one for one in found["output"]["messages"]}
    assert {subject: one["left_out"] for subject, one in told.items()} == {"Order": [], "Crowded": [said]}
    assert found["note"] == f"The text of 1 of 2 mails leaves something out. 'Crowded': {said}"
    one = {"id": "mail", "uses": "imap.get_message", "with": {"message": told["Crowded"]["id"]}}
    assert run(one)["steps"][0]["note"] == said
