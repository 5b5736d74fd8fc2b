<?php
/*
 * The same calls on \Memcached (with a memcached of its own, on a unix socket) and on NearCache\Cache must give the same
 * answers, result codes and messages, and both must write the same bytes and flags for a value.
 *
 *     php -d extension=/path/to/nearcache.so differential.php        (php-memcached loaded, memcached on the PATH)
 *
 * Left out, because the extension differs on purpose: counters above PHP_INT_MAX (php-memcached makes them negative),
 * initial values (php-memcached: binary protocol only), keys with blanks or controls (allowed here), bad keys in
 * deleteMulti (php-memcached drops them silently), resources (stored there as int 0), the extended get with a callback, and
 * the result of setMulti and deleteMulti when a later key goes well after one that did not (php-memcached: success).
 */

$directory = sys_get_temp_dir() . '/nearcache-' . bin2hex(random_bytes(6));
mkdir($directory, 0700);
$socket = "$directory/s";
$command = ['memcached', '-s', $socket, '-a', '700', '-m', '64', '-u', posix_getpwuid(posix_geteuid())['name']];
$server = proc_open($command, [], $pipes);
register_shutdown_function(function () use ($server, $directory, $socket) {
    proc_terminate($server);
    proc_close($server);
    @unlink($socket);
    rmdir($directory);
});
$deadline = microtime(true) + 20;
while (!($wire = @stream_socket_client("unix://$socket"))) {
    if (microtime(true) > $deadline || !proc_get_status($server)['running']) {
        fwrite(STDERR, "memcached does not answer on $socket\n");
        exit(1);
    }
    usleep(10000);
}

$theirs = new Memcached();
$theirs->setOption(Memcached::OPT_COMPRESSION, false);
$theirs->addServer($socket, 0);
$ours = new NearCache\Cache('64M');
$long = str_repeat('k', 251);
$compared = 0;
$different = 0;

function compare(string $what, mixed $a, mixed $b): void
{
    global $compared, $different;
    $compared++;
    if (serialize($a) !== serialize($b)) {
        $different++;
        echo "$what\n    php-memcached: ", var_export($a, true), "\n    nearcache:     ", var_export($b, true), "\n";
    }
}

/** Calls a method of both; compares the answers, the codes and the words. */
function both(string $method, mixed ...$arguments): void
{
    global $theirs, $ours;
    $answers = [];
    foreach ([$theirs, $ours] as $cache) {
        $answer = $cache->$method(...$arguments);
        $answers[] = [$answer, $cache->getResultCode(), $cache->getResultMessage()];
    }
    compare("$method(" . substr(json_encode($arguments, JSON_PARTIAL_OUTPUT_ON_ERROR), 1, 80), $answers[0], $answers[1]);
}

/** Compares what both wrote under a key: bytes and flags. */
function written(string $key): void
{
    global $wire, $ours;
    fwrite($wire, "get $key\r\n");
    [$verb, , $flags, $length] = explode(' ', rtrim(fgets($wire))) + [1 => '', '', 0, 0];
    $bytes = $verb === 'VALUE' ? stream_get_contents($wire, (int) $length) . (stream_get_contents($wire, 7) === "\r\nEND\r\n" ? '' : '?') : null;
    [$mine, $flagged] = $ours->getRaw($key) ?? [null, 0];
    compare("bytes of $key", [$bytes, (int) $flags], [$mine, $flagged]);
}

both('get', 'none');
both('set', 'a', 'x');
both('get', 'a');
both('add', 'a', 'y');
both('add', 'b', 'y');
both('replace', 'none', 'y');
both('replace', 'b', 'z');
both('append', 'b', '>');
both('prepend', 'b', '<');
both('append', 'none', '>');
both('prepend', 'none', '>');
both('get', 'b');
both('delete', 'none');
both('delete', 'b');
both('delete', 'a', 7);
both('touch', 'a', 100);
both('touch', 'a');
both('touch', 'none', 5);
both('set', 'dead', 1, -1);
both('get', 'dead');
both('set', 'dated', 1, time() + 1000);
both('get', 'dated');
both('set', 'large', random_bytes(2 << 20));
both('add', 'large', random_bytes(2 << 20));
foreach (['', $long] as $bad) {
    foreach (['get', 'delete', 'increment', 'decrement', 'touch'] as $method) {
        both($method, $bad);
    }
    both('set', $bad, 1);
    both('append', $bad, 'x');
    both('setMulti', ['ok' => 2, $bad => 1]);
    both('getMulti', [$bad]);
    both('getMulti', ['a', $bad]);
}
both('getMulti', ['a', 'none', 'ok']);
both('getMulti', ['none', 'ok', 'a'], Memcached::GET_PRESERVE_ORDER);
both('getMulti', ['none']);
both('getMulti', []);
both('setMulti', ['m1' => 1, 'm2' => [true], 5 => 'five']);
both('getMulti', ['m1', 'm2', 5]);
both('deleteMulti', ['m1', 5, 'none']);
both('deleteMulti', []);
foreach ([41, '99', '9', 10, 'word', -5, 1.5, true, '', '18446744073709551616', '007', '+5', '12 '] as $start) {
    both('set', 'n', $start);
    both('increment', 'n');
    both('get', 'n');
    both('increment', 'n', 90);
    both('decrement', 'n', 95);
    both('get', 'n');
    both('decrement', 'n', 1000);
    both('get', 'n');
}
foreach ([
    'made' => function ($cache, $key, &$value, &$expiration) { $value = [$key, $value, func_num_args()]; $expiration = 100; return true; },
    'refused' => function ($cache, $key, &$value) { $value = 1; return false; },
    'one' => function ($cache, $key, &$value) { $value = 'x'; return 1; },
    'unset' => fn() => true,
    'dead' => function ($cache, $key, &$value, &$expiration) { $value = 'x'; $cache->set('side', $key); return (bool) ($expiration = 50); },
    'huge' => function ($cache, $key, &$value) { return (bool) $value = random_bytes(2 << 20); },
    'made again' => fn() => exit('called for a hit'),
] as $name => $callback) {
    $name = strtok($name, ' ');
    both('get', "cb-$name", $callback);
    both('get', "cb-$name");
}
both('get', '', fn() => exit('called for a bad key'));
foreach ([$theirs, $ours] as $i => $cache) {
    try {
        $cache->get('cb-throws', fn() => throw new LogicException('on purpose'));
    } catch (LogicException $e) {
        $caught[] = [$e->getMessage(), $cache->getResultCode()];
    }
}
compare('a callback that throws', ...$caught);
both('increment', 'none');
both('decrement', 'none', 5);
// Tokens differ, what they do may not.
foreach ([$theirs, $ours] as $cache) {
    $cache->set('c', 1);
    $token = $cache->get('c', null, Memcached::GET_EXTENDED)['cas'];
    $seen[] = [$cache->cas($token, 'c', 2), $cache->cas($token, 'c', 3), $cache->getResultCode(), $cache->cas($token, 'none', 3),
        $cache->getResultCode(), array_keys($cache->get('c', null, Memcached::GET_EXTENDED)), $cache->cas(1.5, 'c', 4)];
}
compare('cas', ...$seen);
both('set', 'i', 5);
both('append', 'i', '7');
both('get', 'i');

$values = ['text', '', "\0\xff", 0, -7, PHP_INT_MAX, PHP_INT_MIN, true, false, null, [], [1, 'a' => [null]], new ArrayObject([1]), NAN, INF, -INF, -0.0];
foreach ([0.1, 1.0, 1e5, 1e6, 123456.0, 1234567.0, 12e6, 0.001, 0.0001, 0.00001, 5e-324, 1.7976931348623157e308] as $double) {
    array_push($values, $double, -$double);
}
mt_srand(20);
for ($i = 0; $i < 2000; $i++) {
    $values[] = unpack('d', pack('V2', mt_rand(), mt_rand()))[1];
    $values[] = mt_rand(-1000000, 1000000) / 10 ** mt_rand(0, 9);
    $values[] = mt_rand() * 10.0 ** mt_rand(-12, 12);
}
foreach ($values as $i => $value) {
    $theirs->set("v$i", $value);
    $ours->set("v$i", $value);
    written("v$i");
    compare("value $i", $theirs->get("v$i"), $ours->get("v$i"));
}
foreach ((new ReflectionClass('NearCache\\Cache'))->getConstants() as $name => $value) {
    compare("constant $name", constant("Memcached::$name"), $value);
}
echo "$compared compared, $different different\n";
exit($different === 0 ? 0 : 1);
