"""A prompt is tuned by a command and by a request alike, and what is proposed stays a proposal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli import main
from tests.faces.conftest import Faces
from tests.faces.test_cases import BUG, MAIL, NAME, OWNER, empty


@pytest.fixture
def faces(make_faces: Callable[[], Faces]) -> Faces:
    """Three cases whose mail the draft leaves out: the demo's model cannot be right about it."""
    faces = empty(make_faces())
    cases, prompts = faces.orchestra.cases, faces.orchestra.prompts
    for number in range(3):
        mail = {**MAIL, "subject": f"{MAIL['subject']} {number}"}
        answer = {"kind": "bug", "title": "Crash", "summary": "It crashes."}
        cases.add(OWNER, NAME, {"name": f"Crash {number}", "variables": mail, "answer": answer, "assertions": BUG})
    file = prompts.get(OWNER, NAME)
    changed = {**(file.document or {}), "messages": [{"role": "user", "content": "Sort the mail."}]}
    prompts.save(OWNER, NAME, json.dumps(changed), file.etag)
    return faces


def test_a_command_and_a_request_find_the_same(faces: Faces, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"/api/copilot/prompts/{NAME}/tuning"
    cost: Any = faces.request("GET", address).value
    assert cost == {"questions": 36, "cost_usd": 0.0}
    command = ["prompts", "tune", NAME, "--demo", "--workspace", str(faces.orchestra.workspace.root)]
    capsys.readouterr()
    assert main([*command, "--json"]) == 0
    by_command = json.loads(capsys.readouterr().out)
    by_request: Any = faces.request("POST", address, {}).value
    assert by_command["proposal"] != by_request["proposal"], "each is one of its own"
    differing = ("asked", "reused", "cost_usd", "proposal")
    assert {**by_request, **dict.fromkeys(differing)} == {**by_command, **dict.fromkeys(differing)}
    assert (by_command["cases"], by_command["held_back"], by_request["asked"]) == (3, 0, 0)
    assert by_request["variants"][0]["title"] == "as it is"
    assert main(command) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0].split() == [
        "VARIANT",
        "PASSED",
        "OF",
        "3",
        "UNSURE",
        "TOKENS",
        "COST",
        "SECONDS",
    ]
    assert by_request["words"] in printed.out
    assert "At most 36 questions, about $0.00." in printed.err
