--TEST--
stats, getStats, getVersion
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M');
$c->set('a', 'x');
$c->get('a');
$c->get('b');
$c->delete('b');
$c->increment('a');
$s = $c->stats();
foreach (['cmd_get', 'cmd_set', 'get_hits', 'get_misses', 'delete_misses', 'curr_items', 'limit_maxbytes', 'version'] as $name) {
    echo $name, ' ', $s[$name], "\n";
}
var_dump($s['pid'] === getmypid(), abs($s['time'] - time()) < 5, array_keys($c->getStats()), $c->getVersion());
var_dump($c->getStats()['nearcache']['get_hits'], count($c->getStats(null)), count($c->getStats('')));
foreach (['settings', 'items', 'slabs', 'sizes', 'conns', 'bogus', 'reset'] as $type) {
    echo $type, ' ', json_encode($c->getStats($type)), ' ', $c->getResultMessage(), "\n";
}
echo $c->getStats('bogus') ? '' : $c->getLastErrorMessage(), "\n";
var_dump($c->stats()['get_hits']);
?>
--EXPECT--
cmd_get 2
cmd_set 1
get_hits 1
get_misses 1
delete_misses 1
curr_items 1
limit_maxbytes 4194304
version 0.1.0
bool(true)
bool(true)
array(1) {
  [0]=>
  string(9) "nearcache"
}
array(1) {
  ["nearcache"]=>
  string(5) "0.1.0"
}
int(1)
int(1)
int(1)
settings {"nearcache":{"maxbytes":4194304,"item_size_max":1048576,"evictions":"on"}} SUCCESS
items {"nearcache":[]} SUCCESS
slabs {"nearcache":[]} SUCCESS
sizes {"nearcache":[]} SUCCESS
conns {"nearcache":[]} SUCCESS
bogus false INVALID ARGUMENTS
reset [] SUCCESS
there are no such statistics: $type is null, settings, items, slabs, sizes, conns or reset
int(0)
