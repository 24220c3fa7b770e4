"""Draft answers of the demo model: thanks, what was asked in the sender's own words, and a gap to fill in."""

from __future__ import annotations

from dataclasses import dataclass

from demo.model.evidence import QUESTION, weigh
from demo.model.text import Document, short


@dataclass(frozen=True)
class Phrases:
    """The fixed words of a draft in one language."""

    greeting: str
    thanks: str
    asked: str
    gap: str
    closing: str


PHRASES = {
    "en": Phrases("Hello,", "thank you for your mail.", "You ask:", "[your answer]", "Kind regards"),
    "de": Phrases(
        "Guten Tag,", "vielen Dank für Ihre Nachricht.", "Sie fragen:", "[Ihre Antwort]", "Freundliche Grüße"
    ),
    "fr": Phrases("Bonjour,", "merci pour votre message.", "Vous demandez :", "[votre réponse]", "Cordialement"),
    "es": Phrases("Hola:", "gracias por su mensaje.", "Usted pregunta:", "[su respuesta]", "Saludos"),
    "it": Phrases("Buongiorno,", "grazie per il messaggio.", "Lei chiede:", "[risposta]", "Cordiali saluti"),
    "ja": Phrases("こんにちは。", "ご連絡ありがとうございます。", "ご質問:", "[回答]", "よろしくお願いします。"),
    "ru": Phrases("Здравствуйте!", "Спасибо за ваше письмо.", "Вы спрашиваете:", "[ответ]", "С уважением"),
    "ar": Phrases("مرحبا،", "شكرا على رسالتكم.", "سؤالكم:", "[الجواب]", "مع التحية"),
}


def draft(document: Document) -> str:
    """A draft for a person to finish: it states nothing that the mail does not say and promises nothing."""
    words = PHRASES.get(document.language, PHRASES["en"])
    asked = asked_in(document)
    quoted = "\n".join(f"> {each}" for each in asked)
    middle = [words.thanks, f"{words.asked}\n{quoted}", words.gap] if asked else [words.thanks, words.gap]
    return "\n\n".join([words.greeting, *middle, words.closing])


def asked_in(document: Document) -> list[str]:
    """Up to three sentences of the mail that ask for something, in its own words."""
    asking = [each for each in document.sentences if QUESTION.search(each) or weigh("asks", each) >= 3]
    return [short(each, 240) for each in asking[:3]]
