"""Shared fragments look the same on every face, and a text that is not saved as a version gets them, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli import main
from tests.faces.conftest import Faces
from tests.faces.test_cases import NAME, OWNER
from tests.patience import PATIENCE_SECONDS

REFERENCE = '{{ fragment("tone") }}'


@pytest.fixture
def faces(make_faces: Callable[[], Faces]) -> Faces:
    """A prompt with a fragment, whose draft has no version yet."""
    faces = make_faces()
    faces.orchestra.fragments.save(OWNER, "tone", "Be kind to {{ subject }}.", None)
    file = faces.orchestra.prompts.get(OWNER, NAME)
    document = dict(file.document or {})
    document["messages"] = [*document["messages"], {"role": "user", "content": [REFERENCE]}]
    faces.orchestra.prompts.save(OWNER, NAME, json.dumps(document), file.etag)
    return faces


def test_each_face_shows_the_same_fragments(faces: Faces) -> None:
    listed = faces.request("GET", "/api/fragments").value
    assert listed == faces.command(["fragments", "list"]).value
    assert [(one["name"], one["used_by"]) for one in listed["fragments"]] == [("tone", [NAME])]
    shown = faces.request("GET", "/api/fragments/tone").value
    assert shown == faces.command(["fragments", "show", "tone"]).value
    missing = faces.request("GET", "/api/fragments/none")
    assert missing.error == "UnknownName"
    assert missing == faces.command(["fragments", "show", "none"])
    at = faces.page(lambda go: go("fragment", name="tone")).value
    assert [one.value for one in at.text_area] == ["Be kind to {{ subject }}."]


def restored(go: Any) -> Any:
    at = go("fragment", name="tone")
    at.query_params["tab"] = "history"
    at.run()
    box = at.radio(key="fragment-versions-tone")
    box.set_value(box.options[1]).run()
    return at.button(key="restore-fragment-tone").click().run()


def test_each_face_shows_and_restores_earlier_texts(faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    fragments, root = faces.orchestra.fragments, faces.orchestra.workspace.root

    def save(text: str) -> None:
        fragments.save(OWNER, "tone", text, fragments.get(OWNER, "tone").etag)

    save("Be brief to {{ subject }}.")
    listed = faces.request("GET", "/api/fragments/tone/versions").value
    assert listed == faces.command(["fragments", "versions", "tone"]).value
    first = listed["versions"][1]["id"]
    shown = faces.request("GET", f"/api/fragments/tone/versions/{first}").value
    assert shown == faces.command(["fragments", "versions", "tone", "--diff", first]).value
    assert shown["text"] == "Be kind to {{ subject }}.\n"
    assert [(one["text"], one["change"]) for one in shown["differences"][:3]] == [
        ("Be ", "same"),
        ("kind", "removed"),
        ("brief", "added"),
    ]
    capsys.readouterr()
    assert main(["fragments", "versions", "tone", "--diff", first, "--workspace", str(root)]) == 0
    assert capsys.readouterr().out == "Be [-kind-]{+brief+} to {{ subject }}.\n"

    stale = faces.request("POST", f"/api/fragments/tone/versions/{first}/restore", {"etag": "x"})
    assert stale.error == "StaleEdit"
    current = fragments.get(OWNER, "tone").etag
    assert faces.request("POST", f"/api/fragments/tone/versions/{first}/restore", {"etag": current}).error == ""
    assert fragments.get(OWNER, "tone").text == "Be kind to {{ subject }}.\n"
    save("Be gone.")
    assert faces.command(["fragments", "restore", "tone", first]).error == ""
    assert fragments.get(OWNER, "tone").text == "Be kind to {{ subject }}.\n"
    for wrong in ("nope", "../tone/x"):
        assert faces.command(["fragments", "restore", "tone", wrong]).error == "UnknownName"

    save("Be off.")
    assert not faces.page(restored).value.exception
    assert fragments.get(OWNER, "tone").text == "Be kind to {{ subject }}.\n"


def test_a_draft_is_tried_and_tested_with_its_fragments(faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"subject": "Ann", "text": "Hello"}
    sent = {"draft": True, "variables": given}
    tried = faces.request("POST", f"/api/prompts/{NAME}/try", sent).value
    assert tried["messages"][-1]["content"] == "Be kind to Ann."
    columns = ["production", "draft"]
    tested = faces.request("POST", f"/api/prompts/{NAME}/tests", {"columns": columns, "takeover": {}}).value
    assert len(tested["columns"][1]["cells"]) == 40
    differing = faces.request("GET", f"/api/prompts/{NAME}/differences").value["differences"]
    assert "Be kind to" in json.dumps(differing)
    assert "fragment" not in json.dumps(differing)
    faces.orchestra.fragments.save(OWNER, "tone", "{{ nobody }}", faces.orchestra.fragments.get(OWNER, "tone").etag)
    refused = faces.request("POST", f"/api/prompts/{NAME}/versions", {})
    assert refused.error == "InvalidFile"
    assert refused.message == faces.command(["prompts", "save-version", NAME]).message
    assert "'nobody' is used in the fragment 'tone' and not declared" in refused.message


def test_each_face_tells_that_a_fragment_has_changed_since_production(
    faces: Faces, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts, fragments = faces.orchestra.prompts, faces.orchestra.fragments
    file = prompts.get(OWNER, NAME)
    prompts.save_version(OWNER, NAME, file.text, file.etag, "production")

    def page(go: Any) -> Any:
        return go("prompt", name=NAME)

    assert not faces.page(page).value.info
    run = {"workflow": "inbox-triage", "inputs": {"limit": 1}, "wait_seconds": PATIENCE_SECONDS}
    fragments.save(OWNER, "tone", "Be short.", fragments.get(OWNER, "tone").etag)
    done = faces.request("POST", "/workflows/execute", run).value
    [kept] = done["definition"]["prompts"].values()
    assert kept["messages"][-1]["content"] == ["Be kind to {{ subject }}."]
    assert "tone** has changed since version 2" in str(faces.page(page).value.info[0].value)
    assert faces.request("GET", f"/api/prompts/{NAME}").value["changed_fragments"] == ["tone"]
    capsys.readouterr()
    assert main(["prompts", "versions", NAME, "--workspace", str(faces.orchestra.workspace.root)]) == 0
    assert "The fragment tone has changed since" in capsys.readouterr().out


def test_validate_names_the_line_of_a_fragment(faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    root = faces.orchestra.workspace.root
    (root / "prompts" / "fragments" / "tone.md").write_text("One\n{{ fragment('tone') }}\n")
    capsys.readouterr()
    assert main(["validate", "--workspace", str(root)]) == 2
    said = capsys.readouterr().err
    assert "prompts/fragments/tone.md:2:14: Fragments use each other in a circle: tone → tone" in said


@pytest.mark.parametrize("text", ["x" * 100_001, "\ud800"])
def test_a_text_that_cannot_be_a_fragment_is_refused(faces: Faces, text: str) -> None:
    body = json.dumps({"text": text, "etag": None})
    assert faces.raw("PUT", "/api/fragments/other", body).json()["error"]["type"] == "InvalidInput"
    assert [one.name for one in faces.orchestra.fragments.list(OWNER)] == ["tone"]
