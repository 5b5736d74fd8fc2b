--TEST--
Store: ranges, scans that page, snapshots
--FILE--
<?php
use NearCache\{Scan, Snapshot, Store};

require __DIR__ . '/store.inc';

$s = new Store("$directory/s", QUICK);
foreach (['a', 'b1', 'b2', 'b3', "b\x7f", 'c', '7', '10'] as $key) {
    $s->set($key, ["of $key"]);
}
$s->set('b2', 'dead', 5);
$s->advanceClock(5);
function say(mixed ...$values): void
{
    echo implode(' ', array_map('json_encode', $values)), "\n";
}
say(array_keys($s->range()), array_keys($s->range('b')), array_keys($s->range('b1', 'c')), array_keys($s->range('b1', 'c', after_start: true, before_end: true)), array_keys($s->range(end: 'a')), array_keys($s->range(limit: 2)), $s->range('x'), $s->range('c', 'a'));
say($s->range('a', 'a'));

function keys(iterable $scan): array
{
    $keys = [];
    foreach ($scan as $key => $value) {
        $keys[] = $key;
        $value === ["of $key"] || print("$key has another value\n");
    }
    return $keys;
}
foreach ([1, 2, 3, 4, 100] as $page) {
    say(keys($s->scan('b', $page)), count(keys($s->scan(page: $page))));
}
$scan = $s->scan('b', 2);
say($scan->valid(), $scan->key(), $scan->current(), $scan->key());
$scan->next();
say($scan->key(), keys($scan), $scan->valid(), $scan->key(), $scan->current());
$scan->next();
say($scan->valid(), keys($scan), iterator_count($s->scan('none')));
// It is no snapshot: what comes before it is there is seen, what comes behind it is not.
$scan = $s->scan('', 1);
foreach ($scan as $key => $value) {
    if ($key === '7') {
        $s->set('000', 1);
        $s->set('8', 1);
        $s->delete('a');
    }
    $seen[] = $key;
}
say($seen);
// PHP keeps a scan's store open.
$scan = (new Store("$directory/s"))->scan('c');
say(keys($scan));
// In a generator, and left early.
foreach ((function () use ($s) { yield from $s->scan('b'); })() as $key => $_) {
    break;
}
say($key);

$snapshot = $s->snapshot();
$again = $s->snapshot();
$s->set('c', 'changed');
$s->set('d', 'new');
$s->delete('b1');
$s->set('times', 1, 5);
$later = $s->snapshot();
$s->advanceClock(10);
$s->flush();
say($snapshot->get('c'), $snapshot->get('d'), $snapshot->get('d', 'default'), $snapshot->get('b1'), array_keys($snapshot->range('b')), keys($snapshot->scan('b', 1)));
say($later->get('c'), $later->get('d'), $later->get('b1'), $later->get('times'), $snapshot->sequence() === $again->sequence(), $later->sequence() > $snapshot->sequence(), $s->get('c'));
$scan = $snapshot->scan('b', 1);
unset($snapshot, $again, $later, $s);
say(keys($scan));

$s = new Store("$directory/s");
thrown(fn() => $s->range(limit: 0), fn() => $s->range(limit: 10001), fn() => $s->scan('', 0), fn() => new Scan(), fn() => new Snapshot(), fn() => clone $scan, fn() => serialize($s->snapshot()), fn() => $s->snapshot()->get(''));
// Many pages.
$s->setMulti(array_combine($keys = array_map(fn($i) => sprintf('row %05d', $i), range(1, 2500)), array_map(fn($key) => ["of $key"], $keys)));
say(keys($s->scan('row ')) === $keys, keys($s->snapshot()->scan('row ', 999)) === $keys);
?>
--EXPECT--
[10,7,"a","b1","b3","b","c"] ["b1","b3","b","c"] ["b1","b3","b","c"] ["b3","b"] [10,7,"a"] [10,7] [] []
{"a":["of a"]}
["b1","b3","b"] 7
["b1","b3","b"] 7
["b1","b3","b"] 7
["b1","b3","b"] 7
["b1","b3","b"] 7
true "b1" ["of b1"] "b1"
"b3" ["b1","b3","b"] false null null
false ["b1","b3","b"] 0
["10","7","8","b1","b3","b","c"]
["c"]
"b1"
["of c"] null "default" ["of b1"] ["b1","b3","b","c"] ["b1","b3","b"]
"changed" "new" null 1 true true null
["b1","b3","b"]
ValueError: NearCache\Store::range(): Argument #3 ($limit) must be between 1 and 10000
ValueError: NearCache\Store::range(): Argument #3 ($limit) must be between 1 and 10000
ValueError: NearCache\Store::scan(): Argument #2 ($page) must be between 1 and 10000
Error: Call to private NearCache\Scan::__construct() from global scope
Error: Call to private NearCache\Snapshot::__construct() from global scope
Error: Trying to clone an uncloneable object of class NearCache\Scan
Exception: Serialization of 'NearCache\Snapshot' is not allowed
NearCache\Exception: the key is empty: a key has 1 to 250 bytes
true true
