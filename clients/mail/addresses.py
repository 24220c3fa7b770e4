"""Parses and writes address headers: structure first (RFC 5322 3.4), encoded words second (RFC 2047 6.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.mail.domains import compared_domain, is_host
from clients.mail.length import cut_note
from clients.mail.parts import WORD, shown

HEADER_MOST = 60_000
"""Characters of an address header that are read: two thousand addresses."""
_KNOWN_MOST = 1_000
"""Characters of an address header that is remembered once it was read."""
# Possessive quantifiers: a long header from an untrusted sender must not cause backtracking.
_TOKEN = re.compile(
    rf"(?P<word>{WORD.pattern})"
    r'|(?P<quoted>"(?>(?:[^"\\]++|\\.)*)")'
    r'|(?P<angle><[^<>"]{0,500}+(?:"(?>(?:[^"\\]|\\.){0,200})"[^<>"]{0,500}+)?>)'
    r"|(?P<comment>\((?>(?:[^()\\]++|\\.|\([^()]*+\))*)\))"
    r"|(?P<separator>[,;])"
    r'|(?P<text>\\.|[^"\\<(,;=]++|.)',
    re.DOTALL,
)
_ATOM = r'[^\s<>()\[\]:;@\\,"]+'
_SPEC = re.compile(rf'(?:{_ATOM}|"(?:[^"\\]|\\.)*")@(?:{_ATOM}|\[[^\s\[\]<>@,;"]*\])')
_ROUTE = re.compile(r"\s*(?:@[^:<>]*|mailto):")
_GROUP = re.compile(r'([^:@<>"]*):')
_COMMENTS = re.compile(r"\((?>(?:[^()\\]++|\\.|\([^()]*+\))*)\)")
_LOOSE = re.compile(r"\s*([@.])\s*")
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_SPECIALS = re.compile(r'[][()<>:;@\\,"]|=\?')
_DOMAIN = re.compile(r"@?[^\s@]+\.[^\s@.]+")
_AT = re.compile(r"\S@\S")
_REMEDY = (
    "Separate addresses with commas; put a name that contains an address or brackets in quotes, "
    'such as "Ann (Example)" <ann@example.com>.'
)


class Address(Struct, frozen=True):
    """One entry of a header; `spec` is its address as written, never decoded, or "" if it has none."""

    name: str
    spec: str

    def __str__(self) -> str:
        """Return text that parses back to the same address, with any name."""
        name = self.name if self.spec else self.name.replace("@", " at ")
        if _SPECIALS.search(name):
            # Programs decode encoded words even in quotes, although RFC 2047 5 forbids it.
            escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("=?", "= ?")
            name = f'"{escaped}"'
        return " ".join(filter(None, [name, f"<{self.spec}>" if name and self.spec else self.spec]))


class _Token(Struct, frozen=True):
    kind: str
    raw: str

    @property
    def text(self) -> str:
        """Return the entry for display."""
        if self.kind == "quoted":
            return _PAIR.sub(r"\1", self.raw[1:-1])
        return self.raw


def parsed(value: str) -> list[Address]:
    """Parse an address header as far as possible; an unquoted name may contain a comma."""
    # The record of a mail reads its few headers of addresses eight times.
    return [*(_known(value) if len(value) <= _KNOWN_MOST else _parsed(value))]


@lru_cache(maxsize=256)
def _known(value: str) -> tuple[Address, ...]:
    return tuple(_parsed(value))


def _parsed(value: str) -> list[Address]:
    found: list[Address] = []
    waiting: list[_Token] = []
    for entry in _entries(value[:HEADER_MOST]):
        one = _read(entry)
        if not one.spec:
            waiting += [*entry, _Token("text", ",")] if one.name.strip("<>") and not _is_comment(entry) else []
            continue
        if any(token.kind == "angle" for token in entry):
            one = _read([*waiting, *entry])
        found.append(one)
        waiting = []
    rest = _read(waiting[:-1])
    return [*found, rest] if rest.name else found


def specs(value: str) -> list[str]:
    """Return the addresses alone, without names."""
    return [one.spec for one in parsed(value) if one.spec]


def sender_in(value: str) -> Address | None:
    """Return the one sender of a `From`: the last address in brackets, with everything before it as the name.

    Gmail decodes encoded words in headers, so a name may contain commas and addresses. Returns None if no address is
    in brackets, or the header is too long to read.
    """
    tokens = _tokens(value) if len(value) <= HEADER_MOST else []
    one = _read(tokens)
    return one if one.spec and any(token.kind == "angle" for token in tokens) else None


def one_sender(values: Sequence[str]) -> Address | None:
    """Return the sender of a mail if its `From` headers name one address and nothing else that may be one.

    Programs differ in whom they show of several senders, or of a header that is there twice (RFC 5322 3.6 allows one
    sender or more, but one header), and some end a text at a NUL.
    """
    if len(values) != 1 or len(values[0]) > HEADER_MOST or "\0" in values[0]:
        return None
    found = parsed(values[0])
    addresses = {compared(one.spec) for one in found}
    is_clear = len(addresses) == 1 and all(map(_names_one_at_most, _entries(values[0])))
    return (sender_in(values[0]) or found[0]) if is_clear and found[0].spec else None


def _names_one_at_most(entry: Sequence[_Token]) -> bool:
    """Return whether no part of an entry but its address may be an address; a name in quotes may be anything."""
    angles = [token for token in entry if token.kind == "angle" and "@" in token.raw]
    if _read(entry).spec:
        return len(angles) < 2
    return not angles and all("@" not in token.raw for token in entry if token.kind == "text")


def shown_sender(values: Sequence[str]) -> str:
    """Return the `From` headers of a mail for display: as an address only if they name one sender.

    Otherwise, each `@` is written as ` at `, so that nobody takes one of several for the sender.
    """
    one = one_sender(values)
    return shown_addresses(", ".join(values))[0].replace("@", " at ") if one is None else str(one)


def may_be_from(header: str, wanted: str) -> bool:
    """Return whether the sender of a mail has the address or the domain that a filter names.

    A search for such a text also finds it in names, which whoever writes a mail chooses. True for any other text.
    Case does not count, and an international domain is the same in both of its forms. A mail with several senders is
    from none of them.
    """
    wanted, senders = wanted.strip(), {compared(one) for one in specs(header)}
    if named := {compared(one) for one in specs(wanted)}:
        return len(senders) == 1 and senders <= named
    if _DOMAIN.fullmatch(wanted):
        return len(senders) == 1 and senders.pop().endswith(compared(wanted))
    return True


def compared(address: str) -> str:
    """Return an address, or a domain as `@example.org`, in the form that all its spellings share."""
    # Not `casefold`: it takes `straße` and `strasse` for the same, which are two mailboxes, and two domains.
    local, _, domain = address.lower().rpartition("@")
    return f"{local}@{compared_domain(domain)}"


def names_sender(wanted: str) -> bool:
    """Return whether a text names an address, or a domain, that `may_be_from` can compare a sender with."""
    found = specs(wanted)
    if not found:
        return bool(_DOMAIN.fullmatch(wanted.strip())) and is_host(wanted.strip().removeprefix("@"))
    parts = [one.rpartition("@") for one in found]
    return all("*" not in local and (domain.startswith("[") or is_host(domain)) for local, _, domain in parts)


def shown_addresses(value: str) -> tuple[str, int]:
    """Return an address header for display, and how many of its characters were not read.

    Each entry parses back to the same address. A header that is too long is cut between two addresses and then ends
    with a note, which cannot be taken for an address.
    """
    kept = value
    if len(value) > HEADER_MOST:
        entries = _entries(value[:HEADER_MOST])[:-1]
        kept = ",".join("".join(token.raw for token in entry) for entry in entries)
    empty = _GROUP.fullmatch(kept.strip().removesuffix(";")) if kept.strip().endswith(":;") else None
    if empty:
        return f"{shown(empty[1])}:;", 0
    told = ", ".join(map(str, parsed(kept)))
    if len(kept) < len(value):
        told = f"{told}, {cut_note(len(kept), len(value))}"
    return told, len(value) - len(kept)


def recipients(field: str, values: Sequence[str]) -> list[Address]:
    """Parse a mail's recipients strictly: anything ambiguous raises InvalidRequest."""
    found = [one for value in values for one in _recipients(field, value)]
    if not found:
        raise InvalidRequest(f"{field}: there is no mail address in {', '.join(values)[:100]!r}.", remedy=_REMEDY)
    return found


def _recipients(field: str, value: str) -> Iterator[Address]:
    if any(ord(sign) < 32 for sign in value):
        raise InvalidRequest(
            f"{field}: {value[:100]!r} is not a mail address: it contains more than one line.", remedy=_REMEDY
        )
    entries = [entry for entry in _split(_tokens(value), ",") if _raw(entry)]
    if len(entries) > 1 and all(map(_is_words, entries[:-1])):
        entries = [_tokens(value)]  # `Doe, Jane <jane@example.com>`
    for entry in entries:
        one = _read(entry)
        _check(field, value, _raw(entry), entry, one)
        yield one


def _check(field: str, value: str, raw: str, entry: Sequence[_Token], one: Address) -> None:
    outside = "".join(token.raw for token in entry if token.kind in {"text", "comment", "separator"})
    angles = sum(token.kind == "angle" for token in entry)
    place = f"{raw[:100]!r} in {value[:100]!r}" if raw != value.strip() else repr(value[:100])
    is_named_so = outside.strip() == one.spec  # `ann@example.com <ann@example.com>`, as people paste it
    if angles > 1 or (angles and not is_named_so and (_AT.search(outside) or "<" in outside)):
        raise InvalidRequest(f"{field}: {place} holds more than one address, without a comma.", remedy=_REMEDY)
    if not one.spec or one.spec not in raw or (angles and '"' in outside):
        raise InvalidRequest(f"{field}: {place} is not a mail address.", remedy=_REMEDY)


def _is_words(entry: Sequence[_Token]) -> bool:
    return all(token.kind in {"text", "word"} and not set(token.raw) & set('@<>"') for token in entry)


def _tokens(value: str) -> list[_Token]:
    return [_Token(str(found.lastgroup), found[0]) for found in _TOKEN.finditer(value)]


def _split(tokens: Sequence[_Token], separators: str) -> list[list[_Token]]:
    entries: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind == "separator" and token.raw in separators:
            entries.append([])
        else:
            entries[-1].append(token)
    return entries


def _entries(value: str) -> list[list[_Token]]:
    """Return the tokens of each entry; groups (`Team: a@b.example, c@d.example;`) are flattened."""
    entries = _split(_tokens(value), ",;")
    if any(token == _Token("separator", ";") for token in _tokens(value)):
        return [_without_group(entry) for entry in entries]
    return entries


def _without_group(entry: list[_Token]) -> list[_Token]:
    """Drop the name of a group, which may contain comments and quotes."""
    for place, token in enumerate(entry):
        if token.kind == "text" and (found := _GROUP.match(token.raw)):
            return [_Token("text", token.raw[found.end() :]), *entry[place + 1 :]]
        if token.kind == "angle" or (token.kind == "text" and "@" in token.raw):
            break
    return entry


def _is_comment(entry: Sequence[_Token]) -> bool:
    return all(token.kind == "comment" or not token.raw.strip() for token in entry)


def _raw(entry: Sequence[_Token]) -> str:
    return "".join(token.raw for token in entry).strip()


def _read(entry: Sequence[_Token]) -> Address:
    """Parse one entry: `name <address>`, `address`, `address (name)`; of two in brackets the last is the address."""
    for place in range(len(entry) - 1, -1, -1):
        if entry[place].kind == "angle" and (spec := _spec_within(entry[place].raw)):
            others = [*entry[:place], *entry[place + 1 :]]
            return Address(_name([token for token in others if token.raw.strip() not in {"<", ">"}]), spec)
    spec = _spec(_raw([token for token in entry if token.kind != "comment"]))
    return Address(_name([token for token in entry if not spec or token.kind == "comment"]), spec)


def _spec(text: str) -> str:
    text = text.strip()
    return text if _SPEC.fullmatch(text) and text.isprintable() else ""


def _spec_within(angles: str) -> str:
    """Return the address in angle brackets, which may contain blanks and comments (RFC 5322 4.4)."""
    text = _ROUTE.sub("", angles[1:-1])
    return _spec(text) or _spec(_LOOSE.sub(r"\1", _COMMENTS.sub("", text)))


def _name(tokens: Sequence[_Token]) -> str:
    words = "".join(token.text for token in tokens if token.kind != "comment")
    if not words.strip():
        words = " ".join(token.raw[1:-1] for token in tokens if token.kind == "comment")
    return " ".join("".join(sign for sign in shown(words) if sign.isprintable()).split())
