"""Secrets that this program keeps: sealed at rest, opened with a key of file or environment, sealed anew at will."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from clients.errors import AuthError
from clients.gmail.sign_in_file import SignInFile
from engine.connections.safe import Kept, Safe
from engine.connections.sign_ins import SafeSeal
from engine.errors import InvalidInput, SecretLost

SECRET = Kept("ntn_very-secret", "owner", "2026-11-20T12:00:00Z")


@pytest.fixture
def safe(tmp_path: Path) -> Safe:
    return safe_in(tmp_path)


def safe_in(folder: Path, **environment: str) -> Safe:
    return Safe(folder, lambda: environment)


def test_what_is_kept_is_given_back_and_stands_nowhere_in_clear(safe: Safe, tmp_path: Path) -> None:
    safe.keep("notion.token", SECRET)
    assert safe.kept("notion.token") == SECRET
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    assert {path.name for path in files} == {"notion.token.json", "secret.key"}
    assert not any("very-secret" in path.read_text() for path in files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(safe.folder.stat().st_mode) == 0o700


def test_processes_that_begin_at_once_make_one_key(tmp_path: Path) -> None:
    def keep(number: int) -> str:
        safe_in(tmp_path).keep(f"number.{number}", Kept(str(number)))
        return safe_in(tmp_path).kept(f"number.{number}").value

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(keep, range(8))) == [str(number) for number in range(8)]
    assert [safe_in(tmp_path).kept(f"number.{number}").value for number in range(8)] == list("01234567")
    assert len((tmp_path / "secret.key").read_text().split()) == 1


def test_a_key_of_the_environment_needs_no_file(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    safe_in(tmp_path, ORCHESTRA_SECRET_KEY=key).keep("a", SECRET)
    assert not (tmp_path / "secret.key").exists()
    assert safe_in(tmp_path, ORCHESTRA_SECRET_KEY=key).kept("a") == SECRET
    with pytest.raises(SecretLost, match="is not there"):
        safe_in(tmp_path).kept("a")


def test_a_lost_key_says_so_and_what_to_do_and_a_secret_given_again_is_good(safe: Safe, tmp_path: Path) -> None:
    safe.keep("a", SECRET)
    safe.keep("b", SECRET)
    (tmp_path / "secret.key").unlink()
    with pytest.raises(SecretLost, match=r"is gone.*secret\.key") as lost:
        safe.kept("a")
    assert "backup" in lost.value.remedy
    assert "give the secret again" in lost.value.remedy
    safe.keep("a", SECRET)
    assert safe.kept("a") == SECRET
    with pytest.raises(SecretLost, match="another one"):
        safe.kept("b")


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        pytest.param("too short", "no key", id="no key at all"),
        pytest.param(Fernet.generate_key().decode(), "another one", id="another key"),
    ],
)
def test_a_key_that_does_not_fit_is_told(safe: Safe, tmp_path: Path, variable: str, said: str) -> None:
    safe.keep("a", SECRET)
    (tmp_path / "secret.key").unlink()
    with pytest.raises(SecretLost, match=said) as lost:
        safe_in(tmp_path, ORCHESTRA_SECRET_KEY=variable).kept("a")
    assert variable not in f"{lost.value} {lost.value.remedy}"


def test_a_damaged_secret_is_told(safe: Safe) -> None:
    safe.keep("a", SECRET)
    path = safe.folder / "a.json"
    path.write_text(path.read_text().replace("gAAAA", "gAAAB"))
    with pytest.raises(SecretLost):
        safe.kept("a")


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden", "a b"])
def test_no_name_leaves_the_folder(safe: Safe, name: str) -> None:
    with pytest.raises(InvalidInput):
        safe.keep(name, SECRET)
    assert not safe.has(name)


def test_what_is_not_kept_says_how_to_give_it(safe: Safe) -> None:
    with pytest.raises(InvalidInput, match="no kept secret 'x'") as refused:
        safe.kept("x")
    assert "connections add" in refused.value.remedy


def test_another_key_seals_everything_anew_and_the_old_one_opens_nothing(safe: Safe, tmp_path: Path) -> None:
    safe.keep("a", SECRET)
    sign_in = SignInFile(tmp_path / "tokens" / "gmail.json", SafeSeal(lambda: safe))
    sign_in.save({"refresh_token": "1//x"})
    before, old = (safe.folder / "a.json").read_text(), (tmp_path / "secret.key").read_text()
    assert safe.rekey().files == 2
    assert (safe.kept("a"), sign_in.read()) == (SECRET, {"refresh_token": "1//x"})
    after = tmp_path / "secret.key"
    assert len(after.read_text().split()) == 1
    assert after.read_text() != old
    assert (safe.folder / "a.json").read_text() != before
    after.write_text(old)
    with pytest.raises(SecretLost):
        safe.kept("a")


def test_a_key_moves_from_the_file_to_the_environment(safe: Safe, tmp_path: Path) -> None:
    safe.keep("a", SECRET)
    new, newer = (Fernet.generate_key().decode() for _ in range(2))
    assert safe_in(tmp_path, ORCHESTRA_SECRET_KEY=new).kept("a") == SECRET
    safe_in(tmp_path, ORCHESTRA_SECRET_KEY=new).rekey()
    assert not (tmp_path / "secret.key").exists()
    both = safe_in(tmp_path, ORCHESTRA_SECRET_KEY=f"{newer},{new}")
    assert both.rekey().place == "ORCHESTRA_SECRET_KEY"
    assert safe_in(tmp_path, ORCHESTRA_SECRET_KEY=newer).kept("a") == SECRET


def test_no_key_is_forgotten_while_something_needs_it(safe: Safe, tmp_path: Path) -> None:
    safe.keep("a", SECRET)
    (safe.folder / "b.json").write_text('{"sealed": "gAAAAAB-of-somebody-else"}')
    with pytest.raises(SecretLost):
        safe.rekey()
    assert safe.kept("a") == SECRET
    assert len((tmp_path / "secret.key").read_text().split()) == 2
    (safe.folder / "b.json").unlink()
    safe.rekey()
    assert (safe.kept("a"), len((tmp_path / "secret.key").read_text().split())) == (SECRET, 1)


def test_a_sign_in_in_clear_is_read_and_sealed_by_the_next_change_of_keys(safe: Safe, tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "gmail.json"
    SignInFile(path).save({"refresh_token": "1//in-clear"})
    sealed = SignInFile(path, SafeSeal(lambda: safe))
    assert sealed.is_in_clear()
    assert sealed.read() == {"refresh_token": "1//in-clear"}
    safe.rekey()
    assert "in-clear" not in path.read_text()
    assert not sealed.is_in_clear()
    assert sealed.read() == {"refresh_token": "1//in-clear"}


def test_a_client_is_told_of_a_lost_key_as_of_a_sign_in_that_is_not_good(safe: Safe, tmp_path: Path) -> None:
    file = SignInFile(tmp_path / "secrets" / "gmail.sign-in.json", SafeSeal(lambda: safe))
    file.save({"refresh_token": "1//x"})
    (tmp_path / "secret.key").unlink()
    with pytest.raises(AuthError, match=r"secret\.key") as lost:
        file.read()
    assert "backup" in lost.value.remedy
