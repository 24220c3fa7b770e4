"""What the wording of a document, rather than its words, says: symptoms told, requests made, broadcasts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from demo.model.abroad import BROADCASTS_ABROAD, REQUESTS_ABROAD, SYMPTOMS_ABROAD
from demo.model.broadcasts import BROADCASTS
from demo.model.requests import REQUESTS
from demo.model.symptoms import SYMPTOMS
from demo.model.text import Document

TABLES: Mapping[str, Mapping[str, tuple[float, str]]] = {
    "problem": {**SYMPTOMS, **SYMPTOMS_ABROAD},
    "request": {**REQUESTS, **REQUESTS_ABROAD},
    "quiet": {**BROADCASTS, **BROADCASTS_ABROAD},
}
# Patterns named by a language count in it alone; these are too alike to be told apart in a short mail.
ALIKE = ({"es", "pt", "it", "fr"}, {"de", "nl"}, {"ja", "zh"})
LANGUAGES = {"de", "fr", "es", "pt", "it", "nl", "pl", "ru", "ja", "zh", "ko"}
MOST = 7.0
CLOSING_THANKS = re.compile(
    r"\b(?:thank(?:s| you)|dank(?:e|jewel)?|bedankt|merci|gracias|grazie|obrigad[oa]|dzięk\w+|спасибо|"
    r"tack|takk|děkuj\w+|köszön\w+|teşekkür\w*)\b|شكرا|ありがとう|谢谢|謝謝|感谢|감사",
    re.IGNORECASE,
)
SPOKEN = re.compile(r"\b(?=[^\W\d_]*[aeiouyàâäéèêëíìîïóòôöúùûüąęаеёиоуыэюя])[^\W\d_]{2,}\b", re.IGNORECASE)
# What is left of letters in an unknown encoding.
UNREADABLE = re.compile(r"[\ufffd\u25a1\x80-\x9f]")
OTHER_SCRIPT = re.compile(r"[\u0600-\u06ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{2}")
LONG_FORMS = {
    "pls": "please",
    "plz": "please",
    "u": "you",
    "ur": "your",
    "thx": "thanks",
    "cant": "can't",
    "wont": "won't",
}
CHAT = re.compile(
    r"\b(?:pls|plz|u|ur|thx|cant|wont|(does|do|did|is|was|are|has|have|would|could|should)nt)\b", re.IGNORECASE
)
# Said to be kind, or by rote, before or after what the mail is about.
SET_PHRASE = re.compile(
    r"\b(?:(?:i |we )?hope (?:you|this|all|everything)|(?:i|we)(?:'m|'re| am| are| have "
    r"been)?[^.!?\n]{0,20}(?:happy|pleased|satisfied) (?:user|customer|with)|(?:i|we|my \w+) (?:really "
    r")?(?:love|like|enjoy) (?:your|the|using)|(?:have|enjoy) (?:a|your|the) (?:\w+ )?(?:day|weekend|"
    r"evening|week|holiday)|keep up the|if (?:the (?:problem|issue) persists|(?:you have|there are) "
    r"(?:any )?(?:\w+ )?(?:questions|problems|issues)))\b[^.!?\n]*[.!?\n]?|\b(?:without(?: any)?|no|0) "
    r"(?:errors?|problems?|issues?|failures?)\b",
    re.IGNORECASE,
)
# Somebody speaks of a thing that only the two of them know, or of nothing.
VAGUE = re.compile(
    r"^\W*(?:sent from my|get outlook for|von meinem|envoyé de mon|enviado desde mi|inviato da) .{0,20}$|"
    r"^\W*(?:it|the one|the thing|that|this|them|those|yes|no|maybe|perhaps|same|ok(?:ay)?|hm+|well|"
    r"about)\b|\b(?:something|some thing|the thing|thingy|stuff|or maybe|or perhaps|you know what|"
    r"whatever|anyway|somehow|or not|or was it|or it was|not sure (?:what|if|whether|why)|la la)\b",
    re.IGNORECASE,
)


def cues(document: Document) -> dict[str, float]:
    """For problem, request and quiet: the weights of the patterns found in subject and text, at most 7 each."""
    # The mark keeps the first word of a subject, often a noun, from being taken for an order.
    text = plain(f"» {document.subject}\n{document.own_text}")
    spoken = {document.language}.union(*(group for group in ALIKE if document.language in group))
    return {concept: min(MOST, _sum(concept, text, spoken)) for concept in TABLES}


def plain(text: str) -> str:
    """The text with one kind of apostrophe, without the short forms of chats ("pls", "doesnt"), without set phrases."""
    long = CHAT.sub(lambda found: LONG_FORMS.get(found[0].casefold()) or f"{found[1]}n't", text.replace("’", "'"))
    return SET_PHRASE.sub(" ", long)


def is_language(document: Document) -> bool:
    """Whether there are words to understand: two with a vowel, or a script that is read otherwise."""
    if len(UNREADABLE.findall(document.own_text)) * 10 > document.word_count:
        return False
    return len(SPOKEN.findall(document.own_text)) >= 2 or bool(OTHER_SCRIPT.search(document.own_text))


def is_vague(document: Document) -> bool:
    """Whether a person, too, would ask what is meant: hardly a word, or words that point at nothing said."""
    return document.word_count < 4 or not is_language(document) or bool(VAGUE.search(document.own_text))


def gives_thanks(document: Document) -> bool:
    """Whether a text of a few sentences thanks somewhere."""
    return document.word_count <= 60 and bool(CLOSING_THANKS.search(f"{document.subject}\n{document.own_text}"))


def _sum(concept: str, text: str, spoken: set[str]) -> float:
    found = (
        weight
        for name, weight, pattern in _patterns(concept)
        if (name not in LANGUAGES or name in spoken) and pattern.search(text)
    )
    return sum(found)


@cache
def _patterns(concept: str) -> tuple[tuple[str, float, re.Pattern[str]], ...]:
    flags = re.IGNORECASE | re.MULTILINE
    return tuple((name, weight, re.compile(pattern, flags)) for name, (weight, pattern) in TABLES[concept].items())
