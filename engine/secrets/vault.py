"""The vault: secrets of this program, encrypted at rest, one text each, with the keys of the workspace."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.base.errors import InvalidFile, InvalidInput, SecretLost, StorageError
from engine.secrets.vault_keys import VaultKeys
from engine.store.texts.folder import FolderTexts
from engine.store.texts.texts import TextStore

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z")
_SEALED = "sealed"
FOLDER = "secrets"
_OLD_SIGN_INS = "tokens"
"""The folder in which development versions before 0.1.0 stored sign-ins unencrypted."""


@dataclass(frozen=True)
class StoredSecret:
    """A stored secret: its value, who gave it, and when (RFC 3339)."""

    value: str
    owner: str = ""
    kept_at: str = ""


class Unopened(Struct, frozen=True):
    """A stored secret that cannot be decrypted now: its name, where it is, and the reason."""

    name: str
    """The part before the first dot is the connection that it belongs to."""
    place: str
    why: str


class Rekeyed(Struct, frozen=True):
    """The result of a key rotation: how many files were encrypted again, and where the new key is."""

    files: int
    place: str


class Vault:
    """Encrypts and decrypts the secrets of a workspace; safe for use by several processes.

    The stored form of a secret is `{"sealed": …}`, in files, or in the state on a server for all machines. `changing()`
    must be held while a new one is created: key rotation holds it, too, and so misses none. An existing one is written
    under a lock of its own, which rotation also takes.
    """

    def __init__(
        self, state_dir: Path, environment: Callable[[], Mapping[str, str]], texts: TextStore | None = None
    ) -> None:
        """`texts`: where they are stored; by default in the folder of the state."""
        self._state_dir, self._environment = state_dir, environment
        self.texts: TextStore = FolderTexts(state_dir) if texts is None else texts
        self.folder = state_dir / FOLDER

    @property
    def keys(self) -> VaultKeys:
        """The current keys, according to environment and file."""
        return VaultKeys(self._state_dir, self._environment(), is_shared=self.texts.is_shared)

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
            raise keys.gone()
        try:
            return _fernet(known).decrypt(token.encode()).decode()
        except InvalidToken:
            message = f"The key of {keys.place} does not open what was sealed with another one."
            raise SecretLost(message, remedy=_another_key(keys)) from None

    def keep(self, name: str, kept: StoredSecret) -> None:
        """Store a secret under a name, replacing any other. Raises InvalidInput, SecretLost, StorageError."""
        text = _text_of(name)
        with self.changing():
            self.texts.put(text, self.sealed(json.dumps(asdict(kept))))

    def keep_first(self, name: str, make: Callable[[], StoredSecret]) -> StoredSecret:
        """Return the secret of a name; if it is missing, store what `make` returns. Raises as `keep` and `kept`."""
        with self.changing():
            if not self.has(name):  # looked at under the lock: the first process decides
                self.texts.put(_text_of(name), self.sealed(json.dumps(asdict(make()))))
        return self.kept(name)

    def kept(self, name: str) -> StoredSecret:
        """Return a secret. Raises InvalidInput for an unknown name, SecretLost if it cannot be decrypted."""
        text = _text_of(name)
        content = self.texts.get(text)
        if content is None:
            raise InvalidInput(
                f"There is no kept secret {name!r}.", remedy="Give it again: `orchestra connections add`."
            )
        try:
            return StoredSecret(**json.loads(self.opened(content)))
        except (ValueError, TypeError):
            raise SecretLost(f"{self.texts.where(text)} is not a kept secret.") from None

    def forget_others(self, connection: str, names: Collection[str]) -> None:
        """Delete the secrets of a connection, except the ones with these names, which are in use."""
        with self.changing():
            for file in self.texts.names(FOLDER):
                if file.startswith(f"{connection}.") and file.removesuffix(".json") not in names:
                    self.texts.remove(f"{FOLDER}/{file}")

    def has(self, name: str) -> bool:
        """Return whether there is a secret of this name, without decrypting it."""
        return bool(_NAME.match(name)) and self.texts.mark(_text_of(name)) is not None

    def changing(self) -> AbstractContextManager[None]:
        """Hold off key rotation and other processes that create encrypted texts."""
        return self.texts.locked(FOLDER)

    def holds(self, path: Path) -> bool:
        """Return whether a file is in a folder of this program's own files: only those are encrypted."""
        return self._state_dir.resolve() in path.resolve().parents

    def text_of(self, path: Path) -> str | None:
        """Return the name of the text that is kept in place of a file; None if the file itself is kept."""
        if not self.texts.is_shared or not self.holds(path):
            return None
        return path.resolve().relative_to(self._state_dir.resolve()).as_posix()

    def remove(self, path: Path) -> None:
        """Delete a file that it holds, or what is kept in its place. Raises StorageError."""
        text = self.text_of(path)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            self.texts.remove(text)

    def all(self) -> Iterator[str]:
        """Yield the name of every text that contains a secret of this program."""
        for folder in (FOLDER, _OLD_SIGN_INS):
            for file in self.texts.names(folder):
                yield f"{folder}/{file}"

    def unopened(self) -> list[Unopened]:
        """Return the secrets that the current keys do not decrypt, or that are damaged."""
        return list(filter(None, map(self._unopened, self.all())))

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
            known = keys.with_new()  # a new one is on disk before anything is sealed with it
            found = list(self.all())
            for name in found:
                self._seal_anew(name, known)
            keys.drop_old()
        return Rekeyed(len(found), keys.place)

    def copy_to(self, texts: TextStore) -> None:
        """Store all secrets in other texts, sealed with the key that is used there. Raises SecretLost, StorageError.

        Everything is decrypted and sealed before anything is written.
        """
        target = Vault(self._state_dir, self._environment, texts)
        contents = {name: self.texts.get(name) for name in self.all()}
        # without content, it was removed meanwhile
        sealed = {name: target.sealed(self.opened(content)) for name, content in contents.items() if content}
        with target.changing():
            for name, content in sealed.items():
                texts.put(name, content)

    def _unopened(self, text: str) -> Unopened | None:
        why = self._fault(text)
        name = text.rpartition("/")[2].removesuffix(".json")
        return Unopened(name, self.texts.where(text), why) if why else None

    def _fault(self, text: str) -> str:
        """Return why a secret cannot be decrypted; "" if it can, or was removed meanwhile."""
        where = self.texts.where(text)
        try:
            content = self.texts.get(text)
            if content is not None and not isinstance(json.loads(self.opened(content)), dict):
                return f"{where} is not a kept secret."
        except (SecretLost, StorageError) as error:
            return error.message
        except (ValueError, InvalidFile):
            return f"{where} is damaged."
        return ""

    def _seal_anew(self, name: str, keys: list[str]) -> None:
        with self.texts.locked(name):
            content = self.texts.get(name)
            if content is not None:
                self.texts.put(name, _sealed(self.opened(content), keys))


def _text_of(name: str) -> str:
    if not _NAME.match(name):
        raise InvalidInput(f"{name!r} cannot be the name of a kept secret.")
    return f"{FOLDER}/{name}.json"


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


def _another_key(keys: VaultKeys) -> str:
    return (
        f"Bring back the key that it was sealed with, as one more line of {keys.file} (from a backup), "
        "or give the secret again on the Connections page."
    )


def _sealed(text: str, keys: list[str]) -> str:
    return json.dumps({_SEALED: _fernet(keys).encrypt(text.encode()).decode()}) + "\n"


def _fernet(keys: list[str]) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(key) for key in keys])
