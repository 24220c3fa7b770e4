"""Answers that a new workflow may begin with; the person changes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from dashboard.base.language import N_, t
from engine.copilot.wizard.records import Choices, Chosen, ItemFilter, ValueKind, WantedValue, WhenToStart
from engine.triggers.cron import DailyTime, cron_of

KNOWN_VALUES: Mapping[str, ValueKind] = {
    N_("Vendor"): ValueKind.TEXT,
    N_("Amount"): ValueKind.NUMBER,
    N_("Date"): ValueKind.DATE,
    N_("Currency"): ValueKind.TEXT,
    N_("Invoice number"): ValueKind.TEXT,
    N_("Due date"): ValueKind.DATE,
    N_("Customer"): ValueKind.TEXT,
    N_("Order number"): ValueKind.TEXT,
    N_("Phone number"): ValueKind.TEXT,
}
"""Values that people often want of a text."""
WORKDAYS = DailyTime(8, 0, (1, 2, 3, 4, 5))


def blank() -> Choices:
    """Return the answers of a form that nobody has touched."""
    return Choices(source="mail", start=WhenToStart.NEW, cron=cron_of(WORKDAYS), targets=(Chosen(target="task"),))


def _tasks() -> Choices:
    only = ItemFilter(is_new=True)
    return blank().model_copy(update={"start": WhenToStart.SCHEDULE, "only": only})


def _invoices() -> Choices:
    wanted = ("Vendor", "Amount", "Date")
    place = t("Invoices")
    return blank().model_copy(
        update={
            "only": ItemFilter(words=(t("invoice"),), ending="pdf"),
            "values": tuple(WantedValue(name=t(one), kind=KNOWN_VALUES[one]) for one in wanted),
            "is_file_read": True,
            "targets": (
                Chosen(target="files_to_folder", places={"folder": place}),
                Chosen(target="record", places={"table": place}),
            ),
        }
    )


def _refunds() -> Choices:
    kind = t("a request for a refund")
    return blank().model_copy(update={"kinds": {kind: kind}, "targets": (Chosen(target="draft_answer", when=kind),)})


def _bugs() -> Choices:
    kind = t("a bug report")
    return blank().model_copy(
        update={"kinds": {kind: kind}, "targets": (Chosen(target="issue", when=kind, is_approved=True),)}
    )


class Example(Struct, frozen=True):
    """What a form may begin with."""

    make: Callable[[], Choices]
    """Returns the answers, in the language of the person."""
    needs: Sequence[str] = ()
    """The conditions without which it would not be what it is called: they must be filled in."""


EXAMPLES: Mapping[str, Example] = {
    N_("Mail of certain people becomes tasks"): Example(_tasks, needs=("senders",)),
    N_("Invoices go to a folder and a table"): Example(_invoices),
    N_("Refund requests get a drafted answer"): Example(_refunds),
    N_("Bug reports become issues, if I agree"): Example(_bugs),
}
"""What a form may begin with, by title."""
