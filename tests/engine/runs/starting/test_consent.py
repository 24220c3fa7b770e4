"""Nothing is written to a real account that nobody has agreed to, by whatever door a workflow is started."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.base.errors import ConfirmationNeeded, UnknownName
from engine.connections.consents import ConsentStore
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.starting.consent import Consents
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

ANN = Principal("ann", "owner")
"""Has agreed to nothing."""


@dataclass
class World:
    """A workspace whose one real account is a service that counts what is sent to it."""

    root: Path
    service: Service
    orchestra: Orchestra

    def write(self, *steps: Mapping[str, Any], **more: Any) -> None:
        """Put the workflow `work` into the workspace."""
        write_workflow(self.root, "work", list(steps), **more)

    def post(self, step_id: str = "post", **more: Any) -> dict[str, Any]:
        """A step that writes."""
        return post_step(step_id, self.service.url("/write"), **more)

    def ran(self, given: Mapping[str, Any] | None = None) -> Any:
        """Run `work` to its end for somebody who agrees to everything."""
        return self.ended(self.orchestra.runs.start(OWNER, "work", given or {}))

    def ended(self, run_id: str) -> Any:
        """Wait for the end of a run."""
        return self.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)

    def move(self) -> None:
        """Let the connection be another account."""
        hosts = f"['127.0.0.1:{self.service.port}', 'tickets.example']"
        text = f"connections:\n  web:\n    service: http\n    allow_hosts: {hosts}\n"
        (self.root / "config.yaml").write_text(text + "approvals:\n  default: never\n")

    @property
    def writes(self) -> int:
        """How often something was written."""
        return self.service.seen["/write"]


@pytest.fixture
def world(root: Path, service: Service, orchestra: Orchestra) -> World:
    """The workspace with a workflow that reads and writes."""
    found = World(root, service, orchestra)
    found.write(get_step("look", service.url("/look")), found.post())
    return found


Go = Callable[[Principal], list[str]]
"""Goes through a door; gives the runs that it started."""


def _start(world: World) -> Go:
    return lambda p: [world.orchestra.runs.start(p, "work", {})]


def _start_all(world: World) -> Go:
    return lambda p: world.orchestra.runs.start_all(p, "work", [{}, {}])


def _only(world: World) -> Go:
    before = world.ran()["run_id"]
    world.move()
    return lambda p: [world.orchestra.runs.start(p, "work", {}, only="post", from_run=before)]


_ANSWER = {"status": 200, "headers": {}, "url": "", "json": None, "text": ""}


def _pinned(world: World) -> Go:
    return lambda p: [world.orchestra.runs.start(p, "work", {}, pins={"look": _ANSWER})]


def _rerun(world: World) -> Go:
    before = world.ran()["run_id"]
    world.move()
    return lambda p: [world.orchestra.runs.rerun(p, before, receipts="force")]


def _failed(world: World) -> str:
    world.service.answers["/look"] = [404]
    run = world.ran()
    assert run["status"] == "failed"
    return str(run["run_id"])


def _resume(world: World) -> Go:
    before = _failed(world)
    world.move()
    return lambda p: [world.orchestra.runs.resume(p, before)]


def _resume_newest(world: World) -> Go:
    """The account was agreed to for reading; the workflow as it is now also writes."""
    world.write(get_step("look", world.service.url("/look")))
    before = _failed(world)
    world.write(get_step("look", world.service.url("/look")), world.post())
    return lambda p: [world.orchestra.runs.resume(p, before, newest=True)]


def _calling(world: World) -> Go:
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "work"}}
    write_workflow(world.root, "outer", [call])
    return lambda p: [world.orchestra.runs.start(p, "outer", {})]


def _failing(world: World) -> Go:
    never = {"id": "never", "uses": "flow.assert", "with": {"condition": "{{ inputs.ok }}", "message": "no"}}
    inputs = {"type": "object", "properties": {"ok": {"type": "boolean", "default": False}}}
    world.write(never, inputs=inputs, on_failure={"steps": [world.post()]})
    return lambda p: [world.orchestra.runs.start(p, "work", {})]


def _falling_back(world: World) -> Go:
    world.service.answers["/look"] = [404]
    world.write(get_step("look", world.service.url("/look"), on_error={"steps": [world.post()]}))
    return lambda p: [world.orchestra.runs.start(p, "work", {})]


DOORS: dict[str, Callable[[World], Go]] = {
    "start": _start,
    "start all": _start_all,
    "start one step": _only,
    "start with pins": _pinned,
    "rerun": _rerun,
    "resume": _resume,
    "resume with the newest file": _resume_newest,
    "a workflow that calls one": _calling,
    "the steps after a failure": _failing,
    "a fallback": _falling_back,
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_nothing_is_started_on_a_real_account_before_somebody_agreed(world: World, door: Callable[[World], Go]) -> None:
    go = door(world)
    before, runs = world.writes, [(row.run_id, row.status) for row in world.orchestra.runs.list(OWNER).rows]
    for p in (ANN, ANN.agreeing(["web:somebody else:write"])):
        with pytest.raises(ConfirmationNeeded) as refused:
            go(p)
        assert world.writes == before
        assert [(row.run_id, row.status) for row in world.orchestra.runs.list(OWNER).rows] == runs
    assert refused.value.needs_confirmation, "it names what is to be agreed to"
    assert "--yes" in refused.value.remedy
    assert "confirmed" in refused.value.remedy

    for run_id in go(ANN.agreeing(refused.value.needs_confirmation)):
        world.ended(run_id)
    assert world.writes > before
    assert any(line.action == "runs.confirm" for line in world.orchestra.audit(OWNER))


@pytest.mark.parametrize("confirmed", [True, ["web:127.0.0.1:{port}:write", "github:me:write"]], ids=["all", "names"])
def test_what_was_agreed_to_is_named_in_the_run_and_kept_over_a_restart(world: World, confirmed: Any) -> None:
    names = confirmed if confirmed is True else [one.format(port=world.service.port) for one in confirmed]
    run_id = world.orchestra.runs.start(ANN.agreeing(names), "work", {})
    assert world.ended(run_id)["confirmed"] == [f"web:127.0.0.1:{world.service.port}:write"]
    world.orchestra.close()
    later = Orchestra.open(world.root)
    try:
        again = later.runs.start(ANN, "work", {})
        assert later.runs.wait(ANN, again, PATIENCE_SECONDS)["confirmed"] == []
        world.move()
        with pytest.raises(ConfirmationNeeded, match=r"tickets\.example"):
            later.runs.start(ANN, "work", {})
        write_workflow(world.root, "other", [world.post()])
        with pytest.raises(ConfirmationNeeded):
            later.runs.start(ANN, "other", {})
    finally:
        later.close()


def test_who_agreed_to_reading_has_not_agreed_to_writing(world: World) -> None:
    world.write(get_step("look", world.service.url("/look")))
    assert world.ran()["confirmed"][0].endswith(":read")
    world.orchestra.runs.start(ANN, "work", {})
    world.write(get_step("look", world.service.url("/look")), world.post())
    with pytest.raises(ConfirmationNeeded, match="to read and write"):
        world.orchestra.runs.start(ANN, "work", {})
    assert world.writes == 0


def test_what_touches_no_account_is_not_asked_about(world: World) -> None:
    world.write(set_step("one"), world.post("never", **{"if": "{{ false }}"}))
    assert world.ended(world.orchestra.runs.start(ANN, "work", {}))["status"] == "succeeded"


def test_an_address_on_the_web_is_asked_about_only_where_something_is_sent(world: World) -> None:
    def step(method: str) -> dict[str, Any]:
        return {"id": "web", "uses": "http.request", "with": {"method": method, "url": "https://192.0.2.1/"}}

    world.write({**step("POST"), "if": "{{ inputs.go }}"}, inputs=_GO)
    with pytest.raises(ConfirmationNeeded) as refused:
        world.orchestra.runs.start(ANN, "work", {})
    assert refused.value.needs_confirmation == ["http:public:write"]
    world.write({**step("GET"), "if": "{{ inputs.go }}"}, inputs=_GO)
    assert world.ended(world.orchestra.runs.start(ANN, "work", {}))["status"] == "succeeded"


_GO = {"type": "object", "properties": {"go": {"type": "boolean", "default": False}}}
_REPOSITORY = {"type": "object", "properties": {"where": {"type": "string", "default": "acme/app"}}}


def _issue(repository: str) -> dict[str, Any]:
    fields = {"repository": repository, "title": "One", "body": "Text"}
    return {"id": "issue", "uses": "github.create_issue", "with": fields}


def _issues(standins: StandIns) -> int:
    return len(standins.show("github")["issues"])


@pytest.mark.parametrize(
    ("steps", "given", "name"),
    [
        pytest.param([_issue("acme/website")], {}, "github:acme/website:public", id="fixed"),
        pytest.param(
            [_issue("{{ inputs.where }}")], {"where": "acme/website"}, "github:acme/website:public", id="input"
        ),
        pytest.param(
            [_issue("{{ 'acme/' + inputs.where }}")], {"where": "website"}, "github:acme/website:public", id="computed"
        ),
        pytest.param(
            [set_step("name", {"it": "acme/website"}), _issue("{{ steps.name.output.it }}")],
            {},
            "github:*:public",
            id="known only while it runs",
        ),
        pytest.param(
            [{"id": "each", "foreach": "{{ ['acme/website'] }}", "key": "{{ item }}", "steps": [_issue("{{ item }}")]}],
            {},
            "github:*:public",
            id="item of a loop",
        ),
    ],
)
def test_a_public_repository_is_asked_about_anew(
    own_accounts: Path, standins: StandIns, steps: list[dict[str, Any]], given: dict[str, Any], name: str
) -> None:
    orchestra = Orchestra.open(own_accounts)
    try:
        write_workflow(own_accounts, "work", [_issue("{{ inputs.where }}")], inputs=_REPOSITORY)
        orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
        write_workflow(own_accounts, "work", steps, inputs=_REPOSITORY)
        before = _issues(standins)
        with pytest.raises(ConfirmationNeeded) as refused:
            orchestra.runs.start(ANN, "work", given)
        assert (refused.value.needs_confirmation, _issues(standins)) == ([name], before)
        run_id = orchestra.runs.start(ANN.agreeing([name]), "work", given)
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
        assert _issues(standins) == before + 1
        orchestra.runs.start(ANN, "work", given)
    finally:
        orchestra.close()


def test_a_repository_that_a_called_workflow_writes_to_is_asked_about(own_accounts: Path, standins: StandIns) -> None:
    write_workflow(own_accounts, "inner", [_issue("{{ inputs.where }}")], inputs=_REPOSITORY)
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner", "inputs": {"where": "acme/website"}}}
    write_workflow(own_accounts, "work", [call])
    before, orchestra = _issues(standins), Orchestra.open(own_accounts)
    try:
        with pytest.raises(ConfirmationNeeded) as refused:
            orchestra.runs.start(ANN, "work", {})
        assert [one.rpartition(":")[2] for one in refused.value.needs_confirmation] == ["write", "public"]
        assert _issues(standins) == before
    finally:
        orchestra.close()


def test_inputs_of_a_called_workflow_in_one_expression_are_not_known(own_accounts: Path, standins: StandIns) -> None:
    write_workflow(own_accounts, "inner", [_issue("{{ inputs.where }}")], inputs=_REPOSITORY)
    steps = [
        set_step("s", {"where": "acme/website"}),
        {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner", "inputs": "{{ steps.s.output }}"}},
    ]
    write_workflow(own_accounts, "work", steps)
    before, orchestra = _issues(standins), Orchestra.open(own_accounts)
    try:
        with pytest.raises(ConfirmationNeeded) as refused:
            orchestra.runs.start(ANN, "work", {})
        assert "github:*:public" in refused.value.needs_confirmation
        assert _issues(standins) == before
    finally:
        orchestra.close()


def test_a_repository_that_cannot_be_asked_about_is_not_taken_for_agreed(
    own_accounts: Path, standins: StandIns
) -> None:
    from clients.errors import ServiceError

    write_workflow(own_accounts, "work", [_issue("{{ inputs.where }}")], inputs=_REPOSITORY)
    orchestra = Orchestra.open(own_accounts)
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    orchestra.close()
    before, orchestra = _issues(standins), Orchestra.open(own_accounts)
    try:
        standins.faults("github", match="GET /user", times=50, status=503)
        with pytest.raises((ServiceError, ConfirmationNeeded)):
            orchestra.runs.start(ANN, "work", {"where": "acme/website"})
        assert _issues(standins) == before
    finally:
        standins.calm("github")
        orchestra.close()


def test_an_account_that_cannot_be_asked_is_not_taken_for_agreed(own_accounts: Path, standins: StandIns) -> None:
    from clients.errors import ServiceError

    write_workflow(own_accounts, "work", [_issue("acme/app")])
    orchestra = Orchestra.open(own_accounts)
    try:
        standins.faults("github", match="/user", times=50, status=503)
        with pytest.raises(ServiceError):
            orchestra.runs.start(OWNER, "work", {})
        assert orchestra.runs.list(OWNER).rows == []
        standins.calm("github")
        orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    finally:
        standins.calm("github")
        orchestra.close()


def test_the_demo_is_not_asked_about(root: Path) -> None:
    (root / "config.yaml").write_text(json.dumps({"connections": {"github": {"service": "github"}}}))
    write_workflow(root, "work", [_issue("acme/website")])
    orchestra = Orchestra.open(root, demo=True)
    try:
        run = orchestra.runs.wait(OWNER, orchestra.runs.start(ANN, "work", {}), PATIENCE_SECONDS)
        assert (run["status"], run["confirmed"], run["demo"]) == ("succeeded", [], True)
    finally:
        orchestra.close()


def test_a_run_is_of_the_demo_only_where_all_that_it_touches_is(root: Path, service: Service) -> None:
    connections = {
        "github": {"service": "github"},
        "web": {"service": "http", "allow_hosts": [f"127.0.0.1:{service.port}"]},
    }
    approvals = {"default": "never"}
    (root / "config.yaml").write_text(json.dumps({"connections": connections, "approvals": approvals}))
    write_workflow(root, "work", [_issue("acme/app"), post_step("post", service.url("/write"))])
    orchestra = Orchestra.open(root, serve=True)
    try:
        with pytest.raises(ConfirmationNeeded) as refused:
            orchestra.runs.start(ANN, "work", {})
        assert [one.partition(":")[0] for one in refused.value.needs_confirmation] == ["web"]
        run_id = orchestra.runs.start(ANN.agreeing(True), "work", {})
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["demo"] is False
        orchestra.demo.reset(OWNER)
        assert orchestra.runs.get(OWNER, run_id)["status"] == "succeeded"
    finally:
        orchestra.close()


def test_who_agrees_while_a_workflow_is_deleted_agrees_to_no_later_one_of_its_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Consents.missing

    def deleted_meanwhile(self: Consents, *given: Any, **more: Any) -> Any:
        found = missing(self, *given, **more)
        if (world.root / "workflows" / "work.json").exists():
            world.orchestra.workflows.delete(OWNER, "work")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Consents, "missing", deleted_meanwhile)
        with pytest.raises(UnknownName):
            world.orchestra.runs.start(OWNER, "work", {})
    world.write(world.post())
    with pytest.raises(ConfirmationNeeded):
        world.orchestra.runs.start(ANN, "work", {})
    assert world.writes == 0


def test_agreements_that_are_given_at_the_same_time_are_all_kept(orchestra: Orchestra) -> None:
    consent_store = ConsentStore(orchestra._families.opened.state.settings)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: consent_store.add("work", [f"github {number} write"]), range(40)))
    assert len(consent_store.of("work")) == 40
