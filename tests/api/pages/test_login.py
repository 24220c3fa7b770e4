"""Sign in by link and by password, sign out: what a person's browser sends and gets."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from engine.people.devices import device_cookie
from engine.people.login_limit import PER_USER
from engine.people.passwords import Passwords
from engine.people.sessions import Session
from tests.api.conftest import LOCAL, PASSWORD

HERE = "http://127.0.0.1:8501"


@pytest.fixture
def link(orchestra: Orchestra) -> str:
    return str(orchestra.users.login_link(LOCAL))


def test_a_link_shows_a_button_that_signs_in_once(client: TestClient, link: str) -> None:
    page = client.get(f"/login?token={link}&next=/runs")
    assert "Open the dashboard" in page.text
    answer = client.post("/login", data={"token": link, "next": "/runs"}, headers={"Origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert client.get("/runs").text == "page /runs"
    client.cookies.clear()
    again = client.post("/login", data={"token": link})
    assert again.status_code == 403
    assert "has been used" in again.text
    assert "orchestra login-link" in again.text
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_program_that_only_looks_at_a_link_does_not_use_it_up(client: TestClient, link: str, method: str) -> None:
    for _ in range(3):
        assert client.request(method, f"/login?token={link}").status_code == 200
    assert client.post("/login", data={"token": link}).status_code == 303


def test_the_cookie_is_for_this_server_and_no_script(client: TestClient, link: str) -> None:
    lines = client.post("/login", data={"token": link}).headers.get_list("set-cookie")
    cookies = {name: cookie for line in lines for name, cookie in SimpleCookie(line).items()}
    assert list(cookies) == ["orchestra_session_8501", device_cookie("127.0.0.1:8501", "owner")]
    for cookie in cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "lax"
        assert cookie["path"] == "/"
        assert int(cookie["max-age"]) > 14 * 24 * 3600  # the engine ends the session, not the browser
        assert not cookie["secure"]  # plain HTTP on loopback: a browser would drop it
        assert not cookie["domain"]


def test_a_stranger_at_the_same_address_locks_nobody_out_of_their_own_browser(
    client: TestClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = {"user_id": "Ada", "password": PASSWORD}, {"user_id": "ada", "password": "wrong horse battery"}
    client.post("/login", data=right)
    client.post("/logout", headers={"Origin": HERE})
    with TestClient(client.app, base_url=HERE, follow_redirects=False) as stranger, monkeypatch.context() as quick:
        quick.setattr(Passwords, "fits", lambda *_: False)
        assert [stranger.post("/login", data=wrong).status_code for _ in range(PER_USER + 1)][-1] == 429
        assert stranger.post("/login", data=right).status_code == 429
    assert client.post("/login", data=wrong).status_code == 403, "its own tries are checked"
    assert client.post("/login", data=right).status_code == 303


def test_the_cookie_stays_on_tls_where_there_is_tls(client: TestClient, link: str) -> None:
    client.base_url = "https://127.0.0.1:8501"
    assert "secure" in client.post("/login", data={"token": link}).headers["set-cookie"].lower()


def test_user_and_password_sign_in(client: TestClient, token: str) -> None:
    answer = client.post("/login", data={"user_id": "Ada", "password": PASSWORD, "next": "/run?id=r1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/run?id=r1")
    assert client.get("/").text == "page /"


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({"user_id": "ada", "password": "wrong horse battery"}, id="wrong password"),
        pytest.param({"user_id": "bob", "password": PASSWORD}, id="nobody"),
        pytest.param({"user_id": "owner", "password": PASSWORD}, id="no password set"),
        pytest.param({"user_id": "ada"}, id="no password sent"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_wrong_sign_in_says_the_same_whatever_was_wrong(client: TestClient, token: str, form: dict[str, str]) -> None:
    answer = client.post("/login", data=form)
    assert answer.status_code == 403
    assert "User or password is wrong." in answer.text
    assert "set-cookie" not in answer.headers
    assert PASSWORD not in answer.text


def test_too_many_tries_are_told_to_wait(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Passwords, "fits", lambda *_: False)
    for _ in range(PER_USER):
        client.post("/login", data={"user_id": "ada", "password": "guess"})
    answer = client.post("/login", data={"user_id": "ada", "password": "guess"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 800
    assert "orchestra login-link" in answer.text
    assert "An owner can create a link for you" in answer.text, "most of a team cannot enter the machine"


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param("https://evil.example/", id="address"),
        pytest.param("//evil.example/", id="two slashes"),
        pytest.param("///evil.example/", id="three slashes"),
        pytest.param("/\\evil.example/", id="backslash"),
        pytest.param("\\\\evil.example/", id="backslashes"),
        pytest.param("/\t/evil.example/", id="tab"),
        pytest.param("/\n/evil.example/", id="line end"),
        pytest.param(" //evil.example/", id="space"),
        pytest.param("javascript:alert(1)", id="script"),
        pytest.param("evil.example", id="no slash"),
        pytest.param("http:evil.example", id="scheme only"),
        pytest.param("", id="empty"),
    ],
)
def test_nobody_is_sent_to_another_host_after_signing_in(client: TestClient, link: str, wanted: str) -> None:
    form = urlencode({"token": link, "next": wanted}, errors="surrogatepass")
    answer = client.post("/login", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_foreign_page_cannot_sign_anybody_in(client: TestClient, link: str) -> None:
    answer = client.post("/login", data={"token": link}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert client.post("/login", data={"token": link}, headers={"Origin": HERE}).status_code == 303


def test_who_is_signed_in_skips_the_form(browser: TestClient) -> None:
    answer = browser.get("/login?next=/runs")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")


def test_signing_in_again_ends_the_session_before(
    browser: TestClient, orchestra: Orchestra, session: Session, link: str
) -> None:
    browser.post("/login", data={"token": link}, headers={"Origin": HERE})
    assert orchestra.users.session(session.id) is None
    assert browser.get("/").text == "page /"


def test_signing_out_ends_the_session_and_the_cookie(
    browser: TestClient, orchestra: Orchestra, session: Session
) -> None:
    answer = browser.post("/logout", headers={"Origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert 'orchestra_session_8501=""' in answer.headers["set-cookie"]
    assert orchestra.users.session(session.id) is None


def test_a_foreign_page_cannot_sign_anybody_out(browser: TestClient, orchestra: Orchestra, session: Session) -> None:
    browser.post("/logout", headers={"Origin": "http://evil.example"})
    browser.get("/logout")
    assert orchestra.users.session(session.id) is not None


@pytest.mark.parametrize("path", ["/login", "/login?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&next=/%22%3E%3Cb%3E"])
def test_the_page_is_whole_and_asks_no_other_host(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text
    assert "<b>" not in page.text
    assert set(re.findall(r'(?:src|href|action)="([^"]*)"', page.text)) == {"/login", "data:,"}
    assert "url(" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "prefers-color-scheme: dark" in page.text


def test_the_policy_names_the_very_style_of_the_page(client: TestClient) -> None:
    import base64
    import hashlib

    page = client.get("/login")
    style = page.text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(b"token=" + b"x" * 100_000, "application/x-www-form-urlencoded", 413, id="huge"),
        pytest.param(b"&".join([b"a=1"] * 50), "application/x-www-form-urlencoded", 400, id="many fields"),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="token"; filename="f"\r\n\r\ntext\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            400,
            id="a file",
        ),
        pytest.param(b"{}", "application/json", 403, id="no form"),
        pytest.param(b"\xff\xfe=%", "application/x-www-form-urlencoded", 403, id="not text"),
    ],
)
def test_a_form_that_is_none_is_refused(client: TestClient, content: bytes, kind: str, status: int) -> None:
    answer = client.post("/login", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert "Traceback" not in answer.text
