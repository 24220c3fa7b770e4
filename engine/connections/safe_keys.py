"""The keys that kept secrets are sealed with: ORCHESTRA_SECRET_KEY, or a file for its owner only, made at first use."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from engine.errors import SecretLost, StorageError
from engine.workspace.files import exclusive, write_whole

VARIABLE = "ORCHESTRA_SECRET_KEY"
FILE = "secret.key"
_MAKE_ONE = "`python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'` makes one."


class SafeKeys:
    """Keys of Fernet (https://cryptography.io/en/latest/fernet/), newest first: the first seals, each of them opens."""

    def __init__(self, state_dir: Path, environment: Mapping[str, str]) -> None:
        self.file = state_dir / FILE
        self._given = [key.strip() for key in environment.get(VARIABLE, "").split(",") if key.strip()]

    @property
    def place(self) -> str:
        """Where the key that seals comes from, in words."""
        return VARIABLE if self._given else str(self.file)

    def all(self) -> list[str]:
        """Return every key that may open something, newest first. Raises SecretLost for what is no key."""
        return [_checked(key, VARIABLE) for key in self._given] + self._filed()

    def for_sealing(self) -> list[str]:
        """Return the keys, one made where there is none yet. Raises SecretLost, StorageError."""
        found = self.all()
        if found:
            return found
        with self._changing():  # of two processes that begin at once, one makes the key
            return self._filed() or self._replaced([_new_key()])

    def with_new(self) -> list[str]:
        """Put a new key before those of the file and return them all; given ones stay as they are given."""
        if self._given:
            return self.all()
        with self._changing():
            return self._replaced([_new_key(), *self._filed()])

    def drop_old(self) -> None:
        """Forget every key but the one that seals: nothing is sealed with the others any more."""
        with self._changing():
            if self._given:
                self.file.unlink(missing_ok=True)
            else:
                self._replaced(self._filed()[:1])

    def _changing(self) -> AbstractContextManager[None]:
        return exclusive(self.file.with_name(f"{FILE}.lock"))

    def _replaced(self, keys: list[str]) -> list[str]:
        write_whole(self.file, "".join(f"{key}\n" for key in keys), mode=0o600)
        return keys

    def _filed(self) -> list[str]:
        try:
            lines = self.file.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise StorageError(f"{self.file} cannot be read: {type(error).__name__}.") from None
        return [_checked(line, str(self.file)) for line in lines]


def _new_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _checked(key: str, place: str) -> str:
    from cryptography.fernet import Fernet

    try:
        Fernet(key)
    except ValueError:
        raise SecretLost(f"What {place} holds is no key for secrets: that is 44 letters.", remedy=_MAKE_ONE) from None
    return key
