--TEST--
A list of keys that runs PHP out of memory leaves the cache sound
--INI--
memory_limit=8M
--FILE--
<?php
$c = new NearCache\Cache('64M');
$pad = str_repeat('p', 200);
for ($i = 0; $i < 60000; $i++) {
    $c->set("$pad$i", '');
}
register_shutdown_function(function () use ($c, $pad) {
    var_dump($c->check(), $c->get("{$pad}59999"), iterator_count($c->keys("{$pad}5999")) >= 1);
});
$c->keys();
echo "not reached\n";
?>
--EXPECTF--
Fatal error: Allowed memory size of 8388608 bytes exhausted%s(tried to allocate %d bytes) in %s on line %d
bool(true)
string(0) ""
bool(true)
