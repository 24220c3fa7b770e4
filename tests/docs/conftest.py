"""A workspace as `orchestra init` makes it, and the engine on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from api.server import create_api
from engine.orchestra import Orchestra
from tests.workspaces import init


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    """The engine on a new workspace; every service is its stand-in, which starts only where one is used."""
    init(tmp_path / "workspace")
    opened = Orchestra.open(tmp_path / "workspace", demo=True)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def api() -> FastAPI:
    """The REST API, which describes itself once, in some seconds."""
    return create_api(lambda: pytest.fail("nothing is asked"))
