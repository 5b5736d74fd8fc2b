--TEST--
getRaw and storeRaw: bytes, flags and tokens untouched; keys()
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M');
var_dump($c->storeRaw('set', 'k', "\0\xff", 0xffffffff, 60));
[$bytes, $flags, $cas] = $c->getRaw('k');
echo bin2hex($bytes), ' ', $flags, ' ', get_debug_type($cas), "\n";
var_dump($c->storeRaw('add', 'k', 'x'), $c->getResultMessage());
var_dump($c->storeRaw('replace', 'k', 'x', 7), $c->storeRaw('append', 'k', 'y', 9), $c->storeRaw('prepend', 'k', 'w', 9));
echo json_encode(array_slice($c->getRaw('k'), 0, 2)), "\n";
var_dump($c->storeRaw('cas', 'k', 'z', 0, 0, $cas), $c->getResultMessage());
var_dump($c->storeRaw('cas', 'k', 'z', 1, 0, $c->getRaw('k')[2]), $c->storeRaw(verb: 'cas', key: 'no', bytes: 'z', cas: 5), $c->getResultMessage());
var_dump($c->getRaw('none'), $c->getResultCode());
foreach ([fn() => $c->storeRaw('put', 'k', ''), fn() => $c->storeRaw('set', 'k', '', -1), fn() => $c->storeRaw('set', 'k', '', 1 << 32)] as $call) {
    try {
        $call();
    } catch (ValueError $e) {
        echo $e->getMessage(), "\n";
    }
}
$c->flush();
foreach (['user:1', 'user:2', 'page:1', "user:\xff", '12'] as $key) {
    $c->set($key, 1);
}
$list = function (string ...$prefix) use ($c) {
    $found = [];
    foreach ($c->keys(...$prefix) as $key) {
        $found[] = is_string($key) ? bin2hex($key) : $key;
    }
    sort($found);
    return implode(' ', $found) . "\n";
};
echo $list('user:'), $list('none'), count(iterator_to_array($c->keys())), ' ', get_class($c->keys()), "\n", $list('1');
try {
    $c->keys(str_repeat('x', 251));
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
bool(true)
00ff 4294967295 int
bool(false)
string(10) "NOT STORED"
bool(true)
bool(true)
bool(true)
["wxy",7]
bool(false)
string(22) "CONNECTION DATA EXISTS"
bool(true)
bool(false)
string(9) "NOT FOUND"
NULL
int(16)
NearCache\Cache::storeRaw(): Argument #1 ($verb) must be one of set, add, replace, append, prepend, cas
NearCache\Cache::storeRaw(): Argument #4 ($flags) must be between 0 and 4294967295
NearCache\Cache::storeRaw(): Argument #4 ($flags) must be between 0 and 4294967295
757365723a31 757365723a32 757365723aff

5 ArrayIterator
3132
NearCache\Cache::keys(): Argument #1 ($prefix) must have at most 250 bytes
