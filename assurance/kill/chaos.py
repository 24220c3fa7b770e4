"""Kills in great numbers (`make assurance`): of jobs, of applied plans, of the sample, amid mail and amid sign-ins."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from assurance.kill import test_sign_in
from assurance.kill.agent_storm import AgentStorm
from assurance.kill.harness import WRITES, Setting, World, kill_after_events, kill_in_write, setting
from assurance.kill.hook_storm import HookStorm
from assurance.kill.job import POINTS
from assurance.kill.job_of_steps import FAMILIES, Steps, many_kills
from assurance.kill.judge import verdict
from assurance.kill.mail_storm import mail_storm
from assurance.kill.scheduled_storm import scheduled_storm
from assurance.kill.storm import Storm
from assurance.kill.test_agent_kill import agents, figures
from assurance.kill.test_agent_kill import many_kills as many_kills_of_agents
from assurance.kill.test_apply_kill import applications, killed_applications
from assurance.kill.test_form_kill import kill_after_thanks
from assurance.kill.test_kill import undisturbed
from assurance.kill.test_sign_in import Shared, forks, shared
from assurance.kill.test_sql_kill import Databases, databases, random_kills
from assurance.kill.test_steps_kill import steps_place
from assurance.kill.test_storm import judged, killed_at_any_moment, killed_at_named_points, place

__all__ = ["agents", "applications", "databases", "forks", "place", "shared", "steps_place", "undisturbed"]

KILLS = 1000
ROUNDS = 5
APPLICATION_KILLS = 100
SIGN_IN_KILLS = 100
SQL_KILLS = 100
STEP_KILLS = 25
AGENTS = 40
AGENT_KILLS = 500

SPREAD = 22
IN_WRITE = 8
_CHANCE = random.Random(20261120)
_LAST_EVENT = 60
"""About as many events as the sample writes; a kill after the last one would prove nothing."""


def test_a_thousand_kills_at_any_moment(place: Storm) -> None:
    print(judged(place, killed_at_any_moment(place, KILLS)))  # noqa: T201 - the figures, for `pytest -s`


def test_kills_at_every_named_point_again_and_again(place: Storm) -> None:
    kills = [killed for _ in range(ROUNDS) for killed in killed_at_named_points(place)]
    print(judged(place, kills))  # noqa: T201 - the figures, for `pytest -s`
    assert len(kills) == ROUNDS * len(POINTS)


def test_ten_kills_while_five_thousand_deliveries_a_minute_come(tmp_path: Path) -> None:
    storm = HookStorm(tmp_path / "workspace", tmp_path)
    storm.prepare()
    storm.run(seconds=120, per_minute=5000, kills=10, chance=_CHANCE)
    print(storm.judge(3600))  # noqa: T201 - the figures, for `pytest -s`


def test_a_hundred_kills_while_a_plan_is_applied(applications: Storm) -> None:
    assert verdict(applications, killed_applications(applications, APPLICATION_KILLS)) == []


def test_two_thousand_mails_while_the_server_dies_fifty_times(tmp_path: Path) -> None:
    with mail_storm(tmp_path / "workspace") as mails:
        mails.rage(2000, 50)
        before = mails.started
        mails.calm_down()
        print(f"{before} of 2000 mails had their runs before the last kill")  # noqa: T201 - the figures, for `pytest -s`
        assert mails.wrongs() == []


def test_sixty_servers_that_hold_mails_and_die(tmp_path: Path) -> None:
    with scheduled_storm(tmp_path / "workspace") as mails:
        mails.rage(60)
        mails.calm_down()
        told = (
            f"{mails.kills} servers and {mails.killed_stops} of who stops were killed; of {len(mails.ordered)} mails "
        )
        told += f"{sum(mails.sent.values())} went out, {len(mails.stopped)} were stopped"
        print(told)  # noqa: T201 - the figures, for `pytest -s`
        assert mails.wrongs() == []


def _recovered(place: Setting, world: World) -> None:
    assert place.finish("resume") == "succeeded"
    assert place.world() == world
    assert not place.world().doubles()


@pytest.mark.parametrize("events", [_CHANCE.randint(2, _LAST_EVENT) for _ in range(SPREAD)])
def test_a_kill_at_any_moment(tmp_path: Path, undisturbed: World, events: int) -> None:
    with setting(tmp_path / "workspace") as place:
        assert kill_after_events(place, events) > 0, "killed after the last event"
        if events % 3 == 0:  # and once more while it recovers
            process = place.start("resume")
            assert process.stdout is not None
            process.stdout.readline()
            process.kill()
            process.communicate()
        _recovered(place, undisturbed)


@pytest.mark.parametrize("number", range(IN_WRITE))
def test_a_kill_between_a_write_and_its_receipt(tmp_path: Path, undisturbed: World, number: int) -> None:
    with setting(tmp_path / "workspace") as place:
        assert kill_in_write(place, WRITES[number % len(WRITES)]) >= 1
        _recovered(place, undisturbed)


def test_a_hundred_kills_of_workers_that_share_a_sign_in(shared: Shared) -> None:
    renewals = test_sign_in.killed_at_any_moment(shared, SIGN_IN_KILLS)
    print(f"{SIGN_IN_KILLS} kills amid {renewals} renewals, no token lost")  # noqa: T201 - the figures, for `pytest -s`


def test_a_hundred_kills_between_a_statement_and_its_receipt(databases: Databases) -> None:
    counted = [databases.written(number) for number in random_kills(databases, SQL_KILLS)]
    assert counted == [[1] * len(databases.targets)] * SQL_KILLS


@pytest.mark.parametrize("family", FAMILIES)
def test_kills_at_writes_of_steps(steps_place: Steps, family: str) -> None:
    assert many_kills(steps_place, family, STEP_KILLS, _CHANCE) == []


def test_three_kills_of_a_server_that_has_just_thanked_for_a_form(tmp_path: Path) -> None:
    kill_after_thanks(tmp_path, 3)


def test_forty_agents_and_five_hundred_kills(agents: AgentStorm) -> None:
    killed = many_kills_of_agents(agents, AGENTS, AGENT_KILLS)
    print(figures(agents, killed))  # noqa: T201 - the figures, for `pytest -s`
    assert agents.wrong(killed) == []
