"""A loopback server that says over a bare socket what a test tells it: what no real mail server would."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.patience import PATIENCE_SECONDS


class Cut(Exception):
    """The server breaks off now."""


@dataclass
class Talk:
    """One connection as the server sees it."""

    connection: socket.socket
    lines: list[bytes] = field(default_factory=list)
    thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self.reader = self.connection.makefile("rb")

    def hear(self) -> bytes:
        """The next line that the client sends, without its end. Raises Cut at the end."""
        line = self.reader.readline()
        if not line:
            raise Cut
        self.lines.append(line.rstrip(b"\r\n"))
        return self.lines[-1]

    def say(self, text: str | bytes) -> None:
        """Send this, with a line end."""
        self.connection.sendall((text.encode() if isinstance(text, str) else text) + b"\r\n")

    def end(self) -> None:
        """Let go, whatever the script is waiting for."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        if self.thread is not None:
            self.thread.join(PATIENCE_SECONDS)


Script = Callable[[Talk], None]


@dataclass
class ScriptedServer:
    """A server that follows a script on each connection; it keeps what it heard."""

    port: int
    script: Script
    talks: list[Talk] = field(default_factory=list)
    at_end: list[Callable[[], object]] = field(default_factory=list)
    """What to do before it ends."""

    @property
    def heard(self) -> list[bytes]:
        """All lines of all connections."""
        return [line for talk in self.talks for line in talk.lines]


@contextmanager
def serving(script: Script) -> Iterator[ScriptedServer]:
    """Serve a script on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedServer(listener.getsockname()[1], script)
        thread = threading.Thread(target=_accept, args=(listener, server), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            for close in server.at_end:
                close()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_SECONDS)
            for talk in server.talks:
                talk.end()


def _accept(listener: socket.socket, server: ScriptedServer) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        talk = Talk(connection)
        server.talks.append(talk)
        talk.thread = threading.Thread(target=_follow, args=(talk, server.script), daemon=True)
        talk.thread.start()


def _follow(talk: Talk, script: Script) -> None:
    with talk.connection, talk.reader, contextlib.suppress(Cut, OSError):
        script(talk)


Answer = str | bytes | Callable[[Talk, bytes], None]
"""What follows a command: lines (`TAG` stands for the command's tag), or what is to be done."""


def _answer(talk: Talk, answer: Answer, tag: bytes) -> None:
    if callable(answer):
        answer(talk, tag)
    else:
        talk.say((answer.encode() if isinstance(answer, str) else answer).replace(b"TAG", tag))


def then(*answers: Answer) -> Answer:
    """One after the other; bytes go out as they are, without a line end."""

    def follow(talk: Talk, tag: bytes) -> None:
        for answer in answers:
            if isinstance(answer, bytes):
                talk.connection.sendall(answer)
            else:
                _answer(talk, answer, tag)

    return follow


def hear(talk: Talk, _tag: bytes) -> None:
    """Take a line."""
    talk.hear()


def cut(_talk: Talk, _tag: bytes) -> None:
    """Break off."""
    raise Cut


def silent(talk: Talk, _tag: bytes) -> None:
    """Say nothing any more, and stay."""
    talk.reader.read()


def dripping(talk: Talk, _tag: bytes) -> None:
    """Never come to an end: a letter now and then."""
    while True:
        talk.connection.sendall(b"*")
        time.sleep(0.05)


def flooding(talk: Talk, _tag: bytes) -> None:
    """Never come to the end of the line."""
    while True:
        talk.connection.sendall(b"x" * 65536)


def take_mail(talk: Talk, _tag: bytes) -> None:
    """Take a mail up to its end mark, and say nothing to it yet."""
    talk.say("354 go on")
    while talk.hear() != b".":
        pass


def _take_literal(talk: Talk, tag: bytes) -> None:
    size = int(talk.lines[-1].rpartition(b"{")[2].rstrip(b"}+"))
    talk.say("+ go on")
    talk.reader.read(size)
    talk.hear()
    talk.say(tag + b" OK [APPENDUID 7 1] done")


IMAP: Mapping[str, Answer] = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1 AUTH=PLAIN UIDPLUS MOVE SPECIAL-USE LIST-EXTENDED\r\nTAG OK done",
    "AUTHENTICATE": then("+ ", hear, "TAG OK in"),
    "NOOP": "TAG OK",
    "LIST": '* LIST (\\HasNoChildren) "/" INBOX\r\n* LIST (\\Drafts) "/" Drafts\r\n* LIST (\\Sent) "/" Sent\r\n'
    '* LIST (\\Trash) "/" Trash\r\n* LIST (\\Archive) "/" Archive\r\nTAG OK done',
    "SELECT": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT 2] .\r\nTAG OK [READ-WRITE] done",
    "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT 2] .\r\nTAG OK [READ-ONLY] done",
    "UID SEARCH": "* SEARCH 1\r\nTAG OK done",
    "UID FETCH": "* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 31 BODY[] {31}\r\n"
    "Message-ID: <a@b>\r\n\r\nHello, Ann)\r\nTAG OK done",
    "UID STORE": "TAG OK done",
    "UID MOVE": "* OK [COPYUID 7 1 1] .\r\nTAG OK done",
    "UID COPY": "TAG OK [COPYUID 7 1 1] done",
    "APPEND": _take_literal,
    "STATUS": "* STATUS INBOX (UIDVALIDITY 7 UIDNEXT 2 MESSAGES 1)\r\nTAG OK done",
}


def imap(answers: Mapping[str, Answer] | None = None, greeting: Answer = "* OK ready") -> Script:
    """Speak IMAP as `IMAP` says, but for these answers."""
    every = {**IMAP, **(answers or {})}

    def script(talk: Talk) -> None:
        _answer(talk, greeting, b"*")
        while True:
            tag, _, command = talk.hear().partition(b" ")
            words = command.decode("utf-8", "replace").upper()
            known = max((name for name in every if words.startswith(name)), key=len)
            _answer(talk, every[known], tag)

    return script


SMTP: Mapping[str, Answer] = {
    "EHLO": "250-here\r\n250-SIZE 1000000\r\n250 AUTH PLAIN LOGIN",
    "AUTH": "235 in",
    "MAIL": "250 OK",
    "RCPT": "250 OK",
    "DATA": then(take_mail, "250 taken"),
    "QUIT": "221 bye",
    "RSET": "250 OK",
}


def smtp(answers: Mapping[str, Answer] | None = None, greeting: Answer = "220 here") -> Script:
    """Speak SMTP as `SMTP` says, but for these answers."""
    every = {**SMTP, **(answers or {})}

    def script(talk: Talk) -> None:
        _answer(talk, greeting, b"")
        while True:
            words = talk.hear().decode("utf-8", "replace").upper()
            _answer(talk, every[next(name for name in every if words.startswith(name))], b"")

    return script
