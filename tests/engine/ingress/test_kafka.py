"""Kafka without a broker: batches through FastStream's subscriber, over a log and a consumer made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordListTooLargeError,
    RecordTooLargeError,
)
from aiokafka.structs import TopicPartition

from engine.ingress.brokers.broker import BrokerMessage, Receiver, Topics, Unsendable
from engine.ingress.brokers.kafka import KafkaTopics
from tests.engine.ingress.servers import pause


class Partition:
    """A partition as one member of a group sees it: a position in memory, and an offset that survives it."""

    def __init__(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        self.records, self.committed, self.position = records, 0, 0

    def subscribe(self, **_: Any) -> None:
        """Read from what was committed."""
        self.position = self.committed

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Forget the position, as a member that leaves."""
        self.position = self.committed

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[Any, list[ConsumerRecord[Any, Any]]]:
        """Poll: the position moves, whatever becomes of the records."""
        found = list(self.records[self.position : self.position + min(max_records, 2)])
        self.position += len(found)
        if not found:
            await asyncio.sleep(timeout_ms / 1000)
        return {TopicPartition("workflows", 0): found} if found else {}

    async def commit(self) -> None:
        """Commit the position."""
        self.committed = self.position


def record(offset: int, value: bytes = b"{}", headers: Sequence[tuple[str, bytes]] = ()) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord("workflows", 0, offset, 1000 + offset, 0, b"tenant", value, None, 0, len(value), headers)


def receive(partition: Partition, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, seconds: float = 30) -> None:
    """Take records until the last one is committed."""
    topics = KafkaTopics("kafka://127.0.0.1:9092", Topics("workflows", "group"))
    config = topics._broker.config.broker_config
    monkeypatch.setattr(config, "builder", lambda **_: partition)
    monkeypatch.setattr(config, "allow_auto_create_topics", False)
    monkeypatch.setattr(topics._broker, "_connect", connected)

    async def main() -> None:
        async with topics.receiving(receiver):
            while partition.committed < len(partition.records):
                await pause()

    asyncio.run(asyncio.wait_for(main(), seconds))


async def connected() -> object:
    """Leave what a connection to a cluster would."""
    return object()


async def nothing() -> None:
    """Room there is."""


def test_offsets_are_committed_after_each_batch_was_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = Partition([record(number) for number in range(5)])
    seen: list[tuple[int, list[BrokerMessage]]] = []

    async def take(messages: Sequence[BrokerMessage]) -> None:
        seen.append((partition.committed, list(messages)))

    receive(partition, Receiver(take, nothing), monkeypatch)
    assert [(before, [one.place for one in batch]) for before, batch in seen] == [
        (0, ["workflows/0/0/1000", "workflows/0/1/1001"]),
        (2, ["workflows/0/2/1002", "workflows/0/3/1003"]),
        (4, ["workflows/0/4/1004"]),
    ]
    assert {one.key for _, batch in seen for one in batch} == {"tenant"}


def test_headers_that_are_not_utf8_do_not_have_a_record_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = Partition([record(0, b"first", [("trace", b"\xff")]), record(1, b"second")])
    seen: list[bytes] = []

    async def take(messages: Sequence[BrokerMessage]) -> None:
        seen.extend(one.body for one in messages)

    receive(partition, Receiver(take, nothing), monkeypatch)
    assert seen == [b"first", b"second"]


def test_a_member_that_stops_while_it_takes_a_batch_commits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    partition = Partition([record(number) for number in range(2)])
    seen: list[Sequence[BrokerMessage]] = []

    async def take(messages: Sequence[BrokerMessage]) -> None:
        seen.append(messages)
        if len(seen) == 1:
            await asyncio.Event().wait()  # a disk that is full: it tries again until it is stopped

    with pytest.raises(TimeoutError):
        receive(partition, Receiver(take, nothing), monkeypatch, seconds=1)
    assert partition.committed == 0
    receive(partition, Receiver(take, nothing), monkeypatch)
    assert [[one.place for one in batch] for batch in seen] == [["workflows/0/0/1000", "workflows/0/1/1001"]] * 2


class Cluster:
    """A cluster as a producer sees it: it keeps records, and says that it has them when it is told to."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.answers: list[asyncio.Future[None]] = []

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    async def send(self, **record: Any) -> asyncio.Future[None]:
        """Take a record; the answer comes later."""
        self.records.append(record)
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]


async def sending(cluster: Cluster) -> KafkaTopics:
    """Topics whose producer writes to a cluster made by hand."""
    topics = KafkaTopics("kafka://127.0.0.1:9092", Topics("workflows", "group"))
    producer: Any = cluster
    await topics._broker.config.broker_config.producer.connect(producer, None)
    return topics


DEAD = BrokerMessage(b"\xff not JSON", "workflows/0/7/1007", "tenant ä")


def test_a_dead_letter_has_the_body_the_key_and_the_error() -> None:
    async def main() -> None:
        cluster = Cluster()
        topics = await sending(cluster)
        for message in (DEAD, BrokerMessage(b"{}", "workflows/0/8/1008")):
            sent = asyncio.ensure_future(topics.send_dead(message, '{"type": "InvalidInput", "message": "§"}'))
            while not cluster.answers or cluster.answers[-1].done():
                await pause()
            await pause()
            assert not sent.done(), "the cluster has not said that it has it"
            cluster.answers[-1].set_result(None)
            await sent
        first, second = cluster.records
        assert (first["topic"], first["value"], first["key"]) == ("workflows.dlq", DEAD.body, "tenant ä".encode())
        assert second["key"] is None, "so that the cluster chooses the partition"
        headers = dict(first["headers"])
        assert headers["orchestra-error"].decode() == '{"type": "InvalidInput", "message": "§"}'
        assert headers["orchestra-place"] == b"workflows/0/7/1007"

    asyncio.run(asyncio.wait_for(main(), 30))


def test_statuses_of_a_run_have_its_id_as_their_key() -> None:
    async def main() -> None:
        cluster = Cluster()
        topics = await sending(cluster)
        for body in (b'{"status": "queued"}', b'{"status": "succeeded"}'):
            sent = asyncio.ensure_future(topics.send_status("run-1", body))
            while not cluster.answers or cluster.answers[-1].done():
                await pause()
            cluster.answers[-1].set_result(None)
            await sent
        assert [(one["topic"], one["key"], one["value"]) for one in cluster.records] == [
            ("workflows.status", b"run-1", b'{"status": "queued"}'),
            ("workflows.status", b"run-1", b'{"status": "succeeded"}'),
        ]

    asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize("what", ["dead letter", "status"])
def test_what_the_cluster_refuses_is_not_taken_for_sent(what: str) -> None:
    async def main() -> None:
        cluster = Cluster()
        topics = await sending(cluster)
        sending_it = topics.send_dead(DEAD, "{}") if what == "dead letter" else topics.send_status("run-1", b"{}")
        sent = asyncio.ensure_future(sending_it)
        while not cluster.answers:
            await pause()
        cluster.answers[-1].set_exception(KafkaTimeoutError())
        with pytest.raises(KafkaTimeoutError):
            await sent

    asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize("refusal", [MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError])
def test_what_is_too_large_for_the_cluster_is_refused_for_ever(refusal: type[KafkaError]) -> None:
    async def main() -> None:
        cluster = Cluster()
        topics = await sending(cluster)
        sent = asyncio.ensure_future(topics.send_dead(DEAD, "{}"))
        while not cluster.answers:
            await pause()
        cluster.answers[-1].set_exception(refusal())
        with pytest.raises(Unsendable):
            await sent
        assert topics.lost() == ""

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_long_key_is_cut_in_a_dead_letter() -> None:
    async def main() -> None:
        cluster = Cluster()
        topics = await sending(cluster)
        sent = asyncio.ensure_future(topics.send_dead(BrokerMessage(b"{", "place", "ä" * 130_901), "{}"))
        while not cluster.answers:
            await pause()
        cluster.answers[-1].set_result(None)
        await sent
        assert cluster.records[-1]["key"] == ("ä" * 100).encode()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_producer_that_is_closed_is_lost() -> None:
    async def main() -> None:
        cluster = Cluster()
        topics = await sending(cluster)
        assert topics.lost() == ""
        sent = asyncio.ensure_future(topics.send_status("run-1", b"{}"))
        while not cluster.answers:
            await pause()
        cluster.answers[-1].set_exception(ProducerClosed())
        with pytest.raises(ProducerClosed):
            await sent
        assert "closed" in topics.lost()

    asyncio.run(asyncio.wait_for(main(), 30))
