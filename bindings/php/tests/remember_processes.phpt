--TEST--
remember among processes: one computes, whoever dies in the producer delays nobody beyond the lease
--SKIPIF--
<?php
if (!function_exists('pcntl_fork')) {
    die('skip needs pcntl');
}
?>
--INI--
display_errors=0
log_errors=0
--FILE--
<?php
use NearCache\Cache;

require __DIR__ . '/sharing.inc';

$c = new Cache('8M', ['name' => 'flight']);

/** Runs the work in a child; its pid. */
function child(callable $work): int
{
    $pid = pcntl_fork();
    if ($pid === 0) {
        try {
            $work(new Cache('8M', ['name' => 'flight']));
        } catch (Throwable) {
        }
        exit;
    }
    return $pid;
}

/** Waits for what is to come true. */
function until(callable $true): void
{
    $deadline = microtime(true) + 60;
    while (!$true()) {
        if (microtime(true) > $deadline) {
            exit("nothing came of it\n");
        }
        usleep(1000);
    }
}

// Twelve at once: eleven wait, and have what the one made.
$children = [];
for ($i = 0; $i < 12; $i++) {
    $children[] = child(function ($c) {
        $c->increment('ready', 1, 1);
        until(fn() => $c->get('ready') >= 12);
        $value = $c->remember('key', 60, function () use ($c) {
            $c->increment('runs', 1, 1);
            usleep(50000);
            return ['made' => getmypid()];
        });
        $c->increment('seen by ' . $value['made'], 1, 1);
    });
}
foreach ($children as $pid) {
    pcntl_waitpid($pid, $status);
}
var_dump((int) $c->get('runs'), (int) $c->get('seen by ' . $c->get('key')['made']));

/** How a child ended its producer, and how long the next then waited. */
function after(string $what, callable $end, int $lease, float $least, float $most): void
{
    global $c;
    $pid = child(fn($c) => $c->remember($what, 60, function () use ($c, $what, $end) {
        $c->set("$what begun", 1);
        $end();
        return 'of the one who ended';
    }, 0, $lease));
    until(fn() => $c->has("$what begun"));
    $what === 'killed' && exec("kill -9 $pid");
    $what === 'killed' || pcntl_waitpid($pid, $status);
    $begun = microtime(true);
    $value = $c->remember($what, 60, fn() => 'of the next', 0, $lease);
    $waited = microtime(true) - $begun;
    $what === 'killed' && pcntl_waitpid($pid, $status);
    echo $what, ': ', $value, ', ', $waited >= $least && $waited < $most ? 'in time' : "after $waited seconds", "\n";
}

after('killed', fn() => until(fn() => false), 1, 0.9, 20);
after('thrown', fn() => throw new LogicException('on purpose'), 600, 0, 30);
after('exited', fn() => exit, 600, 0, 30);
after('fatal', fn() => undefined_function(), 600, 0, 30);
after('memory', fn() => str_repeat('x', PHP_INT_MAX >> 20), 600, 0, 30);
after('timeout', function () { set_time_limit(1); for (;;); }, 600, 0, 30);

// A slow one: taken over after the lease, and what it makes at last is not stored.
$pid = child(function ($c) {
    $value = $c->remember('slow', 60, function () use ($c) {
        $c->set('slow begun', 1);
        until(fn() => $c->has('taken over'));
        return 'of the slow one';
    }, 0, 1);
    $c->set('slow said', [$value, $c->getResultMessage()]);
});
until(fn() => $c->has('slow begun'));
var_dump($c->remember('slow', 60, fn() => 'of the next', 0, 1));
$c->set('taken over', 1);
pcntl_waitpid($pid, $status);
echo json_encode($c->get('slow said')), ' ', $c->get('slow'), "\n";

// Two fibers of one process.
$fibers = [];
foreach (['one', 'two'] as $name) {
    $fibers[$name] = new Fiber(fn() => $c->remember("fiber $name", 60, function () use ($name) {
        Fiber::suspend();
        return $name;
    }));
    $fibers[$name]->start();
}
$third = new Fiber(fn() => $c->remember('fiber one', 60, fn() => 'at once'));
$third->start();
array_walk($fibers, fn($fiber) => $fiber->resume());
echo json_encode([$fibers['one']->getReturn(), $fibers['two']->getReturn(), $third->getReturn(), $c->get('fiber one'), $c->get('fiber two')]), "\n";
var_dump($c->check());
?>
--EXPECT--
int(1)
int(12)
killed: of the next, in time
thrown: of the next, in time
exited: of the next, in time
fatal: of the next, in time
memory: of the next, in time
timeout: of the next, in time
string(11) "of the next"
["of the slow one","CONNECTION DATA EXISTS"] of the next
["one","two","at once","one","two"]
bool(true)
