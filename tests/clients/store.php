<?php
/*
 * PHP's memcached extension before and after a restart of the daemon's store: `php store.php PORT text|binary write|read`.
 * Exits with 1 and names what went wrong.
 */

declare(strict_types=1);

[, $port, $protocol, $what] = $argv;

$client = new Memcached();
$client->setOptions([Memcached::OPT_BINARY_PROTOCOL => $protocol === 'binary', Memcached::OPT_TCP_NODELAY => true]);
$client->addServer('127.0.0.1', (int) $port);

$items = ['number' => 7, 'text' => 'text', 'list' => ['a' => [1, null]], 'long' => str_repeat('long ', 20_000)];
$failures = 0;
$check = function (string $what, mixed $expected, mixed $got) use (&$failures): void {
    if ($expected !== $got) {
        $failures++;
        fprintf(STDERR, "%s: expected %s, got %s\n", $what, var_export($expected, true), var_export($got, true));
    }
};

if ($what === 'write') {
    $check('setMulti', true, $client->setMulti($items));
    $check('increment', 12, $client->increment('number', 5));
    $check('set with a lifetime', true, $client->set('soon', 'x', 1000));
    $check('set', true, $client->set('gone', 'x'));
    $check('delete', true, $client->delete('gone'));
} else {
    $check('getMulti', ['number' => 12] + $items + ['soon' => 'x'], $client->getMulti([...array_keys($items), 'soon', 'gone']));
    $check('increment', 13, $client->increment('number'));
    $check('touch', true, $client->touch('soon', 5));
    $got = $client->get('text', null, Memcached::GET_EXTENDED);
    $check('cas', true, $client->cas($got['cas'], 'text', 'other'));
    $check('cas again', false, $client->cas($got['cas'], 'text', 'third'));
}
exit($failures === 0 ? 0 : 1);
