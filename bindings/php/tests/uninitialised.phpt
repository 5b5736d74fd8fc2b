--TEST--
A subclass without parent::__construct: every method says so, none crashes
--FILE--
<?php
class Forgetful extends NearCache\Cache
{
    public $mark = 'kept';
    public function __construct() {}
}

$arguments = ['string' => 'k', 'array' => [], 'int' => 1, 'mixed' => 1, 'string|int' => 1, 'callable' => 'pi', '?array' => null];
$forgetful = new Forgetful();
$sentences = [];
foreach ((new ReflectionClass('NearCache\Cache'))->getMethods() as $method) {
    if (str_starts_with($method->name, '__') || $method->isStatic()) {
        continue;
    }
    $given = [];
    foreach ($method->getParameters() as $parameter) {
        if (!$parameter->isOptional()) {
            $given[] = $arguments[(string) $parameter->getType()];
        }
    }
    try {
        $forgetful->{$method->name}(...$given);
        echo "{$method->name} did not throw\n";
    } catch (NearCache\Exception $e) {
        $sentences[$e->getMessage()][] = $method->name;
    }
}
foreach ($sentences as $sentence => $methods) {
    echo count($methods), ' methods: ', $sentence, "\n";
}
echo $forgetful->mark, ' ', get_class($forgetful), "\n";
unset($forgetful);

class Good extends NearCache\Cache
{
    public function __construct(private string $prefix)
    {
        parent::__construct('1M');
    }
    public function get(string $key, ?callable $cache_cb = null, int $get_flags = 0): mixed
    {
        return parent::get($this->prefix . $key, $cache_cb, $get_flags);
    }
}
$good = new Good('p:');
$good->set('p:a', 'x');
var_dump($good->get('a'), $good instanceof NearCache\Cache, get_class($good));
class Failing extends NearCache\Cache
{
    public function __construct()
    {
        try {
            parent::__construct('nonsense');
        } catch (NearCache\Exception) {
        }
    }
}
try {
    (new Failing())->get('a');
} catch (NearCache\Exception $e) {
    echo 'Failing: ', strtok($e->getMessage(), ':'), "\n";
}
?>
--EXPECT--
72 methods: the cache is not open: a subclass of NearCache\Cache with a constructor of its own must call parent::__construct() before anything else
kept Forgetful
string(1) "x"
bool(true)
string(4) "Good"
Failing: the cache is not open
