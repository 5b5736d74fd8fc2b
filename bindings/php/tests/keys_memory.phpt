--TEST--
A list of keys larger than what memory_limit leaves is refused, and a narrower one is given
--INI--
memory_limit=8M
--FILE--
<?php
$c = new NearCache\Cache('64M');
$pad = str_repeat('p', 200);
for ($i = 0; $i < 60000; $i++) {
    $c->set("$pad$i", '');
}
try {
    $c->keys();
    echo "given?\n";
} catch (NearCache\Exception $e) {
    echo $e->getMessage(), "\n";
}
var_dump(iterator_count($c->keys("{$pad}5999")), iterator_count($c->keys("{$pad}1")), memory_get_peak_usage() < 8 << 20, $c->check());
?>
--EXPECTF--
a list of 60000 keys takes about %d bytes, and memory_limit leaves %d: ask for a narrower prefix, or raise memory_limit
int(11)
int(11111)
bool(true)
bool(true)
