"""The diagram of a workflow and of steps: boxes, lines, and the same in a line of text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from engine.copilot.without_model.diagrams import MOST, Diagram, diagram_of, steps_diagram, workflow_diagram
from engine.workflows.editing.canvas_steps import canvas_steps


def call(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "uses": "flow.set", "with": {"values": {}}, **more}


LOOP = {
    "id": "each",
    "title": "Each mail",
    "foreach": "{{ steps.mails.output.messages }}",
    "as": "mail",
    "steps": [
        call("classify", **{"with": {"values": {"a": "{{ mail.text }}"}}}),
        call("issue", **{"if": "{{ steps.classify.output.a == 'bug' }}"}),
        call("task", needs=["classify"]),
        call("done"),
    ],
}
DOCUMENT: dict[str, Any] = {
    "steps": [
        {"id": "mails", "uses": "gmail.search_messages"},
        LOOP,
        call("tell", on_error={"steps": [call("other")]}),
    ],
    "on_failure": [call("alarm")],
}


def whole(document: dict[str, Any] = DOCUMENT) -> Diagram:
    return workflow_diagram(canvas_steps(document))


def of(*ids: str) -> Diagram | None:
    steps = canvas_steps(DOCUMENT)
    return steps_diagram(DOCUMENT, steps, [one for one in steps if one.id in ids])


def lines(drawn: Diagram) -> set[str]:
    return {f"{one.source}>{one.target}" for one in drawn.edges}


def test_a_workflow_is_drawn_with_its_loops_and_what_runs_if_something_fails() -> None:
    drawn = whole()
    assert drawn.text == (
        "mails -> [each: classify -> issue, task -> done] -> tell; "
        "[If Set values fails: other]; [If the run fails: alarm]"
    )
    assert lines(drawn) == {
        "mails>each", "each>tell", "each.classify>each.issue", "each.classify>each.task", "each.issue>each.done",
        "each.task>each.done", "tell>tell!",
    }  # fmt: skip
    loop, issue = (next(one for one in drawn.nodes if one.step == id_) for id_ in ("each", "issue"))
    assert (loop.title, loop.kind, loop.is_loop, loop.inside) == ("Each mail", "group", True, "")
    assert (issue.is_conditional, issue.inside, issue.level) == (True, "each", 1)
    assert diagram_of(asdict(drawn)) == drawn


def test_steps_of_which_at_most_one_runs_are_beside_each_other() -> None:
    kinds = [call(f"is_{one}", **{"if": f"{{{{ steps.kind.output.a == '{one}' }}}}"}) for one in ("bug", "task")]
    again = call("again", **{"if": "{{ steps.kind.output.a == 'bug' }}"})
    steps = [call("kind"), *kinds, call("end")]
    assert whole({"steps": steps}).text == "kind -> is_bug, is_task -> end"
    assert whole({"steps": [call("kind"), kinds[0], again]}).text == "kind -> is_bug -> again"


def test_of_many_steps_only_the_outermost_are_drawn() -> None:
    many = {"steps": [{"id": "group", "steps": [call(f"a{n}") for n in range(MOST)]}, call("end")]}
    assert whole(many).text == f"[group: {MOST} steps] -> end"
    flat = whole({"steps": [call(f"a{n}") for n in range(MOST + 3)]})
    assert (len(flat.nodes), flat.more) == (MOST, 3)


def test_a_step_is_drawn_with_what_it_reads_from_and_what_reads_it() -> None:
    drawn = of("classify")
    assert drawn is not None
    assert drawn.text == "each -> classify -> issue"
    assert [one.step for one in drawn.nodes if one.is_about] == ["classify"]
    loop = of("each")
    assert loop is not None
    assert lines(loop) == {"mails>each", "each>each.classify"}
    assert of("tell") is None


@pytest.mark.parametrize("needs", [["b"], ["a"], ["gone"]])
def test_a_draft_with_wrong_needs_is_drawn_all_the_same(needs: list[str]) -> None:
    assert len(whole({"steps": [call("a", needs=needs), call("b", needs=["a"])]}).nodes) == 2
