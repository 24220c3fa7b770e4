"""The words of a request that nothing has used: negations, exceptions, conditions, numbers, times and second wishes.

A proposal without them would do something else than what was said. Quoted texts do not count.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

_I = re.IGNORECASE
_ENDS = r"\s,;:!?\"'()“”„"
CHANNEL = rf"(?<!\w)#[a-z](?:[^{_ENDS}]*[^{_ENDS}.])?"
"""Part of a pattern: a channel with all that is written as its name, whether or not a channel may be called so."""
_QUOTED = re.compile(r"[\"“„«][^\"“”„«»]{1,500}[\"”“»]|(?<!\w)['`‘][^'`‘’]{1,200}['`’](?!\w)")
_AGAINST = (
    r"not|\w+n['’]t|(?:do|does|did|should|wo|ca|is|are|must|need)nt|cannot|never|no|none|nobody|nothing|nor|neither|"
    r"without|except\w*|exclud\w*|excluding|but|unless|only if|only when|other than|apart from|besides|instead|"
    r"rather|skip\w*|ignor\w*|omit\w*|leav\w+ out|alone|in ruhe|stays?|stop\w*|avoid\w*|otherwise|"
    r"lack\w*|non|minus|less|least|refus\w*|refrain\w*|prevent\w*|forbid\w*|bar|barring|hate|other|second|third|"
    r"nicht|nichts|nie|niemals|niemand\w*|kein\w*|ohne|außer|ausser|ausgenommen|sondern|aber|sonst|nur wenn|"
    r"nur falls|es sei denn|bis auf|statt|anstatt|weder|auslassen|"
    r"hör auf|ausnahmen?|verbiet\w*|verhinder\w*|bleib\w*|weniger|zweite\w?|dritte\w?|"
    r"auf keinen fall|überspring\w*"
)
_CONDITIONS = (
    r"if|when|whenever|until|while|whether|provided|in case|as long as|as soon as|wenn|falls|sofern|sobald|solange|"
    r"während|where|wo|in doubt|im zweifel"
)
_NUMBERS = (
    r"twice|thrice|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"(?:zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf)(?:mal)?"
)
_DIGITS = r"(?<![\w#./@:+−–-])(?:(?<!\w)[+−–-])?\d(?:[\w.,:–-]*\w)?(?![\w/@])"
"""Also with a sign, a fraction, or what no rule can read: `-5`, `9.5`, `3-5`, `16h30`."""
_DAY = r"day|week|month|year|hour|morning|noon|evening|night|tag|woche|monat|jahr|stunde|morgen|abend|mittag"
_TIMES = (
    r"(?:sun|mon|tues|wednes|thurs|fri|satur)days?|(?:sonn|mon|diens|donners|frei|sams)tags?|mittwochs?|"
    r"weekends?|weekdays?|workdays?|holidays?|wochenenden?|werktags?|feiertagen?|feiertags|nachts|abends|"
    r"noon|midnight|mornings?|evenings?|nights?|mittags|mitternacht|morgens|"
    r"daily|hourly|weekly|monthly|täglich|stündlich|wöchentlich|monatlich|"
    rf"(?:every|each|jede[nrs]?) (?:{_DAY})"
)
_LEFT = re.compile(rf"\b(?:{_AGAINST}|{_CONDITIONS}|{_NUMBERS}|{_TIMES})\b|{_DIGITS}", _I)
_VERB = (
    r"(?:set|change|rename|remove|delete|drop|add|put|post|send|retry|try|ask|run|start|use|make|call|label|archive|"
    r"forward|reply|answer|write|create|open|close|go|move|mark|save|tell|turn|switch|schedule|leave|limit|translate|keep|"
    r"summari[sz]e|let|give|do|approve|assign|comment|print|copy|announce|warn|"
    r"setz\w*|änder\w*|benenn\w*|entfern\w*|lösch\w*|füg\w*|schick\w*|send\w*|wiederhol\w*|versuch\w*|frag\w*|starte|"
    r"mach\w*|nimm|nenn\w*|archivier\w*|leit\w*|antworte|schreib\w*|öffne|schließ\w*|verschieb\w*|markier\w*|"
    r"speicher\w*|lass\w*|poste\w*|benutz\w*|führ\w*|stell\w*|ruf\w*|gib)"
)
_POLITE = r"(?:(?:please|bitte|also|auch|then|dann|just|now|you|ok|and|und)\W+)*"
_BEGINS = re.compile(rf"\W*{_POLITE}{_VERB}(?= )", _I)
_JOINED = re.compile(rf"\b(?:and|und|then|dann|sowie|plus)\b[ ,]*{_POLITE}(?P<it>{_VERB}(?= )[^,.;!?]{{0,40}})", _I)
_FOLLOWS = re.compile(rf"[,;.!?:]\s+{_POLITE}(?P<it>{_VERB}(?= )[^,.;!?]{{0,40}})", _I)
_OUGHT = re.compile(r"\b(?:should|must|shall|soll\w*|muss|müssen|darf|dürfen|may)\b", _I)
_QUESTION = re.compile(
    r"(?:is it possible|is there|can (?:i|we|one)|could (?:i|we)|may i|"
    r"should (?:i|we)|shall (?:i|we)|how (?:do|can|to)|"
    r"why|what happens|kann (?:man|ich)|könnte (?:man|ich)|soll(?:te)? (?:ich|man|wir)|darf ich|ist es möglich|"
    r"geht es|gibt es|warum|wieso|weshalb|wie kann|was passiert)\b",
    _I,
)
_ASKS = re.compile(
    r"(?:is|are|was|were|do|does|did|will|would|should|has|have|how|what|which|who|when|where|ist|sind|wird|werden|"
    r"hat|haben|wie|was|welche\w*|wer|wann|wo|wofür|wozu)\b(?! you\b)[^?]*\?$",
    _I,
)
_UNCLOSED = re.compile(r"(?<!\S)(?!\d+\")\S*[\"“„«]\S*")
_USED = "…"
_WHOLE_FROM = r"(?<![\w+−–-])(?<!\d[.,:])"
_WHOLE_TO = r"(?![^\s.,;:!?)\]}\"'”“’`]|[.,:]\w)"
"""Numbers and channels are used as they were said, or not at all: `5` is not part of `-5`, nor `#a` of `#a.b`."""
_WRITTEN = re.compile(rf"{_QUOTED.pattern}|\{{\{{.*?\}}\}}", re.DOTALL)
_MOST_PARTS = 8
_THANKS = re.compile(r"\W*(?:(?:many |vielen )?(?:thanks|thank you|danke|dank)|please|bitte)?\W*\Z", _I)


def is_question(said: str) -> bool:
    """Return whether a request only asks: `is it possible to …?`. `Could you …?` is a wish."""
    plain = said.strip()
    asked = plain.partition("?")[2].strip() == ""
    return asked and bool(_QUESTION.match(plain) or _ASKS.match(plain))


def without(said: str, used: Iterable[str]) -> str:
    """Return a request with each used part taken out once, and without quoted texts."""
    rest = " ".join(said.split())
    for one in sorted((" ".join(part.split()) for part in used if part), key=len, reverse=True):
        rest = re.sub(_whole(one), _USED, rest, count=1)
    return _QUOTED.sub(_USED, rest)


def _whole(part: str) -> str:
    """Return the pattern of a used part."""
    words = part.split()
    begins = _WHOLE_FROM if words[0][:1].isdigit() else ""
    ends = _WHOLE_TO if words[-1][:1].isdigit() or words[-1].startswith("#") else ""
    return f"{begins}{re.escape(part)}{ends}"


def hidden(said: str) -> str:
    """Return a request of the same length without its quoted texts and expressions."""
    return _WRITTEN.sub(lambda found: "_" * len(found[0]), said)


def parts_between(said: str) -> Iterator[tuple[str, str]]:
    """Yield each part of a request between semicolons, with the request without it; none without semicolons.

    What follows the eighth semicolon is one part.
    """
    marks = itertools.islice(re.finditer(";", hidden(said)), _MOST_PARTS)
    ends = [0, *(found.end() for found in marks), len(said)]
    for begin, end in itertools.pairwise(ends):
        part = said[begin:end].strip(" ;")
        if len(ends) > 2 and not _THANKS.match(part):
            yield part, (said[:begin] + said[end:]).strip(" ;")


def left_words(rest: str) -> list[str]:
    """Return the words of negation, exception and condition, the numbers and the times, as they were said."""
    return list(dict.fromkeys(found[0] for found in _LEFT.finditer(rest)))


def unclosed(rest: str) -> list[str]:
    """Return the words with a quotation mark that has no other one: a text that was not read, or not wholly."""
    return _UNCLOSED.findall(rest)


def joined_wishes(rest: str) -> Iterator[str]:
    """Yield what begins with a verb behind `and`, `then` or a comma."""
    for pattern in (_JOINED, _FOLLOWS):
        yield from (found["it"].strip() for found in pattern.finditer(rest))


def second_wishes(said: str, rest: str) -> list[str]:
    """Return the wishes besides the first one."""
    joined = [found["it"].strip() for found in _JOINED.finditer(rest)]
    ought = [found[0] for found in _OUGHT.finditer(rest)]
    begins = bool(_BEGINS.match(said))
    follows = [found["it"].strip() for found in _FOLLOWS.finditer(rest)] if begins or ought else []
    return [*joined, *follows, *(ought if begins else ought[1:])]


def refusal_of(words: Sequence[str]) -> str:
    """Return the answer to a request of which these words would be dropped."""
    named = ", ".join(f"“{one}”" for one in dict.fromkeys(words))
    return (
        f"I understood a part of this, but not {named}. Without it the change would not be what you said, so I propose "
        "nothing. Say each wish in a plain sentence of its own, with a text that is a value in quotation marks, or "
        "connect a model."
    )
