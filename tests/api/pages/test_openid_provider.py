"""Sign-in at a provider that others have made (the npm package oidc-provider), through its own pages."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from fastapi import FastAPI

from engine.orchestra import Orchestra
from engine.workspace.config_section import write_section
from tests.api.conftest import LOCAL, application, serving
from tests.patience import until
from tests.workspaces import init

INSTALLED = Path(__file__).resolve().parents[3] / ".venv-openid"
PROGRAM = Path(__file__).with_name("openid_provider") / "provider.mjs"
SECRET = "a secret of thirty-two characters"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("node") is None or not (INSTALLED / "node_modules" / "oidc-provider").exists(),
        reason="`make openid-provider` installs the provider",
    ),
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def orchestra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Orchestra, int]]:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    port = free_port()
    init(tmp_path / "workspace")
    roles = {"claim": "groups", "owner": ["orchestra-admins"], "editor": ["orchestra-editors"]}
    sign_in = {"issuer": f"http://127.0.0.1:{port}", "client_id": "orchestra", "client_secret": "env:OIDC_SECRET"}
    write_section(tmp_path / "workspace", "sign_in", {**sign_in, "name": "Acme", "roles": roles})
    with closing(Orchestra.open(tmp_path / "workspace", serve=True)) as opened:
        yield opened, port


@pytest.fixture
def ours(orchestra: tuple[Orchestra, int], api: FastAPI) -> Iterator[str]:
    """The address of this program, beside a provider that knows it."""
    opened, port = orchestra
    with application(opened, api) as app, serving(app) as address:
        node = str(shutil.which("node"))
        command = [node, str(PROGRAM), str(port), "orchestra", SECRET, address, str(INSTALLED)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            until(lambda: answers(port) or process.poll() is not None, "the provider")
            yield address
        finally:
            process.kill()
            process.communicate()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def pressed(browser: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    """Fill in the first form of a page, and send it."""
    form = re.search(r'<form.*?action="([^"]+)".*?</form>', page.text, re.DOTALL)
    assert form is not None, page.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
    return browser.post(urljoin(str(page.url), unescape(form[1])), data={**hidden, **fields})


def signed_in(browser: httpx.Client, ours: str, who: str) -> httpx.Response:
    """Press the button, sign in at the provider, and consent."""
    page = browser.get(f"{ours}/login/openid?next=/runs")
    page = pressed(browser, page, login=who, password="any")  # its development pages take every password
    return pressed(browser, page) if "consent" in page.text else page


def test_people_sign_in_through_the_provider_with_the_roles_of_their_groups(
    orchestra: tuple[Orchestra, int], ours: str
) -> None:
    opened, _ = orchestra
    for who, role in (("ann", "editor"), ("olga", "owner")):
        with httpx.Client(follow_redirects=True) as browser:
            page = signed_in(browser, ours, who)
            assert (page.status_code, page.text) == (200, "page /runs")
        found = next(one for one in opened.users.list(LOCAL) if one.id == who)
        assert (found.role, found.sessions, found.has_password) == (role, 1, False)
    with httpx.Client(follow_redirects=True) as browser:
        page = signed_in(browser, ours, "tim")
        assert (page.status_code, "in no group that may sign in" in page.text) == (403, True)
    assert all(line.ok for line in opened.sign_in_check.check(LOCAL))


def test_signing_out_here_leads_to_the_provider_and_back(orchestra: tuple[Orchestra, int], ours: str) -> None:
    opened, _ = orchestra
    with httpx.Client(follow_redirects=True) as browser:
        signed_in(browser, ours, "ann")
        page = browser.post(f"{ours}/logout", headers={"Origin": ours})
        assert opened.users.sessions(LOCAL, "ann") == []
        there = browser.get(page.headers["refresh"].removeprefix("0; url="))
        assert "Do you want to sign-out" in there.text
        back = pressed(browser, there, logout="yes")
        assert str(back.url) == f"{ours}/login"
        again = browser.get(f"{ours}/login/openid")
        assert 'name="login"' in again.text, "the provider asks who it is"
