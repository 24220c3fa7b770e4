"""What people type to find a step type, in English and German, with the types that are right."""

from __future__ import annotations

MAIL_OUT = "gmail.send smtp.send"
REPLY = "gmail.reply smtp.reply"
FORWARD = "gmail.forward smtp.forward"

TUNED = (
    ("add a step that posts a summary to Slack", "slack.send_message"),
    ("send an answer", REPLY),
    ("a step that opens a GitHub issue for each bug", "github.create_issue"),
    ("ask my boss before it goes on", "flow.approve"),
    ("wait two days", "flow.wait"),
    ("summarize the text", "llm.summarize"),
    ("sort the mails into bugs and questions with AI", "llm.classify"),
    ("write a row into a Google spreadsheet", "google_sheets.append_row"),
    ("save the result in a Notion page", "notion.create_page notion.upsert_page notion.create_item"),
    ("read the PDF", "file.text"),
    ("remove duplicates from the list", "table.dedupe"),
    ("call a web API", "http.request"),
    ("put an appointment into the calendar", "google_calendar.create_event"),
    ("tell the team on Telegram", "telegram.send_message"),
    ("run a Python script", "code.run"),
    ("look up customers in our SQL database", "sql.query sql.rows"),
    ("translate the mail with a model", "llm.chat"),
    ("forward the mail to accounting", FORWARD),
    ("upload the file to Nextcloud", "drive.upload"),
    ("add a step that searches my inbox", "gmail.search_messages imap.search_messages"),
    ("füge einen Schritt hinzu, der eine Zusammenfassung in Slack postet", "slack.send_message"),
    ("eine Antwort senden", REPLY),
    ("lege ein Issue auf GitHub an", "github.create_issue"),
    ("jemanden um Freigabe bitten", "flow.approve"),
    ("warte eine Stunde", "flow.wait"),
    ("fasse den Text zusammen", "llm.summarize"),
    ("ordne die Mails mit KI in Kategorien ein", "llm.classify"),
    ("neue Zeile in die Google-Tabelle schreiben", "google_sheets.append_row"),
    ("Seite in Notion anlegen", "notion.create_page notion.upsert_page notion.create_item"),
    ("Text aus einem PDF lesen", "file.text"),
    ("Dubletten entfernen", "table.dedupe"),
    ("eine HTTP-Schnittstelle aufrufen", "http.request"),
    ("Termin im Kalender eintragen", "google_calendar.create_event"),
    ("Nachricht an Telegram schicken", "telegram.send_message"),
    ("Python-Code ausführen", "code.run"),
    ("Datenbank abfragen", "sql.query sql.rows"),
    ("die Mail übersetzen lassen", "llm.chat"),
    ("Mail an die Buchhaltung weiterleiten", FORWARD),
    ("Datei in die Nextcloud hochladen", "drive.upload"),
    ("bitte einen Schritt, der den Anhang der Mail speichert", "gmail.get_attachment imap.get_attachment"),
)
"""Those with which the search was tuned."""

HELD_OUT = (
    ("close the issue", "github.close_issue"),
    ("archive the newsletter", "gmail.archive imap.archive"),
    ("get the newest posts of a blog", "rss.read"),
    ("what does the picture show", "llm.vision"),
    ("pull the invoice number out of the text with AI", "llm.extract"),
    ("find a free time for a meeting", "google_calendar.find_free_time"),
    ("comment on the pull request", "github.comment github.review_pull"),
    ("add a step that stores the customer in a table", "store.upsert"),
    ("send a mail to the customer", MAIL_OUT),
    ("unpack the zip file", "file.archive"),
    ("das Ticket schließen", "github.close_issue"),
    ("Entwurf für eine Antwort schreiben", "gmail.create_draft imap.create_draft"),
    ("Mail als gelesen markieren", "gmail.mark_read imap.mark_read"),
    ("eine Webseite lesen", "web.read"),
    ("Zeilen nach Kunde gruppieren", "table.group"),
    ("einen anderen Workflow starten", "workflow.run"),
    ("Mail an den Kunden senden", MAIL_OUT),
    ("eine Discord-Nachricht schicken", "discord.send_message"),
    ("die Tabelle aus der Excel-Datei lesen", "file.table"),
    ("in meinen Dokumenten suchen", "rag.search"),
)
"""Those that were written before and looked at only afterwards."""
