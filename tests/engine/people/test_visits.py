"""When somebody was last here: the end of their previous visit, whatever they do during this one."""

from __future__ import annotations

from datetime import timedelta

from engine.base.clock import timestamp
from engine.operations.belongings import belongs_to
from engine.people.access import Principal
from engine.people.visits import GAP, Visits
from engine.store.sql.settings import SettingsTable
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.people.test_users import Hands, clock, database

__all__ = ["clock", "database"]
ADA, BOB = Principal("ada", "editor"), Principal("bob", "viewer")


def test_a_visit_begins_after_a_gap_and_says_when_the_one_before_ended(
    database: SqliteStateDatabase, clock: Hands
) -> None:
    visits = Visits(SettingsTable(database), clock)
    assert visits.note(ADA) is None
    clock.now += GAP - timedelta(minutes=1)
    assert visits.note(ADA) is None, "still the first"
    ended = timestamp(clock())
    clock.now += GAP
    assert visits.note(ADA) == ended
    clock.now += GAP - timedelta(minutes=1)
    assert visits.note(ADA) == ended, "still the second"
    assert visits.note(BOB) is None
    clock.now += 2 * GAP
    assert visits.note(ADA) == timestamp(clock() - 2 * GAP)


def test_a_removed_user_leaves_no_visit(database: SqliteStateDatabase, clock: Hands) -> None:
    settings = SettingsTable(database)
    Visits(settings, clock).note(ADA)
    [key] = settings.with_prefix("visit.")
    assert belongs_to("ada", key)
    assert not belongs_to("bob", key)
