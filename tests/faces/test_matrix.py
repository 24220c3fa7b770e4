"""A prompt is tested with several texts and models on every face alike, and each face shows the tests of the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from cli import main
from tests.faces.conftest import Faces
from tests.faces.test_cases import BUG, MAIL, NAME, OWNER, empty
from tests.patience import PATIENCE_SECONDS

HELLO = {"subject": "Hi", "text": "Hello"}


@pytest.fixture
def faces(make_faces: Callable[[], Faces]) -> Faces:
    """Two cases that production passes; the draft forgets the mail."""
    faces = empty(make_faces())
    cases, prompts = faces.orchestra.cases, faces.orchestra.prompts
    cases.add(OWNER, NAME, {"name": "Crash", "variables": MAIL, "assertions": BUG})
    cases.add(OWNER, NAME, {"name": "Hello", "variables": HELLO})
    file = prompts.get(OWNER, NAME)
    changed = {**(file.document or {}), "messages": [{"role": "user", "content": "Sort the mail."}]}
    prompts.save(OWNER, NAME, json.dumps(changed), file.etag)
    return faces


def of_this_test(matrix: Any) -> Any:
    """Return a matrix without what differs between two equal tests."""
    differing = ("id", "started_at", "ended_at", "started_by", "owner", "asked", "reused", "usage")
    columns = [
        {**one, "cells": {case: [each["failures"] for each in cell] for case, cell in one["cells"].items()}}
        for one in matrix["columns"]
    ]
    return {**{name: value for name, value in matrix.items() if name not in differing}, "columns": columns}


def test_each_face_tests_the_same_columns_with_the_same_result(
    faces: Faces, capsys: pytest.CaptureFixture[str]
) -> None:
    root = faces.orchestra.workspace.root
    junit = root / "result.xml"
    shared = ["prompts", "matrix", NAME, "--demo", "--workspace", str(root)]
    command = [*shared, "--column", "production", "--column", "draft:other", "--repeat", "2", "--junit", str(junit)]
    capsys.readouterr()
    assert main([*command, "--json"]) == 1
    by_command = json.loads(capsys.readouterr().out)
    assert by_command["columns"][1]["regressions"] == ["crash"]
    assert (by_command["status"], by_command["order"]) == ("failed", ["crash", "hello"])
    assert junit_failures(junit) == ["crash"]
    columns: list[Any] = ["production", {"draft": True, "model": "other"}]
    by_request = faces.request("POST", f"/api/prompts/{NAME}/tests", {"columns": columns, "repeat": 2}).value
    assert of_this_test(by_request) == of_this_test(by_command)
    assert (by_request["asked"], by_request["reused"]) == (0, 8)

    def press(go: Any) -> Any:
        at = go("prompt", name=NAME, tab="cases")
        at.text_input(key=f"test-models-{NAME}").set_value("other, demo-extractive").run()
        return at.button(key=f"test-{NAME}").click().run()

    assert faces.page(press).error == ""
    by_page = faces.orchestra.case_tests.wait(OWNER, NAME, PATIENCE_SECONDS)
    assert [(one["version"], one["model"]) for one in by_page["columns"]] == [
        (1, "other"),
        (1, "demo-extractive"),
        (None, "other"),
        (None, "demo-extractive"),
    ]
    assert [one["regressions"] for one in by_page["columns"]] == [[], [], ["crash"], ["crash"]]
    assert main([*shared, "--column", "production"]) == 0
    assert main([*shared, "--column", "draft", "--against", "draft"]) == 0, "what fails already is no regression"


def junit_failures(path: Path) -> list[str]:
    """Return the cases with a failure in a JUnit file."""
    return [str(one.get("name")) for one in ET.parse(path).iter("testcase") if one.find("failure") is not None]


def test_each_face_asks_takeover_mails_in_several_columns(faces: Faces) -> None:
    """The draft does not contain the mail, so no word of a mail comes out, and no answer is a bug."""
    columns, expect = ["production", "draft"], {"kind": "bug"}
    command = ["prompts", "matrix", NAME, "--takeover", "--expect", "kind=bug", "--column", "production", "--demo"]
    faces.capsys.readouterr()
    assert main([*command, "--column", "draft", "--json", "--workspace", str(faces.orchestra.workspace.root)]) == 1
    by_command = json.loads(faces.capsys.readouterr().out)
    sent = {"columns": columns, "takeover": {"expect": expect}}
    by_request = faces.request("POST", f"/api/prompts/{NAME}/tests", sent).value
    assert of_this_test(by_request) == of_this_test(by_command)
    assert (by_request["asked"], by_request["reused"]) == (0, 80)
    assert len(by_command["order"]) == 40
    assert all(case.startswith("takeover-") for case in by_command["order"])
    baseline, draft = by_command["columns"]
    assert [len(one["regressions"]) for one in (baseline, draft)] == [0, 34], "the mails that production passes"
    assert {fault["assertion"] for cell in draft["cells"].values() for fault in cell[0]["failures"]} == {"field_equals"}

    def press(go: Any) -> Any:
        at = go("prompt", name=NAME, tab="cases")
        at.text_input(key=f"takeover-expect-{NAME}").set_value("kind=bug").run()
        return at.button(key=f"takeover-{NAME}").click().run()

    assert faces.page(press).error == ""
    by_page = faces.orchestra.case_tests.wait(OWNER, NAME, PATIENCE_SECONDS)
    assert [one["regressions"] for one in by_page["columns"]] == [[], draft["regressions"]]
    refused = faces.request("POST", f"/api/prompts/{NAME}/tests", {**sent, "takeover": {"variable": "nothing"}})
    assert refused == faces.command([*command, "--variable", "nothing"])
    assert refused.error == "InvalidInput"


def test_each_face_shows_a_kept_test(faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    sent = {"columns": ["production", "draft"]}
    made = faces.request("POST", f"/api/prompts/{NAME}/tests", sent).value
    faces.request("POST", f"/api/prompts/{NAME}/tests", {"columns": ["1"]})
    by_request = faces.request("GET", f"/api/prompts/{NAME}/tests").value
    assert by_request == faces.command(["prompts", "tests", NAME]).value
    assert [one["columns"] for one in by_request["tests"]] == [["version 1"], ["production", "draft"]]
    for only, cases in (("failed", ["crash"]), ("changed", ["crash"]), ("different", ["crash", "hello"])):
        shown = faces.request("GET", f"/api/prompts/{NAME}/tests/{made['id']}?only={only}").value
        assert shown["order"] == cases
        assert faces.command(["prompts", "tests", NAME, "--id", made["id"], "--only", only]).value == shown
    capsys.readouterr()
    root = str(faces.orchestra.workspace.root)
    assert main(["prompts", "tests", NAME, "--id", made["id"], "--workspace", root]) == 0
    printed = capsys.readouterr().out
    assert "crash  passed      FAILED, worse" in printed
    assert "2 of 2 answered differently" in printed
    at = faces.page(lambda go: go("prompt", name=NAME, tab="cases", test=made["id"], cell="1.crash")).value
    [table] = at.dataframe
    assert [list(one) for one in table.value.values] == [
        ["Crash", "passed", "FAILED, worse"],
        ["Hello", "passed", "passed, differs"],
    ]
    said = "\n".join(str(one.value).replace("\\", "") for one in [*at.markdown, *at.caption, *at.warning])
    assert "2 of 2 answered differently" in said
    assert 'field_equals: \'kind\' is "unsure", not "bug".' in said.replace("\u2060", "").replace(":color[]", "")
    unknown = [
        faces.command(["prompts", "tests", NAME, "--id", "nothing"]),
        faces.request("GET", f"/api/prompts/{NAME}/tests/nothing"),
    ]
    assert [one.error for one in unknown] == ["UnknownName", "UnknownName"]
    assert unknown[0] == unknown[1]


def test_who_may_not_run_looks_only(faces: Faces) -> None:
    sent = {"columns": ["production"]}
    made = faces.request("POST", f"/api/prompts/{NAME}/tests", sent, "operator").value
    assert faces.trail()[-1] == ("prompts.test", NAME)
    path = f"/api/prompts/{NAME}/tests/{made['id']}"
    assert faces.request("GET", path, user_id="viewer").error == ""
    refused = [
        faces.request("POST", f"/api/prompts/{NAME}/tests", sent, "viewer"),
        faces.request("POST", f"{path}/cancel", None, "viewer"),
    ]
    assert [one.error for one in refused] == ["NotAllowed", "NotAllowed"]
    at = faces.page(lambda go: go("prompt", name=NAME, tab="cases"), "viewer").value
    assert f"test-{NAME}" not in {str(one.key) for one in at.button}
    assert len(at.dataframe) == 1
