"""What a person reads before accepting: where something goes is never left out, and what is left out shows."""

from __future__ import annotations

from typing import Any

import pytest

from engine.copilot.proposals.saying import said, starts
from engine.workflows.differences.changes import changes

MAIL: dict[str, Any] = {
    "id": "send",
    "title": "Write to Ada",
    "uses": "gmail.send",
    "connection": "work",
    "with": {
        "subject": "Hours",
        "text": "We open at nine.",
        "html": "<p>We open at nine.</p>",
        "from_name": "Shop",
        "to": ["ada@example.org", "bob@example.org"],
        "attachments": ["hours.pdf"],
        "cc": "cara@example.org",
        "bcc": "{{ inputs.more }}",
    },
}


def of_step(step: dict[str, Any]) -> str:
    """What is said of a new step."""
    document = {"steps": [step]}
    [sentence] = said(changes({"steps": []}, document), document)
    return sentence


def test_where_something_goes_comes_first_and_is_never_left_out() -> None:
    assert of_step(MAIL) == (
        "New step Write to Ada: send a mail (Gmail, connection: work, to: ada@example.org, bob@example.org,"
        " cc: cara@example.org, bcc: inputs.more, subject: Hours, text: We open at nine.,"
        " html: <p>We open at nine.</p>, …)."
    )
    headers = {"X-To": "ada@example.org"}
    request = {"id": "post", "uses": "http.request", "with": {"url": "https://a.example", "headers": headers}}
    assert 'headers: {"X-To": "ada@example.org"}' in of_step(request)


def test_what_is_left_out_shows() -> None:
    """A text that is computed, and values inside of others, are read in the difference of the text."""
    issue = {"repository": "acme/app", "title": "{{ inputs.title }}", "labels": []}
    assert of_step({"id": "new", "uses": "github.create_issue", "with": issue}).endswith("repository: acme/app, …).")
    assert of_step({"id": "new", "uses": "flow.set", "with": {"values": {"n": 1}}}).endswith("(…).")


def test_every_field_that_goes_is_named() -> None:
    """Also if all of them go at once."""
    bare = {name: one for name, one in MAIL.items() if name != "with"}
    for left in (bare, {**bare, "with": {}}):
        document = {"steps": [left]}
        sentences = said(changes({"steps": [MAIL]}, document), document)
        assert {f"Write to Ada: {name} is no longer given." for name in MAIL["with"]} <= {*sentences}


@pytest.mark.parametrize(
    "cron",
    [
        pytest.param("99 9 * * *", id="no such minute"),
        pytest.param("0 9 * *", id="four fields"),
        pytest.param("0 0 0 1 1 *", id="six fields"),
        pytest.param("0 0 30 2 *", id="no such day"),
        pytest.param("0 9\n* * soon", id="several lines"),
        pytest.param(9, id="a number"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_said_as_it_is(cron: Any) -> None:
    """It never starts anything, which must not sound like a time."""
    trigger = {"uses": "schedule", "with": {"cron": cron}}
    told = "when its time has come (cron: 9)" if cron == 9 else f"by the cron expression {cron!r}, which is not valid"
    assert starts(trigger) == f"Starts {told}"


def test_a_schedule_is_said_in_words() -> None:
    assert starts({"uses": "schedule", "with": {"cron": "0 9 * * 1"}}) == "Starts each Mon at 9:00"
    assert starts({"uses": "schedule", "with": {"every_seconds": 90}}) == "Starts every 90 seconds"
