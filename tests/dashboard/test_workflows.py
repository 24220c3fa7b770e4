from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from engine.people.access import Principal

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")


def names(orchestra: Orchestra) -> set[str]:
    return {one.name for one in orchestra.workflows.list(OWNER)}


def words(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption, *at.error])


def test_each_workflow_says_what_it_does_and_how_it_went(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    run_id = orchestra.runs.start(OWNER, "commit-digest", {})
    assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "succeeded"
    document = json.loads(orchestra.workflows.get(OWNER, "commit-digest").text)
    orchestra.workflows.create_from(OWNER, "wordy", {**document, "id": "wordy", "description": "Word " * 50_000})
    step = {"id": "one", "uses": "flow.set", "with": {"values": {"x": 1}}}
    for name, title in (("first", "Same"), ("second", "Same"), ("third", "Another")):
        text = json.dumps({"schema_version": 1, "title": title, "steps": [step]})
        orchestra.workflows.save(OWNER, name, text, None)
    (workspace / "workflows" / "broken.json").write_text('{"schema_version": 1,\n', encoding="utf-8")
    at = open_page("workflows")
    assert not at.exception
    assert "summed up on a Notion page" in words(at)
    assert "Succeeded" in words(at)
    assert words(at).count("never run") == 9
    assert words(at).count("Word ") < 100, "of a long description, the list has the beginning"
    assert "1 problem" in words(at), "a damaged file is listed, too"
    shown = {one.value.replace("\\", "") for one in at.caption}
    assert {"first.json", "second.json"} <= shown, "those with the same title are told apart by their files"
    assert not [one for one in shown if "third" in one]


def test_a_workflow_with_an_unsaved_draft_is_marked(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open
) -> None:
    for name in ("inbox-triage", "commit-digest"):
        file = orchestra.workflows.get(OWNER, name)
        text = file.text if name == "commit-digest" else file.text.replace("in:inbox", "in:spam")
        orchestra.drafts.keep(OWNER, "workflow", name, text, file.etag)
    assert words(open_page("workflows")).count("unsaved draft") == 1
    orchestra.users.add(OWNER, "ada", "Ada", "editor", "a long password 1")
    orchestra.users.add(OWNER, "vic", "Vic", "viewer", "a long password 1")
    for somebody_else in ("ada", "vic"):
        sign_in(somebody_else)
        at = open_page("workflows")
        assert not at.exception
        assert "unsaved draft" not in words(at)


UNUSED = """{
  "schema_version": 1,
  "title": "Unused",
  "inputs": {"type": "object", "properties": {"nobody_asks": {"type": "string", "default": "x"}}},
  "steps": [{"id": "words", "uses": "flow.set", "with": {"values": {"text": "Hello"}}}],
  "outputs": {"text": "{{ steps.words.output.text }}"}
}
"""


def test_warnings_are_told_as_such_and_the_workflow_runs(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    (workspace / "workflows" / "unused.json").write_text(UNUSED, encoding="utf-8")
    found = orchestra.workflows.get(OWNER, "unused").problems
    assert [problem.severity for problem in found] == ["warning"]
    at = open_page("workflows")
    assert "1 warning" in words(at)
    assert "1 problem" not in words(at)
    at = open_page("workflow", name="unused")
    assert not at.error
    assert not at.button(key="run-unused").disabled
    at.query_params["tab"] = "edit"
    at.run()
    assert not at.exception
    assert not at.error
    assert any("nobody" in str(one.value) for one in at.warning)
    assert any("It can run" in str(one.value) for one in at.success)


def test_a_new_workflow_comes_from_a_sample(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("gallery")
    at.text_input(key="search").set_value("drafted GMAIL").run()
    assert "use-inbox-triage" not in {one.key for one in at.button}
    at.button(key="use-reply-drafts").click().run()
    assert not at.exception
    assert "reply-drafts-2" in names(orchestra)
    assert "reply-drafts-2" in at.query_params["name"]


@pytest.mark.parametrize(
    ("word", "sample"),
    [("reply", "chase-unanswered"), ("schedule", "answer-next-morning"), ("later", "answer-next-morning")],
)
def test_the_gallery_is_also_searched_by_what_the_steps_do(open_page: Open, word: str, sample: str) -> None:
    at = open_page("gallery")
    at.text_input(key="search").set_value(word).run()
    assert f"use-{sample}" in {one.key for one in at.button}


def test_the_gallery_tells_its_workflows_in_the_language_of_the_reader(orchestra: Orchestra, open_page: Open) -> None:
    orchestra.languages.set(OWNER, "owner", "de")
    shown = [str(one.value) for one in open_page("gallery").markdown]
    assert "**Antwortentwürfe**" in shown
    assert "**Reply drafts**" not in shown


def choose(at: AppTest, name: str, action: str) -> AppTest:
    """Choose from the menu of a workflow, without running yet."""
    at.menu_button(key=f"menu-{name}").click(action)
    return at


def test_a_workflow_is_duplicated_renamed_and_goes_to_the_trash_after_a_question(
    orchestra: Orchestra, workspace: Path, open_page: Open
) -> None:
    at = choose(open_page("workflows"), "commit-digest", "Duplicate").run()
    choose(at, "commit-digest", "Duplicate").button(key="copy-make").click().run()
    assert not at.exception
    assert "commit-digest-2" in names(orchestra)

    at = choose(open_page("workflow", name="commit-digest-2"), "commit-digest-2", "Rename").run()
    choose(at, "commit-digest-2", "Rename").text_input(key="rename-name-commit-digest-2").set_value("digest")
    at.button(key="rename-make").click().run()
    assert not at.exception
    assert {"digest", "commit-digest-2"} & names(orchestra) == {"digest"}

    at = choose(open_page("workflows"), "digest", "Delete").run()
    assert "digest" in names(orchestra)
    choose(at, "digest", "Delete").button(key="delete-make").click().run()
    assert not at.exception
    assert "digest" not in names(orchestra)
    assert list((workspace / ".orchestra" / "trash").rglob("digest*"))


def test_what_is_in_use_is_not_deleted_and_says_so_in_words_of_the_page(orchestra: Orchestra, open_page: Open) -> None:
    wait = {"id": "wait", "uses": "flow.wait", "with": {"seconds": 3600}}
    orchestra.workflows.save(OWNER, "slow", json.dumps({"schema_version": 1, "steps": [wait]}), None)
    run_id = orchestra.runs.start(OWNER, "slow", {})
    at = choose(open_page("workflows"), "slow", "Delete").run()
    choose(at, "slow", "Delete").button(key="delete-make").click().run()
    [told] = at.error
    assert "slow" in names(orchestra)
    assert "1 run of 'slow' has not ended" in told.value
    assert "the page Runs" in told.value
    assert ("orchestra" in told.value, "name" in told.value) == (False, False)
    orchestra.runs.cancel(OWNER, run_id)
    orchestra.runs.wait(OWNER, run_id, 60)


def test_who_may_not_edit_is_offered_nothing_that_does(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open
) -> None:
    for role in ("operator", "viewer"):
        orchestra.users.add(Principal("local:x", "owner"), role, role.title(), role, "correct horse battery")
        sign_in(role)
        at = open_page("workflows")
        assert not at.exception
        assert "new" not in {button.key for button in at.button}
        assert not list(at.menu_button)


def test_many_workflows_are_searched_by_the_words_of_their_titles(orchestra: Orchestra, open_page: Open) -> None:
    assert "search" not in {field.key for field in open_page("workflows").text_input}
    for number in range(2, 8):
        orchestra.workflows.duplicate(OWNER, "commit-digest", f"digest-{number}")
    at = open_page("workflows")
    at.text_input(key="search").set_value("TRIAGE github").run()
    links = {link.proto.query_string for link in at.get("page_link") if link.proto.page == "workflow"}
    assert links == {"name=inbox-triage"}
    assert "No workflows match these words." in [
        one.value for one in at.text_input(key="search").set_value("zebra").run().info
    ]
