"""Whose mail is meant: a sender without an address is asked for, and never dropped."""

from __future__ import annotations

import time

import pytest

from engine.copilot.wizard.filters import gmail_query
from engine.copilot.wizard.reading import read
from engine.orchestra import Orchestra
from engine.people.access import Principal

OWNER = Principal("owner", "owner", confirmed=True)
ASKED = {
    "archive every mail from my wife": "my wife",
    "forward each mail from a customer to bob@x.example": "a customer",
    "every morning make a Notion task for each mail from a customer, but ask me first": "a customer",
    "forward mails of my boss to bob@x.example": "my boss",
    "bug mails from customers become issues in acme/app": "customers",
    "archive mails from our suppliers": "our suppliers",
    "archive mails from any of our suppliers": "any of our suppliers",
    "archive mails by my boss": "my boss",
    "archive mails from the accounts department": "the accounts department",
    "sort my mails from customers into sales and support": "customers",
    "archive mails sent by the bank": "the bank",
    "archive everything from support": "support",
    "archive mails from anna": "anna",
    "archive mails from the last working customer": "the last working customer",
    "archive emails of my boss": "my boss",
    "forward invoices of our suppliers to bob@x.example": "our suppliers",
    "when a mail from my wife arrives, post it to #team": "my wife",
    "save the attachments of mails from my boss under in/": "my boss",
    "archive the mails my wife sends me": "my wife",
    "archive mails whose sender is my wife": "my wife",
    "archive my boss's mail": "my boss's",
    "archive mails from anyone who owes us": "anyone",
    "archive mails from a@x.example or my boss": "my boss",
    "archive mails from my wife and bob@x.example": "my wife",
    "mails from github become issues in acme/app": "github",
    "archiviere jede Mail von meiner Frau": "meiner Frau",
    "jeden Morgen eine Notion-Aufgabe für jede Mail von einem Kunden": "einem Kunden",
    "Mails von den Kunden archivieren": "den Kunden",
    "Mails von unseren Lieferanten an bob@x.example weiterleiten": "unseren Lieferanten",
    "sobald eine Mail von meiner Frau kommt, poste sie in #team": "meiner Frau",
    "Mails unserer Kunden archivieren": "unserer Kunden",
    "Mails aus der Buchhaltung archivieren": "der Buchhaltung",
    "archiviere alle Mails, die meine Frau schickt": "meine Frau",
}
"""What is said, and the sender that is asked for."""
NAMED = {
    "archive mails from Anna": "Anna",
    "archive mails from Anna and Bob": "Anna",
    "archive mails from a@x.example and Bob": "Bob",
    "archive mails from Dr. Miller": "Dr. Miller",
    "archive mails from GitHub": "GitHub",
    "leite jede Mail vom Chef an bob@x.example weiter": "Chef",
    "Mails von Kunden archivieren": "Kunden",
    "Kundenmails archivieren": "Kunden",
}
QUERIES = {
    "archive mails from support@x.example": "in:inbox from:support@x.example",
    "archive mails from @acme.com": "in:inbox from:@acme.com",
    "archive mails from acme.com": "in:inbox from:acme.com",
    "archive mails from anyone at acme.com": "in:inbox from:acme.com",
    "archive mails from Anna (anna@x.example)": "in:inbox from:anna@x.example",
    "archive mails from my wife, anna@x.example": "in:inbox from:anna@x.example",
    "archive mails from the domain acme.com": "in:inbox from:acme.com",
    "archiviere Mails vom Absender anna@x.example": "in:inbox from:anna@x.example",
    'answer mails from anna@x.example with "Hi from my wife"': "in:inbox from:anna@x.example",
    "save the attachments of mails from acme.com under in/": "in:inbox from:acme.com has:attachment",
    "archive mails of anna@x.example": "in:inbox from:anna@x.example",
    "forward each mail from anna@x.example to bob@x.example": "in:inbox from:anna@x.example",
    "leite jede Mail von anna@x.example an bob@x.example weiter": "in:inbox from:anna@x.example",
    "archiviere jede Mail von kunde.example": "in:inbox from:kunde.example",
    "bug mails from acme.com become issues in acme/app": "in:inbox from:acme.com",
    "archive the mails from the last 3 days": "in:inbox newer_than:3d",
    "archive the mails of the last 3 days": "in:inbox newer_than:3d",
    "Mails von letzter Woche archivieren": "in:inbox newer_than:7d",
    "archive mails from Gmail": "in:inbox",
    "archive mails from my inbox": "in:inbox",
    "archive all mails from our mailbox": "in:inbox",
    "archive mails from my gmail account": "in:inbox",
    "archive mails from my inbox only": "in:inbox",
    "make a Notion task from each mail": "in:inbox",
    "Poste jeden Morgen eine Zusammenfassung von allen neuen Mails in #team": "in:inbox",
    "archive all mails from everybody": "in:inbox",
    "sort my mails by sender into work and private": "in:inbox",
    "archiviere Mails aus dem Posteingang": "in:inbox",
    "Mails von meinem Postfach archivieren": "in:inbox",
    "mail boss@example.com the mails from my inbox every morning": "in:inbox",
    "bug mails from GitHub issues become issues in acme/app": "in:inbox",
}
"""What is said, and what is looked for then."""
NO_SENDERS = {
    "archive mails from today": "“today”",
    "archive mails from last month": "“last month”",
    "archive mails from Monday": "“Monday”",
    "archiviere Mails von heute": "“heute”",
    "archive mails from the label X": "Which label?",
    "post my mails from 9 to 5 to #team": "“9”",
    "archive mails from acme.com or from other.example": "“other.example”",
    'label every mail from acme.com, also archived ones, with "x"': "“also archived ones”",
    'label every mail from acme.com in all mail with "x"': "“in all mail”",
    'Mails von acme.com auch aus dem Archiv mit "x" beschriften': "“aus dem Archiv”",
}
"""What is said, and what the answer names instead of asking for an address."""


@pytest.mark.parametrize("said", ASKED)
def test_a_sender_without_an_address_is_asked_for(said: str) -> None:
    understood = read(said)
    assert understood is not None
    assert understood.choices is None
    assert understood.question.startswith(f"Which address or domain is meant by “{ASKED[said]}”? Say it again with ")


@pytest.mark.parametrize("said", NAMED)
def test_a_name_is_asked_for_as_such(said: str) -> None:
    understood = read(said)
    assert understood is not None
    assert understood.question.startswith(f"Which address does {NAMED[said]} have? Say it again with ")


@pytest.mark.parametrize("said", QUERIES)
def test_an_address_is_looked_for_in_the_inbox_and_what_is_no_sender_is_no_filter(said: str) -> None:
    understood = read(said)
    assert understood is not None
    assert understood.choices is not None, understood.question
    assert gmail_query(understood.choices.only) == QUERIES[said]


@pytest.mark.parametrize("said", NO_SENDERS)
def test_a_time_or_a_place_is_no_sender(said: str) -> None:
    understood = read(said)
    assert understood is not None
    assert NO_SENDERS[said] in understood.question
    assert "address" not in understood.question


@pytest.mark.parametrize("said", [*ASKED, *NAMED])
def test_the_example_of_a_question_is_understood(said: str) -> None:
    understood = read(said)
    assert understood is not None
    example = understood.question.partition("such as: ")[2]
    if example:
        made = read(example)
        assert made is not None
        assert made.choices is not None
        assert made.choices.only.sender == "name@mail.example"
        assert gmail_query(made.choices.only).startswith("in:inbox ")


def test_mail_from_somebody_is_not_sent_to_them() -> None:
    understood = read("every morning make a Notion task for each mail from anna@x.example")
    assert understood is not None
    assert understood.choices is not None
    assert [one.target for one in understood.choices.targets] == ["task"]


def test_the_co_pilot_asks_and_takes_the_answer(orchestra: Orchestra) -> None:
    """As a person sees it."""
    rules = orchestra.copilot.rules
    asked = rules.answer(OWNER, "archive every mail from my wife", "of-my-wife", "")
    assert asked.proposal is None
    assert "“my wife”" in asked.text
    answered = rules.answer(OWNER, "archive every mail from anna@x.example", "of-my-wife", "")
    assert answered.proposal is not None
    assert "query: in:inbox from:anna@x.example" in " ".join(answered.proposal.sentences)


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        "archive mails from " + "my " * 3000,
        "archive mails from a@x.example" + " or my boss" * 900,
        "mails of " * 1200,
        "mails from " + "a-" * 4000,
    ],
)
def test_a_long_request_is_read_in_time(said: str) -> None:
    began = time.monotonic()
    read(said)
    assert time.monotonic() - began < 5
