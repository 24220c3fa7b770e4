"""The page of collections."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER


def test_without_a_collection_the_page_offers_the_workflow_that_makes_one(
    orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("collections")
    assert page.session_state["collections-accounts"] == "demo", "all connections of a new workspace are on the demo"
    page.button(key="collections-sample").click().run()
    assert not page.exception
    assert "ask-my-documents" in orchestra.workflows.names(OWNER)
    page = open_page("collections")
    assert not page.exception
    assert "collections-sample" not in {button.key for button in page.button}
