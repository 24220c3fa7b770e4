"""The client of a mailbox against a real dovecot."""

from __future__ import annotations

import ipaddress
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from clients.errors import AuthError, Conflict, InvalidRequest, NotFound, Unavailable
from clients.imap import session as imap_session
from clients.imap.client import ImapClient
from clients.imap.filing import copies, copy, delete, flags_of, move, move_back, set_flags
from clients.imap.mailbox import Mailbox, mail_id
from clients.imap.search import SearchCriteria
from clients.sockets import Forbidden
from tests.mail.dovecot import PASSWORD, Dovecot
from tests.mail.mailboxes import connected, deliver, mail


def test_the_doctor_names_what_the_mailbox_has(client: ImapClient) -> None:
    deliver(client, mail())
    lines = {line.what: (line.ok, line.text) for line in client.check()}
    assert lines["sign-in"][0]
    assert client.account() in lines["sign-in"][1]
    assert lines["folders"] == (True, "It has 5 folders; INBOX holds 1 mail.")
    assert lines["special folders"] == (True, "drafts: Drafts, sent: Sent Items, trash: Bin, archive: Archive.")
    assert lines["abilities"] == (True, "The server has UIDPLUS, MOVE, IDLE, CONDSTORE, SPECIAL-USE.")
    sending = client.check()[-1]
    assert (sending.what, sending.ok, sending.is_note) == ("sending", True, True), "reading needs no server for sending"
    assert "cannot be sent" in sending.text
    assert sending.field == "smtp_host"


@pytest.mark.slow
def test_a_wrong_password_is_refused_and_shown_nowhere(mailbox_settings: dict[str, Any]) -> None:
    with connected({**mailbox_settings, "password": "not-it-at-all"}) as client:
        with pytest.raises(AuthError) as caught, client.mailbox.session():
            pass
        assert caught.value.outcome == "not_done"
        said = f"{caught.value} {caught.value.remedy} {client!r} {vars(client)!r} {client.check()!r}"
        assert "not-it-at-all" not in said


def test_an_address_that_is_none_and_a_certificate_that_is_not_there_are_named(
    mailbox_settings: dict[str, Any],
) -> None:
    nameless = {**mailbox_settings, "address": "", "user": mailbox_settings["address"]}
    with connected(nameless) as client, pytest.raises(InvalidRequest, match="There is no mail address yet"):
        client.account()
    lost = {**mailbox_settings, "ca_file": "/nowhere/at.pem"}
    with connected(lost) as client, pytest.raises(InvalidRequest, match=r"'/nowhere/at\.pem' cannot be read"):
        client.folders()


def test_starttls_is_spoken(mailbox_settings: dict[str, Any], dovecot: Dovecot) -> None:
    with connected({**mailbox_settings, "port": dovecot.port, "security": "starttls"}) as client:
        assert "INBOX" in client.folders()


def test_a_certificate_that_nobody_vouches_for_ends_it(mailbox_settings: dict[str, Any]) -> None:
    with connected({**mailbox_settings, "ca_file": ""}) as client:
        with pytest.raises(Unavailable, match="certificate that is not trusted") as caught:
            client.folders()
        assert "ca_file" in caught.value.remedy


def test_an_address_inside_is_reached_only_where_the_connection_names_it(
    mailbox_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected({**mailbox_settings, "host": "localhost"}) as client:
        assert client.folders()
    monkeypatch.setattr("clients.addresses.resolve", lambda *_: [ipaddress.ip_address("127.0.0.1")])
    named = {**mailbox_settings, "host": "mail.example.com"}
    with connected(named) as client, pytest.raises(Forbidden, match="not an address of the public Internet"):
        client.folders()
    allowed = {**named, "allow_hosts": ["Mail.Example.com"]}
    with connected(allowed) as client, pytest.raises(Unavailable, match="certificate"):  # it got as far as the server
        client.folders()


def test_mails_are_found_newest_first_and_stay_unread(client: ImapClient) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    ids = [deliver(client, mail(f"Number {n}"), at=now - timedelta(hours=3 - n)) for n in range(3)]
    found = client.mail.search(SearchCriteria(), 2)
    assert [one["id"] for one in found["messages"]] == [ids[2], ids[1]]
    assert (found["matched"], found["has_more"]) == (3, True)
    first = found["messages"][0]
    assert first["date"] == (now - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert (first["subject"], first["from"], first["text"]) == ("Number 2", "Bob <bob@example.org>", "Hi Ann.")
    assert (first["is_read"], first["flags"], first["can_reply"]) == (False, [], True)
    assert not client.mail.message(ids[0])["is_read"]
    assert not client.mail.message(ids[0])["is_read"]
    assert [one["id"] for one in client.mail.by_ids(ids[:2])["messages"]] == [ids[1], ids[0]]


@pytest.mark.parametrize(
    ("wanted", "subjects"),
    [
        pytest.param(SearchCriteria(), {"Rechnung Müller", "Old", "Quoted \\ sign"}, id="everything"),
        pytest.param(SearchCriteria(subject="müller"), {"Rechnung Müller"}, id="subject with an umlaut"),
        pytest.param(SearchCriteria(subject='"quoted\\'), set(), id="quotes and backslashes are letters"),
        pytest.param(SearchCriteria(subject="Quoted \\"), {"Quoted \\ sign"}, id="a backslash"),
        pytest.param(SearchCriteria(sender="carol"), {"Old"}, id="sender"),
        pytest.param(SearchCriteria(text="forty-two"), {"Rechnung Müller"}, id="text"),
        pytest.param(SearchCriteria(flagged=True), {"Old"}, id="flagged"),
        pytest.param(SearchCriteria(unread=True), {"Rechnung Müller", "Quoted \\ sign"}, id="unread"),
        pytest.param(
            SearchCriteria(since="2026-05-01T12:00+02:00"), {"Rechnung Müller", "Quoted \\ sign"}, id="since a time"
        ),
        pytest.param(SearchCriteria(before="2026-05-01T12:00:01+02:00"), {"Old"}, id="before a time"),
        pytest.param(
            SearchCriteria(criteria="OR FROM carol SUBJECT Quoted"), {"Old", "Quoted \\ sign"}, id="as IMAP has it"
        ),
    ],
)
def test_a_search_finds_what_fits(client: ImapClient, wanted: SearchCriteria, subjects: set[str]) -> None:
    noon = datetime(2026, 5, 1, 10, tzinfo=UTC)
    deliver(client, mail("Rechnung Müller", "The answer is forty-two.\n"), at=noon + timedelta(minutes=1))
    deliver(client, mail("Old", From="carol@example.org"), flags=("\\Flagged", "\\Seen"), at=noon - timedelta(hours=20))
    deliver(client, mail("Quoted \\ sign"), at=noon + timedelta(days=30))
    assert {one["subject"] for one in client.mail.search(wanted, 25)["messages"]} == subjects


@pytest.mark.parametrize("value", ["a\r\nA1 DELETE INBOX", "a\x00b", "{10}", "{10+}"])
def test_a_search_cannot_smuggle_a_command(client: ImapClient, value: str) -> None:
    with pytest.raises(InvalidRequest):
        client.mail.search(SearchCriteria(subject=value), 5)


def test_a_search_that_the_server_does_not_understand_says_so_and_leaves_the_connection_whole(
    client: ImapClient,
) -> None:
    with pytest.raises(InvalidRequest, match="search was not understood"):
        client.mail.search(SearchCriteria(criteria="FROBNICATE"), 5)
    assert client.mail.search(SearchCriteria(), 5)["matched"] == 0


def test_an_attachment_comes_back_as_it_was(client: ImapClient) -> None:
    made = mail("With a file")
    made.add_attachment(b"\x00\x01binary\r\n.\r\n", maintype="application", subtype="x-thing", filename="Größe.bin")
    identity = deliver(client, made)
    told = client.mail.message(identity)["attachments"]
    assert [(one["name"], one["media_type"], one["bytes"]) for one in told] == [
        ("Größe.bin", "application/x-thing", 13)
    ]
    file = client.mail.attachment(identity, told[0]["id"])
    assert (file.name, file.content) == ("Größe.bin", b"\x00\x01binary\r\n.\r\n")
    with pytest.raises(NotFound, match="no part"):
        client.mail.attachment(identity, "99")


def test_of_a_very_large_mail_the_beginning_is_read(client: ImapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_session, "_WHOLE_BYTES", 20_000)
    monkeypatch.setattr(imap_session, "_BEGINNING_BYTES", 20_000)
    monkeypatch.setattr("clients.imap.reading._FILE_MOST", 20_000)
    identity = deliver(client, mail("Large", "word " * 20_000))
    found = client.mail.message(identity)
    assert found["text_truncated"]
    assert found["text"].startswith("word word")
    assert found["text"].rpartition("[Cut here: ")[2].startswith("only the first 20,000 of 104,")
    assert len(found["text"]) < 20_001
    with pytest.raises(InvalidRequest, match="too large to extract files from"):
        client.mail.attachment(identity, "0")


def test_many_mails_are_read_in_batches(client: ImapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_session, "_BATCH_BYTES", 1500)
    ids = [deliver(client, mail(f"Number {n}", "text\n" * 100)) for n in range(7)]
    assert {one["id"] for one in client.mail.search(SearchCriteria(), 25)["messages"]} == set(ids)


def test_what_is_no_id_is_said_to_be_none(client: ImapClient) -> None:
    for wrong in ("", "42", "INBOX:42", "INBOX:x:4", ":1:2", "INBOX:1:²"):
        with pytest.raises(InvalidRequest, match="is not the id of a mail"):
            client.mail.message(wrong)
    assert str(mail_id("Odd:name:with:colons:7:9")) == "Odd:name:with:colons:7:9"


def test_a_mail_that_is_gone_is_named(client: ImapClient) -> None:
    identity = deliver(client, mail())
    delete(client.mailbox, mail_id(identity))
    with pytest.raises(NotFound, match="moved or deleted"):
        client.mail.message(identity)
    assert client.mail.by_ids([])["messages"] == []


def test_a_folder_that_was_numbered_anew_makes_its_ids_void(client: ImapClient) -> None:
    identity = deliver(client, mail("Old"), "Archive")
    with client.mailbox.opened("INBOX") as (session, _), session.asking() as protocol:
        protocol.delete("Archive")
        protocol.create("Archive")
    deliver(client, mail("Another under the same number"), "Archive")
    for call in (
        client.mail.message,
        partial(flags_of, client.mailbox),
        lambda one: move(client.mailbox, one, "INBOX"),
    ):
        with pytest.raises(Conflict, match="renumbered the folder 'Archive'") as caught:
            call(identity)
        assert "Search again" in caught.value.remedy


def test_flags_are_put_on_and_taken_off(client: ImapClient) -> None:
    identity = deliver(client, mail(), flags=("\\Deleted",))
    other = deliver(client, mail("marked as deleted by somebody"), flags=("\\Deleted",))
    assert set_flags(client.mailbox, identity, ["\\Seen", "todo"], on=True) == ["\\Deleted", "\\Seen", "todo"]
    assert set_flags(client.mailbox, identity, ["\\Seen"], on=False) == ["\\Deleted", "todo"]
    assert flags_of(client.mailbox, other) == ["\\Deleted"], "nothing was expunged"
    for wrong in ("", "two words", "\\", "a)", "ü", "\\Seen) DELETE"):
        with pytest.raises(InvalidRequest, match="cannot be a flag"):
            set_flags(client.mailbox, identity, [wrong], on=True)


@pytest.mark.parametrize(
    "without",
    [frozenset(), frozenset({"MOVE"}), frozenset({"MOVE", "UIDPLUS"})],
    ids=["by MOVE", "by COPY and EXPUNGE of its number", "by COPY and a mark"],
)
def test_a_mail_moves_and_keeps_what_it_is(
    client: ImapClient, monkeypatch: pytest.MonkeyPatch, without: frozenset[str]
) -> None:
    has = vars(imap_session.ImapSession)["capabilities"].fget
    monkeypatch.setattr(imap_session.ImapSession, "capabilities", property(lambda session: has(session) - without))
    deliver(client, mail("Somebody else's"), flags=("\\Deleted",))
    identity = deliver(client, mail("Moved"), flags=("\\Flagged",))
    filed = move(client.mailbox, identity, "Archive")
    assert filed.id.startswith("Archive:")
    there = client.mail.message(filed.id)
    assert (there["subject"], there["flags"], there["message_id"]) == ("Moved", ["\\Flagged"], filed.message_id)
    assert client.mail.search(SearchCriteria(), 25)["messages"] == []
    deleted = client.mail.search(SearchCriteria(subject="Somebody", criteria="DELETED"), 5)
    assert deleted["matched"] == 1, "only the moved one was expunged"
    move_back(client.mailbox, filed, "INBOX")
    move_back(client.mailbox, filed, "INBOX")
    assert client.mail.search(SearchCriteria(subject="Moved"), 5)["matched"] == 1


def test_a_mail_that_bears_the_name_of_another_is_moved_and_not_lost(
    client: ImapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    has = vars(imap_session.ImapSession)["capabilities"].fget
    monkeypatch.setattr(imap_session.ImapSession, "capabilities", property(lambda session: has(session) - {"MOVE"}))
    deliver(client, mail("Page 1", Message_ID="<scanner@example.org>"), "Archive")
    second = deliver(client, mail("Page 2", text="Another page.\n", Message_ID="<scanner@example.org>"))
    filed = move(client.mailbox, second, "Archive")
    assert client.mail.message(filed.id)["subject"] == "Page 2"
    assert client.mail.search(SearchCriteria(folder="Archive"), 5)["matched"] == 2


def test_a_copy_that_a_broken_move_left_is_not_made_twice(client: ImapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    has = vars(imap_session.ImapSession)["capabilities"].fget
    monkeypatch.setattr(imap_session.ImapSession, "capabilities", property(lambda session: has(session) - {"MOVE"}))
    one = deliver(client, mail("Only one"))
    left = copy(client.mailbox, one, "Archive")
    assert move(client.mailbox, one, "Archive") == left
    assert client.mail.search(SearchCriteria(folder="Archive"), 5)["matched"] == 1


def test_a_move_that_nobody_can_take_back_says_so(client: ImapClient) -> None:
    filed = move(client.mailbox, deliver(client, mail()), "Archive")
    move(client.mailbox, filed.id, "Bin")
    with pytest.raises(Conflict, match="moved again or deleted since"):
        move_back(client.mailbox, filed, "INBOX")


def test_a_folder_that_is_not_there_is_named(client: ImapClient) -> None:
    identity = deliver(client, mail())
    for call in (move, copy):
        with pytest.raises(NotFound, match="'Nowhere'"):
            call(client.mailbox, identity, "Nowhere")
    with pytest.raises(NotFound, match="'Nowhere'"):
        client.mail.search(SearchCriteria(folder="Nowhere"), 5)


def test_a_copy_is_found_again(client: ImapClient) -> None:
    identity = deliver(client, mail())
    assert copies(client.mailbox, identity, "Archive") == []
    made = copy(client.mailbox, identity, "Archive")
    assert copies(client.mailbox, identity, "Archive") == [made]
    assert client.mail.message(identity)["message_id"] == made.message_id


def test_folder_names_of_every_script_work(client: ImapClient) -> None:
    with client.mailbox.session() as session, session.asking() as protocol:
        from imap_tools.utils import encode_folder

        protocol.create(encode_folder('Größe & "日本"').decode("ascii"))
    name = next(one for one in client.folders() if "日本" in one)
    assert name == 'Größe & "日本"'
    filed = move(client.mailbox, deliver(client, mail("There")), name)
    assert client.mail.message(filed.id)["subject"] == "There"


def test_folders_are_known_by_their_names_where_the_server_does_not_say(
    client: ImapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [("INBOX", ".", ()), ("INBOX.Gesendet", ".", ()), ("INBOX.Entwürfe", ".", ()), ("Papierkorb", "NIL", ())]
    monkeypatch.setattr(imap_session.ImapSession, "folders", lambda _: listed)
    found = {role: client.mailbox.folder_for(role) for role in ("inbox", "sent", "drafts", "trash", "archive")}
    assert found == {
        "inbox": "INBOX",
        "sent": "INBOX.Gesendet",
        "drafts": "INBOX.Entwürfe",
        "trash": "Papierkorb",
        "archive": None,
    }
    with pytest.raises(NotFound, match="no folder for archive"):
        client.mailbox.required_folder("archive")


def test_threads_share_a_few_connections(client: ImapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    first = Mailbox._opened

    def counted(mailbox: Mailbox) -> imap_session.ImapSession:
        opened.append(mailbox)
        return first(mailbox)

    monkeypatch.setattr(Mailbox, "_opened", counted)
    ids = [deliver(client, mail(f"Number {n}")) for n in range(6)]
    seen: list[str] = []
    threads = [threading.Thread(target=lambda one=one: seen.append(client.mail.message(one)["id"])) for one in ids * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(seen) == sorted(ids * 4)
    assert 1 <= len(opened) <= 4


def test_a_connection_that_the_server_has_closed_is_replaced(
    client: ImapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.imap.mailbox._SURE_SECONDS", -1.0)
    with client.mailbox.session() as session, session.asking() as protocol:
        protocol.send(b"X LOGOUT\r\n")
    assert client.mail.search(SearchCriteria(), 5)["matched"] == 0


def test_only_the_demo_means_no_mailbox(mailbox_settings: dict[str, Any]) -> None:
    from clients.client import Opening
    from clients.mail_server.settings import ImapSettings

    settings = ImapSettings(**mailbox_settings)
    client = ImapClient.open(settings, Opening(is_demo=True))
    with pytest.raises(Forbidden, match="only the demo can be reached"):
        client.folders()
    assert PASSWORD not in repr(settings)
