"""Text fields whose text survives a reload: the browser keeps every keystroke until the server has it.

Streamlit sends a text only after its field is left, and a reload starts a new session: what was typed would be lost.
So `browser.js` stores each keystroke in the browser's local storage, under the `slot` of the field. After a run of the
page it compares checksums, and sends back every stored text that the server does not have; the page then fills the
field with it. The browser forgets a text once the server keeps it (`settle`) or no longer needs it (`forget`, `sent`).

The script is loaded after the first page is drawn: what is typed in that moment is lost if a reload follows at once.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from dashboard.base import session
from dashboard.base.code import EditorMark, EditorMode
from dashboard.base.language import t

Restored = Callable[[str], object]
"""Called with the `base` of a restored text, before its field is drawn."""

_SENT_SECONDS = 300.0
"""For how long a text that was sent is not brought back, even if it was typed once more."""
_sent_lock = threading.Lock()
_sent: list[tuple[float, str, dict[str, Any]]] = []
_DRAWN, _TOLD, _FORGET, _SETTLED = "fields.drawn", "fields.told", "fields.forget", "fields.settled"


@dataclass(frozen=True)
class Field:
    """A text field of the page, as the browser needs it.

    `slot` names the text of a person across reloads; `key` is the widget of this session. `base` identifies what the
    text was typed over. `initial` is the text of an untouched field. With `code`, the browser shows a code editor.
    """

    slot: str
    key: str
    text: str
    initial: str
    base: str = ""
    restored: Restored | None = None
    code: EditorMode | None = None

    def to_browser(self) -> dict[str, Any]:
        """Return what the script of the page needs to find the field and compare its text."""
        css = css_class(self.key)
        sums = {"crc": checksum(self.text), "initial": checksum(self.initial)}
        prefixes: tuple[str, ...] = session.draft(_SETTLED, ())
        is_settled = self.slot.startswith(prefixes)
        code = {"code": self.code.to_browser()} if self.code is not None else {}
        return {"css": css, "base": self.base, "settled": is_settled, **sums, **code}


def css_class(key: str) -> str:
    """Return the class that Streamlit gives to the widget with this key."""
    return "st-key-" + re.sub(r"[^a-zA-Z0-9_-]", "-", key)


def checksum(text: str) -> int:
    """Return the CRC-32 of a text, as `crc32` of `browser.js` computes it."""
    return zlib.crc32(text.encode("utf-8", "replace"))


def text_area(label: str, text: str = "", *, key: str, slot: str = "", initial: str | None = None, **how: Any) -> str:
    """Show an `st.text_area` whose text survives a reload.

    `slot` and `initial` default to `key` and `text`; `base`, `restored` and `code` are as in Field.
    """
    return _shown(st.text_area, label, text, Field(slot or key, key, "", text if initial is None else initial), how)


def text_input(label: str, text: str = "", *, key: str, slot: str = "", initial: str | None = None, **how: Any) -> str:
    """Show an `st.text_input` whose text survives a reload. Never for a secret: the browser stores it in clear text."""
    return _shown(st.text_input, label, text, Field(slot or key, key, "", text if initial is None else initial), how)


def _whole(text: str) -> str:
    """Return the text with U+FFFD in place of lone surrogates, which a browser may store and Streamlit cannot send."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _shown(show: Callable[..., str | None], label: str, text: str, field: Field, how: dict[str, Any]) -> str:
    base, restored, code = how.pop("base", ""), how.pop("restored", None), how.pop("code", None)
    value = str(show(label, text, key=field.key, **how) or "")
    drawn()[field.slot] = replace(field, text=value, base=base, restored=restored, code=code)
    return value


def mark(slot: str, marks: Sequence[EditorMark]) -> None:
    """Mark the problems of a field with code that this run of the page has drawn."""
    field = drawn().get(slot)
    if field is not None and field.code is not None:
        drawn()[slot] = replace(field, code=replace(field.code, marks=marks))


def settle(prefix: str) -> None:
    """Declare that the server keeps the texts of all fields whose slot has this prefix, in this run of the page."""
    session.keep_draft(_SETTLED, (*session.draft(_SETTLED, ()), prefix))


def forget(prefix: str, *, but: str = "") -> None:
    """Make the browser forget the texts of these slots, but one: they were sent, saved or discarded."""
    asked = forgotten()
    number = f"{session.number()}-{len(asked)}"
    session.keep_draft(_FORGET, [*asked, {"prefix": prefix, "number": number, "but": but}])


def sent(owner: str, prefix: str, texts: Iterable[str]) -> None:
    """Make the browser forget these very texts of these slots, in this session and in later ones: they were sent.

    `owner` is what `owner_of` returns. This may be called while a button acts: when it has acted, the page may be gone.
    """
    told = {"prefix": prefix, "number": uuid.uuid4().hex, "but": "", "sums": [checksum(one) for one in texts]}
    with _sent_lock:
        _sent.append((time.monotonic(), owner, told))


def sent_lately(owner: str) -> list[dict[str, Any]]:
    """Return what the browsers of a person should forget because it was sent in the last minutes."""
    with _sent_lock:
        _sent[:] = [one for one in _sent if time.monotonic() - one[0] < _SENT_SECONDS]
        return [told for _, whose, told in _sent if whose == owner]


def begin() -> None:
    """Begin a run of the page: reset the list of its fields."""
    session.keep_draft(_DRAWN, {})
    session.keep_draft(_SETTLED, ())


def drawn() -> dict[str, Field]:
    """Return the fields that the page has drawn so far, by slot."""
    found: dict[str, Field] = session.draft(_DRAWN, {})
    return found


def told() -> dict[str, Field]:
    """Return the fields of the page, all drawn by now, and remember that the browser knows them."""
    session.keep_draft(_TOLD, drawn())
    return drawn()


def forgotten() -> list[dict[str, str]]:
    """Return what the browser should forget; the numbers tell it what it has forgotten already."""
    found: list[dict[str, str]] = session.draft(_FORGET, [])
    return found


def bring_back(texts: Mapping[str, Mapping[str, Any]]) -> None:
    """Put texts kept by the browser back into their fields, before these are drawn.

    The browser answers the last fields that it got. A run since then may have been cut short before it drew the field.
    """
    known: dict[str, Field] = session.draft(_TOLD, {})
    for slot, entry in texts.items():
        field = known.get(slot)
        if field is None or not isinstance(entry.get("text"), str):
            continue
        if field.restored is not None:
            field.restored(str(entry.get("base") or ""))
        session.set_widget(field.key, _whole(entry["text"]))
    if texts:
        session.tell(t("Your unsaved text is restored."))
