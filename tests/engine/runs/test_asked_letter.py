"""A question's call as its receiver sees it, and which mail its text comes from; in doubt, none is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.plugins.registry import step_types
from engine.plugins.step import Preview
from engine.record.types.approval import AskedCall
from engine.runs.approvals import Approval
from engine.runs.asked_letter import AskedLetter, letter_of
from tests.engine.conftest import OWNER, write_workflow
from tests.engine.runs.conftest import own_accounts
from tests.patience import PATIENCE_SECONDS

__all__ = ["own_accounts"]

MAILS = {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 2}}
ISSUE = {"id": "issue", "uses": "github.create_issue", "approve": "always"}
EACH = {"id": "each", "foreach": "{{ steps.mails.output.messages }}", "as": "mail", "key": "{{ mail.id }}"}

SUMMARY = {"id": "summary", "uses": "llm.summarize", "with": {"text": "{{ mail.text }}"}}


@pytest.fixture
def orchestra(own_accounts: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(own_accounts)
    yield opened
    opened.close()


def asked(orchestra: Orchestra, root: Path, *steps: dict[str, Any]) -> tuple[Approval, Any]:
    """Start a run that asks; return the newest question and the run."""
    write_workflow(root, "work", list(steps))
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    assert run["status"] == "waiting", run["error"]
    return orchestra.approvals.list(OWNER)[0], run


def issue(title: str, body: str = "As it is.") -> dict[str, Any]:
    return {**ISSUE, "with": {"repository": "acme/app", "title": title, "body": body}}


def mail_of(run: Any, index: int) -> Any:
    return next(one for one in run["steps"] if one["id"] == "mails")["output"]["messages"][index]


def test_the_mail_that_a_text_comes_from_is_named_and_shown(orchestra: Orchestra, own_accounts: Path) -> None:
    steps = [SUMMARY, issue("{{ mail.subject }}", "{{ steps.summary.output.text }}")]
    question, run = asked(orchestra, own_accounts, MAILS, {**EACH, "steps": steps})
    mail = mail_of(run, 0)
    assert question.call is not None
    source = question.call.source
    assert source is not None
    assert (source.thing, source.sender, source.at) == ("mail", mail["from"], mail["date"])
    assert (source.subject, source.text) == (mail["subject"], mail["text"])


@pytest.mark.parametrize(
    ("steps", "thing"),
    [
        pytest.param([MAILS, issue("{{ steps.mails.output.messages[0].subject }}")], "mail", id="one of a list"),
        pytest.param(
            [
                MAILS,
                {**EACH, "steps": [SUMMARY]},
                {**EACH, "id": "again", "steps": [issue("{{ steps.each.output[1].summary.text }}")]},
            ],
            "mail",
            id="another item of a loop that has ended",
        ),
        pytest.param(
            [
                MAILS,
                {"id": "issues", "uses": "github.list_issues", "with": {"repository": "acme/app"}},
                {**EACH, "steps": [issue("{{ mail.subject }}", "{{ steps.issues.output.issues[0].title }}")]},
            ],
            None,
            id="of two kinds",
        ),
        pytest.param([issue("Ours")], None, id="none"),
    ],
)
def test_no_mail_is_named_if_it_may_be_another(
    orchestra: Orchestra, own_accounts: Path, steps: list[dict[str, Any]], thing: str | None
) -> None:
    question, _ = asked(orchestra, own_accounts, *steps)
    assert question.call is not None
    source = question.call.source
    assert (source and (source.thing, source.sender, source.text)) == (thing and (thing, "", ""))


def call(uses: str, arguments: dict[str, Any], preview: Preview | None = None, **more: Any) -> AskedCall:
    return AskedCall(uses, "", None, "", "", "", "", arguments, more.get("outside", {}), None, preview=preview)


def told(letter: AskedLetter) -> list[tuple[str, Any, str, bool]]:
    return [(one.title, one.value, one.argument, one.is_line) for one in letter.parts]


MAIL = Preview(
    "Re: Hours",
    "To: a@b.example\nSubject: Re: Hours\n\nAt nine.\n\n> When?",
    to="a@b.example",
    head=[["To", "a@b.example"], ["Subject", "Re: Hours"]],
)


HEAD = [("To", "a@b.example", "", True), ("Subject", "Re: Hours", "", True)]


@pytest.mark.parametrize(
    ("asked", "agreed", "parts"),
    [
        pytest.param(
            call(
                "github.create_issue",
                {
                    "repository": "acme/app",
                    "title": "It fails",
                    "body": "Here.",
                    "labels": ["bug", "new"],
                    "assignees": [],
                },
            ),
            "If you agree, this issue is opened in {to}.",
            [
                ("Repository", "acme/app", "repository", True),
                ("Title", "It fails", "title", True),
                ("Body", "Here.", "body", False),
                ("Labels", "bug, new", "labels", True),
            ],
            id="issue",
        ),
        pytest.param(
            call("store.upsert", {"table": "tasks", "key": "7", "value": {"who": "Ada", "hours": 3, "done": False}}),
            "If you agree, this row is saved in the table {to}.",
            [
                ("Table", "tasks", "table", True),
                ("Key of the row", "7", "key", True),
                ("Value · who", "Ada", "", True),
                ("Value · hours", "3", "", True),
                ("Value · done", "false", "", True),
            ],
            id="row",
        ),
        pytest.param(
            call("gmail.reply", {"message": "1", "text": "At nine."}, MAIL),
            "If you agree, this mail goes to {to}.",
            [*HEAD, ("", "At nine.\n\n> When?", "", False)],
            id="mail",
        ),
        pytest.param(
            call(
                "gmail.reply", {"message": "1", "text": "At nine.", "attachments": [{"name": "a", "text": "x"}]}, MAIL
            ),
            "If you agree, this mail goes to {to}.",
            [
                *HEAD,
                ("", "At nine.\n\n> When?", "", False),
                ("Attachments", [{"name": "a", "text": "x"}], "attachments", False),
            ],
            id="what the preview leaves out",
        ),
        pytest.param(call("gone.type", {"x": 5}), "", [("x", "5", "x", True)], id="a type of an earlier release"),
    ],
)
def test_a_call_reads_as_what_it_makes(asked: AskedCall, agreed: str, parts: list[Any]) -> None:
    letter = letter_of(asked)
    assert letter.agreed == agreed
    assert told(letter) == parts


def test_a_change_is_a_difference_and_says_what_it_does_not_show() -> None:
    preview = Preview("notes.md", "new", "old", "notes.md")
    letter = letter_of(call("github.put_file", {"path": "notes.md", "text": "new", "message": "Why"}, preview))
    assert letter.changes.splitlines()[-2:] == ["-old", "+new"]
    assert told(letter) == [("Commit message", "Why", "message", True)]


def test_a_change_says_where_it_goes() -> None:
    where = {"repository": "acme/app", "path": "notes.md", "branch": "main"}
    preview = Preview("notes.md", "new", "old", "notes.md")
    letter = letter_of(call("github.put_file", {**where, "text": "new", "message": "Why"}, preview))
    assert {one.argument for one in letter.parts} == {"repository", "branch", "message"}


@pytest.mark.parametrize(("outside", "marked"), [({}, []), ({"subject": "it"}, ["Subject"]), ({"text": "it"}, [""])])
def test_what_is_from_outside_is_marked(outside: dict[str, str], marked: list[str]) -> None:
    head = [["To", "a@b.example"], ["Subject", "Win!"]]
    preview = Preview("Win!", "To: a@b.example\nSubject: Win!\n\nAt nine.", to="a@b.example", head=head)
    arguments = {"to": ["a@b.example"], "subject": "Win!", "text": "At nine."}
    letter = letter_of(call("gmail.send", arguments, preview, outside=outside))
    assert [one.title for one in letter.parts if one.is_outside] == marked


@pytest.mark.parametrize(
    ("uses", "arguments", "marked"),
    [
        pytest.param("gmail.reply", {"message": "1", "text": "Yes."}, ["To", "Cc", "Subject"], id="all"),
        pytest.param("gmail.send", {"to": ["a@b.example"], "in_reply_to": "1"}, ["Cc", "Subject"], id="a recipient"),
        pytest.param("gmail.send", {"to": ["a@b.example"], "cc": "c@d.example, e@f.example", "subject": "Win!"}, [],
                     id="nothing"),
    ],
)  # fmt: skip
def test_what_a_reply_takes_from_the_mail_that_it_answers_is_marked(
    uses: str, arguments: dict[str, Any], marked: list[str]
) -> None:
    head = [["To", "a@b.example"], ["Cc", "c@d.example, e@f.example"], ["Subject", "Re: Win!"]]
    text = "".join(f"{name}: {value}\n" for name, value in head) + "\nYes."
    letter = letter_of(call(uses, arguments, Preview("Re: Win!", text, to="a@b.example", head=head)))
    assert [one.title for one in letter.parts if one.is_outside] == marked


def test_data_says_nothing_in_the_name_of_the_product() -> None:
    warned = {"": "Checked: this call sends nothing.", "To": "nobody"}
    [part] = letter_of(call("store.upsert", {"value": warned})).parts
    assert (part.value, part.is_warning) == (warned, False)
    looks_like_a_file = {"$file": "run/x/HIDDEN", "bytes": 3, "media_type": "text/plain", "name": "harmless.txt"}
    shown = letter_of(call("store.upsert", {"value": looks_like_a_file})).parts
    assert "run/x/HIDDEN" in [one.value for one in shown]


def test_a_text_is_shown_as_itself_though_somebody_else_has_written_it_too() -> None:
    preview = Preview("Fix", "We merge with:\n[skip ci]\nThanks", to="acme/app")
    letter = letter_of(call("github.merge_pull", {"pull": 1, "commit_message": "[skip ci]"}, preview))
    assert "commit_message" in [one.argument for one in letter.parts]


def test_the_sentences_need_only_what_is_known() -> None:
    for kind in step_types().values():
        assert not kind.agreed.format(to="", what="").startswith("{")
        assert kind.agreed == "" or kind.may_write
