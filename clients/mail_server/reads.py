"""The commands to mail servers that change nothing: all that leaves while only reads may (`reads_only()`)."""

from __future__ import annotations

import re

from clients.reads import ReadCommands
from clients.reads_only import is_active, refused

_SIGN_IN_ANSWER = re.compile(rb"(?!DATA\Z)[A-Za-z0-9+/]*={0,2}|\*")
"""What follows when a server asks during the sign-in (RFC 3501 6.2.2, RFC 4954): base64, or a star to give up."""
_ITEMS = re.compile(
    r"[\d,:*]+ [( ]*(?:(?:ALL|FAST|FULL|BODY|BODYSTRUCTURE|ENVELOPE|FLAGS|INTERNALDATE|MODSEQ|RFC822\.HEADER"
    r"|RFC822\.SIZE|UID|X-GM-LABELS|X-GM-MSGID|X-GM-THRID|PEEKED)[) ]*)+"
)
"""What FETCH may ask for; `RFC822` and `BODY[]` would mark a mail as seen."""


IMAP_READS = ReadCommands(
    protocol="IMAP",
    names=frozenset(
        "CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN ID ENABLE EXAMINE LIST STATUS SEARCH FETCH".split()
    ),
    sign_in="AUTHENTICATE",
    has_tags=True,
    arguments={"FETCH": _ITEMS},
)
"""Not SELECT, which changes what counts as recent, nor CLOSE, which removes mail that is marked as deleted."""
SMTP_READS = ReadCommands(
    protocol="SMTP",
    names=frozenset("EHLO HELO STARTTLS AUTH NOOP RSET QUIT".split()),
    sign_in="AUTH",
    has_tags=False,
    arguments={},
)
"""All that comes before a mail."""


class OutgoingTraffic:
    """What leaves on one connection to a mail server."""

    def __init__(self, reads: ReadCommands, shown: str) -> None:
        self._reads, self._shown = reads, shown
        self._is_signing_in = False

    def require_reads(self, data: bytes) -> None:
        """Raise WriteRefused if only reads may leave, and these bytes are anything but whole commands that read."""
        if not is_active():
            return
        *lines, rest = data.split(b"\r\n")
        for line in lines:
            if self._is_signing_in and _SIGN_IN_ANSWER.fullmatch(line):
                continue
            if not self._reads.include(line):
                raise refused(f"{self._reads.name_in(line)} to {self._shown}")
            self._is_signing_in = self._reads.name_in(line) == self._reads.sign_in
        if rest and not (self._is_signing_in and _SIGN_IN_ANSWER.fullmatch(rest)):
            raise refused(f"Part of a command or mail to {self._shown}")
