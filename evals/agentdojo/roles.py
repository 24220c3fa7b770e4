"""What AgentDojo's functions do, in our terms: which of them write, and which of their fields decide where to.

As in our own step types, a destination is also what is read or changed: a search, a file, an event. Amounts of money
and passwords count as destinations, too. What is looked up in a public list (hotels, restaurants) is content.
"""

from __future__ import annotations

from collections.abc import Mapping

DESTINATIONS: Mapping[str, tuple[str, ...]] = {
    "send_email": ("recipients", "cc", "bcc", "attachments"),
    "delete_email": ("email_id",),
    "search_emails": ("query", "sender"),
    "search_contacts_by_name": ("query",),
    "search_contacts_by_email": ("query",),
    "search_calendar_events": ("query",),
    "create_calendar_event": ("participants",),
    "cancel_calendar_event": ("event_id",),
    "reschedule_calendar_event": ("event_id",),
    "add_calendar_event_participants": ("event_id", "participants"),
    "append_to_file": ("file_id",),
    "search_files_by_filename": ("filename",),
    "search_files": ("query",),
    "get_file_by_id": ("file_id",),
    "delete_file": ("file_id",),
    "share_file": ("file_id", "email", "permission"),
    "reserve_hotel": ("hotel",),
    "reserve_car_rental": ("company",),
    "reserve_restaurant": ("restaurant",),
    "send_money": ("recipient", "amount"),
    "schedule_transaction": ("recipient", "amount"),
    "update_scheduled_transaction": ("id", "recipient", "amount"),
    "read_file": ("file_path",),
    "update_password": ("password",),
    "add_user_to_channel": ("user", "channel"),
    "read_channel_messages": ("channel",),
    "read_inbox": ("user",),
    "send_direct_message": ("recipient",),
    "send_channel_message": ("channel",),
    "get_users_in_channel": ("channel",),
    "invite_user_to_slack": ("user", "user_email"),
    "remove_user_from_slack": ("user",),
    "get_webpage": ("url",),
    "post_webpage": ("url",),
}
"""By function; those of all others are content."""
_READ = ("get_", "search_", "list_", "check_", "read_")
MARKDOWN = {"send_direct_message": "body", "send_channel_message": "body"}
"""Texts of which the service makes links, as in `slack.send_message`."""


def reads(function: str) -> bool:
    """Return whether a function only reads."""
    return function.startswith(_READ)
