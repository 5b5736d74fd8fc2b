"""Durable queues: at least once, in order; leases, delays, expiry, dead letters, doubles, batches with items, waiting."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import nearcache
import pytest
from nearcache import Message, Queue, Store


@pytest.fixture
def queue(store: Store) -> Queue:
    return store.queue("tasks")


def got(queue: Queue, **arguments: Any) -> Message:
    message = queue.get(**arguments)
    assert message is not None
    return message


def values(messages: list[Message]) -> list[Any]:
    return [message.value for message in messages]


@pytest.mark.parametrize("value", [b"", "text", 7, None, [1, {"a": (2,)}], {"x": {1}}], ids=repr)
def test_values_of_every_type(queue: Queue, value: Any) -> None:
    queue.put(value)
    with got(queue) as message:
        assert (message.value, type(message.value)) == (value, type(value))
        assert message.value is message.value
    assert len(queue) == 0


def test_what_is_known_of_a_message(store: Store, queue: Queue) -> None:
    seq = queue.put("tea", id="order-7", expire=100)
    message = got(queue, lease=30)
    now = store.unix_time()
    assert (message.seq, message.queue, message.id, message.origin) == (seq, "tasks", b"order-7", None)
    assert (message.body, message.flags, message.deliveries, message.at, message.expires) == (b"tea", 16, 1, now, now + 100)
    assert repr(message) == f"<nearcache.Message {seq} of 'tasks', 3 bytes, delivery 1>"
    assert message.receipt and message.receipt.count("-") == 3
    assert repr(queue) == f"<nearcache.Queue 'tasks' of {store.place}>"
    assert queue.name == "tasks" and store.queues() == ["tasks"]


def test_first_in_first_out(queue: Queue) -> None:
    numbers = [queue.put(n) for n in range(5)] + queue.put_many(range(5, 10), delay=0)
    assert numbers == sorted(number for number in numbers if number)
    assert values(queue.peek(3)) == [0, 1, 2] and len(queue) == 10
    assert values(queue.get_many(4)) == [0, 1, 2, 3]
    assert values(queue.take_many(100)) == [4, 5, 6, 7, 8, 9]
    assert (queue.get(), queue.take(), queue.get_many(5), len(queue)) == (None, None, [], 4)
    assert queue and not queue.put_many([])


def test_acknowledging(queue: Queue) -> None:
    queue.put_many(range(4))
    first, second, third = queue.get_many(3)
    assert first.ack() and len(queue) == 3
    for again in (first.ack, first.nak, lambda: first.extend(5)):
        with pytest.raises(nearcache.StoreError, match="acknowledged or given back before"):
            again()
    assert first.receipt is None
    receipt = second.receipt
    assert receipt is not None
    assert (queue.ack(receipt), queue.ack(receipt), second.ack()) == (True, False, False)
    assert third.nak() is True and got(queue).deliveries == 2
    for wrong in ("", "1-2-3", "x-y-z-w", "1-2-3-4-5"):
        with pytest.raises(ValueError, match="no receipt"):
            queue.ack(wrong)
    assert queue.ack("1-2-3-4") is False
    for aside in (*queue.peek(), *queue.take_many(1)):
        assert aside.receipt is None
        with pytest.raises(nearcache.StoreError, match="nothing to acknowledge"):
            aside.ack()
        with aside:
            pass


def test_a_with_statement_acknowledges_or_gives_back(queue: Queue) -> None:
    queue.put("tea")
    for failure in (ValueError, KeyboardInterrupt, SystemExit, GeneratorExit):
        with pytest.raises(failure), got(queue):
            raise failure("no")
    with got(queue) as message:
        assert message.deliveries == 5
    assert len(queue) == 0
    queue.put("tea")
    with got(queue) as message:
        message.nak(delay=5)
    assert (queue.get(), queue.stats()["delayed"]) == (None, 1)
    # What was settled within is left alone, and a failure of giving back hides none of the body.
    queue.put("tea")
    with pytest.raises(ZeroDivisionError), got(queue) as message:
        message.ack()
        1 / 0


def test_a_lease_that_ended_is_an_error_of_the_with_statement(store: Store, queue: Queue) -> None:
    queue.put("slow")
    with pytest.raises(nearcache.LeaseEndedError, match="longer"):
        with got(queue, lease=5):
            store.advance_clock(6)
    again = got(queue, wait=30)
    assert (again.value, again.deliveries) == ("slow", 2)
    assert again.extend(timedelta(minutes=2))
    store.advance_clock(100)
    receipt = again.receipt
    assert again.extend(60) and again.receipt != receipt
    with again:
        pass
    assert len(queue) == 0
    queue.put("late")
    late = got(queue, lease=1)
    store.advance_clock(2)
    assert got(queue, wait=30).value == "late"
    assert (late.extend(5), late.receipt) == (False, None)


def test_consuming(queue: Queue) -> None:
    queue.put_many(["a", "bad", "b"])
    seen: list[str] = []

    def work() -> None:
        for message in queue.consume(wait=0):
            with message:
                seen.append(message.value)
                if message.value == "bad" and message.deliveries < 3:
                    raise ValueError(message.value)

    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            work()
    work()
    assert seen == ["a", "bad", "bad", "bad", "b"] and len(queue) == 0
    with pytest.raises(TypeError, match="wait is a number"):
        queue.consume(wait="long")  # type: ignore[arg-type]


def test_delays_and_expiry(store: Store, queue: Queue) -> None:
    queue.put("later", delay=timedelta(seconds=10))
    queue.put("brief", expire=5)
    queue.put("now")
    store.advance_clock(6)
    assert [m.value for m in queue.take_many(5)] == ["now"]
    store.advance_clock(5)
    assert got(queue, wait=30).value == "later"
    queue.configure(expire=3, expired_to="gone")
    queue.put_many(["old", "older"])
    queue.put("kept", expire=0)
    store.advance_clock(4)
    gone = store.queue("gone")
    message = got(gone, wait=30)
    assert (message.value, message.origin) == ("old", "tasks")
    assert values(queue.take_many(5)) == ["kept"]


def test_dead_letters_and_requeue(store: Store, queue: Queue) -> None:
    queue.configure(max_deliveries=2, dead_letters="dead")
    queue.put_many(["poison", "fine"])
    assert (got(queue).nak(), got(queue).nak()) == (True, False)
    assert got(queue).value == "fine"
    dead = store.queue("dead")
    assert [(m.value, m.origin) for m in dead.peek(5)] == [("poison", "tasks")]
    assert queue.stats()["dead"] == 1
    assert (dead.requeue(), dead.requeue(), len(queue)) == (1, 0, 2)
    assert got(queue).value == "poison"
    other = store.queue("other")
    other.put_many(range(5))
    with pytest.raises(ValueError, match="name the one to move it to"):
        other.requeue()
    assert (other.requeue(queue, max=2), other.requeue("elsewhere"), len(other)) == (2, 3, 0)
    assert values(store.queue(b"elsewhere").peek(5)) == [2, 3, 4]
    with pytest.raises(TypeError, match="str or bytes"):
        other.requeue(7)  # type: ignore[arg-type]


def test_doubles_are_dropped(store: Store, queue: Queue) -> None:
    assert [queue.put("a", id=id) is None for id in ("1", b"1", "2", None, None)] == [False, True, False, False, False]
    assert queue.stats()["duplicates"] == 1
    queue.configure(dedup_window=10)
    assert queue.put("b", id="3") and queue.put("b", id="3") is None
    store.advance_clock(11)
    assert queue.put("b", id="3")
    with pytest.raises(ValueError, match="limit is 250"):
        queue.put("a", id="x" * 251)
    with pytest.raises(TypeError):
        queue.put("a", id=7)  # type: ignore[arg-type]


def test_settings_limits_pause_purge_delete(store: Store, queue: Queue) -> None:
    for missing in (lambda: queue.settings, queue.stats, queue.pause, queue.purge, queue.requeue):
        with pytest.raises(nearcache.NoQueueError, match="tasks") as raised:
            missing()
        assert isinstance(raised.value, LookupError)
    assert (len(queue), queue.peek(), queue.get(), queue.delete()) == (0, [], None, False)
    queue.configure(max_messages=2, max_bytes="1MiB", lease=5, retry_delay=1.5, discard_old=False)
    before = queue.settings
    assert (before["max_messages"], before["max_bytes"], before["lease"], before["retry_delay"]) == (2, 1 << 20, 5, 2)
    queue.configure(max_message=100)
    assert queue.settings == {**before, "max_message": 100}
    store.queue("same").configure(**queue.settings)
    assert store.queue("same").settings == queue.settings
    queue.put_many([1, 2])
    with pytest.raises(nearcache.QueueFullError, match="2 messages"):
        queue.put(3)
    with pytest.raises(nearcache.QueueFullError):
        queue.put_many([3, 4])
    with pytest.raises(nearcache.ValueTooLargeError, match="100"):
        store.queue("same").put("x" * 101)
    queue.configure(discard_old=True)
    queue.put(3)
    assert values(queue.peek(5)) == [2, 3] and queue.stats()["discarded"] == 1
    queue.pause()
    assert (queue.get(), queue.stats()["paused"]) == (None, True)
    queue.resume()
    assert got(queue).value == 2
    assert (queue.purge(), len(queue), queue.delete(), store.queues()) == (2, 0, True, ["same"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"lease": 0}, ValueError),
        ({"lease": 604_801}, ValueError),
        ({"lease": None, "max_deliveries": -1}, ValueError),
        ({"expire": 10**12}, ValueError),
        ({"retry_delay": "1"}, TypeError),
        ({"dead_letters": "tasks"}, ValueError),
        ({"dead_letters": "a b"}, ValueError),
        ({"max_bytes": "many"}, ValueError),
        ({"bogus": 1}, TypeError),
    ],
)
def test_settings_are_judged(queue: Queue, arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        queue.configure(**arguments)
    with pytest.raises(nearcache.NoQueueError):
        queue.settings


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\n", "x" * 241, "+a", "a+", "a+b+c", 7, None])
def test_names_are_judged(store: Store, name: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        store.queue(name).put(1)
    with pytest.raises((ValueError, TypeError)), store.batch() as batch:
        batch.push(name, 1)
    assert store.queues() == []


@pytest.mark.parametrize("seconds", [-1, -0.5, float("nan"), "1", True, timedelta(seconds=-1), 10**10])
def test_times_are_judged(queue: Queue, seconds: Any) -> None:
    queue.put(1)
    with pytest.raises((ValueError, TypeError)):
        queue.put(2, delay=seconds)
    with pytest.raises((ValueError, TypeError)):
        queue.get(lease=seconds)
    if seconds != 10**10:
        with pytest.raises((ValueError, TypeError)):
            queue.get(wait=seconds)
    with pytest.raises((ValueError, TypeError)):
        queue.get_many(0)
    assert queue.stats()["ready"] == 1


def test_names_that_are_no_text_and_readers_copies(store: Store) -> None:
    odd = store.queue(b"\xff\xfe")
    odd.put(1)
    assert odd.name == "\udcff\udcfe" == store.queues()[0] and len(store.queue(odd.name)) == 1
    reader = store.queue("news+ada")
    assert reader.get() is None
    store.queue("news").put("hello")
    assert got(reader).value == got(store.queue("news")).value == "hello"
    assert store.queue("news").stats()["readers"] == ["news+ada"]


def test_a_queue_of_its_own_opens_and_closes_its_place(directory: Path) -> None:
    with Queue(directory, "mail", serde="portable") as mail, Store(directory) as store:
        mail.put({"to": "Ada"})
        assert mail.peek()[0].flags >> 16 == 0x4E43 and store.queue("mail").peek()[0].value == {"to": "Ada"}
    with pytest.raises(nearcache.CacheClosedError):
        mail.put(1)
    with Queue(directory, "mail") as mail:
        assert mail.take() is not None
    with Store(directory) as store:
        store.queue("mail").close()
        assert store.queue("mail").put(1)


def test_a_batch_is_all_or_nothing(store: Store, queue: Queue) -> None:
    store["stock"] = 3
    queue.put("order")
    message = got(queue)
    with store.batch() as batch:
        batch.set("a", [1], expire=60)
        batch.add("b", "2")
        batch.decr("stock")
        batch.delete("missing")
        batch.push("mail", "sent", delay=5, id="m")
        batch.ack(message)
        assert len(batch) == 6 and batch.results == [] and "a" not in store
    unique = store.gets("a")[1]
    assert batch.results == [unique, store.gets("b")[1], 2, 0, batch.results[4], 1]
    assert (store["a"], store["stock"], len(queue), store.queue("mail").stats()["delayed"]) == ([1], 2, 0, 1)
    assert message.receipt is None

    steps: list[Callable[[nearcache.Batch], None]] = [
        lambda b: b.add("a", 1),
        lambda b: b.replace("missing", 1),
        lambda b: b.cas("a", 1, unique + 1),
        lambda b: b.incr("missing"),
        lambda b: b.cas("missing", 1, 1),
    ]
    for step in steps:
        with pytest.raises(nearcache.BatchRefusedError, match="nothing of it was done") as refused:
            with store.batch() as batch:
                batch.set("a", "changed")
                batch.push(queue, "changed")
                step(batch)
        assert refused.value.step == 2
        assert (store["a"], len(queue), batch.results) == ([1], 0, [])
    with pytest.raises(nearcache.NotNumericError), store.batch() as batch:
        batch.incr("b")
        batch.incr("a")
    with pytest.raises(ZeroDivisionError), store.batch() as batch:
        batch.delete("a")
        1 / 0
    assert (store["a"], store["b"]) == ([1], "2")
    for use in (lambda: batch.set("a", 1), batch.commit):
        with pytest.raises(nearcache.StoreError, match="make another"):
            use()


def test_an_ack_in_a_batch_holds_only_for_its_consumer(store: Store, queue: Queue, directory: Path) -> None:
    queue.put("once")
    slow = got(queue, lease=5)
    store.advance_clock(6)
    quick = got(queue, wait=30)
    for message, runs in ((quick, 1), (slow, 1)):
        try:
            with message, store.batch() as batch:
                batch.add(f"done by {message.deliveries}", runs)
                batch.ack(message)
        except nearcache.BatchRefusedError as refused:
            assert message is slow and refused.step == 1
    assert list(store) == [b"done by 2"] and len(queue) == 0
    with Store(directory / "another") as another, pytest.raises(ValueError, match="in one store"):
        another.queue("tasks").put(1)
        store.batch().ack(got(another.queue("tasks")))
    with Store(directory / "another") as another, pytest.raises(ValueError, match="in one store"):
        store.batch().push(another.queue("tasks"), 1)


def test_who_waits_is_woken_and_lets_others_run(store: Store, queue: Queue) -> None:
    answers: list[Any] = []
    started = threading.Barrier(3)

    def wait() -> None:
        started.wait()
        with got(queue, wait=None) as message:
            answers.append(message.value)

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    for thread in waiting:
        thread.start()
    started.wait()
    queue.put_many(["one", "two"])
    for thread in waiting:
        thread.join()
    assert sorted(answers) == ["one", "two"] and len(queue) == 0
    begun = time.monotonic()
    assert queue.get(wait=0.2) is None and queue.get_many(3, wait=timedelta(milliseconds=10)) == []
    assert time.monotonic() - begun >= 0.2


def test_a_wait_takes_no_time_of_the_processor_and_ends_with_the_store(directory: Path) -> None:
    store = Store(directory)
    queue = store.queue("q")
    failed: list[Exception] = []
    used: list[float] = []
    asked = threading.Event()

    def wait() -> None:
        asked.set()
        before = time.thread_time()
        try:
            queue.get(wait=None)
        except nearcache.CacheClosedError as error:
            failed.append(error)
        used.append(time.thread_time() - before)

    waiting = threading.Thread(target=wait)
    waiting.start()
    asked.wait()
    # Long enough to see a wait that spins.
    waiting.join(0.5)
    assert waiting.is_alive()
    store.close()
    waiting.join()
    assert failed and used[0] < 0.2


def test_many_producers_and_consumers_lose_nothing_and_double_nothing(store: Store, queue: Queue) -> None:
    done: list[int] = []

    def produce(n: int) -> None:
        for i in range(100):
            queue.put(n * 100 + i)

    def consume() -> None:
        for message in queue.consume(wait=5):
            if message.value is None:
                message.ack()
                return
            with message, store.batch() as batch:
                batch.set(f"done:{message.value}", message.value)
                batch.ack(message)
            done.append(message.value)

    producers = [threading.Thread(target=produce, args=(n,)) for n in range(3)]
    consumers = [threading.Thread(target=consume) for _ in range(3)]
    for thread in (*producers, *consumers):
        thread.start()
    for thread in producers:
        thread.join()
    queue.put_many([None] * 3)
    for thread in consumers:
        thread.join()
    assert sorted(done) == list(range(300)) and len(queue) == 0 and len(store) == 300


def test_coroutines_wait_in_a_thread(queue: Queue) -> None:
    async def scene() -> Any:
        waiting = asyncio.create_task(asyncio.to_thread(queue.get, wait=30))
        await asyncio.sleep(0)
        await asyncio.to_thread(queue.put, "tea")
        return await waiting

    with asyncio.run(scene()) as message:
        assert message.value == "tea"


def test_a_message_that_cannot_be_read_can_be_refused(directory: Path) -> None:
    with Queue(directory, "q", allow_pickle=False) as careful, Queue(directory, "q") as queue:
        queue.put([1])
        with pytest.raises(nearcache.SerdeError, match="allow_pickle"), got(careful) as message:
            message.value
        with got(careful) as message:
            assert (message.deliveries, message.body[:1]) == (2, b"\x80")


def test_cycles_are_collected(directory: Path) -> None:
    class Serde:
        def serialize(self, key: Any, value: Any) -> tuple[bytes, int]:
            return value, 0

        def deserialize(self, key: Any, value: bytes, flags: int) -> Any:
            return [self]

    serde = Serde()
    store = Store(directory, serde=serde)
    queue = store.queue("q")
    queue.put(b"x")
    message = got(queue)
    message.value.append(message)
    serde.store = store  # type: ignore[attr-defined]
    gone = [weakref.ref(thing) for thing in (store, queue, message, serde)]
    del store, queue, message, serde
    gc.collect()
    assert [ref() for ref in gone] == [None] * 4
    # And the directory with them.
    Store(directory, policy="never").close()
