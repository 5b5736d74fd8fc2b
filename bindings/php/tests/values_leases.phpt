--TEST--
Leases and envelopes of other languages: a miss to every verb that reads, while they are one
--EXTENSIONS--
zlib
--FILE--
<?php
use NearCache\Cache;

const LEASE = 0x4E4300FF;
const ENVELOPE = 0x4E430002;
$c = new Cache('8M');
$lease = fn () => $c->delete('k') | $c->storeRaw('add', 'k', '', LEASE, 100);
$code = fn (mixed $answer) => json_encode($answer) . ' ' . $c->getResultMessage() . "\n";

echo "a lease\n";
$lease();
echo $code($c->get('k')), $code($c->get('k', null, Cache::GET_EXTENDED)), $code($c->getAndTouch('k', 100)), $code($c->getRaw('k')), $code($c->has('k'));
$c->set('other', 1);
echo $code($c->getMulti(['k', 'other'])), $code($c->getMulti(['k', 'other'], Cache::GET_PRESERVE_ORDER)), $code($c->getMulti(['k']));
echo $code($c->append('k', 'x')), $code($c->prepend('k', 'x')), $code($c->storeRaw('append', 'k', 'x')), $code($c->increment('k')), $code($c->decrement('k'));
echo $code($c->increment('k', 1, 41)), $code($c->increment('k')), $code($c->get('k'));
$lease();
echo $code($c->decrement('k', 1, 7));
$lease();
echo $code($c->add('k', 'x')), $code($c->replace('k', 'y')), $code($c->get('k'));
$lease();
echo $code($c->get('k', function ($cache, $key, &$value) { $value = 'made'; return true; })), $code($c->get('k'));

echo "an envelope with tags\n";
$generation = fn (int $n) => $c->storeRaw('set', 'nearcache:tag:t', "$n", 0x4E430001);
// 7 microseconds, the flags of PHP's serializer, the tag t at 300.
$bytes = "\x93\x07\x04\x81\xa1t\xcd\x01\x2c" . serialize(['x']);
$wrapped = fn () => $c->storeRaw('set', 'k', $bytes, ENVELOPE);
$wrapped();
echo $code($c->get('k'));
$generation(300);
echo $code($c->get('k')), $code($c->get('k', null, Cache::GET_EXTENDED)['flags']), $code($c->getMulti(['k'])), $code($c->getRaw('k')[1] === ENVELOPE);
echo $code(@$c->increment('k')), $code(@$c->append('k', 'x')), $code($c->get('k'));
$c->increment('nearcache:tag:t');
echo $code($c->get('k')), $code($c->getMulti(['k'])), $code($c->getMulti(['k'], Cache::GET_PRESERVE_ORDER));
echo $code($c->get('k', function ($cache, $key, &$value) { $value = 'new'; return true; }));
$generation(300);
$wrapped();
$c->storeRaw('set', 'nearcache:tag:t', 'nonsense');
echo $code($c->get('k'));
$c->storeRaw('set', 'k', "\x93\x07\x04\x81\xda\x00\xf0" . str_repeat('t', 240) . "\x01b:1;", ENVELOPE);
echo 'a tag too long: ', $code($c->get('k'));
$c->storeRaw('set', 'k', "\x93\x07\x00\x80plain", ENVELOPE);
echo 'without tags: ', $code($c->get('k'));
$c->storeRaw('set', 'k', "\x93\x07\x10\x80text", ENVELOPE);
echo $code($c->get('k'));
// Compressed inside.
$c->storeRaw('set', 'k', "\x93\x07\x30\x80" . pack('L', 3000) . gzcompress(str_repeat('abc', 1000)), ENVELOPE);
var_dump($c->get('k') === str_repeat('abc', 1000));
var_dump($c->check());
?>
--EXPECT--
a lease
false NOT FOUND
false NOT FOUND
false NOT FOUND
null NOT FOUND
false NOT FOUND
{"other":1} SUCCESS
{"k":null,"other":1} SUCCESS
[] NOT FOUND
false NOT STORED
false NOT STORED
false NOT STORED
false NOT FOUND
false NOT FOUND
41 SUCCESS
42 SUCCESS
"42" SUCCESS
7 SUCCESS
false NOT STORED
true SUCCESS
"y" SUCCESS
"made" SUCCESS
"made" SUCCESS
an envelope with tags
false NOT FOUND
["x"] SUCCESS
0 SUCCESS
{"k":["x"]} SUCCESS
true SUCCESS
false CLIENT ERROR
false NOT STORED
["x"] SUCCESS
false NOT FOUND
[] NOT FOUND
{"k":null} NOT FOUND
"new" SUCCESS
false NOT FOUND
a tag too long: false NOT FOUND
without tags: "plain" SUCCESS
"text" SUCCESS
bool(true)
bool(true)
