"""A new workflow from three answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from clients.file.tesseract import tesseract
from dashboard.creating.words import title
from engine.base.statuses import AccountMode
from engine.copilot.wizard.records import Choices, Chosen, ItemFilter, WhenToStart
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.triggers.cron import DailyTime, cron_fault, cron_of, cron_words, daily_time

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
SENTENCES = {
    0: "On weekdays at 8:00: Mail in Gmail; from boss@acme.example; new since the last time. "
    "Then: Add it to a Notion database (Tasks).",
    1: "Whenever there is something new: Mail in Gmail; with “invoice”; with an attached PDF. "
    "A model finds Vendor, Amount, Date in each attached file. "
    "Then: Save attached files in the workspace (Invoices); Add it to a table (Invoices).",
    2: "Whenever there is something new: Mail in Gmail. A model decides whether it is a request for a refund. "
    "Then: if it is a request for a refund: Draft an answer.",
    3: "Whenever there is something new: Mail in Gmail. A model decides whether it is a bug report. "
    "Then: if it is a bug report: Open an issue on GitHub (acme/app), but ask me first.",
}
"""What each example says once its empty fields are filled in."""
DESCRIPTIONS = {
    0: "On a schedule: Mail in Gmail. Then: Add it to a Notion database.",
    1: "Whenever there is something new: Mail in Gmail. Then: Save attached files in the workspace; Add it to a table.",
    2: "Whenever there is something new: Mail in Gmail. Then: Draft an answer.",
    3: "Whenever there is something new: Mail in Gmail. Then: Open an issue on GitHub.",
}
"""Nothing that a person can change in a step later."""
TITLES = {
    0: "Mail from boss: Add it to a Notion database",
    1: "Invoice: Save attached files in the workspace",
    2: "Request for a refund: Draft an answer",
    3: "Bug report: Open an issue on GitHub",
}
TOLD = {
    0: "Looked at the samples of the demo. It would make: 0 writes.",
    1: "Looked at the samples of the demo. It would make: ",
    2: "Looked at the samples of the demo. It would make: ",
    3: "Looked at the samples of the demo. It would make: ",
}
"""What the plan on the demo says of each example."""


def said(at: AppTest) -> str:
    return "\n".join(one.value.replace("\\", "").replace(":color[]", "") for one in at.markdown).replace("::", ":")


def kind_field(at: AppTest, label: str) -> str:
    """Return the key of the field that asks which values are of a kind."""
    return next(str(one.key) for one in at.multiselect if one.label == label)


def filled(at: AppTest) -> AppTest:
    """Fill in what an example leaves to the person."""
    for one in at.selectbox:
        for place, value in (("database", "Tasks"), ("repository", "acme/app")):
            if str(one.key).endswith(f"-{place}"):
                one.set_value(value)
    for text in at.text_input:
        if str(text.key).endswith("-senders") and at.get("time_input"):
            text.set_value("boss@acme.example")
    return at.run()


@pytest.mark.parametrize("example", SENTENCES)
def test_an_example_becomes_a_workflow_that_compiles(orchestra: Orchestra, open_page: Open, example: int) -> None:
    at = open_page("new-workflow")
    at.button(key=f"new-example-{example}").click().run()
    at = filled(at)
    assert not at.exception
    assert SENTENCES[example] in said(at)
    before = {one.name for one in orchestra.workflows.list(OWNER)}
    at.button(key="new-make").click().run()
    assert not at.error
    [name] = {one.name for one in orchestra.workflows.list(OWNER)} - before
    made = orchestra.workflows.get(OWNER, name)
    assert [one for one in made.problems if one.severity == "error"] == []
    assert (made.document or {})["description"] == DESCRIPTIONS[example]
    assert name in at.query_params["name"]
    [tried] = orchestra.plans.list(OWNER, workflow=name)["plans"]
    run = orchestra.runs.wait(OWNER, tried["plan_id"], 60)
    is_scan_unread = example == 1 and tesseract() is None  # one of the sample invoices is a scan
    status = "failed" if is_scan_unread else "succeeded"
    assert (run["status"], run["counts"]["new_effects"]) == (status, 0), "a sample for the canvas"
    assert at.query_params["run"] == run["run_id"], "the canvas shows it"
    told = " ".join(one.value for one in at.toast).replace("\\", "").replace(":color[]", "")
    assert ("R-5587.pdf is a scan, a picture of text." if is_scan_unread else TOLD[example]) in told
    assert (made.document or {})["title"] == TITLES[example]
    again = open_page("new-workflow")
    again.button(key=f"new-example-{example}").click().run()
    [suggested] = [one.value for one in filled(again).text_input if one.label == "Title"]
    assert suggested == f"{TITLES[example]} (2)"


def test_only_the_accounts_of_the_workflow_decide_whether_it_is_tried(orchestra: Orchestra, open_page: Open) -> None:
    mailbox = {"address": "me@own.example", "host": "127.0.0.1", "password": "abcd efgh ijkl"}
    orchestra.connections.add(OWNER, "mailbox", "imap", mailbox)
    there = orchestra.demo.endpoints()["github"]
    own = {"token": there["token"], "base_url": there["base_url"]}
    orchestra.connections.add(OWNER, "github", "github", own)
    orchestra.connections.set_mode(OWNER, "github", AccountMode.MINE)
    for example, told in ((0, "Looked at the samples"), (3, "Not tried on samples: it uses accounts of your own.")):
        at = open_page("new-workflow")
        at.button(key=f"new-example-{example}").click().run()
        filled(at).button(key="new-make").click().run()
        assert told in " ".join(one.value.replace("\\", "") for one in at.toast)


def test_a_place_that_the_account_does_not_offer_is_warned_of_but_taken(open_page: Open) -> None:
    at = open_page("new-workflow")
    [database] = [one for one in at.selectbox if str(one.key).endswith("-database")]
    database.set_value("Tasks").run()
    assert [one.value for one in at.warning] == []
    [database] = [one for one in at.selectbox if str(one.key).endswith("-database")]
    database.options.append("Taks")  # as typed
    database.set_value("Taks").run()
    [warned] = [one.value.replace("\\", "") for one in at.warning]
    assert warned.startswith("Taks is not among: ")
    assert "Tasks" in warned
    assert not at.button(key="new-make").disabled


@pytest.mark.parametrize(
    ("only", "kinds", "wanted"),
    [
        (
            {"senders": ("greta.v@acme.example", "x.example")},
            {},
            "Mail from greta.v: Add it to a Notion database",
        ),
        ({"words": ("w" * 90,)}, {}, f"W{'w' * 32}…: Add it to a Notion data…"),
        ({}, {"a complaint": "x", "praise": "y"}, "Complaint: Add it to a Notion database"),
    ],
    ids=["senders", "long", "kind"],
)
def test_a_title_begins_with_what_differs(
    orchestra: Orchestra, only: dict[str, tuple[str, ...]], kinds: dict[str, str], wanted: str
) -> None:
    offers = orchestra.copilot.wizard.offers(OWNER)
    choices = Choices(source="mail", only=ItemFilter(**only), kinds=kinds, targets=(Chosen(target="task"),))
    assert title(choices, offers, ()) == wanted
    assert title(choices, offers, {wanted}).endswith(" (2)")
    assert len(title(choices, offers, {wanted})) <= 60


def test_what_is_missing_is_said_and_nothing_is_made_without_it(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("new-workflow")
    at.button(key="new-example-3").click().run()
    assert at.button(key="new-make").disabled
    assert any("Still missing: Repository" in one.value for one in at.caption)


def test_mail_of_certain_people_needs_the_people(open_page: Open) -> None:
    at = open_page("new-workflow")
    at.button(key="new-example-0").click().run()
    [database] = [one for one in at.selectbox if str(one.key).endswith("-database")]
    database.set_value("Tasks").run()
    assert at.button(key="new-make").disabled
    assert "Times are in the time zone UTC." in [one.value.replace("\\", "") for one in at.caption]
    assert "Still missing: Only from these senders" in [one.value for one in at.caption]
    at = filled(at)
    assert not at.button(key="new-make").disabled
    assert not [one.value for one in at.caption if "Still missing" in one.value]


def test_times_are_in_the_zone_of_the_browser(
    orchestra: Orchestra, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    zones = []
    for zone in ("Europe/Berlin", "UTC", "Nowhere/Land"):
        monkeypatch.setattr(type(st.context), "timezone", zone)
        at = open_page("new-workflow")
        at.button(key="new-example-0").click().run()
        at = filled(at)
        said = "your time zone, Europe/Berlin" if zone == "Europe/Berlin" else "the time zone UTC"
        assert f"Times are in {said}." in [one.value.replace("\\", "") for one in at.caption]
        at.button(key="new-make").click().run()
        document = orchestra.workflows.get(OWNER, at.query_params["name"]).document or {}
        zones.append(document["triggers"][0]["with"].get("time_zone"))
    assert zones == ["Europe/Berlin", None, None], "else that of the workspace, also when it is changed"


@pytest.mark.parametrize("example", SENTENCES)
def test_the_page_of_a_new_workflow_offers_to_turn_it_on(orchestra: Orchestra, open_page: Open, example: int) -> None:
    at = open_page("new-workflow")
    at.button(key=f"new-example-{example}").click().run()
    filled(at).button(key="new-make").click().run()
    name = at.query_params["name"]
    made = open_page("workflow", name=name, tab="triggers", new="1")
    assert any("It is off. This will start it: " in one.value for one in made.markdown)
    [turn_on] = [one for one in made.button if str(one.key).startswith("next-on-")]
    assert turn_on.proto.type == "primary"
    turn_on.click().run()
    made.button(key=str(turn_on.key)).click()  # each run has to open the dialog again
    made.button(key="start-on").click().run()
    [trigger] = orchestra.triggers.list(OWNER, name)
    assert trigger.is_on
    assert not [one for one in made.button if str(one.key).startswith("next-on-")]
    assert not [one for one in open_page("workflow", name=name).button if str(one.key).startswith("next-on-")]


def test_the_page_of_one_that_people_start_leads_to_its_form(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("new-workflow")
    at.radio(key="new0-start-new-schedule-hand").set_value(WhenToStart.HAND).run()
    filled(at).button(key="new-make").click().run()
    made = open_page("workflow", name=at.query_params["name"], tab="triggers", new="1")
    assert "It runs when you start it." in [one.value for one in made.markdown]


def test_the_name_of_a_required_field_is_words(open_page: Open) -> None:
    at = open_page("new-workflow")
    assert "Database (required)" in [one.label for one in at.selectbox]


def test_a_choice_that_does_not_fit_the_next_one_is_left_out(open_page: Open) -> None:
    at = open_page("new-workflow")
    at.button(key="new-example-0").click().run()
    at = filled(at)
    assert "boss@acme.example; new since the last time" in said(at)
    for source in ("form", "issues", "drafts", "failures", "rows", "mailbox"):
        at.selectbox(key="new1-source").set_value(source).run()
        assert not at.exception, source
        [told] = [one for one in said(at).splitlines() if "Then: " in one]
        if source in ("form", "failures"):
            assert "boss@acme.example" not in told
            assert "since the last time" not in told


def test_what_was_typed_stays_as_other_answers_change(open_page: Open) -> None:
    at = open_page("new-workflow")
    at.multiselect(key="new0-read-values").set_value(["x, y", "due"]).run()
    at.multiselect(key=kind_field(at, "Which are numbers?")).set_value(["x, y"]).run()
    at.multiselect(key=kind_field(at, "Which are dates?")).set_value(["due"]).run()
    for label, typed in (("Title", "My title"), ("File name", "my-file")):
        next(one for one in at.text_input if one.label == label).set_value(typed).run()
    at.multiselect(key="new0-read-values").set_value(["x, y", "due", "note"]).run()
    at.text_input(key="new0-mail-only-words").set_value("invoice").run()
    assert at.multiselect(key=kind_field(at, "Which are numbers?")).value == ["x, y"]
    assert at.multiselect(key=kind_field(at, "Which are dates?")).value == ["due"]
    assert {one.label: one.value for one in at.text_input}.items() >= {("Title", "My title"), ("File name", "my-file")}


def test_a_value_may_have_any_sign_in_its_name(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("new-workflow")
    at.selectbox(key="new0-targets-0-mail").set_value("row").run()
    at.multiselect(key="new0-read-values").set_value(["x, y", "a=b"]).run()
    for one in at.text_input:
        if str(one.key).endswith(("-spreadsheet", "-sheet")):
            one.set_value("demo")
    at = at.run()
    before = {one.name for one in orchestra.workflows.list(OWNER)}
    at.button(key="new-make").click().run()
    assert [one.value for one in at.error] == []
    [name] = {one.name for one in orchestra.workflows.list(OWNER)} - before
    document = orchestra.workflows.get(OWNER, name).document or {}
    assert {"x y", "a b"} <= set(document["steps"][-1]["steps"][-1]["with"]["values"])


@pytest.mark.parametrize("days", [[], [1], [1, 4], [1, 2, 3, 4, 5], [6, 7], [2, 3, 4], [1, 2, 3, 4, 5, 6, 7]])
def test_times_are_said_as_they_were_chosen(days: list[int]) -> None:
    cron = cron_of(DailyTime(7, 5, days))
    assert cron_fault(cron) == ""
    found = daily_time(cron)
    assert found is not None
    assert (found.hour, found.minute, [*found.days]) == (7, 5, [] if len(days) == 7 else days)
    assert "7:05" in cron_words(cron)


def test_an_empty_one_takes_the_name_of_its_title_and_no_name_that_is_taken(
    orchestra: Orchestra, open_page: Open
) -> None:
    """A dialog stays open in a browser between clicks inside it; here each run has to open it again."""
    before = {one.name for one in orchestra.workflows.list(OWNER)}
    at = open_page("new-workflow")
    at.button(key="new-empty").click().run()
    at.button(key="new-empty").click()
    at.text_input(key="empty-name").set_value("reply-drafts")
    at.button(key="empty-make").click().run()
    assert at.error
    assert {one.name for one in orchestra.workflows.list(OWNER)} == before
    at = open_page("new-workflow")
    at.button(key="new-empty").click().run()
    at.button(key="new-empty").click()
    at.text_input(key="empty-title").set_value("Überfällige Rechnungen").run()
    assert at.text_input(key="empty-name-uberfallige-rechnungen").value == "uberfallige-rechnungen"
    at.button(key="new-empty").click()
    at.button(key="empty-make").click().run()
    assert not at.exception
    made = orchestra.workflows.get(OWNER, "uberfallige-rechnungen").document
    assert made is not None
    assert made["title"] == "Überfällige Rechnungen"
