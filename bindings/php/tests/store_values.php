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
