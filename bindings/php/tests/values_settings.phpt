--TEST--
How values are written: php.ini's settings, those that cannot be met, thresholds and factors, classes that may be made
--FILE--
<?php
use NearCache\Cache;

require __DIR__ . '/sharing.inc';
set_error_handler(function ($level, $text) { echo $text, "\n"; return true; });

echo "cannot be met\n";
foreach (['serializer' => ['Php', 'igbinary', 'x'], 'compression_type' => ['lzf'], 'compression_level' => ['23', '-8', '1.5', 'x'], 'compression_threshold' => ['-1', '2K'],
    'compression_factor' => ['0.9', 'NaN', 'inf', 'x']] as $name => $texts) {
    foreach ($texts as $text) {
        $default = ini_set("nearcache.$name", $text);
        new Cache('2M');
        $default === false || ini_set("nearcache.$name", $default);
    }
}
/** The flags and the length of a value as it is stored with these settings. */
function stored(string $value, array $settings): string
{
    foreach ($settings as $name => $setting) {
        $defaults[$name] = ini_set("nearcache.$name", $setting);
    }
    $cache = new Cache('8M');
    foreach ($defaults ?? [] as $name => $default) {
        ini_set("nearcache.$name", $default);
    }
    $cache->set('k', $value);
    [$bytes, $flags] = $cache->getRaw('k');
    return dechex($flags) . ' ' . strlen($bytes) . ($cache->get('k') === $value ? '' : ' and did not come back');
}
echo "compression\n";
$on = ['compression' => 'on'];
$words = fn (int $n) => substr(str_repeat('words ', 1 + intdiv($n, 6)), 0, $n);
echo 'off by default: ', stored($words(5000), []), "\n";
echo 'below the threshold: ', stored($words(1999), $on), "\n";
echo 'at the threshold: ', stored($words(2000), $on), "\n";
echo 'a threshold of 0: ', stored('', $on + ['compression_threshold' => '0']), ', ', stored('a', $on + ['compression_threshold' => '0']), "\n";
echo 'a lower one: ', stored($words(100), $on + ['compression_threshold' => '100']), "\n";
echo 'noise: ', stored(random_bytes(5000), $on), "\n";
$half = random_bytes(3000) . str_repeat('x', 3000);
echo 'half as long is not enough: ', stored($half, $on + ['compression_factor' => '2.5', 'compression_type' => 'zlib']), "\n";
echo 'and is: ', preg_replace('/ 30\d\d/', ' 30..', stored($half, $on + ['compression_factor' => '1.9', 'compression_type' => 'zlib'])), "\n";
foreach (['zlib', 'zstd'] as $type) {
    foreach ([-7, 0, 9, 22] as $level) {
        if (!str_starts_with(stored($words(5000), $on + ['compression_type' => $type, 'compression_level' => "$level"]), $type === 'zlib' ? '30 ' : '90 ')) {
            echo "$type at $level\n";
        }
    }
}

echo "classes\n";
const READ = '$c = new NearCache\Cache("2M"); class A { public $b; } class B {} $a = new A; $a->b = new B; $c->set("k", [$a, new B]); '
    . '[$x, $y] = $c->get("k"); echo get_class($x), " ", $x instanceof A ? get_class($x->b) : "-", " ", get_class($y), "\n";';
foreach (['*', '', 'A', ' a , \B ', 'B', 'None'] as $classes) {
    echo "'$classes': ", php(['nearcache.unserialize_allowed_classes' => "\"$classes\""], READ);
}
echo 'a script cannot change it: ', json_encode(ini_set('nearcache.unserialize_allowed_classes', '*')), "\n";
?>
--EXPECT--
cannot be met
ini_set(): nearcache.serializer is "Php": it must be one of php, igbinary, json, json_array, msgpack, portable; it stays "php"
NearCache\Cache::__construct(): nearcache.serializer is "igbinary": it must be php, igbinary, msgpack, json, json_array or portable, of which igbinary and msgpack need the extension of that name; its default is used instead
ini_set(): nearcache.serializer is "x": it must be one of php, igbinary, json, json_array, msgpack, portable; it stays "php"
ini_set(): nearcache.compression_type is "lzf": it must be one of fastlz, zlib, zstd; it stays "fastlz"
ini_set(): nearcache.compression_level is "23": it must be a number between -7 and 22; it stays "3"
ini_set(): nearcache.compression_level is "-8": it must be a number between -7 and 22; it stays "3"
ini_set(): nearcache.compression_level is "1.5": it must be a number between -7 and 22; it stays "3"
ini_set(): nearcache.compression_level is "x": it must be a number between -7 and 22; it stays "3"
ini_set(): nearcache.compression_threshold is "-1": it must be a number between 0 and 1073741824; it stays "2000"
ini_set(): nearcache.compression_threshold is "2K": it must be a number between 0 and 1073741824; it stays "2000"
ini_set(): nearcache.compression_factor is "0.9": it must be a number of 1 or more, as in 1.3; it stays "1.3"
ini_set(): nearcache.compression_factor is "NaN": it must be a number of 1 or more, as in 1.3; it stays "1.3"
ini_set(): nearcache.compression_factor is "inf": it must be a number of 1 or more, as in 1.3; it stays "1.3"
ini_set(): nearcache.compression_factor is "x": it must be a number of 1 or more, as in 1.3; it stays "1.3"
compression
off by default: 0 5000
below the threshold: 0 1999
at the threshold: 50 38
a threshold of 0: 0 0, 0 1
a lower one: 50 17
noise: 0 5000
half as long is not enough: 0 6000
and is: 30 30..
classes
'*': A B B
'': __PHP_Incomplete_Class - __PHP_Incomplete_Class
'A': A __PHP_Incomplete_Class __PHP_Incomplete_Class
' a , \B ': A B B
'B': __PHP_Incomplete_Class - B
'None': __PHP_Incomplete_Class - __PHP_Incomplete_Class
a script cannot change it: false
