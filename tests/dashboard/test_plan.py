"""The page of a plan: what would be written, and Apply."""

from __future__ import annotations

from typing import Any

import pytest

from commands.plan_text import report_plan
from engine.orchestra import Orchestra
from engine.runs.planning.plan_documents import ALWAYS_ASK
from tests.dashboard.test_run import OWNER, Open, words
from tests.engine.conftest import set_step, write_workflow


def issue(step_id: str, title: str) -> dict[str, Any]:
    return {"id": step_id, "uses": "github.create_issue", "with": {"repository": "acme/app", "title": title}}


def test_a_plan_is_made_beside_run_and_shown_and_applied(open_page: Open, orchestra: Orchestra) -> None:
    write_workflow(orchestra.workspace.root, "sums", [issue("ticket", "Adds up")])
    at = open_page("workflow", name="sums")
    at.button(key="plan-sums").click().run()
    [plan] = orchestra.plans.list(OWNER)["plans"]
    orchestra.runs.wait(OWNER, plan["plan_id"], 60)
    at = open_page("plan", id=plan["plan_id"])
    assert not at.exception
    assert "Plan: sums" in words(at)
    at.button(key=f"apply-{plan['plan_id']}").click().run()
    assert orchestra.plans.list(OWNER)["plans"][0]["state"] == "applied"
    at = open_page("plan", id=plan["plan_id"])
    assert "applied once" in words(at)
    assert "Plan: 1 write" in words(open_page("plans"))


def test_a_plan_without_a_write_says_so_and_offers_nothing_to_apply(open_page: Open, orchestra: Orchestra) -> None:
    write_workflow(orchestra.workspace.root, "sums", [set_step("one")])
    plan_id = orchestra.plans.make(OWNER, "sums", {})
    orchestra.runs.wait(OWNER, plan_id, 60)
    at = open_page("plan", id=plan_id)
    assert "nothing to apply" in words(at)
    assert f"apply-{plan_id}" not in {button.key for button in at.button}


def test_a_plan_that_could_not_be_made_says_why_and_what_to_do(open_page: Open, orchestra: Orchestra) -> None:
    row = {"table": "{{ inputs.word }} 2026", "key": "k"}
    plan_id = planned(orchestra, [{"id": "row", "uses": "store.get", "with": row}])
    told = words(open_page("plan", id=plan_id))
    assert "'kept 2026' cannot be the name of a table" in told
    assert "such as kept\\_2026" in told


GAPS = [issue("one", "Re: [your answer]"), issue("two", "Whole"), issue("three", "[date]")]


@pytest.mark.parametrize(
    ("rules", "then"),
    [
        pytest.param({"default": "always"}, "To fill them in, run the workflow instead: it asks", id="asks"),
        pytest.param({}, f"A run makes them as they are, too, unless the workflow has {ALWAYS_ASK}.", id="makes"),
    ],
)
def test_a_plan_says_before_apply_where_gaps_can_be_filled_in(
    open_page: Open, orchestra: Orchestra, capsys: pytest.CaptureFixture[str], rules: dict[str, str], then: str
) -> None:
    plan_id = planned(orchestra, GAPS, approvals=rules)
    said = f"2 writes have gaps to fill in: [your answer], [date]. Apply makes them as they are. {then}"
    assert said in words(open_page("plan", id=plan_id)).replace("\\", "")
    report_plan(orchestra.plans.show(OWNER, plan_id), "UTC")
    assert said in capsys.readouterr().out
    writes = orchestra.plans.show(OWNER, plan_id)["writes"]
    assert [one["gaps"] for one in writes] == [["[your answer]"], [], ["[date]"]]
    whole = planned(orchestra, [issue("one", "A line. " * 10_000)])
    assert "gaps" not in words(open_page("plan", id=whole))


def write(orchestra: Orchestra, steps: list[dict[str, Any]], **more: Any) -> None:
    inputs = {"type": "object", "properties": {"word": {"type": "string"}}}
    write_workflow(orchestra.workspace.root, "work", steps, inputs=inputs, **more)


def planned(orchestra: Orchestra, steps: list[dict[str, Any]], **more: Any) -> str:
    write(orchestra, steps, **more)
    plan_id = orchestra.plans.make(OWNER, "work", {"word": "kept"})
    orchestra.runs.wait(OWNER, plan_id, 60)
    return plan_id


def test_a_plan_that_drifted_tells_what_has_changed_and_is_made_again_with_its_inputs(
    open_page: Open, orchestra: Orchestra
) -> None:
    plan_id = planned(orchestra, [issue("ticket", "Old")])
    write(orchestra, [issue("ticket", "New")])
    at = open_page("plan", id=plan_id)
    assert "Create an issue" in words(at)
    at.button(key=f"apply-{plan_id}").click().run()
    at = open_page("plan", id=plan_id)
    assert 'was "Old" and is now "New"' in words(at)
    at.button(key=f"again-{plan_id}").click().run()
    newest, old = orchestra.plans.list(OWNER)["plans"]
    assert (old["plan_id"], old["state"]) == (plan_id, "drifted")
    again = orchestra.plans.show(OWNER, newest["plan_id"])
    assert (again["inputs"], again["writes"][0]["arguments"]["title"]) == ({"word": "kept"}, "New")
    assert "1 write (1 ticket)" in newest["sentence"]


def test_all_writes_of_a_long_plan_can_be_looked_at(open_page: Open, orchestra: Orchestra) -> None:
    steps = [issue(f"w{number}", f"No {number}") for number in range(120)]
    plan_id = planned(orchestra, steps)
    at = open_page("plan", id=plan_id)
    assert "Writes 1 to 100 of 120 are shown" in words(at)
    at.button(key="writes-next").click().run()
    assert "Writes 101 to 120 of 120 are shown" in words(at)
    assert "title: No 119" in words(at)
    at.button(key="writes-previous").click().run()
    assert "title: No 119" not in words(at)
