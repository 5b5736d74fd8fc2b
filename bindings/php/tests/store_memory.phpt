--TEST--
memory_limit in the midst of every kind of answer: the request ends, the store goes on
--FILE--
<?php
require __DIR__ . '/store.inc';

$begin = '$s = new NearCache\Store(' . var_export("$directory/s", true) . ', ["policy" => "never", "near" => "1M"]); $q = $s->queue("q");
    register_shutdown_function(function () use ($s, $q) { $GLOBALS["held"] = null; $s->verify(); echo json_encode([strlen($s->get("k0")), $s->set("after", 1) > 0, $s->get("after"), count($q) === $q->stats()["messages"]]), "\n"; });
    $part = str_repeat("x", 400000); for ($i = 0; $i < 40; $i++) { $s->set("k$i", $part); $q->put(["deep" => [$part]]); } $s->set("array", array_fill(0, 100000, "element")); $all = array_map(fn($i) => "k$i", range(0, 39)); $held = []; ini_set("memory_limit", "8M"); ';
foreach (['$held[] = $s->get("k$n");', '$held[] = $s->getMulti($all);', '$held[] = $s->range("k", limit: 100);', '$held[] = iterator_to_array($s->scan("k"));', '$held[] = $s->snapshot()->get("k$n");', '$held[] = $s->getRaw("k$n");',
    '$held[] = $q->get();', '$held[] = $q->getMulti(40);', '$held[] = $q->peek(40);', '$q->consume(function ($m) use (&$held) { $held[] = $m; });', '$held[] = $s->get("array");', '$held[] = $s->setMulti(array_fill(0, 30, new class { function __serialize(): array { return [str_repeat("y", 9 << 20)]; } }));'] as $n => $code) {
    echo $n, ': ', php($begin . 'for ($n = 0; ; $n = ($n + 1) % 40) { ' . $code . ' }', ['display_errors' => '0', 'memory_limit' => '128M']);
}
?>
--EXPECT--
0: [400000,true,1,true]
1: [400000,true,1,true]
2: [400000,true,1,true]
3: [400000,true,1,true]
4: [400000,true,1,true]
5: [400000,true,1,true]
6: [400000,true,1,true]
7: [400000,true,1,true]
8: [400000,true,1,true]
9: [400000,true,1,true]
10: [400000,true,1,true]
11: [400000,true,1,true]
