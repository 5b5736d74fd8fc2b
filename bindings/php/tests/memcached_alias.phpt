--TEST--
nearcache.memcached_alias: \Memcached is php.ini's cache, for code that names that type
--FILE--
<?php
require __DIR__ . '/sharing.inc';
$alias = ['nearcache.memcached_alias' => '1', 'nearcache.enable_cli' => '1', 'nearcache.memory_size' => '2M'];

echo "without it\n", php([], 'var_dump(class_exists("Memcached"), extension_loaded("memcached"));');
echo "with it\n";
echo php($alias, <<<'CODE'
function takes(\Memcached $m): \Memcached { return $m; }
// What Symfony's adapter asks.
var_dump(extension_loaded('memcached') && version_compare(phpversion('memcached'), '3.1.6', '>='));
var_dump(get_parent_class(takes(new Memcached())), (new ReflectionClass('Memcached'))->getExtensionName());
(new Memcached())->set('k', 'from Memcached');
var_dump((new NearCache\Cache())->get('k'), (new Memcached('pool'))->get('k'), Memcached::RES_NOTFOUND, (new Memcached())->getInfo()['size']);
CODE);
echo "the constructor\n";
echo php($alias, <<<'CODE'
echo new ReflectionMethod('Memcached', '__construct');
$m = new Memcached('id', function ($m, $id) { var_dump(get_class($m), $id, $m->set('made', 1)); }, '--SERVER=127.0.0.1:11212');
var_dump($m->get('made'), $m->getServerList()[0]['port'], $m->isPersistent(), (new Memcached())->isPersistent());
foreach ([[[]], ['id', 'no such function'], [null, null, []], [null, null, null, null]] as $arguments) {
    try {
        new Memcached(...$arguments);
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
try {
    new Memcached('id', fn () => throw new LogicException('of the callback'));
} catch (LogicException $e) {
    echo $e->getMessage(), "\n";
}
try {
    $m->__construct();
} catch (MemcachedException $e) {
    echo get_class($e), ': ', $e->getMessage(), "\n";
}
class Own extends Memcached
{
    public function __construct(private string $name)
    {
        parent::__construct();
    }
}
class Empty_ extends Memcached
{
    public function __construct() {}
}
var_dump((new Own('x'))->get('made'));
try {
    (new Empty_())->get('made');
} catch (MemcachedException $e) {
    echo $e->getMessage(), "\n";
}
try {
    $m->get(...)('x', 5);
} catch (TypeError $e) {
    echo "TypeError\n";
}
CODE);
echo "without a cache of php.ini\n";
echo php(['nearcache.memcached_alias' => '1'], <<<'CODE'
$first = new Memcached('id');
$first->set('k', 1);
$first->setOption(Memcached::OPT_PREFIX_KEY, 'p:');
$first->set('k', 2);
// One cache, whatever the persistent id; options are each object's own.
var_dump((new Memcached())->get('k'), (new Memcached('other'))->get('p:k'), (new Memcached('id'))->get('k'), $first->get('k'));
unset($first);
// It stays when no object has it.
var_dump((new Memcached())->getInfo()['size'], (new Memcached())->get('k'), (new NearCache\Cache())->get('k'));
$child = pcntl_fork();
if ($child === 0) {
    (new Memcached())->set('k', 'of the child');
    exit;
}
pcntl_waitpid($child, $status);
var_dump((new Memcached())->get('k'));
(new Memcached())->flush();
var_dump((new Memcached('id'))->get('k'));
CODE);
?>
--EXPECT--
without it
bool(false)
bool(false)
with it
bool(true)
string(15) "NearCache\Cache"
string(9) "memcached"
string(14) "from Memcached"
string(14) "from Memcached"
int(16)
int(2097152)
the constructor
Method [ <internal:memcached, overwrites NearCache\Cache, ctor> public method __construct ] {

  - Parameters [3] {
    Parameter #0 [ <optional> ?string $persistent_id = null ]
    Parameter #1 [ <optional> ?callable $callback = null ]
    Parameter #2 [ <optional> ?string $connection_str = null ]
  }
}
string(9) "Memcached"
string(2) "id"
bool(true)
int(1)
int(11212)
bool(true)
bool(false)
TypeError: Memcached::__construct(): Argument #1 ($persistent_id) must be of type string, array given
TypeError: Memcached::__construct(): Argument #2 ($callback) must be a valid callback or null, string given
TypeError: Memcached::__construct(): Argument #3 ($connection_str) must be of type string, array given
ArgumentCountError: Memcached::__construct() expects at most 3 arguments, 4 given
of the callback
NearCache\Exception: the cache is open already: __construct() may run once only
int(1)
the cache is not open: a subclass of NearCache\Cache with a constructor of its own must call parent::__construct() before anything else
TypeError
without a cache of php.ini
int(1)
int(2)
int(1)
int(2)
int(67108864)
int(1)
bool(false)
int(1)
bool(false)
