--TEST--
setOption, setOptions, getOption: what acts, what is kept, what is refused
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('8M');
set_error_handler(function (int $level, string $message) { echo "warning: $message\n"; return true; });
function show(mixed ...$answers): void
{
    global $c;
    echo json_encode($answers), ' ', $c->getResultMessage(), "\n";
}
echo "-- kept\n";
$constants = array_filter((new ReflectionClass($c))->getConstants(), fn($name) => str_starts_with($name, 'OPT_'), ARRAY_FILTER_USE_KEY);
echo count($constants), ' options, ', count(array_unique($constants)), " numbers\n";
show($c->getOption(Cache::OPT_CONNECT_TIMEOUT), $c->setOption(Cache::OPT_CONNECT_TIMEOUT, 25), $c->getOption(Cache::OPT_CONNECT_TIMEOUT),
    (new Cache('1M'))->getOption(Cache::OPT_CONNECT_TIMEOUT), $c->setOption(Cache::OPT_CONNECT_TIMEOUT, 4000), $c->getOption(Cache::OPT_CONNECT_TIMEOUT));
show($c->setOption(Cache::OPT_BINARY_PROTOCOL, 'yes'), $c->setOption(Cache::OPT_NO_BLOCK, 5), $c->getOption(Cache::OPT_BINARY_PROTOCOL), $c->getOption(Cache::OPT_NO_BLOCK));
show($c->setOption(Cache::OPT_STORE_RETRY_COUNT, 3), $c->getOption(Cache::OPT_STORE_RETRY_COUNT));

echo "-- refused\n";
show($c->setOption(4711, 1), $c->getOption(4711));
show($c->setOption(Cache::OPT_SERIALIZER, 77), $c->getOption(Cache::OPT_SERIALIZER));
show($c->setOption(Cache::OPT_SERIALIZER, Cache::SERIALIZER_IGBINARY), $c->getOption(Cache::OPT_SERIALIZER));
show($c->setOption(Cache::OPT_COMPRESSION_TYPE, 0), $c->getOption(Cache::OPT_COMPRESSION_TYPE));
show($c->setOption(Cache::OPT_COMPRESSION_LEVEL, 1000), $c->getOption(Cache::OPT_COMPRESSION_LEVEL));
show($c->setOption(Cache::OPT_USER_FLAGS, 65536), $c->setOption(Cache::OPT_USER_FLAGS, 0x4E43), $c->getOption(Cache::OPT_USER_FLAGS));
show($c->setOption(Cache::OPT_ITEM_SIZE_LIMIT, -1), $c->getOption(Cache::OPT_ITEM_SIZE_LIMIT));
show($c->setOption(Cache::OPT_PREFIX_KEY, str_repeat('p', 128)), $c->getOption(Cache::OPT_PREFIX_KEY), $c->getLastErrorMessage());
show($c->setOptions([Cache::OPT_SERIALIZER => 77, Cache::OPT_NOREPLY => true, 'word' => 1]), $c->getOption(Cache::OPT_NOREPLY));
show($c->setOptions([Cache::OPT_NOREPLY => false, Cache::OPT_PREFIX_KEY => 'x']), $c->getOption(Cache::OPT_NOREPLY), $c->getOption(Cache::OPT_PREFIX_KEY), $c->setOptions([]));
$c->setOption(Cache::OPT_PREFIX_KEY, '');
try {
    $c->setOption(Cache::OPT_PREFIX_KEY, new class { public function __toString(): string { throw new LogicException('no string'); } });
} catch (Throwable $e) {
    echo get_class($e), ': ', $e->getMessage(), "\n";
}
foreach ([fn() => $c->setOption('x', 1), fn() => $c->setOption(1), fn() => $c->setOptions('x'), fn() => $c->getOption()] as $bad) {
    try {
        $bad();
        echo "no error\n";
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}

echo "-- acting\n";
show($c->setOption(Cache::OPT_ITEM_SIZE_LIMIT, 100), $c->set('k', str_repeat('x', 100)), $c->set('k', str_repeat('x', 101)));
echo $c->getLastErrorMessage(), ' (', $c->getLastErrorCode(), ")\n";
show(strlen($c->remember('made', 60, fn() => str_repeat('x', 101))));
show($c->has('made'), $c->remember('made', 60, fn() => 'short'));
show(strlen($c->get('k')), $c->add('l', [str_repeat('x', 101)]), $c->setMulti(['s' => 1, 'l' => str_repeat('x', 101)]), $c->get('s'), $c->get('l'),
    $c->setOption(Cache::OPT_ITEM_SIZE_LIMIT, 0), $c->set('k', str_repeat('x', 101)));
show($c->setOption(Cache::OPT_USER_FLAGS, 65535), $c->set('f', 'x'), $c->get('f', null, Cache::GET_EXTENDED)['flags'], $c->getRaw('f')[1] >> 16,
    $c->setOption(Cache::OPT_USER_FLAGS, -3), $c->getOption(Cache::OPT_USER_FLAGS), $c->set('f', 'x'), $c->getRaw('f')[1]);
show($c->setOption(Cache::OPT_SERIALIZER, Cache::SERIALIZER_JSON), $c->set('j', ['a' => 1]), $c->getRaw('j')[0], $c->getRaw('j')[1], $c->get('j'));
show($c->setOption(Cache::OPT_COMPRESSION, true), $c->set('z', str_repeat('z', 5000)), strlen($c->getRaw('z')[0]) < 5000, $c->get('z') === str_repeat('z', 5000),
    $c->append('z', 'more'), strlen($c->get('z')));
var_dump($c->check());
?>
--EXPECT--
-- kept
37 options, 37 numbers
[4000,true,25,4000,true,4000] SUCCESS
[true,true,0,1] SUCCESS
[true,3] SUCCESS
-- refused
warning: NearCache\Cache::setOption(): there is no such option: they are the OPT_ constants
[false,null] INVALID ARGUMENTS
warning: NearCache\Cache::setOption(): OPT_SERIALIZER is one of the SERIALIZER_ constants
[false,1] INVALID ARGUMENTS
warning: NearCache\Cache::setOption(): the extension of this serializer is not loaded
[false,1] INVALID ARGUMENTS
warning: NearCache\Cache::setOption(): OPT_COMPRESSION_TYPE is one of the COMPRESSION_ constants
[false,2] INVALID ARGUMENTS
warning: NearCache\Cache::setOption(): OPT_COMPRESSION_LEVEL is an int from -7 to 22
[false,3] INVALID ARGUMENTS
warning: NearCache\Cache::setOption(): OPT_USER_FLAGS is 0 to 65535, or negative for none
warning: NearCache\Cache::setOption(): the user flags 0x4e43 (20035) are those of nearcache's portable values: choose others
[false,false,-1] INVALID ARGUMENTS
warning: NearCache\Cache::setOption(): OPT_ITEM_SIZE_LIMIT is 0 for none, or a number of bytes
[false,0] INVALID ARGUMENTS
warning: NearCache\Cache::setOption(): OPT_PREFIX_KEY has at most 127 bytes; the one there was stays
[false,"","OPT_PREFIX_KEY has at most 127 bytes; the one there was stays"] KEY RETURNED FROM SERVER WAS TOO LARGE
warning: NearCache\Cache::setOptions(): OPT_SERIALIZER is one of the SERIALIZER_ constants
warning: NearCache\Cache::setOptions(): the options are an array by OPT_ constants, which are ints
[false,1] INVALID ARGUMENTS
[true,0,"x",true] SUCCESS
LogicException: no string
TypeError: NearCache\Cache::setOption(): Argument #1 ($option) must be of type int, string given
ArgumentCountError: NearCache\Cache::setOption() expects exactly 2 arguments, 1 given
TypeError: NearCache\Cache::setOptions(): Argument #1 ($options) must be of type array, string given
ArgumentCountError: NearCache\Cache::getOption() expects exactly 1 argument, 0 given
-- acting
[true,true,false] ITEM TOO BIG
the value takes 101 bytes: OPT_ITEM_SIZE_LIMIT is 100; raise it, or set it to 0 for none (37)
[101] ITEM TOO BIG
[false,"short"] SUCCESS
[100,false,false,1,false,true,true] SUCCESS
[true,true,65535,65535,true,-1,true,0] SUCCESS
[true,true,"{\"a\":1}",6,{"a":1}] SUCCESS
warning: NearCache\Cache::append(): nothing can be put before or behind a value that is serialized, compressed or portable: get it and store another
[true,true,true,true,false,5000] SUCCESS
bool(true)
