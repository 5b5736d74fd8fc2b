--TEST--
Keys: strings and ints, 1 to 250 bytes; others give false and RES_BAD_KEY_PROVIDED, or a TypeError
--FILE--
<?php
use NearCache\Cache;
class Name { public function __toString(): string { return 'named'; } }
$c = new Cache('4M');
$c->set('5', 'five');
var_dump($c->get(5), $c->get('5'));
$c->set(-12, 'minus');
var_dump($c->get('-12'));
$c->set(new Name, 'stringable');
var_dump($c->get('named'));
$c->set(1.5, 'float');
var_dump($c->get('1.5'));
var_dump($c->set(str_repeat('k', 250), 'long'), $c->get(str_repeat('k', 250)));

$long = str_repeat('k', 251);
foreach (['', $long] as $bad) {
    $answers = [
        $c->get($bad), $c->getAndTouch($bad, 5), $c->getRaw($bad), $c->has($bad), $c->set($bad, 1), $c->add($bad, 1), $c->replace($bad, 1),
        $c->append($bad, 'x'), $c->prepend($bad, 'x'), $c->cas(1, $bad, 1), $c->storeRaw('set', $bad, 'x'), $c->increment($bad),
        $c->decrement($bad), $c->increment($bad, 1, 1), $c->touch($bad, 5), $c->delete($bad), $c->setMulti([$bad => 1]), $c->getMulti([$bad]),
    ];
    echo json_encode($answers), ' ', $c->getResultCode(), ' ', $c->getResultMessage(), "\n", $c->getLastErrorMessage(), "\n";
}
$c->get('5');
echo $c->getLastErrorMessage(), "\n";
$c->get('nothing');
echo $c->getLastErrorMessage(), "\n";
foreach ([[], new stdClass] as $bad) {
    foreach (['get', 'delete', 'has', 'touch', 'increment', 'getRaw'] as $method) {
        try {
            $c->$method($bad);
        } catch (TypeError $e) {
            echo $e->getMessage(), "\n";
        }
    }
}
foreach (['getMulti', 'deleteMulti'] as $method) {
    try {
        $c->$method(['5', [1]]);
    } catch (TypeError $e) {
        echo $e->getMessage(), "\n";
    }
}
try {
    $c->get();
} catch (ArgumentCountError $e) {
    echo $e->getMessage(), "\n";
}
foreach ([fn() => $c->set('a'), fn() => $c->set('a', 1, 'soon'), fn() => $c->set('a', 1, []), fn() => $c->touch('a', 1, 2)] as $call) {
    try {
        $call();
    } catch (TypeError $e) {
        echo $e->getMessage(), "\n";
    }
}
var_dump($c->set('a', 1, '15'), $c->set(value: 1, key: 'named', expiration: 5), $c->get(get_flags: 0, key: 'named'));
?>
--EXPECT--
string(4) "five"
string(4) "five"
string(5) "minus"
string(10) "stringable"
string(5) "float"
bool(true)
string(4) "long"
[false,false,null,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false] 33 A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
the key is empty: a key has 1 to 250 bytes
[false,false,null,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false] 33 A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
the key has 251 bytes: the limit is 250
SUCCESS
NOT FOUND
NearCache\Cache::get(): Argument #1 ($key) must be of type string, array given
NearCache\Cache::delete(): Argument #1 ($key) must be of type string, array given
NearCache\Cache::has(): Argument #1 ($key) must be of type string, array given
NearCache\Cache::touch(): Argument #1 ($key) must be of type string, array given
NearCache\Cache::increment(): Argument #1 ($key) must be of type string, array given
NearCache\Cache::getRaw(): Argument #1 ($key) must be of type string, array given
NearCache\Cache::get(): Argument #1 ($key) must be of type string, stdClass given
NearCache\Cache::delete(): Argument #1 ($key) must be of type string, stdClass given
NearCache\Cache::has(): Argument #1 ($key) must be of type string, stdClass given
NearCache\Cache::touch(): Argument #1 ($key) must be of type string, stdClass given
NearCache\Cache::increment(): Argument #1 ($key) must be of type string, stdClass given
NearCache\Cache::getRaw(): Argument #1 ($key) must be of type string, stdClass given
NearCache\Cache::getMulti(): Argument #1 ($keys) must be an array of string|int, array found
NearCache\Cache::deleteMulti(): Argument #1 ($keys) must be an array of string|int, array found
NearCache\Cache::get() expects at least 1 argument, 0 given
NearCache\Cache::set() expects at least 2 arguments, 1 given
NearCache\Cache::set(): Argument #3 ($expiration) must be of type int, string given
NearCache\Cache::set(): Argument #3 ($expiration) must be of type int, array given
NearCache\Cache::touch() expects at most 2 arguments, 3 given
bool(true)
bool(true)
int(1)
