"""A write is made once in each account: what one environment wrote is not done in another with other connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, InvalidInput
from engine.orchestra import Orchestra
from tests.conftest import StandIns
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

ISSUE = {
    "id": "issue",
    "uses": "github.create_issue",
    "once": "{{ 'always' }}",
    "with": {"repository": "{{ env.REPOSITORY }}", "title": "{{ env.TITLE }}", "body": "Text"},
}


@pytest.fixture
def second(standins: StandIns, tmp_path: Path) -> Iterator[StandIns]:
    """A GitHub of somebody else."""
    other = StandIns(tmp_path / "second")
    for one in (standins, other):
        one["github"]
    while other.stores["github"].generation == standins.stores["github"].generation:
        other.reset("github")
    yield other
    other.stop()


@pytest.fixture
def orchestra(own_accounts: Path, standins: StandIns, second: StandIns) -> Iterator[Orchestra]:
    """A workspace with the connections `github` and `github-test`; dev uses the latter."""
    config = own_accounts / "config.yaml"
    more = (
        f"  github-test:\n    service: github\n    token: env:TOKEN_GITHUB\n    base_url: {second['github'].base_url}\n"
    )
    config.write_text(config.read_text().replace("approvals:", f"{more}approvals:"))
    write_workflow(own_accounts, "report", [ISSUE])
    opened = Orchestra.open(own_accounts)
    opened.environments.init(OWNER)
    for name in ("dev", "prod"):
        opened.environments.set_variables(OWNER, name, {"REPOSITORY": "acme/app", "TITLE": f"From {name}"})
    opened.environments.connect(OWNER, "dev", {"github": "github-test"})
    opened.environments.promote(OWNER, "report", "dev", "prod")
    yield opened
    opened.close()


def issue(orchestra: Orchestra, environment: str) -> Mapping[str, Any]:
    """Run the workflow; return its step that makes an issue."""
    run_id = orchestra.runs.start(OWNER, "report", {}, environment=environment)
    run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    [step] = [one for one in run["steps"] if one["uses"] == "github.create_issue"]
    return step


def made(account: StandIns) -> list[str]:
    """The titles of the issues that the runs made there."""
    return [one["title"] for one in account.show("github")["issues"] if one["title"].startswith("From ")]


def test_each_environment_writes_once_in_its_own_account(
    orchestra: Orchestra, standins: StandIns, second: StandIns
) -> None:
    for environment, connection in (("dev", "github-test"), ("prod", "github")):
        first, again = issue(orchestra, environment), issue(orchestra, environment)
        assert (first["connection"], first["effect"]["reused"]) == (connection, False)
        assert again["effect"]["reused"], "done in this account"
    assert (made(second), made(standins)) == (["From dev"], ["From prod"])


def test_with_the_same_account_what_one_environment_wrote_is_done(orchestra: Orchestra, standins: StandIns) -> None:
    itself: dict[str, str | None] = {"github": "github"}
    with pytest.raises(InvalidInput, match="report would no longer run in 'dev'"):
        orchestra.environments.connect(OWNER, "dev", itself)  # it would not be clear which of the two is meant
    write_workflow(orchestra.workspace.root, "report", [{**ISSUE, "connection": "github"}])
    with pytest.raises(InvalidInput, match="report would no longer run in 'prod'"):
        orchestra.environments.connect(OWNER, "dev", itself)
    orchestra.environments.promote(OWNER, "report", "dev", "prod")
    orchestra.environments.connect(OWNER, "dev", itself)
    assert not issue(orchestra, "dev")["effect"]["reused"]
    orchestra.environments.promote(OWNER, "report", "dev", "prod")
    assert issue(orchestra, "prod")["effect"]["reused"]
    assert made(standins) == ["From dev"]


def test_a_step_renamed_since_its_version_was_made_does_not_write_again(
    orchestra: Orchestra, standins: StandIns
) -> None:
    assert not issue(orchestra, "prod")["effect"]["reused"]
    orchestra.workflows.rename_step(OWNER, "report", "issue", "ticket")
    assert issue(orchestra, "prod")["effect"]["reused"], "version 1 has the old id, its receipt the new one"
    orchestra.environments.promote(OWNER, "report", "dev", "prod")
    assert issue(orchestra, "prod")["effect"]["reused"]
    orchestra.environments.roll_back(OWNER, "report", "prod")
    assert issue(orchestra, "prod")["effect"]["reused"]
    assert made(standins) == ["From prod"]


def test_a_promotion_tells_what_is_new_outside(orchestra: Orchestra) -> None:
    write_workflow(orchestra.workspace.root, "report", [ISSUE, {**ISSUE, "id": "again", "with": _ELSEWHERE}])
    found = orchestra.environments.check_promotion(OWNER, "report", "dev", "prod")
    assert (found.accounts, found.effects) == ([], [])
    assert "github.create_issue: repository acme/docs" in found.destinations
    orchestra.environments.create(OWNER, "empty", others="none")
    orchestra.environments.set_variables(OWNER, "empty", {"REPOSITORY": "acme/app", "TITLE": "x"})
    found = orchestra.environments.check_promotion(OWNER, "report", "dev", "empty")
    assert found.accounts == ["github (github)"]
    assert found.effects == ["github.create_issue through github"]


_ELSEWHERE = {"repository": "acme/docs", "title": "Other", "body": "Text"}


@pytest.mark.parametrize(
    ("connections", "said"),
    [
        ({"github": "github-tset"}, "there is no connection 'github-tset'"),
        ({"github": "notion"}, "'github' is for github, and 'notion' is for notion"),
        ({"gihtub": "demo"}, "there is no connection 'gihtub'"),
        ({"github": "github-test", "github-test": "demo"}, "which itself leads to another connection"),
    ],
    ids=["misspelt", "another service", "no such name", "chain"],
)
def test_a_connection_that_cannot_stand_in_is_refused(
    orchestra: Orchestra, connections: dict[str, str | None], said: str
) -> None:
    before = (orchestra.workspace.root / "environments" / "dev.json").read_text()
    with pytest.raises(InvalidInput, match=said):
        orchestra.environments.connect(OWNER, "dev", connections)
    assert (orchestra.workspace.root / "environments" / "dev.json").read_text() == before


def test_a_promotion_needs_a_key(orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch) -> None:
    write_workflow(orchestra.workspace.root, "report", [ISSUE, set_step("more")])
    monkeypatch.delenv("TOKEN_GITHUB")
    with pytest.raises(InvalidFile, match="The connection 'github' has no key"):
        orchestra.environments.promote(OWNER, "report", "dev", "prod")
