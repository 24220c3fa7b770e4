"""The sessions whose power goes, by name: what people and programs do with a workspace, and what they are told."""

from __future__ import annotations

from assurance.faults.power import file_sessions, people_sessions, run_sessions, state_sessions, trigger_sessions
from assurance.faults.power.scene import Session

_PARTS = (run_sessions, state_sessions, file_sessions, people_sessions, trigger_sessions)
SESSIONS: dict[str, Session] = {name: play for part in _PARTS for name, play in part.SESSIONS.items()}
