--TEST--
cas and GET_EXTENDED
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M');
$c->set('k', ['a' => 1]);
$hit = $c->get('k', null, Cache::GET_EXTENDED);
echo json_encode(array_keys($hit)), ' ', json_encode($hit['value']), ' ', get_debug_type($hit['cas']), ' ', $hit['flags'], "\n";
var_dump($c->cas($hit['cas'], 'k', 'new'), $c->get('k'));
var_dump($c->cas($hit['cas'], 'k', 'newer'), $c->getResultMessage(), $c->get('k'));
$token = $c->get('k', get_flags: Cache::GET_EXTENDED)['cas'];
var_dump($c->cas((string) $token, 'k', 1));
$token = $c->get('k', null, Cache::GET_EXTENDED)['cas'];
var_dump($c->cas((float) $token, 'k', 2));
var_dump($c->cas($token, 'gone', 2), $c->getResultMessage());
var_dump($c->cas(0, 'k', 3), $c->cas(-1, 'k', 3), $c->cas(1.5, 'k', 3));
foreach (['12abc', '', [], null, -0.5] as $bad) {
    try {
        var_dump(@$c->cas($bad, 'k', 4));
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
var_dump($c->get('k'));
$c->storeRaw('set', 'u', 'x', 0x12340000);
echo $c->get('u', null, Cache::GET_EXTENDED)['flags'] === 0x1234 ? "user flags\n" : "?\n";
var_dump($c->get('missing', null, Cache::GET_EXTENDED));
echo json_encode(array_keys($c->getAndTouch('k', 100, Cache::GET_EXTENDED))), "\n";
echo json_encode(array_keys($c->getMulti(['k', 'u', 'missing'], Cache::GET_EXTENDED))), "\n";
// A lost update, caught.
$c->set('n', 0);
$mine = $c->get('n', null, Cache::GET_EXTENDED);
$c->increment('n');
var_dump($c->cas($mine['cas'], 'n', $mine['value'] + 1), $c->get('n'));
?>
--EXPECT--
["value","cas","flags"] {"a":1} int 0
bool(true)
string(3) "new"
bool(false)
string(22) "CONNECTION DATA EXISTS"
string(3) "new"
bool(true)
bool(true)
bool(false)
string(9) "NOT FOUND"
bool(false)
bool(false)
bool(false)
ValueError: NearCache\Cache::cas(): Argument #1 ($cas_token) must be the "cas" of a get() with GET_EXTENDED: an int, or its digits
ValueError: NearCache\Cache::cas(): Argument #1 ($cas_token) must be the "cas" of a get() with GET_EXTENDED: an int, or its digits
TypeError: NearCache\Cache::cas(): Argument #1 ($cas_token) must be of type string, array given
ValueError: NearCache\Cache::cas(): Argument #1 ($cas_token) must be the "cas" of a get() with GET_EXTENDED: an int, or its digits
ValueError: NearCache\Cache::cas(): Argument #1 ($cas_token) must be the "cas" of a get() with GET_EXTENDED: an int, or its digits
int(2)
user flags
bool(false)
["value","cas","flags"]
["k","u"]
bool(false)
int(1)
