<?php
/*
 * As leak.php, of the store and its queues: rounds of every kind of call, good and bad, with what throws and what is left in
 * the midst.
 */

class Throws
{
    public function __serialize(): array
    {
        throw new LogicException('on purpose');
    }
}
class ThrowsBack
{
    public function __serialize(): array
    {
        return [];
    }

    public function __unserialize(array $data): void
    {
        throw new LogicException('on purpose');
    }
}

$rounds = (int) ($argv[1] ?? 1);
$directory = sys_get_temp_dir() . '/nearcache-leak-' . bin2hex(random_bytes(8));
mkdir($directory, 0700);
$ignored = function (callable $call) {
    try {
        @$call();
    } catch (Throwable) {
    }
};
$options = ['policy' => 'never', 'near' => '1M', 'block_cache' => '1M', 'workers' => 1, 'manual_clock' => 1700000000];
for ($round = 0; $round < $rounds; $round++) {
    $s = new NearCache\Store("$directory/s", $options);
    $same = new NearCache\Store("$directory/s", ['serializer' => 'portable', 'compression' => 'zstd']);
    $q = new NearCache\Queue("$directory/s", 'q');
    foreach ([['polcy' => 1], ['near_name' => 'name', 'policy' => 'x'], ['policy' => 'always'], ['serializer' => 'x']] as $wrong) {
        $ignored(fn() => new NearCache\Store("$directory/s", $wrong));
    }
    foreach (['', "unix:$directory/none", 'unix:user:word@/none', "$directory/s/none/../../file/x"] as $place) {
        $ignored(fn() => new NearCache\Store($place, ['create' => false]));
    }
    $ignored(fn() => new NearCache\Queue("$directory/s", 'two words'));
    foreach (['short', str_repeat('long', 2000), ['a' => [1, 2.5, null], 'b' => new ArrayObject([1])], 5, new Throws(), new ThrowsBack()] as $n => $value) {
        foreach ([$s, $same] as $each) {
            $ignored(fn() => $each->set("k$n", $value));
            $ignored(fn() => $each->get("k$n", null, $cas));
            $ignored(fn() => $each->cas($cas, "k$n", $value, 100));
            $ignored(fn() => $each->setMulti(["k$n" => $value, 'other' => $value]));
            $ignored(fn() => $each->getMulti(["k$n", 'other', 'none', new Throws()]));
            $ignored(fn() => $each->getAndTouch("k$n", 100, 'default'));
            $ignored(fn() => $each->append("k$n", 'more'));
            $ignored(fn() => $each->getRaw("k$n"));
            $ignored(fn() => $each->range('k'));
            $ignored(fn() => iterator_to_array($each->scan('k', 2)));
            $ignored(fn() => $each->batch()->set("b$n", $value)->push($q, $value)->push('other', $value, id: 'x'));
            $ignored(fn() => $each->batch(fn($b) => $b->set("b$n", $value)->push($q, $value)->delete('b')->increment('none')));
            $ignored(fn() => $each->batch(fn($b) => $b->set("b$n", $value)->push($q, $value)));
            $ignored(fn() => $each->queue('q')->put($value, id: 'same'));
            $ignored(fn() => $each->queue('q')->putMulti([$value, $value, $value]));
            $ignored(fn() => $each->queue('r')->put($value));
        }
        $s->get(7);
        $s->increment($n, 1, 1);
    }
    $snapshot = $s->snapshot();
    $ignored(fn() => $snapshot->get('k0'));
    $ignored(fn() => $snapshot->range());
    foreach ($snapshot->scan() as $key => $value) {
        break;
    }
    $left = $s->scan('k', 3);
    $left->rewind();
    $m = $q->get();
    $m->extend(10);
    $m->nak(1);
    $q->ackMulti($q->getMulti(3));
    $ignored(fn() => $q->ackMulti([$m, $m->receipt, 'x']));
    $q->peek(3);
    $q->take();
    $q->takeMulti(2);
    $ignored(fn() => $q->consume(fn($m) => throw new LogicException('on purpose'), 0));
    $q->consume(fn($m) => $m->value, 0, 100, failed: fn($e, $m) => $m->error);
    $s->queue('r')->consume(fn($m) => $m->value === 5 ? throw new LogicException('on purpose') : 1, 0, 20, failed: fn($e, $m) => $m->ack());
    $q->configure(['dead_letters' => 'graves', 'max_messages' => 1]);
    $ignored(fn() => $q->configure(['dead_letters' => 'others', 'none' => 1]));
    $ignored(fn() => $q->putMulti([1, 2, 3]));
    $q->settings();
    $q->stats();
    $s->stats();
    $s->queues();
    print_r([$s, $q], true);
    $s->verify(fn() => true);
    $ignored(fn() => $s->verify(fn() => throw new LogicException('on purpose')));
    $s->compact();
    $s->backup("$directory/b$round");
    $ignored(fn() => $s->backup("$directory/b$round"));
    $ignored(fn() => $s->backup("$directory/c$round", fn() => false));
    $s->flush();
    $s->queue('r')->delete();
    $q->delete();
    unset($s, $same, $q, $m, $snapshot, $left);
    NearCache\Store::restore("$directory/b$round", "$directory/r$round", fn() => true);
}

function remove(string $path): void
{
    foreach (is_dir($path) ? array_diff(scandir($path), ['.', '..']) : [] as $name) {
        remove("$path/$name");
    }
    is_dir($path) ? rmdir($path) : unlink($path);
}
remove($directory);
