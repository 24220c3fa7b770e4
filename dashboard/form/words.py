"""The sentences on the page of a form."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.base.language import N_, languages, size_text, t, tn
from engine.forms.values import Code, InvalidValue
from engine.forms.view import FormView, Notice

_WRONG: Mapping[Code, str] = {
    "required": N_("Fill in this field."),
    "unchecked": N_("Tick this box."),
    "too_long": N_("This is too long: {limit} characters fit."),
    "email": N_("This is not an e-mail address. It looks like name@example.org."),
    "number": N_("This is not a number."),
    "digits": N_("This number has too many digits: {limit} fit, and 9 after the point."),
    "date": N_("This is not a date. Write it as year-month-day, such as 2026-05-31."),
    "choice": N_("Choose one of the list."),
    "too_large": N_("This file is too large: {limit} MB fit."),
    "empty_file": N_("This file is empty."),
}
_NOTICES: Mapping[Notice, str] = {
    "wrong": N_("Nothing was sent yet. Please correct:"),
    "old": N_("Nothing was sent: this page was open for too long. Check what you have typed, and send it now."),
    "sent_before": N_(
        "Something else was already sent from this page. If you mean to send this as well, press the button again."
    ),
    "too_large": N_("Nothing was sent: it has {size}, and {limit} fit. Choose smaller files."),
    "often": N_("Too much was sent from your network."),
    "full": N_("Nothing was sent: too much waits to be worked on."),
    "day": N_("Nothing was sent: this form takes no more for today. Try again later."),
    "broken": N_("Nothing was sent: the server cannot store it at the moment. Try again later."),
    "unreadable": N_("Nothing was sent: the request is not one of this form. Open its page again."),
    "unknown": N_("There is no form at this address, or it takes nothing at the moment."),
}
_SAY_WHEN = frozenset[Notice]({"often", "full"})
"""Notices that also say when to try again."""


def wrong_sentence(wrong: InvalidValue) -> str:
    """Return why a field was not accepted."""
    return t(_WRONG[wrong.code], limit=wrong.limit) if wrong.limit else t(_WRONG[wrong.code])


def notice_sentence(view: FormView) -> str:
    """Return what is said above the fields; empty for nothing."""
    if not view.notice:
        return ""
    if view.notice == "too_large":
        return _too_large(size_text(view.size_bytes), size_text(view.most_bytes))
    said = t(_NOTICES[view.notice])
    if view.notice in _SAY_WHEN:
        return f"{said} {tn('Try again in {count} minute.', 'Try again in {count} minutes.', view.minutes)}"
    return said


def _too_large(size: str, limit: str) -> str:
    if size in (size_text(0), limit):
        return t("Nothing was sent: it is larger than {limit}. Choose smaller files.", limit=limit)
    return t(_NOTICES["too_large"], size=size, limit=limit)


def language_of(asked: str) -> str:
    """Return the first language of ours that a browser prefers (Accept-Language, RFC 9110, 12.5.4)."""
    ranked = []
    for one in asked[:500].split(","):
        name, _, weight = one.strip().partition(";")
        try:
            rank = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            rank = 0.0
        ranked.append((-rank, name.strip().partition("-")[0].lower()))
    known = languages()
    return next((name for rank, name in sorted(ranked, key=lambda one: one[0]) if rank < 0 and name in known), "en")
