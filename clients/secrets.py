"""Redacts the secrets of this process from whatever a service returns, however they are spelled.

Services echo what they were sent: in refusals, redirects, headers and successful answers; whole or broken across lines,
escaped for a URL, JSON or HTML, in base64 or hex. None of that may reach logs, state, pages or the REST API.

`known` has the secrets of every account. Each reading of a text (`readings.py`) is searched for all of them at once by
one automaton, so the time depends on the text and hardly on the number of secrets.
"""

from __future__ import annotations

import base64
import binascii
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from clients.readings import merged, plain, readings, traced

SHORTEST = 8
"""A shorter word occurs in texts by chance; redacting it would corrupt them."""
SHORTEST_IN_DATA = 12
"""The same for data that people read and workflows process, which may contain any everyday word."""
GRACE_SECONDS = 2 * 3600.0
"""How long a replaced secret is still redacted: an access token lasts an hour, and late answers may echo it."""
_WINDOW, _OVERLAP = 1 << 18, 1 << 15
"""Texts are searched in windows: one that contains a secret costs some time and memory."""
_KEY, _BEFORE_KEY = 12, 3
"""The search key of a spelling: its length, and how many leading bytes, which an escape may swallow, it skips."""
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie"})


class _Finder:
    """Finds a set of secrets in bytes; compiled on the first search."""

    def __init__(self, secrets: frozenset[str]) -> None:
        self.secrets = secrets
        self._shortest = min(map(_letters, secrets), default=0)
        self._ready: tuple[Any, dict[bytes, list[bytes]], list[int]] | None = None

    def redacted(self, content: bytes) -> bytes:
        """Return the content with each secret replaced; the same object if there is none, as nearly always."""
        spans = list(self.spans(content))
        if not spans:
            return content
        kept, done = [], 0
        for begin, end in merged(spans):
            # In UTF-16 the letters of the replacement have two bytes as well.
            kept += [content[done:begin], b"*\0*\0*" if b"\0" in content[begin:end] else b"***"]
            done = end
        return b"".join((*kept, content[done:]))

    def spans(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Yield the positions of secrets."""
        if not self.secrets or len(content) < self._shortest:
            return
        for start in range(0, len(content), _WINDOW):
            window = content[start : start + _WINDOW + _OVERLAP]
            pattern = (self._ready or self._prepared())[0]
            for text, steps in readings(window):
                found = list(self._found(text)) if pattern.search(text) is not None else ()
                if found:
                    begins, ends = traced(window, steps)
                    yield from ((start + begins[begin], start + ends[end - 1]) for begin, end in found)

    def _found(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Yield the positions of spellings of secrets in a reading."""
        pattern, spellings, lengths = self._ready or self._prepared()
        at = pattern.search(text)
        while at is not None:
            start = at.start()
            for length in lengths:
                for word in spellings.get(text[start : start + length], ()):
                    begin = start - _before_key(word)
                    if begin >= 0 and text.startswith(word, begin):
                        yield begin, begin + len(word)
            at = pattern.search(text, start + 1)

    def _prepared(self) -> tuple[Any, dict[bytes, list[bytes]], list[int]]:
        import re2

        spellings: dict[bytes, list[bytes]] = {}
        for word in {plain(one) for secret in self.secrets for one in _spelled(secret)}:
            before = _before_key(word)
            spellings.setdefault(word[before : before + _KEY], []).append(word)
        options = re2.Options()
        options.max_mem, options.encoding = 64 << 20, re2.Options.Encoding.LATIN1  # arbitrary bytes
        re2.purge()  # type: ignore[no-untyped-call]  # else former patterns would be kept
        keys = b"|".join(map(re2.escape, sorted(spellings)))
        pattern = re2.compile(keys, options)  # type: ignore[no-untyped-call]
        self._ready = pattern, spellings, sorted({len(key) for key in spellings})
        return self._ready


def _before_key(word: bytes) -> int:
    return _BEFORE_KEY if len(word) >= SHORTEST + _BEFORE_KEY else 0


def _without(text: str, finder: _Finder) -> str:
    content = text.encode("utf-8", "surrogatepass")
    found = finder.redacted(content)
    return text if found is content else found.decode("utf-8", "surrogatepass")


def _spelled(secret: str) -> Iterator[bytes]:
    """Yield the spellings of a secret that are not escapes: other encodings, hex, base64."""
    content = secret.encode("utf-8", "surrogatepass")
    yield content
    yield content.hex().encode()
    yield from _in_base64(content)
    if " " in secret:
        yield content.replace(b" ", b"+")  # as in a form
    if not secret.isascii():
        yield content.decode("latin-1").encode()  # decoded with the wrong charset, as in headers
        if secret[0].isascii() and secret[-1].isascii():  # otherwise it could be part of a letter
            yield secret.encode("latin-1", "replace")


def _in_base64(content: bytes) -> Iterator[bytes]:
    """Yield what a secret contributes to base64 (RFC 4648) of a longer text, at any offset: 3 bytes make 4 letters."""
    for before in range(3):
        first, last = -(-8 * before // 6), 8 * (before + len(content)) // 6  # letters made only of its own bits
        if last - first >= SHORTEST:
            for coded in (base64.b64encode, base64.urlsafe_b64encode):
                yield coded(bytes(before) + content)[first:last]


class Secrets:
    """Values that must not appear in anything shown or kept. Thread-safe.

    Each belongs to a slot, such as an account. The current values of a slot are never forgotten; replaced ones are
    after a while.
    """

    def __init__(
        self,
        values: Iterable[str] = (),
        *,
        shortest: int = SHORTEST,
        shortest_in_data: int = SHORTEST_IN_DATA,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._shortest, self._shortest_in_data, self._clock = shortest, shortest_in_data, clock
        self._slots: dict[str, frozenset[str]] = {}
        self._former: dict[str, float] = {}
        """Replaced values, and when they were replaced."""
        self._in_text, self._in_data = _Finder(frozenset()), _Finder(frozenset())
        self.keep("", *values)

    def keep(self, slot: str, *values: str) -> None:
        """Replace the current secrets of a slot.

        One that is too short to be distinguished from an everyday word is ignored.
        """
        present = frozenset(value.strip() for value in values if _letters(value) >= self._shortest)
        if self._slots.get(slot, frozenset()) == present:
            return
        with self._lock:
            now = self._clock()
            self._former.update(dict.fromkeys(self._slots.get(slot, frozenset()), now))
            self._slots[slot] = present
            self._former = {one: at for one, at in self._former.items() if now - at < GRACE_SECONDS}
            found = frozenset(self._former).union(*self._slots.values())
            if found != self._in_text.secrets:
                self._in_text = _Finder(found)
                self._in_data = _Finder(frozenset(one for one in found if _letters(one) >= self._shortest_in_data))

    def keep_from(self, slot: str, headers: Mapping[str, str]) -> None:
        """Record the credentials in a request's headers."""
        words = {name: headers[name].rpartition(" ")[2] for name in headers if name.lower() in _CREDENTIALS}
        pairs = [_decoded(word) for name, word in words.items() if headers[name].lower().startswith("basic ")]
        if words:
            self.keep(slot, *words.values(), *(pair.partition(":")[2] for pair in pairs))

    def in_text(self, text: str) -> str:
        """Redact all of them in text for people, such as an error."""
        return _without(text, self._in_text)

    def in_data(self, text: str) -> str:
        """Redact secrets, except everyday words, in a text for workflows."""
        return _without(text, self._in_data)

    def in_each(self, texts: Sequence[str]) -> list[str]:
        """Do the same for several short texts, such as headers: they are only searched one by one if any has one.

        No escape goes on over the NUL between them, and joining them can only find more.
        """
        finder = self._in_data
        together = "\0".join(texts).encode("utf-8", "surrogatepass")
        return [*texts] if finder.redacted(together) is together else [_without(text, finder) for text in texts]

    def in_bytes(self, content: bytes) -> bytes:
        """Redact secrets, except everyday words, in an answer's bytes; everything else stays the same."""
        return self._in_data.redacted(content)

    def are_in(self, content: bytes) -> bool:
        """Return whether bytes contain one that is not an everyday word."""
        return next(self._in_data.spans(content), None) is not None

    def in_json(self, value: Any) -> Any:
        """Redact secrets, except everyday words, in a JSON value."""
        if isinstance(value, str):
            return self.in_data(value)
        if isinstance(value, list):
            return [self.in_json(each) for each in value]
        if isinstance(value, dict):
            return {self.in_data(name): self.in_json(each) for name, each in value.items()}
        return value


def _letters(secret: str) -> int:
    """Return how many characters it can be found by."""
    return len("".join(secret.split()))


def _decoded(word: str) -> str:
    try:
        return base64.b64decode(word, validate=True).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return ""


known = Secrets()
"""The secrets of every connection opened, and of every request sent."""
