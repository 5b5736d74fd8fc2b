--TEST--
Batch: all or nothing, its numbers, an ack in it, what refuses it, callables that throw
--FILE--
<?php
use NearCache\{Batch, BatchRefusedException, Store};

require __DIR__ . '/store.inc';

$s = new Store("$directory/s", QUICK);
$q = $s->queue('orders');
$s->set('n', 5);
$cas = $s->set('k', 'old');

$b = $s->batch();
var_dump($b->set('a', [1])->add('b', 2, 10)->replace('k', 'new')->delete('none')->increment('n', 2)->decrement('n')->push('orders', ['id' => 1])->push($q, 'later', delay: 9, id: 'x') === $b, count($b), $s->has('a'));
$numbers = $b->commit();
$s->get('a', null, $unique);
var_dump(count($numbers), $numbers[0] === $unique, array_slice($numbers, 3, 3), $numbers[6] === $q->peek()[0]->seq, count($b), $s->getMulti(['a', 'b', 'k', 'n']), count($q));
var_dump($b->commit(), $s->batch()->push('orders', 'again', id: 'x')->commit() === [$numbers[7]], count($q));

// With a callable.
var_dump($s->batch(function (Batch $b) { $b->set('c', 1)->set('d', 2); }) > [], $s->getMulti(['c', 'd']));
thrown(fn() => $s->batch(function ($b) { $b->set('c', 'lost'); throw new LogicException('on purpose'); }));
var_dump($s->get('c'), $s->batch(fn($b) => $b->set('c', 'lost')->discard()), $s->get('c'));

// What refuses it: nothing of it is done, and it is still there.
$kept = [$s->range(limit: 1000), $q->stats()];
$refusals = [
    'add' => fn($b) => $b->set('a', 'lost')->add('a', 1),
    'replace' => fn($b) => $b->set('a', 'lost')->push($q, 'lost')->replace('none', 1),
    'cas' => fn($b) => $b->set('a', 'lost')->cas($cas, 'k', 1),
    'increment' => fn($b) => $b->set('a', 'lost')->delete('k')->increment('none'),
    'not a number' => fn($b) => $b->set('a', 'lost')->increment('k'),
    'empty key' => fn($b) => $b->set('a', 'lost')->set('', 1),
    'a queue\'s name' => fn($b) => $b->set('a', 'lost')->push('two words', 1),
    'too large' => fn($b) => $b->set('a', 'lost')->push('orders', str_repeat('x', 2 << 20)),
];
foreach ($refusals as $name => $fill) {
    thrown(...[$name => fn() => $s->batch($fill)]);
}
var_dump($kept === [$s->range(limit: 1000), $q->stats()]);
$b = $s->batch()->set('e', 1)->add('a', 2);
try {
    $b->commit();
} catch (BatchRefusedException $e) {
    var_dump($e->getCode(), count($b), $s->has('e'), $s->delete('a'), count($b->commit()), $s->get('a'), $s->get('e'));
}

// An ack in a batch: what is done because of a message is done once.
$m = $q->get();
$s->batch(fn($b) => $b->set('done', $m->value)->ack($m));
var_dump($s->get('done'), $m->ack());
thrown(fn() => $s->batch(fn($b) => $b->set('done', 'twice')->ack($m)), fn() => $s->batch()->ack($m->receipt), fn() => $s->batch()->ack('nonsense', 'orders'));
$q->put('second');
$m = $q->get();
var_dump($s->get('done'), $s->batch()->ack($m->receipt, 'orders')->commit(), $s->batch()->push($q, 'third')->commit() > []);
$m = $q->get();
var_dump($s->batch()->ack($m->receipt, $q)->commit());
// A lease that has ended.
$q->put('fourth');
$m = $q->get(lease: 5);
$s->advanceClock(6);
until(fn() => $q->stats()['ready'] > 0);
thrown(fn() => $s->batch()->set('done', 'late')->ack($m)->commit());
var_dump($s->get('done'));

thrown(fn() => new Batch(), fn() => clone $b, fn() => serialize($b), fn() => $b->increment('n', -1), fn() => $b->push($s, 1), fn() => $b->set('a'));
// It may outlive the object that it came from.
$b = $s->batch()->set('outlived', 1);
unset($s, $q, $m);
var_dump(count($b->commit()), count($b));
?>
--EXPECT--
bool(true)
int(8)
bool(false)
int(8)
bool(true)
array(3) {
  [0]=>
  int(0)
  [1]=>
  int(7)
  [2]=>
  int(6)
}
bool(true)
int(0)
array(4) {
  ["a"]=>
  array(1) {
    [0]=>
    int(1)
  }
  ["b"]=>
  int(2)
  ["k"]=>
  string(3) "new"
  ["n"]=>
  int(6)
}
int(2)
array(0) {
}
bool(true)
int(2)
bool(true)
array(2) {
  ["c"]=>
  int(1)
  ["d"]=>
  int(2)
}
LogicException: on purpose
int(1)
array(0) {
}
int(1)
add: NearCache\BatchRefusedException: the batch was refused, and nothing of it was done: step 1 met NotStored
replace: NearCache\BatchRefusedException: the batch was refused, and nothing of it was done: step 2 met NotStored
cas: NearCache\BatchRefusedException: the batch was refused, and nothing of it was done: step 1 met Exists
increment: NearCache\BatchRefusedException: the batch was refused, and nothing of it was done: step 2 met Missing
not a number: NearCache\Exception: cannot increment or decrement a non-numeric value
empty key: NearCache\Exception: the key is empty: a key has 1 to 250 bytes
a queue's name: NearCache\Exception: the queue's name "two words" holds ' ': spaces, control characters and '/' are not for names
too large: NearCache\Exception: the value takes 2097152 bytes: the limit is 1048576; raise it to store it
bool(true)
int(1)
int(2)
bool(false)
bool(true)
int(2)
int(2)
int(1)
array(1) {
  ["id"]=>
  int(1)
}
bool(false)
NearCache\BatchRefusedException: the batch was refused, and nothing of it was done: step 1 met a message that was acknowledged before, or whose lease has ended
NearCache\Exception: a receipt does not tell its queue: give the queue, too, or the message itself
NearCache\Exception: "nonsense" is no receipt: it is four hexadecimal numbers with '-' between them, as they came with a message
array(1) {
  ["id"]=>
  int(1)
}
array(1) {
  [0]=>
  int(1)
}
bool(true)
array(1) {
  [0]=>
  int(1)
}
NearCache\BatchRefusedException: the batch was refused, and nothing of it was done: step 1 met a message that was acknowledged before, or whose lease has ended
array(1) {
  ["id"]=>
  int(1)
}
Error: Call to private NearCache\Batch::__construct() from global scope
Error: Trying to clone an uncloneable object of class NearCache\Batch
Exception: Serialization of 'NearCache\Batch' is not allowed
ValueError: NearCache\Batch::increment(): Argument #2 ($offset) must be greater than or equal to 0
TypeError: NearCache\Batch::push(): Argument #1 ($queue) must be of type string, NearCache\Store given
ArgumentCountError: NearCache\Batch::set() expects at least 2 arguments, 1 given
int(1)
int(0)
