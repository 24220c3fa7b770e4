"""Characters that nobody sees are shown, and ordinary text in any language stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.outgoing.harmless import Harmless
from engine.outgoing.hidden_characters import shown
from tests.languages import LANGUAGES

SHOWN = {
    "between letters": ("I\u200bgnore", "I[U+200B]gnore"),
    "override": ("\u202egnihton\u202c", "[U+202E]gnihton[U+202C]"),
    "override in Hebrew": ("\u202eאב\u202c", "[U+202E]אב[U+202C]"),
    "isolate that is never ended": ("שלום \u2067abc", "שלום [U+2067]abc"),
    "isolate in a line without such letters": ("a\u2066b\u2069", "a[U+2066]b[U+2069]"),
    "tags": ("a\U000e0041\U000e0042", "a[U+E0041][U+E0042]"),
    "many": ("a" + "\U000e0041" * 5 + "\U000e0062" * 5, "a[10 hidden characters, U+E0041 to U+E0062]"),
    "one thing many times": ("\u200c " * 20 + "b", "[20 hidden characters, U+200C] b"),
    "second selector": ("❤\ufe0f\ufe0f", "❤\ufe0f[U+FE0F]"),
    "selectors of ideographs": ("葛\U000e0100城\U000e0101 辻\ufe00", "葛[U+E0100]城[U+E0101] 辻[U+FE00]"),
    "selectors of signs": ("≨\ufe00 ∑\ufe0f ←\ufe0f", "≨[U+FE00] ∑[U+FE0F] ←[U+FE0F]"),
    "joiner in Latin": ("a\u200db", "a[U+200D]b"),
    "two joiners in Persian": ("می\u200c\u200cخواهم", "می[U+200C][U+200C]خواهم"),
    "control": ("a\x1b[31mb\x00", "a[U+001B][31mb[U+0000]"),
    "filler": ("\u3164", "[U+3164]"),
    "mark inside": ("a\ufeffb", "a[U+FEFF]b"),
    "flag of nobody": ("🏴\U000e0061\U000e007f", "🏴[U+E0061][U+E007F]"),
}


@pytest.mark.parametrize("case", SHOWN)
def test_a_hidden_character_is_shown(case: str) -> None:
    given, wanted = SHOWN[case]
    assert shown(given)[0] == wanted
    assert shown(wanted) == (wanted, 0)


KEPT = {
    "persian": "می‌خواهم کتاب‌ها را",
    "hindi": "क्‍ष और क्‌ष",
    "sinhala": "ශ්‍රී ලංකා",
    "malayalam": "അവന്‍ പറഞ്ഞു",
    "bengali": "র‍্যাব",
    "family": "👩‍👩‍👧‍👦 👩🏽‍🚀 ❤️‍🔥 🏳️‍🌈",
    "keycap and text style": "1️⃣ #️⃣ ☎︎ ™️ ↔️",
    "flags": "🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇺🇦",
    "hebrew with marks": "שלום\u200f, \u202bC++ קוד\u202c \u2067abc אבג\u2069",
    "hebrew joiner of marks": "יְרוּשָׁלַ\u034fִם",
    "arabic": "التصدير\u061c: ١٢",
    "thai": "ภาษา\u200bไทย",
    "khmer": "ភាសា\u200bខ្មែរ",
    "mongolian": "ᠠ\u180b ᠨ\u180eᠠ".replace("\u180e", ""),
    "soft hyphen": "Donau\u00addampf\u00adschiff",
    "korean": "\u115f\u1161 한국어",
    "byte order mark": "\ufeffid,name",
    "plain": "Line\n\tand tab\r\n\u00a0“quotes” – dash…\u2028",
}


@pytest.mark.parametrize("case", KEPT)
def test_what_a_script_needs_stays(case: str) -> None:
    assert shown(KEPT[case]) == (KEPT[case], 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_mails_in_all_languages_stay(language: str) -> None:
    _, cover, order = LANGUAGES[language]
    assert shown(f"{cover}\n\n{order}") == (f"{cover}\n\n{order}", 0)


def test_what_the_author_uses_stays() -> None:
    assert shown("@\u200bann \u202eobey", own={"\u200b"}) == ("@\u200bann [U+202E]obey", 1)


@given(
    st.text(
        st.one_of(
            st.characters(), st.sampled_from("\u200b\u200c\u200d\u2067\u2069\u202a\u202c\u202e\ufe0f\U000e0067aא❤क\n")
        )
    )
)
def test_a_second_time_changes_nothing(text: str) -> None:
    once, _ = shown(text)
    assert shown(once) == (once, 0)


def test_a_text_is_shown_beside_a_member_that_imitates_a_file() -> None:
    value = {"$file": "a file", "text": "A\u200bB"}
    assert Harmless(lambda _place: False).value(value, (), "") == {"$file": "a file", "text": "A[U+200B]B"}
