"""`orchestra triggers`: on, off, looking, and what could not be processed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Orchestra

EACH_FILE: dict[str, Any] = {
    "schema_version": 1,
    "title": "Each file",
    "inputs": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}}, "required": ["name"]},
    "triggers": [
        {
            "id": "file",
            "uses": "folder.new_file",
            "with": {"path": "incoming", "still_seconds": 0},
            "inputs": {"name": "{{ item.name }}"},
        }
    ],
    "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"name": "{{ inputs.name }}"}}}],
}


@pytest.fixture
def incoming(workspace: Path) -> Path:
    """The folder that the workflow `each-file` watches."""
    (workspace / "workflows" / "each-file.json").write_text(json.dumps(EACH_FILE))
    folder = workspace / "incoming"
    folder.mkdir()
    return folder


def test_a_trigger_from_its_first_day_to_its_last(orchestra: Orchestra, incoming: Path) -> None:
    (incoming / "old.txt").write_text("old")
    assert "off" in orchestra("triggers", "list").out
    refused = orchestra("triggers", "on", "each-file")
    assert (refused.code, "--from now" in refused.err) == (2, True)
    assert orchestra("triggers", "on", "each-file", "--from", "now").code == 0
    orchestra("triggers", "poll")
    (incoming / "new.txt").write_text("new")
    (incoming / "much-too-long.txt").write_text("new")
    would = orchestra("triggers", "poll", "--dry-run")
    assert (would.code, "new.txt" in would.out, "dead" in would.out) == (0, True, True)
    looked = orchestra("triggers", "poll", "each-file", "--json")
    assert looked.code == 0
    [poll], [run] = looked.json["polls"], looked.json["runs"]
    assert (poll["found"], poll["dead"], run["status"]) == (2, 1, "succeeded")
    status = orchestra("triggers", "status", "each-file", "file")
    assert (status.code, "1 dead" in status.out, "triggers dead" in status.err) == (1, True, True)
    [dead] = orchestra("triggers", "dead", "--json").json["dead"]
    again = orchestra("triggers", "retry", "each-file", "file", dead["item"])
    assert (again.code, "does not fit" in again.err) == (2, True)
    wider = {**EACH_FILE, "inputs": {"type": "object", "properties": {"name": {"type": "string"}}}}
    (incoming.parent / "workflows" / "each-file.json").write_text(json.dumps(wider))
    assert orchestra("triggers", "retry", "each-file", "file", dead["item"]).code == 0
    assert orchestra("triggers", "status", "--json").json["alarms"] == []
    assert orchestra("triggers", "off", "each-file", "file").code == 0
    assert orchestra("triggers", "off", "each-file").code == 2
    assert "No trigger is on." in orchestra("triggers", "poll").out
    started = orchestra("runs", "list", "--trigger", "file", "--json").json["runs"]
    assert len(started) == 2


def test_a_form_that_is_open_on_the_demo_is_not_said_to_be_closed(orchestra: Orchestra, workspace: Path) -> None:
    fields = {"title": "Ask us", "fields": [{"name": "name", "label": "Your name", "required": True}]}
    trigger = {"id": "form", "uses": "form.submitted", "with": fields, "inputs": {"name": "{{ item.values.name }}"}}
    asked = {**EACH_FILE, "triggers": [trigger]}
    asked["steps"] = [{"id": "look", "uses": "gmail.search_messages", "with": {"query": "in:inbox"}}]
    asked["inputs"] = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    (workspace / "workflows" / "asked.json").write_text(json.dumps(asked))
    assert "closed: its trigger is off" in orchestra("triggers", "forms").out
    assert orchestra("triggers", "on", "asked", "--demo", "--yes", "--from", "now").code == 0
    assert "open on the demo" in orchestra("triggers", "forms").out
    assert "(open)" in orchestra("triggers", "forms", "--demo").out
    off, resting, *_ = orchestra("triggers", "status", "asked").out.splitlines()
    assert ("off" in off, "this machine" in off) == (True, True)
    assert ("resting" in resting, "demo" in resting, "this machine" in resting) == (True, True, False)


def test_the_runs_of_a_look_without_a_server_end_before_the_command_does(orchestra: Orchestra, incoming: Path) -> None:
    for name in "abc":
        (incoming / name).write_text(name)
    assert orchestra("triggers", "on", "each-file", "--last", "3", "--yes", "--json").json["is_on"]
    looked = orchestra("triggers", "poll")
    assert (looked.code, looked.out.count("succeeded")) == (0, 3)


def test_a_run_that_fails_shows_in_the_exit_code_and_can_be_dismissed(orchestra: Orchestra, incoming: Path) -> None:
    check = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ inputs.name == 'x' }}", "message": "no"}}
    path = incoming.parent / "workflows" / "each-file.json"
    path.write_text(json.dumps({**EACH_FILE, "steps": [check]}))
    (incoming / "a").write_text("a")
    orchestra("triggers", "on", "each-file", "--since", "2020-01-01", "--yes")
    assert orchestra("triggers", "poll").code == 1
    [dead] = orchestra("triggers", "dead", "each-file", "--json").json["dead"]
    assert dead["run_id"]
    assert orchestra("triggers", "dismiss", "each-file", "file", dead["item"]).code == 0
    assert "No dead items." in orchestra("triggers", "dead").out


@pytest.mark.parametrize("beginning", [["--last", "2"], ["--since", "2020-01-01"]], ids=["last", "since"])
def test_without_a_terminal_old_things_start_runs_only_with_yes(
    orchestra: Orchestra, incoming: Path, beginning: list[str]
) -> None:
    for name in "ab":
        (incoming / name).write_text(name)
    for more in ([], ["--json"]):
        refused = orchestra("triggers", "on", "each-file", *beginning, *more)
        assert (refused.code, "--yes" in refused.out + refused.err) == (2, True)
    assert "off" in orchestra("triggers", "list").out
    turned = orchestra("triggers", "on", "each-file", *beginning, "--yes")
    assert (turned.code, "2 runs now" in turned.out) == (0, True)


@pytest.mark.parametrize("named", [[], ["file"]], ids=["workflow", "trigger"])
def test_a_trigger_whose_file_is_gone_is_turned_off(orchestra: Orchestra, incoming: Path, named: list[str]) -> None:
    assert orchestra("triggers", "on", "each-file", "--from", "now").code == 0
    (incoming.parent / "workflows" / "each-file.json").unlink()
    assert orchestra("triggers", "status").code == 1
    assert orchestra("triggers", "off", "each-file", *named).code == 0
    assert orchestra("triggers", "status").code == 0
    assert orchestra("triggers", "off", "each-file", *named).code == 3


def test_a_trigger_whose_file_is_broken_says_so_once_with_the_way_out(orchestra: Orchestra, incoming: Path) -> None:
    orchestra("triggers", "on", "each-file", "--from", "now")
    (incoming.parent / "workflows" / "each-file.json").write_text("{")
    assert orchestra("triggers", "poll").code == 1
    assert "broken" in orchestra("triggers", "list").out
    told = orchestra("triggers", "status", "each-file")
    assert (told.code, told.out.count("workflows/each-file.json has 1 problem")) == (1, 1)
    assert "`orchestra validate each-file`" in told.out


def test_a_workflow_that_is_not_there_is_told(orchestra: Orchestra, incoming: Path) -> None:
    del incoming
    for command in ("list", "status"):
        refused = orchestra("triggers", command, "each-fiel")
        assert (refused.code, "Did you mean 'each-file'?" in refused.err) == (3, True)
        assert "'pure' has no trigger" in orchestra("triggers", command, "pure").out


@pytest.mark.parametrize("command", ["list", "status"])
def test_a_file_that_cannot_be_read_is_not_said_to_have_no_trigger(
    orchestra: Orchestra, incoming: Path, command: str
) -> None:
    (incoming.parent / "workflows" / "each-file.json").write_text('{"schema_version": 1, "steps": [')
    refused = orchestra("triggers", command, "each-file")
    assert (refused.code, refused.out, "workflows/each-file.json:1" in refused.err) == (2, "", True)


def test_what_triggers_have_seen_follows_a_workflow_that_is_renamed(orchestra: Orchestra, incoming: Path) -> None:
    assert orchestra("triggers", "on", "each-file", "--from", "now").code == 0
    (incoming / "new.txt").write_text("new")
    assert orchestra("workflows", "rename", "each-file", "files").code == 0
    assert orchestra("triggers", "status").code == 0
    assert len(orchestra("triggers", "poll", "files", "--json").json["runs"]) == 1
    assert orchestra("workflows", "rename", "each-file", "files").code == 3


def test_the_trigger_must_be_named_where_there_are_two(orchestra: Orchestra, incoming: Path) -> None:
    second = {**EACH_FILE["triggers"][0], "id": "other"}
    path = incoming.parent / "workflows" / "each-file.json"
    path.write_text(json.dumps({**EACH_FILE, "triggers": [*EACH_FILE["triggers"], second]}))
    result = orchestra("triggers", "on", "each-file", "--from", "now")
    assert (result.code, "file, other" in result.err) == (2, True)
