--TEST--
Every type by every serializer, compressed by each compressor or not: it comes back, and is read by any other object
--EXTENSIONS--
igbinary
msgpack
--FILE--
<?php
use NearCache\Cache;

class Point
{
    public $x = 1;
    protected $y = [2.5, null];
    private $z = 'three';
}

/** An object that writes so; settings are read when it is made. */
function writer(string $serializer, string $type = 'off'): Cache
{
    ini_set('nearcache.serializer', $serializer);
    ini_set('nearcache.compression', $type === 'off' ? '0' : '1');
    ini_set('nearcache.compression_type', $type === 'off' ? 'fastlz' : $type);
    return new Cache('16M');
}

$reader = new Cache('16M');
$random = new Random\Randomizer(new Random\Engine\Xoshiro256StarStar(20));
$values = ['', 'text', "\xff\0", 0, -7, PHP_INT_MAX, PHP_INT_MIN, true, false, null, 0.1, -0.0, 1e100, NAN, INF, -INF, [], [1, 'a' => [true, null]],
    str_repeat('the same words ', 1000), str_repeat("\0", 100000), $random->getBytes(5000), range(1, 3000),
    array_fill(0, 500, ['name' => 'value', 'other' => 1.5])];
$kinds = ['php' => [4, [new Point]], 'igbinary' => [5, [new Point]], 'msgpack' => [7, []], 'json_array' => [6, []]];
foreach ($kinds as $serializer => [$kind, $more]) {
    foreach (['off', 'zlib', 'fastlz', 'zstd'] as $type) {
        $cache = writer($serializer, $type);
        $seen = [];
        foreach ([...$values, ...$more] as $value) {
            $cache->set('k', $value);
            [$bytes, $flags] = $cache->getRaw('k');
            $back = $cache->get('k');
            if (serialize($back) !== serialize($value) || $cache->getResultCode() !== 0) {
                echo "$serializer $type: ", substr(var_export($value, true), 0, 60), ' came back as ', substr(var_export($back, true), 0, 60), "\n";
            }
            $reader->storeRaw('set', 'k', $bytes, $flags);
            if ($serializer !== 'json_array' && serialize($reader->get('k')) !== serialize($value)) {
                echo "$serializer $type is not read by others\n";
            }
            if (is_string($value) && ($flags & 15) !== 0 || (is_array($value) || $value === null) && ($flags & 15) !== $kind) {
                echo "$serializer $type: flags ", dechex($flags), ' for ', get_debug_type($value), "\n";
            }
            $seen[$flags & 0xf0] = true;
        }
        ksort($seen);
        echo "$serializer $type: ", implode(' ', array_map(dechex(...), array_keys($seen))), "\n";
        if (!$cache->check()) {
            echo "unsound\n";
        }
    }
}

echo "json\n";
$json = writer('json');
$json->set('k', ['a' => ['b' => 1]]);
var_dump($json->getRaw('k')[0], $json->get('k') == (object) ['a' => (object) ['b' => 1]]);
class Told implements JsonSerializable { public function __construct(private mixed $what) {} public function jsonSerialize(): mixed { return $this->what instanceof Throwable ? throw $this->what : $this->what; } }
$json->set('k', new Told([1, 2]));
echo json_encode($json->get('k')), "\n";
foreach ([["\xff"], new Told(new LogicException('not me')), NAN, [NAN]] as $value) {
    try {
        var_dump($json->set('k', $value));
    } catch (Exception $e) {
        echo get_class($e), ': ', $e->getMessage(), ' ', $json->getResultCode(), "\n";
    }
}
echo "what cannot be serialized\n";
foreach (['php', 'igbinary', 'msgpack'] as $serializer) {
    $cache = writer($serializer);
    $cache->set('k', 'old');
    foreach ([fn () => 1, STDIN] as $value) {
        try {
            $cache->set('k', $value);
            echo "$serializer stored it\n";
        } catch (Exception $e) {
            echo $serializer, ' ', get_class($e), ': ', $e->getMessage(), ' ', $cache->getResultCode(), ' ', $cache->get('k'), "\n";
        }
    }
}
?>
--EXPECT--
php off: 0
php zlib: 0 30
php fastlz: 0 50
php zstd: 0 90
igbinary off: 0
igbinary zlib: 0 30
igbinary fastlz: 0 50
igbinary zstd: 0 90
msgpack off: 0
msgpack zlib: 0 30
msgpack fastlz: 0 50
msgpack zstd: 0 90
json_array off: 0
json_array zlib: 0 30
json_array fastlz: 0 50
json_array zstd: 0 90
json
string(13) "{"a":{"b":1}}"
bool(true)
[1,2]
NearCache\Exception: the value cannot be written as JSON: Malformed UTF-8 characters, possibly incorrectly encoded -1001
LogicException: not me -1001
bool(true)
NearCache\Exception: the value cannot be written as JSON: Inf and NaN cannot be JSON encoded -1001
what cannot be serialized
php Exception: Serialization of 'Closure' is not allowed -1001 old
php NearCache\Exception: a resource cannot be cached: it means nothing outside of this request -1001 old
igbinary Exception: Serialization of 'Closure' is not allowed -1001 old
igbinary NearCache\Exception: a resource cannot be cached: it means nothing outside of this request -1001 old
msgpack Exception: Serialization of 'Closure' is not allowed -1001 old
msgpack NearCache\Exception: a resource cannot be cached: it means nothing outside of this request -1001 old
