"""The encrypted vault for secrets.

Begin with `vault.py`; `vault_keys.py` says where its key comes from. Used by `connections/`, which opens secrets only
for the client that needs them, and by the settings.
"""
