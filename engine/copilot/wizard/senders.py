"""Whose mail a request is about: addresses and domains, and senders without an address: `from my wife`.

Whatever follows `from` or `von` is a sender, unless it is known to be something else: a question too many does less
harm than a workflow for the mail of everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.copilot.wizard.unused import hidden

_I = re.IGNORECASE
_PLACES = re.compile(r"https?://\S+|#[\w-]+|(?<![\w.@-])[\w-]*/[\w./-]*", _I)
_ADDRESS = re.compile(
    r"(?<![\w@.+-])[\w.+-]*@[\w-]+(?:\.[\w-]+)+|"
    r"(?<![\w@.+-])[a-z0-9][\w-]*(?:\.[a-z0-9][\w-]*)*\.[a-z]\w+",
    _I,
)
_WORD = r"[^\W\d_][\w'’&-]*"
_ARTICLE = (
    r"an?|the|my|our|your|his|her|their|any|some|all|both|every|each|one|another|these|those|this|that|"
    r"(?:mein|unser|unsr|dein|ihr|sein|irgendein|kein|ein|jede|alle|diese|einige|manche)\w*|d(?:er|en|em|es|ie|as)"
)
_ENDS = (
    r"to|into|in|on|onto|at|as|with|without|via|and|or|but|nor|if|when|whenever|once|that|which|who|whose|from|by|"
    r"for|under|about|since|until|before|after|while|so|should|shall|must|will|would|can|could|becom\w+|is|are|was|"
    r"were|be|been|has|have|had|gets?|go|goes|comes?|arrives?|lands?|needs?|contain\w*|every|each|daily|please|then|"
    r"also|too|only|again|now|today|tomorrow|older|newer|than|straight|directly|automatically|immediately|"
    r"archived?|forward(?:ed)?|label(?:ed)?|mark(?:ed)?|post|make|create|keep|send|"
    r"put|write|save|tell|open|reply|answer|"
    r"an|im|ins|nach|als|zu|zum|zur|mit|ohne|auf|aus|für|bei|über|unter|und|oder|aber|wenn|sobald|falls|von|vom|"
    r"soll\w*|werden|wird|bekomm\w*|erhalten|erhält|kommt|kommen|ein|eine|einen|eintr[ei]f\w+|ist|sind|war|hat|haben|"
    r"muss|müssen|darf|dürfen|bitte|auch|dann|nur|heute|morgen|älter\w*|zusammen|automatisch|sofort|jede\w?|"
    r"weiter\w*|archivier\w*|beantworte\w*|"
    r"beschrift\w*|markier\w*|poste\w*|speicher\w*|schick\w*|senden?|melde\w*|ablegen|anlegen|erstell\w*|leite\w*"
)
_NEXT = rf"(?!(?:{_ENDS})\b){_WORD}"
_PHRASE = rf"(?:(?:{_ARTICLE}) )*(?:(?:dr|prof|mrs?|ms)\. )*{_NEXT}(?: (?:of (?:(?:{_ARTICLE}) )?)?{_NEXT}){{0,3}}"
_MAILS = (
    r"(?:(?:e-?)?mails?|messages?|nachricht(?:en)?|newsletters?|reports?|invoices?|rechnung(?:en)?|receipts?|questions?|"
    r"anfragen?|complaints?|beschwerden?|requests?|everything|anything|alles|those|ones)"
)
_OWNER = r"(?:mein|unser|ein|dein|ihr|sein)\w*"
_FROM = rf"(?:\b(?:from|vo[nm])\b:?|\b{_MAILS} (?:of|by|aus)\b|\b(?:sent|written|made|reported) by\b)"
_MAILS_FROM = re.compile(rf"\b{_MAILS} {_FROM} \Z", _I)
_NEAR = 40
"""How far before a sender the word for mail is."""
_SENDER = re.compile(rf"{_FROM} (?P<it>{_PHRASE})", _I)
_OF_OWNER = re.compile(rf"\b{_MAILS} (?P<it>(?:(?:{_OWNER}e[rs]|eure[rs]|unsre[rs]|des|der) ){_NEXT})", _I)
_SENDS = re.compile(
    rf"\b{_MAILS},? (?:that |which |die |das )?(?P<it>(?:my|our|an?|the|{_OWNER}) {_WORD}) "
    r"(?:sends?|sent|has sent|writes?|wrote|geschickt|schickt|schreibt|schrieb)\b",
    _I,
)
_WHOSE = re.compile(
    rf"\b{_MAILS},? (?:whose|with|mit|deren)(?: the| dem| einem)? (?:sender|absender) (?:is |ist )?(?P<it>{_PHRASE})",
    _I,
)
_OWNED = re.compile(
    rf"(?<![\w'’&-])(?P<it>(?:(?:my|our|an?|the|{_OWNER}) )?{_WORD})(?<=['’]s) (?:{_WORD} )?(?:e-?)?mails?\b", _I
)
_KIND = re.compile(
    r"(?<![\w.@-])(?P<it>kunden|lieferanten|kollegen|chef|firmen|familien|vereins)-?(?:e-?)?mails?\b", _I
)
"""A sender as a part of a word."""
_ADDRESSED = re.compile(rf"{_FROM} ?(?:{_PHRASE})?,?(?: at)? ?[(<]?(?P<it>@+)[)>]?", _I)
_ONE_MORE = re.compile(
    rf"(?:,|,? (?:or|oder|and|und))(?: from| von)? [(<]?(?:(?P<address>@+)|(?P<it>{_PHRASE}))[)>]?", _I
)
_IS_NAMED = re.compile(r",?(?: at)? ?[(<]?@")
_DAYS = r"(?:sun|mon|tues|wednes|thurs|fri|satur)days?|(?:sonn|mon|diens|donners|frei|sams)tag\w*|mittwoch\w*"
_UNITS = (
    r"today|yesterday|tomorrow|tonight|heute|gestern|vorgestern|minuten?|minutes?|hours?|stunden?|days?|tag\w{0,2}|"
    r"weeks?|wochen?|weekends?|wochenenden?|months?|monat\w{0,2}|quarters?|years?|jahr\w{0,2}|mornings?|evenings?|"
    rf"nights?|noon|midnight|{_DAYS}"
)
_NUMBERS = r"\d+|two|three|four|five|six|seven|eight|nine|ten|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn"
_WHICH = rf"last|past|previous|recent|next|few|couple|of|paar|(?:letzt|vergangen|vorig|nächst)\w+|{_NUMBERS}"
_TIME = re.compile(
    rf"(?:(?:{_ARTICLE}|{_WHICH}) )*"
    rf"(?:(?:{_UNITS})\b|(?<= )\d|(?<= )(?:{_NUMBERS})[ -](?:or|to|and|oder|bis|und)\b)|"
    r"(?:now|then|time to time|(?:the )?(?:beginning|start))\b",
    _I,
)
_PLACE = re.compile(
    rf"(?:(?:{_ARTICLE}|own|whole|entire|gmail|google|imap|e?mail) )*"
    r"(?:labels?|folders?|ordners?|whom|wem|(?:inbox(?:es)?|mailbox(?:es)?|postf[aä]ch\w*|posteing[aä]ng\w*|gmail|imap|"
    rf"google mail|accounts?|konto|konten|archive?s?|here|there|scratch|templates?|vorlagen?)\b(?! {_NEXT}))\b",
    _I,
)
_PART = re.compile(
    rf"(?:(?:{_ARTICLE}) )*(?:subject|betreff|text|body|title|titel|content|inhalt|link|attachment|anh[aä]ng)\w*\b", _I
)
_ITEM = re.compile(
    rf"(?:{_WORD} )*?(?:[\w-]*mails?|messages?|nachricht(?:en)?|newsletters?|issues?|invoices?|rechnung(?:en)?|"
    r"receipts?|bugs?|tasks?|form|formular|feeds?|sheets?|tables?|tabellen?|pages?|seiten?|files?|senders?|absender)",
    _I,
)
_ANYBODY = re.compile(
    r"(?:any|every|some)(?:one|body)|all|allen|jedem|jemandem|it|them|these|those|this|that|dies\w*|ihnen|"
    r"by hand|hand|default|itself|the",
    _I,
)
_WHO = re.compile(r",? (?:who|whom|that|which|d(?:er|ie|en|em))\b", _I)
"""What says who anybody is."""
_SERVICE = re.compile(r"(?:google|github|notion|slack|drive|discord|telegram)\b", _I)
_SORTED_BY = re.compile(r"(?:the )?(?:sender|absender|date|subject|topic|kind|size|slack|mail)\b", _I)
_NAME = re.compile(r"(?:(?:Dr|Prof|Mrs?|Ms)\. )*[A-ZÄÖÜ][\w'’-]*(?: [A-ZÄÖÜ][\w'’-]*)*")


def senders_in(text: str) -> list[tuple[int, int]]:
    """Return where the addresses and domains stand that mail comes from."""
    plain = _masked(text)
    found = [one.span("it") for one in _ADDRESSED.finditer(plain)]
    return [*found, *(one.span("address") for each in found for one in _following(plain, each[1]) if one["address"])]


def unnamed(text: str) -> str:
    """Return a sender of which no address is said: `my wife`; empty if there is none."""
    plain = _masked(text)
    found = min(_unnamed(plain), default=None)
    return text[slice(*found)] if found else ""


def question_for(sender: str) -> str:
    """Return the question for the address of a sender."""
    if _NAME.fullmatch(sender):
        return f"Which address does {sender} have?"
    return f"Which address or domain is meant by “{sender}”?"


def _unnamed(plain: str) -> Iterator[tuple[int, int]]:
    """Yield where senders stand of which no address is said."""
    for pattern in (_SENDER, _OF_OWNER, _SENDS, _WHOSE, _OWNED, _KIND):
        for one in pattern.finditer(plain):
            is_of_mail = bool(_MAILS_FROM.search(plain[max(0, one.start() - _NEAR) : one.start("it")]))
            if not _IS_NAMED.match(plain, one.end()) and not _is_other(plain, one, is_of_mail=is_of_mail):
                yield one.span("it")
    for each in _ADDRESSED.finditer(plain):
        for one in _following(plain, each.end()):
            is_person = one["it"] and (_NAME.fullmatch(one["it"]) or re.match(rf"(?:my|our|{_OWNER})\b", one["it"], _I))
            if is_person and not _is_other(plain, one, is_of_mail=True):
                yield one.span("it")


def _following(plain: str, at: int) -> Iterator[re.Match[str]]:
    """Yield what is joined to a sender: `or bob@x.example`, `and my boss`."""
    while (found := _ONE_MORE.match(plain, at)) is not None:
        yield found
        at = found.end()


def _is_other(plain: str, found: re.Match[str], *, is_of_mail: bool) -> bool:
    """Return whether what follows `from` is not a sender, but a time, a place, a part of the mail, or anybody.

    A service is the sender of mails only if they are said to be from it: `mails from GitHub`.
    """
    begins, phrase = found.start("it"), found["it"]
    if _TIME.match(plain, begins) or _PLACE.match(plain, begins) or _PART.match(plain, begins):
        return True
    if " by " in plain[found.start() : begins] and _SORTED_BY.match(plain, begins):
        return True
    is_service = not is_of_mail and bool(_SERVICE.match(plain, begins))
    return is_service or bool(
        _ITEM.fullmatch(phrase) or (_ANYBODY.fullmatch(phrase) and not _WHO.match(plain, found.end("it")))
    )


def _masked(text: str) -> str:
    """Return a text of the same length: addresses and domains are `@`, other places `/`, what is quoted `_`."""
    plain = _PLACES.sub(lambda found: "/" * len(found[0]), hidden(text))
    return _ADDRESS.sub(lambda found: "@" * len(found[0]), plain)
