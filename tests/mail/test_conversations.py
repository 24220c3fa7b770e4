"""Which mails are one conversation, by their headers and in a real mailbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from clients.errors import InvalidRequest, NotFound, Unreadable
from clients.imap import threads
from clients.imap.client import ImapClient
from clients.imap.reading import shown
from clients.imap.search import SearchCriteria
from clients.imap.threads import thread
from clients.mail.outgoing import OutgoingMail, build
from clients.mail.participants import firsts, together
from clients.mail.raw import headers_of
from clients.mail.replies import chain_of
from engine.plugins import registry
from engine.plugins.trigger import Start
from tests.engine.triggers.looking import NOW, Looker
from tests.mail.mailboxes import deliver
from tests.patience import costs_less

FIRST = "Message-ID: <a1@x>"
SECOND = "Message-ID: <b2@x>\nIn-Reply-To: <a1@x>\nReferences: <a1@x>"
THIRD = "Message-ID: <c3@x>\nIn-Reply-To: <b2@x>"
BOSS = "boss@acme.example"
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


def test_many_strangers_that_name_the_same_mails_cost_little() -> None:
    """Each pair of them is looked at once, however many ids both name; few ids of each count."""
    names = " ".join(f"<n{number}@x>" for number in range(4_000))
    raw = [f"From: s{one}@e.example\nMessage-ID: <m{one}@x>\nReferences: {names}\n\nx" for one in range(200)]
    chains = [chain_of(headers_of(one.encode())) for one in raw]
    assert len(set(costs_less(3, lambda: together(chains, BOSS)))) == 200


@pytest.mark.parametrize("mails", TOGETHER.values(), ids=TOGETHER)
def test_mails_that_share_an_id_are_one_conversation_in_whatever_order(mails: list[str]) -> None:
    chains = [chain_of(headers_of(letter(one))) for one in mails]
    found = {tuple(firsts(some, (), BOSS)) for some in permutations(chains)}
    assert {len(set(one)) for one in found} == {1}
    assert {one[0] for one in found} == {"<a1@x>"}


def test_mails_that_answer_each_other_are_one_conversation() -> None:
    loop = ["Message-ID: <a1@x>\nIn-Reply-To: <b2@x>", "Message-ID: <b2@x>\nIn-Reply-To: <a1@x>"]
    assert len(set(firsts([chain_of(headers_of(letter(one))) for one in loop], (), BOSS))) == 1


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
    first, second = firsts([chain_of(headers_of(letter(one))) for one in mails], (), BOSS)
    assert first != second or first == ""
    assert "acme" not in first + second


def test_an_answer_refers_to_no_address_of_a_person() -> None:
    answers = headers_of(letter("Message-ID: <b2@x>\nIn-Reply-To: <boss@acme.example>"))
    assert build(OutgoingMail(["ann@example.org"]), "me@example.com", "a" * 32, answers, NOW)["References"] == "<b2@x>"


def test_a_conversation_is_the_same_wherever_it_is_read(client: ImapClient) -> None:
    ids = [deliver(client, letter(one), at=NOW) for one in (THIRD, SECOND, FIRST)]
    for found in (client.mail.search(SearchCriteria(), 5)["messages"], client.mail.by_ids(ids)["messages"]):
        assert [one["thread_id"] for one in found] == ["<a1@x>"] * 3
    assert [client.mail.message(one)["thread_id"] for one in ids] == ["<a1@x>"] * 3
    assert [one["thread_id"] for one in client.mail.search(SearchCriteria(), 1)["messages"]] == ["<a1@x>"]


@pytest.mark.parametrize("folder", ["INBOX", "Archive"])
@pytest.mark.parametrize("named", ["In-Reply-To: <a1@x>", "References: <a1@x>", "References: <a1@x> <b2@x>\nX: <z@x>"])
def test_a_stranger_does_not_get_into_a_conversation_by_its_ids(client: ImapClient, folder: str, named: str) -> None:
    for one in (FIRST, SECOND):
        deliver(client, letter(one), folder, at=NOW)
    mail = deliver(client, said(f"Message-ID: <s9@y>\n{named}", sender="Eve <eve@evil.example>"), at=NOW)
    answer = deliver(client, letter(f"Message-ID: <c3@x>\n{named}"), at=NOW)
    found = {one["id"]: one["thread_id"] for one in client.mail.search(SearchCriteria(), 9)["messages"]}
    assert (found[mail], found[answer]) == ("<s9@y>", "<a1@x>")
    assert client.mail.message(mail)["thread_id"] == "<s9@y>"
    assert client.mail.message(answer)["thread_id"] == "<a1@x>"
    assert [one["id"] for one in thread(client.mailbox, "<s9@y>")["messages"]] == [mail]


def test_a_stranger_who_takes_the_id_of_a_mail_does_not_get_its_conversation(client: ImapClient) -> None:
    for one in (FIRST, SECOND):
        deliver(client, letter(one), at=at(0))
    deliver(client, letter(FIRST), "Archive", at=at(1))  # a copy is no stranger's
    assert len(thread(client.mailbox, "<a1@x>")["messages"]) == 2
    deliver(client, said(FIRST, sender="Eve <eve@evil.example>"), at=at(2))
    with pytest.raises(InvalidRequest, match=r"by ann@example\.org and by eve@evil\.example have the same Message-ID"):
        thread(client.mailbox, "<a1@x>")


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


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def said(written: str, subject: str = "Plan", sender: str = "Ann <ann@example.org>", text: str = "x") -> bytes:
    raw = f"From: {sender}\nTo: Boss <boss@acme.example>\nSubject: {subject}\n{written}\n\n{text}\n"
    return raw.replace("\n", "\r\n").encode()


def test_a_conversation_is_read_from_all_folders_oldest_first(client: ImapClient) -> None:
    own = "Ann <" + client.mailbox.address + ">"
    deliver(client, said(FIRST, text="Shall we meet?"), "Archive", at=at(0))
    deliver(
        client, said(SECOND, "Re: Plan", own, "Yes.\n\nOn Friday Ann wrote:\n> Shall we meet?"), "Sent Items", at=at(1)
    )
    deliver(client, said(THIRD, "A new subject", text="Where?"), at=at(2))
    deliver(client, said("Message-ID: <d4@x>\nReferences: <c3@x>", text="Here."), at=at(3))
    deliver(client, said("Message-ID: <e5@x>", text="Another plan."), at=at(4))
    deliver(client, said("Message-ID: <f6@x>\nIn-Reply-To: <c3@x>", text="Not sent."), "Drafts", at=at(5))
    found = thread(client.mailbox, "<a1@x>")
    assert [one["message_id"] for one in found["messages"]] == ["<a1@x>", "<b2@x>", "<c3@x>", "<d4@x>"]
    assert [one["folder"] for one in found["messages"]] == ["Archive", "Sent Items", "INBOX", "INBOX"]
    assert {one["thread_id"] for one in found["messages"]} == {found["id"]} == {"<a1@x>"}
    assert (found["subject"], found["unreadable"], found["has_more"]) == ("Plan", [], False)
    words = [line.strip() for line in found["text"].splitlines() if line.startswith("  ")]
    assert words == ["Shall we meet?", "Yes.", "Where?", "Here."]
    assert [one["id"] for one in thread(client.mailbox, "<d4@x>")["messages"]] == [
        one["id"] for one in found["messages"]
    ]


def test_mails_with_the_same_subject_are_no_conversation(client: ImapClient) -> None:
    deliver(client, said(FIRST), at=at(0))
    deliver(client, said("Message-ID: <other@x>", "Re: Plan"), at=at(1))
    assert [one["message_id"] for one in thread(client.mailbox, "<a1@x>")["messages"]] == ["<a1@x>"]


def test_an_id_that_contains_another_is_another(client: ImapClient) -> None:
    deliver(client, said(FIRST), at=at(0))
    deliver(client, said("Message-ID: <aa1@x>"), at=at(1))
    deliver(client, said("Message-ID: <b9@x>\nReferences: <a1@x.example>"), at=at(2))
    assert [one["message_id"] for one in thread(client.mailbox, "<a1@x>")["messages"]] == ["<a1@x>"]


def test_a_mail_that_lies_in_several_folders_is_there_once(client: ImapClient) -> None:
    for folder in ("INBOX", "Archive", "Sent Items"):
        deliver(client, said(FIRST), folder, at=at(0))
    [one] = thread(client.mailbox, "<a1@x>")["messages"]
    assert one["folder"] == "INBOX"


def test_a_folder_of_ones_own_is_looked_into_where_it_is_named(client: ImapClient) -> None:
    deliver(client, said(FIRST), "Bin", at=at(0))
    with pytest.raises(NotFound, match="in INBOX, Sent Items, Archive"):
        thread(client.mailbox, "<a1@x>")
    assert len(thread(client.mailbox, "<a1@x>", "Bin")["messages"]) == 1
    with pytest.raises(NotFound, match="Nowhere"):
        thread(client.mailbox, "<a1@x>", "Nowhere")


@pytest.mark.parametrize("wanted", ["", " ", "<ä@x>", "<a@x>\r\nA1 LOGOUT"])
def test_what_is_no_id_is_refused(client: ImapClient, wanted: str) -> None:
    with pytest.raises(InvalidRequest, match="not the id of a conversation"):
        thread(client.mailbox, wanted)


def test_of_a_very_long_conversation_the_newest_mails_are_read(
    client: ImapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "MAILS_MOST", 2)
    monkeypatch.setattr("clients.mail.conversation.MAILS_MOST", 2)
    for number in range(4):
        deliver(client, said(f"Message-ID: <n{number}@x>\nReferences: <n0@x>", text=f"Mail {number}"), at=at(number))
    found = thread(client.mailbox, "<n0@x>")
    assert ([one["text"].strip() for one in found["messages"]], found["has_more"]) == (["Mail 2", "Mail 3"], True)


def test_a_mail_that_cannot_be_read_does_not_hide_the_others(
    client: ImapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(client, said(FIRST, text="Good"), at=at(0))
    broken = deliver(client, said(SECOND, "Broken"), at=at(1))

    def fails(mailbox: object, mail: object, *more: object) -> object:
        if str(mail) == broken:
            raise Unreadable("It is broken.", service="imap")
        return shown(mailbox, mail, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(threads, "shown", fails)
    found = thread(client.mailbox, "<a1@x>")
    assert [one["text"].strip() for one in found["messages"]] == ["Good"]
    assert found["unreadable"] == [{"id": broken, "subject": "Broken", "reason": "It is broken."}]


SECRET = "<acme/secret/issues/12@example.org>"
EVE = "Eve <eve@example.net>"


def test_a_stranger_who_names_a_mail_does_not_take_part_in_its_conversation(client: ImapClient) -> None:
    own, boss = f"Ann <{client.mailbox.address}>", "Boss <boss@acme.example>"
    deliver(client, said(f"Message-ID: {SECRET}", sender=boss, text="The secret"), at=at(0))
    deliver(client, said(f"Message-ID: <b2@x>\nIn-Reply-To: {SECRET}", sender=boss, text="More of it"), at=at(1))
    deliver(client, said(f"Message-ID: <e1@x>\nReferences: <z9@x> {SECRET}", sender=EVE, text="Hello"), at=at(2))
    answer = said(f"Message-ID: <e2@x>\nReferences: <z9@x> {SECRET} <e1@x>", sender=own, text="Nothing.")
    deliver(client, answer, "Sent Items", at=at(3))
    deliver(
        client, said("Message-ID: <f1@x>\nReferences: <z9@x>", sender=boss, text="About one that is gone"), at=at(4)
    )

    def texts(wanted: str) -> list[str]:
        return [one["text"].strip() for one in thread(client.mailbox, wanted)["messages"]]

    assert texts("<e1@x>") == texts("<e2@x>") == ["Hello", "Nothing."]
    assert texts(SECRET) == texts("<b2@x>") == ["The secret", "More of it"]
    assert texts("<f1@x>") == ["About one that is gone"]


def test_a_mail_with_very_many_ids_does_not_hide_others(client: ImapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    many = "\n ".join(f"<0{number}@x>" for number in range(1200))
    deliver(client, said(FIRST), at=at(0))
    deliver(client, said(f"Message-ID: <b2@x>\nReferences: {many}\n <a1@x>"), at=at(1))
    deliver(client, said(THIRD), at=at(2))
    found = thread(client.mailbox, "<a1@x>")
    assert [one["message_id"] for one in found["messages"]] == ["<a1@x>", "<b2@x>", "<c3@x>"]
    assert not found["has_more"]
    monkeypatch.setattr(threads, "NAMES_MOST", 2)
    assert thread(client.mailbox, "<a1@x>")["has_more"]
