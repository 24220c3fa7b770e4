"""A workspace with a connection of every service that the wizard has targets for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from engine.orchestra import Orchestra
from tests.workspaces import init

MORE = {"discord": "discord", "telegram": "telegram", "drive": "google_drive", "imap": "imap", "slack": "slack"}
MORE |= {"sheets": "google_sheets", "calendar": "google_calendar"}


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    folder = tmp_path_factory.mktemp("wizard") / "workspace"
    init(folder)
    _connect(folder / "config.yaml")
    opened = Orchestra.open(folder, demo=True)
    yield opened
    opened.close()


def _connect(path: Path) -> None:
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["connections"] |= {name: {"service": service} for name, service in MORE.items()}
    settings["approvals"] = {"default": "never"}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
