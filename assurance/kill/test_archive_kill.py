"""Servers die while they read a mail archive: each mail starts exactly one run all the same."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from assurance.kill.archive_storm import ArchiveStorm, archive_storms

pytestmark = pytest.mark.slow
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ArchiveStorm]]:
    """The workspace that all tests share."""
    with archive_storms(tmp_path_factory.mktemp("archives") / "workspace") as new:
        yield new


@pytest.fixture
def archive(made: Callable[[str], ArchiveStorm]) -> Iterator[ArchiveStorm]:
    """A mailbox of its own, whose trigger is on; nobody serves."""
    one = made(f"mails-{next(_NUMBERS)}")
    one.begin()
    yield one
    one.end()


def test_killed_before_a_piece_is_stored_and_the_mailbox_grows_meanwhile(archive: ArchiveStorm) -> None:
    archive.write(25)
    server = archive.served(signal_at=["before items", 2, "SIGKILL"])
    while server.said():
        pass
    server.close()
    archive.write(5)
    archive.settle()
    assert archive.wrongs() == []


def test_killed_at_any_moment_while_it_grows_and_is_written_anew(archive: ArchiveStorm) -> None:
    chance = random.Random(20261130)
    for _ in range(3):
        server = archive.served()
        for _ in range(3):
            archive.write(chance.choice((1, 7, 30)))
            time.sleep(chance.uniform(0.0, 0.7))
        archive.kill(server)
        archive.settle()
        archive.compact()
    archive.settle()
    assert archive.wrongs() == []


@pytest.mark.control
def test_runs_that_are_stored_apart_from_the_place_are_seen_to_be_lost(archive: ArchiveStorm) -> None:
    archive.write(6)
    server = archive.served(wrong=["runs apart"], signal_at=["between", 1, "SIGKILL"])
    while server.said():
        pass
    server.close()
    archive.settle()
    assert [one for one in archive.wrongs() if one.startswith("lost")]
