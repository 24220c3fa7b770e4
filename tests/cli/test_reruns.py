"""Running again, test runs, comparing and removing runs, as typed at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PURE, Orchestra, Start
from tests.engine.conftest import Service, post_step, service
from tests.patience import PATIENCE_SECONDS, until

__all__ = ["service"]

STEPS: Any = PURE["steps"]


def _change(workspace: Path, **more: Any) -> None:
    (workspace / "workflows" / "pure.json").write_text(json.dumps({**PURE, **more}))


def test_a_run_is_run_again_with_its_inputs(orchestra: Orchestra) -> None:
    first = orchestra("run", "pure", "--input", "who=you", "--json").json
    again = orchestra("runs", "rerun", first["run_id"], "--json")
    assert (again.code, again.json["inputs"], again.json["origin_run_id"]) == (0, first["inputs"], first["run_id"])
    other = orchestra("runs", "rerun", first["run_id"], "--input", "tags=a,b", "--replay", "--update", "--json").json
    assert (other["inputs"]["who"], other["inputs"]["tags"]) == ("you", ["a", "b"])
    assert other["options"] == {"receipts": "update", "replay": first["run_id"]}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["ID", "--update", "--force"], 2, "not both", id="update and force"),
        pytest.param(["20260501T080000Z-aaaaaaaa"], 3, "no run named", id="unknown"),
        pytest.param(["ID", "--input", "n=x"], 2, "it must be of type integer", id="an input that does not fit"),
    ],
)
def test_a_rerun_that_cannot_be_is_refused(orchestra: Orchestra, arguments: list[str], code: int, said: str) -> None:
    run_id = orchestra("run", "pure", "--json").json["run_id"]
    result = orchestra("runs", "rerun", *(run_id if one == "ID" else one for one in arguments))
    assert result.code == code
    assert said in result.err


def test_a_run_goes_on_with_the_file_as_it_is_now(orchestra: Orchestra, workspace: Path) -> None:
    failed = orchestra("run", "pure", "--input", "n=3", "--json").json
    steps = [*STEPS[:2], {**STEPS[2], "with": {"condition": "{{ steps.first.output.v == 3 }}"}}]
    _change(workspace, steps=steps)
    assert orchestra("runs", "resume", failed["run_id"], "--json").code == 1
    done = orchestra("runs", "resume", failed["run_id"], "--newest", "--json")
    assert (done.code, done.json["status"], done.json["resumed"][-1]["newest"]) == (0, "succeeded", True)


def test_that_a_run_keeps_the_default_it_began_with_is_told(orchestra: Orchestra, workspace: Path) -> None:
    steps = [*STEPS[:2], {**STEPS[2], "with": {"condition": "{{ steps.first.output.v == 4 }}", "message": "No."}}]
    _change(workspace, steps=steps)
    failed = orchestra("run", "pure", "--input", "who=you", "--json").json
    given = PURE["inputs"]["properties"]  # type: ignore[index]
    changed = {**given, "n": {"type": "integer", "default": 4}, "who": {"type": "string", "default": "all"}}
    _change(workspace, steps=steps, inputs={"type": "object", "properties": changed})
    result = orchestra("runs", "resume", failed["run_id"], "--newest")
    assert result.code == 1
    again = f"`orchestra runs rerun {failed['run_id']} --input n=… --input who=…`"
    assert "The run keeps its inputs, although these defaults have changed: n, who." in result.err
    assert f"To use other values, start a new run: {again}." in result.err
    assert "keeps its inputs" not in orchestra("runs", "resume", failed["run_id"]).err
    assert orchestra("runs", "rerun", failed["run_id"], "--input", "n=4").code == 0


def test_what_has_changed_since_is_told(orchestra: Orchestra, workspace: Path) -> None:
    failed = orchestra("run", "pure", "--input", "n=3", "--json").json
    first = {**STEPS[0], "with": {"values": {"v": "{{ inputs.n + 1 }}"}}}
    _change(workspace, steps=[first, *STEPS[1:]])
    result = orchestra("runs", "resume", failed["run_id"], "--newest")
    assert result.code == 2
    assert 'first: with.values.v: "{{ inputs.n }}" became "{{ inputs.n + 1 }}"' in result.err
    assert "--newest" in orchestra("runs", "resume", "--all", "--newest").err


def test_one_step_is_run_alone(orchestra: Orchestra, tmp_path: Path) -> None:
    result = orchestra("run", "pure", "--only", "each[1].inner", "--json")
    assert result.code == 0
    found = {step["path"]: step["status"] for step in result.json["steps"]}
    assert found["each[1].inner"] == "succeeded"
    assert (found["first"], found["each[0]"], found["check"]) == ("skipped", "skipped", "skipped")
    listed = orchestra("runs", "list").out
    assert "pure (test)" in listed


def test_outputs_are_pinned_in_the_line_and_in_a_file(orchestra: Orchestra, tmp_path: Path) -> None:
    (tmp_path / "pins.json").write_text('{"first": {"v": 9}}')
    failed = orchestra("run", "pure", "--pins", str(tmp_path / "pins.json"), "--json")
    assert (failed.code, failed.json["error"]["message"]) == (1, "n is not two")
    good = orchestra("run", "pure", "--pins", str(tmp_path / "pins.json"), "--pin", 'first={"v": 2}', "--json")
    assert (good.code, good.json["options"]) == (0, {"pins": {"first": {"v": 2}}})
    piped = orchestra("run", "pure", "--pins", "-", "--json", stdin='{"first": {"v": 2}}')
    assert piped.code == 0


def test_recorded_outputs_stand_in(orchestra: Orchestra) -> None:
    first = orchestra("run", "pure", "--json").json
    result = orchestra("run", "pure", "--only", "check", "--from-run", first["run_id"], "--json")
    assert (result.code, result.json["steps"][-1]["status"]) == (0, "succeeded")
    assert result.json["steps"][0]["pinned"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--only", "eahc"], "Did you mean 'each'?", id="misspelt"),
        pytest.param(["--pin", "first={v: 2}"], "is not valid JSON", id="no JSON"),
        pytest.param(["--pin", "first"], "is not a value", id="no value"),
    ],
)
def test_a_test_run_that_cannot_be_is_refused(orchestra: Orchestra, arguments: list[str], said: str) -> None:
    result = orchestra("run", "pure", *arguments)
    assert result.code == 2
    assert said in result.err


def test_two_runs_are_compared(orchestra: Orchestra) -> None:
    good = orchestra("run", "pure", "--json").json["run_id"]
    bad = orchestra("run", "pure", "--input", "n=3", "--json").json["run_id"]
    result = orchestra("runs", "diff", good, bad)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(
        "They began with other inputs (inputs.n). First different: first (arguments and output)"
    )
    assert "  inputs.n: 2 -> 3\n" in result.out
    assert "\nFirst: first  " in result.out
    assert "\nThen: check  " in result.out
    told = orchestra("runs", "diff", good, bad, "--json").json
    assert (told["good"], told["first"]["path"]) == (good, "first")
    assert {"field": "output.v", "good": 2, "bad": 3} in told["first"]["differences"]
    same = orchestra("runs", "diff", good, good)
    assert (same.code, same.out) == (0, "The runs do not differ.\n")


def test_old_runs_are_removed_as_the_settings_say(orchestra: Orchestra, workspace: Path) -> None:
    runs = [orchestra("run", "pure", "--json").json["run_id"] for _ in range(3)]
    kept = orchestra("runs", "prune")
    assert (kept.code, "0 runs removed" in kept.out, "keeps every run" in kept.out) == (0, True, True)
    config = workspace / "config.yaml"
    config.write_text(config.read_text().replace("  # runs: 10000 ", "  runs: 1 #"))
    told = orchestra("runs", "prune", "--dry-run")
    assert (told.code, told.out.splitlines()[:2]) == (0, runs[:2])
    assert "2 runs would be removed" in told.out
    assert len(orchestra("runs", "list", "--json").json["runs"]) == 3
    gone = orchestra("runs", "prune", "--json")
    assert (gone.json["runs"], gone.json["dry_run"], gone.json["size_bytes"] > 0) == (runs[:2], False, True)
    assert [row["run_id"] for row in orchestra("runs", "list", "--json").json["runs"]] == runs[2:]
    assert orchestra("runs", "show", runs[0]).code == 3


def test_runs_are_listed_by_several_filters(orchestra: Orchestra) -> None:
    good = orchestra("run", "pure", "--json").json["run_id"]
    bad = orchestra("run", "pure", "--input", "n=3", "--json").json["run_id"]
    orchestra("run", "waiting", "--json")

    def found(*filters: str) -> list[str]:
        return [row["run_id"] for row in orchestra("runs", "list", "--json", *filters).json["runs"]]

    assert found("--status", "failed", "--status", "succeeded") == [bad, good]
    assert found("--workflow", "pure", "--status", "failed") == [bad]
    assert found("--until", "2020-01-01") == []
    assert found("--text", "PURE") == [bad, good]
    assert found("--accounts", "demo") == []
    assert found("--trigger", "new_mail") == []
    assert found("--parent", good) == []
    assert orchestra("runs", "list", "--status", "bogus").code == 2


@pytest.mark.slow
def test_cancel_says_what_it_waits_for_and_waits_as_long_as_the_write(
    orchestra: Orchestra, start: Start, workspace: Path, service: Service
) -> None:
    service.seconds = {"/slow": 3}
    config = workspace / "config.yaml"
    web = f"connections:\n  web: {{service: http, allow_hosts: ['127.0.0.1:{service.port}']}}\n"
    text = config.read_text().replace("connections:\n", web)
    config.write_text(text.replace("  # gmail.send: never", "  http.request: never"))
    steps = [post_step("w", service.url("/slow"))]
    (workspace / "workflows" / "slow.json").write_text(json.dumps({"schema_version": 1, "title": "S", "steps": steps}))
    running = start("run", "slow", "--yes", "--json")
    until(lambda: service.seen["/slow"] == 1, "the write")
    run_id = orchestra("runs", "list", "--json").json["runs"][0]["run_id"]
    result = orchestra("runs", "cancel", run_id)
    assert result.code == 0, result.err
    assert result.err.startswith("Cancelling: one write is ending.\n")
    assert f"Run {run_id}: cancelled." in result.out
    assert running.process.wait(PATIENCE_SECONDS) == 1
    assert service.seen["/slow"] == 1
