--TEST--
The constructor: sizes, options, and clear refusals
--FILE--
<?php
use NearCache\Cache;

function attempt(callable $make): void
{
    try {
        $cache = $make();
        echo 'limit ', $cache->stats()['limit_maxbytes'], "\n";
    } catch (Throwable $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}

attempt(fn() => new Cache());
attempt(fn() => new Cache('2M'));
attempt(fn() => new Cache('4096k'));
attempt(fn() => new Cache(1 << 20));
attempt(fn() => new Cache(memory: '2m', options: ['evict' => false, 'item_size_max' => '512K', 'item_size_hint' => 500]));
attempt(fn() => new Cache(options: ['manual_clock' => true]));
echo "--\n";
attempt(fn() => new Cache('64X'));
attempt(fn() => new Cache(''));
attempt(fn() => new Cache(-1));
attempt(fn() => new Cache('99999999999999999999G'));
attempt(fn() => new Cache(['64M']));
attempt(fn() => new Cache('64M', 'evict'));
attempt(fn() => new Cache('64M', ['evcit' => true]));
attempt(fn() => new Cache('64M', ['evict' => 'yes']));
attempt(fn() => new Cache('64M', [7 => true]));
attempt(fn() => new Cache('64M', ['persistent_id' => '']));
attempt(fn() => new Cache('64M', [], 3));
attempt(fn() => new Cache(size: '64M'));
echo "--\n";
foreach ([fn() => new Cache('512K'), fn() => new Cache('64M', ['item_size_max' => 10])] as $make) {
    try {
        $make();
        echo "opened?\n";
    } catch (NearCache\Exception $e) {
        echo get_class($e), ' ', $e instanceof RuntimeException ? 'is a RuntimeException' : '', ' ',
            preg_match('/\d/', $e->getMessage()) ? 'and names a number' : $e->getMessage(), "\n";
    }
}
$cache = new Cache('1M');
try {
    $cache->__construct('1M');
} catch (NearCache\Exception $e) {
    echo $e->getMessage(), "\n";
}
try {
    clone $cache;
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
try {
    serialize($cache);
} catch (Exception $e) {
    echo $e->getMessage(), "\n";
}
$mine = new NearCache\Exception('mine', 7);
echo $mine->getMessage(), ' ', $mine->getCode(), "\n";
?>
--EXPECTF--
limit 67108864
limit 2097152
limit 4194304
limit 1048576
limit 2097152
limit 67108864
--
NearCache\Exception: memory must be a number of bytes of 0 or more, as an int or as a string like "64M" (K, M and G count 1024, 1024 K and 1024 M)
NearCache\Exception: memory must be a number of bytes of 0 or more, as an int or as a string like "64M" (K, M and G count 1024, 1024 K and 1024 M)
NearCache\Exception: memory must be a number of bytes of 0 or more, as an int or as a string like "64M" (K, M and G count 1024, 1024 K and 1024 M)
NearCache\Exception: memory must be a number of bytes of 0 or more, as an int or as a string like "64M" (K, M and G count 1024, 1024 K and 1024 M)
NearCache\Exception: memory must be a number of bytes of 0 or more, as an int or as a string like "64M" (K, M and G count 1024, 1024 K and 1024 M)
TypeError: NearCache\Cache::__construct(): Argument #2 ($options) must be of type array, string given
NearCache\Exception: there is no option "evcit": the options are persistent_id, item_size_max, item_size_hint, evict, manual_clock, name, shared, create, read_only, permissions
NearCache\Exception: the option evict must be true or false
NearCache\Exception: there is no option "7": the options are persistent_id, item_size_max, item_size_hint, evict, manual_clock, name, shared, create, read_only, permissions
NearCache\Exception: the option persistent_id must be a string that is not empty, or null for a cache of this object's own
ArgumentCountError: NearCache\Cache::__construct() expects at most 2 arguments, 3 given
Error: Unknown named parameter $size
--
NearCache\Exception is a RuntimeException and names a number
NearCache\Exception is a RuntimeException and names a number
the cache is open already: __construct() may run once only
Trying to clone an uncloneable object of class NearCache\Cache
Serialization of 'NearCache\Cache' is not allowed
mine 7
