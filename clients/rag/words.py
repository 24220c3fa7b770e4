"""Turns a question into a query of SQLite's full-text search (FTS5): the words that find passages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"\w+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_STOP = frozenset(
    "a an and are as at be been by can could did do does for from had has have how i if in into is it its may me my not"
    " of on or our should so than that the their them then there these they this to was we were what when where which"
    " who whom whose why will with would you your"
    " aber als am an auch auf aus bei bin bis da darf das dass dem den der des die diese dieser dieses du dürfen ein"
    " eine einem einen einer eines er es für habe haben hat ich ihr im in ist ja kann man mein mich mir mit muss müssen"
    " nach nicht noch nur oder sich sie sind so und uns unser vom von vor wann war was welche welchen welcher welches"
    " wenn wer werden wie wir wird wo wurde wurden zu zum zur über"
    " au aux avec ce ces dans de des du elle en est et il je la le les leur lui ma mais me mes mon ne nous on ou où par"
    " pas pour qu que quel quelle qui sa se ses son sont sur ta te tes ton tu un une vos votre vous".split()
)
_WORDS_MOST = 100
"""Of one query. With twice as many it takes twice as long: about half a second among 20,000 passages."""
_ENDING = re.compile(r"(?:ungen|ung|heiten|heit|keiten|keit|end|ern|em|en|er|es|st|et|e|n|s|t)$")
"""Of German. The index knows only the endings of English (Porter's algorithm)."""
_STEM_LEAST = 5
"""Fewest letters of a stem that finds all words beginning with it; too many unrelated words share fewer letters."""
_SHORT_STEM_LEAST = 3
"""Fewest letters of a stem that is searched as a word, such as "miet" for "Mieten"."""


def signs(text: str) -> str:
    """Return the text's parts that are indexed beside its words.

    These are the pairs of neighbouring signs of Chinese, Japanese and Korean, which are written without spaces, and
    words with other forms of letters, such as ligatures and full-width ones, in plain letters (Unicode: NFKC).
    """
    runs = _CJK.findall(text)
    known = frozenset(runs)
    runs += [run for run in _CJK.findall(unicodedata.normalize("NFKC", text)) if run not in known]
    others = (unicodedata.normalize("NFKC", word) for word in _WORD.findall(text) if _has_other_forms(word))
    return " ".join([*(two for run in runs for two in _pairs(run)), *others])


def _has_other_forms(word: str) -> bool:
    return not word.isascii() and not unicodedata.is_normalized("NFKC", unicodedata.normalize("NFC", word))


def marked_signs(text: str, question: str) -> Iterator[tuple[int, int]]:
    """Yield the places in a text of the pairs of signs that a question has."""
    wanted = "|".join(map(re.escape, dict.fromkeys(two for run in _CJK.findall(question) for two in _pairs(run))))
    if wanted:
        yield from (found.span() for found in re.finditer(wanted, text))


def queries(question: str) -> list[str]:
    """Return queries that find passages with any of the words of a question; none if it has no word.

    One that has very many words has more than one query; the first has the longest words, which are the rarest.

    Words are also found by their stems, as the beginning of a word, and with "ss" for "ß" and the other way round. They
    are quoted, so that nothing in them is read as an operator (https://sqlite.org/fts5.html#full_text_query_syntax).
    """
    forms = dict.fromkeys(unicodedata.normalize(form, question) for form in ("NFC", "NFKC"))
    # not casefold: the index keeps "ß"
    words = [word.lower() for form in forms for word in _WORD.findall(_CJK.sub(" ", form))]
    wanted = [word for word in words if word not in _STOP] or words
    chosen = list(
        dict.fromkeys([*wanted, *(two for form in forms for run in _CJK.findall(form) for two in _pairs(run))])
    )
    if len(chosen) > _WORDS_MOST:
        chosen.sort(key=len, reverse=True)
    parts = [chosen[at : at + _WORDS_MOST] for at in range(0, len(chosen), _WORDS_MOST)]
    return [" OR ".join(dict.fromkeys(term for word in part for term in _terms(word))) for part in parts]


def _terms(word: str) -> Iterator[str]:
    """Yield the terms that find a word: itself, its stem, and if that is long enough, all words that begin with it."""
    for spelled in dict.fromkeys((word, word.replace("ß", "ss"), word.replace("ss", "ß"))):
        yield f'"{spelled}"'
        stem = _ENDING.sub("", spelled)
        if _SHORT_STEM_LEAST <= len(stem) < _STEM_LEAST and stem not in _STOP:
            yield f'"{stem}"'
        beginning = stem if len(stem) >= _STEM_LEAST else spelled
        if beginning.isalpha() and len(beginning) >= _STEM_LEAST:
            yield f'"{beginning}"*'


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]
