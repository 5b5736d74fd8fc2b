--TEST--
Queue: every method; order, leases, delays, expiry, dead letters, ids, limits, readers' copies, receipts as text
--FILE--
<?php
use NearCache\{Message, Queue, Store};

require __DIR__ . '/store.inc';

$s = new Store("$directory/s", QUICK);
$q = new Queue("$directory/s", 'orders');
function say(mixed ...$values): void
{
    echo implode(' ', array_map('json_encode', $values)), "\n";
}
function values(array $messages): array
{
    return array_map(fn($m) => $m->value, $messages);
}

say(count($q), $q->get(), $q->take(), $q->getMulti(5), $q->peek(), $q->delete(), $s->queues());
thrown(fn() => $q->stats(), fn() => $q->settings(), fn() => $q->purge(), fn() => $q->pause(), fn() => $q->requeue());
say(($first = $q->put(['id' => 1])) > 0, $q->put('two') > $first, $q->putMulti([3, 4.5]) > [], $q->putMulti([]), count($q), $s->queues());
say(values($q->peek(10)), $q->peek()[0]->receipt, $q->peek()[0]->deliveries);
$m = $q->get();
say(array_diff_key((array) $m, ['seq' => 1, 'receipt' => 1]), $m->seq === $first, $m instanceof Message, (array) $m === get_object_vars($m), isset($m->value, $m->receipt), isset($m->origin));
say($q->get()->value, values($q->getMulti(10)), $q->get(), $q->stats()['reserved']);
say($m->ack(), $m->ack(), $q->ack($m), count($q));

// Refused, in its place or after a delay; extended; ended leases come back.
$q->purge();
$q->putMulti(['a', 'b', 'c']);
$a = $q->get();
say($a->nak(), $a->nak(), $a->ack(), $q->get()->deliveries, $q->get()->value, $q->purge(), count($q));
$q->putMulti(['a', 'b']);
$a = $q->get(lease: 10);
$b = $q->get(lease: 10);
$old = $a->receipt;
say($a->extend(100), $a->receipt !== $old, $q->ack($old), $q->extend($b, 100) === $b->receipt, $q->nak($b, 20), $q->extend($b, 5), $b->extend(5));
$s->advanceClock(11);
say($q->get(), $q->stats()['delayed'], $q->stats()['reserved']);
$s->advanceClock(10);
until(fn() => $q->stats()['ready'] > 0);
$b = $q->get();
say($b->value, $b->deliveries, $q->ack($b->receipt), $q->ack($b->receipt));
$s->advanceClock(80);
until(fn() => $q->stats()['ready'] > 0);
$a2 = $q->get();
say($a->ack(), $a2->deliveries, $q->ackMulti([$a, $a2]), $q->ackMulti([]), count($q));

// Delays, and ids.
say($q->put('late', delay: 30) > 0, $q->put('now') > 0, $q->put('one', id: 'x') > 0, $q->put('two', id: 'x'), $q->get()->value, $q->get()->value, $q->get());
$s->advanceClock(30);
until(fn() => $q->stats()['ready'] > 0);
$m = $q->take();
say($m->value, $m->receipt, $m->deliveries, $q->stats()['duplicates']);
thrown(fn() => $m->ack(), fn() => $m->nak(), fn() => $m->extend(1), fn() => $q->ack($m));
$q->purge();

// Dead letters, which know where they come from.
$q->configure(['max_deliveries' => 2]);
$q->put('poison', id: 'p');
$q->get()->nak();
say($q->get()->nak(), $q->get(), $s->queues(), $s->queue('orders.dead')->peek()[0]->origin, $s->queue('orders.dead')->peek()[0]->id);
say($s->queue('orders.dead')->requeue(), count($s->queue('orders.dead')), $q->peek()[0]->value, $q->requeue('elsewhere', 5), $s->queue('elsewhere')->take()->value);
$q->put('no way back');
thrown(fn() => $q->requeue(), fn() => $q->requeue(max: -1));
$q->purge();

// Expiry.
$q->configure(['expire' => 10, 'expired_to' => 'old']);
$q->put('mortal');
$q->put('longer', expire: 20);
$q->put('for ever', expire: 0);
say($q->peek()[0]->expires);
$s->advanceClock(10);
until(fn() => count($s->queue('old')) === 1);
say(values($q->peek(9)), $s->queue('old')->take()->value);
$q->purge();

// Limits.
$q->configure(['max_messages' => 2, 'expire' => 0, 'max_message' => 100]);
$q->putMulti([1, 2]);
thrown(fn() => $q->put(3), fn() => $q->putMulti([3, 4]), fn() => $q->put(str_repeat('x', 101)));
$q->configure(['discard_old' => true]);
$q->put(3);
say(values($q->peek(9)), $q->stats()['discarded']);
$q->purge();

// A pause, and a reader's own copy.
$copy = $s->queue('orders+billing');
$copy->get();
$q->put('for both');
$q->pause();
say($q->get(), $q->stats()['paused'], $copy->get()->value, $q->stats()['readers']);
$q->resume();
say($q->get()->value);

say($q->settings());
$q->configure(['dead_letters' => 'graves', 'lease' => 5, 'retry_delay' => 1, 'dedup_window' => 0, 'expired_to' => null]);
say($q->settings(), array_keys($q->stats()));
thrown(fn() => $q->configure(['leese' => 1]), fn() => $q->configure(['lease' => 0]), fn() => $q->configure(['lease' => '5']), fn() => $q->configure(['discard_old' => 1]),
    fn() => $q->configure(['dead_letters' => 'orders']), fn() => $q->configure(['expire' => -1]), fn() => $q->configure([7 => 1]));
thrown(fn() => $q->get(-1), fn() => $q->get(NAN), fn() => $q->get(lease: 0), fn() => $q->get(lease: -1), fn() => $q->get(lease: 604801), fn() => $q->getMulti(0), fn() => $q->getMulti(10001),
    fn() => $q->put(1, delay: -1), fn() => $q->put(1, delay: 366 * 86400), fn() => $q->put(1, id: str_repeat('i', 251)), fn() => $q->ack('x'), fn() => $q->ackMulti([1]), fn() => $q->ack($s),
    fn() => new Queue("$directory/s", ''), fn() => $s->queue('a b'), fn() => $s->queue('a/b'), fn() => $s->queue(str_repeat('q', 241)), fn() => $s->queue('a+'), fn() => new Queue("$directory/s"));
$m->value ??= 1;
thrown(fn() => $m->value = 1, fn() => new Message(), fn() => clone $m, fn() => serialize($m), fn() => clone $q, fn() => $q->__construct("$directory/s", 'x'), fn() => $s->__construct("$directory/s"));
say($q->delete(), $q->delete(), $s->queues());
?>
--EXPECT--
0 null null [] [] false []
NearCache\NoQueueException: there is no queue "orders": the first message makes it, or configure it
NearCache\NoQueueException: there is no queue "orders": the first message makes it, or configure it
NearCache\NoQueueException: there is no queue "orders": the first message makes it, or configure it
NearCache\NoQueueException: there is no queue "orders": the first message makes it, or configure it
NearCache\NoQueueException: there is no queue "orders": the first message makes it, or configure it
true true true [] 4 ["orders"]
[{"id":1},"two",3,4.5] null 0
{"value":{"id":1},"error":null,"queue":"orders","id":null,"deliveries":1,"at":1700000000,"expires":null,"origin":null,"flags":4} true true true true false
"two" [3,4.5] null 4
true false false 3
true false false 2 "b" 3 0
true true false true true false false
null 1 1
"b" 2 true false
false 2 1 0 0
true true true false "now" "one" null
"late" null 1 1
NearCache\Exception: the message has no receipt: it was taken for good, or only looked at, and is not this consumer's
NearCache\Exception: the message has no receipt: it was taken for good, or only looked at, and is not this consumer's
NearCache\Exception: the message has no receipt: it was taken for good, or only looked at, and is not this consumer's
NearCache\Exception: the message has no receipt: it was taken for good, or only looked at, and is not this consumer's
true null ["orders","orders.dead"] "orders" "p"
1 0 "poison" 1 "poison"
NearCache\Exception: message N of the queue "orders" comes from no other queue: name the one to move it to
ValueError: NearCache\Queue::requeue(): Argument #2 ($max) must be greater than or equal to 0
1700000141
["longer","for ever"] "mortal"
NearCache\QueueFullException: the queue "orders" is full: it has 2 messages of 60 bytes, its limits are 2 messages and 0 bytes (0 is none); consume some, raise the limits, or let it discard_old
NearCache\QueueFullException: the queue "orders" is full: it has 2 messages of 60 bytes, its limits are 2 messages and 0 bytes (0 is none); consume some, raise the limits, or let it discard_old
NearCache\Exception: the value takes 101 bytes: the limit is 100; raise it to store it
[2,3] 1
null true "for both" ["orders+billing"]
"for both"
{"max_messages":2,"max_bytes":0,"max_message":100,"discard_old":true,"lease":60,"max_deliveries":2,"dead_letters":null,"expire":0,"expired_to":"old","dedup_window":300,"retry_delay":0}
{"max_messages":2,"max_bytes":0,"max_message":100,"discard_old":true,"lease":5,"max_deliveries":2,"dead_letters":"graves","expire":0,"expired_to":null,"dedup_window":0,"retry_delay":1} ["name","messages","ready","reserved","delayed","bytes","age","made","pushed","delivered","acked","returned","dead","expired","discarded","duplicates","paused","readers"]
NearCache\Exception: there is no setting "leese": the settings are max_messages, max_bytes, max_message, discard_old, lease, max_deliveries, dead_letters, expire, expired_to, dedup_window, retry_delay
NearCache\Exception: a lease is 1 to 604800 seconds, not 0
NearCache\Exception: the setting lease must be an int of 0 or more
NearCache\Exception: the setting discard_old must be true or false
NearCache\Exception: dead_letters is the queue itself: name another
NearCache\Exception: the setting expire must be an int of 0 or more
NearCache\Exception: there is no setting "": the settings are max_messages, max_bytes, max_message, discard_old, lease, max_deliveries, dead_letters, expire, expired_to, dedup_window, retry_delay
ValueError: NearCache\Queue::get(): Argument #1 ($wait) must be a number of seconds of 0 or more, or INF
ValueError: NearCache\Queue::get(): Argument #1 ($wait) must be a number of seconds of 0 or more, or INF
NearCache\Exception: a lease is 1 to 604800 seconds, not 0
ValueError: NearCache\Queue::get(): Argument #2 ($lease) must be a number of seconds of 0 or more
NearCache\Exception: a lease is 1 to 604800 seconds, not 604801
ValueError: NearCache\Queue::getMulti(): Argument #1 ($max) must be between 1 and 10000
ValueError: NearCache\Queue::getMulti(): Argument #1 ($max) must be between 1 and 10000
ValueError: NearCache\Queue::put(): Argument #2 ($delay) must be a number of seconds of 0 or more
NearCache\Exception: delay is 31622400 seconds: the limit is 31536000
NearCache\Exception: the message's id has 251 bytes: the limit is 250
NearCache\Exception: "x" is no receipt: it is four hexadecimal numbers with '-' between them, as they came with a message
ValueError: NearCache\Queue::ackMulti(): Argument #1 ($messages) must be a list of messages, or of their receipts
TypeError: NearCache\Queue::ack(): Argument #1 ($message) must be of type string, NearCache\Store given
NearCache\Exception: the queue's name has 0 bytes: it has 1 to 240
NearCache\Exception: the queue's name "a b" holds ' ': spaces, control characters and '/' are not for names
NearCache\Exception: the queue's name "a/b" holds '/': spaces, control characters and '/' are not for names
NearCache\Exception: the queue's name has 241 bytes: it has 1 to 240
NearCache\Exception: the queue's name "a+" has a '+' in the wrong place: queue+reader is a reader's copy of a queue
ArgumentCountError: NearCache\Queue::__construct() expects at least 2 arguments, 1 given
Error: Cannot modify readonly property NearCache\Message::$value
Error: Call to private NearCache\Message::__construct() from global scope
Error: Trying to clone an uncloneable object of class NearCache\Message
Exception: Serialization of 'NearCache\Message' is not allowed
Error: Trying to clone an uncloneable object of class NearCache\Queue
NearCache\Exception: the queue is open already: __construct() may run once only
NearCache\Exception: the store is open already: __construct() may run once only
true false ["elsewhere","old","orders+billing","orders.dead"]
