"""Whether a mail is from its sender, as the server that received it has found (RFC 8601, `Authentication-Results`).

A sender can write such headers, too. They are below those of the receiving server, which puts its own on top.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from clients.mail.parts import Part, shown

_MOST = 10_000
"""Characters of such a header that are read."""
_RESULTS = frozenset("pass fail none neutral softfail policy temperror permerror".split())
_OTHER_NAMES = {"hardfail": "fail", "bestguesspass": "none"}
"""An older name (RFC 8601 2.7.2), and what Microsoft writes where a domain has no DMARC policy."""
_RESULT = re.compile(r"\s*(spf|dkim|dmarc)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)(?=\s|$)", re.IGNORECASE)
_PIECE = re.compile(r'\\.|["();]|[^\\"();]+|\\', re.DOTALL)


class ReceivingServer(Struct, frozen=True):
    """The server that received a mail, by the ids with which it writes its results."""

    ids: tuple[str, ...] = ()
    """In lower case: "" for a header without an id, `.example.org` for all below it. None at all: any id."""
    writes_several: bool = False
    """Whether it writes a header for each check, and removes those with its id from mails that arrive."""

    def wrote(self, server: str) -> bool:
        """Return whether this id is the server's."""
        return not self.ids or any(one == server or (one[:1] == "." and server.endswith(one)) for one in self.ids)


ANY = ReceivingServer()
"""A server of which nothing is known: the topmost header counts."""


class _Header(Struct, frozen=True):
    server: str
    results: dict[str, str]


def authentication_of(payload: Part, receiver: ReceivingServer = ANY) -> dict[str, str]:
    """Return {server, spf, dkim, dmarc}: the id that the receiving server gives itself, and its results.

    A result is "" if that server tells none. With several signatures, `dkim` is `pass` if any of them is valid.
    """
    topmost = [*_topmost(payload)]
    looked_at = topmost if receiver.writes_several else topmost[:1]
    own = [one for one in map(_read, looked_at) if receiver.wrote(one.server)]
    found = {name: next(filter(None, (one.results[name] for one in own)), "") for name in ("spf", "dkim", "dmarc")}
    return {"server": shown(own[0].server) if own else "", **found}


def _topmost(payload: Part) -> Iterator[str]:
    """Yield the topmost header, and those below it that the same server may have written: no hop is between them."""
    has_begun = False
    for entry in payload.get("headers") or []:
        name = str(entry.get("name", "")).lower()
        if has_begun and name == "received":
            return
        if name == "authentication-results":
            has_begun = True
            yield str(entry.get("value", ""))


def _read(value: str) -> _Header:
    """Read a header in both ways in which programs read a quotation mark in a comment; only what both tell counts.

    The address of a sender is part of such comments: `"x) ; dmarc=pass ("@example.org`.
    """
    one, other = (_read_so(value, quotes_in_comments=yes) for yes in (False, True))
    results = {name: told if told == other.results[name] else "" for name, told in one.results.items()}
    return _Header(one.server, results)


def _read_so(value: str, *, quotes_in_comments: bool) -> _Header:
    statements = _statements(value[:_MOST], quotes_in_comments=quotes_in_comments)
    if len(value) > _MOST:
        statements.pop()  # it may be cut
    words = statements[0].lower().split() if statements and "=" not in statements[0] else []
    server = next(iter(words), "")
    told: dict[str, list[str]] = {"spf": [], "dkim": [], "dmarc": []}
    for statement in statements:
        if found := _RESULT.match(statement):
            result = found[2].lower()
            result = _OTHER_NAMES.get(result, result)
            told[found[1].lower()].append(result if result in _RESULTS else "")
    several = told.pop("dkim")
    dkim = "pass" if "pass" in several else next(iter(several), "")
    return _Header(server, {"dkim": dkim, **{name: _worst(results) for name, results in told.items()}})


def _worst(results: list[str]) -> str:
    """Return the result of a check that is made once: if it is told more than once, somebody else may have told it."""
    return next((one for one in results if one != "pass"), "pass") if results else ""


def _statements(value: str, *, quotes_in_comments: bool) -> list[str]:
    """Return what is between semicolons, without comments; a quoted text is only its marks."""
    found, depth, is_quoted = [""], 0, False
    for piece in _PIECE.findall(value):
        if piece == '"' and (not depth or quotes_in_comments):
            is_quoted = not is_quoted
            found[-1] += "" if depth else piece
        elif is_quoted:
            continue
        elif piece in "()":
            depth = max(0, depth + (1 if piece == "(" else -1))
            found[-1] += " "
        elif piece == ";" and not depth:
            found.append("")
        elif not depth:
            found[-1] += piece
    return found
