"""A workspace with a prompt and two cases, whose model is scripted, for the co-pilot as for the cases."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from engine.people.access import Principal
from tests.engine.copilot.talking.conftest import Opened, Talk, talking
from tests.scripted_model.scripted import Answer

__all__ = ["OWNER", "PROMPT", "Desk", "desk", "propose", "talking"]

OWNER = Principal("ada", "owner", confirmed=True)
PROMPT: dict[str, Any] = {
    "schema_version": 1,
    "variables": {"text": {"type": "string"}},
    "messages": [{"role": "system", "content": "Sort the mail, please."}, {"role": "user", "content": "{{ text }}"}],
    "output_schema": {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"type": "string", "enum": ["bug", "nothing"]}},
    },
    "samples": [{"name": "A mail", "variables": {"text": "Secret sample of a customer"}}],
}
CASES = {"crash": ("The export of Mrs Miller crashes.", "bug"), "letter": ("This week's newsletter.", "nothing")}


def propose(system: str, user: str = "{{ text }}", **changes: Any) -> Answer:
    said = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    return Answer("", [("propose", {"changes": {"messages": said, **changes}, "why": "Shorter."})])


Desk = Callable[..., Talk]


@pytest.fixture
def desk(talking: Opened) -> Desk:
    """Open the workspace with a script for the co-pilot; the cases go wrong once the system message says "bad"."""

    def opened(*answers: Answer) -> Talk:
        left = list(answers)

        def script(body: dict[str, Any], _number: int) -> Answer:
            told = body["messages"]
            if "improve a prompt" in told[0]["content"]:
                return left.pop(0)
            is_bug = "crashes" in told[1]["content"] and "bad" not in told[0]["content"]
            return Answer(json.dumps({"kind": "bug" if is_bug else "nothing"}))

        talk = talking(script)
        prompts, cases = talk.orchestra.prompts, talk.orchestra.cases
        prompts.save(OWNER, "sort", json.dumps(PROMPT), None)
        prompts.save_version(OWNER, "sort", json.dumps(PROMPT), prompts.get(OWNER, "sort").etag, "production")
        for name, (text, kind) in CASES.items():
            expected = [{"type": "field_equals", "field": "kind", "value": kind}]
            cases.add(OWNER, "sort", {"name": name, "variables": {"text": text}, "assertions": expected})
        return talk

    return opened
