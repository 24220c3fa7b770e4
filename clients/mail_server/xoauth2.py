"""SASL XOAUTH2: a mail server lets in whoever has an access token.

https://developers.google.com/workspace/gmail/imap/xoauth2-protocol and
https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from clients.errors import AuthError
from clients.oauth.app import TokenSource

Session = TypeVar("Session")


def first_answer(user: str, token: str) -> bytes:
    """Return what the client says first. What the server asks after it is an error, to be answered by an empty line."""
    return f"user={user}\1auth=Bearer {token}\1\1".encode()


def with_token(tokens: TokenSource, user: str, sign_in: Callable[[str], Session]) -> Session:
    """Call `sign_in` with an access token; one that is refused is renewed once. Raises ServiceError."""
    token = tokens.current()
    try:
        return sign_in(token)
    except AuthError as error:
        other = tokens.renewed(token)
        if other is None:
            raise _refused(error, tokens, user) from None
    try:
        return sign_in(other)
    except AuthError as error:
        raise _refused(error, tokens, user) from None


def _refused(error: AuthError, tokens: TokenSource, user: str) -> AuthError:
    if error.remedy == AuthError.default_remedy:
        command = f"`orchestra connections add {tokens.app.name} {tokens.app.brings}`"
        error.remedy = f"Connect again as {user}: on the page Connections, or with {command}."
    error.account = user
    return error
