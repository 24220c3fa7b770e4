from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts.tabs import tab_name
from dashboard.views.workflow import EDIT
from engine.orchestra import Orchestra
from engine.people.access import Principal

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
WORKFLOW, PROMPT = "inbox-triage", "classify-mail"


def words(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption, *at.error, *at.code])


@pytest.fixture
def edit(open_page: Open) -> Callable[[], AppTest]:
    """Open the editor of a workflow in a new session, as a browser does after a reload."""

    def edit() -> AppTest:
        at = open_page("workflow", name=WORKFLOW)
        at.query_params["tab"] = tab_name(EDIT)
        at.run()
        assert not at.exception
        return at

    return edit


def typed(at: AppTest) -> str:
    return str(at.text_area(key=f"editor-{WORKFLOW}").value)


def retitled(orchestra: Orchestra, title: str) -> str:
    document: dict[str, Any] = json.loads(orchestra.workflows.get(OWNER, WORKFLOW).text)
    return json.dumps({**document, "title": title}, indent=2)


def test_a_text_that_was_not_saved_is_offered_after_a_reload(orchestra: Orchestra, edit: Callable[[], AppTest]) -> None:
    at = edit()
    assert "unsaved text" not in words(at)
    at.text_area(key=f"editor-{WORKFLOW}").set_value("{ half done").run()
    at = edit()
    assert "You have unsaved text" in words(at)
    assert re.search("just now|minutes? ago", words(at))
    assert "+{ half done" in words(at)
    assert not at.text_area
    at.button(key=f"go-on-workflow-{WORKFLOW}").click().run()
    assert typed(at) == "{ half done"
    assert "Not saved yet" in words(at)
    assert "unsaved text" in words(edit()), "looking at it saves nothing"


def test_a_discarded_text_is_not_offered_again(orchestra: Orchestra, edit: Callable[[], AppTest]) -> None:
    edit().text_area(key=f"editor-{WORKFLOW}").set_value("{").run()
    at = edit()
    at.button(key=f"discard-workflow-{WORKFLOW}").click().run()
    assert typed(at) == orchestra.workflows.get(OWNER, WORKFLOW).text
    assert "unsaved text" not in words(edit())


def test_what_is_saved_or_undone_is_not_offered(orchestra: Orchestra, edit: Callable[[], AppTest]) -> None:
    at = edit()
    at.text_area(key=f"editor-{WORKFLOW}").set_value(retitled(orchestra, "Sorting")).run()
    assert orchestra.drafts.get(OWNER, "workflow", WORKFLOW) is not None
    at.button(key=f"save-{WORKFLOW}").click().run()
    assert orchestra.drafts.get(OWNER, "workflow", WORKFLOW) is None
    at.text_area(key=f"editor-{WORKFLOW}").set_value("{").run()
    at.button(key=f"undo-{WORKFLOW}").click().run()
    assert orchestra.drafts.get(OWNER, "workflow", WORKFLOW) is None


def test_going_on_after_somebody_else_saved_is_a_conflict_and_overwrites_nobody(
    orchestra: Orchestra, edit: Callable[[], AppTest]
) -> None:
    edit().text_area(key=f"editor-{WORKFLOW}").set_value(retitled(orchestra, "Mine")).run()
    file = orchestra.workflows.get(OWNER, WORKFLOW)
    orchestra.workflows.save(Principal("ada", "editor"), WORKFLOW, retitled(orchestra, "Theirs"), file.etag)
    at = edit()
    at.button(key=f"go-on-workflow-{WORKFLOW}").click().run()
    assert "Somebody has saved this workflow" in words(at)
    assert '"title": "Mine"' in typed(at)
    assert '"title": "Theirs"' in orchestra.workflows.get(OWNER, WORKFLOW).text


def test_somebody_else_is_not_offered_it(
    orchestra: Orchestra, sign_in: Callable[..., str], edit: Callable[[], AppTest]
) -> None:
    edit().text_area(key=f"editor-{WORKFLOW}").set_value("{").run()
    orchestra.users.add(OWNER, "ada", "Ada", "editor", "a long password 1")
    sign_in("ada")
    assert "unsaved text" not in words(edit())


def test_a_prompt_that_was_not_saved_is_offered_too(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("prompt", name=PROMPT)
    next(one for one in at.text_input if one.label == "Title").set_value("Sorting").run()
    at = open_page("prompt", name=PROMPT)
    assert "You have unsaved text" in words(at)
    at.button(key=f"go-on-prompt-{PROMPT}").click().run()
    assert not at.exception
    assert next(one for one in at.text_input if one.label == "Title").value == "Sorting"
    at.button(key=f"save-{PROMPT}").click().run()
    assert orchestra.prompts.get(OWNER, PROMPT).document["title"] == "Sorting"  # type: ignore[index]
    assert "unsaved text" not in words(open_page("prompt", name=PROMPT))
