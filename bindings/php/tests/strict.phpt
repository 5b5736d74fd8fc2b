--TEST--
Under strict_types: ints are still keys, all else is as strict as PHP's own functions
--SKIPIF--
<?php
if (PHP_DEBUG) {
    die("skip a debug build of PHP ends calls that are taken though the declared types do not have them: an int for a string");
}
?>
--FILE--
<?php
declare(strict_types=1);
$c = new NearCache\Cache('4M');
var_dump($c->set(7, 'seven'), $c->get('7'), $c->incrementRaw('n', '5', 1));
foreach ([fn() => $c->get(1.5), fn() => $c->get(null), fn() => $c->set('a', 1, '15'), fn() => $c->append('a', 5)] as $call) {
    try {
        $call();
        echo "no error\n";
    } catch (TypeError $e) {
        echo $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
bool(true)
string(5) "seven"
int(1)
NearCache\Cache::get(): Argument #1 ($key) must be of type string, float given
NearCache\Cache::get(): Argument #1 ($key) must be of type string, null given
NearCache\Cache::set(): Argument #3 ($expiration) must be of type int, string given
NearCache\Cache::append(): Argument #2 ($value) must be of type string, int given
