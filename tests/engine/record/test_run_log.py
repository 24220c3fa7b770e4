"""Log files that somebody damaged: named, and all else works."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from engine.base.errors import InvalidFile, InvalidInput
from engine.orchestra import Orchestra
from engine.record.run_log import RunLogs
from engine.store.blobs.disk import DiskBlobs
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step
from tests.few import examples
from tests.patience import PATIENCE_SECONDS


def log_of(orchestra: Orchestra, run_id: str) -> Path:
    return orchestra.workspace.logs / f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}" / f"{run_id}.json"


def without(key: str) -> Callable[[Any], Any]:
    return lambda run: {name: value for name, value in run.items() if name != key}


def of_its_step(name: str, value: Any) -> Callable[[Any], Any]:
    return lambda run: {**run, "steps": [{**run["steps"][0], name: value}]}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda run: [], id="list"),
        pytest.param(lambda run: {"run_id": run["run_id"]}, id="only-its-id"),
        pytest.param(lambda run: {**run, "run_id": "20260101T000000Z-abcdefgh"}, id="another-run"),
        pytest.param(lambda run: {**run, "steps": None}, id="no-steps"),
        pytest.param(lambda run: {**run, "steps": [{}]}, id="empty-step"),
        pytest.param(lambda run: {**run, "steps": ["x"]}, id="step-is-text"),
        pytest.param(lambda run: {**run, "accounts": []}, id="accounts"),
        pytest.param(lambda run: {**run, "counts": {}}, id="counts"),
        pytest.param(lambda run: {**run, "definition": {}}, id="definition"),
        pytest.param(lambda run: {**run, "started_at": "yesterday"}, id="started-at"),
        pytest.param(lambda run: {**run, "usage": []}, id="usage"),
        *(
            pytest.param(of_its_step(name, value), id=f"step-{name}")
            for name, value in [
                ("status", "odd"),
                ("started_at", "2026-13-01T00:00:00Z"),
                ("ended_at", 5),
                ("attempts", None),
                ("attempts", [{}]),
                ("error", {}),
                ("effect", {}),
                ("usage", {}),
                ("path", 3),
                ("path", "a..b"),
            ]
        ),
        *(pytest.param(without(key), id=f"no-{key}") for key in ("status", "counts", "definition", "inputs", "error")),
    ],
)
def test_a_log_that_makes_no_sense_is_named(run: Run, orchestra: Orchestra, damage: Callable[[Any], Any]) -> None:
    good, bad = run([set_step("a")]), run([set_step("a")])
    path = log_of(orchestra, bad["run_id"])
    path.write_text(json.dumps(damage(json.loads(path.read_text()))))
    for ask in (orchestra.runs.get, orchestra.runs.resume):
        with pytest.raises(InvalidFile, match=bad["run_id"]):
            ask(OWNER, bad["run_id"])
    assert orchestra.runs.get(OWNER, good["run_id"])["status"] == "succeeded"
    assert len(orchestra.runs.list(OWNER).rows) == 2
    count, broken = orchestra.runs.reindex(OWNER)
    assert (count, [*broken]) == (1, [str(path)])
    with pytest.raises(InvalidFile) as named:
        orchestra.runs.get(OWNER, bad["run_id"])
    assert broken[str(path)] == named.value.message


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 5_000), flip=st.integers(0, 5_000), bit=st.integers(0, 7))
def test_a_log_cut_or_flipped_is_read_or_named(run: Run, orchestra: Orchestra, cut: int, flip: int, bit: int) -> None:
    rows = orchestra.runs.list(OWNER).rows
    run_id = rows[0].run_id if rows else run([set_step("a")])["run_id"]
    path = log_of(orchestra, run_id)
    whole = path.with_suffix(".kept")
    if not whole.exists():
        whole.write_bytes(path.read_bytes())
    data = bytearray(whole.read_bytes()[: cut or None])
    if data:
        data[flip % len(data)] ^= 1 << bit
    path.write_bytes(data)
    try:
        orchestra.runs.get(OWNER, run_id)
    except InvalidFile as named:
        assert named.message  # noqa: PT017 - a flipped letter inside a text is fine


def test_a_log_that_is_a_folder_or_a_pipe_is_named(run: Run, orchestra: Orchestra) -> None:
    run_id = run([set_step("a")])["run_id"]
    path = log_of(orchestra, run_id)
    path.unlink()
    path.mkdir()
    with pytest.raises(InvalidFile):
        orchestra.runs.get(OWNER, run_id)
    path.rmdir()
    path.symlink_to("/dev/null")
    with pytest.raises(InvalidFile):
        orchestra.runs.get(OWNER, run_id)


def test_an_answer_that_nobody_asked_for_is_refused(run: Run, orchestra: Orchestra, service: Service) -> None:
    service.answers = {"/w": [500]}
    run_id = run([post_step("w", service.url("/w"))])["run_id"]
    with pytest.raises(InvalidInput, match="no write of unknown outcome at 'x'"):
        orchestra.runs.resume(OWNER, run_id, redo=True, step="x")
    assert orchestra.runs.get(OWNER, run_id)["status"] == "failed"
    orchestra.runs.resume(OWNER, run_id, as_done=True, step="w", receipt="17")
    document: Any = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["steps"][0]["effect"]["receipt"] == {"id": "17", "url": ""}


def test_who_waits_for_a_run_that_was_opened_again_waits_for_its_new_end(
    run: Run, orchestra: Orchestra, service: Service
) -> None:
    service.answers = {"/a": [404] * 6}
    run_id = run([get_step("a", service.url("/a"))])["run_id"]
    service.seconds = {"/a": 0.1}
    for _ in range(5):
        assert orchestra.runs.wait(OWNER, run_id)["status"] == "failed"
        orchestra.runs.resume(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id)["status"] == "failed"
    assert service.seen["/a"] == 6


def test_what_a_crash_leaves_of_a_check_is_hidden_and_removed_by_the_next(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)

    class _Crash(BaseException):
        """The process dies."""

    class Dying(DiskBlobs):
        def remove(self, names: Iterable[str]) -> None:
            raise _Crash

    with pytest.raises(_Crash):
        RunLogs(Dying(tmp_path)).require_writable()
    assert len(list(tmp_path.iterdir())) == 1
    assert blobs.names() == []
    RunLogs(blobs).require_writable()
    assert list(tmp_path.iterdir()) == []
