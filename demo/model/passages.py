"""Questions about numbered passages: the sentences that share most words with the question are the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from demo.model.document import SENTENCE_END, TO_A_PROGRAM, words_of

_PASSAGE = re.compile(r"^\[(\d+)\] ([^\n]*)\n(.*?)(?=\n\n\[\d+\] |\n\nQuestion: )", re.MULTILINE | re.DOTALL)
_QUESTION = re.compile(r"\n\nQuestion: (.*)\Z", re.DOTALL)
_WANTED = {"answer", "answered", "passages"}
_COMMON = frozenset(
    "a an and are at can do does for from have how i in is it my of on or the there this to was what when where which"
    " who why will with you der die das ein eine und ist sind wie wann wo was wer ich zu im in".split()
)
_ENOUGH = 2
"""Words that a sentence and its heading must share with the question."""


def answer_from_passages(text: str, schema: Mapping[str, Any]) -> str | None:
    """Return {answer, answered, passages} as JSON; None if the text is no question about passages."""
    question = _QUESTION.search(text)
    if question is None or not (schema.get("properties") or {}).keys() >= _WANTED:
        return None
    wanted = set(words_of(question[1])) - _COMMON
    sentences = [
        (len(wanted & {*words_of(heading), *said}), len(wanted & said), -int(number), one.strip())
        for number, heading, passage in _PASSAGE.findall(text)
        for one in SENTENCE_END.split(passage)
        for said in (set(words_of(one)),)
        if one.strip() and not TO_A_PROGRAM.search(one)
    ]
    best = max(sentences, default=(0, 0, 0, ""))
    if best[0] < min(_ENOUGH, max(1, len(wanted))):
        found: dict[str, Any] = {"answer": "The passages do not say.", "answered": False, "passages": []}
    else:
        found = {"answer": best[3], "answered": True, "passages": [-best[2]]}
    return json.dumps(found, ensure_ascii=False)
