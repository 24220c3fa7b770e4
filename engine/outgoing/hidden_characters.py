"""Show characters that nobody sees, but programs and models read, as `[U+200B]`.

Hidden are the default ignorable characters of Unicode and the controls (Unicode 16, 5.21 and 23). Each has a proper
use, in which it stays, so that ordinary text in every language looks the same:

- Joiners between letters of Arabic, Indic and other joining scripts (UAX 31, 2.3.1 and UTS 46, CONTEXTJ: rules A1, A2
  and B, here by script), and in emoji sequences (UTS 51, ED-16).
- Variation selectors 15 and 16, one after a character with a text and an emoji style, or in a keycap (UTS 51, ED-9a),
  and the Mongolian ones. All others are shown: so many belong to ideographs and mathematical signs that they can carry
  any text.
- Tag characters in the flags of England, Scotland and Wales (UTS 51, ED-14a: the only ones in general use).
- Marks, embeddings and isolates of direction in lines with right-to-left letters (UAX 9), if each one that begins is
  ended in its line. Overrides are always shown: people read something else than what is there (CVE-2021-42574).
- A soft hyphen between letters, a break (U+200B) between letters of scripts without spaces (UAX 14), fillers in
  Hangul, a joiner of marks (U+034F) between marks, and a byte order mark at the beginning.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping

_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BLANKS = re.compile("[\u115f\u1160\u2800\u3164\uffa0\ufffc\U00013441\U00013442\U0001d159]")
"""Signs that count as letters or symbols and show nothing."""
_FLAGS = re.compile("\U0001f3f4(\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
                    "|\U000e0077\U000e006c\U000e0073)\U000e007f)")  # fmt: skip
_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_STYLED = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf\u23e9-\u23f3"
    "\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2604\u260e\u2611\u2614\u2615\u2618\u261d"
    "\u2620\u2622\u2623\u2626\u262a\u262e\u262f\u2638-\u263a\u2640\u2642\u2648-\u2653\u265f\u2660\u2663\u2665"
    "\u2666\u2668\u267b\u267e\u267f\u2692-\u2697\u2699\u269b\u269c\u26a0\u26a1\u26a7\u26aa\u26ab\u26b0\u26b1"
    "\u26bd\u26be\u26c4\u26c5\u26c8\u26ce\u26cf\u26d1\u26d3\u26d4\u26e9\u26ea\u26f0-\u26f5\u26f7-\u26fa\u26fd"
    "\u2702\u2705\u2708-\u270d\u270f\u2712\u2714\u2716\u271d\u2721\u2728\u2733\u2734\u2744\u2747\u274c\u274e"
    "\u2753-\u2755\u2757\u2763\u2764\u2795-\u2797\u27a1\u27b0\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50"
    "\u2b55\u3030\u303d\u3297\u3299\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f202\U0001f237\U0001f321"
    "\U0001f324-\U0001f32c\U0001f336\U0001f37d\U0001f396\U0001f397\U0001f399-\U0001f39b\U0001f39e\U0001f39f"
    "\U0001f3cb-\U0001f3ce\U0001f3d4-\U0001f3df\U0001f3f3\U0001f3f5\U0001f3f7\U0001f43f\U0001f441\U0001f4fd"
    "\U0001f549\U0001f54a\U0001f56f\U0001f570\U0001f573-\U0001f579\U0001f587\U0001f58a-\U0001f58d\U0001f590"
    "\U0001f5a5\U0001f5a8\U0001f5b1\U0001f5b2\U0001f5bc\U0001f5c2-\U0001f5c4\U0001f5d1-\U0001f5d3"
    "\U0001f5dc-\U0001f5de\U0001f5e1\U0001f5e3\U0001f5e8\U0001f5ef\U0001f5f3\U0001f5fa\U0001f6cb"
    "\U0001f6cd-\U0001f6cf\U0001f6e0-\U0001f6e5\U0001f6e9\U0001f6f0\U0001f6f3]"
)
"""Characters with a text and an emoji style (`emoji-variation-sequences.txt`; beyond U+FFFF if shown as text)."""
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_JOINING = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1700-\u18af\u1900-\u1aaf\u1b00-\u1c4f\ua840-\ua87f\ua8e0-\ua8ff\uaa00-\uaadf"
    "\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefe\U00010ac0-\U00010aff\U00010d00-\U00010d3f\U00010f30-\U00010fcf"
    "\U00011000-\U00011fff\U0001e900-\U0001e95f]"
)
"""Letters and marks of Arabic, Syriac, N'Ko, Mandaic, Indic and other Brahmic scripts, Mongolian, Adlam and others."""
_SPACELESS = re.compile("[\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u3040-\u30ff\u3400-\u9fff]")
_HANGUL = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")
_MONGOLIAN = re.compile("[\u1807\u180a\u1820-\u18aa]")
_DIRECTED = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001eeff]")
_OPENS = {"\u202a": "\u202c", "\u202b": "\u202c", "\u202d": "\u202c", "\u202e": "\u202c"}
_OPENS |= {"\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}
_OVERRIDES = "\u202d\u202e"
_MARKS_OF_DIRECTION = "\u061c\u200e\u200f"
_RUN = re.compile(r"(?:\[U\+[0-9A-F]{4,6}\][ \xa0]?){9,}")
"""Marks in a row that become one, which says how many there are."""
_ONE = re.compile(r"\[U\+([0-9A-F]{4,6})\]")


def shown(text: str, own: Collection[str] = ()) -> tuple[str, int]:
    """Return a text with its hidden characters shown, and how many; those that the author uses (`own`) stay."""
    if _HIDDEN.search(text) is None:
        return text, 0
    kept = _directing(text)
    kept.update(at for flag in _FLAGS.finditer(text) for at in range(flag.start(1), flag.end(1)))
    parts: list[str] = []
    last = count = 0
    for found in _HIDDEN.finditer(text):
        at = found.start()
        before = "]" if parts and last == at else text[at - 1 : at]  # as it will be: a second time changes nothing
        if found[0] in own or at in kept or _is_proper(found[0], before, text[at + 1 : at + 2]):
            continue
        parts += [text[last:at], f"[U+{ord(found[0]):04X}]"]
        last, count = at + 1, count + 1
    return (_RUN.sub(_counted, "".join([*parts, text[last:]])), count) if count else (text, 0)


def hidden_in(text: str) -> set[str]:
    """Return the characters in a text that may be hidden."""
    return set(_HIDDEN.findall(text))


def without_blanks(text: str) -> str:
    """Return a text without characters at its ends that show nothing, and with one space for blanks inside it."""
    words = " ".join(_BLANKS.sub(" ", text).split())
    return words if any(unicodedata.category(one)[0] in "LNPS" for one in words if not _HIDDEN.match(one)) else ""


def _counted(run: re.Match[str]) -> str:
    found = _ONE.findall(run[0])
    codes = sorted(set(found), key=lambda code: int(code, 16))
    named = f"U+{codes[0]}" if len(codes) == 1 else f"U+{codes[0]} to U+{codes[-1]}"
    return f"[{len(found)} hidden characters, {named}]{' ' * run[0].endswith((' ', chr(0xA0)))}"


def _is_proper(sign: str, before: str, after: str) -> bool:
    """Return whether a hidden character is in its proper use, by its neighbours."""
    rule = _RULES.get(sign)
    if rule is not None:
        return rule(before, after)
    if "\u180b" <= sign <= "\u180f":
        return bool(_MONGOLIAN.match(before))
    return False


def _non_joiner(before: str, after: str) -> bool:
    return bool(_JOINING.match(before)) and not _HIDDEN.match(after)


def _joiner(before: str, after: str) -> bool:
    is_emoji = _EMOJI.match(before) or _SKIN.match(before) or before == "\ufe0f"
    return _non_joiner(before, after) or bool(is_emoji and _EMOJI.match(after))


def _emoji_variant(before: str, after: str) -> bool:
    is_keycap = before in tuple("0123456789#*") and after == "\u20e3"
    return is_keycap or bool(_STYLED.match(before))


def _between(pattern: re.Pattern[str]) -> Callable[[str, str], bool]:
    return lambda before, after: bool(pattern.match(before) and pattern.match(after))


def _is_mark(sign: str) -> bool:
    return len(sign) == 1 and unicodedata.category(sign) == "Mn" and not _HIDDEN.match(sign)


def _between_letters(before: str, after: str) -> bool:
    return before.isalpha() and after.isalpha() and not _HIDDEN.match(before) and not _HIDDEN.match(after)


_RULES: Mapping[str, Callable[[str, str], bool]] = {
    "\u00ad": _between_letters,
    "\u034f": lambda before, after: _is_mark(before) and _is_mark(after),
    "\u115f": lambda _, after: bool(_HANGUL.match(after)),
    "\u1160": lambda before, _: bool(_HANGUL.match(before)),
    "\u200b": _between(_SPACELESS),
    "\u200c": _non_joiner,
    "\u200d": _joiner,
    "\ufe0e": _emoji_variant,
    "\ufe0f": _emoji_variant,
    "\ufeff": lambda before, after: not before and not _HIDDEN.match(after),
}


def _directing(text: str) -> set[int]:
    """Return the places of the controls of direction that are in their proper use."""
    found: set[int] = set()
    for begin, line in _lines(text):
        if _DIRECTED.search(line):
            found.update(begin + at for at in _proper_directions(line))
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    begin = 0
    for line in text.split("\n"):
        yield begin, line
        begin += len(line) + 1


def _proper_directions(line: str) -> Iterator[int]:
    opened: list[int] = []
    for at, sign in enumerate(line):
        if sign in _MARKS_OF_DIRECTION:
            if line[at - 1 : at] not in tuple(_MARKS_OF_DIRECTION):
                yield at
        elif sign in _OPENS:
            opened.append(at)
        elif opened and sign == _OPENS[line[opened[-1]]]:
            begin = opened.pop()
            if line[begin] not in _OVERRIDES and at > begin + 1:
                yield from (begin, at)
