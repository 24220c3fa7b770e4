"""What a workflow does: order, conditions, loops, groups, errors, retries and time limits, on the real engine."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.errors import InvalidFile
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, statuses
from tests.patience import PATIENCE_SECONDS

FAILING = {"id": "bad", "uses": "flow.assert", "with": {"condition": False, "message": "No."}}


def test_steps_run_in_order_and_outputs_are_filled(run: Run) -> None:
    document = run(
        [set_step("first", {"x": 2}), set_step("second", {"y": "{{ steps.first.output.x + 1 }}"})],
        outputs={"sum": "{{ steps.second.output.y }}", "text": "is {{ steps.second.output.y }}"},
    )
    assert document["status"] == "succeeded"
    assert document["outputs"] == {"sum": 3, "text": "is 3"}
    assert statuses(document) == {"first": "succeeded", "second": "succeeded"}
    assert document["started_at"] <= document["ended_at"]


def test_inputs_get_their_defaults_and_keep_their_types(run: Run) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "default": 4}, "names": {"type": "array", "default": ["a"]}},
    }
    document = run([set_step("one", {"n": "{{ inputs.n }}"})], {"names": ["x", "y"]}, inputs=schema)
    assert document["inputs"] == {"n": 4, "names": ["x", "y"]}
    assert document["steps"][0]["output"] == {"n": 4}


def test_a_false_condition_skips_a_step_which_then_has_no_output(run: Run) -> None:
    document = run(
        [
            set_step("a", {"kind": "b"}),
            set_step("b", {"v": 1}, **{"if": "{{ steps.a.output.kind == 'c' }}"}),
            set_step("c", {"seen": "{{ has(steps.b.output) }}", "v": "{{ default(steps.b.output.v, 7) }}"}),
        ]
    )
    assert statuses(document)["b"] == "skipped"
    assert document["steps"][-1]["output"] == {"seen": False, "v": 7}


def test_a_workflow_that_uses_the_output_of_a_skipped_step_does_not_run_and_says_why(run: Run) -> None:
    with pytest.raises(InvalidFile) as refused:
        run([set_step("b", {"v": 1}, **{"if": False}), set_step("c", {"v": "{{ steps.b.output.v }}"})])
    [problem] = [one for one in refused.value.problems if one.severity == "error"]
    assert (problem.code, problem.step, problem.field) == ("maybe_absent", "c", "with.values.v")
    assert "never runs" in problem.message
    assert "default(" in problem.remedy


def test_a_loop_gives_one_record_an_item_in_list_order(run: Run) -> None:
    document = run(
        [
            {
                "id": "each",
                "foreach": "{{ ['x', 'y', 'z'] }}",
                "as": "letter",
                "key": "{{ letter }}",
                "parallel": 3,
                "steps": [set_step("made", {"both": "{{ letter }}{{ index }}"})],
            },
        ],
        outputs={"all": "{{ steps.each.output.map(one, one.made.both) }}", "first": "{{ steps.each.output[0] }}"},
    )
    assert document["outputs"]["all"] == ["x0", "y1", "z2"]
    assert document["outputs"]["first"] == {
        "error": None,
        "key": "x",
        "made": {"both": "x0"},
        "status": "succeeded",
    }
    assert document["counts"]["items"] == 3


@pytest.mark.parametrize(
    ("policy", "status", "ran", "kept"),
    [
        pytest.param("stop", "failed", ["a", "b"], None, id="stop"),
        pytest.param("continue", "failed", ["a", "b", "c"], None, id="continue"),
        pytest.param("drop", "succeeded", ["a", "b", "c"], ["a", "c"], id="drop"),
    ],
)
def test_a_failed_item_does_what_the_loop_says(
    run: Run, policy: str, status: str, ran: list[str], kept: list[str] | None
) -> None:
    check = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ item != 'b' }}", "message": "b!"}}
    loop = {
        "id": "each",
        "foreach": "{{ ['a', 'b', 'c'] }}",
        "key": "{{ item }}",
        "on_item_error": policy,
        "steps": [set_step("ran", {"v": "{{ item }}"}), check],
    }
    document = run([loop], outputs={"kept": "{{ steps.each.output.map(one, one.key) }}"})
    assert document["status"] == status
    assert [step["output"]["v"] for step in document["steps"] if step["id"] == "ran"] == ran
    assert (document["outputs"] or {}).get("kept") == kept
    assert document["counts"]["failed_items"] == 1


def test_a_loop_over_one_call_needs_no_group(run: Run) -> None:
    each = set_step("each", {"v": "{{ item * 2 }}"}, foreach="{{ [1, 2] }}")
    document = run([each], outputs={"all": "{{ steps.each.output.map(one, one.each.v) }}"})
    assert document["outputs"] == {"all": [2, 4]}


def test_loops_in_loops_see_the_items_around_them(run: Run) -> None:
    inner = {"id": "inner", "foreach": "{{ [1, 2] }}", "as": "n", "steps": [set_step("p", {"v": "{{ word }}{{ n }}"})]}
    outer = {"id": "outer", "foreach": "{{ ['a', 'b'] }}", "as": "word", "key": "{{ word }}", "steps": [inner]}
    document = run([outer])
    made = {step["path"]: step["output"]["v"] for step in document["steps"] if step["id"] == "p"}
    assert made == {
        "outer[0].inner[0].p": "a1",
        "outer[0].inner[1].p": "a2",
        "outer[1].inner[0].p": "b1",
        "outer[1].inner[1].p": "b2",
    }


def test_a_group_gives_its_outputs_or_what_it_says(run: Run) -> None:
    plain = {"id": "plain", "steps": [set_step("a", {"v": 1}), set_step("b", {"v": 2}, **{"if": False})]}
    named = {"id": "named", "steps": [set_step("c", {"v": 3})], "output": {"only": "{{ steps.c.output.v }}"}}
    document = run([plain, named], outputs={"plain": "{{ steps.plain.output }}", "named": "{{ steps.named.output }}"})
    assert document["outputs"] == {"plain": {"a": {"v": 1}}, "named": {"only": 3}}


def test_steps_without_needs_of_each_other_run_side_by_side(run: Run, service: Service) -> None:
    service.seconds = {"/a": 0.3, "/b": 0.3, "/c": 0.3}
    steps = [get_step(name, service.url(f"/{name}"), needs=[]) for name in ("a", "b", "c")]
    document = run([*steps, set_step("last", {"n": "{{ steps.a.output.json.count }}"})])
    assert document["status"] == "succeeded"
    assert service.most_at_once == 3


def test_parallel_is_a_limit(run: Run, service: Service) -> None:
    service.seconds = {"/slow": 0.05}
    each = get_step("each", service.url("/slow"), foreach="{{ [1, 2, 3, 4, 5, 6, 7, 8] }}", parallel=2)
    assert run([each])["status"] == "succeeded"
    assert (service.seen["/slow"], service.most_at_once) == (8, 2)


def test_the_failure_of_a_step_ends_the_run_and_names_the_place(run: Run) -> None:
    document = run([FAILING, set_step("never")])
    assert document["status"] == "failed"
    assert document["error"]["type"] == "AssertionFailed"
    assert document["error"]["step"] == "bad"
    assert document["error"]["message"] == "No."
    assert "never" not in statuses(document)


def test_on_error_continue_goes_on_in_amber(run: Run) -> None:
    after = set_step("after", {"why": "{{ default(steps.bad.error.message, '') }}", "how": "{{ steps.bad.status }}"})
    document = run([{**FAILING, "on_error": "continue"}, after])
    assert document["status"] == "succeeded"
    assert document["counts"]["failed_steps"] == 1
    assert document["steps"][-1]["output"] == {"why": "No.", "how": "failed"}


def test_a_fallback_runs_instead_and_its_last_output_counts(run: Run) -> None:
    fallback = {"steps": [set_step("plan_b", {"because": "{{ error.type }}"})]}
    document = run([{**FAILING, "on_error": fallback}], outputs={"v": "{{ steps.bad.output }}"})
    assert document["status"] == "succeeded"
    assert document["outputs"] == {"v": {"because": "AssertionFailed"}}


def test_a_fallback_without_an_output_gives_none(run: Run, orchestra: Orchestra) -> None:
    nothing = {"steps": [set_step("plan_b", {"v": 1}, **{"if": False})]}
    group = {"id": "group", "steps": [{**FAILING, "id": "inner"}], "on_error": nothing}
    asked = {name: f"{{{{ default(steps.{name}.output.v, 'none') }}}}" for name in ("bad", "group")}
    nothing_too = {"steps": [set_step("plan_c", {"v": 1}, **{"if": False})]}
    document = run(
        [{**FAILING, "on_error": nothing_too}, group, set_step("asked", asked), {**FAILING, "id": "last"}],
    )
    assert document["status"] == "failed"
    assert [one["output"] for one in document["steps"] if one["path"] == "asked"] == [{"bad": "none", "group": "none"}]
    orchestra.runs.resume(OWNER, document["run_id"])
    again: Any = orchestra.runs.wait(OWNER, document["run_id"], PATIENCE_SECONDS)
    assert [one["status"] for one in again["steps"] if one["path"] in ("bad", "group")] == ["succeeded", "succeeded"]
    assert again["error"]["step"] == "last"


def test_on_error_holds_for_groups_and_loops(run: Run) -> None:
    group = {"id": "group", "on_error": "continue", "steps": [FAILING]}
    loop = {"id": "each", "foreach": "{{ [1] }}", "on_error": "continue", "steps": [{**FAILING, "id": "worse"}]}
    document = run([group, loop, set_step("after", {"g": "{{ steps.group.status }}", "l": "{{ steps.each.status }}"})])
    assert document["status"] == "succeeded"
    assert document["steps"][-1]["output"] == {"g": "failed", "l": "failed"}


def test_a_read_is_tried_again_and_every_attempt_is_kept(run: Run, service: Service) -> None:
    service.answers = {"/x": [503, 500]}
    document = run([get_step("x", service.url("/x"), retry={"attempts": 3, "backoff_seconds": 0.01})])
    step = document["steps"][0]
    assert document["status"] == "succeeded"
    assert [attempt["error"] and attempt["error"]["http_status"] for attempt in step["attempts"]] == [503, 500, None]


def test_what_cannot_get_better_is_not_tried_again(run: Run, service: Service) -> None:
    service.answers = {"/x": [404]}
    document = run([get_step("x", service.url("/x"))])
    assert (document["status"], document["error"]["type"], service.seen["/x"]) == ("failed", "NotFound", 1)


def test_retry_on_adds_error_types(run: Run, service: Service) -> None:
    service.answers = {"/x": [404]}
    retry = {"attempts": 2, "backoff_seconds": 0, "on": ["NotFound"]}
    assert run([get_step("x", service.url("/x"), retry=retry)])["status"] == "succeeded"


def test_an_attempt_ends_at_its_time_limit(run: Run, service: Service) -> None:
    service.seconds = {"/slow": 1.5}
    document = run([get_step("x", service.url("/slow"), timeout_seconds=0.2, retry={"attempts": 1})])
    assert (document["status"], document["error"]["type"]) == ("failed", "Timeout")


def test_a_time_limit_on_a_group_covers_everything_inside(run: Run, service: Service) -> None:
    service.seconds = {"/slow": 0.3}
    steps = [get_step(f"s{number}", service.url("/slow")) for number in range(10)]
    document = run([{"id": "group", "timeout_seconds": 0.7, "steps": steps}])
    assert (document["status"], document["error"]["type"]) == ("failed", "StepTimeout")
    assert service.seen["/slow"] < 6


def test_a_write_whose_outcome_is_unknown_is_not_sent_again(run: Run, service: Service) -> None:
    service.answers = {"/w": [500]}
    document = run([post_step("w", service.url("/w"))])
    assert document["status"] == "failed"
    assert document["error"]["type"] == "OutcomeUnknown"
    assert "--as-done" in document["error"]["remedy"]
    assert service.seen["/w"] == 1
    assert document["counts"]["unknown_effects"] == 1


@pytest.mark.parametrize(
    ("answer", "sent"), [pytest.param({"as_done": True}, 1, id="done"), pytest.param({"redo": True}, 2, id="redo")]
)
def test_a_person_answers_for_a_write_of_unknown_outcome(
    run: Run, orchestra: Orchestra, service: Service, answer: dict[str, Any], sent: int
) -> None:
    service.answers = {"/w": [500]}
    run_id = run([post_step("w", service.url("/w")), set_step("after")])["run_id"]
    orchestra.runs.resume(OWNER, run_id, **answer)
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["status"] == "succeeded"
    assert service.seen["/w"] == sent


def test_a_refused_write_may_be_sent_again_later(run: Run, orchestra: Orchestra, service: Service) -> None:
    service.answers = {"/w": [422]}
    run_id = run([post_step("w", service.url("/w"))])["run_id"]
    orchestra.runs.resume(OWNER, run_id)
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert (document["status"], service.seen["/w"]) == ("succeeded", 2)


def test_a_rate_limited_write_waits_as_long_as_the_service_says(run: Run, service: Service) -> None:
    service.answers = {"/w": [429]}
    service.headers = {"Retry-After": "1"}
    document = run([post_step("w", service.url("/w"))])
    first, second = document["steps"][0]["attempts"]
    assert document["status"] == "succeeded"
    assert second["started_at"] >= first["ended_at"]
    assert document["duration_seconds"] >= 1


def test_a_key_makes_a_write_happen_once_over_all_runs(run: Run, service: Service) -> None:
    loop = {
        "id": "each",
        "foreach": "{{ ['a', 'b'] }}",
        "key": "{{ item }}",
        "steps": [post_step("w", service.url("/w"))],
    }
    first, second = run([loop]), run([loop])
    assert service.seen["/w"] == 2
    assert first["counts"]["new_effects"] == 2
    assert (second["counts"]["new_effects"], second["counts"]["reused_effects"]) == (0, 2)
    assert "2 already done" in second["sentence"]


def test_items_of_one_run_that_share_a_key_are_named(run: Run, service: Service) -> None:
    loop = {
        "id": "each",
        "foreach": "{{ ['a', 'b', 'c'] }}",
        "key": "{{ item == 'b' ? 'other' : 'same' }}",
        "steps": [post_step("w", service.url("/w/{{ item }}"))],
    }
    said = "3 items: 2 writes, 1 left as it was.{} Items 1 and 3 have the same key, so only one of them was written"
    assert run([loop])["sentence"] == f"{said.format('')}: give each item a key of its own."
    assert run([loop])["sentence"] == f"{said.format(' 2 already done.')}: give each item a key of its own."
    assert dict(service.seen) == {"/w/a": 1, "/w/b": 1}


def test_once_stands_in_for_the_keys(run: Run, service: Service) -> None:
    step = post_step("w", service.url("/w"), once="week {{ inputs.week }}")
    schema = {"type": "object", "properties": {"week": {"type": "integer"}}}
    for week in (1, 1, 2):
        run([step], {"week": week}, inputs=schema)
    assert service.seen["/w"] == 2


def test_without_a_key_each_run_writes_anew(run: Run, service: Service) -> None:
    for _ in range(2):
        run([post_step("w", service.url("/w"))])
    assert service.seen["/w"] == 2


def test_a_kept_receipt_says_when_the_arguments_differ(run: Run, service: Service) -> None:
    once = {"once": "for ever"}
    run([post_step("w", service.url("/w"), **once)])
    changed = post_step("w", service.url("/w"), **once)
    changed["with"]["json"] = {"other": 1}
    document = run([changed])
    effect = document["steps"][0]["effect"]
    assert effect["note"] == "cannot be updated"
    assert [one for one in effect["differences"] if one["field"] == "json.other"] == [
        {"field": "json.other", "old": "nothing", "new": "1"}
    ]


def test_resume_runs_only_what_failed(run: Run, orchestra: Orchestra, service: Service) -> None:
    service.answers = {"/b": [404]}
    loop = {
        "id": "each",
        "foreach": "{{ ['a', 'b', 'c'] }}",
        "key": "{{ item }}",
        "on_item_error": "continue",
        "steps": [get_step("r", service.url("/{{ item }}"))],
    }
    run_id = run([loop, set_step("after")])["run_id"]
    orchestra.runs.resume(OWNER, run_id)
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["status"] == "succeeded"
    assert dict(service.seen) == {"/a": 1, "/b": 2, "/c": 1}


def test_values_from_outside_are_never_expanded(run: Run) -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    steps = [set_step("a", {"v": "{{ inputs.text }}"}), set_step("b", {"v": "<{{ steps.a.output.v }}>"})]
    document = run(steps, {"text": "{{ inputs.text }} {{ 1 + 1 }}"}, inputs=schema)
    assert document["steps"][-1]["output"] == {"v": "<{{ inputs.text }} {{ 1 + 1 }}>"}


def test_a_large_value_is_kept_once_as_a_file(run: Run, orchestra: Orchestra) -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    steps = [set_step("a", {"v": "{{ inputs.text }}"}), set_step("b", {"n": "{{ size(steps.a.output.v) }}"})]
    document = run(steps, {"text": "é" * 200_000}, inputs=schema)
    reference = document["steps"][0]["output"]["v"]
    assert set(reference) == {"$file", "bytes", "media_type"}
    assert reference["bytes"] == 400_000
    assert document["steps"][1]["output"] == {"n": 200_000}
    stored = orchestra.workspace.logs / document["run_id"][:4]
    assert not stored.exists()  # it lies in the day's folder
    assert len(list(orchestra.workspace.logs.glob("*/*.files/*"))) == 1
