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
say($first = $q->put(['id' => 1]), $q->put('two') > $first, $q->putMulti([3, 4.5]) > [], $q->putMulti([]), count($q), $s->queues());
say(values($q->peek(10)), $q->peek()[0]->receipt, $q->peek()[0]->deliveries);
$m = $q->get();
say($m, $m instanceof Message, (array) $m === get_object_vars($m), isset($m->value, $m->receipt), isset($m->origin));
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
