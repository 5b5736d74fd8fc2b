<?php
/*
 * The PHP driver of the semantics table: memcached's text commands on stdin, its replies on stdout, each executed
 * through NearCache\Cache on one fresh cache with a manual clock. It parses and words; every decision is the cache's.
 *
 *     php -d extension=/path/to/nearcache.so driver.php
 *
 * Without the extension it starts itself again with the one that tests/php/run.sh built, or that the environment
 * variable NEARCACHE_PHP_EXTENSION names.
 */

use NearCache\Cache;

if (!extension_loaded('nearcache')) {
    $extension = getenv('NEARCACHE_PHP_EXTENSION') ?: dirname(__DIR__, 2) . '/target/php/nearcache.so';
    if (getenv('NEARCACHE_DRIVER_AGAIN') !== false || !is_file($extension)) {
        fwrite(STDERR, "driver.php: the extension cannot be loaded from $extension: run tests/php/run.sh to build it\n");
        exit(1);
    }
    $command = [PHP_BINARY, '-d', "extension=$extension", __FILE__];
    $again = proc_open($command, [STDIN, STDOUT, STDERR], $pipes, null, ['NEARCACHE_DRIVER_AGAIN' => '1'] + getenv());
    exit($again === false ? 1 : proc_close($again));
}

const BAD_FORMAT = "CLIENT_ERROR bad command line format\r\n";

$cache = new Cache(64 << 20, ['manual_clock' => true]);

while (($line = fgets(STDIN)) !== false) {
    $words = preg_split('/ +/', rtrim($line, "\r\n"));
    $quiet = count($words) > 1 && end($words) === 'noreply';
    $reply = execute($cache, $quiet ? array_slice($words, 0, -1) : $words);
    if (!$quiet) {
        fwrite(STDOUT, $reply);
    }
}

function execute(Cache $cache, array $words): string
{
    $verb = array_shift($words);
    return match ($verb) {
        'get', 'gets' => retrieve($cache, $words, null, $verb === 'gets'),
        'gat', 'gats' => retrieve($cache, array_slice($words, 1), (int) $words[0], $verb === 'gats'),
        'set', 'add', 'replace', 'append', 'prepend', 'cas' => store($cache, $verb, $words),
        'incr', 'decr' => count_by($cache, $verb, $words),
        'touch' => worded($cache, $cache->touch($words[0], (int) $words[1]), "TOUCHED\r\n"),
        'delete' => worded($cache, $cache->delete($words[0]), "DELETED\r\n"),
        'flush_all' => worded($cache, $cache->flush((int) ($words[0] ?? 0)), "OK\r\n"),
        'advance' => $cache->advanceClock((int) $words[0]) ? "OK\r\n" : "ERROR\r\n",
        default => "ERROR\r\n",
    };
}

function retrieve(Cache $cache, array $keys, ?int $exptime, bool $withCas): string
{
    $reply = '';
    foreach ($keys as $key) {
        $item = $exptime === null ? $cache->getRaw($key) : $cache->getRaw($key, $exptime);
        if ($item === null) {
            if ($cache->getResultCode() !== Cache::RES_NOTFOUND) {
                return worded($cache, false, '');
            }
            continue;
        }
        [$bytes, $flags, $cas] = $item;
        $reply .= "VALUE $key $flags " . strlen($bytes) . ($withCas ? " $cas" : '') . "\r\n$bytes\r\n";
    }
    return $reply . "END\r\n";
}

function store(Cache $cache, string $verb, array $words): string
{
    [$key, $flags, $exptime, $length] = $words;
    $bytes = read_exactly((int) $length);
    read_exactly(2);
    // memcached's flags have 32 bits; it drops what is above.
    $stored = $cache->storeRaw($verb, $key, $bytes, (int) $flags & 0xffffffff, (int) $exptime, (int) ($words[4] ?? 0));
    return worded($cache, $stored, "STORED\r\n");
}

function count_by(Cache $cache, string $verb, array $words): string
{
    [$key, $delta] = $words;
    if (!preg_match('/^[0-9]+$/D', $delta)) {
        return "CLIENT_ERROR invalid numeric delta argument\r\n";
    }
    $number = $verb === 'incr' ? $cache->incrementRaw($key, $delta) : $cache->decrementRaw($key, $delta);
    return worded($cache, $number !== false, "$number\r\n");
}

function worded(Cache $cache, bool $done, string $success): string
{
    return $done ? $success : match ($cache->getResultCode()) {
        Cache::RES_NOTSTORED => "NOT_STORED\r\n",
        Cache::RES_DATA_EXISTS => "EXISTS\r\n",
        Cache::RES_NOTFOUND => "NOT_FOUND\r\n",
        Cache::RES_E2BIG => "SERVER_ERROR object too large for cache\r\n",
        Cache::RES_SERVER_MEMORY_ALLOCATION_FAILURE => "SERVER_ERROR out of memory storing object\r\n",
        Cache::RES_CLIENT_ERROR => "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
        Cache::RES_BAD_KEY_PROVIDED => BAD_FORMAT,
        default => "SERVER_ERROR " . $cache->getLastErrorMessage() . "\r\n",
    };
}

function read_exactly(int $length): string
{
    $bytes = '';
    while (strlen($bytes) < $length) {
        $more = fread(STDIN, $length - strlen($bytes));
        if ($more === false || $more === '') {
            break;
        }
        $bytes .= $more;
    }
    return $bytes;
}
