"""A write that needs approval is sent once, exactly as it was approved, or not at all.

Each row plays one thing that can go wrong between the question and the write, against a service that counts requests.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from engine.base.errors import InUse, InvalidInput, NotAllowed, UnknownName
from engine.base.statuses import StepStatus
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.approvals import Approval, Decision
from engine.store.sql.base.tables import approvals as table
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS, until

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOSS = Principal("boss", "owner")
EDITOR = Principal("ed", "editor")
OPERATOR = Principal("op", "operator")
VIEWER = Principal("vi", "viewer")
TOO_LATE = (InUse, NotAllowed)


@dataclass
class Scene:
    """A workspace whose config says nothing about approvals, and a clock that is moved by hand."""

    root: Path
    service: Service
    moments: list[datetime] = field(default_factory=lambda: [NOON])
    opened: list[Orchestra] = field(default_factory=list)
    run_id: str = ""

    @property
    def orchestra(self) -> Orchestra:
        """The open engine."""
        if not self.opened:
            self.opened.append(Orchestra(self.root, clock=lambda: self.moments[-1]))
        return self.opened[0]

    def close(self) -> None:
        """End the process, as far as one can in a test."""
        while self.opened:
            self.opened.pop().close()

    def configure(self, approvals: str) -> None:
        """Write config.yaml with these approvals."""
        path = self.root / "config.yaml"
        rest = re.sub(r"^approvals:.*\n(?: .*\n)*", "", path.read_text(), flags=re.MULTILINE)
        path.write_text(rest + (f"approvals: {approvals}\n" if approvals else ""))

    def start(self, step: Mapping[str, Any] | None = None, **more: Any) -> Approval:
        """Start a run of one write and return its question."""
        write_workflow(self.root, "work", [step or self.write()], **more)
        self.run_id = self.orchestra.runs.start(OWNER, "work", {})
        assert self.ended()["status"] == "waiting"
        return self.question()

    def write(self, **more: Any) -> dict[str, Any]:
        """A step that posts to the service; `approve` and the like may be added."""
        return post_step("w", self.service.url("/w"), **more)

    def question(self) -> Approval:
        """The question that is open now."""
        (found,) = self.orchestra.approvals.list(OWNER)
        return found

    def ended(self) -> Any:
        """Wait until the run has ended or waits; return its document."""
        return self.orchestra.runs.wait(OWNER, self.run_id, PATIENCE_SECONDS)

    def status(self, status: str) -> Any:
        """Wait until the run has this status; return its document."""
        until(lambda: self.orchestra.runs.get(OWNER, self.run_id)["status"] == status)
        return self.orchestra.runs.get(OWNER, self.run_id)

    def has_failed(self, path: str) -> bool:
        """Return whether a step has failed, in a run that does nothing now."""
        document = self.orchestra.runs.get(OWNER, self.run_id)
        return document["status"] not in ("running", "queued") and statuses(document)[path] == "failed"

    def approve(self, by: Principal = BOSS, **more: Any) -> Approval:
        """Approve the open question."""
        return self.orchestra.approvals.approve(by, self.question().id, **more)

    def tamper(self, question: str, **values: Any) -> None:
        """Change the stored question behind everybody's back."""
        with self.orchestra._families.opened.database.writing() as connection:
            connection.execute(update(table).where(table.c.id == question).values(**values))

    def later(self, **time: float) -> None:
        """Move the clock on."""
        self.moments.append(self.moments[-1] + timedelta(**time))

    @property
    def effects(self) -> int:
        """How often the service has received the write."""
        return self.service.seen["/w"]


@pytest.fixture
def scene(root: Path, service: Service) -> Iterator[Scene]:
    """A scene; nothing was asked yet."""
    found = Scene(root, service)
    found.configure("")
    yield found
    found.close()


# --- what a person sees


def test_a_question_holds_exactly_what_will_be_sent(scene: Scene) -> None:
    asked = scene.start()
    assert asked.call is not None
    assert asked.call.uses == "http.request"
    assert asked.call.arguments == {"method": "POST", "url": scene.service.url("/w"), "json": {"from": "w"}}
    assert (asked.call.connection, asked.call.mode) == ("web", "mine")
    assert asked.call.account.startswith("http:")
    assert len(asked.hash) == 64
    assert asked.call.cost_usd == 0
    assert scene.effects == 0
    scene.approve(comment="Fine.")
    document = scene.status("succeeded")
    (step,) = document["steps"]
    assert step["approved"] == {
        "approval": asked.id, "by": "boss", "at": "2026-11-21T12:00:00.000Z", "comment": "Fine.", "hash": asked.hash,
    }  # fmt: skip
    assert scene.effects == 1
    assert scene.service.bodies == [{"from": "w"}]


def test_a_write_that_has_its_receipt_needs_no_approval(scene: Scene) -> None:
    scene.start(scene.write(once="one"))
    scene.approve()
    scene.status("succeeded")
    again = scene.orchestra.runs.start(OWNER, "work", {})
    document = scene.orchestra.runs.wait(OWNER, again, PATIENCE_SECONDS)
    assert (document["status"], document["counts"]["reused_effects"], scene.effects) == ("succeeded", 1, 1)


def test_a_rejection_fails_the_step_with_its_reason_and_on_error_applies(scene: Scene) -> None:
    asked = scene.start(scene.write(on_error="continue"))
    scene.orchestra.approvals.reject(BOSS, asked.id, "Not this one.")
    document = scene.status("succeeded")
    (step,) = document["steps"]
    assert (step["status"], step["error"]["type"]) == ("failed", "Rejected")
    assert step["error"]["message"] == "Rejected by boss: Not this one."
    assert scene.effects == 0


def test_the_advice_after_a_rejection_works_where_the_run_went_on(scene: Scene) -> None:
    asked = scene.start(scene.write(on_error="continue"))
    scene.orchestra.approvals.reject(BOSS, asked.id, "no")
    (step,) = scene.status("succeeded")["steps"]
    assert step["error"]["message"] == "Rejected by boss: no."
    assert "`orchestra runs rerun`" in step["error"]["remedy"]
    with pytest.raises(InUse, match="nothing to resume"):
        scene.orchestra.runs.resume(OWNER, scene.run_id)
    scene.run_id = scene.orchestra.runs.rerun(OWNER, scene.run_id)
    assert scene.status("waiting")
    assert scene.question().id != asked.id


def test_a_resumed_run_asks_again_after_a_rejection(scene: Scene) -> None:
    asked = scene.start()
    scene.orchestra.approvals.reject(BOSS, asked.id)
    scene.status("failed")
    scene.orchestra.runs.resume(OWNER, scene.run_id)
    scene.status("waiting")
    assert scene.question().id != asked.id
    scene.approve()
    scene.status("succeeded")
    assert scene.effects == 1


@pytest.mark.parametrize("on_item_error", ["continue", "drop"])
def test_a_rejected_question_does_not_come_back_with_the_next_answer(scene: Scene, on_item_error: str) -> None:
    """Nor is what failed beside the questions done again: a model would be paid for each answer."""
    draft = post_step("draft", scene.service.url("/draft"), approve="never")
    scene.service.answers = {"/draft": [200, 400]}
    loop = {"id": "each", "foreach": "{{ ['a', 'b', 'c', 'd', 'e'] }}", "as": "name", "key": "{{ name }}"}
    steps = [draft, scene.write()]
    write_workflow(scene.root, "work", [{**loop, "parallel": 5, "on_item_error": on_item_error, "steps": steps}])
    scene.run_id = scene.orchestra.runs.start(OWNER, "work", {})
    scene.ended()
    questions, rejected = scene.orchestra.approvals.list(OWNER), set[str]()
    assert (len(questions), scene.service.seen["/draft"]) == (4, 5)
    for question in questions:
        scene.orchestra.approvals.reject(BOSS, question.id)
        rejected.add(question.path)
        until(partial(scene.has_failed, question.path))
        assert all(map(scene.has_failed, rejected))
    document = scene.status("succeeded" if on_item_error == "drop" else "failed")
    assert (scene.service.seen["/draft"], scene.effects) == (5, 0)
    assert {one.path for one in scene.orchestra.approvals.list(OWNER)} == set()
    if on_item_error == "continue":
        assert document["error"]["message"] == "5 of 5 items failed."
        scene.orchestra.runs.resume(OWNER, scene.run_id)  # a person wants what failed to be done again
        scene.status("waiting")
        assert (len(scene.orchestra.approvals.list(OWNER)), scene.service.seen["/draft"]) == (5, 6)


def test_an_approval_outlives_a_failure_of_the_service(scene: Scene) -> None:
    scene.service.answers = {"/w": [400]}
    scene.start()
    scene.approve()
    scene.status("failed")
    scene.orchestra.runs.resume(OWNER, scene.run_id)
    scene.status("succeeded")
    assert scene.effects == 2  # the first one was refused by the service


# --- editing


def test_edited_arguments_are_sent_and_recorded_with_those_before(scene: Scene) -> None:
    asked = scene.start()
    assert asked.call is not None
    before = asked.call.arguments
    scene.approve(arguments={**before, "json": {"from": "boss"}})
    (step,) = scene.status("succeeded")["steps"]
    assert scene.service.bodies == [{"from": "boss"}]
    assert step["arguments"]["json"] == {"from": "boss"}
    assert step["approved"]["before"] == before
    assert step["approved"]["hash"] != asked.hash


def test_a_write_in_flight_when_its_run_is_interrupted_is_recorded_as_it_was_edited(scene: Scene) -> None:
    scene.service.seconds = {"/w": 0.5}
    asked = scene.start()
    assert asked.call is not None
    scene.approve(arguments={**asked.call.arguments, "json": {"from": "boss"}})
    until(lambda: scene.effects)
    scene.orchestra.runs.interrupt(OWNER, scene.run_id)
    scene.status("interrupted")
    scene.orchestra.runs.resume(OWNER, scene.run_id)
    (step,) = scene.status("succeeded")["steps"]
    assert (step["arguments"]["json"], scene.effects) == ({"from": "boss"}, 1)
    assert step["approved"]["before"] == asked.call.arguments
    assert "note" not in step["effect"]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"json": {}, "method": "FETCH"}, "method"),
        ({"adress": "x"}, "adress"),
        ({"method": "GET"}, "read"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(scene: Scene, edit: Mapping[str, Any], said: str) -> None:
    asked = scene.start()
    assert asked.call is not None
    with pytest.raises(InvalidInput, match=said):
        scene.approve(arguments={**asked.call.arguments, **edit})
    assert scene.question().id == asked.id
    assert scene.effects == 0


# --- the table


def _one_byte_changed(scene: Scene) -> None:
    """Another body than the one that was approved: the run asks again, about what it would send now."""
    scene.service.texts = {"/r": '{"who": "mia"}'}
    body = {"who": "{{ steps.r.output.json.who }}"}
    write = scene.write(needs=["r", "slow"])
    write["with"] = {**write["with"], "json": body}
    steps = [get_step("r", scene.service.url("/r"), needs=[]), set_step("slow", needs=[]), write]
    write_workflow(scene.root, "work", steps)
    scene.run_id = scene.orchestra.runs.start(OWNER, "work", {})
    assert scene.ended()["status"] == "waiting"
    asked = scene.question()
    assert asked.call is not None
    call = json.loads(json.dumps(asdict(asked.call)))
    call["arguments"]["json"]["who"] = "mib"
    scene.tamper(asked.id, call=json.dumps(call), call_hash="0" * 64)  # approved was something else
    scene.orchestra.approvals.approve(BOSS, asked.id)
    until(lambda: scene.orchestra.approvals.list(OWNER))
    assert scene.question().id != asked.id


def _changed_edit(scene: Scene) -> None:
    """An edit that no longer fits its step type fails the step."""
    asked = scene.start()
    scene.close()
    scene.tamper(asked.id, state="approved", answered_by="boss", answered_at="2026-11-21T12:00:00.000Z", edited="{}")
    scene.orchestra.runs.resume(OWNER, scene.run_id)
    scene.status("failed")


def _approved_twice(scene: Scene) -> None:
    asked = scene.start()
    scene.approve()
    with pytest.raises(InUse, match="was approved by boss"):
        scene.orchestra.approvals.approve(EDITOR, asked.id)
    scene.status("succeeded")


def _approved_after_rejected(scene: Scene) -> None:
    asked = scene.start()
    scene.orchestra.approvals.reject(BOSS, asked.id)
    with pytest.raises(InUse, match="was rejected by boss"):
        scene.orchestra.approvals.approve(BOSS, asked.id)
    scene.status("failed")


def _by_a_viewer(scene: Scene) -> None:
    asked = scene.start()
    with pytest.raises(NotAllowed):
        scene.orchestra.approvals.approve(VIEWER, asked.id)


def _by_the_wrong_role(scene: Scene) -> None:
    scene.start(scene.write(approve={"by": "owner"}))
    for person in (EDITOR, OPERATOR):
        with pytest.raises(NotAllowed, match="may not answer"):
            scene.approve(person)


def _by_a_higher_role(scene: Scene) -> None:
    scene.start(scene.write(approve={"by": ["operator", "not_self"]}))
    scene.approve(EDITOR)
    scene.status("succeeded")


def _by_another_user(scene: Scene) -> None:
    scene.start(scene.write(approve={"by": ["ann", "ed"]}))
    with pytest.raises(NotAllowed, match="may not answer"):
        scene.approve(BOSS)
    scene.approve(EDITOR)
    scene.status("succeeded")


def _by_oneself(scene: Scene) -> None:
    scene.start(scene.write(approve={"by": "not_self"}))
    with pytest.raises(NotAllowed, match="started this run"):
        scene.approve(OWNER)


def _by_somebody_else(scene: Scene) -> None:
    scene.start(scene.write(approve={"by": "not_self"}))
    scene.approve(OPERATOR)
    scene.status("succeeded")


def _after_expiry(scene: Scene) -> None:
    asked = scene.start(scene.write(approve={"expires_after": "2h"}))
    assert asked.expires_at == "2026-11-21T14:00:00.000Z"
    scene.later(hours=2)
    with pytest.raises(InUse, match="has expired"):
        scene.orchestra.approvals.approve(BOSS, asked.id)
    document = scene.status("failed")
    assert document["error"]["type"] == "ApprovalExpired"
    assert scene.orchestra.approvals.get(OWNER, asked.id).state == "expired"


def _just_in_time(scene: Scene) -> None:
    scene.start(scene.write(approve={"expires_after": 7200}))
    scene.later(hours=1, minutes=59)
    scene.approve()
    scene.later(hours=3)  # the run wakes only after the time: the answer still counts
    scene.status("succeeded")


def _expired_and_goes_on(scene: Scene) -> None:
    write = scene.write(approve={"expires_after": "1h", "on_expiry": "continue"})
    write_workflow(scene.root, "work", [write, set_step("after")])
    scene.run_id = scene.orchestra.runs.start(OWNER, "work", {})
    assert scene.ended()["status"] == "waiting"
    scene.later(hours=1)
    document = scene.status("succeeded")
    assert statuses(document) == {"w": "failed", "after": "succeeded"}


def _after_cancel(scene: Scene) -> None:
    asked = scene.start()
    scene.orchestra.runs.cancel(OWNER, scene.run_id)
    scene.status("cancelled")
    with pytest.raises(InUse, match="withdrawn"):
        scene.orchestra.approvals.approve(BOSS, asked.id)


def _resumed_after_cancel(scene: Scene) -> None:
    asked = scene.start()
    scene.orchestra.runs.cancel(OWNER, scene.run_id)
    scene.status("cancelled")
    scene.orchestra.runs.resume(OWNER, scene.run_id)
    scene.status("waiting")
    assert scene.question().id != asked.id
    scene.approve()
    scene.status("succeeded")


def _resumed_with_a_change_of_ones_own(scene: Scene) -> None:
    """Whoever changes what is asked is like the one who started it; the owner of the run still is, too."""
    scene.start(scene.write(approve={"by": ["operator", "not_self"]}))
    scene.orchestra.runs.cancel(OWNER, scene.run_id)
    scene.status("cancelled")
    changed = post_step("w", scene.service.url("/w?to=evil"), approve={"by": ["operator", "not_self"]})
    write_workflow(scene.root, "work", [changed])
    scene.orchestra.runs.resume(EDITOR, scene.run_id, newest=True)
    scene.status("waiting")
    scene.close()  # what it knows is in the state
    until(lambda: scene.orchestra.approvals.list(OWNER))
    for person in (EDITOR, OWNER):
        with pytest.raises(NotAllowed, match="started this run or changed it"):
            scene.approve(person)


def _called_after_a_change_of_ones_own(scene: Scene) -> None:
    """The same in a run that the changed one calls."""
    rule = {"by": ["operator", "not_self"]}
    write_workflow(scene.root, "inner", [scene.write(approve=rule)])
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}
    scene.service.answers = {"/r": [400]}
    write_workflow(scene.root, "work", [get_step("r", scene.service.url("/r")), call])
    scene.run_id = scene.orchestra.runs.start(OWNER, "work", {})
    scene.status("failed")
    write_workflow(scene.root, "inner", [post_step("w", scene.service.url("/w?to=evil"), approve=rule)])
    scene.orchestra.runs.resume(EDITOR, scene.run_id, newest=True)
    until(lambda: scene.orchestra.approvals.list(OWNER))
    scene.close()  # what it knows is in the state
    until(lambda: scene.orchestra.approvals.list(OWNER))
    for person in (EDITOR, OWNER):
        with pytest.raises(NotAllowed, match="started this run or changed it"):
            scene.approve(person)


def _by_eight_at_once(scene: Scene) -> None:
    asked = scene.start()
    gate, done = threading.Barrier(8), []

    def answer(number: int) -> None:
        gate.wait()
        with suppress(InUse):
            done.append(scene.orchestra.approvals.approve(Principal(f"p{number}", "operator"), asked.id))

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE_SECONDS)
    assert len(done) == 1
    (step,) = scene.status("succeeded")["steps"]
    assert step["approved"]["by"] == done[0].answered_by


def _restarted_while_waiting(scene: Scene) -> None:
    asked = scene.start()
    scene.close()
    assert scene.question().id == asked.id
    scene.approve()
    scene.status("succeeded")


def _adopted_while_waiting(scene: Scene) -> None:
    asked = scene.start()
    scene.close()
    scene.orchestra.runs.resume_all(OWNER)
    assert scene.question().id == asked.id
    assert scene.effects == 0
    scene.approve()
    scene.status("succeeded")


def _lowered_while_waiting(scene: Scene) -> None:
    """What was asked still has to be answered."""
    asked = scene.start()
    scene.configure("{default: never}")
    scene.close()
    assert scene.question().id == asked.id
    assert scene.effects == 0
    scene.approve()
    scene.status("succeeded")


def _lowered_and_rejected(scene: Scene) -> None:
    asked = scene.start()
    scene.configure("{default: never}")
    scene.orchestra.approvals.reject(BOSS, asked.id)
    scene.status("failed")


def _raised_while_waiting(scene: Scene) -> None:
    """A rule that is raised counts for the next call, also of a run that has begun."""
    scene.configure("{http.request: never}")
    ask = {"id": "ask", "uses": "flow.approve", "with": {"message": "Go?"}}
    write_workflow(scene.root, "work", [ask, scene.write()])
    scene.run_id = scene.orchestra.runs.start(OWNER, "work", {})
    assert scene.ended()["status"] == "waiting"
    scene.configure("{http.request: always}")
    asked = scene.approve()
    until(lambda: [one.id for one in scene.orchestra.approvals.list(OWNER) if one.id != asked.id])
    assert scene.question().path == "w"
    assert scene.effects == 0


def _unknown(scene: Scene) -> None:
    scene.start()
    with pytest.raises(UnknownName):
        scene.orchestra.approvals.approve(BOSS, "nothing")


def _several(scene: Scene) -> None:
    """Nine approved and two rejected in one go: nine effects."""
    write = scene.write()
    write["with"] = {**write["with"], "json": {"item": "{{ item }}"}}
    loop = {
        "id": "each", "foreach": "{{ [1,2,3,4,5,6,7,8,9,10,11] }}", "key": "{{ string(item) }}", "parallel": 11,
        "on_item_error": "drop", "steps": [write],
    }  # fmt: skip
    write_workflow(scene.root, "work", [loop])
    scene.run_id = scene.orchestra.runs.start(OWNER, "work", {})
    assert scene.ended()["status"] == "waiting"
    asked = scene.orchestra.approvals.list(OWNER)
    assert len(asked) == 11
    decisions = [Decision(one.id, approve=number >= 2) for number, one in enumerate(asked)]
    found = scene.orchestra.approvals.decide(BOSS, [*decisions, decisions[0], Decision("none", approve=True)])
    assert [one.error is None for one in found] == [True] * 11 + [False] * 2
    document = scene.status("succeeded")
    sent = sorted(body["item"] for body in scene.service.bodies)
    rejected = [one.call.arguments["json"]["item"] for one in asked[:2] if one.call]
    assert sent == sorted({*range(1, 12)} - {*rejected})
    assert document["counts"]["failed_items"] == 2


ROWS: tuple[tuple[Callable[[Scene], None], int], ...] = (
    (_one_byte_changed, 0),
    (_changed_edit, 0),
    (_approved_twice, 1),
    (_approved_after_rejected, 0),
    (_by_a_viewer, 0),
    (_by_the_wrong_role, 0),
    (_by_a_higher_role, 1),
    (_by_another_user, 1),
    (_by_oneself, 0),
    (_by_somebody_else, 1),
    (_after_expiry, 0),
    (_just_in_time, 1),
    (_expired_and_goes_on, 0),
    (_after_cancel, 0),
    (_resumed_after_cancel, 1),
    (_resumed_with_a_change_of_ones_own, 0),
    (_called_after_a_change_of_ones_own, 0),
    (_by_eight_at_once, 1),
    (_restarted_while_waiting, 1),
    (_adopted_while_waiting, 1),
    (_lowered_while_waiting, 1),
    (_lowered_and_rejected, 0),
    (_raised_while_waiting, 0),
    (_unknown, 0),
    (_several, 9),
)


@pytest.mark.parametrize(("play", "effects"), ROWS, ids=[play.__name__.strip("_") for play, _ in ROWS])
def test_there_is_one_effect_or_none(scene: Scene, play: Callable[[Scene], None], effects: int) -> None:
    play(scene)
    scene.close()
    assert scene.effects == effects


# --- which calls need approval


def _flow(scene: Scene, step: Mapping[str, Any], **more: Any) -> str:
    write_workflow(scene.root, "work", [step], **more)
    scene.run_id = scene.orchestra.runs.start(OWNER, "work", {})
    return str(scene.ended()["status"])


@pytest.mark.parametrize(
    ("configured", "of_workflow", "of_step", "waits"),
    [
        ("", {}, None, True),
        ("{http.request: never}", {}, None, False),
        ("{default: never}", {}, None, False),
        ("{default: never, http.request: always}", {}, None, True),
        ("{http.request: when_outside}", {}, None, False),
        ("{http.request: never}", {"http.request": "always"}, None, True),
        ("{http.request: always}", {"default": "never"}, None, False),
        ("", {"http.request": "always"}, "never", False),
        ("", {"http.request": "never"}, "always", True),
        ("{http.request: never}", {}, {"when": "always", "by": "owner"}, True),
        ("{http.request: {when: always, by: owner}}", {}, {"by": "ann"}, True),
        ("{http.request: never}", {}, {"by": "ann"}, False),
    ],
)
def test_the_nearest_rule_wins(
    scene: Scene, configured: str, of_workflow: Mapping[str, Any], of_step: Any, waits: bool
) -> None:
    scene.configure(configured)
    step = scene.write() if of_step is None else scene.write(approve=of_step)
    more = {"approvals": of_workflow} if of_workflow else {}
    assert _flow(scene, step, **more) == ("waiting" if waits else "succeeded")


def test_a_read_asks_only_if_its_step_or_a_rule_for_its_type_says_so(scene: Scene) -> None:
    scene.configure("{default: always}")
    assert _flow(scene, get_step("r", scene.service.url("/r"))) == "succeeded"
    assert _flow(scene, get_step("r", scene.service.url("/r"), approve="always")) == "waiting"
    seen = scene.service.seen["/r"]
    scene.approve()
    scene.status("succeeded")
    assert (seen, scene.service.seen["/r"]) == (1, 2)


def test_members_that_a_near_rule_leaves_open_come_from_the_next(scene: Scene) -> None:
    scene.configure("{http.request: {by: [boss], expires_after: 1d}}")
    asked = scene.start(scene.write(approve={"expires_after": "1h"}), approvals={"http.request": {"when": "always"}})
    assert (asked.by, asked.expires_at) == (("boss",), "2026-11-21T13:00:00.000Z")


def test_a_question_of_a_flow_has_people_and_an_end_too(scene: Scene) -> None:
    ask = {"id": "ask", "uses": "flow.approve", "with": {"message": "Go?"}}
    rule = {"by": ["editor"], "expires_after": "1h", "on_expiry": "continue"}
    asked = scene.start({**ask, "approve": rule}, outputs={"said": "{{ steps.ask.output.approved }}"})
    assert (asked.call, asked.by) == (None, ("editor",))
    with pytest.raises(NotAllowed):
        scene.approve(OPERATOR)
    scene.later(hours=2)
    document = scene.status("succeeded")
    assert (document["outputs"], document["steps"][0]["status"]) == ({"said": False}, StepStatus.SUCCEEDED)


def test_an_expired_question_of_a_flow_fails_its_step(scene: Scene) -> None:
    ask = {"id": "ask", "uses": "flow.approve", "with": {"message": "Go?"}, "approve": {"expires_after": "1h"}}
    scene.start(ask)
    scene.later(hours=2)
    assert scene.status("failed")["error"]["type"] == "ApprovalExpired"


def test_an_edit_of_a_large_call_keeps_what_is_in_files(scene: Scene) -> None:
    scene.service.texts = {"/r": json.dumps({"text": "x" * 300_000})}
    write = scene.write()
    write["with"] = {**write["with"], "json": {"text": "{{ steps.r.output.json.text }}"}, "headers": {"X-One": "a"}}
    write_workflow(scene.root, "work", [get_step("r", scene.service.url("/r")), write])
    scene.run_id = scene.orchestra.runs.start(OWNER, "work", {})
    assert scene.ended()["status"] == "waiting"
    asked = scene.question()
    assert asked.call is not None
    assert asked.call.arguments["json"]["text"]["bytes"] == 300_000
    scene.approve(arguments={**asked.call.arguments, "headers": {"X-One": "b"}})
    scene.status("succeeded")
    assert scene.service.bodies[-1] == {"text": "x" * 300_000}


def test_an_edit_keeps_to_what_the_step_allows(scene: Scene) -> None:
    asked = scene.start(scene.write(allow={"url": [scene.service.url("/w")]}))
    assert asked.call is not None
    edited = {**asked.call.arguments, "url": scene.service.url("/other")}
    with pytest.raises(InvalidInput, match="the step allows only"):
        scene.approve(arguments=edited)
    assert scene.question().id == asked.id
    scene.close()  # and an edit that is stored in another way fails the step
    answered = {"state": "approved", "answered_by": "boss", "answered_at": "2026-11-21T12:00:00.000Z"}
    scene.tamper(asked.id, **answered, edited=json.dumps(edited))
    scene.orchestra.runs.resume(OWNER, scene.run_id)
    assert scene.status("failed")["error"]["type"] == "ValueNotAllowed"
    assert (scene.effects, scene.service.seen["/other"]) == (0, 0)


def test_a_plan_asks_nobody_and_what_it_shows_cannot_be_edited_when_it_is_applied(scene: Scene) -> None:
    steps = [get_step("r", scene.service.url("/r"), approve="always"), scene.write()]
    scene.service.texts = {"/r": '{"same": 1}'}
    write_workflow(scene.root, "work", steps)
    plan = scene.orchestra.plans.make(OWNER, "work", {})
    assert scene.orchestra.runs.wait(OWNER, plan, PATIENCE_SECONDS)["status"] == "succeeded"
    scene.run_id = scene.orchestra.plans.apply(OWNER, plan)
    assert scene.ended()["status"] == "waiting"
    asked = scene.question()
    assert asked.path == "w"
    assert asked.call is not None
    with pytest.raises(InvalidInput, match=f"part of the plan {plan}") as caught:
        scene.approve(arguments={**asked.call.arguments, "json": {"not": "planned"}})
    assert caught.value.remedy == "Approve it as it is, or reject it and make a new plan."
    scene.approve(arguments=asked.call.arguments)  # nothing is changed in it
    scene.status("succeeded")
    assert scene.service.bodies[-1] == {"from": "w"}
