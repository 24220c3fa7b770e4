"""A wrong answer of a model is corrected: its case saved, its writes undone, its item done again, each once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from engine.base.errors import InUse, InvalidInput, NotAllowed, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.record.outcomes import became
from engine.runs.correcting.nothing_done_again import NothingDoneAgain
from engine.runs.undo.undo_report import NotUndone, Undone
from tests.engine.conftest import OWNER
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

ROOT = Path(__file__).resolve().parents[3]
PROMPT = "classify-mail"
RIGHT = "kind is task. Undone: closes the issue as not planned, with a note. 1 write, 1 left as it was."


@pytest.fixture
def root(own_accounts: Path) -> Path:
    """The workspace with the workflow and the prompt that ship, which has no cases yet."""
    shutil.copy(ROOT / "workflows" / "inbox-triage.json", own_accounts / "workflows")
    shutil.copy(ROOT / "prompts" / f"{PROMPT}.json", own_accounts / "prompts")
    shutil.copytree(ROOT / "prompts" / f"{PROMPT}.versions", own_accounts / "prompts" / f"{PROMPT}.versions")
    return own_accounts


@pytest.fixture
def orchestra(root: Path) -> Iterator[Orchestra]:
    """The opened workspace."""
    opened = Orchestra.open(root)
    yield opened
    opened.close()


@pytest.fixture
def run(orchestra: Orchestra) -> Any:
    """A run over six mails."""
    return started(orchestra, limit=6)


def started(orchestra: Orchestra, name: str = "inbox-triage", **inputs: Any) -> Any:
    return ended(orchestra, orchestra.runs.start(OWNER, name, inputs))


def ended(orchestra: Orchestra, run_id: str) -> Any:
    return orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


def wrong(run: Any, kind: str = "bug") -> str:
    """Return the path of the first answer of a kind."""
    return next(str(one["path"]) for one in run["steps"] if one["id"] == "classify" and one["output"]["kind"] == kind)


def beside(path: str, step_id: str) -> str:
    return f"{path.rpartition('.')[0]}.{step_id}"


def step_of(run: Any, path: str) -> Any:
    return next(one for one in run["steps"] if one["path"] == path)


def open_issues(standins: StandIns) -> list[str]:
    return sorted(one["title"] for one in standins.show("github")["issues"] if one["state"] == "open")


def pages(standins: StandIns) -> list[str]:
    named = [one["properties"] for one in standins.show("notion")["pages"] if "Name" in one["properties"]]
    return sorted(one["Name"]["title"][0]["plain_text"] for one in named if one["Name"]["title"])


def without(titles: list[str], title: str) -> list[str]:
    left = list(titles)
    left.remove(title)
    return left


def lines(found: list[Undone] | list[NotUndone]) -> list[str]:
    return [one.path for one in found]


def test_a_bug_becomes_a_task_once_and_only_that_mail_is_touched(
    orchestra: Orchestra, run: Any, standins: StandIns
) -> None:
    path, run_id = wrong(run), run["run_id"]
    issue = step_of(run, beside(path, "issue"))["arguments"]["title"]
    before, models = (open_issues(standins), pages(standins)), standins.requests("openai")

    seen = orchestra.corrections.preview(OWNER, run_id, path, {"kind": "task"})
    assert [(one.field, one.value, one.choices) for one in seen.choices] == [
        ("kind", "bug", ["task", "bug", "nothing", "unsure"])
    ]
    assert (lines(seen.undo.undone), seen.undo.cannot, seen.stays) == ([beside(path, "issue")], [], [])
    assert [(one.path.rpartition(".")[2], one.verdict) for one in seen.again] == [
        ("task", "runs"),
        ("issue", "does not run"),
        ("unsure", "does not run"),
        ("label", "kept"),
    ]
    assert (open_issues(standins), pages(standins)) == before

    done = orchestra.corrections.correct(OWNER, run_id, path, {"kind": "task"})
    new = ended(orchestra, done.run_id)
    assert new["status"] == "succeeded", new["error"]
    assert lines(done.undo.undone) == [beside(path, "issue")]
    after = without(before[0], issue), sorted([*before[1], issue])
    assert (open_issues(standins), pages(standins)) == after
    assert standins.requests("openai") == models, "the right answer comes from the person"

    answer = step_of(new, path)
    assert (answer["output"]["kind"], answer["note"], answer["attempts"]) == ("task", "Corrected by tester.", [])
    assert answer["arguments"] == step_of(run, path)["arguments"]
    assert answer["output"]["title"] == step_of(run, path)["output"]["title"]
    assert step_of(new, beside(path, "label"))["effect"]["reused"] is True
    title = step_of(new, path.rpartition(".")[0])["title"]
    assert new["sentence"] == f'Corrects {answer["title"]} of "{title}": {RIGHT}'
    old = orchestra.runs.get(OWNER, run_id)
    assert step_of(old, path)["corrected"]["run_id"] == done.run_id
    assert old["sentence"].endswith(f"1 answer corrected: see run {done.run_id}.")
    item = path.rpartition(".")[0]
    assert (became(run)[item], became(old)[item]) == ("issue", "corrected: labelled")
    assert [row.is_test for row in orchestra.runs.list(OWNER).rows] == [False, False]
    assert [one.action for one in orchestra.audit(OWNER)[:3]] == ["prompts.add_case", "runs.correct", "runs.undo"]

    [case] = orchestra.cases.list(OWNER, PROMPT)
    assert (case.case, case.document and case.document["assertions"]) == (
        done.case.case,
        [{"type": "field_equals", "field": "kind", "value": "task"}],
    )
    again = orchestra.corrections.correct(OWNER, run_id, path, {"kind": "task"})
    assert (again.run_id, again.case, again.undo.undone) == (done.run_id, done.case, [])
    assert (open_issues(standins), pages(standins)) == after
    assert len(orchestra.runs.list(OWNER).rows) == 2
    repeated = ended(orchestra, orchestra.runs.rerun(OWNER, done.run_id))
    assert (repeated["status"], repeated["counts"]["new_effects"]) == ("succeeded", 0)
    assert repeated["options"] == new["options"]
    assert (open_issues(standins), pages(standins)) == after
    with pytest.raises(InUse, match=f"see run {done.run_id}"):
        orchestra.corrections.correct(OWNER, run_id, path, {"kind": "nothing"})


def test_a_later_run_gets_the_right_answer_to_the_same_question(
    orchestra: Orchestra, run: Any, root: Path, standins: StandIns
) -> None:
    path = wrong(run)
    done = orchestra.corrections.correct(OWNER, run["run_id"], path, {"kind": "task"})
    ended(orchestra, done.run_id)
    before = open_issues(standins), pages(standins)
    later = started(orchestra, limit=6)
    answer = step_of(later, path)
    asked = f"as the case {done.case.case} of the prompt {PROMPT} says."
    assert (answer["output"]["kind"], answer["note"]) == ("task", f'Corrected: kind is "task", not "bug", {asked}')
    assert answer["output"]["title"] == step_of(run, path)["output"]["title"]
    assert (open_issues(standins), pages(standins)) == before
    others = [(one["output"]["kind"], one.get("note", "")) for one in later["steps"] if one["id"] == "classify"]
    assert [note for _, note in others].count("") == len(others) - 1, "the other mails are as the model says"

    [file] = (root / "prompts" / f"{PROMPT}.cases").glob("*.json")
    expects = json.loads(file.read_text())
    for case in (
        {**expects, "variables": {**expects["variables"], "subject": "Another one"}},
        {**expects, "assertions": [{"type": "field_equals", "field": "kind", "value": "no such kind"}]},
        {**expects, "assertions": [{"type": "field_equals", "field": "unknown", "value": 1}]},
    ):
        file.write_text(json.dumps(case))
        assert step_of(started(orchestra, limit=6), path)["output"]["kind"] == "bug", case


def test_a_correction_can_be_corrected_back(orchestra: Orchestra, run: Any, standins: StandIns) -> None:
    path = wrong(run)
    before = open_issues(standins), pages(standins)
    first = orchestra.corrections.correct(OWNER, run["run_id"], path, {"kind": "task"}).run_id
    ended(orchestra, first)
    done = orchestra.corrections.correct(OWNER, first, path, {"kind": "bug"})
    new = ended(orchestra, done.run_id)
    assert new["status"] == "succeeded", new["error"]
    assert lines(done.undo.undone) == [beside(path, "task")]
    assert (open_issues(standins), pages(standins)) == before
    assert step_of(new, beside(path, "issue"))["effect"]["generation"] == 1
    [told] = orchestra.runs.happened(OWNER, run["started_at"])
    same = orchestra.runs.get(OWNER, run["run_id"])["sentence"].partition(".")[0]
    assert (told.runs, sorted(told.sentence.rstrip(".").split(", "))) == (3, sorted(same.split(", "))), "none twice"
    assert orchestra.corrections.correct(OWNER, run["run_id"], path, {"kind": "task"}).run_id == first, "asked again"
    [case] = orchestra.cases.list(OWNER, PROMPT)
    assert case.document is not None
    assert case.document["assertions"] == [{"type": "field_equals", "field": "kind", "value": "bug"}]


def test_what_a_person_has_changed_stops_a_correction_until_it_may_stay(
    orchestra: Orchestra, run: Any, standins: StandIns
) -> None:
    path, github = wrong(run), standins["github"]
    number = step_of(run, beside(path, "issue"))["output"]["number"]
    httpx.patch(
        f"{github.base_url}/repos/acme/app/issues/{number}",
        json={"title": "A better title"},
        headers={"Authorization": f"token {github.token}"},
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    ).raise_for_status()
    before = open_issues(standins), pages(standins)
    with pytest.raises(NothingDoneAgain, match=r"issue: .*changed"):
        orchestra.corrections.correct(OWNER, run["run_id"], path, {"kind": "task"})
    assert (open_issues(standins), pages(standins)) == before
    assert len(orchestra.runs.list(OWNER).rows) == 1
    assert orchestra.cases.list(OWNER, PROMPT) == []
    done = orchestra.corrections.correct(OWNER, run["run_id"], path, {"kind": "task"}, leave=True)
    ended(orchestra, done.run_id)
    assert lines(done.undo.refused) == [beside(path, "issue")]
    assert (open_issues(standins), len(pages(standins))) == (before[0], len(before[1]) + 1)


def test_what_is_no_choice_is_refused_and_changes_nothing(orchestra: Orchestra, run: Any, standins: StandIns) -> None:
    path, run_id = wrong(run), run["run_id"]
    before = open_issues(standins), pages(standins)
    test = started_test(orchestra, path, run_id)
    for error, words, asked in (
        (InvalidInput, 'cannot be "tasks"', (run_id, path, {"kind": "tasks"})),
        (InvalidInput, "no choice 'title'", (run_id, path, {"title": "Free text"})),
        (InvalidInput, "That is what", (run_id, path, {"kind": "bug"})),
        (InvalidInput, "That is what", (run_id, path, {})),
        (InvalidInput, "does not ask a model", (run_id, beside(path, "label"), {"kind": "task"})),
        (UnknownName, "each_mail", (run_id, "each_mail[99].classify", {"kind": "task"})),
        (InvalidInput, "is a test run", (test, path, {"kind": "task"})),
    ):
        with pytest.raises(error, match=words):
            orchestra.corrections.correct(OWNER, *asked)
    for act in (orchestra.corrections.correct, orchestra.corrections.preview):
        with pytest.raises(NotAllowed):
            act(Principal("vera", "viewer"), run_id, path, {"kind": "task"})
    assert (open_issues(standins), pages(standins)) == before


def started_test(orchestra: Orchestra, path: str, from_run: str) -> str:
    run_id = orchestra.runs.start(OWNER, "inbox-triage", {"limit": 6}, only=path, from_run=from_run)
    return str(ended(orchestra, run_id)["run_id"])


def test_who_may_not_change_prompts_corrects_without_a_case(orchestra: Orchestra, run: Any) -> None:
    who = Principal("otto", "operator", confirmed=True)
    done = orchestra.corrections.correct(who, run["run_id"], wrong(run), {"kind": "nothing"})
    assert ended(orchestra, done.run_id)["status"] == "succeeded"
    assert "may not change prompts" in done.case.why_not
    assert orchestra.cases.list(OWNER, PROMPT) == []


def test_an_item_that_failed_is_corrected_and_the_old_run_does_not_go_on(
    orchestra: Orchestra, standins: StandIns
) -> None:
    standins.faults("github", match="POST /repos/acme/app/issues", status=422, times=100)
    run = started(orchestra, limit=6)
    assert run["status"] == "failed"
    before = open_issues(standins), pages(standins)
    path = wrong(run)
    done = orchestra.corrections.correct(OWNER, run["run_id"], path, {"kind": "task"})
    new = ended(orchestra, done.run_id)
    assert (new["status"], done.undo.undone) == ("succeeded", [])
    assert step_of(new, beside(path, "label"))["effect"]["reused"] is False, "the old run did not come that far"
    standins.calm("github")
    with pytest.raises(InUse, match="corrected"):
        orchestra.runs.resume(OWNER, run["run_id"])
    assert (open_issues(standins), len(pages(standins))) == (before[0], len(before[1]) + 1)


SORTED: dict[str, Any] = {
    "schema_version": 1,
    "title": "Sorted",
    "steps": [
        {
            "id": "sort",
            "uses": "llm.extract",
            "with": {
                "prompt": PROMPT,
                "variables": {"subject": "Export fails", "text": "The export crashes with an error."},
            },
        },
        {"id": "always", "uses": "github.create_issue", "with": {"repository": "acme/app", "title": "Always"}},
        {
            "id": "tell",
            "if": "{{ steps.sort.output.kind == 'bug' }}",
            "uses": "gmail.send",
            "with": {"to": "ann@example.org", "subject": "A bug", "text": "See the list."},
        },
        {
            "id": "task",
            "if": "{{ steps.sort.output.kind == 'task' }}",
            "uses": "notion.upsert_page",
            "approve": "always",
            "with": {"database": "Tasks", "key": "one", "title": "A task", "markdown": "Do it."},
        },
    ],
    "outputs": {"kind": "{{ steps.sort.output.kind }}"},
}


def test_what_cannot_be_undone_is_told_before_and_approvals_hold(
    orchestra: Orchestra, root: Path, standins: StandIns
) -> None:
    (root / "workflows" / "sorted.json").write_text(json.dumps(SORTED))
    run = started(orchestra, "sorted")
    before = open_issues(standins), pages(standins)
    seen = orchestra.corrections.preview(OWNER, run["run_id"], "sort", {"kind": "task"})
    assert (lines(seen.undo.undone), lines(seen.undo.cannot)) == ([], ["tell"])
    assert [(one.path, one.verdict) for one in seen.again] == [
        ("always", "kept"),
        ("tell", "does not run"),
        ("task", "runs"),
    ]
    done = orchestra.corrections.correct(OWNER, run["run_id"], "sort", {"kind": "task"})
    assert ended(orchestra, done.run_id)["status"] == "waiting"
    assert (open_issues(standins), pages(standins)) == before
    [asked] = orchestra.approvals.list(OWNER)
    orchestra.approvals.approve(OWNER, asked.id)
    new = ended(orchestra, done.run_id)
    assert (new["status"], new["outputs"]) == ("succeeded", {"kind": "task"})
    assert (open_issues(standins), pages(standins)) == (before[0], sorted([*before[1], "A task"]))
