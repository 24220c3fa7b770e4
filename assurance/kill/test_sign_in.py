"""One Gmail sign-in, many workers, and kills at any moment: one renewal for all of them, and no token is ever lost.

The stand-in rotates: with each renewal it gives another refresh token, and takes the old one back as soon as the new
one (or an access token that came with it) is used. Google does so for nobody now; whoever does, it must not matter.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from assurance.kill.sign_in_child import PROFILE, sign_in_file
from clients.errors import AuthError
from clients.google.transport import GoogleTransport
from clients.oauth.tokens import TokenFile
from clients.transport import http_client
from tests.conftest import StandIns
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

KILLS = 4
PROCESSES = 4
SCOPE = "https://www.googleapis.com/auth/gmail.modify"
_CHANCE = random.Random(20261120)


@dataclass
class Child:
    """A worker in a process of its own."""

    pid: int
    lines: IO[str]
    connection: socket.socket

    def line(self) -> str:
        """What it says next; empty when it is gone."""
        try:
            return self.lines.readline().strip()
        except ConnectionResetError:
            return ""

    def kill(self) -> set[str]:
        """End it as a power cut would, wait until it is gone, and return what else it had said."""
        with contextlib.suppress(ProcessLookupError):  # one that has failed ended by itself
            os.kill(self.pid, signal.SIGKILL)
        said = set(iter(self.line, ""))
        self.lines.close()
        self.connection.close()
        return said


class Shared:
    """A sign-in in a state folder, at the stand-in, and those who use it."""

    def __init__(self, folder: Path, forks: Path, standins: StandIns) -> None:
        self.state, self.url, self._standins = folder / "state", standins["gmail"].origin, standins
        self._socket, self._children = forks, list[Child]()

    def close(self) -> None:
        """End those who still work."""
        for child in self._children:
            if child.connection.fileno() >= 0:
                child.kill()

    def switch(self, **rules: Any) -> None:
        """Change how the stand-in's sign-in behaves."""
        httpx.post(
            f"{self.url}/_demo/sign-in", json=rules, trust_env=False, timeout=PATIENCE_SECONDS
        ).raise_for_status()

    def sign_in(self) -> None:
        """Consent anew, with a server that rotates."""
        self.switch(rotates=True)
        back = httpx.get(
            f"{self.url}/o/oauth2/auth",
            params={"client_id": "c", "redirect_uri": "http://127.0.0.1:5/", "scope": SCOPE, "response_type": "code"},
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )
        code = httpx.URL(back.headers["location"]).params["code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": "c"}
        form["redirect_uri"] = "http://127.0.0.1:5/"
        given = httpx.post(f"{self.url}/token", data=form, trust_env=False, timeout=PATIENCE_SECONDS).json()
        client = {"client_id": "c", "client_secret": "s", "token_uri": f"{self.url}/token", "scopes": [SCOPE]}
        tokens = {"token": given["access_token"], "refresh_token": given["refresh_token"]}
        sign_in_file(self.state).save({**client, **tokens, "expiry": "2999-01-01T00:00:00Z"})

    def expire(self) -> None:
        """Let every access token run out at Google; nobody here is told."""
        self.switch(advance_seconds=3_600)

    def renewals(self) -> int:
        """How often a token was renewed so far."""
        return self._standins.requests("gmail").get("POST /token", 0)

    def child(self, do: str, first: Sequence[str] = (), **more: Any) -> Child:
        """Start a worker."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(str(self._socket))
        job = {"do": do, "first": list(first), "state": str(self.state), "url": self.url, **more}
        connection.sendall(f"{json.dumps(job)}\n".encode())
        lines = connection.makefile()
        self._children.append(Child(int(lines.readline()), lines, connection))
        return self._children[-1]

    def use(self) -> None:
        """Use the sign-in here. Raises AuthError where it is lost."""
        with http_client() as http:
            GoogleTransport(http, TokenFile(sign_in_file(self.state), http, self.url)).request(f"{self.url}{PROFILE}")


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of the warm process that forks workers."""
    path = tmp_path_factory.mktemp("forks") / "s"
    command = [sys.executable, "-m", "assurance.kill.sign_in_child", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield path
        process.communicate()


@pytest.fixture
def shared(tmp_path: Path, forks: Path, standins: StandIns) -> Iterator[Shared]:
    with contextlib.closing(Shared(tmp_path, forks, standins)) as made:
        made.sign_in()
        yield made


def used_together(shared: Shared, expiries: int, first: Sequence[str] = ()) -> list[int]:
    """Let eight workers (two threads in each of four processes) meet each expiry at once; count each one's renewals."""
    children = [shared.child("use_together", first) for _ in range(PROCESSES)]
    assert [child.line() for child in children] == ["ready"] * PROCESSES
    found = []
    for _ in range(expiries):
        shared.expire()
        before = shared.renewals()
        for child in children:
            child.connection.sendall(b"!")
        said = [child.line() for child in children for _ in range(2)]
        assert first or said == ["used"] * 2 * PROCESSES
        found.append(shared.renewals() - before)
    for child in children:
        child.kill()
    return found


def killed_at_any_moment(shared: Shared, kills: int) -> int:
    """Kill workers while they renew again and again; after each the sign-in must be good. Return the renewals."""
    for _ in range(kills):
        child = shared.child("use_again_and_again")
        assert child.line() == "used"
        time.sleep(_CHANCE.uniform(0, 0.15))
        child.kill()
        shared.expire()
        shared.use()
    return shared.renewals()


def killed_while_sealing_anew(shared: Shared, kills: int, first: Sequence[str] = ()) -> None:
    """Kill whoever changes the key, while another worker renews; after each everything must still open."""
    user = shared.child("use_again_and_again")
    for _ in range(kills):
        child = shared.child("rekey_again_and_again", first)
        assert child.line() == "rekeyed"
        time.sleep(_CHANCE.uniform(0, 0.03))
        child.kill()
        assert user.line() == "used"
    assert user.kill() <= {"used"}
    shared.expire()
    shared.use()


def test_eight_workers_renew_once_for_each_expiry(shared: Shared) -> None:
    assert used_together(shared, expiries=4) == [1, 1, 1, 1]


@pytest.mark.control
def test_without_the_lock_they_renew_more_often(shared: Shared) -> None:
    shared._standins.faults("gmail", match="POST /token", delay_seconds=3, times=8)
    assert max(used_together(shared, expiries=1, first=["go_without_lock"])) > 1


def test_no_token_is_lost_when_workers_are_killed_at_any_moment(shared: Shared) -> None:
    assert killed_at_any_moment(shared, KILLS) > 2 * KILLS


def test_nothing_is_lost_when_who_changes_the_key_is_killed(shared: Shared) -> None:
    killed_while_sealing_anew(shared, KILLS)


@pytest.mark.control
def test_it_is_lost_where_the_old_key_is_forgotten_first(shared: Shared) -> None:
    with pytest.raises((AuthError, AssertionError)):
        killed_while_sealing_anew(shared, 5 * KILLS, first=["forget_first"])


@pytest.mark.parametrize("point", ["stop_before_save", "stop_after_save"])
def test_no_token_is_lost_beside_the_file(shared: Shared, point: str) -> None:
    shared.expire()
    child = shared.child("use_again_and_again", [point])
    assert child.line() == point.replace("_", " ").removeprefix("stop ")
    child.kill()
    shared.use()


@pytest.mark.control
def test_a_token_that_is_used_before_it_is_saved_is_lost(shared: Shared) -> None:
    shared.expire()
    child = shared.child("use_again_and_again", ["stop_before_save"], uses_first=True)
    assert child.line() == "before save"
    child.kill()
    with pytest.raises(AuthError, match="expired or revoked"):
        shared.use()
