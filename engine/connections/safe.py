"""The secrets that this program itself keeps: sealed at rest, one file each, opened with the keys of the workspace."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.connections.safe_keys import SafeKeys
from engine.errors import InvalidInput, SecretLost, StorageError
from engine.workspace.files import exclusive, make_folder, write_whole

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z")
_SEALED = "sealed"
_OLD_SIGN_INS = "tokens"
"""Where the first release kept sign-ins, in clear."""


@dataclass(frozen=True)
class Kept:
    """A secret that is kept: its value, who gave it, and when (RFC 3339)."""

    value: str
    owner: str = ""
    kept_at: str = ""


@dataclass(frozen=True)
class Unopened:
    """A kept secret that cannot be opened now: its file, and why not."""

    file: Path
    why: str

    @property
    def name(self) -> str:
        """Its name; what stands before the first dot is the connection that it was given to."""
        return self.file.name.removesuffix(".json")


@dataclass(frozen=True)
class Rekeyed:
    """What a change of keys did: how many files were sealed anew, with the key of which place."""

    files: int
    place: str


class Safe:
    """Seals and opens secrets of one workspace; any process may use it at any time.

    What is sealed is the text of a file, `{"sealed": …}`. Whoever makes a new file holds `changing()`: a change of
    keys holds it, too, and so misses none. A file that is there is written under a lock of its own, which a change of
    keys takes as well.
    """

    def __init__(self, state_dir: Path, environment: Callable[[], Mapping[str, str]]) -> None:
        self._state_dir, self._environment = state_dir, environment
        self.folder = state_dir / "secrets"

    @property
    def keys(self) -> SafeKeys:
        """The keys as environment and file say now."""
        return SafeKeys(self._state_dir, self._environment())

    def sealed(self, text: str) -> str:
        """Return the text of a file that only the keys of the workspace open. Raises SecretLost, StorageError."""
        return _sealed(text, self.keys.for_sealing())

    def opened(self, content: str) -> str:
        """Return what was sealed; text that was never sealed is returned as it is. Raises SecretLost."""
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
        """Seal a secret under a name, in place of what is there. Raises InvalidInput, SecretLost, StorageError."""
        path = self._path(name)
        with self.changing():
            write_whole(path, self.sealed(json.dumps(asdict(kept))), mode=0o600)

    def kept(self, name: str) -> Kept:
        """Return a secret. Raises InvalidInput where none has this name, SecretLost where it cannot be opened."""
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
        """Remove what is kept for a connection under any other name than these: nothing names it any more."""
        with self.changing():
            for path in self.folder.glob(f"{connection}.*.json"):
                if path.name.removesuffix(".json") not in names:
                    path.unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        """Tell whether a secret of this name is kept; it is not opened."""
        return bool(_NAME.match(name)) and self._path(name).exists()

    def changing(self) -> AbstractContextManager[None]:
        """Hold off others that seal new files, and changes of keys."""
        make_folder(self.folder, 0o700)
        return exclusive(self._state_dir / "secrets.lock")

    def holds(self, path: Path) -> bool:
        """Tell whether a file lies where this program keeps its own: only there it is sealed."""
        return self._state_dir.resolve() in path.resolve().parents

    def files(self) -> Iterator[Path]:
        """Give every file that holds a secret of this program's own."""
        for folder in (self.folder, self._state_dir / _OLD_SIGN_INS):
            yield from sorted(folder.glob("*.json"))

    def unopened(self) -> list[Unopened]:
        """Return the kept secrets that the keys known now do not open, and those that are damaged."""
        return list(filter(None, map(self._unopened, self.files())))

    def rekey(self) -> Rekeyed:
        """Seal everything anew with a new key (of the file), or with the first one that the environment gives.

        Everything is opened before anything is written, and the old keys stay till all is sealed anew: stopped in the
        middle it leaves files that the keys known then still open; doing it again ends it. Raises SecretLost,
        which names those that cannot be opened.
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
    """Return what is sealed in the text of a file, None where it is in clear."""
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
