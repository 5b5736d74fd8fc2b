--TEST--
Callbacks that end the request, throw, recurse or make what cannot be kept: the cache is sound, and no lease is left
--FILE--
<?php
require __DIR__ . '/sharing.inc';

$begin = '$c = new NearCache\Cache("8M"); $c->set("k", 1); register_shutdown_function(function () use ($c) { '
    . 'echo "then ", json_encode([$c->check(), $c->get("k"), iterator_to_array($c->keys("x")), $c->remember("x", 60, fn() => "made"), $c->get("x")]), "\n"; });';
$ends = [
    'exit' => 'exit;',
    'fatal' => 'undefined();',
    'memory' => 'ini_set("memory_limit", "16M"); str_repeat("x", 1 << 26);',
    'timeout' => 'set_time_limit(1); for (;;);',
    'thrown' => 'throw new LogicException("on purpose");',
    'wrong argument' => '$c->get([]);',
];
$calls = [
    'remember' => '$c->remember("x", 600, function () use ($c) { %s }, 0, 600);',
    'get' => '$c->get("x", function ($cache, $key, &$value, &$expiration) use ($c) { %s });',
    'getDelayed' => '$c->getDelayed(["k"], true, function ($cache, $item) use ($c) { %s });',
];
foreach ($calls as $call => $code) {
    foreach ($ends as $end => $ending) {
        $said = php(['display_errors' => '0'], $begin . sprintf($code, $ending) . ' echo "not reached";');
        echo "$call, $end: $said";
    }
}

$c = new NearCache\Cache('8M');
// Deep, and each level its own key; then each the same.
$deep = function (int $n) use (&$deep, $c) { return $n === 0 ? 'bottom' : $c->remember("deep $n", 60, fn() => $deep($n - 1)); };
var_dump($deep(500), $c->get('deep 250'), iterator_count($c->keys('deep ')));
$same = function (int $n) use (&$same, $c) { return $n === 0 ? 'bottom' : $c->remember('same', 60, fn() => $same($n - 1)); };
var_dump($same(500), $c->get('same'));
$through = function (int $n) use (&$through, $c) {
    return $c->get("through $n", function ($cache, $key, &$value) use (&$through, $n) { $value = $n === 0 ? 0 : 1 + $through($n - 1); return true; });
};
var_dump($through(200), $c->get('through 100'));
foreach ([fn() => (function () { yield 1; })(), fn() => fopen('php://memory', 'r'), fn() => new class { }, fn() => [new ArrayObject(), fn() => 1]] as $i => $producer) {
    try {
        $c->remember("bad $i", 60, $producer);
        echo "no error\n";
    } catch (Exception $e) {
        echo get_class($e), ': ', strtok($e->getMessage(), "\0"), "\n";
    }
}
var_dump(iterator_to_array($c->keys('bad')), $c->check());
?>
--EXPECT--
remember, exit: then [true,1,[],"made","made"]
remember, fatal: then [true,1,[],"made","made"]
remember, memory: then [true,1,[],"made","made"]
remember, timeout: then [true,1,[],"made","made"]
remember, thrown: then [true,1,[],"made","made"]
remember, wrong argument: then [true,1,[],"made","made"]
get, exit: then [true,1,[],"made","made"]
get, fatal: then [true,1,[],"made","made"]
get, memory: then [true,1,[],"made","made"]
get, timeout: then [true,1,[],"made","made"]
get, thrown: then [true,1,[],"made","made"]
get, wrong argument: then [true,1,[],"made","made"]
getDelayed, exit: then [true,1,[],"made","made"]
getDelayed, fatal: then [true,1,[],"made","made"]
getDelayed, memory: then [true,1,[],"made","made"]
getDelayed, timeout: then [true,1,[],"made","made"]
getDelayed, thrown: then [true,1,[],"made","made"]
getDelayed, wrong argument: then [true,1,[],"made","made"]
string(6) "bottom"
string(6) "bottom"
int(500)
string(6) "bottom"
string(6) "bottom"
int(200)
int(100)
Exception: Serialization of 'Generator' is not allowed
NearCache\Exception: a resource cannot be cached: it means nothing outside of this request
Exception: Serialization of 'class@anonymous' is not allowed
Exception: Serialization of 'Closure' is not allowed
array(0) {
}
bool(true)
