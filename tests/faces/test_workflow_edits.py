"""Edits of workflows look the same on every face: operations, versions, differences, and a workflow as one file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faces.conftest import Faces
from tests.faces.test_cases import OWNER

NAME = "inbox-triage"
OPS = {
    "ops": [{"op": "set", "step": "issue", "field": "with.title", "value": "Bug"}, {"op": "remove", "steps": ["label"]}]
}


@pytest.fixture
def faces(make_faces: Callable[[], Faces]) -> Faces:
    return make_faces()


def test_each_face_edits_and_says_what_changes(faces: Faces, tmp_path: Path) -> None:
    before = faces.orchestra.workflows.get(OWNER, NAME)
    sent = tmp_path / "ops.json"
    sent.write_text(json.dumps(OPS))
    command = ["workflows", "edit", NAME, "--ops", str(sent)]
    shown = faces.request("POST", f"/api/workflows/{NAME}/edit", {**OPS, "dry_run": True}).value
    assert shown == faces.command([*command, "--dry-run"]).value
    assert not shown["is_saved"]
    assert faces.orchestra.workflows.get(OWNER, NAME).text == before.text
    done = faces.command(command).value
    assert done["is_saved"]
    assert sorted(done["differences"]) == sorted(shown["differences"])
    assert len(done["differences"]) == 2
    wrong = {"ops": [{"op": "remove", "steps": ["labl"]}]}
    sent.write_text(json.dumps(wrong))
    refused = faces.request("POST", f"/api/workflows/{NAME}/edit", wrong)
    assert refused.error == "InvalidInput"
    assert refused == faces.command(command)
    listed = faces.request("GET", f"/api/workflows/{NAME}/versions").value
    assert listed == faces.command(["workflows", "versions", NAME]).value
    said = faces.request("GET", f"/api/workflows/{NAME}/differences").value
    assert said == faces.command(["workflows", "diff", NAME]).value
    assert said["differences"] == done["differences"]


def test_each_face_exports_the_same_and_replaces_nothing(faces: Faces, tmp_path: Path) -> None:
    exported = faces.request("GET", f"/api/workflows/{NAME}/export").value
    assert exported == faces.command(["workflows", "export", NAME]).value["bundle"]
    file = tmp_path / "bundle.json"
    file.write_text("mine")
    output = ["workflows", "export", NAME, "-o", str(file)]
    assert faces.command(output).error == "InUse"
    assert file.read_text() == "mine"
    faces.command([*output, "--force"])
    assert json.loads(file.read_text()) == exported
    refused = faces.request("POST", "/api/workflow-imports", {"bundle": exported})
    assert refused.error == "InUse"
    assert refused.message == faces.command(["workflows", "import", str(file)]).message
    made = faces.request("POST", "/api/workflow-imports", {"bundle": exported, "name": "first"}).value
    other = faces.command(["workflows", "import", str(file), "--name", "second"]).value
    assert made["created"] == other["created"] == []
    assert other["workflow"]["problems"] == []


def test_a_draft_over_http(faces: Faces) -> None:
    address = f"/api/workflows/{NAME}"
    seen = faces.request("GET", f"{address}/canvas").value
    assert not seen["is_draft"]

    def ops(base_rev: str, value: str, **more: Any) -> Any:
        op = {"op": "set", "step": "issue", "field": "title", "value": value}
        return faces.raw("POST", f"{address}/draft/ops", json.dumps({"base_rev": base_rev, "ops": [op], **more}))

    first = ops(seen["rev"], "A \u0000 \U0001f600", op_id="one").json()
    assert ops(seen["rev"], "A \u0000 \U0001f600", op_id="one").json()["rev"] == first["rev"]
    refused = ops(seen["rev"], "B")
    assert refused.status_code == 409
    assert refused.json()["error"]["conflict"]["clashes_with"] == "set title of issue"
    assert set(refused.json()["error"]["conflict"]) >= {"yours", "theirs", "rev", "operation"}
    assert ops(first["rev"], "\ud800").status_code == 422
    wrong = {"base_rev": first["rev"], "ops": [{"op": "remove", "steps": ["isue"]}]}
    told = faces.raw("POST", f"{address}/draft/ops", json.dumps(wrong)).json()["error"]
    assert (told["remedy"], told["operation"]) == ("Did you mean 'issue'?", 0)
    undone = faces.request("POST", f"{address}/draft/undo", {"base_rev": first["rev"]}).value
    assert undone["rev"] == seen["rev"]
    redone = faces.request("POST", f"{address}/draft/redo", {"base_rev": undone["rev"]}).value
    assert redone["rev"] == first["rev"]
    text = faces.request("GET", f"{address}/canvas").value["text"]

    def put(etag: str) -> Any:
        headers = {"Content-Type": "application/json", "If-Match": f'"{etag}"'}
        return faces.client("owner").put(address, content=json.dumps({"text": text}), headers=headers)

    unnamed = faces.raw("PUT", address, json.dumps({"text": text}))
    assert (unnamed.status_code, "send the `etag`" in unnamed.json()["error"]["remedy"]) == (409, True)
    stale = put("0123456789abcdef")
    assert stale.status_code == 412
    assert stale.json()["error"]["conflict"]["etag"] == seen["etag"]
    assert len(stale.json()["error"]["conflict"]["differences"]) == 1
    assert json.loads(put(seen["etag"]).json()["text"]) == {**json.loads(text), "id": NAME}
    assert not faces.request("GET", f"{address}/canvas").value["is_draft"]
