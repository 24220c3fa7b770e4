"""Words that point at a step without naming it, such as `this`, `it` and `the selected steps`: the selection is meant.

English and German. A request that names a step means that one, whatever is selected.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from clients.wording import did_you_mean
from engine.base.errors import InvalidInput
from engine.copilot.rules.naming import names_step
from engine.workflows.editing.graph import CanvasStep

_I = re.IGNORECASE
_STEPS = (
    r"(?:(?:this|that|these|those|(?:this |these |the )?(?:selected|highlighted)|dies\w{0,2}|"
    r"(?:dies\w{0,2} |d(?:en|em|er|ie|as) )(?:ausgewählte|markierte)[nrms]?) (?:steps?|schritte?[ns]?)|"
    r"the selection|die auswahl)\b"
)
_NO_NOUN = (
    r"(?=[^\w\s]|\s*\Z|\s+(?:[\d{\"'`“„+−–-]|(?:to|into|in|up|do|does|did|for|only|if|when|first|before|again|may|must|"
    r"should|needs?|takes?|fails?|writes?|sends?|runs?|is|has|at|with|and|twice|um|zu|auf|bis|nur|wenn|falls|bitte|da|"
    r"hier|soll|darf|muss|mal|zwei|drei|vier|fünf|sechs|two|three|four|five|six|ten)\b))"
)
"""What follows `this` where it is not an article: not `this workflow`, `this week`."""
_IT = rf"(?:(?:this one|it|them|ihn|ihm|es|sie)\b|(?:this|that|these|those|here|dies\w{{0,2}}|das|hier)\b{_NO_NOUN})"
_VERB = (
    r"(?:retry|rename|remove|delete|drop|explain|describe|approve|skip|title of|(?:ask me|frag\w* mich) (?:before|vor)|"
    r"(?:run|do)(?= \w+ (?:only|if|when)\b)|wiederhole|benenne|lösche|entferne|erkläre|beschreibe|genehmige|"
    r"(?:set|change|setze) [\w.]+ (?:of|in|von))"
)
_OBJECT = re.compile(rf"(?<!\w)(?P<verb>{_VERB}) (?P<it>{_IT})", _I)
_NAMED_SO = re.compile(_STEPS, _I)
_ANYWHERE = re.compile(rf"(?<!make )(?<!mach )(?<!\w){_IT}", _I)
_LEFT_OUT = (
    re.compile(r"(?P<before>\A)(?=(?:only|nur) (?:if|when|wenn|falls)\b)", _I),
    re.compile(r"\A(?P<before>(?:retry|wiederhole) )(?=(?:up to |bis zu )?[+−–-]?\d)", _I),
    re.compile(r"\A(?P<before>(?:rename|benenne) )(?=(?:to|into|in|zu) )", _I),
    re.compile(
        r"\A(?P<before>(?:set|change|setze) (?:the |das |den )?(?!(?:this|it|that|dies\w*|es|ihn) )[\w.]+ )(?P<of>)"
        r"(?=(?:to|auf|zu) )",
        _I,
    ),
    re.compile(r"\A(?P<before>(?:ask me (?:before|first)|frag\w* mich (?:vorher|zuerst)))\Z", _I),
    re.compile(r"\A(?P<before>(?:remove|delete|approve|explain|describe|lösche|entferne|genehmige|erkläre))\Z", _I),
)
"""Requests without an object, and where it belongs."""
_FIRST = re.compile(r"\A(?:ask me|(?P<german>frag\w* mich)) (?:before|first|vorher|zuerst)\Z", _I)
_POLITE = re.compile(r"\A(?:please|bitte|ok,?|and|und) ", _I)
_SHOWN = 8
ON_CANVAS = "Select it on the canvas"
"""How a step is meant, in the question for it; a terminal has another way besides."""


def points(said: str) -> bool:
    """Return whether a request asks for a step that it does not name."""
    plain = _plain(said)
    return bool(_NAMED_SO.search(plain) or _OBJECT.search(plain) or _LEFT_OUT[0].search(plain))


def is_of_steps(said: str) -> bool:
    """Return whether a request says that it means steps, without naming them: `this step`, `the selection`."""
    return bool(_NAMED_SO.search(_plain(said)))


def pointed(said: str, steps: Sequence[CanvasStep], chosen: str) -> str | None:
    """Return a request with the name of a selected step where it points, None if it does not point at any.

    `steps`: those of the workflow; `chosen`: an id. `Retry it 5 times` becomes `retry step issue 5 times`.
    """
    plain, name = _plain(said), f"step {chosen}"
    found = _NAMED_SO.search(plain)
    if found:
        return _put(plain, *found.span(), name)
    found = _OBJECT.search(plain)
    if found:
        return _put(plain, *found.span("it"), name)
    for pattern in _LEFT_OUT:
        found = pattern.search(plain)
        if found:
            return _completed(plain, found, name)
    found = None if names_step(plain, steps) else _ANYWHERE.search(plain)
    return _put(plain, *found.span(), name) if found else None


def chosen(steps: Sequence[CanvasStep], selection: Sequence[str]) -> list[CanvasStep]:
    """Return the selected steps, `selection`: their ids. Raises InvalidInput for an unknown id."""
    known = [one.id for one in steps]
    strange = [one for one in selection if one not in known]
    if strange:
        remedy = did_you_mean(strange[0], known) or "The workflow has no steps."
        raise InvalidInput(f"There is no step {strange[0]!r}.", remedy=remedy, field="selection")
    return [one for one in steps if one.id in selection]


def which_step(steps: Sequence[CanvasStep]) -> str:
    """Return the question which step is meant."""
    names = ", ".join(one.id for one in steps[:_SHOWN])
    more = ", …" if len(steps) > _SHOWN else ""
    return f"Which step? {ON_CANVAS}, or say it again with its name: {names}{more}."


def _completed(plain: str, found: re.Match[str], name: str) -> str:
    first = _FIRST.match(plain)
    if first:
        return f"frage mich vor {name}" if first["german"] else f"ask me before {name}"
    name = f"of {name}" if "of" in found.groupdict() else name
    return f"{found['before'].rstrip()} {name} {plain[found.end('before') :]}".strip()


def _plain(said: str) -> str:
    return _POLITE.sub("", " ".join(said.strip().rstrip(".!").split()))


def _put(text: str, start: int, end: int, name: str) -> str:
    return text[:start] + name + text[end:]
