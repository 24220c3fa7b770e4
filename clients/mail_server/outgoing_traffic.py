"""The commands to mail servers that change nothing: no others leave while only reads may (`reads_only()`)."""

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


_LITERAL = re.compile(rb"\{(\d+)\}\Z")
"""The size of a literal that follows as soon as the server asks for it (RFC 3501 4.3)."""


class OutgoingTraffic:
    """What leaves on one connection to a mail server."""

    def __init__(self, reads: ReadCommands, shown: str) -> None:
        self._reads, self._shown = reads, shown
        self._is_signing_in = False
        self._is_in_search, self._literal_bytes, self._line = False, 0, b""

    def begin(self) -> None:
        """Expect a new command: the literals of the last one may have been refused."""
        self._is_in_search, self._literal_bytes, self._line = False, 0, b""

    def require_reads(self, data: bytes) -> None:
        """Raise WriteRefused if only reads may leave, and these bytes are anything but commands that read.

        A command must be whole, unless it is a search, whose literals wait for the server.
        """
        while data and is_active():
            if self._is_in_search:
                data = self._behind_search(data)
                continue
            line, end, data = data.partition(b"\r\n")
            self._require_read(line, is_whole=bool(end))

    def _require_read(self, line: bytes, *, is_whole: bool) -> None:
        if self._is_signing_in and _SIGN_IN_ANSWER.fullmatch(line):
            return
        if not is_whole:
            raise refused(f"Part of a command or mail to {self._shown}")
        name = self._reads.name_in(line)
        is_search = name.removeprefix("UID ") == "SEARCH"
        if not self._reads.include(_LITERAL.sub(b"", line) if is_search else line):
            raise refused(f"{name} to {self._shown}")
        self._is_signing_in = name == self._reads.sign_in
        if is_search:
            self._expect(line)

    def _expect(self, line: bytes) -> None:
        """Expect the literal that a line of a search ends with, if any."""
        counted = _LITERAL.search(line)
        self._is_in_search, self._literal_bytes = counted is not None, int(counted[1]) if counted else 0

    def _behind_search(self, data: bytes) -> bytes:
        """Return what follows the literal or the line of a search; a line may come in pieces."""
        if self._literal_bytes:
            size = self._literal_bytes
            self._literal_bytes = max(0, size - len(data))
            return data[size:]
        line, end, data = data.partition(b"\r\n")
        self._line += line
        if end:
            line, self._line = self._line, b""
            if re.search(rb"[\r\n\0]", line):
                raise refused(f"Part of a command or mail to {self._shown}")
            self._expect(line)
        return data
