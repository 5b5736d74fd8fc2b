--TEST--
Portable values: the bytes that all languages agree on, both ways; what is refused; limits
--FILE--
<?php
use NearCache\Cache;

function plain(mixed $tagged): mixed
{
    if (!is_array($tagged)) {
        return $tagged;
    }
    $of = current($tagged);
    switch (key($tagged)) {
        // An int above PHP_INT_MAX is a string of its digits.
        case 'int': return (string) (int) $of === $of ? (int) $of : $of;
        case 'float': return unpack('E', hex2bin($of))[1];
        case 'str': return $of;
        case 'bin': return base64_decode($of);
        case 'list': return array_map(plain(...), $of);
    }
    $map = [];
    foreach ($of as [$key, $value]) {
        $map[plain($key)] = plain($value);
    }
    return $map;
}

ini_set('nearcache.serializer', 'portable');
$c = new Cache('8M', ['item_size_max' => '4M']);
ini_set('nearcache.serializer', 'php');
$other = new Cache('8M');
$vectors = json_decode(file_get_contents(__DIR__ . '/../../../tests/portable/vectors.json'), true, 1000, JSON_THROW_ON_ERROR);
$done = ['read' => 0, 'written' => 0, 'refused' => 0];
foreach ($vectors as $n => $vector) {
    $bytes = base64_decode($vector['bytes']);
    foreach ([$c, $other] as $reader) {
        $reader->storeRaw('set', 'k', $bytes, $vector['flags']);
        $got = @$reader->get('k');
        if (isset($vector['error'])) {
            $done['refused']++;
            if ($got !== false || $reader->getResultCode() !== Cache::RES_PAYLOAD_FAILURE || $reader->getRaw('k')[0] !== $bytes) {
                echo "$n was read as ", var_export($got, true), "\n";
            }
            continue;
        }
        $done['read']++;
        if (serialize($got) !== serialize(plain($vector['value'])) || $reader->getResultCode() !== 0) {
            echo "$n was read as ", var_export($got, true), ' ', $reader->getResultMessage(), "\n";
        }
    }
    if (in_array('php', $vector['writers'] ?? [])) {
        $done['written']++;
        $c->set('k', plain($vector['value']));
        if ($c->getRaw('k') !== [$bytes, $vector['flags'], $c->getRaw('k')[2]]) {
            echo "$n was written as ", bin2hex($c->getRaw('k')[0]), "\n";
        }
    }
}
echo min($done) >= 40 ? "enough\n" : json_encode($done), json_encode(count($vectors) > 130), "\n";

echo "lengths of 16 and 32 bits, NaN\n";
foreach ([str_repeat('a', 65535), str_repeat('a', 65536), str_repeat("\xff", 65535), str_repeat("\xff", 65536), range(0, 65534), range(0, 65535),
    array_flip(range(1, 65536)), array_fill_keys(range(1, 65536), null), NAN] as $value) {
    $c->set('k', $value);
    if (serialize($c->get('k')) !== serialize($value)) {
        echo 'differs: ', gettype($value), "\n";
    }
}

echo "objects\n";
$object = (object) ['a' => 1, '7' => (object) []];
$c->set('k', $object);
echo bin2hex($c->getRaw('k')[0]), ' ', json_encode($c->get('k')), "\n";
$reference = ['x'];
$c->set('k', ['a' => &$reference]);
echo json_encode($c->get('k')), "\n";
enum Suit: string { case Hearts = 'H'; }
class Point {}
class Json implements JsonSerializable { public function jsonSerialize(): mixed { return 1; } }
$cycle = [];
$cycle[] = &$cycle;
$loop = new stdClass;
$loop->loop = $loop;
$deep = [];
for ($i = 0; $i < 128; $i++) {
    $deep = [$deep];
}
$c->set('k', 'old');
foreach ([new Point, [1, [new Json]], Suit::Hearts, fn () => 1, STDIN, [STDIN], $cycle, $loop, $deep] as $value) {
    try {
        $c->set('k', $value);
        echo "was stored\n";
    } catch (NearCache\Exception $e) {
        echo $e->getMessage(), ' ', $c->getResultCode(), ' ', $c->get('k'), "\n";
    }
}

echo "counters\n";
$c->set('n', 5);
var_dump($c->increment('n'), $c->get('n'), $c->getRaw('n')[1] === 0x4E430001);
var_dump($c->increment('made', 1, 10), $c->getRaw('made')[1] === 0x4E430001, $c->decrement('made'), $c->get('made'));
var_dump($c->append('n', '0'), $c->get('n'), $c->get('n', null, Cache::GET_EXTENDED)['flags']);
$c->set('text', 'text');
var_dump(@$c->append('text', 'x'), $c->getResultCode() === Cache::RES_NOTSTORED, $c->get('text'));

echo "compressed\n";
ini_set('nearcache.serializer', 'portable');
ini_set('nearcache.compression', '1');
$small = new Cache('8M');
$value = ['list' => array_fill(0, 1000, 'the same words')];
$small->set('k', $value);
[$bytes, $flags] = $small->getRaw('k');
var_dump($flags === 0x4E430008, strlen($bytes) < 1000, $small->get('k') === $value);
$other->storeRaw('set', 'k', $bytes, $flags);
var_dump($other->get('k') === $value);
$small->set('n', 12345);
var_dump($small->getRaw('n')[0]);
var_dump($c->check() && $other->check() && $small->check());
?>
--EXPECT--
enough
true
lengths of 16 and 32 bits, NaN
objects
82a16101a13780 {"a":1,"7":[]}
{"a":["x"]}
a portable value is null, a bool, int, float, string, array or stdClass, not an object of class Point: store an array of what is in it, or choose another serializer -1001 old
a portable value is null, a bool, int, float, string, array or stdClass, not an object of class Json: store an array of what is in it, or choose another serializer -1001 old
a portable value is null, a bool, int, float, string, array or stdClass, not an object of class Suit: store an array of what is in it, or choose another serializer -1001 old
a portable value is null, a bool, int, float, string, array or stdClass, not an object of class Closure: store an array of what is in it, or choose another serializer -1001 old
a resource cannot be cached: it means nothing outside of this request -1001 old
a resource cannot be cached: it means nothing outside of this request -1001 old
a portable value has at most 128 arrays and objects in one another (this one may contain itself) -1001 old
a portable value has at most 128 arrays and objects in one another (this one may contain itself) -1001 old
a portable value has at most 128 arrays and objects in one another (this one may contain itself) -1001 old
counters
int(6)
int(6)
bool(true)
int(10)
bool(true)
int(9)
int(9)
bool(true)
int(60)
int(0)
bool(false)
bool(true)
string(4) "text"
compressed
bool(true)
bool(true)
bool(true)
bool(true)
string(5) "12345"
bool(true)
