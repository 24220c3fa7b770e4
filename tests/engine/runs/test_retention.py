"""Old runs go whole, by age and number; what is still needed stays, and so does what they have written."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import NotAllowed, StorageError, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.retention import Pruned, Retention
from engine.store.blobs import disk
from engine.store.sql.old_runs import SqlOldRuns
from tests.engine.conftest import OWNER, Service, post_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

_START = datetime(2026, 5, 1, 12, tzinfo=UTC)


class _Place:
    """A workspace whose clock is set by the test."""

    def __init__(self, root: Path) -> None:
        self.root, self.now = root, _START
        self.orchestra = Orchestra(root, clock=lambda: self.now)

    def keep(self, **limits: int) -> None:
        text = (self.root / "config.yaml").read_text()
        (self.root / "config.yaml").write_text(
            f"{text}retention: {{{', '.join(f'{k}: {v}' for k, v in limits.items())}}}\n"
        )

    def run(self, name: str = "work", **asked: Any) -> str:
        run_id = self.orchestra.runs.start(OWNER, name, {}, **asked)
        self.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        self.later(0.001)
        return run_id

    def rerun(self, run_id: str, **how: Any) -> str:
        again = self.orchestra.runs.rerun(OWNER, run_id, **how)
        self.orchestra.runs.wait(OWNER, again, PATIENCE_SECONDS)
        self.later(0.001)
        return again

    def later(self, days: float) -> None:
        self.now += timedelta(days=days)

    def prune(self) -> list[str]:
        return self.orchestra.retention.prune(OWNER).run_ids

    def listed(self) -> list[str]:
        return [row.run_id for row in self.orchestra.runs.list(OWNER, limit=200).rows][::-1]

    def files(self) -> set[str]:
        found = os.walk(self.root / "logs")  # a folder may be removed meanwhile
        return {name for _, _, names in found for name in names if name != "writes.list"}


@pytest.fixture
def place(root: Path) -> Iterator[_Place]:
    """A workspace with one workflow that does nothing."""
    write_workflow(root, "work", [set_step("a")])
    found = _Place(root)
    yield found
    found.orchestra.close()


def test_without_a_word_about_it_all_runs_are_kept(place: _Place) -> None:
    kept = place.run()
    place.later(10_000)
    assert place.prune() == []
    assert place.listed() == [kept]


def test_runs_beyond_an_age_go_with_everything_of_theirs(place: _Place, root: Path) -> None:
    text = {"type": "object", "properties": {"t": {"type": "string", "default": "x" * 300_000}}}
    write_workflow(root, "large", [set_step("a", {"t": "{{ inputs.t }}"})], inputs=text)
    old = [place.run("large"), place.run()]
    place.later(20)
    young = place.run()
    place.later(11)
    place.keep(days=30)
    assert place.orchestra.retention.due(OWNER).run_ids == old
    assert place.orchestra.retention.due(OWNER).size_bytes > 300_000
    assert place.listed() == [*old, young]  # looking removes nothing
    assert place.prune() == old
    assert place.listed() == [young]
    assert place.files() == {f"{young}.json"}
    assert not (root / "logs" / "2026-05-01").exists()
    with pytest.raises(UnknownName):
        place.orchestra.runs.get(OWNER, old[0])
    assert place.prune() == []
    assert place.orchestra.audit(OWNER)[0].action == "runs.prune"


def test_only_so_many_runs_are_kept_the_newest(place: _Place) -> None:
    runs = [place.run() for _ in range(5)]
    place.keep(runs=2)
    assert place.prune() == runs[:3]
    assert place.listed() == runs[3:]


def test_runs_of_the_demo_may_go_earlier(place: _Place) -> None:
    real = place.run()
    place.orchestra.close()
    place.orchestra = Orchestra(place.root, demo=True, clock=lambda: place.now)
    demo = place.run()
    assert place.orchestra.runs.get(OWNER, demo)["demo"] is True
    place.later(3)
    place.keep(days=30, demo_days=2)
    assert place.prune() == [demo]
    assert place.listed() == [real]


def test_a_write_is_not_made_twice_though_its_run_is_gone(place: _Place, root: Path, service: Service) -> None:
    write_workflow(root, "writes", [post_step("w", service.url("/w"), once="one")])
    place.run("writes")
    place.later(2)
    place.keep(days=1)
    assert len(place.prune()) == 1
    again: Any = place.orchestra.runs.get(OWNER, place.run("writes"))
    assert again["steps"][0]["effect"]["reused"] is True
    assert service.seen["/w"] == 1


@pytest.mark.parametrize("act", ["get", "undo", "undoable", "resume", "rerun", "cancel"])
def test_of_a_run_that_is_gone_it_is_said_that_it_was_removed(
    place: _Place, root: Path, service: Service, act: str
) -> None:
    write_workflow(root, "writes", [post_step("w", service.url("/w"))])
    run_id = place.run("writes")
    place.later(2)
    place.keep(days=1)
    place.prune()
    with pytest.raises(UnknownName) as removed:
        getattr(place.orchestra.runs, act)(OWNER, run_id)
    assert removed.value.remedy.startswith("It was removed, as `retention` says or by hand.")
    with pytest.raises(UnknownName) as unknown:
        getattr(place.orchestra.runs, act)(OWNER, "20260101T000000Z-aaaaaaaa")
    assert unknown.value.remedy == "`orchestra runs list` shows what there is."


def test_of_a_listed_run_without_a_log_it_is_not_said_that_it_was_removed(
    place: _Place, root: Path, service: Service
) -> None:
    write_workflow(root, "writes", [post_step("w", service.url("/w"))])
    run_id = place.run("writes")
    (root / "logs").rename(root / "elsewhere")
    with pytest.raises(UnknownName) as unknown:
        place.orchestra.runs.get(OWNER, run_id)
    assert "its log is not where this process looks" in unknown.value.remedy
    assert "`orchestra state copy-logs --to PLACE` (with the old `logs` set) copies them. If" in unknown.value.remedy
    assert place.listed() == [run_id]
    place.orchestra.runs.reindex(OWNER)
    assert place.listed() == []


def test_a_request_that_was_answered_starts_nothing_though_its_run_is_gone(place: _Place) -> None:
    first = place.run(request_key="k")
    place.later(2)
    place.keep(days=1)
    assert place.prune() == [first]
    assert place.orchestra.runs.start(OWNER, "work", {}, request_key="k") == first
    assert place.listed() == []


def test_what_is_not_over_stays_with_what_it_refers_to(place: _Place, root: Path, service: Service) -> None:
    service.answers = {"/unsure": [502]}
    write_workflow(root, "unsure", [post_step("w", service.url("/unsure"))])
    unsure = place.run("unsure")
    assert place.orchestra.runs.get(OWNER, unsure)["counts"]["unknown_effects"] == 1
    origin = place.run()
    first_rerun = place.rerun(origin)
    write_workflow(root, "work", [{"id": "w", "uses": "flow.wait", "with": {"seconds": 10**7}}])
    waiting = place.rerun(first_rerun, replay=True)
    assert place.orchestra.runs.get(OWNER, waiting)["status"] == "waiting"
    write_workflow(root, "work", [set_step("a")])
    gone = place.run()
    place.later(50)
    place.keep(days=1, runs=1)
    assert place.prune() == [gone]
    assert place.listed() == [unsure, origin, first_rerun, waiting]
    place.orchestra.runs.cancel(OWNER, waiting)
    place.orchestra.runs.wait(OWNER, waiting, PATIENCE_SECONDS)
    place.later(50)
    assert place.prune() == [origin, first_rerun, waiting]
    assert place.listed() == [unsure]


def test_a_called_run_stays_as_long_as_its_caller(place: _Place, root: Path, service: Service) -> None:
    write_workflow(root, "inner", [post_step("w", service.url("/w"))])
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}
    write_workflow(root, "work", [call, {"id": "wait", "uses": "flow.wait", "with": {"seconds": 10 * 86400}}])
    caller = place.run()
    place.later(11)
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while place.orchestra.runs.get(OWNER, caller)["status"] != "succeeded":
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    place.later(25)
    place.keep(days=30)
    assert place.prune() == []
    assert [line.path for line in place.orchestra.runs.undoable(OWNER, caller).cannot] == ["w"]
    place.later(6)
    assert len(place.prune()) == 2
    assert place.listed() == []


@pytest.mark.parametrize(
    "dies",
    ["before the files are gone", "when half of them are gone", "before the day is synced", "before it is noted"],
)
def test_a_crash_in_between_leaves_nothing_half(place: _Place, monkeypatch: pytest.MonkeyPatch, dies: str) -> None:
    place.run()
    place.run()
    place.later(2)
    place.keep(days=1)

    class _Crash(BaseException):
        """The process dies."""

    def crash(*_: Any, **__: Any) -> None:
        raise _Crash

    unlink, unlinked = Path.unlink, list[Path]()

    def half(path: Path, *, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        if path.suffix == ".json":
            unlinked.append(path)
            crash()

    with monkeypatch.context() as patch:
        if dies == "before the files are gone":
            patch.setattr(Retention, "_remove_files", lambda self, ids: crash() if ids else None)
        elif dies == "when half of them are gone":
            patch.setattr(Path, "unlink", half)
        elif dies == "before the day is synced":
            patch.setattr(disk, "sync_folder", crash)
        else:
            patch.setattr(SqlOldRuns, "forget", crash)
        with pytest.raises(_Crash):
            place.prune()
    assert len(unlinked) == (dies == "when half of them are gone")
    assert place.listed() == []
    assert place.prune() == []
    assert place.files() == set()
    place.orchestra.close()
    place.orchestra = Orchestra(place.root, clock=lambda: place.now)
    assert place.orchestra.runs.reindex(OWNER) == (0, {})
    assert place.listed() == []


def test_a_file_that_cannot_be_removed_is_told_and_tried_again(place: _Place, root: Path) -> None:
    run_id = place.run()
    place.later(2)
    place.keep(days=1)
    log = next((root / "logs").rglob(f"{run_id}.json"))
    text = log.read_text()
    log.unlink()
    log.mkdir()
    with pytest.raises(StorageError, match=run_id):
        place.prune()
    log.rmdir()
    log.write_text(text)
    assert place.prune() == []
    assert place.files() == set()


def test_only_who_may_administer_removes_runs(place: _Place) -> None:
    with pytest.raises(NotAllowed):
        place.orchestra.retention.prune(Principal("reader", "viewer"))


def test_a_server_removes_old_runs_by_itself(place: _Place) -> None:
    place.run()
    place.later(2)
    place.keep(days=1)
    place.orchestra.close()
    place.orchestra = Orchestra(place.root, serve=True, clock=lambda: place.now)
    ends_at = datetime.now(UTC) + timedelta(seconds=20)
    while place.listed() or place.files():
        assert datetime.now(UTC) < ends_at, "nothing was removed"
    assert place.orchestra.retention.due(OWNER) == Pruned([], 0)
