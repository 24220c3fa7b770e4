"""What reads or rewrites strangers' texts within the server's process, and the pieces that such texts may repeat.

A text of a few kilobytes that takes seconds stops the server for everyone. So each reader gets texts of one piece over
and over, and the time must grow as the text does: a text of twice the length may take about twice the time.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from clients.error_mapping import words_of_page
from clients.github import values as github_values
from clients.google_calendar import events as google_events
from clients.http.json_text import read_json as read_sent
from clients.limits.text_limit import TextLimit, fitted
from clients.mail.addresses import shown_addresses, shown_sender
from clients.mail.html import visible_text
from clients.mail.parameters import parameters
from clients.mail.parts import shown as shown_header
from clients.mail.quotes import without_quotes, without_signature
from clients.mail.raw import payload_of
from clients.mail.rendered import html_of
from clients.mail.stubs import chosen
from clients.mail.transfer import decoded_body
from clients.mail_formats.flowed import unflowed
from clients.mail_server.failures import refused
from clients.notion.text.blocks import blocks_of, broken_lines
from clients.notion.text.markdown import essence, parts
from clients.rag.passages import passages
from clients.readings import readings
from engine.outgoing.harmless import Harmless
from engine.outgoing.hidden_characters import without_blanks
from engine.plugins.step import Markup
from engine.prompts.model_answers import read_json
from engine.steps.agent.plain_call import read_call
from engine.workspace.secret import without_secrets

Reader = Callable[[str], Any]


def _harmless(markup: Markup) -> Reader:
    return lambda text: Harmless(lambda place: False).value(text, own=frozenset(), markup=markup)


def _or_refused(read: Reader) -> Reader:
    def reader(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            return error

    return reader


_MESSAGES = TextLimit(100, "slack", way="text", parts=1000)
SLOW: dict[str, Reader] = {
    "HTML of a mail": visible_text,
    "preformatted HTML of a mail": lambda text: visible_text(f"<pre>{text}</pre>"),
    "HTML list of a mail": lambda text: visible_text(f"<ol><li>{text}</ol>"),
    "Markdown made harmless": _harmless("markdown"),
    "Markdown table made harmless": lambda text: _harmless("markdown")(f"<table>\n{text}"),
    "blocks of a page": blocks_of,
    "lines of full blocks": broken_lines,
    "Markdown of a mail": html_of,
    "messages of a chat": lambda text: fitted(text, _MESSAGES),
    "sender": lambda text: shown_sender([text]),
    "recipients": shown_addresses,
}
"""Those that parse in Python."""
READERS: dict[str, Reader] = {
    **SLOW,
    "message of a commit made harmless": _harmless("commit"),
    "plain text made harmless": _harmless(""),
    "words of a stranger": without_blanks,
    "text without quotes": lambda text: without_signature(without_quotes(text)),
    "flowed text": lambda text: unflowed(text, deletes_blank=True),
    "stub or HTML": lambda text: chosen(text[:400], text),
    "bytes of a mail": lambda text: payload_of(text.encode()),
    "first line of a mail": lambda text: payload_of(text[:-1].encode() + b"\n"),
    "parts of a mail": lambda text: payload_of(b"Content-Type: multipart/mixed; boundary=a\n\n" + text.encode()),
    "quoted-printable": lambda text: decoded_body(text.encode(), "quoted-printable"),
    "base64": lambda text: decoded_body(text.encode(), "base64"),
    "uuencode": lambda text: decoded_body(text.encode(), "uuencode"),
    "subject": shown_header,
    "content type": lambda text: parameters(f"a/b;{text}"),
    "passages": lambda text: list(passages(text)),
    "secrets in a text": lambda text: list(readings(text.encode())),
    "essence of a page": essence,
    "parts of a page": parts,
    "issue": lambda text: (github_values.unmarked(text), github_values.mark_in(text)),
    "description of an event": google_events._plain,
    "call in an answer": _or_refused(lambda text: read_call(f"€{text}", {})),
    "JSON in an answer": _or_refused(read_json),
    "lines of JSON": lambda text: read_sent(text, "application/x-ndjson"),
    "secrets in an exported run": without_secrets,
    "page of a refusal": words_of_page,
    "refusal of a mail server": refused,
    "list in an answer": _or_refused(lambda text: read_json(text[1:])),
}
PIECES = [
    *(
        " |\t|\n|\r|\xa0|a|1. |- |# |> |* |  - a\n|<|</|<!--|-->|<?|<![CDATA[|<p>|<div>|<b>|<a href=x>|<li>|<ul>|<pre>"
        "|<br>|<table>|<table>\n|<tr>|<td>|</td>|<style>|<details>\n|[|](|]|![|[a](b)|[1]: a\n|(|)|**a |_|`|```|``` a\n"
        "|~~|$|$$\n|\\|\\href{|&|&amp;|&#64;|%25|\u200b|\u200b(|\u202e|fix.|fix #1 |fix:http://|@a |@a@|a.b@|a@b.c "
        '|http://|http://a |www.|mailto:a@|=?utf-8?q?|=?utf-8?q?a?=|=|=\n|;a=|,|:|{|{"a":|{{|"|\'|--\n|wrote:\n'
        "|From: a\n|begin 644 a\n|<think>|eyJ|x-|x-key|://a:"
    ).split("|"),
    "|",
    "|a",
    "|-|\n",
]
AROUND = (
    ("a", "b"),
    ("a", "\r\n"),
    ("", ""),
    ("<", ">"),
    ("[", "](x)"),
    ("\n", "\n-->\n"),
    ('{"', '"}'),
    ("=?utf-8?q?", "?="),
)
"""What a text may begin and end with."""
FLOOR_SECONDS = 0.01
"""Less is never long; so short times say little about growth."""
_GROWTH = 8
"""Of the time for a quarter: 4 if it grows as the text does, 16 if as its square."""
_TRIES = 6
_MOST_SECONDS = 60.0


def text_of(piece: str, length: int, around: tuple[str, str]) -> str:
    """Return a text of about this length that repeats a piece."""
    return around[0] + piece * max(1, length // len(piece)) + around[1]


def too_slow(read: Reader, pieces: Sequence[str], length: int, around: tuple[str, str]) -> Iterator[str]:
    """Yield each piece with which the time grows faster than the text, and what was measured."""
    for piece in pieces:
        long = text_of(piece, length, around)
        whole = [seconds(read, long)]
        if whole[0] <= FLOOR_SECONDS:
            continue
        short = text_of(piece, length // 4, around)
        quarter = [seconds(read, short), seconds(read, short)]
        while min(whole) > _GROWTH * min(quarter) + FLOOR_SECONDS:
            if len(whole) == _TRIES or (len(whole) > 1 and sum(whole) > _MOST_SECONDS):
                yield f"{piece!r}: {min(quarter):.3f} s, four times the length {min(whole):.3f} s"
                break
            whole.append(seconds(read, long))
            quarter.append(seconds(read, short))


def seconds(read: Reader, text: str) -> float:
    """Return how much time of the processor it takes, whatever else the machine does."""
    gc.disable()  # it goes through what all other tests have left
    try:
        began_at = time.thread_time()
        read(text)
        return time.thread_time() - began_at
    finally:
        gc.enable()
