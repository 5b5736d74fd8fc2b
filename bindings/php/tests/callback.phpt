--TEST--
get with a read-through callback
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M', ['manual_clock' => true]);
function show(mixed $answer): void
{
    global $c;
    echo json_encode($answer), ' ', $c->getResultMessage(), "\n";
}
$make = function (Cache $cache, string $key, mixed &$value, int &$expiration) use ($c) {
    echo 'asked for ', $key, ' ', var_export([$cache === $c, $value, $expiration], true) === var_export([true, null, 0], true) ? 'properly' : '?', "\n";
    $value = [$key];
    $expiration = 10;
    return true;
};
show($c->get('a', $make));
show($c->get('a', $make));
$c->advanceClock(11);
show($c->get('a', $make));
show(array_keys($c->get('b', $make, Cache::GET_EXTENDED)));
show($c->get('c', function ($cache, $key, &$value) { $value = 1; return false; }));
show($c->get('c', fn() => null));
show($c->get('c', fn() => true));
show($c->get('d', function ($cache, $key, &$value) { $value = str_repeat('x', 2 << 20); return true; }));
show($c->get('e', function ($cache, $key, &$value, &$expiration) { $value = $cache->get('f', function ($cache, $key, &$value) { $value = "$key inside"; return true; }); return true; }));
show($c->get('f'));
show($c->get('', $make));
foreach ([fn() => throw new LogicException('on purpose'), function ($cache, $key, &$value) { $value = fn() => 1; return true; }, 'no such function', 5] as $bad) {
    try {
        $c->get('g', $bad);
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
var_dump($c->has('g'), $c->check());
?>
--EXPECT--
asked for a properly
["a"] SUCCESS
["a"] SUCCESS
asked for a properly
["a"] SUCCESS
asked for b properly
["value","cas","flags"] SUCCESS
false NOT FOUND
false NOT FOUND
null SUCCESS
false ITEM TOO BIG
"f inside" SUCCESS
"f inside" SUCCESS
false A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
LogicException: on purpose
Exception: Serialization of 'Closure' is not allowed
TypeError: NearCache\Cache::get(): Argument #2 ($cache_cb) must be a valid callback or null, string given
TypeError: NearCache\Cache::get(): Argument #2 ($cache_cb) must be a valid callback or null, int given
bool(false)
bool(true)
