--TEST--
Verbs with a server's key: it has no effect, and is a string
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M', ['manual_clock' => true]);
function show(mixed ...$answers): void
{
    global $c;
    echo json_encode($answers), ' ', $c->getResultMessage(), "\n";
}
foreach (['one', '', str_repeat('s', 300), "a\0 b"] as $server) {
    show($c->setByKey($server, 'k', 'v', 10), $c->get('k'), $c->getByKey($server, 'k'), $c->getByKey('another', 'k'));
}
$c->advanceClock(11);
show($c->getByKey('s', 'k'));
show($c->addByKey('s', 'k', 1), $c->addByKey('t', 'k', 2), $c->replaceByKey('u', 'k', 3), $c->get('k'));
show($c->incrementByKey('s', 'k', 4), $c->decrementByKey('s', 'k'), $c->incrementByKey('s', 'n', 1, 7, 10), $c->incrementByKey('s', 'missing'));
show($c->setByKey('s', 't', 'b'), $c->appendByKey('s', 't', 'c'), $c->prependByKey('s', 't', 'a'), $c->get('t'));
show($c->setMultiByKey('s', ['x' => 1, 'y' => 2], 10), $c->getMultiByKey('s', ['y', 'missing', 'x']), $c->getMultiByKey('s', ['missing', 'x'], Cache::GET_PRESERVE_ORDER));
show($c->touchByKey('s', 'x', 100), $c->deleteByKey('s', 'y'), $c->deleteMultiByKey('s', ['x', 'y']));
$cas = $c->getByKey('s', 'k', null, Cache::GET_EXTENDED)['cas'];
show($c->casByKey((string) $cas, 's', 'k', 'new', 10), $c->casByKey((string) $cas, 's', 'k', 'newer'));
show($c->getByKey('s', 'filled', function ($cache, $key, &$value, &$expiration) { $value = $key; $expiration = 5; return true; }), $c->get('filled'));
show($c->getDelayedByKey('s', ['k', 'missing']), $c->fetchAll());
show($c->getByKey('s', ''), $c->deleteByKey('s', 'k', 5));
show($c->getByKey(server_key: 's', key: 'k'), $c->getByKey(5, 7));
foreach ([fn() => $c->getByKey([], 'k'), fn() => $c->setByKey('s', [], 1), fn() => $c->getMultiByKey('s', 'k'), fn() => $c->getMultiByKey('s', ['k', 1.5]),
    fn() => $c->deleteMultiByKey('s', [null]), fn() => $c->getByKey('s'), fn() => $c->casByKey('x', 's', 'k', 1), fn() => $c->incrementByKey('s', 'k', 'x'),
    fn() => $c->setByKey('s', 'k', 1, 2, 3), fn() => $c->getDelayedByKey('s', [[]])] as $bad) {
    try {
        $bad();
        echo "no error\n";
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
var_dump($c->check());
?>
--EXPECT--
[true,"v","v","v"] SUCCESS
[true,"v","v","v"] SUCCESS
[true,"v","v","v"] SUCCESS
[true,"v","v","v"] SUCCESS
[false] NOT FOUND
[true,false,true,3] SUCCESS
[7,6,7,false] NOT FOUND
[true,true,true,"abc"] SUCCESS
[true,{"y":2,"x":1},{"missing":null,"x":1}] SUCCESS
[true,true,{"x":true,"y":16}] NOT FOUND
[true,false] CONNECTION DATA EXISTS
["filled","filled"] SUCCESS
[true,[{"key":"k","value":"new"}]] SUCCESS
[false,false] INVALID ARGUMENTS
["new",false] NOT FOUND
TypeError: NearCache\Cache::getByKey(): Argument #1 ($server_key) must be of type string, array given
TypeError: NearCache\Cache::setByKey(): Argument #2 ($key) must be of type string, array given
TypeError: NearCache\Cache::getMultiByKey(): Argument #2 ($keys) must be of type array, string given
TypeError: NearCache\Cache::getMultiByKey(): Argument #2 ($keys) must be an array of string|int, float found
TypeError: NearCache\Cache::deleteMultiByKey(): Argument #2 ($keys) must be an array of string|int, null found
ArgumentCountError: NearCache\Cache::getByKey() expects at least 2 arguments, 1 given
ValueError: NearCache\Cache::casByKey(): Argument #1 ($cas_token) must be the "cas" of a get() with GET_EXTENDED: an int, or its digits
TypeError: NearCache\Cache::incrementByKey(): Argument #3 ($offset) must be of type int, string given
ArgumentCountError: NearCache\Cache::setByKey() expects at most 4 arguments, 5 given
TypeError: NearCache\Cache::getDelayedByKey(): Argument #2 ($keys) must be an array of string|int, array found
bool(true)
