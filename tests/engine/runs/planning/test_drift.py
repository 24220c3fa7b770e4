"""What has changed since a plan was made stops it: each kind is named, nothing is written, and the plan is spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from engine.base.definitions import RunDefinition
from engine.base.errors import PlanDrift, PlanNotChecked
from engine.orchestra import Orchestra
from engine.record.run_log import RunLogs
from engine.runs.planning.drift import of_the_workspace
from engine.runs.planning.plans import Plans
from engine.sandbox.walls import walls
from engine.store.blobs.disk import DiskBlobs
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.engine.runs.conftest import own_accounts
from tests.engine.tools.test_tools import write_tool
from tests.few import rare
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

__all__ = ["own_accounts"]

REPOSITORY = "acme/app"
PROMPT = {
    "schema_version": 1,
    "title": "Sum up",
    "model": None,
    "variables": {"text": {"type": "string"}},
    "messages": [{"role": "user", "content": ["Sum up: {{ text }}"]}],
}


@dataclass
class World:
    """A workspace with a plan, and means to change what the plan relies on."""

    orchestra: Orchestra
    root: Path
    standins: StandIns
    facts: dict[str, Any]
    plan_id: str = ""

    def do(self, uses: str, **arguments: Any) -> Any:
        """Make one call from another workflow, as somebody else would."""
        write_workflow(self.root, "other", [{"id": "it", "uses": uses, "with": arguments}])
        run_id = self.orchestra.runs.start(OWNER, "other", {})
        run = self.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert run["status"] == "succeeded", run["error"]
        return run["steps"][0]["output"]

    def edit(self, file: str, change: Callable[[Any], object]) -> None:
        path = self.root / file
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document, indent=2))

    def prompt(self, text: str) -> None:
        """Save a version of the prompt that says this."""
        self.edit("prompts/sum-up.json", lambda file: file["messages"][0].update(content=[text]))
        file = self.orchestra.prompts.get(OWNER, "sum-up")
        self.orchestra.prompts.save_version(OWNER, "sum-up", file.text, file.etag, "production")

    def log(self, change: Callable[[Any], object]) -> None:
        """Tamper with the log of the plan."""
        logs = RunLogs(DiskBlobs(self.root / "logs"))
        run: Any = logs.read(self.plan_id)
        change(run)
        logs.write(run)

    def wrote(self) -> dict[str, Any]:
        """What the plan would write, if anything of it is there."""
        return {name: self.standins.stores[name]._connection.total_changes for name in ("github", "notion", "gmail")}


@pytest.fixture
def world(own_accounts: Path, standins: StandIns, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    root = own_accounts
    (root / "prompts" / "sum-up.json").write_text(json.dumps(PROMPT))
    opened = Orchestra.open(root)
    found = World(opened, root, standins, {})
    found.prompt("Sum up: {{ text }}")
    facts = found.facts
    mails = found.do("gmail.search_messages", query="in:inbox", limit=3)["messages"]
    facts["mail"] = mails[0]["id"]
    facts["issue"] = found.do("github.list_issues", repository=REPOSITORY, limit=1)["issues"][0]["number"]
    facts["page"] = found.do("notion.create_item", database="Tasks", title="Mine", markdown="Old text")["id"]
    found.do("notion.upsert_page", database="Tasks", key="k", title="Known", markdown="Before")
    found.do("github.put_file", repository=REPOSITORY, path="notes.md", text="one\n", message="Begin")
    write_workflow(root, "work", _steps(facts))
    found.plan_id = opened.plans.make(OWNER, "work", {})
    opened.runs.wait(OWNER, found.plan_id, PATIENCE_SECONDS)
    plan = opened.plans.show(OWNER, found.plan_id)
    assert plan["state"] == "open", plan["error"]
    assert len(plan["writes"]) == 7
    yield found
    opened.close()


def _steps(facts: dict[str, Any]) -> list[dict[str, Any]]:
    prompt = {"prompt": "sum-up", "variables": {"text": "{{ steps.issue.output.title }}"}}
    page = {"database": "Tasks", "key": "k", "title": "Known", "markdown": "{{ steps.sum.output.text }}"}
    file = {"repository": REPOSITORY, "path": "notes.md", "text": "two\n", "message": "Go on"}
    return [
        {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox", "limit": 3}},
        {"id": "issue", "uses": "github.get_issue", "with": {"repository": REPOSITORY, "issue": facts["issue"]}},
        {"id": "sum", "uses": "llm.chat", "with": prompt},
        {"id": "page", "uses": "notion.upsert_page", "with": page},
        {"id": "text", "uses": "notion.replace_markdown", "with": {"page": facts["page"], "markdown": "New"}},
        {"id": "file", "uses": "github.put_file", "with": file},
        {"id": "fresh_page", "uses": "notion.upsert_page", "with": {**page, "key": "fresh"}},
        {"id": "fresh_file", "uses": "github.put_file", "with": {**file, "path": "fresh.md"}},
        {"id": "label", "uses": "gmail.add_labels", "with": {"message": facts["mail"], "labels": ["seen"]}},
        {
            "id": "new",
            "uses": "github.create_issue",
            "once": "{{ 'this one' }}",
            "with": {"repository": REPOSITORY, "title": "New", "body": "Text"},
        },
    ]


def _step(document: Any, step_id: str) -> Any:
    return next(step for step in document["steps"] if step["id"] == step_id)


def _made_by_another(world: World) -> None:
    world.edit("workflows/work.json", lambda file: file.update(steps=[_step(file, "new")]))
    run_id = world.orchestra.runs.start(OWNER, "work", {})
    run = world.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    write_workflow(world.root, "work", _steps(world.facts))


def _later(world: World) -> None:
    world.orchestra.plans._clock = lambda: datetime.now(UTC) + timedelta(hours=24)


def _other_hash(world: World, stored: str = "f00") -> None:
    with world.orchestra._families.opened.database.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET plan_hash = ? WHERE run_id = ?", (stored, world.plan_id))


def _config(world: World, old: str, new: str) -> None:
    path = world.root / "config.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def _in_plan(document: Any, step_id: str) -> Any:
    return next(step for step in document["steps"] if step["path"] == step_id)


KINDS: dict[str, tuple[Callable[[World], object], str]] = {
    "mail labelled": (lambda w: w.do("gmail.add_labels", message=w.facts["mail"], labels=["odd"]), "mails"),
    "mail in the trash": (lambda w: w.do("gmail.trash", message=w.facts["mail"]), "mails"),
    "issue edited": (
        lambda w: w.do("github.update_issue", repository=REPOSITORY, issue=w.facts["issue"], title="Other"),
        "issue",
    ),
    "issue closed": (
        lambda w: w.do("github.close_issue", repository=REPOSITORY, issue=w.facts["issue"]),
        "issue",
    ),
    "page edited": (
        lambda w: w.do("notion.upsert_page", database="Tasks", key="k", title="Known", markdown="Somebody's"),
        "page",
    ),
    "page deleted": (lambda w: w.do("notion.archive", page=w.facts["page"]), "text"),
    "text of a page replaced": (
        lambda w: w.do("notion.replace_markdown", page=w.facts["page"], markdown="Somebody's"),
        "text",
    ),
    "file changed": (
        lambda w: w.do("github.put_file", repository=REPOSITORY, path="notes.md", text="1\n", message="Else"),
        "file",
    ),
    "file deleted": (
        lambda w: w.do("github.delete_file", repository=REPOSITORY, path="notes.md", message="Gone"),
        "file",
    ),
    "page of the key made": (
        lambda w: w.do("notion.upsert_page", database="Tasks", key="fresh", title="Theirs", markdown="Work"),
        "fresh_page",
    ),
    "file made": (
        lambda w: w.do("github.put_file", repository=REPOSITORY, path="fresh.md", text="Work\n", message="Ours"),
        "fresh_file",
    ),
    "rule about approvals changed": (
        lambda w: w.edit("workflows/work.json", lambda file: file.update(approvals={"default": "never"})),
        "work: approvals",
    ),
    "write made by another run": (_made_by_another, "new"),
    "workflow edited": (
        lambda w: w.edit("workflows/work.json", lambda f: _step(f, "new")["with"].update(title="Old")),
        "work: new.with.title",
    ),
    "step added": (lambda w: write_workflow(w.root, "work", [*_steps(w.facts), set_step("more")]), "work: more"),
    "prompt edited": (lambda w: w.prompt("Say: {{ text }}"), "prompts"),
    "model changed": (lambda w: _config(w, "demo-extractive", "demo-other"), "config.yaml"),
    "plan expired": (_later, "plan"),
    "argument in the log changed": (
        lambda w: w.log(lambda run: _in_plan(run, "new")["arguments"].update(title="Evil")),
        "plan",
    ),
    "answer in the log changed": (
        lambda w: w.log(lambda run: _in_plan(run, "sum")["output"].update(text="Evil")),
        "plan",
    ),
    "hash in the state changed": (_other_hash, "plan"),
}


LIKE_ANOTHER = (
    "mail in the trash",
    "issue closed",
    "page deleted",
    "file deleted",
    "file made",
    "step added",
    "answer in the log changed",
)
"""Of `make assurance`: each is found as another one is."""


@pytest.mark.parametrize("kind", [rare(one) if one in LIKE_ANOTHER else one for one in KINDS])
def test_what_has_changed_is_named_and_nothing_is_written(world: World, kind: str) -> None:
    change, place = KINDS[kind]
    change(world)
    before = world.wrote()
    with pytest.raises(PlanDrift) as refused:
        world.orchestra.plans.apply(OWNER, world.plan_id)
    differences = refused.value.details["differences"]
    assert any(one["path"].startswith(place) for one in differences), differences
    assert all(one["before"] != one["after"] for one in differences), differences
    assert world.wrote() == before
    with pytest.raises(PlanDrift):
        world.orchestra.plans.apply(OWNER, world.plan_id)


def test_what_is_new_elsewhere_is_no_drift_and_a_second_time_is_refused(world: World) -> None:
    world.do("github.create_issue", repository=REPOSITORY, title="Else", body="x")
    world.do("gmail.send", to="me@example.org", subject="Another", text="x")
    world.do("notion.create_item", database="Tasks", title="Another")
    plan = world.orchestra.plans.show(OWNER, world.plan_id)
    run_id = world.orchestra.plans.apply(OWNER, world.plan_id)
    run = world.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    written = {step["path"]: step["arguments"] for step in run["steps"] if step["effect"]}
    assert json.dumps(written) == json.dumps({write["path"]: write["arguments"] for write in plan["writes"]})
    before = world.wrote()
    with pytest.raises(PlanDrift) as refused:
        world.orchestra.plans.apply(OWNER, world.plan_id)
    assert refused.value.message == f"Plan {world.plan_id} was already applied, by run {run_id}."
    assert world.wrote() == before


def test_who_applies_while_another_does_is_told_which_run_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    checked, ids = Plans._checked, list[str]()

    def check_after_another(plans: Plans, *given: Any) -> Any:
        monkeypatch.setattr(Plans, "_checked", checked)
        ids.append(plans.apply(OWNER, world.plan_id))
        world.orchestra.runs.wait(OWNER, ids[0], PATIENCE_SECONDS)
        return checked(plans, *given)

    monkeypatch.setattr(Plans, "_checked", check_after_another)
    with pytest.raises(PlanDrift) as refused:
        world.orchestra.plans.apply(OWNER, world.plan_id)
    assert refused.value.message == f"Plan {world.plan_id} was already applied, by run {ids[0]}."
    assert world.orchestra.plans.show(OWNER, world.plan_id)["state"] == "applied"


def test_a_plan_that_the_state_does_not_know_is_refused_in_plain_words(world: World) -> None:
    _other_hash(world, stored="")
    with pytest.raises(PlanDrift, match="the state file is older than the plan, or was rebuilt"):
        world.orchestra.plans.apply(OWNER, world.plan_id)


@pytest.mark.parametrize("fault", [{"status": 401}, {"status": 429, "retry_after": 600}])
def test_a_service_that_does_not_answer_now_spoils_no_plan(world: World, fault: dict[str, Any]) -> None:
    world.standins.faults("github", match="issues", times=100, **fault)
    before = world.wrote()
    with pytest.raises(PlanNotChecked):
        world.orchestra.plans.apply(OWNER, world.plan_id)
    assert world.wrote() == before
    world.standins.calm("github")
    run_id = world.orchestra.plans.apply(OWNER, world.plan_id)
    assert world.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"


def test_another_account_is_drift(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.connections.accounts import Account

    monkeypatch.setattr(Account, "identity", lambda self: "somebody-else")
    monkeypatch.setattr(Account, "known_identity", "somebody-else")
    before = world.wrote()
    with pytest.raises(PlanDrift, match="account"):
        world.orchestra.plans.apply(OWNER, world.plan_id)
    assert world.wrote() == before


TWICE = {"id": "twice", "uses": "tool.twice", "with": {"n": 21}}
TO_THE_BOSS = {
    "id": "draft",
    "uses": "gmail.create_draft",
    "with": {"to": ["{{ env.boss }}"], "subject": "Report", "text": "{{ string(steps.twice.output.n) }}"},
}


@pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
def test_a_changed_tool_or_variable_stops_a_plan(own_accounts: Path, standins: StandIns) -> None:
    write_tool(own_accounts, "output = {'n': inputs['n'] * 2}")
    with closing(Orchestra.open(own_accounts)) as orchestra:
        assert orchestra.tools.test(OWNER, "twice").passed
        orchestra.environments.init(OWNER)
        orchestra.environments.set_variables(OWNER, "dev", {"boss": "boss@example.com"})
        write_workflow(own_accounts, "report", [TWICE, TO_THE_BOSS])

        def planned() -> str:
            plan_id = orchestra.plans.make(OWNER, "report", {}, environment="dev")
            assert orchestra.runs.wait(OWNER, plan_id, PATIENCE_SECONDS)["status"] == "succeeded"
            return plan_id

        plan_id = planned()
        orchestra.environments.set_variables(OWNER, "dev", {"boss": "thief@example.com"})
        with pytest.raises(PlanDrift, match=r'environment\.variables\.boss was "boss@example.com"'):
            orchestra.plans.apply(OWNER, plan_id)
        plan_id = planned()
        write_tool(own_accounts, "output = {'n': inputs['n'] + inputs['n']}")
        assert orchestra.tools.test(OWNER, "twice").passed
        with pytest.raises(PlanDrift, match=r'tools\.\["tool\.twice"\]\.code was'):
            orchestra.plans.apply(OWNER, plan_id)
    assert standins.show("gmail")["drafts"] == []


@pytest.mark.parametrize("member", sorted(RunDefinition.__annotations__.keys() - {"workflow"}))
def test_whatever_a_run_keeps_of_the_workspace_is_compared(member: str) -> None:
    """Also what is added to it one day."""

    def kept(text: str) -> Any:
        return {"workflow": {"steps": []}, "prompts": {}, member: {"one": {"text": text}}}

    tree: Any = SimpleNamespace(root={"definition": kept("before")})
    plan: Any = SimpleNamespace(name="work", definition=kept("after"))
    [found] = of_the_workspace(tree, plan, {"settings": {}}, {})
    assert dict(found) == {"path": f"{member}.one.text", "before": '"before"', "after": '"after"'}
