"""Stories from Home to a result, by keyboard; each ends with what files and services have.

One is told by mouse, too; `make assurance` tells all of them so.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import REPOSITORY, counts, show_expressions, shows
from tests.patience import until

if TYPE_CHECKING:
    from tests.browser.stories.conftest import Story

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
NASTY = "![x](http://192.0.2.1/pixel) <img src=http://192.0.2.1/p> [here](http://192.0.2.1)"
NUMBER = {"id": "number", "title": "A number", "uses": "flow.set", "with": {"values": {"n": 2}}}


def issue(title: str, repository: str = "acme/app") -> dict[str, Any]:
    fields = {"repository": repository, "title": title, "body": "{{ run.id }}"}
    return {"id": "issue", "title": "Open an issue", "uses": "github.create_issue", "with": fields}


def on_canvas(story: Story, word: str) -> None:
    story.home()
    story.hand.open("Workflows", story.title(word))
    story.hand.tab("Canvas")
    story.page.locator(".studio [data-step]").first.wait_for()


def unfolded(story: Story, words: str) -> None:
    """Unfold a sentence of the panel."""
    story.hand.press(story.form.locator("summary", has_text=words))


def test_a_condition_is_changed_and_saved(story: Story) -> None:
    seen = {"id": "seen", "title": "Seen", "uses": "flow.wait", "with": {"seconds": 0}}
    story.has("condition", NUMBER, {**seen, "if": "{{ steps.number.output.n > 1 }}"})
    on_canvas(story, "condition")
    story.hand.panel("seen")
    unfolded(story, "Runs only if")
    story.hand.write(story.form.get_by_label("Number", exact=True), "7")
    story.save()
    assert story.steps("condition") == [NUMBER, {**seen, "if": "{{ steps.number.output.n > 7 }}"}]
    assert [one["status"] for one in story.ran("condition")["steps"]] == ["succeeded", "skipped"]


@pytest.mark.chaos
def test_a_step_is_tried_with_a_changed_field(story: Story) -> None:
    times = {
        "id": "times",
        "title": "Times",
        "uses": "flow.set",
        "with": {"values": {"m": "{{ steps.number.output.n }}"}},
    }
    story.has("tried", NUMBER, times)
    story.ran("tried")
    show_expressions(story.page)
    on_canvas(story, "tried")
    story.hand.panel("times")
    story.hand.write(story.form.get_by_label("Values by name: m", exact=True), "{{ steps.number.output.n * 3 }}")
    story.save()
    unfolded(story, "Result of the last run")
    story.hand.press(story.form.get_by_role("button", name="Try this step"))
    story.form.locator("pre", has_text='"m": 6').wait_for()
    test, first = story.runs("tried")
    assert (test["is_test"], first["is_test"]) == (True, False)
    outputs = {one["path"]: one["output"] for one in story.asked(f"/api/runs/{test['run_id']}")["steps"]}
    assert outputs["times"] == {"m": 6}


def test_a_step_that_writes_is_tried_with_made_up_values_and_writes_nothing(story: Story) -> None:
    title = story.title("made-up")
    ask = {**issue(title), "id": "issue", "if": "{{ steps.number.output.n > 1 }}"}
    story.has("made-up", NUMBER, ask)
    on_canvas(story, "made-up")
    story.hand.panel("issue")
    unfolded(story, "Made-up values")
    box = story.form.get_by_role("textbox", name="Made-up values")
    story.form.get_by_text("Filled in with values made from types.").wait_for()
    assert json.loads(box.input_value()) == {"steps": {"number": {"output": {"n": 1}}}}
    story.hand.write(box, '{"steps": {"number": {"output": {"n": "x"}}}}')
    story.hand.press(story.form.get_by_role("button", name="Try with these values"))
    story.form.get_by_text("values.steps.number.output does not fit: n:").wait_for()
    story.hand.write(box, '{"steps": {"number": {"output": {"n": 2}}}}')
    story.hand.press(story.form.get_by_role("button", name="Try with these values"))
    story.form.get_by_text("Nothing was written.").wait_for()
    assert title in story.form.get_by_label("What issue would write").inner_text()
    assert story.issues(title) == []
    story.page.reload()
    story.hand.panel("issue")
    unfolded(story, "Made-up values")
    assert json.loads(box.input_value()) == {"steps": {"number": {"output": {"n": 2}}}}, "the browser keeps them"


def test_a_plan_is_looked_at_and_applied_once(story: Story) -> None:
    title = story.title("planned")
    story.has("planned", issue(title))
    story.home()
    story.hand.open("Workflows", title)
    story.hand.press(story.button("Plan"))
    story.page.get_by_role("heading", name=f"Plan: {title}").wait_for()
    plan_id = story.page.url.rpartition("id=")[2]
    story.main.get_by_text("Exact arguments").wait_for()
    assert story.issues(title) == []
    story.hand.press(story.button("Apply"), times=2)
    run = story.ended(story.opened_run())
    assert [one["effect"]["reused"] for one in run["steps"]] == [False]
    assert len(story.issues(title)) == 1
    assert story.asked(f"/api/plans/{plan_id}")["applied_run_id"] == run["run_id"]
    assert len(story.runs("planned")) == 1


def test_a_question_is_answered_once_and_its_run_goes_on(story: Story) -> None:
    ask = {
        "id": "ask",
        "uses": "flow.approve",
        "with": {"message": "Send it?", "details": {"text": NASTY, "a": [NASTY]}},
    }
    story.has("asking", ask, outputs={"said": "{{ steps.ask.output.comment }}"})
    run_id = story.ran("asking", wait_seconds=0)["run_id"]
    until(lambda: story.asked("/api/approvals")["approvals"])
    story.home()
    story.hand.go("Approvals")
    card = story.page.locator("[class*='st-key-question-']").first
    card.get_by_text("Send it?").wait_for()
    story.page.get_by_role("link", name="Approvals (1)").wait_for()
    assert card.locator("img, a[href*='192.0.2.1']").count() == 0
    story.hand.write(card.get_by_label("Reason or comment"), "Go ahead.")
    story.hand.press(card.get_by_role("button", name="Approve", exact=True), times=2)
    story.page.get_by_text("No questions.").wait_for()
    assert story.ended(run_id)["outputs"] == {"said": "Go ahead."}


@pytest.mark.chaos
def test_a_wrong_answer_is_corrected_with_what_follows_from_it(story: Story) -> None:
    document = json.loads((REPOSITORY / "workflows" / "inbox-triage.json").read_text())
    story.has("sorted", *document["steps"], inputs=document["inputs"], outputs=document["outputs"])
    first = story.ran("sorted", inputs={"limit": 3})
    path = next(one["path"] for one in first["steps"] if one["id"] == "classify" and one["output"]["kind"] == "bug")
    item = path.rpartition(".")[0]
    story.home()
    story.hand.press(story.main.get_by_role("link", name=re.compile(story.title("sorted"))).first)
    row = story.page.locator(f'.run-table [role=row][data-path="{item}"]')
    story.hand.press(row.locator("[data-step$=classify]"))
    story.page.get_by_text("Wrong? It is a …").wait_for()
    story.hand.press(story.page.locator("[class*=st-key-right-kind]").get_by_role("radio", name="task"))
    panel = story.page.locator(".st-key-panel-correct")
    panel.get_by_text("closes the issue as not planned, with a note").wait_for()
    panel.get_by_text("Write a task is done").wait_for()
    story.hand.press(panel.get_by_role("button", name="Undo 1 write and do it again"), times=2)
    story.page.get_by_text("Corrects an answer of run").wait_for()
    [second] = [one["run_id"] for one in story.runs("sorted") if one["run_id"] != first["run_id"]]
    after = {one["path"]: one for one in story.ended(second)["steps"]}
    assert after[path]["output"]["kind"] == "task"
    assert after[f"{item}.task"]["effect"]["reused"] is False
    before = {one["path"]: one for one in story.asked(f"/api/runs/{first['run_id']}")["steps"]}
    assert before[path]["corrected"]["run_id"] == second
    assert before[f"{item}.issue"]["effect"]["undone"]["by"] == "owner"


def test_two_corrections_propose_a_rule_and_one_press_accepts_it(story: Story) -> None:
    name, prompts = story.name("sort"), story.served.root / "prompts"  # with no cases: these answer for later runs
    shutil.copy(prompts / "classify-mail.json", prompts / f"{name}.json")
    shutil.copytree(prompts / "classify-mail.versions", prompts / f"{name}.versions")
    text = (REPOSITORY / "workflows" / "inbox-triage.json").read_text()
    document = json.loads(text.replace("classify-mail@", f"{name}@"))
    story.has("ruled", *document["steps"], inputs=document["inputs"], outputs=document["outputs"])
    sender = {"query": "from:victor@portolan.example", "limit": 5}
    first = story.ended(story.ran("ruled", inputs=sender)["run_id"])
    paths = [one["path"] for one in first["steps"] if one["id"] == "classify"]
    assert len(paths) == 2
    for path in paths:
        corrected = story.sent(f"/api/runs/{first['run_id']}/correct", step=path, set={"kind": "task"})
        story.ended(corrected["run_id"])
    story.home()
    story.hand.open("Workflows", story.title("ruled"))
    story.hand.tab("Rules")
    story.page.get_by_text("A mail from victor@portolan.example: always task").wait_for()
    story.page.get_by_text("2 such mails were corrected to this answer.").wait_for()
    story.page.set_viewport_size({"width": 390, "height": 900})
    assert story.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    story.page.set_viewport_size({"width": 1600, "height": 1200})
    story.hand.press(story.button("Add this rule"), times=2)
    story.page.get_by_text("The rule is added. It applies from the next run.").wait_for()
    story.page.get_by_text("It has not answered in the last 3 runs.").wait_for()
    [loop] = [one for one in story.steps("ruled") if one["id"] == "each_mail"]
    rules = [{"from": "victor@portolan.example", "answer": {"kind": "task"}}]
    assert [one.get("rules") for one in loop["steps"] if one["id"] == "classify"] == [rules]

    second = story.ended(story.ran("ruled", inputs=sender)["run_id"])
    answers = [one for one in second["steps"] if one["id"] == "classify"]
    assert [one["by_rule"]["answer"] for one in answers] == [{"kind": "task"}] * 2
    assert [one["attempts"] for one in answers] == [[], []]
    story.home()
    story.hand.press(story.main.get_by_role("link", name=re.compile(story.title("ruled"))).first)
    story.page.wait_for_url("**/runs?workflow=*")
    story.hand.press(story.main.get_by_role("link", name=story.title("ruled")).first)
    assert story.opened_run() == second["run_id"]
    row = story.page.locator(f'.run-table [role=row][data-path="{paths[0].rpartition(".")[0]}"]')
    story.hand.press(row.locator("[data-step$=classify]"))
    story.page.get_by_text("By rule: from victor@portolan.example").wait_for()
    story.hand.press(story.main.get_by_role("link", name="Rules", exact=True))
    story.page.get_by_text("It has answered 2 times in the last 4 runs").wait_for()


def test_a_prompt_is_changed_tried_and_published_and_the_next_run_uses_it(story: Story) -> None:
    name, prompts = story.name("mail"), story.served.root / "prompts"
    prompt = json.loads((prompts / "classify-mail.json").read_text())
    (prompts / f"{name}.json").write_text(json.dumps({**prompt, "title": story.title("mail")}))
    shutil.copytree(prompts / "classify-mail.versions", prompts / f"{name}.versions")
    mail = {"subject": "Export fails", "text": "The export crashes with an error."}
    story.has(
        "asked", {"id": "ask", "uses": "llm.extract", "with": {"prompt": f"{name}@production", "variables": mail}}
    )
    assert story.ran("asked")["steps"][0]["output"]["kind"] == "bug"
    hand, page = story.hand, story.page
    story.home()
    hand.press(story.main.get_by_role("link", name=re.compile(story.title("asked"))).first)
    hand.press(page.locator(".run-table [role=row][data-path=ask] [role=rowheader]"))
    hand.press(page.get_by_role("link", name="Try this prompt"))
    shows(page.get_by_label("Subject", exact=True), "Export fails")
    hand.press(story.button("Ask the model"))
    answers = page.locator("[class*='st-key-try-2']")
    answers.get_by_text("kind bug").wait_for()
    page.reload()
    answers.get_by_text("kind bug").wait_for()
    shows(page.get_by_label("Subject", exact=True), "Export fails")

    hand.tab("Edit")
    text = "A newsletter: unsubscribe here. Thank you."
    hand.write(page.get_by_label("Text of message 2").and_(page.locator(".cm-content")), text)
    page.get_by_text("Not saved yet.").wait_for()
    hand.tab("Try")
    page.locator(".marked").get_by_text(text).wait_for()
    hand.press(story.button("Ask the model"))
    answers.get_by_text("kind nothing").wait_for()
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.set_viewport_size({"width": 1600, "height": 1200})
    hand.press(story.button("Save and use"))
    page.get_by_text("is saved and is production now").wait_for()
    now = json.loads((prompts / f"{name}.json").read_text())
    assert now["labels"] == {"production": 2}
    assert sorted(one.name for one in (prompts / f"{name}.versions").iterdir()) == ["1.json", "2.json"]
    assert now["messages"][1]["content"] == [text]
    assert story.ran("asked")["steps"][0]["output"]["kind"] == "nothing"


@pytest.mark.chaos
def test_a_connection_is_made_and_checked(story: Story) -> None:
    hand, name = story.hand, story.name("archive")
    story.home()
    hand.go("Connections")
    hand.press(story.button("Add a connection"))
    dialog = story.page.get_by_role("dialog")
    hand.choose(dialog.get_by_role("combobox", name="Service"), "Notion")
    hand.write(dialog.get_by_role("textbox", name="Name"), name)
    hand.press(dialog.get_by_role("button", name="Add and test"))
    card = story.page.locator(f".st-key-connection-{name}")
    hand.press(card.get_by_role("button", name="Check"))
    card.get_by_text("works").first.wait_for()
    [made] = [one for one in story.asked("/api/connections")["connections"] if one["name"] == name]
    assert (made["service"], made["mode"], made["ready"]) == ("notion", "demo", True)
    assert (story.served.root / "config.yaml").read_text().count(f"{name}:") == 1


def test_a_trigger_is_made_and_starts_one_run_for_a_mail(story: Story) -> None:
    hand, page, subject = story.hand, story.page, f"Hello from the {story.hand.name}"
    schema = {"type": "object", "properties": {"subject": {"type": "string", "title": "The subject"}}}
    got = {"id": "got", "uses": "flow.set", "with": {"values": {"subject": "{{ inputs.subject }}"}}}
    story.has("watching", got, inputs={**schema, "required": ["subject"]})
    story.home()
    hand.open("Workflows", story.title("watching"))
    hand.tab("Triggers")
    hand.press(story.button("Add a trigger …"))
    dialog = page.get_by_role("dialog")
    hand.choose(dialog.get_by_role("combobox", name="What starts it?"), "New mail in Gmail")
    hand.choose(dialog.get_by_role("combobox", name="The subject"), "Subject")
    hand.press(dialog.get_by_role("button", name="Add", exact=True))
    hand.press(story.button("Turn on …"))
    hand.press(dialog.get_by_role("button", name="Turn on", exact=True))
    page.get_by_text("is on.").wait_for()

    hand.go("Demo")
    hand.press(story.button("Write a mail"))
    hand.write(page.get_by_label("Subject", exact=True), subject)
    hand.write(page.get_by_label("Text", exact=True), "Hello.")
    hand.press(story.button("Send it to the demo mailbox"))
    page.get_by_text("run started.").or_(page.get_by_text("runs started.")).wait_for()
    hand.go("Triggers")
    hand.press(page.locator(f"[class*='st-key-poll-triggers-{story.name('watching')}'] button"))
    page.get_by_text("Nothing new.").wait_for()
    [row] = story.runs("watching")
    assert row["started_by"].startswith("trigger:")
    assert [one["output"] for one in story.ended(row["run_id"])["steps"]] == [{"subject": subject}]


def test_why_a_run_failed_is_seen_and_mended_and_the_run_goes_on(story: Story) -> None:
    title = story.title("failing")
    story.has("failing", NUMBER, issue(title, "acme/missing"))
    failed = story.ran("failing")
    assert failed["status"] == "failed"
    story.home()
    looks = story.page.locator(f".st-key-line-look-{failed['run_id']}")
    story.hand.press(looks.get_by_role("link", name=re.compile(title)))
    story.main.get_by_text("acme/missing").first.wait_for()
    story.hand.press(story.main.get_by_role("link", name="Open the workflow"))
    story.hand.tab("Canvas")
    story.hand.panel("issue")
    story.hand.write(story.form.get_by_label("Repository", exact=True), "acme/app")
    story.save()
    story.hand.go("Home")
    story.hand.press(looks.get_by_role("link", name=re.compile(title)))
    story.main.get_by_text("The workflow has changed since, in issue").wait_for()
    story.hand.press(story.button("Try again"), times=2)
    run = story.ended(failed["run_id"])
    assert run["steps"][0] == failed["steps"][0]
    assert len(story.runs("failing")) == 1
    assert len(story.issues(title)) == 1


@pytest.mark.chaos
def test_a_run_is_undone_and_the_version_before_restored(story: Story) -> None:
    title, name = story.title("restored"), story.name("restored")
    texts = [json.dumps({"schema_version": 1, "title": title, "steps": [one]}) for one in (issue(title), NUMBER)]
    orchestra = Orchestra.open(story.served.root)
    etag = orchestra.workflows.save(OWNER, name, texts[0], None).etag
    run_id = story.ran("restored")["run_id"]
    orchestra.workflows.save(OWNER, name, texts[1], etag)
    orchestra.close()
    hand = story.hand
    story.home()
    hand.press(story.main.get_by_role("link", name=re.compile(title)).first)
    hand.press(story.button("Undo"))
    story.page.get_by_text("closes the issue").wait_for()
    hand.press(story.button("Undo 1 write"), times=2)
    story.page.get_by_text("1 write undone.").wait_for()
    [step] = story.asked(f"/api/runs/{run_id}")["steps"]
    assert step["effect"]["undone"]["by"] == "owner"
    assert [one["state"] for one in story.issues(title)] == ["closed"]
    counts(story.button("Undo"), 0)

    hand.press(story.main.get_by_role("link", name="Open the workflow"))
    hand.tab("History")
    hand.mark(story.page.get_by_role("radiogroup").get_by_role("radio").last)
    hand.press(story.button("Restore this version"))
    story.page.get_by_text("The earlier version is restored").wait_for()
    assert story.steps("restored") == [issue(title)]


@pytest.mark.chaos
def test_a_workflow_is_promoted_to_prod_and_rolled_back(story: Story) -> None:
    hand, page, root = story.hand, story.page, story.served.root
    name = story.has("released", NUMBER, outputs={"n": "{{ steps.number.output.n }}"})
    story.home()
    hand.go("Environments")
    hand.press(story.button("Make dev and prod"))
    page.get_by_text("dev and prod are made.").wait_for()
    try:
        for number in (1, 2):
            story.has(
                "released", {**NUMBER, "with": {"values": {"n": number}}}, outputs={"n": "{{ steps.number.output.n }}"}
            )
            hand.open("Workflows", story.title("released"))
            hand.tab("Environments")
            hand.press(story.button("Check"))
            hand.press(story.button("Promote to prod"))
            page.get_by_text(f"prod runs version {number} of {name}.").wait_for()
        assert story.ran("released", environment="prod")["outputs"] == {"n": 2}
        hand.press(story.button("Back to version 1"))
        page.get_by_text("prod runs version 1 again.").wait_for()
        assert json.loads((root / "environments" / "prod.json").read_text())["workflows"][name]["version"] == 1
        assert story.ran("released", environment="prod")["outputs"] == {"n": 1}
        assert story.ran("released", environment="dev")["outputs"] == {"n": 2}
    finally:
        shutil.rmtree(root / "environments")
