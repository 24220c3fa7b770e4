"""Functions of text: letters, lines, and the forms in which other programs write text."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from clients.models.loose_json import strict_json
from engine.expressions.functions.refused import RefusedValue, cited

LONGEST_PADDED = 1_000
"""Characters to which `pad` fills up."""
_DEEPEST_JSON = 64
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=_\s-]")
_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figure footer form header hr li main nav ol p pre section table"
    " td th tr ul h1 h2 h3 h4 h5 h6".split()
)
_IDS = uuid.UUID("8d8ac610-566d-4ef0-9c22-186b2a5ed793")
"""The name space of our ids (RFC 9562, 6.6): one of our own, drawn once."""


def titled(text: str) -> str:
    """Return the text with the first letter of each word in upper case, all others in lower case."""
    return _WORD.sub(lambda word: word[0][:1].upper() + word[0][1:].lower(), text)


def padded(text: str, length: int, filling: str = " ") -> str:
    """Return the text filled up on its left to a number of characters. Raises RefusedValue."""
    if len(filling) != 1 or not 0 <= length <= LONGEST_PADDED:
        said = f"pad() takes a length up to {LONGEST_PADDED:,} and one character; not {length} and {cited(filling)}."
        raise RefusedValue(said, "Write it like pad(x, 5, '0').")
    return text.rjust(length, filling)


def truncated(text: str, length: int) -> str:
    """Return the text; if it is longer than `length`, cut to this many characters with "…". Raises RefusedValue."""
    if length < 1:
        raise RefusedValue(f"A text cannot be cut to {length} characters.", "Give a number from 1 on.")
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def lines(text: str) -> list[str]:
    """Return the lines of a text, without their ends; a last line end begins no line."""
    found = _LINE_END.split(text)
    return found[:-1] if found[-1] == "" else found


def address(text: str) -> str:
    """Return the mail address of a sender in lower case, without the name; "" if there is none, or several."""
    from clients.mail.addresses import specs

    found = specs(text)
    return found[0].lower() if len(found) == 1 else ""


def without_html(text: str) -> str:
    """Return what a reader sees of HTML as plain text, a line for each paragraph, cell and item."""
    from clients.mail.html import tidy, visible_tree

    shown = tidy("".join(_pieces(visible_tree(text))))
    return "\n".join(filter(None, map(str.strip, shown.split("\n"))))


def _pieces(tree: Any) -> Iterator[str]:
    """Yield the texts of a tree, with line ends around its blocks, in one pass: the tree is not changed."""
    from bs4.element import CData, NavigableString

    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if type(one) in (str, NavigableString, CData):  # comments and the like are subclasses of these, and not shown
            yield str(one)
        elif not isinstance(one, str):
            around = ["\n"] * (one.name in _BLOCKS)
            waiting += [*around, *reversed(one.contents), *around]  # the last is taken out first


def parsed_json(text: str) -> Any:
    """Return the value that a text is the JSON of (RFC 8259). Raises RefusedValue with the place of the mistake."""
    remedy = "Take only the JSON out of the text, for example with substring() or regex.extract()."
    try:
        found = strict_json(text.removeprefix("\ufeff"))
    except ValueError as error:
        raise RefusedValue(f"The text {cited(text)} is not JSON: {error}.", remedy) from None
    if _depth(found) > _DEEPEST_JSON:
        raise RefusedValue(f"The JSON is nested deeper than {_DEEPEST_JSON} levels.", "Read it in a code step.")
    return found


def url_encoded(text: str) -> str:
    """Return the text as part of an address: all but letters, digits and `-._~` as %XX of UTF-8 (RFC 3986, 2.1)."""
    return quote(_bytes(text), safe="")


def url_decoded(text: str) -> str:
    """Return the text of a part of an address: %XX decoded as UTF-8, `+` kept. Raises RefusedValue."""
    try:
        return unquote_to_bytes(_bytes(text)).decode()
    except UnicodeDecodeError:
        raise RefusedValue(
            f"{cited(text)} is not UTF-8 in %XX.", "Decode it where its charset is known, for example in a code step."
        ) from None


def base64_encoded(text: str) -> str:
    """Return the Base64 of a text in UTF-8 (RFC 4648, 4)."""
    return base64.b64encode(_bytes(text)).decode()


def base64_decoded(text: str) -> str:
    """Return the text in UTF-8 whose Base64 is given (RFC 4648, 4 and 5), also without padding. Raises RefusedValue."""
    remedy = "Only text can be decoded here; keep files as files (file.write, attachments)."
    plain = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        if _NOT_BASE64.search(text):
            raise ValueError(text)
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except UnicodeDecodeError:
        raise RefusedValue(f"What {cited(text)} encodes is not text in UTF-8.", remedy) from None
    except (ValueError, binascii.Error):
        raise RefusedValue(
            f"{cited(text)} is not Base64.", "Give only what is encoded, without words such as `data:…;base64,`."
        ) from None


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8 as 64 hexadecimal digits (FIPS 180-4)."""
    return hashlib.sha256(_bytes(text)).hexdigest()


def hmac_sha256(text: str, key: str) -> str:
    """Return the HMAC of a text with a key, both in UTF-8, as 64 hexadecimal digits (RFC 2104 with SHA-256)."""
    return hmac.new(_bytes(key), _bytes(text), "sha256").hexdigest()


def id_of(text: str) -> str:
    """Return a UUID that is always the same for a text (RFC 9562, version 5): a run that is resumed gets it again."""
    return str(uuid.uuid5(_IDS, _bytes(text).decode()))


def _bytes(text: str) -> bytes:
    """Return a text in UTF-8, with ? for half a character, which a model that is cut off may leave."""
    return text.encode("utf-8", "replace")


def _depth(value: Any) -> int:
    level, found = [value], 0
    while level:
        level = [
            inner for one in level if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]  # fmt: skip
        found += 1
    return found
