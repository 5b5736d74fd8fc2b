--TEST--
remember: one makes the value, the lease goes with a failure, stale values, what cannot be kept
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('8M', ['manual_clock' => true]);
$made = 0;
$make = function () use (&$made) { return ['n' => ++$made]; };
function show(string $what, mixed $answer): void
{
    global $c;
    echo str_pad($what, 24), json_encode($answer), '  ', $c->getResultMessage(), "\n";
}
show('made', $c->remember('a', 60, $make));
show('kept', $c->remember('a', 60, $make));
show('get', $c->get('a'));
$c->advanceClock(61);
show('made again', $c->remember('a', 60, $make));
foreach ([null, false, '', 0, 1.5, 'text', [1, [2]], new ArrayObject([3])] as $i => $value) {
    $first = $c->remember("v$i", 0, fn() => $value);
    $second = $c->remember("v$i", 0, fn() => 'called for a hit');
    var_dump(serialize($first) === serialize($value) && serialize($second) === serialize($value));
}

echo "-- a failure gives it up\n";
try {
    $c->remember('f', 60, fn() => throw new LogicException('on purpose'));
} catch (LogicException $e) {
    show($e->getMessage(), $c->has('f'));
}
try {
    $c->remember('f', 60, fn() => fn() => 1);
} catch (Exception $e) {
    show($e->getMessage(), $c->has('f'));
}
var_dump(iterator_to_array($c->keys('f')));
show('made at once', $c->remember('f', 60, fn() => 'f'));

echo "-- changed meanwhile\n";
show('set meanwhile', $c->remember('m', 60, function () use ($c) { $c->set('m', 'set'); return 'made'; }));
show('what is there', $c->get('m'));
show('deleted meanwhile', $c->remember('d', 60, function () use ($c) { $c->delete('d'); return 'made'; }));
show('what is there', $c->get('d'));
show('too large', strlen($c->remember('l', 60, fn() => random_bytes(2 << 20))));
show('what is there', $c->get('l'));
show('no lease is left', $c->remember('l', 60, fn() => 'small'));

echo "-- itself\n";
show('inner', $c->remember('r', 60, fn() => ['outer', $c->remember('r', 60, fn() => 'inner')]));
show('kept', $c->get('r'));
show('another', $c->remember('r1', 60, fn() => $c->remember('r2', 60, fn() => 'inner') . ' and outer'));
show('kept', [$c->get('r1'), $c->get('r2')]);

echo "-- stale\n";
show('made', $c->remember('s', 10, fn() => 'old', stale: 20));
$c->advanceClock(9);
show('good', $c->remember('s', 10, fn() => 'not called', 20));
$c->advanceClock(3);
show('first makes it', $c->remember('s', 10, function () use ($c) {
    show('others have the old', $c->remember('s', 10, fn() => 'not called', 20));
    return 'new';
}, 20));
show('new', $c->remember('s', 10, fn() => 'not called', 20));
$c->advanceClock(12);
try {
    $c->remember('s', 10, fn() => throw new LogicException('on purpose'), 20);
} catch (LogicException) {
    show('the old one is there', $c->get('s'));
}
show('the next makes it', $c->remember('s', 10, fn() => 'newer', 20));
$c->advanceClock(31);
show('gone', $c->get('s'));
show('a minute, then dead', $c->remember('w', 60, fn() => 'w', 600, 10));
$c->advanceClock(61);
show('old', $c->remember('w', 60, function () use ($c) { $c->advanceClock(12); return var_export($c->get('w'), true); }, 600, 10));

echo "-- what is made is not what it was: an unreadable value\n";
$c->storeRaw('set', 'u', 'a:1:{', 4);
show('made anew', @$c->remember('u', 60, fn() => 'readable'));
show('kept', $c->get('u'));

echo "-- arguments\n";
show('empty key', $c->remember('', 60, fn() => exit('called')));
show('long key', $c->remember(str_repeat('k', 251), 60, fn() => exit('called')));
show('a Unix time', $c->remember('t', 3000000000, fn() => 1));
show('dead at once', $c->remember('n', -1, fn() => 'n'));
show('so it is not there', $c->get('n'));
show('named', $c->remember(ttl: 5, producer: 'phpversion', key: 'named') === PHP_VERSION);
show('a method', $c->remember('method', 5, [new ArrayObject([1, 2]), 'count']));
$value = 1;
$reference = function &() use (&$value) { return $value; };
$got = $c->remember('ref', 5, $reference);
$value = 2;
show('a reference', $got);
foreach ([['k', 1, 'no such function'], ['k', 1, null], [[], 1, $make], ['k', 'x', $make], ['k', 1, $make, -1], ['k', 1, $make, 0, 0],
    ['k', 1, $make, 0, 86401], ['k', 1], ['k', 1, 'strlen']] as $bad) {
    try {
        $c->remember(...$bad);
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
var_dump($c->has('k'), $c->check());
?>
--EXPECT--
made                    {"n":1}  SUCCESS
kept                    {"n":1}  SUCCESS
get                     {"n":1}  SUCCESS
made again              {"n":2}  SUCCESS
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
-- a failure gives it up
on purpose              false  NOT FOUND
Serialization of 'Closure' is not allowedfalse  NOT FOUND
array(0) {
}
made at once            "f"  SUCCESS
-- changed meanwhile
set meanwhile           "made"  CONNECTION DATA EXISTS
what is there           "set"  SUCCESS
deleted meanwhile       "made"  NOT FOUND
what is there           false  NOT FOUND
too large               2097152  ITEM TOO BIG
what is there           false  NOT FOUND
no lease is left        "small"  SUCCESS
-- itself
inner                   ["outer","inner"]  SUCCESS
kept                    ["outer","inner"]  SUCCESS
another                 "inner and outer"  SUCCESS
kept                    ["inner and outer","inner"]  SUCCESS
-- stale
made                    "old"  SUCCESS
good                    "old"  SUCCESS
others have the old     "old"  SUCCESS
first makes it          "new"  SUCCESS
new                     "new"  SUCCESS
the old one is there    "new"  SUCCESS
the next makes it       "newer"  SUCCESS
gone                    false  NOT FOUND
a minute, then dead     "w"  SUCCESS
old                     "false"  NOT FOUND
-- what is made is not what it was: an unreadable value
made anew               "readable"  SUCCESS
kept                    "readable"  SUCCESS
-- arguments
empty key               false  A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
long key                false  A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
a Unix time             1  SUCCESS
dead at once            "n"  SUCCESS
so it is not there      false  NOT FOUND
named                   true  SUCCESS
a method                2  SUCCESS
a reference             1  SUCCESS
TypeError: NearCache\Cache::remember(): Argument #3 ($producer) must be a valid callback, string given
TypeError: NearCache\Cache::remember(): Argument #3 ($producer) must be a valid callback, null given
TypeError: NearCache\Cache::remember(): Argument #1 ($key) must be of type string, array given
TypeError: NearCache\Cache::remember(): Argument #2 ($ttl) must be of type int, string given
ValueError: NearCache\Cache::remember(): Argument #4 ($stale) must be between 0 and 4294967295 seconds
ValueError: NearCache\Cache::remember(): Argument #5 ($lease) must be between 1 and 86400 seconds (a day)
ValueError: NearCache\Cache::remember(): Argument #5 ($lease) must be between 1 and 86400 seconds (a day)
ArgumentCountError: NearCache\Cache::remember() expects at least 3 arguments, 2 given
ArgumentCountError: strlen() expects exactly 1 argument, 0 given
bool(false)
bool(true)
