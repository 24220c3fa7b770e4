"""What a question about a call says, and who may answer it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NotRequired

from typing_extensions import ReadOnly, TypedDict

from engine.base.json_text import JsonObject
from engine.plugins.step import Preview


@dataclass(frozen=True)
class AskedSource:
    """What the text from outside in a call comes from: one mail, issue or page."""

    thing: str
    """In one word: "mail"."""
    sender: str = ""
    """Who wrote it; empty, like the others, if the object is not known or does not say so."""
    subject: str = ""
    at: str = ""
    """When it was written (RFC 3339)."""
    text: str = ""
    is_unconfirmed: bool = False
    """Whether the server that received the mail could not confirm its sender (DMARC failed)."""


@dataclass(frozen=True)
class AskedCall:
    """A call for which a run asks a person, exactly as it will be made."""

    uses: str
    title: str
    """What the step type does, in words."""
    connection: str | None
    account: str
    """The identity of the account; empty if it needs none."""
    account_name: str
    """Its name for people; may be empty."""
    mode: str
    """`demo` or `mine`."""
    identity: str
    """The identity under which a write happens once; empty for a read."""
    arguments: JsonObject
    """The fields; large values are names of files."""
    outside: Mapping[str, str]
    """The fields that may contain text from outside, each with where it comes from."""
    cost_usd: float | None
    """What the run has spent on models so far; None if a price is not known."""
    allow: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The values that the step allows for a field, by name; an edit is checked against them, too."""
    preview: Preview | None = None
    """What the call would do, and to what, read when the person was asked; None if the arguments say it all."""
    unreadable: str = ""
    """Why that could not be read; the approval is then about the arguments alone."""
    plan: str = ""
    """The plan that has shown the call, which is only made as it was shown; empty without a plan."""
    notes: Sequence[str] = ()
    """What was done to its texts, in sentences: what a service would refuse was shortened, links were taken out."""
    again: str = ""
    """If it was approved before: what has changed since, so that it is asked again."""
    is_edited: bool = False
    """Whether it was approved as edited before: the arguments come from the edit."""
    source: AskedSource | None = None
    """The only source of its text from outside; None if there are several, or none."""

    @classmethod
    def parse(cls, text: str) -> AskedCall:
        """Return a call as it was stored (JSON)."""
        told = json.loads(text)
        preview, source = told.get("preview"), told.get("source")
        return cls(
            **{
                **told,
                "preview": None if preview is None else Preview(**preview),
                "source": None if source is None else AskedSource(**source),
            }
        )


class Terms(TypedDict):
    """Who may answer a question, and how."""

    by: ReadOnly[Sequence[str]]
    """Roles, users and `not_self`; empty: everybody who may start runs."""
    started_by: ReadOnly[str]
    """Who started the run."""
    changed_by: NotRequired[ReadOnly[Sequence[str]]]
    """Who let it continue with another definition."""
    on_expiry: ReadOnly[Literal["reject", "continue", "send"]]
    """`send`: it is about a mail that goes out then, unless somebody has rejected it."""
    approved_before: NotRequired[ReadOnly[str]]
    """Of such a mail: the id of the question with which its call was approved; empty if it asked nobody."""
    give: NotRequired[ReadOnly[Mapping[str, float]]]
    """Amounts that the person may change, by name, as they are proposed."""
    may_refuse: NotRequired[ReadOnly[bool]]
    """Whether a rejection is an answer, and no failure of the step."""
