"""Webhooks: how a delivery proves who sent it, what its body says, and what is remembered of it.

Begin with `signatures.py`; the triggers are `engine/triggers/webhook.py` and `github_webhook.py`. Deliveries wait in an
inbox, as submissions of forms do (`engine/forms/inbox.py`).
"""
