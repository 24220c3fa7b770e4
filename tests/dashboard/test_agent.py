"""The pages of agents: make one, change it in fields, see its problems at their tools, try it, go back a version."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.base import session
from dashboard.base.browser import browser
from dashboard.base.page import Visit
from engine.base.checkout import CHECKOUT
from engine.orchestra import Orchestra
from tests.dashboard.test_run import OWNER, labels, words
from tests.patience import until

Open = Callable[..., AppTest]
NAME = "research-agent"


def made(orchestra: Orchestra, turns: int = 1) -> None:
    """Make the agent of the sample, with few turns: each is compiled, with all tools, for each text that is typed."""
    sample = json.loads((CHECKOUT / "gallery" / "agents" / f"{NAME}.json").read_text(encoding="utf-8"))
    few = {**sample, "limits": {"turns": turns, "tokens": 200_000}}
    orchestra.agents.save(OWNER, NAME, json.dumps(few), None)


def document(orchestra: Orchestra) -> Any:
    return json.loads(orchestra.agents.get(OWNER, NAME).text)


def of(kind: Any, label: str) -> Any:
    return next(one for one in kind if one.label == label)


def keyed(kind: Any, end: str) -> Any:
    return next(one for one in kind if str(one.key).endswith(end))


def saved(at: AppTest) -> AppTest:
    of(at.button, "Save as draft").click().run()
    assert not at.exception
    return at


def test_what_is_said_survives_a_run_of_the_page_that_another_interrupts(
    orchestra: Orchestra, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(orchestra)
    at = open_page("agent", name=NAME)
    said: list[list[str]] = []

    def interrupted(visit: Visit, waiting: int) -> None:
        said.append([text for text, *_ in session.messages()])
        if len(said) == 2:  # the first is that of the text, this one is what the press leads to
            st.rerun()
        browser(visit, waiting)

    monkeypatch.setattr("dashboard.main.browser", interrupted)
    of(at.text_area, "Instructions").set_value("Answer in one sentence.").run()
    saved(at)
    at.run()
    assert said == [[], *[["Saved. Runs that start from now on use it."]] * 2, []]


def test_what_is_changed_in_fields_is_saved_or_undone_and_nothing_else_changes(
    orchestra: Orchestra, open_page: Open
) -> None:
    made(orchestra)
    at = open_page("agents")
    assert not at.exception
    assert "at most 1 turn, 200,000 tokens" in words(at)
    assert "not used yet" in words(at)

    before = document(orchestra)
    at = open_page("agent", name=NAME)
    assert not at.exception
    assert "Not saved yet." not in words(at)
    of(at.text_area, "Instructions").set_value("Something else.").run()
    assert f"agent-undo-{NAME}" in {one.key for popover in at.main.get("popover") for one in popover.get("button")}
    at.button(key=f"agent-undo-{NAME}").click().run()
    assert of(at.text_area, "Instructions").value != "Something else."
    of(at.text_area, "Instructions").set_value("Answer in one sentence.").run()
    assert "Not saved yet." in words(at)
    saved(at)
    assert document(orchestra) == {**before, "instructions": "Answer in one sentence."}

    keyed(at.number_input, "limit-turns").set_value(2)
    keyed(at.number_input, "tool-0-with-limit").set_value(4)
    keyed(at.multiselect, "tool-1-give").set_value(["query", "limit"])
    keyed(at.multiselect, "tool-1-fix").set_value(["collection"])
    keyed(at.multiselect, "-variables").set_value(["mails", "to", "topic"]).run()
    saved(at)
    now = document(orchestra)
    assert now["limits"] == {"turns": 2, "tokens": 200000}
    assert now["variables"]["topic"] == {"type": "string"}
    assert now["tools"][0]["with"]["limit"] == 4
    assert now["tools"][1]["with"] == {"collection": "mail"}
    assert now["tools"][1]["give"] == ["query", "limit"]


def test_a_destination_that_the_model_would_decide_is_told_at_its_tool(orchestra: Orchestra, open_page: Open) -> None:
    made(orchestra)
    at = open_page("agent", name=NAME)
    keyed(at.multiselect, "tool-2-fix").set_value([]).run()
    keyed(at.toggle, "tool-2-approve").set_value(False)
    keyed(at.multiselect, "tool-2-give").set_value(["to", "subject", "text"]).run()
    shown = words(at)
    assert "The model must not decide 'to' of gmail" in shown.replace("\\", "")
    assert "decides where something goes" in shown
    assert "No problems." not in shown
    keyed(at.multiselect, "tool-2-choose-to").set_value(["team@example.com"]).run()
    assert "must not decide" not in words(at)
    assert "No problems." in words(at)
    saved(at)
    assert document(orchestra)["tools"][2]["choose_from"] == {"to": ["team@example.com"]}


def say(at: AppTest, words: str) -> None:
    """Type words that are no option of the choice of tools; `AppTest` knows options only."""
    keyed(at.selectbox, "add-tool").options.append(words)
    keyed(at.selectbox, "add-tool").set_value(words).run()
    keyed(at.selectbox, "add-tool").options.append(words)


def test_a_tool_is_found_added_and_removed_and_the_whole_file_is_json(orchestra: Orchestra, open_page: Open) -> None:
    made(orchestra)
    at = open_page("agent", name=NAME)
    say(at, "xyzzy")
    assert "No tool fits these words" in words(at)
    say(at, "die Zusammenfassung in Slack posten")
    assert not at.exception
    keyed(at.button, "fitting-slack.send_message").click().run()
    assert not at.exception
    assert any("slack" in one.label for one in at.expander)
    assert "These may do it" not in words(at)
    keyed(at.selectbox, "add-tool").set_value("github.list_issues").run()
    assert any("list\\_issues" in one.label for one in at.expander)
    keyed(at.button, "tool-0-remove").click().run()
    keyed(at.button, f"agent-mode-{NAME}").click().run()
    text = of(at.text_area, "Agent (JSON)").value
    names = [one["name"] for one in json.loads(text)["tools"]]
    assert names == ["find_passages", "draft", "send_message", "list_issues"]
    of(at.text_area, "Agent (JSON)").set_value(text.replace('"schema_version": 1', '"schema_version": 7')).run()
    assert "Line 2" in words(at)


def test_a_try_works_in_the_demo_with_the_text_that_is_not_saved(orchestra: Orchestra, open_page: Open) -> None:
    made(orchestra)
    at = open_page("agent", name=NAME, tab="edit")
    of(at.text_area, "Instructions").set_value("Say done.").run()
    at.query_params["tab"] = "try"
    at.run()
    of(at.text_area, "Task").set_value('CALL finish {"output": {"summary": "Done."}}')
    of(at.button, "Try in the demo").click().run()
    assert not at.exception
    run_id = at.query_params["try"]
    run_id = run_id if isinstance(run_id, str) else run_id[0]
    until(lambda: orchestra.runs.get(OWNER, run_id)["ended_at"])
    run = orchestra.runs.get(OWNER, run_id)
    assert (run["status"], run["demo"]) == ("succeeded", True)
    assert "Say done." in str(run["steps"][1]["request"]["messages"])
    assert "It has finished." in words(at.run())
    assert "Say done." not in document(orchestra)["instructions"]


def test_the_conversation_shows_the_arguments_that_a_person_has_edited(orchestra: Orchestra, open_page: Open) -> None:
    made(orchestra, turns=2)
    at = open_page("agent", name=NAME, tab="try")
    call = {"subject": "Draft", "text": "As the model wrote it"}
    of(at.text_area, "Task").set_value(
        f'CALL draft {json.dumps(call)}\nCALL finish {{"output": {{"summary": "Done."}}}}'
    )
    of(at.button, "Try in the demo").click().run()
    (asked,) = until(lambda: orchestra.approvals.list(OWNER))
    assert asked.call is not None
    edited = {**asked.call.arguments, "text": "As Ada put it"}
    orchestra.approvals.approve(OWNER, asked.id, arguments=edited)
    until(lambda: orchestra.runs.get(OWNER, asked.run_id)["ended_at"])
    shown = words(at.run())
    assert "As the model wrote it" in shown
    assert "As Ada put it" in shown[shown.index("It was called with:") :]


def test_a_version_is_saved_and_an_earlier_text_is_loaded_again(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open
) -> None:
    made(orchestra)
    at = open_page("agent", name=NAME)
    of(at.button, "Save and use").click().run()
    of(at.text_area, "Instructions").set_value("Another text.").run()
    saved(at)
    assert orchestra.agents.get(OWNER, NAME).labels == {"production": 1}
    at.query_params["tab"] = "versions"
    at.run()
    choice = of(at.radio, "Saved versions")
    choice.set_value(choice.options[-1]).run()
    assert "Instructions" in words(at)
    of(at.button, "Load it into the editor").click().run()
    assert "Not saved yet." in words(at)
    saved(at)
    assert document(orchestra)["instructions"].startswith("Answer the question")

    orchestra.users.add(OWNER, "vi", "Vi", "viewer")
    sign_in("vi")
    at = open_page("agent", name=NAME)
    assert not at.exception
    assert not {"Save and use", "Save as draft", "Save this version"} & {*labels(at)}, "a reader changes nothing"
