--TEST--
A get that runs PHP out of memory leaves the cache sound
--INI--
memory_limit=8M
--FILE--
<?php
$c = new NearCache\Cache('32M');
$part = str_repeat('x', 500000);
for ($i = 0; $i < 40; $i++) {
    $c->set("k$i", $part);
}
register_shutdown_function(function () use ($c) {
    $GLOBALS['held'] = null;
    var_dump($c->check(), strlen($c->get('k0')), $c->set('k0', 'new'), $c->get('k0'), $c->delete('k1'), $c->has('k1'));
});
$held = [];
for ($i = 0; $i < 40; $i++) {
    $held[] = $c->get("k$i");
}
echo "not reached\n";
?>
--EXPECTF--
Fatal error: Allowed memory size of 8388608 bytes exhausted%s(tried to allocate %d bytes) in %s on line %d
bool(true)
int(500000)
bool(true)
string(3) "new"
bool(true)
bool(false)
