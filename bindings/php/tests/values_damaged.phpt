--TEST--
Damaged payloads of every kind: cut, lengths that lie, random bytes; each is read or refused, nothing is harmed
--EXTENSIONS--
igbinary
--FILE--
<?php
use NearCache\Cache;

$c = new Cache('8M', ['item_size_max' => '2M']);
$c->set('other', 'untouched');
$warned = null;
set_error_handler(function ($level, $text) use (&$warned) { $warned = $text; return true; });

echo "lengths that lie\n";
$text = str_repeat('the same words ', 1000);
$zlib = gzcompress($text);
$head = fn (int $length) => pack('L', $length);
foreach ([
    'cut in the length' => [0x50, "\1\0\0"],
    'nothing behind it' => [0x30, $head(15000)],
    'more than it holds' => [0x30, $head(15001) . $zlib],
    'less than it holds' => [0x30, $head(14999) . $zlib],
    'more than it can' => [0x30, $head(1 << 28) . $zlib],
    '4 GiB' => [0x50, $head(0xffffffff) . str_repeat("\xff", 1000)],
    '4 GiB of zstd' => [0x90, $head(0xffffffff) . str_repeat("\xff", 1000000)],
    'cut' => [0x30, $head(15000) . substr($zlib, 0, -5)],
    'zlib as FastLZ' => [0x50, $head(15000) . $zlib],
    'zlib as zstd' => [0x90, $head(15000) . $zlib],
    'two compressors' => [0x70, $head(15000) . $zlib],
    'a float' => [0x32, $head(15000) . $zlib],
    'serialized' => [0x34, $head(15000) . $zlib],
] as $what => [$flags, $bytes]) {
    $warned = null;
    $c->storeRaw('set', 'k', $bytes, $flags);
    echo "$what: ", json_encode($c->get('k')), ' ', $c->getResultMessage(), ': ', preg_replace('/.* with flags /', '', $warned ?? 'no warning'), "\n";
}
// The kind without the bit that says compressed: php-memcached leaves it when the value did not become shorter.
$c->storeRaw('set', 'k', 'plain', 0x40);
var_dump($c->get('k'));

$seed = getenv('NEARCACHE_SEED') ?: (string) random_int(1, PHP_INT_MAX);
$random = new Random\Randomizer(new Random\Engine\Mt19937((int) $seed));
$sound = [0 => 'a string ' . str_repeat('x', 50), 1 => '12345', 2 => '1.5', 3 => '1', 4 => serialize([1, ['a' => 2.5, 'b' => null]]), 5 => igbinary_serialize([1, ['a' => 2.5]]),
    6 => json_encode(['a' => [1, null]]), 0x4E430000 => "\x92\x01\x81\xa1a\xcb\0\0\0\0\0\0\0\0", 0x4E430001 => '77', 0x4E430002 => "\x93\x07\x04\x80" . serialize([1]),
    0x4E430008 => gzcompress("\x91\xa3abc"), 0x10 => 'text', 0x30 => $head(15000) . $zlib, 0x50 => $head(9) . "\x02abc\x80\x02", 0x54 => $head(6) . "\x05a:0:{}",
    0x90 => $head(9) . hex2bin('28b52ffd0409490000736f6d6520746578740a')];
ini_set('nearcache.compression', '1');
foreach (['fastlz', 'zstd'] as $type) {
    ini_set('nearcache.compression_type', $type);
    $writer = new Cache('2M');
    foreach ([$text, range(0, 2000)] as $value) {
        $writer->set('k', $value);
        [$bytes, $flags] = $writer->getRaw('k');
        $sound[$flags] = $bytes;
    }
}
$read = 0;
$failed = 0;
for ($round = 0; $round < 20000; $round++) {
    $flags = array_keys($sound)[$random->getInt(0, count($sound) - 1)];
    $bytes = $random->getInt(0, 3) ? $sound[$flags] : $random->getBytes($random->getInt(1, 60));
    for ($i = $random->getInt(0, 3); $i > 0 && $bytes !== ''; $i--) {
        $bytes[$random->getInt(0, strlen($bytes) - 1)] = chr($random->getInt(0, 255));
    }
    $bytes = substr($bytes, 0, $random->getInt(0, 3) ? null : $random->getInt(0, strlen($bytes)));
    $c->storeRaw('set', 'k', $bytes, $flags);
    try {
        $c->get('k');
    } catch (Throwable $e) {
        // PHP's own: of a damaged length in a serialized object, say.
    }
    match ($c->getResultCode()) {
        Cache::RES_SUCCESS => $read++,
        Cache::RES_PAYLOAD_FAILURE, Cache::RES_NOTFOUND => $failed++,
    };
    if ($c->getRaw('k')[0] !== $bytes && $flags !== 0x4E4300FF) {
        echo "round $round changed it, NEARCACHE_SEED=$seed\n";
    }
}
echo $read > 1000 && $failed > 1000 ? "both\n" : "$read read, $failed refused, NEARCACHE_SEED=$seed\n";
var_dump($c->get('other'), $c->check());
?>
--EXPECTF--
lengths that lie
cut in the length: false PAYLOAD FAILURE: 0x50 (its length is cut short)
nothing behind it: false PAYLOAD FAILURE: 0x30 (0 bytes of zlib cannot hold the 15000 announced)
more than it holds: false PAYLOAD FAILURE: 0x30 (not the zlib of 15001 bytes)
less than it holds: false PAYLOAD FAILURE: 0x30 (not the zlib of 14999 bytes)
more than it can: false PAYLOAD FAILURE: 0x30 (%d bytes of zlib cannot hold the 268435456 announced)
4 GiB: false PAYLOAD FAILURE: 0x50 (1000 bytes of FastLZ cannot hold the 4294967295 announced)
4 GiB of zstd: false PAYLOAD FAILURE: 0x90 (1000000 bytes of Zstandard cannot hold the 4294967295 announced)
cut: false PAYLOAD FAILURE: 0x30 (not the zlib of 15000 bytes)
zlib as FastLZ: false PAYLOAD FAILURE: 0x50 (not the FastLZ of 15000 bytes)
zlib as zstd: false PAYLOAD FAILURE: 0x90 (not the Zstandard of 15000 bytes)
two compressors: false PAYLOAD FAILURE: 0x70 (compressed by what, the flags do not say)
a float: false PAYLOAD FAILURE: 0x32 (not a float)
serialized: false PAYLOAD FAILURE: 0x34 (not serialized by PHP)
string(5) "plain"
both
string(9) "untouched"
bool(true)
