"""Settings: defaults, file, environment, and each mistake with its line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.documents.yaml_file import parse
from engine.workspace.config import Config, check, load, warnings
from engine.workspace.config_files import ConfigFiles


def config_of(text: str, **environment: str) -> Config:
    return check(parse(text, "config.yaml"), environment)


def test_an_empty_file_gives_the_defaults() -> None:
    config = config_of("")
    assert (config.server.host, config.server.port, config.time_zone, config.state_dir) == (
        "127.0.0.1",
        8501,
        "UTC",
        ".orchestra",
    )


def test_the_template_says_the_defaults_and_names_every_setting() -> None:
    import engine.workflows.new_workspace

    text = Path(engine.workflows.new_workspace.__file__).with_name("config.template.yaml").read_text(encoding="utf-8")
    config = config_of(text)
    assert config.model_copy(update={"connections": {}}) == Config()
    assert set(parse(text, "config.yaml").value) == set(Config.model_fields)
    assert {name: one.service for name, one in config.connections.items()} == {
        "gmail": "gmail",
        "github": "github",
        "notion": "notion",
        "llm": "openai",
        "database": "sql",
    }


def test_the_environment_wins_over_the_file() -> None:
    config = config_of(
        "server: {port: 1000}\nconnections: {llm: {service: openai, model: a}}\n",
        ORCHESTRA_SERVER__PORT="9000",
        ORCHESTRA_SERVER__TRUSTED_PROXIES="10.0.0.2, 172.16.0.0/12",
        ORCHESTRA_TIME_ZONE="Europe/Berlin",
        ORCHESTRA_BUDGETS__DAY__USD="2.5",
        ORCHESTRA_BUDGETS__STRICT="true",
        ORCHESTRA_STATE="postgresql://a/x",
        ORCHESTRA_STATE_REPLICA="postgresql://b/x",
        ORCHESTRA_RETENTION__DAYS="90",
        ORCHESTRA_CONNECTIONS__LLM__MODEL="b",
        ORCHESTRA_WORKSPACE="/elsewhere",
    )
    assert (config.server.port, config.time_zone) == (9000, "Europe/Berlin")
    assert (config.state, config.state_replica) == ("postgresql://a/x", "postgresql://b/x")
    assert config.server.trusted_proxies == ["10.0.0.2", "172.16.0.0/12"]
    assert config.budgets.day is not None
    assert (config.budgets.day.usd, config.budgets.strict, config.retention.days) == (2.5, True, 90)
    assert config.connections["llm"].settings == {"model": "b"}


@pytest.mark.parametrize(
    ("text", "line", "code", "words"),
    [
        pytest.param("a: 1\n", 1, "unknown_key", "no key 'a'", id="unknown"),
        pytest.param("\nsever: {}\n", 2, "unknown_key", "Did you mean 'server'?", id="misspelt"),
        pytest.param("server:\n  prt: 1\n", 2, "unknown_key", "Did you mean 'port'?", id="misspelt-inside"),
        pytest.param("server:\n  port: a\n", 2, "wrong_type", "a whole number, not 'a'", id="no-number"),
        pytest.param("server:\n  port: 99999\n", 2, "wrong_value", "at most 65535", id="port-range"),
        pytest.param(
            "server:\n  cors_origins: [https://a.example, '*']\n",
            2,
            "wrong_value",
            "Entry 2 of 'cors_origins'",
            id="cors",
        ),
        pytest.param("retention:\n  days: true\n", 2, "wrong_value", "must be a number, not true", id="true-for-days"),
        pytest.param("limits:\n  requests_per_minute: true\n", 2, "wrong_value", "a number", id="true-for-a-limit"),
        pytest.param("notifications:\n  webhook: https://\n", 2, "wrong_value", "It is not an address", id="no-host"),
        pytest.param("server: 5\n", 1, "wrong_type", "'server' must be an object, not 5", id="no-object"),
        pytest.param("time_zone: 5\n", 1, "wrong_type", "Put quotes around the value", id="number-for-text"),
        pytest.param("time_zone: Mars/Base\n", 1, "wrong_value", "Europe/Berlin", id="time-zone"),
        pytest.param("log_level: loud\n", 1, "wrong_value", "warning or error, not 'loud'", id="log-level"),
        pytest.param(
            "log_level: info, =debug\n", 1, "wrong_value", "not 'info, =debug'", id="log-level-without-logger"
        ),
        pytest.param("language: xx\n", 1, "wrong_value", "'en'", id="language"),
        pytest.param("language: NO\n", 1, "put_quotes", '"NO"', id="norwegian"),
        pytest.param("retention:\n  days: 0\n", 2, "wrong_value", "at least 1", id="retention"),
        pytest.param("retention:\n  demo_days: 99999999\n", 2, "wrong_value", "at most 36500", id="retention-too-long"),
        pytest.param("retention:\n  day: 30\n", 2, "unknown_key", "Did you mean 'days'?", id="retention-misspelt"),
        pytest.param("\nstate_dir: workflows\n", 2, "wrong_value", "is in 'workflows'", id="state-among-workflows"),
        pytest.param("state_dir: ./Logs/state\n", 1, "wrong_value", "is in 'Logs'", id="state-among-logs"),
        pytest.param("state_dir: files\n", 1, "wrong_value", "is in 'files'", id="state-among-files"),
        pytest.param("state_dir: config.yaml\n", 1, "wrong_value", "is in 'config.yaml'", id="state-in-a-file"),
        pytest.param("state_dir: a/..\n", 1, "wrong_value", "is, or is around,", id="state-is-the-workspace"),
        pytest.param("state_dir: ..\n", 1, "wrong_value", "is, or is around,", id="state-around-all"),
        pytest.param(
            "state_replica: postgresql://b/x\n", 1, "wrong_value", "and the state is a file", id="replica-of-a-file"
        ),
        pytest.param(
            "state: postgresql://a/x\nstate_replica: b:5432\n", 2, "wrong_value", "a PostgreSQL", id="no-replica"
        ),
        pytest.param("state_dir: /\n", 1, "wrong_value", "needs a folder of its own", id="state-at-the-root"),
        pytest.param("approvals: [x]\n", 1, "wrong_type", "an object", id="approvals"),
        pytest.param("approvals:\n  default: alway\n", 2, "wrong_value", "'always'", id="approval-word"),
        pytest.param("approvals:\n  gmail.sent: never\n", 2, "unknown_step_type", "gmail.send", id="approval-type"),
        pytest.param("approvals:\n  flow.set: always\n", 2, "approval", "calls no service", id="approval-idle"),
        pytest.param("approvals:\n  flow.approve: never\n", 2, "approval", "always asks", id="approval-of-a-question"),
        pytest.param("approvals:\n  notify: http://a.example/x\n", 2, "wrong_value", "https://", id="notify-in-clear"),
        pytest.param("connections:\n  a: {}\n", 2, "missing_key", "'service' is missing", id="no-service"),
        pytest.param("connections:\n  A b: {service: http}\n", 2, "wrong_value", "'A b'", id="connection-name"),
        pytest.param("connections:\n  a: {service: nope}\n", 2, "unknown_service", "There are: anthropic, ", id="far"),
        pytest.param(
            "connections:\n  a:\n    service: gitub\n", 3, "unknown_service", "Did you mean 'github'?", id="service"
        ),
        pytest.param(
            "connections:\n  a:\n    service: github\n    tokn: env:T\n",
            4,
            "unknown_key",
            "Did you mean 'token'?",
            id="misspelt-setting",
        ),
        pytest.param(
            "connections:\n  a: {service: http, allow_hosts: x}\n", 2, "wrong_type", "must be a list", id="setting-type"
        ),
        pytest.param("- a\n", 1, "wrong_type", "keys and values", id="a-list"),
        pytest.param(
            "connections:\n  github:\n    service: github\n    token: abc\n",
            4,
            "clear_secret",
            "Put GITHUB_TOKEN=… into .env and write `token: env:GITHUB_TOKEN` here.",
            id="token-in-clear",
        ),
        pytest.param(
            "connections:\n  x: {service: http, headers: {X-Api-Key: '12'}}\n",
            2,
            "clear_secret",
            "X_API_KEY",
            id="header",
        ),
        pytest.param(
            "connections:\n  x: {service: github, base_url: 'https://me:pass@x.example'}\n",
            2,
            "clear_secret",
            "in plain text",
            id="password-in-address",
        ),
        pytest.param(
            "logs: mysql", 1, "wrong_value", "'mysql' is not a place for logs. Write postgres", id="place-of-logs"
        ),
        pytest.param("logs: s3://a:b@bucket", 1, "wrong_value", "AWS_ACCESS_KEY_ID", id="keys-of-logs"),
        pytest.param("logs: s3://bucket?region=x&acl=y", 1, "wrong_value", "no option 'acl'", id="option-of-logs"),
        pytest.param("logs: s3://bucket?endpoint=ftp://x", 1, "wrong_value", "endpoint", id="endpoint-of-logs"),
        pytest.param(
            f"connections:\n  x: {{service: github, base_url: ghp_{'a' * 20}}}\n",
            2,
            "clear_secret",
            "in plain text",
            id="known-form",
        ),
    ],
)
def test_each_mistake_names_its_line(text: str, line: int, code: str, words: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        config_of(text)
    [problem] = caught.value.problems
    assert (problem.line, problem.code, problem.file) == (line, code, "config.yaml")
    assert words in f"{problem.message} {problem.remedy}"


def test_a_workflow_that_should_notify_but_does_not_exist_is_a_warning(tmp_path: Path) -> None:
    text = "approvals: {notify: ask}\nnotifications: {workflow: tell-me}\n"
    (tmp_path / "config.yaml").write_text(text)
    loaded = load(tmp_path, {})
    found = warnings(loaded, lambda _user: True, lambda: ["ask"])
    assert [(one.line, one.severity, one.field) for one in found] == [(2, "warning", "notifications.workflow")]
    assert "There is no workflow 'tell-me'" in found[0].message
    assert warnings(loaded, lambda _user: True, lambda: ["ask", "tell-me"]) == []


def test_all_mistakes_are_told_at_once_and_a_secret_is_not_repeated() -> None:
    secret = "ghp_" + "a1" * 12
    with pytest.raises(InvalidFile) as caught:
        config_of(f"sever: {{}}\nserver: {{port: x}}\nconnections: {{g: {{service: github, token: {secret}}}}}\n")
    assert {problem.code for problem in caught.value.problems} == {"unknown_key", "wrong_type", "clear_secret"}
    assert all(secret not in str(problem) for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        pytest.param("ORCHESTRA_SERVER__PORT", "many", "variable ORCHESTRA_SERVER__PORT: 'port' must be", id="value"),
        pytest.param("ORCHESTRA_LOG_LEVEL", "a b=info", "variable ORCHESTRA_LOG_LEVEL: 'log_level' must", id="logger"),
        pytest.param("ORCHESTRA_SERVER__PRT", "1", "variable ORCHESTRA_SERVER__PRT: There is no key", id="key"),
        pytest.param(
            "ORCHESTRA_SEVER__PORT", "1", "variable ORCHESTRA_SEVER__PORT does not match any setting", id="section"
        ),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(variable: str, value: str, words: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        config_of("", **{variable: value})
    [problem] = caught.value.problems
    assert words in problem.message
    assert str(caught.value).startswith("The environment has 1 problem: the environment: ")
    assert "config.yaml" not in str(caught.value)


@pytest.mark.parametrize("place", ["{root}/logs", "{root}", "{root}/.."])
def test_a_state_folder_by_its_whole_path_is_compared_with_the_workspace(tmp_path: Path, place: str) -> None:
    root = tmp_path / "r"
    root.mkdir()
    (root / "config.yaml").write_text(f"state_dir: {place.format(root=root)}\n")
    with pytest.raises(InvalidFile, match="the state needs a folder of its own"):
        load(root, {})


@pytest.mark.parametrize("place", [".orchestra", "state", "../state", "/var/lib/orchestra", "a/logs"])
def test_a_state_folder_of_its_own_may_be_anywhere(tmp_path: Path, place: str) -> None:
    (tmp_path / "config.yaml").write_text(f"state_dir: {place}\n")
    assert load(tmp_path, {}).config.state_dir == place


def test_a_folder_without_settings_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(UnknownName) as caught:
        load(tmp_path, {})
    assert "orchestra init" in caught.value.remedy


def test_settings_of_a_connection_are_filled_from_dotenv_under_the_environment(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "model_defaults: {model: small}\n"
        "connections:\n"
        "  github: {service: github, token: env:GITHUB_TOKEN}\n"
        "  llm: {service: openai, api_key: env:KEY}\n"
        "  claude: {service: anthropic, api_key: env:KEY}\n"
        "  gmail: {service: gmail, token_file: .orchestra/token.json}\n"
    )
    (tmp_path / ".env").write_text("GITHUB_TOKEN=from-file\nKEY=from-file\n")
    loaded = load(tmp_path, {"KEY": "from-environment"})
    assert loaded.settings_of("github") == {"token": "from-file"}
    assert loaded.settings_of("llm") == {"api_key": "from-environment", "model": "small"}
    assert loaded.settings_of("claude") == {"api_key": "from-environment"}, "another service has other models"
    assert loaded.settings_of("gmail") == {"token_file": str(tmp_path / ".orchestra/token.json")}
    assert "from-file" not in repr(loaded)
    with pytest.raises(UnknownName, match="'gitub'"):
        loaded.settings_of("gitub")


def test_a_secret_that_is_not_set_says_where_it_belongs(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("connections: {g: {service: github, token: env:G_TOKEN}}\n")
    loaded = load(tmp_path, {"G_TOKEN": ""})
    with pytest.raises(InvalidInput, match="G_TOKEN is not set") as caught:
        loaded.settings_of("g")
    assert ".env" in caught.value.remedy


@pytest.mark.parametrize("kind", ["folder", "not-utf8", "large"])
def test_a_damaged_file_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.yaml"
    if kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"time_zone: \xff\n" if kind == "not-utf8" else b"#" * 70_000)
    with pytest.raises(InvalidFile, match=r"config\.yaml"):
        load(tmp_path, {})


MANY = """\
sever: {port: 1}
server: {port: x, hst: a}
time_zone: Mars/Base
language: xx
limits: {calls_at_once: 0}
connections:
  A b: {service: gitub}
  hub: {service: github, tokn: env:T}
  web: {service: http, allow_hosts: x, foo: 1}
  none: {token: env:X}
  llm: 5
bogus: 1
retention: {days: soon}
"""


def test_a_file_with_many_mistakes_names_them_all() -> None:
    with pytest.raises(InvalidFile) as caught:
        config_of(MANY)
    told = [(one.line, one.code, one.field) for one in caught.value.problems]
    assert sorted(told, key=str) == sorted(
        [
            (1, "unknown_key", "sever"),
            (2, "wrong_type", "server.port"),
            (2, "unknown_key", "server.hst"),
            (3, "wrong_value", "time_zone"),
            (4, "wrong_value", "language"),
            (5, "wrong_value", "limits.calls_at_once"),
            (7, "wrong_value", "connections.A b"),
            (7, "unknown_service", "connections.A b.service"),
            (8, "unknown_key", "connections.hub.tokn"),
            (9, "wrong_type", "connections.web.allow_hosts"),
            (9, "unknown_key", "connections.web.foo"),
            (10, "missing_key", "connections.none.service"),
            (11, "wrong_type", "connections.llm"),
            (12, "unknown_key", "bogus"),
            (13, "wrong_type", "retention.days"),
        ],
        key=str,
    )
    assert all(one.remedy for one in caught.value.problems)


def test_a_change_of_the_environment_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("", encoding="utf-8")
    (tmp_path / ".env").write_text("", encoding="utf-8")
    time.sleep(0.2)  # a file that has just changed is read each time
    files = ConfigFiles(tmp_path)
    monkeypatch.delenv("WORD", raising=False)
    before = files.loaded()
    assert files.loaded() is before
    monkeypatch.setenv("WORD", "ä")
    assert files.loaded().environment["WORD"] == "ä"
    monkeypatch.delenv("WORD")
    assert "WORD" not in files.loaded().environment
