from __future__ import annotations

import pytest

from dashboard.base.language import LOCALE, spoken
from dashboard.base.messages import MESSAGE, outcome, translated
from engine.base.services import services
from engine.plugins.registry import step_types, trigger_types
from engine.plugins.step import fields_schema
from engine.record.outcomes import added, of_status, outcome_words
from engine.record.types.run import Outcomes
from tests.catalogue import described, messages, problems, read, sentences

MAILS: Outcomes = {
    "noun": "mail",
    "may_write": True,
    "kinds": [
        {"word": "task", "done": "", "makes": True, "because": ""},
        {"word": "labelled", "done": "labelled", "makes": False, "because": ""},
        {"word": "reply", "done": "", "makes": True, "because": "rejected by a person"},
    ],
    "alike": [
        {"items": 1_200, "done": [(0, 1), (1, 1)]},
        {"items": 1, "done": [(1, 1)]},
        {"items": 2, "done": [(2, 1)]},
        {"items": 3, "done": []},
    ],
    "endings": {"failed": 1, "not finished": 2},
    "repeated": {},
}


def test_the_sentence_of_a_run_is_read_in_german() -> None:
    sentence = outcome_words(MAILS)
    assert sentence == (
        "1,209 mails: 1,200 tasks, 1,201 labelled, 2 replies rejected by a person, 3 left as they were, "
        "1 failed, 2 not finished."
    )
    with spoken("de"):
        assert translated(sentence) == (
            "1.209 Mails: 1.200 Aufgaben, 1.201 mit Label versehen, 2 Antworten von einer Person abgelehnt, "
            "3 unverändert gelassen, 1 fehlgeschlagen, 2 nicht fertig."
        )
    assert translated(sentence) == sentence


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("Done: 3 steps done, 1 failed.", "Fertig: 3 Schritte erledigt, 1 fehlgeschlagen."),
        ("4 mails: 1 task, 2 replies rejected by ada.b, 1 rejected by local:grace.",
         "4 Mails: 1 Aufgabe, 2 Antworten abgelehnt von ada.b, 1 abgelehnt von local:grace."),
        ("2 mails: 2 sends rejected by owner.", "2 Mails: 2 Sendungen abgelehnt von owner."),
        ("2 mails: 1 send stopped by owner, 1 failed.", "2 Mails: 1 Sendung gestoppt von owner, 1 fehlgeschlagen."),
        ("Rejected by owner.", "Abgelehnt von owner."),
        ("The mail was stopped by owner.", "Die Mail wurde gestoppt von owner."),
        ("Done: 1 step done. 1 of 45 writes was undone.",
         "Fertig: 1 Schritt erledigt. Von 45 Schreibvorgängen rückgängig gemacht: 1."),
        ("Done: 4 steps done. 8 links to docs.example became text.",
         "Fertig: 4 Schritte erledigt. Zu Text gemacht: 8 Links zu docs.example."),
        ("2 of 45 writes were undone.", "Von 45 Schreibvorgängen rückgängig gemacht: 2."),
        ('Corrects Classify of "Invoice 7: it is paid": kind is task, why is it is due. 1 write.',
         'Korrigiert Classify von "Invoice 7: it is paid": kind ist task, why ist it is due. 1 Schreibvorgang.'),
        ("Undone: moves the page that it created to the trash.",
         "Rückgängig gemacht: verschiebt die Seite, die er angelegt hat, in den Papierkorb."),
        ("estimated $0.00 an item", "geschätzt $0.00 je Element"),
        ("$0.00, by the last run.", "$0.00, nach dem letzten Lauf."),
        ("No mails: nothing to do.", "Keine Mails: nichts zu tun."),
        ("4 files: 3 in the trash and labelled, 1 only saved.",
         "4 Dateien: 3 im Papierkorb und mit Label versehen, 1 nur gespeichert."),
        ("Plan: 12 writes (9 tasks, 3 labelled), 1 kept, besides the writes of 2 called runs.",
         ("Plan: 12 Schreibvorgänge (9 Aufgaben, 3 mit Label versehen), 1 beibehalten, "
         "dazu Schreibvorgänge durch 2 aufgerufene Läufe.")),
        ("Failed: Die Kasse ist zu.", "Fehlgeschlagen: Die Kasse ist zu."),
        ('2 mails: 2 failed. "Invoice {7}": The file is {0}. And 1 more. 3 new, 2 already done.',
         '2 Mails: 2 fehlgeschlagen. "Invoice {7}": The file is {0}. Und 1 weitere. 3 neu, 2 schon erledigt.'),
        ("Test of reply: done.", "Test von reply: erledigt."),
        ("2 writes made again: an undo had taken them back. Its write was undone.",
         ("Neu geschrieben, weil es rückgängig gemacht war: 2 Schreibvorgänge. "
         "Sein Schreibvorgang wurde rückgängig gemacht.")),
        ("$0.02, by the last run.", "$0.02, nach dem letzten Lauf."),
        ("2 widgets: 1 shelved, 1 unsure.", "2 widgets: 1 shelved, 1 unsicher."),
        ("'limit' must be at least 1, not 0.", "'limit' muss mindestens 1 sein, nicht 0."),
        ("Entry 2 of 'steps' must be an object, not null.", "Eintrag 2 von 'steps' muss ein Objekt sein, nicht null."),
        ("'limit' takes no words, not 'ten'.", "'limit' takes no words, not 'ten'."),
        ("This field takes a list or a whole number, and this is text.",
         "Dieses Feld nimmt nur eines: eine Liste oder eine ganze Zahl. Hier steht Text."),
        ("This field takes tea or cake, and this is a time.",
         "Dieses Feld nimmt nur eines: tea or cake. Hier steht etwas anderes: ein Zeitpunkt."),
        ("Text of gmail leaves this machine: `post` in the workflow 'a' sends it to b.example.",
         "Text aus gmail verlässt diesen Rechner: `post` in dem Workflow 'a' sendet ihn an b.example."),
        ("Step 'a' may have been skipped or have failed; then it is not in steps.b.",
         "Schritt 'a' kann übersprungen oder fehlgeschlagen sein; dann gilt: Er steht nicht in steps.b."),
        ('Write it like {"to": ["*@example.org"]}.', 'Schreiben Sie etwa {"to": ["*@example.org"]}.'),
        ("`steps.each.outputs`: did you mean `steps.each.output`?",
         "`steps.each.outputs`: Meinten Sie `steps.each.output`?"),
        ("'seconds' means: Seconds to wait.", "'seconds' bedeutet: Sekunden zu warten."),
        ("2 of 5 mails could not be read. First: 'Rent': The mail is empty.",
         "2 von 5 Mails nicht lesbar. Zuerst: 'Rent': Die Mail ist leer."),
        ("What is it? asks a model, llm.classify", "What is it? fragt ein Modell, llm.classify"),
        ("Read: reads Gmail, gmail.search_messages, it goes through f(x, y), it runs only if x == 'a, b'",
         "Read: liest Gmail, gmail.search_messages, er geht durch f(x, y), er läuft nur, wenn x == 'a, b'"),
        ("New step Issue: create an issue (GitHub, repository: acme/app), it runs only if x == 1.",
         "Neuer Schritt Issue: Ein Issue anlegen (GitHub, repository: acme/app), er läuft nur, wenn x == 1."),
        ("Starts when a mail arrives in Gmail (query: in:inbox).",
         "Startet, wenn eine Mail in Gmail ankommt (query: in:inbox)."),
        ("Issue: it now uses github.create_issue.", "Issue: er verwendet jetzt github.create_issue."),
        ("Issue: the weather, it is fine", "Issue: the weather, it is fine"),
        ("It succeeded at attempt 2. It took 1.2 s.", "Er ist gelungen bei Versuch 2. Er hat 1.2 s gedauert."),
        ("Nothing that we would say", "Nothing that we would say"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_message_is_read_in_german_and_one_that_is_not_known_stays(english: str, german: str) -> None:
    with spoken("de"):
        assert translated(english) == german


def test_what_came_of_runs_has_no_english_word_that_the_engine_chose() -> None:
    sums = added((of_status(status), 2) for status in ("succeeded", "failed", "cancelled", "interrupted"))
    with spoken("de"):
        assert [translated(outcome_words(one)) for one in sums] == [
            "8 Läufe: 2 erledigt, 2 fehlgeschlagen, 2 nicht fertig, 2 abgebrochen."
        ]


@pytest.mark.parametrize(
    "part", ["1 a. ", "x. ", "Failed: ", "Corrects: ", "Corrects Nothing is written", "1 a, ", '"": ']
)
def test_a_text_from_outside_can_be_as_it_likes(part: str) -> None:
    with spoken("de"):
        assert translated(part * (1_990 // len(part)))
        assert translated(part * 10_000) == part * 10_000


def test_what_became_of_an_item_is_read_in_german() -> None:
    assert outcome("task, only labelled") == "task, only labelled"
    with spoken("de"):
        assert [outcome(one) for one in ("task, only labelled", "shelved", "")] == [
            "Aufgabe, nur mit Label versehen",
            "shelved",
            "",
        ]


def test_titles_and_descriptions_of_all_types_and_the_titles_of_services_and_fields_have_german() -> None:
    kinds = (*step_types().values(), *trigger_types().values())
    plugins = [text for kind in kinds for text in (kind.title, described(kind))]
    fields = [
        one["title"] for kind in step_types().values() for one in fields_schema(kind.fields)["properties"].values()
    ]
    said = {*plugins, *fields, *(one.title for one in services())}
    catalog = read(LOCALE / "de.po")
    assert [text for text in said if not (found := catalog.get(text)) or not found.string] == []


def test_templates_are_the_texts_of_the_code() -> None:
    assert "{0} made again: an undo had taken {1} back." in messages()
    assert "must be at least {0}" in messages()
    assert "{0} is a scan, a picture of text. Scans are read where tesseract is installed." in messages()
    assert "Return the sentences." not in messages()


def test_a_sentence_that_a_person_meets_needs_a_translation() -> None:
    sentence = "Step {0} cannot use its own output."
    assert sentence in sentences()
    assert "For readers; it has no effect." not in sentences()  # describes a field
    catalog = read(LOCALE / "de.po")
    catalog.delete(sentence, context=MESSAGE)
    assert problems(catalog) == [f"not translated: {sentence!r}"]


def test_every_message_of_the_catalogue_is_found_with_values_in_it() -> None:
    values = [f"'Zq{number}'" for number in range(9)]
    wrong = []
    for one in read(LOCALE / "de.po"):
        if one.context == MESSAGE:
            english, german = (str(text).format(*values).strip() for text in (one.id, one.string))
            with spoken("de"):
                if translated(english) != german:
                    wrong.append((english, translated(english), german))
    assert wrong == []
