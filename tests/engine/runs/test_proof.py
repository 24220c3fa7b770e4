"""State and logs are damaged in every combination: nothing is written twice, and in doubt a person is asked first."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.store.sql.proof import SqlProof
from engine.store.write_list import SentWrite, WriteList
from tests.engine.conftest import OWNER, Service, post_step, write_workflow
from tests.few import rare
from tests.patience import PATIENCE_SECONDS, until

Damage = Callable[[Path], object]
KEYS = ("a", "b", "c")


@pytest.fixture
def opened(root: Path) -> Iterator[Callable[[], Orchestra]]:
    """Opens the workspace, as often as a test wants; at most one at a time."""
    every: list[Orchestra] = []

    def open_it() -> Orchestra:
        if every:
            every[-1].close()
        every.append(Orchestra.open(root))
        return every[-1]

    yield open_it
    if every:
        every[-1].close()


def ran(orchestra: Orchestra, name: str = "work") -> Any:
    """Run a workflow to its end, or until it waits."""
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, {}), PATIENCE_SECONDS)


def state(root: Path) -> Path:
    return root / ".orchestra" / "state.db"


def sql(*statements: str) -> Damage:
    """Change the state with SQLite itself."""

    def change(root: Path) -> None:
        with closing(sqlite3.connect(state(root), isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return change


def lost(root: Path) -> None:
    for path in (root / ".orchestra").glob("state.db*"):
        path.unlink()


def folder_lost(root: Path) -> None:
    shutil.rmtree(root / ".orchestra")


def old_backup(root: Path) -> None:
    lost(root)
    shutil.copyfile(root / "backup.db", state(root))


def empty_file(root: Path) -> None:
    lost(root)
    state(root).touch()


def rubbish(root: Path) -> None:
    lost(root)
    state(root).write_bytes(b"this is not a database file at all" * 500)


LOSSES = {
    "state lost": lost,
    "state folder lost": folder_lost,
    "effects missing": sql("DROP TABLE effects"),
    "effects emptied": sql("DELETE FROM effects"),
    "every table but one missing": sql("DROP TABLE effects", "DROP TABLE runs", "DROP TABLE meta"),
    "old backup": old_backup,
    "cut to nothing": empty_file,
    "rubbish": rubbish,
}


def whole(_root: Path) -> None:
    """Leave the logs as they are."""


def unreadable(root: Path) -> None:
    logs(root)[-1].write_text('{"run_id": ')


def one_gone(root: Path) -> None:
    logs(root)[-1].unlink()


def gone(root: Path) -> None:
    shutil.rmtree(root / "logs")


def some_losses() -> list[Any]:
    """Every loss of the state with every loss of the log; of `make test` each of them once."""
    kinds = (unreadable, one_gone, gone)
    return [
        (pytest.param if (number + at) % len(kinds) == 0 else rare)(loss, log, id=f"{name}-{log.__name__}")
        for number, (name, loss) in enumerate(LOSSES.items())
        for at, log in enumerate(kinds)
    ]


def logs(root: Path) -> list[Path]:
    return sorted((root / "logs").glob("*/*.json"))


@pytest.fixture
def written(root: Path, service: Service, opened: Callable[[], Orchestra]) -> Path:
    """A workspace in which each of two workflows has written; a backup of its state was made in between."""
    for name in ("first", "work"):
        keys = f"{{{{ {list(KEYS)} }}}}"
        write_workflow(root, name, [post_step("w", service.url("/{{ item }}"), foreach=keys, key="{{ item }}")])
    orchestra = opened()
    ran(orchestra, "first")
    with closing(sqlite3.connect(state(root))) as now, closing(sqlite3.connect(root / "backup.db")) as backup:
        now.backup(backup)
    assert ran(orchestra)["status"] == "succeeded"
    orchestra.close()
    service.seen.clear()
    return root


def open_again(root: Path, opened: Callable[[], Orchestra], damage: Damage) -> Orchestra:
    """Open the workspace; where it says that the state is damaged, do as it says."""
    if damage is rubbish:
        assert Orchestra.set_aside_damaged_state(root) is not None
    return opened()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_with_whole_logs_everything_is_known_and_nothing_is_held(
    written: Path, service: Service, opened: Callable[[], Orchestra], loss: Damage
) -> None:
    loss(written)
    orchestra = open_again(written, opened, loss)
    assert orchestra.proof.held(OWNER) is None
    for name in ("first", "work"):
        assert ran(orchestra, name)["counts"]["reused_effects"] == len(KEYS)
    assert not service.seen
    assert orchestra.health.now().status == "ok"
    write_workflow(written, "other", [post_step("w", service.url("/new"))])
    assert ran(orchestra, "other")["status"] == "succeeded"


@pytest.mark.parametrize(("loss", "log"), some_losses())
def test_where_nobody_knows_what_was_written_writes_wait_for_a_person(
    written: Path, service: Service, opened: Callable[[], Orchestra], loss: Damage, log: Damage
) -> None:
    if (loss, log) == (folder_lost, gone):
        pytest.skip("nothing is left that tells that there was anything")
    log(written)
    loss(written)
    orchestra = open_again(written, opened, loss)
    held = orchestra.proof.held(OWNER)
    assert held is not None
    health = orchestra.health.now()
    assert (health.status, [reason.check for reason in health.reasons]) == ("degraded", ["writes"])
    run = ran(orchestra)
    assert run["status"] == "waiting"
    assert not service.seen
    waits = next(step for step in run["steps"] if step["status"] == "waiting")
    assert "orchestra state accept" in waits["held"]["message"]

    orchestra = opened()  # it is not forgotten
    assert orchestra.proof.held(OWNER) == held
    assert not service.seen

    assert orchestra.proof.accept(OWNER) == held
    assert orchestra.proof.held(OWNER) is None
    until(lambda: orchestra.health.now().status == "ok")
    orchestra.runs.resume_all(OWNER)
    until(lambda: orchestra.runs.get(OWNER, run["run_id"])["status"] == "succeeded", "the run that waited")
    assert max(service.seen.values(), default=0) <= 1
    assert [line.action for line in orchestra.audit(OWNER)].count("state.accept") == 1
    assert opened().proof.held(OWNER) is None


def backed_up(root: Path) -> None:
    with closing(sqlite3.connect(state(root))) as now, closing(sqlite3.connect(root / "backup.db")) as backup:
        now.backup(backup)


@pytest.fixture
def asked(root: Path, opened: Callable[[], Orchestra]) -> tuple[Path, dict[str, str]]:
    """A workspace whose runs since a backup have written nothing: the id of each, by the status that it has."""
    for name in ("before", "succeeded"):
        write_workflow(root, name, [{"id": "s", "uses": "flow.set", "with": {"values": {"name": name}}}])
    write_workflow(root, "waiting", [{"id": "ask", "uses": "flow.approve", "with": {"message": "Shall I?"}}])
    orchestra = opened()
    ran(orchestra, "before")
    backed_up(root)
    found = {name: str(ran(orchestra, name)["run_id"]) for name in ("succeeded", "waiting")}
    orchestra.close()
    return root, found


def test_an_older_state_is_known_by_runs_that_have_written_nothing(
    asked: tuple[Path, dict[str, str]], opened: Callable[[], Orchestra]
) -> None:
    root, since = asked
    old_backup(root)
    orchestra = opened()
    assert orchestra.proof.held(OWNER) is None
    assert set(since.values()) <= {row.run_id for row in orchestra.runs.list(OWNER).rows}
    orchestra.runs.resume_all(OWNER)
    until(lambda: [one.run_id for one in orchestra.approvals.list(OWNER)] == [since["waiting"]], "the open question")


@pytest.mark.parametrize("then", ["ended", "asks more", "cancelled"])
@pytest.mark.parametrize("is_told", [True, False], ids=["known to be older", "nothing else has changed"])
def test_a_question_that_was_answered_since_an_older_state_is_not_asked_again(
    root: Path, service: Service, opened: Callable[[], Orchestra], then: str, is_told: bool
) -> None:
    ask = {"uses": "flow.approve", "with": {"message": "Shall I?"}}
    more = [{"id": "two", **ask}] if then == "asks more" else []
    write = [post_step("w", service.url("/w"), once="w")] if is_told else []
    also = {"id": "also", **ask, "needs": []}
    write_workflow(root, "work", [{"id": "one", **ask}, *write, *more, also])
    orchestra = opened()
    run_id = str(ran(orchestra)["run_id"])
    orchestra.close()
    backed_up(root)
    orchestra = opened()
    first, other = sorted(orchestra.approvals.list(OWNER), key=lambda one: one.path == "also")
    if then == "cancelled":
        orchestra.runs.cancel(OWNER, run_id)
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "cancelled")
    else:
        orchestra.approvals.approve(OWNER, first.id)
        paths = {"also", "two"} if more else {"also"}
        until(lambda: {one.path for one in orchestra.approvals.list(OWNER)} == paths)
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "waiting")
        if then == "ended":
            orchestra.approvals.approve(OWNER, other.id)
            until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")
    orchestra.close()
    old_backup(root)
    sent = sum(service.seen.values())
    orchestra = opened()
    if then == "asks more":
        orchestra.runs.resume_all(OWNER)
        until(lambda: sorted(one.path for one in orchestra.approvals.list(OWNER)) == ["also", "two"])
        assert other.id in {one.id for one in orchestra.approvals.list(OWNER)}, "nobody has answered this one"
        for one in orchestra.approvals.list(OWNER):
            orchestra.approvals.approve(OWNER, one.id)
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")
    assert orchestra.approvals.list(OWNER) == []
    assert orchestra.runs.get(OWNER, run_id)["status"] == ("cancelled" if then == "cancelled" else "succeeded")
    assert sum(service.seen.values()) == sent == (is_told and then != "cancelled")
    assert orchestra.proof.held(OWNER) is None


def test_logs_are_read_again_only_where_the_state_lacks_a_run(
    asked: tuple[Path, dict[str, str]], opened: Callable[[], Orchestra], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _since = asked
    read: list[object] = []
    monkeypatch.setattr(SqlProof, "must_read_logs", lambda _state, since: read.append(since))
    opened()
    assert read == []
    (root / "logs" / "2999-01-01").mkdir()
    (root / "logs" / "2999-01-01" / "29990101T000000Z-aaaaaaaa.json").write_text("{}")
    opened()
    assert read == [], "a file that nobody can read tells of no run"


def test_a_run_that_waits_for_something_else_stays_asleep_when_writes_are_released(
    written: Path, opened: Callable[[], Orchestra]
) -> None:
    ask = {"id": "ask", "uses": "flow.approve", "with": {"message": 'Say "needs_person":true.'}}
    write_workflow(written, "asks", [ask])
    orchestra = opened()
    run = ran(orchestra, "asks")
    assert run["status"] == "waiting"
    sql("UPDATE runs SET due_at = NULL")(written)
    sql("""INSERT INTO meta VALUES ('writes_held', '{"since": "2026-11-20T12:00:00.000Z"}')""")(written)
    assert orchestra.proof.accept(OWNER) is not None
    with closing(sqlite3.connect(state(written))) as connection:
        assert connection.execute("SELECT due_at FROM runs WHERE run_id = ?", [run["run_id"]]).fetchall() == [(None,)]


def test_what_is_written_while_the_list_is_made_anew_stays_on_it(tmp_path: Path) -> None:
    """Another thread, and another process, add lines as fast as they can meanwhile."""
    (tmp_path / "state").mkdir()
    listed, stop = WriteList(tmp_path / "state", tmp_path), threading.Event()
    adding = (
        "import sys; from pathlib import Path; from engine.store.write_list import SentWrite, WriteList\n"
        "for number in range(1, 400): WriteList(*map(Path, sys.argv[1:])).add("
        "SentWrite(number, '20260101T000000Z-aaaaaaaa'))"
    )

    def anew() -> None:
        while not stop.is_set():
            listed.replace(lambda sent: sent)

    renewing = threading.Thread(target=anew)
    renewing.start()
    try:
        other = subprocess.Popen([sys.executable, "-c", adding, str(tmp_path / "state"), str(tmp_path)])
        for number in range(400, 800):
            listed.add(SentWrite(number, "20260102T000000Z-bbbbbbbb"))
        assert other.wait(PATIENCE_SECONDS) == 0
    finally:
        stop.set()
        renewing.join()
    assert [one.number for one in listed.all()] == list(range(1, 800))
    assert listed.is_whole()


@pytest.mark.parametrize("between", [(WriteList, "last_number"), (SqlProof, "counted_writes")])
def test_a_write_of_another_process_while_the_workspace_is_opened_is_not_taken_for_a_lost_one(
    root: Path, service: Service, monkeypatch: pytest.MonkeyPatch, between: tuple[type, str]
) -> None:
    """It begins, and has no log yet, right after one of the two numbers was read that are compared."""
    service.seconds["/w"] = 3.0
    write_workflow(root, "work", [post_step("w", service.url("/w"))])
    kind, name = between
    read = getattr(kind, name)
    with closing(Orchestra.open(root)) as other:

        def read_and_write(self: Any) -> Any:
            number = read(self)
            monkeypatch.setattr(kind, name, read)
            other.runs.start(OWNER, "work", {})
            until(lambda: service.seen["/w"] == 1)
            for path in logs(root):  # logs are written later, many at once
                path.unlink()
            return number

        monkeypatch.setattr(kind, name, read_and_write)
        with closing(Orchestra.open(root)) as opened:
            assert service.seen["/w"] == 1
            assert opened.proof.held(OWNER) is None


def test_receipts_that_are_known_are_used_while_writes_are_held(
    written: Path, service: Service, opened: Callable[[], Orchestra]
) -> None:
    unreadable(written)
    lost(written)
    orchestra = opened()
    assert orchestra.proof.held(OWNER) is not None
    run = ran(orchestra, "first")
    assert (run["status"], run["counts"]["reused_effects"]) == ("succeeded", len(KEYS))
    assert not service.seen


def test_logs_that_come_back_from_a_backup_prove_it(
    written: Path, service: Service, opened: Callable[[], Orchestra]
) -> None:
    log = logs(written)[-1]
    text = log.read_text()
    unreadable(written)
    lost(written)
    orchestra = opened()
    assert ran(orchestra)["status"] == "waiting"
    log.write_text(text)
    orchestra.runs.reindex(OWNER)
    assert orchestra.proof.held(OWNER) is None
    assert ran(orchestra)["counts"]["reused_effects"] == len(KEYS)
    assert not service.seen


def test_a_receipt_that_cannot_be_read_is_asked_for_and_read_again_from_the_log(
    written: Path, service: Service, opened: Callable[[], Orchestra]
) -> None:
    sql("UPDATE effects SET receipt = '{\"id\": ', output = 'x' WHERE identity LIKE '%\"a\"]'")(written)
    orchestra = opened()
    run = ran(orchestra)
    assert run["status"] == "failed"
    assert run["steps"][1]["error"]["type"] == "OutcomeUnknown"
    assert "orchestra reindex" in run["steps"][1]["error"]["remedy"]
    assert not service.seen
    orchestra.runs.reindex(OWNER)
    orchestra.runs.resume(OWNER, run["run_id"])
    again = orchestra.runs.wait(OWNER, run["run_id"], PATIENCE_SECONDS)
    assert (again["status"], again["counts"]["reused_effects"]) == ("succeeded", len(KEYS))
    assert not service.seen


# --- no false alarms


def from_an_earlier_release(root: Path) -> None:
    """Nothing was listed or counted then."""
    sql("DELETE FROM meta WHERE key = 'writes'")(root)
    for path in (root / ".orchestra", root / "logs"):
        (path / "writes.list").unlink()


def list_lost(root: Path) -> None:
    for path in (root / ".orchestra", root / "logs"):
        (path / "writes.list").unlink()


def moved(root: Path) -> None:
    root.rename(root.with_name("elsewhere"))
    shutil.copytree(root.with_name("elsewhere"), root)


def days_deleted(root: Path) -> None:
    gone(root)
    (root / "logs").mkdir()


@pytest.mark.parametrize("change", [whole, from_an_earlier_release, list_lost, moved, gone, days_deleted, unreadable])
def test_a_sound_state_is_believed(
    written: Path, service: Service, opened: Callable[[], Orchestra], change: Damage
) -> None:
    change(written)
    for _ in range(2):
        orchestra = opened()
        assert orchestra.proof.held(OWNER) is None
        assert orchestra.health.now().status == "ok"
        assert ran(orchestra)["counts"]["reused_effects"] == len(KEYS)
    assert not service.seen
    known = {one.run_id for one in WriteList(written / ".orchestra", written / "logs").all()}
    assert len(known) == 2


@pytest.mark.parametrize("log", [unreadable, one_gone])
def test_what_an_earlier_release_wrote_is_listed_when_it_is_first_opened(
    written: Path, opened: Callable[[], Orchestra], log: Damage
) -> None:
    from_an_earlier_release(written)
    opened().close()
    log(written)
    lost(written)
    assert opened().proof.held(OWNER) is not None


def test_a_fresh_workspace_and_one_that_only_read_are_not_held(root: Path, opened: Callable[[], Orchestra]) -> None:
    assert opened().proof.held(OWNER) is None
    lost(root)
    assert opened().proof.held(OWNER) is None
