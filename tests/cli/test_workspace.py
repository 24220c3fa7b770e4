"""`init, fmt, validate, reindex, login-link` and the lists: one command, one answer, in words and as JSON."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import main
from clients.errors import AuthError
from commands.base.application import app
from commands.base.session import opened
from engine.base.errors import InvalidInput
from engine.base.statuses import AccountMode
from engine.connections.local_models import local_servers
from engine.workspace.config import load
from tests.cli.conftest import PURE, Orchestra
from tests.conftest import StandIns
from tests.model_servers import OLLAMA, serving

pytestmark = pytest.mark.usefixtures("offline")

NO_CODE = {
    "version": "1.0.0",
    "language": "python",
    "entry": "main.py",
    "input": {"type": "object"},
    "output": {"type": "object"},
}


def test_a_new_workspace_is_valid_and_in_its_written_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(tmp_path / "new")
    assert main(["init", root]) == 0
    assert "5 sample workflows" in capsys.readouterr().out
    assert main(["validate", "--workspace", root, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"valid": True, "problems": []}
    assert main(["fmt", "--check", "--workspace", root]) == 0
    assert main(["init", root]) == 4
    assert "is a workspace already" in capsys.readouterr().err


def test_the_command_to_try_a_new_workspace_can_be_pasted(orchestra: Orchestra, tmp_path: Path) -> None:
    result = orchestra("init", str(tmp_path / "my mail"))
    command = result.out.partition("Try it: ")[2]
    assert shlex.split(command)[-1] == str(tmp_path / "my mail")


@pytest.mark.parametrize("name", ["r?v=1", "c%20d", "e#f", "g&mode=memory"])
def test_the_state_is_in_the_folder_whatever_its_name(orchestra: Orchestra, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "around" / name
    assert orchestra("init", str(folder)).code == 0
    run = orchestra("runs", "list", "--workspace", str(folder))
    assert orchestra("users", "add", "ann", "--workspace", str(folder)).code == 0
    assert run.code == 0
    assert [one.name for one in folder.parent.iterdir()] == [name]
    assert (folder / ".orchestra" / "state.db").is_file()


def test_a_folder_that_cannot_be_made_is_a_storage_error(orchestra: Orchestra, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = orchestra("init", str(tmp_path / "file" / "new"), "--json")
    assert (result.code, result.json["error"]["type"]) == (4, "StorageError")


def test_fmt_writes_and_check_only_tells(orchestra: Orchestra, workspace: Path) -> None:
    before = (workspace / "workflows" / "pure.json").read_text()
    result = orchestra("fmt", "--check", "--json")
    assert (result.code, result.json["changed"]) == (1, ["workflows/pure.json", "workflows/waiting.json"])
    assert (workspace / "workflows" / "pure.json").read_text() == before
    assert "workflows/pure.json was reformatted." in orchestra("fmt").out
    assert orchestra("fmt", "--check").code == 0


def test_fmt_names_what_it_cannot_read(orchestra: Orchestra, workspace: Path) -> None:
    (workspace / "workflows" / "bad.json").write_text("{")
    result = orchestra("fmt")
    assert result.code == 2
    assert "workflows/bad.json:1:" in result.err


def test_validate_names_every_problem_of_every_file(orchestra: Orchestra, workspace: Path) -> None:
    bad = {**PURE, "steps": [{"id": "a", "uses": "flow.sett"}, {"id": "b", "uses": "flow.sat"}]}
    (workspace / "workflows" / "bad.json").write_text(json.dumps(bad))
    (workspace / "workflows" / "Bad Name.json").write_text("{}")
    (workspace / "prompts" / "broken.json").write_text("{")
    beside = ("prompts/classify-mail.versions/1.json", "prompts/classify-mail.cases/odd.json")
    for one in beside:
        (workspace / one).write_text("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n")
    (workspace / "agents").mkdir()
    (workspace / "agents" / "damaged.json").write_bytes(b"\xff")
    for name, text in {"wrong": '{"version": "1"}', "no-code": json.dumps(NO_CODE), "Bad": "{}"}.items():
        (workspace / "tools" / name).mkdir(parents=True)
        (workspace / "tools" / name / "tool.json").write_text(text)
    result = orchestra("validate", "--json")
    assert (result.code, result.json["valid"]) == (2, False)
    files = {problem["file"] for problem in result.json["problems"]}
    assert files >= set(beside)
    assert files >= {"workflows/bad.json", "workflows/Bad Name.json", "prompts/broken.json", "agents/damaged.json"}
    assert files >= {f"tools/{name}/tool.json" for name in ("wrong", "no-code", "Bad")}
    assert len([one for one in result.json["problems"] if one["file"] == "workflows/bad.json"]) >= 2
    wanted = {"severity", "file", "line", "column", "step", "field", "code", "message", "remedy"}
    assert set(result.json["problems"][0]) == wanted
    words = orchestra("validate")
    assert (words.code, "problems found." in words.out) == (2, True)
    assert "error: workflows/bad.json:" in words.err


def test_a_warning_is_told_and_the_file_is_valid_and_runs(orchestra: Orchestra, workspace: Path) -> None:
    idle = json.loads(json.dumps(PURE))
    idle.setdefault("inputs", {"type": "object"}).setdefault("properties", {})["spare"] = {"default": ""}
    (workspace / "workflows" / "idle.json").write_text(json.dumps(idle))
    result = orchestra("validate", "idle", "--json")
    assert (result.code, result.json["valid"]) == (0, True)
    assert "unused_input" in {one["code"] for one in result.json["problems"]}
    assert {one["severity"] for one in result.json["problems"]} == {"warning"}
    for path in ("workflows/idle.json", "./workflows/idle.json"):  # as messages print it
        assert orchestra("validate", path, "--json").json == result.json
        assert orchestra("run", path, "--json").json["workflow"] == "idle"
    assert orchestra("validate", "prompts/idle.json", "--json").code == 2
    words = orchestra("validate", "idle")
    assert (words.code, "it can still run" in words.out) == (0, True)
    assert "warning: workflows/idle.json:" in words.err
    assert orchestra("run", "idle", "--json").json["status"] == "succeeded"


def test_validate_of_one_workflow_is_not_troubled_by_another(orchestra: Orchestra, workspace: Path) -> None:
    (workspace / "workflows" / "bad.json").write_text("{")
    assert orchestra("validate", "pure").code == 0
    assert orchestra("validate", "pure", "bad").code == 2


def test_validate_tells_of_broken_settings(orchestra: Orchestra, workspace: Path) -> None:
    (workspace / "config.yaml").write_text("server:\n  prot: 1\n")
    result = orchestra("validate", "--json")
    assert (result.code, result.json["valid"]) == (2, False)
    assert (result.json["problems"][0]["file"], result.json["problems"][0]["line"]) == ("config.yaml", 2)


def test_reindex_finds_the_runs_again_and_names_what_it_cannot_read(orchestra: Orchestra, workspace: Path) -> None:
    run_id = orchestra("run", "pure", "--json").json["run_id"]
    shutil.rmtree(workspace / ".orchestra")
    assert [row["run_id"] for row in orchestra("runs", "list", "--json").json["runs"]] == [run_id]
    log = next(workspace.glob(f"logs/*/{run_id}.json"))
    broken = log.with_name(f"{run_id[:-8]}aaaaaaaa.json")
    broken.write_text("{")
    result = orchestra("reindex", "--json")
    assert (result.code, result.json["runs"], len(result.json["unreadable"])) == (1, 1, 1)
    told = orchestra("reindex")
    assert (told.code, broken.name in told.err) == (1, True)
    assert "The text ends too early" in told.err
    assert "The text ends too early" in result.json["reasons"][str(broken)]
    assert "1 log cannot be read: take" in told.err
    shown = orchestra("runs", "show", broken.stem, "--json")
    assert shown.json["error"]["remedy"] == "Take it from a backup, or move it away."
    assert [row["run_id"] for row in orchestra("runs", "list", "--json").json["runs"]] == [run_id]


def test_a_damaged_state_file_is_named_by_every_command_and_mended_by_one(
    orchestra: Orchestra, workspace: Path
) -> None:
    run_id = orchestra("run", "pure", "--json").json["run_id"]
    state = workspace / ".orchestra" / "state.db"
    state.write_bytes(b"no database at all " * 1000)
    for command in (["runs", "list"], ["run", "pure"], ["runs", "show", run_id]):
        refused = orchestra(*command)
        assert (refused.code, refused.out) == (4, "")
        assert "is damaged" in refused.err
        assert "`orchestra reindex`" in refused.err
    mended = orchestra("reindex")
    assert (mended.code, mended.out) == (0, "1 run listed.\n")
    aside = next(state.parent.glob("state.db.damaged-*"))
    assert str(aside) in mended.err
    assert [row["run_id"] for row in orchestra("runs", "list", "--json").json["runs"]] == [run_id]
    assert orchestra("reindex", "--json").json == {"runs": 1, "unreadable": [], "reasons": {}, "damaged_state": None}


@pytest.mark.parametrize("run_id", ["nope", "20260101T000000Z-abcdefgh"])
@pytest.mark.parametrize("action", ["show", "resume", "cancel"])
def test_a_run_that_is_not_there_is_exit_code_3(orchestra: Orchestra, action: str, run_id: str) -> None:
    refused = orchestra("runs", action, run_id)
    assert (refused.code, refused.out) == (3, "")
    assert f"There is no run named {run_id!r}." in refused.err


def test_a_login_link_says_that_nothing_is_served(orchestra: Orchestra) -> None:
    result = orchestra("login-link")
    assert result.code == 0
    assert result.out.startswith("http://127.0.0.1:8501/login?token=")
    assert "not being served" in result.err
    as_json = orchestra("login-link", "--json")
    assert (as_json.json["is_served"], as_json.err.count("\n")) == (False, 1)


def test_prompts_are_listed_shown_and_rendered(orchestra: Orchestra) -> None:
    assert "classify-mail" in orchestra("prompts", "list").out
    shown = orchestra("prompts", "show", "classify-mail", "--json").json
    assert (shown["versions"], shown["problems"]) == ([1], [])
    assert '"schema_version": 1' in orchestra("prompts", "show", "classify-mail", "--version", "1").out
    given = ["--sample", "A question", "--variable", "subject=Changed"]
    rendered = orchestra("prompts", "render", "classify-mail@production", *given, "--json").json
    assert rendered["version"] == 1
    assert rendered["messages"][-1]["content"].startswith("Subject: Changed\n\nCould you send us an offer")
    words = orchestra("prompts", "render", "classify-mail@1", *given)
    assert "--- user\nSubject: Changed" in words.out


def test_connections_are_listed_with_what_is_missing(orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {one["name"]: one for one in orchestra("connections", "list", "--json").json["connections"]}
    assert (listed["github"]["ready"], listed["github"]["mode"]) == (False, "mine")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secretsecretsecret")
    words = orchestra("connections", "list")
    assert "secretsecret" not in words.out
    assert "OPENAI_API_KEY" in words.out
    checked = orchestra("connections", "check", "notion", "--json")
    assert (checked.code, checked.json["ok"]) == (1, False)
    assert "NOTION_TOKEN" in checked.json["connections"][0]["lines"][0]["text"]


def test_a_connection_is_added_with_its_secret_elsewhere(orchestra: Orchestra, workspace: Path) -> None:
    given = ["--set", "token=ghp_secretsecretsecretsecret", "--set", "base_url=https://git.example.com/api/v3"]
    result = orchestra("connections", "add", "github", "--name", "work", *given, "--json")
    assert (result.code, result.json["own_key_source"]) == (0, "kept")
    assert "secretsecret" not in result.out
    assert "token: secret:work.token" in (workspace / "config.yaml").read_text()
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert [path for path in files if b"secretsecret" in path.read_bytes()] == []
    assert load(workspace, {}).settings_of("work")["token"] == "ghp_secretsecretsecretsecret"
    web = orchestra("connections", "add", "http", "--name", "web", "--set", "allow_hosts=a.example, b.example")
    assert web.code == 0
    assert 'allow_hosts: ["a.example", "b.example"]' in (workspace / "config.yaml").read_text()


def test_a_key_that_is_not_given_is_named_by_its_usual_variable(orchestra: Orchestra, workspace: Path) -> None:
    result = orchestra("connections", "add", "notion", "--name", "second")
    assert result.code == 0
    assert "NOTION_TOKEN" in result.out
    assert "  second:\n    service: notion\n    token: env:NOTION_TOKEN\n" in (workspace / "config.yaml").read_text()


def test_adding_to_a_connection_keeps_its_other_settings(orchestra: Orchestra, workspace: Path) -> None:
    server = ["--set", "base_url=http://127.0.0.1:1/v1", "--set", "model=small"]
    orchestra("connections", "add", "openai", "--name", "local", *server, "--set", "api_key=env:LOCAL_KEY")
    changed = orchestra("connections", "add", "openai", "--name", "local", "--set", "model=large")
    assert changed.code == 0
    settings = load(workspace, {}).config.connections["local"].settings
    assert settings == {"base_url": "http://127.0.0.1:1/v1", "model": "large", "api_key": "env:LOCAL_KEY"}
    orchestra("connections", "add", "openai", "--name", "local", "--set", "api_key=sk-1234567890abcdef")
    settings = load(workspace, {}).config.connections["local"].settings
    assert settings == {"base_url": "http://127.0.0.1:1/v1", "model": "large", "api_key": "secret:local.api_key"}


def test_ollama_downloads_a_model(orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch) -> None:
    def use(url: str) -> None:
        usual = [("Ollama", int(url.rpartition(":")[2]))]
        for place in ("connections", "fetches"):
            monkeypatch.setattr(f"engine.connections.{place}.local_servers", lambda: local_servers(usual))

    lines = {"qwen3": [{"status": "success"}], "qwen4": [{"error": "pull model manifest: file does not exist"}]}
    with serving({**OLLAMA, "POST /api/pull": lambda body: (200, iter(lines[body["model"]]))}) as url:
        use(url)
        done = orchestra("connections", "pull", "qwen3")
        assert done.code == 0
        assert f"--set base_url={url}/v1 --set model=qwen3" in done.out
        unknown = orchestra("connections", "pull", "qwen4")
        assert unknown.code == 1
        assert "Ollama finds no model named 'qwen4'." in unknown.err
    use("http://127.0.0.1:1")
    assert "No Ollama answers on this machine." in orchestra("connections", "pull", "qwen3").err


def test_kept_secrets_are_sealed_anew_with_another_key(orchestra: Orchestra, workspace: Path) -> None:
    orchestra("connections", "add", "github", "--name", "work", "--set", "token=ghp_secretsecretsecretsecret")
    before = (workspace / ".orchestra" / "secret.key").read_text()
    done = orchestra("connections", "rekey")
    assert (done.code, "1 kept secret encrypted again" in done.out) == (0, True)
    assert (workspace / ".orchestra" / "secret.key").read_text() != before
    assert load(workspace, {}).settings_of("work")["token"] == "ghp_secretsecretsecretsecret"
    (workspace / ".orchestra" / "secret.key").unlink()
    lost = orchestra("connections", "rekey", "--json")
    assert (lost.code, lost.json["error"]["type"]) == (4, "SecretLost")
    assert "backup" in lost.json["error"]["remedy"]
    listed = {one["name"]: one for one in orchestra("connections", "list", "--json").json["connections"]}
    assert "secret.key" in listed["work"]["note"]


def test_secrets_of_a_lost_key_are_named_with_how_each_is_given_again_or_dropped(
    orchestra: Orchestra, workspace: Path
) -> None:
    def add(name: str) -> Any:
        return orchestra("connections", "add", "github", "--name", name, "--set", f"token=ghp_{name * 20}")

    add("a")
    assert "does not open" not in add("b").err
    secrets = workspace / ".orchestra" / "secrets"
    (workspace / ".orchestra" / "secret.key").unlink()
    (secrets / "old.token.json").write_bytes((secrets / "b.token.json").read_bytes())
    told = add("c").err
    assert "does not decrypt the secrets kept as a.token, b.token, old.token. " in told
    stuck = orchestra("connections", "rekey")
    assert stuck.code == 4
    for said in (told, stuck.err):
        for name in ("a", "b"):
            file = secrets / f"{name}.token.json"
            way = f"{name}.token: `orchestra connections add github --name {name}` stores it again, or remove {file}"
            assert way in said
        assert f"old.token: no connection needs it, remove {secrets / 'old.token.json'}" in said
    add("a")
    (secrets / "b.token.json").unlink()
    (secrets / "old.token.json").unlink()
    assert "2 kept secrets encrypted again" in orchestra("connections", "rekey").out


def test_the_file_of_a_client_of_another_type_is_a_mistake_of_the_person(orchestra: Orchestra, workspace: Path) -> None:
    (workspace / "cs.json").write_text('{"web": {"client_id": "x"}}')
    wrong = orchestra("connections", "add", "gmail", "--client-secret", str(workspace / "cs.json"))
    assert wrong.code == 2
    assert "is of an OAuth client of type Web application" in wrong.err
    assert "create an OAuth client of type Desktop app" in wrong.err


def test_a_secret_that_nothing_names_any_more_is_not_kept(orchestra: Orchestra, workspace: Path) -> None:
    orchestra("connections", "add", "github", "--name", "work", "--set", "token=ghp_secretsecretsecretsecret")
    orchestra("connections", "add", "github", "--name", "work-2", "--set", "token=ghp_anotheranotheranother")
    secrets = workspace / ".orchestra" / "secrets"
    assert {path.name for path in secrets.glob("*.json")} == {"work.token.json", "work-2.token.json"}
    orchestra("connections", "add", "github", "--name", "work", "--set", "token=env:WORK_TOKEN")
    assert {path.name for path in secrets.glob("*.json")} == {"work-2.token.json"}


def test_adding_a_connection_tests_it_and_names_what_to_correct(
    orchestra: Orchestra, standins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "not it")
    place = ("--address", "me@own.example", "--set", "host=127.0.0.1", "--set", "port=1")
    added = orchestra("connections", "add", "imap", *place, "--set", "password=env:PASSWORD")
    assert added.code == 0, "it is saved"
    said = "Saved, not working yet: IMAP server (`host`): Nothing answers at 127.0.0.1:1. Check the address."
    assert said in added.out
    checked = orchestra("connections", "check", "imap")
    assert checked.code == 1
    assert "IMAP server (`host`): Nothing answers" in " ".join(checked.out.split())
    monkeypatch.setenv("KEY", standins["openai"].token)
    settings = [f"base_url={standins['openai'].base_url}", "model=demo-extractive", "api_key=env:KEY"]
    pairs = [part for one in settings for part in ("--set", one)]
    assert "It works: " in orchestra("connections", "add", "openai", "--name", "own", *pairs).out


def test_a_mailbox_needs_an_address_and_a_password(orchestra: Orchestra, workspace: Path) -> None:
    added = orchestra("connections", "add", "imap", "--address", "me@fastmail.com", "--json")
    assert (added.code, added.json["beside_key"]["address"]) == (0, "me@fastmail.com")
    assert "IMAP_PASSWORD" in added.json["note"]
    settings = load(workspace, {}).config.connections["imap"].settings
    assert settings == {"address": "me@fastmail.com", "password": "env:IMAP_PASSWORD"}


def test_an_account_that_refuses_is_listed_with_what_to_do(orchestra: Orchestra, workspace: Path) -> None:
    orchestra("connections", "add", "github", "--name", "work", "--set", "token=ghp_secretsecretsecretsecret")
    refused = AuthError("No.", service="github", http_status=401)
    refused.account = "ann"
    with opened(workspace) as session:
        session.orchestra.account_notices.report("work", AccountMode.MINE, refused)
    listed = orchestra("connections", "list")
    [line] = [line.split() for line in listed.out.splitlines() if line.startswith("work ")]
    assert line == ["work", "github", "mine", "demo", "refused", "ann"]
    assert "The connection 'work' (ann) is no longer let in: No." in listed.err
    assert "https://github.com/settings/tokens" in listed.err
    assert "`orchestra connections add github --name work`" in listed.err


def test_a_server_that_needs_no_key_is_not_given_one_by_another_change(orchestra: Orchestra, workspace: Path) -> None:
    config = workspace / "config.yaml"
    entry = "  local:\n    service: openai\n    base_url: http://127.0.0.1:1/v1\n"
    config.write_text(config.read_text().replace("connections:\n", f"connections:\n{entry}", 1))
    assert orchestra("connections", "add", "openai", "--name", "local", "--set", "model=large").code == 0
    assert set(load(workspace, {}).config.connections["local"].settings) == {"base_url", "model"}


def test_a_connection_never_becomes_one_to_another_service(orchestra: Orchestra, workspace: Path) -> None:
    orchestra("connections", "add", "openai", "--name", "one", "--set", "model=small")
    before = (workspace / "config.yaml").read_text()
    assert orchestra("connections", "add", "github", "--name", "one", "--set", "token=env:GH2").code != 0
    assert (workspace / "config.yaml").read_text() == before


def test_a_variable_of_ones_own_is_the_one_that_is_asked_for(orchestra: Orchestra) -> None:
    added = orchestra("connections", "add", "github", "--name", "gh2", "--set", "token=env:GH2")
    assert "Put GH2 into the environment" in added.out
    assert "GITHUB_TOKEN" not in added.out
    listed = {one["name"]: one for one in orchestra("connections", "list", "--json").json["connections"]}
    assert listed["gh2"]["key_variable"] == "GH2"
    assert "GH2" in listed["gh2"]["note"]


def test_a_run_whose_accounts_have_no_key_does_not_begin(
    orchestra: Orchestra, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = {"id": "look", "uses": "github.list_issues", "connection": "work", "with": {"repository": "acme/app"}}
    document = {"schema_version": 1, "title": "Look", "steps": [step]}
    (workspace / "workflows" / "look.json").write_text(json.dumps(document))
    orchestra("connections", "add", "github", "--name", "work", "--set", "token=env:WORK_TOKEN")
    refused = orchestra("run", "look", "--json")
    assert (refused.code, refused.json["error"]["type"]) == (2, "InvalidInput")
    assert refused.json["error"]["message"] == "The connection 'work' has no key: WORK_TOKEN is not set."
    assert "WORK_TOKEN" in refused.json["error"]["remedy"]
    assert orchestra("runs", "list", "--json").json["runs"] == []
    assert orchestra("run", "look", "--demo", "--json").code == 0
    monkeypatch.setenv("WORK_TOKEN", "ghp_of_the_owner")
    (workspace / ".env").write_text("")
    with opened(workspace) as session:  # no network: what the key is worth shows at the step
        session.orchestra.connections.require_ready({"work": AccountMode.MINE})


def test_nobody_signed_in_is_no_key_either(orchestra: Orchestra, workspace: Path) -> None:
    config = workspace / "config.yaml"
    entry = "  mail:\n    service: gmail\n    token_file: .orchestra/tokens/mail.json\n"
    config.write_text(config.read_text().replace("connections:\n", f"connections:\n{entry}", 1))
    with opened(workspace) as session, pytest.raises(InvalidInput, match="nobody has signed in") as refused:
        session.orchestra.connections.require_ready({"mail": AccountMode.MINE})
    assert "orchestra connections add gmail --name mail --client-secret FILE" in refused.value.remedy


def test_users_are_added_and_listed(orchestra: Orchestra) -> None:
    bare = orchestra("users", "add", "bob", "--json")
    assert bare.json["has_password"] is False
    assert "No terminal to ask for a password. Set one with `orchestra users add bob --password-stdin`" in bare.err
    added = orchestra("users", "add", "ann@example.org", "--role", "editor", "--password-stdin", stdin="a long word\n")
    assert "no terminal" not in added.err
    assert added.code == 0
    listed = {one["id"]: one for one in orchestra("users", "list", "--json").json["users"]}
    assert {name: (one["role"], one["has_password"]) for name, one in listed.items()} == {
        "ann@example.org": ("editor", True),
        "bob": ("viewer", False),
        "owner": ("owner", False),
    }
    assert "long word" not in orchestra("users", "list").out


def test_adding_a_user_who_has_no_password_gives_them_one(orchestra: Orchestra) -> None:
    added = orchestra("users", "add", "owner", "--password-stdin", stdin="a long word\n")
    assert (added.code, added.err) == (0, "")
    assert added.out == "owner existed without a password; it is now set. They may sign in as owner.\n"
    again = orchestra("users", "add", "owner", "--password-stdin", stdin="another word\n")
    assert (again.code, again.out) == (4, "")
    assert "`orchestra users set-password owner`" in again.err


def test_adding_a_user_who_is_there_with_another_role_is_refused(orchestra: Orchestra) -> None:
    added = orchestra("users", "add", "owner", "--role", "viewer", "--password-stdin", stdin="a long word\n")
    assert added.code == 4
    listed = orchestra("users", "list", "--json").json["users"]
    assert [(one["role"], one["has_password"]) for one in listed] == [("owner", False)]


def test_a_password_is_changed(orchestra: Orchestra, workspace: Path) -> None:
    orchestra("users", "add", "owner", "--password-stdin", stdin="a long word\n")
    assert orchestra("users", "set-password", "owner").code == 2, "nobody is there to ask"
    assert orchestra("users", "set-password", "nobody", "--password-stdin", stdin="x\n").code == 3
    assert orchestra("users", "set-password", "owner", "--password-stdin", stdin="short\n").code == 2
    changed = orchestra("users", "set-password", "owner", "--password-stdin", stdin="quite another word\n")
    assert (changed.code, changed.err) == (0, "")
    with opened(workspace) as session:
        assert session.orchestra.users.login("owner", "a long word") is None
        assert session.orchestra.users.login("owner", "quite another word") is not None


IN_DEMO = [
    pytest.param(["runs", "list"], id="runs list"),
    pytest.param(["prompts", "list"], id="prompts list"),
    pytest.param(["prompts", "show", "classify-mail"], id="prompts show"),
    pytest.param(["prompts", "render", "classify-mail", "--sample", "A question"], id="prompts render"),
    pytest.param(["validate"], id="validate"),
    pytest.param(["fmt"], id="fmt"),
    pytest.param(["reindex"], id="reindex"),
    pytest.param(["users", "list"], id="users list"),
    pytest.param(["users", "add", "bob"], id="users add"),
    pytest.param(["users", "set-password", "owner", "--password-stdin"], id="users set-password"),
    pytest.param(["login-link"], id="login-link"),
    pytest.param(["connections", "add", "http", "--name", "web"], id="connections add"),
    pytest.param(["demo", "show"], id="demo show"),
    pytest.param(["demo", "reset"], id="demo reset"),
]


@pytest.mark.parametrize("command", IN_DEMO)
def test_demo_is_accepted_where_it_changes_nothing(orchestra: Orchestra, command: list[str]) -> None:
    result = orchestra(*command, "--demo", "--json", stdin="a long word\n")
    assert result.code == 0, result


def test_every_command_that_works_on_a_workspace_takes_demo() -> None:
    without = [name for name, options in _commands(typer.main.get_command(app)) if "--demo" not in options]
    assert without == ["init", "plugins new"]


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every command with its options."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} ")
        elif not command.hidden:
            yield before + name, {option for parameter in command.params for option in parameter.opts}


def test_a_second_connection_to_a_service_says_which_workflows_it_makes_unclear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(tmp_path / "new")
    assert main(["init", root]) == 0
    where = ["--set", "base_url=http://127.0.0.1:8080/v1", "--workspace", root]
    assert main(["connections", "add", "openai", "--name", "llm", *where]) == 0
    assert "which one they mean" not in capsys.readouterr().out
    assert main(["connections", "add", "openai", "--name", "local", *where]) == 0
    said = capsys.readouterr().out
    assert "2 connections to this service now: llm, local" in said
    assert "5 workflows (answer-mail, " in said
    assert "Name one as `connection`" in said
    for one in (["openai", "--name", "local", *where], ["anthropic", "--name", "claude", "--workspace", root]):
        assert main(["connections", "add", *one]) == 0
        assert "which one they mean" not in capsys.readouterr().out
