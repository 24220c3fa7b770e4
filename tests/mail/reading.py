"""What a mail that was made and a mail that was read differ in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.mail.made_mails import Made

Take = Callable[[str], bytes]
"""Gives the content of a part of the mail by its id."""


def differences(made: Made, read: Mapping[str, Any], take: Take, *, every: bool = True) -> dict[str, tuple[Any, Any]]:
    """Return {field: (what was put in, what was read)} of those that differ; a cut has to be declared.

    All files are taken, or one of them where each is a request; then `every` is false.
    """
    is_longer = made.is_cut or made.starts_at or made.within
    pairs = {
        "subject": (made.subject, read["subject"]),
        "from": (made.sender, read["from"]),
        "files": ([(one.name, one.is_inline) for one in made.files], _listed(read["attachments"])),
        "sent_at": (made.sent_at, read["sent_at"]),
        "parts": (made.parts, len({part["id"] for part in read["parts"]})),
        "text_truncated": (made.is_cut, read["text_truncated"]),
        "has text": (bool(made.text or made.within), not read["text_missing"]),
        "text": (made.text, read["text"][: len(made.text)] if is_longer else read["text"]),
        "texts of attached mails": ((), tuple(one for one in made.within if one not in read["text"])),
        "starts_at": (made.starts_at, "".join(one["starts_at"] for one in read["invitations"])),
        "signature": (made.signature, read["signature"]),
        "is_sealed": (made.is_sealed, any("is encrypted for its recipient" in one for one in read["left_out"])),
        "left_out": (made.is_sealed or made.is_cut, bool(read["left_out"])),
        **{name: (value, read[name]) for name, value in made.declared.items()},
    }
    if made.is_cut:
        pairs["says so"] = (True, "[Cut here: 200,000 of " in read["text"])
    if len(made.files) == len(read["attachments"]):
        both = [*zip(made.files, read["attachments"], strict=True)]
        for file, told in both if every else both[len(made.raw) % (len(both) or 1) :][:1]:
            pairs[f"content of {told['id']}"] = (_plain(file.content), _plain(take(told["id"])))
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _listed(files: Any) -> list[tuple[str, bool]]:
    return [(file["name"], file["inline"]) for file in files]


def _plain(content: bytes) -> bytes:
    """Return a content without what servers and archives may change: line ends, also the last ones."""
    return content.replace(b"\r\n", b"\n").rstrip(b"\n")
