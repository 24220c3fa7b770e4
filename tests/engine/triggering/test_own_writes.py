"""What a run of a workflow has written starts no other run of it; what a person has changed since does."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import main
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from engine.store.sql.base.database import StateDatabase
from tests.engine.conftest import write_workflow
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("tester", "owner", confirmed=True)
COPY = {"id": "w", "uses": "file.write", "with": {"path": "loop/{{ run.id }}.txt", "text": "copy"}}


def watching(root: Path, name: str, folder: str, *steps: dict[str, Any], pattern: str = "**/*.txt") -> None:
    """A workflow that a new file in a folder starts."""
    trigger = {
        "id": "new",
        "uses": "folder.new_file",
        "poll_seconds": 1,
        "with": {"path": f"files/{folder}", "pattern": pattern, "still_seconds": 0},
        "inputs": {"name": "{{ item.name }}"},
    }
    write_workflow(root, name, list(steps), inputs={"type": "object", "properties": {"name": {"type": "string"}}},
                   triggers=[trigger])  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "files" / "loop").mkdir(parents=True)
    (tmp_path / "workflows").mkdir()
    (tmp_path / "config.yaml").write_text("{}\n")
    return tmp_path


@pytest.fixture
def orchestra(root: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def polled(orchestra: Orchestra, workflow: str = "copy", times: int = 1) -> int:
    """How many runs some polls have started; each run has ended before the next poll."""
    count = 0
    for _ in range(times):
        for result in orchestra.triggers.poll(OWNER, workflow, "new"):
            for run_id in result.started:
                run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
                assert run is not None
                assert run["status"] == "succeeded", run["error"]
                count += 1
    return count


def turned_on(orchestra: Orchestra, workflow: str = "copy") -> None:
    orchestra.triggers.turn_on(OWNER, workflow, "new", Start())
    polled(orchestra, workflow)


WRITES: dict[str, list[dict[str, Any]]] = {
    "a file": [COPY],
    "in a subfolder": [{**COPY, "with": {"path": "loop/a/b/{{ run.id }}.txt", "text": "copy"}}],
    "always the same": [{**COPY, "with": {"path": "loop/out.txt", "text": "{{ run.id }}", "on_exists": "replace"}}],
    "two": [COPY, {**COPY, "id": "v", "with": {"path": "loop/{{ run.id }}-2.txt", "text": "more"}}],
    "in a loop": [
        {"id": "all", "foreach": "{{ ['a', 'b'] }}", "as": "it", "steps": [
            {**COPY, "with": {"path": "loop/{{ run.id }}-{{ it }}.txt", "text": "copy"}}]}],
}  # fmt: skip


@pytest.mark.parametrize("how", WRITES)
def test_a_file_that_a_run_wrote_starts_no_run(orchestra: Orchestra, root: Path, how: str) -> None:
    watching(root, "copy", "loop", *WRITES[how])
    turned_on(orchestra)
    (root / "files" / "loop" / "first.txt").write_text("by a person")
    assert polled(orchestra, times=5) == 1
    (root / "files" / "loop" / "second.txt").write_text("by a person")
    assert polled(orchestra, times=3) == 1


def test_a_person_who_changes_what_a_run_wrote_starts_a_run(orchestra: Orchestra, root: Path) -> None:
    watching(root, "copy", "loop", COPY)
    turned_on(orchestra)
    (root / "files" / "loop" / "first.txt").write_text("by a person")
    assert polled(orchestra, times=3) == 1
    [written] = [one for one in (root / "files" / "loop").iterdir() if one.name != "first.txt"]
    written.write_text("else")  # of the same length
    assert polled(orchestra, times=3) == 1


def test_what_another_workflow_wrote_starts_a_run(orchestra: Orchestra, root: Path) -> None:
    watching(root, "next", "loop", {"id": "f", "uses": "flow.set", "with": {"values": {"a": 1}}})
    turned_on(orchestra, "next")
    write_workflow(root, "writer", [COPY])
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "writer", {}), PATIENCE_SECONDS)
    assert polled(orchestra, "next", times=3) == 1


def test_what_a_called_workflow_wrote_starts_no_run(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "writer", [COPY])
    watching(root, "copy", "loop", {"id": "call", "uses": "workflow.run", "with": {"workflow": "writer"}})
    turned_on(orchestra)
    (root / "files" / "loop" / "first.txt").write_text("by a person")
    assert polled(orchestra, times=4) == 1


def test_while_a_write_is_open_nothing_is_started_and_nothing_is_lost(orchestra: Orchestra, root: Path) -> None:
    """A process may die between a write and its receipt: the file is there, and nobody knows yet whose it is."""
    watching(root, "copy", "loop", COPY)
    turned_on(orchestra)
    (root / "files" / "loop" / "first.txt").write_text("by a person")
    assert polled(orchestra) == 1
    database: StateDatabase = orchestra._families.opened.database
    with database.writing() as connection:
        kept = connection.exec_driver_sql("SELECT receipt FROM effects").scalar_one()
        connection.exec_driver_sql("UPDATE effects SET state = 'intent', receipt = NULL")
    (root / "files" / "loop" / "second.txt").write_text("by a person")
    assert polled(orchestra, times=2) == 0
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE effects SET state = 'done', receipt = ?", (json.loads(json.dumps(kept)),))
    assert polled(orchestra, times=3) == 1


def test_two_workflows_that_feed_each_other_are_stopped_and_nothing_is_lost(orchestra: Orchestra, root: Path) -> None:
    (root / "config.yaml").write_text("limits: {chained_polls_per_hour: 3}\n")
    (root / "files" / "back").mkdir()
    watching(root, "there", "loop", {**COPY, "with": {"path": "back/{{ run.id }}.txt", "text": "copy"}})
    watching(root, "back", "back", COPY)
    turned_on(orchestra, "there")
    turned_on(orchestra, "back")
    (root / "files" / "loop" / "first.txt").write_text("by a person")
    count = sum(polled(orchestra, name) for _ in range(8) for name in ("there", "back"))
    assert count <= 9
    paused = [one for one in orchestra.triggers.list(OWNER) if one.state == "needs you"]
    assert paused
    assert paused[0].error is not None
    assert "seem to start each other" in paused[0].error.message
    name = paused[0].workflow
    (root / "files" / ("loop" if name == "there" else "back") / "waits.txt").write_text("by a person")
    assert polled(orchestra, name, 2) == 0
    orchestra.triggers.turn_on(OWNER, name, "new")
    assert polled(orchestra, name) >= 1


BACK = {**COPY, "with": {"path": "back/{{ run.id }}.txt", "text": "copy"}}
CHAINS: dict[str, tuple[dict[str, tuple[str, dict[str, Any]]], dict[str, str]]] = {
    "two": ({"there": ("loop", BACK), "back": ("back", COPY)}, {"there": "'back'", "back": "'there'"}),
    "three": (
        {"a": ("loop", BACK), "b": ("back", {**COPY, "with": {"path": "third/a.txt", "text": "copy"}}),
         "c": ("third", COPY)},
        {"a": "'b', 'c'", "b": "'c', 'a'", "c": "'a', 'b'"},
    ),
    "one leads to the other": (
        {"there": ("loop", BACK), "back": ("back", {**COPY, "with": {"path": "x", "text": "copy"}})}, {}),
    "one decides": ({"there": ("loop", BACK), "back": ("back", {**COPY, "if": "{{ inputs.name != 'a' }}"})}, {}),
    "elsewhere": ({"there": ("loop", BACK), "back": ("back/inner", COPY)}, {}),
    "nobody knows where": (
        {"there": ("loop", BACK),
         "back": ("back", {**COPY, "with": {"path": "{{ run.id }}/a.txt", "text": "copy"}})}, {}),
    "files of another kind": (
        {"there": ("loop", BACK),
         "back": ("back", {**COPY, "with": {"path": "loop/{{ run.id }}.pdf", "text": "copy"}})}, {}),
    "itself": ({"there": ("loop", COPY), "back": ("back", BACK)}, {}),
}  # fmt: skip


def validated(root: Path, *names: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["validate", *names, "--workspace", str(root), "--json"]) == 0, out.getvalue()
    return [one for one in json.loads(out.getvalue())["problems"] if one["code"] == "feed_each_other"]


@pytest.mark.parametrize("how", CHAINS)
def test_workflows_that_feed_each_other_are_warned_of(orchestra: Orchestra, root: Path, how: str) -> None:
    workflows, told = CHAINS[how]
    for name, (folder, step) in workflows.items():
        watching(root, name, folder, step)
    every = {one.workflow: one.warning for one in orchestra.triggers.list(OWNER) if one.warning}
    assert {*every} == {*told}
    for name, named in told.items():
        assert f"by way of the workflow{'s' * (', ' in named)} {named}: " in every[name]
        assert orchestra.triggers.status(OWNER, name, "new").warning == every[name]
        assert len(validated(root, name)) == 1
    found = validated(root)
    assert [(one["severity"], one["field"]) for one in found] == [("warning", "triggers.0.uses")] * len(told)


def test_files_that_come_one_by_one_stop_nothing_where_the_runs_write_elsewhere(
    orchestra: Orchestra, root: Path
) -> None:
    (root / "config.yaml").write_text("limits: {chained_polls_per_hour: 3}\n")
    watching(root, "copy", "loop", {**COPY, "with": {"path": "back/{{ run.id }}.txt", "text": "copy"}})
    write_workflow(root, "other", [{**COPY, "with": {"path": "back/other-{{ run.id }}.txt", "text": "copy"}}])
    turned_on(orchestra)
    for number in range(6):
        (root / "files" / "loop" / f"{number}.txt").write_text("by a person")
        assert polled(orchestra) == 1
        orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "other", {}), PATIENCE_SECONDS)


def test_a_flood_from_outside_stops_nothing(orchestra: Orchestra, root: Path) -> None:
    (root / "config.yaml").write_text("limits: {chained_polls_per_hour: 3}\n")
    watching(root, "copy", "loop", COPY)
    turned_on(orchestra)
    for number in range(20):
        (root / "files" / "loop" / f"{number}.txt").write_text("by a person")
    assert polled(orchestra, times=3) == 20
