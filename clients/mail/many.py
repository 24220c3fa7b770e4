"""Reads many mails at once: one that cannot be read does not hold up the others, and is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from clients.deadline import seconds_left
from clients.errors import AuthError, NotFound, RateLimited, ServiceError, Timeout, Unreadable
from clients.listing import Json
from clients.mail.unreadable import one_mail, unread

Answer = TypeVar("Answer")
_AT_ONCE = 4
"""Mails fetched concurrently: Gmail allows 50 reads a second per user, and Outlook four requests at a time."""
OF_ALL: tuple[type[ServiceError], ...] = (AuthError, RateLimited, Timeout)
"""Errors of one mail that concern the whole mailbox."""
_PAUSES_SECONDS = (0.5, 2.0)
"""Pauses before failed mails are fetched again, if others succeeded."""
_SURELY_ALL = 8
"""If this many fail before any succeeds, the rest is not fetched."""


class ManyMails:
    """Reads the mails of one mailbox by their ids."""

    def __init__(self, service: str, subject: Callable[[str], str]) -> None:
        self._service, self._subject_of = service, subject

    def readable(
        self, ids: Sequence[str], read: Callable[[str], Json], never: tuple[type[ServiceError], ...] = OF_ALL
    ) -> Json:
        """Read mails: {messages, unreadable}, newest first; those that fail alone, also when retried, are unreadable.

        Raises the errors in `never`, and if all fail.
        """
        told: dict[str, Json | ServiceError] = {}
        waiting = list(ids)
        for pause in (*_PAUSES_SECONDS, None):
            told |= self.each(waiting, read, never, gives_up=not told)
            waiting = [one for one in waiting if _may_work_later(told[one])]
            if not waiting or pause is None or not any(isinstance(one, dict) for one in told.values()):
                break
            time.sleep(min(pause, seconds_left(pause, Timeout)))
        failed = {one: error for one, error in told.items() if isinstance(error, ServiceError)}
        if len(failed) == len(told):
            raise_for_service(failed.values())
        messages = [mail for mail in told.values() if isinstance(mail, dict)]
        return {
            "messages": sorted(messages, key=lambda message: str(message["date"]), reverse=True),
            "unreadable": self.unread(failed),
        }

    def unread(self, failed: Mapping[str, ServiceError]) -> list[Json]:
        """Describe mails that cannot be read; the service may still return the headers."""
        there = [one for one, error in failed.items() if not isinstance(error, NotFound)]
        subjects = self.each(there, self._subject, (), gives_up=False)
        known = {one: found["subject"] for one, found in subjects.items() if isinstance(found, dict)}
        return [unread(one, known.get(one, ""), error) for one, error in failed.items()]

    def _subject(self, message: str) -> Json:
        with one_mail(self._service, message):
            return {"subject": self._subject_of(message)}

    def each(
        self,
        ids: Sequence[str],
        read: Callable[[str], Answer],
        never: tuple[type[ServiceError], ...],
        *,
        gives_up: bool = True,
    ) -> dict[str, Answer | ServiceError]:
        """Read several mails concurrently; each worker inherits this thread's deadline (a context variable).

        Returns each mail, or why it could not be read. Raises errors that concern all mails; with `gives_up`, also if
        the first few all fail.
        """

        def read_or_why(one: str) -> Answer | ServiceError:
            try:
                return read(one)
            except never:
                raise
            except ServiceError as error:
                return error

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=self._service) as workers:
            jobs = {one: workers.submit(copy_context().run, read_or_why, one) for one in ids}
            told: dict[str, Answer | ServiceError] = {}
            try:
                for one, job in jobs.items():
                    told[one] = job.result()
                    if gives_up and len(told) == _SURELY_ALL and all(map(_may_work_later, told.values())):
                        raise next(error for error in told.values() if isinstance(error, ServiceError))
            except BaseException:
                workers.shutdown(wait=False, cancel_futures=True)
                raise
            return told


def _may_work_later(told: object) -> bool:
    return isinstance(told, ServiceError) and told.retryable


def raise_for_service(errors: Iterable[Any]) -> None:
    """Raise the first error that concerns more than one mail."""
    for error in errors:
        if not isinstance(error, Unreadable | NotFound):
            raise error
