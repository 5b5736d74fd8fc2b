<?php
/*
 * The page that PHP-FPM serves for the tests of what caches are asked to bear: more than they hold, beside APCu, and requests
 * that end while a value is made of its bytes.
 */
[$verb, $a] = json_decode(file_get_contents('php://input'), true);
$cache = new NearCache\Cache();

/** Ends the request, or takes too long for it, when it is made of its bytes. */
class Ends
{
    public function __construct(public string $how) {}

    public function __wakeup(): void
    {
        global $cache, $a;
        switch ($a['ending'] ?? 'none') {
            case 'throw':
                throw new LogicException('thrown on purpose');
            case 'exit':
                exit('ended on purpose');
            case 'time':
                set_time_limit(1);
                for (;;);
            case 'itself':
                // Asks the cache for what it is made of, and changes it.
                $a['ending'] = 'none';
                $cache->get($a['key']);
                $cache->set($a['key'], 'changed within');
        }
    }
}

/** Bytes whose value takes some twenty times as much memory. */
function bulky(string $what): array
{
    return match ($what) {
        'arrays' => array_map(fn($n) => [$n], range(1, 40_000)),
        'objects' => array_map(fn($n) => (object) ['n' => $n], range(1, 25_000)),
        default => [str_repeat('x', 100_000), new Ends($what)],
    };
}

/** The value of a key that both caches are filled with. */
function value(string $key, int $length): string
{
    return str_pad($key, $length, sha1($key));
}

/** Stores and fetches on either side. */
$store = fn(string $key) => $a['side'] === 'apcu'
    ? apcu_store($key, value($key, $a['length']), 3600)
    : $cache->set($key, value($key, $a['length']), 3600);
$fetch = fn(string $key) => $a['side'] === 'apcu' ? apcu_fetch($key) : $cache->get($key);
$answer = match ($verb) {
    // Both caches: how many of these keys could be stored, how many are there with their values, how many are wrong.
    'store' => count(array_filter($a['keys'], $store)),
    'fetch' => array_count_values(array_map(fn($key) => match ($fetch($key)) {
        value($key, $a['length']) => 'hits',
        false => 'misses',
        default => 'faults',
    }, $a['keys'])) + ['hits' => 0, 'misses' => 0, 'faults' => 0],
    'apcu' => ['wipes' => apcu_cache_info(true)['expunges'], 'items' => apcu_cache_info(true)['num_entries']],
    // Values that are bulky.
    'keep' => $cache->set($a['key'], bulky($a['what'])),
    'read' => (function () use ($a, $cache) {
        isset($a['memory']) && ini_set('memory_limit', $a['memory']);
        return is_array($cache->get($a['key']));
    })(),
    'raw' => ($raw = $cache->getRaw($a['key'])) ? [md5($raw[0]), $raw[1], $raw[2]] : null,
    // Ours.
    'set' => $cache->set($a['key'], $a['value']),
    'get' => $cache->get($a['key']),
    'delete' => $cache->delete($a['key']),
    'add' => $cache->add($a['key'], $a['value']),
    'keys' => iterator_to_array($cache->keys()),
    'flush' => $cache->flush(),
    'stats' => $cache->stats(),
    'info' => $cache->getInfo(),
    'processes' => $cache->getProcesses(),
    'check' => $cache->check(),
};
echo json_encode(['pid' => getmypid(), 'answer' => $answer]);
