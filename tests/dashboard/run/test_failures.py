from __future__ import annotations

from typing import Any

from dashboard.run.failures import FailureReason, reasons


def step(path: str, message: str = "", status: str = "failed") -> dict[str, Any]:
    return {"path": path, "status": status, "error": {"message": message, "remedy": None} if message else None}


def run(steps: Any) -> Any:
    return {"steps": steps}


def test_items_that_failed_for_one_reason_are_told_once_and_the_most_frequent_first() -> None:
    steps = [
        step("each", "3 of 4 items failed."),
        *(step(f"each[{number}]", "Down.") for number in range(3)),
        step("each[0].page", "Odd."),
        step("each[1].page", "Down."),
        step("each[2].group", "Down."),
        step("each[2].group.page", "Down."),
        step("each[3].page", status="succeeded"),
    ]
    assert reasons(run(steps)) == [FailureReason("Down.", "", 2), FailureReason("Odd.", "", 1)]


def test_an_item_without_a_failed_step_tells_its_own_error() -> None:
    steps = [step("each", "1 of 1 items failed."), step("each[0]", "The condition is no yes or no.")]
    assert reasons(run(steps)) == [FailureReason("The condition is no yes or no.", "", 1)]


def test_what_a_run_went_on_without_is_not_told_twice_but_says_what_to_do() -> None:
    scan = {**step("each[0].scan", "No tesseract."), "handled": True}
    scan["error"] = {**scan["error"], "remedy": "Install it."}
    steps = [step("each[0]", "A scan."), scan, step("each[0].has_text", "A scan.")]
    assert reasons(run(steps)) == [FailureReason("A scan.", "No tesseract. Install it.", 1)]
    assert reasons(run(steps[:2])) == [FailureReason("No tesseract.", "Install it.", 1)]
    elsewhere = {**scan, "path": "each[1].scan"}
    assert reasons(run([elsewhere, steps[2]])) == [FailureReason("A scan.", "", 1)]


def test_a_run_without_failures_tells_none() -> None:
    assert reasons(run([step("a", status="succeeded")])) == []
