"""Cue words in a mail for a problem, a request, or nothing to do. Mostly English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from demo.model.document import Document

CLEAR = 3
FAINT = 1
# Concept -> clear cues, faint cues: whole words, "*" matches any letters. Cues in other languages are those that
# the sample mailbox needs.
CUES: Mapping[str, tuple[str, str]] = {
    "problem": (
        """crash*, error*, exception, traceback, bug, bugs, broken, breaks, fail, fails, failed, failing, failure,
        freezes, freezing, frozen, hangs, timeout, timed out, regression, corrupt*, wrong, wrongly, incorrect*,
        disappear*, vanish*, garbled, blank, empty, nothing happens, does nothing, cut off, locked out,
        logs me out, data loss, out of memory, memory leak, bad gateway, reloads, stuck, unresponsive, repeats,
        upside down, trouble, bounces, outage, is down, used to work, worked before, stopped working, not work*,
        *n't work*, no longer work*, not load*, *n't load*, not open*, *n't open*, not start*, *n't start*,
        not save*, *n't save*, not accept*, *n't accept*, can't log, cannot log, can't sign, cannot sign,
        can't open, cannot open, can't save, cannot save, can't see, cannot see, can't access, cannot access,
        can't upload, cannot upload, can't print, cannot print, should be, should come to, should say,
        should show, erreur, échoue, débitée, fehler*, funktioniert, ошибка, не работает, *エラー*, *強制終了*""",
        """can't, cannot, *n't, do not, does not, did not, is not, are not, was not, missing, lost, slow*, hidden,
        late, tried, twice, duplicate*, invalid, expired, refused, unable, unexpected*, instead, even though,
        even after, no longer, still, keeps, never, since yesterday, since the, since this, since last,
        since *day, although, after the update, after every, problem*, issue, issues, log, logs, version, browser,
        screenshot, reproduce, expected, actual*, every time, whenever, as soon as, when i, when we, started,
        page, button, app, show, shows, stops, stopped, problème, depuis, seit""",
    ),
    "request": (
        """could you, can you, would you, will you, could we, can we, could i, can i, may i, shall we, could someone,
        can someone, please, kindly, let me know, let us know, i'd like, we'd like, i would like, we would like,
        would love, would appreciate, i need, we need, still need, someone has to, how do i, how do we, invoice,
        is due, due by, due date, due on, overdue, deadline, feature request, quote, quotation, do you have,
        do you offer, do you support, are you available, is there, is it possible, send me, send us, tell me,
        tell us, call me, give me, action required, for signature, sign it, sign the, approval, rsvp,
        don't forget, by *day, before *day, by tomorrow, by noon, by the end, would be great, would be nice,
        would be helpful, would be useful, would be lovely, be lovely if, expires on, expires soon, bitte,
        könnten, pourriez, merci de, نرجو""",
        """question, wondering, meeting, appointment, schedule*, confirm, asap, urgent*, review, questionnaire,
        contract, interested, suggest*, idea, wish, need, needs, should, must, until, refund, price, pricing,
        cancel, offer, possible, available, proposal, feedback, order, renew*, budget, agenda, invite*, thoughts,
        help, reminder, attached, thanks in advance, your call, your opinion, go ahead, being able to""",
    ),
    "quiet": (
        """unsubscribe, opt out, newsletter, digest, mailing list, out of office, out of the office, automatic reply,
        auto-reply, on leave, on annual leave, on parental leave, on vacation, on holiday, do not reply, no reply,
        are receiving this, you receive this, no action, no further action, no need to, *n't need to do,
        *n't have to do, nothing you need to do, for your information, fyi, view in browser, view online,
        automated message, automatic message, been shipped, has shipped, been delivered, was delivered, was paid,
        been paid, your receipt, receipt for, payment received, verification code, new sign-in, new login, *% off,
        sale ends, that did it, works now, works again, all good, solved, on its way, release notes, all systems,
        weekly summary, congratulations, congrats, happy birthday, happy new year, announce, welcome to,
        no errors, 0 errors, without errors, thank you so much, thanks so much, thanks a lot, many thanks,
        thanks again, thank you for the, thanks for the, thank you for your, thanks for your, thanks to everyone,
        never mind""",
        """thank*, great, perfect, received, released, published, sponsor, webinar, now available, accepted,
        read more, learn more, enjoy, subscri*, discount, sale, new version, changes, complete, completed,
        finished, passed, succeeded, confirmed, success*, tracking, see you, no worries, have a nice,
        have a great, have a good, privacy policy, join us, blog, episode, photos, podcast, story, welcome,
        statement, looking forward""",
    ),
    "asks": (
        """could you, can you, would you, could we, can we, please confirm, please send, please tell, please reply,
        please let, please call, please give, please check, let me know, let us know, bitte, könnten, نرجو""",
        "",
    ),
}
QUESTION = re.compile(r"[?？؟](?=\s|$|[»\"])")


def _pattern_of(cues: str) -> re.Pattern[str]:
    # Longest first, so that "cannot open" is preferred to "cannot".
    words = sorted((" ".join(cue.split()) for cue in cues.split(",")), key=len, reverse=True)
    one = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in words if word)
    return re.compile(rf"(?<!\w)(?:{one})(?!\w)" if one else r"(?!)", re.IGNORECASE)


_PATTERNS = {concept: (_pattern_of(clear), _pattern_of(faint)) for concept, (clear, faint) in CUES.items()}


def weigh(concept: str, text: str) -> int:
    """Return 3 for each different clear cue of the concept in the text, plus 1 for each faint one."""
    plain = " ".join(text.replace("’", "'").casefold().split())
    clear, faint = (len(set(pattern.findall(plain))) for pattern in _PATTERNS[concept])
    return CLEAR * clear + FAINT * faint


@lru_cache(maxsize=64)
def strengths(document: Document) -> Mapping[str, int]:
    """Return how strongly the document supports each concept; the subject counts extra."""
    found = {concept: weigh(concept, document.topic) + weigh(concept, document.own_text) for concept in CUES}
    questions = min(2, len(QUESTION.findall(document.own_text)))
    found["request"] += 2 * questions
    if found["quiet"] >= CLEAR:  # newsletters contain invitations and mention problems
        found["request"] //= 2
        found["problem"] //= 2
    if found["problem"] >= CLEAR:  # problem reports contain polite requests
        found["request"] //= 2
    return found
