"""Connections with TLS: to the real servers through a small proxy that ends it, as hosts of databases do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients.sql.client import SqlClient
from clients.sql.service import SqlSettings
from tests.clients.sql.servers import Target, target
from tests.mail.dovecot import certificate

_CLIENT_SSL = 0x0800


def _postgres(client: socket.socket, server: socket.socket, context: ssl.SSLContext) -> socket.socket:
    """Accept the request for TLS (https://www.postgresql.org/docs/current/protocol-flow.html)."""
    assert client.recv(8)[4:] == (80877103).to_bytes(4, "big")
    client.sendall(b"S")
    return context.wrap_socket(client, server_side=True)


def _mysql(client: socket.socket, server: socket.socket, context: ssl.SSLContext) -> socket.socket:
    """Offer TLS in the greeting, and take the request for it out of the numbering of packets."""
    greeting = bytearray(server.recv(4096))
    flags = greeting.index(0, 5) + 1 + 4 + 8 + 1
    greeting[flags + 1] |= _CLIENT_SSL >> 8
    client.sendall(greeting)
    assert client.recv(36, socket.MSG_WAITALL)[3] == 1  # no more: the next bytes are TLS
    safe = context.wrap_socket(client, server_side=True)
    response = bytearray(safe.recv(4096))
    response[3] = 1
    response[5] &= ~(_CLIENT_SSL >> 8) & 0xFF
    server.sendall(response)
    answer = bytearray(server.recv(4096))
    answer[3] = 3
    safe.sendall(answer)
    return safe


@contextlib.contextmanager
def proxy(
    folder: Path, port: int, begin: Callable[[socket.socket, socket.socket, ssl.SSLContext], socket.socket]
) -> Iterator[int]:
    """Serve TLS in front of a server; yield the port."""
    certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with (
                contextlib.suppress(OSError, AssertionError),
                socket.create_connection(("127.0.0.1", port)) as server,
                begin(client, server, context) as safe,
            ):
                threading.Thread(target=_copy, args=(server, safe), daemon=True).start()
                _copy(safe, server)
            client.close()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture(params=["postgres", "mysql"])
def encrypted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Target, str]]:
    """A database, and its address behind the proxy."""
    begin, port = {"postgres": (_postgres, 5432), "mysql": (_mysql, 3306)}[request.param]
    with target(request.param, tmp_path) as found, proxy(tmp_path, port, begin) as safe_port:
        yield found, found.url.replace(f":{port}/", f":{safe_port}/")


def asked(url: str, **settings: str) -> SqlClient:
    return SqlClient(SqlSettings.model_validate({"url": url, **settings}), None, None)


def test_a_certificate_is_checked_unless_the_address_says_otherwise(
    encrypted: tuple[Target, str], tmp_path: Path
) -> None:
    found, url = encrypted
    found.run("create table item (n int)")
    assert asked(f"{url}?sslmode=require").tables() == ["item"]
    assert asked(f"{url}?sslmode=verify-full", ca_file=str(tmp_path / "certificate.pem")).tables() == ["item"]
    [line] = asked(f"{url}?sslmode=verify-full").check()
    assert (line.what, line.ok) == ("server", False)
    assert "no encryption that can be trusted" in line.text


def test_servers_of_other_machines_are_asked_for_a_certificate() -> None:
    from clients.sql.address import parsed

    assert parsed("postgresql://me@db.example.org/shop").security == "verified"
    assert parsed("mysql://me@127.0.0.1/shop").security == "none"
