"""The workflow of the first run: each combination of choices is one that can run, and an edited one stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from engine.base.errors import InvalidInput, UnknownName
from engine.first_run.first_workflow import NAME, FirstChoices, first_workflow, parts
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.workspaces import init

OWNER = Principal("owner", "owner", confirmed=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init(tmp_path / "workspace")
    with (tmp_path / "workspace" / "config.yaml").open("a") as config:
        config.write("  mailbox:\n    service: imap\n    password: env:IMAP_PASSWORD\n    address: ann@example.org\n")
        config.write("  outlook:\n    service: outlook\n    token: env:OUTLOOK_TOKEN\n")
        config.write("  other:\n    service: openai\n    api_key: env:OTHER_KEY\n    model: small\n")
    return tmp_path / "workspace"


@pytest.fixture
def orchestra(root: Path) -> Iterator[Orchestra]:
    opened = Orchestra.open(root, demo=True)
    yield opened
    opened.close()


def test_every_combination_of_choices_is_a_workflow_without_a_problem(orchestra: Orchestra) -> None:
    found = {}
    for mailbox, model, tasks in product(parts("mailboxes"), ("llm", ""), [*parts("tasks"), ""]):
        choices = FirstChoices(mailbox, model, tasks, "here", {"llm": "other"})
        made = orchestra.workflows.save(OWNER, f"{mailbox}-{tasks or 'mark'}{model}", first_workflow(choices), None)
        found[made.name] = [str(one) for one in made.problems if one.severity == "error"]
        document = made.document or {}
        assert [one["uses"] for one in document["triggers"]] == [f"{mailbox}.new_message"]
        steps = document["steps"][1]["steps"]
        assert [one["id"] for one in steps] == (["read", "task"] if model else ["task"])
        assert [one.get("connection") for one in steps if one["id"] == "read"] == (["other"] if model else [])
    assert len(found) == 18
    assert found == {name: [] for name in found}


def test_progress_is_there_after_a_restart_and_an_edited_workflow_stays(orchestra: Orchestra, root: Path) -> None:
    first = orchestra.first_run
    first.choose(OWNER, "mailbox", "demo")
    first.choose(OWNER, "model", "none")
    first.skip(OWNER, "tasks")
    assert orchestra.runs.wait(OWNER, first.plan(OWNER), 60)["status"] == "succeeded"
    again = Orchestra.open(root, demo=True)
    try:
        steps = {one["id"]: one["state"] for one in again.first_run.state(OWNER)["steps"]}
        assert steps == {"mailbox": "done", "model": "done", "tasks": "skipped", "plan": "done", "start": "open"}
        again.first_run.choose(OWNER, "tasks", "github")
        again.first_run.write(OWNER)
        path = root / "workflows" / f"{NAME}.json"
        assert '"default": "acme/app"' in path.read_text()
        mine = {**json.loads(path.read_text()), "title": "Mine"}
        path.write_text(json.dumps(mine))
        again.first_run.choose(OWNER, "tasks", "notion", "Tasks")
        again.first_run.write(OWNER)
        assert json.loads(path.read_text()) == mine
        assert sorted(again.workspace.workflows.names()).count(NAME) == 1
    finally:
        again.close()


@pytest.mark.parametrize(
    ("service", "typed", "said", "remedy"),
    [
        ("github", "acme/ap", "none named 'acme/ap'", "Did you mean 'acme/app'"),
        ("github", "app", "Repository: ", "'acme/app'"),
        ("notion", "task", "none named 'task'", "Did you mean 'Tasks'?"),
        ("notion", "Wiki of nobody", "none named 'Wiki of nobody'", "Tasks"),
    ],
)
def test_where_tasks_go_is_looked_up_before_it_is_taken(
    orchestra: Orchestra, service: str, typed: str, said: str, remedy: str
) -> None:
    first = orchestra.first_run
    first.choose(OWNER, "mailbox", "demo")
    with pytest.raises(InvalidInput, match=said) as refused:
        first.choose(OWNER, "tasks", service, typed)
    assert remedy in refused.value.remedy
    assert first.state(OWNER)["target"] == "", "nothing is kept of it"
    offered = first.targets(OWNER, service)
    for one in offered:
        assert first.choose(OWNER, "tasks", service, f" {one} ")["target"] == one


def test_an_unknown_choice_is_refused_with_those_there_are(orchestra: Orchestra) -> None:
    with pytest.raises(UnknownName, match="'mails'") as refused:
        orchestra.first_run.choose(OWNER, "mails", "demo")
    assert "mailbox" in refused.value.remedy
    with pytest.raises(UnknownName, match="'fax'") as refused:
        orchestra.first_run.choose(OWNER, "mailbox", "fax")
    assert "demo" in refused.value.remedy
    with pytest.raises(InvalidInput) as none:
        orchestra.first_run.apply(OWNER)
    assert none.value.remedy == "`orchestra start plan` makes one."
