"""The wizard: whatever may be chosen compiles, and says what it does."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from clients.github.values import repository_name
from engine.base.errors import InvalidInput, NotAllowed
from engine.copilot.wizard.checking import check, fits
from engine.copilot.wizard.composing import Composing
from engine.copilot.wizard.records import Choices, Chosen, WhenToStart
from engine.copilot.wizard.sources import SOURCES
from engine.copilot.wizard.targets import TARGETS
from engine.copilot.wizard.wizard import in_words
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workspace.blanks import blank_workflow
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
                chosen = {"target": target.name, "places": places, "text": "Hi" if target.needs_text else ""}
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


@pytest.mark.slow
@pytest.mark.parametrize("stride", [5, rare(1)])
def test_whatever_may_be_chosen_compiles(orchestra: Orchestra, stride: int) -> None:
    every = list(_every_choice())
    some, wrong = [*{one.targets[0].target: one for one in every}.values(), *every[::stride]], {}
    for choices in some:
        made = orchestra.copilot.wizard.propose(OWNER, "new-one", choices)
        if not made.is_acceptable:
            wrong[f"{choices.source} {choices.targets[0].target} {choices.start} {choices.amount}"] = made.problems
        said = [*made.sentences, *(words for one in made.changes for words in one.sentences)]
        assert not [one for one in said if re.search(r'^The field|Trigger|[{\[]"|"[\]}:]', one)]
    assert not wrong
    assert len(every) > 200
    assert {one.source for one in some} == {one.name for one in SOURCES}
    assert {one.targets[0].target for one in some} == {one.name for one in TARGETS}


RUNS: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    "bug mails become issues": (
        {"source": "mail", "kinds": {"bug": "something does not work"}},
        {"target": "issue", "places": {"repository": "acme/app"}, "when": "bug"},
        {"github.create_issue"},
    ),
    "one list": (
        {"source": "issues", "places": {"repository": "acme/app"}, "amount": "list"},
        {"target": "post", "places": {"channel": "#general"}},
        {"slack.send_message"},
    ),
    "how many": (
        {"source": "drafts", "amount": "count"},
        {"target": "mail", "places": {"to": "me@example.com"}},
        {"gmail.send"},
    ),
    "attached files": (
        {"source": "mail", "only": {"has_file": True}},
        {"target": "files_to_folder", "places": {"folder": "in"}},
        {"file.write"},
    ),
    "drafts of answers": ({"source": "mail"}, {"target": "draft_answer"}, {"gmail.create_draft"}),
    "stale issues": (
        {"source": "issues", "places": {"repository": "acme/app"}, "only": {"older_days": 20}},
        {"target": "comment", "text": "Is this still so?"},
        {"github.comment"},
    ),
    "rows over a number": (
        {"source": "rows", "places": {"spreadsheet": "demo-invoices-2026"}, "only": {"column": "Total", "above": 100}},
        {"target": "task", "places": {"database": "Tasks"}},
        {"notion.upsert_page"},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", few(RUNS, "bug mails become issues", "one list", "how many"))
def test_choices_do_what_they_say(orchestra: Orchestra, what: str) -> None:
    given, target, writes = RUNS[what]
    choices = Choices.model_validate({**given, "targets": [target]})
    name = what.replace(" ", "-")
    made = orchestra.copilot.wizard.propose(OWNER, name, choices)
    demo = orchestra.copilot.proposals.try_in_demo(OWNER, name, made.id).demo
    assert demo is not None
    assert (demo.status, set(demo.writes)) == ("succeeded", writes)
    if choices.amount == "each":
        assert demo.second_run is not None
        assert demo.second_run.writes == 0


@pytest.mark.parametrize("is_approved", [True, False])
def test_all_questions_of_a_run_are_open_at_once_and_without_questions_items_keep_their_order(
    orchestra: Orchestra, is_approved: bool
) -> None:
    target = {"target": "label", "places": {"labels": "seen"}, "is_approved": is_approved}
    choices = Choices.model_validate({"source": "mail", "targets": [target]})
    name = f"asking-{is_approved}".lower()
    made = orchestra.copilot.wizard.propose(OWNER, name, choices)
    [loop] = [one["step"] for one in made.ops if "foreach" in one.get("step", {})]
    assert loop.get("parallel", 1) == (50 if is_approved else 1)
    if not is_approved:
        return
    orchestra.copilot.proposals.accept(OWNER, name, made.id, steps=None, ticks=[one.id for one in made.ticks])
    draft = orchestra.editing.draft_text(OWNER, name)
    orchestra.editing.save(OWNER, name, draft.text, draft.state.etag)
    run_id = orchestra.runs.start(OWNER, name, {})
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "waiting", "the run waits")
    run = orchestra.runs.get(OWNER, run_id)
    [mails] = [one["output"]["messages"] for one in run["steps"] if one["id"] == "mails"]
    questions = [one for one in orchestra.approvals.list(OWNER) if one.run_id == run_id]
    orchestra.runs.cancel(OWNER, run_id)
    assert len(questions) == len(mails) > 1


def test_each_file_that_is_asked_about_is_asked_about_at_once() -> None:
    target = Chosen(target="files_to_folder", places={"folder": "in"}, is_approved=True)
    [outer] = [one["step"] for one in Composing(Choices(source="mail", targets=(target,)), [], "x").operations()][1:]
    [inner] = [one for one in outer["steps"] if "foreach" in one]
    assert outer["parallel"] == inner["parallel"] == 50


def test_a_new_workflow_is_the_choices_alone_and_another_one_keeps_its_steps(orchestra: Orchestra) -> None:
    choices = Choices.model_validate({"source": "mail", "targets": [{"target": "archive"}]})
    wizard, proposals = orchestra.copilot.wizard, orchestra.copilot.proposals
    made = wizard.propose(OWNER, "fresh", choices)
    assert made.sentences == [
        'The title is now "Mail in Gmail: Archive the mail".',
        "New step Read mails: find mails (Gmail, query: in:inbox, limit: 50).",
        "New step Each mail: it goes through steps.mails.output.messages.",
        "New step Archive the mail in Each mail: archive a mail (Gmail, message: mail.id).",
    ]
    assert [one.sentences for one in made.changes if one.step == "each_mail"] == [made.sentences[2:]]
    started = wizard.propose(OWNER, "fresh", choices.model_copy(update={"start": WhenToStart.NEW})).sentences
    assert started[1:3] == [
        "It takes the input Only these mails, which may be left out.",
        "Starts when a mail arrives in Gmail (query: in:inbox).",
    ]
    proposals.accept(OWNER, "fresh", made.id, steps=None, ticks=[one.id for one in made.ticks])
    fresh = json.loads(orchestra.editing.draft_text(OWNER, "fresh").text)
    assert [one["id"] for one in fresh["steps"]] == ["mails", "each_mail"]
    assert "outputs" not in fresh
    assert fresh["title"] == "Mail in Gmail: Archive the mail"
    orchestra.workflows.save(OWNER, "mine", blank_workflow("A title of mine"), None)
    assert "title" not in [one.get("field") for one in wizard.propose(OWNER, "mine", choices).ops]
    more = wizard.propose(OWNER, "inbox-triage", choices)
    assert more.is_acceptable
    assert more.untouched.are_byte_equal
    assert [one.step for one in more.changes] == ["mails_2", "each_mail_2", "archive"] or more.changes[
        0
    ].kind == "added"


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
        orchestra.copilot.wizard.propose(OWNER, "wrong", choices)
    assert said in str(error.value)
    assert error.value.remedy


@pytest.mark.parametrize(
    "said", ["acme/app", " acme/app ", "https://github.com/acme/app", "https://github.com/acme/app.git"]
)
def test_a_repository_is_said_as_the_steps_take_it(orchestra: Orchestra, said: str) -> None:
    """What a step takes, the wizard takes, too."""
    target = {"target": "comment", "text": "Is this still so?"}
    choices = Choices.model_validate({"source": "issues", "places": {"repository": said}, "targets": [target]})
    made = orchestra.copilot.wizard.propose(OWNER, "by-address", choices)
    assert made.is_acceptable, made.problems
    assert repository_name(said) == "acme/app"


def test_viewers_use_no_wizard(orchestra: Orchestra) -> None:
    with pytest.raises(NotAllowed):
        orchestra.copilot.wizard.offers(VIEWER)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 8 * * *", "at 08:00 every day"),
        ("15 7 * * 1,4", "at 07:15 on Monday and Thursday"),
        ("0 12 * * 1-5", "at 12:00 on Monday through Friday"),
        ("0 * * * *", "at the start of every hour"),
        ("0 7 1 * *", "at 07:00 on the first day of every month"),
    ],
)
def test_choices_are_told_with_their_times(cron: str, words: str) -> None:
    post = Chosen(target="post", places={"channel": "#general"})
    choices = Choices(source="mail", start=WhenToStart.SCHEDULE, cron=cron, targets=[post])
    assert f", {words}: " in in_words(choices)
