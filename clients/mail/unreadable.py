"""Unreadable mails: each is reported with its reason and does not block the others."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clients.errors import NotFound, ServiceError, Unreadable

_log = logging.getLogger(__name__)
_SAID_MOST = 200


@contextmanager
def one_mail(service: str, mail: str) -> Iterator[None]:
    """Convert any exception of reading one mail to Unreadable, except the service's own refusals."""
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        _log.exception("The mail %s cannot be read", mail)
        said = f"{type(error).__name__}: {error}"[:_SAID_MOST]
        raise Unreadable(f"The mail {mail} cannot be read ({said}).", service=service) from error


def no_part(service: str, mail: str, wanted: str) -> NotFound:
    """Return the error for a mail that has no such attachment or part."""
    remedy = "Take the id from the mail's `attachments` or `parts`."
    return NotFound(f"The mail {mail!r} has no part {wanted!r}.", service=service, remedy=remedy)


def unread(mail: str, subject: str, error: ServiceError) -> dict[str, Any]:
    """Describe an unreadable mail for a listing: {id, subject, reason}."""
    return {"id": mail, "subject": subject, "reason": error.message}
