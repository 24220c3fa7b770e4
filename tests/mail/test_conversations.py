"""Which mails are one conversation, by their headers and in a real mailbox."""

from __future__ import annotations

from itertools import permutations

import pytest

from clients.imap.client import ImapClient
from clients.imap.mail import by_ids, message, search
from clients.imap.search import SearchCriteria
from clients.mail.outgoing import OutgoingMail, build
from clients.mail.raw import headers_of
from clients.mail.replies import chain_of, firsts
from engine.plugins import registry
from engine.plugins.trigger import Start
from tests.engine.triggers.looking import NOW, Looker
from tests.mail.mailboxes import deliver

FIRST = "Message-ID: <a1@x>"
SECOND = "Message-ID: <b2@x>\nIn-Reply-To: <a1@x>\nReferences: <a1@x>"
THIRD = "Message-ID: <c3@x>\nIn-Reply-To: <b2@x>"
PEOPLE = "From: Ann <ann@example.org>\nTo: Boss <boss@acme.example>"


def letter(written: str) -> bytes:
    return f"{PEOPLE}\nSubject: Plan\n{written}\n\nx\n".replace("\n", "\r\n").encode()


TOGETHER: dict[str, list[str]] = {
    "an answer without references": [FIRST, SECOND, THIRD],
    "the first references are missing": [FIRST, SECOND, "Message-ID: <c3@x>\nReferences: <b2@x>"],
    "they are connected by a mail that is not here": [
        "Message-ID: <b2@x>\nReferences: <a1@x> <z9@x>",
        "References: <z9@x>",
    ],
    "an id is folded": [FIRST, "Message-ID: <b2@x>\nReferences: <a1\n @x>"],
    "ids follow each other": [
        "Message-ID: <b2@x>\nReferences: <a1@x><z9@x>",
        "Message-ID: <c3@x>\nIn-Reply-To: <z9@x>",
    ],
    "words around an id": [FIRST, 'Message-ID: <b2@x>\nIn-Reply-To: Message of "Mon" <a1@x>'],
    "only one has an id": [FIRST, "In-Reply-To: <a1@x>"],
}


@pytest.mark.parametrize("mails", TOGETHER.values(), ids=TOGETHER)
def test_mails_that_share_an_id_are_one_conversation_in_whatever_order(mails: list[str]) -> None:
    chains = [chain_of(headers_of(letter(one))) for one in mails]
    found = {tuple(firsts(some)) for some in permutations(chains)}
    assert {len(set(one)) for one in found} == {1}
    assert {one[0] for one in found} == {"<a1@x>"}


def test_mails_that_answer_each_other_are_one_conversation() -> None:
    loop = ["Message-ID: <a1@x>\nIn-Reply-To: <b2@x>", "Message-ID: <b2@x>\nIn-Reply-To: <a1@x>"]
    assert len(set(firsts([chain_of(headers_of(letter(one))) for one in loop]))) == 1


APART: dict[str, list[str]] = {
    "an address of a recipient": ["In-Reply-To: <boss@acme.example>", "In-Reply-To: <BOSS@acme.example>"],
    "an address in words": [
        "Message-ID: <b2@x>\nIn-Reply-To: Message of Monday from Carol <carol@acme.example>",
        "Message-ID: <c3@x>\nIn-Reply-To: Your message of Tuesday <carol@acme.example>",
    ],
    "no ids": ["", ""],
    "others": [FIRST, "Message-ID: <c3@x>\nIn-Reply-To: <z9@x>"],
}


@pytest.mark.parametrize("mails", APART.values(), ids=APART)
def test_mails_of_strangers_are_not_joined(mails: list[str]) -> None:
    first, second = firsts([chain_of(headers_of(letter(one))) for one in mails])
    assert first != second or first == ""
    assert "acme" not in first + second


def test_an_answer_refers_to_no_address_of_a_person() -> None:
    answers = headers_of(letter("Message-ID: <b2@x>\nIn-Reply-To: <boss@acme.example>"))
    assert build(OutgoingMail(["ann@example.org"]), "me@example.com", "a" * 32, answers, NOW)["References"] == "<b2@x>"


def test_a_conversation_is_the_same_wherever_it_is_read(client: ImapClient) -> None:
    ids = [deliver(client, letter(one), at=NOW) for one in (THIRD, SECOND, FIRST)]
    for found in (search(client.mailbox, SearchCriteria(), 5)["messages"], by_ids(client.mailbox, ids)["messages"]):
        assert [one["thread_id"] for one in found] == ["<a1@x>"] * 3
    assert [message(client.mailbox, one)["thread_id"] for one in ids] == ["<a1@x>"] * 3
    assert [one["thread_id"] for one in search(client.mailbox, SearchCriteria(), 1)["messages"]] == ["<a1@x>"]


@pytest.mark.parametrize("folder", ["INBOX", "Sent Items"])
def test_mails_of_one_conversation_start_one_run_and_later_ones_belong_to_it(client: ImapClient, folder: str) -> None:
    looker = Looker(registry.trigger_type("imap.new_in_thread"), {}, client, Start())
    assert looker.look_until_done(NOW) == []
    deliver(client, letter(FIRST), at=NOW)
    deliver(client, letter(SECOND), folder, at=NOW)  # our own answer lies among the sent mails
    deliver(client, letter(THIRD), at=NOW)
    [item] = looker.look_until_done(NOW)
    assert item.value is not None
    assert item.value["thread_id"] == "<a1@x>"
    deliver(client, letter("Message-ID: <d4@x>\nIn-Reply-To: <c3@x>"), at=NOW)
    [later] = looker.look_until_done(NOW)
    assert later.value is not None
    assert later.value["thread_id"] == "<a1@x>"
    assert looker.look_until_done(NOW) == []
