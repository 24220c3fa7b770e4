"""The long form (`make assurance`): a listed thing is mangled in every way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.triggers.test_odd_things import find_the_others, kind, looker, proxy, scene

if TYPE_CHECKING:
    from engine.plugins.trigger import TriggerType
    from tests.engine.triggers.looking import Looker
    from tests.engine.triggers.mangling import Proxy

__all__ = ["kind", "looker", "proxy", "scene"]

pytestmark = pytest.mark.slow


def test_however_a_listed_thing_is_mangled_the_others_are_found(
    kind: TriggerType, looker: Looker, proxy: Proxy
) -> None:
    find_the_others(kind, looker, proxy, 1)
