"""Removes from a mail's text what is not its own: quoted mails and the signature."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WROTE = (
    r"wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|kirjoitti|napisała?|pisze|napsala?|yazdı"
    r"|пишет|писала?|написала?"
)
_WROTE_UNSPACED = "写道|寫道|書きました|작성"
_ATTRIBUTION = re.compile(
    rf"(?:.{{0,400}}\W)?(?:{_WROTE})\b.{{0,200}}[:：]|.{{0,400}}(?:{_WROTE_UNSPACED}).{{0,20}}[:：]"
)
_SENDER = re.compile(r"(?=.*\d{4})(?=.*\d{1,2}[:.]\d{2})[^<>]{1,400}\W<[^<>\s@]{1,200}@[^<>\s@]{1,200}>\s?[:：]")
"""An attribution line without a verb, as Gmail writes it in Russian and Japanese: recognized by a year and a time."""
_NUMBER = re.compile(r"\d")
_RULE = re.compile(r"\s*[_*-]{3,}\s*")
_DATED = re.compile(r"\d{4}|@")
_SEPARATOR = re.compile(
    r"[-_]{2,}\s*(?:original message|original appointment|reply message|ursprüngliche nachricht|message d'origine"
    r"|mensaje original|messaggio originale|oorspronkelijk bericht|mensagem original|ursprungligt meddelande"
    r"|oprindelig meddelelse|wiadomość oryginalna|původní zpráva|исходное сообщение|原始邮件"
    r"|元のメッセージ)\s*[-_]{2,}",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"(?:[-_]{2,}\s*)?(?:begin forwarded message|forwarded message|weitergeleitete nachricht|message transféré"
    r"|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht|mensagem encaminhada"
    r"|anfang der weitergeleiteten (?:nachricht|e-mail)|пересылаемое сообщение)\s*(?:[-_]{2,}|:)",
    re.IGNORECASE,
)
_HEAD = r"\W{0,3}(?:from|von|de|da|van|fra|från|od|от|发件人|差出人)\W{0,3}[:：]\W{0,4}\S"
_BELOW = (
    r"\W{0,3}(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|fecha|para|asunto|inviato|data"
    r"|oggetto|verzonden|aan|onderwerp|assunto|sendt|til|emne|skickat|till|ämne|do|temat|дата|кому|тема"
    r"|发送时间|收件人|主题|送信日時|宛先|件名)\W{0,3}[:：]"
)
_HEADER_BLOCK = re.compile(_HEAD, re.IGNORECASE), re.compile(_BELOW, re.IGNORECASE)
_SENT_FROM = re.compile(
    r"(?:sent from (?:my|outlook|yahoo|proton)|get outlook for|von meinem .{1,40} gesendet|gesendet (?:von|mit) "
    r"|envoyé (?:de|depuis) mon|enviado desde mi|inviato da(?:l mio)? |verzonden vanaf mijn|enviado do meu).{0,60}",
    re.IGNORECASE,
)
_SIGNATURE_LINES = 20
_ATTRIBUTION_LINES = 3


def without_quotes(text: str) -> str:
    """Remove quoted mails, also those between the mail's own lines; forwarded mails are kept.

    A text that consists of a quote only stays as it is.
    """
    lines = text.split("\n")
    kept: list[str] = []
    for index, line in enumerate(lines):
        if _FORWARDED.match(line.strip()):
            kept += lines[index:]
            break
        if line.startswith(">"):
            _drop_attribution(kept)
        elif _ends_here(lines, index) and any(map(str.strip, kept)):
            while kept and (not kept[-1].strip() or _RULE.fullmatch(kept[-1])):
                kept.pop()
            break
        else:
            kept.append(line)
    own = _joined(kept)
    return own or text


def without_signature(text: str) -> str:
    """Remove everything below the signature separator (RFC 3676 4.3), and lines such as "Sent from my phone".

    A quoted mail below the signature is kept.
    """
    lines = text.split("\n")
    begin = next((place for place, line in enumerate(lines) if line.rstrip() in ("--", "—")), None)
    if begin is not None:
        end = next((place for place in range(begin, len(lines)) if _is_quote(lines, place)), len(lines))
        if end - begin <= _SIGNATURE_LINES:
            lines[begin:end] = [""]
    own = _joined([line for line in lines if not _SENT_FROM.fullmatch(line.strip())])
    return own or text


def _joined(lines: Sequence[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _is_quote(lines: Sequence[str], place: int) -> bool:
    return lines[place].startswith(">") or _ends_here(lines, place) or bool(_FORWARDED.match(lines[place].strip()))


def _ends_here(lines: Sequence[str], place: int) -> bool:
    """Return whether everything that follows is a quoted mail without quote marks."""
    line = lines[place].strip()
    if not line or len(line) > 1000:
        return False
    if _SEPARATOR.match(line) or _is_header_block(lines, place):
        return True
    if not line.endswith((":", "：")) or not _DATED.search(line) or not _ATTRIBUTION.fullmatch(line):
        return False
    following = next((lines[below] for below in range(place + 1, len(lines)) if lines[below].strip()), "")
    return not following.startswith(">")  # otherwise the marks tell where the quote ends


def _is_header_block(lines: Sequence[str], place: int) -> bool:
    """Return whether the header block of another mail begins here, as Outlook writes it above a quote."""
    head, below = _HEADER_BLOCK
    if not head.match(lines[place].strip()):
        return False
    following = [line.strip() for line in lines[place + 1 : place + 7] if line.strip()]
    return sum(bool(below.match(line)) for line in following[:4]) >= 2


def _drop_attribution(kept: list[str]) -> None:
    """Remove "On Monday Ann wrote:", possibly wrapped, from above a quote."""
    end = len(kept)
    while end and not kept[end - 1].strip():
        end -= 1
    found = []
    for begin in range(end - 1, max(-1, end - 1 - _ATTRIBUTION_LINES), -1):
        if not kept[begin].strip():
            break
        joined = " ".join(line.strip() for line in kept[begin:end])[:1000]
        is_dated = bool(_NUMBER.search(joined))
        if _ATTRIBUTION.fullmatch(joined) or _SENDER.fullmatch(joined):
            found.append((not is_dated, -begin))
    if found:  # the shortest match with a date, else the shortest
        del kept[-min(found)[1] :]
