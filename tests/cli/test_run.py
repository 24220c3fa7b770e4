"""`orchestra run` and `runs` without any service: how a run is started, told, listed and ended."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.cli.conftest import PURE, Orchestra


def test_a_run_tells_each_item_and_what_happened(orchestra: Orchestra) -> None:
    result = orchestra("run", "pure", "--input", "who=you")
    assert (result.code, result.err) == (0, "")
    assert "  succeeded  1/2  you 1\n" in result.out
    assert "  succeeded  2/2  you 2\n" in result.out
    assert "2 numbers" in result.out
    assert "succeeded. `orchestra runs show " in result.out


def test_json_is_the_run_document_and_nothing_else(orchestra: Orchestra) -> None:
    result = orchestra("run", "pure", "--json")
    assert (result.code, result.err) == (0, "")
    run = result.json
    assert (run["workflow"], run["status"], run["demo"]) == ("pure", "succeeded", False)
    shown = orchestra("runs", "show", run["run_id"], "--json")
    assert (shown.code, shown.json) == (0, run)
    listed = orchestra("runs", "list", "--json").json
    assert [row["run_id"] for row in listed["runs"]] == [run["run_id"]]
    assert run["run_id"] in orchestra("runs", "list").out
    assert "each[1].inner" in orchestra("runs", "show", run["run_id"]).out


def test_a_failed_run_is_exit_code_1_with_its_reason_on_stderr(orchestra: Orchestra) -> None:
    result = orchestra("run", "pure", "--input", "n=3")
    assert result.code == 1
    assert "n is not two (step check)" in result.err
    assert "orchestra runs resume" in result.err
    assert "  failed     Check a condition: n is not two\n" in result.out


def test_a_failed_run_with_json_is_still_the_document(orchestra: Orchestra) -> None:
    result = orchestra("run", "pure", "--input", "n=3", "--json")
    assert (result.code, result.err) == (1, "")
    assert (result.json["status"], result.json["error"]["type"]) == ("failed", "AssertionFailed")


def test_a_waiting_run_is_exit_code_5_and_can_be_cancelled(orchestra: Orchestra) -> None:
    result = orchestra("run", "waiting")
    assert result.code == 5
    assert "It is waiting until " in result.err
    run_id = orchestra("runs", "list", "--status", "waiting", "--json").json["runs"][0]["run_id"]
    cancelled = orchestra("runs", "cancel", run_id, "--json")
    assert (cancelled.code, cancelled.json["status"]) == (0, "cancelled")
    again = orchestra("runs", "cancel", run_id, "--json")
    assert (again.code, again.json["error"]["type"]) == (4, "InUse")


def test_a_run_that_waits_for_one_that_it_called_leads_to_that(orchestra: Orchestra, workspace: Path) -> None:
    steps = [{"id": "inner", "uses": "workflow.run", "with": {"workflow": "waiting"}}]
    text = json.dumps({"schema_version": 1, "title": "Caller", "steps": steps})
    (workspace / "workflows" / "caller.json").write_text(text, encoding="utf-8")
    result = orchestra("run", "caller")
    [called] = orchestra("runs", "list", "--workflow", "waiting", "--json").json["runs"]
    assert result.code == 5
    assert f"`orchestra runs show {called['run_id']}` says what that run is waiting for" in result.err


def test_a_waiting_run_resumed_waits_on(orchestra: Orchestra) -> None:
    run_id = orchestra("run", "waiting", "--json").json["run_id"]
    resumed = orchestra("runs", "resume", run_id, "--json")
    assert (resumed.code, resumed.json["status"], resumed.json["run_id"]) == (5, "waiting", run_id)


def test_a_succeeded_run_is_not_resumed(orchestra: Orchestra) -> None:
    run_id = orchestra("run", "pure", "--json").json["run_id"]
    result = orchestra("runs", "resume", run_id)
    assert result.code == 4
    assert "has succeeded; there is nothing to resume" in result.err


def test_a_failed_run_resumed_fails_again_where_nothing_has_changed(orchestra: Orchestra) -> None:
    run_id = orchestra("run", "pure", "--input", "n=3", "--json").json["run_id"]
    result = orchestra("runs", "resume", run_id)
    assert result.code == 1
    assert "1/2" not in result.out, "what was done before is not told again"


@pytest.mark.parametrize(
    ("arguments", "stdin", "outputs"),
    [
        pytest.param([], "", {"n": 2, "who": "world", "tags": []}, id="defaults"),
        pytest.param(["--input", "who=a=b"], "", {"n": 2, "who": "a=b", "tags": []}, id="an equals sign in the text"),
        pytest.param(["--input", "who=5"], "", {"n": 2, "who": "5", "tags": []}, id="text that looks like a number"),
        pytest.param(["--input", "tags=a, b"], "", {"n": 2, "who": "world", "tags": ["a", "b"]}, id="a list by commas"),
        pytest.param(["--input", 'tags=["a"]'], "", {"n": 2, "who": "world", "tags": ["a"]}, id="a list as JSON"),
        pytest.param(["--inputs", "-"], '{"who": "pipe"}', {"n": 2, "who": "pipe", "tags": []}, id="from a pipe"),
        pytest.param(
            ["--inputs", "-", "--input", "who=typed"],
            '{"who": "pipe", "tags": ["x"]}',
            {"n": 2, "who": "typed", "tags": ["x"]},
            id="typed wins over the file",
        ),
    ],
)
def test_inputs_come_typed_or_as_json(
    orchestra: Orchestra, arguments: list[str], stdin: str, outputs: dict[str, object]
) -> None:
    result = orchestra("run", "pure", *arguments, "--json", stdin=stdin)
    assert result.code == 0, result.out
    assert result.json["outputs"] == outputs


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        pytest.param("[1]", "standard input does not contain a JSON object.", id="a list"),
        pytest.param('{"n": 1', "standard input:1:", id="cut off"),
        pytest.param("", "standard input:1:1", id="nothing"),
        pytest.param('{"n": 1, "n": 2}', "standard input:1:10", id="a name twice"),
    ],
)
def test_a_pipe_without_an_object_is_wrong_usage(orchestra: Orchestra, stdin: str, said: str) -> None:
    result = orchestra("run", "pure", "--inputs", "-", stdin=stdin)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        pytest.param('{"title": ', 2, "workflows/bad.json", id="broken JSON"),
        pytest.param({"steps": [{"id": "a", "uses": "nope.nope"}]}, 2, "nope.nope", id="unknown step type"),
        pytest.param({"triggers": [{"id": "t", "uses": "gmail.old_mail"}]}, 2, "gmail.old_mail", id="trigger type"),
        pytest.param({"steps": []}, 2, "workflows/bad.json", id="no steps"),
    ],
)
def test_a_bad_workflow_is_refused_with_its_place(
    orchestra: Orchestra, workspace: Path, change: str | dict[str, object], code: int, said: str
) -> None:
    text = change if isinstance(change, str) else json.dumps({**PURE, **change})
    (workspace / "workflows" / "bad.json").write_text(text)
    result = orchestra("run", "bad")
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert orchestra("run", "pure").code == 0, "the next run works"


def test_what_a_stranger_wrote_cannot_command_the_terminal(orchestra: Orchestra) -> None:
    result = orchestra("run", "pure", "--inputs", "-", stdin='{"who": "a\\u001b[2Jb\\u202ec"}')
    assert result.code == 0
    assert "a [2Jb[U+202E]c 1" in result.out
    assert "\x1b" not in result.out


def test_a_run_without_a_key_says_which_one_is_missing(orchestra: Orchestra) -> None:
    result = orchestra("run", "inbox-triage")
    assert result.code == 2
    assert all(f"{name}_TOKEN is not set" in result.err for name in ("GMAIL", "NOTION", "GITHUB"))
    assert all(f"Put {name}_TOKEN into" in result.err for name in ("NOTION", "GITHUB"))
    assert "Sign in: `orchestra connections add gmail --client-secret FILE`." in result.err


def test_times_are_shown_and_read_in_the_time_zone_of_the_settings(orchestra: Orchestra, workspace: Path) -> None:
    run = orchestra("run", "pure", "--json").json
    started = datetime.fromisoformat(run["started_at"])
    settings = workspace / "config.yaml"
    settings.write_text(settings.read_text().replace("time_zone: UTC", "time_zone: Pacific/Auckland"))
    there = started.astimezone(ZoneInfo("Pacific/Auckland"))
    assert f"{there:%Y-%m-%d %H:%M:%S}" in orchestra("runs", "list").out
    after = f"{there + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
    assert orchestra("runs", "list", "--since", after, "--json").json["runs"] == []
    before = f"{there - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
    assert len(orchestra("runs", "list", "--since", before, "--json").json["runs"]) == 1
