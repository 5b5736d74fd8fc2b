--TEST--
getDelayed, fetch, fetchAll: the items as they were, callbacks, what is left
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M');
function show(mixed ...$answers): void
{
    global $c;
    echo json_encode($answers), ' ', $c->getResultMessage(), "\n";
}
$c->setMulti(['a' => 1, 'b' => ['x' => 2.5], 5 => 'five']);
show($c->fetch(), $c->fetchAll());
show($c->getDelayed(['a', 'none', 'b', 5]));
$c->set('a', 'changed');
show($c->fetch(), $c->get('a'), $c->fetchAll(), $c->fetchAll(), $c->fetch());
show($c->getDelayed(['a', 'b']), $c->fetchAll());
show($c->getDelayed(['a', 'b']), $c->getDelayed(['b']), $c->fetch(), $c->fetch());
show($c->getDelayed(['none']), $c->fetch());
show($c->getDelayed([]));
show($c->getDelayed(['', str_repeat('k', 251)]));
show($c->getDelayed(['', 'a']), count($c->fetchAll()));
$c->setOption(Cache::OPT_USER_FLAGS, 9);
$c->set('flagged', 1);
$c->getDelayed(['flagged'], true);
$item = $c->fetch();
var_dump(array_keys($item), $item['flags'], $item['cas'] === $c->get('flagged', null, Cache::GET_EXTENDED)['cas']);
show($c->getDelayed(['a', 'none', 'b'], false, function (Cache $cache, array $item) use ($c) { echo $cache === $c ? '' : 'another ', json_encode($item), "\n"; return false; }), $c->fetch());
show($c->getDelayed(['none'], true, fn() => exit('called for nothing')));
try {
    $c->getDelayed(['a', 'b'], false, function ($cache, $item) { throw new LogicException("at {$item['key']}"); });
} catch (LogicException $e) {
    echo $e->getMessage(), "\n";
}
show($c->getDelayed(['a'], false, function ($cache, $item) { $cache->getDelayed(['b']); }), $c->fetchAll());
$c->storeRaw('set', 'bad', 'a:1:{', 4);
show(@$c->getDelayed(['bad', 'a']), $c->fetchAll());
foreach ([fn() => $c->getDelayed(['a', 1.5]), fn() => $c->getDelayed('a'), fn() => $c->getDelayed(['a'], []), fn() => $c->getDelayed(['a'], true, 'none such'),
    fn() => $c->fetch(1)] as $bad) {
    try {
        $bad();
        echo "no error\n";
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
// What waits goes with the object.
class Noisy { public function __wakeup() { echo "made\n"; } public function __destruct() { echo "gone\n"; } }
$d = new Cache('1M');
$d->set('o', $o = new Noisy());
$d->getDelayed(['o']);
unset($d);
echo "after\n";
unset($o);
var_dump($c->check());
?>
--EXPECT--
[false,false] NOT FOUND
[true] SUCCESS
[{"key":"a","value":1},"changed",[{"key":"b","value":{"x":2.5}},{"key":"5","value":"five"}],false,false] NOT FOUND
[true,[{"key":"a","value":"changed"},{"key":"b","value":{"x":2.5}}]] SUCCESS
[true,true,{"key":"b","value":{"x":2.5}},false] NOT FOUND
[true,false] NOT FOUND
[false] A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
[false] A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
[true,1] SUCCESS
array(4) {
  [0]=>
  string(3) "key"
  [1]=>
  string(5) "value"
  [2]=>
  string(3) "cas"
  [3]=>
  string(5) "flags"
}
int(9)
bool(true)
{"key":"a","value":"changed"}
{"key":"b","value":{"x":2.5}}
[true,false] NOT FOUND
[false] NOT FOUND
at a
[true,[{"key":"b","value":{"x":2.5}}]] SUCCESS
[true,[{"key":"a","value":"changed"}]] SUCCESS
TypeError: NearCache\Cache::getDelayed(): Argument #1 ($keys) must be an array of string|int, float found
TypeError: NearCache\Cache::getDelayed(): Argument #1 ($keys) must be of type array, string given
TypeError: NearCache\Cache::getDelayed(): Argument #2 ($with_cas) must be of type bool, array given
TypeError: NearCache\Cache::getDelayed(): Argument #3 ($value_cb) must be a valid callback or null, string given
ArgumentCountError: NearCache\Cache::fetch() expects exactly 0 arguments, 1 given
made
gone
after
gone
bool(true)
