"""Removes quoted mails and the signature from a mail's text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from clients.mail.quoting.attributions import (
    has_year,
    is_attribution,
    is_dated,
    is_dated_sender,
    is_in_arrows,
    is_moment,
)
from clients.mail.quoting.blocks import (
    announced,
    asks_above,
    begins_like_header,
    begins_like_notes,
    header_at,
    header_below,
    is_decorated,
    is_of_mail,
    label,
)
from clients.mail.quoting.citations import CITED
from clients.mail.quoting.envelope import Envelope, Relation, people_in
from clients.mail.quoting.signatures import is_delimiter, says_sent_from, signature_lines
from clients.mail.quoting.words import COLOURS, FROM, POINTING, REPLY_MARKS, alternatives, folded

_RULE = re.compile(r"\s*(?:[_*\-—–=]{3,}\s*)?")
_INNER = re.compile(rf"^[>{CITED}][>{CITED} ]*")
_MARKED = (">", CITED)
_POINTING, _COLOURS = (
    re.compile(rf"(?<![^\W\d_])(?:{alternatives(words)})(?![a-z])", re.IGNORECASE) for words in (POINTING, COLOURS)
)
_ATTRIBUTION_LINES = 4
"""How many lines a wrapped attribution may have."""
_HEADER_LINES = 16
_RUNS_ON = re.compile(r"(?<=[:：])\s{2,}")
_SAYS = re.compile(r"[.!?,…。！？，،؟]|\w\s+\w+\s+\w+\s+\w")
_LINE_MOST = 1000
_SIGNATURE_MOST = 30
_DELIMITERS_MOST = 20


def without_quotes(text: str, envelope: Envelope | None = None) -> str:
    """Remove quoted mails, also those between the mail's own lines; forwarded mails and citations are kept.

    `envelope`: what the mail's headers say; without it the mail is taken for an answer. A text that is a
    quote alone stays unchanged.
    """
    kind = Relation.ANSWERS if envelope is None else envelope.kind(text)
    if kind is Relation.FORWARDS:
        return text
    return _Cutting(text, kind, envelope or Envelope()).own() or text


def without_signature(text: str) -> str:
    """Remove the signature below its separator (RFC 3676 4.3), and lines such as "Sent from my phone".

    A separator after which the text goes on begins no signature; mails below or above it stay whole.
    """
    lines = [line for line in text.split("\n") if not says_sent_from(line)]
    for begin in _delimiters(lines):
        near = range(begin + 1, min(begin + _SIGNATURE_MOST, len(lines)))
        end = next((place for place in near if _is_quote(lines, place)), len(lines))
        count = signature_lines(lines[begin + 1 : end])
        if count or begin + 1 == end:
            lines[begin : begin + 1 + count] = [""]
            break
    return _joined(lines) or text


def _delimiters(lines: Sequence[str]) -> Sequence[int]:
    """Return where signatures may begin, but not the signatures of mails within."""
    places = (place for place, line in enumerate(lines) if is_delimiter(line, lines[place + 1 : place + 3]))
    found = [*islice(places, _DELIMITERS_MOST)]
    inner = next((place for place in range(max(found, default=0)) if _is_quote(lines, place, has_marks=False)), None)
    return found if inner is None else [place for place in found if place < inner]


def _joined(lines: Sequence[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _is_quote(lines: Sequence[str], place: int, *, has_marks: bool = True) -> bool:
    if lines[place].startswith(_MARKED):
        return has_marks
    if announced(lines, place):
        return True
    return is_of_mail(header_at(lines, place), is_in_answer=True) or bool(_attributed(lines, place))


def _attributed(lines: Sequence[str], place: int, known: frozenset[str] = frozenset()) -> str:
    """Return the line, perhaps wrapped, that names the author of all that follows without marks; "" if none does.

    `known`: addresses of people whose mails may be quoted, in whatever words.
    """
    if len(lines[place]) > _LINE_MOST:
        return ""
    first = _RUNS_ON.split(lines[place].strip(), maxsplit=1)[0]
    if first != lines[place].strip() and is_dated_sender(first) and is_attribution(first, has_marks_below=False):
        return first  # Yahoo's app for phones writes on in the same line
    for end in range(place + 1, min(place + _ATTRIBUTION_LINES, len(lines)) + 1):
        if not lines[end - 1].strip():
            return ""
        joined = _on_one_line(lines[place:end])
        is_known = is_dated_sender(joined) and joined.endswith((":", "：")) and bool(known & people_in(joined))
        if is_known or is_attribution(joined, has_marks_below=False):
            if _begins_later(lines, place, end):
                return ""
            following = next((one for one in lines[end : end + 10] if one.strip()), "")
            return "" if following.startswith(_MARKED) else joined  # the marks tell where the quote ends
    return ""


def _begins_later(lines: Sequence[str], place: int, end: int) -> bool:
    """Return whether an attribution that ends there begins below a line: its date is complete without that line."""
    later = _on_one_line(lines[place + 1 : end])
    return has_year(later) and is_attribution(later, has_marks_below=False)


def _on_one_line(lines: Sequence[str]) -> str:
    return " ".join(line.strip() for line in lines)[:_LINE_MOST]


class _Cutting:
    """Goes through the lines of an answer, or of a mail whose subject does not say whether it is one."""

    def __init__(self, text: str, kind: Relation, envelope: Envelope) -> None:
        self._lines, self._kind, self._envelope = text.split("\n"), kind, envelope
        self._last = max((place for place, line in enumerate(self._lines) if line.strip()), default=0)
        self._kept: list[str] = []
        self._quoting: set[str] = set()
        """The marks that a program has put before the quoted mail."""
        self._is_new = kind is Relation.UNKNOWN and not self._envelope.is_answer
        """Whether nothing says that the mail answers another one."""

    def own(self) -> str:
        """Return the text that is not quoted; a forwarded mail counts as own text."""
        place = 0
        while place < len(self._lines):
            end = self._end_of_marks(place)
            if end == place and self._another_mail_begins(place):
                end = self._end_of_marked_mail(place)
                is_own = end == place and (not self._has_words() or self._points_below(place))
                if is_own or self._passes_on(place):
                    break
                self._drop_rules()
                if end == place:
                    return _joined(self._kept)
                place = end
                continue
            if end > place and self._passes_on_marked(place, end):
                break
            if end == place or self._is_citation(place, end):
                end = max(end, place + 1)
                self._kept += self._lines[place:end]
            place = end
        return _joined([*self._kept, *self._lines[place:]])

    def _has_words(self) -> bool:
        return any(map(str.strip, self._kept))

    def _end_of_marks(self, place: int) -> int:
        """Return where the run of marked lines ends that begins there; `place` if none does."""
        mark = self._lines[place][:1]
        if is_in_arrows(self._lines[place]):
            return place
        while mark in _MARKED and place < len(self._lines) and self._lines[place].startswith(mark):
            place += 1
        return place

    def _another_mail_begins(self, place: int) -> bool:
        """Return whether the whole rest is another mail, without marks."""
        if asks_above(self._lines[place]):
            return bool(_SAYS.search(" ".join(self._kept[:50])))  # a help desk may write its name above
        if (
            begins_like_notes(self._lines, place)
            or announced(self._lines, place)
            or _attributed(self._lines, place, self._envelope.recipients)
        ):
            return True
        header = header_at(self._lines, place)
        if header:
            return is_of_mail(header, is_in_answer=self._kind is Relation.ANSWERS)
        return begins_like_header(self._lines, place, self._envelope.recipients)

    def _end_of_marked_mail(self, place: int) -> int:
        """Return where the mail that begins there ends, if its lines are marked below its header; otherwise `place`."""
        for begin in range(place + 1, min(place + _HEADER_LINES, self._last)):
            line = self._lines[begin]
            if line.startswith(">"):
                end = self._end_of_marks(begin)
                return end if end <= self._last else place
            if line.strip() and not label(line)[0]:
                break
        return place

    def _points_below(self, place: int) -> bool:
        """Return whether the author says that their words are in the mail that begins there, which has no marks."""
        names = tuple(f"[{name}]" for name in self._envelope.sender)
        is_signed = any(folded(line[:200].lstrip()).startswith(names) for line in self._lines[place:])
        own = folded(" ".join(self._kept))
        is_coloured = _COLOURS.search(own) and any(mark in own for mark in REPLY_MARKS)
        return bool(is_signed or is_coloured or _POINTING.search(own))

    def _passes_on(self, place: int) -> bool:
        """Return whether the mail that begins there is forwarded."""
        if asks_above(self._lines[place]):
            return False
        said = announced(self._lines, place)
        if said == "forwarded" or self._kind is Relation.ANSWERS:
            return said == "forwarded"
        header = header_below(self._lines, place) if said else header_at(self._lines, place)
        attribution = "" if header else _attributed(self._lines, place, self._envelope.recipients)
        header = header or {FROM: attribution or self._lines[place]}
        return self._envelope.forwards(header, len(_joined(self._kept)), self._length_of_mail(place, len(header)))

    def _length_of_mail(self, place: int, header: int) -> int:
        """Return the length of the mail that begins there, without its header and its own quotes."""
        begin = place + 1 + header
        end = next((one for one in range(begin, len(self._lines)) if _is_quote(self._lines, one)), len(self._lines))
        return len(_joined(self._lines[begin:end]))

    def _passes_on_marked(self, place: int, end: int) -> bool:
        """Return whether a run of marked lines is a forwarded mail, as Apple Mail writes it."""
        inner = [_INNER.sub("", line, 1) for line in self._lines[place : min(end, place + 30)]]
        first = next((index for index, line in enumerate(inner) if line.strip()), None)
        if first is None or self._attribution_above(is_quote=True):
            return False
        said = announced(inner, first)
        if said == "forwarded":
            return True
        header = header_below(inner, first) if said else header_at(inner, first)
        is_mail = self._kind is Relation.UNKNOWN and is_of_mail(header, is_in_answer=False)
        return is_mail and self._envelope.forwards(header, len(_joined(self._kept)), end - place)

    def _is_citation(self, place: int, end: int) -> bool:
        """Return whether the author cites the marked lines; if they quote a mail, the line above is removed."""
        is_quote = not self._lines[place].startswith(CITED)
        mark = self._lines[place][0]
        above = self._attribution_above(is_quote=is_quote)
        if above is not None:
            if self._is_new and self._cites(_on_one_line(self._kept[above:]), is_last=end > self._last):
                return True
            del self._kept[above:]
            self._quoting.add(mark)
            return False
        if is_quote:
            return self._is_new and self._has_words() and mark not in self._quoting
        inner = [_INNER.sub("", line, 1) for line in self._lines[place : min(end, place + 30)]]
        first = next((index for index, line in enumerate(inner) if line.strip()), 0)
        is_mail = announced(inner, first) or is_of_mail(header_at(inner, first), is_in_answer=True)
        is_mail = is_mail or is_attribution(inner[first], has_marks_below=True)
        if is_mail:
            self._drop_rules()
        return not (is_mail or mark in self._quoting)

    def _cites(self, attribution: str, *, is_last: bool) -> bool:
        """Return whether a line above marked words is the author's own: programs name somebody who takes part.

        `is_last`: nothing follows the marked words, as in most answers.
        """
        if is_last and is_moment(attribution):
            return False
        people, others = people_in(attribution), self._envelope.recipients
        if people:
            return bool(others) and not people & (others | self._envelope.sender)
        names = [name for name in others if "@" not in name]
        is_named = not names or any(name in folded(attribution) for name in names)
        return not (is_named and (is_moment(attribution) or (is_last and has_year(attribution))))

    def _attribution_above(self, *, is_quote: bool) -> int | None:
        """Return where "On Monday Ann wrote:", possibly wrapped, begins at the end of the kept text, or None.

        `is_quote`: a mail program has marked the following text as quoted.
        """
        end = len(self._kept)
        while end and not self._kept[end - 1].strip():
            end -= 1
        found = []
        for begin in range(end - 1, max(-1, end - 1 - _ATTRIBUTION_LINES), -1):
            if not self._kept[begin].strip():
                break
            joined = _on_one_line(self._kept[begin:end])
            is_paragraph = begin == 0 or not self._kept[begin - 1].strip()
            if is_attribution(joined, has_marks_below=True) or (is_quote and is_paragraph and is_moment(joined)):
                found.append((not is_dated(joined), -begin))
        return -min(found)[1] if found else None  # the shortest match with a date, else the shortest

    def _drop_rules(self) -> None:
        """Remove empty lines and lines of dashes at the end of the kept text."""
        while self._kept and (
            not self._kept[-1].strip()
            or _RULE.fullmatch(self._kept[-1])
            or is_decorated(self._kept[-1])
            or people_in(self._kept[-1].strip())
            == {folded(self._kept[-1])}
            <= self._envelope.sender  # as Foxmail signs
        ):
            self._kept.pop()
