"""A worker of the orders: takes one after another out of the queue and processes it, until there is none for a while.

    orders_worker.py SOCKET LEASE_SECONDS IDLE_SECONDS

    ->  started ID              an order is in hand
    ->  done ID DELIVERIES      it is processed, and the message acknowledged, in one step
"""

import sys
from time import sleep

import nearcache


def process(store: nearcache.Store, message: nearcache.Message) -> None:
    """An order is marked and counted once, however often its message was delivered: all of it, or nothing."""
    key = f"order:{message.value}"
    order = store.get(key)
    sleep(order["work_ms"] / 1000)  # The packing.
    with store.batch() as batch:
        batch.set(key, {**order, "state": "packed in Python"})
        batch.incr("packed")
        batch.incr("cents", order["cents"])
        batch.ack(message)


def main() -> None:
    if len(sys.argv) != 4:
        raise SystemExit("usage: orders_worker.py SOCKET LEASE_SECONDS IDLE_SECONDS")
    socket, lease, idle = sys.argv[1:]
    store = nearcache.Store(socket, serde="portable")
    orders = store.queue("orders")
    while (message := orders.get(wait=float(idle), lease=int(lease))) is not None:
        print("started", message.value, flush=True)
        try:
            process(store, message)
        except nearcache.BatchRefusedError:
            continue  # It took too long, and is somebody else's.
        print("done", message.value, message.deliveries, flush=True)


if __name__ == "__main__":
    main()
