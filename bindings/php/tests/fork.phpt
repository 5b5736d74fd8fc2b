--TEST--
After a fork parent and child each go on with a cache of their own
--SKIPIF--
<?php
if (!function_exists('pcntl_fork')) {
    die('skip needs pcntl');
}
?>
--FILE--
<?php
$c = new NearCache\Cache('4M');
$c->set('k', 'before');
$child = pcntl_fork();
if ($child === 0) {
    $seen = $c->get('k');
    $c->set('k', 'child');
    for ($i = 0; $i < 10000; $i++) {
        $c->set("k$i", str_repeat('c', 500));
    }
    exit($seen === 'before' && $c->get('k9999') === str_repeat('c', 500) && $c->check() ? 3 : 4);
}
pcntl_waitpid($child, $status);
var_dump(pcntl_wexitstatus($status), $c->get('k'), $c->has('k9999'), $c->stats()['curr_items'], $c->check());
?>
--EXPECT--
int(3)
string(6) "before"
bool(false)
int(1)
bool(true)
