"""Secrets that this program keeps: sealed at rest, opened with a key of file or environment, sealed anew at will."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from clients.errors import AuthError
from clients.gmail.app import GMAIL_APP
from clients.oauth.sign_in_file import SignInFile
from engine.base.errors import InvalidInput, SecretLost
from engine.connections.sign_ins import VaultSeal
from engine.files.atomic import write_whole
from engine.secrets import vault_keys as safe_keys
from engine.secrets.vault import StoredSecret, Vault
from engine.store.texts import folder as folder_module
from tests.patience import PATIENCE_SECONDS

KEY = Fernet.generate_key().decode()
_CHANGES_KEYS_FOR_EVER = """
import sys
from pathlib import Path
from engine.secrets.vault import Vault
while True:
    Vault(Path(sys.argv[1]), dict).rekey()
"""
SECRET = StoredSecret("ntn_very-secret", "owner", "2026-11-20T12:00:00Z")


class PowerCut(BaseException):
    """Nothing that comes after it is done any more."""


def contents(folder: Path) -> dict[str, bytes]:
    """What stands in every file but locks and drafts."""
    found = (path for path in folder.rglob("*") if path.name.endswith((".json", ".key")))
    return {str(path): path.read_bytes() for path in found}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return vault_in(tmp_path)


def vault_in(folder: Path, **environment: str) -> Vault:
    return Vault(folder, lambda: environment)


def test_what_is_kept_is_given_back_and_stands_nowhere_in_clear(vault: Vault, tmp_path: Path) -> None:
    vault.keep("notion.token", SECRET)
    assert vault.kept("notion.token") == SECRET
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    assert {path.name for path in files} == {"notion.token.json", "secret.key"}
    assert not any("very-secret" in path.read_text() for path in files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(vault.folder.stat().st_mode) == 0o700


def test_processes_that_begin_at_once_make_one_key(tmp_path: Path) -> None:
    def keep(number: int) -> str:
        vault_in(tmp_path).keep(f"number.{number}", StoredSecret(str(number)))
        return vault_in(tmp_path).kept(f"number.{number}").value

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(keep, range(8))) == [str(number) for number in range(8)]
    assert [vault_in(tmp_path).kept(f"number.{number}").value for number in range(8)] == list("01234567")
    assert len((tmp_path / "secret.key").read_text().split()) == 1


def test_a_key_of_the_environment_needs_no_file(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    vault_in(tmp_path, ORCHESTRA_SECRET_KEY=key).keep("a", SECRET)
    assert not (tmp_path / "secret.key").exists()
    assert vault_in(tmp_path, ORCHESTRA_SECRET_KEY=key).kept("a") == SECRET
    with pytest.raises(SecretLost, match="is not there"):
        vault_in(tmp_path).kept("a")


def test_a_lost_key_says_so_and_what_to_do_and_a_secret_given_again_is_good(vault: Vault, tmp_path: Path) -> None:
    vault.keep("a", SECRET)
    vault.keep("b", SECRET)
    (tmp_path / "secret.key").unlink()
    with pytest.raises(SecretLost, match=r"is gone.*secret\.key") as lost:
        vault.kept("a")
    assert "backup" in lost.value.remedy
    assert "give the secret again" in lost.value.remedy
    vault.keep("a", SECRET)
    assert vault.kept("a") == SECRET
    with pytest.raises(SecretLost, match="another one"):
        vault.kept("b")


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        pytest.param("too short", "no key", id="no key at all"),
        pytest.param(Fernet.generate_key().decode(), "another one", id="another key"),
    ],
)
def test_a_key_that_does_not_fit_is_told(vault: Vault, tmp_path: Path, variable: str, said: str) -> None:
    vault.keep("a", SECRET)
    (tmp_path / "secret.key").unlink()
    with pytest.raises(SecretLost, match=said) as lost:
        vault_in(tmp_path, ORCHESTRA_SECRET_KEY=variable).kept("a")
    assert variable not in f"{lost.value} {lost.value.remedy}"


def test_a_damaged_secret_is_told(vault: Vault) -> None:
    vault.keep("a", SECRET)
    path = vault.folder / "a.json"
    path.write_text(path.read_text().replace("gAAAA", "gAAAB"))
    with pytest.raises(SecretLost):
        vault.kept("a")


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden", "a b"])
def test_no_name_leaves_the_folder(vault: Vault, name: str) -> None:
    with pytest.raises(InvalidInput):
        vault.keep(name, SECRET)
    assert not vault.has(name)


def test_what_is_not_kept_says_how_to_give_it(vault: Vault) -> None:
    with pytest.raises(InvalidInput, match="no kept secret 'x'") as refused:
        vault.kept("x")
    assert "connections add" in refused.value.remedy


def test_another_key_seals_everything_anew_and_the_old_one_opens_nothing(vault: Vault, tmp_path: Path) -> None:
    vault.keep("a", SECRET)
    sign_in = SignInFile(tmp_path / "tokens" / "gmail.json", GMAIL_APP, VaultSeal(lambda: vault))
    sign_in.save({"refresh_token": "1//x"})
    before, old = (vault.folder / "a.json").read_text(), (tmp_path / "secret.key").read_text()
    assert vault.rekey().files == 2
    assert (vault.kept("a"), sign_in.read()) == (SECRET, {"refresh_token": "1//x"})
    after = tmp_path / "secret.key"
    assert len(after.read_text().split()) == 1
    assert after.read_text() != old
    assert (vault.folder / "a.json").read_text() != before
    after.write_text(old)
    with pytest.raises(SecretLost):
        vault.kept("a")


def test_a_key_moves_from_the_file_to_the_environment(vault: Vault, tmp_path: Path) -> None:
    vault.keep("a", SECRET)
    new, newer = (Fernet.generate_key().decode() for _ in range(2))
    assert vault_in(tmp_path, ORCHESTRA_SECRET_KEY=new).kept("a") == SECRET
    vault_in(tmp_path, ORCHESTRA_SECRET_KEY=new).rekey()
    assert not (tmp_path / "secret.key").exists()
    both = vault_in(tmp_path, ORCHESTRA_SECRET_KEY=f"{newer},{new}")
    assert both.rekey().place == "ORCHESTRA_SECRET_KEY"
    assert vault_in(tmp_path, ORCHESTRA_SECRET_KEY=newer).kept("a") == SECRET


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(b'{"sealed": "gAAAAAB-of-somebody-else"}', id="sealed with another key"),
        pytest.param(b'{"sealed": "gAAAAAB', id="cut off"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"", id="empty"),
    ],
)
@pytest.mark.parametrize("environment", [{}, {"ORCHESTRA_SECRET_KEY": KEY}], ids=["file", "variable"])
def test_one_secret_that_cannot_be_opened_keeps_all_as_they_are_and_is_named(
    vault: Vault, tmp_path: Path, damaged: bytes, environment: dict[str, str]
) -> None:
    for name in ("a.token", "b.token", "c.token"):
        vault.keep(name, SECRET)
    (vault.folder / "b.token.json").write_bytes(damaged)
    before = contents(tmp_path)
    with pytest.raises(SecretLost, match=r"nothing was changed: b\.token\."):
        vault_in(tmp_path, **environment).rekey()
    assert [one.place for one in vault_in(tmp_path, **environment).unopened()] == [str(vault.folder / "b.token.json")]
    assert contents(tmp_path) == before
    (vault.folder / "b.token.json").unlink()
    assert vault_in(tmp_path, **environment).rekey().files == 2
    assert vault_in(tmp_path, **environment).kept("c.token") == SECRET


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("environment", [{}, {"ORCHESTRA_SECRET_KEY": KEY}], ids=["file", "variable"])
def test_a_change_of_keys_that_is_cut_off_anywhere_leaves_everything_open_and_is_ended_by_the_next(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, environment: dict[str, str]
) -> None:
    names = ("a", "b", "c")
    for name in names:
        vault.keep(name, SECRET)
    with monkeypatch.context() as patched:
        writes = count()

        def cut(*arguments: Any, **options: Any) -> None:
            if next(writes) == at:
                raise PowerCut
            write_whole(*arguments, **options)

        for module in (folder_module, safe_keys):
            patched.setattr(module, "write_whole", cut)
        with contextlib.suppress(PowerCut):
            vault_in(tmp_path, **environment).rekey()
    assert [vault_in(tmp_path, **environment).kept(name) for name in names] == [SECRET] * 3
    vault_in(tmp_path, **environment).rekey()
    assert [vault_in(tmp_path, **environment).kept(name) for name in names] == [SECRET] * 3
    filed = tmp_path / "secret.key"
    assert (len(filed.read_text().split()) if filed.exists() else 0) == (0 if environment else 1)


@pytest.mark.slow
def test_a_change_of_keys_that_is_killed_leaves_everything_open(vault: Vault, tmp_path: Path) -> None:
    names = [f"number.{number}" for number in range(20)]
    for name in names:
        vault.keep(name, SECRET)
    before = contents(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", _CHANGES_KEYS_FOR_EVER, str(tmp_path)])
    try:
        for _ in range(5):
            deadline = time.monotonic() + PATIENCE_SECONDS
            while contents(tmp_path) == before and time.monotonic() < deadline:
                time.sleep(0.001)
            assert contents(tmp_path) != before, "it is killed while it changes keys"
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            assert [vault.kept(name) for name in names] == [SECRET] * 20
            before = contents(tmp_path)
            child = subprocess.Popen([sys.executable, "-c", _CHANGES_KEYS_FOR_EVER, str(tmp_path)])
    finally:
        child.kill()
        child.wait()


def test_what_belongs_to_another_key_is_told(vault: Vault, tmp_path: Path) -> None:
    vault.keep("a.token", SECRET)
    assert vault.unopened() == []
    (tmp_path / "secret.key").unlink()
    vault.keep("b.token", SECRET)
    assert [one.name for one in vault.unopened()] == ["a.token"]


def test_a_sign_in_in_clear_is_read_and_sealed_by_the_next_change_of_keys(vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "gmail.json"
    SignInFile(path, GMAIL_APP).save({"refresh_token": "1//in-clear"})
    sealed = SignInFile(path, GMAIL_APP, VaultSeal(lambda: vault))
    assert sealed.is_in_clear()
    assert sealed.read() == {"refresh_token": "1//in-clear"}
    vault.rekey()
    assert "in-clear" not in path.read_text()
    assert not sealed.is_in_clear()
    assert sealed.read() == {"refresh_token": "1//in-clear"}


def test_a_client_is_told_of_a_lost_key_as_of_a_sign_in_that_is_not_good(vault: Vault, tmp_path: Path) -> None:
    file = SignInFile(tmp_path / "secrets" / "gmail.sign-in.json", GMAIL_APP, VaultSeal(lambda: vault))
    file.save({"refresh_token": "1//x"})
    (tmp_path / "secret.key").unlink()
    with pytest.raises(AuthError, match=r"secret\.key") as lost:
        file.read()
    assert "backup" in lost.value.remedy
