"""Cases are saved, tested and deleted on every face alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from cli import main
from engine.people.access import Principal
from engine.runs.prompt_tries.reports import report_of
from engine.runs.prompt_tries.try_requests import TryRequest
from tests.faces.conftest import Faces, Outcome
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("owner", "owner")
NAME = "classify-mail"
MAIL = {"subject": "Export fails", "text": "The export crashes with an error."}
BUG = [{"type": "field_equals", "field": "kind", "value": "bug"}]
Make = Callable[[], Faces]


def empty(faces: Faces) -> Faces:
    """Delete the cases that ship with the prompt."""
    for case in faces.orchestra.cases.list(OWNER, NAME):
        faces.orchestra.cases.delete(OWNER, NAME, case.case)
    return faces


def tried(faces: Faces) -> str:
    """Try the prompt; return the id of the try."""
    one = faces.orchestra.tries.start(OWNER, NAME, TryRequest(variables=MAIL))
    faces.orchestra.tries.wait(OWNER, NAME, one["id"], PATIENCE_SECONDS)
    return one["id"]


def saved(faces: Faces) -> Mapping[str, Any]:
    """Return the only case, and delete it."""
    [case] = faces.orchestra.cases.list(OWNER, NAME)
    faces.orchestra.cases.delete(OWNER, NAME, case.case)
    assert case.document is not None
    return {"case": case.case, **case.document}


def save_on_page(faces: Faces, try_id: str) -> Outcome:
    def press(go: Any) -> Any:
        at = go("prompt", name=NAME, tab="try", **{"try": try_id})
        at.text_input(key=f"case-name-{try_id}").set_value("A crash").run()
        return at.button(key=f"case-save-{try_id}").click().run()

    return faces.page(press)


def test_each_face_saves_the_same_case_of_a_try(make_faces: Make) -> None:
    faces = empty(make_faces())
    try_id = tried(faces)
    acts: list[Callable[[], Outcome]] = [
        lambda: faces.command(["prompts", "save-case", NAME, "A crash", "--try", try_id]),
        lambda: faces.request("POST", f"/api/prompts/{NAME}/cases", {"name": "A crash", "try_id": try_id}),
        lambda: save_on_page(faces, try_id),
    ]
    for act in acts:
        trail = len(faces.trail())
        assert act().error == ""
        assert faces.trail()[trail:] == [("prompts.add_case", NAME)]
        answer = {"kind": "bug", "title": "Export fails", "summary": "The export crashes with an error."}
        whole = {"case": "a-crash", "name": "A crash", "variables": MAIL, "answer": answer, "assertions": BUG}
        assert saved(faces) == whole


@pytest.fixture
def faces(make_faces: Make) -> Faces:
    """A workspace with a case that passes, and one that fails."""
    faces = empty(make_faces())
    add = faces.orchestra.cases.add
    add(OWNER, NAME, {"name": "Crash", "variables": MAIL, "assertions": BUG})
    add(OWNER, NAME, {"name": "Hello", "variables": {"subject": "Hi", "text": "Hello"}, "assertions": BUG})
    return faces


def test_each_face_tests_a_prompt_with_the_same_result(faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    root = faces.orchestra.workspace.root
    junit = root / "result.xml"
    command = ["prompts", "test", NAME, "--demo", "--json", "--junit", str(junit), "--workspace", str(root)]
    assert main(command) == 1
    by_command = json.loads(capsys.readouterr().out)
    wanted = {"case": "hello", "assertion": "field_equals", "message": '\'kind\' is "unsure", not "bug".'}
    assert {name: by_command[name] for name in ("prompt", "version", "cases", "passed", "failed")} == {
        "prompt": NAME,
        "version": 1,
        "cases": 2,
        "passed": 1,
        "failed": [wanted],
    }
    assert by_command["usage"]["output_tokens"] > 0
    assert junit_cases(junit) == {"crash": [], "hello": [wanted["message"]]}
    by_request = faces.request("POST", f"/api/prompts/{NAME}/test", {"fresh": True}).value
    assert by_request.keys() == by_command.keys()
    own = {name: by_request[name] for name in ("id", "started_by", "started_at", "ended_at")}
    assert by_request == {**by_command, **own}
    page = faces.page(lambda go: go("prompt", name=NAME, tab="cases").button(key=f"test-{NAME}").click().run())
    assert page.error == ""
    report = report_of(faces.orchestra.case_tests.wait(OWNER, NAME, PATIENCE_SECONDS))
    assert report["against"] is not None
    assert (report["failed"], report["regressions"], report["reused"]) == ([wanted], [], 4)
    assert main(["prompts", "test", "--demo", "--against", "production", "--workspace", str(root)]) == 0


def test_each_face_tests_a_prompt_with_takeover_mails(make_faces: Make, capsys: pytest.CaptureFixture[str]) -> None:
    faces = empty(make_faces())
    root = faces.orchestra.workspace.root
    command = ["prompts", "test", NAME, "--takeover", "--demo", "--json", "--workspace", str(root)]
    assert main([*command, "--expect", "kind=bug"]) == 1
    by_command = json.loads(capsys.readouterr().out)
    assert (by_command["cases"], by_command["asked"]) == (40, 40)
    assert 30 < by_command["passed"] < 40
    sent = {"takeover": {"expect": {"kind": "bug"}}}
    by_request = faces.request("POST", f"/api/prompts/{NAME}/test", sent).value
    assert (by_request["failed"], by_request["reused"]) == (by_command["failed"], 40)

    def press(go: Any) -> Any:
        at = go("prompt", name=NAME, tab="cases")
        at.text_input(key=f"takeover-expect-{NAME}").set_value("kind=bug").run()
        return at.button(key=f"takeover-{NAME}").click().run()

    assert faces.page(press).error == ""
    report = report_of(faces.orchestra.case_tests.wait(OWNER, NAME, PATIENCE_SECONDS))
    assert report["failed"] == by_command["failed"]
    assert main([*command[:3], "--variable", "text", *command[4:]]) == 2
    assert main([*command, "--variable", "nothing"]) == 2
    refused = faces.request("POST", f"/api/prompts/{NAME}/test", {"takeover": {"variable": "nothing"}})
    assert refused.error == "InvalidInput"


def junit_cases(path: Path) -> dict[str, list[str]]:
    """Return the messages of the failures in a JUnit file, by case."""
    tree = ET.parse(path)
    return {
        str(one.get("name")): [str(failure.get("message")) for failure in one.iter("failure")]
        for one in tree.iter("testcase")
    }


def test_each_face_deletes_a_case_and_refuses_an_unknown_one(faces: Faces) -> None:
    unknown = [
        faces.command(["prompts", "delete-case", NAME, "nothing"]),
        faces.request("DELETE", f"/api/prompts/{NAME}/cases/nothing"),
    ]
    assert [one.error for one in unknown] == ["UnknownName", "UnknownName"]
    assert unknown[0] == unknown[1]
    assert faces.command(["prompts", "delete-case", NAME, "crash"]).error == ""
    faces.orchestra.cases.add(OWNER, NAME, {"name": "Crash"})
    assert faces.request("DELETE", f"/api/prompts/{NAME}/cases/crash").error == ""

    def press(go: Any) -> Any:
        return go("prompt", name=NAME, tab="cases").button(key=f"delete-case-{NAME}-hello").click().run()

    assert faces.page(press).error == ""
    assert faces.orchestra.cases.list(OWNER, NAME) == []


def test_who_may_not_edit_tests_and_changes_nothing(faces: Faces) -> None:
    for role, may_run, may_edit in (("viewer", False, False), ("operator", True, False), ("editor", True, True)):
        tested = faces.request("POST", f"/api/prompts/{NAME}/test", {}, role)
        assert (tested.error == "") == may_run, role
        made = faces.request("POST", f"/api/prompts/{NAME}/cases", {"name": f"By {role}"}, role)
        assert made.error == ("" if may_edit else "NotAllowed"), role
        at = faces.page(lambda go: go("prompt", name=NAME, tab="cases"), role).value
        keys = {str(one.key) for one in at.button}
        assert (f"test-{NAME}" in keys) == may_run, role
        assert (f"save-case-{NAME}" in keys) == may_edit, role
