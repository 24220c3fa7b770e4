"""One sentence for what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.record.document import counts
from engine.record.summary import sentence

WRITES = {
    "task": "notion.upsert_page",
    "issue": "github.create_issue",
    "x": "github.comment",
    "unsure": "gmail.add_labels",
    "label": "gmail.add_labels",
}
ONE_LABEL = {name: uses for name, uses in WRITES.items() if name != "unsure"}


def step(path: str, status: str = "succeeded", *, reused: bool | None = None, **more: Any) -> Any:
    step_id = path.rsplit(".", 1)[-1].split("[", maxsplit=1)[0]
    effect = None if reused is None else {"reused": reused, "outcome": "done", "receipt": None, "identity": path}
    made = {"id": step_id, "path": path, "status": status, "uses": WRITES.get(step_id), "effect": effect}
    return {**made, "error": None, "title": step_id.capitalize(), "usage": None, **more}


def run(*steps: Any, status: str = "succeeded", error: dict[str, Any] | None = None) -> Any:
    found = {"status": status, "error": error, "steps": list(steps), "counts": counts(steps)}
    return {**found, "definition": definition(WRITES)}


def definition(writes: Mapping[str, str]) -> dict[str, Any]:
    inner = [{"id": name, "uses": uses} for name, uses in writes.items()]
    return {"workflow": {"steps": [{"id": "each", "steps": inner}]}}


def no(path: str, kind: str = "Rejected") -> Any:
    """A call that no person approved."""
    return step(path, "failed", uses="gmail.reply", error={"type": kind, "message": "No."})


def mails(*done: str, reused: bool = False) -> list[dict[str, Any]]:
    """A loop over mails; each text names what was done with one, e.g. "task label" or "task failed"."""
    steps = [step("each", items=[], noun="mail")]
    for index, words in enumerate(done):
        ended = words.split()[-1] if words.endswith(("failed", "pending", "cancelled", "running")) else "succeeded"
        steps.append(step(f"each[{index}]", ended))
        steps += [step(f"each[{index}].{word}", reused=reused) for word in words.split() if word in WRITES]
    return steps


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param(
            mails("task label", "issue label", "label", "label", "failed"),
            "5 mails: 1 task, 1 issue, 2 only labelled, 1 failed.",
            id="mixed",
        ),
        pytest.param(mails("task label"), "1 mail: 1 task.", id="one"),
        pytest.param(mails("task", "label", "label task"), "3 mails: 2 tasks, 2 label.", id="one-of-two-labels"),
        pytest.param(mails("label", "failed"), "2 mails: 1 labelled, 1 failed.", id="only-labels"),
        pytest.param(mails("label", "unsure label", "issue label", "label"),
                     "4 mails: 1 issue, 1 unsure, 2 only labelled.", id="two-labels"),
        pytest.param(mails("unsure label", "unsure label"), "2 mails: 2 labelled.", id="both-labels"),
        pytest.param(mails("issue label", "unsure label", "label", "task failed", "label failed"),
                     "5 mails: 1 issue, 1 unsure, 1 only labelled, 2 failed.", id="failed-after-a-write"),
        pytest.param(mails("label", "task label cancelled", "label running", "pending"),
                     "4 mails: 1 labelled, 3 not finished.", id="open-after-a-write"),
        pytest.param(mails("issue label"), "1 mail: 1 issue.", id="all-got-all"),
        pytest.param(mails("x", "x"), "2 mails: 2 writes.", id="a-step-without-a-word"),
        pytest.param(mails("issue", "issue"), "2 mails: 2 issues.", id="all-the-same"),
        pytest.param([*mails("task", "", ""), no("each[1].reply"), no("each[2].reply")],
                     "3 mails: 1 task, 2 replies rejected by a person.", id="rejected"),
        pytest.param([*mails("", ""), no("each[0].reply", "ApprovalExpired")],
                     "2 mails: 1 reply not approved in time, 1 left as it was.", id="expired"),
        pytest.param([*mails("failed"), no("each[0].reply")], "1 mail: 1 failed. No.", id="rejected-and-failed"),
        pytest.param([step("x"), no("reply")], "Done: 1 step done, 1 rejected by a person.", id="rejected-alone"),
        pytest.param(mails(), "No mails: nothing to do.", id="none"),
        pytest.param(mails("", ""), "2 mails: 2 left as they were.", id="nothing-written"),
        pytest.param(mails("", "task"), "2 mails: 1 task, 1 left as it was.", id="one-not-written"),
        pytest.param(mails("failed"), "1 mail: 1 failed.", id="nothing-good"),
        pytest.param(mails("task", "pending", "cancelled"), "3 mails: 1 task, 2 not finished.", id="open"),
        pytest.param(mails("task", "task", reused=True), "2 mails: 2 tasks. 2 already done.", id="again"),
    ],
)  # fmt: skip
def test_a_loop_is_told_by_its_items(steps: list[dict[str, Any]], said: str) -> None:
    assert sentence(run(*steps)) == said


GET = {"method": "GET", "url": "https://example.com"}
POST = {**GET, "method": "POST"}


@pytest.mark.parametrize(
    ("inner", "done", "said"),
    [
        pytest.param({"a": "flow.set"}, ["a", "a", "a"], "3 mails: 3 done.", id="pure"),
        pytest.param({"a": "flow.set"}, ["a"], "1 mail: 1 done.", id="pure-one"),
        pytest.param({"a": "flow.set"}, ["a", "failed", "pending"], "3 mails: 1 done, 1 failed, 1 not finished.",
                     id="pure-mixed"),
        pytest.param({"a": "gmail.get_message", "b": "llm.extract"}, ["", ""], "2 mails: 2 done.", id="reads"),
        pytest.param({"a": "http.request", "with": GET}, ["", ""], "2 mails: 2 done.", id="a-call-that-reads"),
        pytest.param({"a": "http.request", "with": POST}, ["", ""], "2 mails: 2 left as they were.", id="to-write"),
        pytest.param({"a": "workflow.run"}, ["", ""], "2 mails: 2 done.", id="calls-a-workflow"),
        pytest.param({"a": "workflow.run", "task": "notion.upsert_page"}, ["task", "", ""],
                     "3 mails: 1 task, 2 more done.", id="calls-one-and-writes"),
        pytest.param({"task": "notion.upsert_page", "a": "flow.set"}, ["task", "a"],
                     "2 mails: 1 task, 1 left as it was.", id="some-written"),
        pytest.param({"x": "github.comment", "step2": "github.create_issue"}, ["x step2", "x", "x"],
                     "3 mails: 4 writes.", id="two-writes-without-a-word"),
        pytest.param({"x": "github.comment", "step2": "github.create_issue"}, ["x", ""],
                     "2 mails: 1 write, 1 left as it was.", id="one-of-two-without-a-word"),
        pytest.param({"x": "github.comment", "task": "notion.upsert_page"}, ["x task", "x"],
                     "2 mails: 2 writes, 1 task.", id="with-and-without-a-word"),
        pytest.param({"x": "gmail.add_labels", "y": "gmail.add_labels"}, ["x", "y", "x y"],
                     "3 mails: 3 labelled.", id="two-labels-without-a-word"),
        pytest.param({"x": "gmail.add_labels", "y": "gmail.archive"}, ["x y", "x y"],
                     "2 mails: 2 labelled and archived.", id="two-deeds"),
        pytest.param({"create_draft": "gmail.create_draft"}, ["create_draft"], "1 mail: 1 draft.",
                     id="named-as-its-type"),
        pytest.param({"create_draft_2": "gmail.create_draft"}, ["create_draft_2"] * 2, "2 mails: 2 drafts.",
                     id="named-as-its-type-again"),
        pytest.param({"x": "gone.type", "y": "gone.other"}, ["x", "y"], "2 mails: 2 writes.", id="types-of-old"),
    ],
)  # fmt: skip
def test_a_loop_is_told_by_what_its_steps_do(inner: dict[str, Any], done: list[str], said: str) -> None:
    fields = inner.get("with", {})
    steps = [{"id": name, "uses": uses, "with": fields} for name, uses in inner.items() if name != "with"]
    found = run(*[one for index, words in enumerate(done) for one in item(index, words, inner)])
    found["steps"].insert(0, step("each", items=[], noun="mail"))
    found["definition"] = {"workflow": {"steps": [{"id": "each", "steps": steps}]}}
    assert sentence(found) == said


def item(index: int, words: str, inner: Mapping[str, str]) -> list[dict[str, Any]]:
    """One item of a loop, and a write for each word that is a step which is not pure."""
    ended = words if words in ("failed", "pending") else "succeeded"
    names = [name for name in words.split() if inner.get(name, "flow.set") != "flow.set"]
    return [
        step(f"each[{index}]", ended),
        *(step(f"each[{index}].{name}", reused=False, uses=inner[name]) for name in names),
    ]


def test_the_only_step_of_its_type_is_told_by_what_it_did() -> None:
    made: Any = {**run(*mails("task", "label", "label task")), "definition": definition(ONE_LABEL)}
    assert sentence(made) == "3 mails: 2 tasks, 2 labelled."


def test_a_loop_inside_a_loop_counts_all_that_it_wrote() -> None:
    rows = [
        step("each", items=[], noun="mail"), step("each[0]"), step("each[1]"),
        step("each[0].part[0].task", reused=False), step("each[0].part[1].task", reused=False),
        step("each[1].part[0].task", reused=False),
    ]  # fmt: skip
    assert sentence(run(*rows)) == "2 mails: 3 tasks."


OTHERWISE = "though this run wanted another target or text."


def differing(*paths: str) -> list[dict[str, Any]]:
    """Writes that were kept though they would be others now."""
    made = [step(path, reused=True) for path in paths]
    for one in made:
        one["effect"]["note"] = "kept, arguments differ"
    return made


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param(differing("task"), "or write it again. Done: 1 step done.", id="one-write"),
        pytest.param(
            [*differing("task", "issue"), step("label", reused=True)],
            "or write it again. Done: 3 steps done. 1 already done.",
            id="writes",
        ),
        pytest.param(
            [*differing("task", "issue"), step("label", reused=False)],
            f"Done: 3 steps done. 1 new. 2 were written before and stay as they were, {OTHERWISE}",
            id="something-new",
        ),
        pytest.param(
            [
                *mails("task", "task label", reused=True),
                step("each[2]"), step("each[2].label", reused=False), *differing("each[2].task"),
            ],
            f" 2 already done. 1 was written before and stays as it was, {OTHERWISE}",
            id="items",
        ),
    ],
)  # fmt: skip
def test_what_was_kept_though_it_would_be_another_now_is_told(steps: list[dict[str, Any]], said: str) -> None:
    assert sentence(run(*steps)).endswith(said)


def test_what_cannot_be_updated_is_not_to_be_updated_again() -> None:
    steps = differing("task")
    steps[0]["effect"]["note"] = "cannot be updated"
    assert "It cannot be updated: write it again, or change it in the service." in sentence(run(*steps))
    assert "with an update" not in sentence(run(*steps))


@pytest.mark.parametrize("status", ["succeeded", "failed", "running"])
@pytest.mark.parametrize("new", [False, True], ids=["nothing new", "something new"])
def test_a_run_that_wrote_nothing_because_it_wanted_another_target_says_so_first(status: str, new: bool) -> None:
    steps = differing("task", "issue") + [step("label", reused=False)] * new
    told = sentence(run(*steps, status=status, error={"message": "no"} if status == "failed" else None))
    begins = (
        "Nothing was written: 2 writes were made before and are kept, though this run wanted another target or text."
    )
    assert told.startswith(begins) is (status != "running" and not new)


@pytest.mark.parametrize(
    ("undone", "reused", "again", "said"),
    [
        pytest.param("", "", "", "", id="nothing"),
        pytest.param("01", "", "", " 2 of 3 writes were undone.", id="two of three"),
        pytest.param("0", "", "", " 1 of 3 writes was undone.", id="one of three"),
        pytest.param("0", "12", "", " 1 new, 2 already done. Its write was undone.", id="its own"),
        pytest.param("", "", "01", " 2 writes made again: an undo had taken them back.", id="made again"),
        pytest.param("", "01", "012", " 1 new, 2 already done. 1 write made again: an undo had taken it back.", id="1"),
        pytest.param("012", "", "012", " 3 of 3 writes were undone.", id="made again and undone"),
    ],
)
def test_undone_writes_are_counted_among_those_the_run_made(undone: str, reused: str, again: str, said: str) -> None:
    steps = mails("task", "task", "task")
    for index, write in enumerate(one for one in steps if one["effect"]):
        write["effect"]["reused"] = str(index) in reused
        write["effect"]["generation"] = int(str(index) in again)
        if str(index) in undone:
            write["effect"]["undone"] = {"at": "2026-11-20T12:00:00.000Z", "by": "ada", "note": "archives the page"}
    assert sentence(run(*steps)) == f"3 mails: 3 tasks.{said}"


@pytest.mark.parametrize(
    ("updated", "reused", "again", "said"),
    [
        pytest.param("0", "12", "", " 1 updated, 2 already done.", id="one"),
        pytest.param("012", "", "", " 3 updated.", id="all"),
        pytest.param("0", "1", "", " 1 new, 1 updated, 1 already done.", id="each"),
        pytest.param("0", "12", "012", " 1 updated, 2 already done.", id="made-again-by-an-earlier-run"),
    ],
)
def test_writes_that_a_run_has_updated_are_not_new(updated: str, reused: str, again: str, said: str) -> None:
    steps = mails("task", "task", "task")
    for index, write in enumerate(one for one in steps if one["effect"]):
        write["effect"]["reused"] = str(index) in reused
        write["effect"]["generation"] = int(str(index) in again)
        if str(index) in updated:
            write["effect"]["updated"] = True
    assert sentence(run(*steps)) == f"3 mails: 3 tasks.{said}"


@pytest.mark.parametrize(
    ("error_step", "said"),
    [
        pytest.param("after", "1 mail: 1 task. Failed: No paper.", id="after-the-loop"),
        pytest.param("each", "1 mail: 1 task.", id="the-loop"),
        pytest.param("each[0].task", "1 mail: 1 task.", id="in-the-loop"),
        pytest.param("each_other", "1 mail: 1 task. Failed: No paper.", id="similar-name"),
    ],
)
def test_a_failure_elsewhere_is_told_too(error_step: str, said: str) -> None:
    error = {"type": "X", "message": "No paper.", "step": error_step}
    assert sentence(run(*mails("task"), status="failed", error=error)) == said


@pytest.mark.parametrize(
    ("made", "said"),
    [
        pytest.param(run(step("a"), step("b")), "Done: 2 steps done.", id="done"),
        pytest.param(run(step("a")), "Done: 1 step done.", id="one"),
        pytest.param(run(status="queued"), "Not started yet: 0 steps done.", id="queued"),
        pytest.param(run(step("a"), status="cancelled"), "Cancelled: 1 step done.", id="cancelled"),
        pytest.param(run(step("issue", reused=True)), "Done: 1 step done. 1 already done.", id="reused"),
        pytest.param(
            run(step("issue", "failed")), "Done: 0 steps done, 1 failed.", id="amber"
        ),
        pytest.param(
            run(status="failed", error={"message": "No.", "step": "a"}), "Failed: No.", id="failed"
        ),
    ],
)  # fmt: skip
def test_steps_are_told_by_their_number(made: Any, said: str) -> None:
    assert sentence(made) == said


@pytest.mark.parametrize(
    ("noun", "many"),
    [
        ("item", "2 items"),
        ("reply", "2 replies"),
        ("box", "2 boxes"),
        ("day", "2 days"),
        ("bug_report", "2 bug reports"),
        ("x", "2 items"),
        ("row2", "2 items"),
        ("Person", "2 items"),
    ],
)
def test_nouns_have_their_plural(noun: str, many: str) -> None:
    steps = [step("each", items=[], noun=noun), step("each[0]"), step("each[1]")]
    assert sentence(run(*steps)).startswith(many)


def test_a_loop_inside_a_loop_is_not_the_story() -> None:
    steps = [*mails("task"), step("each[0].inner", items=[], noun="line"), step("each[0].inner[0]")]
    assert sentence(run(*steps)) == "1 mail: 1 task."


def test_ten_thousand_items_are_told_at_once() -> None:
    steps = mails(*["label"] * 9_000, *["task label"] * 1_000)
    assert sentence(run(*steps)) == "10,000 mails: 1,000 tasks, 9,000 only labelled."


@pytest.mark.parametrize(
    ("key", "title", "said"),
    [
        pytest.param("1969abc3fc9abf2d", "1969abc3fc9abf2d", "1 mail: 1 task.", id="an id"),
        pytest.param("<a.1@example.com>", "<a.1@example.com>", "1 mail: 1 task.", id="the id of a mail"),
        pytest.param("7d44bf72-9f0e-4a0e-8f6f-0a3c0e3e5f10", "Invoice 7", '1 mail: 1 task. "Invoice 7".', id="a title"),
        pytest.param("2026-11-27", "2026-11-27", '1 mail: 1 task. "2026-11-27".', id="a key that says something"),
        pytest.param("quarterly-report-europe.txt", "quarterly-report-europe.txt",
                     '1 mail: 1 task. "quarterly-report-europe.txt".', id="a name"),
    ],
)  # fmt: skip
def test_the_only_item_is_named_unless_it_has_only_the_id_of_a_service(key: str, title: str, said: str) -> None:
    steps = mails("task")
    steps[1] |= {"key": key, "title": title}
    assert sentence(run(*steps)) == said


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param([step("group.task")], "Paused before Task", id="in-a-group"),
        pytest.param([step("task", title="")], "Paused before task", id="without-a-title"),
        pytest.param([step("task"), step("issue")], "Paused before Task and 1 other step", id="two"),
        pytest.param([step("each[1].task")], "Paused before Task, Login fails", id="of-an-item"),
        pytest.param([step("each[1].task"), step("each[2].task"), step("issue")],
                     "Paused before Task, Login fails, and 2 other steps", id="of-several-items"),
    ],
)  # fmt: skip
def test_a_paused_run_names_the_step_by_its_title(steps: list[Any], said: str) -> None:
    paused = [{**one, "status": "waiting", "paused": {"why": "step"}} for one in steps]
    around = [step("each", items=[], noun="mail"), step("each[1]", title="Login fails")]
    assert sentence(run(*around, *paused, status="waiting")) == f"{said}, until somebody continues this debug run."
