"""A step is added where the person stands: behind the selected step, with what is before it, and checked."""

from __future__ import annotations

from typing import Any

import pytest

from engine.copilot.talking.standing import placed_behind
from tests.engine.copilot.talking.conftest import ADA, Opened, Talk
from tests.scripted_model.scripted import Answer

pytestmark = pytest.mark.slow

ASKED = "add a step that comments on the issue"
DONE = Answer("It comments.")


def post(number: str | int = "{{ steps.issue.output.number }}") -> dict[str, Any]:
    given = {"repository": "acme/app", "issue": number, "body": "Seen."}
    return {"id": "post", "uses": "github.comment", "connection": "github", "with": given}


def propose(*ops: Any) -> Answer:
    return Answer("", [("propose", {"ops": list(ops), "why": "As you said."})])


def told(talk: Talk) -> str:
    return str(talk.model.requests[0]["messages"][-1]["content"])


def test_a_step_without_a_place_goes_behind_the_selected_one(talking: Opened) -> None:
    talk = talking([propose({"op": "add", "step": post()}), DONE])
    turn = talk.ask(ASKED, selection=["issue"])
    assert turn.status == "done", turn
    [made] = talk.orchestra.copilot.proposals.list(ADA, "issues")
    assert made.is_acceptable, made.problems
    assert made.ops == [{"op": "add", "step": post(), "after": "issue"}]
    assert any(one.kind == "destination" for one in made.ticks)
    talk.orchestra.copilot.proposals.accept(ADA, "issues", made.id, steps=None, ticks=[one.id for one in made.ticks])
    canvas = talk.orchestra.editing.canvas(ADA, "issues")
    assert [one.path for one in canvas.steps] == ["mails", "each", "each.issue", "each.post"]


def test_the_model_knows_the_names_there_and_no_value(talking: Opened) -> None:
    talk = talking([DONE])
    talk.ask(ASKED, selection=["issue"])
    names = told(talk).partition("# A step behind issue may use\n")[2].partition("\n\n")[0].splitlines()
    assert names[0] == "steps.issue.output: what its step type returns"
    assert "mail.subject: string, text from outside" in names
    assert "steps.mails.output.messages: list of object" in [one.partition(",")[0] for one in names]
    assert not any("(" in one for one in names), "functions are in the rules"


@pytest.mark.parametrize("selection", [[], ["mails", "issue"]])
def test_without_one_selected_step_there_is_no_place(talking: Opened, selection: list[str]) -> None:
    talk = talking([propose({"op": "add", "step": post(1)}), DONE])
    talk.ask(ASKED, selection=selection)
    assert "may use\n" not in told(talk)
    [made] = talk.orchestra.copilot.proposals.list(ADA, "issues")
    assert "after" not in made.ops[0]


def test_a_name_that_is_not_there_goes_back_to_the_model(talking: Opened) -> None:
    """Behind the loop there is no issue."""
    talk = talking([propose({"op": "add", "step": post()}), propose({"op": "add", "step": post(1)}), DONE])
    turn = talk.ask(ASKED, selection=["each"])
    assert [one.ok for one in turn.calls] == [False, True], turn.calls
    assert turn.repairs == 1
    made = talk.orchestra.copilot.proposals.list(ADA, "issues")[-1]
    assert made.is_acceptable


@pytest.mark.parametrize(
    ("ops", "placed"),
    [
        ([{"op": "add", "step": {"id": "a"}}, {"op": "add", "step": {"id": "b"}}], ["s", "a"]),
        ([{"op": "add", "step": {"id": "a"}, "before": "x"}], [None]),
        ([{"op": "add", "step": {"id": "a"}, "into": ""}], [None]),
        ([{"op": "remove", "steps": ["x"]}], [None]),
    ],
)
def test_only_new_steps_without_a_place_get_one(ops: list[Any], placed: list[str | None]) -> None:
    made = placed_behind(ops, ["s"])
    assert isinstance(made, list)
    assert [one.get("after") for one in made] == placed


@pytest.mark.parametrize("ops", [None, "add", {}, [1, "x", {"op": "add", "step": 3}]])
def test_what_is_no_list_of_operations_stays_for_the_check(ops: object) -> None:
    made = placed_behind(ops, ["s"])
    assert made in (ops, [1, "x", {"op": "add", "step": 3, "after": "s"}])
