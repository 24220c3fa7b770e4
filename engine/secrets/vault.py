"""The vault: secrets of this program, encrypted at rest, one file each, with the keys of the workspace."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.base.errors import InvalidInput, SecretLost, StorageError
from engine.files.atomic import exclusive, make_folder, write_whole
from engine.secrets.vault_keys import SafeKeys

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z")
_SEALED = "sealed"
_OLD_SIGN_INS = "tokens"
"""The folder in which the first release stored sign-ins unencrypted."""


@dataclass(frozen=True)
class Kept:
    """A stored secret: its value, who gave it, and when (RFC 3339)."""

    value: str
    owner: str = ""
    kept_at: str = ""


@dataclass(frozen=True)
class Unopened:
    """A stored secret that cannot be decrypted now: its file, and the reason."""

    file: Path
    why: str

    @property
    def name(self) -> str:
        """Its name; the part before the first dot is the connection that it belongs to."""
        return self.file.name.removesuffix(".json")


@dataclass(frozen=True)
class Rekeyed:
    """The result of a key rotation: how many files were encrypted again, and where the new key is."""

    files: int
    place: str


class Safe:
    """Encrypts and decrypts the secrets of a workspace; safe for use by several processes.

    The text of an encrypted file is `{"sealed": …}`. `changing()` must be held while a new file is created: key
    rotation holds it, too, and so misses no file. An existing file is written under a lock of its own, which rotation
    also takes.
    """

    def __init__(self, state_dir: Path, environment: Callable[[], Mapping[str, str]]) -> None:
        self._state_dir, self._environment = state_dir, environment
        self.folder = state_dir / "secrets"

    @property
    def keys(self) -> SafeKeys:
        """The current keys, according to environment and file."""
        return SafeKeys(self._state_dir, self._environment())

    def sealed(self, text: str) -> str:
        """Return the encrypted text for a file. Raises SecretLost, StorageError."""
        return _sealed(text, self.keys.for_sealing())

    def opened(self, content: str) -> str:
        """Return the decrypted text; text that was never encrypted is returned unchanged. Raises SecretLost."""
        from cryptography.fernet import InvalidToken

        token = sealed_token(content)
        if token is None:
            return content
        keys = self.keys
        known = keys.all()
        if not known:
            raise SecretLost(f"The key that opens kept secrets is gone: {keys.place} is not there.")
        try:
            return _fernet(known).decrypt(token.encode()).decode()
        except InvalidToken:
            message = f"The key of {keys.place} does not open what was sealed with another one."
            raise SecretLost(message, remedy=_another_key(keys)) from None

    def keep(self, name: str, kept: Kept) -> None:
        """Store a secret under a name, replacing any other. Raises InvalidInput, SecretLost, StorageError."""
        path = self._path(name)
        with self.changing():
            write_whole(path, self.sealed(json.dumps(asdict(kept))), mode=0o600)

    def kept(self, name: str) -> Kept:
        """Return a secret. Raises InvalidInput if there is none of this name, SecretLost if it cannot be decrypted."""
        path = self._path(name)
        try:
            content = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InvalidInput(
                f"There is no kept secret {name!r}.", remedy="Give it again: `orchestra connections add`."
            ) from None
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
        try:
            return Kept(**json.loads(self.opened(content)))
        except (ValueError, TypeError):
            raise SecretLost(f"{path} is no kept secret.") from None

    def forget_others(self, connection: str, names: Collection[str]) -> None:
        """Delete the secrets of a connection, except those with these names, which are the ones in use."""
        with self.changing():
            for path in self.folder.glob(f"{connection}.*.json"):
                if path.name.removesuffix(".json") not in names:
                    path.unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        """Return whether there is a secret of this name, without decrypting it."""
        return bool(_NAME.match(name)) and self._path(name).exists()

    def changing(self) -> AbstractContextManager[None]:
        """Hold off key rotation and other processes that create encrypted files."""
        make_folder(self.folder, 0o700)
        return exclusive(self._state_dir / "secrets.lock")

    def holds(self, path: Path) -> bool:
        """Return whether a file is in a folder of this program's own files: only those are encrypted."""
        return self._state_dir.resolve() in path.resolve().parents

    def files(self) -> Iterator[Path]:
        """Yield every file that contains a secret of this program."""
        for folder in (self.folder, self._state_dir / _OLD_SIGN_INS):
            yield from sorted(folder.glob("*.json"))

    def unopened(self) -> list[Unopened]:
        """Return the secrets that the current keys do not decrypt, or that are damaged."""
        return list(filter(None, map(self._unopened, self.files())))

    def rekey(self) -> Rekeyed:
        """Encrypt everything again with a new key (in the file), or with the first key from the environment.

        Everything is decrypted before anything is written, and the old keys are kept until all is encrypted again:
        after an interruption the known keys still decrypt every file, and a repetition completes it. Raises SecretLost,
        which names the files that cannot be decrypted.
        """
        with self.changing():
            lost = self.unopened()
            if lost:
                raise _nothing_changed(lost)
            keys = self.keys
            known = keys.with_new()
            found = list(self.files())
            for path in found:
                self._seal_anew(path, known)
            keys.drop_old()
        return Rekeyed(len(found), keys.place)

    def _unopened(self, path: Path) -> Unopened | None:
        try:
            if not isinstance(json.loads(self.opened(path.read_text(encoding="utf-8"))), dict):
                return Unopened(path, f"{path} is no kept secret.")
        except FileNotFoundError:  # removed meanwhile: nothing is lost
            return None
        except SecretLost as error:
            return Unopened(path, error.message)
        except OSError as error:
            return Unopened(path, f"{path} cannot be read: {error.strerror}.")
        except ValueError:
            return Unopened(path, f"{path} is damaged.")
        return None

    def _seal_anew(self, path: Path, keys: list[str]) -> None:
        with exclusive(path.with_name(f"{path.name}.lock")):
            text = self.opened(path.read_text(encoding="utf-8"))
            write_whole(path, _sealed(text, keys), mode=0o600)

    def _path(self, name: str) -> Path:
        if not _NAME.match(name):
            raise InvalidInput(f"{name!r} cannot be the name of a kept secret.")
        return self.folder / f"{name}.json"


def sealed_token(content: str) -> str | None:
    """Return the encrypted part of a file's text, or None if the text is not encrypted."""
    try:
        found = json.loads(content)
    except ValueError:
        return None
    token = found.get(_SEALED) if isinstance(found, dict) and len(found) == 1 else None
    return token if isinstance(token, str) else None


def _nothing_changed(lost: list[Unopened]) -> SecretLost:
    names, reasons = ", ".join(one.name for one in lost), dict.fromkeys(one.why for one in lost)
    are = "1 kept secret" if len(lost) == 1 else f"{len(lost)} kept secrets"
    return SecretLost(f"{are} cannot be opened, so nothing was changed: {names}. {' '.join(reasons)}")


def _another_key(keys: SafeKeys) -> str:
    return (
        f"Bring back the key that it was sealed with, as one more line of {keys.file} (from a backup), "
        "or give the secret again on the Connections page."
    )


def _sealed(text: str, keys: list[str]) -> str:
    return json.dumps({_SEALED: _fernet(keys).encrypt(text.encode()).decode()}) + "\n"


def _fernet(keys: list[str]) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(key) for key in keys])
