"""The JSON that every part of the API shares: what callers send is read strictly, and every refusal has one form."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=64, examples=["inbox-triage"])]


class Sent(BaseModel):
    """What a caller sends: no key that we do not know, no value bent into shape."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ErrorView(BaseModel):
    """Why a request was refused, and what to do next."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["UnknownName"])
    message: str
    remedy: str


class Refusal(BaseModel):
    """The one form of every refusal."""

    error: ErrorView
