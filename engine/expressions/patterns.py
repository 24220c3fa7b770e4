"""Regular expressions from files and users, run by RE2: their time is linear in text and pattern.

Python's own engine can take for ever on forty characters; RE2 has neither look-around nor back-references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

from engine.expressions.functions.refused import RefusedValue, cited

LONGEST = 2_000
"""Characters of a pattern."""
LARGEST_PROGRAM = 20_000
"""Steps of a pattern after its repetitions are expanded."""
MOST_PATTERNS = 400
"""Different patterns of one file or schema; below the size of the cache, so that none is compiled repeatedly."""
MOST_STEPS_TOGETHER = 1_000_000
"""Steps of all patterns of one file or schema: about a second of compiling."""
_STEPS_OF_A_REFUSED = 50_000
"""The steps charged for a pattern that turns out to be unusable."""
_MEMORY_BYTES = 4 * 1024 * 1024  # for a pattern and the states that RE2 keeps of it while it searches
_REFERENCE = re.compile(r"\\(.?)", re.DOTALL)
_CODE_UNIT = re.compile(r"(\\\\)|\\u([0-9A-Fa-f]{4})|\\u\{([0-9A-Fa-f]{1,6})\}|\(\?<(?![=!])")
_UNSUPPORTED = (
    (("(?=", "(?!", "(?<=", "(?<!"), "it looks ahead or behind, which patterns here cannot. Say it with two patterns."),
    (("invalid escape sequence: \\Z",), "there is no \\Z here. Write $ or \\z for the end."),
    (("invalid escape sequence: \\",), "an escape in it is unknown, or refers back to a group. Write it out."),
    (("invalid repetition size",), "it repeats more than 1,000 times, nested repetitions multiplied. Repeat less."),
    (("bad repetition operator",), "two repetitions stand in a row. Put the first one in brackets."),
    (("pattern too large",), "it is too large. Repeat less, or use maxLength."),
)


class BadPattern(ValueError):
    """The pattern cannot be used; the text says why and what to do."""


class TooManyPatterns(Exception):
    """The patterns of a file or schema take too long to compile; `message` and `remedy` are for people."""

    def __init__(self, message: str, remedy: str, within: object) -> None:
        """`within` is the object yielded by the `counted_patterns` whose limit was reached."""
        super().__init__(f"{message} {remedy}")
        self.message, self.remedy, self.within = message, remedy, within


class _Compiling:
    """The patterns compiled so far for one file or schema."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._steps = 0

    def count(self, source: str, steps: int) -> None:
        """Count a pattern when it is first used. Raises TooManyPatterns."""
        if source in self._seen:
            return
        self._seen.add(source)
        self._steps += steps
        if len(self._seen) > MOST_PATTERNS:
            raise TooManyPatterns(
                f"There are more than {MOST_PATTERNS:,} different patterns here.",
                "Use the same pattern more often.",
                self,
            )
        if self._steps > MOST_STEPS_TOGETHER:
            raise TooManyPatterns(
                f"Written out, the patterns here have more than {MOST_STEPS_TOGETHER:,} steps together.",
                "Repeat less in them, or use maxLength.",
                self,
            )


_compiling: ContextVar[tuple[_Compiling, ...]] = ContextVar("whose patterns are counted", default=())


@contextmanager
def counted_patterns() -> Iterator[object]:
    """Limit the number and total size of the patterns used inside the block. Raises TooManyPatterns."""
    own = _Compiling()
    token = _compiling.set((*_compiling.get(), own))
    try:
        yield own
    finally:
        _compiling.reset(token)


class Pattern:
    """A compiled pattern."""

    def __init__(self, compiled: Any) -> None:
        self.compiled = compiled
        """With the methods of `re.Pattern`; its texts must be `encodable`."""

    @property
    def steps(self) -> int:
        """Return the maximum work per character."""
        return int(self.compiled.programsize)

    def is_found_in(self, text: str) -> bool:
        """Return whether any part of the text matches, as JSON Schema defines it."""
        return self.compiled.search(encodable(text)) is not None


def pattern(source: str) -> Pattern:
    """Compile a pattern in the syntax of JSON Schema (ECMA 262), as far as RE2 supports it.

    Raises BadPattern, and TooManyPatterns inside `counted_patterns`.
    """
    steps = _STEPS_OF_A_REFUSED
    try:
        found = _compiled(source)
        steps = found.steps
    finally:
        for one in _compiling.get():
            one.count(source, steps)
    return found


def encodable(text: str) -> str:
    """Return a text with ? for each half of a character, which RE2 refuses: a model may be cut off between the two."""
    return text.encode("utf-8", "replace").decode()


def extracted(text: str, source: str) -> list[str]:
    """Return the first match of an RE2 pattern, or of its only group, in a list; [] without a match.

    As cel-go's `regex.extract` (ext/regex.go), which gives an optional. Raises RefusedValue.
    """
    return next(([one] for one in _matches(text, source)), [])


def extracted_text(text: str, source: str) -> str:
    """Return the first match of an RE2 pattern, or of its only group; "" without a match. Raises RefusedValue."""
    return next(_matches(text, source), "")


def extracted_all(text: str, source: str) -> list[str]:
    """Return all matches of an RE2 pattern, or of its only group. Raises RefusedValue."""
    return list(_matches(text, source))


def replaced(text: str, source: str, new: str) -> str:
    r"""Return the text with each match of an RE2 pattern replaced; `\1` is its first group, `\\` a backslash.

    Raises RefusedValue.
    """
    compiled = _usable(source)
    places = list(_REFERENCE.finditer(new))
    for place in places:
        if place[1] != "\\" and not (place[1].isdigit() and int(place[1]) <= compiled.groups):
            said = f"{place[0]!r} in the new text is no group of the pattern, which has {compiled.groups}."
            raise RefusedValue(said, r"Write \1 for the first pair of brackets, and \\ for a backslash.")

    def written(found: Any) -> str:
        return _REFERENCE.sub(lambda place: "\\" if place[1] == "\\" else found[int(place[1])] or "", new)

    made, behind, size = [], 0, 0
    for found in compiled.finditer(encodable(text)):
        made += [text[behind : found.start()], written(found)]
        size += len(made[-1])
        if size > max(6 * len(text), 1_000_000):  # 6: the `growth` that its row in the table of functions allows
            raise RefusedValue("The new text makes the result too long.", "Take less at once.")
        behind = found.end()
    return "".join([*made, text[behind:]])


def _usable(source: str) -> Any:
    try:
        return pattern(source).compiled
    except BadPattern as error:
        raise RefusedValue(f"The pattern {cited(source)} cannot be used: {error}", "Patterns are RE2.") from None


def _matches(text: str, source: str) -> Iterator[str]:
    compiled = _usable(source)
    if compiled.groups > 1:
        said = f"The pattern has {compiled.groups} pairs of brackets; only one can be extracted."
        raise RefusedValue(said, "Write the others as (?:…).")
    return (one for found in compiled.finditer(encodable(text)) if (one := found[compiled.groups]) is not None)


@cache
def linear(pattern: str) -> Any:
    """Return a pattern of our own, in RE2's syntax, with the methods of `re.Pattern`: for texts of strangers.

    Python's own patterns take for ever on some texts, and hold the interpreter meanwhile. Texts must be `encodable`.
    """
    import re2

    compiled: Any = re2.compile  # it has no types
    return compiled(pattern)


@lru_cache(maxsize=512)
def _compiled(source: str) -> Pattern:
    import re2

    if len(source) > LONGEST:
        raise BadPattern(f"it has {len(source):,} characters; at most {LONGEST:,} are allowed.")
    options = re2.Options()
    options.max_mem, options.log_errors = _MEMORY_BYTES, False
    try:
        compiled = re2.compile(_CODE_UNIT.sub(_respelt, source), options)  # type: ignore[no-untyped-call]
    except UnicodeEncodeError:
        raise BadPattern("it holds half a character.") from None
    except re2.error as error:
        reason = error.args[0]
        raise BadPattern(
            _worded(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason))
        ) from None
    if compiled.programsize > LARGEST_PROGRAM:
        raise BadPattern(
            f"written out it has {compiled.programsize:,} steps; at most {LARGEST_PROGRAM:,} are allowed. Repeat less."
        )
    return Pattern(compiled)


def _respelt(found: re.Match[str]) -> str:
    """Rewrite ECMA's `u0041` (after a backslash) and `(?<name>` for RE2."""
    code = found[2] or found[3]
    if code is not None:
        return f"\\x{{{code}}}"
    return "(?P<" if found[0].startswith("(?") else found[0]


def _worded(reason: str) -> str:
    said = next((words for signs, words in _UNSUPPORTED if any(sign in reason for sign in signs)), "")
    return said or f"{reason}."
