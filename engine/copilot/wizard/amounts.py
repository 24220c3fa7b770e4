"""Amounts that no rule reads: number words beyond twelve, fractions, thousands, ranges, and vague ones before a unit.

A rule that finds only a part of such an amount would do something else than what was said: `twenty one` is not one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.copilot.wizard.unused import hidden

_I = re.IGNORECASE
_SMALL = (
    r"\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"ein\w{0,2}|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf"
)
_TENS = "zwanzig|drei(?:ß|ss)ig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig"
_BIG = (
    r"(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|four|fif|six|seven|eigh|nine)ty|"
    r"(?:hundred|thousand|million|dozen)s?|half a dozen|"
    rf"(?:drei|vier|fünf|sech|sieb|acht|neun)zehn(?:mal)?|(?:\w{{2,6}}und)?(?:{_TENS})(?:mal)?|"
    r"\w{0,12}hundert(?!wert)\w*|\w{0,12}tausend\w*|million(?:en)?|dutzend\w{0,2}|anderthalb|eineinhalb|"
    r"\d*[½⅓⅔¼¾⅕⅛]"
)
_VAGUE = (
    r"(?:(?:only |just |the |an? |de[rnm] |die |ein\w{0,2} )?"
    r"(?:few|couple|several|some|many|half|handful|various|multiple|countless|paar|einige\w?|mehrere\w?|viele\w?|"
    r"wenige\w?|halbe\w?|etliche\w?)(?: of| an?| the)?)"
)
_TIME = (
    r"(?:seconds?|sekunden?|minutes?|minuten?|hours?|stunden?|days?|tage?n?|weeks?|wochen?|fortnights?|months?|"
    r"monate?n?|years?|jahre?n?)\b"
)
_UNIT = rf"(?:{_TIME}|(?:times|attempts?|tries|mal|versuche?n?)\b)"
_JOINED = rf"(?:[ -](?:and |und )?(?:{_SMALL}|{_BIG})\b)*"
_NUMBER = rf"(?:{_SMALL}|{_BIG})"
_RANGE = (
    rf"{_NUMBER}(?: ?[-–—/] ?| (?:or|to|and|oder|bis|und) )(?:{_NUMBER}\b|(?:a half|more|less|fewer|so|mehr|weniger)\b)"
)
"""Two numbers, or one that is only about right: `two or three`, `2-3`, `3 or more`."""
_LENGTH = re.compile(
    r"\b(?:(?:last|past|previous|this|current|since|letzte\w?|vergangene\w?|vorige\w?|diese\w?|seit) "
    rf"(?:{_NUMBER} )?(?:(?!{_NUMBER}\b)[^\W\d_][\w-]* )?"
    rf"(?:{_TIME}|quarters?|quartals?|weekends?|wochenenden?|\w+days?|\w+tage?n?)|"
    r"today|yesterday|heute|gestern)\b",
    _I,
)
_BEGINS = r"(?<![\w#./@:+−–-])(?<!\d[.,’'])"
_UNREAD = re.compile(
    rf"{_BEGINS}(?:(?:(?:{_SMALL})[ -])*(?:{_BIG}){_JOINED}(?![\w/@])|"
    rf"(?:\d{{1,3}}(?:[ .,’']\d{{3}})+|\d+[.,]\d+|\d{{5,}})(?=[ -]?{_UNIT})|(?:{_RANGE}|{_VAGUE})(?=[ -]{_UNIT}))",
    _I,
)
_SPAN = re.compile(
    r"\b(?:(?:the |de[rnms] |die )?(?:last|past|previous|recent|letzte\w?|vergangene\w?|vorige\w?) )?"
    rf"(?:(?:{_RANGE}|\w+) )?{_TIME}|\b(?:today|yesterday|heute|gestern)\b",
    _I,
)
READ = "Whole numbers are read in digits, and in words up to twelve."


def unread(said: str) -> list[str]:
    """Return the amounts of a request that no rule reads, outside quoted texts and expressions."""
    return [said[begin:end] for begin, end in _places(said)]


def readable(said: str) -> str:
    """Return a request with the number 2 in place of each amount that no rule reads."""
    for begin, end in reversed(list(_places(said))):
        said = f"{said[:begin]}2{said[end:]}"
    return said


def lengths(said: str) -> list[str]:
    """Return the lengths of time that no rule may read, also without a number: `last working days`, `since Monday`."""
    return [found[0] for found in _LENGTH.finditer(hidden(said))]


def with_length(said: str) -> str:
    """Return a request with a length that is read in place of each of them."""
    for found in reversed(list(_LENGTH.finditer(hidden(said)))):
        said = f"{said[: found.start()]}last 2 days{said[found.end() :]}"
    return said


def spans(rest: str) -> list[str]:
    """Return the lengths of time that are left of a request, with the word before them."""
    return [found[0] for found in _SPAN.finditer(rest)]


def _places(said: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _UNREAD.finditer(hidden(said)))
