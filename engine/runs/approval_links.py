"""Signed links to one question: whoever holds such a link may answer that question once, without signing in.

The signature covers the question, the call that it is about and the time until which the link works. Nothing is stored:
a question takes one answer, so its link works once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.base.clock import Clock, moment_of
from engine.base.errors import NotAllowed
from engine.people.answer_links import LINK_FORM
from engine.record.differences import is_reference
from engine.runs.approvals import Approval, Approvals

LINK_LASTS = timedelta(days=3)
# Other links are signed with the same secret: a signature of one kind must not work for another.
_PURPOSE = b"orchestra approval link\0"
_TOKEN = re.compile(rf"{LINK_FORM}\Z")


class InvalidLink(NotAllowed):
    """The link is not one of ours, has expired, or links are off."""

    default_remedy = "Answer on the page Approvals of the dashboard."

    def __init__(self) -> None:
        super().__init__("This link does not work, or no longer works.")


def has_files(approval: Approval) -> bool:
    """Return whether a part of what is to be approved is kept in files of the run."""
    return _names_files(approval.details if approval.call is None else approval.call.arguments)


def _names_files(value: Any) -> bool:
    if isinstance(value, Mapping):
        return is_reference(value) or any(map(_names_files, value.values()))
    return isinstance(value, list) and any(map(_names_files, value))


class ApprovalLinks:
    """Makes links, and answers questions by them. `is_on` says whether the workspace wants links.

    `is_closed` says whether the `access` of the workflow names who may see it or answer: a link does not say who asks.
    """

    def __init__(
        self,
        approvals: Approvals,
        secret: Callable[[], bytes],
        clock: Clock,
        is_on: Callable[[], bool],
        is_closed: Callable[[Approval], bool],
    ) -> None:
        self._approvals, self._secret, self._clock, self._is_on = approvals, secret, clock, is_on
        self.is_closed = is_closed

    def token(self, approval: Approval) -> str:
        """Return the secret part of a link to a question; it works until the question expires, at most three days."""
        ends_at = self._clock() + LINK_LASTS
        if approval.expires_at is not None:
            ends_at = min(ends_at, moment_of(approval.expires_at))
        ends = f"{int(ends_at.timestamp()):010d}"
        return f"{approval.id}.{ends}.{self._signature(approval, ends)}"

    def shown(self, token: str) -> Approval:
        """Return the question of a link, answered or not; nothing is changed.

        Raises InvalidLink, NotAllowed if the workflow says who may answer.
        """
        found = _TOKEN.match(token)
        if found is None or not self._is_on():
            raise InvalidLink
        approval = self._approvals.of_link(found[1])
        if approval is None or not hmac.compare_digest(self._signature(approval, found[2]), found[3]):
            raise InvalidLink
        if self._clock() >= datetime.fromtimestamp(int(found[2]), self._clock().tzinfo):
            raise InvalidLink
        if self.is_closed(approval):
            raise NotAllowed(
                "The workflow says who may answer its questions, and a link does not say who you are.",
                remedy="Sign in, and answer on the page Approvals.",
            )
        return approval

    def answer(self, token: str, reason: str, *, approve: bool) -> Approval:
        """Answer the question of a link.

        Raises InvalidLink, NotAllowed if it names who may answer, or has files that the page cannot show, and InUse.
        """
        approval = self.shown(token)
        if approve and has_files(approval):
            raise NotAllowed(
                "This call has files or large texts, which the page behind a link does not show.",
                remedy="Sign in, look at them on the page Approvals, and approve it there.",
            )
        return self._approvals.answer_link(approval, reason, approve=approve)

    def _signature(self, approval: Approval, ends: str) -> str:
        said = f"{approval.id} {approval.run_id} {approval.path} {approval.hash} {ends}"
        digest = hmac.new(self._secret(), _PURPOSE + said.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
