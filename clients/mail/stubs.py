"""Detects plain-text stubs of HTML mails: "Your client does not support HTML", "View in browser"."""

from __future__ import annotations

import re
from collections.abc import Iterator

STUB_MOST = 500
"""Maximum length of a plain text that may be a stub."""
_WRAPPED = 60
"""A line at least this long may continue on the next."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_WORDS = re.compile(r"\w+")
_PICTURE = re.compile(r"\[(?:image|cid|bild|imagen|imagem|immagine)\b:[^\[\]]{0,200}\]", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>()\[\]]+")
_SHOW = (
    r"\b(?:supports?|display\w*|views?|viewing|show\w*|reads?|see|render\w*|enable|open|format|unterstütz\w*|anzeigen"
    r"|darstell\w*|ansehen|anschauen|lesen|öffnen|affich\w*|lire|voir|ouvr\w*|mostrar|ver(?:lo|la)?|leer|abrir"
    r"|visualizz\w*|aprir\w*|legger\w*|weergeven|bekijk\w*|öppna|visa)\b"
)
_PLACE = (
    r"\b(?:web ?)?(?:browser|webversion|web version|online|navigateur|navegador|línea|ligne|webläsare|webbläsare)\b"
)
_MAIL = (
    r"mail|messag|client\b|reader\b|nachricht|correo|mensaje|formato?\b|programm?\b|meddel|melding|bericht|viesti"
    "|wiadomo|zpráv|správ|üzenet|levelez|сообщен|письм|почт|повідомлен|ileti|e-posta|μήνυμα|メール|形式|邮件|郵件|格式"
    "|메일|형식|הודעה|דואר|رسالة|بريد|thư"
)
_OTHER_BROWSER = (
    "браузер|prohlížeč|prehliadač|przeglądar|böngésző|tarayıcı|selaime|nettleser|netlæser|pregledni"
    "|πρόγραμμα περιήγησης|trình duyệt|ブラウザ|浏览器|瀏覽器|브라우저|דפדפן|متصفح|เบราว์เซอร์"
)
_NOTICE = re.compile(
    rf"(?=.*(?<![a-z])html(?![a-z]))(?=.*(?:{_MAIL}))|(?=.*(?:{_OTHER_BROWSER}))|(?=.*{_PLACE})(?=.*(?:{_SHOW}|^in ))",
    re.IGNORECASE,
)


def chosen(plain: str, rich: str) -> str:
    """Choose between a plain text and the HTML beside it (as text): return one, or both, one below the other.

    The HTML alone is chosen if the plain text adds nothing: each of its sentences is in the HTML, which is more than
    twice as long, or tells how to view the HTML. Text that is only in the plain part is never dropped.
    """
    if len(plain) > STUB_MOST or not rich:
        return plain
    known = _flat(rich)
    said = _PICTURE.sub("", plain)
    unknown = [one for one in _sentences(said) if _flat(one).strip() and _flat(one) not in known]
    notices = [one for one in unknown if _NOTICE.match(one)]
    own = [one for one in unknown if not _NOTICE.match(one)]
    if not own and all(link in rich for one in notices for link in _LINK.findall(one)):
        return rich if notices or len(known.split()) > 2 * len(_flat(said).split()) else plain
    left = [_LINK.sub("", one) for one in own if not (notices and _refers(one, rich))]
    words = len(_flat(" ".join(left)).split())
    is_stub = not words or (notices and 2 * words < len(_flat(plain).split()))
    return f"{plain}\n\n{rich}" if is_stub else plain


def _refers(sentence: str, rich: str) -> bool:
    """Return whether a sentence has links, and the HTML the same."""
    links = _LINK.findall(sentence)
    return bool(links) and all(link in rich for link in links)


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences, each on one line."""
    waiting = ""
    for line in text.split("\n"):
        waiting = f"{waiting} {line.strip()}".strip()
        if len(line) < _WRAPPED:
            yield from _SENTENCE.split(waiting)
            waiting = ""
    yield from _SENTENCE.split(waiting)


def _flat(text: str) -> str:
    """Return the words alone, separated by blanks."""
    return f" {' '.join(_WORDS.findall(text.casefold()))} "
