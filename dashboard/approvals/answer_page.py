"""The page behind an answer link as HTML: the letter of the page Approvals, without a script.

Every text of a person, a service or a model is escaped, and links in it that answer other questions are left out:
whoever may answer one question must not get to answer the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from dashboard.approvals.asked_call import cost_text, head_lines, open_words, source_words
from dashboard.base.language import N_, spoken, t, tn
from dashboard.base.messages import translated
from dashboard.base.plain import host_of, revealed
from dashboard.form.words import language_of
from dashboard.parts.times import ago, full_time
from dashboard.parts.unconfirmed import unconfirmed_words
from engine.base.statuses import AccountMode
from engine.people.answer_links import without_links
from engine.record.plans.previews import shown
from engine.record.types.approval import AskedCall, AskedSource
from engine.runs.answer_page import AnswerPage, AnswerView
from engine.runs.answers import LONGEST_REASON
from engine.runs.approval_links import has_files
from engine.runs.approvals import Approval, State
from engine.runs.asked_letter import AskedLetter, LetterPart, letter_of

_LONGEST_TITLE = 300
_TITLES: Mapping[State, str] = {
    "approved": N_("This question was approved"),
    "rejected": N_("This question was rejected"),
    "expired": N_("This question has expired"),
    "withdrawn": N_("This question was withdrawn"),
}
_ANSWERS: Mapping[State, str] = {
    "approved": N_("Approved"),
    "rejected": N_("Rejected"),
    "expired": N_("Expired"),
    "withdrawn": N_("Withdrawn"),
}


def rendered(view: AnswerView) -> AnswerPage:
    """Return the page in the language that the browser prefers."""
    chosen = language_of(view.languages)
    with spoken(chosen):
        title, body = _content(view)
        tab = t("Approval") if view.question is not None else title
    return AnswerPage(chosen, tab, title, body)


def _content(view: AnswerView) -> tuple[str, str]:
    if view.notice == "busy":
        wait = tn("{count} second", "{count} seconds", view.seconds)
        return t("Too many requests"), _p(t("Try again in {time}.", time=wait))
    if view.notice == "unpressed":
        return t("Not answered"), _p(t("Press one of the two buttons."))
    if view.error is not None:
        return t("Not answered"), _p(translated(view.error.message)) + _p(translated(view.error.remedy))
    if view.question is None or view.question.state != "open":
        return _outcome(view.question)
    return _title(view.question), "\n".join(filter(None, _question(view.question, view.token)))


def _outcome(question: Approval | None) -> tuple[str, str]:
    """Show only what came of a question: old links lie in mailboxes, and nobody needs its texts now."""
    if question is None:
        return t("Not answered"), ""
    answer = t(_ANSWERS[question.state]) + (t(", edited") if question.edited is not None else "")
    lines = [(t("Workflow"), question.workflow), (t("Answer"), answer)]
    lines += [(t("By"), question.answered_by)] if question.answered_by else []
    lines += [(t("At"), full_time(question.answered_at))] if question.answered_at else []
    return t(_TITLES[question.state]), f'{_lines(lines)}<p role="status">{escape(t("The link no longer works."))}</p>'


def _title(question: Approval) -> str:
    """Return what happens if the person agrees, as HTML."""
    call = question.call
    if call is None:
        message = question.message
        return _html(message if len(message) <= _LONGEST_TITLE else f"{message[:_LONGEST_TITLE].rstrip()} …")
    letter = letter_of(call)
    if letter.agreed:
        return escape(t(letter.agreed)).format(to=_bold(letter.to), what=_bold(letter.what))
    about = " · ".join(dict.fromkeys(filter(None, [letter.to, letter.what])))
    words = f"{_html(t(call.title))} · {_bold(about)}" if about else _html(t(call.title))
    return escape(t("If you agree: {call}")).format(call=words)


def _question(question: Approval, token: str) -> Iterator[str]:
    call = question.call
    yield _facts(question)
    if call is None:
        yield "" if question.details is None else f"<pre>{_text(question.details)}</pre>"
    else:
        letter = letter_of(call)
        yield from _warnings(question, call)
        yield from _original(call.source)
        yield from _letter(letter, call.source, question.gaps)
    yield _answer(question, token)
    if call is not None:
        yield _details(call)


def _facts(question: Approval) -> str:
    call = question.call
    account = "" if call is None else call.account_name or call.account
    facts = [t("From your account {account}", account=account)] if account else []
    facts += [t("Demo")] if call is not None and call.mode == AccountMode.DEMO else []
    facts.append(question.workflow)
    if call is not None:
        is_untitled = question.message == call.title
        facts.append(t(call.title) if is_untitled else question.message.removesuffix(f": {call.title}"))
    facts.append(t("asked {asked_at}", asked_at=ago(question.asked_at)))
    if question.expires_at is not None:
        facts.append(t("expires {expires_at}", expires_at=full_time(question.expires_at)))
    link = "" if call is None or call.preview is None else _link(open_words(call), call.preview.url)
    return f'<p class="facts">{_html(" · ".join(facts))}{link}</p>'


def _link(words: str, url: str) -> str:
    """Return a link with its host; nothing if it is no web page."""
    if not (host := host_of(url)):
        return ""
    link = f'<a href="{escape(without_links(url))}" rel="noreferrer" target="_blank">{escape(words)}</a>'
    return f" · {link} ({_html(host)})"


def _warnings(question: Approval, call: AskedCall) -> Iterator[str]:
    if call.again:
        yield _warning(t("This was approved before, and asks again, because something has changed:"))
        yield f"<pre>{_text(call.again)}</pre>"
    if call.notes:
        yield _warning(" ".join(map(translated, call.notes)))
    if call.unreadable:
        yield _warning(t("What it is about could not be read: {unreadable}", unreadable=translated(call.unreadable)))
    if question.gaps:
        found = ", ".join(question.gaps)
        yield _warning(t("Not finished: the text still has gaps to fill in: {found}", found=found))


def _original(source: AskedSource | None) -> Iterator[str]:
    """Yield the mail or other object that the text comes from: its head, and its text one click away."""
    if source is None or not source.text:
        return
    lines = {t("From"): source.sender, t("Subject"): source.subject, t("Date"): full_time(source.at or None)}
    summary = f"<summary>{escape(t(source.thing.capitalize()))} · {escape(t('Show the text'))}</summary>"
    letter = _letter_text(source.text, is_outside=True)
    yield f'<section class="original">{_lines((name, one) for name, one in lines.items() if one)}'
    if source.is_unconfirmed:
        yield _warning(unconfirmed_words())
    yield f"<details>{summary}{letter}</details></section>"


def _letter(letter: AskedLetter, source: AskedSource | None, gaps: Sequence[str]) -> Iterator[str]:
    for is_head, parts in groupby(letter.parts, lambda part: part.is_line and not part.is_warning):
        if not is_head:
            for part in parts:
                yield from _part(part, source, gaps)
            continue
        head = list(parts)
        yield _lines(head_lines(head))
        if names := [t(one.title) for one in head if one.is_outside]:
            yield _origin(f"{', '.join(names)}: {source_words(source)}")
    if letter.changes:
        yield f"<pre>{_html(letter.changes)}</pre>"


def _part(part: LetterPart, source: AskedSource | None, gaps: Sequence[str]) -> Iterator[str]:
    if part.is_warning:
        yield _warning(str(part.value))
        return
    if part.title:
        yield f'<p class="name">{_html(t(part.title))}</p>'
    if isinstance(part.value, str):
        yield _letter_text(part.value, is_outside=part.is_outside, gaps=gaps)
    else:
        yield f'<pre class="{"outside" if part.is_outside else ""}">{_text(part.value)}</pre>'
    if part.is_outside:
        yield _origin(source_words(source))


def _letter_text(text: str, *, is_outside: bool, gaps: Sequence[str] = ()) -> str:
    """Return a text as its receiver sees it: wrapped, with quoted lines in grey, and its gaps marked."""
    lines = (f"<i>{one}</i>" if one.startswith("&gt;") else one for one in _html(text).split("\n"))
    found = "\n".join(lines)
    for gap in map(_html, gaps):
        found = found.replace(gap, f"<mark>{gap}</mark>")
    return f'<div class="letter{" outside" if is_outside else ""}">{found}</div>'


def _answer(question: Approval, token: str) -> str:
    """Return the buttons; a question that only some may answer has none, and what a page cannot show no Approve."""
    if question.by:
        return _p(t("This question names who may answer it. Sign in, and answer on the page Approvals."))
    can_approve = not has_files(question) and not question.gaps
    if not can_approve:
        words = t("This call has files, large texts or gaps. To approve it, sign in and go to the page Approvals.")
    elif question.call is None:
        words = t("Approving lets the run go on after this question, and permits no call.")
    else:
        words = t("Approving permits exactly this, once. If anything differs when the run goes on, it asks again.")
    reason = t("Reason or comment")
    approve = f'<button name="answer" value="approve">{escape(t("Approve"))}</button>' if can_approve else ""
    return f"""<p class="soft">{escape(words)}</p>
<form class="answer" method="post" action="/approve">
<input type="hidden" name="token" value="{escape(token)}">
<input name="reason" maxlength="{LONGEST_REASON}" placeholder="{escape(reason)}" aria-label="{escape(reason)}">
<div class="two">{approve}
<button name="answer" value="reject" class="no">{escape(t("Reject"))}</button></div>
</form>
<p class="soft">{escape(t("The link works once. Whoever has it can answer this question."))}</p>"""


def _details(call: AskedCall) -> str:
    """Return the exact arguments, where their text comes from, the preview, and what the run has cost."""
    account = call.account_name or call.account
    facts = [f"{call.uses} · {account}" if account else call.uses]
    facts.append(t("Cost so far: {cost_text}", cost_text=cost_text(call.cost_usd)))
    found = f"{_p(' · '.join(facts))}{_p(t('The exact arguments of the call:'))}"
    for name, value in call.arguments.items():
        origin = call.outside.get(name)
        mark = "" if origin is None else f" · {t('text from outside')}: {origin}"
        found += f'<p class="name">{_html(name + mark)}</p>'
        found += f'<pre class="{"" if origin is None else "outside"}">{_text(value)}</pre>'
    if call.preview is not None:
        found += f'<p class="name">{escape(t("What it does"))}: {_html(call.preview.title)}</p>'
        found += f"<pre>{_text(shown(call.preview))}</pre>"
    return f'<details class="exact"><summary>{escape(t("Details"))}</summary>{found}</details>'


def _lines(lines: Iterable[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{_html(name)}</dt><dd>{_html(text)}</dd>' for name, text in lines)}</dl>"


def _warning(text: str) -> str:
    return f'<p class="warning">{_html(text)}</p>'


def _origin(words: str) -> str:
    return f'<p class="origin">{_html(words)}</p>'


def _bold(text: str) -> str:
    return f"<bdi><b>{_html(text)}</b></bdi>"


def _p(text: str) -> str:
    return f"<p>{_html(text)}</p>" if text else ""


def _text(value: Any) -> str:
    return _html(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))


def _html(text: str) -> str:
    """Return a text as HTML that shows it literally, and the characters that nobody sees as marks."""
    return escape(revealed(without_links(text)))
