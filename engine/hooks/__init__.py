"""Webhooks: how a delivery proves who sent it, what its body says, and what is remembered of it.

Begin with `signatures.py`; the trigger is `engine/triggers/webhook.py`. Deliveries wait in an
inbox, as submissions of forms do (`engine/forms/inbox.py`).
"""
