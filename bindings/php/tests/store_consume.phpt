--TEST--
Queue::consume: acknowledges what returns, refuses what throws, exits or dies; idle, max, stop, failed; waits
--FILE--
<?php
use NearCache\{Message, Queue, Store};

require __DIR__ . '/store.inc';

$s = new Store("$directory/s", ['policy' => 'never', 'near' => '1M']);
$q = $s->queue('jobs');
function say(mixed ...$values): void
{
    echo implode(' ', array_map('json_encode', $values)), "\n";
}

// Until it is empty, so many, until told.
$q->putMulti(range(1, 9));
$seen = [];
say($q->consume(function (Message $m) use (&$seen) { $seen[] = $m->value; return false; }, 0, 3), $seen, count($q));
say($q->consume(function (Message $m) use ($q) { $m->value === 6 && $q->stop(); }, 0), count($q));
say($q->consume(fn(Message $m) => $m->ack(), 0, 1), $q->consume(fn(Message $m) => $m->nak(), 0, 1), $q->peek()[0]->deliveries);
// A longer lease is the one that is acknowledged; an ack in a batch is one.
say($q->consume(fn(Message $m) => $m->extend(1000), 0, 1), $q->consume(fn(Message $m) => $s->batch(fn($b) => $b->set('done', $m->value)->ack($m)), 0, 1), $s->get('done'), count($q));
// Told before it begins; then not any more.
$q->stop();
$q->put('kept');
say($q->consume(fn() => print('not reached'), INF), $q->consume(fn($m) => say($m->value), 0));

// What throws is refused, and passes; or is given to the other callable, and the next follows.
$q->putMulti(['bad', 'good']);
thrown(fn() => $q->consume(fn($m) => throw new LogicException("of $m->value"), 0));
say($q->stats()['reserved'], $q->peek()[0]->deliveries);
$q->configure(['max_deliveries' => 3]);
$failed = fn(Throwable $e, Message $m) => say(get_class($e), $e->getMessage(), $m->value, $m->deliveries, $m->ack());
say($q->consume(fn($m) => $m->value === 'bad' ? throw new LogicException('again') : null, 0, failed: $failed), count($q), $s->queue('jobs.dead')->take()->value);
$q->put('bad');
thrown(fn() => $q->consume(fn($m) => throw new LogicException('on purpose'), 0, failed: fn($e) => throw new DomainException('in failed')));
$q->purge();

// A worker within a worker, and on the same queue.
$other = $s->queue('other');
$q->putMulti(['outer', 'same']);
$other->put('inner');
say($q->consume(function ($m) use ($q, $other) {
    say($m->value, $other->consume(fn($m) => say($m->value), 0), $q->consume(fn($m) => say($m->value), 0));
}, 0), count($q));

// What ends the script refuses the message at once, in shutdown functions, too.
unset($s, $q, $other);
foreach ([
    'exit' => 'exit;',
    'fatal' => 'undefined();',
    'memory' => 'ini_set("memory_limit", "16M"); str_repeat("x", 1 << 26);',
    'timeout' => 'set_time_limit(1); for (;;);',
    'thrown' => 'throw new LogicException("on purpose");',
    'return' => 'return;',
] as $name => $end) {
    echo $name, ': ', php('$s = new NearCache\Store(' . var_export("$directory/s", true) . ', ["policy" => "never"]); $q = $s->queue("ends"); count($q) && $q->purge(); $q->put(1);
        register_shutdown_function(function () use ($q) { echo json_encode([$q->stats()["ready"], $q->stats()["reserved"], count($q)]), "\n"; $q->purge(); });
        $q->consume(function ($m) { ' . $end . ' }, 0);', ['display_errors' => '0']);
}

$q = new Queue("$directory/s", 'waits', ['policy' => 'never']);
// Waits, and what ends them.
$begun = hrtime(true);
say($q->get(0.3), hrtime(true) - $begun >= 300000000, $q->getMulti(5, 0.05), $q->take(0), $q->consume(fn() => 0, 0.05));
$s = new Store("$directory/s");
$q->put('soon', delay: 1);
say($q->get(60)->value);
thrown(fn() => $q->consume('none'), fn() => $q->consume(fn() => 0, -1), fn() => $q->consume(fn() => 0, failed: 'none'), fn() => $q->consume());
?>
--EXPECT--
3 [1,2,3] 6
3 3
1 1 1
1 1 9 0
"kept"
0 1
no error: null
0 1
"LogicException" "again" "bad" 2 false
"LogicException" "again" "bad" 3 false
1 0 "bad"
DomainException: in failed
"inner"
"same"
"outer" 1 1
1 0
exit: [1,0,1]
fatal: [1,0,1]
memory: [1,0,1]
timeout: [1,0,1]
thrown: [1,0,1]
return: [0,0,0]
null true [] null 0
"soon"
TypeError: NearCache\Queue::consume(): Argument #1 ($worker) must be a valid callback, string given
ValueError: NearCache\Queue::consume(): Argument #2 ($idle) must be a number of seconds of 0 or more, or INF
TypeError: NearCache\Queue::consume(): Argument #5 ($failed) must be a valid callback or null, string given
ArgumentCountError: NearCache\Queue::consume() expects at least 1 argument, 0 given
