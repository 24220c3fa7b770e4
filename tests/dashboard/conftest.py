"""A served workspace with the demo services, and its dashboard as somebody signed in sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.workspaces import copied, init

APP = Path(__file__).resolve().parents[2] / "app.py"
LOCAL = Principal("local:grace", "owner")
OWNER = Principal("owner", "owner")


@pytest.fixture(scope="session")
def new_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace as `orchestra init` makes it, with the cases of one prompt; tests take copies."""
    root = tmp_path_factory.mktemp("new") / "workspace"
    init(root, all_cases=False)
    return root


@pytest.fixture
def workspace(new_workspace: Path, tmp_path: Path) -> Path:
    """A new workspace of this test's own."""
    return copied(new_workspace, tmp_path / "workspace")


@pytest.fixture
def orchestra(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orchestra]:
    """The workspace, served; the dashboard of this test shows it."""
    monkeypatch.setenv("ORCHESTRA_WORKSPACE", str(workspace))
    orchestra = Orchestra.open(workspace, serve=True)
    monkeypatch.setattr("engine.orchestra.shared", lambda: orchestra)
    yield orchestra
    orchestra.close()


@pytest.fixture
def sign_in(orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Sign a user in: every page opened from here on carries their cookie; returns its value."""

    def sign_in(user_id: str = "owner") -> str:
        session = orchestra.users.redeem(orchestra.users.login_link(LOCAL, user_id))
        assert session is not None
        monkeypatch.setattr(type(st.context), "cookies", {"orchestra_session": session.id})
        return session.id

    return sign_in


@pytest.fixture
def open_page(sign_in: Callable[..., str], components: None) -> Callable[..., AppTest]:
    """Open a page as the owner: `open_page("workflow", name="inbox-triage")`."""
    sign_in()

    def open_page(path: str = "", **params: str) -> AppTest:
        at = AppTest.from_file(str(APP), default_timeout=30)
        for name, value in params.items():
            at.query_params[name] = value
        # `switch_page` knows only pages that are files of their own; this is what it sets.
        at._page_hash = calc_hash(path)
        return at.run()

    return open_page
