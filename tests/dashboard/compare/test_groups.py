from __future__ import annotations

from typing import Any

from dashboard.compare.groups import groups, item_of, the_same, without_noise
from engine.record.differences import Difference
from engine.runs.compare.diff import StepDiff
from engine.runs.compare.step_facts import Kind


def run(*titles: str) -> Any:
    """A run that asked a model about each of these mails."""
    steps: list[dict[str, Any]] = [
        {"path": "each", "title": "Each", "items": len(titles), "noun": "mail", "uses": None}
    ]
    for number, title in enumerate(titles):
        steps.append({"path": f"each[{number}]", "title": title, "uses": None, "status": "succeeded"})
        asked = {"uses": "llm.extract", "status": "succeeded"}
        steps.append({"path": f"each[{number}].ask", "title": "Ask", **asked})
    return {"steps": steps}


def differing(number: int, *found: tuple[Kind, Difference]) -> StepDiff:
    path = f"each[{number}].ask"
    kinds = tuple(dict.fromkeys(kind for kind, _ in found))
    return StepDiff(path, path, path, "Ask", kinds, tuple(one for _, one in found))


PROMPT: tuple[Kind, Difference] = ("prompt", Difference("prompt.text", "old", "new"))
SLOW: tuple[Kind, Difference] = ("duration", Difference("duration_seconds", 1.0, 9.0))
REUSED: tuple[Kind, Difference] = ("effect", Difference("effect.reused", False, True))
ANSWER: tuple[Kind, Difference] = ("output", Difference("output.kind", "task", "bug"))


def test_how_long_it_took_and_what_was_there_already_is_no_difference() -> None:
    assert without_noise([differing(0, SLOW), differing(1, REUSED), differing(2, SLOW, REUSED)]) == []
    [left] = without_noise([differing(0, SLOW, ANSWER, REUSED)])
    assert (left.kinds, [one.field for one in left.differences]) == (("output",), ["output.kind"])


def test_a_prompt_that_is_told_once_is_not_told_of_each_item() -> None:
    [left] = without_noise([differing(0, PROMPT), differing(1, PROMPT, ANSWER)], {"prompt"})
    assert (left.path, left.kinds) == ("each[1].ask", ("output",))


def test_the_same_difference_is_told_once_with_the_names_of_the_others() -> None:
    mails = run("Invoice", "Login", "Report")
    found = [differing(number, PROMPT) for number in range(3)] + [differing(1, ANSWER)]
    first, second = groups(found)
    assert (first.first.path, len(first.others), second.others) == ("each[0].ask", 2, [])
    assert item_of(first.first.path, [mails]) == "Invoice"
    assert the_same(first, [mails]) == "The same in 2 other steps: Login, Report"
