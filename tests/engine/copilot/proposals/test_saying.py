"""What a person reads before accepting: where something goes is never left out, and what is left out shows."""

from __future__ import annotations

from typing import Any

from engine.copilot.proposals.saying import said
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
