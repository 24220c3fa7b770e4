"""Each part of what a model saw is named with where it comes from, its share, and what is missing in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidInput, UnknownName
from engine.orchestra import Orchestra
from engine.runs.seen.seen import Seen
from tests.engine.conftest import OWNER, write_workflow
from tests.patience import PATIENCE_SECONDS

PROMPT = {
    "schema_version": 1,
    "title": "Reply",
    "variables": {"mail": {"type": "string"}, "tone": {"type": "string"}, "page": {"type": "string"}},
    "messages": [
        {"role": "system", "content": "Answer in a {{ tone }} tone."},
        {"role": "user", "content": "The mail: {{ mail }}\nThe page: {{ page }}"},
    ],
}
ABOUT = "About {{ mail.subject }}: {{ steps.reply.output.text }}!"
CALLED = {"id": "c1", "name": "find", "arguments": {"words": "rain {{ steps.reply.output.text }}"}}
OFFERED = {"name": "find", "description": "Finds a page.", "parameters": {"type": "object", "properties": {}}}
STEPS: list[dict[str, Any]] = [
    {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "invoice", "limit": 1}},
    {"id": "doc", "uses": "file.text", "with": {"file": "files/long.txt", "max_characters": 400}},
    {
        "id": "each",
        "foreach": "{{ steps.mails.output.messages }}",
        "as": "mail",
        "steps": [
            {"id": "short", "uses": "flow.set", "with": {"values": {"text": "{{ mail.subject }}"}}},
            {
                "id": "reply",
                "uses": "llm.chat",
                "with": {
                    "prompt": "reply",
                    "variables": {
                        "mail": "{{ steps.short.output.text }}",
                        "tone": "{{ inputs.tone }}",
                        "page": "{{ steps.doc.output.text }}",
                    },
                },
            },
            {
                "id": "direct",
                "uses": "llm.chat",
                "with": {"messages": [{"role": "user", "content": ABOUT}]},
            },
            {
                "id": "beside",
                "uses": "llm.chat",
                "with": {
                    "messages": [
                        {"role": "user", "content": "{{ mail.text }}{{ inputs.tone }}"},
                        {"role": "user", "content": "{{ upper(inputs.tone) }} {{ mail.text }} {{ inputs.tone }}."},
                    ]
                },
            },
            {
                "id": "tooled",
                "uses": "llm.chat",
                "with": {
                    "messages": [
                        {"role": "user", "content": "Look it up."},
                        {"role": "assistant", "content": "Yes: {{ mail.subject }}", "tool_calls": [CALLED]},
                        {"role": "tool", "content": "{{ mail.subject }}", "tool_call_id": "c1"},
                    ],
                    "tools": [OFFERED],
                },
            },
            {"id": "kind", "uses": "llm.classify", "with": {"text": "{{ mail.subject }}", "labels": ["a", "b"]}},
        ],
    },
]


@pytest.fixture
def orchestra(own_accounts: Path) -> Iterator[Orchestra]:
    """A workspace in which a run has asked a model in several ways."""
    (own_accounts / "prompts" / "reply.versions").mkdir()
    (own_accounts / "prompts" / "reply.versions" / "1.json").write_text(json.dumps(PROMPT))
    (own_accounts / "prompts" / "reply.json").write_text(json.dumps({**PROMPT, "labels": {"production": 1}}))
    (own_accounts / "files").mkdir()
    (own_accounts / "files" / "long.txt").write_text("A long text. " * 1000)
    inputs = {"type": "object", "properties": {"tone": {"type": "string", "default": "brief"}}}
    outputs = {"all": "{{ steps.each.output }}"}
    write_workflow(own_accounts, "asks", STEPS, inputs=inputs, outputs=outputs)
    with closing(Orchestra.open(own_accounts)) as opened:
        yield opened


def parts(seen: Seen) -> list[list[tuple[str, str, str]]]:
    """Return (source, name, step) of each part."""
    return [[(one.source, one.name, one.step) for one in message.parts] for message in seen.messages]


def test_each_part_has_its_origin_its_share_and_what_is_missing(orchestra: Orchestra) -> None:
    run_id = orchestra.runs.start(OWNER, "asks", {})
    run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    subject = next(one for one in run["steps"] if one["path"] == "each[0].short")["output"]["text"]

    reply = orchestra.runs.seen(OWNER, run_id, "each[0].reply")
    fixed = ("prompt", "", "")
    assert parts(reply) == [
        [fixed, ("variable", "tone", ""), fixed],
        [fixed, ("mail", "mail", "mails"), fixed, ("document", "page", "doc")],
    ]
    page = reply.messages[1].parts[3]
    assert reply.messages[1].parts[1].text == subject
    assert page.cut
    mails = next(one for one in run["steps"] if one["path"] == "mails")
    assert mails["output"]["has_more"]
    assert "raise 'At most'" in str(mails["note"])
    assert reply.messages[1].parts[1].cut == "", "it lacks nothing: other mails were not read"
    assert page.percent > 30
    assert 99 < sum(one.percent for message in reply.messages for one in message.parts) < 101
    assert reply.input_tokens

    direct = orchestra.runs.seen(OWNER, run_id, "each[0].direct")
    answer = ("model", "steps.reply.output.text", "reply")
    assert parts(direct) == [[fixed, ("mail", "mail.subject", "mails"), fixed, answer, fixed]]
    kind = orchestra.runs.seen(OWNER, run_id, "each[0].kind")
    assert parts(kind)[-1] == [("mail", "text", "mails")]
    beside = orchestra.runs.seen(OWNER, run_id, "each[0].beside")
    tone, unclear = ("variable", "inputs.tone", ""), ("mail", "messages", "mails")  # the mail has blanks, too
    assert parts(beside) == [[("mail", "mail.text", "mails"), tone], [unclear, fixed, tone, fixed]]
    tooled = orchestra.runs.seen(OWNER, run_id, "each[0].tooled")
    call, tools, mail = ("model", "tool_calls", "reply"), ("variable", "tools", ""), ("mail", "mail.subject", "mails")
    assert parts(tooled) == [[fixed], [fixed, mail, call], [mail], [tools]]
    assert "rain" in tooled.messages[1].parts[2].text
    assert (tooled.messages[3].role, "Finds a page." in tooled.messages[3].parts[0].text) == ("tools", True)
    for seen in (reply, direct, kind, beside):  # nothing is lost, and nothing is there twice
        step = next(one for one in run["steps"] if one["path"] == seen.step)
        sent = [one["content"] for one in step["request"]["messages"]]
        assert ["".join(one.text for one in message.parts) for message in seen.messages] == sent

    with pytest.raises(InvalidInput, match="has sent no messages to a model"):
        orchestra.runs.seen(OWNER, run_id, "mails")
    with pytest.raises(UnknownName):
        orchestra.runs.seen(OWNER, run_id, "none")
