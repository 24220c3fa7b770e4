"""The language that a mail is written in."""

from __future__ import annotations

import random
from base64 import urlsafe_b64encode

import pytest

from clients.mail.language import language_of
from clients.mail.parts import nothing_left_out
from clients.mail.text import read_mail

LETTERS = {
    "de": "Hallo Bob, die App stürzt ab, wenn ich eine Datei hochlade. Können Sie das bitte ansehen?",
    "en": "Hi Bob, the app crashes when I upload a file larger than 2 MB. Could you have a look, please?",
    "fr": "Bonjour, je n'ai toujours pas reçu la facture du mois dernier. Pouvez-vous me la renvoyer ?",
    "es": "Hola, ¿podrían enviarme de nuevo la factura del mes pasado? Muchas gracias por su ayuda.",
    "it": "Buongiorno, la fattura del mese scorso non è ancora arrivata. Me la potete mandare di nuovo?",
    "nl": "Goedemorgen, kunt u mij de factuur van vorige maand nog een keer sturen? Alvast bedankt.",
    "pl": "Dzień dobry, czy mogą Państwo jeszcze raz przesłać fakturę za zeszły miesiąc?",
    "ru": "Здравствуйте, пришлите, пожалуйста, ещё раз счёт за прошлый месяц.",
    "zh": "您好,能否请您把上个月的发票再发给我一次?非常感谢您的帮助和支持。",
    "ja": "お世話になっております。先月分の請求書をもう一度お送りいただけますでしょうか。",
    "he": "שלום, האם תוכלו לשלוח לי שוב את החשבונית של החודש שעבר? תודה רבה מראש.",
    "ar": "مرحبا، هل يمكنكم إرسال فاتورة الشهر الماضي مرة أخرى؟ شكرا جزيلا لكم.",
}


@pytest.mark.parametrize(("language", "text"), LETTERS.items(), ids=LETTERS)
def test_a_letter_of_two_lines_is_enough(language: str, text: str) -> None:
    assert language_of([text]) == language


@pytest.mark.parametrize(
    "text",
    ["", "Danke!", "ok", "4711 0815 " * 30, "https://example.org/ein/langer/weg/zu/einer/seite", "a@b.example " * 9],
)
def test_too_little_is_no_language(text: str) -> None:
    assert language_of([text]) == ""


def test_where_the_text_is_too_short_the_subject_helps() -> None:
    assert language_of(["Danke!", "Re: Ihre Rechnung vom Oktober ist nicht angekommen Danke!"]) == "de"


@pytest.mark.parametrize("seed", range(20))
def test_nonsense_is_read_without_an_error(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(
        chr(chance.choice([65, 0, 32, chance.randrange(0x20, 0x2FF), chance.randrange(0x110000)])) for _ in range(3000)
    )
    assert isinstance(language_of([text]), str)


def test_what_somebody_quotes_is_not_their_language() -> None:
    quoted = "\n".join(f"> {LETTERS['en']}" for _ in range(5))
    text = f"{quoted}\n\n{LETTERS['de']}\n"
    payload = {
        "mimeType": "text/plain",
        "headers": [{"name": "Subject", "value": "Re: The app crashes"}],
        "body": {"data": urlsafe_b64encode(text.encode()).decode()},
    }
    assert read_mail(payload, nothing_left_out)["language"] == "de"
