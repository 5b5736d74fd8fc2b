<?php
/*
 * NearCache\Store and NearCache\Queue behind a daemon's socket: the verbs, batches, queues, waits and long work; a daemon that
 * is killed and comes back; and PHP-FPM, whose workers store and queue through one socket, are killed with a message in
 * their hands, and get in each other's way if they open a directory.
 *
 *     php -n -d extension=/path/to/nearcache.so store_daemon.php NEARCACHED EXTENSION [PHP_FPM]
 */

use NearCache\{ConnectionException, Queue, Store};

[, $nearcached, $extension] = $argv;
$fpm = $argv[3] ?? null;
$directory = sys_get_temp_dir() . '/nearcache-' . bin2hex(random_bytes(6));
mkdir($directory, 0700);
$socket = "$directory/store.sock";
$failed = 0;
$daemon = null;
$server = null;

function check(string $what, mixed $expected, mixed $got): void
{
    global $failed;
    if (serialize($expected) !== serialize($got)) {
        $failed++;
        echo "$what\n    expected: ", substr(var_export($expected, true), 0, 400), "\n    got:      ", substr(var_export($got, true), 0, 400), "\n";
    }
}

function until(callable $true): void
{
    $deadline = microtime(true) + 60;
    while (!$true()) {
        if (microtime(true) > $deadline) {
            throw new Exception('nothing came of it');
        }
        usleep(2000);
    }
}

function remove(string $path): void
{
    foreach (is_dir($path) && !is_link($path) ? array_diff(scandir($path), ['.', '..']) : [] as $name) {
        remove("$path/$name");
    }
    is_dir($path) && !is_link($path) ? rmdir($path) : unlink($path);
}

function stop(mixed $process, int $signal): void
{
    proc_terminate($process, $signal);
    until(fn() => !proc_get_status($process)['running']);
    proc_close($process);
}

/** What a call throws, by the class's name. */
function thrown(callable $call): string
{
    try {
        $call();
        return 'nothing';
    } catch (Throwable $e) {
        return get_class($e) . ': ' . $e->getMessage();
    }
}

function start_daemon(): mixed
{
    global $nearcached, $directory, $socket;
    $user = posix_geteuid() === 0 ? ['-u', 'root'] : [];
    $process = proc_open([$nearcached, '-p', '0', '-U', '0', '--store', "$directory/data", '--queue', "$directory/data", '--store-socket', $socket, '--queue-socket', "$directory/queue.sock",
        '--store-near-name', "$directory/near", '-a', '700', '-t', '2', ...$user], [1 => ['file', "$directory/out", 'a'], 2 => ['file', "$directory/out", 'a']], $pipes);
    until(function () use ($process, $socket) {
        if (!proc_get_status($process)['running']) {
            throw new Exception('nearcached has ended');
        }
        return ($wire = @stream_socket_client("unix://$socket")) && fclose($wire);
    });
    return $process;
}

function record(int $type, string $content): string
{
    return pack('CCnnCx', 1, $type, 1, strlen($content), 0) . $content;
}

/** Begins a FastCGI request; its connection. */
function begin(string $query): mixed
{
    global $directory;
    $params = '';
    foreach (['SCRIPT_FILENAME' => "$directory/page.php", 'REQUEST_METHOD' => 'GET', 'QUERY_STRING' => $query] as $name => $value) {
        $params .= pack('CN', strlen($name), strlen($value) | 0x80000000) . $name . $value;
    }
    $wire = stream_socket_client("unix://$directory/fpm.sock");
    fwrite($wire, record(1, pack('nCx5', 1, 0)) . record(4, $params) . record(4, '') . record(5, ''));
    return $wire;
}

/** The body of the answer. */
function body(mixed $wire): string
{
    $body = '';
    while (strlen($header = (string) stream_get_contents($wire, 8)) === 8) {
        ['type' => $type, 'length' => $length, 'padding' => $padding] = unpack('Cversion/Ctype/nid/nlength/Cpadding', $header);
        $content = (string) stream_get_contents($wire, $length + $padding);
        $body .= $type === 6 ? substr($content, 0, $length) : '';
    }
    // Which a worker waits for.
    fclose($wire);
    return explode("\r\n\r\n", $body, 2)[1] ?? $body;
}

function request(string $query): string
{
    return body(begin($query));
}

function conversation(): void
{
    global $directory, $socket;
    $s = new Store("unix:$socket");
    $same = new Store($socket, ['serializer' => 'portable']);
    $q = new Queue($socket, 'q');
    check('set and get', ['v', 'portable', 'default'], [$s->set('k', 'v') ? $s->get('k', null, $cas) : null, $same->set('p', 'portable') ? $s->get('p') : null, $s->get('none', 'default')]);
    check('cas', [true, false, 'w'], [$s->cas($cas, 'k', 'w') > $cas, $s->cas($cas, 'k', 'x'), $s->get('k')]);
    check('add, replace, append', [false, false, 'w!'], [$s->add('k', 1), $s->replace('none', 1), $s->append('k', '!') ? $s->get('k') : null]);
    $s->setMulti(['a' => [1], 'b' => null, 'c' => 1.5]);
    check('many', [['b' => null, 'a' => [1]], 2], [$s->getMulti(['b', 'none', 'a']), $s->deleteMulti(['b', 'none', 'c'])]);
    check('count', [5, 6, false], [$s->increment('n', 1, 5), $s->increment('n'), $s->decrement('none')]);
    check('touch', [true, false, [1]], [$s->touch('a', 100), $s->touch('none', 1), $s->getAndTouch('a', 0)]);
    check('delete', [true, false], [$s->delete('k'), $s->delete('k')]);
    check('scan', [['a', 'n', 'p'], ['a', 'n']], [array_keys(iterator_to_array($s->scan('', 2))), array_keys($s->range('a', 'n'))]);
    check('hot', [[1], [1]], [$s->get('a'), $s->get('a')]);
    check('batch', [2, 'new', ['id' => 1]], [count($s->batch(fn($b) => $b->set('k', 'new')->push($q, ['id' => 1]))), $s->get('k'), ($m = $q->get())->value]);
    check('refused', 'NearCache\BatchRefusedException: the batch was refused, and nothing of it was done: step 1 met NotStored', thrown(fn() => $s->batch(fn($b) => $b->set('k', 'lost')->add('k', 1))));
    check('ack in a batch', [[1, 'new'], false], [[count($s->batch()->ack($m)->commit()), $s->get('k')], $m->ack()]);
    check('no snapshot', 'NearCache\Exception: a snapshot is taken by the process that has the store open: over a socket there is none', thrown(fn() => $s->snapshot()));
    check('no options', true, str_contains(thrown(fn() => new Store($socket, ['near' => 0])), 'open it without options'));
    check('a name', true, str_starts_with(thrown(fn() => (new Queue($socket, 'two words'))->put(1)), "NearCache\Exception: the queue's name"));
    check('the clock', 'NearCache\Exception: the clock of a daemon is the system\'s', thrown(fn() => $s->advanceClock(1)));
    check('put', [true, false, 3], [$q->put(1, id: 'x') > 0, $q->put(1, id: 'x'), count($q->putMulti([2, 3]) + [9, 9, 9])]);
    check('order', [1, 2, 3, null], [$q->take()->value, $q->get()->value, $q->getMulti(5)[0]->value, $q->get(0.2)]);
    check('stats', [2, 2, ['q'], true], [$q->stats()['reserved'], count($q), $s->queues(), $s->stats()['curr_items'] >= 4]);
    $q->purge();
    // A wait is ended by what another puts in.
    $pid = pcntl_fork();
    if ($pid === 0) {
        // The child connects anew.
        until(fn() => $s->get('waits') === 1);
        $q->put('from the child');
        posix_kill(getmypid(), SIGKILL);
    }
    $s->set('waits', 1);
    check('a wait', 'from the child', $q->get(60)->value);
    pcntl_waitpid($pid, $status);
    $q->configure(['max_deliveries' => 2]);
    $q->purge();
    $q->putMulti(['good', 'bad']);
    $said = [];
    check('consume', 1, $q->consume(fn($m) => $m->value === 'bad' && throw new Exception('on purpose'), 0, failed: function ($e, $m) use (&$said) { $said[] = $m->deliveries; }));
    check('dead letters', [[1, 2], 'bad', 1], [$said, $s->queue('q.dead')->peek()[0]->value, $s->queue('q.dead')->requeue()]);
    $q->purge();
    $seen = 0;
    $s->verify(function () use (&$seen) { $seen++; });
    $s->backup("$directory/backup", fn() => true);
    check('backup', ['new', true], [(new Store("$directory/backup"))->get('k'), $seen > 0]);
    check('in use', true, str_contains(thrown(fn() => new Store("$directory/data")), 'is in use by'));
    $s->flush();
    check('flush', [false, null], [$s->has('k'), $s->get('a')]);
    $many = array_map(fn($i) => str_repeat("$i ", 1000), range(1, 100));
    $s->setMulti($many);
    check('many large ones', $many, $s->getMulti(array_keys($many)));
}

function killed(): void
{
    global $daemon, $socket;
    $s = new Store($socket);
    $q = $s->queue('q');
    $q->putMulti(range(0, 9));
    $s->set('before', 1);
    stop($daemon, SIGKILL);
    check('gone', 'NearCache\ConnectionException', explode(':', thrown(fn() => $s->set('k', 1)))[0]);
    check('gone, another', 'NearCache\ConnectionException', explode(':', thrown(fn() => (new Store("$socket"))->stats()))[0]);
    $daemon = start_daemon();
    check('back', [1, 10, 0], [$s->get('before'), count($q), $q->take()->value]);
    $q->purge();
    // Killed in the midst: nothing that was acknowledged is lost.
    $writer = pcntl_fork();
    if ($writer === 0) {
        $done = 0;
        try {
            for (; ; $done++) {
                $s->batch(fn($b) => $b->set("w$done", $done)->push($q, $done));
                file_put_contents(dirname($socket) . '/done', $done);
            }
        } catch (ConnectionException) {
        }
        posix_kill(getmypid(), SIGKILL);
    }
    until(fn() => (int) @file_get_contents(dirname($socket) . '/done') > 50);
    stop($daemon, SIGKILL);
    pcntl_waitpid($writer, $status);
    $daemon = start_daemon();
    $done = (int) file_get_contents(dirname($socket) . '/done');
    $lost = 0;
    for ($i = 0; $i <= $done; $i++) {
        $lost += (int) ($s->get("w$i") !== $i) + (int) ($q->take()->value !== $i);
    }
    check("lost of $done", 0, $lost);
    check('at most the one under way', true, count($q) <= 1);
    $q->delete();
}

function workers(string $fpm): void
{
    global $server, $directory, $socket, $extension;
    file_put_contents("$directory/fpm.conf", "[global]\nerror_log = $directory/log\ndaemonize = no\n[www]\nlisten = $directory/fpm.sock\npm = static\n"
        . "pm.max_children = 4\ncatch_workers_output = yes\nphp_admin_value[memory_limit] = 32M\n");
    file_put_contents("$directory/page.php", '<?php $socket = ' . var_export($socket, true) . '; $directory = ' . var_export($directory, true) . ';' . <<<'PAGE'
        [$what, $n] = explode(' ', $_SERVER['QUERY_STRING'] . ' 0');
        if ($what === 'directory') {
            try {
                $s = new NearCache\Store("$directory/own", ['policy' => 'never', 'near' => '1M']);
                touch("$directory/has");
                while (!file_exists("$directory/go")) usleep(1000);
                exit('has it');
            } catch (NearCache\InUseException $e) {
                touch("$directory/go");
                exit($e->getMessage());
            }
        }
        $s = new NearCache\Store($socket);
        $q = new NearCache\Queue($socket, 'orders');
        switch ($what) {
            case 'order':
                $s->batch(fn($b) => $b->set("order $n", ['n' => (int) $n])->push($q, (int) $n));
                echo json_encode([$s->get("order $n")['n'], getmypid()]);
                break;
            case 'work':
                echo $q->consume(fn($m) => $s->add("done $m->value", 1), 0, 3);
                break;
            case 'hold':
                $m = $q->get(lease: 1);
                file_put_contents("$directory/held", getmypid());
                sleep(60);
            case 'memory':
                $q->consume(function ($m) { str_repeat('x', 64 << 20); }, 0);
        }
        PAGE);
    $server = proc_open([$fpm, '-n', '-R', '-F', '-y', "$directory/fpm.conf", '-d', "extension=$extension"], [1 => ['file', "$directory/out", 'a'], 2 => ['file', "$directory/out", 'a']], $pipes);
    until(fn() => ($wire = @stream_socket_client("unix://$directory/fpm.sock")) && fclose($wire));
    $s = new Store($socket);
    $q = $s->queue('orders');
    // Four at once, again and again; in one worker, one connection.
    $seen = [];
    for ($round = 0; $round < 30; $round++) {
        $wires = array_map(fn($n) => begin("order $n"), range($round * 4, $round * 4 + 3));
        foreach ($wires as $i => $wire) {
            [$n, $pid] = json_decode(body($wire)) ?? [null, null];
            check('order', $round * 4 + $i, $n);
            $seen[$pid] = 1;
        }
    }
    check('the orders', [120, 120, true], [count($q), count($s->range('order', 'order~', limit: 1000)), count($seen) <= 4]);
    // A worker is killed with a message in his hands.
    $wire = begin('hold');
    until(fn() => (int) @file_get_contents("$directory/held") > 0);
    posix_kill((int) file_get_contents("$directory/held"), SIGKILL);
    body($wire);
    check('of memory', true, str_contains(request('memory'), 'Allowed memory size'));
    $done = 0;
    until(function () use ($q, &$done) {
        $wires = array_map(fn() => begin('work'), range(1, 4));
        $done += array_sum(array_map(fn($wire) => (int) body($wire), $wires));
        return count($q) === 0;
    });
    check('the work', [120, 120], [$done, count($s->range('done', 'done~', limit: 1000))]);
    // A directory is one worker's.
    $wire = begin('directory');
    until(fn() => file_exists("$directory/has"));
        $other = request('directory');
        check('in use', true, str_contains($other, 'is in use by') && str_contains($other, 'reach it through the daemon'));
    check('has it', 'has it', body($wire));
    stop($server, SIGQUIT);
    $server = null;
    check('the log', 0, preg_match('/SIG(SEGV|ABRT|BUS)|core dumped/', file_get_contents("$directory/log")));
}

try {
    $daemon = start_daemon();
    conversation();
    killed();
    $fpm === null || workers($fpm);
} catch (Throwable $e) {
    $failed++;
    echo $e, "\n", file_get_contents("$directory/out");
} finally {
    foreach (array_filter([$server, $daemon]) as $process) {
        proc_get_status($process)['running'] && stop($process, SIGTERM);
    }
    remove($directory);
}
exit($failed === 0 ? 0 : 1);
