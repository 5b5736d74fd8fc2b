<?php
/*
 * NearCache\Cache beside APCu, Yac if it is there, and php-memcached over a unix socket: one run, and in each round every
 * cache has its turn at each work, so that what slows the machine slows all. Once with one process and once with two that
 * are forked and work at the same time on one shared cache.
 *
 *     bench.php SOCKET RESULT.json [REPORT]        (bench.sh prepares all; REPORT is a directory for a table and a chart)
 *
 * A figure is the median over the rounds of a process's median batch, in nanoseconds per call without the loop around it.
 */

require __DIR__ . '/works.php';
require __DIR__ . '/report.php';

[, $socket, $result] = $argv;
$report = $argv[3] ?? '';
$rounds = (int) (getenv('ROUNDS') ?: 9);
const BATCHES = 101;
/** Nanoseconds that a batch should take: short, so that most lie within a time slice, whatever else the machine does. */
const BATCH = 200_000;
const ORDER = ['get of a 100-byte string', 'get of an int', 'miss', 'getMulti of 10 strings', 'get of 10 routes', 'get of 100 routes',
    'get of 1000 routes', 'set of a 100-byte string', 'set of an int', 'set of 10 routes', 'set of 100 routes', 'set of 1000 routes', 'increment'];

function median(array $numbers): float
{
    sort($numbers);
    $middle = intdiv(count($numbers), 2);
    return count($numbers) % 2 ? $numbers[$middle] : ($numbers[$middle - 1] + $numbers[$middle]) / 2;
}

/** Half of the width of the middle half, as a part of the median. */
function spread(array $numbers): float
{
    sort($numbers);
    $at = fn(float $part) => $numbers[(int) round($part * (count($numbers) - 1))];
    return ($at(0.75) - $at(0.25)) / 2 / median($numbers);
}

/** Nanoseconds per call of each batch. */
function batches(Closure $work, int $calls, int $count): array
{
    $work(max(1, intdiv($calls, 8)));
    $times = [];
    for ($i = 0; $i < $count; $i++) {
        $start = hrtime(true);
        $work($calls);
        $times[] = (hrtime(true) - $start) / $calls;
    }
    return $times;
}

/** How many calls fill a batch. */
function calls(Closure $work): int
{
    for ($calls = 1; ; $calls *= 4) {
        $start = hrtime(true);
        $work($calls);
        $time = hrtime(true) - $start;
        if ($time > BATCH / 8) {
            return max(1, (int) ($calls * BATCH / $time));
        }
    }
}

/** Each process's median batch; they begin together, when the last of them is ready. */
function together(int $processes, Closure $work, int $calls): array
{
    $pipes = $children = [];
    for ($i = 0; $i < $processes; $i++) {
        [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        $child = pcntl_fork();
        if ($child === 0) {
            $work(max(1, intdiv($calls, 4)));
            fwrite($theirs, 'r');
            fread($theirs, 1);
            fwrite($theirs, sprintf("%.17g\n", median(batches($work, $calls, BATCHES))));
            // Nothing of the parent's is to be torn down by a child.
            posix_kill(getmypid(), SIGKILL);
        }
        fclose($theirs);
        [$pipes[], $children[]] = [$ours, $child];
    }
    foreach ($pipes as $pipe) {
        fread($pipe, 1);
    }
    foreach ($pipes as $pipe) {
        fwrite($pipe, 'g');
    }
    $times = array_map(fn($pipe) => (float) fgets($pipe), $pipes);
    foreach ($children as $child) {
        pcntl_waitpid($child, $status);
    }
    return $times;
}

$peers = peers($socket);
foreach ($peers as $peer) {
    try {
        ($peer->prepare)();
    } catch (RuntimeException $e) {
        fwrite(STDERR, "error: $peer->name: {$e->getMessage()} (apc.enable_cli=1? memcached on $socket?)\n");
        exit(1);
    }
}
// The least: nothing but the loop itself is to be taken off.
$loops = array_map(fn($loop) => min(batches($loop, 10_000, 301)), loops());
$times = [];
foreach ([1, 2] as $processes) {
    foreach (ORDER as $work) {
        $able = array_filter($peers, fn($peer) => isset($peer->verbs[$work]));
        $counts = array_map(fn($peer) => calls($peer->verbs[$work]), $able);
        for ($round = 0; $round < $rounds; $round++) {
            foreach ($able as $i => $peer) {
                $name = $processes === 1 ? $work : "$work, $processes processes";
                $time = array_sum(together($processes, $peer->verbs[$work], $counts[$i])) / $processes;
                $times[$name][$peer->name][] = $time - $loops[str_contains($work, 'a 100-byte string')];
            }
        }
        fwrite(STDERR, '.');
    }
}
fwrite(STDERR, "\n");

$rows = [];
foreach ($times as $work => $who) {
    foreach ($who as $peer => $list) {
        if ($peer !== 'nearcache') {
            // Round by round, for the machine may be slower in one than in the next.
            $ratios = array_map(fn($ours, $theirs) => $ours / $theirs, $who['nearcache'], $list);
            $rows[] = ['work' => $work, 'peer' => $peer, 'ours' => round(median($who['nearcache']), 1), 'theirs' => round(median($list), 1),
                'unit' => 'ns', 'ratio' => round(median($ratios), 4), 'spread' => round(spread($ratios), 3)];
        }
    }
}
file_put_contents($result, json_encode($rows, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES) . "\n");
echo table($rows);
if ($report !== '') {
    write($report, $rows);
    echo "also in $report/speed.md and $report/speed.svg\n";
}
exit(misses_a_bar($rows) && getenv('BARS') ? 1 : 0);
