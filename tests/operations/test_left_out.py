"""Nothing is left out in silence: what a reading step does not give is named in its output and in a note for people."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import openpyxl
import pytest
from openpyxl.chart import BarChart
from openpyxl.comments import Comment
from PIL import Image

from clients.file import tesseract
from clients.transport import http_client
from demo.discord import stand_in as discord
from demo.github.commits import new_commit
from demo.slack import stand_in as slack
from demo.sql import shop
from demo.webdav import stand_in as webdav
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.registry import STEPS
from engine.plugins.step import Call, Effect, StepType
from engine.plugins.unreadable import answered
from engine.sandbox.readers.tasks import TABLES, TEXTS
from tests.clients.conftest import Scripted, scripted, start_scripted
from tests.engine.conftest import write_workflow
from tests.engine.sandbox import documents
from tests.engine.triggers.mangling import proxied
from tests.mail import mailboxes
from tests.operations.outlook_operations import draft_of_a_person
from tests.operations.world import World
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

__all__ = ["scripted", "start_scripted"]
OWNER = Principal("tester", "owner", confirmed=True)
LIMIT = "There are more than the 1 that were read: raise 'At most' to get the others."
OTHER_LIMIT = "There are more than the 1 that were read: raise the limit to get the others."
"""Where the field has another title."""
Told = Callable[[Any], Any]
"""Returns what an output says of what it lacks; nothing if it says nothing."""


def has_more(output: Any) -> Any:
    return output["has_more"]


def truncated(output: Any) -> Any:
    return output["truncated"]


def is_cut(output: Any) -> Any:
    return output["is_cut"]


def left_out(output: Any) -> Any:
    return output["left_out"]


def in_messages(output: Any) -> Any:
    return [one for message in output["messages"] for one in message["left_out"]]


@dataclass(frozen=True)
class Short:
    """A call of a step on a stand-in that cannot give everything."""

    arguments: Callable[[World], Mapping[str, Any]]
    told: Told = has_more
    note: str = LIMIT
    plays: str = ""


@dataclass(frozen=True)
class Local:
    """The same for a step that works in a workspace: `files` are put there before, `before` are earlier steps."""

    arguments: Mapping[str, Any]
    told: Told
    note: str
    files: Mapping[str, Callable[[], bytes]]
    before: Sequence[Mapping[str, Any]] = ()


def given(**arguments: Any) -> Callable[[World], Mapping[str, Any]]:
    return lambda _: arguments


def after(*steps: tuple[str, Mapping[str, Any]], **arguments: Any) -> Callable[[World], Mapping[str, Any]]:
    """The arguments, once these steps were made."""

    def prepared(world: World) -> Mapping[str, Any]:
        for name, fields in steps:
            world.made(name, **fields)
        return arguments

    return prepared


def of_page(*steps: str, **fields: Any) -> Callable[[World], Mapping[str, Any]]:
    """A page of Notion with two blocks, on which these steps were made."""

    def prepared(world: World) -> Mapping[str, Any]:
        text = {"database": "Tasks", "title": "Plan", "markdown": "One\n\nTwo"}
        page = world.made("notion.create_item", **text)["id"]
        for name in steps:
            world.made(name, page=page, **fields)
        return {"page": page, "limit": 1}

    return prepared


def whole_page(world: World) -> Mapping[str, Any]:
    return {"page": of_page()(world)["page"]}


def long_mail(world: World) -> Mapping[str, Any]:
    found = world.made(f"{world.service}.search_messages", limit=50)["messages"]
    return dict(max(found, key=lambda mail: len(mail["text"])))


def long_draft(world: World) -> Mapping[str, Any]:
    text = "A sentence that is not long. " * 40
    made = world.made(f"{world.service}.create_draft", to="ann@example.org", subject="Long", text=text)
    return {"draft": made["id"], "max_tokens": 50}


def two_drafts(world: World) -> Mapping[str, Any]:
    for _ in range(2):
        draft_of_a_person(world)
    return {"limit": 1}


def slack_file(world: World) -> Mapping[str, Any]:
    assert world.endpoint
    slack.post(world.standins.stores["slack"], "C0SUPPORT1", {"text": "", "files": [{"name": "plan.pdf"}]})
    return {"channel": "#support"}


def discord_card(world: World) -> Mapping[str, Any]:
    assert world.endpoint
    author = {"id": "100000000000000022", "username": "ada"}
    card = {"embeds": [{"title": "Build 7\nfailed"}]}
    discord.write(world.standins.stores["discord"], "100000000000000012", author, "", **card)
    return {"channel": "Demo/#support"}


def folder_of_1000(world: World) -> Mapping[str, Any]:
    assert world.endpoint
    made: dict[str, bytes | None] = {f"many/{number}.txt": b"x" for number in range(1000)}
    person = {"name": "Ann", "email": "ann@example.org", "login": "ann"}
    new_commit(world.standins.stores["github"], "acme/app", made, "Many", person, "2026-11-01T00:00:00Z")
    return {"repository": "acme/app", "path": "many"}


def two_pages(world: World) -> Mapping[str, Any]:
    content = documents.pdf(documents.written("One"), documents.written("Two"))
    return {"file": world.file(content, "two.pdf", "application/pdf"), "question": "What is it?", "max_tokens": 2}


def many_folders(world: World) -> Mapping[str, Any]:
    assert world.endpoint
    for number in range(200):
        webdav.make_folder(world.standins.stores["webdav"], f"F{number}")
    return {"words": "nothing"}


_TEXT = "The app crashes when I press Save. It has done so since Monday, on every machine here."
_ISSUE = {"repository": "acme/app", "issue": 2, "body": "Seen."}
_LINE = {"repository": "acme/website", "pull": 2, "path": "prices.md", "line": 1, "body": "Why?"}
_SHEET = {"spreadsheet": "demo-invoices-2026", "sheet": "Customers"}
_CHANGES = "files or changes are left out. Raise `max_files`"
_CUT_ANSWER = "The model's answer is cut off"
_CUT_MAIL = "tokens are shown"
_NO_BLOCKS = "Notion does not return all blocks of the page"
_FREE = {"Name": "Bo", "Address": "bo@example.org", "Plan": "Free"}

ON_STAND_INS: Mapping[str, Sequence[Short]] = {
    "discord.read_messages": [
        Short(
            after(("discord.send_message", {"channel": "Demo/#support", "text": "a"}), channel="Demo/#support", limit=1)
        ),
        Short(discord_card, in_messages, "1 card: Build 7 failed."),
    ],
    "slack.read_messages": [
        Short(after(("slack.send_message", {"channel": "#support", "text": "a"}), channel="#support", limit=1)),
        Short(slack_file, in_messages, "1 file: plan.pdf."),
    ],
    "drive.list": [Short(given(limit=1), note=OTHER_LIMIT)],
    "drive.search": [
        Short(given(words="e", limit=1), note=OTHER_LIMIT),
        Short(many_folders, left_out, "Only the first 200 folders were looked through"),
    ],
    "github.compare_commits": [
        Short(given(repository="acme/website", base="main", head="school-discount", max_files=0), is_cut, _CHANGES),
        Short(
            given(repository="acme/website", base="main", head="school-discount", max_commits=0),
            lambda output: output["commit_count"] - len(output["commits"]),
            "raise `max_commits`",
        ),
    ],
    "github.get_commit": [Short(given(repository="acme/app", commit="main", max_files=0), is_cut, _CHANGES)],
    "github.get_content": [Short(folder_of_1000, note="only the first 1,000 entries")],
    "github.get_pull": [Short(given(repository="acme/website", pull=2, max_characters=0), is_cut, _CHANGES)],
    "github.list_branches": [
        Short(
            after(("github.create_branch", {"repository": "acme/app", "branch": "w"}), repository="acme/app", limit=1)
        )
    ],
    "github.list_comments": [
        Short(after(("github.comment", _ISSUE), ("github.comment", _ISSUE), repository="acme/app", issue=2, limit=1))
    ],
    "github.list_commits": [Short(given(repository="acme/app", limit=1))],
    "github.list_issues": [Short(given(repository="acme/app", limit=1))],
    "github.list_pulls": [
        Short(
            after(
                ("github.create_branch", {"repository": "acme/website", "branch": "w"}),
                (
                    "github.put_file",
                    {"repository": "acme/website", "path": "n.md", "message": "N", "text": "n", "branch": "w"},
                ),
                ("github.create_pull", {"repository": "acme/website", "title": "T", "head": "w"}),
                repository="acme/website",
                limit=1,
            )
        )
    ],
    "github.list_releases": [
        Short(
            after(
                ("github.create_release", {"repository": "acme/app", "tag": "v1"}),
                ("github.create_release", {"repository": "acme/app", "tag": "v2"}),
                repository="acme/app",
                limit=1,
            )
        )
    ],
    "github.list_review_comments": [
        Short(
            after(
                ("github.add_review_comment", _LINE),
                ("github.add_review_comment", {**_LINE, "body": "Really?"}),
                repository="acme/website",
                pull=2,
                limit=1,
            )
        )
    ],
    "github.request": [
        Short(given(path="/repos/acme/app/commits", query={"per_page": 1}), note="The list goes on, on another page")
    ],
    "github.search_issues": [
        Short(given(query="is:open", repository="acme/app", limit=1)),
        Short(given(query="is:open"), left_out, "GitHub did not look through everything"),
    ],
    "gmail.get_draft": [Short(long_draft, left_out, _CUT_MAIL)],
    "gmail.get_message": [
        Short(lambda world: {"message": long_mail(world)["id"], "max_tokens": 50}, left_out, _CUT_MAIL)
    ],
    "gmail.get_thread": [
        Short(lambda world: {"thread": long_mail(world)["thread_id"], "max_tokens": 50}, in_messages, _CUT_MAIL)
    ],
    "gmail.list_drafts": [
        Short(after(*[("gmail.create_draft", {"to": "a@example.org", "subject": s}) for s in "ab"], limit=1))
    ],
    "gmail.search_messages": [Short(given(query="in:inbox", limit=1))],
    "gmail.search_threads": [Short(given(query="in:inbox", limit=1))],
    "google_calendar.find_free_time": [Short(given(time_zone="UTC", limit=1))],
    "google_calendar.list_events": [Short(given(time_zone="UTC", limit=1))],
    "google_sheets.find_rows": [
        Short(
            after(
                ("google_sheets.append_row", {**_SHEET, "values": _FREE}),
                **_SHEET,
                column="Plan",
                value="Free",
                limit=1,
            )
        )
    ],
    "google_sheets.read_rows": [Short(given(**_SHEET, limit=1))],
    "llm.chat": [
        Short(
            given(messages=[{"role": "user", "content": _TEXT}], max_tokens=3),
            lambda output: output["finish_reason"] == "length",
            _CUT_ANSWER,
        )
    ],
    "llm.summarize": [Short(given(text=_TEXT, max_tokens=3), is_cut, _CUT_ANSWER)],
    "llm.vision": [
        Short(two_pages, lambda output: output["pages"] - 1, "The model saw only page 1 of 2."),
        Short(two_pages, is_cut, _CUT_ANSWER),
    ],
    "notion.get_markdown": [Short(whole_page, truncated, _NO_BLOCKS)],
    "notion.get_page": [Short(whole_page, truncated, _NO_BLOCKS)],
    "notion.list_blocks": [Short(of_page())],
    "notion.list_comments": [Short(of_page("notion.add_comment", "notion.add_comment", text="Well done"))],
    "notion.list_users": [Short(given(limit=1))],
    "notion.query": [
        Short(
            after(*[("notion.create_item", {"database": "Tasks", "title": t}) for t in "ab"], database="Tasks", limit=1)
        )
    ],
    "notion.search": [Short(given(limit=1))],
    "outlook.get_draft": [Short(long_draft, left_out, _CUT_MAIL)],
    "outlook.get_message": [
        Short(lambda world: {"message": long_mail(world)["id"], "max_tokens": 50}, left_out, _CUT_MAIL)
    ],
    "outlook.get_thread": [
        Short(lambda world: {"thread": long_mail(world)["thread_id"], "max_tokens": 50}, in_messages, _CUT_MAIL)
    ],
    "outlook.list_drafts": [Short(two_drafts)],
    "outlook.search_messages": [Short(given(limit=1))],
    "rss.read": [Short(lambda world: {"url": f"{world.endpoint.origin}/feed.xml", "limit": 1}, plays="site")],
}
"""Steps over the stand-ins; what each lacks is said in its output (`told`) and in a note."""

WHOLE: Mapping[str, str] = {
    "agent.turn": "an answer that is cut off is asked for again, or fails",
    **dict.fromkeys(
        ("gmail.wait_for_reply", "imap.wait_for_reply", "outlook.wait_for_reply"),
        "it gives a mail as the step that reads one does",
    ),
    **dict.fromkeys(
        ("calendar.read_invitation", "calendar.make_invitation", "calendar.answer_invitation"),
        "an invitation has all that its fields hold",
    ),
    "code.run": "its output is what the author's code returns",
    "drive.download": "the whole file, or an error",
    "file.detect": "what a file is, in one word",
    "file.get_attachment": "the whole file",
    "file.metadata": "what a file says about itself",
    "file.read": "`file` is the whole file; `text` is only for short ones",
    "github.get_file": "the whole text, or an error",
    "github.get_issue": "the whole issue; its comments are counted in `comment_count`",
    "gmail.get_attachment": "the whole file",
    "gmail.list_labels": "all labels",
    "google_calendar.get_event": "the whole event",
    "imap.get_attachment": "the whole file",
    "imap.list_folders": "all folders",
    "llm.classify": "an answer that is cut off is an error",
    "llm.embed": "a vector for each text, or an error",
    "llm.extract": "an answer that is cut off is an error",
    "llm.list_models": "all models",
    "llm.repair": "an answer that is cut off is an error",
    "outlook.get_attachment": "the whole file",
    "outlook.list_folders": "all folders",
    "notion.get_data_source": "all properties",
    "notion.get_database": "all data sources",
    "rag.answer": "an answer that is cut off is an error",
    "rag.search": "the best passages, as many as were asked for: all others fit, too, only worse",
    "slack.list_channels": "all channels that the bot sees",
    "sql.schema": "all tables",
    "store.get": "one value",
}
"""Steps that read whole what they read, and why nothing of it can be left out."""


def workbook(hidden: str = "") -> bytes:
    book = openpyxl.Workbook()
    for title in ("May", "June"):
        sheet = book.create_sheet(title)
        sheet.append(["a", "b"])
        sheet.append([1, 2])
        sheet.sheet_state = "hidden" if title == hidden else "visible"
    sheet.add_chart(BarChart(), "C3")
    sheet["A1"].comment = Comment("Check this", "Ann")
    del book["Sheet"]
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def scanned() -> bytes:
    made = io.BytesIO()
    page = Image.new("L", (600, 400), 255)
    page.save(made, "PDF", save_all=True, append_images=[page])
    return made.getvalue()


def lines(count: int) -> Callable[[], bytes]:
    return ("a,b\n" + "1,2\n" * count).encode


_PICTURE = documents.rels(("image", "media/image1.png"))
_HIDDEN = "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r></w:p>"
_NOT_SHOWN = f'<p:sld xmlns:p="{documents.SHOW}" show="0"><p:cSld><p:spTree/></p:cSld></p:sld>'
LONG = Local({"file": "it", "max_characters": 100}, left_out, "The text was cut: ", {})
ROW = {"table": "plans", "value": {"a": 1}}
PROJECT = {"project": "shop", "branch": "work"}

IN_WORKSPACE: Mapping[str, Sequence[Local]] = {
    "file.archive": [
        Local(
            {"file": "it"},
            left_out,
            "1 entry was left out.",
            {"it": lambda: documents.zipped({"../up.txt": "x", "in.txt": "y"})},
        )
    ],
    "file.list": [
        Local({"pattern": "*.txt", "limit": 1}, has_more, OTHER_LIMIT, {"a.txt": b"a".strip, "b.txt": b"b".strip})
    ],
    "file.ocr": [
        Local({"file": "it", "max_pages": 1}, truncated, "Only a part of the pages was read", {"it": scanned})
    ],
    "file.table": [
        Local({"file": "it", "limit": 1}, truncated, "2 rows; 1 of them are in `rows`.", {"it": lines(2)}),
        Local(
            {"file": "it"},
            lambda output: output["sheets"][1:],
            "Only one of 2 was read: `sheet` picks another",
            {"it": workbook},
        ),
    ],
    "file.text": [Local(LONG.arguments, left_out, LONG.note, {"it": lines(200)})],
    "http.request": [
        Local({"url": "/picture"}, left_out, "8 bytes of image/png, not text. `as_file` keeps it", {}),
        Local({"url": "/broken"}, left_out, "Expecting value at line 1, column 1. It is in `text`.", {}),
        Local({"url": "/page"}, lambda output: output["headers"]["link"], "one page of several", {}),
        Local({"url": "/page", "paging": {"pages": 1}}, has_more, "There are more pages than the 1 read.", {}),
    ],
    "project.read": [
        Local(
            {**PROJECT, "paths": ["a.txt"], "limit": 3},
            lambda output: not output["texts"][0]["is_whole"],
            "1 text cut at 3 characters: a.txt.",
            {},
            [
                {"uses": "project.start", "with": PROJECT},
                {"uses": "project.write", "with": {**PROJECT, "path": "a.txt", "text": "A text."}},
            ],
        )
    ],
    "sql.query": [
        Local({"statement": "select id from products", "limit": 1}, truncated, OTHER_LIMIT, {}),
    ],
    "sql.rows": [Local({"table": "products", "limit": 1}, truncated, OTHER_LIMIT, {})],
    "store.query": [
        Local(
            {"table": "plans", "limit": 1},
            has_more,
            OTHER_LIMIT,
            {},
            [{"uses": "store.upsert", "with": {**ROW, "key": key}} for key in "ab"],
        )
    ],
    "table.query": [
        Local(
            {"tables": {"it": [{"a": 1}, {"a": 2}]}, "statement": "select a from it", "limit": 1},
            truncated,
            OTHER_LIMIT,
            {},
        )
    ],
    "web.read": [Local({"url": "/long"}, truncated, "its end is not in the text", {})],
}
"""Steps in a workspace; addresses are those of PAGES."""

IN_MAILBOX: Mapping[str, Short] = {
    "imap.get_message": Short(lambda _: {"message": "MAIL", "max_tokens": 50}, left_out, _CUT_MAIL),
    "imap.get_thread": Short(lambda _: {"thread": "THREAD", "max_tokens": 50}, in_messages, _CUT_MAIL),
    "imap.search_messages": Short(given(limit=1)),
}
"""Steps in a mailbox with two mails; MAIL is the long one, and THREAD its conversation."""


TEXT_OF: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "pdf": (scanned, "Pages without text were found"),
    "documents.word": (
        lambda: documents.docx(_HIDDEN, **{"word/_rels/document.xml.rels": _PICTURE}),
        "Not read: 1 picture. Hidden text is left out: 6 characters.",
    ),
    "workbooks.excel": (
        lambda: workbook("June"),
        "Left out: 1 hidden sheet ('June'). `file.table` reads one by its name. Not read: 1 chart.",
    ),
    "documents.slides": (
        lambda: documents.pptx(**{"ppt/slides/slide2.xml": _NOT_SHOWN}),
        "Left out: 1 hidden slide (1).",
    ),
    "csv_tables.separated": (lines(200), LONG.note),
    "plain": (lambda: b"word " * 100, LONG.note),
    "html": (lambda: b"<html><body><script>draw()</script></body></html>", "no text that people see"),
    "mail": (lambda: mailboxes.mail(text="word " * 100).as_bytes(), LONG.note),
    "picture": (documents.picture, "Pages without text were found"),
}
"""{reader of texts: a file of which it does not give everything, and what it says}."""

MORE: Mapping[str, Callable[[], bytes]] = {
    "pdf_tables": lambda: documents.pdf(documents.ruled([["a"], [1], [2]])),
    "documents.word": documents.docx,
    "workbooks.excel": documents.xlsx,
    "csv_tables.separated": documents.csv,
    "json_tables": lambda: b'[{"a": 1}, {"a": 2}]',
    "html": lambda: b"<table><tr><th>a</th></tr><tr><td>1</td></tr><tr><td>2</td></tr></table>",
}
"""{reader of tables: a file with more than one row}."""


def reads() -> Mapping[str, StepType]:
    """Every step type that reads, whatever its fields, or as long as they do not say otherwise."""
    return {name: kind for name, kind in STEPS.every.items() if Effect.READS in {kind.effect, kind.effect_of({})[0]}}


def test_every_step_that_reads_is_here() -> None:
    known = [*ON_STAND_INS, *IN_WORKSPACE, *IN_MAILBOX, *WHOLE]
    assert sorted(known) == sorted({*known, *reads()}), "each once, and no reading step is missing"
    assert set(known) <= {*reads(), "table.query"}


def test_every_reader_of_files_is_here() -> None:
    assert (set(TEXT_OF), set(MORE)) == (set(TEXTS.values()), set(TABLES.values()))


def made(step_type: StepType, world: World, arguments: Mapping[str, Any]) -> tuple[Any, str]:
    """Make a call as the engine makes it; return its output and its note."""
    call = world.call(step_type, arguments)
    return answered(step_type, call), " ".join(call.notes)


@pytest.mark.parametrize(("name", "at"), [(name, at) for name, rows in ON_STAND_INS.items() for at in range(len(rows))])
def test_what_a_service_has_beyond_the_output_is_said(
    name: str, at: int, standins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.github.search.SEARCH_LAG_SECONDS", 0)
    step_type, short = STEPS.every[name], ON_STAND_INS[name][at]
    with incomplete(standins, name) as services, http_client() as http:
        world = World(str(step_type.service), services, http, plays=short.plays)
        output, note = made(step_type, world, short.arguments(world))
    assert short.told(output), output
    assert short.note in note


CUT_SHORT: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "notion.get_markdown": ("markdown", {"unknown_block_ids": ["0" * 32]}),
    "notion.get_page": ("markdown", {"unknown_block_ids": ["0" * 32]}),
    "github.search_issues": ("incomplete_results", {"incomplete_results": True}),
}
"""{step: a member of the answer that is changed, and what is put into it}."""


@contextmanager
def incomplete(standins: StandIns, name: str) -> Iterator[Any]:
    """The stand-ins; those of `CUT_SHORT` say of an answer that it is not whole."""
    if name not in CUT_SHORT:
        yield standins
        return
    service, (of, more) = name.partition(".")[0], CUT_SHORT[name]
    with proxied(standins[service]) as proxy:
        proxy.whole = lambda answer: {**answer, **more} if of in answer else answer
        yield {service: proxy.endpoint}


PAGES: Mapping[str, tuple[bytes, Mapping[str, str]]] = {
    "/picture": (b"\x89PNG\r\n\x1a\n", {"content_type": "image/png"}),
    "/page": (b"[1]", {"content_type": "application/json", "link": '</page?page=2>; rel="next"'}),
    "/broken": (b"<html>", {"content_type": "application/json"}),
    "/long": (b"<main><p>" + b"word " * 250_000 + b"</main>", {"content_type": "text/html"}),
}
"""A picture, a list of two pages, what is not JSON though it says so, and a page that is too long."""


@pytest.fixture
def orchestra(tmp_path: Path, scripted: Scripted) -> Iterator[Orchestra]:
    """A workspace with a database, and a connection to the site."""
    root = tmp_path / "workspace"
    for folder in ("workflows", "prompts", "logs"):
        (root / folder).mkdir(parents=True)
    shop.make(root / "data" / "shop.db")
    site = urlsplit(scripted.url).netloc
    connections = (
        f"shop: {{service: sql, url: 'sqlite:///data/shop.db'}}, web: {{service: http, allow_hosts: ['{site}']}}"
    )
    (root / "config.yaml").write_text(f"connections: {{{connections}}}\napprovals: {{default: never}}\n")
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def ran(orchestra: Orchestra, *steps: Mapping[str, Any]) -> tuple[Any, str]:
    """Run steps; return the output of the last one, and what the page of the run says beside it."""
    named = [{"id": f"s{at}", **one} for at, one in enumerate(steps)]
    write_workflow(orchestra.workspace.root, "work", named)
    run: Any = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    return run["steps"][-1]["output"], run["steps"][-1].get("note") or ""


@pytest.mark.parametrize(("name", "at"), [(name, at) for name, rows in IN_WORKSPACE.items() for at in range(len(rows))])
def test_what_is_beyond_the_output_is_said_on_the_page_of_the_run(
    name: str, at: int, orchestra: Orchestra, scripted: Scripted
) -> None:
    if name == "file.ocr" and tesseract.tesseract() is None:
        pytest.skip("tesseract is not installed")
    local = IN_WORKSPACE[name][at]
    for file, content in local.files.items():
        (orchestra.workspace.root / file).write_bytes(content())
    arguments = dict(local.arguments)
    if "url" in arguments:
        body, headers = PAGES[arguments["url"]]
        arguments["url"] = f"{scripted.then(200, body, **headers).url}{arguments['url']}"
    connection = {"http": "web", "sql": "shop"}.get(STEPS.every[name].service or "")
    step = {"uses": name, "with": arguments, **({"connection": connection} if connection else {})}
    output, note = ran(orchestra, *local.before, step)
    assert local.told(output), output
    assert local.note in note


@pytest.mark.parametrize("reader", TEXT_OF)
def test_what_is_not_in_the_text_of_a_file_is_said(reader: str, orchestra: Orchestra) -> None:
    content, said = TEXT_OF[reader]
    (orchestra.workspace.root / "it").write_bytes(content())
    _, note = ran(orchestra, {"uses": "file.text", "with": LONG.arguments})
    assert said in note


@pytest.mark.parametrize("reader", MORE)
def test_rows_beyond_the_limit_are_said(reader: str, orchestra: Orchestra) -> None:
    (orchestra.workspace.root / "it").write_bytes(MORE[reader]())
    output, note = ran(orchestra, {"uses": "file.table", "with": {"file": "it", "limit": 1}})
    assert output["truncated"]
    assert f"{output['row_count']} rows; 1 of them are in `rows`." in note


@pytest.mark.parametrize("name", IN_MAILBOX)
def test_what_a_mailbox_has_beyond_the_output_is_said(name: str) -> None:
    with mailboxes.connected(mailboxes.new_settings()) as client:
        mailboxes.deliver(client, mailboxes.mail())
        mail = mailboxes.deliver(client, mailboxes.mail(text="A sentence that is not long. " * 40))
        step_type, short = STEPS.every[name], IN_MAILBOX[name]
        arguments = {**short.arguments(cast("World", None))}
        arguments |= {"message": mail} if "message" in arguments else {}
        arguments |= {"thread": client.mail.message(mail)["thread_id"]} if "thread" in arguments else {}
        call = Call(step_type.fields.model_validate(arguments), client, started_at=datetime.now(UTC))
        output = answered(step_type, call)
    assert short.told(output), output
    assert short.note in " ".join(call.notes)
