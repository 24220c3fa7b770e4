"""What people do with triggers: on, off, from where on, what has changed, what is dead."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from clients.errors import ServiceError
from engine.base.errors import InvalidInput, NotAllowed, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Item, Look, Start
from engine.store.acceptances import RunEntry
from engine.store.sql.acceptances import SqlAcceptances
from engine.store.sql.triggering.carried_over import LOST
from tests.engine.conftest import OWNER, get_step, set_step, write_workflow
from tests.engine.triggering.conftest import INPUTS, TRIGGER, WORKFLOW, Feed
from tests.patience import PATIENCE_SECONDS, until

VIEWER, OPERATOR, EDITOR = Principal("v", "viewer"), Principal("o", "operator"), Principal("e", "editor")


def test_a_trigger_of_a_file_is_off_until_somebody_turns_it_on(feed: Feed) -> None:
    feed.write("a")
    [status] = feed.orchestra.triggers.list(VIEWER)
    assert (status.is_on, status.needs_start, status.uses) == (False, True, "feed.line")
    with pytest.raises(InvalidInput, match="No trigger"):
        feed.poll()
    with pytest.raises(InvalidInput, match="never been on"):
        feed.orchestra.triggers.turn_on(OWNER, WORKFLOW, TRIGGER)
    assert feed.orchestra.runs.list(OWNER).rows == []


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        pytest.param(Start(), [], id="from now"),
        pytest.param(Start(last=2), ["b", "c"], id="the last two"),
        pytest.param(Start(last=9), ["a", "b", "c"], id="all there are"),
    ],
)
def test_the_first_time_a_person_says_from_where_on(feed: Feed, start: Start, wanted: list[str]) -> None:
    feed.write("a", "b", "c")
    preview = feed.orchestra.triggers.preview(OPERATOR, WORKFLOW, TRIGGER, start)
    assert ([item.id for item in preview.items], preview.count) == (wanted, len(wanted))
    feed.on(start)
    assert feed.starts() == Counter(wanted)


def test_a_preview_shows_what_can_be_read_and_asks_a_service_that_went_down_for_three_things(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.write(*({"id": one, "read": "Unavailable"} if one in "bdef" else one for one in "abcdefgh"))
    kind, read = type(trigger_type("feed.line")), list[str]()
    call: Callable[..., Item] = kind.read

    def heard(self: Any, look: Look, item: Item) -> Item:
        read.append(item.id)
        return call(self, look, item)

    monkeypatch.setattr(kind, "read", heard)
    preview = feed.orchestra.triggers.preview(OPERATOR, WORKFLOW, TRIGGER, Start(last=9))
    assert (read, preview.count) == (list("abcdef"), 8)
    told = [(one.id, one.error and one.error.type) for one in preview.items if one.inputs or one.error]
    assert told == [(one, "Unavailable" if one in "bdef" else None) for one in "abcdef"]


@pytest.mark.parametrize(
    ("start", "old"),
    [
        pytest.param(Start(), [], id="from now"),
        pytest.param(Start(last=1), ["b"], id="the last one"),
        pytest.param(None, ["a", "b"], id="on again"),
    ],
)
def test_what_comes_between_turning_on_and_the_next_look_starts_runs(
    feed: Feed, start: Start | None, old: list[str]
) -> None:
    if start is None:
        feed.orchestra.triggers.turn_on(OWNER, WORKFLOW, TRIGGER, Start())
        feed.orchestra.triggers.turn_off(OWNER, WORKFLOW, TRIGGER)
    feed.write("a", "b")
    status = feed.orchestra.triggers.turn_on(OWNER, WORKFLOW, TRIGGER, start)
    assert (status.is_on, status.error) == (True, None)
    feed.write("c", "d")
    feed.poll()
    assert feed.starts() == Counter([*old, "c", "d"])


def test_files_and_ends_of_runs_between_turning_on_and_the_next_look_start_runs(feed: Feed) -> None:
    (feed.root / "drop").mkdir()
    (feed.root / "drop" / "old.txt").write_text("old")
    write_workflow(feed.root, "other", [set_step("a")])
    feed.orchestra.runs.wait(OWNER, feed.orchestra.runs.start(OWNER, "other", {}), PATIENCE_SECONDS)
    feed.clock.move(1)
    watched = {"folder.new_file": {"path": "drop", "still_seconds": 0}, "workflow.finished": {"workflows": ["other"]}}
    for number, (uses, fields) in enumerate(watched.items()):
        trigger = {"id": "it", "uses": uses, "with": fields}
        write_workflow(feed.root, f"by-{number}", [set_step("a")], triggers=[trigger])
        feed.orchestra.triggers.turn_on(OWNER, f"by-{number}", "it", Start())
    (feed.root / "drop" / "new.txt").write_text("new")
    feed.clock.move(1)
    feed.orchestra.runs.wait(OWNER, feed.orchestra.runs.start(OWNER, "other", {}), PATIENCE_SECONDS)
    started = {one.workflow: len(one.started) for one in feed.orchestra.triggers.poll(OWNER)}
    assert started == {"by-0": 1, "by-1": 1}


def test_a_file_that_a_trigger_has_found_is_read_by_its_path(feed: Feed) -> None:
    (feed.root / "drop").mkdir()
    trigger = {"id": "it", "uses": "folder.new_file", "with": {"path": "drop", "still_seconds": 0}}
    inputs = {"type": "object", "properties": {"path": {"type": "string"}}}
    step = {"id": "text", "uses": "file.text", "with": {"file": "{{ inputs.path }}"}}
    more = {"inputs": inputs, "outputs": {"text": "{{ steps.text.output.text }}"}}
    triggers = [{**trigger, "inputs": {"path": "{{ item.path }}"}}]
    write_workflow(feed.root, "reads", [step], triggers=triggers, **more)
    feed.orchestra.triggers.turn_on(OWNER, "reads", "it", Start())
    (feed.root / "drop" / "new.txt").write_text("the text")
    feed.clock.move(1)
    started = [run for one in feed.orchestra.triggers.poll(OWNER) for run in one.started]
    document = feed.orchestra.runs.wait(OWNER, started[0], PATIENCE_SECONDS)
    assert document["status"] == "succeeded", document["error"]
    assert document["outputs"] == {"text": "the text"}


@pytest.mark.parametrize("fault", ["Unavailable", "AuthError"])
def test_where_the_service_does_not_answer_nothing_is_turned_on(feed: Feed, fault: str) -> None:
    feed.fault(type=fault)
    with pytest.raises(ServiceError, match="ill"):
        feed.orchestra.triggers.turn_on(OWNER, WORKFLOW, TRIGGER, Start())
    assert (feed.status().is_on, feed.status().needs_start) == (False, True)
    feed.well()
    feed.on()
    feed.write("a")
    feed.poll()
    assert feed.starts() == Counter(["a"])


def test_two_beginnings_at_once_are_refused(feed: Feed) -> None:
    with pytest.raises(InvalidInput, match="either `last` or `since`"):
        feed.orchestra.triggers.turn_on(OWNER, WORKFLOW, TRIGGER, Start(last=1, since=feed.clock()))


def test_a_preview_shows_inputs_and_errors_and_moves_nothing(feed: Feed) -> None:
    feed.on()
    feed.write("a", {"id": "b", "text": "x" * 30}, {"id": "c", "skip": "ours"}, {"id": "d", "read": "Unavailable"})
    for _ in range(2):
        preview = feed.orchestra.triggers.preview(OPERATOR, WORKFLOW, TRIGGER)
        assert preview.count == 3
        shown = {item.id: item for item in preview.items}
        assert shown["a"].inputs == {"id": "a", "text": ""}
        assert [shown[one].error and shown[one].error.type for one in "bd"] == ["InvalidInput", "Unavailable"]  # type: ignore[union-attr]
        assert shown["c"].skip == "ours"
        assert preview.cost is None
    assert feed.orchestra.runs.list(OWNER).rows == []


def test_a_preview_tells_as_many_things_in_full_as_are_shown(feed: Feed) -> None:
    feed.on()
    feed.write(*(f"n{number}" for number in range(25)))
    preview = feed.orchestra.triggers.preview(OPERATOR, WORKFLOW, TRIGGER)
    assert (preview.count, sum(item.inputs is not None for item in preview.items)) == (25, 20)


def test_off_and_on_again_it_goes_on_from_where_it_was(feed: Feed) -> None:
    feed.on()
    feed.orchestra.triggers.turn_off(OWNER, WORKFLOW, TRIGGER)
    feed.write("meanwhile")
    assert not feed.status().needs_start
    feed.on(None)
    assert feed.starts() == Counter(["meanwhile"])


def test_on_again_from_now_leaves_out_what_came_meanwhile_and_from_earlier_repeats_nothing(feed: Feed) -> None:
    feed.on()
    feed.write("a")
    feed.poll()
    feed.orchestra.triggers.turn_off(OWNER, WORKFLOW, TRIGGER)
    feed.write("meanwhile")
    feed.on(Start())
    assert feed.starts() == Counter(["a"])
    feed.on(Start(last=5))
    assert feed.starts() == Counter(["a", "meanwhile"])


def test_who_may_do_what(feed: Feed) -> None:
    triggers = feed.orchestra.triggers
    for refused in (
        lambda: triggers.turn_on(OPERATOR, WORKFLOW, TRIGGER, Start()),
        lambda: triggers.turn_off(OPERATOR, WORKFLOW, TRIGGER),
        lambda: triggers.poll(VIEWER),
        lambda: triggers.preview(VIEWER, WORKFLOW, TRIGGER),
        lambda: triggers.retry(VIEWER, WORKFLOW, TRIGGER, "a"),
        lambda: triggers.dismiss(VIEWER, WORKFLOW, TRIGGER, "a"),
    ):
        with pytest.raises(NotAllowed):
            refused()
    assert triggers.turn_on(EDITOR, WORKFLOW, TRIGGER, Start()).turned_on_by == "e"
    told = [line.action for line in feed.orchestra.audit(OWNER)]
    assert "triggers.turn_on" in told


def test_names_that_are_not_there_are_told(feed: Feed) -> None:
    with pytest.raises(UnknownName, match="workflow"):
        feed.orchestra.triggers.status(OWNER, "nope", TRIGGER)
    with pytest.raises(UnknownName, match="trigger"):
        feed.orchestra.triggers.turn_on(OWNER, WORKFLOW, "nope", Start())
    with pytest.raises(UnknownName, match="dead item"):
        feed.orchestra.triggers.retry(OWNER, WORKFLOW, TRIGGER, "nope")


@pytest.mark.parametrize(
    ("start", "said"),
    [
        pytest.param(Start(last=0), "must be at least 1", id="none"),
        pytest.param("tomorrow", "still to come", id="the future"),
        pytest.param(Start(since=datetime(1, 1, 1, tzinfo=UTC)), "in 1970 or later", id="before all"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused(feed: Feed, start: Any, said: str) -> None:
    start = Start(since=feed.clock() + timedelta(days=1)) if start == "tomorrow" else start
    with pytest.raises(InvalidInput, match=said):
        feed.orchestra.triggers.turn_on(OWNER, WORKFLOW, TRIGGER, start)


def test_nothing_watches_what_is_started_by_hand(feed: Feed) -> None:
    feed.workflow(triggers=[{"id": TRIGGER, "uses": "manual", "inputs": {"id": "x"}}])
    assert not feed.status().is_watched
    with pytest.raises(InvalidInput, match="nothing to watch"):
        feed.orchestra.triggers.turn_on(OWNER, WORKFLOW, TRIGGER, Start())


def test_watching_something_else_stops_until_it_is_turned_on_again(feed: Feed) -> None:
    feed.on()
    (feed.root / "other.jsonl").write_text('{"id": "there"}\n')
    feed.workflow(fields={"path": "other.jsonl"})
    changed = feed.status()
    assert changed.problem is not None
    assert (changed.state, "has changed" in changed.problem.message) == ("needs you", True)
    result = feed.poll()
    assert result.error is not None
    assert "has changed" in result.error.message
    assert [alarm.kind for alarm in feed.orchestra.triggers.alarms(OWNER)] == ["file"]
    feed.on()
    assert feed.status().problem is None
    (feed.root / "other.jsonl").write_text('{"id": "there"}\n{"id": "new"}\n')
    assert len(feed.poll().started) == 1


@pytest.mark.parametrize("how", ["broken", "gone", "trigger gone"])
def test_a_file_that_cannot_be_used_is_told_and_watched_again_once_it_can(feed: Feed, how: str) -> None:
    feed.on()
    path = feed.root / "workflows" / f"{WORKFLOW}.json"
    text = path.read_text()
    if how == "gone":
        path.unlink()
    else:
        changed = "{" if how == "broken" else json.dumps({**json.loads(text), "triggers": []})
        path.write_text(changed)
    feed.write("a")
    [result] = feed.orchestra.triggers.poll(OWNER)
    assert result.error is not None
    assert result.found == 0
    [status] = [one for one in feed.orchestra.triggers.list(OWNER) if one.is_on]
    assert status.problem is not None
    assert (status.state, status.error) == ("broken", None)
    assert WORKFLOW in status.problem.message
    assert ("`orchestra validate work`" in status.problem.remedy) == (how == "broken")
    assert [alarm.remedy for alarm in feed.orchestra.triggers.alarms(OWNER)] == [status.problem.remedy]
    path.write_text(text)
    assert len(feed.poll().started) == 1


def test_a_dead_thing_is_tried_again_with_the_file_as_it_is_then(feed: Feed) -> None:
    feed.on()
    feed.write({"id": "a", "text": "much longer than it may be"}, "b")
    feed.poll()
    [dead] = feed.orchestra.triggers.dead(VIEWER)
    assert (dead.item, dead.title, dead.run_id) == ("a", "Line a", None)
    assert feed.status().dead == 1
    with pytest.raises(InvalidInput, match="does not fit"):
        feed.orchestra.triggers.retry(OPERATOR, WORKFLOW, TRIGGER, "a")
    longer = {**INPUTS, "properties": {"id": {"type": "string"}, "text": {"type": "string"}}}
    feed.workflow(inputs=longer)
    [run] = feed.ended(feed.orchestra.triggers.retry(OPERATOR, WORKFLOW, TRIGGER, "a"))
    assert (run["status"], run["trigger"]["item"]) == ("succeeded", "a")
    assert (feed.orchestra.triggers.dead(VIEWER), feed.status().dead) == ([], 0)
    with pytest.raises(UnknownName):
        feed.orchestra.triggers.dismiss(OPERATOR, WORKFLOW, TRIGGER, "zzz")
    assert feed.starts() == Counter(["a", "b"])


def test_a_dead_thing_is_tried_again_with_the_step_that_was_renamed_meanwhile(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.on()
    feed.write({"id": "a", "read": "BadAnswer"})
    feed.poll()
    feed.rewrite("a")
    store = SqlAcceptances._store_within

    def renamed_before(
        acceptances: SqlAcceptances, chosen: Callable[[Connection], Sequence[RunEntry]]
    ) -> Sequence[RunEntry]:
        monkeypatch.undo()
        feed.orchestra.workflows.rename_step(OWNER, WORKFLOW, "note", "remark")
        return store(acceptances, chosen)

    monkeypatch.setattr(SqlAcceptances, "_store_within", renamed_before)
    [run] = feed.ended(feed.orchestra.triggers.retry(OWNER, WORKFLOW, TRIGGER, "a"))
    assert [step["path"] for step in run["steps"]] == ["remark"]
    assert feed.starts() == Counter(["a"])


def test_a_dead_thing_that_is_tried_again_by_two_starts_one_run(feed: Feed) -> None:
    feed.on()
    feed.write({"id": "a", "read": "BadAnswer"})
    feed.poll()
    feed.rewrite("a")
    row = feed.orchestra._families.triggers.triggering.triggers._dead_row(WORKFLOW, TRIGGER, "a")
    feed.orchestra.triggers.retry(OWNER, WORKFLOW, TRIGGER, "a")
    with pytest.raises(InvalidInput, match="Somebody else"):
        feed.orchestra._families.triggers.triggering.triggers._revived(OWNER, row)
    assert feed.starts() == Counter(["a"])


def test_a_failed_run_is_dead_until_it_is_resumed_or_dismissed(feed: Feed) -> None:
    never = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ inputs.id == 'b' }}", "message": "no"}}
    feed.workflow([never])
    feed.on()
    feed.write("a", "b")
    feed.ended(*feed.poll().started)
    [dead] = feed.orchestra.triggers.dead(VIEWER)
    assert (dead.item, dead.error.type, feed.status().dead) == ("a", "RunFailed", 1)
    assert feed.orchestra.triggers.retry(OPERATOR, WORKFLOW, TRIGGER, "a") == dead.run_id
    feed.ended(str(dead.run_id))
    assert feed.status().dead == 1
    feed.orchestra.triggers.dismiss(OPERATOR, WORKFLOW, TRIGGER, "a")
    assert (feed.orchestra.triggers.dead(VIEWER), feed.status().dead) == ([], 0)


def test_another_workflow_of_the_name_of_a_deleted_one_is_not_watched(feed: Feed) -> None:
    feed.on()
    feed.orchestra.workflows.delete(OWNER, WORKFLOW)
    feed.workflow()
    assert not feed.status().is_on
    feed.write("a")
    feed.on(None)
    assert feed.starts() == Counter(["a"])


def test_what_was_seen_follows_a_workflow_that_is_renamed(feed: Feed) -> None:
    feed.workflow(overlap=10)
    feed.on()
    feed.write("a")
    feed.poll()
    feed.ended()
    feed.orchestra.workflows.rename(OWNER, WORKFLOW, "other")
    feed.write("b")
    [result] = feed.orchestra.triggers.poll(OWNER, "other")
    assert (result.error, result.found) == (None, 1)
    assert feed.orchestra.triggers.status(OWNER, "other", TRIGGER).is_on
    feed.ended()
    assert feed.starts() == Counter(["a", "b"])


def test_a_trigger_stays_on_and_knows_what_it_has_seen_if_its_file_is_moved(feed: Feed) -> None:
    feed.workflow(overlap=10)
    file = feed.orchestra.workflows.get(OWNER, WORKFLOW)
    feed.orchestra.workflows.save(OWNER, WORKFLOW, file.text, file.etag)
    feed.on()
    feed.write("a")
    feed.poll()
    feed.ended()
    folder = feed.root / "workflows"
    (folder / f"{WORKFLOW}.json").rename(folder / "other.json")
    feed.write("b")
    [result] = feed.orchestra.triggers.poll(OWNER, "other")
    assert (result.workflow, result.error, result.found) == ("other", None, 1)
    feed.ended()
    [status] = feed.orchestra.triggers.list(VIEWER)
    assert (status.workflow, status.is_on, status.items) == ("other", True, 2)
    assert feed.starts() == Counter(["a", "b"])


def test_a_trigger_of_two_files_with_one_id_starts_nothing_until_one_has_another(feed: Feed) -> None:
    feed.on()
    folder = feed.root / "workflows"
    copied = json.loads((folder / f"{WORKFLOW}.json").read_text())
    (folder / "other.json").write_text(json.dumps({**copied, "id": WORKFLOW}))
    feed.write("a")
    [result] = feed.orchestra.triggers.poll(OWNER, WORKFLOW)
    assert result.error is not None
    assert (result.error.type, result.started) == ("InvalidFile", [])
    assert "has the same id as 'other'" in result.error.message
    (folder / "other.json").write_text(json.dumps({**copied, "id": "other"}))
    feed.orchestra.triggers.poll(OWNER, WORKFLOW)
    feed.ended()
    assert feed.starts() == Counter(["a"])


def test_after_a_lost_state_what_has_run_is_known_and_the_trigger_is_off_and_says_so(feed: Feed) -> None:
    feed.on()
    feed.write("a", "b")
    feed.ended(*feed.poll().started)
    feed.orchestra.workflows.rename(OWNER, WORKFLOW, "former")
    feed.orchestra.workflows.rename(OWNER, "former", WORKFLOW)
    feed.orchestra.close()
    for path in (feed.root / ".orchestra").glob("state.db*"):
        path.unlink()
    feed.orchestra = Orchestra(feed.root, clock=feed.clock)
    status = feed.status()
    assert (status.is_on, status.needs_start, status.note, status.items) == (False, True, LOST, 2)
    feed.write("c")
    feed.on(Start(last=3))
    assert feed.starts() == Counter(["a", "b", "c"])


def _touching(feed: Feed) -> None:
    """Let the workflow touch an account, which is another one in the demo."""
    never = "{{ inputs.id == 'never' }}"
    feed.workflow([get_step("look", "http://127.0.0.1/", **{"if": never}), set_step("note")])


def test_a_reset_of_the_demo_forgets_what_its_triggers_have_seen(feed: Feed) -> None:
    _touching(feed)
    feed.orchestra.close()
    feed.orchestra = Orchestra(feed.root, demo=True, clock=feed.clock)
    feed.on()
    feed.write("a")
    [run] = feed.ended(*feed.poll().started)
    assert (run["demo"], run["trigger"]["account"]) == (True, "demo-local")
    feed.orchestra.demo.reset(OWNER)
    assert not feed.status().is_on
    feed.on(Start(last=1))
    assert feed.starts() == Counter(["a"])


def test_the_demo_and_real_accounts_know_nothing_of_each_other(feed: Feed) -> None:
    _touching(feed)
    feed.on()
    feed.orchestra.close()
    feed.orchestra = Orchestra(feed.root, demo=True, clock=feed.clock)
    here, elsewhere = feed.orchestra.triggers.list(OWNER)
    assert (here.is_on, here.needs_start, here.demo) == (False, True, True)
    assert (elsewhere.is_on, elsewhere.is_resting, elsewhere.demo) == (True, True, False)
    assert feed.orchestra.triggers.poll(OWNER) == []


def test_runs_by_hand_move_nothing(feed: Feed) -> None:
    feed.on()
    feed.write("a")
    run_id = feed.orchestra.runs.start(OWNER, WORKFLOW, {"id": "a"})
    [run] = feed.ended(run_id)
    assert run["trigger"] is None
    assert feed.poll().found == 1


def test_a_called_run_is_no_run_of_the_trigger(feed: Feed) -> None:
    write_workflow(feed.root, "inner", [set_step("a")])
    feed.workflow([{"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}])
    feed.on()
    feed.write("a")
    [run] = feed.ended(*feed.poll().started)
    assert run["status"] == "succeeded"
    [inner] = feed.orchestra.runs.list(OWNER, workflow="inner").rows
    assert feed.orchestra.runs.get(OWNER, inner.run_id)["trigger"] is None


def test_health_counts_triggers(feed: Feed) -> None:
    feed.on()
    feed.write({"id": "a", "read": "BadAnswer"})
    feed.poll()
    assert feed.orchestra.health.now().counts["triggers"] == {"on": 1, "silent": 0, "dead": 1}
    feed.clock.move(1000)
    silent = {"on": 1, "silent": 1, "dead": 1}
    until(lambda: feed.orchestra.health.now().counts["triggers"] == silent)  # a look at it holds for a moment


def test_what_was_left_out_is_counted_by_why(feed: Feed) -> None:
    feed.on()
    feed.write("a", {"id": "b", "skip": "ours"}, {"id": "c", "skip": "ours"}, {"id": "d", "skip": "a draft"})
    feed.poll()
    assert feed.status().left_out == {"ours": 2, "a draft": 1}


def test_a_thing_whose_run_failed_is_off_the_list_once_another_run_has_done_it(feed: Feed) -> None:
    def loop(*, is_well: bool) -> dict[str, Any]:
        check = {"id": "check", "uses": "flow.assert", "with": {"condition": is_well, "message": "Too long."}}
        item = {"foreach": "{{ [inputs.id] }}", "as": "line", "key": "{{ line }}", "item_title": "Line {{ line }}"}
        return {"id": "each", **item, "steps": [check]}

    feed.workflow([loop(is_well=False)])
    feed.on()
    feed.write("a", "b")
    feed.ended(*feed.poll().started)
    said = {one.item: one.error.message for one in feed.orchestra.triggers.dead(VIEWER)}
    assert said == {"a": '1 line: 1 failed. "Line a": Too long.', "b": '1 line: 1 failed. "Line b": Too long.'}
    feed.workflow([loop(is_well=True)])
    feed.ended(feed.orchestra.runs.start(OWNER, WORKFLOW, {"id": "a"}))
    assert [one.item for one in feed.orchestra.triggers.dead(VIEWER)] == ["b"]
    assert feed.status().dead == 1


def test_a_file_that_took_the_name_of_another_starts_nothing_for_its_trigger(feed: Feed) -> None:
    feed.on()
    folder = feed.root / "workflows"
    document = json.loads((folder / f"{WORKFLOW}.json").read_text())
    (folder / f"{WORKFLOW}.json").rename(folder / "old.json")
    (folder / f"{WORKFLOW}.json").write_text(json.dumps({"id": "x", **document}))
    feed.write("a")
    [row] = feed.orchestra.triggers._rows.on()
    [result] = feed.orchestra.triggers._asking.polled([row])
    assert (result.started, result.error and result.error.type) == ([], "NotWatched")
    assert feed.starts() == Counter()
    [lost] = [one for one in feed.orchestra.triggers.list(VIEWER) if one.is_on]
    assert (lost.workflow, lost.id, lost.state) == (WORKFLOW, TRIGGER, "needs you")
    assert lost.problem is not None
    assert "No workflow file now has the id 'work'" in lost.problem.message
    assert '"id": "work"' in lost.problem.remedy
    assert [one.workflow for one in feed.orchestra.triggers.alarms(VIEWER)] == [WORKFLOW]
    assert not feed.orchestra.triggers.turn_off(OWNER, WORKFLOW, TRIGGER).is_on
    assert not any(one.is_on for one in feed.orchestra.triggers.list(VIEWER))
