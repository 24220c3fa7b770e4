"""Mailboxes whose owners sign in with a browser, on a real dovecot and SMTP server that accept access tokens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from clients.errors import AuthError, InvalidRequest
from clients.imap.client import ImapClient
from clients.mail_server.settings import ImapSettings, Servers
from clients.sign_in import SignInWay, client_id_content
from tests.mail import dovecot, smtp_server
from tests.mail.dovecot import Dovecot
from tests.mail.mailboxes import connected, mail, new_settings
from tests.mail.smtp_server import SmtpServer
from tests.patience import PATIENCE_SECONDS

ADDRESSES = {"Google": "ann@gmail.com", "Microsoft": "ann@outlook.com"}


@dataclass
class Provider:
    """The consent page, the token endpoint and the introspection of a provider; each answer has another token."""

    url: str = ""
    address: str = ""
    """Who consents."""
    scope: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    """The access tokens that count, with the address of each."""
    renewals: int = 0

    def answer(self, form: dict[str, str]) -> dict[str, Any]:
        """Return a new token."""
        self.renewals += form["grant_type"] == "refresh_token"
        token = f"access-token-{len(self.tokens)}-{self.renewals}"
        self.tokens[token] = self.address
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": "refresh-token-1",
            "scope": self.scope,
        }


def handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = dict(parse_qsl(urlsplit(self.path).query))
            provider.scope = asked["scope"]
            self.send_response(302)
            back = urlencode({"code": "code-1", "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{back}".replace("localhost", "127.0.0.1"))
            self.end_headers()

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            if self.path.endswith("/token"):
                said = provider.answer(form)
            else:
                said = {"active": form["token"] in provider.tokens, "email": provider.tokens.get(form["token"], "")}
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Provider, Dovecot]]:
    if not dovecot.is_here():
        pytest.skip("No dovecot here: IMAP is not tested against a real server (apt install dovecot-imapd).")
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(provider))
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        with dovecot.running(f"{provider.url}/introspect") as found:
            yield provider, found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_SECONDS)


@pytest.fixture(params=ADDRESSES)
def provider(request: pytest.FixtureRequest, served: tuple[Provider, Dovecot]) -> Provider:
    found = served[0]
    found.address, found.renewals = ADDRESSES[request.param], 0
    found.tokens.clear()
    return found


@pytest.fixture
def smtp(served: tuple[Provider, Dovecot]) -> Iterator[SmtpServer]:
    with smtp_server.running(served[1].folder) as found:
        found.tokens = served[0].tokens
        yield found


@pytest.fixture
def settings(provider: Provider, served: tuple[Provider, Dovecot], smtp: SmtpServer, tmp_path: Path) -> dict[str, Any]:
    """What the connection says after the sign-in."""
    server = served[1]
    found: dict[str, Any] = {
        "address": provider.address,
        "host": "127.0.0.1",
        "port": server.tls_port,
        "ca_file": server.certificate,
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp.tls_port,
    }
    way = ImapClient.sign_in_for(found)
    assert way is not None
    path = tmp_path / "sign-in.json"
    signed_in = way.sign_in(brought(way, provider, tmp_path), browser, provider.url)
    assert signed_in.account == provider.address
    way.stored(path, None).save({**signed_in.info, "token_uri": f"{provider.url}/token"})
    return {**found, "token_file": path}


def brought(way: SignInWay, provider: Provider, folder: Path) -> Path:
    """What a person brings: the id of a client, or a client secret file."""
    file = folder / "client.json"
    addresses = {"auth_uri": f"{provider.url}/auth", "token_uri": f"{provider.url}/token"}
    secret = json.dumps({"installed": {"client_id": "id", "client_secret": "very-secret", **addresses}}).encode()
    file.write_bytes(client_id_content("demo-client-1") if way.id_label else secret)
    return file


def browser(url: str) -> None:
    """A person's browser that consents."""
    httpx.get(url, follow_redirects=True, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()


def test_a_mailbox_is_read_and_sends_with_a_sign_in(
    settings: dict[str, Any], provider: Provider, smtp: SmtpServer
) -> None:
    at = next(one for one, address in ADDRESSES.items() if address == provider.address)
    with connected(settings) as client:
        lines = {line.what: line for line in client.check()}
        assert all(line.ok for line in lines.values()), lines
        assert lines["sign-in"].text.endswith(f" as {provider.address}, with the sign-in at {at}.")
        client.smtp.hand_over(mail("Sent with a token"), ["bob@example.org"])
        assert smtp.last()["Subject"] == "Sent with a token"
    assert provider.renewals == 0


def test_a_token_that_the_server_refuses_is_renewed_once(
    settings: dict[str, Any], provider: Provider, smtp: SmtpServer
) -> None:
    provider.tokens.clear()
    with connected(settings) as client:
        assert "INBOX" in client.folders()
        assert provider.renewals == 1
        provider.tokens.clear()
        client.smtp.hand_over(mail("Later"), ["bob@example.org"])
    assert provider.renewals == 2
    assert smtp.answered_refusals == [b""], "an empty line"


@pytest.mark.slow
def test_who_signed_in_as_somebody_else_is_told_to_connect_again(
    settings: dict[str, Any], provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.tokens.clear()
    provider.address = "somebody@else.example"
    with connected(settings) as client:
        errors = []
        for attempt in (client.folders, client.smtp.check):
            with pytest.raises(AuthError, match="rejects the sign-in") as caught:
                attempt()
            errors.append(caught.value)
        said = f"{client.check()!r} {caplog.text} {vars(client)!r}"
    for error in errors:
        assert error.remedy.startswith(f"Connect again as {settings['address']}")
        assert error.outcome == "not_done"
        said += f"{error} {error.remedy}"
    assert "access-token" not in said
    assert "refresh-token" not in said


def test_a_server_that_takes_no_tokens_says_so(settings: dict[str, Any]) -> None:
    plain = new_settings()
    without = {**settings, "port": plain["port"], "ca_file": plain["ca_file"]}
    with connected(without) as client, pytest.raises(InvalidRequest, match="XOAUTH2"):
        client.folders()


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"address": "me@gmail.com"}, "Google"),
        ({"address": "me@hotmail.com"}, "Microsoft"),
        ({"address": "me@own.example", "host": "outlook.office365.com"}, "Microsoft"),
        ({"address": "me@own.example", "host": "imap.gmail.com"}, "Google"),
        ({"address": "me@fastmail.com"}, ""),
        ({}, ""),
    ],
)
def test_the_address_or_the_server_tells_who_signs_people_in(given: dict[str, str], at: str) -> None:
    way = ImapClient.sign_in_for(given)
    assert (way.at if way is not None else "") == at


@pytest.mark.parametrize(
    ("given", "imap", "smtp"),
    [
        ({"address": "me@outlook.com"}, "outlook.office365.com:993", "smtp-mail.outlook.com:587"),
        (
            {"address": "me@own.example", "host": "outlook.office365.com"},
            "outlook.office365.com:993",
            "smtp.office365.com:587",
        ),
    ],
)
def test_the_servers_of_microsoft_are_known_after_a_sign_in(given: dict[str, str], imap: str, smtp: str) -> None:
    servers = Servers(ImapSettings(**given, token_file="sign-in.json"))
    assert (servers.imap().shown, servers.smtp().shown) == (imap, smtp)
    assert servers.sent_copy() == "server"
