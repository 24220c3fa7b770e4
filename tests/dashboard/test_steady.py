"""A field that somebody types in keeps its place: Streamlit draws what moves anew, and the caret is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from tests.dashboard.test_agent import NAME as AGENT
from tests.dashboard.test_agent import keyed, made
from tests.dashboard.test_approvals import LETTER, asking, question_of
from tests.dashboard.test_prompt import NAME as PROMPT
from tests.dashboard.test_prompt import OWNER, field, words
from tests.patience import PATIENCE_SECONDS

Open = Callable[..., AppTest]


def place(at: AppTest, element: Any) -> list[int]:
    """Where an element is: its number in each block around it, from the outside in."""

    def below(block: Any, path: list[int]) -> list[int] | None:
        if block is element:
            return path
        children = getattr(block, "children", {})
        return next((found for number, one in children.items() if (found := below(one, [*path, number]))), None)

    found = below(at._tree, [])
    assert found is not None
    return found


def test_the_fields_of_an_agent_stay_while_another_one_has_a_problem(orchestra: Orchestra, open_page: Open) -> None:
    made(orchestra)
    at = open_page("agent", name=AGENT)
    before = place(at, field(at, "Instructions"))
    keyed(at.text_area, "output").set_value("{").run()
    assert at.error
    assert place(at, field(at, "Instructions")) == before

    at = open_page("agent", name=AGENT)
    before = place(at, keyed(at.text_input, "tool-0-description"))
    keyed(at.text_input, "tool-0-name").set_value("no name at all!").run()
    assert at.error
    assert place(at, keyed(at.text_input, "tool-0-description")) == before


def test_editors_stay_when_somebody_else_has_saved(orchestra: Orchestra, open_page: Open) -> None:
    orchestra.fragments.save(OWNER, "tone", "Be brief.", None)
    made(orchestra)

    def change_agent() -> None:
        kept = orchestra.agents.get(OWNER, AGENT)
        orchestra.agents.save(OWNER, AGENT, json.dumps({**json.loads(kept.text), "title": "Another"}), kept.etag)

    def change_prompt() -> None:
        kept = orchestra.prompts.get(OWNER, PROMPT)
        orchestra.prompts.save(OWNER, PROMPT, json.dumps({**(kept.document or {}), "title": "Another"}), kept.etag)

    def change_fragment() -> None:
        orchestra.fragments.save(OWNER, "tone", "Be kind.", orchestra.fragments.get(OWNER, "tone").etag)

    for page, where, label, change in (
        ("agent", {"name": AGENT}, "Instructions", change_agent),
        ("prompt", {"name": PROMPT}, "Text of message 1", change_prompt),
        ("fragment", {"name": "tone"}, "Text", change_fragment),
    ):
        at = open_page(page, **where)
        field(at, label).set_value("Mine.").run()
        before = place(at, field(at, label))
        change()
        at.run()
        assert "Somebody has saved" in words(at)
        assert place(at, field(at, label)) == before


def test_an_editor_stays_when_another_window_is_found(orchestra: Orchestra, open_page: Open) -> None:
    windows = [open_page("prompt", name=PROMPT) for _ in range(2)]
    field(windows[0], "Text of message 1").set_value("One.").run()
    before = place(windows[1], field(windows[1], "Text of message 1"))
    field(windows[1], "Text of message 1").set_value("Other.").run()
    assert "in another window" in words(windows[1])
    assert place(windows[1], field(windows[1], "Text of message 1")) == before


def test_the_fields_of_a_question_stay_while_its_call_is_edited(orchestra: Orchestra, open_page: Open) -> None:
    asking(orchestra, {**LETTER, "with": {**LETTER["with"], "text": "We open at nine."}})
    question = question_of(orchestra)
    at = open_page("approvals", edit=question)
    keys = [f"edit-{question}-subject", f"edit-{question}-text", f"comment-list-{question}"]

    def places() -> list[list[int]]:
        return [place(at, keyed([*at.text_input, *at.text_area], key)) for key in keys]

    before = places()
    at.text_input(key=f"edit-{question}-to").set_value("nobody").run()
    assert at.error
    assert places() == before
    at.text_input(key=f"edit-{question}-to").set_value("mia@example.org")
    keyed([*at.text_input, *at.text_area], keys[1]).set_value("We open at [hour].").run()
    assert at.warning
    assert places() == before


def test_a_field_below_a_name_stays_while_the_name_is_not_valid() -> None:
    def dialog() -> None:
        import streamlit as st

        from dashboard.parts.file_dialogs import name_field

        name_field("Name", "tone", "name")
        st.text_area("Text")

    at = AppTest.from_function(dialog, default_timeout=PATIENCE_SECONDS).run()
    before = place(at, at.text_area[0])
    at.text_input[0].set_value("My Tone").run()
    assert "Not a valid file name yet" in words(at)
    assert place(at, at.text_area[0]) == before
