"""What a service says when it refuses reaches the person: each client, each kind of refusal, in the service's form."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from msgspec import Struct
from pydantic import SecretStr

from clients.client import Client, Opening
from clients.error_mapping import words_in
from clients.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServiceError,
    Unavailable,
)
from clients.http.request import WebRequest
from clients.transport import deadline
from engine.base.services import client_classes
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

SECRET = "key-abcdefghijklmnop"
WORDS = "The blue lamp is out of oil"
FIELD = "colour"
Body = dict[str, Any] | bytes


class Form(Struct, frozen=True):
    """How a service refuses, and one question of its client."""

    body: Callable[[int, str], Body]
    ask: Callable[[Any, str], object]
    settings: Mapping[str, Any] = {}
    with_field: Callable[[int, str], Body] | None = None
    """A refusal that names the field `FIELD`."""


def _message(status: int, words: str) -> Body:
    return {"message": words, "status": str(status)}


def _error(status: int, words: str) -> Body:
    return {"error": {"message": words, "code": status}}


def _google(status: int, words: str) -> Body:
    return {"error": {"code": status, "message": words, "errors": [{"message": words, "reason": "somethingElse"}]}}


def _xml(outer: str) -> Callable[[int, str], Body]:
    return lambda _, words: outer.format(words).encode()


FORMS: dict[str, Form] = {
    "github": Form(
        _message,
        lambda client, _: client.get_issue("acme/app", 7),
        with_field=lambda _, words: {"message": words, "errors": [{"field": FIELD, "code": "invalid"}]},
    ),
    "notion": Form(
        lambda status, words: {"object": "error", "status": status, "code": "validation_error", "message": words},
        lambda client, _: client.databases(),
    ),
    "slack": Form(lambda _, words: {"ok": False, "error": words}, lambda client, _: client.channels()),
    "discord": Form(
        lambda _, words: {"message": words, "code": 50035},
        lambda client, _: client.channels(),
        with_field=lambda _, words: {
            "message": words,
            "code": 50035,
            "errors": {FIELD: {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be shorter."}]}},
        },
    ),
    "telegram": Form(
        lambda status, words: {"ok": False, "error_code": status, "description": words},
        lambda client, _: client.account(),
    ),
    "openai": Form(
        lambda _, words: {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": None}},
        lambda client, _: client.models(),
    ),
    "anthropic": Form(
        lambda _, words: {"type": "error", "error": {"type": "invalid_request_error", "message": words}},
        lambda client, _: client.models(),
    ),
    "gemini": Form(
        lambda status, words: {"error": {"code": status, "message": words, "status": "INVALID_ARGUMENT"}},
        lambda client, _: client.models(),
    ),
    "gmail": Form(_google, lambda client, _: client.label_names()),
    "google_calendar": Form(_google, lambda client, _: client.calendars()),
    "google_drive": Form(_google, lambda client, _: client.entries("", 10)),
    "google_sheets": Form(_google, lambda client, _: client.sheet("A" * 40, "")),
    "dropbox": Form(
        lambda _, words: {"error_summary": words, "error": {".tag": "other"}},
        lambda client, _: client.entries("", 10),
    ),
    "onedrive": Form(
        lambda _, words: {"error": {"code": "somethingElse", "message": words}},
        lambda client, _: client.entries("", 10),
    ),
    "outlook": Form(
        lambda _, words: {"error": {"code": "somethingElse", "message": words}},
        lambda client, _: client.folder_names(),
    ),
    "s3": Form(
        _xml("<?xml version='1.0'?><Error><Code>SomethingElse</Code><Message>{}</Message></Error>"),
        lambda client, _: client.entries("bucket/a", 10),
        {"access_key_id": "AKIA", "region": "eu-central-1"},
    ),
    "webdav": Form(
        _xml(
            "<?xml version='1.0'?><d:error xmlns:d='DAV:' xmlns:s='http://sabredav.org/ns'>"
            "<s:exception>E</s:exception><s:message>{}</s:message></d:error>"
        ),
        lambda client, _: client.entries("", 10),
        {"user": "ann"},
    ),
    "http": Form(
        _message,
        lambda client, url: client.request(WebRequest("GET", f"{url}/a")),
        with_field=lambda status, words: {"title": words, "status": status, "errors": {FIELD: ["is too long"]}},
    ),
    "mcp": Form(
        lambda _, words: {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": words}},
        lambda client, _: client.tools(),
    ),
}
OVER_HTTP = [
    name for name, kind in client_classes().items() if {"base_url", "headers"} & set(kind.service.settings.model_fields)
]
every_service = pytest.mark.parametrize("name", OVER_HTTP)


@pytest.fixture
def client(name: str, scripted: Scripted) -> Iterator[Client]:
    kind = client_classes()[name]
    key = kind.service.key.setting if kind.service.key else "token"
    given = {key: SecretStr(SECRET), "base_url": scripted.url, "allow_hosts": [urlsplit(scripted.url).netloc]}
    known = kind.service.settings.model_fields
    settings = {**{one: value for one, value in given.items() if one in known}, **FORMS[name].settings}
    with (
        deadline(PATIENCE_SECONDS),
        closing(kind.open(kind.service.settings.model_validate(settings), Opening())) as made,
    ):
        yield made


def refused(
    name: str, client: Client, scripted: Scripted, ask: Callable[[Any, str], object] | None = None
) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        (ask or FORMS[name].ask)(client, scripted.url)
    error = caught.value
    told = f"{error.message} {error.remedy}"
    assert SECRET not in told
    assert "<" not in error.message, error.message
    assert error.message.endswith((".", "!", "?")), error.message
    assert error.remedy.endswith((".", "!", "?")), error.remedy
    assert error.service == name
    return error


@pytest.mark.parametrize("name", OVER_HTTP)
def test_each_client_over_http_has_a_form(name: str) -> None:
    assert name in FORMS, "say how it refuses"


STATUSES: list[tuple[int, set[type[ServiceError]], bool]] = [
    (400, {InvalidRequest}, False),
    (401, {AuthError}, False),
    (402, {InvalidRequest, AuthError}, False),
    (403, {AuthError, InvalidRequest}, False),
    (404, {NotFound, InvalidRequest}, False),
    (409, {Conflict, InvalidRequest}, False),
    (410, {ServiceError}, False),
    (413, {InvalidRequest}, False),
    (407, {InvalidRequest}, False),
    (422, {InvalidRequest}, False),
    (423, {Conflict}, False),
    (451, {InvalidRequest}, False),
    (429, {RateLimited}, True),
    (500, {Unavailable}, True),
    (501, {InvalidRequest}, False),
    (503, {Unavailable}, True),
    (507, {InvalidRequest}, False),
]


@every_service
def test_a_status_comes_with_the_words_of_the_service(name: str, client: Client, scripted: Scripted) -> None:
    for status, kinds, is_retryable in STATUSES:
        scripted.answers[:] = []
        scripted.then(status, FORMS[name].body(status, f"{WORDS}, {SECRET}"))
        error = refused(name, client, scripted)
        assert error.retryable is is_retryable, status
        assert WORDS in error.message, status
        assert isinstance(error, tuple(kinds)), (status, error)
        if status < 500:
            assert error.outcome == "not_done", status
        if status in {402, 407, 410, 413, 423, 451, 501, 507}:
            assert error.remedy != type(error).default_remedy, status
        if status not in {401, 403}:
            assert "valid key" not in error.remedy, status


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.with_field is not None])
def test_the_field_that_is_wrong_is_named(name: str, client: Client, scripted: Scripted) -> None:
    form = FORMS[name]
    assert form.with_field is not None
    scripted.then(422, form.with_field(422, WORDS))
    error = refused(name, client, scripted)
    assert WORDS in error.message
    assert FIELD in error.message


@every_service
def test_the_wait_that_a_service_asks_for_is_kept(name: str, client: Client, scripted: Scripted) -> None:
    for wait in ("100", format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)):
        scripted.answers[:] = []
        scripted.then(429, FORMS[name].body(429, WORDS), retry_after=wait)
        error = refused(name, client, scripted)
        assert isinstance(error, RateLimited), wait
        assert error.retry_after_seconds == pytest.approx(100, abs=60), wait


PAGE = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>p { color: red }</style>"
    b"<script>if (1 < 2) alert('x')</script></head><body><h1>The proxy is asleep</h1>"
    b"<p>Try again &amp; wait.</p></body></html>"
)


@every_service
def test_the_page_of_a_proxy_is_told_without_its_tags(name: str, client: Client, scripted: Scripted) -> None:
    for status in (403, 404, 502):
        scripted.answers[:] = []
        scripted.then(status, PAGE, content_type="text/html; charset=utf-8")
        error = refused(name, client, scripted)
        assert "The proxy is asleep" in error.message or "502 Bad Gateway" in error.message, status
        assert [word for word in ("color", "alert", "&amp;", "DOCTYPE") if word in error.message] == []


@every_service
def test_plain_text_is_told(name: str, client: Client, scripted: Scripted) -> None:
    for status in (400, 500):
        scripted.answers[:] = []
        scripted.then(status, WORDS.encode(), content_type="text/plain")
        assert WORDS in refused(name, client, scripted).message, status


@every_service
def test_no_words_at_all_are_an_error_all_the_same(name: str, client: Client, scripted: Scripted) -> None:
    for status in (400, 403, 500):
        for body in (b"", b"{}", b"[]", b"null", b"\x00\xff\xfe\x01", b'{"error": 7}'):
            scripted.answers[:] = []
            scripted.then(status, body, content_type="application/json")
            assert str(status) in refused(name, client, scripted).message, body


@every_service
def test_a_redirect_says_where_it_leads_without_its_query(name: str, client: Client, scripted: Scripted) -> None:
    scripted.then(302, b"", location="https://login.example.com/start?token=very-private")
    error = refused(name, client, scripted)
    assert "very-private" not in f"{error.message} {error.remedy}"
    assert "login.example.com" in f"{error.message} {error.remedy}" or name in {"http", "github"}


@every_service
def test_what_is_no_answer_of_the_service_is_no_success(name: str, client: Client, scripted: Scripted) -> None:
    if name == "http":
        pytest.skip("any answer is one")
    bodies = [(PAGE, "text/html"), (b"", "application/json"), (b"[1, 2", "application/json"), (b"hello", "text/plain")]
    for body, media_type in bodies:
        if name == "gemini" and not body:
            continue  # its SDK reads an empty answer as a list without models
        scripted.answers[:] = []
        scripted.then(200, body, content_type=media_type)
        assert isinstance(refused(name, client, scripted), BadAnswer | InvalidRequest), body


IN_SUCCESS = {
    "slack": {"ok": False, "error": "channel_not_found"},
    "telegram": {"ok": False, "error_code": 400, "description": "channel_not_found"},
    "github": {"data": None, "errors": [{"type": "NOT_FOUND", "message": "channel_not_found", "path": ["node"]}]},
}
"""Services that refuse in an answer whose status is 200; the models have a test of their own."""


@pytest.mark.parametrize("name", IN_SUCCESS)
def test_an_error_in_an_answer_of_success_is_told(name: str, client: Client, scripted: Scripted) -> None:
    scripted.then(200, IN_SUCCESS[name])
    ask = (lambda given, _: given.graphql("query { viewer { login } }", {}, "")) if name == "github" else None
    assert "channel_not_found" in refused(name, client, scripted, ask).message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "No such model.", "code": 404}}, "No such model."),
        ({"error": "model 'x' not found"}, "model 'x' not found"),
        ({"message": "no Route matched"}, "no Route matched"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": [{"loc": ["body"], "msg": "Field required"}]}, "Field required"),
        ({"object": "error", "message": {"detail": [{"msg": "Field required"}]}}, "Field required"),
        ([{"error": {"message": "API key not valid."}}], "API key not valid."),
        ({"errors": [{"code": 1, "message": "Blocked."}]}, "Blocked."),
        ({"error": {"message": '{"error": {"message": "Inner."}}'}}, "Inner."),
        ({"error": {"message": "Provider", "metadata": {"raw": '{"detail": "Why."}'}}}, "Provider; Why."),
        ({"detail": [{"loc": ["body", "n"], "msg": "Too low"}]}, "n: Too low"),
        ({"errors": [{"detail": "Too low", "pointer": "#/a/n"}]}, "a.n: Too low"),
        ({"errors": [{"detail": "Too low", "source": {"pointer": "/data/n"}}]}, "data.n: Too low"),
        ({"errors": {"title": ["taken"], "a": {"0": {"_errors": [{"message": "No."}]}}}}, "title: taken; a.0: No."),
        ({"name": ["This field is required."]}, "name: This field is required."),
        ({"error": {"type": "index", "reason": "no such one"}}, "error.type: index; error.reason: no such one"),
        ({"__type": "Throttled", "Message": "Slow down."}, "Slow down."),
        ({"errorMessages": ["No such issue."], "errors": {}}, "No such issue."),
        ({"fault": {"faultstring": "Invalid key", "detail": {"errorcode": "x"}}}, "Invalid key"),
        ({"message": "Duplicate", "details": "Key (id)=(1) is there."}, "Duplicate; Key (id)=(1) is there."),
        ({"message": "Bad", "details": [{"fieldViolations": [{"field": "b", "description": "Long"}]}]}, "Bad; b: Long"),
        ("404 page not found", "404 page not found"),
        ('{"error": "in a text"}', "in a text"),
        ("<html><head><title>502 Bad Gateway</title></head><body>x</body></html>", "502 Bad Gateway x"),
        ("<!DOCTYPE html><body><script>x()</script><p>Sign in, please</p>", "Sign in, please"),
        ("", ""),
        ({}, ""),
        (None, ""),
        ({"error": {}}, ""),
        (b'{"detail": [{"msg": "Field required"}]}', "Field required"),
        (b"\xff\xfe\x00", ""),
        (b'\xef\xbb\xbf{"title": "Out of stock", "status": 422, "detail": "Sold out"}', "Sold out; Out of stock"),
        (b'{"trace": "%s", "title": "Out of stock"}' % (b"at A.java " * 5000), "Out of stock"),
    ],
    ids=lambda one: str(one)[:80],
)
def test_the_words_of_a_refusal_are_found_in_each_form(body: Any, words: str) -> None:
    assert words_in(body) == words


@pytest.mark.parametrize("piece", ["<title>", "<", "<script ", "<!--", '{"error": ', "["])
def test_the_words_of_an_endless_page_are_found_at_once(piece: str) -> None:
    began = time.process_time()
    words_in(f"<html>{piece * 100_000}")
    words_in(piece * 100_000)
    assert time.process_time() - began < 1


class Real(Struct, frozen=True):
    """A refusal as a service documents it, and what the person has to learn from it."""

    name: str
    status: int
    body: Body
    said: str
    helps: str
    kind: type[ServiceError]
    headers: Mapping[str, str] = {}


def _slack(error: str, said: str, helps: str, kind: type[ServiceError], **more: Any) -> Real:
    return Real("slack", 200, {"ok": False, "error": error, **more}, said, helps, kind)


def _telegram(status: int, words: str, helps: str, kind: type[ServiceError], **more: Any) -> Real:
    body = {"ok": False, "error_code": status, "description": words, **({"parameters": more} if more else {})}
    return Real("telegram", status, body, words, helps, kind)


def _s3(status: int, code: str, helps: str, kind: type[ServiceError]) -> Real:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>The words.</Message></Error>".encode()
    return Real("s3", status, body, code, helps, kind)


_DISABLED = "Google Sheets API has not been used in project 12 before or it is disabled."
REAL = {
    "slack: a field": _slack(
        "invalid_arguments",
        "missing required field: channel",
        "fields",
        InvalidRequest,
        response_metadata={"messages": ["[ERROR] missing required field: channel"]},
    ),
    "slack: a right": _slack("missing_scope", "channels:read", "add the scope", AuthError, needed="channels:read"),
    "slack: kind of token": _slack("not_allowed_token_type", "token_type", "xoxb-", AuthError),
    "slack: archived": _slack("is_archived", "is_archived", "Unarchive", InvalidRequest),
    "slack: user": _slack("user_not_found", "user_not_found", "Check the name", NotFound),
    "slack: moved": _slack("org_login_required", "org_login", "try again later", Unavailable),
    "telegram: token": _telegram(404, "Not Found", "@BotFather", NotFound),
    "telegram: no such chat": _telegram(400, "Bad Request: chat not found", "write to the bot", InvalidRequest),
    "telegram: blocked": _telegram(403, "Forbidden: bot was blocked by the user", "unblock the bot", InvalidRequest),
    "telegram: outside": _telegram(
        403, "Forbidden: bot is not a member of the channel chat", "add the bot", InvalidRequest
    ),
    "telegram: another id": _telegram(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        "write -1001 as `chat`",
        InvalidRequest,
        migrate_to_chat_id=-1001,
    ),
    "discord: nested field": Real(
        "discord",
        400,
        {
            "code": 50035,
            "message": "Invalid Form Body",
            "errors": {"embeds": {"0": {"title": {"_errors": [{"code": "LONG", "message": "Too long."}]}}}},
        },
        "embeds.0.title: Too long",
        "fields",
        InvalidRequest,
    ),
    "s3: key": _s3(400, "ExpiredToken", "valid key", AuthError),
    "s3: clock": _s3(403, "RequestTimeTooSkewed", "clock", InvalidRequest),
    "s3: archive": _s3(403, "InvalidObjectState", "restore it", InvalidRequest),
    "s3: pace": _s3(503, "SlowDown", "Wait", RateLimited),
    "google: API is off": Real(
        "google_sheets",
        403,
        {"error": {"code": 403, "message": _DISABLED, "errors": [{"reason": "accessNotConfigured"}]}},
        "has not been used",
        "Enable this API",
        InvalidRequest,
    ),
    "google: a field": Real(
        "google_calendar",
        400,
        {
            "error": {
                "code": 400,
                "message": "Invalid value",
                "details": [{"fieldViolations": [{"field": "start", "description": "No such day"}]}],
            }
        },
        "start: No such day",
        "fields",
        InvalidRequest,
    ),
    "dropbox: full": Real(
        "dropbox",
        409,
        {
            "error_summary": "path/insufficient_space/..",
            "error": {".tag": "path", "path": {".tag": "insufficient_space"}},
        },
        "insufficient_space",
        "Free some space",
        InvalidRequest,
    ),
    "onedrive: a field": Real(
        "onedrive",
        400,
        {"error": {"code": "badRequest", "message": "No.", "details": [{"message": "Too long", "target": "name"}]}},
        "name: Too long",
        "fields",
        InvalidRequest,
    ),
    "notion: OAuth": Real(
        "notion", 400, {"error": "invalid_grant", "error_description": "Revoked"}, "Revoked", "fields", InvalidRequest
    ),
    "github: OAuth": Real(
        "github", 401, {"error": "bad_code", "error_description": "Expired"}, "Expired", "valid key", AuthError
    ),
    "webdav: maintenance": Real(
        "webdav",
        503,
        b"<?xml version='1.0'?><d:error xmlns:d='DAV:' xmlns:s='http://sabredav.org/ns'>"
        b"<s:message>System in maintenance mode.</s:message></d:error>",
        "maintenance mode",
        "try again",
        Unavailable,
    ),
    "http: only a header": Real(
        "http",
        401,
        b"",
        "The token expired",
        "valid key",
        AuthError,
        {"www_authenticate": 'Bearer realm="a", error="invalid_token", error_description="The token expired"'},
    ),
    "http: fields by name": Real(
        "http", 400, {"amount": ["This field is required."]}, "amount: This field", "fields", InvalidRequest
    ),
    "http: a network's page": Real("http", 511, PAGE, "The proxy is asleep", "Sign in to the network", Unavailable),
}


@pytest.mark.parametrize(("name", "case"), [(one.name, case) for case, one in REAL.items()], ids=list(REAL))
def test_a_documented_refusal_says_what_helps(name: str, case: str, client: Client, scripted: Scripted) -> None:
    real = REAL[case]
    scripted.then(real.status, real.body, **real.headers)
    error = refused(name, client, scripted)
    assert real.said in error.message
    assert real.helps in error.remedy
    assert type(error) is real.kind


WAITS: dict[str, dict[str, Any]] = {
    "discord": {"message": WORDS, "retry_after": 99.5},
    "telegram": {"parameters": {"retry_after": 100}},
}


@pytest.mark.parametrize("name", WAITS)
def test_the_wait_may_be_in_the_body(name: str, client: Client, scripted: Scripted) -> None:
    scripted.then(429, {"description": WORDS, **WAITS[name]})
    assert refused(name, client, scripted).retry_after_seconds == 100
