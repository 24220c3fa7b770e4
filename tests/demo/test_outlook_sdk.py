"""The stand-in for Outlook, judged by Microsoft's own SDK, which is too large for a requirement (130 MB of code).

`pip install msgraph-sdk` runs it; else it is skipped.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pkgutil import resolve_name
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from clients.outlook.box import IMMUTABLE
from clients.outlook.outbox import MARKER

if TYPE_CHECKING:
    from tests.conftest import StandIns

msgraph = pytest.importorskip("msgraph", reason="`pip install msgraph-sdk` has Microsoft's SDK judge the stand-in")
MODELS = "msgraph.generated.models"
# By name, as imports have to be requirements.
sdk = SimpleNamespace(
    GraphRequestAdapter=resolve_name("msgraph.graph_request_adapter:GraphRequestAdapter"),
    RequestConfiguration=resolve_name("kiota_abstractions.base_request_configuration:RequestConfiguration"),
    EmailAddress=resolve_name(f"{MODELS}.email_address:EmailAddress"),
    FileAttachment=resolve_name(f"{MODELS}.file_attachment:FileAttachment"),
    FollowupFlag=resolve_name(f"{MODELS}.followup_flag:FollowupFlag"),
    FollowupFlagStatus=resolve_name(f"{MODELS}.followup_flag_status:FollowupFlagStatus"),
    Message=resolve_name(f"{MODELS}.message:Message"),
    Recipient=resolve_name(f"{MODELS}.recipient:Recipient"),
    SingleValueLegacyExtendedProperty=resolve_name(
        f"{MODELS}.single_value_legacy_extended_property:SingleValueLegacyExtendedProperty"
    ),
    ODataError=resolve_name(f"{MODELS}.o_data_errors.o_data_error:ODataError"),
    MovePostRequestBody=resolve_name(
        "msgraph.generated.users.item.messages.item.move.move_post_request_body:MovePostRequestBody"
    ),
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

Story = Callable[[Any], Awaitable[None]]
"""What is asked of the SDK's client."""


@pytest.fixture
def judged(standins: StandIns) -> Callable[[Story], None]:
    """Run a story with the SDK."""
    where = standins["outlook"]

    class Token:
        async def authenticate_request(self, request: Any, _context: Any = None) -> None:
            request.headers.add("Authorization", f"Bearer {where.token}")
            request.headers.add("Prefer", IMMUTABLE)

    async def run(story: Story) -> None:
        adapter = sdk.GraphRequestAdapter(Token())
        adapter.base_url = f"{where.base_url}/v1.0"
        try:
            await story(msgraph.GraphServiceClient(request_adapter=adapter))
        finally:
            # Closing the SDK's client leaves the connections of the transport below it open.
            await adapter._http_client._transport.transport.aclose()
            await adapter._http_client.aclose()

    return lambda story: asyncio.run(run(story))


def asking(builder: Any, **options: Any) -> Any:
    """The options of a query, in the SDK's own form for this address."""
    [form] = [one for name, one in vars(type(builder)).items() if name.endswith("GetQueryParameters")]
    return sdk.RequestConfiguration(query_parameters=form(**options))


async def refused(asked: Awaitable[Any]) -> tuple[int, str]:
    """The status and the code of a refusal, as the SDK reads them."""
    with pytest.raises(sdk.ODataError) as caught:
        await asked
    assert caught.value.error is not None
    return int(caught.value.response_status_code or 0), str(caught.value.error.code)


def test_lists_pages_and_mime(judged: Callable[[Story], None]) -> None:
    async def story(client: Any) -> None:
        me = await client.me.get()
        assert me.mail.endswith("@example.com")
        page = await client.me.messages.get(asking(client.me.messages, top=5, orderby=["receivedDateTime desc"]))
        times = [one.received_date_time for one in page.value]
        assert (len(times), times) == (5, sorted(times, reverse=True))
        further = await client.me.messages.with_url(page.odata_next_link).get()
        assert not {one.id for one in page.value} & {one.id for one in further.value}
        first = page.value[0]
        assert first.from_.email_address.address
        assert first.body.content
        raw = await client.me.messages.by_message_id(first.id).content.get()
        assert first.internet_message_id.encode() in raw
        found = await client.me.messages.get(asking(client.me.messages, search='"subject:invoice"'))
        assert all("invoice" in one.subject.lower() for one in found.value)
        bad = client.me.messages.get(asking(client.me.messages, search='"a"', orderby=["receivedDateTime"]))
        assert await refused(bad) == (400, "SearchWithOrderBy")
        assert await refused(client.me.messages.by_message_id("AAMkNone").get()) == (404, "ErrorItemNotFound")

    judged(story)


def test_a_draft_that_is_written_sorted_found_moved_and_sent(
    judged: Callable[[Story], None], standins: StandIns
) -> None:
    async def story(client: Any) -> None:
        marks = [sdk.SingleValueLegacyExtendedProperty(id=MARKER, value="m" * 32)]
        to = [sdk.Recipient(email_address=sdk.EmailAddress(address="ann@example.org", name="Ann"))]
        draft = await client.me.messages.post(
            sdk.Message(subject="Hello", to_recipients=to, single_value_extended_properties=marks)
        )
        assert (draft.is_draft, draft.to_recipients[0].email_address.name) == (True, "Ann")
        where = f"singleValueExtendedProperties/any(ep: ep/id eq '{MARKER}' and ep/value eq '{'m' * 32}')"
        found = await client.me.messages.get(asking(client.me.messages, filter=where))
        assert [one.id for one in found.value] == [draft.id]
        item = client.me.messages.by_message_id(draft.id)
        flag = sdk.FollowupFlag(flag_status=sdk.FollowupFlagStatus.Flagged)
        changed = await item.patch(sdk.Message(categories=["Red"], flag=flag))
        assert (changed.categories, changed.flag.flag_status) == (["Red"], sdk.FollowupFlagStatus.Flagged)
        file = sdk.FileAttachment(
            odata_type="#microsoft.graph.fileAttachment", name="a.txt", content_bytes=base64.b64encode(b"1")
        )
        assert (await item.attachments.post(file)).name == "a.txt"
        assert [one.name for one in (await item.attachments.get()).value] == ["a.txt"]
        await item.send.post()
        [sent] = [one for one in standins.show("outlook")["sent"] if one["subject"] == "Hello"]
        assert (sent["id"], sent["isDraft"], sent["hasAttachments"]) == (draft.id, False, True)
        moved = await item.move.post(sdk.MovePostRequestBody(destination_id="archive"))
        folders = await client.me.mail_folders.get(asking(client.me.mail_folders, top=50))
        assert moved.id == draft.id
        assert moved.parent_folder_id in {one.id for one in folders.value if one.display_name == "Archive"}

    judged(story)


def test_changes_since_a_link_that_expires(judged: Callable[[Story], None], standins: StandIns) -> None:
    async def story(client: Any) -> None:
        delta = client.me.mail_folders.by_mail_folder_id("inbox").messages.delta
        page = await delta.get(asking(delta, select=["subject"]))
        known = {one.id for one in page.value}
        while page.odata_next_link:
            page = await delta.with_url(page.odata_next_link).get()
            known |= {one.id for one in page.value}
        address = f"{standins['outlook'].origin}/_demo"
        standins.controls.post(f"{address}/mail", json={"from": "ada@example.com", "subject": "New"})
        later = await delta.with_url(page.odata_delta_link).get()
        assert [one.subject for one in later.value] == ["New"]
        assert later.value[0].id not in known
        again = await delta.with_url(later.odata_delta_link).get()
        assert again.value == []
        standins.controls.post(f"{address}/delta", json={"forget": True})
        assert await refused(delta.with_url(again.odata_delta_link).get()) == (410, "SyncStateNotFound")

    judged(story)


def test_a_busy_service_is_waited_for_as_it_says(judged: Callable[[Story], None], standins: StandIns) -> None:
    standins["outlook"]
    standins.faults("outlook", match="/v1.0/me/mailFolders", status=429, retry_after=1)

    async def story(client: Any) -> None:
        folders = await client.me.mail_folders.get()
        assert folders.value

    judged(story)
