"""A tool of the workspace on every face: made by a command, tested by each, and shown with its files and its users."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.sandbox.walls import walls
from tests.engine.conftest import write_workflow
from tests.faces.conftest import Faces, Open

pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")


def test_every_face_tests_a_tool_and_says_what_fails(make_faces: Callable[[], Faces]) -> None:
    faces = make_faces()
    root = faces.orchestra.workspace.root
    assert faces.command(["tools", "new", "iban-check", "--sample", "iban-check"]).error == ""
    (root / "tools" / "iban-check" / "tested.json").unlink()  # as if it came from elsewhere
    write_workflow(root, "pay", [{"id": "check", "uses": "tool.iban-check", "with": {"iban": "x"}}])
    known = faces.request("GET", "/api/tools").value["tools"]
    assert known == faces.command(["tools", "list"]).value["tools"]
    assert [(one["name"], one["state"], one["used_by"]) for one in known] == [("iban-check", "untested", ["pay"])]
    assert faces.request("POST", "/api/tools/iban-check/test", user_id="viewer").error == "NotAllowed"
    asked = faces.raw("GET", "/api/workflows/pay", "").text
    assert "has not been tested" in asked

    def press(go: Open) -> AppTest:
        page = go("tools", tool="iban-check")
        page.selectbox(key="tool-file-iban-check").select("main.py").run()
        assert any("LENGTHS" in str(one.value) for one in page.text_area)
        return page.button(key="tools-test-iban-check").click().run()

    def said(page: AppTest) -> str:
        return "\n".join(one.value for one in [*page.success, *page.error, *page.markdown])

    assert "All tests have passed" in said(faces.page(press).value)
    assert faces.request("GET", "/api/tools/iban-check").value["state"] == "tested"
    (root / "tools" / "iban-check" / "tests" / "german.json").write_text('{"input": {"iban": "x"}, "output": {}}')
    assert faces.command(["tools", "show", "iban-check"]).value["state"] == "changed"
    tested = faces.request("POST", "/api/tools/iban-check/test").value
    assert [one["name"] for one in tested["tests"] if not one["passed"]] == ["german"]
    assert "Not all tests have passed" in said(faces.page(press).value)
    assert faces.request("GET", "/api/tools/nothing").error == "UnknownName"
