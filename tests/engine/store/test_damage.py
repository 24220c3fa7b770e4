"""A damaged state.db: said plainly, moved aside only when asked, and never under a living process."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.base.errors import DamagedState, InUse, StorageError
from engine.store.blobs.disk import DiskBlobs
from engine.store.sql.base.tables import settings
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.damage import set_aside
from engine.store.sqlite.database import SqliteStateDatabase, storage_errors

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a state file of some pages."""
    database = SqliteStateDatabase(tmp_path)
    with database.writing() as connection:
        connection.execute(settings.insert(), [{"key": f"k{n}", "value": "x" * 500} for n in range(200)])
    database.close()
    return tmp_path


def overwrite_start(data: bytearray) -> None:
    data[:4096] = b"no database, really. " * 195 + b"\0"


def overwrite_middle(data: bytearray) -> None:
    data[8192:] = b"\xff" * (len(data) - 8192)


@pytest.mark.parametrize("damage", [overwrite_start, overwrite_middle])
def test_a_damaged_file_is_moved_aside_and_a_new_one_works(folder: Path, damage: Callable[[bytearray], None]) -> None:
    path = folder / "state.db"
    data = bytearray(path.read_bytes())
    damage(data)
    path.write_bytes(data)
    (folder / "state.db-wal").write_bytes(b"left over")
    aside = set_aside(folder, NOW)
    assert aside == folder / "state.db.damaged-20261120T120000Z"
    assert not path.exists()
    assert not (folder / "state.db-wal").exists()
    database = SqliteStateDatabase(folder)
    assert database.has_unread_logs()
    database.close()


@pytest.mark.parametrize(
    ("letters", "changed"),
    [
        pytest.param(b"heartbeat_at TEXT", b"heartbeat_at TE\xf8T", id="a type that is not text"),
        pytest.param(b"heartbeat_at TEXT", b"heartbe\xe1t_at TEXT", id="a name that is not text"),
        pytest.param(b"heartbeat_at TEXT", b"heartbeau_at TEXT", id="a column of another name"),
        pytest.param(b"CREATE TABLE owners", b"CREATE TABLE owmers", id="a table of another name"),
    ],
)
def test_a_changed_letter_that_sqlite_overlooks_is_damage_as_well(folder: Path, letters: bytes, changed: bytes) -> None:
    path = folder / "state.db"
    data = path.read_bytes()
    assert letters in data
    path.write_bytes(data.replace(letters, changed))
    with pytest.raises(DamagedState, match="is damaged"):
        use(folder)
    assert set_aside(folder, NOW) is not None
    use(folder)


def use(folder: Path) -> None:
    """Open the file, and be an owner in it."""
    database = SqliteStateDatabase(folder)
    try:
        SqlOwner(database, folder / "owners", "serve", lambda: NOW).release()
    finally:
        database.close()


def test_every_use_of_a_damaged_file_names_the_remedy(folder: Path) -> None:
    (folder / "state.db").write_bytes(b"this is not a database file at all" * 50)
    with pytest.raises(DamagedState, match="is damaged") as refused:
        SqliteStateDatabase(folder)
    assert "`orchestra reindex`" in refused.value.remedy
    assert isinstance(refused.value, StorageError)


def test_a_sound_file_and_a_missing_one_stay_as_they_are(folder: Path, tmp_path: Path) -> None:
    before = (folder / "state.db").read_bytes()
    assert set_aside(folder, NOW) is None
    assert (folder / "state.db").read_bytes() == before
    assert set_aside(tmp_path / "nowhere", NOW) is None


def test_nothing_is_moved_under_a_living_process(folder: Path) -> None:
    database = SqliteStateDatabase(folder)
    owner = SqlOwner(database, folder / "owners", "serve", lambda: NOW)
    kept = (folder / "state.db").read_bytes()
    (folder / "state.db").write_bytes(b"this is not a database file at all" * 50)
    with pytest.raises(InUse, match=owner.id):
        set_aside(folder, NOW)
    (folder / "state.db").write_bytes(kept)
    owner._lock.close()
    database.close()


def test_a_folder_in_the_place_of_the_file_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(StorageError) as refused:
        SqliteStateDatabase(tmp_path)
    assert str(refused.value) == f"{tmp_path / 'state.db'} is a folder, and the state is a file."
    assert refused.value.remedy.startswith("Move the folder away")


def test_a_place_that_cannot_be_written_is_named_and_no_other(tmp_path: Path) -> None:
    database = SqliteStateDatabase(tmp_path / "state")
    (tmp_path / "logs").write_text("a file where a folder is to be made")
    with pytest.raises(StorageError, match=rf"^{tmp_path / 'logs'}"):
        SqlOwner(database, tmp_path / "state" / "owners", "cli", lambda: NOW, blobs=DiskBlobs(tmp_path / "logs"))
    database.close()


@pytest.mark.parametrize(
    ("free", "said"), [pytest.param(0, "No space left on device", id="full"), pytest.param(10**9, "oh", id="broken")]
)
def test_an_error_of_the_disk_is_told_as_a_full_disk_where_it_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    error = sqlite3.OperationalError("oh")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR | 18 << 8  # SQLITE_IOERR_SHMOPEN
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(StorageError, match=f"state.db: {said}\\."), storage_errors(tmp_path / "state.db"):
        raise error
