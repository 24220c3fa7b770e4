"""Mails in files: mailboxes as programs write them, Maildir, files, zip archives, and what must not be read."""

from __future__ import annotations

import os
import plistlib
import random
import shutil
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.client import Opening
from clients.errors import InvalidRequest, NotFound
from clients.file.client import FileClient
from clients.file.service import FileSettings
from clients.mail_archive import mbox, zipped
from clients.mail_archive.archive import MailArchive, attachment, shown, stored_mail
from clients.mail_archive.entries import ArchiveEntry
from clients.mail_archive.mbox import MailSpan, Readable
from clients.mail_archive.reading import ArchivePlace, read_on
from clients.mail_archive.stored import StoredMail
from tests.patience import costs_less

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OLD = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
OPENED = b"From ann@a.example Fri Nov 20 08:00:00 2026\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with its own files."""
    (tmp_path / ".orchestra").mkdir()
    (tmp_path / "config.yaml").write_text("time_zone: UTC\n")
    return tmp_path


def client(root: Path) -> FileClient:
    private = frozenset(root / name for name in (".orchestra", "logs", "config.yaml"))
    return FileClient.open(FileSettings(), Opening(workspace=root, private=private))


def mail(subject: str, text: str = "Hello", *headers: str) -> bytes:
    head = ["From: Ann <ann@a.example>", f"Subject: {subject}", f"Message-ID: <{subject}.1@a.example>", *headers]
    return "\n".join([*head, "", text, ""]).encode()


def put(root: Path, path: str, content: bytes, at: float = OLD) -> Path:
    """Write a file that has not been changed for a while."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    os.utime(place, (at, at))
    return place


class Reader:
    """Reads an archive to its end, as the engine does: what was seen is not read again."""

    def __init__(self, root: Path, path: str, limit: int = 3) -> None:
        self.client, self.path, self.limit = client(root), path, limit
        self.place, self.seen, self.notes = ArchivePlace(), set[str](), list[str]()

    def read(self, now: datetime = NOW) -> list[dict[str, Any]]:
        """Return what is new, each piece from the place as it would be kept."""
        found: list[dict[str, Any]] = []
        while True:
            self.place = ArchivePlace.of(self.place.kept)
            piece = read_on(MailArchive(self.client, self.path), self.place, self._unseen, self.limit, now)
            assert piece.failed == []
            self.seen |= {one.key for one in piece.mails}
            self.notes += piece.notes
            found += [shown(one.mail) for one in piece.mails]
            if not piece.has_more:
                return found

    def subjects(self, now: datetime = NOW) -> list[str]:
        """The subjects of what is new."""
        return [one["subject"] for one in self.read(now)]

    def _unseen(self, keys: Iterable[str]) -> Sequence[str]:
        return [one for one in keys if one not in self.seen]


def again(root: Path, identity: str) -> dict[str, Any]:
    """Read a mail again by its id."""
    return shown(stored_mail(client(root), identity))


def boxed(*mails: bytes, end: bytes = b"\n") -> bytes:
    """A mailbox, each line that begins with From protected (mboxrd)."""
    quoted = (
        b"".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in one.splitlines(True))
        for one in mails
    )
    return b"".join(OPENED + one + b"\n" for one in quoted).replace(b"\n", end)


TEXT = "Hi\n\nFrom now on: no.\n>From Ann\n\nFrom x Fri Nov 20 08:00:00 2026\nFrom: y\nBye"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_mailbox_gives_its_mails_in_order_with_their_lines_as_they_were(root: Path, end: bytes) -> None:
    put(root, "all.mbox", boxed(*(mail(f"n{number}", TEXT) for number in range(8)), end=end))
    found = Reader(root, "all.mbox").read()
    assert [one["subject"] for one in found] == [f"n{number}" for number in range(8)]
    assert {one["text"] for one in found} == {TEXT}
    assert {(one["folder"], one["thread_id"][-11:], one["can_reply"]) for one in found} == {
        ("all", "@a.example>", False)
    }


def test_a_sender_with_a_blank_before_its_colon_is_the_sender(root: Path) -> None:
    first, second = (one.replace(b"From: Ann", b"From : Ann 10:30 2026") for one in (mail("a"), mail("b")))
    put(root, "all.mbox", boxed(first) + OPENED + second)
    assert [one["from"] for one in Reader(root, "all.mbox").read()] == ['"Ann 10:30 2026" <ann@a.example>'] * 2


def test_lengths_count_where_nothing_is_protected(root: Path) -> None:
    lengths = [mail(f"n{number}", TEXT, f"Content-Length: {len(TEXT) + 1}") for number in range(5)]
    put(root, "all", b"".join(OPENED + one + b"\n" for one in lengths))
    found = Reader(root, "all").read()
    assert [(one["subject"], one["text"]) for one in found] == [(f"n{number}", TEXT) for number in range(5)]


def test_a_stranger_hides_no_mail_behind_a_length(root: Path) -> None:
    hidden, after = OPENED + mail("hidden") + b"\n", OPENED + mail("after") + b"\n"
    evil = OPENED + mail("evil", "Hi", f"Content-Length: {len('Hi') + 2 + len(hidden)}") + b"\n"
    put(root, "all.mbox", OPENED + mail("first") + b"\n" + evil + hidden + after)
    assert Reader(root, "all.mbox").subjects() == ["first", "evil", "hidden", "after"]


def test_what_gmail_and_thunderbird_note_is_told(root: Path) -> None:
    put(
        root,
        "Takeout/Alle E-Mails.mbox",
        boxed(
            mail("a", "1", "X-GM-THRID: 17", 'X-Gmail-Labels: =?utf-8?q?Posteingang,Ungelesen,"B=C3=BCro, alt"?='),
            mail("b", "2", "X-GM-THRID: 17", "X-Gmail-Labels: Archived,Starred,Opened"),
        ),
    )
    found = Reader(root, "Takeout").read()
    assert [(one["thread_id"], one["labels"], one["flags"], one["is_read"]) for one in found] == [
        ("17", ["Posteingang", "Ungelesen", "Büro, alt"], [], False),
        ("17", ["Archived", "Starred", "Opened"], ["\\Flagged", "\\Seen"], True),
    ]
    put(root, "Inbox", boxed(mail("c", "3", "X-Mozilla-Status: 0009"), mail("d", "4", "Status: RO", "X-Status: A")))
    assert [one["flags"] for one in Reader(root, "Inbox").read()] == [["\\Deleted", "\\Seen"], ["\\Answered", "\\Seen"]]


def test_a_thunderbird_profile_is_read_with_its_subfolders(root: Path) -> None:
    put(root, "mail/Inbox", boxed(mail("in")))
    put(root, "mail/Inbox.msf", b'// <!-- <mdb:mork:z v="1.4"/> -->')
    put(root, "mail/Inbox.sbd/2020.sbd/Old", boxed(mail("old")))
    put(root, "mail/Sent", b"")
    assert [(one["subject"], one["folder"]) for one in Reader(root, "mail").read()] == [
        ("in", "Inbox"),
        ("old", "Inbox/2020/Old"),
    ]


def test_a_maildir_is_read_by_times_with_its_subfolders_and_flags(root: Path) -> None:
    put(root, "Mail/cur/1700000003.a.host:2,RS", mail("read"))
    put(root, "Mail/new/1700000001.b.host", mail("new"))
    put(root, "Mail/tmp/1700000000.c.host", mail("unfinished"))
    put(root, "Mail/.Entw&APw-rfe.alt/cur/1700000002.d.host:2,D", mail("draft"))
    put(root, "Mail/.Entw&APw-rfe.alt/maildirfolder", b"")
    put(root, "Mail/.hidden/1700000002.e.host", mail("no maildir"))
    reader = Reader(root, "Mail")
    found = reader.read()
    assert [(one["subject"], one["folder"], one["flags"], one["date"]) for one in found] == [
        ("new", "INBOX", [], "2023-11-14T22:13:21Z"),
        ("draft", "Entwürfe/alt", ["\\Draft"], "2023-11-14T22:13:22Z"),
        ("read", "INBOX", ["\\Answered", "\\Seen"], "2023-11-14T22:13:23Z"),
    ]
    (root / "Mail/new/1700000001.b.host").rename(root / "Mail/cur/1700000001.b.host:2,S")
    put(root, "Mail/new/1600000000.f.host", mail("older, but new here"))
    assert reader.subjects() == ["older, but new here"]
    assert again(root, found[0]["id"])["flags"] == ["\\Seen"]


def test_the_files_of_apple_mail_are_read(root: Path) -> None:
    content = mail("apple")
    written = b"%d\n" % len(content) + content + plistlib.dumps({"flags": 0b10001})
    put(root, "V10/INBOX.mbox/ABC/Data/Messages/7.emlx", written)
    put(root, "V10/Sent.mbox/mbox", boxed(mail("exported")))
    assert [(one["subject"], one["folder"], one["flags"]) for one in Reader(root, "V10").read()] == [
        ("apple", "INBOX/ABC/Data", ["\\Flagged", "\\Seen"]),
        ("exported", "Sent", []),
    ]


PARTIAL = b"""From: Ann <ann@a.example>
Subject: With files
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain

Hello
--c
Content-Type: text/calendar; name=invite.txt
Content-Disposition: attachment; filename=inner.txt
Content-Transfer-Encoding: base64
X-Apple-Content-Length: 8


--c--
--b
Content-Type: text/plain; name=list.txt
Content-Disposition: attachment; filename=list.txt
Content-Transfer-Encoding: base64
X-Apple-Content-Length: 8


--b
Content-Type: message/rfc822
Content-Disposition: attachment; filename=offer.eml
X-Apple-Content-Length: 8


--b
Content-Type: application/pdf; name=gone.pdf
Content-Disposition: attachment; filename=gone.pdf
Content-Transfer-Encoding: base64
X-Apple-Content-Length: 8


--b--
"""


@pytest.mark.parametrize("is_zip", [False, True])
def test_attachments_that_apple_mail_keeps_beside_a_mail_are_in_it(root: Path, is_zip: bool) -> None:
    data = "V10/INBOX.mbox/ABC/Data"
    put(root, f"{data}/Messages/7.partial.emlx", b"%d\n" % len(PARTIAL) + PARTIAL + plistlib.dumps({"flags": 1}))
    put(root, f"{data}/Attachments/7/1.2/inner.txt", b"inner")
    put(root, f"{data}/Attachments/7/2/list.txt", b"a list")
    put(root, f"{data}/Attachments/7/3/offer.eml", mail("offer"))
    put(root, f"{data}/Attachments/8/4/gone.pdf", b"of another mail")
    (root / f"{data}/Attachments/7/4").mkdir()
    (root / f"{data}/Attachments/7/4/gone.pdf").symlink_to(root / "config.yaml")
    if is_zip:
        shutil.make_archive(str(root / "mail"), "zip", root, "V10")
    [found] = Reader(root, "mail.zip" if is_zip else "V10").read()
    assert (found["subject"], found["text"].split("\n")[0], found["is_read"]) == ("With files", "Hello", True)
    said = " is not in the folder Attachments beside the mail"
    missing = [one for one in found["left_out"] if said in one]
    if is_zip:
        assert len(missing) == 4
        return
    assert missing == [f"The attachment 'gone.pdf'{said}."]
    ids = {one["name"]: one["id"] for one in found["attachments"]}
    contents = {name: attachment(client(root), found["id"], ids[name]).content for name in ids if name != "gone.pdf"}
    assert contents == {"inner.txt": b"inner", "list.txt": b"a list", "offer.eml": mail("offer")}
    alone = shown(stored_mail(client(root), f"{data}/Messages/7.partial.emlx"))
    assert [one for one in alone["left_out"] if said in one] == missing


def test_a_zip_archive_of_any_of_them_is_read_without_unpacking(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "_EVERY", 64 * 1024)
    chance = random.Random(20261120)
    mails = [mail(f"n{number}", chance.randbytes(4000).hex()) for number in range(90)]
    with zipfile.ZipFile(root / "takeout.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Takeout/Mail/Inbox.mbox", boxed(*mails))
        archive.writestr("Takeout/archive_browser.html", b"<html></html>")
        archive.writestr("Mail/cur/1700000001.a:2,S", mail("in a maildir"))
        archive.writestr("one.eml", mail("alone"))
        archive.writestr(zipfile.ZipInfo("../../out.mbox"), boxed(mail("stored")))
    os.utime(root / "takeout.zip", (OLD, OLD))
    reader = Reader(root, "takeout.zip", limit=20)
    found = reader.read()
    subjects = [one["subject"] for one in found]
    assert sorted(subjects[:2]) == ["alone", "in a maildir"]
    assert subjects[2:] == ["stored", *(f"n{number}" for number in range(90))]
    for one in (found[-1], found[5], found[40]):  # later and earlier ones than the last
        assert again(root, one["id"])["text"] == one["text"]
    assert reader.read() == []


def test_a_picture_beside_the_mails_may_be_compressed_in_any_way(root: Path) -> None:
    with zipfile.ZipFile(root / "mails.zip", "w") as archive:
        archive.writestr("a.eml", mail("hi"))
        archive.writestr("pic.jpg", b"picture", zipfile.ZIP_BZIP2)
    os.utime(root / "mails.zip", (OLD, OLD))
    assert Reader(root, "mails.zip").subjects() == ["hi"]
    with zipfile.ZipFile(root / "mails.zip", "a") as archive:
        archive.writestr("Takeout 2.0/Inbox", boxed(mail("two")), zipfile.ZIP_BZIP2)
    os.utime(root / "mails.zip", (OLD, OLD))
    with pytest.raises(InvalidRequest, match="compressed in a way that is not read here"):
        Reader(root, "mails.zip").subjects()


@pytest.mark.parametrize("way", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_archive_that_claims_terabytes_ends_with_its_bytes(root: Path, way: int) -> None:
    with zipfile.ZipFile(root / "claims.zip", "w", way) as archive:
        archive.writestr("All mail.mbox", boxed(mail("hi")))
        archive.filelist[0].file_size = 2**43
    os.utime(root / "claims.zip", (OLD, OLD))
    assert costs_less(2, Reader(root, "claims.zip").subjects) == ["hi"]


def packed(root: Path, way: int, entries: Sequence[tuple[str, bytes]], *damage: tuple[bytes, bytes]) -> None:
    """Make a zip archive, and change bytes in it: all but its list of entries, which has the checksums."""
    with warnings.catch_warnings(), zipfile.ZipFile(root / "all.zip", "w", way) as archive:
        warnings.simplefilter("ignore")  # of two entries with one name
        for name, content in entries:
            archive.writestr(name, content)
    content = (root / "all.zip").read_bytes()
    for old, new in damage:
        assert len(old) == len(new)
        assert content.count(old) == 1
        content = content.replace(old, new)
    put(root, "all.zip", content)


def test_entries_of_a_zip_archive_that_were_altered_are_read_and_said(root: Path) -> None:
    entries = [
        ("a.mbox", boxed(*(mail(f"n{number}") for number in range(7)), mail("MARK 1"))),
        ("b.eml", mail("b", "MARK 2")),
        ("c.eml", mail("c")),
        ("d.mbox", boxed(mail("d"))),
    ]
    packed(root, zipfile.ZIP_STORED, entries, (b"Subject: MARK 1", b"Subject: MASK 1"), (b"MARK 2", b"MASK 2"))
    reader = Reader(root, "all.zip")
    found = {one["subject"]: one for one in reader.read()}
    assert sorted(found) == ["MASK 1", "b", "c", "d", *(f"n{number}" for number in range(7))]
    assert [note for note in reader.notes if "damaged" in note] == [
        f"{name} is damaged: what was read from it may be altered." for name in ("b.eml", "a.mbox")
    ]
    assert "the archive is damaged here: the mail may be altered" in str(found["b"])
    assert "is damaged" not in str(found["c"])


@pytest.mark.slow
@pytest.mark.parametrize("every", [64 * 1024, zipped._EVERY])
def test_a_packed_entry_that_was_altered_is_said_at_its_end(
    root: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(zipped, "_EVERY", every)
    chance = random.Random(20261130)
    content = boxed(*(mail(f"n{number}", chance.randbytes(40_000).hex()) for number in range(90)))
    for crc, said in ((zlib.crc32(content), False), (zlib.crc32(content) ^ 1, True)):
        with zipfile.ZipFile(root / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.mbox", content)
            archive.filelist[0].CRC = crc
        os.utime(root / "all.zip", (OLD + said, OLD + said))
        reader = Reader(root, "all.zip", 30)
        assert len(reader.read()) == 90
        assert not any("rewritten" in note for note in reader.notes)
        assert ("a.mbox is damaged: what was read from it may be altered." in reader.notes) is said


def test_entries_of_a_zip_archive_that_cannot_be_read_hold_up_no_other(root: Path) -> None:
    chance = random.Random(20261130)
    many = boxed(*(mail(f"n{number}", chance.randbytes(40_000).hex()) for number in range(90)))
    entries = [
        ("a.mbox", boxed(mail("a", chance.randbytes(5_000).hex()))),
        ("b.mbox", many),
        ("c.mbox", boxed(mail("c"))),
        ("d.mbox", b"no mailbox"),
        ("e.mbox", b""),
        ("f.html", b"<p>"),
    ]
    packed(root, zipfile.ZIP_DEFLATED, entries)
    with zipfile.ZipFile(root / "all.zip") as archive:
        begin = {one.filename: one.header_offset + 36 for one in archive.infolist()}
        middle = begin["b.mbox"] + archive.getinfo("b.mbox").compress_size * 3 // 4
    content = bytearray((root / "all.zip").read_bytes())
    content[begin["a.mbox"] : begin["a.mbox"] + 400] = b"\xff" * 400
    content[middle : middle + 60_000] = chance.randbytes(60_000)
    put(root, "all.zip", bytes(content))
    reader = Reader(root, "all.zip", 20)
    subjects = reader.subjects()
    assert subjects[-1] == "c"
    assert 30 < len(subjects) < 69
    assert subjects[:-1] == [f"n{number}" for number in range(len(subjects) - 1)]
    assert "2 entries of the zip archive left out, damaged or no mailbox: a.mbox is the first." in reader.notes
    assert "b.mbox is damaged: what follows in it cannot be read." in reader.notes
    assert not any("rewritten" in note for note in reader.notes)
    assert reader.subjects() == []


def test_a_mail_of_a_zip_archive_that_cannot_be_read_is_told_with_its_name(root: Path) -> None:
    packed(root, zipfile.ZIP_DEFLATED, [("a.eml", mail("a" * 999)), ("b.eml", mail("b"))])
    content = bytearray((root / "all.zip").read_bytes())
    content[35:60] = b"\xff" * 25
    put(root, "all.zip", bytes(content))
    piece = read_on(MailArchive(client(root), "all.zip"), ArchivePlace(), list, 5, NOW)
    assert ([one[1] for one in piece.failed], [one.mail.subject for one in piece.mails]) == (["a.eml"], ["b"])


def test_two_entries_of_a_zip_archive_with_one_name_are_both_read(root: Path) -> None:
    entries = [
        ("a.eml", mail("a1")),
        ("a.eml", mail("a2")),
        ("b.mbox", boxed(mail("b1"))),
        ("b.mbox", boxed(mail("b2"))),
    ]
    packed(root, zipfile.ZIP_STORED, entries)
    reader = Reader(root, "all.zip")
    found = reader.read()
    assert sorted(one["subject"] for one in found) == ["a1", "a2", "b1", "b2"]
    assert [again(root, one["id"])["subject"] for one in found] == [one["subject"] for one in found]
    assert not any("rewritten" in note for note in reader.notes)


def test_a_mail_is_read_again_by_its_id_and_its_files_are_taken(root: Path) -> None:
    parts = "Content-Type: multipart/mixed; boundary=b"
    text = "--b\nContent-Type: text/plain\n\nSee it\n--b\nContent-Type: text/csv; name=a.csv\n\n1,2\n--b--"
    put(root, "all.mbox", boxed(mail("first"), mail("with a file", text, "MIME-Version: 1.0", parts)))
    [_, found] = Reader(root, "all.mbox").read()
    assert again(root, found["id"]) == found
    [file] = found["attachments"]
    taken = attachment(client(root), found["id"], file["id"])
    assert (taken.name, taken.content, taken.media_type) == ("a.csv", b"1,2", "text/csv")
    with pytest.raises(NotFound):
        attachment(client(root), found["id"], "9")
    put(
        root,
        "all.mbox",
        boxed(mail("new before"), mail("first"), mail("with a file", text, "MIME-Version: 1.0", parts)),
    )
    assert again(root, found["id"])["subject"] == "with a file"
    put(root, "all.mbox", boxed(mail("another")))
    with pytest.raises(NotFound):
        again(root, found["id"])


@pytest.mark.parametrize("is_zip", [False, True])
def test_the_other_files_are_not_looked_at_for_a_mail_that_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, is_zip: bool
) -> None:
    put(root, "all/a.mbox", boxed(mail("One"), mail("Two")))
    put(root, "all/b.eml", mail("Three"))
    if is_zip:
        shutil.make_archive(str(root / "all"), "zip", root / "all")
    path = "all.zip" if is_zip else "all"
    entries = MailArchive(client(root), path).entries()
    [identity] = [f"{path}#{one.key}" for one in entries if one.kind == "mail"]
    for place in ("disk", "zipped"):
        monkeypatch.setattr(f"clients.mail_archive.{place}.is_mailbox", lambda _head: pytest.fail("looked at"))
    assert again(root, identity)["subject"] == "Three"


def test_a_file_that_is_one_mail_is_read_by_its_path(root: Path) -> None:
    put(root, "in/one.eml", mail("one"))
    assert again(root, "in/one.eml")["subject"] == "one"
    put(root, "two.mbox", boxed(mail("a"), mail("b")))
    with pytest.raises(InvalidRequest, match="several mails"):
        again(root, "two.mbox")


def test_a_mailbox_that_grew_goes_on_and_its_last_mail_counts_once_it_is_still(root: Path) -> None:
    place = put(root, "all.mbox", boxed(mail("a"), mail("b")))
    reader = Reader(root, "all.mbox")
    assert reader.subjects() == ["a", "b"]
    with place.open("ab") as file:
        file.write(OPENED + mail("c") + b"\n" + OPENED + mail("d")[:-8])
    os.utime(place, (NOW.timestamp(), NOW.timestamp()))
    assert reader.subjects() == ["c"]
    with place.open("ab") as file:
        file.write(mail("d")[-8:] + b"\n")
    os.utime(place, (NOW.timestamp() + 1, NOW.timestamp() + 1))
    assert reader.subjects(NOW + timedelta(seconds=2)) == []
    assert [one["text"] for one in reader.read(NOW + timedelta(seconds=7))] == ["Hello"]
    assert reader.read(NOW + timedelta(seconds=8)) == []
    assert not any("anew" in note for note in reader.notes)


def test_a_last_mail_that_goes_on_after_all_is_read_whole(root: Path) -> None:
    whole = boxed(mail("a"), mail("b", "One\n\nTwo"))
    place = put(root, "all.mbox", whole[:-6])
    reader = Reader(root, "all.mbox")
    assert [one["text"] for one in reader.read()] == ["Hello", "One"]
    put(root, place.name, whole + boxed(mail("c")), OLD + 1)
    assert [one["text"] for one in reader.read()] == ["One\n\nTwo", "Hello"]


def test_a_mailbox_that_was_written_anew_is_noticed_and_known_mails_are_not_read_again(root: Path) -> None:
    mails = [mail(f"n{number}", "x" * 3000) for number in range(12)]
    put(root, "all.mbox", boxed(*mails))
    reader = Reader(root, "all.mbox")
    assert len(reader.read()) == 12
    put(root, "all.mbox", boxed(*mails[:3], *mails[5:], mail("new")), OLD + 1)
    assert reader.subjects() == ["new"]
    assert sum("has been rewritten" in note for note in reader.notes) == 1


class Rewritten(MailArchive):
    """An archive whose file a mail program writes anew, in place, once some of its mails were read."""

    def __init__(self, files: FileClient, path: str, place: Path, content: bytes, after: int) -> None:
        super().__init__(files, path)
        self.place, self.content, self.after = place, content, after

    def of_mailbox(
        self, entry: ArchiveEntry, file: Readable, span: MailSpan, most: int = 10**6
    ) -> tuple[str, StoredMail]:
        """Return a mail; write the file anew before it is read if it is the one."""
        self.after -= 1
        if self.after == 0:
            with self.place.open("r+b") as written:
                written.truncate(written.write(self.content))
        return super().of_mailbox(entry, file, span, most)


MANY = [mail(f"n{number}", "x" * (200 + number)) for number in range(9)]


@pytest.mark.parametrize(
    ("content", "is_torn", "is_said"),
    [
        (boxed(mail("top", "y" * 77), *MANY), True, True),
        (boxed(*MANY[:1], *MANY[3:]), True, True),
        (boxed(*MANY[:5], *MANY[7:]), True, False),
        (boxed(*MANY[:2]), True, True),
        (b"", True, True),
        (boxed(*MANY, mail("added")), False, False),
    ],
    ids=["a mail before", "two fewer", "two fewer behind", "much shorter", "emptied", "a mail behind"],
)
@pytest.mark.parametrize("after", [3, 4])
def test_a_mailbox_that_is_rewritten_while_it_is_read_gives_no_torn_mails(
    root: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, after: int, *, is_torn: bool, is_said: bool
) -> None:
    monkeypatch.setattr(mbox, "_BLOCK", 64)
    place = put(root, "all.mbox", boxed(*MANY))
    reader = Reader(root, "all.mbox", 6)
    first = read_on(MailArchive(reader.client, "all.mbox"), reader.place, list, 3, NOW)
    piece = read_on(Rewritten(reader.client, "all.mbox", place, content, after), reader.place, list, 5, NOW)
    read = [one.mail.subject for one in (*first.mails, *piece.mails)]
    assert read == [f"n{number}" for number in range(3 if is_torn else 8)]
    reader.seen |= {one.key for one in (*first.mails, *piece.mails)}
    later = reader.subjects(NOW + timedelta(days=999)) + reader.subjects(NOW + timedelta(days=1999))
    whole = [line[9:].decode() for line in content.splitlines() if line.startswith(b"Subject: ")]
    assert later == [one for one in whole if one not in read]
    assert any("has been rewritten" in note for note in reader.notes) is is_said


def test_what_a_mail_program_notes_in_the_file_makes_no_new_mail(root: Path) -> None:
    def written(status: str) -> bytes:
        noted = (f"X-Mozilla-Status: {status}", f"X-Mozilla-Keys: {'$label1' if status == '0001' else '       '}")
        return boxed(mail("a", "x" * 9000, *noted), mail("b", "y", *noted))

    put(root, "Inbox", written("0000"))
    reader = Reader(root, "Inbox")
    assert reader.subjects() == ["a", "b"]
    put(root, "Inbox", written("0001") + boxed(mail("c")), OLD + 1)
    assert (reader.subjects(), [note for note in reader.notes if "anew" in note]) == (["c"], [])


def test_broken_mails_are_told_and_hold_up_no_other(root: Path) -> None:
    odd = [
        b"\xff\xfe\x00" * 50 + b"\n",
        b"\n",
        b"Content-Type: multipart/mixed; boundary=\n\n--\n",
        b"From: \x80\n\n\x00",
    ]
    put(root, "all.mbox", boxed(mail("a"), *odd, mail("b")))
    found = Reader(root, "all.mbox").read()
    assert [found[0]["subject"], found[-1]["subject"], len(found)] == ["a", "b", 6]


def test_the_same_mail_in_two_mailboxes_is_read_once(root: Path) -> None:
    put(root, "Takeout/Inbox.mbox", boxed(mail("a"), mail("b")))
    put(root, "Takeout/Work.mbox", boxed(mail("b"), mail("c")))
    assert Reader(root, "Takeout").subjects() == ["a", "b", "c"]


def test_a_line_of_a_text_opens_no_mail(root: Path) -> None:
    text = "Hi\n\nFrom the team: see you at 10:30\nSubject: x\n\nFrom 2026 on\n"
    put(root, "all.mbox", OPENED + mail("a", text) + b"\n" + OPENED + mail("b"))
    assert Reader(root, "all.mbox").subjects() == ["a", "b"]


def test_a_mail_of_many_blocks_is_found_wherever_a_block_ends(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mails = [mail(f"n{number}", "x" * number) for number in range(60)]
    put(root, "all.mbox", boxed(*mails))
    for size in (7, 64, 150):
        monkeypatch.setattr(mbox, "_BLOCK", size)
        assert Reader(root, "all.mbox", 50).subjects() == [f"n{number}" for number in range(60)]


def test_nothing_outside_of_what_steps_may_read_is_read(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = put(tmp_path_factory.mktemp("elsewhere"), "secret.mbox", boxed(mail("secret")))
    put(root, "in/a.eml", mail("a"))
    put(root, ".orchestra/kept.mbox", boxed(mail("kept")))
    put(root, "logs/x/cur/1700000001.a", mail("a log"))
    (root / "in/link.eml").symlink_to(elsewhere)
    (root / "in/folder").symlink_to(elsewhere.parent)
    os.link(root / "config.yaml", root / "in/hard.eml")
    reader = Reader(root, "in")
    assert reader.subjects() == ["a"]
    assert reader.notes[0] == (
        "1 file left out: hard links are not read, because they may lead to private files. The first is hard.eml."
    )
    assert Reader(root, ".").subjects() == ["a"]
    for path in (
        ".orchestra/kept.mbox",
        "../elsewhere",
        str(elsewhere),
        "logs",
        "in/link.eml",
        "in/folder",
        "config.yaml",
    ):
        with pytest.raises((InvalidRequest, NotFound)):
            Reader(root, path).read()


def test_files_that_no_step_may_name_or_read_are_said(root: Path) -> None:
    def place(name: bytes) -> Path:
        return root / os.fsdecode(name)

    for name in (b"in/Stra\xdfe.eml", b"in/\xfcber/x.eml", b"in/md/cur/1700000001.\xff\n:2,S", b"in/box\xe4"):
        place(name).parent.mkdir(parents=True, exist_ok=True)
        place(name).write_bytes(boxed(mail("odd")))
    place(b"in/photo\xe4.jpg").write_bytes(b"no mail")
    (root / "in/md/new").mkdir()
    put(root, "in/a.eml", mail("a"))
    put(root, "in/credentials.mbox", boxed(mail("b")))
    put(root, "in/keys.pem", b"a key")
    put(root, "in/id_rsa/c.eml", mail("c"))
    reader = Reader(root, "in")
    assert reader.subjects() == ["a"]
    assert sorted(set(reader.notes)) == [
        "2 files or folders left out, as steps may not read anything with such a name: credentials.mbox is the first.",
        "4 files left out, as names must be valid UTF-8: rename Stra\\xdfe.eml and any others.",
    ]
    place(b"in/Stra\xdfe.eml").unlink()
    (root / "in/credentials.mbox").unlink()
    more = Reader(root, "in")
    assert more.subjects() == ["a"]
    assert sorted(set(more.notes)) == [
        "1 file or folder left out, as steps may not read anything with such a name: id_rsa/ is the first.",
        "3 files left out, as names must be valid UTF-8: rename box\\xe4 and any others.",
    ]
    put(root, "keys/id_rsa.eml", mail("d"))
    [(_, path, _)] = read_on(MailArchive(client(root), "keys"), ArchivePlace(), list, 5, NOW).failed
    assert path == "id_rsa.eml"


def test_what_is_no_archive_is_told(root: Path) -> None:
    put(root, "notes.txt", b"From here on\n\nno mail\n")
    with pytest.raises(InvalidRequest, match="is not a mail archive"):
        Reader(root, "notes.txt").read()
    (root / "empty").mkdir()
    assert Reader(root, "empty").read() == []
    put(root, "torn.zip", b"PK\x03\x04" + bytes(200))
    with pytest.raises(InvalidRequest, match="is damaged"):
        Reader(root, "torn.zip").read()
