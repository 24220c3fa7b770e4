"""Writes that are held are told on every page, and go on when somebody who may says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.store.held import HeldWrites
from engine.store.sql.held import put_held

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
RUN = "20261120T120000Z-abcdefgh"


@pytest.fixture(autouse=True)
def held(orchestra: Orchestra) -> None:
    """Writes are held for a run without a log."""
    with orchestra._families.opened.database.writing() as connection:
        put_held(connection, HeldWrites("2026-11-20T12:00:00.000Z", [RUN]))


def test_every_page_tells_that_writes_are_held(open_page: Open) -> None:
    for path in ("", "runs", "workflows"):
        at = open_page(path)
        assert not at.exception
        assert [error.value.count("Writes are held since") for error in at.error] == [1]


def test_a_press_goes_on_and_is_written_down(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page()
    at.button(key="accept-held").click().run()
    assert not at.exception
    assert not any("Writes are held" in error.value for error in at.error)
    assert orchestra.proof.held(OWNER) is None
    line = orchestra.audit(OWNER)[0]
    assert (line.action, line.principal) == ("state.accept", "owner")
    assert RUN in line.detail
