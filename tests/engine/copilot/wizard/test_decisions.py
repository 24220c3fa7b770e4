"""Several decisions in one request: each target has the condition of its own clause, or there is no proposal."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from engine.copilot.wizard.reading import read
from engine.orchestra import Orchestra
from engine.people.access import Principal

OWNER = Principal("owner", "owner", confirmed=True)
ISSUE, PAGE = ("github.create_issue", "acme/app", "bug"), ("notion.upsert_page", "Tasks", "task")
BOTH = {ISSUE, PAGE}
TRIAGED = ("gmail.add_labels", "triaged", "")
Wiring = tuple[str, str, str]
"""A step type, the place that it writes to, and the kind of mail that it is for; empty: every mail."""
WIRED: dict[str, tuple[tuple[str, ...], set[Wiring]]] = {
    "Bug mails become issues in acme/app, task mails become pages in Notion Tasks": (("bug", "task"), BOTH),
    "Bug mails become issues in acme/app, for tasks keep a page in Notion Tasks": (("bug", "task"), BOTH),
    "Bug mails become issues in acme/app and task mails pages in Notion Tasks": (("bug", "task"), BOTH),
    "If a mail is a bug, open an issue in acme/app; if it is a task, keep a page in Notion Tasks": (
        ("bug", "task"),
        BOTH,
    ),
    "Sort new mails into bug, task and other: bugs to issues in acme/app, tasks to pages in Notion Tasks": (
        ("bug", "task"),
        BOTH,
    ),
    "Sort my inbox into sales, support and other: sales to #sales, support to #support, archive the rest": (
        ("sales", "support", "other"),
        {
            ("slack.send_message", "#sales", "sales"),
            ("slack.send_message", "#support", "support"),
            ("gmail.archive", "", "other"),
        },
    ),
    "Sort my mail into bug reports, feature requests and other: bug reports become issues in acme/app; "
    "feature requests become pages in Notion Wishes": (
        ("bug", "request"),
        {ISSUE, ("notion.upsert_page", "Wishes", "request")},
    ),
    'Bug mails become issues in acme/app, tasks become pages in Notion Tasks. Every mail gets the label "triaged"; '
    'where the model is unsure, also "needs a look"': (
        ("bug", "task", "unsure"),
        {*BOTH, TRIAGED, ("gmail.add_labels", "needs a look", "unsure")},
    ),
    'Every mail gets the label "triaged", bugs also "bug"': (("bug",), {TRIAGED, ("gmail.add_labels", "bug", "bug")}),
    "Bugs and questions from my inbox become issues in a/b, tasks become pages in Notion Tasks": (
        ("bug", "question", "task"),
        {("github.create_issue", "a/b", "bug"), ("github.create_issue", "a/b", "question"), PAGE},
    ),
    "Bug mails become issues in acme/app, task mails become pages in Notion Tasks and get archived": (
        ("bug", "task"),
        {*BOTH, ("gmail.archive", "", "task")},
    ),
    "Bug mails become issues in acme/app, all others are archived": (
        ("bug", "other"),
        {ISSUE, ("gmail.archive", "", "other")},
    ),
    "Archive newsletters, forward invoices to books@x.org": (
        ("newsletter", "invoice"),
        {("gmail.archive", "", "newsletter"), ("gmail.forward", "books@x.org", "invoice")},
    ),
    'Forward complaints to boss@x.org, and answer questions with "We will get back to you"': (
        ("complaint", "question"),
        {("gmail.forward", "boss@x.org", "complaint"), ("gmail.reply", "We will get back to you", "question")},
    ),
    "Task mails become pages in Notion Tasks": (("task",), {PAGE}),
    "Bug-Mails werden Issues in acme/app, Aufgaben-Mails werden Seiten in Notion Tasks": (("bug", "task"), BOTH),
    "Fehlermeldungen werden zu Issues in acme/app, für Aufgaben-Mails eine Seite in Notion Tasks anlegen": (
        ("bug", "task"),
        BOTH,
    ),
    "Wenn eine Mail ein Bug ist, öffne ein Issue in acme/app, wenn sie eine Aufgabe ist, lege eine Seite in Notion "
    "Tasks an": (("bug", "task"), BOTH),
    "Sortiere meine Mails in Bug, Aufgabe und Sonstiges: Bugs als Issues in acme/app, Aufgaben als Seiten in Notion "
    "Tasks, alles andere archivieren": (("bug", "task", "other"), {*BOTH, ("gmail.archive", "", "other")}),
    "Newsletter archivieren und Rechnungen an books@x.org weiterleiten": (
        ("newsletter", "invoice"),
        {("gmail.archive", "", "newsletter"), ("gmail.forward", "books@x.org", "invoice")},
    ),
    'Beschwerde-Mails nach #support posten, Wünsche als Seite in Notion Wishes, jede Mail bekommt das Label "triaged"; '
    'wo das Modell unsicher ist, auch "ansehen"': (
        ("complaint", "request", "unsure"),
        {
            ("slack.send_message", "#support", "complaint"),
            ("notion.upsert_page", "Wishes", "request"),
            TRIAGED,
            ("gmail.add_labels", "ansehen", "unsure"),
        },
    ),
}
_IS = re.compile(r"output\.label == '([^']*)'")
_PLACES = ("repository", "database", "channel", "to", "labels", "text")


def _steps(ops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    outer = [one["step"] for one in ops if one["op"] == "add"]
    return [step for one in outer for step in one.get("steps", [one])]


def _wiring(step: dict[str, Any]) -> Wiring:
    given = next((step["with"][one] for one in _PLACES if one in step["with"]), "")
    found = _IS.search(step.get("if", ""))
    return step["uses"], given[0] if isinstance(given, list) else given, found[1] if found else ""


@pytest.mark.parametrize("said", WIRED)
def test_each_target_has_the_kind_of_its_own_clause(orchestra: Orchestra, said: str) -> None:
    kinds, wanted = WIRED[said]
    answer = orchestra.copilot.rules.answer(OWNER, said, "fresh")
    assert answer.proposal is not None, answer.text
    assert answer.proposal.is_acceptable, answer.proposal.problems
    sorting, *writes = (one for one in _steps(answer.proposal.ops) if one["uses"] != "gmail.search_messages")
    assert set(sorting["with"]["labels"]) == {*kinds, "other"}
    assert {_wiring(one) for one in writes} == wanted
    assert answer.text.count("other") == 1 + ("other" in kinds)


@pytest.mark.slow
def test_the_triage_of_an_inbox_in_words_does_what_it_says(orchestra: Orchestra) -> None:
    said = next(one for one in WIRED if "needs a look" in one)
    made = orchestra.copilot.rules.answer(OWNER, said, "triage-in-words").proposal
    assert made is not None
    demo = orchestra.copilot.proposals.try_in_demo(OWNER, "triage-in-words", made.id).demo
    assert demo is not None
    assert demo.status == "succeeded"
    assert {"github.create_issue", "gmail.add_labels"} <= set(demo.writes)
    assert demo.second_run is not None
    assert demo.second_run.writes == 0


def test_what_is_quoted_is_no_decision() -> None:
    understood = read('Answer thank-you mails with "Sort mail into bug and task: bugs to issues in a/b, tasks to #x"')
    assert understood is not None
    assert understood.choices is not None, understood.question
    assert [(one.target, one.when) for one in understood.choices.targets] == [("answer", "thanks")]


@pytest.mark.parametrize(
    ("said", "start", "cron"),
    [
        ("Every morning at 8: ", "schedule", "0 8 * * *"),
        ("Every Monday and Thursday at 9 ", "schedule", "0 9 * * 1,4"),
        ("When new mails arrive, ", "new", ""),
        ("", "hand", ""),
    ],
)
def test_a_time_at_the_beginning_is_for_all_decisions(said: str, start: str, cron: str) -> None:
    understood = read(f"{said}bug mails become issues in acme/app, task mails become pages in Notion Tasks")
    assert understood is not None
    assert understood.choices is not None, understood.question
    assert (understood.choices.start, understood.choices.cron) == (start, cron)
    assert [(one.target, one.when) for one in understood.choices.targets] == [("issue", "bug"), ("task", "task")]


def test_what_is_sorted_is_asked_for() -> None:
    understood = read("Bugs become issues in acme/app, for tasks keep a page in Notion Tasks")
    assert understood is not None
    assert understood.question.startswith("What should be sorted?")


@pytest.mark.parametrize(
    "said",
    [
        "bug mails become issues in a/b, " * 120,
        "sort my mail into " + "bug, " * 700 + "and other: bugs to issues in a/b",
        "bugs and " * 440,
        '"x" bug, ' * 440,
        "sort sort " * 400,
        "a-" * 2_000,
        "mails with " * 360,
    ],
)
def test_a_long_request_is_read_in_linear_time(said: str) -> None:
    began = time.process_time()
    read(said[:4_000])
    assert time.process_time() - began < 5
