<?php
/*
 * get and set of NearCache\Cache beside APCu and php-memcached, in one process and one run: batches of each take turns,
 * so that what slows the machine slows all. Prints a table of the least and the median time of a batch, per call.
 *
 *     bench.php SOCKET RESULT.json        (bench.sh prepares both)
 */

[, $socket, $result] = $argv;
const BATCHES = 501;

$near = new NearCache\Cache('64M');
$mem = new Memcached();
$mem->setOption(Memcached::OPT_COMPRESSION, false);
$mem->addServer($socket, 0);
$short = str_repeat('v', 100);
$keys = [];
for ($i = 0; $i < 1000; $i++) {
    $keys[] = "bench:key:$i";
    $near->set("bench:key:$i", $short);
    apcu_store("bench:key:$i", $short);
    $mem->set("bench:key:$i", $short);
}
if ($near->get($keys[7]) !== $short || apcu_fetch($keys[7]) !== $short || $mem->get($keys[7]) !== $short) {
    fwrite(STDERR, "bench.php: a cache does not answer (apc.enable_cli=1? memcached on $socket?)\n");
    exit(1);
}

// Each loops over the same 1000 keys; the loop's own time is measured and taken off.
$loop = function () use ($keys) { foreach ($keys as $key) { } };
$works = [
    'get of a 100-byte string' => [
        'nearcache' => function () use ($near, $keys) { foreach ($keys as $key) { $near->get($key); } },
        'apcu_fetch' => function () use ($keys) { foreach ($keys as $key) { apcu_fetch($key); } },
        'php-memcached, unix socket' => function () use ($mem, $keys) { foreach ($keys as $key) { $mem->get($key); } },
    ],
    'set of a 100-byte string' => [
        'nearcache' => function () use ($near, $keys, $short) { foreach ($keys as $key) { $near->set($key, $short); } },
        'apcu_store' => function () use ($keys, $short) { foreach ($keys as $key) { apcu_store($key, $short); } },
        'php-memcached, unix socket' => function () use ($mem, $keys, $short) { foreach ($keys as $key) { $mem->set($key, $short); } },
    ],
    'miss' => [
        'nearcache' => function () use ($near, $keys) { foreach ($keys as $_) { $near->get('bench:none'); } },
        'apcu_fetch' => function () use ($keys) { foreach ($keys as $_) { apcu_fetch('bench:none'); } },
    ],
    'get of an int' => [
        'nearcache' => function () use ($near, $keys) { foreach ($keys as $_) { $near->get('bench:int'); } },
        'apcu_fetch' => function () use ($keys) { foreach ($keys as $_) { apcu_fetch('bench:int'); } },
    ],
    'increment' => [
        'nearcache' => function () use ($near, $keys) { foreach ($keys as $_) { $near->increment('bench:n'); } },
        'apcu_inc' => function () use ($keys) { foreach ($keys as $_) { apcu_inc('bench:n'); } },
    ],
];
$near->set('bench:int', 5);
apcu_store('bench:int', 5);
$near->set('bench:n', 5);
apcu_store('bench:n', 5);

/** Nanoseconds per call of one batch: short calls are repeated until a batch is long enough to be measured. */
function batch(callable $work, int $repeat): float
{
    $start = hrtime(true);
    for ($i = 0; $i < $repeat; $i++) {
        $work();
    }
    return (hrtime(true) - $start) / ($repeat * 1000);
}

function median(array $times): float
{
    sort($times);
    return $times[intdiv(count($times), 2)];
}

$report = [];
printf("%-28s %-28s %10s %10s %8s\n", 'work', 'who', 'min ns', 'median ns', 'ratio');
foreach ($works as $work => $who) {
    $times = array_fill_keys(array_keys($who), []);
    $empty = [];
    for ($i = 0; $i < BATCHES; $i++) {
        $empty[] = batch($loop, 2);
        foreach ($who as $name => $call) {
            // A round trip takes a hundred times as long: a tenth of the batches will do.
            if ($i % 10 === 0 || !str_contains($name, 'socket')) {
                $times[$name][] = batch($call, 2);
            }
        }
    }
    $base = min($empty);
    $ours = min($times['nearcache']) - $base;
    foreach ($times as $name => $list) {
        $least = min($list) - $base;
        $middle = median($list) - $base;
        $ratio = $ours / $least;
        printf("%-28s %-28s %10.1f %10.1f %8s\n", $work, $name, $least, $middle, $name === 'nearcache' ? '' : sprintf('%.3f', $ratio));
        if ($name !== 'nearcache') {
            $report[] = ['work' => $work, 'peer' => $name, 'ours' => round($ours, 1), 'theirs' => round($least, 1), 'unit' => 'ns',
                'ratio' => round($ratio, 4), 'spread' => round((median($times['nearcache']) - $base) / $ours, 3)];
        }
    }
}
file_put_contents($result, json_encode($report, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES) . "\n");
echo "ratio: ours/theirs as time, of the least batches; spread: our median over our least\nwritten to $result\n";
