"""Secrets in a state on a server: every process with the key uses them, and nobody reads them without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import httpx
import psycopg
import pytest
from cryptography.fernet import Fernet

from clients.gmail.app import GMAIL_APP
from clients.oauth.sign_in_file import SignInFile
from clients.oauth.tokens import TokenFile
from engine.base.errors import SecretLost
from engine.connections.sign_ins import VaultSeal
from engine.orchestra import Orchestra
from engine.secrets.vault import Vault
from tests import postgres
from tests.clients.conftest import Scripted, start_scripted  # noqa: F401 - a fixture
from tests.engine.conftest import OWNER

KEY, OTHER_KEY = (Fernet.generate_key().decode() for _ in range(2))
CANARY, REFRESH, CLIENT = "ghp_canary0123456789", "1//canary-refresh", "GOCSPX-canary-client"
ACCESS = "ya29.canary-access"
CONFIG = "connections:\n  github:\n    service: github\n    token: secret:github.token\n"


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A state on a server, and the key of its secrets."""
    with postgres.schema() as address:
        monkeypatch.setenv("ORCHESTRA_STATE", address)
        monkeypatch.setenv("ORCHESTRA_SECRET_KEY", KEY)
        yield address


def opened(folder: Path) -> Orchestra:
    """A process of the workspace, on a machine of its own."""
    for name in ("workflows", "prompts", "logs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(CONFIG)
    return Orchestra.open(folder)


def everything(url: str, *folders: Path) -> str:
    """All rows of all tables, and all files."""
    found = [path.read_text(errors="replace") for folder in folders for path in folder.rglob("*") if path.is_file()]
    with psycopg.connect(url.replace("+psycopg", "")) as direct:
        tables = direct.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        assert ("kept_texts",) in tables
        found += [repr(direct.execute(f'SELECT * FROM "{name}"').fetchall()) for (name,) in tables]
    return "\n".join(found)


def test_a_key_given_to_one_process_is_used_by_all_and_is_nowhere_in_clear(url: str, tmp_path: Path) -> None:
    with closing(opened(tmp_path / "a")) as a, closing(opened(tmp_path / "b")) as b:
        assert not b.connections.get(OWNER, "github").own_key_found
        a.connections.give_key(OWNER, "github", CANARY)
        assert b.connections.get(OWNER, "github").own_key_found
        assert b._families.opened.loaded().settings_of("github")["token"] == CANARY
        a.connections.rekey(OWNER)
        assert b._families.opened.loaded().settings_of("github")["token"] == CANARY
        assert a._families.opened.signing_secret() == b._families.opened.signing_secret()
        assert CANARY not in everything(url, tmp_path)
        assert not (tmp_path / "a" / ".orchestra" / "secret.key").exists()


def test_a_process_without_the_key_says_so_everywhere(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(tmp_path / "a")) as a:
        a.connections.give_key(OWNER, "github", CANARY)
        assert a.lost_secrets() is None
    monkeypatch.delenv("ORCHESTRA_SECRET_KEY")
    with closing(opened(tmp_path / "b")) as b:
        said = "Kept secrets are in the state on a server, and this process has no key to them: ORCHESTRA_SECRET_KEY"
        assert said in b.connections.get(OWNER, "github").note
        assert any(said in line.text for line in b.connections.check(OWNER, "github"))
        health = b.health.now()
        assert (health.status, health.reasons[0].check) == ("degraded", "secrets")
        assert said in health.reasons[0].message
        with pytest.raises(SecretLost, match="ORCHESTRA_SECRET_KEY is not set") as refused:
            b.connections.give_key(OWNER, "github", "ghp_another0123456789")
        assert "Give every process of the workspace the same ORCHESTRA_SECRET_KEY" in refused.value.remedy
        assert not (tmp_path / "b" / ".orchestra" / "secret.key").exists(), "a key of one machine would help nobody"
    monkeypatch.setenv("ORCHESTRA_SECRET_KEY", OTHER_KEY)
    with closing(opened(tmp_path / "b")) as b:
        assert "The key of ORCHESTRA_SECRET_KEY does not open" in b.connections.get(OWNER, "github").note
    assert CANARY not in everything(url, tmp_path)


def test_secrets_move_with_the_state_both_ways(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCHESTRA_STATE")
    monkeypatch.delenv("ORCHESTRA_SECRET_KEY")
    with closing(opened(tmp_path / "a")) as a:
        a.connections.give_key(OWNER, "github", CANARY)  # sealed with a key in a file
        with pytest.raises(SecretLost, match="ORCHESTRA_SECRET_KEY is not set"):
            a.copies.state(OWNER, url)
        monkeypatch.setenv("ORCHESTRA_SECRET_KEY", KEY)
        a.copies.state(OWNER, url)
    monkeypatch.setenv("ORCHESTRA_STATE", url)
    with closing(opened(tmp_path / "b")) as b:
        assert b._families.opened.loaded().settings_of("github")["token"] == CANARY
        b.copies.state(OWNER, "file")
    monkeypatch.delenv("ORCHESTRA_STATE")
    with closing(opened(tmp_path / "b")) as b:
        assert b._families.opened.loaded().settings_of("github")["token"] == CANARY
    assert CANARY not in everything(url, tmp_path)


def test_one_process_of_all_renews_a_sign_in(url: str, tmp_path: Path, start_scripted: Callable[[], Scripted]) -> None:  # noqa: F811
    scripted, http = start_scripted(), httpx.Client(trust_env=False)
    scripted.then(
        200, {"access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600, "refresh_token": f"{REFRESH}-2"}
    )
    machines = [opened(tmp_path / name) for name in ("a", "b", "c")]
    files = [_sign_in_of(one._families.opened.loaded().vault) for one in machines]
    expiry = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    known = {"token": "old", "refresh_token": REFRESH, "client_id": "id", "client_secret": CLIENT, "expiry": expiry}
    files[0].save({**known, "token_uri": f"{scripted.url}/token"})
    gate = Barrier(len(files))

    def ask(file: SignInFile) -> str:
        gate.wait()
        return TokenFile(file, http, GMAIL_APP.service.url).current()

    with ThreadPoolExecutor(len(files)) as pool:
        assert list(pool.map(ask, files)) == [ACCESS] * 3
    assert len(scripted.seen) == 1, "a refresh token works once"
    assert files[2].read()["refresh_token"] == f"{REFRESH}-2"
    http.close()
    for one in machines:
        one.close()
    shown = everything(url, tmp_path)
    assert not any(secret in shown for secret in (REFRESH, CLIENT, ACCESS))


def _sign_in_of(vault: Vault) -> SignInFile:
    return SignInFile(vault.folder / "gmail.sign-in.json", GMAIL_APP, VaultSeal(lambda: vault))
