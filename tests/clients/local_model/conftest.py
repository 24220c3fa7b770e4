"""A real small model and its real server, which `make local-model` installs, with a cache for each test."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from clients.client import Opening
from clients.local_model.catalogue import MODELS
from clients.local_model.client import LocalModelClient
from clients.local_model.folders import is_locked
from clients.local_model.server import read_state
from clients.local_model.service import LocalModelSettings
from clients.local_model.weights import file_of
from tests.patience import until

ROOT = Path(__file__).resolve().parents[3]
INSTALLED = ROOT / ".venv-local"
SMALL = MODELS[0]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's cache; what runs at the end is ended."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    yield folder
    for state in (folder / "ai-orchestra" / "servers").glob("*.json"):
        end(state, signal.SIGKILL)


@pytest.fixture
def packages(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with llama.cpp's server, which this process finds; the model is in the cache."""
    if not (INSTALLED / "ready").exists():
        skip = pytest.fail if os.environ.get("REQUIRE_LOCAL_MODEL") else pytest.skip
        skip("`make local-model` installs a small model and its server.")
    found = next(INSTALLED.glob("lib/python*/site-packages"))
    monkeypatch.setattr(sys, "path", [*sys.path, str(found)])
    file_of(SMALL).symlink_to(found / SMALL.wheels[0].member)
    return found


@pytest.fixture
def client(packages: Path) -> Iterator[LocalModelClient]:
    """A client of the small model; nothing runs yet."""
    opened = LocalModelClient.open(LocalModelSettings(), Opening())
    yield opened
    opened.close()


def end(state: Path, how: signal.Signals) -> None:
    """End the server of a state file, and wait for its end."""
    lock, found = state.with_suffix(".lock"), read_state(state)
    if found is not None and is_locked(lock):
        with suppress(ProcessLookupError):
            os.kill(found.pid, how)
        until(lambda: not is_locked(lock), "the end of the server")
