--TEST--
Values that cannot be stored or read: an exception or a warning, a result code, and the cache as it was
--FILE--
<?php
use NearCache\Cache;
class Refuses { public function __serialize(): array { throw new LogicException('not me'); } }
class Breaks { public function __unserialize(array $data): void { throw new LogicException('not back'); } }
class Nested { public function __serialize(): array { global $c; $c->set('inner', $c->get('k')); return [$c->get('inner')]; } }

$c = new Cache('4M');
$c->set('k', 'old');
foreach (['closure' => function () {}, 'object' => new Refuses, 'nested' => [1, [new Refuses]], 'resource' => STDIN] as $name => $value) {
    try {
        $c->set('k', $value);
        echo "$name was stored\n";
    } catch (Exception $e) {
        echo $name, ': ', get_class($e), ': ', $e->getMessage(), ' ', $c->getResultCode(), "\n";
    }
    var_dump($c->get('k'));
}
$c->set('b', new Breaks);
try {
    $c->get('b');
} catch (LogicException $e) {
    echo $e->getMessage(), ' ', $c->getResultMessage(), "\n";
}
try {
    $c->getMulti(['k', 'b']);
} catch (LogicException $e) {
    echo $e->getMessage(), "\n";
}
$c->set('n', new Nested);
var_dump($c->get('inner'));

foreach (['a:1:{i:0;' => 4, 'x' => 2, "\1\2" => 5, '{"a":1]' => 6, "\x80" => 7, '????' => 0x30, '12abc' => 1, '' => 1, '2' => 3] as $bytes => $flags) {
    $c->storeRaw('set', 'raw', (string) $bytes, $flags);
    var_dump($c->get('raw'));
    echo $c->getResultMessage(), "\n";
}
$c->storeRaw('set', 'raw', 'b:0;', 4);
var_dump($c->get('raw'), $c->getResultCode());
var_dump($c->getMulti(['k', 'raw']));
set_error_handler(function ($level, $text) { throw new ErrorException($text); });
$c->storeRaw('set', 'raw', 'x', 2);
try {
    $c->get('raw');
} catch (ErrorException $e) {
    echo 'handler: ', $e->getMessage(), "\n";
}
var_dump($c->check());
?>
--EXPECTF--
closure: Exception: Serialization of 'Closure' is not allowed -1001
string(3) "old"
object: LogicException: not me -1001
string(3) "old"
nested: LogicException: not me -1001
string(3) "old"
resource: NearCache\Exception: a resource cannot be cached: it means nothing outside of this request -1001
string(3) "old"
not back PAYLOAD FAILURE
not back
string(3) "old"

Notice: NearCache\Cache::get(): Error at offset %d of %d bytes in %s on line %d

Warning: NearCache\Cache::get(): the value cannot be read: 9 bytes with flags 0x4 (not serialized by PHP) in %s on line %d
bool(false)
PAYLOAD FAILURE

Warning: NearCache\Cache::get(): the value cannot be read: 1 bytes with flags 0x2 (not a float) in %s on line %d
bool(false)
PAYLOAD FAILURE

Warning: NearCache\Cache::get(): the value cannot be read: 2 bytes with flags 0x5 (serialized by igbinary, and the extension igbinary is not loaded) in %s on line %d
bool(false)
PAYLOAD FAILURE

Warning: NearCache\Cache::get(): the value cannot be read: 7 bytes with flags 0x6 (not JSON) in %s on line %d
bool(false)
PAYLOAD FAILURE

Warning: NearCache\Cache::get(): the value cannot be read: 1 bytes with flags 0x7 (serialized by msgpack, and the extension msgpack is not loaded) in %s on line %d
bool(false)
PAYLOAD FAILURE

Warning: NearCache\Cache::get(): the value cannot be read: 4 bytes with flags 0x30 (0 bytes of zlib cannot hold the 1061109567 announced) in %s on line %d
bool(false)
PAYLOAD FAILURE
int(12)
SUCCESS
int(0)
SUCCESS
bool(false)
SUCCESS
bool(false)
int(0)
array(2) {
  ["k"]=>
  string(3) "old"
  ["raw"]=>
  bool(false)
}
handler: NearCache\Cache::get(): the value cannot be read: 1 bytes with flags 0x2 (not a float)
bool(true)
