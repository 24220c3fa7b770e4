"""What budgets show is the same on every face, and a run that waits for one goes on from each."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.base.errors import NotAllowed
from engine.base.statuses import RunStatus
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.faces.conftest import Faces, Open
from tests.patience import PATIENCE_SECONDS, until

OWNER = Principal("owner", "owner")
ASK_STEP = {"id": "ask", "uses": "llm.chat", "with": {"messages": [{"role": "user", "content": "What is new?"}]}}
ASK = {"schema_version": 1, "title": "Ask", "steps": [ASK_STEP]}
CALL = {"id": "call", "uses": "workflow.run", "with": {"workflow": "ask"}}


def set_budget(orchestra: Orchestra, calls: int) -> None:
    config = orchestra.workspace.root / "config.yaml"
    before = config.read_text(encoding="utf-8").partition("budgets:")
    rest = before[2].partition("\n")[2]
    config.write_text(f"{before[0]}budgets: {{day: {{calls: {calls}}}}}\n{rest}", encoding="utf-8")


def status(faces: Faces, run_id: str) -> RunStatus:
    return faces.orchestra.runs.get(OWNER, run_id)["status"]


@pytest.fixture
def paused(make_faces: Callable[[], Faces]) -> tuple[Faces, str]:
    """A run that waits for a budget."""
    faces = make_faces()
    set_budget(faces.orchestra, 0)
    (faces.orchestra.workspace.root / "workflows" / "ask.json").write_text(json.dumps(ASK))
    run_id = faces.orchestra.runs.start(OWNER, "ask", {})
    until(lambda: status(faces, run_id) == RunStatus.WAITING)
    return faces, run_id


def test_every_face_tells_the_same_of_budgets(paused: tuple[Faces, str]) -> None:
    faces, run_id = paused
    command, request = faces.command(["budgets", "list"]), faces.request("GET", "/api/budgets", None)
    assert command.value == request.value
    assert command.value["paused_runs"] == [run_id]
    [row] = command.value["budgets"]
    assert (row["workflow"], row["period"], row["state"], row["used"]["calls"]) == (None, "day", "used_up", 0)
    page = faces.page(lambda go: go("budgets"))
    assert "used up" in page.message


def test_a_budget_of_each_run_that_was_just_saved_is_shown(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    assert faces.command(["budgets", "set", "workflow.run", "--calls", "5"]).error == ""
    listed = faces.command(["budgets", "list", "--workflow", "commit-digest"]).value["budgets"]
    assert [(one["is_default"], one["sentence"]) for one in listed] == [(True, "5 calls for each run")]
    assert faces.command(["budgets", "list", "--workflow", "commit-digset"]).error == "UnknownName"
    at = faces.page(lambda go: go("budgets")).value
    assert "Each run: 5 calls for each run; at the limit: runs wait" in [one.value for one in at.markdown]
    assert not [one.value for one in at.info]


@pytest.mark.parametrize("face", ["command", "request", "page"])
def test_a_paused_run_is_resumed_from_each_face_once_its_budget_is_raised(paused: tuple[Faces, str], face: str) -> None:
    faces, run_id = paused
    set_budget(faces.orchestra, 5)
    if face == "command":
        assert faces.command(["budgets", "resume"]).error == ""
    elif face == "request":
        assert faces.request("POST", "/api/budgets/resume", None).value == {"run_ids": [run_id]}
    else:
        assert faces.page(lambda go: go("budgets").button(key="resume-paused").click().run()).error == ""
    until(lambda: status(faces, run_id) == RunStatus.SUCCEEDED)
    assert faces.orchestra.budgets.overview(OWNER).day.calls == 1


def test_every_face_sets_budgets_and_what_else_is_in_the_file_stays(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    config = faces.orchestra.workspace.root / "config.yaml"
    before = config.read_text(encoding="utf-8")
    rest = before.partition("budgets:")[0]

    def press(go: Open) -> AppTest:
        at = go("budgets")
        [calls] = [one for one in at.number_input if (one.key or "").endswith("-workflow.run-calls")]
        calls.set_value(7)
        return at.button(key="save-budgets").click().run()

    assert faces.command(["budgets", "set", "day", "--usd", "5", "--on-limit", "warn"]).error == ""
    faces.page(press)
    assert faces.command(["budgets", "set", "--strict"]).error == ""
    wanted = {"day": {"usd": 5, "on_limit": "warn"}, "workflow": {"run": {"calls": 7}}, "strict": True}
    shown = faces.request("GET", "/api/budgets/settings", None).value
    assert faces.orchestra.budgets.settings(OWNER) == wanted
    assert shown["day"]["usd"] == 5
    assert faces.command(["budgets", "show"]).value == wanted
    assert config.read_text(encoding="utf-8").startswith(rest)
    wrong = faces.request("PUT", "/api/budgets/settings", {"day": {"usd": -1}, "dya": {}})
    assert "budgets.day.usd" in wrong.message
    assert faces.orchestra.budgets.settings(OWNER) == wanted
    assert faces.request("PUT", "/api/budgets/settings", {}).error == ""
    assert faces.orchestra.budgets.settings(OWNER) == {}
    with pytest.raises(NotAllowed):
        faces.orchestra.budgets.set(Principal("ed", "editor"), {})
    assert [action for action, _ in faces.trail() if action == "budgets.set"] == ["budgets.set"] * 4


@pytest.mark.parametrize(
    ("wanted", "place", "said"),
    [
        ({"day": {"usd": True}}, "day.usd", "a number, not true"),
        ({"day": {"usd": "5"}}, "day.usd", "a number, not '5'"),
        ({"month": {"calls": True}}, "month.calls", "a whole number, not true"),
        ({"workflow": {"run": {"tokens": "5"}}}, "workflow.run.tokens", "a whole number, not '5'"),
        ({"day": {"usd": 1, "on_limit": {"model": 5}}}, "day.on_limit.model", "text in quotes, not 5"),
        ({"strict": "yes"}, "strict", "true or false, not 'yes'"),
        ({"strict": 1}, "strict", "true or false, not 1"),
    ],
)
def test_a_value_of_another_type_is_no_budget(
    make_faces: Callable[[], Faces], wanted: dict[str, object], place: str, said: str
) -> None:
    faces = make_faces()
    before = faces.state()
    refused = faces.request("PUT", "/api/budgets/settings", wanted)
    assert refused.error == "InvalidInput"
    assert f"`budgets.{place}`: " in refused.message
    assert said in refused.message
    assert faces.state() == before


def test_a_tiny_budget_is_set_on_every_face(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    assert faces.command(["budgets", "set", "day", "--usd", "1e-9"]).value == {"day": {"usd": 1e-9}}
    assert faces.request("PUT", "/api/budgets/settings", {"month": {"usd": 2.5e-7}}).error == ""
    assert faces.orchestra.budgets.settings(OWNER) == {"month": {"usd": 2.5e-7}}


def test_every_face_tells_what_a_run_has_used_with_the_runs_that_it_called(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    caller = {"schema_version": 1, "title": "Caller", "steps": [ASK_STEP, CALL, CALL | {"id": "again"}]}
    for name, document in (("ask", ASK), ("caller", caller)):
        (faces.orchestra.workspace.root / "workflows" / f"{name}.json").write_text(json.dumps(document))
    run_id = faces.orchestra.runs.start(OWNER, "caller", {})
    own = faces.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["usage"]
    command = faces.command(["usage", "--run", run_id]).value
    assert command == faces.request("GET", f"/api/usage/runs/{run_id}").value
    assert command == {"calls": 3, "cost_usd": 0} | {name: 3 * own[name] for name in ("input_tokens", "output_tokens")}
    page = faces.page(lambda go: go("run", id=run_id)).value
    tokens = f"{command['input_tokens']} tokens in, {command['output_tokens']} out, $0.00"
    assert f"with the runs that it called: {tokens}" in " ".join(one.value for one in page.caption).replace("\\", "")
    unknown = "20260101T000000Z-aaaaaaaa"
    for face in (faces.command(["usage", "--run", unknown]), faces.request("GET", f"/api/usage/runs/{unknown}")):
        assert face.error == "UnknownName"
