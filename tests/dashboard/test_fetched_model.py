"""A small model on this machine is chosen on the page: what it takes is shown first, then it is fetched and tested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from clients.local_model.catalogue import MODELS
from clients.local_model.weights import file_of
from engine.orchestra import Orchestra
from tests.clients.local_model.conftest import cache, packages
from tests.engine.conftest import OWNER
from tests.patience import until

__all__ = ["cache", "packages"]
Open = Callable[..., AppTest]
SMALL = MODELS[0]


def words(at: AppTest) -> str:
    """Return what the page says."""
    shown = [*at.markdown, *at.caption, *at.warning]
    return " ".join(str(one.value) for one in shown)


@pytest.mark.usefixtures("cache")
def test_what_a_model_takes_is_shown_before_and_how_to_install_its_server(open_page: Open) -> None:
    at = open_page("connections")
    at.button(key="fetched-model-llm").click().run()
    assert not at.exception
    said = words(at)
    for told in ("92.9 MB", "98.4 MB", "380 MB", "Apache 2", "very small", "2 of the 20 cases"):
        assert told in said
    assert "ai-orchestra\\[local\\]" in said or "ai-orchestra[local]" in said
    assert not [one for one in at.button if one.key == "fetch-model-local_model"], "nothing to fetch it for"


@pytest.mark.slow
def test_it_is_fetched_connected_and_tested(packages: Path, orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("connections")
    at.button(key="fetched-model-llm").click().run()
    assert "Already on this machine" in words(at), "so nothing is downloaded in this test"
    at.button(key="fetch-model-local_model").click()
    at.button(key="fetched-model-llm").click().run()  # a dialog is open as long as its button is pressed
    assert not at.exception
    until(lambda: at.run() and [one for one in orchestra.connections.list(OWNER) if one.service == "local_model"])
    assert not at.exception
    status = next(one for one in orchestra.connections.list(OWNER) if one.service == "local_model")
    assert (status.name, status.ready, status.mode) == ("small", True, "mine")
    assert file_of(SMALL).exists()
    assert f"connection {status.name}" in words(at.run())
