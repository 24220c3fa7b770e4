"""Authorization, the audit trail, and authentication.

Begin with `access.py`: four roles, four rights, one check (`require`) at the beginning of every action. `audit.py`
records who changed what; `users.py`, `sessions.py` and `api_tokens.py` say who somebody is; `openid/` is sign-in by a
provider. Every area takes a `Principal` from here.
"""
