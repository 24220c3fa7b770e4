"""Check an ID token: who signed it, for whom, when, and in answer to which sign-in (OpenID Connect Core, 3.1.3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.base.errors import SignInRefused

_SKEW_SECONDS = 60  # how far apart the provider's clock and ours may be
_LONGEST_TOKEN = 50_000  # a longer one is refused before anything in it is read
LONGEST_SUBJECT = 255
"""The most characters of a subject (OpenID Connect Core, 2)."""


class ExpectedToken(Struct, frozen=True):
    """What the ID token of a sign-in must say."""

    issuer: str
    client_id: str
    nonce: str
    algorithms: Sequence[str]
    access_token: str = ""
    """The access token that came with it: the ID token may have its hash."""


class UnknownKey(SignInRefused):
    """An ID token is signed with a key that the provider has not published; it may have new ones."""


def claims_of(token: str, keys: Sequence[Mapping[str, Any]], expected: ExpectedToken, now: datetime) -> dict[str, Any]:
    """Return the claims of an ID token. Raises UnknownKey, SignInRefused."""
    from authlib.oidc.core import CodeIDToken
    from joserfc.errors import JoseError

    if len(token) > _LONGEST_TOKEN:
        raise _refused("it is too long")
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "nonce": {"essential": True, "value": expected.nonce},
    }
    params = {"client_id": expected.client_id, "nonce": expected.nonce, "access_token": expected.access_token}
    try:
        signed = _signed(token, keys, expected.algorithms)
        claims = CodeIDToken(signed.claims, signed.header, options, params)
        claims.validate(now=int(now.timestamp()), leeway=_SKEW_SECONDS)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise _refused(_reason(error)) from error
    subject = claims["sub"]
    if not is_subject(subject):
        raise _refused("its subject is empty, too long, or not text")
    return dict(claims)


def is_subject(text: str) -> bool:
    """Return whether a text can be the permanent id of a person at a provider."""
    return 0 < len(text) <= LONGEST_SUBJECT and text.isprintable()


def _signed(token: str, keys: Sequence[Mapping[str, Any]], algorithms: Sequence[str]) -> Any:
    """Return header and claims of a token with a good signature. Raises UnknownKey, JoseError, ValueError."""
    from joserfc import jws, jwt
    from joserfc.errors import InvalidKeyIdError
    from joserfc.jwk import KeySet

    # providers add parameters of their own to the header, which the strict check would refuse
    registry = jws.JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
    try:
        return jwt.decode(token, KeySet(_usable(keys)), registry=registry)
    except InvalidKeyIdError as error:
        raise UnknownKey("The ID token is signed with a key that the provider has not published.") from error


def _usable(keys: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the keys that can be read: a provider may publish some of a kind that is unknown here."""
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    found = []
    for one in keys:
        with suppress(JoseError, ValueError, TypeError, LookupError):
            found.append(import_key(dict(one)))
    return found


def _refused(why: str) -> SignInRefused:
    return SignInRefused(
        f"The provider's ID token cannot be trusted: {why}.",
        remedy="Start again on the sign-in page; if it happens again, tell whoever runs this server.",
    )


def _reason(error: Exception) -> str:
    from joserfc.errors import JoseError

    said = error.description or error.error if isinstance(error, JoseError) else "it is damaged"
    return str(said).rstrip(".") or "it is damaged"
