"""A real DNS server on loopback with the records of a test; like any, it can also be silent, or say nonsense."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


@dataclass
class NameServer:
    """The records, `name: ["priority weight port target"]`, and which names were asked for."""

    port: int
    records: Mapping[str, Sequence[str]]
    asked: list[str] = field(default_factory=list)
    is_silent: bool = False
    answers: bytes = b""
    """What it answers instead of the records."""

    def answer(self, question: bytes) -> bytes:
        """Return the answer to a question."""
        asked = dns.message.from_wire(question)
        name = asked.question[0].name
        self.asked.append(name.to_text(omit_final_dot=True))
        found = dns.message.make_response(asked)
        found.flags |= dns.flags.RA
        records = self.records.get(self.asked[-1])
        if records is None:
            found.set_rcode(dns.rcode.NXDOMAIN)
        elif records:
            found.answer.append(dns.rrset.from_text_list(name, 60, "IN", "SRV", records))
        return self.answers or found.to_wire()


@contextmanager
def name_server(records: Mapping[str, Sequence[str]]) -> Iterator[NameServer]:
    """Serve these records over UDP; what it does not have does not exist."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as served:
        served.bind(("127.0.0.1", 0))
        made = NameServer(served.getsockname()[1], records)
        thread = Thread(target=_serve, args=(served, made), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            served.sendto(b"", served.getsockname())
            thread.join()


def _serve(served: socket.socket, made: NameServer) -> None:
    while True:
        question, whose = served.recvfrom(4096)
        if not question:
            return
        answer = made.answer(question)
        if not made.is_silent:
            served.sendto(answer, whose)
