"""Every way to call a command wrongly: the exit code of the design, one sentence, and JSON where JSON was wished."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest

import cli
import commands.runs.history
from cli import main
from tests.cli.conftest import Orchestra

WRONG = [
    pytest.param(["nope"], 2, "No such command 'nope'.", id="unknown command"),
    pytest.param(["run"], 2, "Missing argument", id="no workflow"),
    pytest.param(["run", "pure", "--nope"], 2, "No such option: --nope", id="unknown option"),
    pytest.param(["run", "nope"], 3, "no workflow named 'nope'", id="unknown workflow"),
    pytest.param(["run", "../pure"], 2, "'../pure' cannot be the name of a workflow.", id="a name with ../"),
    pytest.param(["run", "nul"], 2, "Windows keeps it for a device", id="a device of Windows"),
    pytest.param(["run", "pure", "--plan", "--pin", "a=1"], 2, "the whole workflow", id="a plan of a part"),
    pytest.param(["plans", "show", "20200101T000000Z-aaaaaaaa"], 3, "20200101T000000Z-aaaaaaaa", id="unknown plan"),
    pytest.param(["run", "pure", "--input", "n"], 2, "Write it as name=value.", id="an input without a value"),
    pytest.param(["run", "pure", "--input", "n=3", "--input", "n=4"], 2, "'n' was given twice.", id="an input twice"),
    pytest.param(
        ["run", "pure", "--pin", "a=1", "--pin", "a=2"], 2, "'a' was given twice.", id="a pinned output twice"
    ),
    pytest.param(
        ["connections", "add", "http", "--set", "user=a", "--set", "user=b"], 2, "twice", id="a setting twice"
    ),
    pytest.param(["run", "pure", "--input", "m=1"], 2, "There is no input 'm'.", id="unknown input"),
    pytest.param(["run", "pure", "--input", "n=abc"], 2, "The input 'n' is 'abc'", id="an input of another type"),
    pytest.param(["run", "pure", "--input", "n=1.5"], 2, "The input 'n' does not fit", id="half a number"),
    pytest.param(["run", "pure", "--inputs", "nope.json"], 2, "There is no such file.", id="no file of inputs"),
    pytest.param(["runs", "show", "nope"], 3, "no run named 'nope'", id="no run id"),
    pytest.param(["runs", "show", "20200101T000000Z-aaaaaaaa"], 3, "There is no run named", id="unknown run"),
    pytest.param(["runs", "resume", "20200101T000000Z-aaaaaaaa"], 3, "There is no run named", id="resume unknown"),
    pytest.param(["runs", "cancel", "20200101T000000Z-aaaaaaaa"], 3, "There is no run named", id="cancel unknown"),
    pytest.param(["runs", "resume"], 2, "Name one run, or give --all.", id="resume nothing"),
    pytest.param(["runs", "resume", "x", "--all"], 2, "Name one run, or give --all.", id="resume one and all"),
    pytest.param(["runs", "resume", "--all", "--redo"], 2, "need one run", id="redo all"),
    pytest.param(["runs", "resume", "x", "--step", "y"], 2, "need --as-done or --redo", id="a step alone"),
    pytest.param(["runs", "list", "--status", "bad"], 2, "'bad' is not one of", id="unknown status"),
    pytest.param(["runs", "list", "--since", "noon"], 2, "'noon'", id="no time"),
    pytest.param(
        ["runs", "list", "--since", "99999-01-01"], 2, "'99999-01-01' is not a time. Write", id="a year too far"
    ),
    pytest.param(
        ["runs", "list", "--until", "9999-12-31T23:59:59-12:00"], 2, "outside the calendar", id="no such year"
    ),
    pytest.param(["audit", "list", "--from", "0001-01-01T00:00:00+14:00"], 2, "outside the calendar", id="year zero"),
    pytest.param(["run", "pure", "--input", 'n={"a":1,"a":2}'], 2, "The key 'a' appears twice", id="a key twice"),
    pytest.param(["run", "pure", "--input", "n=NaN"], 2, "not a number", id="not a number"),
    pytest.param(["run", "pure", "--pin", 'first={"a":1,"a":2}'], 2, "The key 'a' appears twice", id="a pin twice"),
    pytest.param(["runs", "list", "--limit", "0"], 2, "greater than or equal to 1", id="no lines"),
    pytest.param(["runs", "undo", "x"], 3, "no run named 'x'", id="undo"),
    pytest.param(["triggers", "status", "pure", "x"], 3, "There is no trigger named 'x'.", id="unknown trigger"),
    pytest.param(["triggers", "on", "pure"], 2, "has no trigger", id="no trigger"),
    pytest.param(["triggers", "on", "x", "--last", "1", "--from", "now"], 2, "Give one of", id="two starts"),
    pytest.param(["triggers", "retry", "pure", "x", "y"], 3, "no dead item named 'y'", id="nothing dead"),
    pytest.param(["approvals", "approve", "x"], 3, "named 'x'", id="approvals"),
    pytest.param(["prompts", "show", "nope"], 3, "no prompt named 'nope'", id="unknown prompt"),
    pytest.param(["prompts", "render", "classify-mail@nope"], 3, "label of the prompt", id="unknown label"),
    pytest.param(["prompts", "render", "classify-mail@99"], 3, "version of the prompt", id="unknown version"),
    pytest.param(["prompts", "render", "classify-mail", "--sample", "x"], 3, "no sample named 'x'", id="no sample"),
    pytest.param(["prompts", "render", "classify-mail"], 2, "'text' has no value", id="a variable is missing"),
    pytest.param(["connections", "check", "nope"], 3, "no connection named 'nope'", id="unknown connection"),
    pytest.param(["connections", "add", "nope"], 3, "no service named 'nope'", id="unknown service"),
    pytest.param(["connections", "add", "github", "--set", "x=1"], 3, "no setting of github named 'x'", id="setting"),
    pytest.param(
        ["connections", "add", "http", "--set", "user"], 2, "'user' is not a value for a setting", id="no value"
    ),
    pytest.param(
        ["connections", "add", "http", "--set", "headers=x"], 2, "'headers' must be of type object", id="another form"
    ),
    pytest.param(["connections", "add", "github", "--client-secret", "f"], 2, "only for gmail", id="sign in at github"),
    pytest.param(["connections", "add", "gmail", "--client-secret", "nope"], 3, "no file named", id="no secret file"),
    pytest.param(["users", "add", "bob", "--role", "king"], 2, "'king' is not a role.", id="unknown role"),
    pytest.param(["users", "add", "Bob Smith"], 2, "cannot be the id of a user", id="an id with a space"),
    pytest.param(["users", "add", "owner"], 4, "There is a user 'owner' already.", id="a user twice"),
    pytest.param(["login-link", "--user", "nobody"], 3, "no user named 'nobody'", id="a link for nobody"),
    pytest.param(["validate", "nope"], 3, "no workflow named 'nope'", id="check an unknown workflow"),
    pytest.param(["serve", "--port", "70000"], 2, "less than or equal to 65535", id="no port"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG)
def test_wrong_usage_is_one_sentence_and_the_right_code(
    orchestra: Orchestra, arguments: list[str], code: int, said: str
) -> None:
    result = orchestra(*arguments)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert "Traceback" not in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG)
def test_with_json_the_error_is_the_one_document(
    orchestra: Orchestra, arguments: list[str], code: int, said: str
) -> None:
    result = orchestra(*arguments, "--json")
    assert (result.code, result.err) == (code, "")
    error = result.json["error"]
    assert set(error) in ({"type", "message", "remedy"}, {"type", "message", "remedy", "problems"})
    assert said in f"{error['message']} {error['remedy']}"


def test_where_is_no_workspace_it_says_how_to_make_one(orchestra: Orchestra, tmp_path: Path) -> None:
    result = orchestra("runs", "list", "--workspace", str(tmp_path))
    assert (result.code, result.out) == (3, "")
    assert result.err.endswith("`orchestra init DIR` creates one.\n")


@pytest.mark.parametrize("where", ["before", "after"])
def test_the_workspace_may_stand_before_or_after_the_command(
    orchestra: Orchestra, workspace: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("ORCHESTRA_WORKSPACE", "/nowhere")
    option, command = ["--workspace", str(workspace)], ["runs", "list"]
    assert orchestra(*(option + command if where == "before" else command + option)).code == 0


def test_without_any_the_current_folder_is_the_workspace(
    orchestra: Orchestra, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORCHESTRA_WORKSPACE")
    monkeypatch.chdir(workspace)
    assert orchestra("runs", "list").code == 0


@pytest.mark.parametrize("command", ["runs", "validate", "reindex", "login-link", "connections", "demo", "serve"])
def test_a_workspace_that_cannot_be_written_is_a_storage_error(
    orchestra: Orchestra, workspace: Path, command: str
) -> None:
    shutil.rmtree(workspace / ".orchestra")
    (workspace / ".orchestra").write_text("in the way, also of root")
    listed = {"runs": ["list"], "connections": ["list"], "demo": ["show"]}
    result = orchestra(command, *listed.get(command, []), "--json")
    assert (result.code, result.json["error"]["type"]) == (4, "StorageError")
    assert str(workspace) in result.json["error"]["message"]


def test_broken_settings_are_told_with_their_line(orchestra: Orchestra, workspace: Path) -> None:
    config = workspace / "config.yaml"
    config.write_text(config.read_text().replace("port: 8501", "port: many"))
    result = orchestra("runs", "list", "--json")
    assert (result.code, result.json["error"]["type"]) == (2, "InvalidFile")
    assert result.json["error"]["problems"][0]["line"] == 7


def test_what_nobody_foresaw_is_a_sentence_and_a_private_log(
    orchestra: Orchestra, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the cause")

    monkeypatch.setattr(commands.runs.history, "table", broken)
    assert orchestra("runs", "list").code == 1
    log = workspace / ".orchestra" / "errors.log"
    assert "ZeroDivisionError: the cause" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    result = orchestra("runs", "list")
    assert result.err.startswith("Unexpected error (ZeroDivisionError). Details are in ")
    assert len(result.err.splitlines()) == 1


def test_unforeseen_outside_a_workspace_the_log_is_elsewhere(
    orchestra: Orchestra, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("engine.workflows.new_workspace.init", broken)
    result = orchestra("--workspace", "/nowhere", "init", str(tmp_path / "new"), "--json")
    assert result.code == 1
    assert len(list(tmp_path.glob("orchestra-error-*.log"))) == 1


def test_help_is_there_for_every_command(orchestra: Orchestra) -> None:
    shown = orchestra("--help").out
    for name in ("init", "run", "runs", "serve", "validate", "login-link", "reindex"):
        assert f"  {name} " in shown
        assert orchestra(name, "--help").code == 0


def test_the_version_is_that_of_the_package(orchestra: Orchestra) -> None:
    project = tomllib.loads((Path(cli.__file__).parent / "pyproject.toml").read_text())["project"]
    result = orchestra("--version")
    assert (result.code, result.out) == (0, f"orchestra {project['version']}\n")


@pytest.mark.parametrize("size", [pytest.param(1_500_000, id="1.5 MB"), pytest.param(15_900_000, id="16 MB")])
def test_inputs_may_be_large(orchestra: Orchestra, workspace: Path, size: int) -> None:
    who = json.dumps({"who": "x" * size})
    assert orchestra("run", "pure", "--inputs", "-", "--json", stdin=who).code == 0
    (workspace / "inputs.json").write_text(who)
    assert orchestra("run", "pure", "--inputs", str(workspace / "inputs.json"), "--json").code == 0


def test_inputs_beyond_16_mb_are_refused_in_one_sentence(orchestra: Orchestra, workspace: Path) -> None:
    who = json.dumps({"who": "x" * 16_000_000})
    result = orchestra("run", "pure", "--inputs", "-", stdin=who)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "more than 16,000,000 bytes" in result.err
    (workspace / "inputs.json").write_text(who)
    result = orchestra("run", "pure", "--inputs", str(workspace / "inputs.json"))
    assert (result.code, "at most 16,000,000" in result.err) == (2, True)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (["runs"], ["runs", "list"]),
        (["runs", "--status", "failed"], ["runs", "list", "--status", "failed"]),
        (["tokens"], ["tokens", "list"]),
        (["settings"], ["settings", "show"]),
        (["status"], ["attention"]),
        (["cost"], ["usage"]),
        (["doctor"], ["connections", "check"]),
        (["undo", "nope"], ["runs", "undo", "nope"]),
        (["logs", "nope"], ["runs", "show", "nope"]),
        (["approve", "nope"], ["approvals", "approve", "nope"]),
    ],
)
def test_short_commands_are_the_long_ones(orchestra: Orchestra, short: list[str], long: list[str]) -> None:
    assert orchestra(*short) == orchestra(*long)


def test_the_help_of_a_group_is_its_commands(orchestra: Orchestra) -> None:
    assert "resume" in orchestra("runs", "--help").out


def test_no_command_shows_what_there_is(orchestra: Orchestra) -> None:
    result = orchestra()
    assert result.code == 2
    assert "Commands:" in result.err


def test_stdout_that_is_not_utf_8_still_gets_json(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = workspace / "prompts" / "classify-mail.json"
    document = json.loads(file.read_text())
    document["title"] = "メール"
    file.write_text(json.dumps(document))
    assert main(["prompts", "list", "--json"]) == 0
    titles = [one["title"] for one in json.loads(capsys.readouterr().out)["prompts"]]
    assert "メール" in titles


def test_validate_names_what_is_wrong_with_the_file_of_an_environment(orchestra: Orchestra, workspace: Path) -> None:
    orchestra("env", "init")
    (workspace / "environments" / "prod.json").write_text('{"variables": {"A": null}}')
    told = orchestra("validate")
    assert told.code == 2
    assert "environments/prod.json:1:21" in told.err
    assert "null has no type" in told.err
