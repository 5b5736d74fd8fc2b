--TEST--
What is kept decoded is what was stored, to the last bit; what holds objects or references is not kept
--FILE--
<?php
use NearCache\Cache;
require __DIR__ . '/l1.inc';
$c = new Cache('32M');
$deep = ['leaf'];
for ($i = 0; $i < 30; $i++) {
    $deep = ['level' => $i, 'in' => $deep];
}
$holes = [1, 2, 3, 4];
unset($holes[1]);
$sparse = [5 => 'five', -3 => 'minus', 1 << 40 => 'most', '08' => 'text', '' => 'empty', "\0" => 'zero'];
$grown = range(0, 999);
foreach ($grown as $k => $v) {
    $grown["key $k"] = (string) $v;
}
$kept = [
    'a list' => [1, 2, 3],
    'scalars' => [1, -1, PHP_INT_MIN, 0.1, -0.0, INF, -INF, 1e-310, true, false, null],
    'strings' => ['', 'a', "\0", str_repeat('long', 5000), 'repeated', 'repeated', 'é', "a\0b"],
    'nested empty' => [[], ['k' => []], [[]]],
    'deep' => $deep,
    'holes' => $holes,
    'sparse' => $sparse,
    'mixed' => ['a' => 1, 5 => 2, 'b' => [3, 'c' => 4]],
    'grown' => $grown,
    'routes' => routes(1000),
    'string keys that repeat' => array_map(fn($i) => ['id' => "row $i", 'id ' => 'row', 'name' => "row $i"], range(0, 300)),
];
foreach ($kept as $name => $value) {
    $c->set($name, $value);
    warm($c, $name);
    $seen = $c->get($name);
    same($name, $seen, $value);
    same("$name, serialized", serialize($seen), serialize($value));
    same("$name, as JSON", json_encode($seen, JSON_PARTIAL_OUTPUT_ON_ERROR), json_encode($value, JSON_PARTIAL_OUTPUT_ON_ERROR));
    foreach ($value as $k => $v) {
        same("$name, element", [isset($seen[$k]), array_key_exists($k, $seen), $seen[$k]], [isset($value[$k]), true, $v]);
    }
    // It grows as it would have.
    $seen[] = 'next';
    $value[] = 'next';
    $seen['more'] = 'm';
    $value['more'] = 'm';
    same("$name, grown", $seen, $value);
}
same('NAN', is_nan(($c->set('n', [NAN]) ? [warm($c, 'n'), $c->get('n')] : [])[1][0]), true);
same('-0.0 keeps its sign', 1 / ($c->get('scalars')[4] ?: INF) <= 0, true);

class Point
{
    public $x = [1, 2];
    public function __wakeup() { echo '.'; }
}
$one = 1;
$reference = ['a' => &$one, 'b' => &$one];
$too_deep = [];
for ($i = 0; $i < 100; $i++) {
    $too_deep = [$too_deep];
}
$never = ['object' => [new Point()], 'object far in' => ['a' => ['b' => [1, new Point()]]], 'reference' => $reference,
    'too deep' => $too_deep, 'empty' => [], 'ArrayObject' => [new ArrayObject([1])]];
foreach ($never as $name => $value) {
    $c->set($name, $value);
    for ($i = 0; $i < 3; $i++) {
        same("$name is decoded", hits($c, fn() => same($name, serialize($c->get($name)), serialize($value))), 0);
    }
}
echo "\n";
$c->set('object', [new Point()]);
$first = $c->get('object');
$second = $c->get('object');
$first[0]->x = 'changed';
same('objects are each their own', $second[0]->x, [1, 2]);
$seen = $c->get('reference');
$seen['a'] = 2;
same('references stay references', [$seen['b'], $c->get('reference')['b']], [2, 1]);
foreach (['null' => null, 'int' => 5, 'float' => 1.5, 'true' => true, 'string' => 'text', 'object alone' => new Point()] as $name => $value) {
    $c->set($name, $value);
    same("$name is not an array", hits($c, fn() => [$c->get($name), $c->get($name), $c->get($name)]), 0);
}
$c->storeRaw('set', 'bad', 'a:1:{i:0;s:3:"ab', 4);
for ($i = 0; $i < 3; $i++) {
    same('damaged', [@$c->get('bad'), $c->getResultCode()], [false, Cache::RES_PAYLOAD_FAILURE]);
}
echo "\ndone\n";
?>
--EXPECT--
......
.....
done
