--TEST--
Store and Queue: values of every type under every serializer, portable values beside the table of all languages, what cannot be read
--EXTENSIONS--
igbinary
msgpack
--FILE--
<?php
use NearCache\{Cache, Queue, Store};

require __DIR__ . '/store.inc';

class Point
{
    public function __construct(public int $x = 0, protected array $more = []) {}
}
class Throws
{
    public function __serialize(): array { throw new LogicException('not to be written'); }
}
class ThrowsBack
{
    public function __serialize(): array { return []; }
    public function __unserialize(array $data): void { throw new LogicException('not to be read'); }
}

$values = ['', 'text', "\0\xff bytes", 0, -1, PHP_INT_MIN, PHP_INT_MAX, 0.0, -0.5, 1e300, INF, -INF, true, false, null, [], [1, 2, 3],
    ['a' => ['b' => [null, 1.5, 'x']], 7 => 'seven'], str_repeat('long and dull ', 1000), range(0, 2000)];
$objects = [new Point(1, ['deep' => new Point(2)]), new ArrayObject([1, 'a' => 2])];
foreach (['php', 'igbinary', 'msgpack', 'json_array', 'portable'] as $n => $serializer) {
    foreach ([false, 'zlib', 'fastlz', 'zstd'] as $compression) {
        $options = ['serializer' => $serializer, 'compression' => $compression];
        // The options of the directory are those that it was opened with first.
        $s = new Store("$directory/s", $n || $compression ? $options : QUICK + $options);
        $keep ??= $s;
        $q = $s->queue('values');
        // What any of them writes, any reads.
        $reader = new Store("$directory/s", ['serializer' => 'json_array']);
        $all = in_array($serializer, ['json_array', 'portable']) ? $values : [...$values, ...$objects];
        $lost = 0;
        foreach ($all as $value) {
            if ($serializer === 'json_array' && is_string($value) && !preg_match('//u', $value)) {
                continue;
            }
            $s->set('v', $value);
            $q->put($value);
            $s->batch(fn($b) => $b->set('b', $value)->push($q, $value));
            $got = [$s->get('v'), $reader->get('v'), $s->getMulti(['v'])['v'], $s->range('v', 'v')['v'], iterator_to_array($s->scan('v'))['v'], $s->snapshot()->get('v'),
                $s->get('b'), $q->peek()[0]->value, $q->get()->value, $q->take()->value];
            foreach ($got as $one) {
                $lost += serialize($one) !== serialize($value);
            }
            $q->purge();
        }
        echo "$serializer ", json_encode($compression), ': ', count($all), " values, $lost lost\n";
    }
}

// The table that all languages agree on: both ways.
$s = new Store("$directory/s", ['serializer' => 'portable']);
function plain(mixed $tagged): mixed
{
    if (!is_array($tagged)) {
        return $tagged;
    }
    $of = current($tagged);
    switch (key($tagged)) {
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
$done = ['read' => 0, 'written' => 0, 'refused' => 0];
foreach (json_decode(file_get_contents(__DIR__ . '/../../../tests/portable/vectors.json'), true, 1000, JSON_THROW_ON_ERROR) as $n => $vector) {
    $bytes = base64_decode($vector['bytes']);
    $s->storeRaw('set', 'k', $bytes, $vector['flags']);
    try {
        $got = $s->get('k');
        $done['read']++;
        if (isset($vector['error']) || serialize($got) !== serialize(plain($vector['value']))) {
            echo "$n was read as ", var_export($got, true), "\n";
        }
    } catch (NearCache\DamagedException $e) {
        $done['refused']++;
        isset($vector['error']) || print("$n: {$e->getMessage()}\n");
    }
    if (in_array('php', $vector['writers'] ?? [])) {
        $done['written']++;
        $s->set('k', plain($vector['value']));
        array_slice($s->getRaw('k'), 0, 2) === [$bytes, $vector['flags']] || print("$n was written as " . bin2hex($s->getRaw('k')[0]) . "\n");
    }
}
echo min($done) >= 40 ? "enough\n" : json_encode($done);

// What cannot be written is refused, and nothing is changed.
$s = new Store("$directory/s", ['serializer' => 'php']);
$q = $s->queue('bad');
$s->set('kept', 'old');
thrown(fn() => $s->set('kept', new Throws()), fn() => $s->set('kept', fopen('php://memory', 'r')), fn() => $s->setMulti(['kept' => 1, 'no' => new Throws()]),
    fn() => $q->put(new Throws()), fn() => $q->putMulti([1, new Throws()]), fn() => $s->batch(fn($b) => $b->set('kept', 1)->push('bad', fn() => 1)),
    fn() => (new Store("$directory/s", ['serializer' => 'portable']))->set('kept', new Point()));
var_dump($s->get('kept'), count($q));

// What cannot be read: of an item an exception, of a message its bytes and why.
$s->set('throws', new ThrowsBack());
$s->storeRaw('set', 'broken', 'no float', 2);
$s->storeRaw('set', 'cut', 'a:1:{', 4);
thrown(fn() => $s->get('throws'), fn() => $s->get('broken'), fn() => @$s->get('cut'), fn() => $s->getMulti(['kept', 'broken']), fn() => $s->range('broken'), fn() => $s->snapshot()->get('broken'));
$scan = $s->scan('broken');
$scan->rewind();
thrown(fn() => $scan->current());
$scan->next();
var_dump($scan->valid(), $s->getRaw('broken')[0]);
$q->put(new ThrowsBack());
$m = $q->get();
var_dump($m->error, $m->value, $q->nak($m));
$said = [];
var_dump($q->consume(fn() => print("not reached\n"), 0, 3, failed: function (Throwable $e, $m) use (&$said) { $said[] = get_class($e) . ' ' . $m->deliveries; }), $said);
?>
--EXPECT--
php false: 22 values, 0 lost
php "zlib": 22 values, 0 lost
php "fastlz": 22 values, 0 lost
php "zstd": 22 values, 0 lost
igbinary false: 22 values, 0 lost
igbinary "zlib": 22 values, 0 lost
igbinary "fastlz": 22 values, 0 lost
igbinary "zstd": 22 values, 0 lost
msgpack false: 22 values, 0 lost
msgpack "zlib": 22 values, 0 lost
msgpack "fastlz": 22 values, 0 lost
msgpack "zstd": 22 values, 0 lost
json_array false: 20 values, 0 lost
json_array "zlib": 20 values, 0 lost
json_array "fastlz": 20 values, 0 lost
json_array "zstd": 20 values, 0 lost
portable false: 20 values, 0 lost
portable "zlib": 20 values, 0 lost
portable "fastlz": 20 values, 0 lost
portable "zstd": 20 values, 0 lost
enough
LogicException: not to be written
NearCache\Exception: a resource cannot be cached: it means nothing outside of this request
LogicException: not to be written
LogicException: not to be written
LogicException: not to be written
Exception: Serialization of 'Closure' is not allowed
NearCache\Exception: a portable value is null, a bool, int, float, string, array or stdClass, not an object of class Point: store an array of what is in it, or choose another serializer
string(3) "old"
int(0)
LogicException: not to be read
NearCache\DamagedException: the value of the key "broken" cannot be read: 8 bytes with flags 0x2 (not a float); getRaw() gives its bytes
NearCache\DamagedException: the value of the key "cut" cannot be read: 5 bytes with flags 0x4 (not serialized by PHP); getRaw() gives its bytes
NearCache\DamagedException: the value of the key "broken" cannot be read: 8 bytes with flags 0x2 (not a float); getRaw() gives its bytes
NearCache\DamagedException: the value of the key "broken" cannot be read: 8 bytes with flags 0x2 (not a float); getRaw() gives its bytes
NearCache\DamagedException: the value of the key "broken" cannot be read: 8 bytes with flags 0x2 (not a float); getRaw() gives its bytes
NearCache\DamagedException: the value of the key "broken" cannot be read: 8 bytes with flags 0x2 (not a float); getRaw() gives its bytes
bool(false)
string(8) "no float"
string(56) "the value cannot be read: LogicException: not to be read"
string(22) "O:10:"ThrowsBack":0:{}"
bool(true)
int(0)
array(3) {
  [0]=>
  string(21) "NearCache\Exception 2"
  [1]=>
  string(21) "NearCache\Exception 3"
  [2]=>
  string(21) "NearCache\Exception 4"
}
