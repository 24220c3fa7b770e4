"""Mails whose labels are read or changed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Names = dict[str, list[str]]
"""Label names by mail id."""


class LabelledMails(Struct, frozen=True):
    """A mail, or all mails of a thread."""

    kind: Literal["messages", "threads"]
    id: str
