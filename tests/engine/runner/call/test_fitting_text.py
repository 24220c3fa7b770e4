"""Texts that are too long for a service arrive: shortened or in several parts, said in the output and in the plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from clients.limits.text_limit import TextLimit, in_parts, size
from engine.orchestra import Orchestra
from engine.plugins.registry import step_type, step_types
from engine.plugins.step import FITTED, Effect, Role, fields_schema, limits_of
from tests.engine.conftest import OWNER, write_workflow
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
SERVICES = ("github", "telegram", "discord", "slack", "notion", "google_calendar", "google_sheets", "gmail")
REPOSITORY, SUPPORT = "acme/app", "100000000000000012"
OWN = "the workspace's own file or row; as much as the disk holds"
AS_WRITTEN = "a request of the author's own, to any service: nobody knows its limits"
UNLIMITED: Mapping[str, str] = {
    "code.run": OWN,
    "file.write": OWN,
    "project.edit": OWN,
    "project.finish": OWN,
    "project.protect": OWN,
    "project.remove": OWN,
    "project.start": OWN,
    "project.test": OWN,
    "project.write": OWN,
    "rag.index": OWN,
    "store.upsert": OWN,
    "http.request": AS_WRITTEN,
    "github.request": AS_WRITTEN,
    "github.graphql": AS_WRITTEN,
    "github.dispatch_workflow inputs": AS_WRITTEN,
    "sql.execute parameters": "the columns of somebody's database",
    "drive.upload file": "a file, with the limit of the drive on files",
    "github.put_file text": "a file, which GitHub takes up to 100 MB",
    "github.put_file file": "the same",
    "google_calendar.create_event starts": "a time",
    "google_calendar.create_event ends": "a time",
    "google_calendar.update_event starts": "a time",
    "google_calendar.update_event ends": "a time",
    **{
        f"{step} {field}": "the size of a mail: its server tells it, and its client refuses more"
        for step in "gmail.send gmail.reply gmail.forward gmail.create_draft gmail.update_draft".split()
        + "imap.create_draft smtp.send smtp.reply smtp.forward".split()
        + "outlook.send outlook.reply outlook.forward outlook.create_draft outlook.update_draft".split()
        for field in ("text", "attachments")
    },
    **{
        f"notion.{step} markdown": "any length: the client sends it in as many requests as it takes"
        for step in ("append_markdown", "replace_markdown", "create_item", "create_page", "upsert_page")
    },
    **{
        f"notion.{step} {field}": "limits of the database's columns, which only the client knows"
        for step in ("create_item", "create_page", "upsert_page", "update_item")
        for field in ("title", "properties")
    },
    "notion.upload_file file": "a file, with Notion's own limit on files",
}
"""Content that has no limit of its own, and why."""


@pytest.fixture(autouse=True)
def services(root: Path, standins: StandIns) -> None:
    """A connection to the stand-in of each service."""
    with (root / "config.yaml").open("a") as file:
        for name in SERVICES:
            token, url = standins[name].token, standins[name].base_url
            file.write(f"  {name}: {{service: {name}, token: 'env:KEY_{name.upper()}', base_url: '{url}'}}\n")
            with (root / ".env").open("a") as env:
                env.write(f"KEY_{name.upper()}={token}\n")


def test_every_content_that_is_written_has_a_limit_or_a_reason_for_none() -> None:
    known = set(UNLIMITED)
    for name, kind in step_types().items():
        if kind.effect is not Effect.WRITES and name != "http.request":
            continue
        for field, schema in fields_schema(kind.fields).get("properties", {}).items():
            if schema.get("role") != Role.CONTENT:
                continue
            reasons = {name, f"{name} {field}"} & set(UNLIMITED)
            assert bool(reasons) != (field in limits_of(kind)), f"{name} {field}"
            assert "maxLength" not in json.dumps(schema) or reasons, f"{name} {field} fails for a long text"
            known -= reasons
        assert not limits_of(kind) or FITTED in kind.output_schema({}, {})["properties"], name
    assert known == {one for one in known if one.split()[0] not in step_types() or one == "project.finish"}, "left over"


class Case(NamedTuple):
    """A field with a limit, and a step that writes it."""

    uses: str
    field: str
    fields: Mapping[str, Any]
    most: int = 10
    """How many times the limit the longest text is."""


EVENT = {"calendar": "primary", "starts": "2026-12-01", "title": "T"}
CASES = [
    Case("github.create_issue", "title", {"repository": REPOSITORY}),
    Case("github.create_issue", "body", {"repository": REPOSITORY, "title": "T"}),
    Case("github.create_issue", "labels", {"repository": REPOSITORY, "title": "T"}),
    Case("github.comment", "body", {"repository": REPOSITORY, "issue": 1}),
    Case("github.update_issue", "title", {"repository": REPOSITORY, "issue": 1}),
    Case("github.create_release", "body", {"repository": REPOSITORY, "tag": "v{{ index }}"}),
    Case("telegram.send_message", "text", {"chat": "4001"}),
    Case("discord.send_message", "text", {"channel": SUPPORT}),
    Case("slack.send_message", "text", {"channel": "C0SUPPORT1"}),
    Case("google_calendar.create_event", "title", EVENT),
    Case("google_calendar.create_event", "description", EVENT),
    Case("google_calendar.create_event", "location", EVENT),
    Case("google_sheets.append_row", "values", {"spreadsheet": "demo-invoices-2026", "sheet": "Customers"}, 2),
    Case("notion.add_comment", "text", {"page": "PAGE"}, 2),
    Case("gmail.create_draft", "subject", {"to": ["ann@example.com"], "text": "x"}),
]
UNITS = {"characters": 1, "slack": 1, "telegram": 1, "utf16": 1, "bytes": 1}


def around(limit: TextLimit, times: int) -> list[str]:
    """Texts as long as a limit, a little shorter and longer, much longer, and with an emoji across it."""
    most = limit.most
    sizes = ["x" * (most - 1), "x" * most, "x" * (most + 1), "word and " * (times * most // 9), FAMILY * (most // 3)]
    return [*sizes, "x" * (most - 1) + FAMILY * 3]


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.uses} {one.field}")
def test_a_text_of_any_length_arrives_and_the_output_says_how(
    orchestra: Orchestra, root: Path, standins: StandIns, case: Case
) -> None:
    limit = limits_of(step_type(case.uses))[case.field]
    texts = around(limit, case.most)
    page = standins.show("notion")["pages"][0]["id"] if case.uses.startswith("notion") else ""
    value: Any = "{{ item }}"
    value = {"labels": [value], "values": {"Name": value}}.get(case.field, value)
    fields = {**case.fields, case.field: value}
    fields = {name: page if one == "PAGE" else one for name, one in fields.items()}
    step = {"id": "write", "uses": case.uses, "with": fields}
    write_workflow(root, "work", [{"id": "each", "foreach": "{{ inputs.texts }}", "steps": [step]}], inputs=TEXTS)
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {"texts": texts}), PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    written = [one for one in run["steps"] if one["uses"] == case.uses]
    assert [bool(one["output"][FITTED]) for one in written] == [size(text, limit.unit) > limit.most for text in texts]
    assert all(one["output"][FITTED] == [] or one["note"] for one in written)


TEXTS = {"type": "object", "properties": {"texts": {"type": "array", "items": {"type": "string"}}}}


def ran(orchestra: Orchestra, root: Path, uses: str, fields: Mapping[str, Any], **more: Any) -> Any:
    """Run one step; return what the run tells of it."""
    write_workflow(root, "work", [{"id": "write", "uses": uses, "with": fields, **more}])
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    return run["steps"][0] | {"run": run["run_id"]}


def test_a_long_title_is_whole_in_the_text_and_does_nothing_there(
    orchestra: Orchestra, root: Path, standins: StandIns
) -> None:
    title = f"Fixes #1 @octocat ` {'x' * 300}"
    step = ran(orchestra, root, "github.create_issue", {"repository": REPOSITORY, "title": title, "body": "Text"})
    newest = max(standins.show("github")["issues"], key=lambda one: int(one["number"]))
    assert newest["title"] == title[:255] + "…"
    assert newest["body"].startswith(f"``{title}``\n\nText\n\n<!-- orchestra:")
    assert step["output"][FITTED] == ["title: shortened: 256 of 320 characters; all of it is in `body`."]
    assert orchestra.runs.undo(OWNER, step["run"]).undone


def test_a_plan_says_what_is_shortened(orchestra: Orchestra, root: Path) -> None:
    fields = {"repository": REPOSITORY, "title": "x" * 300}
    write_workflow(root, "work", [{"id": "write", "uses": "github.create_issue", "with": fields}])
    plan_id = orchestra.plans.make(OWNER, "work", {})
    orchestra.runs.wait(OWNER, plan_id, PATIENCE_SECONDS)
    shown = orchestra.plans.show(OWNER, plan_id)
    said = "title: shortened: 256 of 300 characters; all of it is in `body`."
    assert [one["note"] for one in shown["notes"]] == [said]
    assert "x" * 255 + "…" in json.dumps(shown["writes"], ensure_ascii=False)
    run = orchestra.runs.wait(OWNER, orchestra.plans.apply(OWNER, plan_id), PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    assert run["steps"][0]["output"][FITTED] == [said]


CHATS = [
    pytest.param("telegram", "telegram.send_message", {"chat": "4001"}, id="telegram"),
    pytest.param("discord", "discord.send_message", {"channel": SUPPORT}, id="discord"),
    pytest.param("slack", "slack.send_message", {"channel": "C0SUPPORT1"}, id="slack"),
]


IS_BOT = {"telegram": "is_bot", "discord": "bot", "slack": ""}


def own(standins: StandIns, chat: str) -> list[str]:
    """The texts that the bot has sent, in order."""
    member = {"telegram": "text", "discord": "content", "slack": "text"}[chat]
    found = standins.show(chat)["messages"]
    mine = [one for one in found if "bot_id" in one or (one.get("from") or one.get("author") or {}).get(IS_BOT[chat])]
    order = {"telegram": "message_id", "discord": "id", "slack": "ts"}[chat]
    return [one[member] for one in sorted(mine, key=lambda one: float(one[order]))]


def long_text(uses: str) -> str:
    """A text of three messages."""
    most = limits_of(step_type(uses))["text"].most
    return "\n\n".join(f"{number} " + "word " * (most // 8) for number in range(4))


@pytest.mark.parametrize(("chat", "uses", "fields"), CHATS)
def test_an_undo_deletes_all_messages_of_a_text(
    orchestra: Orchestra, root: Path, standins: StandIns, chat: str, uses: str, fields: Mapping[str, Any]
) -> None:
    text = long_text(uses)
    step = ran(orchestra, root, uses, {**fields, "text": text})
    sent = own(standins, chat)
    assert len(sent) == len(step["output"]["ids"]) > 1
    assert step["output"]["id"] == step["output"]["ids"][0]
    assert " ".join(sent).split() == text.split()
    assert step["output"][FITTED] == [f"text: sent as {len(sent)} messages."]
    assert orchestra.runs.undo(OWNER, step["run"]).undone
    assert own(standins, chat) == []


@pytest.mark.parametrize("when", ["before_effect", "after_effect"])
@pytest.mark.parametrize(("chat", "uses", "fields"), CHATS)
def test_a_text_that_is_cut_off_is_never_there_twice(
    orchestra: Orchestra,
    root: Path,
    standins: StandIns,
    chat: str,
    uses: str,
    fields: Mapping[str, Any],
    when: str,
) -> None:
    text = long_text(uses)
    standins.faults(chat, match="POST ", delay_seconds=0.001)
    standins.faults(chat, match="POST ", cut=True, when=when)
    step = ran(orchestra, root, uses, {**fields, "text": text}, retry={"attempts": 3, "backoff_seconds": 0.01})
    sent = own(standins, chat)
    if chat == "telegram":  # it cannot be asked
        assert step["error"]["outcome"] == "unknown"
        assert "message 2 of" in step["error"]["message"]
        assert len(sent) == (1 if when == "before_effect" else 2)
        return
    assert step["status"] == "succeeded", step["error"]
    assert " ".join(sent).split() == text.split()
    assert len(step["output"]["ids"]) == len(sent) == len(set(sent))


@pytest.mark.parametrize(("chat", "uses", "fields"), CHATS)
def test_a_text_of_which_a_part_is_refused_leaves_nothing(
    orchestra: Orchestra, root: Path, standins: StandIns, chat: str, uses: str, fields: Mapping[str, Any]
) -> None:
    standins.faults(chat, match="POST ", delay_seconds=0.001)
    standins.faults(chat, match="POST ", status=403, body='{"ok": false, "error": "restricted_action"}')
    step = ran(orchestra, root, uses, {**fields, "text": long_text(uses)})
    assert step["status"] == "failed"
    assert step["error"]["outcome"] == "not_done"
    assert own(standins, chat) == []


@pytest.mark.parametrize(("chat", "uses", "fields"), CHATS)
def test_a_service_that_asks_to_slow_down_in_the_middle_gets_the_rest_later(
    orchestra: Orchestra, root: Path, standins: StandIns, chat: str, uses: str, fields: Mapping[str, Any]
) -> None:
    standins.faults(chat, match="POST ", delay_seconds=0.001)
    standins.faults(chat, match="POST ", retry_after=0.01)
    step = ran(orchestra, root, uses, {**fields, "text": long_text(uses)}, retry={"attempts": 1})
    assert step["status"] == "succeeded", step["error"]
    assert len(own(standins, chat)) == len(step["output"]["ids"])
    assert in_parts(long_text(uses), limits_of(step_type(uses))["text"])[0].startswith("0 word")
