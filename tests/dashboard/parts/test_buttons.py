from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from dashboard.base import session
    from dashboard.parts.buttons import action_button, submit_button

    done = st.session_state.setdefault("done", [])
    if st.session_state.pop("interrupted", False):
        st.rerun()
    if not st.session_state.pop("elsewhere", False):
        action_button("Go", "go", lambda _key: done.append("go"))
        with st.form("form"):
            submit_button("Send", "send", lambda _key: done.append("send"))
    session.drop_presses()


@pytest.mark.parametrize("key", ["go", "send"])
def test_a_press_outlives_an_interruption_and_counts_once(key: str) -> None:
    at = AppTest.from_function(_page).run()
    at.session_state["interrupted"] = True
    at.button(key=key).click().run()
    assert at.session_state["done"] == [key]
    at.run()
    assert at.session_state["done"] == [key]


def test_a_press_is_forgotten_when_the_page_no_longer_shows_its_button() -> None:
    at = AppTest.from_function(_page).run()
    at.session_state["interrupted"] = at.session_state["elsewhere"] = True
    at.button(key="go").click().run()
    at.run()
    assert at.button(key="go").label == "Go"
    assert at.session_state["done"] == []
