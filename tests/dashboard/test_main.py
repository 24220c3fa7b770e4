from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.base import session
from dashboard.pages import all_views, menu_entries, pages_beside
from engine.orchestra import Orchestra
from engine.people.access import Principal

Open = Callable[..., AppTest]
LOCAL = Principal("local:grace", "owner")
RESERVED = {"api", "health", "auth", "login", "logout", "workflows/execute", "static", "media", "component"}


def everything(at: AppTest) -> str:
    """All words on a page."""
    elements = [*at.title, *at.header, *at.subheader, *at.markdown, *at.caption, *at.text, *at.error, *at.code]
    return "\n".join(str(element.value) for element in elements)


def test_pages_have_addresses_of_their_own() -> None:
    pages = [view.page for view in all_views()]
    assert {"", "workflows", "workflow"} <= {page.path for page in pages}
    assert len({page.path for page in pages}) == len(pages)
    assert not RESERVED & {page.path for page in pages}
    assert [page.order for page in pages] == sorted(page.order for page in pages)


def test_the_menu_has_ten_places_and_the_other_pages_are_their_tabs() -> None:
    waiting = {"triggers": 2, "budgets": 1}
    entries = [*menu_entries(lambda page: waiting.get(page.path, 0), lambda _right: True).values()]
    assert entries[:5] == ["Home", "Workflows (2)", "Runs", "Approvals", "Prompts"]
    assert entries[5:] == ["Data", "Library", "Connections", "Settings (1)", "Help"]
    for view in all_views():
        beside = pages_beside(view.page, lambda _right: True)
        assert not view.page.in_menu or not view.page.section or view.page in beside, view.page.path


def test_the_first_page_that_a_person_may_open_stands_for_its_place() -> None:
    assert menu_entries(lambda _page: 0, lambda right: right == "admin") == {"users": "Settings"}


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        pytest.param("st.session_state", {"session.py"}, id="state of the session"),
        pytest.param("st.context.cookies", {"session.py"}, id="cookies"),
        pytest.param("unsafe_allow", set(), id="HTML and script from data"),
    ],
)
def test_what_is_delicate_stands_in_one_place(words: str, allowed: set[str]) -> None:
    files = Path(session.__file__).parents[1].rglob("*.py")
    assert {path.name for path in files if words in path.read_text(encoding="utf-8")} == allowed


def test_a_stranger_sees_no_page(orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch, open_page: Open) -> None:
    assert orchestra.workflows.list(LOCAL)
    for cookies in ({}, {"orchestra_session": "made up"}):
        monkeypatch.setattr(type(st.context), "cookies", cookies)
        at = open_page("workflows")
        assert [title.value for title in at.title] == ["You are signed out"]
        assert "Inbox triage" not in everything(at)


def test_an_open_page_ends_with_the_session(orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open) -> None:
    cookie = sign_in()
    at = open_page("workflows")
    orchestra.users.logout(cookie)
    assert [title.value for title in at.run().title] == ["You are signed out"]


def test_the_menu_offers_a_password(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page()
    at.text_input(key="new-password-menu").set_value("short")
    at.button(key="password-save-menu").click().run()
    assert at.error, "it is too short"
    assert not orchestra.users.has_password("owner")
    at.text_input(key="new-password-menu").set_value("correct horse battery")
    at.button(key="password-save-menu").click().run()
    assert not at.exception
    assert orchestra.users.has_password("owner")
    assert [title.value for title in at.run().title] == ["Home"]  # this session stays


def test_the_right_is_asked_for_each_page(orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open) -> None:
    orchestra.users.add(LOCAL, "vera", "Vera", "viewer", "correct horse battery")
    sign_in("vera")
    at = open_page("workflow", name="inbox-triage")
    assert not at.exception
    assert keys(at) & {"run-inbox-triage", "menu-inbox-triage"} == set()
    assert "you can view workflows, but not run them" in " ".join(info.value for info in at.info)


def keys(at: AppTest) -> set[Any]:
    return {button.key for button in at.button} | {menu.key for menu in at.menu_button}


def test_a_name_that_is_none_is_refused_in_words(open_page: Open) -> None:
    for name, said in (("inbox-triag", "Did you mean"), ("", ""), ("../config", ""), ("x" * 300, "")):
        at = open_page("workflow", name=name)
        assert not at.exception
        assert said in at.error[0].value


def test_what_is_not_there_is_told_below_a_title_and_a_way_back(open_page: Open) -> None:
    for path, params in (
        ("workflow", {"name": "nowhere"}),
        ("prompt", {"name": "nowhere"}),
        ("run", {"id": "20260101T000000Z-aaaaaaaa"}),
    ):
        at = open_page(path, **params)
        assert not at.exception
        assert [one.value for one in at.title] == [path.title()]
        assert len(at.error) == 1
        assert any(one.proto.label == f"{path.title()}s" for one in at.get("page_link"))


def test_settings_that_are_damaged_meanwhile_are_named_with_file_and_line(workspace: Path, open_page: Open) -> None:
    settings = workspace / "config.yaml"
    settings.write_text(f"{settings.read_text(encoding='utf-8')}\nnonsense: 3\n", encoding="utf-8")
    at = open_page("connections")
    assert not at.exception
    assert any("config" in one.value and "cannot be used as it is" in one.value for one in at.markdown)
    assert any("Line " in one.value and "nonsense" in one.value for one in at.error)
