from __future__ import annotations

from typing import Any

import pytest

from dashboard.drawing.steps import steps_of
from dashboard.parts.run_state import RunStateCell, stand_of
from dashboard.run.board import Board, BoardRow, board, progress
from dashboard.run.change.actions import resume_label
from dashboard.run.row import choice_of, table_rows
from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER
from tests.patience import PATIENCE_SECONDS

LOOP: dict[str, Any] = {
    "id": "each",
    "foreach": "{{ inputs.xs }}",
    "steps": [
        {"id": "ask", "title": "Ask", "uses": "llm.chat"},
        {"id": "both", "title": "Both", "steps": [{"id": "a", "uses": "flow.set"}, {"id": "b", "uses": "flow.set"}]},
        {"id": "issue", "title": "Issue", "uses": "github.create_issue"},
    ],
}


def step(path: str, status: str = "succeeded", uses: str | None = "flow.set", **more: Any) -> dict[str, Any]:
    step_id = path.rsplit(".", 1)[-1].partition("[")[0]
    empty: dict[str, Any] = {"output": None, "error": None, "effect": None, "attempts": []}
    return {"id": step_id, "path": path, "title": "", "status": status, "uses": uses, **empty, **more}


def effect(url: str, *, reused: bool = False) -> dict[str, Any]:
    return {"reused": reused, "outcome": "done", "receipt": {"id": "1", "url": url}}


def run(definition: list[dict[str, Any]], steps: list[dict[str, Any]], status: str = "succeeded") -> Any:
    return {"status": status, "definition": {"workflow": {"steps": definition}}, "steps": steps}


def loop(*titles: str) -> dict[str, Any]:
    return step("each", uses=None, items=[[f"k{n}", title] for n, title in enumerate(titles)], noun="mail")


def test_a_loop_that_has_not_begun_is_one_row() -> None:
    shown = board(run([LOOP], [], "running"))
    assert [(row.path, row.cell.word) for row in shown.rows] == [("each", "Pending")]
    assert [title for _, title in shown.columns] == ["Ask", "Both", "Issue"]


def test_every_item_has_a_row_and_every_step_a_word() -> None:
    steps = [
        loop("One", "Two"),
        step("each[0]", uses=None),
        step("each[1]", "running", None),
        step("each[0].ask"),
        step("each[0].both.a"),
        step("each[0].both.b", "failed"),
        step("each[0].issue", "skipped", None),
        step("each[1].ask", "running", attempts=[{"error": {}}]),
    ]
    first, second = board(run([LOOP], steps, "running")).rows
    assert {path: cell.word for path, cell in first.cells.items()} == {
        "each.ask": "Succeeded",
        "each.both": "Failed",
        "each.issue": "Skipped",
    }
    assert second.cells["each.ask"].text == "◐ Running, attempt 2"
    assert second.cells["each.issue"].word == "Pending"


def test_an_item_that_only_waits_says_for_what() -> None:
    steps = [loop("One"), step("each[0]", "running", None), step("each[0].ask", "waiting", approval={"id": "1"})]
    [row] = board(run([LOOP], steps, "waiting")).rows
    assert row.cell.word == "Asks a person"
    [row] = board(run([LOOP], [*steps, step("each[0].issue", "running")], "running")).rows
    assert row.cell.word == "Running"


def test_what_an_ended_run_never_came_to_is_not_pending() -> None:
    shown = board(run([LOOP], [loop("One"), step("each[0]", "failed", None), step("each[0].ask", "failed")], "failed"))
    assert shown.rows[0].cells["each.issue"].word == "Not reached"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        pytest.param({"effect": effect("https://github.com/a/b/1", reused=True)}, "Already done", id="reused"),
        pytest.param({"effect": effect("https://github.com/a/b/1")}, "Succeeded", id="new"),
        pytest.param({"status": "failed", "error": {"type": "OutcomeUnknown"}}, "Outcome unknown", id="unknown"),
    ],
)
def test_a_write_says_whether_it_happened(more: dict[str, Any], word: str) -> None:
    definition = [{"id": "issue", "uses": "github.create_issue"}]
    row = board(run(definition, [step("issue", uses="github.create_issue", **more)])).rows[0]
    assert row.cell.word == word


def test_a_row_links_to_what_was_read_and_what_was_made() -> None:
    mails = {
        "messages": [{"id": "k0", "url": "https://mail.google.com/k0"}, {"id": "k1", "url": "javascript:alert(1)"}]
    }
    steps = [
        step("mails", uses="gmail.search_messages", output=mails),
        loop("One", "Two"),
        step("each[0].issue", uses="github.create_issue", effect=effect("https://github.com/a/b/issues/1")),
        step("each[1].issue", uses="github.create_issue", effect=effect("data:text/html,x")),
    ]
    shown = board(run([{"id": "mails", "uses": "gmail.search_messages"}, LOOP], steps))
    assert shown.kinds == ["Mail", "Issue"]
    assert shown.rows[1].links == {"Mail": "https://mail.google.com/k0", "Issue": "https://github.com/a/b/issues/1"}
    assert shown.rows[2].links == {}


def test_an_item_whose_writes_were_undone_says_so_and_does_not_link_to_them() -> None:
    first, second = (effect(f"https://github.com/a/b/issues/{number}") for number in (1, 2))
    steps = [
        loop("One"),
        step("each[0]", uses=None),
        step("each[0].ask", effect=first | {"undone": {"by": "ada", "at": "", "note": ""}}),
        step("each[0].issue", uses="github.create_issue", effect=second),
    ]
    shown = board(run([LOOP], steps))
    assert (shown.rows[0].cell.word, shown.rows[0].links) == ("Partly undone", {"Issue": second["receipt"]["url"]})
    second["undone"] = {"by": "ada", "at": "", "note": ""}
    shown = board(run([LOOP], steps))
    assert shown.rows[0].links == {}
    _, _, choice, status, _, links, _ = table_rows(shown)[0]
    assert (choice, status, links) == ("succeeded", ["⊘ Undone", "gray"], [])


def test_columns_for_links_are_there_from_the_start_so_that_none_jumps() -> None:
    assert board(run([LOOP], [loop("One")], "running")).kinds == ["Issue"]
    assert board(run([LOOP], [loop("One")], "failed")).kinds == []


def test_a_fallback_is_a_row_once_it_was_needed() -> None:
    definition = [{"id": "x", "uses": "flow.set", "on_error": {"steps": [{"id": "y", "uses": "flow.set"}]}}]
    assert [row.path for row in board(run(definition, [step("x")])).rows] == ["x"]
    both = [step("x", "failed"), step("x.y")]
    assert [row.path for row in board(run(definition, both)).rows] == ["x", "x.y"]


def test_the_filter_counts_waiting_as_running_and_cancelled_as_pending() -> None:
    words = ("succeeded", "failed", "waiting", "cancelled")
    definition = [{"id": f"s{n}", "uses": "flow.set"} for n in range(len(words))]
    rows = board(run(definition, [step(f"s{n}", status) for n, status in enumerate(words)])).rows
    assert [choice_of(row.cell.status) for row in rows] == ["succeeded", "failed", "running", "pending"]


def test_progress_counts_rows() -> None:
    steps = [loop("One", "Two"), step("each[0]", uses=None), step("each[1]", "running", None)]
    document = run([LOOP], steps, "running")
    assert progress(document, board(document)) == (0.5, "1 of 2 mails and steps done")


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        pytest.param("n", "1 of 2 items and steps done", id="a letter"),
        pytest.param("reply", "1 of 2 replies and steps done", id="a word that changes for several"),
    ],
)
def test_the_variable_of_a_loop_is_said_as_a_word(variable: str, said: str) -> None:
    steps = [{**loop("One", "Two"), "noun": variable}, step("each[0]", uses=None), step("each[1]", "running", None)]
    document = run([LOOP], steps, "running")
    assert progress(document, board(document))[1] == said


def test_the_map_sums_up_all_repetitions_of_a_step() -> None:
    steps = [
        loop("One", "Two", "Three"),
        *(step(f"each[{n}]", status, None) for n, status in enumerate(("succeeded", "succeeded", "failed"))),
        step("each[0].ask"),
        step("each[1].ask", "skipped", None),
        step("each[2].ask", "failed"),
    ]
    document = run([LOOP], steps, "failed")
    stands = {entry.path: stand_of(entry, document) for entry in steps_of(document["definition"]["workflow"])}
    assert stands["each"] == ("failed", "✕ 1 failed, ✓ 2 succeeded")
    assert stands["each.ask"] == ("failed", "✕ 1 failed, ✓ 1 succeeded")
    assert stands["each.issue"] == ("pending", "· Not reached")


@pytest.mark.parametrize(
    ("status", "items", "steps", "label"),
    [
        pytest.param("failed", 3, 3, "Run the failed 3 again", id="items"),
        pytest.param("failed", 0, 1, "Try again", id="step"),
        pytest.param("failed", 0, 0, "Try again", id="nothing counted"),
        pytest.param("cancelled", 2, 2, "Resume", id="cancelled"),
        pytest.param("interrupted", 0, 0, "Resume", id="interrupted"),
    ],
)
def test_the_button_says_what_is_run_again(status: str, items: int, steps: int, label: str) -> None:
    failed = {"status": "failed", "uses": None, "error": {"type": "NotFound"}}
    paths = [f"each[{index}]" for index in range(items)] or ["issue"] * steps
    run: Any = {"status": status, "error": None, "steps": [{"path": path, **failed} for path in paths]}
    assert resume_label(run) == label


@pytest.mark.parametrize(
    ("kind", "urls", "word"),
    [
        pytest.param("Issue", ["https://github.com/a/b/issues/7"], "7", id="issues by their numbers"),
        pytest.param("Page", ["https://www.notion.so/0f0e"], "Page", id="a page"),
        pytest.param("Mail", ["https://mail.google.com/mail/u/0/#all/19"], "Mail", id="a mail"),
        pytest.param(
            "Issue",
            ["https://github.com/a/b/issues/7", "https://github.com/a/b/releases/tag/v1"],
            "Issue",
            id="not all are issues",
        ),
    ],
)
def test_links_have_a_short_word(kind: str, urls: list[str], word: str) -> None:
    rows = [
        BoardRow(str(n), "", RunStateCell("succeeded", "Succeeded"), [], links={kind: url})
        for n, url in enumerate(urls)
    ]
    found = [row[5] for row in table_rows(Board("", [], rows, [kind]))]
    assert found[0] == [[urls[0], word]]


def test_a_correction_shows_first_what_it_did(orchestra: Orchestra) -> None:
    run_id = orchestra.runs.start(OWNER, "inbox-triage", {"limit": 4})
    wrong = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    path = next(one["path"] for one in wrong["steps"] if one["id"] == "classify" and one["output"]["kind"] == "task")
    corrected = orchestra.corrections.correct(OWNER, run_id, path, {"kind": "nothing"})
    rows = board(orchestra.runs.wait(OWNER, corrected.run_id, PATIENCE_SECONDS)).rows
    assert [(row.path, row.cell.english) for row in rows] == [
        (path.rpartition(".")[0], "Succeeded"),
        ("mails", "Replayed"),
    ]
