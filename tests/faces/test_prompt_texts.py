"""A prompt is exported as the same text on every face, and imported from it with its problems named by line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper

import pytest

from cli import main
from tests.faces.conftest import Faces
from tests.faces.test_cases import NAME, OWNER


@pytest.fixture
def faces(make_faces: Callable[[], Faces]) -> Faces:
    """A workspace with the sample prompts."""
    return make_faces()


def test_each_face_exports_the_same_text(faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    root = faces.orchestra.workspace.root
    command = ["prompts", "export", NAME, "--workspace", str(root)]
    for version in ("", "production", "1"):
        text = faces.orchestra.prompts.exported(OWNER, NAME, version)
        assert main([*command, "--version", version]) == 0
        assert capsys.readouterr().out == text
        assert faces.request("GET", f"/api/prompts/{NAME}/text?version={version}").value == text
    assert main([*command, "-o", str(root / "here.md")]) == 0
    assert (root / "here.md").read_bytes() == faces.orchestra.prompts.exported(OWNER, NAME).encode()
    (root / "here.md").write_text("mine")
    assert main([*command, "-o", str(root / "here.md")]) == 4
    assert "--force" in capsys.readouterr().err
    assert (root / "here.md").read_text() == "mine"
    assert main([*command, "-o", str(root / "here.md"), "--force"]) == 0
    assert (root / "here.md").read_bytes() == faces.orchestra.prompts.exported(OWNER, NAME).encode()
    capsys.readouterr()
    assert main([*command, "--json", "--version", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == text
    at = faces.page(lambda go: go("prompt", name=NAME)).value
    assert "Download as text" in [one.proto.label for one in at.get("download_button")]


def test_every_sample_prompt_can_be_moved_as_text(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    root, prompts = faces.orchestra.workspace.root, faces.orchestra.prompts
    for one in prompts.list(OWNER):
        text = prompts.exported(OWNER, one.name).replace("\n", "\r\n")  # as an editor on Windows saves it
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(text.encode())))
        assert main(["prompts", "import", "-", "--name", f"{one.name}-2", "--workspace", str(root)]) == 0
        before, after = prompts.get(OWNER, one.name), prompts.get(OWNER, f"{one.name}-2")
        assert {**(before.document or {}), "labels": {}} == {"labels": {}, **(after.document or {})}


def test_a_text_that_is_no_prompt_is_refused_with_its_lines(faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    root = faces.orchestra.workspace.root
    wrong = root / "wrong.md"
    wrong.write_text("---\ntitel: Greet\n---\n\n<!-- role: sytem -->\nHi\n")
    before = faces.state()
    assert main(["prompts", "import", str(wrong), "--name", "wrong", "--workspace", str(root)]) == 2
    said = capsys.readouterr().err
    assert "wrong.md:2:1" in said
    assert "wrong.md:5:1" in said
    sent = faces.request("POST", "/api/prompt-imports", {"text": wrong.read_text(), "name": "wrong"})
    assert sent.error == "InvalidFile"
    assert faces.request("POST", "/api/prompt-imports", {"text": "---\n---\n<!-- role: user -->\nHi"}).error == (
        "InvalidInput"
    )
    assert faces.state() == before
