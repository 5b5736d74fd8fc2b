--TEST--
The object: it cannot be cloned or serialized, var_dump tells of it, classes extend it
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M');
$c->setOption(Cache::OPT_PREFIX_KEY, 'p:');
$c->set('a', 1);
foreach ([fn() => clone $c, fn() => serialize($c), fn() => serialize(['deep' => [$c]]), fn() => unserialize('O:15:"NearCache\Cache":0:{}'),
    fn() => (new Cache('1M'))->set('itself', $c), fn() => $c->__construct('1M')] as $attempt) {
    try {
        $attempt();
        echo "no error\n";
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
var_dump($c);
var_dump(json_encode($c), $c == $c, (array) $c, (bool) $c, $c instanceof Cache);
class Fitting extends Cache
{
    public array $seen = [];
    public function get(string $key, ?callable $cache_cb = null, int $get_flags = 0): mixed
    {
        $this->seen[] = $key;
        return parent::get($key, $cache_cb, $get_flags);
    }
    public function increment(string $key, int $offset = 1, int $initial_value = 0, int $expiry = 0): int|false
    {
        return parent::increment($key, $offset * 10, $initial_value, $expiry);
    }
    public function append(string $key, string $value): ?bool
    {
        return null;
    }
}
$fitting = new Fitting('1M');
$fitting->set('k', 1);
var_dump($fitting->get('k'), $fitting->increment('k'), $fitting->append('k', 'x'), $fitting->seen, $fitting->getMulti(['k']));
class Unopened extends Cache
{
    public function __construct()
    {
    }
}
var_dump(new Unopened());
$weak = WeakReference::create($fitting);
$cycle = new stdClass();
$cycle->cache = $fitting;
unset($fitting, $cycle);
gc_collect_cycles();
var_dump($weak->get());
?>
--EXPECT--
Error: Trying to clone an uncloneable object of class NearCache\Cache
Exception: Serialization of 'NearCache\Cache' is not allowed
Exception: Serialization of 'NearCache\Cache' is not allowed
Exception: Unserialization of 'NearCache\Cache' is not allowed
Exception: Serialization of 'NearCache\Cache' is not allowed
NearCache\Exception: the cache is open already: __construct() may run once only
object(NearCache\Cache)#1 (6) {
  ["path"]=>
  NULL
  ["size"]=>
  int(4194304)
  ["items"]=>
  int(1)
  ["prefix"]=>
  string(2) "p:"
  ["result_code"]=>
  int(0)
  ["result_message"]=>
  string(7) "SUCCESS"
}
string(2) "{}"
bool(true)
array(0) {
}
bool(true)
bool(true)
int(1)
int(11)
NULL
array(1) {
  [0]=>
  string(1) "k"
}
array(1) {
  ["k"]=>
  int(11)
}
object(Unopened)#5 (0) {
}
NULL
