"""A prompt is tried on every face alike: the same question, answer, refusals, rights, and trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from engine.base.statuses import AccountMode
from engine.people.access import Principal
from tests.conftest import StandIns
from tests.faces.conftest import Faces, Open, Outcome
from tests.patience import PATIENCE_SECONDS, until

OWNER = Principal("owner", "owner")
NAME = "classify-mail"
CHAT = "POST /v1/chat/completions"
MAIL = {"subject": "Export fails", "text": "The export crashes with an error."}
Make = Callable[[], Faces]


def by_command(faces: Faces, **wish: Any) -> Outcome:
    reference = f"{NAME}@{wish['version']}" if "version" in wish else NAME
    given = ["--sample", wish["sample"]] if "sample" in wish else []
    given += [f"--input={name}={value}" for name, value in wish.get("variables", {}).items()]
    given += ["--run", wish["run_id"], "--step", wish["step"]] if "run_id" in wish else []
    return faces.command(["prompts", "try", reference, "--demo", *given, *(["--draft"] if wish.get("draft") else [])])


def by_request(faces: Faces, **wish: Any) -> Outcome:
    return faces.request("POST", f"/api/prompts/{NAME}/try", wish)


def by_page(faces: Faces, **wish: Any) -> Outcome:
    def press(go: Open) -> AppTest:
        source = f"sample:{wish['sample']}" if "sample" in wish else "own"
        source = f"run:{wish['run_id']} {wish['step']}" if "run_id" in wish else source
        at = go("prompt", name=NAME, tab="try", values=source)
        for name, value in wish.get("variables", {}).items():
            next(one for one in at.text_area if one.label == name.capitalize()).set_value(value)
        if not wish.get("draft"):
            at.selectbox(key=f"try-text-{NAME}").set_value(int(wish.get("version", 1)))
        at.run()
        at.button(key=f"ask-{NAME}").click()
        return at.run()

    return faces.page(press)


def last(faces: Faces) -> Mapping[str, Any]:
    """Return the newest try without what differs from one to the next."""
    until(lambda: faces.orchestra.tries.list(OWNER, NAME)[0]["ended_at"] is not None)
    one = dict(faces.orchestra.tries.list(OWNER, NAME)[0])
    for member in ("id", "started_by", "started_at", "ended_at", "seconds", "owner", "version", "account"):
        one.pop(member)
    return one


GOOD = {"sample": {"sample": "A bug"}, "typed": {"variables": MAIL}, "draft": {"variables": MAIL, "draft": True}}


@pytest.mark.parametrize("wish", [pytest.param(wish, id=name) for name, wish in GOOD.items()])
def test_each_face_asks_the_same_and_leaves_the_same_trail(make_faces: Make, wish: Mapping[str, Any]) -> None:
    faces = make_faces()
    faces.page(lambda go: go("home"))  # whoever signs in first leaves a line of their own
    found = []
    for act in (by_command, by_request, by_page):
        trail = len(faces.trail())
        assert act(faces, **wish).error == "", act.__name__
        found.append(last(faces))
        assert faces.trail()[trail:] == [("prompts.try", NAME)], act.__name__
    assert found[0]["status"] == "succeeded"
    assert found[0]["answer"]["value"]["kind"] == "bug"
    assert found[0] == found[1]
    assert {**found[0], "source": {}} == {**found[2], "source": {}}


REFUSED: list[tuple[str, Mapping[str, Any]]] = [
    ("UnknownName", {"sample": "Nothing"}),
    ("UnknownName", {"version": "9", "sample": "A bug"}),
    ("InvalidInput", {"variables": {"subject": "a\0b"}, "sample": "A bug"}),
    ("UnknownName", {"run_id": "20261121T120000Z-aaaaaaaa", "step": "ask"}),
]


@pytest.mark.parametrize(("kind", "wish"), REFUSED)
def test_command_and_request_refuse_alike(make_faces: Make, kind: str, wish: Mapping[str, Any]) -> None:
    faces = make_faces()
    said = [by_command(faces, **wish), by_request(faces, **wish)]
    assert [one.error for one in said] == [kind, kind]
    assert said[0] == said[1]
    assert faces.orchestra.tries.list(OWNER, NAME) == []


def test_bytes_that_are_no_text_are_refused(make_faces: Make) -> None:
    outcome = by_command(make_faces(), variables={"subject": "\udcff"}, sample="A bug")
    assert (outcome.error, "half of a surrogate pair" in outcome.message) == ("InvalidInput", True)


def test_a_variable_is_at_most_64_levels_deep(make_faces: Make) -> None:
    faces = make_faces()
    for levels in (64, 65):
        deep = json.loads("[" * levels + "]" * levels)
        outcome = by_request(faces, variables={"subject": deep}, sample="A bug")
        assert ("nested deeper than 64 levels" in outcome.message) is (levels > 64), outcome


def test_a_step_of_a_run_is_taken_up_on_every_face(make_faces: Make) -> None:
    faces = make_faces()
    asking = {"id": "ask", "uses": "llm.extract", "with": {"prompt": f"{NAME}@production", "variables": MAIL}}
    path = faces.orchestra.workspace.root / "workflows" / "asking.json"
    path.write_text(json.dumps({"schema_version": 1, "steps": [asking]}))
    run_id = faces.orchestra.runs.start(OWNER, "asking", {})
    assert faces.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    command, request = faces.command(["prompts", "calls", NAME]), faces.request("GET", f"/api/prompts/{NAME}/calls")
    assert command.value == request.value
    [call] = command.value["calls"]
    for act in (by_command, by_request, by_page):
        assert act(faces, run_id=call["run_id"], step=call["step"]).error == "", act.__name__
        assert last(faces)["variables"] == MAIL, act.__name__
        assert last(faces)["source"] == {"run_id": run_id, "step": "ask"}, act.__name__
    listed = faces.request("GET", f"/api/prompts/{NAME}/tries").value["tries"]
    assert listed == faces.command(["prompts", "tries", NAME]).value["tries"]
    shown = faces.page(lambda go: go("prompt", name=NAME, tab="try", **{"try": listed[0]["id"]})).value
    assert any("Fits the format of the answer" in str(one.value) for one in shown.markdown)


def test_who_may_not_start_runs_sees_tries_and_asks_nothing(make_faces: Make) -> None:
    faces = make_faces()
    assert by_request(faces, sample="A bug").error == ""
    for role, error in (("viewer", "NotAllowed"), ("operator", ""), ("editor", "")):
        assert faces.request("POST", f"/api/prompts/{NAME}/try", {"sample": "A bug"}, role).error == error, role
        assert faces.request("GET", f"/api/prompts/{NAME}/tries", None, role).value["tries"], role
        at = faces.page(lambda go: go("prompt", name=NAME, tab="try"), role).value
        assert (f"ask-{NAME}" in {one.key for one in at.button}) == (not error), role


def test_each_face_asks_before_a_real_account_is_asked(
    make_faces: Make, standins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, server = make_faces(), standins["openai"]
    monkeypatch.setenv("OPENAI_API_KEY", server.token)
    config = faces.orchestra.workspace.root / "config.yaml"
    llm = {"service": "openai", "base_url": server.base_url, "api_key": "env:OPENAI_API_KEY", "model": "big"}
    config.write_text(yaml.safe_dump({"connections": {"llm": llm}}))
    faces.orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
    before = standins.requests("openai").get(CHAT, 0)

    def asked() -> int:
        return standins.requests("openai").get(CHAT, 0) - before

    command = ["prompts", "try", NAME, "--sample", "A bug"]
    refused = [faces.command(command), by_request(faces, sample="A bug")]
    assert [one.error for one in refused] == ["ConfirmationNeeded", "ConfirmationNeeded"]
    assert refused[0] == refused[1]
    at = faces.page(lambda go: go("prompt", name=NAME, tab="try")).value
    at.button(key=f"look-{NAME}").click().run()
    assert (asked(), f"ask-{NAME}" in {one.key for one in at.button}) == (0, False)
    assert any("for the first time" in str(one.value) for one in at.markdown)
    at.button(key=f"confirm-ask-{NAME}").click().run()
    assert last(faces)["demo"] is False
    assert asked() == 1
    assert faces.command(command).error == ""  # agreed to by now
    assert asked() == 2
    assert [what for what, _ in faces.trail()[-3:]] == ["prompts.confirm", "prompts.try", "prompts.try"]
