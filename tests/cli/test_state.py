"""`orchestra state`: what is said where writes are held, and going on."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from engine.orchestra import Orchestra as Engine
from engine.people.access import Principal
from tests import postgres
from tests.cli.conftest import Orchestra
from tests.engine.conftest import Service, post_step, service, set_step, write_workflow

__all__ = ["service"]
LOCAL = Principal("tester", "owner", confirmed=True)


def test_a_lost_state_and_an_unreadable_log_wait_for_a_persons_word(
    workspace: Path, orchestra: Orchestra, service: Service
) -> None:
    (workspace / "config.yaml").write_text(
        f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{service.port}']\n"
        "approvals:\n  default: never\n"
    )
    write_workflow(workspace, "work", [post_step("w", service.url("/w"), once="one")])
    opened = Engine.open(workspace)
    run_id = opened.runs.start(LOCAL, "work", {})
    assert opened.runs.wait(LOCAL, run_id, 60)["status"] == "succeeded"
    opened.close()
    assert orchestra("state", "status").code == 0
    (log,) = (workspace / "logs").glob("*/*.json")
    log.write_text("{")
    for path in (workspace / ".orchestra").glob("state.db*"):
        path.unlink()

    listed = orchestra("runs", "list")
    assert "Writes are held since" in listed.err
    assert run_id in listed.err
    told = orchestra("state", "status", "--json")
    assert (told.code, told.json["writes_held"]["unreadable"]) == (1, [run_id])
    waiting = orchestra("run", "work", "--yes", "--json")
    assert (waiting.code, waiting.json["status"]) == (5, "waiting")
    assert service.seen["/w"] == 1

    accepted = orchestra("state", "accept")
    assert accepted.code == 0
    assert run_id in accepted.out
    assert orchestra("state", "accept").out == "No writes were held.\n"
    assert orchestra("runs", "resume", "--all").code == 0
    assert orchestra("runs", "show", waiting.json["run_id"], "--json").json["status"] == "succeeded"
    assert service.seen["/w"] == 2


def test_logs_are_copied_to_a_place_that_is_named(workspace: Path, orchestra: Orchestra) -> None:
    same = orchestra("state", "copy-logs", "--to", "folder")
    assert same.code == 2
    assert "there already" in same.err
    none = orchestra("state", "copy-logs", "--to", "")
    assert (none.code, "Name a place" in none.err) == (2, True)
    missing = orchestra("state", "copy-logs", "--to", "postgres", "--json")
    assert missing.code == 2
    assert "needs a workspace whose state is in PostgreSQL" in missing.json["error"]["message"]


@pytest.mark.parametrize("place", ["", " ", "files", "postgres", "mysql://me:secret@host/db", " postgresql://host/db"])
def test_the_state_is_copied_to_a_server_or_a_file_only(orchestra: Orchestra, place: str) -> None:
    refused = orchestra("state", "copy", "--to", place)
    assert refused.code == 2
    assert "not a valid state location. Write postgresql+psycopg://" in refused.err
    assert "secret" not in refused.err


def test_the_state_moves_to_a_server_and_back(
    workspace: Path, orchestra: Orchestra, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "config.yaml").write_text(
        f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{service.port}']\n"
        "approvals:\n  default: never\n"
    )
    write_workflow(workspace, "work", [post_step("w", service.url("/w"), once="one")])
    assert orchestra("run", "work", "--yes").code == 0
    with postgres.schema() as url:
        there = orchestra("state", "copy", "--to", url, "--json")
        assert (there.code, there.json["rows"]["runs"], there.json["rows"]["effects"]) == (0, 1, 1)
        assert orchestra("state", "copy", "--to", url).code != 0, "what is there is not overwritten"
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        assert orchestra("runs", "list").out.count("work") >= 1
        assert orchestra("run", "work", "--yes").code == 0
        assert service.seen["/w"] == 1, "the receipt has come along"
        assert "Move `.orchestra/state.db` away, then copy." in orchestra("state", "copy", "--to", "file").err
        for path in (workspace / ".orchestra").glob("state.db*"):
            path.unlink()
        back = orchestra("state", "copy", "--to", "file", "--json")
        assert (back.code, back.json["rows"]["runs"]) == (0, 2)
    monkeypatch.delenv("ORCHESTRA_STATE")
    assert orchestra("run", "work", "--yes").code == 0
    assert service.seen["/w"] == 1


def test_a_database_that_does_not_exist_is_made_by_the_command_that_is_named(orchestra: Orchestra) -> None:
    with postgres.database("orchestra_test_absent") as url:
        address = url.replace("://", "+psycopg://", 1)
    refused = orchestra("state", "copy", "--to", address)
    assert refused.code != 0
    assert "Make it: `createdb orchestra_test_absent`." in refused.err


@pytest.mark.parametrize("where", ["file", "server"])
def test_nothing_is_copied_while_a_process_works(
    workspace: Path, orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with postgres.schema() as url:
        there = url
        if where == "server":
            monkeypatch.setenv("ORCHESTRA_STATE", url)
            there = "file"
        write_workflow(workspace, "work", [set_step("one")])
        assert orchestra("run", "work").code == 0
        with closing(Engine.open(workspace, serve=True)) as working:
            refused = orchestra("state", "copy", "--to", there, "--json")
            assert refused.json["error"]["type"] == "InUse"
            assert working.own_process in refused.json["error"]["message"]
        copied = orchestra("state", "copy", "--to", there, "--json")
        assert (copied.code, copied.json["rows"]["runs"]) == (0, 1), "nothing was there, and nobody works any more"
