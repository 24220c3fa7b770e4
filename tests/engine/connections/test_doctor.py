"""Each fault of a connection is named, with what to do next; what works is said, too."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import shlex
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import transport
from clients.check_line import CheckLine
from clients.models.served import ServedModel
from engine.connections import doctor, local_models
from engine.connections.reach import reach
from engine.orchestra import Orchestra
from tests.conftest import StandIns
from tests.engine.conftest import OWNER
from tests.patience import PATIENCE_SECONDS

NO_PROXY_NAMES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")
DATE = "%a, %d %b %Y %H:%M:%S GMT"


@dataclass
class Server:
    """A loopback server of a test: what it answers to a path, and the time that it thinks it is."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    ahead: dt.timedelta = dt.timedelta(0)


def _handler(state: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            found = state.answers.get(self.path)
            body = json.dumps(found if found is not None else {}).encode()
            self.send_response_only(200 if found is not None else 404)
            self.send_header("date", (dt.datetime.now(dt.UTC) + state.ahead).strftime(DATE))
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers; with `context` they speak TLS."""
    running: list[ThreadingHTTPServer] = []

    def start(answers: Mapping[str, Any] | None = None, context: ssl.SSLContext | None = None) -> Server:
        state = Server(answers=dict(answers or {}))
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused handshake is what is tested
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        running.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        state.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        return state

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def certificate(folder: Path, *, days: int) -> ssl.SSLContext:
    """A self-signed certificate for this machine that ends so many days from now."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@dataclass
class Place:
    """A workspace with one connection `it`, and all that a fault may be put into."""

    root: Path
    standins: StandIns
    serve: Serve
    monkeypatch: pytest.MonkeyPatch

    def connect(self, service: str, **settings: Any) -> None:
        """Let `it` be an account at a stand-in, with these settings instead."""
        at = self.standins[service]
        key = "api_key" if service == "openai" else "token"
        self.env(KEY=at.token)
        own = {key: "env:KEY", "base_url": at.base_url, **({"model": "demo-extractive"} if service == "openai" else {})}
        written = {"service": service, **{name: one for name, one in {**own, **settings}.items() if one is not None}}
        (self.root / "config.yaml").write_text(json.dumps({"connections": {"it": written}}))

    def env(self, **variables: str) -> None:
        """Put keys into `.env`, for its owner only."""
        path = self.root / ".env"
        path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        path.chmod(0o600)

    def answer(self, service: str, match: str, document: Any, **headers: str) -> None:
        """Let a stand-in answer something else."""
        body = json.dumps(document)
        shown = {name.replace("_", "-"): value for name, value in headers.items()}
        self.standins.faults(service, match=match, status=200, body=body, headers=shown, times=1000)

    def lines(self) -> dict[str, CheckLine]:
        """What the doctor says, by what it looked at."""
        orchestra = Orchestra.open(self.root)
        try:
            return {line.what: line for line in orchestra.connections.check(OWNER, "it")}
        finally:
            orchestra.close()


@pytest.fixture
def place(tmp_path: Path, standins: StandIns, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in NO_PROXY_NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "local_servers", list)
    root = tmp_path / "workspace"
    for name in ("workflows", "prompts", "logs"):
        (root / name).mkdir(parents=True)
    (root / "config.yaml").write_text("connections: {}\n")
    return Place(root, standins, serve, monkeypatch)


def no_such_name(place: Place) -> None:
    place.connect("github", base_url="https://no-such-host.invalid")


def nobody_there(place: Place) -> None:
    place.connect("github", base_url="http://127.0.0.1:1")


def behind_a_proxy(place: Place) -> None:
    nobody_there(place)
    place.monkeypatch.setenv("HTTPS_PROXY", "http://user:hush-hush@proxy.lan:3128")


def strange_certificate(place: Place) -> None:
    place.connect("github", base_url=place.serve(context=certificate(place.root, days=30)).url)


def trusted_certificate(place: Place, *, days: int) -> str:
    """Start a server whose certificate is trusted; give its address."""
    server = place.serve(context=certificate(place.root, days=days))
    trusting = ssl.create_default_context(cafile=str(place.root / "server.pem"))
    place.monkeypatch.setattr(transport, "trusted", lambda: trusting)
    return server.url


def expired_certificate(place: Place) -> None:
    place.connect("github", base_url=trusted_certificate(place, days=-1))


def certificate_of_another(place: Place) -> None:
    place.connect("github", base_url=trusted_certificate(place, days=30).replace("127.0.0.1", "localhost"))


def no_tls(place: Place) -> None:
    place.connect("github", base_url=place.serve().url.replace("http:", "https:"))


def wrong_clock(place: Place) -> None:
    server = place.serve({"/": {}})
    server.ahead = dt.timedelta(minutes=-7)
    place.connect("github", base_url=server.url)


def no_key(place: Place) -> None:
    place.connect("github", token="env:NOT_SET")


def wrong_key(place: Place) -> None:
    place.connect("notion")
    place.env(KEY="ntn_another-one")


def lost_key_of_the_vault(place: Place) -> None:
    place.connect("github")
    orchestra = Orchestra.open(place.root)
    orchestra.connections.give_key(OWNER, "it", place.standins["github"].token)
    orchestra.close()
    (place.root / ".orchestra" / "secret.key").unlink()


def readable_by_others(place: Place) -> None:
    place.connect("github")
    (place.root / ".env").chmod(0o644)


def readable_key_of_the_vault(place: Place) -> None:
    place.connect("github")
    orchestra = Orchestra.open(place.root)
    orchestra.connections.give_key(OWNER, "it", place.standins["github"].token)
    orchestra.close()
    (place.root / ".orchestra" / "secret.key").chmod(0o640)


def few_scopes(place: Place) -> None:
    place.connect("github")
    place.answer("github", "/rate_limit", {}, x_oauth_scopes="gist, read:user")


def no_limit_left(place: Place) -> None:
    place.connect("github")
    core = {"limit": 5000, "remaining": 0, "reset": 1_800_000_000}
    place.answer("github", "/rate_limit", {"resources": {"core": core}})


def no_database(place: Place) -> None:
    place.connect("notion")
    place.answer("notion", "POST /v1/search", {"object": "list", "results": [], "has_more": False, "next_cursor": None})


def key_property_of_another_type(place: Place) -> None:
    place.connect("notion")
    at = place.standins["notion"]
    headers = {"authorization": f"Bearer {at.token}", "notion-version": "2025-09-03"}
    wanted = {"filter": {"property": "object", "value": "data_source"}}
    found = httpx.post(
        f"{at.base_url}/v1/search", json=wanted, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
    ).json()
    source = next(one for one in found["results"] if "Orchestra key" not in one["properties"])
    changed: dict[str, Any] = {"properties": {"Orchestra key": {"number": {}}}}
    url = f"{at.base_url}/v1/data_sources/{source['id']}"
    httpx.patch(url, json=changed, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()


def no_such_model(place: Place) -> None:
    place.connect("openai", model="gpt-9")


def no_model(place: Place) -> None:
    place.connect("openai", model="")
    document = json.loads((place.root / "config.yaml").read_text())
    (place.root / "config.yaml").write_text(json.dumps({**document, "model_defaults": {"model": ""}}))


def small_context(place: Place) -> None:
    models = {"object": "list", "data": [{"id": "small", "object": "model", "max_model_len": 2048}]}
    place.connect("openai", base_url=f"{place.serve({'/v1': {}, '/v1/models': models}).url}/v1", model="small")


def not_signed_in(place: Place) -> None:
    place.connect("gmail", token="env:NOT_SET")


def revoked(place: Place) -> None:
    place.connect("gmail")
    place.env(KEY="ya29.of-an-account-that-said-no")


FAULTS = [
    pytest.param(no_such_name, "reachable", ["no-such-host.invalid", "spelling"], id="name"),
    pytest.param(nobody_there, "reachable", ["Nothing answers", "correct the address"], id="port"),
    pytest.param(behind_a_proxy, "reachable", ["HTTPS_PROXY", "direct connection"], id="proxy"),
    pytest.param(strange_certificate, "reachable", ["certificate", "SSL_CERT_FILE"], id="certificate"),
    pytest.param(expired_certificate, "reachable", ["expired", "date"], id="expired certificate"),
    pytest.param(certificate_of_another, "reachable", ["mismatch", "correct the address"], id="certificate of another"),
    pytest.param(no_tls, "reachable", ["does not speak TLS", "http://"], id="no TLS"),
    pytest.param(wrong_clock, "clock", ["7 minutes ahead of", "timedatectl"], id="clock"),
    pytest.param(no_key, "settings", ["NOT_SET", ".env"], id="no key"),
    pytest.param(wrong_key, "sign-in", ["401", "token"], id="wrong key"),
    pytest.param(wrong_key, "new key", ["https://", "`orchestra connections add", "--name it"], id="new key"),
    pytest.param(lost_key_of_the_vault, "settings", ["secret.key", "backup"], id="lost key of the vault"),
    pytest.param(readable_by_others, "files", [".env", "chmod 600 .env"], id="readable .env"),
    pytest.param(readable_key_of_the_vault, "files", ["chmod 600 .orchestra/secret.key"], id="readable key"),
    pytest.param(few_scopes, "scopes", ["`repo` is missing", "settings/tokens"], id="scopes"),
    pytest.param(no_limit_left, "limits", ["0 of 5000", "Wait"], id="limits"),
    pytest.param(no_database, "databases", ["No database is shared", "Connections"], id="nothing shared"),
    pytest.param(key_property_of_another_type, "key property", ["of type number", "Rename"], id="Orchestra key"),
    pytest.param(no_such_model, "model", ["gpt-9", "demo-extractive"], id="model"),
    pytest.param(no_model, "model", ["No model is chosen", "demo-extractive"], id="no model"),
    pytest.param(small_context, "context", ["2048 tokens", "OLLAMA_CONTEXT_LENGTH"], id="context"),
    pytest.param(
        not_signed_in,
        "settings",
        ["Nobody has signed in to it. Run `orchestra connections add gmail --name it --client-secret FILE`, or press"],
        id="not signed in",
    ),
    pytest.param(revoked, "sign-in", ["401", "Sign in again"], id="revoked"),
    pytest.param(revoked, "new key", ["sign in again: `orchestra connections add gmail --name it"], id="new sign-in"),
]


@pytest.mark.parametrize(("put_in", "what", "words"), FAULTS)
def test_each_fault_is_named_with_the_next_step(
    place: Place, put_in: Callable[[Place], None], what: str, words: list[str]
) -> None:
    put_in(place)
    lines = place.lines()
    wrong = {name: line.text for name, line in lines.items() if not line.ok or name == "new key"}
    assert what in wrong, lines
    assert [word for word in words if word not in wrong[what]] == [], wrong[what]
    said = json.dumps(wrong)
    assert not any(secret in said for secret in ("hush-hush", "ntn_another", "ya29.of", place.standins["github"].token))


@pytest.mark.parametrize("service", ["github", "notion", "gmail"])
def test_no_new_key_is_asked_for_where_none_was_refused(place: Place, service: str) -> None:
    place.connect(service)
    place.answer(service, "", {})
    lines = place.lines()
    assert not lines["sign-in"].ok
    assert "new key" not in lines


@pytest.mark.parametrize(
    ("service", "said"),
    [
        pytest.param("github", ["reachable", "clock", "sign-in", "repositories", "limits"], id="github"),
        pytest.param("notion", ["reachable", "clock", "sign-in", "databases", "key property"], id="notion"),
        pytest.param("openai", ["reachable", "clock", "server", "model", "context"], id="openai"),
        pytest.param("gmail", ["reachable", "clock", "sign-in", "labels"], id="gmail"),
    ],
)
def test_of_a_connection_that_works_each_line_says_so(place: Place, service: str, said: list[str]) -> None:
    place.connect(service)
    lines = place.lines()
    assert [line.text for line in lines.values() if not line.ok] == []
    assert set(said) <= set(lines)


def test_a_server_with_much_context_is_praised(place: Place) -> None:
    models = {"object": "list", "data": [{"id": "llama3.2:latest", "object": "model"}]}
    for path, document in {
        "/api/ps": {"models": [{"model": "llama3.2:latest", "context_length": 16384}]},
        "/api/v0/models": {"data": [{"id": "llama3.2", "max_context_length": 16384}]},
        "/props": {"default_generation_settings": {"n_ctx": 16384}},
    }.items():
        server = place.serve({"/v1": {}, "/v1/models": models, path: document})
        place.connect("openai", base_url=f"{server.url}/v1", model="llama3.2")
        assert "16384 tokens" in place.lines()["context"].text, path


def test_a_line_has_neither_secrets_nor_lines_of_the_server_s_own(place: Place) -> None:
    models = {"object": "list", "data": [{"id": "m\n\x1b[31mConnection works.", "object": "model"}]}
    place.connect("openai", base_url=f"{place.serve({'/v1': {}, '/v1/models': models}).url}/v1", model="env:KEY")
    key = place.standins["openai"].token
    texts = [one.text for one in place.lines().values()]
    assert any("Connection works." in one for one in texts), "it is told"
    assert all(one.isprintable() and key not in one for one in texts)


def test_model_servers_of_this_machine_are_offered_and_not_used(place: Place) -> None:
    models = {"object": "list", "data": [{"id": "llama3.2", "object": "model"}]}
    found, other = place.serve({"/v1/models": models}), place.serve({"/v1/models": {"detail": "a web shop"}})
    usual = tuple(("Ollama", int(one.url.rpartition(":")[2])) for one in (found, other))
    place.monkeypatch.setattr(doctor, "local_servers", lambda: local_models.local_servers(usual))
    place.connect("openai")
    line = place.lines()["local server"]
    assert line.ok
    assert f"Ollama answers at {found.url}/v1 with llama3.2" in line.text
    assert f"--set base_url={found.url}/v1 --set model=llama3.2" in line.text
    assert found.url not in (place.root / "config.yaml").read_text()


def test_without_a_key_for_the_model_that_is_a_line_and_local_servers_are_offered(place: Place) -> None:
    """As in every new workspace: a check of all connections must not end there."""
    here = local_models.LocalServer("Ollama", "http://127.0.0.1:11434/v1", (ServedModel("llama3.2"),))
    place.monkeypatch.setattr(doctor, "local_servers", lambda: [here])
    place.connect("openai", api_key="env:NOT_SET")
    lines = place.lines()
    assert not lines["settings"].ok
    assert "NOT_SET" in lines["settings"].text
    assert "Ollama answers" in lines["local server"].text


@pytest.mark.parametrize(
    ("date", "lines"),
    [
        pytest.param("Fri, 20 Nov 2026 12:00:00 -0000", [True, True], id="UTC, as Python's own mail writes it"),
        pytest.param("Fri, 20 Nov 2026 12:00:00 +99999999999999999999", [True], id="a zone that is none"),
        pytest.param("soon", [True], id="no date"),
    ],
)
def test_a_clock_is_compared_with_any_date_that_is_one(date: str, lines: list[bool]) -> None:
    answers = httpx.MockTransport(lambda _request: httpx.Response(200, headers={"date": date}))
    now = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
    assert [line.ok for line in reach(httpx.Client(transport=answers), "http://localhost/", lambda: now)] == lines


def test_the_command_for_a_local_model_is_one_command_whatever_the_model_is_called() -> None:
    found = local_models.LocalServer("vLLM", "http://127.0.0.1:8000/v1", (ServedModel("small; rm -rf ~"),))
    assert "model=small; rm -rf ~" in shlex.split(found.command)


@pytest.mark.parametrize("needs_key", [True, False])
def test_the_command_for_a_local_model_takes_no_key_of_another_address_along(*, needs_key: bool) -> None:
    found = local_models.LocalServer("Jan", "http://127.0.0.1:1337/v1", (), needs_key=needs_key)
    assert ("api_key=" in shlex.split(found.command)) is not needs_key, "else the command asks for it"
