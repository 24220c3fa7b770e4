"""`tokens`: what its commands tell a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from commands.base.derived import Area, CalledWith
from commands.base.later_groups import Command, LaterGroup
from commands.base.screen import local_time, note, raw, say, table

if TYPE_CHECKING:
    from engine.people.api_tokens import ApiToken, NewToken


def _commands() -> Sequence[Command]:
    from engine.people.api_tokens import ApiTokens

    area = Area("users.api_tokens")
    return [
        area.command(ApiTokens.create, _made),
        area.command(ApiTokens.list, _tokens),
        area.command(ApiTokens.revoke, lambda _id, _given: say("The token is revoked.")),
    ]


group = LaterGroup("API tokens, for programs.", _commands)


def _made(made: NewToken, given: CalledWith) -> None:
    end = _end(made, given.zone)
    note(f"The API token {made.name} of {made.user_id}, {_acts(made)}, until {end}. It is shown only now.")
    raw(f"{made.token}\n")


def _tokens(found: Sequence[ApiToken], given: CalledWith) -> None:
    zone = given.zone
    rows = [
        [one.id, _acts(one), _end(one, zone) if one.is_valid else "has ended", _at(one.used_at, zone), one.name]
        for one in found
    ]
    if rows:
        table(["TOKEN", "ACTS", "ENDS", "LAST USE (TO THE HOUR)", "NAME"], rows)
    else:
        say(f"{given.values['user_id']} has no API tokens. `orchestra tokens create NAME` makes one.")


def _acts(token: ApiToken) -> str:
    return f"as {token.role or 'the user'}{', only /mcp' if token.mcp_only else ''}"


def _end(token: ApiToken, zone: str) -> str:
    return "it is revoked" if token.ends_at is None else local_time(token.ends_at.isoformat(), zone)


def _at(moment: datetime | None, zone: str) -> str:
    return "never" if moment is None else local_time(moment.isoformat(), zone)
