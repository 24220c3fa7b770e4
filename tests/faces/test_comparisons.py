"""A prompt is compared on every face alike: the same columns, answers, refusals and trail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from cli import main
from engine.base.statuses import AccountMode
from engine.people.access import Principal
from tests.conftest import StandIns
from tests.faces.conftest import Faces, Open, Outcome
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("owner", "owner")
NAME = "classify-mail"
CHAT = "POST /v1/chat/completions"
IMPOSSIBLE = {"type": "object", "required": ["kind", "owner"], "properties": {"kind": {"const": "x"}}}
Make = Callable[[], Faces]


@pytest.fixture
def faces(make_faces: Make) -> Faces:
    """A workspace with a prompt whose draft asks about a newsletter, whatever the values are."""
    faces = make_faces()
    faces.page(lambda go: go("home"))  # whoever signs in first leaves a line of their own
    write(faces)
    return faces


def write(faces: Faces, **changed: Any) -> None:
    path = faces.orchestra.workspace.root / "prompts" / f"{NAME}.json"
    document = json.loads(path.read_text())
    document["messages"][1]["content"] = ["A newsletter: unsubscribe here. Thank you."]
    path.write_text(json.dumps({**document, **changed}))


def by_command(faces: Faces, columns: Sequence[str], sample: str = "A bug") -> Outcome:
    return faces.command(["prompts", "compare", NAME, *columns, "--sample", sample, "--demo"])


def by_request(faces: Faces, columns: Sequence[str], sample: str = "A bug", user_id: str = "owner") -> Outcome:
    asked = [{"draft": True} if one == "draft" else {"version": one} for one in columns]
    return faces.request("POST", f"/api/prompts/{NAME}/compare", {"columns": asked, "sample": sample}, user_id)


def by_page(faces: Faces, columns: Sequence[str], sample: str = "A bug") -> Outcome:
    asked = " ".join(columns)

    def press(go: Open) -> AppTest:
        at = go("prompt", name=NAME, tab="compare", values=f"sample:{sample}", columns=asked)
        return at.button(key=f"ask-compare-{NAME}").click().run()

    return faces.page(press)


def without_chance(comparison: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a comparison without what differs from one to the next."""
    gone = ("id", "started_by", "started_at", "ended_at", "seconds", "owner", "account")
    tries = [
        {**{name: value for name, value in one.items() if name not in gone}, "column": one["column"]["title"]}
        for one in comparison["tries"]
    ]
    return {**{name: value for name, value in comparison.items() if name != "id"}, "tries": tries}


def test_each_face_compares_alike_and_leaves_the_same_trail(faces: Faces) -> None:
    found = []
    for act in (by_command, by_request):
        trail = len(faces.trail())
        found.append(act(faces, ["production", "1"]).value)
        assert faces.trail()[trail:] == [("prompts.try", NAME)] * 2
    assert without_chance(found[0]) == without_chance(found[1])
    assert (found[0]["status"], found[0]["differences"]["is_same"]) == ("succeeded", True)
    trail = len(faces.trail())
    assert by_page(faces, ["1", "draft"]).error == ""
    assert faces.trail()[trail:] == [("prompts.try", NAME)] * 2
    [last, *_] = faces.orchestra.comparisons.list(OWNER, NAME)
    last = faces.orchestra.comparisons.wait(OWNER, NAME, last["id"], PATIENCE_SECONDS)
    assert [one["version"] for one in last["tries"]] == [1, None]
    kinds = {one["field"]: one["values"] for one in last["differences"]["fields"]}["kind"]
    assert kinds == ["bug", "nothing"], "the text in the editor"
    shown = faces.page(lambda go: go("prompt", name=NAME, tab="compare"), "viewer").value
    assert any("bug  **|**  nothing" in str(one.value) for one in shown.markdown)
    assert f"ask-compare-{NAME}" not in {one.key for one in shown.button}
    listed = faces.request("GET", f"/api/prompts/{NAME}/comparisons").value["comparisons"]
    assert [one["id"] for one in listed] == [last["id"], *(one["id"] for one in reversed(found))]
    assert faces.request("GET", f"/api/prompts/{NAME}/comparisons/{found[0]['id']}").value == found[0]


def test_what_differs_is_shown_by_field(faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    found = by_request(faces, ["production", "draft"]).value
    differing = {one["field"]: one["values"] for one in found["differences"]["fields"] if not one["is_same"]}
    assert differing["kind"] == ["bug", "nothing"]
    command = ["prompts", "compare", NAME, "production", "draft:large", "--sample", "A bug", "--demo"]
    command += ["--workspace", str(faces.orchestra.workspace.root)]
    capsys.readouterr()
    assert main(command) == 0
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [line for line in shown if line.startswith(("1 production", "2 draft · large"))]
    assert 'kind "bug" "nothing"' in shown
    write(faces, output_schema=IMPOSSIBLE)
    assert main(command) == 1
    assert "Column 2: Problem: " in capsys.readouterr().err


REFUSED = [
    ("InvalidInput", ["production"], "A bug"),
    ("UnknownName", ["production", "9"], "A bug"),
    ("UnknownName", ["production", "draft"], "Nothing"),
]


@pytest.mark.parametrize(("kind", "columns", "sample"), REFUSED)
def test_command_and_request_refuse_alike(faces: Faces, kind: str, columns: Sequence[str], sample: str) -> None:
    said = [by_command(faces, columns, sample), by_request(faces, columns, sample)]
    assert [one.error for one in said] == [kind, kind]
    assert said[0] == said[1]
    assert faces.orchestra.tries.list(OWNER, NAME) == []


def test_each_face_asks_once_for_all_real_accounts(
    faces: Faces, standins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = standins["openai"]
    monkeypatch.setenv("OPENAI_API_KEY", server.token)
    config = faces.orchestra.workspace.root / "config.yaml"
    llm = {"service": "openai", "base_url": server.base_url, "api_key": "env:OPENAI_API_KEY", "model": "big"}
    config.write_text(yaml.safe_dump({"connections": {"llm": llm, "other": {**llm, "model": "small"}}}))
    faces.orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
    before = standins.requests("openai").get(CHAT, 0)
    asked = [{"version": "1", "connection": "llm"}, {"version": "1", "connection": "other"}]
    refused = [
        faces.command(["prompts", "compare", NAME, "1@llm", "1@other", "--sample", "A bug"]),
        faces.request("POST", f"/api/prompts/{NAME}/compare", {"columns": asked, "sample": "A bug"}),
    ]
    assert [one.error for one in refused] == ["ConfirmationNeeded", "ConfirmationNeeded"]
    assert refused[0] == refused[1]
    at = faces.page(lambda go: go("prompt", name=NAME, tab="compare", columns="1@llm 1@other")).value
    at.button(key=f"look-compare-{NAME}").click().run()
    assert [len(faces.orchestra.tries.list(OWNER, NAME)), standins.requests("openai").get(CHAT, 0)] == [0, before]
    [said] = [str(one.value).replace("\\", "") for one in at.markdown if "for the first time" in str(one.value)]
    assert ("big at 127.0.0.1" in said, "small at 127.0.0.1" in said) == (True, True), said
    at.button(key=f"confirm-ask-compare-{NAME}").click().run()
    [begun] = faces.orchestra.comparisons.list(OWNER, NAME)
    ended = faces.orchestra.comparisons.wait(OWNER, NAME, begun["id"], PATIENCE_SECONDS)
    assert (ended["status"], standins.requests("openai").get(CHAT, 0) - before) == ("succeeded", 2)
    assert [what for what, _ in faces.trail()[-3:]] == ["prompts.confirm", "prompts.try", "prompts.try"]
