--TEST--
Arrays are kept decoded, from the second reading on, and answered by every verb that reads values
--FILE--
<?php
use NearCache\Cache;
require __DIR__ . '/l1.inc';
$c = new Cache('16M');
$routes = routes(50);
$c->set('r', $routes);
foreach ([0, 0, 1, 2, 3] as $i => $expected) {
    same("reading $i", $c->get('r'), $routes);
    same("hits after reading $i", l1($c)['hits'], $expected);
}
same('misses', l1($c)['misses'], 2);
same('kept', l1($c)['items'], 1);
same('bytes', l1($c)['bytes'] > 20000 && l1($c)['bytes'] < l1($c)['limit_bytes'], true);
same('what is counted in the cache', [$c->stats()['get_hits'], $c->stats()['cmd_get']], [5, 5]);

// Every verb that reads.
same('GET_EXTENDED', hits($c, function () use ($c, $routes) {
    $extended = $c->get('r', null, Cache::GET_EXTENDED);
    same('extended', [$extended['value'], $extended['flags'], $extended['cas'] > 0], [$routes, 0, true]);
}), 1);
same('getMulti', hits($c, fn() => same('multi', $c->getMulti(['r', 'none', 'r']), ['r' => $routes])), 2);
same('getAndTouch', hits($c, fn() => same('touched', $c->getAndTouch('r', 1000), $routes)), 1);
same('a callback that is not asked', hits($c, fn() => same('hit', $c->get('r', fn() => print('asked')), $routes)), 1);
same('getRaw reads bytes', hits($c, fn() => same('raw', unserialize($c->getRaw('r')[0]), $routes)), 0);
$made = fn($cache, $key, &$value) => [$value = ['made' => [$key]]] !== [];
for ($i = 0; $i < 4; $i++) {
    same('made', $c->get('new', $made), ['made' => ['new']]);
}
same('made and then kept', hits($c, fn() => $c->get('new', $made)), 1);
same('keys that are ints', [$c->set(7, [7]), $c->get(7), $c->get('7'), hits($c, fn() => $c->get(7))], [true, [7], [7], 1]);

// A new value is another item, and so is the same value again.
$unchanged = function (string $why) use ($c) {
    same("not kept after $why", hits($c, fn() => $c->get('r')), 0);
    warm($c, 'r');
};
$c->set('r', ['other']);
same('set', $c->get('r'), ['other']);
$unchanged('set');
$c->delete('r');
same('delete', $c->get('r'), false);
$c->set('r', ['other']);
same('set again', $c->get('r'), ['other']);
$unchanged('delete and set');
$c->flush();
same('flush', [$c->get('r'), $c->getResultCode()], [false, Cache::RES_NOTFOUND]);
$c->add('r', ['added']);
same('add', $c->get('r'), ['added']);
$unchanged('add');
$c->cas($c->get('r', null, Cache::GET_EXTENDED)['cas'], 'r', ['exchanged']);
same('cas', $c->get('r'), ['exchanged']);
$unchanged('cas');
$c->storeRaw('set', 'r', serialize(['raw']), 4);
same('storeRaw', $c->get('r'), ['raw']);
$unchanged('storeRaw');
same('touch leaves it', hits($c, fn() => [$c->touch('r', 1000), same('touched', $c->get('r'), ['raw'])]), 1);
$c->set('r', 'a string');
same('a string instead', [$c->get('r'), $c->get('r')], ['a string', 'a string']);

// Expired is gone.
$timed = new Cache('4M', ['manual_clock' => true]);
$timed->set('r', [1], 10);
warm($timed, 'r');
$timed->advanceClock(11);
same('expired', $timed->get('r'), false);

// Two caches have each its own.
$d = new Cache('4M');
foreach ([[$c, ['in c']], [$d, ['in d']]] as [$cache, $value]) {
    $cache->set('both', $value);
}
for ($i = 0; $i < 4; $i++) {
    same('of two caches', [$c->get('both'), $d->get('both')], [['in c'], ['in d']]);
}
for ($i = 0; $i < 20; $i++) {
    $short = new Cache('1M');
    $short->set('both', [$i]);
    for ($k = 0; $k < 4; $k++) {
        same('of a cache that lives shortly', $short->get('both'), [$i]);
    }
    unset($short);
}
same('whole', [$c->check(), $d->check()], [true, true]);
echo "done\n";
?>
--EXPECT--
done
