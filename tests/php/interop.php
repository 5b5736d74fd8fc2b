<?php
/*
 * php-memcached and NearCache\Cache on one shared cache, the former through nearcached: what either writes the other
 * reads, every type, by every serializer, compressed or not, with the user's flags; and where nothing is compressed they
 * write the same bytes. FastLZ's streams of either are read by the other's, for many texts.
 *
 *     php -d extension=/path/to/nearcache.so interop.php /path/to/nearcached      (php-memcached, igbinary, msgpack loaded)
 *
 * NEARCACHE_SEED replays the texts of a run.
 */

use NearCache\Cache;

foreach (['memcached', 'igbinary', 'msgpack', 'nearcache'] as $extension) {
    if (!extension_loaded($extension)) {
        exit("the extension $extension is not loaded\n");
    }
}
$directory = '/dev/shm/nearcache-interop-' . bin2hex(random_bytes(6));
mkdir($directory, 0700);
putenv("NEARCACHE_DIR=$directory");
$socket = "$directory/socket";
$user = posix_getpwuid(posix_geteuid())['name'];
$server = proc_open([$argv[1], '--region', 'interop', '-s', $socket, '-a', '700', '-m', '64', '-I', '8m', '-t', '1', '-u', $user], [], $pipes);
register_shutdown_function(function () use ($server, $directory) {
    proc_terminate($server);
    proc_close($server);
    array_map('unlink', glob("$directory/*"));
    rmdir($directory);
});
$deadline = microtime(true) + 20;
while (!($wire = @stream_socket_client("unix://$socket"))) {
    if (microtime(true) > $deadline || !proc_get_status($server)['running']) {
        fwrite(STDERR, "nearcached does not answer on $socket\n");
        exit(1);
    }
    usleep(10000);
}
// It answers when it has attached the cache.
fwrite($wire, "version\r\n");
fgets($wire);

$checks = 0;
$failures = 0;

function check(string $what, mixed $expected, mixed $got): void
{
    global $checks, $failures;
    $checks++;
    if (serialize($expected) !== serialize($got)) {
        $failures++;
        echo "$what\n    expected: ", substr(var_export($expected, true), 0, 200), "\n    got:      ", substr(var_export($got, true), 0, 200), "\n";
    }
}

/** An object that writes so; the settings are read when it is made. */
function ours(string $serializer, string $type): Cache
{
    ini_set('nearcache.serializer', $serializer);
    ini_set('nearcache.compression', $type === 'off' ? '0' : '1');
    ini_set('nearcache.compression_type', $type === 'off' ? 'fastlz' : $type);
    // zlib's own default, which php-memcached takes.
    ini_set('nearcache.compression_level', '6');
    return new Cache('64M', ['name' => 'interop', 'create' => false]);
}

function theirs(int $serializer, string $type): Memcached
{
    global $socket;
    $client = new Memcached();
    $client->addServer($socket, 0);
    $client->setOption(Memcached::OPT_SERIALIZER, $serializer);
    $client->setOption(Memcached::OPT_COMPRESSION, $type !== 'off');
    $client->setOption(Memcached::OPT_COMPRESSION_TYPE, $type === 'zlib' ? Memcached::COMPRESSION_ZLIB : Memcached::COMPRESSION_FASTLZ);
    return $client;
}

class Point
{
    public $x = 1;
    protected $y = [2.5, null];
    private $z = 'three';
}

$seed = getenv('NEARCACHE_SEED') ?: (string) random_int(1, PHP_INT_MAX);
$random = new Random\Randomizer(new Random\Engine\Mt19937((int) $seed));

/** A text with something to find in it: runs, copies from near and far, noise. */
function text(int $length): string
{
    global $random;
    $text = '';
    while (strlen($text) < $length) {
        $more = $random->getInt(1, 300);
        $text .= match ($text === '' ? 0 : $random->getInt(0, 3)) {
            0 => $random->getBytes($more),
            1 => str_repeat(chr($random->getInt(0, 255)), $more),
            default => substr($text, $random->getInt(0, strlen($text) - 1), $more),
        };
    }
    return substr($text, 0, $length);
}

$scalars = ['', 'text', "\0\xff", 0, 5, -7, PHP_INT_MAX, PHP_INT_MIN, true, false, 0.1, 1.0, -0.0, 1e100, -1.5e-7, NAN, INF, -INF];
$long = [str_repeat('the same words ', 1000), str_repeat("\0", 200000), $random->getBytes(5000), text(70000)];
$arrays = [null, [], [1, 'a' => [true, null]], range(1, 3000), array_fill(0, 500, ['name' => 'value', 'other' => 1.5])];
$serializers = ['php' => Memcached::SERIALIZER_PHP, 'igbinary' => Memcached::SERIALIZER_IGBINARY, 'json' => Memcached::SERIALIZER_JSON,
    'json_array' => Memcached::SERIALIZER_JSON_ARRAY, 'msgpack' => Memcached::SERIALIZER_MSGPACK];
foreach ($serializers as $name => $number) {
    $objects = match ($name) {
        'json', 'json_array' => [(object) ['a' => ['b' => 1]]],
        default => [new Point, (object) ['a' => [1]], new ArrayObject([1])],
    };
    foreach (['off', 'fastlz', 'zlib'] as $type) {
        $ours = ours($name, $type);
        $theirs = theirs($number, $type);
        foreach ([...$scalars, ...$long, ...$arrays, ...$objects] as $n => $value) {
            $what = "$name, compression $type, value $n (" . get_debug_type($value) . ')';
            check("$what: they set", true, $theirs->set('k', $value));
            $theirsSaw = $theirs->get('k');
            check("$what, theirs", $theirsSaw, $ours->get('k'));
            check('its code', 0, $ours->getResultCode());
            [$bytes, $flags] = $ours->getRaw('k');
            check("$what: we set", true, $ours->set('k', $value));
            check("$what, ours", $theirsSaw, $theirs->get('k'));
            check('its code', 0, $theirs->getResultCode());
            check("$what: both read ours", $theirsSaw, $ours->get('k'));
            [$mine, $flagged] = $ours->getRaw('k');
            if (($flags | $flagged) & 0x10) {
                // How much shorter a compressor makes it is its own affair, but hardly by a tenth.
                check("$what: about as short", true, abs(strlen($mine) - strlen($bytes)) <= 50 + strlen($bytes) / 10);
                check("$what: the same flags", $flags, $flagged);
            } else {
                check("$what: the same bytes", [$bytes, $flags & 0x1f], [$mine, $flagged & 0x1f]);
            }
        }
        foreach ([0, 1, 7, 65535] as $mark) {
            $theirs->setOption(Memcached::OPT_USER_FLAGS, $mark);
            foreach ([5, 'text', $long[0], $arrays[3]] as $value) {
                $theirs->set('k', $value);
                $got = $ours->get('k', null, Cache::GET_EXTENDED);
                check("$name, $type, the user's flags $mark", [$value, $mark], [$got['value'], $got['flags']]);
                $ours->set('k', $value);
                [$bytes, $flags] = $ours->getRaw('k');
                $ours->storeRaw('set', 'k', $bytes, $flags | $mark << 16);
                $got = $theirs->get('k', null, Memcached::GET_EXTENDED);
                check("$name, $type, the user's flags $mark back", [$value, $mark], [$got['value'], $got['flags']]);
            }
        }
    }
}

foreach (['fastlz', 'zlib'] as $type) {
    $ours = ours('php', $type);
    $theirs = theirs(Memcached::SERIALIZER_PHP, $type);
    $compressed = 0;
    for ($round = 0; $round < 300; $round++) {
        $text = text($random->getInt(2000, $round % 10 ? 12000 : 300000));
        $theirs->set('k', $text);
        $compressed += (int) (($ours->getRaw('k')[1] & 0x10) !== 0);
        check("$type: text $round of theirs, NEARCACHE_SEED=$seed", true, $ours->get('k') === $text);
        $ours->set('k', $text);
        $compressed += (int) (($ours->getRaw('k')[1] & 0x10) !== 0);
        check("$type: text $round of ours, NEARCACHE_SEED=$seed", true, $theirs->get('k') === $text);
    }
    check("$type: most were compressed", true, $compressed > 300);
}
// A counter that increment makes there is a string here and there.
$theirs->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
check('a counter of theirs', 40, $theirs->increment('n', 1, 40));
check('read here', '40', $ours->get('n'));
check('counted here', 41, $ours->increment('n'));
check('a counter of ours', 50, $ours->increment('m', 1, 50));
check('counted there', 51, $theirs->increment('m', 1, 0));
check('as it is', $theirs->get('m'), $ours->get('m'));
check('the cache', true, $ours->check());
echo "$checks checks, $failures failures\n";
exit($failures === 0 ? 0 : 1);
