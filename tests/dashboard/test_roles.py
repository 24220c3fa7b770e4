"""What people of a team see by their roles: a page names no button that they do not have."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from engine.people.access import Role
from tests.dashboard.conftest import OWNER
from tests.dashboard.test_approvals import asking
from tests.dashboard.test_run import words

PROPOSED: list[tuple[str, Role, str]] = [
    ("files", "viewer", "Drop a file"),
    ("files", "viewer", "Drop the first one"),
    ("budgets", "editor", "Set budgets"),
    ("agents", "viewer", "Begin with a sample"),
    ("tools", "viewer", "A new one"),
    ("tables", "viewer", "The button below"),
    ("runs", "viewer", "to run"),
    ("", "viewer", "Start with"),
    ("", "operator", "Use my own mail"),
    ("connections", "operator", "in the environment or in .env"),
    ("environments", "viewer", "you can go on changing"),
]
"""What an empty page proposes to an owner, and who may not do it."""


def test_an_empty_page_proposes_only_what_the_role_may_do(
    orchestra: Orchestra, open_page: Callable[..., AppTest], sign_in: Callable[..., str]
) -> None:
    def said(path: str) -> str:
        page = open_page(path)
        assert not page.exception
        links = [one.proto.label for one in page.get("page_link")]
        return " ".join([*(one.value for one in (*page.info, *page.caption, *page.markdown, *page.header)), *links])

    assert [row for row in PROPOSED if row[2] not in said(row[0])] == [], "an owner may"
    for role in ("viewer", "operator", "editor"):
        orchestra.users.add(OWNER, role, role.title(), role)
        sign_in(role)
        assert [row for row in PROPOSED if row[1] == role and row[2] in said(row[0])] == []


def test_a_question_is_not_for_a_viewer(
    orchestra: Orchestra, open_page: Callable[..., AppTest], sign_in: Callable[..., str]
) -> None:
    asking(orchestra)
    home = open_page()
    assert "1 question waits for your answer" in words(home)
    orchestra.users.add(OWNER, "vera", "Vera", "viewer")
    sign_in("vera")
    home = open_page()
    assert "1 question waits for an answer" in words(home)
    assert {"Waits for an answer"} <= {one.value for one in home.header}


def test_an_environment_speaks_of_other_workflows_only_if_there_are_any(
    orchestra: Orchestra, open_page: Callable[..., AppTest], sign_in: Callable[..., str]
) -> None:
    orchestra.environments.init(OWNER)
    roles: tuple[Role, ...] = ("editor", "viewer")
    for role in roles:
        orchestra.users.add(OWNER, role, role.title(), role)
        sign_in(role)
        said = words(open_page("environments"))
        assert "Other workflows" not in said
        assert "Each workflow runs its file as it is." in said
        assert "No workflow runs here yet." in said
        assert ("Promote one" in said) is (role == "editor")
    names = orchestra.workflows.names(OWNER)
    orchestra.environments.promote(
        OWNER, names[0], "dev", "prod", orchestra.environments.check_promotion(OWNER, names[0], "dev", "prod").hash
    )
    for role in roles:
        sign_in(role)
        assert ("Other workflows do not run here." in words(open_page("environments"))) is (len(names) > 1)


def test_a_login_link_has_the_whole_width_below_the_buttons_of_its_user(open_page: Callable[..., AppTest]) -> None:
    page = open_page("users")
    page.button(key="link-owner").click().run()
    assert not page.exception
    drawn = [*page.main]
    kinds = [getattr(one, "key", None) or one.type for one in drawn]
    assert kinds.index("remove-owner") < kinds.index("code")
