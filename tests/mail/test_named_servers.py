"""Servers that the domain of an address names in DNS, asked of a real name server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from clients import addresses
from clients.errors import InvalidRequest, ServiceError, Timeout, Unavailable
from clients.imap.client import ImapClient
from clients.mail_server import srv
from clients.mail_server.settings import ImapSettings, Servers, connector_of
from clients.reads_only import reads_only
from clients.sockets import Forbidden
from tests.mail.name_server import NameServer, name_server

Names = Callable[[Mapping[str, Sequence[str]]], NameServer]
OWN = {
    "_imaps._tcp.firma.de": ["10 1 993 imap2.firma.de.", "5 1 9993 other.firma.de.", "5 9 993 IMAP.firma.de."],
    "_imap._tcp.firma.de": ["0 1 143 old.firma.de."],
    "_submissions._tcp.firma.de": ["0 0 0 ."],
    "_submission._tcp.firma.de": ["0 1 587 smtp.firma.de."],
}


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """Lets this machine ask a name server with these records."""
    with ExitStack() as stack:

        def serve(records: Mapping[str, Sequence[str]]) -> NameServer:
            made = stack.enter_context(name_server(records))
            (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\nsearch evil.example\n")
            monkeypatch.setattr(srv, "_CONFIGURATION", str(tmp_path / "resolv.conf"))
            monkeypatch.setattr(srv, "_PORT", made.port)
            srv._asked.cache_clear()
            return made

        yield serve
    srv._asked.cache_clear()


def servers(address: str, **settings: Any) -> Servers:
    return Servers(ImapSettings(address=address, **settings))


def test_a_domain_names_its_servers_and_encryption_from_the_start_goes_first(names: Names) -> None:
    server = names(OWN)
    found = servers("me@Firma.de")
    imap, smtp = found.imap(), found.smtp()
    assert (imap.shown, imap.security) == ("IMAP.firma.de:993", "tls")
    assert (smtp.shown, smtp.security) == ("smtp.firma.de:587", "starttls")
    assert found.knows_smtp
    assert server.asked == ["_imaps._tcp.firma.de", "_submissions._tcp.firma.de", "_submission._tcp.firma.de"]
    assert servers("you@firma.de").imap().shown == imap.shown
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "address", ["me@gmail.com", "me@own.example", "me@host.local"], ids=["a known provider", "reserved", "of mDNS"]
)
def test_dns_is_not_asked_where_it_cannot_help(names: Names, address: str) -> None:
    server = names(OWN)
    line = ImapClient.foreseen({"address": address})
    assert line is None or (line.ok, line.field) == (False, "host")
    assert servers(address, host="mail.lan").imap().host == "mail.lan"
    assert server.asked == []


@pytest.mark.parametrize("target", ["mail.evil.org.", "firma.de.evil.org.", "evilfirma.de.", "de."])
def test_a_server_in_another_domain_has_to_be_entered_by_a_person(names: Names, target: str) -> None:
    names(
        {
            "_imap._tcp.firma.de": [f"0 1 143 {target}"],
            "_submissions._tcp.firma.de": [f"0 1 465 {target}"],
        }
    )
    host = target.rstrip(".")
    found = servers("me@firma.de")
    for ask, name in ((found.imap, "host"), (found.smtp, "smtp_host")):
        with pytest.raises(InvalidRequest, match="another domain") as caught:
            ask()
        assert caught.value.field == name
        assert f"(host={host}, port=143, security=starttls, smtp_host={host})" in caught.value.remedy
    line = ImapClient.foreseen({"address": "me@firma.de"})
    assert line is not None
    assert (line.ok, line.field, host in line.text) == (False, "host", True)
    entered = servers("me@firma.de", host=host)
    assert (entered.imap().shown, entered.knows_smtp) == (f"{host}:993", False)


def test_a_domain_that_names_none_is_unknown_as_before(names: Names) -> None:
    names({"_imaps._tcp.firma.de": []})
    found = servers("me@firma.de")
    with pytest.raises(InvalidRequest, match=r"servers of firma\.de are not known"):
        found.imap()
    assert not found.knows_smtp


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param({"is_silent": True}, Timeout, id="silent"),
        pytest.param({"answers": b"\0" * 40}, ServiceError, id="nonsense"),
    ],
)
def test_a_name_server_that_fails_may_be_asked_again(
    names: Names, change: dict[str, Any], error: type[ServiceError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(srv, "_SECONDS", 0.3)
    server = names(OWN)
    for name, value in change.items():
        setattr(server, name, value)
    with pytest.raises(error) as caught:
        servers("me@firma.de").imap()
    assert isinstance(caught.value, Timeout | Unavailable)
    assert (caught.value.retryable, caught.value.field) == (True, "host")
    server.is_silent, server.answers = False, b""
    monkeypatch.setattr(srv, "_SECONDS", 5.0)
    assert servers("me@firma.de").imap().host == "IMAP.firma.de"


def test_a_named_server_with_a_private_address_is_refused(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    names({"_imaps._tcp.firma.de": ["0 1 993 imap.firma.de."]})
    monkeypatch.setattr(addresses, "resolve", lambda *_: [ip_address("192.168.1.9")])  # as the system's DNS would
    settings = ImapSettings(address="me@firma.de")
    with pytest.raises(Forbidden, match=r"imap\.firma\.de resolves to 192\.168\.1\.9"):
        connector_of(settings, is_demo=False).connect(Servers(settings).imap())


def test_dns_is_asked_while_only_reads_may_leave(names: Names) -> None:
    names(OWN)
    with reads_only():
        assert servers("me@firma.de").imap().host == "IMAP.firma.de"
