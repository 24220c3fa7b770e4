"""Access tokens of the REST API: signed, short-lived, and invalid once the user's password has changed or all
their sessions were ended.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from engine.base.clock import Clock
from engine.base.errors import InvalidInput, StorageError
from engine.files.atomic import storage_errors, sync_folder

SECRET_VARIABLE = "ORCHESTRA_TOKEN_SECRET"  # noqa: S105 - the name of it, not the secret
TOKEN_LASTS = timedelta(hours=1)
_SECRET_BYTES = 32  # RFC 7518, 3.2: an HS256 key is at least as long as the hash
_ISSUER = "orchestra"
_AUDIENCE = "orchestra-api"
# Our tokens have exactly this header, so no `kid`, `jwk`, `jku` or `crit` can have a meaning (RFC 8725, 3).
_HEADER = {"alg": "HS256", "typ": "at+jwt"}
_CLAIMS = ["iss", "aud", "sub", "jti", "iat", "exp", "pwd"]
_LONGEST_TOKEN = 2_048  # a longer one is refused before anything in it is read
_MOST_KEPT = 256  # tokens whose signature needs no second check


class Claim(Struct, frozen=True):
    """The content of a token with a valid signature."""

    user_id: str
    mark: str
    """The mark of what it depends on."""


class TokenSigner:
    """Signs and verifies tokens."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._signed: dict[str, dict[str, Any]] = {}

    def issue(self, user_id: str, depends_on: str) -> str:
        """Return a JWT valid for one hour (RFC 7519, header type of RFC 9068).

        `depends_on`: a secret text; the token ends as soon as this text changes for the user.
        """
        import jwt

        now = int(self._clock().timestamp())
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + int(TOKEN_LASTS.total_seconds()),
            "pwd": self.mark(depends_on),
        }
        return jwt.encode(claims, self._secret, algorithm="HS256", headers=_HEADER)

    def read(self, token: str) -> Claim | None:
        """Return the claim of `token` if we signed it and it has not expired, else None."""
        if len(token) > _LONGEST_TOKEN:
            return None
        claims = self._signed.get(token)
        if claims is None:
            claims = self._verified(token)
            if claims is None:
                return None
            self._keep(token, claims)
        return Claim(claims["sub"], claims["pwd"]) if self._is_current(claims) else None

    def _verified(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token, or None if its signature or form is not ours."""
        import jwt

        try:
            return self._decoded(token) if jwt.get_unverified_header(token) == _HEADER else None
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None

    def _keep(self, token: str, claims: dict[str, Any]) -> None:
        """Cache that we signed a token, which never changes. Its times and its user are checked at every call."""
        if len(self._signed) >= _MOST_KEPT:
            self._signed.clear()
        self._signed[token] = claims

    def mark(self, depends_on: str) -> str:
        """Return a mark that ties a token to a text without revealing it."""
        return hmac.new(self._secret, depends_on.encode(), hashlib.sha256).hexdigest()[:32]

    def _decoded(self, token: str) -> dict[str, Any]:
        import jwt

        # Times are checked against our own clock below.
        options: Any = {"require": _CLAIMS, "verify_exp": False, "verify_iat": False}
        return jwt.decode(
            token, self._secret, algorithms=["HS256"], audience=_AUDIENCE, issuer=_ISSUER, options=options
        )

    def _is_current(self, claims: dict[str, Any]) -> bool:
        texts = all(isinstance(claims[name], str) for name in ("sub", "jti", "pwd"))
        times = all(type(claims[name]) is int for name in ("iat", "exp"))
        return texts and times and claims["iat"] <= self._clock().timestamp() < claims["exp"]


def token_secret(folder: Path) -> bytes:
    """Return the secret from ORCHESTRA_TOKEN_SECRET, else from `folder`/token.key, which is made (0600) if missing.

    Raises InvalidInput if the variable has under 32 bytes, StorageError if the file is too short or open to others.
    """
    given = os.environ.get(SECRET_VARIABLE)
    if given is not None:
        return _long_enough(given.encode())
    path = folder / "token.key"
    if not path.exists() and not path.is_symlink():
        _make(path)
    return _read(path)


def _long_enough(secret: bytes) -> bytes:
    if len(secret) < _SECRET_BYTES:
        raise InvalidInput(
            f"{SECRET_VARIABLE} has {len(secret)} bytes; a secret needs {_SECRET_BYTES} or more.",
            remedy="Make one with `openssl rand -hex 32`, or leave the variable unset: a file is made then.",
        )
    return secret


def _make(path: Path) -> None:
    """Write a new secret atomically, unless another process wrote one first."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with storage_errors(path):
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(handle, "wb") as stream:  # noqa: PTH123 - a handle, not a path
                stream.write(secrets.token_bytes(_SECRET_BYTES))
                stream.flush()
                os.fsync(stream.fileno())
            _link(temporary, path)
        finally:
            temporary.unlink()
        sync_folder(path.parent)


def _link(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)  # unlike a rename, this never replaces a file
    except FileExistsError:
        return


def _read(path: Path) -> bytes:
    with storage_errors(path):
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(handle, "rb") as stream:  # noqa: PTH123 - a handle, not a path
            mode = stat.S_IMODE(os.fstat(handle).st_mode)
            secret = stream.read(4_096)
    if mode & 0o077 and os.name != "nt":
        raise StorageError(
            f"{path} may be read or written by others (its mode is {mode:04o}).",
            remedy=f"Delete it, and a new secret is made; programs then sign in again. Or: chmod 600 {path}",
        )
    if len(secret) < _SECRET_BYTES:
        raise StorageError(
            f"{path} holds {len(secret)} bytes instead of {_SECRET_BYTES}.",
            remedy="Delete it, and a new secret is made; programs then sign in again.",
        )
    return secret
