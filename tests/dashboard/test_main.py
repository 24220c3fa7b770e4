from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

Open = Callable[..., AppTest]


def test_home_opens(open_page: Open) -> None:
    at = open_page()
    assert not at.exception
    assert at.title[0].value == "Home"
