<?php
/**
 * Replays the demo's requests through Users.php and reports what a get cost.
 *
 *   main.php SOURCE DATABASE REQUESTS [SOCKET] [CACHE_MIB]
 *
 * SOURCE is database, nearcache or socket. The first half of the stream warms the cache up, the second half is
 * measured. Progress goes to standard error, one JSON object to standard output.
 */

declare(strict_types=1);

require __DIR__ . '/Users.php';

const UPDATE = 1 << 31;
const SAMPLES = 5000;

function fail(string $why): never
{
    fwrite(STDERR, "error: $why\n");
    exit(1);
}

/** The cache that was asked for; null is the database alone. */
function openCache(string $source, string $socket, int $mebibytes): ?object
{
    if ($source === 'nearcache') {
        return new NearCache\Cache("{$mebibytes}M");
    }
    if ($source === 'socket' && $socket !== '') {
        $memcached = new Memcached();
        $memcached->addServer($socket, 0);
        return $memcached;
    }
    return $source === 'database' ? null : fail("the source is database, nearcache, or socket with a path; not $source");
}

/** The memory this process really occupies. */
function residentKib(): int
{
    return (int) explode(' ', file_get_contents('/proc/self/statm'))[1] * 4;
}

/** Replays requests $from to $to, fills $latency with the nanoseconds of each get, returns how many. */
function replay(Users $users, SplFixedArray $requests, int $from, int $to, SplFixedArray $latency): int
{
    $gets = 0;
    for ($i = $from; $i < $to; $i++) {
        if ($i % 10000 === 0) {
            fwrite(STDERR, "progress $i {$requests->getSize()}\n");
        }
        $request = $requests[$i];
        if ($request & UPDATE) {
            $users->updateUser($request & ~UPDATE);
            continue;
        }
        $begin = hrtime(true);
        $user = $users->getUser($request);
        $latency[$gets++] = hrtime(true) - $begin;
        if ($user === null || $user['id'] !== $request) {
            fail("there is no user $request");
        }
    }
    return $gets;
}

/** Compares users that are cached now with their rows; returns how many were compared. */
function verify(Users $users, SplFixedArray $requests): int
{
    $verified = 0;
    $count = $requests->getSize();
    $step = intdiv($count, SAMPLES) + 1;
    for ($sample = 0; $sample < min(SAMPLES, $count); $sample++) {
        $id = $requests[$count - 1 - $sample * $step % $count] & ~UPDATE;
        $cached = $users->cached($id);
        if ($cached === null) {
            continue;
        }
        if ($cached !== $users->readRow($id)) {
            fail("user $id: the cached row is not the database's");
        }
        $verified++;
    }
    return $verified;
}

if ($argc < 4) {
    fail('usage: main.php database|nearcache|socket DATABASE REQUESTS [SOCKET] [CACHE_MIB]');
}
[, $source, $database, $stream] = $argv;
$requests = SplFixedArray::fromArray(unpack('V*', file_get_contents($stream)), false);
$total = $requests->getSize();
$latency = SplFixedArray::fromArray(array_fill(0, $total, 0)); // resident before memory is measured
$resident = residentKib();
$users = new Users($database, openCache($source, $argv[4] ?? '', (int) ($argv[5] ?? 16)));

replay($users, $requests, 0, intdiv($total, 2), $latency);
$users->hits = $users->misses = 0;
$begin = hrtime(true);
$gets = replay($users, $requests, intdiv($total, 2), $total, $latency);
$seconds = (hrtime(true) - $begin) / 1e9;
$grown = residentKib() - $resident;
$verified = verify($users, $requests);

$latency->setSize($gets);
$ordered = $latency->toArray();
sort($ordered);
echo json_encode([
    'requests' => $total - intdiv($total, 2),
    'seconds' => $seconds,
    'p50_us' => $ordered[intdiv($gets, 2)] / 1e3,
    'p99_us' => $ordered[intdiv($gets * 99, 100)] / 1e3,
    'hits' => $users->hits,
    'misses' => $users->misses,
    'verified' => $verified,
    'memory_kib' => $grown,
]), "\n";
