"""A loopback proxy in front of the real dovecot that behaves as the servers of single providers do."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from tests.mail.dovecot import Dovecot
from tests.patience import PATIENCE_SECONDS

_COUNTED = re.compile(rb"\{(\d+)(\+?)\}\r\n\Z")


class Goodbye(Exception):
    """The server says this last line and breaks off."""


@dataclass
class Visit:
    """One connection: what the client has sent, and what a quirk wants to remember."""

    client: socket.socket
    server: socket.socket
    commands: list[bytes] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    certificate: str = ""

    @property
    def command(self) -> bytes:
        """The command that is being answered, without its tag, in capitals up to its first argument."""
        return verb(self.commands[-1]) if self.commands else b""


def verb(command: bytes) -> bytes:
    """Return the name of a command: `UID FETCH`, `SELECT`."""
    words = command.upper().split()
    return b" ".join(words[1:3]) if words[1:2] == [b"UID"] else b"".join(words[1:2])


Ask = Callable[[Visit, bytes], bytes | None]
"""Takes a whole command with its literals; returns what the server gets, or None once it is answered."""
Tell = Callable[[Visit, bytes], bytes]
"""Takes a whole answer with its literals; returns what the client gets."""


def asks_alike(_visit: Visit, command: bytes) -> bytes:
    """Pass a command on."""
    return command


def tells_alike(_visit: Visit, answer: bytes) -> bytes:
    """Pass an answer on."""
    return answer


@dataclass(frozen=True)
class Quirk:
    """What a provider's server does unlike dovecot."""

    ask: Ask = asks_alike
    tell: Tell = tells_alike


def refuse(visit: Visit, command: bytes, words: str) -> bytes | None:
    """Answer a command, which then does not reach the server: `NO …`, `BAD …`, `OK …`; returns what `Ask` does."""
    visit.client.sendall(command.split()[0] + b" " + words.encode() + b"\r\n")
    return None


def start_tls(visit: Visit, command: bytes) -> bytes | None:
    """Encrypt the client's side, as dovecot's plain port on loopback needs none; returns what `Ask` does."""
    refuse(visit, command, "OK Begin TLS negotiation now.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(visit.certificate, visit.certificate.replace("certificate", "key"))
    visit.client = context.wrap_socket(visit.client, server_side=True)
    return None


@dataclass
class Proxy:
    """A running proxy, with everything that its clients have sent."""

    port: int
    visits: list[Visit] = field(default_factory=list)

    @property
    def commands(self) -> list[bytes]:
        """All commands of all connections."""
        return [command for visit in self.visits for command in visit.commands]


@contextmanager
def playing(quirk: Quirk, dovecot: Dovecot, certificate: str = "") -> Iterator[Proxy]:
    """Serve a quirk on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(listener.getsockname()[1])
        accepting = threading.Thread(
            target=_accept, args=(listener, proxy, quirk, dovecot.port, certificate or dovecot.certificate), daemon=True
        )
        accepting.start()
        try:
            yield proxy
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join(PATIENCE_SECONDS)
            for visit in proxy.visits:
                _part(visit)


def _accept(listener: socket.socket, proxy: Proxy, quirk: Quirk, port: int, certificate: str) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        visit = Visit(client, socket.create_connection(("127.0.0.1", port)), certificate=certificate)
        proxy.visits.append(visit)
        threading.Thread(target=_serve, args=(visit, quirk), daemon=True).start()


def _serve(visit: Visit, quirk: Quirk) -> None:
    """Take turns: the greeting, then each command and all its answers."""
    server = visit.server.makefile("rb")
    try:
        _send(visit, quirk.tell(visit, _answer(server)))
        while True:
            command = _command(visit)
            visit.commands.append(command)
            passed = quirk.ask(visit, command)
            if passed is not None:
                _converse(visit, quirk, passed, server)
    except Goodbye as goodbye:
        with contextlib.suppress(OSError):
            visit.client.sendall(b"* BYE " + str(goodbye).encode() + b"\r\n")
    except (OSError, ValueError):
        pass
    finally:
        _part(visit)


def _send(visit: Visit, answer: bytes) -> None:
    if answer:
        visit.client.sendall(answer)


def _converse(visit: Visit, quirk: Quirk, command: bytes, server: BinaryIO) -> None:
    """Pass a command on, and its answers back, up to the one with its tag."""
    tag = command.split()[0]
    visit.server.sendall(_at_once(command))
    while True:
        answer = _answer(server)
        if answer.startswith(b"+"):
            _send(visit, answer)
            visit.server.sendall(_line(visit))
            continue
        _send(visit, quirk.tell(visit, answer))
        if answer.startswith(tag + b" "):
            return


def _at_once(command: bytes) -> bytes:
    """Return a command whose literals dovecot takes without being asked (RFC 7888)."""
    made = b""
    while command:
        line, end, command = command.partition(b"\r\n")
        counted = _COUNTED.search(line + end)
        size = int(counted[1]) if counted else 0
        made += (re.sub(rb"\+?\}\Z", b"+}", line) if counted else line) + end + command[:size]
        command = command[size:]
    return made


def _answer(server: BinaryIO) -> bytes:
    """Read an answer with its literals."""
    answer = line = server.readline()
    if not line:
        raise OSError
    while counted := _COUNTED.search(line):
        answer += server.read(int(counted[1]))
        line = server.readline()
        answer += line
    return answer


def _command(visit: Visit) -> bytes:
    """Read a command with its literals, asking for those that wait for it."""
    command = line = _line(visit)
    while counted := _COUNTED.search(line):
        if not counted[2]:
            visit.client.sendall(b"+ Ready for literal data\r\n")
        command += _exactly(visit, int(counted[1]))
        line = _line(visit)
        command += line
    return command


def _line(visit: Visit) -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        found += _exactly(visit, 1)
    return found


def _exactly(visit: Visit, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = visit.client.recv(size - len(found))
        if not part:
            raise OSError
        found += part
    return found


def _part(visit: Visit) -> None:
    for one in (visit.client, visit.server):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
