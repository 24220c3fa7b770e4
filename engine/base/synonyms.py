"""Words that mean the same where somebody asks about this product: the co-pilot finds steps and documentation by them.

Nothing else uses them: of two mails, one about a bug and one about a ticket, neither is an example of the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.base.text_index import stem

_SYNONYMS = (
    "mail email inbox message gmail imap post nachricht",
    "issue bug ticket fehler",
    "task todo aufgabe notion",
    "answer reply respond draft antwort entwurf",
    "money cost price budget dollar kosten geld preis",
    "trigger schedule cron automatic automatically morning daily every zeitplan morgens",
    "key token password secret credential schlüssel passwort geheimnis",
    "undo revert back rückgängig",
    "crash kill power outage restart absturz",
    "twice duplicate double again doppelt zweimal",
    "approve approval confirm permission freigabe erlauben",
    "model llm openai anthropic gemini gpt claude ai modell",
    "document pdf word excel attachment dokument datei anhang",
    "database sql postgres mysql table datenbank tabelle",
    "server deploy docker kubernetes production betrieb",
    "worker scale many machines cluster skalieren",
    "team user role people colleague benutzer rolle",
    "error failure fail broken problem wrong fehlschlag",
    "test try dry rehearse demo probieren",
    "copy duplicate export import backup sichern",
    "chat slack telegram discord",
    "calendar meeting appointment termin kalender",
    "sheet spreadsheet csv tabelle",
    "code python javascript shell program programm",
    "agent assistant tool werkzeug",
    "version history label versionen verlauf",
    "loop foreach repeat each jede wiederholen",
    "condition if only wenn bedingung",
    "wait delay pause warten",
    "link url address webhook adresse",
    "send tell notify announce warn post schick",
    "summary summarize summed digest zusammenfassung",
    "file write save export datei",
)


def _meanings() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in _SYNONYMS:
        group = {stem(word) for word in line.split()}
        for word in group:
            found.setdefault(word, set()).update(group)
    return {word: frozenset(group) for word, group in found.items()}


MEANINGS = _meanings()
"""What else each word stands for, without endings."""
