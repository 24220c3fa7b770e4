"""What people of a team see by their roles: a page names no button that they do not have."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER


@pytest.mark.parametrize(
    ("path", "role", "words"),
    [
        pytest.param("files", "viewer", "Drop a file", id="files"),
        pytest.param("budgets", "editor", "Set budgets", id="budgets"),
        pytest.param("agents", "viewer", "Begin with a sample", id="agents"),
        pytest.param("tools", "viewer", "A new one", id="tools"),
        pytest.param("tables", "viewer", "the button below", id="tables"),
    ],
)
def test_an_empty_page_proposes_only_what_the_role_may_do(
    orchestra: Orchestra,
    open_page: Callable[..., AppTest],
    sign_in: Callable[..., str],
    path: str,
    role: str,
    words: str,
) -> None:
    def said() -> str:
        page = open_page(path)
        assert not page.exception
        return " ".join(one.value for one in (*page.info, *page.caption, *page.markdown))

    assert words in said(), "an owner may"
    orchestra.users.add(OWNER, "ann", "Ann", role)
    sign_in("ann")
    assert words not in said()


def test_a_login_link_has_the_whole_width_below_the_buttons_of_its_user(open_page: Callable[..., AppTest]) -> None:
    page = open_page("users")
    page.button(key="link-owner").click().run()
    assert not page.exception
    drawn = [*page.main]
    kinds = [getattr(one, "key", None) or one.type for one in drawn]
    assert kinds.index("remove-owner") < kinds.index("code")
