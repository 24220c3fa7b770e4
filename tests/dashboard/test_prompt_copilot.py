"""The Co-pilot tab of a prompt: agree, ask, see how the cases go, accept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from dashboard.base.plain import field_label
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.dashboard.test_prompt import words
from tests.patience import until
from tests.scripted_model.scripted import MODEL, Answer, scripted

OWNER = Principal("owner", "owner")
NAME = "classify-mail"
SHORT = [{"role": "system", "content": "Sort the mail."}, {"role": "user", "content": "{{ mail }}"}]

CHOICES = ["Make it shorter.", "Make *it* longer."]
DONE = "**Shorter** now:\n- `system` is a sentence\n- a:red[b] ![x](https://evil.example/x.png) $c$"


def script(body: dict[str, Any], number: int) -> Answer:
    if "improve a prompt" not in body["messages"][0]["content"]:
        return Answer(json.dumps({"kind": "task"}))
    if body["messages"][-1]["content"].endswith("Improve it."):
        return Answer("", [("ask", {"question": "How?", "choices": CHOICES})])
    done = any(one["role"] == "tool" for one in body["messages"])
    return Answer(DONE) if done else Answer("", [("propose", {"changes": {"messages": SHORT}, "why": "Short."})])


@pytest.fixture
def model(workspace: Path, orchestra: Orchestra) -> Any:
    with scripted(script) as model:
        config = yaml.safe_load((workspace / "config.yaml").read_text())
        config["connections"]["llm"] = {"service": "openai", "base_url": model.base_url, "model": MODEL}
        (workspace / "config.yaml").write_text(yaml.safe_dump(config))
        orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
        document = orchestra.prompts.get(OWNER, NAME).document or {}
        SHORT[1]["content"] = document["messages"][-1]["content"]
        yield model


def answered(orchestra: Orchestra) -> None:
    until(
        lambda: orchestra.copilot.prompting.conversation(OWNER, NAME).turns[-1].status != "working",
        "the end of the turn",
    )


def test_what_goes_to_the_model_is_said_in_the_language_of_the_reader(
    orchestra: Orchestra, model: Any, open_page: Callable[..., AppTest]
) -> None:
    orchestra.languages.set(OWNER, "owner", "de")
    at = open_page("prompt", name=NAME)
    at.query_params["tab"] = "co-pilot"
    at.run()
    assert "Nie ein Geheimnis, ein Schlüssel oder eine Datei" in words(at)
    assert "Never a secret" not in words(at)


def test_a_prompt_is_changed_by_words(orchestra: Orchestra, model: Any, open_page: Callable[..., AppTest]) -> None:
    at = open_page("prompt", name=NAME)
    at.query_params["tab"] = "co-pilot"
    at.run()
    assert not at.exception
    assert "Never a secret" in words(at)
    at.button(key="copilot-agree").click().run()
    assert model.requests == []
    area = next(one for one in at.text_area if one.label == "What should change?")
    area.set_value("Improve it.").run()
    assert f"copilot-ask-{NAME}" in [one.key for one in at.button], words(at)
    at.button(key=f"copilot-ask-{NAME}").click().run()
    assert not at.exception
    answered(orchestra)
    at.run()
    assert [one.label for one in at.button if str(one.key).startswith("copilot-choice")] == [
        "Make it shorter\\.",
        "Make \\*it\\* longer\\.",
    ]
    at.button(key=f"copilot-choice-{NAME}-1-0-0").click().run()
    answered(orchestra)
    at.run()
    assert [one.asked for one in orchestra.copilot.prompting.conversation(OWNER, NAME).turns] == [
        "Improve it.",
        "Make it shorter.",
    ]
    said = next(str(one.proto.body) for one in at.get("html") if "Shorter" in str(one.proto.body))
    assert '<strong>Shorter</strong> now:</p><ul dir="auto"><li dir="auto"><code>system</code> is a sentence' in said
    assert ">a:red[b] x $c$</li>" in said
    [made] = orchestra.copilot.prompting.proposals.list(OWNER, NAME)
    assert "Sort the mail." in words(at)
    assert "Agree to it, and test the text" in words(at)
    asked = field_label(f"Ask {MODEL} at {model.base_url.split('/')[2]}:")
    assert asked in at.checkbox(key=f"test-agree-{made.id}").label
    at.query_params["tab"] = "cases"
    at.run()
    assert asked in at.checkbox(key=f"test-agree-{NAME}").label
    at.query_params["tab"] = "co-pilot"
    at.run()
    at.checkbox(key=f"test-agree-{made.id}").check().run()
    at.button(key=f"test-{made.id}").click().run()
    assert "cases pass before" in words(at)
    at.button(key=f"accept-{made.id}").click().run()
    assert not at.exception
    assert "Sort the mail." in orchestra.prompts.get(OWNER, NAME).text
    assert "Accepted" in words(at)
