"""Every face shows a question with the object behind the ids, and the answer given there counts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.pages.approval_link import LinkPages
from dashboard.approvals.answer_page import rendered
from engine.base.errors import InvalidInput, NotAllowed
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.answer_page import AnswerView
from engine.runs.approvals import Approval
from tests.faces.conftest import Faces
from tests.patience import PATIENCE_SECONDS, until

OWNER = Principal("owner", "owner")
DRAFT = {"to": "mia@example.org", "subject": "Hello", "text": "As agreed."}
STEPS: Sequence[dict[str, Any]] = (
    {"id": "draft", "uses": "gmail.create_draft", "with": DRAFT},
    {"id": "send", "uses": "gmail.send_draft", "with": {"draft": "{{ steps.draft.output.id }}"}},
)


def asked(orchestra: Orchestra, steps: Sequence[dict[str, Any]] = STEPS) -> Approval:
    """Start a run in the demo and return its question."""
    document = {"schema_version": 1, "title": "Letter", "steps": list(steps)}
    (orchestra.workspace.root / "workflows" / "letter.json").write_text(json.dumps(document))
    run_id = orchestra.runs.start(OWNER, "letter", {})
    run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["status"] == "waiting", run["error"]
    [found] = orchestra.approvals.list(OWNER)
    return found


def human(faces: Faces, *arguments: str) -> str:
    """What a command prints for people."""
    from cli import main

    faces.capsys.readouterr()
    assert main([*arguments, "--workspace", str(faces.orchestra.workspace.root)]) == 0
    return faces.capsys.readouterr().out


def link_page(faces: Faces, question: Approval, languages: str = "en") -> str:
    config = faces.orchestra.workspace.root / "config.yaml"
    if "/hook" not in (text := config.read_text()):
        notify = "approvals:\n  notify: https://example.invalid/hook"
        config.write_text(re.sub("^approvals:", notify, text, flags=re.MULTILINE))
    token = faces.orchestra.approval_links.token(question)
    client = TestClient(Starlette(routes=LinkPages(lambda: faces.orchestra, rendered).routes()))
    return unescape(client.get("/approve", params={"token": token}, headers={"Accept-Language": languages}).text)


def test_every_face_shows_the_draft_that_will_be_sent(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    question = asked(faces.orchestra)
    shown = faces.command(["approvals", "show", question.id]).value
    assert shown == faces.request("GET", f"/api/approvals/{question.id}").value
    assert shown["call"]["preview"]["text"] == "To: mia@example.org\nSubject: Hello\n\nAs agreed."
    page = faces.page(lambda go: go("approvals")).value
    texts = (human(faces, "approvals", "show", question.id), "\n".join(one.value for one in page.code))
    for text in (*texts, link_page(faces, question)):
        assert "As agreed." in text
    assert "mia@example.org · Hello" in human(faces, "approvals", "list")
    [heading] = [one.value.replace("\\", "").replace(":color[]", "") for one in page.header]
    assert "mia@example.org" in heading
    assert any("<dd>Hello</dd>" in str(one.proto.body) for one in page.get("html"))
    faces.orchestra.approvals.approve(OWNER, question.id)
    until(lambda: faces.orchestra.runs.get(OWNER, question.run_id)["status"] == "succeeded")


def test_a_domain_that_looks_like_another_is_shown_in_ascii_too(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    fields = {**DRAFT, "to": "ann@ex\u0430mple.com", "subject": "\u05e9\u05dc\u05d5\u05dd"}
    question = asked(faces.orchestra, [{"id": "send", "uses": "gmail.send", "with": fields}])
    to = "ann@ex\u0430mple.com (xn--exmple-4nf.com)"
    [heading] = [one.value for one in faces.page(lambda go: go("approvals")).value.header]
    assert to in heading.replace("\\", "").replace(":color[]", "")
    assert to in human(faces, "approvals", "list")
    assert f"<bdi><b>{to}</b></bdi>" in link_page(faces, question)


def test_an_address_that_is_none_is_no_link_on_the_page_of_a_link(make_faces: Callable[[], Faces]) -> None:
    question = asked(make_faces().orchestra)
    assert question.call is not None
    assert question.call.preview is not None
    preview = replace(question.call.preview, url="https://[")
    shown = rendered(AnswerView("en", question=replace(question, call=replace(question.call, preview=preview))))
    assert "As agreed." in shown.body
    assert "https://[" not in shown.body


def test_every_face_marks_what_a_reply_takes_from_the_mail_that_it_answers(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    mails = {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 1}}
    answers = {"message": "{{ steps.mails.output.messages[0].id }}", "text": "At nine."}
    question = asked(faces.orchestra, [mails, {"id": "reply", "uses": "gmail.reply", "with": answers}])
    shown = human(faces, "approvals", "show", question.id)
    assert "To: the mail that is answered" in shown
    assert "Subject: the mail that is answered" in shown
    page = faces.page(lambda go: go("approvals")).value
    marks = [one.value for one in page.caption if ":material/public:" in one.value]
    assert any("To, Subject" in one for one in marks)
    assert re.search('<p class="origin">To, Subject: ', link_page(faces, question))


@pytest.mark.parametrize(("dmarc", "is_warned"), [("fail", True), ("pass", False), ("", False)])
def test_the_letter_warns_of_a_sender_that_is_not_confirmed(
    make_faces: Callable[[], Faces], dmarc: str, is_warned: bool
) -> None:
    faces = make_faces()
    document = {"schema_version": 1, "title": "Letter", "steps": [
        {"id": "mail", "uses": "gmail.get_message", "with": {"message": "m"}},
        {"id": "send", "uses": "gmail.send", "with": {**DRAFT, "text": "{{ steps.mail.output.text }}"}},
    ]}  # fmt: skip
    (faces.orchestra.workspace.root / "workflows" / "letter.json").write_text(json.dumps(document))
    texts = dict.fromkeys(("id", "thread_id", "message_id", "url", "to", "cc", "date", "text_missing"), "")
    mail: dict[str, Any] = {**texts, "from": "boss@a.example", "subject": "Pay", "text": "Pay now.", "full_text": None,
            "labels": [], "text_truncated": False, "attachments": [], "can_reply": True,
            "authentication": {"dmarc": dmarc}}  # fmt: skip
    run_id = faces.orchestra.runs.start(OWNER, "letter", {}, pins={"mail": mail})
    assert faces.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"
    [question] = faces.orchestra.approvals.list(OWNER)
    page = faces.page(lambda go: go("approvals")).value
    for text in ("\n".join(str(one.value) for one in page.caption), link_page(faces, question)):
        assert ("The sender is not confirmed" in text) is is_warned
    assert ("Der Absender ist nicht bestätigt" in link_page(faces, question, "de")) is is_warned


def test_every_face_says_what_has_changed_since_an_approval(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    first = asked(faces.orchestra)
    assert first.call is not None
    change = {"draft": first.call.arguments["draft"], **DRAFT, "text": "Send the money."}
    document = {
        "schema_version": 1,
        "title": "x",
        "steps": [{"id": "it", "uses": "gmail.update_draft", "with": change}],
    }
    (faces.orchestra.workspace.root / "workflows" / "other.json").write_text(json.dumps(document))
    faces.orchestra.runs.wait(OWNER, faces.orchestra.runs.start(OWNER, "other", {}), PATIENCE_SECONDS)
    faces.orchestra.approvals.approve(OWNER, first.id)
    until(lambda: [one for one in faces.orchestra.approvals.list(OWNER) if one.id != first.id])
    [second] = faces.orchestra.approvals.list(OWNER)
    page = faces.page(lambda go: go("approvals")).value
    texts = (human(faces, "approvals", "show", second.id), "\n".join(one.value for one in page.code))
    for text in (*texts, link_page(faces, second)):
        assert "-As agreed." in text
        assert "+Send the money." in text


def test_what_is_too_long_to_show_can_be_had_whole_and_is_not_approved_by_a_link(
    make_faces: Callable[[], Faces], tmp_path: Path
) -> None:
    faces, whole = make_faces(), f"Begin {'x' * 300_000} end"
    long = {"id": "long", "uses": "flow.set", "with": {"values": {"text": whole}}}
    send = {"id": "send", "uses": "gmail.send", "with": {**DRAFT, "text": "{{ steps.long.output.text }}"}}
    question = asked(faces.orchestra, [long, send])
    folder = tmp_path / "saved"
    assert "300,010 bytes: saved as" in human(faces, "approvals", "show", question.id, "--files", str(folder))
    assert [path.read_text() for path in folder.iterdir()] == [whole]
    page = faces.page(lambda go: go("approvals")).value
    assert "300 KB" in "".join(one.proto.label for one in page.get("download_button"))
    assert 'value="approve"' not in link_page(faces, question)
    token = faces.orchestra.approval_links.token(question)
    with pytest.raises(NotAllowed, match="files or large texts"):
        faces.orchestra.approval_links.answer(token, "", approve=True)
    assert faces.orchestra.approvals.get(OWNER, question.id).state == "open"
    assert faces.orchestra.approval_links.answer(token, "", approve=False).state == "rejected"


def test_a_text_that_the_page_cuts_is_told_and_can_be_downloaded(make_faces: Callable[[], Faces]) -> None:
    faces, text = make_faces(), f"Begin {'x' * 120_000} end"
    question = asked(faces.orchestra, [{"id": "send", "uses": "gmail.send", "with": {**DRAFT, "text": text}}])
    page = faces.page(lambda go: go("approvals")).value
    assert any("20,010 more characters" in one.value for one in page.warning)
    assert "Download all 120,010 characters" in [one.proto.label for one in page.get("download_button")]
    for shown in (human(faces, "approvals", "show", question.id), link_page(faces, question)):
        assert text in shown


def test_every_face_says_that_a_text_was_shortened_which_is_no_gap(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    issue = {"repository": "acme/app", "title": "Log", "body": "A line of it. " * 5_000}
    question = asked(
        faces.orchestra, [{"id": "issue", "uses": "github.create_issue", "with": issue, "approve": "always"}]
    )
    assert question.gaps == ()
    page = faces.page(lambda go: go("approvals")).value
    texts = (human(faces, "approvals", "show", question.id), "\n".join(one.value for one in page.info))
    for text in (*texts, link_page(faces, question)):
        assert re.search(r"body: shortened: 65,\d\d\d of 70,000 characters\.", text.replace("\\", "")), text[-500:]
    faces.orchestra.approvals.approve(OWNER, question.id, arguments={**issue, "body": "Short."})
    until(lambda: faces.orchestra.runs.get(OWNER, question.run_id)["status"] == "succeeded")
    [step] = faces.orchestra.runs.get(OWNER, question.run_id)["steps"]
    assert (step.get("note"), step["output"]["fitted"]) == (None, [])


def test_every_face_tells_what_an_edit_has_changed(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    question = asked(faces.orchestra, [{"id": "send", "uses": "gmail.send", "with": DRAFT}])
    faces.orchestra.approvals.approve(OWNER, question.id, arguments={**DRAFT, "text": "As we agreed."})
    shown = faces.command(["approvals", "show", question.id]).value
    assert shown == faces.request("GET", f"/api/approvals/{question.id}").value
    assert (shown["edited"]["text"], shown["answered_by"]) == ("As we agreed.", OWNER.id)
    assert "approved, edited" in human(faces, "approvals", "list", "--state", "approved")
    page = faces.page(lambda go: go("approvals", tab="answered")).value
    assert any("Edited by owner" in one.label for one in page.expander)
    texts = (human(faces, "approvals", "show", question.id), "\n".join(one.value for one in page.code))
    for text in (*texts, shown["difference"]):
        assert "-As agreed." in text
        assert "+As we agreed." in text


@pytest.mark.parametrize(
    ("text", "edited", "gap"), [("We open at [hour].", None, "[hour]"), ("As agreed.", " \n", "text (empty)")]
)
def test_no_face_approves_a_text_with_gaps_unless_it_is_said(
    make_faces: Callable[[], Faces], tmp_path: Path, text: str, edited: str | None, gap: str
) -> None:
    faces = make_faces()
    written = {**DRAFT, "text": text}
    question = asked(faces.orchestra, [{"id": "send", "uses": "gmail.send", "with": written}])
    arguments = None if edited is None else {**written, "text": edited}
    (tmp_path / "edit.json").write_text(json.dumps(arguments))
    command = ["approvals", "approve", question.id, *(["--edit", str(tmp_path / "edit.json")] if arguments else [])]
    one, several = f"/api/approvals/{question.id}/approve", "/api/approvals/answers"
    answers = {"answers": [{"id": question.id, "decision": "approve", "arguments": arguments}]}
    if arguments is None:
        assert gap in human(faces, "approvals", "show", question.id)
        assert 'value="approve"' not in link_page(faces, question)
        token = faces.orchestra.approval_links.token(question)
        with pytest.raises(InvalidInput, match=re.escape(gap)):
            faces.orchestra.approval_links.answer(token, "", approve=True)
    outcome = faces.command(command)
    assert (outcome.error, gap in outcome.message) == ("InvalidInput", True), outcome
    assert gap in faces.raw("POST", one, json.dumps({"arguments": arguments})).json()["error"]["message"]
    [refused] = faces.raw("POST", several, json.dumps(answers)).json()["answers"]
    assert gap in refused["error"]["message"]
    assert faces.orchestra.approvals.get(OWNER, question.id).state == "open"
    assert faces.command([*command, "--with-gaps"]).value["approval"]["gaps"] == [gap]


WRONG_EDITS: list[tuple[str, Any, str]] = [
    ("nobody", {}, "to: Give the recipients"),
    ("no recipient", {"to": [], "subject": "Hello"}, "to: Give the recipients"),
    ("an empty recipient", {**DRAFT, "to": ""}, "to: Give the recipients"),
    ("no address", {**DRAFT, "to": "mia"}, "to: 'mia' is not a mail address."),
    ("another header", {**DRAFT, "cc": ["a@b.example\r\nBcc: evil@x.example"]}, "it contains more than one line"),
    ("a NUL", {**DRAFT, "text": "a\0b"}, "'text' holds a NUL character."),
    ("half a character", {**DRAFT, "subject": "\ud800"}, "half of a surrogate pair"),
    ("64 levels", {**DRAFT, "text": json.loads("[" * 64 + "]" * 64)}, "text: "),
    ("65 levels", {**DRAFT, "text": json.loads("[" * 65 + "]" * 65)}, "'text' is nested deeper than 64 levels"),
    ("a text that would be shortened", {**DRAFT, "subject": "x" * 1_000}, "'subject' is too long: only 900 of 1,000"),
    ("an unknown field", {**DRAFT, "bbc": "x@example.org"}, "There is no key 'bbc' here."),
]


def test_an_edit_that_can_never_be_sent_is_refused_and_the_question_stays_open(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    question = asked(faces.orchestra, [{"id": "send", "uses": "gmail.send", "with": DRAFT}])
    for name, edit, said in WRONG_EDITS:
        with pytest.raises(InvalidInput, match=re.escape(said)):
            faces.orchestra.approvals.approve(OWNER, question.id, arguments=edit)
        answer = faces.raw("POST", f"/api/approvals/{question.id}/approve", json.dumps({"arguments": edit}))
        assert (answer.status_code, said in answer.json()["error"]["message"]) == (422, True), (name, answer.text)
    command = ["approvals", "approve", question.id, "--edit", "-"]
    written: Sequence[tuple[str, str]] = (
        ('{"to": "mia@example.org", "to": "evil@x.example"}', "The key 'to' appears twice"),
        (r'{"to": "mia@example.org", "subject": "\ud800"}', "surrogate"),
        ("[" * 100_000, "nested deeper than 64 levels"),
        ('{"to": NaN}', "NaN is not a number in JSON"),
        ("[1]", "does not contain a JSON object"),
        ("{}", "to: Give the recipients"),
    )
    for text, said in written:
        outcome = faces.command(command, text)
        assert outcome.error in ("InvalidFile", "InvalidInput"), outcome
        assert said in outcome.message, outcome
    assert faces.command(["approvals", "show", "\udcff"]).error == "UnknownName"
    for place in ("/", "missing.json"):
        assert faces.command([*command[:-1], place]).error == "InvalidFile"
    for act in ("approve", "reject"):
        for reason, said in (("x" * 4_001, "at most 4,000"), ("\udcff", "surrogate"), ("a\0b", "NUL")):
            outcome = faces.command(["approvals", act, question.id, "--reason", reason])
            assert (outcome.error, said in outcome.message) == ("InvalidInput", True), outcome
            body = json.dumps({"comment": reason})
            assert faces.raw("POST", f"/api/approvals/{question.id}/{act}", body).status_code == 422, reason
    assert faces.orchestra.approvals.get(OWNER, question.id).state == "open"
    bom = "\ufeff" + json.dumps({**DRAFT, "text": "Edited."})
    assert faces.command(command, bom).value["approval"]["edited"]["text"] == "Edited."


def test_the_reason_of_a_link_is_checked_too(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    question = asked(faces.orchestra, [{"id": "send", "uses": "gmail.send", "with": DRAFT}])
    assert 'value="approve"' in link_page(faces, question)
    token = faces.orchestra.approval_links.token(question)
    client = TestClient(Starlette(routes=LinkPages(lambda: faces.orchestra, rendered).routes()))
    answer = client.post("/approve", data={"token": token, "reason": "a\0b", "answer": "approve"})
    assert "NUL" in answer.text
    assert faces.orchestra.approvals.get(OWNER, question.id).state == "open"


def test_the_page_behind_a_link_is_the_letter_of_the_dashboard_in_the_language_of_the_browser(
    make_faces: Callable[[], Faces],
) -> None:
    faces = make_faces()
    question = asked(faces.orchestra, [{"id": "send", "uses": "gmail.send", "with": {**DRAFT, "cc": ["a@b.example"]}}])
    english = link_page(faces, question)
    assert "<h1>If you agree, this mail goes to <bdi><b>mia@example.org</b></bdi>.</h1>" in english
    lines = re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", english)
    assert lines == [("To", "mia@example.org"), ("Subject", "Hello"), ("Cc", "a@b.example")]
    assert '<div class="letter">As agreed.</div>' in english
    letter, _, exact = english.partition('<details class="exact">')
    assert "gmail.send" not in letter
    assert "gmail.send" in exact
    german = link_page(faces, question, "de-AT,de;q=0.9,en;q=0.5")
    assert '<html lang="de">' in german
    assert "<h1>Wenn Sie zustimmen, geht diese Mail an <bdi><b>mia@example.org</b></bdi>.</h1>" in german
    assert re.findall("<dt>(.*?)</dt>", german) == ["An", "Betreff", "Cc"]
    assert re.findall("<button.*?>(.*?)</button>", german) == ["Freigeben", "Ablehnen"]
    for page in (english, german):
        assert "<script" not in page


def test_after_an_answer_at_the_command_line_the_run_goes_on_in_the_server(make_faces: Callable[[], Faces]) -> None:
    from cli import main

    faces = make_faces()
    question = asked(faces.orchestra, [{"id": "send", "uses": "gmail.send", "with": DRAFT}])
    faces.capsys.readouterr()
    assert main(["approvals", "approve", question.id, "--workspace", str(faces.orchestra.workspace.root)]) == 0
    said = "".join(faces.capsys.readouterr())
    assert question.id not in said
    assert "goes on in the server" in said or "succeeded" in said
    until(lambda: faces.orchestra.runs.get(OWNER, question.run_id)["status"] == "succeeded")


def test_at_the_command_line_a_person_sees_what_nobody_sees(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    hidden = {"to": "mia@example.org", "subject": "Hi\r\nBcc: evil@x.test", "text": "pay\u202e001\u200b"}
    question = asked(faces.orchestra, [{"id": "send", "uses": "gmail.send", "with": hidden}])
    plan = faces.orchestra.plans.make(OWNER, "letter", {})
    faces.orchestra.runs.wait(OWNER, plan, PATIENCE_SECONDS)
    for text in (human(faces, "approvals", "show", question.id), human(faces, "plans", "show", plan)):
        assert "pay[U+202E]001[U+200B]" in text
        assert "Subject: Hi Bcc: evil@x.test\n" in text
        assert not re.search(r"^\s*Bcc", text, re.MULTILINE)
    assert faces.command(["approvals", "show", question.id]).value["call"]["arguments"] == hidden


def test_a_rule_for_somebody_who_does_not_exist_is_a_warning(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    send = {"id": "send", "uses": "gmail.send", "with": DRAFT}
    by = [*("owner", "not_self", "local:grace", "editr")]
    document = {
        "schema_version": 1,
        "title": "Letter",
        "approvals": {"gmail.reply": {"by": "ann"}},
        "steps": [{**send, "approve": {"by": by}}],
    }
    (faces.orchestra.workspace.root / "workflows" / "letter.json").write_text(json.dumps(document))

    def told() -> list[tuple[str, str]]:
        found = faces.orchestra.workflows.get(OWNER, "letter").problems
        return [(one.severity, one.message) for one in found if one.code == "approval"]

    ann, misspelt = (f"'by' names '{name}', and there is no such role or user." for name in ("ann", "editr"))
    assert told() == [("warning", ann), ("warning", misspelt)]
    faces.orchestra.users.add(OWNER, "ann", "Ann", "editor")
    assert told() == [("warning", misspelt)]  # a file that was checked before is checked again
    shown = faces.command(["validate", "letter"]).value
    assert misspelt in json.dumps(shown)


def test_a_rule_of_the_settings_for_somebody_who_does_not_exist_is_a_warning(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    config = faces.orchestra.workspace.root / "config.yaml"
    rules = "approvals:\n  gmail.send: {by: [ann, not_self]}\n  default:\n    by: editr"
    config.write_text(re.sub("^approvals:", rules, config.read_text(), flags=re.MULTILINE))
    line = config.read_text().splitlines().index("  gmail.send: {by: [ann, not_self]}") + 1
    told = faces.request("GET", "/api/approvals/warnings").value["warnings"]
    ann, misspelt = (f"'by' names '{name}', and there is no such role or user." for name in ("ann", "editr"))
    assert [(one["message"], one["file"], one["line"], one["field"], one["severity"]) for one in told] == [
        (ann, "config.yaml", line, "approvals.gmail.send.by", "warning"),
        (misspelt, "config.yaml", line + 2, "approvals.default.by", "warning"),
    ]
    assert "editor" in told[1]["remedy"]
    assert "orchestra users add" in told[0]["remedy"]
    validated = faces.command(["validate"]).value
    assert [one for one in validated["problems"] if one["file"] == "config.yaml"] == told
    assert validated["valid"]
    faces.orchestra.users.add(OWNER, "ann", "Ann", "editor")
    page = faces.page(lambda go: go("approvals")).value
    [shown] = [one.value.replace("\\", "").replace(":color[]", "") for one in page.warning]
    assert misspelt in shown
    config.write_text("approvals: 5")  # the questions can still be answered
    page = faces.page(lambda go: go("approvals")).value
    assert any("'approvals' must be" in one.value for one in page.warning)
