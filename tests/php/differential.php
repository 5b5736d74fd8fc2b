<?php
/*
 * The same calls on \Memcached (with a memcached of its own, on a unix socket) and on NearCache\Cache must give the same
 * answers, result codes and messages, and both must write the same bytes and flags for a value.
 *
 *     php -d extension=/path/to/nearcache.so differential.php        (php-memcached loaded, memcached on the PATH)
 *
 * Left out, because the extension differs on purpose: counters above PHP_INT_MAX in incrementRaw, initial values
 * (php-memcached: binary protocol only), keys and prefixes with blanks or controls (allowed here), bad keys in deleteMulti
 * (php-memcached drops them silently), keys that are no strings (TypeError here, or an int's digits), resources (stored there
 * as int 0), the extended get with a callback, the result of setMulti and deleteMulti when a later key goes well after one that
 * did not (php-memcached: success), append to what is serialized (refused here), an unknown option (php-memcached aborts the
 * process) or serializer (it falls back to PHP's), a prefix of more than 127 bytes (it says true and ignores it), other verbs
 * between getDelayed and fetch (it forgets the results), what is said about servers that are not there.
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

// With a server's key, which here has no effect and there leads to the one server.
both('setByKey', 's', 'k1', 'one');
both('addByKey', 's', 'k1', 'one');
both('addByKey', 's', 'k2', 'two', 100);
both('replaceByKey', 's', 'k2', 'TWO');
both('replaceByKey', 's', 'none', 'x');
both('getByKey', 's', 'k2');
both('getByKey', '', 'k2');
both('getByKey', str_repeat('s', 300), 'k2');
both('getByKey', 's', 'none', function ($cache, $key, &$value) { $value = $key; return true; });
both('getByKey', 's', '');
both('getMultiByKey', 's', ['k1', 'k2', 'missing']);
both('getMultiByKey', 's', ['missing', 'k1'], Memcached::GET_PRESERVE_ORDER);
both('setMultiByKey', 's', ['m1' => 1, 'm2' => 2], 100);
both('appendByKey', 's', 'k1', '>');
both('prependByKey', 's', 'k1', '<');
both('appendByKey', 's', 'missing', '>');
both('get', 'k1');
both('incrementByKey', 's', 'm1');
both('incrementByKey', 's', 'm1', 5);
both('decrementByKey', 's', 'm1', 100);
both('incrementByKey', 's', 'missing');
both('touchByKey', 's', 'm1', 50);
both('touchByKey', 's', 'missing');
both('casByKey', '1', 's', 'missing', 2);
both('deleteByKey', 's', 'm1');
both('deleteByKey', 's', 'm1');
both('deleteByKey', 's', 'm2', 5);
both('deleteMultiByKey', 's', ['m2', 'missing']);

// getDelayed: without a token, which differs.
both('fetch');
both('getDelayed', ['k1', 'missing', 'k2']);
both('fetch');
both('fetch');
both('fetch');
both('fetch');
both('getDelayed', ['k1', 'k2', 'n']);
both('fetch');
both('fetchAll');
both('fetchAll');
both('getDelayed', ['k1', 'k2']);
both('fetchAll');
both('getDelayed', ['missing']);
both('fetchAll');
both('getDelayed', []);
both('fetchAll');
both('getDelayed', ['']);
both('fetch');
both('getDelayedByKey', 's', ['k1']);
both('fetch');
both('getDelayedByKey', 's', ['k1', 'k2'], false, function ($cache, $item) use (&$items) { $items[get_class($cache)][] = $item; return false; });
both('getDelayed', ['missing'], false, fn() => exit('called for nothing'));
compare('items given to the callback', ...array_values($items));
foreach ([$theirs, $ours] as $i => $cache) {
    $cache->getDelayed(['k1', 'k2'], true);
    $seen = $cache->fetchAll();
    $with[$i] = array_map(fn($item) => [array_keys($item), $item['flags'], is_int($item['cas'])], $seen);
    try {
        $cache->getDelayed(['k1'], true, fn() => throw new LogicException('on purpose'));
    } catch (LogicException $e) {
        $with[$i][] = $e->getMessage();
    }
}
compare('getDelayed with tokens', ...$with);

// Options: what they are at first, what they become, and what they do.
$options = array_filter((new ReflectionClass('Memcached'))->getConstants(), fn($name) => str_starts_with($name, 'OPT_'), ARRAY_FILTER_USE_KEY);
foreach ($options as $name => $option) {
    // Asked of a socket, or of the build; and what is refused there for reasons of servers.
    $first = [Memcached::OPT_SOCKET_SEND_SIZE, Memcached::OPT_SOCKET_RECV_SIZE];
    $fresh = [new Memcached(), new NearCache\Cache('1M')];
    if (!in_array($option, $first) && $option !== Memcached::OPT_COMPRESSION) {
        compare("$name at first", ...array_map(fn($cache) => $cache->getOption($option), $fresh));
    }
    if (in_array($option, [...$first, Memcached::OPT_SERIALIZER, Memcached::OPT_CACHE_LOOKUPS, Memcached::OPT_SERVER_FAILURE_LIMIT])) {
        continue;
    }
    foreach ([1, 0, true, 2, '1', 'x', null, 1.5] as $value) {
        $became = [];
        foreach ($fresh as $i => $cache) {
            $became[$i] = [@$cache->setOption($option, $value), $cache->getOption($option)];
        }
        compare("$name = " . json_encode($value), ...$became);
    }
}
foreach ([Memcached::SERIALIZER_PHP, Memcached::SERIALIZER_JSON, Memcached::SERIALIZER_JSON_ARRAY, '1'] as $serializer) {
    both('setOption', Memcached::OPT_SERIALIZER, $serializer);
    both('getOption', Memcached::OPT_SERIALIZER);
    both('set', 'serialized', ['a' => [1, 2.5, null]]);
    both('get', 'serialized');
}
both('setOption', Memcached::OPT_SERIALIZER, Memcached::SERIALIZER_PHP);
foreach ([7, 0, 65535, -1] as $flags) {
    both('setOption', Memcached::OPT_USER_FLAGS, $flags);
    both('set', 'flagged', 'x');
    compare("user flags $flags", ...array_map(fn($cache) => $cache->get('flagged', null, Memcached::GET_EXTENDED)['flags'], [$theirs, $ours]));
}
foreach ([$theirs, $ours] as $i => $cache) {
    $refused[$i] = [@$cache->setOption(Memcached::OPT_USER_FLAGS, 65536), @$cache->setOption(Memcached::OPT_SERIALIZER, 99),
        @$cache->setOption(Memcached::OPT_COMPRESSION_TYPE, 99), @$cache->setOptions([Memcached::OPT_SERIALIZER => 99, Memcached::OPT_SORT_HOSTS => 1]),
        $cache->getOption(Memcached::OPT_SORT_HOSTS), @$cache->setOptions(['x' => 1])];
}
compare('options refused', ...$refused);
both('setOptions', []);
both('setOptions', [Memcached::OPT_PREFIX_KEY => 'p:', Memcached::OPT_NO_BLOCK => true]);
both('getOption', Memcached::OPT_PREFIX_KEY);
both('get', 'k1');
both('set', 'k1', 'prefixed');
both('get', 'k1');
both('getMulti', ['k1', 'k2']);
both('getDelayed', ['k1', 'k2']);
both('fetchAll');
both('setMulti', ['a' => 1, 'b' => 2]);
both('increment', 'a');
both('append', 'k1', '>');
both('touch', 'b', 100);
both('delete', 'b');
both('delete', 'k2');
both('deleteMulti', ['a', 'missing']);
both('set', '', 1);
both('get', '');
both('checkKey', '');
both('get', 'filled', function ($cache, $key, &$value) { $value = "of $key"; return true; });
both('setOption', Memcached::OPT_PREFIX_KEY, '');
both('get', 'p:k1');
both('get', 'p:filled');
both('get', 'k1');
both('setOption', Memcached::OPT_PREFIX_KEY, str_repeat('p', 127));
both('set', str_repeat('k', 123), 1);
both('get', str_repeat('k', 123));
both('setOption', Memcached::OPT_PREFIX_KEY, null);
both('getOption', Memcached::OPT_PREFIX_KEY);
foreach (['', 'k', str_repeat('k', 250), $long] as $key) {
    both('checkKey', $key);
}

// Servers, on objects that have none.
[$mem, $near] = [new Memcached(), new NearCache\Cache('1M')];
foreach ([['getServerList'], ['getServerByKey', 'k'], ['resetServerList'], ['addServer', 'one', 11211], ['addServer', 'two', 11212, 5],
    ['addServers', [['three', 1], ['/tmp/four', 0, 2]]], ['getServerList'], ['addServers', []], ['addServers', [['five'], 'six']],
    ['addServers', [['host' => 'seven', 'port' => 5]]], ['getServerList'], ['getServerByKey', ''], ['resetServerList'], ['getServerList'], ['quit'],
    ['flushBuffers'], ['isPersistent'], ['isPristine'], ['getLastDisconnectedServer'], ['getLastErrorErrno'], ['setBucket', [0, 1], null, 0],
    ['setBucket', [], null, 0], ['setBucket', [-1], null, 0], ['setBucket', [0, 1], [0], 0], ['setBucket', [0], null, -1]] as $call) {
    $method = array_shift($call);
    compare("$method(" . json_encode($call), @$mem->$method(...$call), @$near->$method(...$call));
}
// Statistics of the one server, whose name differs.
foreach ([[], [null], [''], ['settings'], ['bogus'], ['a b']] as $given) {
    $shapes = [];
    foreach ([$theirs, $ours] as $cache) {
        $stats = $cache->getStats(...$given);
        $shapes[] = [is_array($stats) ? count($stats) : $stats, $cache->getResultCode(), is_array($stats) ? is_int(current($stats)['maxbytes'] ?? 0) : 0];
    }
    compare('getStats ' . json_encode($given), ...$shapes);
}
compare('getVersion', ...array_map(fn($cache) => array_map('is_string', array_values($cache->getVersion())), [$theirs, $ours]));
compare('counters', ...array_map(fn($cache) => array_map(fn($name) => is_int(current($cache->getStats())[$name]),
    ['pid', 'time', 'curr_items', 'cmd_get', 'get_hits', 'get_misses', 'limit_maxbytes', 'evictions']), [$theirs, $ours]));
foreach ([$theirs, $ours] as $i => $cache) {
    $last[$i] = [];
    foreach ([fn() => $cache->get('missing'), fn() => $cache->set('k', 1), fn() => $cache->get('k')] as $call) {
        $call();
        array_push($last[$i], $cache->getLastErrorCode(), $cache->getLastErrorErrno());
    }
}
compare('getLastErrorCode', ...$last);

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
// Every method and every constant, as reflection tells them. What only one has is listed here.
$ownMethods = ['__construct', '__debugInfo', 'advanceClock', 'check', 'decrementRaw', 'fetchOr', 'getAndTouch', 'getInfo', 'getProcesses',
    'getRaw', 'has', 'incrementRaw', 'keys', 'remember', 'stats', 'storeRaw', 'unlink'];
// Of later versions of php-memcached, our own, and what a cache in memory has not.
$ownConstants = ['COMPRESSION_ZSTD', 'HAVE_ENCODING', 'HAVE_SASL', 'HAVE_ZSTD', 'OPT_COMPRESSION_LEVEL', 'OPT_ITEM_SIZE_LIMIT',
    'SERIALIZER_PORTABLE'];

function methods(string $class): array
{
    $described = [];
    foreach ((new ReflectionClass($class))->getMethods() as $method) {
        $parameters = [];
        foreach ($method->getParameters() as $p) {
            $parameters[] = (string) $p->getType() . ($p->isPassedByReference() ? ' &$' : ' $') . $p->name
                . ($p->isOptional() ? ' = ' . var_export($p->getDefaultValue(), true) : '');
        }
        $described[$method->name] = implode(' ', Reflection::getModifierNames($method->getModifiers())) . '(' . implode(', ', $parameters) . '): '
            . $method->getReturnType();
    }
    return array_diff_key($described, array_flip($GLOBALS['ownMethods']));
}

$listed = methods('Memcached');
$found = methods('NearCache\\Cache');
foreach (array_keys($listed + $found) as $name) {
    compare("method $name", $listed[$name] ?? null, $found[$name] ?? null);
}
compare('methods of our own', [], array_diff($ownMethods, get_class_methods($ours)));
$listed = array_diff_key((new ReflectionClass('Memcached'))->getConstants(), array_flip($ownConstants));
$found = array_diff_key((new ReflectionClass('NearCache\\Cache'))->getConstants(), array_flip($ownConstants));
foreach (array_keys($listed + $found) as $name) {
    compare("constant $name", $listed[$name] ?? null, $found[$name] ?? null);
}
echo "$compared compared, $different different\n";
exit($different === 0 ? 0 : 1);
