--TEST--
Store: every verb that reads or changes items, expirations, defaults, uniques
--FILE--
<?php
use NearCache\Store;

require __DIR__ . '/store.inc';

$s = new Store("$directory/s", QUICK);
function say(mixed ...$values): void
{
    echo implode(' ', array_map('json_encode', $values)), "\n";
}

say($first = $s->set('a', 'one'), $s->get('a', null, $cas), $cas === $first, $s->get('none'), $s->get('none', 'default'), $s->has('a'), $s->has('none'));
$cas = 7;
say($s->get('none', cas: $cas), $cas);
say($s->add('a', 2), $s->add('b', 2) > $first, $s->replace('none', 1), $s->replace('b', 3) > 0, $s->get('b'));
$s->get('b', cas: $cas);
say($s->cas($cas, 'b', 4) > $cas, $s->cas($cas, 'b', 5), $s->cas(1, 'none', 5), $s->get('b'));
// A typed property takes the unique, as any reference does.
class Typed { public ?int $cas = null; public string $text = ''; }
$typed = new Typed();
say($s->get('a', null, $typed->cas), $typed->cas === $first, $s->get('a', null, $typed->text), $typed->text === (string) $first);

say($s->append('a', '!') > 0, $s->prepend('a', '>') > 0, $s->get('a'), $s->append('none', 'x'), $s->set('i', 12) > 0, $s->append('i', 3) > 0, $s->get('i'));
$s->set('array', [1]);
thrown(fn() => $s->append('array', 'x'), fn() => $s->prepend('array', 'x'));
say($s->get('array'));

say($s->increment('n'), $s->increment('n', 5, 40), $s->increment('n'), $s->increment('n', 0), $s->decrement('n', 2), $s->decrement('n', 1000), $s->get('n'));
say($s->decrement('m', 1, 10), $s->increment('m', initial_value: 3), $s->increment('m', PHP_INT_MAX), $s->increment('m'));
thrown(fn() => $s->increment('a'), fn() => $s->increment('n', -1), fn() => $s->increment('n', 1, -1));

$s->setMulti(['x' => 1, 'y' => [2], 3 => 'three', 'z' => null], 10);
say($s->getMulti(['z', 'none', 3, 'y', 'x']), $s->getMulti([]), $s->has('z'), $s->get('z', 'default'));
say($s->deleteMulti(['x', 'none', 3]), $s->deleteMulti([]), $s->getMulti(['x', 'y', 3]));
$s->setMulti([]);

say($s->delete('b'), $s->delete('b'), $s->set('c', 1) > 0, $s->delete('c', 1), $s->get('c', null, $cas), $s->delete('c', $cas), $s->get('c'));

// Times.
$s->set('short', 1, 10);
$s->set('unix', 1, 1700000020);
$s->set('dead', 1, -1);
$s->set('long', 1);
$s->increment('counter', 1, 1, 10);
say($s->has('dead'), $s->touch('short', 30), $s->touch('none', 30), $s->getAndTouch('unix', 40, 'default', $cas), $cas > 0, $s->getAndTouch('none', 1, 'default'));
$s->append('short', '!');
$s->advanceClock(15);
say($s->has('short'), $s->has('unix'), $s->has('counter'), $s->has('y'));
$s->advanceClock(15);
say($s->has('short'), $s->has('unix'), $s->has('long'));
$s->advanceClock(10);
say($s->has('unix'), $s->has('long'));

// Keys of any bytes, of 1 to 250; ints are their digits.
$s->set("\0 \xff", 'bytes');
$s->set(5, 'five');
$s->set(str_repeat('k', 250), 'longest');
say($s->get("\0 \xff"), $s->get('5'), $s->get(str_repeat('k', 250)), $s->getMulti([5]));
thrown(fn() => $s->get(''), fn() => $s->set(str_repeat('k', 251), 1), fn() => $s->getMulti(['a', '']), fn() => $s->setMulti(['ok' => 1, '' => 2]),
    fn() => $s->set('big', str_repeat('v', 1 << 20)), fn() => $s->setMulti(['ok' => 1, 'big' => str_repeat('v', 1 << 20)]),
    fn() => $s->get([]), fn() => $s->getMulti([[]]), fn() => $s->touch('a', 'soon'), fn() => $s->get(), fn() => $s->set('a'), fn() => $s->none());
say($s->has('ok'), $s->get('a'));

say($s->storeRaw('set', 'raw', 'bytes', 7 << 16) > 0, array_slice($raw = $s->getRaw('raw'), 0, 2), $s->get('raw'), $s->getRaw('none'));
say($s->storeRaw('cas', 'raw', 'more', 1, cas: $raw[2]) > 0, $s->storeRaw('cas', 'raw', 'more', cas: $raw[2]), $s->storeRaw('append', 'raw', '5') > 0, $s->getRaw('raw')[0]);
thrown(fn() => $s->storeRaw('put', 'raw', ''), fn() => $s->storeRaw('set', 'raw', '', -1));

$s->flush(10);
say($s->has('long'));
$s->advanceClock(10);
say($s->has('long'), $s->set('long', 1) > 0, $s->has('long'));
$s->flush();
say($s->has('long'), $s->stats()['curr_items'], $s->stats()['cmd_set'] > 20);
thrown(fn() => $s->flush(-1), fn() => $s->advanceClock(-1));
$s->verify();
?>
--EXPECT--
1 "one" true null "default" true false
null 7
false true false true 3
true false false 4
"one" true "one" true
true true ">one!" false true true 123
NearCache\Exception: nothing can be put before or behind a value that is serialized, compressed or portable: get it and store another
NearCache\Exception: nothing can be put before or behind a value that is serialized, compressed or portable: get it and store another
[1]
false 40 41 41 39 0 "0 "
10 11 -9223372036854775798 -9223372036854775797
NearCache\Exception: cannot increment or decrement a non-numeric value
ValueError: NearCache\Store::increment(): Argument #2 ($offset) must be greater than or equal to 0
ValueError: NearCache\Store::increment(): Argument #3 ($initial_value) must be greater than or equal to 0
{"z":null,"3":"three","y":[2],"x":1} [] true null
2 0 {"y":[2]}
true false true false 1 true null
false true false 1 true "default"
true true false false
false true true
false true
"bytes" "five" "longest" {"5":"five"}
NearCache\Exception: the key is empty: a key has 1 to 250 bytes
NearCache\Exception: the key has 251 bytes: the limit is 250
NearCache\Exception: the key is empty: a key has 1 to 250 bytes
NearCache\Exception: the key is empty: a key has 1 to 250 bytes
NearCache\Exception: the value takes 1048638 bytes: the limit is 1048576; raise it to store it
NearCache\Exception: the value takes 1048638 bytes: the limit is 1048576; raise it to store it
TypeError: NearCache\Store::get(): Argument #1 ($key) must be of type string, array given
TypeError: NearCache\Store::getMulti(): Argument #1 ($keys) must be an array of string|int, array found
TypeError: NearCache\Store::touch(): Argument #2 ($expiration) must be of type int, string given
ArgumentCountError: NearCache\Store::get() expects at least 1 argument, 0 given
ArgumentCountError: NearCache\Store::set() expects at least 2 arguments, 1 given
Error: Call to undefined method NearCache\Store::none()
false ">one!"
true ["bytes",458752] "bytes" null
true false true "more5"
ValueError: NearCache\Store::storeRaw(): Argument #1 ($verb) must be one of set, add, replace, append, prepend, cas
ValueError: NearCache\Store::storeRaw(): Argument #4 ($flags) must be between 0 and 4294967295
true
false true true
false 0 true
ValueError: NearCache\Store::flush(): Argument #1 ($delay) must be between 0 and 4294967295 seconds
ValueError: NearCache\Store::advanceClock(): Argument #1 ($seconds) must be between 0 and 4294967295
