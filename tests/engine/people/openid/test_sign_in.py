"""Sign-in by a provider: who becomes a user with which role, and what a hostile provider gets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from engine.base.errors import (
    InUse,
    InvalidInput,
    NotAllowed,
    OrchestraError,
    ProviderFailed,
    SignInRefused,
    UnknownName,
)
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.devices import NEW_DEVICE
from engine.people.openid import answers
from engine.people.openid.sign_in import OpenIdSignIn
from engine.people.sessions import Session
from engine.people.sign_in_rules import SignInRules
from engine.people.tokens import token_secret
from engine.people.users import Users
from engine.store.sql.state import SqlState
from engine.store.sqlite.database import SqliteStateDatabase
from tests.openid_stand_in import ANN, CLIENT, SECRET, StandInProvider, new_key, stand_in

LOCAL = Principal("local:grace", "owner")
PASSWORD = "correct horse battery"
BACK = "http://127.0.0.1:8501/login/openid/back"
ROLES = {"claim": "groups", "owner": ["orchestra-admins"], "editor": ["orchestra-editors"]}


class Hands:
    """A clock that goes on by itself, and jumps where a test says so."""

    ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class People:
    """A workspace's users, with a provider."""

    def __init__(self, folder: Path, settings: SignInRules) -> None:
        self.clock, database = Hands(), SqliteStateDatabase(folder)
        state, secret = SqlState(database), partial(token_secret, folder)
        self.audit = Audit(state.audit, self.clock)
        self.users = Users(state, secret, self.audit, self.clock, sign_in=settings)
        self.client_secret = SECRET
        self.openid = OpenIdSignIn(state, settings, lambda: self.client_secret, secret, self.audit, self.clock)

    def roles(self) -> dict[str, str]:
        """The role of each user but the first owner."""
        return {one.id: one.role for one in self.users.list(LOCAL) if one.id != "owner"}

    def recorded(self, action: str) -> list[dict[str, Any]]:
        """The details of what was done, newest first."""
        lines = [one.detail for one in self.audit.latest() if one.action == action]
        return [json.loads(one) if one.startswith("{") else {"detail": one} for one in lines]


@pytest.fixture(scope="module")
def server() -> Iterator[StandInProvider]:
    with stand_in() as provider:
        yield provider


@pytest.fixture
def provider(server: StandInProvider) -> StandInProvider:
    """The provider as it should be."""
    vars(server).update(vars(StandInProvider(server.issuer, key=server.key)))
    return server


@pytest.fixture
def settings() -> dict[str, Any]:
    """Further settings; tests override this."""
    return {}


@pytest.fixture
def people(tmp_path: Path, provider: StandInProvider, settings: dict[str, Any]) -> People:
    given = {"issuer": provider.issuer, "client_id": CLIENT, "name": "Acme", "roles": ROLES, **settings}
    return People(tmp_path / ".orchestra", SignInRules.model_validate(given))


def way_back(people: People) -> tuple[str, dict[str, str]]:
    """Go to the provider; the cookie, and what the browser brings back."""
    away = people.openid.begin(BACK, "/runs")
    answer = httpx.get(away.url)
    assert answer.status_code == 303, answer.text
    return away.cookie, dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def sign_in(people: People) -> Session:
    """The whole way."""
    cookie, answer = way_back(people)
    session, wanted = people.openid.finish(BACK, cookie, answer, "192.0.2.1", "Firefox")
    assert wanted == "/runs"
    return session


def refused(people: People, error: type[OrchestraError] = SignInRefused) -> OrchestraError:
    """The whole way, which must end with a refusal, and without a user or session."""
    before = people.users.list(LOCAL)
    with pytest.raises(error) as raised:
        sign_in(people)
    assert people.users.list(LOCAL) == before
    assert raised.value.remedy
    return raised.value


def test_a_new_person_becomes_a_user_with_the_role_of_their_group(people: People) -> None:
    session = sign_in(people)
    assert people.users.session(session.id) == Principal("ann", "editor")
    ann = next(one for one in people.users.list(LOCAL) if one.id == "ann")
    assert (ann.name, ann.has_password, ann.sessions, ann.issuer) == (
        "Ann Example", False, 1, people.openid.settings.issuer
    )  # fmt: skip
    [opened] = people.users.sessions(LOCAL, "ann")
    assert (opened.address, opened.agent) == ("192.0.2.1", "Firefox")
    assert people.recorded("users.add")[0] == {
        "role": "editor", "issuer": people.openid.settings.issuer, "subject": "8f2-ann"
    }  # fmt: skip
    assert people.recorded("users.login") == [{"detail": "by Acme"}]


def test_the_provider_is_asked_with_pkce_and_an_own_state_and_nonce_each_time(people: People) -> None:
    first, second = (parse_qs(urlsplit(people.openid.begin(BACK, "/").url).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    assert first["response_type"] == ["code"]
    assert first["redirect_uri"] == [BACK]
    assert first["scope"] == ["openid profile email"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]


def test_the_role_follows_the_groups_at_each_sign_in(people: People, provider: StandInProvider) -> None:
    sign_in(people)
    provider.person = {**ANN, "preferred_username": "renamed", "groups": ["orchestra-admins", "orchestra-editors"]}
    sign_in(people)
    assert people.roles() == {"ann": "owner"}
    assert people.recorded("users.set_role") == [{"role": "owner"}]


def test_who_is_taken_from_the_groups_loses_what_is_open(people: People, provider: StandInProvider) -> None:
    session = sign_in(people)
    provider.person["groups"] = ["staff"]
    with pytest.raises(SignInRefused, match="in no group that may sign in here"):
        sign_in(people)
    assert people.users.session(session.id) is None
    assert "no group" in people.recorded("users.login_refused")[0]["why"]


def test_a_stranger_without_a_group_becomes_no_user(people: People, provider: StandInProvider) -> None:
    del provider.person["groups"]
    refused(people)


@pytest.mark.parametrize("settings", [{"roles": {**ROLES, "others": "viewer"}}])
def test_people_in_no_group_may_have_a_role_of_their_own(people: People, provider: StandInProvider) -> None:
    del provider.person["groups"]
    sign_in(people)
    assert people.roles() == {"ann": "viewer"}


@pytest.mark.parametrize(
    ("settings", "groups"),
    [
        pytest.param({}, {"groups": "orchestra-editors"}, id="text"),
        pytest.param(
            {"roles": {"claim": "realm_access.roles", "editor": ["writes"]}},
            {"realm_access": {"roles": ["writes"]}},
            id="nested",
        ),
        pytest.param(
            {"roles": {"claim": "https://example.org/roles", "editor": ["writes"]}},
            {"https://example.org/roles": ["writes"]},
            id="a name with dots",
        ),
    ],
)
def test_the_role_claim_has_many_forms(people: People, provider: StandInProvider, groups: dict[str, Any]) -> None:
    provider.person = {**ANN, "groups": None, **groups}
    sign_in(people)
    assert people.roles() == {"ann": "editor"}


@pytest.mark.parametrize(
    "groups", [["staff"], [], "orchestra", {"orchestra-editors": True}, 7, [["orchestra-editors"]]]
)
def test_what_is_no_group_gives_no_role(people: People, provider: StandInProvider, groups: Any) -> None:
    provider.person["groups"] = groups
    refused(people)


def test_groups_that_only_userinfo_has_count_for_the_same_person_alone(
    people: People, provider: StandInProvider
) -> None:
    provider.userinfo = {"sub": ANN["sub"], "groups": ANN["groups"]}
    del provider.person["groups"]
    sign_in(people)
    provider.userinfo["sub"] = "somebody-else"
    assert "two people" in refused(people).message


def test_the_id_of_a_local_user_is_not_given_to_who_comes_with_that_name(people: People) -> None:
    people.users.add(LOCAL, "ann", "Ann", "owner", PASSWORD)
    assert "orchestra users link ann 8f2-ann" in refused(people).remedy
    people.openid.link(LOCAL, "ann", "8f2-ann")
    sign_in(people)
    assert people.roles() == {"ann": "editor"}


def test_two_people_of_the_provider_do_not_share_a_user(people: People, provider: StandInProvider) -> None:
    sign_in(people)
    provider.person["sub"] = "another-ann"
    assert "`orchestra users add ID`, then `orchestra users link ID another-ann`" in refused(people).remedy


def test_a_mail_address_counts_as_a_name_only_if_it_is_verified(people: People, provider: StandInProvider) -> None:
    provider.person = {**ANN, "preferred_username": None, "email": "ann@example.org", "email_verified": False}
    assert "no user name or verified mail address" in refused(people).message
    provider.person["email_verified"] = True
    sign_in(people)
    assert people.roles() == {"ann@example.org": "editor"}


@pytest.mark.parametrize("name", ["engine", "local:root", "Ann Example", "", 7, "x" * 100])
def test_a_name_that_no_user_may_have_is_refused(people: People, provider: StandInProvider, name: Any) -> None:
    provider.person["preferred_username"] = name
    refused(people)


def test_the_last_owner_keeps_the_role(people: People) -> None:
    people.openid.link(LOCAL, "owner", "8f2-ann")
    assert "only owner" in refused(people).message
    assert [one.role for one in people.users.list(LOCAL)] == ["owner"]


def test_a_session_of_the_provider_is_not_extended(people: People) -> None:
    session = sign_in(people)
    [before] = people.users.sessions(LOCAL, "ann")
    assert before.expires_at - before.created_at == timedelta(hours=12)
    people.clock.ahead = timedelta(hours=11)
    assert people.users.session(session.id) is not None
    assert people.users.sessions(LOCAL, "ann") == [before]
    people.clock.ahead = timedelta(hours=13)
    assert people.users.session(session.id) is None


def test_a_person_of_the_provider_has_no_second_way_in(people: People) -> None:
    sign_in(people)
    people.users.set_password(LOCAL, "ann", PASSWORD)
    for way in (people.users.login, people.users.token):
        with pytest.raises(NotAllowed, match="signs in with Acme"):
            way("ann", PASSWORD)
        assert way("ann", "a wrong password") is None, "it is not told before the password is right"


def test_owners_keep_their_password_for_the_day_the_provider_is_away(people: People) -> None:
    people.users.add(LOCAL, "grace", "Grace", "owner", PASSWORD)
    people.openid.link(LOCAL, "grace", "1a-grace")
    assert people.users.login("grace", PASSWORD) is not None


def test_others_keep_their_password(people: People) -> None:
    people.users.add(LOCAL, "tim", "Tim", "viewer", PASSWORD)
    assert people.users.login("tim", PASSWORD) is not None


@pytest.mark.parametrize("settings", [{"passwords": False}])
def test_passwords_can_be_switched_off(people: People) -> None:
    people.users.add(LOCAL, "grace", "Grace", "owner", PASSWORD)
    for way in (people.users.login, people.users.token):
        with pytest.raises(NotAllowed, match="Passwords are not accepted here"):
            way("grace", PASSWORD)
    assert people.users.redeem(people.users.login_link(LOCAL)) is not None


def test_a_link_ends_sessions_and_is_one_for_each(people: People) -> None:
    people.users.add(LOCAL, "tim", "Tim", "viewer", PASSWORD)
    session = people.users.login("tim", PASSWORD)
    assert session is not None
    people.openid.link(LOCAL, "tim", "8f2-ann")
    assert people.users.session(session.id) is None
    assert people.recorded("users.link")[0]["subject"] == "8f2-ann"
    with pytest.raises(InUse, match="linked to tim already"):
        people.openid.link(LOCAL, "owner", "8f2-ann")
    with pytest.raises(UnknownName):
        people.openid.link(LOCAL, "nobody", "1")
    with pytest.raises(InvalidInput):
        people.openid.link(LOCAL, "tim", "")
    sign_in(people)
    assert people.roles() == {"tim": "editor"}
    people.openid.unlink(LOCAL, "tim")
    assert people.users.sessions(LOCAL, "tim") == []
    with pytest.raises(UnknownName):
        people.openid.unlink(LOCAL, "tim")


def test_a_link_is_what_pages_know_of_a_user(people: People) -> None:
    people.users.add(LOCAL, "tim", "Tim", "viewer", PASSWORD)
    assert (people.openid.is_linked("tim"), people.users.accepts_password("tim")) == (False, True)
    people.openid.link(LOCAL, "tim", "8f2-ann")
    assert (people.openid.is_linked("tim"), people.users.accepts_password("tim")) == (True, False)


def test_a_removed_user_comes_back_as_a_new_one(people: People) -> None:
    session = sign_in(people)
    people.users.remove(LOCAL, "ann")
    assert people.users.session(session.id) is None
    sign_in(people)
    assert len(people.recorded("users.add")) == 2


@pytest.mark.parametrize("principal", [Principal("ed", "editor"), Principal("bot", "owner", by_token=True)])
def test_only_owners_link_and_no_program(people: People, principal: Principal) -> None:
    with pytest.raises(NotAllowed):
        people.openid.link(principal, "owner", "8f2-ann")
    with pytest.raises(NotAllowed):
        people.openid.unlink(principal, "owner")


# --- Hostile browsers


def test_a_way_back_counts_once(people: People, provider: StandInProvider) -> None:
    provider.takes_codes_twice = True
    cookie, answer = way_back(people)
    people.openid.finish(BACK, cookie, answer)
    with pytest.raises(SignInRefused, match="used before"):
        people.openid.finish(BACK, cookie, answer)
    assert len(people.users.sessions(LOCAL, "ann")) == 1


def test_the_cookie_of_one_browser_does_not_fit_the_way_back_of_another(people: People) -> None:
    mine, _ = way_back(people)
    _, theirs = way_back(people)
    with pytest.raises(SignInRefused, match="another browser"):
        people.openid.finish(BACK, mine, theirs)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda cookie: cookie[:-3] + "AAA", id="other signature"),
        pytest.param(lambda cookie: "A" + cookie, id="other content"),
        pytest.param(lambda _cookie: "", id="none"),
        pytest.param(lambda _cookie: "x", id="short"),
        pytest.param(lambda _cookie: "." * 5_000, id="long"),
        pytest.param(lambda cookie: cookie + "\ud800", id="no text"),
    ],
)
def test_a_forged_cookie_is_refused(people: People, change: Callable[[str], str]) -> None:
    cookie, answer = way_back(people)
    with pytest.raises(SignInRefused):
        people.openid.finish(BACK, change(cookie), answer)


def test_an_old_way_back_is_refused(people: People) -> None:
    cookie, answer = way_back(people)
    people.clock.ahead = timedelta(minutes=11)
    with pytest.raises(SignInRefused, match="longer than ten minutes"):
        people.openid.finish(BACK, cookie, answer)


@pytest.mark.parametrize(
    ("sent_back", "said"),
    [
        pytest.param({"state": "another"}, "another browser", id="other state"),
        pytest.param({"iss": "https://evil.example"}, "from another provider", id="other issuer"),
        pytest.param({"iss": ""}, "did not say that the answer is its own", id="no issuer"),
        pytest.param({"code": ""}, "sent no code", id="no code"),
        pytest.param({"code": "guessed"}, "does not accept the code: invalid_grant", id="other code"),
        pytest.param({"code": "", "error": "access_denied"}, "did not sign you in: access_denied", id="refused"),
        pytest.param({"code": "", "error": "<script>x"}, "<script>", id="script"),
    ],
)
def test_a_way_back_that_is_not_as_it_should_be(
    people: People, provider: StandInProvider, sent_back: dict[str, str], said: str
) -> None:
    provider.sent_back = sent_back
    assert said in refused(people).message


# --- Hostile providers, and people on the way to one


def hs256_with_the_public_key(provider: StandInProvider) -> Callable[[dict[str, Any]], str]:
    """Sign with HMAC, and the public key as its secret."""
    pem = provider.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def sign(claims: dict[str, Any]) -> str:
        signed = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
        made = hmac.digest(pem, signed.encode(), hashlib.sha256)
        return f"{signed}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"

    return sign


def unsigned(claims: dict[str, Any]) -> str:
    return f"{part({'alg': 'none', 'kid': 'one'})}.{part(claims)}."


def part(of: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(of).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"aud": "another-client"}, id="other audience"),
        pytest.param({"aud": "another-client", "azp": CLIENT}, id="other audience with our azp"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"aud": [CLIENT, "another"]}, id="two audiences without azp"),
        pytest.param({"aud": [CLIENT, "another"], "azp": "another"}, id="for another client"),
        pytest.param({"azp": "another"}, id="azp of another"),
        pytest.param({"iss": "https://evil.example"}, id="other issuer"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"exp": int(time.time()) - 120}, id="expired"),
        pytest.param({"exp": None}, id="without end"),
        pytest.param({"exp": "tomorrow"}, id="end as text"),
        pytest.param({"exp": True}, id="end as boolean"),
        pytest.param({"iat": int(time.time()) + 3600}, id="from the future"),
        pytest.param({"nbf": int(time.time()) + 3600}, id="not yet"),
        pytest.param({"nonce": "another"}, id="other nonce"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"nonce": ["x"]}, id="nonce as list"),
        pytest.param({"sub": None}, id="no subject"),
        pytest.param({"sub": ""}, id="empty subject"),
        pytest.param({"sub": 7}, id="subject as number"),
        pytest.param({"sub": "x" * 300}, id="long subject"),
        pytest.param({"sub": "a\u0000b"}, id="subject with a control character"),
        pytest.param({"at_hash": "AAAA"}, id="of another access token"),
    ],
)
def test_an_id_token_that_says_something_else_is_refused(
    people: People, provider: StandInProvider, changed: dict[str, Any]
) -> None:
    provider.changed = changed
    assert "cannot be trusted" in refused(people).message


def test_a_little_skew_is_no_reason_to_refuse(people: People, provider: StandInProvider) -> None:
    provider.changed = {"exp": int(time.time()) - 20, "iat": int(time.time()) + 20}
    sign_in(people)


@pytest.mark.parametrize("form", ["none", "HS256", "other key", "cut", "crit", "no token", "number", "huge"])
def test_an_id_token_that_is_not_signed_by_the_provider_is_refused(
    people: People, provider: StandInProvider, form: str
) -> None:
    stranger = new_key()
    signs: dict[str, Callable[[dict[str, Any]], Any]] = {
        "none": unsigned,
        "HS256": hs256_with_the_public_key(provider),
        "other key": lambda claims: jwt.encode(claims, stranger, algorithm="RS256", headers={"kid": "one"}),
        "cut": lambda claims: provider.signed(claims).rsplit(".", 1)[0] + ".",
        "crit": lambda claims: provider.signed(claims, crit=["future"], future="x"),
        "no token": lambda _claims: "not a token",
        "number": lambda _claims: 7,
        "huge": lambda claims: provider.signed({**claims, "more": "x" * 60_000}),
    }
    provider.sign = signs[form]
    assert "cannot be trusted" in refused(people).message


def test_a_shared_secret_among_the_keys_signs_nothing(people: People, provider: StandInProvider) -> None:
    key = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    keys = {"keys": [{"kty": "oct", "k": key, "kid": "one", "alg": "HS256"}]}
    provider.answers["/jwks"] = lambda: JSONResponse(keys)
    provider.sign = lambda claims: jwt.encode(claims, b"k" * 32, algorithm="HS256", headers={"kid": "one"})
    refused(people)


def test_a_new_key_is_read_once_and_unknown_ones_do_not_flood_the_provider(
    people: People, provider: StandInProvider
) -> None:
    sign_in(people)
    people.clock.ahead = timedelta(seconds=61)
    provider.key, provider.kid = new_key(), "two"
    provider.changed = {"exp": int(time.time()) + 300}
    sign_in(people)
    assert provider.asked.count("/jwks") == 2
    provider.kid = "three"
    for _ in range(3):
        refused(people)
    assert provider.asked.count("/jwks") == 2


@pytest.mark.parametrize(
    "described",
    [
        pytest.param({"issuer": "https://evil.example"}, id="another issuer"),
        pytest.param({"issuer": None}, id="no issuer"),
        pytest.param({"token_endpoint": None}, id="no token endpoint"),
        pytest.param({"token_endpoint": "http://evil.example/token"}, id="in the clear"),
        pytest.param({"authorization_endpoint": "javascript:alert(1)"}, id="a script"),
        pytest.param({"jwks_uri": "file:///etc/passwd"}, id="a file"),
        pytest.param({"end_session_endpoint": 7}, id="a number"),
    ],
)
def test_a_description_of_somebody_else_or_without_tls_is_refused(
    people: People, provider: StandInProvider, described: dict[str, Any]
) -> None:
    provider.described = described
    refused(people, ProviderFailed)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda: RedirectResponse("http://127.0.0.1:9/else"), id="redirect"),
        pytest.param(lambda: PlainTextResponse("oh no", 500), id="error"),
        pytest.param(lambda: PlainTextResponse("<html>", 200), id="no JSON"),
        pytest.param(lambda: PlainTextResponse("[" * 100_000, 200), id="deep"),
        pytest.param(lambda: JSONResponse(["x"]), id="a list"),
        pytest.param(lambda: PlainTextResponse("x" * 2_000_000), id="giant"),
    ],
)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token"])
def test_answers_that_cannot_be_used_give_one_sentence(
    people: People, provider: StandInProvider, answer: Callable[[], Response], path: str
) -> None:
    provider.answers[path] = answer
    assert refused(people, ProviderFailed).message.startswith("Acme ")


def test_a_provider_that_is_away_is_not_asked_at_each_press(people: People, provider: StandInProvider) -> None:
    provider.answers["/.well-known/openid-configuration"] = lambda: PlainTextResponse("", 503)
    for _ in range(3):
        assert "Acme does not work at the moment" in refused(people, ProviderFailed).message
    assert len(provider.asked) == 1
    provider.answers = {}
    people.clock.ahead = timedelta(seconds=16)
    sign_in(people)


def test_a_wrong_client_secret_is_named(people: People) -> None:
    people.client_secret = "wrong"
    assert "client_secret" in refused(people, ProviderFailed).remedy


def test_a_slow_provider_is_not_waited_for(
    people: People, provider: StandInProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drop_by_drop() -> Response:
        async def drops() -> Any:
            for _ in range(100):
                yield b" "
                await asyncio.sleep(0.1)

        return StreamingResponse(drops())

    monkeypatch.setattr(answers, "_SECONDS", 0.5)
    provider.answers["/token"] = drop_by_drop
    began = time.monotonic()
    assert "cannot be reached" in refused(people, ProviderFailed).message
    assert time.monotonic() - began < 5


def test_a_browser_is_new_once(people: People) -> None:
    cookie, answer = way_back(people)
    first, _ = people.openid.finish(BACK, cookie, answer, "192.0.2.1", "Firefox")
    word = people.users.device_word(first.user_id)
    cookie, answer = way_back(people)
    people.openid.finish(BACK, cookie, answer, "192.0.2.1", "Firefox", [word])
    assert len(people.recorded(NEW_DEVICE)) == 1
    assert sorted(one.is_new_device for one in people.users.sessions(LOCAL, first.user_id)) == [False, True]
