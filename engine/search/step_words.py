"""Words of people for what step types do, in English and German: what fills a request, and what means the same."""

from __future__ import annotations

FILLERS = frozenset(
    "a an the and or of for to in into on at it its me my our your this that these those which with by from as is be "
    "i we you please want need would like can could should must shall one some any each every all if when then before "
    "after goes go on step steps does do what who how new put get let make "
    "der die das den dem des ein eine einen einem einer und oder von vom für zu zum zur im ins an am auf aus als mit "
    "bei nach über ist sind werden wird soll sollen sollte ich wir sie mir mich uns mein meine meinem meinen meiner "
    "unser unsere unserem unserer bitte möchte will brauche kann schritt schritte hier diese "
    "dieser dieses jede jeden jeder jedes alle wenn dann dass lassen lass es".split()
)
"""Words of a request that say nothing about a step type."""

STEP = frozenset("step steps schritt schritte".split())
ADDING = frozenset("add insert new hinzu hinzufügen füge neuen".split())
"""Fillers only beside one of `STEP`: "add a step that …", but "add a row"."""

SAME = (
    "send post schicken senden verschicken poste posten tell notify inform benachrichtigen informieren melden",
    "message nachricht dm chat",
    "mail email inbox postfach mailbox newsletter",
    "answer reply respond antwort antworten beantworten",
    "issue ticket bug fehler vorgang",
    "create open erstellen anlegen eröffnen lege eintragen",
    "find search look query suchen finden durchsuchen abfragen nachschlagen",
    "read fetch load lesen lies laden holen abrufen einlesen",
    "newest latest neueste neuesten recent",
    "list show auflisten liste zeigen",
    "delete remove löschen entfernen",
    "change update edit modify ändern bearbeiten aktualisieren",
    "write add append insert schreiben hinzufügen ergänzen eintragen",
    "summarize summary sum zusammenfassen zusammenfassung fasse kurzfassung shorten condense zusammen",
    "classify sort categorize category decide einordnen ordnen klassifizieren kategorie kategorien sortieren triage",
    "extract pull auslesen extrahieren herausziehen",
    "approve approval person ask confirm permission boss freigabe fragen genehmigen bestätigen mensch jemand bitten",
    "wait pause delay sleep warten",
    "page seite",
    "database datenbank",
    "row record entry zeile eintrag datensatz",
    "table tabelle",
    "sheet spreadsheet tabelle tabellenblatt",
    "event appointment meeting termin besprechung kalendereintrag",
    "calendar kalender",
    "free available frei freie",
    "file document datei dokument pdf word",
    "folder directory ordner verzeichnis",
    "drive nextcloud owncloud laufwerk cloud",
    "upload hochladen",
    "download herunterladen",
    "attachment file anhang anhänge",
    "picture image photo bild foto screenshot",
    "label tag etikett kennzeichnen",
    "mark markieren",
    "archive archivieren",
    "trash bin papierkorb",
    "draft entwurf",
    "forward weiterleiten weiterleitung",
    "comment kommentar kommentieren",
    "pull pr merge request",
    "code script python javascript program programm skript",
    "run execute start call launch ausführen starten",
    "call request aufrufen",
    "web website webpage webseite internetseite homepage",
    "http api webhook rest endpoint schnittstelle",
    "feed rss atom blog news podcast",
    "model ai llm gpt chatgpt claude ki modell",
    "agent assistant assistent",
    "question frage",
    "close schließen zumachen",
    "reopen wiedereröffnen",
    "duplicate dublette doppelt dedupe",
    "group gruppieren",
    "join combine verbinden zusammenführen",
    "save store keep remember speichern merken sichern ablegen",
    "stop end finish quit beenden anhalten",
    "fail abort abbrechen scheitern",
    "check validate verify test prüfen überprüfen condition bedingung",
    "archive zip unpack pack entpacken packen",
    "thread conversation unterhaltung verlauf",
    "read gelesen seen",
    "unread ungelesen",
    "reaction react emoji reagieren",
    "channel kanal",
    "collection passages knowledge wissen dokumente",
    "another other anderen andere",
    "workflow ablauf",
)
"""Each line: words that mean the same."""

ALSO = {
    "llm.chat": "translate übersetzen generate write text formulate rephrase improve verbessern formulieren erzeugen",
    "llm.vision": "picture describe show zeigt beschreiben",
    "flow.approve": "approve confirm permission",
    "store.upsert": "store keep remember",
    "http.request": "api web webhook",
    "file.text": "pdf word powerpoint",
    "workflow.run": "start",
    "code.run": "calculate compute berechnen rechnen",
}
"""Words by which people mean a step type, though neither its title nor its description has them."""
