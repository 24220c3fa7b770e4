"""Accounts that refuse: one notice each, nothing that needs them begins, and all goes on once it is made good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clients.errors import AuthError
from engine.base.errors import InvalidInput
from engine.base.statuses import AccountMode
from engine.connections.account_notices import AccountNotice, AccountNotices
from engine.orchestra import Orchestra
from tests.conftest import StandIns
from tests.engine.conftest import OWNER
from tests.patience import PATIENCE_SECONDS

MINE: dict[str, AccountMode] = {"work": AccountMode.MINE}


def refusal(status: int = 401, *, lacks_scope: bool = False) -> AuthError:
    error = AuthError("GitHub answered 401: Bad credentials.", service="github", http_status=status)
    error.lacks_scope = lacks_scope
    return error


@pytest.fixture
def folder(tmp_path: Path, standins: StandIns) -> Path:
    """A workspace whose GitHub account is the stand-in."""
    root = tmp_path / "workspace"
    for name in ("workflows", "prompts", "logs"):
        (root / name).mkdir(parents=True)
    settings = {"service": "github", "token": "env:WORK_TOKEN", "base_url": standins["github"].base_url}
    (root / "config.yaml").write_text(json.dumps({"connections": {"work": settings}}))
    (root / ".env").write_text(f"WORK_TOKEN={standins['github'].token}\n")
    (root / ".env").chmod(0o600)
    step = {"id": "look", "uses": "github.list_issues", "connection": "work", "with": {"repository": "acme/app"}}
    document = {"schema_version": 1, "title": "Look", "steps": [{**step, "retry": {"attempts": 1}}]}
    (root / "workflows" / "look.json").write_text(json.dumps(document))
    return root


@pytest.fixture
def orchestra(folder: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(folder)
    yield opened
    opened.close()


def look(orchestra: Orchestra) -> Any:
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "look", {}), PATIENCE_SECONDS)


def test_a_refused_account_is_told_of_once_and_a_run_does_not_begin_until_it_works(
    orchestra: Orchestra, standins: StandIns
) -> None:
    assert all(line.ok for line in orchestra.connections.check(OWNER, "work"))
    standins.faults("github", status=401, times=1000)
    failed = look(orchestra)
    assert (failed["status"], failed["error"]["type"]) == ("failed", "AuthError")
    [trouble] = orchestra.connections.troubles(OWNER)
    assert (trouble.connection, trouble.kind, trouble.workflows) == ("work", "revoked", ())
    assert trouble.account
    assert trouble.account in trouble.sentence
    assert "Enter another key" in trouble.remedy
    assert "`orchestra connections add github --name work`" in trouble.remedy
    assert "orchestra connections check work" in trouble.remedy
    with pytest.raises(InvalidInput) as refused:
        look(orchestra)
    assert (refused.value.message, refused.value.remedy) == (trouble.sentence, trouble.remedy)
    with pytest.raises(InvalidInput, match="no longer let in"):
        orchestra.preview(OWNER, "look", {})
    assert orchestra.connections.troubles(OWNER) == [trouble]
    assert next(one for one in orchestra.connections.list(OWNER)).trouble == trouble

    standins.calm("github")
    orchestra.runs.resume(OWNER, failed["run_id"])
    assert orchestra.runs.wait(OWNER, failed["run_id"], PATIENCE_SECONDS)["status"] == "succeeded"
    assert orchestra.connections.troubles(OWNER) == []


def test_a_good_check_ends_it_and_a_bad_one_does_not(orchestra: Orchestra, standins: StandIns) -> None:
    standins.faults("github", match="/user", status=401, times=1000)
    orchestra.account_notices.report("work", AccountMode.MINE, refusal())
    assert not all(line.ok for line in orchestra.connections.check(OWNER, "work"))
    assert len(orchestra.account_notices.open()) == 1
    standins.calm("github")
    assert all(line.ok for line in orchestra.connections.check(OWNER, "work"))
    assert orchestra.account_notices.open() == []


def test_the_first_run_has_no_tick_at_an_account_that_refuses(folder: Path, standins: StandIns) -> None:
    settings = {"service": "gmail", "token": "env:MAIL_TOKEN", "base_url": standins["gmail"].base_url}
    (folder / "config.yaml").write_text(json.dumps({"connections": {"mail": settings}}))
    (folder / ".env").write_text(f"MAIL_TOKEN={standins['gmail'].token}\n")
    with closing(Orchestra.open(folder)) as opened:
        chosen = opened.first_run.choose(OWNER, "mailbox", "gmail")["steps"][0]
        opened.account_notices.report("mail", AccountMode.MINE, refusal())
        [trouble] = opened.connections.troubles(OWNER)
        refused = opened.first_run.state(OWNER)["steps"][0]
    assert (chosen["state"], refused["state"], refused["sentence"]) == ("done", "failed", trouble.sentence)


def test_what_an_account_finds_there_does_not_keep_it_refused(orchestra: Orchestra, standins: StandIns) -> None:
    orchestra.account_notices.report("work", AccountMode.MINE, refusal())
    standins.faults("github", match="GET /user/repos", status=200, body="[]", times=1000)
    lines = {line.what: line.ok for line in orchestra.connections.check(OWNER, "work")}
    assert (lines["sign-in"], lines["repositories"]) == (True, False)
    assert orchestra.account_notices.open() == []


def test_of_two_accounts_that_refuse_both_are_asked_again(
    orchestra: Orchestra, folder: Path, standins: StandIns
) -> None:
    config = json.loads((folder / "config.yaml").read_text())
    config["connections"]["other"] = {**config["connections"]["work"], "token": "env:OTHER_TOKEN"}
    (folder / "config.yaml").write_text(json.dumps(config))
    (folder / ".env").write_text(f"WORK_TOKEN={standins['github'].token}\nOTHER_TOKEN=wrong\n")
    for name in ("work", "other"):
        orchestra.account_notices.report(name, AccountMode.MINE, refusal())
    with pytest.raises(InvalidInput, match="'other'"):
        orchestra.connections.require_ready({"work": AccountMode.MINE, "other": AccountMode.MINE})
    assert [one.connection for one in orchestra.account_notices.open()] == ["other"]


def test_another_key_ends_it_wherever_it_is_given(orchestra: Orchestra, folder: Path) -> None:
    orchestra.account_notices.report("work", AccountMode.MINE, refusal())
    assert orchestra.account_notices.blocks(MINE) is not None
    (folder / ".env").write_text("WORK_TOKEN=another\n")
    assert orchestra.account_notices.blocks(MINE) is None
    orchestra.account_notices.report("work", AccountMode.MINE, refusal())
    orchestra.connections.give_key(OWNER, "work", "ghp_given-on-the-page")
    assert orchestra.account_notices.open() == []


def test_another_key_that_is_refused_too_is_told_again(orchestra: Orchestra, folder: Path) -> None:
    orchestra.account_notices.report("work", AccountMode.MINE, refusal())
    (folder / ".env").write_text("WORK_TOKEN=another\n")
    orchestra.account_notices.report("work", AccountMode.MINE, refusal())
    assert orchestra.account_notices.blocks(MINE) is not None


def test_the_key_that_was_refused_is_not_in_the_state(orchestra: Orchestra, folder: Path) -> None:
    (folder / ".env").write_text("WORK_TOKEN=short\n")
    orchestra.account_notices.report("work", AccountMode.MINE, refusal())
    orchestra.close()
    assert b"short" not in b"".join(path.read_bytes() for path in (folder / ".orchestra").glob("state.db*"))


def test_a_refusal_of_one_thing_concerns_the_triggers_of_that_workflow_only(orchestra: Orchestra) -> None:
    account_notices = orchestra.account_notices
    account_notices.report("work", AccountMode.MINE, refusal(403))
    assert account_notices.open() == [], "a person at the run sees it; nobody waits"
    account_notices.report("work", AccountMode.MINE, refusal(403), "look")
    assert account_notices.blocks(MINE) is None
    assert account_notices.blocks(MINE, "other") is None
    assert account_notices.blocks(MINE, "look") is not None
    assert look(orchestra)["status"] == "succeeded"
    account_notices.report("work", AccountMode.MINE, refusal(403), "other")
    [one] = account_notices.open()
    assert one.workflows == ("look", "other")
    assert "Triggers of look, other wait" in one.sentence


def test_less_than_was_asked_for_concerns_everybody(orchestra: Orchestra) -> None:
    orchestra.account_notices.report("work", AccountMode.MINE, refusal(403, lacks_scope=True))
    [one] = orchestra.account_notices.open()
    assert (one.kind, one.workflows) == ("reduced", ())
    assert "has less access than it needs" in one.sentence


def test_it_is_one_notice_for_an_account_however_often_it_is_met(orchestra: Orchestra) -> None:
    account_notices = orchestra.account_notices
    account_notices.report("work", AccountMode.MINE, refusal(403), "look")
    account_notices.report("work", AccountMode.MINE, refusal())
    first = account_notices.open()
    for _ in range(5):
        account_notices.report("work", AccountMode.MINE, refusal())
    assert account_notices.open() == first
    assert first == [replace(first[0], workflows=())]


def test_the_stand_in_and_the_account_of_ones_own_are_apart(orchestra: Orchestra) -> None:
    account_notices = orchestra.account_notices
    account_notices.report("work", AccountMode.DEMO, refusal())
    assert account_notices.blocks(MINE) is None
    assert account_notices.blocks({"work": AccountMode.DEMO}) is not None
    account_notices.cleared("work", AccountMode.MINE)
    assert len(account_notices.open()) == 1
    account_notices.cleared("work")
    assert account_notices.open() == []


def test_what_is_not_in_the_settings_any_more_is_no_trouble(orchestra: Orchestra, folder: Path) -> None:
    orchestra.account_notices.report("gone", AccountMode.MINE, refusal())
    orchestra.account_notices.report("work", AccountMode.MINE, refusal())
    (folder / "config.yaml").write_text("connections: {}\n")
    assert orchestra.account_notices.open() == []


@pytest.mark.parametrize(
    ("service", "mode", "button"),
    [
        pytest.param("gmail", "mine", "Sign in again", id="a sign-in"),
        pytest.param("github", "mine", "Enter another key", id="a key"),
        pytest.param("github", "demo", "Check", id="a stand-in"),
    ],
)
def test_it_names_the_button_and_the_command(service: str, mode: AccountMode, button: str) -> None:
    trouble = AccountNotice("it", mode, service, "revoked", "me@example.com", "No.", "2026-11-20T12:00:00Z")
    assert button in trouble.remedy
    assert "`orchestra connections" in trouble.remedy


def test_the_table_survives_a_restart(folder: Path) -> None:
    first = Orchestra.open(folder)
    first.account_notices.report("work", AccountMode.MINE, refusal())
    told = first.account_notices.open()
    first.close()
    second = Orchestra.open(folder)
    try:
        assert isinstance(second.account_notices, AccountNotices)
        assert second.account_notices.open() == told
    finally:
        second.close()
