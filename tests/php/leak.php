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
    $c->setMulti(['x' => 'y', 7 => [8]]);
    $c->increment('i', '3');
    $c->increment('new', 1, 5);
    $c->incrementRaw('raw', 1, '18446744073709551615');
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
