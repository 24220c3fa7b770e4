"""A full, broken or read-only disk at any moment of a run: nothing is lost, nothing is claimed, and then it goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assurance.faults.disk import FAULTS, Fault, failing
from assurance.faults.story import OWNER, Story, quickly
from assurance.semantics.engines import more_step_types
from assurance.semantics.service import scripted_service
from engine.base.errors import InvalidFile, OrchestraError, StorageError
from engine.files import atomic as files
from engine.orchestra import Orchestra

pytestmark = pytest.mark.slow

Wrong = Callable[[pytest.MonkeyPatch], None]
EVERY = 6
"""Of the moments of a run, this one of so many is tried."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody waits between attempts."""
    quickly(monkeypatch.setattr)
    with more_step_types():
        yield


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A workspace in which a run has succeeded; each case works on a copy of it."""
    with more_step_types(), scripted_service() as service:
        yield Story(tmp_path_factory.mktemp("disk") / "workspace", service)


def moments_of(story: Story, fault: Fault) -> list[str]:
    """Return every operation of a run on a sound disk, from opening the workspace to closing it."""
    story.disk.fault = fault
    with failing(story.disk):
        orchestra = Orchestra.open(story.root)
        story.check_done(story.finished(orchestra, story.start(orchestra)))
        orchestra.close()
    return story.disk.asked


def live_through(story: Story, fault: Fault, moment: int, *, is_lasting: bool) -> list[str]:
    """Run on a disk that fails at a moment, look at what is left, heal it, and run to the end; return what was told."""
    disk = story.disk
    disk.fault, disk.fails_at, disk.is_lasting = fault, moment, is_lasting
    told: list[OrchestraError] = []
    orchestra: Orchestra | None = None
    with failing(disk):
        try:
            orchestra = Orchestra.open(story.root)
            run = orchestra.runs.wait(OWNER, story.start(orchestra), 10)
            if run["status"] == "succeeded":
                story.check_done(run)
        except (StorageError, InvalidFile) as error:
            told.append(error)
        if orchestra is not None and is_lasting:
            orchestra.close()
            orchestra = None
        disk.heal()
        if orchestra is None:
            story.check_whole()
        for one in told:
            _check_told(story, one)
        _go_on(story, orchestra)
    return [one.message for one in told]


def _check_told(story: Story, error: OrchestraError) -> None:
    """It is the disk that is told of, but where a single file could not be read: there, that file is."""
    if isinstance(error, InvalidFile):
        assert error.problems
        assert "The file cannot be read: Input/output error." in error.problems[0].message
    else:
        assert isinstance(error, StorageError)
        story.check_error(error)


def _go_on(story: Story, orchestra: Orchestra | None) -> None:
    """The disk is sound again: the run goes on, in the same process or in a new one, and ends right."""
    opened = orchestra or Orchestra.open(story.root)
    try:
        if orchestra is None:
            opened.runs.resume_all(OWNER)
        story.check_done(story.finished(opened, story.start(opened)))
        assert opened.runs.get(OWNER, story.earlier["run_id"]) == story.earlier
        assert len(opened.runs.list(OWNER).rows) == 2
    finally:
        opened.close()
    story.check_kept()


@pytest.mark.parametrize("is_lasting", [pytest.param(False, id="once"), pytest.param(True, id="for ever")])
def test_a_disk_that_fails_at_any_moment_of_a_run_loses_nothing(story: Story, tmp_path: Path, is_lasting: bool) -> None:
    count = max(len(moments_of(story.copied(tmp_path / f"{fault}-{is_lasting}"), fault)) for fault in FAULTS)
    told = 0
    for moment in range(1 + 2 * is_lasting, count + 1, EVERY):  # all of them: assurance/faults/chaos.py
        fault = FAULTS[moment // EVERY % len(FAULTS)]
        place = story.copied(tmp_path / f"{moment}-{fault}-{is_lasting}")
        told += bool(live_through(place, fault, moment, is_lasting=is_lasting))
    assert count > 80
    assert told > count / EVERY / 2, "a disk that fails is to be told of"


# --- stores that are wrong on purpose


def _leaves_drafts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "unlink", lambda *_, **__: None)


def _writes_in_place(patch: pytest.MonkeyPatch) -> None:
    def in_place(_self: files.AtomicFileBatch, path: Path, data: bytes) -> None:
        with files.storage_errors(path):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            try:
                os.write(handle, data)
            finally:
                os.close(handle)

    patch.setattr(files.AtomicFileBatch, "write", in_place)


@pytest.mark.parametrize(
    ("wrong", "moment"),
    [
        pytest.param(_leaves_drafts, "fsync", id="leaves its drafts lying about"),
        pytest.param(_writes_in_place, "write", id="writes in place"),
    ],
)
def test_the_story_finds_a_store_that(wrong: Wrong, moment: str, story: Story, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        wrong(patch)
        asked = moments_of(story.copied(tmp_path / f"count-{wrong.__name__}"), "ENOSPC")
        with pytest.raises((AssertionError, ValueError)):
            _live_through_all(story, tmp_path, moment, asked.count(moment))


def _live_through_all(story: Story, folder: Path, moment: str, count: int) -> None:
    for number in range(1, count + 1):
        place = story.copied(folder / f"wrong-{number}")
        place.disk.counts = moment
        live_through(place, "ENOSPC", number, is_lasting=True)
