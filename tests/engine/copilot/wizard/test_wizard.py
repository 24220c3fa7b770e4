"""The wizard: whatever may be chosen compiles, and says what it does."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from PIL import Image

from clients.github.values import repository_name
from engine.base.errors import InUse, InvalidInput, NotAllowed, UnknownName
from engine.base.step_tree import step_nodes
from engine.copilot.wizard.checking import check, fits
from engine.copilot.wizard.composing import TEXTS, Composing
from engine.copilot.wizard.filters import conditions
from engine.copilot.wizard.places import misfit
from engine.copilot.wizard.records import Choices, Chosen, ItemFilter, OwnText, WhenToStart
from engine.copilot.wizard.sources import BY_NAME, SOURCES
from engine.copilot.wizard.targets import TARGETS
from engine.expressions.expressions import compile_expression
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.record.outcomes import failed_items
from engine.record.types.run import Run
from engine.workflows.workflow_files import CreatedWorkflow
from tests.few import few, rare
from tests.patience import until

OWNER, VIEWER = Principal("owner", "owner", confirmed=True), Principal("viewer", "viewer")
PLACES = {
    "repository": "acme/app",
    "spreadsheet": "demo-invoices-2026",
    "sheet": "Invoices",
    "url": "https://news.example.com/feed.xml",
    "table": "customers",
    "channel": "#general",
    "database": "Tasks",
    "chat": "1",
    "to": "me@example.com",
    "labels": "seen, by machine",
    "assignees": "jonas-lindt",
    "path": "out/list.md",
    "folder": "Attachments",
    "columns": "Supplier=sender, Mail=url",
}
REPOSITORY = {"repository": "acme/app"}
EXTRAS: tuple[dict[str, Any], ...] = ({}, {"kinds": {"bug": "something does not work"}}, {"is_summarized": True})


def _every_choice() -> Iterator[Choices]:
    """Yield each source with each target that fits it; start, amount and what a model does take turns."""
    ways = itertools.cycle(itertools.product(WhenToStart, EXTRAS))
    for source, target in itertools.product(SOURCES, TARGETS):
        for amount in target.amounts if fits(target, source) else ():
            found = None
            while found is None:
                start, extra = next(ways)
                places = {one: PLACES[one] for one in target.places}
                chosen = {
                    "target": target.name,
                    "places": places,
                    "text": "Hi" if target.text is OwnText.NEEDED else "",
                }
                chosen["when"] = "bug" if "kinds" in extra else ""
                places = {one: PLACES[one] for one in source.places}
                given = {"source": source.name, "places": places, "start": start, "cron": "0 8 * * 1"}
                found = _checked({**given, "amount": amount, "targets": [chosen], **extra})
                if amount != "each" and not source.uses:
                    break  # an event is about one item
            if found is not None:
                yield found


def _checked(given: dict[str, Any]) -> Choices | None:
    choices = Choices.model_validate(given)
    try:
        check(choices)
    except InvalidInput:
        return None
    return choices


def made(orchestra: Orchestra, choices: Choices, name: str = "new-one") -> CreatedWorkflow:
    """Create the workflow of some choices, in place of one of this name."""
    with suppress(UnknownName):
        orchestra.workflows.delete(OWNER, name)
    return orchestra.copilot.wizard.create(OWNER, name, choices)


@pytest.mark.slow
@pytest.mark.parametrize("stride", [5, rare(1)])
def test_whatever_may_be_chosen_compiles(orchestra: Orchestra, stride: int) -> None:
    every = list(_every_choice())
    some, wrong = [*{one.targets[0].target: one for one in every}.values(), *every[::stride]], {}
    for choices in some:
        errors = [one for one in made(orchestra, choices).problems if one.severity == "error"]
        if errors:
            wrong[f"{choices.source} {choices.targets[0].target} {choices.start} {choices.amount}"] = errors
    assert not wrong
    assert len(every) > 200
    assert {one.source for one in some} == {one.name for one in SOURCES}
    assert {one.targets[0].target for one in some} == {one.name for one in TARGETS}


VALUES = [{"name": "Vendor"}, {"name": "Amount", "kind": "number"}, {"name": "Date", "kind": "date"}]
NAMES = ["in", "Überschrift", "2nd name", 'it\'s "quoted"']
TRICKY: dict[str, dict[str, Any]] = {
    "values of odd names, in a text": {
        "values": [{"name": one} for one in NAMES],
        "targets": [
            {"target": "row", "places": {one: PLACES[one] for one in ("spreadsheet", "sheet")}},
            {"target": "record", "places": {"table": "My Table"}},
            {"target": "issue", "places": REPOSITORY},
        ],
    },
    "a kind with a quotation mark": {
        "kinds": {'it\'s a "bug"': "x"},
        "targets": [{"target": "archive", "when": 'it\'s a "bug"'}],
    },
    "values of files, for all that may follow": {
        "values": VALUES,
        "is_file_read": True,
        "kinds": {"a": "b"},
        "targets": [
            {"target": "files_to_folder", "places": {"folder": "in"}},
            {"target": "files_to_drive", "places": {"folder": "in"}, "when": "a"},
            {"target": "row", "places": {"spreadsheet": "x", "sheet": "", "columns": "A=Vendor, B=url"}, "when": "a"},
            {"target": "task", "places": {"database": "Tasks"}, "is_approved": True},
            {"target": "post", "places": {"channel": "#general"}},
            {"target": "draft_answer"},
            {"target": "archive"},
        ],
    },
    "several senders in a mailbox": {
        "source": "mailbox",
        "start": "schedule",
        "cron": "0 8 * * *",
        "only": {"senders": ["a@b.example", "c.example"], "is_new": True},
        "targets": [{"target": "draft_answer_mailbox", "text": "Be kind."}, {"target": "archive_mailbox"}],
    },
}


@pytest.mark.parametrize("what", TRICKY)
def test_odd_choices_compile(orchestra: Orchestra, what: str) -> None:
    choices = Choices.model_validate({"source": "mail", **TRICKY[what]})
    assert [one for one in made(orchestra, choices).problems if one.severity == "error"] == []


REFUND = {"sender": "Ana <ana@shop.example>", "subject": "Refund", "text": "Please refund my order. Can you do that?"}
BOSS = ["daniel@acme.example", "victor@portolan.example"]
JOBS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "bug mails become issues": (
        {
            "kinds": {"bug": "something does not work"},
            "targets": [{"target": "issue", "places": REPOSITORY, "when": "bug"}],
        },
        {"github.create_issue"},
    ),
    "one list": (
        {
            "source": "issues",
            "places": REPOSITORY,
            "amount": "list",
            "targets": [{"target": "post", "places": {"channel": "#general"}}],
        },
        {"slack.send_message"},
    ),
    "how many": (
        {"source": "drafts", "amount": "count", "targets": [{"target": "mail", "places": {"to": "me@example.com"}}]},
        {"gmail.send"},
    ),
    "mails of some people become tasks": (
        {
            "start": "schedule",
            "cron": "0 8 * * 1-5",
            "only": {"senders": BOSS, "is_new": True},
            "targets": [{"target": "task", "places": {"database": "Tasks"}}],
        },
        {"notion.upsert_page"},
    ),
    "invoices to a folder and a table": (
        {
            "only": {"words": ["invoice"], "senders": ["northwind-hosting.example"], "ending": "pdf"},
            "values": VALUES,
            "is_file_read": True,
            "targets": [
                {"target": "files_to_folder", "places": {"folder": "Invoices"}},
                {"target": "record", "places": {"table": "Invoices"}},
            ],
        },
        {"file.write", "store.upsert"},
    ),
    "drafts for refunds": (
        {
            "kinds": {"refund": "somebody wants their money back"},
            "targets": [{"target": "draft_answer", "when": "refund"}],
        },
        {"gmail.create_draft"},
    ),
    "stale issues": (
        {
            "source": "issues",
            "places": REPOSITORY,
            "only": {"older_days": 20},
            "targets": [{"target": "comment", "text": "Is this still so?"}],
        },
        {"github.comment"},
    ),
    "rows over a number": (
        {
            "source": "rows",
            "places": {"spreadsheet": "demo-invoices-2026"},
            "only": {"column": "Total", "above": 100},
            "targets": [{"target": "task", "places": {"database": "Tasks"}}],
        },
        {"notion.upsert_page"},
    ),
}


def _ran(orchestra: Orchestra, name: str, inputs: dict[str, Any]) -> tuple[Run, list[str]]:
    """Run a workflow; return the run, and the step types of what it has written."""
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, inputs), 60)
    new = [str(one["uses"]) for one in run["steps"] if (effect := one.get("effect")) and not effect.get("reused")]
    return run, new


@pytest.mark.slow
@pytest.mark.parametrize(
    "what",
    few(
        JOBS,
        "bug mails become issues",
        "one list",
        "how many",
        "mails of some people become tasks",
        "invoices to a folder and a table",
        "drafts for refunds",
    ),
)
def test_choices_do_what_they_say(orchestra: Orchestra, what: str) -> None:
    given, writes = JOBS[what]
    choices, name = Choices.model_validate({"source": "mail", **given}), what.replace(" ", "-")
    if "refund" in what:
        orchestra.demo.deliver(OWNER, **REFUND)
    made(orchestra, choices, name)
    run, new = _ran(orchestra, name, {})
    assert (run["status"], {*new}) == ("succeeded", writes)
    if choices.amount == "each":
        assert _ran(orchestra, name, {})[1] == [], "a second run writes nothing again"


@pytest.mark.parametrize("is_approved", [True, False])
def test_all_questions_of_a_run_are_open_at_once_and_without_questions_items_keep_their_order(
    orchestra: Orchestra, is_approved: bool
) -> None:
    target = {"target": "label", "places": {"labels": "seen"}, "is_approved": is_approved}
    name = f"asking-{is_approved}".lower()
    document = made(orchestra, Choices.model_validate({"source": "mail", "targets": [target]}), name).document or {}
    [loop] = [one for one in document["steps"] if "foreach" in one]
    assert loop.get("parallel", 1) == (50 if is_approved else 1)
    if not is_approved:
        return
    run_id = orchestra.runs.start(OWNER, name, {})
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "waiting", "the run waits")
    run = orchestra.runs.get(OWNER, run_id)
    [mails] = [one["output"]["messages"] for one in run["steps"] if one["id"] == "mails"]
    questions = [one for one in orchestra.approvals.list(OWNER) if one.run_id == run_id]
    orchestra.runs.cancel(OWNER, run_id)
    assert len(questions) == len(mails) > 1


def test_each_file_that_is_asked_about_is_asked_about_at_once() -> None:
    target = Chosen(target="files_to_folder", places={"folder": "in"}, is_approved=True)
    outer = Composing(Choices(source="mail", targets=(target,)), "x").document()["steps"][1]
    [inner] = [one for one in outer["steps"] if "foreach" in one]
    assert outer["parallel"] == inner["parallel"] == 50


def test_the_titles_of_steps_and_inputs_are_translated() -> None:
    asked = set()

    def say(text: str, **values: object) -> str:
        asked.add(text)
        return f"«{text.format(**values)}»"

    jobs = [Choices.model_validate({"source": "mail", **one}) for one, *_ in JOBS.values()]
    for choices in (*jobs, *_every_choice()):
        document = Composing(choices, "x", say).document()
        inputs = document.get("inputs", {}).get("properties", {}).values()
        titles = [*(one.step.title for one in step_nodes(document)), *(one["title"] for one in inputs)]
        assert [one for one in titles if not one.startswith("«")] == []
    assert asked <= set(TEXTS)


def test_what_was_there_before_the_last_time_does_not_come_again(orchestra: Orchestra) -> None:
    """The trigger passes on when it fired last; by hand, all mails are read."""
    choices = Choices.model_validate({"source": "mail", **JOBS["mails of some people become tasks"][0]})
    document = made(orchestra, choices, "since").document or {}
    assert document["triggers"][0]["inputs"] == {"since": "{{ item.since }}"}
    counts = []
    for since in ("", "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"):
        run, _ = _ran(orchestra, "since", {"since": since})
        [found] = [one["output"]["messages"] for one in run["steps"] if one["id"] == "mails"]
        counts.append(len(found))
    assert counts[0] == counts[1] > counts[2] == 0


@pytest.mark.parametrize("since", ["", "2000-01-01T00:00:00Z"])
def test_new_mail_that_was_not_read_is_told_as_the_last_time_moves_on(orchestra: Orchestra, since: str) -> None:
    """By hand there is no last time: the newest mails are meant then."""
    choices = Choices.model_validate({"source": "mail", **JOBS["mails of some people become tasks"][0]})
    name = "too-many-since" if since else "too-many"
    file = made(orchestra, choices, name)
    document = file.document or {}
    assert document["steps"][0]["with"]["limit"] == 500
    document["steps"][0]["with"]["limit"] = 1
    orchestra.workflows.save(OWNER, name, json.dumps(document), file.etag)
    run, new = _ran(orchestra, name, {"since": since})
    assert new == ["notion.upsert_page"], "what was read is done first"
    assert run["status"] == ("failed" if since else "succeeded")
    assert ("There are more new mails than were read" in str(run["error"])) is bool(since)


@pytest.mark.parametrize(("only", "limit"), [({}, 50), ({"senders": ["a@b.example", "c.example"]}, 500)])
def test_a_listing_that_is_filtered_afterwards_reads_as_many_as_it_may(only: dict[str, Any], limit: int) -> None:
    target = {"target": "archive_mailbox"}
    choices = Choices.model_validate({"source": "mailbox", "only": only, "targets": [target]})
    assert Composing(choices, "x").document()["steps"][0]["with"]["limit"] == limit


@pytest.mark.parametrize(
    ("sender", "is_one"),
    [
        ("Ann <A@b.example>", True),
        ("x@c.example", True),
        ('"a@b.example" <x@evil.example>', False),
        ("a@b.example.evil.example", False),
        ("x@evil-c.example", False),
    ],
)
def test_senders_are_compared_by_their_addresses(sender: str, is_one: bool) -> None:
    only = ItemFilter(senders=("a@b.example", "c.example"))
    condition = conditions(BY_NAME["mailbox"], only, "mail")
    assert compile_expression(condition, frozenset({"mail"})).value({"mail": {"from": sender}}) is is_one


def test_a_row_has_the_values_of_the_invoice(orchestra: Orchestra) -> None:
    choices = Choices.model_validate({"source": "mail", **JOBS["invoices to a folder and a table"][0]})
    made(orchestra, choices, "rows-of-invoices")
    run = _ran(orchestra, "rows-of-invoices", {})[0]
    assert run["status"] == "succeeded"
    rows = [one.value for one in orchestra.tables.rows(OWNER, "invoices", demo=True).rows]
    assert {(one["vendor"], one["amount"], one["date"]) for one in rows} >= {
        ("Billing at Northwind Hosting", 204.5, "2026-11-13")
    }
    assert all(set(one) == {"vendor", "amount", "date", "url"} for one in rows)
    folder = orchestra.workspace.root / "files" / "demo" / "Invoices"
    files = [one["output"]["name"] for one in run["steps"] if one["id"] == "text"]
    assert files
    assert {*files} <= {one.name for one in folder.iterdir()}, "a saved file keeps its name"


def test_a_file_without_text_is_saved_and_nothing_else_is_written_of_it(orchestra: Orchestra) -> None:
    given = {**JOBS["invoices to a folder and a table"][0], "only": {"senders": ["mia@example.com"]}}
    made(orchestra, Choices.model_validate({"source": "mail", **given}), "scanned")
    mail, page = EmailMessage(), io.BytesIO()
    Image.new("L", (300, 300), 90).save(page, "PDF")
    mail["From"], mail["To"], mail["Subject"] = "mia@example.com", "me@example.com", "A scan"
    mail.set_content("See the file.")
    mail.add_attachment(page.getvalue(), maintype="application", subtype="pdf", filename="scan.pdf")
    where = f"{orchestra.demo.endpoints()['gmail']['base_url']}/_demo/mail"
    plain = {"content-type": "text/plain"}
    httpx.post(where, content=mail.as_bytes(), headers=plain, trust_env=False).raise_for_status()
    run, new = _ran(orchestra, "scanned", {})
    assert (run["status"], new) == ("failed", ["file.write"])
    assert (orchestra.workspace.root / "files" / "demo" / "Invoices" / "scan.pdf").is_file()
    said = '"A scan": scan.pdf is a scan, a picture of text. Scans are read where tesseract is installed.'
    assert said in run["sentence"]
    assert failed_items(run) == 1, "a mail is one item, and not its file another"


@pytest.mark.parametrize("when", ["refund", ""])
def test_an_answer_is_drafted_to_each_mail_that_fits_and_says_what_the_person_wrote(
    orchestra: Orchestra, when: str
) -> None:
    sender = f"{when or 'all'}@refunds.example"
    orchestra.demo.deliver(OWNER, sender=sender, subject="Refund", text="I want my refund.")
    target = {"target": "draft_answer", "when": when, "text": "It takes five days."}
    given = {"only": {"senders": [sender]}, "kinds": {"refund": "money back"}, "targets": [target]}
    made(orchestra, Choices.model_validate({"source": "mail", **given}), "refunds" + when)
    run, new = _ran(orchestra, "refunds" + when, {})
    [answer] = [one["output"] for one in run["steps"] if one["id"] == "answer"]
    assert (run["status"], new, {*answer}) == ("succeeded", ["gmail.create_draft"], {"answer"})
    assert "\n\nIt takes five days.\n\n" in answer["answer"]
    assert "[your answer]" not in answer["answer"]


def test_in_the_demo_only_a_request_for_a_refund_gets_the_answer_for_it(orchestra: Orchestra) -> None:
    orchestra.demo.deliver(OWNER, **REFUND)
    kind = "a request for a refund"
    given = {"kinds": {kind: kind}, "targets": [{"target": "draft_answer", "when": kind}]}
    made(orchestra, Choices.model_validate({"source": "mail", **given}), "asked-for")
    run, new = _ran(orchestra, "asked-for", {})
    items = {one["path"]: one["title"] for one in run["steps"]}
    drafted = [items[one["path"].rpartition(".")[0]] for one in run["steps"] if one["id"] == "draft" and one["effect"]]
    assert ({*drafted}, {*new}) == ({REFUND["subject"]}, {"gmail.create_draft"})


def test_the_model_decides_which_mail_gets_an_answer_only_where_the_person_has_not() -> None:
    for target, is_asked in (({}, True), ({"text": "Yes."}, False), ({"when": "a"}, False)):
        given = {"kinds": {"a": "b"}, "targets": [{"target": "draft_answer", **target}]}
        document = Composing(Choices.model_validate({"source": "mail", **given}), "x").document()
        steps = {one["id"]: one for one in document["steps"][1]["steps"]}
        assert ("needs_answer" in steps["answer"]["with"]["schema"]["properties"]) is is_asked
        assert ("needs_answer" in steps["draft"]["if"]) is is_asked


def test_a_new_workflow_is_the_choices_alone_and_takes_no_name_of_another(orchestra: Orchestra) -> None:
    choices = Choices.model_validate({"source": "mail", "targets": [{"target": "archive"}]})
    fresh = made(orchestra, choices, "fresh").document or {}
    assert [one["id"] for one in fresh["steps"]] == ["mails", "each_mail"]
    assert fresh["title"] == "Mail in Gmail: Archive the mail"
    assert "outputs" not in fresh
    with pytest.raises(InUse):
        orchestra.copilot.wizard.create(OWNER, "fresh", choices)
    assert orchestra.triggers.list(OWNER) == [] or all(not one.is_on for one in orchestra.triggers.list(OWNER))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "source": ({"source": "fax"}, "source: 'fax'"),
    "its place": ({"source": "issues"}, "places.repository"),
    "strange place": ({"places": {"repository": "a/b"}}, "places.repository: 'repository'"),
    "start": ({"source": "commits", "places": REPOSITORY, "start": "new"}, "start: 'new'"),
    "only new ones": ({"source": "form"}, "start: 'hand'"),
    "cron": ({"start": "schedule"}, "cron: ''"),
    "filter": ({"only": {"unassigned": True}}, "only.unassigned"),
    "target": ({"targets": [{"target": "isue"}]}, "targets[0].target: 'isue'"),
    "no mail": ({"source": "form", "start": "new", "targets": [{"target": "archive"}]}, "It is not for"),
    "place of target": ({"targets": [{"target": "issue"}]}, "targets[0].places.repository"),
    "kind": ({"targets": [{"target": "archive", "when": "bug"}]}, "There is no such kind"),
    "text": ({"targets": [{"target": "answer"}]}, "targets[0].text"),
    "amount": ({"amount": "list"}, "amount: 'list'"),
    "ages": ({"only": {"newer_days": 3, "older_days": 30}}, "only.newer_days: '3'. Nothing is both"),
    "the same age": ({"only": {"newer_days": 30, "older_days": 30}}, "only.newer_days: '30'"),
    "kind without a name": ({"kinds": {" ": "x"}}, "kinds: ' '. A kind needs a name"),
    "repository": ({"source": "issues", "places": {"repository": "a/b/c"}}, "places.repository: 'a/b/c'. It is no"),
    "repository of target": (
        {"targets": [{"target": "issue", "places": {"repository": "a b/c"}}]},
        "targets[0].places.repository: 'a b/c'. It is not a repository",
    ),
    "new since no time": ({"only": {"is_new": True}}, "only.is_new"),
    "a value twice": ({"values": [{"name": "A b"}, {"name": "a-b"}]}, "values: 'a-b'. It is there twice"),
    "a value without a letter": ({"values": [{"name": "12"}]}, "values: '12'"),
    "values of no file": ({"is_file_read": True}, "is_file_read"),
    "a column of nothing": (
        {"targets": [{"target": "row", "places": {"spreadsheet": "x", "sheet": "y", "columns": "A=total"}}]},
        "targets[0].places.columns: 'total'",
    ),
    "a table without a name": ({"targets": [{"target": "record", "places": {"table": "!!"}}]}, "places.table: '!!'"),
    "a table without a letter": (
        {"targets": [{"target": "record", "places": {"table": "日本"}}]},
        "places.table: '日本'. It has no letter from A to Z.",
    ),
    "kinds of all": (
        {"amount": "list", "kinds": {"a": "b"}, "targets": [{"target": "post", "places": {"channel": "#a"}}]},
        "kinds",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_choice_that_does_not_fit_is_named(orchestra: Orchestra, what: str) -> None:
    given, said = WRONG[what]
    choices = Choices.model_validate({"source": "mail", "targets": [{"target": "archive"}], **given})
    with pytest.raises(InvalidInput) as error:
        orchestra.copilot.wizard.create(OWNER, "wrong", choices)
    assert said in str(error.value)
    assert error.value.remedy


@pytest.mark.parametrize(
    "said", ["acme/app", " acme/app ", "https://github.com/acme/app", "https://github.com/acme/app.git"]
)
def test_a_repository_is_said_as_the_steps_take_it(orchestra: Orchestra, said: str) -> None:
    """What a step takes, the wizard takes, too."""
    target = {"target": "comment", "text": "Is this still so?"}
    choices = Choices.model_validate({"source": "issues", "places": {"repository": said}, "targets": [target]})
    assert made(orchestra, choices, "by-address").problems == []
    assert repository_name(said) == "acme/app"


def test_what_a_step_type_says_of_a_field_is_a_sentence() -> None:
    said = misfit("table", "A B", "store.upsert")
    assert said.endswith(".")
    assert "Value error" not in said


def test_viewers_use_no_wizard(orchestra: Orchestra) -> None:
    with pytest.raises(NotAllowed):
        orchestra.copilot.wizard.offers(VIEWER)
