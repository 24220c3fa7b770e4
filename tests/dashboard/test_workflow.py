from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts.tabs import tab_name
from dashboard.views.workflow import CANVAS, EDIT, HISTORY, RUN
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
OTHER = Principal("ada", "editor")


@pytest.fixture
def tab(open_page: Open) -> Callable[..., AppTest]:
    """Open one tab of a workflow."""

    def tab(which: str, name: str = "inbox-triage") -> AppTest:
        at = open_page("workflow", name=name)
        at.query_params["tab"] = tab_name(which)
        return at.run()

    return tab


def words(at: AppTest) -> str:
    elements = [*at.markdown, *at.caption, *at.error, *at.warning, *at.info, *at.success, *at.text, *at.code]
    return "\n".join(str(one.value) for one in elements)


# Run


def test_run_starts_the_workflow_with_what_was_typed(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("workflow", name="inbox-triage")
    assert not at.exception
    at.text_input(key="input-inbox-triage-query").set_value("in:inbox invoice")
    at.number_input(key="input-inbox-triage-limit").set_value(3)
    at.button(key="run-inbox-triage").click().run()
    run_id = orchestra.runs.list(OWNER).rows[0].run_id
    assert run_id in at.query_params["id"]
    run = orchestra.runs.wait(OWNER, run_id, 60)
    assert run["inputs"]["query"] == "in:inbox invoice"
    assert run["inputs"]["limit"] == 3
    assert run["status"] == "succeeded"


def test_run_says_that_a_draft_is_not_what_runs(orchestra: Orchestra, open_page: Open) -> None:
    file = orchestra.workflows.get(OWNER, "inbox-triage")
    assert "unsaved changes in a draft" not in words(open_page("workflow", name="inbox-triage"))
    orchestra.drafts.keep(OWNER, "workflow", "inbox-triage", file.text.replace("in:inbox", "in:spam"), file.etag)
    at = open_page("workflow", name="inbox-triage")
    assert "unsaved changes in a draft" in words(at)
    at.button(key="to-draft-inbox-triage").click().run()
    assert at.query_params["tab"] == "canvas"
    assert "unsaved changes in a draft" not in words(at), "the canvas is open"
    orchestra.drafts.keep(OWNER, "workflow", "inbox-triage", file.text, file.etag)
    assert "unsaved changes in a draft" not in words(open_page("workflow", name="inbox-triage")), "it is the same text"

    orchestra.workflows.save(OWNER, "inbox-triage", '{"schema_version": 1, "steps": []}', file.etag)
    orchestra.drafts.keep(OWNER, "workflow", "inbox-triage", file.text, file.etag)
    at = open_page("workflow", name="inbox-triage")
    assert "unsaved changes in a draft" in words(at), "also where the file cannot run"
    assert "run-inbox-triage" not in {button.key for button in at.button}


def test_the_form_offers_what_the_accounts_have_and_says_whose_they_are(open_page: Open) -> None:
    at = open_page("workflow", name="inbox-triage")
    assert "acme/app" in at.selectbox(key="input-inbox-triage-repository").options
    assert at.selectbox(key="input-inbox-triage-database").value == "Tasks"
    for badge in ("Gmail · Demo", "Model · Scripted", "Notion · Demo", "GitHub · Demo"):
        assert badge in words(at)


def test_a_damaged_workflow_says_what_is_wrong_instead_of_a_form_and_has_a_canvas_too(
    workspace: Path, open_page: Open, tab: Callable[..., AppTest]
) -> None:
    (workspace / "workflows" / "broken.json").write_text('{"schema_version": 1, "steps": []}', encoding="utf-8")
    at = open_page("workflow", name="broken")
    assert not at.exception
    assert "Line 1" in words(at)
    assert "run-broken" not in {button.key for button in at.button}
    (workspace / "workflows" / "odd.json").write_text("[]", encoding="utf-8")
    assert not tab(CANVAS, "odd").exception


def test_a_public_repository_needs_a_tick(
    orchestra: Orchestra, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clients.github.client import GitHubClient

    real = GitHubClient.repository
    monkeypatch.setattr(GitHubClient, "repository", lambda self, name: {**real(self, name), "private": False})
    at = open_page("workflow", name="commit-digest")
    assert "is public" in words(at)
    assert at.button(key="run-commit-digest").disabled
    at.checkbox[0].check().run()
    at.button(key="run-commit-digest").click().run()
    assert len(orchestra.runs.list(OWNER).rows) == 1


@pytest.fixture
def own_mail(orchestra: Orchestra, workspace: Path) -> None:
    """Gmail switched to the owner's own account; behind its address stands the stand-in, as another account."""
    gmail = orchestra.demo.endpoints()["gmail"]
    settings = {"token": gmail["token"], "base_url": gmail["base_url"]}
    orchestra.connections.add(OWNER, "gmail", "gmail", settings)
    orchestra.connections.set_mode(OWNER, "gmail", AccountMode.MINE)


@pytest.mark.usefixtures("own_mail")
def test_the_first_run_on_a_real_account_shows_what_it_would_touch_and_asks(
    orchestra: Orchestra, open_page: Open
) -> None:
    at = open_page("workflow", name="inbox-triage")
    at.button(key="look-inbox-triage").click().run()  # with the inputs that a page opened afterwards begins with
    at.run()
    at.number_input(key="input-inbox-triage-limit").set_value(4).run()
    assert "Gmail · Mine" in words(at)
    at.button(key="look-inbox-triage").click().run()
    assert not at.exception
    assert not orchestra.runs.list(OWNER).rows
    assert "It would process these 4" in words(at)
    assert "Gmail · Mine: " in words(at)  # and whose
    assert len(at.text[0].value.splitlines()) == 4
    for limit, is_asked in ((2, False), (4, True)):
        at.number_input(key="input-inbox-triage-limit").set_value(limit).run()
        assert ("confirm-inbox-triage" in {one.key for one in at.button}) is is_asked, "other inputs ask anew"
    at.button(key="confirm-inbox-triage").click().run()
    assert len(orchestra.runs.list(OWNER).rows) == 1
    again = open_page("workflow", name="inbox-triage")
    assert "run-inbox-triage" in {button.key for button in again.button}


# Edit


def edited(orchestra: Orchestra, **changes: Any) -> str:
    document = orchestra.workflows.get(OWNER, "inbox-triage").document
    return json.dumps({**(document or {}), **changes}, indent=2)


def save_elsewhere(orchestra: Orchestra, title: str) -> None:
    file = orchestra.workflows.get(OTHER, "inbox-triage")
    orchestra.workflows.save(OTHER, "inbox-triage", edited(orchestra, title=title), file.etag)


def test_an_edit_is_saved_unless_it_is_no_json(orchestra: Orchestra, tab: Callable[..., AppTest]) -> None:
    at = tab(EDIT)
    save_elsewhere(orchestra, "Theirs")
    at.run()
    assert "Somebody has saved" not in words(at)
    assert '"title": "Theirs"' in str(at.text_area(key="editor-inbox-triage").value), "nobody has touched it"

    before = orchestra.workflows.get(OWNER, "inbox-triage").text
    number = next(n for n, line in enumerate(before.splitlines(), 1) if "notion.upsert_page" in line)
    text = before.replace("notion.upsert_page", "notion.upsert_pge", 1)
    at.text_area(key="editor-inbox-triage").set_value(text).run()
    assert not at.exception
    assert f"Line {number}" in words(at)
    assert f"{number} │" in words(at)

    at.text_area(key="editor-inbox-triage").set_value('{"schema_version": 1,').run()
    at.button(key="save-inbox-triage").click().run()
    assert "Not saved" in words(at)
    assert at.text_area(key="editor-inbox-triage").value == '{"schema_version": 1,'
    assert orchestra.workflows.get(OWNER, "inbox-triage").text == before

    mine = edited(orchestra, title="Triage, mine")
    at.text_area(key="editor-inbox-triage").set_value(mine).run()
    assert "Not saved yet" in words(at)
    for other in (CANVAS, EDIT):
        at.query_params["tab"] = tab_name(other)
        at.run()
    assert at.text_area(key="editor-inbox-triage").value == mine, "it outlives a look at another tab"
    at.button(key="save-inbox-triage").click().run()
    assert not at.exception
    file = orchestra.workflows.get(OWNER, "inbox-triage")
    assert file.document is not None
    assert file.document["title"] == "Triage, mine"
    assert at.text_area(key="editor-inbox-triage").value == file.text


def test_a_conflict_shows_both_overwrites_nobody_and_is_ended_by_a_choice(
    orchestra: Orchestra, tab: Callable[..., AppTest]
) -> None:
    at = tab(EDIT)
    for button, mine, theirs, kept in (("overwrite", "Mine", "Theirs", "Mine"), ("theirs", "Other", "New", "New")):
        text = edited(orchestra, title=mine)
        at.text_area(key="editor-inbox-triage").set_value(text).run()
        save_elsewhere(orchestra, theirs)
        at.button(key="save-inbox-triage").click().run()
        assert not at.exception
        assert "Somebody has saved" in words(at)
        assert theirs in words(at)
        assert at.text_area(key="editor-inbox-triage").value == text
        assert (orchestra.workflows.get(OWNER, "inbox-triage").document or {})["title"] == theirs
        at.button(key=f"{button}-inbox-triage").click().run()
        assert not at.exception
        file = orchestra.workflows.get(OWNER, "inbox-triage")
        assert (file.document or {})["title"] == kept
        assert at.text_area(key="editor-inbox-triage").value == file.text


# History


def test_an_earlier_version_is_seen_and_restored(orchestra: Orchestra, tab: Callable[..., AppTest]) -> None:
    first = orchestra.workflows.get(OWNER, "inbox-triage").text
    save_elsewhere(orchestra, "Theirs")
    at = tab(HISTORY)
    assert not at.exception
    versions = at.radio(key="versions-inbox-triage")
    assert versions.value == versions.options[0]
    assert "This is the current text" in words(at)
    versions.set_value(versions.options[-1]).run()
    assert '-  "title": "Theirs"' in words(at)
    assert "The title is now" in words(at)
    at.button(key="restore-inbox-triage").click().run()
    assert not at.exception
    with_id = first.replace('"schema_version": 1,', '"schema_version": 1,\n  "id": "inbox-triage",', 1)
    assert orchestra.workflows.get(OWNER, "inbox-triage").text == with_id


def test_below_the_canvas_stands_who_sees_what(tab: Callable[..., AppTest], workspace: Path) -> None:
    def below(name: str, *steps: dict[str, Any]) -> str:
        if steps:
            document = {"schema_version": 1, "title": name.title(), "steps": steps}
            (workspace / "workflows" / f"{name}.json").write_text(json.dumps(document))
        whole, below_canvas = tab(RUN, name), tab(CANVAS, name)
        assert not whole.exception
        assert not below_canvas.exception
        return f"{words(whole)}\n{words(below_canvas)}"

    said = below("inbox-triage")
    assert "**Gmail** :material/arrow_right_alt: :material/description: **Notion**" in said
    assert "api\\.notion\\.com · Write a task" in said
    out = "text from outside goes to api.github.com, api.notion.com, api.openai.com"
    assert f"nothing goes out in the demo; with your accounts, {out}" in said

    mail = {"id": "mail", "uses": "gmail.get_message", "with": {"message": "m"}}
    subject = "{{ steps.mail.output.subject }}"
    said = below("answer", mail, {"id": "a", "uses": "gmail.reply", "with": {"message": "m", "text": subject}})
    assert "In the demo nothing leaves this machine, not even mail." in said
    assert "nothing goes out in the demo; with your accounts, text from outside goes to any address" in said
    said = below("leak", mail, {"id": "send", "uses": "gmail.send", "with": {"to": subject, "text": "t"}})
    assert "Red lines" in said, "text from outside would decide where something goes"
