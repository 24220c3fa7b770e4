"""Sessions of the state file itself: opened, closed, shortened, grown, made anew, of an earlier form; and old runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from assurance.faults.power.scene import OWNER, Scene, Session, lister
from engine.orchestra import Orchestra
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.store.earlier_form import make_earlier

SESSIONS: dict[str, Session] = {}
_session = lister(SESSIONS)


def _with_runs(scene: Scene, lanes: str, **more: Any) -> list[str]:
    """Make a workspace in which runs have ended."""
    scene.make()
    if more:
        with (scene.root / "config.yaml").open("a") as file:
            file.write("".join(f"{key}: {value}\n" for key, value in more.items()))
    scene.workflow(scene.chain("large", "add"))
    scene.input_text = "x" * 60_000
    scene.open()
    return [scene.whole_run(lane) for lane in lanes]


@_session
def opened_and_closed_for_the_first_time(scene: Scene) -> None:
    scene.make()
    scene.begin()
    scene.open()
    scene.holds("opened", "opens")
    scene.close()
    scene.open()
    scene.close()


@_session
def closed_and_opened_again(scene: Scene) -> None:
    _with_runs(scene, "a")
    scene.begin()
    for lane in "bcd":
        scene.close()
        scene.open()
        scene.whole_run(lane)
    scene.close()


@_session
def log_of_the_state_file_is_brought_in(scene: Scene) -> None:
    _with_runs(scene, "a")
    scene.begin()
    for lane in "bcd":
        scene.whole_run(lane)
        assert scene.orchestra._families.opened.database.shrink()
    scene.close()


@_session
def log_of_the_state_file_begins_anew(scene: Scene) -> None:
    _with_runs(scene, "a")
    database = scene.orchestra._families.opened.database
    assert isinstance(database, SqliteStateDatabase)
    with closing(database.raw_connection()) as connection:
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
    scene.begin()
    for lane in "bc":
        scene.whole_run(lane)
        with closing(database.raw_connection()) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    scene.close()


@_session
def log_of_the_state_file_grows_large(scene: Scene) -> None:
    _with_runs(scene, "a")
    scene.begin()
    for number in range(60):  # beyond the 1,000 pages after which SQLite brings its log in by itself
        scene.orchestra.drafts.keep(OWNER, "workflow", f"d{number % 4}", f"{number} " + "y" * 90_000)
        scene.answers("drafts.get", "workflow", f"d{number % 4}")
        scene.unsure("drafts.get", "workflow", f"d{(number + 1) % 4}")
    scene.whole_run("b")
    scene.close()


@_session
def state_file_is_lost_and_made_anew(scene: Scene) -> None:
    run_ids = _with_runs(scene, "abc")
    scene.close()
    for path in (scene.root / ".orchestra").glob("state.db*"):
        path.unlink()
    scene.begin()
    scene.open()
    for run_id in run_ids:
        scene.answers("runs.get", run_id)
    scene.whole_run("d")
    scene.close()


@_session
def state_file_is_damaged_and_set_aside(scene: Scene) -> None:
    run_ids = _with_runs(scene, "ab")
    scene.close()
    (scene.root / ".orchestra" / "state.db").write_bytes(b"\0" * 8192)
    scene.begin()
    scene.holds("state", "is damaged")
    assert Orchestra.set_aside_damaged_state(scene.root) is not None
    scene.holds("state", "opens")
    scene.open()
    for run_id in run_ids:
        scene.answers("runs.get", run_id)
    scene.close()


@_session
def list_is_read_from_the_logs(scene: Scene) -> None:
    run_ids = _with_runs(scene, "abc")
    scene.begin()
    for run_id in run_ids:
        scene.answers("runs.get", run_id)
    assert scene.orchestra.runs.reindex(OWNER)[0] == len(run_ids)
    scene.close()


@_session
def state_file_of_an_earlier_form(scene: Scene) -> None:
    run_ids = _with_runs(scene, "ab")
    scene.close()
    with closing(sqlite3.connect(scene.root / ".orchestra" / "state.db")) as connection, connection:
        make_earlier(connection.execute)
    scene.begin()
    scene.open()
    for run_id in run_ids:
        scene.answers("runs.get", run_id)
    scene.whole_run("c")
    scene.close()


@_session
def old_runs_go(scene: Scene) -> None:
    run_ids = _with_runs(scene, "abcde", retention="{runs: 2}")
    for run_id in run_ids[:3]:
        scene.unsure("runs.get", run_id)
        scene.void(f"run {run_id}")
    scene.begin()
    assert scene.orchestra.retention.prune(OWNER).run_ids == run_ids[:3]
    for run_id in run_ids[:3]:
        scene.holds(f"no {run_id}", "no run", id=run_id)
    scene.close()
