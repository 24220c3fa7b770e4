"""Mails that are not written if somebody else has answered in the meantime: what the steps that write mails share.

The client has `answers`, as for `waiting.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.plugins.step import Call, JsonValue, NotWanted, Prompts, StepType, option

ANSWERED = "Somebody has answered in the meantime."
_FIELD = "only_if_unanswered"


def only_if_unanswered() -> Any:
    """Declare the field: the conversation is read right before the mail is written."""
    return option("Only if nobody else has answered in the meantime", default=False)


class FollowUp(StepType):
    """Base of the steps that have the field `only_if_unanswered`."""

    def may_be_unwanted(self, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether the field is set, or may be."""
        return arguments.get(_FIELD, False) is not False

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require `in_reply_to` if `only_if_unanswered` is set, in steps that have both."""
        return follow_up_problems(arguments) if "in_reply_to" in self.fields.model_fields else []

    def require_unanswered(self, call: Call, message: str) -> None:
        """Raise NotWanted if the field is set, and somebody else has written in the conversation since a mail.

        Without a mail ("") there is nothing to look at.
        """
        if not message or not getattr(call.fields, _FIELD, False):
            return
        answers = call.client.answers
        if any(not mail["is_auto_reply"] for mail in answers.found(answers.to_mail(message))):
            raise NotWanted(ANSWERED, service=self.service or "")


def follow_up_problems(arguments: Mapping[str, JsonValue]) -> list[tuple[str, str]]:
    """Return the problem of a mail with the field that answers or follows up none."""
    if arguments.get(_FIELD, False) is False or arguments.get("in_reply_to"):
        return []
    return [(_FIELD, "`only_if_unanswered` needs the mail to follow up in `in_reply_to`.")]
