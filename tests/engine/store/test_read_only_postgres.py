"""A state on a server that is only read: nothing reaches its tables."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from engine.base.errors import StorageError
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.postgres.server.address import ReadOnly
from engine.store.sql.state import SqlState
from tests import postgres

WHY = ReadOnly("This folder cannot be written", "Ask somebody.")


def test_it_reads_and_refuses_to_write(tmp_path: Path) -> None:
    with postgres.schema() as url:
        with pytest.raises(StorageError, match="is empty, and this process cannot prepare it"):
            PostgresStateDatabase(url, WHY)
        with (
            closing(PostgresStateDatabase(url)) as whole,
            closing(PostgresStateDatabase(url, WHY)) as read,
        ):
            SqlState(whole).settings.put("key", "value")
            whole.texts(tmp_path).put("versions/a/1.json", "text")
            settings, texts = SqlState(read).settings, read.texts(tmp_path)
            assert settings.get("key") == "value"
            assert texts.get("versions/a/1.json") == "text"
            with pytest.raises(StorageError, match="This folder cannot be written, so this process only reads"):
                settings.put("key", "other")
            with pytest.raises(StorageError, match="This folder cannot be written, so this process only reads"):
                texts.put("versions/a/1.json", "other")
            assert (settings.get("key"), texts.get("versions/a/1.json")) == ("value", "text")
