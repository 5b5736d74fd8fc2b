<?php
/*
 * Rounds of every kind of call, good and bad, for valgrind: what is lost may not depend on their number (the argument).
 */

class Throws
{
    public function __serialize(): array
    {
        throw new LogicException('on purpose');
    }
}

$rounds = (int) ($argv[1] ?? 1);
$directory = '/dev/shm/nearcache-leak-' . bin2hex(random_bytes(8));
mkdir($directory, 0700);
putenv("NEARCACHE_DIR=$directory");
$ignored = function (callable $call) {
    try {
        @$call();
    } catch (Throwable) {
    }
};
for ($round = 0; $round < $rounds; $round++) {
    $c = new NearCache\Cache('1M', ['manual_clock' => true]);
    $same = new NearCache\Cache('1M', ['persistent_id' => 'one']);
    $shared = new NearCache\Cache('1M', ['shared' => true]);
    $named = new NearCache\Cache('1M', ['name' => 'leak', 'permissions' => 0600]);
    $again = new NearCache\Cache(options: ['name' => "$directory/leak", 'create' => false]);
    $reader = new NearCache\Cache(options: ['name' => 'leak', 'read_only' => true]);
    foreach ([$c, $same, $shared, $named, $again, $reader] as $each) {
        $each->set('k', 'v');
        $each->get('k');
        $each->getInfo();
        $each->getProcesses();
        $each->getLastErrorMessage();
    }
    foreach ([['name' => 'none', 'create' => false], ['name' => '.'], ['name' => 'a/b'], ['name' => 7], ['read_only' => true]] as $wrong) {
        $ignored(fn() => new NearCache\Cache('1M', $wrong));
    }
    NearCache\Cache::unlink('leak');
    $ignored(fn() => NearCache\Cache::unlink('.'));
    $c->set('s', 'short');
    $c->set('l', str_repeat('long', 500));
    $c->set('a', ['a' => [1, 2.5, null], 'b' => new ArrayObject([1])]);
    $c->set(5, 1.5);
    $c->set('i', 5);
    // Arrays that are kept decoded: given out, replaced while they are held, dropped for want of room.
    $table = array_map(fn($i) => ['id' => "row $i", 'tags' => ["tag $i", 'all', []], 'weight' => $i / 4], range(0, 200));
    for ($i = 0; $i < 12; $i++) {
        $i % 4 ?: $c->set('t', [$i, $table]);
        $held[] = $c->get('t');
    }
    $held[11][1][7]['tags'][] = $held[3][1][7]['id'];
    for ($i = 0; $i < 40; $i++) {
        $c->set("t$i", [$i, $table]);
        $c->getMulti(["t$i", "t$i", "t$i"]);
    }
    $held = [];
    foreach (['s', 'l', 'a', 5, 'i', 'none', ''] as $key) {
        $c->get($key);
        $c->get($key, null, NearCache\Cache::GET_EXTENDED);
        $c->getRaw($key);
        $c->getAndTouch($key, 100);
    }
    $c->getMulti(['s', 'l', 'a', 5, 'none', '']);
    foreach (['php', 'json', 'json_array', 'portable'] as $serializer) {
        foreach (['off', 'zlib', 'fastlz', 'zstd'] as $type) {
            ini_set('nearcache.serializer', $serializer);
            ini_set('nearcache.compression', $type === 'off' ? '0' : '1');
            ini_set('nearcache.compression_type', $type === 'off' ? 'fastlz' : $type);
            $writer = new NearCache\Cache('1M');
            foreach ([str_repeat('long', 800), [1, 'a' => ['b' => "\xff"]], range(1, 1000), ['a' => [new ArrayObject]], (object) ['a' => 1], null, 7, [[[STDIN]]]] as $value) {
                $ignored(fn() => $writer->set('k', $value));
                $ignored(fn() => $writer->get('k'));
                [$bytes, $flags] = $writer->getRaw('k') ?? ['', 0];
                $writer->storeRaw('set', 'k', substr($bytes, 0, -2), $flags);
                $ignored(fn() => $writer->get('k'));
                $writer->storeRaw('set', 'k', "\x93\x07\xce" . pack('N', $flags) . "\x80$bytes", 0x4E430002);
                $ignored(fn() => $writer->get('k'));
            }
        }
    }
    ini_set('nearcache.serializer', 'php');
    ini_set('nearcache.compression', '0');
    $c->setMulti(['x' => 'y', 7 => [8]]);
    $c->increment('i', '3');
    $c->increment('new', 1, 5);
    $c->incrementRaw('raw', 1, '18446744073709551615');
    // The arrays above may have evicted it.
    $c->set('s', 'short');
    $c->append('s', 'er');
    $c->cas($c->get('s', null, NearCache\Cache::GET_EXTENDED)['cas'], 's', ['z']);
    $c->deleteMulti(['x', 'none']);
    foreach ($c->keys() as $key) {
    }
    $c->stats();
    $c->getStats();
    $c->getLastErrorMessage();
    $c->get('made', function ($cache, $key, &$value, &$expiration) { $value = ['made']; return true; });
    $c->get('refused', function ($cache, $key, &$value, &$expiration) { $value = ['made']; return false; });
    $ignored(fn() => $c->get('thrown', fn() => throw new LogicException('on purpose')));
    $ignored(fn() => $c->set('t', new Throws()));
    $c->remember('remembered', 60, fn() => ['made', str_repeat('long', 100)]);
    $c->remember('remembered', 60, fn() => 'not called');
    $c->remember('stale', 5, fn() => 'old', 100);
    $c->advanceClock(6);
    $c->remember('stale', 5, fn() => $c->remember('stale', 5, fn() => 'inner', 100) . 'new', 100);
    $c->remember('huge', 5, fn() => str_repeat('x', 2 << 20));
    $ignored(fn() => $c->remember('thrown', 5, fn() => throw new LogicException('on purpose')));
    $ignored(fn() => $c->remember('thrown', 5, fn() => fn() => 1));
    $ignored(fn() => $c->remember('thrown', 5, 'no function'));
    $ignored(fn() => $c->remember('recursive', 5, fn() => $c->remember('recursive', 5, fn() => $c->get('a'))));
    $c->getDelayed(['a', 'l', 'none'], true);
    $c->fetch();
    $c->fetchAll();
    $c->getDelayed(['a', 'l']);
    $c->fetch();
    $c->getDelayed(['a'], false, fn($cache, $item) => $item);
    $ignored(fn() => $c->getDelayed(['a', 's'], false, fn() => throw new LogicException('on purpose')));
    $c->getDelayed(['a', 'l']);
    $c->addServer('host', 1);
    $ignored(fn() => $c->addServers([['a', 1], ['b'], 'c']));
    $c->getServerList();
    $c->getServerByKey('k');
    $c->setOptions([NearCache\Cache::OPT_PREFIX_KEY => 'prefix:', NearCache\Cache::OPT_NO_BLOCK => true, NearCache\Cache::OPT_ITEM_SIZE_LIMIT => 5000]);
    $ignored(fn() => $c->setOption(NearCache\Cache::OPT_SERIALIZER, 99));
    $ignored(fn() => $c->setOption(NearCache\Cache::OPT_PREFIX_KEY, str_repeat('p', 500)));
    $ignored(fn() => $c->setEncodingKey('k'));
    $c->setByKey('server', 'k', ['v']);
    $c->getByKey('server', 'k');
    $c->getMultiByKey('server', ['k', 'none']);
    $c->set('long', str_repeat('x', 6000));
    $c->keys();
    $c->getAllKeys();
    $c->fetchOr('none', ['default']);
    $c->fetchOr('k', ['default']);
    $c->setOptions([NearCache\Cache::OPT_PREFIX_KEY => '', NearCache\Cache::OPT_ITEM_SIZE_LIMIT => 0]);
    $ignored(fn() => print_r($c, true));
    $ignored(fn() => serialize($c));
    $ignored(fn() => $c->set('t', [1, [new Throws()]]));
    $ignored(fn() => $c->set('t', fn() => 1));
    $c->storeRaw('set', 'bad', 'a:1:{i:0;s:3:"ab', 4);
    $ignored(fn() => $c->get('bad'));
    $ignored(fn() => $c->getMulti(['s', [1]]));
    $ignored(fn() => $c->get([]));
    $ignored(fn() => $c->increment('i', -1));
    $ignored(fn() => new NearCache\Cache('nonsense'));
    $ignored(fn() => new NearCache\Cache('1M', ['unknown' => 1]));
    $ignored(fn() => clone $c);
    $ignored(fn() => $c->set('h', str_repeat('x', 2 << 20)));
    $ignored(fn() => $c->keys(str_repeat('x', 300)));
    $ignored(fn() => (new class extends NearCache\Cache { public function __construct() {} })->get('a'));
    $c->advanceClock(5);
    $c->check();
    $c->flush();
}
array_map('unlink', glob("$directory/*"));
rmdir($directory);
