--TEST--
Store: backup, restore, verify and compact, with progress that stops, throws, exits and dies; statistics
--FILE--
<?php
use NearCache\{DamagedException, Store};

require __DIR__ . '/store.inc';

function say(mixed ...$values): void
{
    echo implode(' ', array_map('json_encode', $values)), "\n";
}
$s = new Store("$directory/s", ['policy' => 'never', 'near' => '1M']);
$s->setMulti(array_fill_keys(array_map(fn($i) => "k$i", range(1, 5000)), 'value'));
$q = $s->queue('q');
$q->putMulti(range(1, 100));

$seen = [];
$progress = function (int $done, int $of) use (&$seen) { $seen[] = [$done, $of]; };
$s->backup("$directory/b", $progress);
say(count($seen) > 3, $seen[0][0] < $seen[1][0], $seen[0][1], end($seen)[0]);
$s->verify($progress);
$s->compact($progress);
$s->verify();
$s->compact();
$copy = new Store("$directory/b");
say(count($copy->range(limit: 10000)), count($copy->queue('q')), $copy->queue('q')->take()->value);
unset($copy);
Store::restore("$directory/b", "$directory/r", fn() => true);
$copy = new Store("$directory/r");
say(count($copy->range(limit: 10000)), count($copy->queue('q')), count($q));
unset($copy);

thrown(
    stopped: fn() => $s->backup("$directory/c", fn() => false),
    thrown: fn() => $s->backup("$directory/c", fn() => throw new LogicException('of the progress')),
    verify: fn() => $s->verify(fn() => throw new LogicException('of the progress')),
    there: fn() => $s->backup("$directory/b"),
    none: fn() => Store::restore("$directory/none", "$directory/d"),
    wrong: fn() => $s->verify('none'),
    empty: fn() => $s->backup(''),
);
// Stopped, it can be given again.
$s->backup("$directory/c");
$s->verify(fn() => null);
// The store may be used meanwhile.
$s->backup("$directory/e", function () use ($s) { $s->set('meanwhile', 1); return $s->get('k1') === 'value'; });
say($s->get('meanwhile'));
unset($s, $q);

foreach (['exit' => 'exit;', 'fatal' => 'undefined();', 'memory' => 'ini_set("memory_limit", "16M"); str_repeat("x", 1 << 26);', 'timeout' => 'set_time_limit(1); for (;;);'] as $name => $end) {
    foreach (['verify(', 'backup("' . "$directory/$name" . '", '] as $work) {
        echo $name, ': ', php('$s = new NearCache\Store(' . var_export("$directory/s", true) . '); register_shutdown_function(function () use ($s) { $s->verify(); echo json_encode([$s->get("k1"), $s->set("after", 1) > 0]), "\n"; });
            $s->' . $work . 'function () { ' . $end . ' }); echo "not reached\n";', ['display_errors' => '0']);
    }
}
// A time limit ends work that has no callable.
echo preg_replace('~ in .*~', '', php('ini_set("max_execution_time", 1); $s = new NearCache\Store(' . var_export("$directory/s", true) . '); while (true) { $s->verify(); }', ['display_errors' => '1']));

// Damage is told.
$s = new Store("$directory/s");
say($s->stats()['curr_items'], $s->stats()['messages'], $s->queues());
unset($s);
foreach (glob("$directory/s/*") as $file) {
    is_file($file) && filesize($file) > 0 && file_put_contents($file, str_repeat("\0", filesize($file)));
}
try {
    new Store("$directory/s");
    echo "opened\n";
} catch (DamagedException $e) {
    echo get_class($e), "\n";
}
?>
--EXPECT--
true true 5100 5100
5000 100 1
5000 99 100
stopped: NearCache\Exception: stopped before the end, as was asked
thrown: LogicException: of the progress
verify: LogicException: of the progress
there: NearCache\DamagedException: DIR/b holds a store already: a backup goes to a new directory
none: NearCache\Exception: there is no store at DIR/none: create one there
wrong: TypeError: NearCache\Store::verify(): Argument #1 ($progress) must be a valid callback or null, string given
empty: ValueError: NearCache\Store::backup(): Argument #1 ($directory) must be the path of a directory, in UTF-8
1
exit: ["value",true]
exit: ["value",true]
fatal: ["value",true]
fatal: ["value",true]
memory: ["value",true]
memory: ["value",true]
timeout: ["value",true]
timeout: ["value",true]

Fatal error: Maximum execution time of 1 second exceeded
5002 100 ["q"]
NearCache\DamagedException
