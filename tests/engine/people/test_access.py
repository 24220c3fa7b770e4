"""Roles, rights and the audit trail."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.base.errors import NotAllowed
from engine.people.access import ROLES, Principal, Right, Role, local_user, may, require
from engine.people.audit import Audit
from engine.store.sql.people.audit import SqlAudit, record
from engine.store.sqlite.database import SqliteStateDatabase

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("right", "allowed"),
    [
        pytest.param("view", {"owner", "editor", "operator", "viewer"}, id="everybody looks"),
        pytest.param("run", {"owner", "editor", "operator"}, id="a viewer starts nothing"),
        pytest.param("edit", {"owner", "editor"}, id="an operator changes no file"),
        pytest.param("admin", {"owner"}, id="only an owner lets people in"),
    ],
)
def test_each_right_belongs_to_these_roles(right: Right, allowed: set[Role]) -> None:
    assert {role for role in ROLES if may(Principal("ada", role), right)} == allowed


def test_a_refusal_says_who_what_and_which_role_it_takes() -> None:
    with pytest.raises(NotAllowed) as refused:
        require(Principal("vera", "viewer"), "run", "start a run")
    assert refused.value.message == "vera has the role viewer and may not start a run."
    assert refused.value.remedy == "It takes the role operator or more, which an owner can give."


def test_the_command_line_acts_as_the_user_of_the_system_with_every_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    assert local_user() == Principal("local:grace", "owner")


def test_a_system_user_without_a_name_is_known_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    assert local_user().id == "local:uid-4711"


def test_the_trail_gives_the_newest_line_first(tmp_path: Path) -> None:
    audit = Audit(SqlAudit(SqliteStateDatabase(tmp_path)), lambda: NOON)
    ada = Principal("ada", "owner")
    audit.record(ada, "workflows.save", "inbox-triage", {"bytes": 12})
    audit.record(ada, "runs.start", "inbox-triage", "by hand")
    audit.record("anonymous", "users.login_refused", "ada")
    newest, before = audit.latest(2)
    assert (newest.principal, newest.action, newest.target) == ("anonymous", "users.login_refused", "ada")
    assert (before.principal, before.action, before.detail, before.at) == ("ada", "runs.start", "by hand", NOON)


def test_a_line_is_added_or_not_with_the_change_it_tells_of(tmp_path: Path) -> None:
    database = SqliteStateDatabase(tmp_path)
    audit = Audit(SqlAudit(database), lambda: NOON)

    def change_that_fails() -> None:
        with database.writing() as connection:
            record(connection, audit.entry("ada", "workflows.save", "digest"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_that_fails()
    assert audit.latest() == []


def test_no_text_is_too_odd_or_too_long_for_the_trail(tmp_path: Path) -> None:
    audit = Audit(SqlAudit(SqliteStateDatabase(tmp_path)), lambda: NOON)
    audit.record("ada", "workflows.save", "digest", "\ud83d" + "x" * 10_000)
    assert audit.latest()[0].detail.startswith("?xxx")
    assert len(audit.latest()[0].detail) == 2_000
