"""Which words mean which source, target and filter, in English and German."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

_I = re.IGNORECASE


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", _I)


SOURCES: Sequence[tuple[str, re.Pattern[str]]] = (
    ("failures", _words(r"(?:workflows?|runs?|abläufe?)(?: \w+)? (?:fails?|failed|fehlschl\w+|scheiter\w*)")),
    ("form", _words(r"(?:a|the|ein) form(?:ular)?|formular|form where")),
    ("drafts", _words(r"how many drafts|drafts (?:lie|are|wait)\w*|wie viele entwürfe")),
    ("pulls", _words(r"pull[- ]?requests?|merge requests?|PRs")),
    ("commits", _words(r"commits?")),
    (
        "page",
        _words(r"(?:the |web|a )?(?:page|site|seite|webseite) (?:\S+ )?(?:changes|has changed|sich ändert|ändert)"),
    ),
    (
        "rows",
        _words(
            r"(?:rows? (?:in|of)|from|in|through|aus|zeilen in) (?:the |our |a |der )?(?:google[- ]?)?"
            r"(?:sheet|spreadsheet|tabelle \S+\d)"
        ),
    ),
    ("events", _words(r"(?:list |my |our )(?:\w+ )?(?:calendar )?(?:events|appointments|meetings)|termine")),
    ("entries", _words(r"feeds?|rss|posts of|blog posts?")),
    (
        "records",
        _words(r"table of (?:our|the) database|database table|datenbanktabelle|(?:our|the) database|datenbank"),
    ),
    ("issues", _words(r"issues?|tickets?|bugs (?:in|of)")),
    ("mail", _words(r"(?:e-?)?mails?|inbox|postfach|posteingang|mailbox|newsletters?|gmail")),
)
"""The first one counts that the words name and that the targets fit."""

_ISSUE = (
    r"becomes?(?: an?| new)?(?: github)? issues?|(?:into|as)(?: an?| new| github)* issues?|"
    r"(?<!somebody )(?<!someone )(?:opens?|creates?|make|file)(?: an?| a new| new| one)(?: github)? "
    r"(?:issues?|tickets?)|"
    r"(?:werden|wird|zu|als)(?: ein| einem| neue)?(?: github)?[- ]issues?|issues? (?:anlegen|erstellen|öffnen|werden)"
)
TARGETS: Sequence[tuple[str, re.Pattern[str], str]] = (
    ("files_to_drive", _words(r"attachments?.* drive|anhänge.* drive"), ""),
    (
        "files_to_folder",
        _words(r"(?:attachments?|anh[aä]ng\w*|dateien|files?).* (?:under|unter|into|in|im ordner)"),
        "folder",
    ),
    (
        "draft_answer",
        _words(
            r"drafts?(?: of)? (?:answers?|repl(?:y|ies))|draft (?:an |me )?(?:answer|reply)\w*|"
            r"antwort(?:en)? entw\w+|antwortentwürfe?"
        ),
        "",
    ),
    ("answer", _words(r"(?:answer|reply to|beantworte)(?! the question)\b.*? (?:with|mit)"), "text"),
    ("forward", _words(r"forward(?:ed)?|leite\w*|weiterleiten"), "to"),
    ("mark_read", _words(r"mark(?:ed)?(?: \w+)? as read|als gelesen"), ""),
    ("archive", _words(r"archive[ds]?|archivier\w*"), ""),
    ("comment", _words(r"comment\w*|kommentar\w*|kommentier\w*|schreib\w* unter"), "text"),
    ("close", _words(r"(?:are|be|and|get) closed|close (?:it|them|the)|schließ\w*"), ""),
    ("assign", _words(r"assign\w*|go to|gehen an|zuweisen"), "assignees"),
    ("issue", _words(_ISSUE), ""),
    ("row", _words(r"(?:as|als|add|into)(?: \w+){0,2} (?:rows?|zeilen?)"), "columns"),
    ("record", _words(r"(?:in|into)(?: the| a| our| die| der)? (?:table|tabelle)"), "table"),
    ("task", _words(r"notion"), ""),
    ("post", _words(r"post\w*|tell|announce\w*|warn\w*|write|slack|melde\w*|schreib\w*|notif\w+|sag\w*"), "channel"),
    ("mail_draft", _words(r"draft to|draft|entwurf"), "to"),
    ("mail", _words(r"mail|send|e-?mail|schick\w*"), "to"),
    ("label", _words(r"label\w*|tag|beschrifte\w*"), "labels"),
    ("file", _words(r"writ\w+|put|export\w*|save|file|into|schreib\w*"), "path"),
)
"""Each with the place that must be named; empty: none."""

REPLACES: Mapping[str, Sequence[str]] = {
    "files_to_drive": ("file", "mail", "record", "files_to_folder", "label"),
    "files_to_folder": ("file", "mail"),
    "draft_answer": ("mail_draft", "mail", "answer"),
    "comment": ("label",),
    "task": ("post", "file"),
    "record": ("post", "file"),
    "forward": ("mail", "mail_draft"),
    "mail_draft": ("mail",),
    "answer": ("mail", "comment"),
    "row": ("record",),
}
"""Targets that are not meant where another one is."""

_MEANS = {
    "bug": "something does not work",
    "task": "somebody has to do something",
    "complaint": "somebody complains",
    "request": "somebody wants something new",
    "thanks": "somebody says thank you",
    "question": "somebody asks something",
    "invoice": "an invoice",
    "receipt": "a receipt",
    "newsletter": "a newsletter",
    "spam": "unwanted advertising",
    "unsure": "it is not clear which of the others it is",
}
"""What the kinds of mail mean, for the model that sorts."""
KINDS: Sequence[tuple[re.Pattern[str], str, str]] = tuple(
    (_words(pattern), name, _MEANS[name])
    for name, pattern in (
        ("bug", r"bugs?|bug[- ]?(?:mails?|reports?)|fehler(?:berichte?|meldungen)"),
        ("complaint", r"complaints?|beschwerden?"),
        ("request", r"feature requests?|wünsche?"),
        ("thanks", r"thank-?you|dankes\w*"),
        ("question", r"questions?|asks? something|anfragen|fragen"),
    )
)


class MailKind(Struct, frozen=True):
    """A kind of mail that something of its own becomes of."""

    name: str
    meaning: str
    """For the model that sorts."""
    words: re.Pattern[str]


def _kind(name: str, pattern: str) -> MailKind:
    return MailKind(name, _MEANS[name], _words(rf"(?:{pattern})(?:[- ]?(?:e-?)?mails?)?"))


DECIDED: Sequence[MailKind] = (
    _kind("bug", r"bugs?(?:[- ]?reports?)?|fehler(?:berichte?|meldung(?:en)?)?"),
    _kind("task", r"tasks?|to-?dos?|aufgaben?"),
    _kind("complaint", r"complaints?|beschwerden?"),
    _kind("request", r"feature[- ]requests?|wünsche?|wunsch"),
    _kind("thanks", r"thank-?you|dankes\w*"),
    _kind("question", r"questions?|asks? something|anfragen?|fragen?"),
    _kind("invoice", r"invoices?|rechnung(?:en)?"),
    _kind("receipt", r"receipts?|quittung(?:en)?"),
    _kind("newsletter", r"newsletters?"),
    _kind("spam", r"spam|junk|werbung|werbe"),
)
"""Kinds that several decisions of one request may be about."""
UNSURE = _kind("unsure", r"unsure|uncertain|not sure|unclear|unsicher|unklar\w{0,2}")
OTHER = MailKind(
    "other",
    "anything else",
    _words(
        r"(?:everything|anything|all|alles) (?:else|others?|andere|übrige|sonstige)|(?:the |der |den )?rest|"
        r"(?:all |alle )?(?:the |die )?(?:others?|andere[nr]?|übrigen?|sonstige[ns]?)(?: (?:e-?)?mails?)?"
    ),
)
SEARCHED: Sequence[tuple[re.Pattern[str], tuple[str, ...]]] = (
    (_words(r"invoices?|rechnung(?:en)?"), ("invoice", "Rechnung")),
    (_words(r"receipts?|quittung(?:en)?|belege?"), ("receipt", "Quittung")),
    (_words(r"newsletters?"), ("unsubscribe",)),
)
_WHEN = (
    r"(?:morning|noon|evening|night|hour|day|week|month|\w+day|morgen|mittag|abend|nacht|stunde|tag|woche|monat|\w+tag)"
)
WHEN_NEW = _words(
    r"when(?:ever)?|as soon as|wenn|sobald|sooft|comes? in|arrives?|changes|"
    r"new (?:\w+ )?(?:issues?|mails?|events?|rows?)|neue \w*(?:issues?|mails?|termine|zeilen)"
)
IS_NEW = re.compile(
    r"\b(?:new|incoming|neue\w?|eingehende\w?) (?!(?:github |notion )?(?:pages?|issues?|tickets?|labels?|seiten?)\b)|"
    r"\b(?:arrives?|comes? in|eintrifft|ankommt)\b|\b(?:kommt|kommen)(?: an| rein| herein)?(?=[,.;:]|$)",
    _I,
)
"""Whether several decisions are about what is new."""
NOTHING_MORE = _words(
    r"no duplicates(?: please)?|without duplicates|keine (?:duplikate|doppelten)|ohne duplikate|"
    r"(?:from|in|of|aus|in) (?:my|the|our|meinem|meiner|dem|der|unserem) (?:inbox|mailbox|gmail|postfach|posteingang)|"
    r"(?:many )?thanks(?=[.!]?$)|(?:vielen )?danke?(?=[.!]?$)"
)
"""What changes nothing of several decisions."""
TELLS = _words(r"tell|notify|inform|let me know|sag mir|benachrichtige")
COUNTS = _words(r"how many|number of|wie viele|anzahl")
SUMS_UP = _words(r"summ(?:ed|arize|arise|ary)\w*(?: up)?|sum up|zusammenfass\w*|fasse")
EACH = _words(rf"(?:each|every|jede[nsr]?) (?!{_WHEN})|for every")
ASKS_FIRST = _words(r"show me each|ask me (?:first|before)|before it goes out|frag\w* mich|zeig\w* mir")
TASKS = _words(r"tasks?|to-?dos?|aufgaben?")
OVER = re.compile(
    r"\b(?:whose |with a |deren )?(?P<column>[A-Z]\w*) (?:is |are )?(?:over|above|more than|über) (?P<n>\d+)", 0
)
MORE_THAN = re.compile(r"\b(?:more than|mehr als) (?P<n>\d+)\b", _I)
UNTOUCHED = re.compile(r"\b(?P<n>\d+) (?:days?|tagen?)\b", _I)
UNASSIGNED = _words(r"without (?:anybody|anyone) assigned|unassigned|nobody is assigned|niemandem zugewiesen")
WITH_LABEL = re.compile(r"\b(?:with|mit)(?: the| dem)? label (?P<it>[\w-]+)", _I)
LAST_WEEK = _words(r"last week'?s?|the last week|letzte[rn]? woche|this week")
QUIET = _words(r"nobody (?:touched|has touched|wrote)|untouched|niemand \w+ hat|stale|old|older|älter")
BEYOND = _words(
    r"translat\w+|übersetz\w*|sums? of|totals? (?:per|of)|per (?:customer|supplier|category|product)|from whom|von wem|"
    r"threads?|answered|geantwortet|deadlines?|fristen?|answer the question|betrag|amounts?|number and|less than|"
    r"weniger als|unread|urgent|important|starred|except|unless|about|concerning|ungelesen\w*|dringend\w*|wichtig\w*|"
    r"außer|ohne|summe"
)
"""What the wizard cannot do: such a request would be half done."""
ASKED_FOR: Mapping[str, str] = {
    "comment": "What should the comment say? Put it in quotation marks.",
    "answer": "What should the answer say? Put it in quotation marks.",
    "forward": "To which address?",
    "label": "Which label? Put it in quotation marks.",
    "row": "Which column gets what? Say it as: sender to Supplier, link to Mail.",
}
"""Targets whose words are sure enough to ask for what is missing."""
SORTED = re.compile(
    r"\b(?:sort|split|sortiere?|teile)\b.*? (?:into|in) (?P<kinds>[\w-]+(?:, [\w-]+)*,? (?:and|or|und|oder) [\w-]+)", _I
)
ENDING = _words(r"(?P<it>pdf|csv|xlsx|docx|txt|png|jpg|zip)s?")
