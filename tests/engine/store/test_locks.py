"""The contract of the locks that show which processes are alive, on files and on a server."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.base.errors import InUse
from engine.store.locks import FileLocks, Locks, ServeLock, is_locked
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.sql.opening import open_database
from tests import postgres
from tests.patience import until

_HOLDS = """
import sys
from pathlib import Path
from engine.store.sql.opening import open_database
folder = Path(sys.argv[1])
locks = open_database(folder, sys.argv[2]).locks(folder)
lock = locks.hold("other")
print(lock.is_certain(), locks.leads("ingress"), flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a state: in a file, or on a server."""
    if request.param == "sqlite":
        yield ""
    else:
        with postgres.schema() as url:
            yield url


@pytest.fixture
def make(address: str, tmp_path: Path) -> Iterator[Callable[[], Locks]]:
    """Open the locks of one more process."""
    made: list[Locks] = []
    with closing(open_database(tmp_path, address)) as database:

        def open_locks() -> Locks:
            made.append(database.locks(tmp_path))
            return made[-1]

        yield open_locks
        for locks in made:
            locks.close()


def test_a_lock_is_held_until_it_is_closed(make: Callable[[], Locks]) -> None:
    mine, others = make(), make()
    assert not others.is_held("mine")
    lock = mine.hold("mine")
    assert lock.is_certain()
    assert mine.is_held("mine")
    assert others.is_held("mine")
    others.clear_away("mine")  # who lives keeps it
    assert others.is_held("mine")
    assert not others.is_held("min")
    lock.close()
    assert not lock.is_certain()
    until(lambda: not others.is_held("mine"))


def test_what_a_dead_process_has_left_is_cleared_away(make: Callable[[], Locks], tmp_path: Path) -> None:
    mine, others = make(), make()
    mine.hold("mine").close()
    others.clear_away("mine")
    others.clear_away("never there")
    assert list(tmp_path.glob("mine*")) == []
    again = others.hold("mine")
    assert mine.is_held("mine")
    again.close()


def test_many_may_look_at_a_lock_and_none_holds_it_by_that(make: Callable[[], Locks]) -> None:
    mine, others = make(), make()
    mine.hold("mine").close()
    until(lambda: not others.is_held("mine"))
    seen: list[bool] = []

    def look() -> None:
        seen.extend(others.is_held("mine") for _ in range(100))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [False] * 400


def test_a_killed_process_holds_and_leads_nothing(make: Callable[[], Locks], address: str, tmp_path: Path) -> None:
    mine = make()
    command = [sys.executable, "-c", _HOLDS, str(tmp_path), address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True True\n"
        assert mine.is_held("other")
        assert not mine.leads("ingress")
        other.kill()
        other.wait()
    until(lambda: not mine.is_held("other"), "the lock to be free")
    until(lambda: mine.leads("ingress"), "the task to be free")


def test_a_task_is_led_by_one_process_until_it_ends(make: Callable[[], Locks]) -> None:
    first, second = make(), make()
    assert [first.leads("ingress"), second.leads("ingress"), first.leads("ingress")] == [True, False, True]
    assert second.leads("triggers")
    first.close()
    until(lambda: second.leads("ingress"))
    assert not first.leads("ingress")
    assert second.leads("triggers")


def test_threads_of_a_process_ask_together_whether_it_leads(make: Callable[[], Locks]) -> None:
    first, second = make(), make()
    seen: list[tuple[bool, bool]] = []
    threads = [
        threading.Thread(target=lambda: seen.append((first.leads("ingress"), second.leads("ingress"))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1, "one of the two leads, for all of its threads"
    assert sorted(seen[0]) == [False, True]


@pytest.mark.service
def test_a_lock_whose_connection_is_cut_is_taken_again_before_others_count_it_as_free(tmp_path: Path) -> None:
    with postgres.schema() as url, closing(PostgresStateDatabase(url)) as database:
        locks = database.locks(tmp_path)
        lock = locks.hold("mine")
        try:
            cut = (
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ?"
            )
            with database.asking() as cursor:
                cursor.execute(cut, (database.server.key % 2**32,)).fetchall()
            until(lambda: not locks.is_held("mine"), "the connection to be cut")
            until(lambda: locks.is_held("mine"), "it to be taken again")
            until(lock.is_certain)
        finally:
            lock.close()


def test_a_lock_that_this_process_looks_at_is_on_its_file(tmp_path: Path) -> None:
    lock = FileLocks(tmp_path).hold("mine")
    assert is_locked(tmp_path, "mine")
    lock.close()
    assert not is_locked(tmp_path, "mine")


def test_there_is_one_server(tmp_path: Path) -> None:
    first = ServeLock(tmp_path / "state")
    with pytest.raises(InUse, match="already served by process"):
        ServeLock(tmp_path / "state")
    first.close()
    ServeLock(tmp_path / "state").close()
