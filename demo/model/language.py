"""Which language a text is in: by its script, then by the commonest little words."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W\d_]+")
SCRIPTS = (("ja", "぀", "ヿ"), ("zh", "一", "鿿"), ("ko", "가", "힯"), ("ru", "Ѐ", "ӿ"), ("ar", "؀", "ۿ"))
STOP_WORDS = {
    "de": "der die das und ist nicht wir ich sie für mit auf ein eine bitte seit dem zu bei von",
    "fr": "le la les et est nous je vous pour avec une des du depuis dans pas sur merci à au il ce qui sans votre ne",
    "es": "el los las y es nosotros usted para con una del por en que no se gracias un al cuando qué lo le me te mi",
    "it": "il gli e è noi per con una del che non di tutto grazie si sono la un mi ti ci ma",
    "pt": "o os as e é nós para com uma do da que não em obrigado você um na no ao me mas",
    "nl": "de het een en is niet wij ik u je jij voor met op van dat zijn graag te aan bij naar maar",
    "pl": "i w na się nie jest do z że od po za dla proszę czy mam dzień dobry jak",
    "en": "the and is we i you for with a an of to in not on it please this that",
}


def language_of(text: str) -> str:
    """Guess the language from script, then from the commonest little words."""
    letters = sum(1 for each in text if each.isalpha()) or 1
    for code, first, last in SCRIPTS:
        if sum(1 for each in text if first <= each <= last) > letters * 0.2:
            return code
    words = [word.casefold() for word in WORD.findall(text)]
    counts = {code: sum(1 for word in words if word in stop.split()) for code, stop in STOP_WORDS.items()}
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] > counts["en"] else "en"


def is_readable(text: str) -> bool:
    """Whether every tenth word is one of the little words of a known language, or the script is another than Latin."""
    words = [word.casefold() for word in WORD.findall(text)]
    known = {word for stop in STOP_WORDS.values() for word in stop.split()}
    little = sum(1 for word in words if word in known)
    return little * 10 >= len(words) > 0 or any(each >= "Ѐ" and each.isalpha() for each in text)
