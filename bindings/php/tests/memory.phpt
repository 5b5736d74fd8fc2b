--TEST--
Memory is bounded: eviction, items too large, and a cache that may not evict
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('2M');
$value = str_repeat('v', 1000);
for ($i = 0; $i < 20000; $i++) {
    if (!$c->set("k$i", $value)) {
        echo "set $i: ", $c->getLastErrorMessage(), "\n";
        break;
    }
}
$s = $c->stats();
var_dump($s['limit_maxbytes'], $s['bytes'] <= 2 << 20, $s['evictions'] > 0, $s['curr_items'] > 500, $s['curr_items'] < 2100, $c->get('k19999') === $value, $c->check());

$c = new Cache('8M');
$c->set('big', 'old');
var_dump($c->set('big', str_repeat('x', 1 << 20)), $c->getResultMessage(), preg_match('/limit is 1048576/', $c->getLastErrorMessage()), $c->get('big'));
$c->set('big', 'old');
var_dump($c->replace('big', str_repeat('x', 1 << 20)), $c->get('big'), $c->append('big', str_repeat('x', 1 << 20)), $c->getResultMessage(), $c->get('big'));
var_dump($c->set('big', str_repeat('x', 1000000)), $c->append('big', str_repeat('x', 100000)), $c->getResultMessage(), strlen($c->get('big')));

$c = new Cache('1M', ['evict' => false]);
for ($i = 0; $i < 5000 && $c->set("k$i", $value); $i++);
var_dump($i < 1100, $c->getResultMessage(), $c->stats()['evictions'], $c->get('k0') === $value);

// PHP's own memory does not grow with use.
$c = new Cache('4M');
$round = function () use ($c) {
    for ($i = 0; $i < 200; $i++) {
        $c->set('k', ['a' => $i, 'b' => str_repeat('x', 300)]);
        $c->get('k');
        $c->get('k', null, Cache::GET_EXTENDED);
        $c->getMulti(['k', 'none']);
        $c->increment('n', 1, 1);
        $c->get(str_repeat('k', 300));
        iterator_to_array($c->keys());
    }
};
$round();
$before = memory_get_usage();
$round();
$round();
var_dump(memory_get_usage() - $before);
?>
--EXPECT--
int(2097152)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(false)
string(12) "ITEM TOO BIG"
int(1)
bool(false)
bool(false)
string(3) "old"
bool(false)
string(12) "ITEM TOO BIG"
string(3) "old"
bool(true)
bool(false)
string(10) "NOT STORED"
int(1000000)
bool(true)
string(32) "SERVER FAILED TO ALLOCATE OBJECT"
int(0)
bool(true)
int(0)
