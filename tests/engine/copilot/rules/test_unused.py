"""What is said against a change, or beside it, is never dropped: there is no proposal then, and the words are named."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.few import every
from tests.workspaces import init

OWNER = Principal("owner", "owner", confirmed=True)
TO_BUILD = (
    "forward mails from anyone but spam@x.org to me@y.org",
    'reply to every mail with "I am away" but not to newsletters',
    "mails with the word invoice should NOT be archived",
    "Newsletters should be archived, invoices put on drive, and never delete anything",
    "new mails should not become issues in acme/app",
    "mails without attachments should be archived",
    "don't do anything with mails, just post hello to #general",
    "post open issues of acme/app to #general every day at 9 but never on weekends",
    "leite Mails von bob@x.org oder eve@x.org an me@y.org weiter",
    "archive newsletters except those from shop@x.org",
    "archive all mails, unless they have an attachment",
    "forward invoices to a@x.org and to b@x.org, not to c@x.org",
    "never forward invoices to a@x.org",
    "do not archive newsletters",
    "archive newsletters only if I have read them",
    "Newsletter archivieren, aber nicht die von shop@x.org",
    "Rechnungen sollen nie archiviert werden",
    "Newsletter niemals archivieren",
    "keine Newsletter archivieren",
    "Rechnungen an a@x.org weiterleiten, es sei denn sie sind von shop@x.org",
    "poste die offenen Issues von acme/app nach #general, nur wenn es Montag ist",
    "archive newsletters and delete the invoices",
    "archive newsletters and then call my mother",
    "Newsletter archivieren und Rechnungen löschen",
    "post the open issues of acme/app to #general and #support",
    "post the open issues of acme/app and acme/web to #general",
    "every Monday at 9 and at 17 post the open issues of acme/app to #general",
    "every day at 25:00 post the open issues of acme/app to #general",
    "every Monday at 9 post the open issues of acme/app to #general, skip holidays",
    "is it possible to archive newsletters?",
    "kann man Newsletter archivieren?",
    "stop archiving newsletters, archive nothing",
    "mark newsletters as read, if they are older than I am",
    "post open issues of acme/app that nobody touched for two weeks to #general",
    "jeden Tag um 9 außer sonntags die offenen Issues von acme/app nach #general posten",
    "archive newsletters, leave invoices alone",
    "archive newsletters; invoices stay",
    "archive newsletters older than a month",
    "archive mails lacking attachments",
    "archive non-newsletters",
    "archive newsletters before noon",
    "post the open issues of acme/app to #general every second Monday at 9",
    "post closed issues of acme/app to #general",
    "Newsletter archivieren, Rechnungen bleiben",
    "archive newsletters minus those of today",
    "I hate it when newsletters are archived",
    "prevent newsletters from being archived",
    'Every mail gets the label "triaged"; where the model is unsure, also "needs a look"',
    'Every mail gets the label "triaged"; if in doubt also "needs a look"',
    'Jede Mail bekommt das Label "gesichtet"; wo das Modell unsicher ist, auch "ansehen"',
    'Every mail gets the label "triaged" and "seen"',
    "Bug mails become issues in acme/app, tasks get a prize",
    "Bug mails become issues in acme/app, task mails too",
    "Bug mails become issues in acme/app, task mails",
    "Bug mails with attachments become issues in acme/app, task mails become pages in Notion Tasks",
    "Bug mails become issues in acme/app, German task mails become pages in Notion Tasks",
    "Bug mails become issues in acme/app if they are long, task mails become pages in Notion Tasks",
    "Bug mails become issues in acme/app every Monday at 9, task mails become pages in Notion Tasks",
    "Bug mails become issues in acme/app, no task mails become pages in Notion Tasks",
    "Bug mails that ask something become issues in acme/app, task mails become pages in Notion Tasks",
    "Bugs become issues in acme/app for task mails",
    'Bug mails with "crash" become issues in acme/app, task mails become pages in Notion Tasks',
    'Bug mails become issues in acme/app with the label "bug"',
    'For bugs "x", task mails become pages in Notion Tasks',
    "Sort new mails into bug and task: bugs to issues in acme/app, invoices to pages in Notion Tasks",
    "Sort new mails into bug, task and other: bugs to issues in acme/app, tasks to the top",
    "Sort mails from Anna into bug and task: bugs to issues in acme/app, tasks to pages in Notion Tasks",
    "Sort my mail into work and private: work gets priority",
    "sales mails go to #sales and support mails become issues in acme/app",
    "private mails should be archived",
    "Bug-Mails werden Issues in acme/app, Aufgaben-Mails gehen an die Buchhaltung",
    "Fehlermeldungen werden Issues in acme/app, dringende Aufgaben werden Seiten in Notion Tasks",
    "Sortiere neue Mails in Bug, Aufgabe und Rest: Bugs als Issues nach acme/app, Aufgaben nach oben",
    "Rechnungen an books@x.org weiterleiten, Beschwerden lieber an boss@x.org weiterleiten",
)
TO_CHANGE = (
    "never ask me before opening an issue",
    "frag mich nicht vor issues",
    "frag mich nie bevor du ein issue aufmachst",
    "you need not ask me before the label step",
    "ask me before everything but do not ask me about labels",
    "ask me before issue, but not before task",
    "ask me before issue only if the mail is long",
    "don't go on if notion fails",
    "if notion fails do not go on",
    "wenn github nicht geht dann nicht weitermachen",
    "do not retry notion 3 times",
    "retry notion twice, github three times and gmail never",
    "retry issue 0 times",
    "is it possible to retry notion 3 times?",
    "at most 10 seconds for classify and at least 5 minutes for task",
    "the question stays open for two days, not two weeks",
    "run this every day except sunday at 7",
    "run it every day at 9 and at 5 but not on weekends",
    "run this every day at 25:00",
    "use the repository acme/web instead of acme/app but not for the issue step",
    "set title of issue to A and set body of issue to B",
    "frag mich bevor ein issue geöffnet wird und mach das ganze jeden montag um halb neun",
    "ask me before issue unless it is short",
    "ask me before issue if the mail is long",
    "ask me before issue and post hello to #general",
    "ask me before issue and retry task 3 times",
    "ask me before issue. Then retry notion 3 times",
    "retry issue 3 times and task five times",
    "retry all steps that write except label 3 times",
    "retry every github step 3 times, but not on Mondays",
    "remove all steps that do not write",
    "do not remove all steps that label mails",
    "use #team instead of #general, but only for issue",
    "don't use acme/web instead of acme/app",
    "use acme/web instead of acme/app and #team instead of #general",
    "two mails at once are not enough",
    "never two mails at once",
    "höchstens 10 Sekunden für classify, aber nicht nachts",
    "classify darf nie höchstens 10 Sekunden brauchen",
    "wiederhole notion nicht 3 mal",
    "versuch notion dreimal, außer am Wochenende",
    "frag mich vor issue, es sei denn die Mail ist kurz",
    "frag mich vor issue, sonst nie",
    "kein issue ohne meine freigabe außer von bob@x.org",
    "can I retry notion 3 times?",
    "should I ask before issue?",
    "soll ich notion 3 mal wiederholen?",
    "warum fragst du mich vor issue?",
    "if notion fails go on and if github fails stop",
    "only look at mail of the last 7 days, except newsletters",
    "only look at mail of the last 7 days or 30 days",
    "set title of issue to Hello but not for spam",
    "start it on weekdays at 9, never on Friday",
    "run this every 25 hours on Monday at 9",
    'tag the new issues with "triage" unless they are old',
    'don\'t skip mails with "invoice" in the subject',
    "never rename step issue to ticket",
    "use acme/web instead of acme/app in all workflows except inbox-triage",
    "refuse to ask me before issue",
    "ask me before issue, leave the label step alone",
    "ask me before all writing steps bar issue",
    "ask me less before issue",
    "ask me before issue once",
    "ask me before the second issue",
    "retry notion 3 times minus one",
    "hör auf, notion 3 mal zu wiederholen",
    "mit Ausnahme von issue: frag mich vor jedem Schritt, der schreibt",
    "run this every second Friday at 4 pm",
    "run this every Friday at 4 pm and at noon",
    "run this from Monday to Friday at 9",
    "run this monthly on the 15th at 9",
)
UNDERSTOOD = (
    ("use acme/web instead of acme/app", "inbox-triage"),
    ("the issues should go to acme/website, not acme/app", "inbox-triage"),
    ("retry all github steps 5 times", "inbox-triage"),
    ("if notion fails carry on anyway", "inbox-triage"),
    ('set title of issue to "Do not read, unless you must, and set it"', "inbox-triage"),
    ("set title of issue to {{ mail.subject }}", "inbox-triage"),
    ("run this every day at half past eight in the evening", "inbox-triage"),
    ("retry issue 5 times; thanks", "inbox-triage"),
    ("no step that calls a model may take longer than 45 seconds", "inbox-triage"),
    ("archive all mails from shop@offers.example", "fresh"),
    ("Write me draft answers for mails that ask something. Don't send anything!", "fresh"),
    ('answer thank-you mails with "No, never, but you are welcome!"', "fresh"),
    ("every Monday at 9 post the open pull requests of acme/app to #general", "fresh"),
)


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    folder = tmp_path_factory.mktemp("unused") / "workspace"
    init(folder)
    opened = Orchestra.open(folder, demo=True)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("said", "workflow"), [*((one, "fresh") for one in TO_BUILD), *((one, "inbox-triage") for one in TO_CHANGE)]
)
def test_what_would_be_dropped_makes_no_proposal(orchestra: Orchestra, said: str, workflow: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, workflow)
    made = [one for one in (answer.proposal, *answer.proposals) if one is not None]
    assert not made, [one.why for one in made]


@pytest.mark.parametrize(("said", "workflow"), UNDERSTOOD)
def test_words_that_a_rule_has_used_are_no_obstacle(orchestra: Orchestra, said: str, workflow: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, workflow)
    assert answer.proposal is not None, answer.text


@pytest.mark.parametrize(
    ("said", "workflow", "words"),
    [
        ("use acme/web instead of acme/app but not for the issue step", "inbox-triage", "“but”, “not”"),
        ("retry issue 3 times and task five times", "inbox-triage", "“five”"),
        ("mails without attachments should be archived", "fresh", "“without”"),
        ("retry issue -5 times", "inbox-triage", "“-5”"),
        ("retry issue 2-5 times", "inbox-triage", "“2-5”"),
        ("at most -30 seconds for issue", "inbox-triage", "“-30”"),
        ("use -5 instead of 25", "inbox-triage", "“-5”"),
        ("run this every Friday at -4 pm", "inbox-triage", "'-4' is not a time"),
        ("run this every Friday at 16h30", "inbox-triage", "'16h30' is not a time"),
        ("run this every Friday at lunch", "inbox-triage", "'lunch' is not a time"),
        ("every Monday at 9.5 post the open issues of acme/app to #general", "fresh", "'9.5' is not a time"),
        ("every 0 minutes bug mails become issues in acme/app", "fresh", "“0”"),
        ("every -5 minutes bug mails become issues in acme/app", "fresh", "“-5”"),
        ("new mails older than -3 days become issues in acme/app", "fresh", "“-3”"),
        ("post new mails to #gen€ral", "fresh", "“#gen€ral”"),
        ("post new mails to #a.b", "fresh", "“#a.b”"),
        ("also tell #a.b", "commit-digest", "“#a.b”"),
        ("retry issue 5 times; rm -rf /", "inbox-triage", "“rm -rf /”"),
        ("ask me before issue; and a pony", "inbox-triage", "“and a pony”"),
        ("archive newsletters; rm -rf /", "fresh", "“rm -rf /”"),
        ('run issue only if the text contains "\\" || true"', "inbox-triage", '"\\" || true"'),
        ('tag the new issues with "a\\" || b"', "inbox-triage", '“b"”'),
        ('archive mails that contain "a\\" || b"', "fresh", '“b"”'),
        ('run issue only if the text contains "a" or "b"', "inbox-triage", '"a" or "b"'),
        ("run issue only if the text contains ÄRGER", "inbox-triage", "quotation marks"),
        ('call this workflow ""', "inbox-triage", "needs a title"),
        (f"new mails become issues in acme/{'a' * 101}", "fresh", "at most 100"),
        (f"use {'a' * 40}/app instead of acme/app", "inbox-triage", "at most 39"),
        ("run this every day at 25:00", "inbox-triage", "25:00"),
        ("every day at 25:00 post the open issues of acme/app to #general", "fresh", "25:00"),
        ("leite Mails von bob@x.org oder eve@x.org an me@y.org weiter", "fresh", "“eve@x.org”"),
        (
            'Every mail gets the label "triaged"; where the model is unsure, also "needs a look"',
            "fresh",
            "“where the model is unsure”, “needs a look”",
        ),
        ("Bug mails become issues in acme/app, tasks get a prize", "fresh", "“tasks get a prize”"),
        (
            "Bug mails become issues in acme/app, German task mails become pages in Notion Tasks",
            "fresh",
            "“German”. Without",
        ),
        ("Bug mails become issues in acme/app, tasks get a prize", "fresh", "ask for one of them"),
    ],
)
def test_the_answer_names_the_words(orchestra: Orchestra, said: str, workflow: str, words: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, workflow)
    assert answer.proposal is None
    assert words in answer.text


AMOUNTS = ("hundred", "twenty one", "a dozen", "few", "½", "1 000", "1.5", "10000", "dreißig", "einundzwanzig", "paar")
RANGES = ("two or three", "2-3", "2 to 3", "zwei bis drei", "7 or so", "3 or more", "two and a half")
AMOUNT_FORMS = (
    ("only mails of the last @ days", "inbox-triage"),
    ("nur Mails der letzten @ Tage", "inbox-triage"),
    ("the model may take at most @ minutes", "inbox-triage"),
    ("retry issue @ times", "inbox-triage"),
    ("mails of the last @ days become issues in acme/app", "fresh"),
)


@pytest.mark.parametrize(
    ("form", "workflow", "amount"), every(5, [(*form, one) for form in AMOUNT_FORMS for one in (*AMOUNTS, *RANGES)])
)
def test_an_amount_that_is_not_read_is_named_and_never_half_read(
    orchestra: Orchestra, form: str, workflow: str, amount: str
) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, form.replace("@", amount), workflow)
    assert answer.proposal is None, answer.proposal.ops
    assert f"“{amount}" in answer.text or f"{amount} " in answer.text or "at most 3650 days" in answer.text


@pytest.mark.parametrize(
    ("form", "workflow", "amount"), every(3, [(*form, one) for form in AMOUNT_FORMS for one in RANGES])
)
def test_a_range_is_named_as_one(orchestra: Orchestra, form: str, workflow: str, amount: str) -> None:
    text = orchestra.copilot.rules.answer(OWNER, form.replace("@", amount), workflow).text
    named = re.findall("“(.*?)”", text)
    assert [amount in one for one in named] == [True], named


@pytest.mark.parametrize(
    ("said", "workflow", "told"),
    [
        ("only mails of the last 0 days", "inbox-triage", "from 1 on"),
        ("only mails of the last zero days", "inbox-triage", "from 1 on"),
        ("the model may take at most 0 seconds", "inbox-triage", "from 1 on"),
        ("only mails of the last 9999 days", "inbox-triage", "at most 3650 days"),
        ("only mails of the last days", "inbox-triage", "“last days”"),
        ("only mails of the last working days", "inbox-triage", "“last working days”"),
        ("only mails of the last three whole days", "inbox-triage", "“last three whole days”"),
        ("nur Mails der letzten Arbeitstage", "inbox-triage", "“letzten Arbeitstage”"),
        ("only mails since Monday", "inbox-triage", "“since Monday”"),
        ("only mails of today", "inbox-triage", "“today”"),
        ("use five hundred instead of 25", "inbox-triage", "“five hundred”"),
        ("mails of the past year become issues in acme/app", "fresh", "“the past year”"),
        ("mails of last month become issues in acme/app", "fresh", "“last month”"),
        ("mails of yesterday become issues in acme/app", "fresh", "“yesterday”"),
        ("mails of the last 5000 days become issues in acme/app", "fresh", "at most 3650 days"),
        ("every thirty minutes bug mails become issues in acme/app", "fresh", "“thirty minutes”"),
    ],
)
def test_a_length_of_time_that_cannot_be_is_said(orchestra: Orchestra, said: str, workflow: str, told: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, workflow)
    assert answer.proposal is None, answer.proposal.ops
    assert told in answer.text


@pytest.mark.parametrize(
    ("said", "workflow", "made"),
    [
        ("only mails of the last ten days", "inbox-triage", "newer_than:10d"),
        ("nur Mails der letzten zwölf Tage", "inbox-triage", "newer_than:12d"),
        ("nur Mails innerhalb der letzten Woche", "inbox-triage", "newer_than:7d"),
        ("only mails of the past year", "inbox-triage", "newer_than:365d"),
        ("only mails of the last 3650 days", "inbox-triage", "newer_than:3650d"),
        ('set title of issue to "The last hundred days"', "inbox-triage", "The last hundred days"),
        ("mails of the last 90 days become issues in acme/app", "fresh", "newer_than:90d"),
        ("call this workflow Mails of the last days", "inbox-triage", "Mails of the last days"),
        ("rename step issue to today", "inbox-triage", "today"),
        ("keep a page of each mail in Notion Today", "fresh", "Today"),
        ("post new mails to #days", "fresh", "#days"),
        ("mach mal aus neuen Mails Issues: neue Mails werden Issues in acme/app", "fresh", "acme/app"),
    ],
)
def test_a_length_of_time_that_is_read_is_used(orchestra: Orchestra, said: str, workflow: str, made: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, workflow)
    assert answer.proposal is not None, answer.text
    assert made in str(answer.proposal.ops)


@pytest.mark.parametrize(
    "said",
    [
        "set database of task to Invoices and title to Rechnung",
        'set database of task to "Invoices" and title to "Rechnung"',
        "set database of task to Invoices, title to Rechnung",
        "set database of task to Invoices and set the title of issue to Rechnung",
        "setze database von task auf Rechnungen und title auf Rechnung",
    ],
)
def test_a_second_field_is_no_part_of_a_value(orchestra: Orchestra, said: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, "inbox-triage")
    assert answer.proposal is None, answer.proposal.ops
    assert "This sets database and title. Say one at a time" in answer.text


@pytest.mark.parametrize(
    "value", ['"Invoices and title to Rechnung"', "Hello and welcome to Berlin", '{{ "and title to " + mail.subject }}']
)
def test_a_value_may_have_the_words_of_a_second_field(orchestra: Orchestra, value: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, f"set title of task to {value}", "inbox-triage")
    assert answer.proposal is not None, answer.text
    assert [one["value"] for one in answer.proposal.ops] == [value.strip('"')]


@pytest.mark.parametrize(
    "said",
    [
        "call this workflow My Mails",
        "rename this workflow to My Mails",
        'please rename the workflow to "My Mails"',
        "benenne diesen Workflow in My Mails um",
    ],
)
def test_a_workflow_gets_a_title(orchestra: Orchestra, said: str) -> None:
    answer = orchestra.copilot.rules.answer(OWNER, said, "inbox-triage")
    assert answer.proposal is not None, answer.text
    assert answer.proposal.ops == [{"op": "set", "field": "title", "value": "My Mails"}]


def test_half_past_eight_in_the_evening_is_not_the_morning(orchestra: Orchestra) -> None:
    made = orchestra.copilot.rules.answer(
        OWNER, "run this on weekdays at half past eight in the evening", "inbox-triage"
    )
    assert made.proposal is not None
    assert "30 20 * * 1-5" in made.proposal.diff


@pytest.mark.timeout(60)  # a pattern that backtracks takes for ever
@pytest.mark.parametrize(
    "said",
    ["every Monday at 9 post " + "a " * 900, "set " * 500, "mails " * 330, "from a " * 280]
    + [f"{one}{'; x' * 1_300}" for one in ("archive newsletters", "retry issue 5 times")]
    + ['mails with "a" ' * 260, 'archive mails with the word "a"' + ' or "a"' * 500],
)
@pytest.mark.parametrize("workflow", ["fresh", "inbox-triage", ""])
def test_a_long_request_is_read_in_time(orchestra: Orchestra, said: str, workflow: str) -> None:
    assert orchestra.copilot.rules.answer(OWNER, said, workflow) is not None
