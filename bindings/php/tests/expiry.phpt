--TEST--
Expirations, touch, getAndTouch, delayed flush: on a clock moved by hand
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M', ['manual_clock' => true]);
$alive = fn(string ...$keys) => implode(' ', array_map(fn($k) => $k . '=' . ($c->has($k) ? 'alive' : 'dead'), $keys)) . "\n";
$c->set('ever', 1);
$c->set('ten', 1, 10);
$c->set('twenty', 1, 20);
$c->set('past', 1, -1);
$c->set('then', 1, $c->stats()['time'] + 15);
$c->set('long ago', 1, 1000000000);
echo $alive('ever', 'ten', 'twenty', 'past', 'then', 'long ago');
var_dump($c->touch('twenty', 100), $c->touch('gone', 5));
echo $c->getResultMessage(), "\n";
$c->advanceClock(11);
echo $alive('ever', 'ten', 'twenty', 'then');
$c->advanceClock(5);
echo $alive('then');
var_dump($c->getAndTouch('ever', 10), $c->getAndTouch('gone', 10));
$c->advanceClock(11);
echo $alive('ever', 'twenty');
var_dump($c->touch('twenty'));
$c->advanceClock(1000);
echo $alive('twenty');
var_dump($c->getRaw('twenty', 5)[0]);
$c->advanceClock(6);
echo $alive('twenty');
$c->set('a', 'x', 50);
$c->append('a', 'y');
$c->advanceClock(51);
echo $alive('a');
$c->set('b', 1);
var_dump($c->flush(10));
echo $alive('b');
$c->advanceClock(11);
echo $alive('b');
$c->set('b', 1);
echo $alive('b');
var_dump($c->flush(-5));
echo $alive('b');
foreach ([fn() => $c->advanceClock(-1), fn() => $c->flush(1 << 33), fn() => (new Cache('1M'))->advanceClock(1)] as $call) {
    try {
        $call();
        echo "no error\n";
    } catch (Exception | Error $e) {
        echo get_class($e), ': ', $e instanceof Error ? $e->getMessage() : 'as the core says', "\n";
    }
}
?>
--EXPECT--
ever=alive ten=alive twenty=alive past=dead then=alive long ago=dead
bool(true)
bool(false)
NOT FOUND
ever=alive ten=dead twenty=alive then=alive
then=dead
int(1)
bool(false)
ever=dead twenty=alive
bool(true)
twenty=alive
string(1) "1"
twenty=dead
a=dead
bool(true)
b=alive
b=dead
b=alive
bool(true)
b=dead
ValueError: NearCache\Cache::advanceClock(): Argument #1 ($seconds) must be between 0 and 4294967295
ValueError: NearCache\Cache::flush(): Argument #1 ($delay) must be at most 4294967295 seconds
NearCache\Exception: as the core says
