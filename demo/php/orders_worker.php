<?php
/**
 * A worker of the orders: takes one after another out of the queue and processes it, until there is none for a while.
 *
 *   orders_worker.php SOCKET LEASE_SECONDS IDLE_SECONDS
 *
 *   ->  started ID              an order is in hand
 *   ->  done ID DELIVERIES      it is processed, and the message acknowledged, in one step
 */

declare(strict_types=1);

use NearCache\{BatchRefusedException, Message, Store};

/** An order is marked and counted once, however often its message was delivered: all of it, or nothing. */
function process(Store $store, Message $message): void
{
    $key = "order:$message->value";
    $order = $store->get($key);
    usleep($order['work_ms'] * 1000);   // The packing.
    $store->batch()
        ->set($key, ['state' => 'packed in PHP'] + $order)
        ->increment('packed')
        ->increment('cents', $order['cents'])
        ->ack($message)
        ->commit();
}

if ($argc !== 4) {
    fwrite(STDERR, "usage: orders_worker.php SOCKET LEASE_SECONDS IDLE_SECONDS\n");
    exit(1);
}
[, $socket, $lease, $idle] = $argv;
$store = new Store($socket, ['serializer' => 'portable']);
$orders = $store->queue('orders');

while ($message = $orders->get((float) $idle, (int) $lease)) {
    echo "started $message->value\n";
    try {
        process($store, $message);
    } catch (BatchRefusedException) {
        continue;   // It took too long, and is somebody else's.
    }
    echo "done $message->value $message->deliveries\n";
}
