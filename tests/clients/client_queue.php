<?php
/*
 * nearcached's queues as PHP's memcached extension (libmemcached) sees them. `php client_queue.php 127.0.0.1 22201 check`
 * exits with 1 and names what went wrong; `php client_queue.php 127.0.0.1 22201 work jobs 500` is a worker: it processes
 * messages of a queue until none comes for so many milliseconds, and prints each when it has acknowledged it.
 */

declare(strict_types=1);

function connect(): Memcached
{
    global $argv;
    $client = new Memcached();
    $client->setOptions([Memcached::OPT_TCP_NODELAY => true, Memcached::OPT_COMPRESSION => false]);
    $client->addServer($argv[1], (int) $argv[2]);
    return $client;
}

function check(string $what, mixed $expected, mixed $got): void
{
    if ($expected !== $got) {
        fprintf(STDERR, "%s: expected %s, got %s\n", $what, var_export($expected, true), var_export($got, true));
        exit(1);
    }
}

function checks(Memcached $client): void
{
    check('get of nothing', false, $client->get('php'));
    check('its result', Memcached::RES_NOTFOUND, $client->getResultCode());
    foreach ([1, 2.5, true, 'text', ['a' => [1, null]]] as $value) {
        check('set', true, $client->set('php', $value));
        check('get', $value, $client->get('php'));
    }
    check('set', true, $client->set('php', 'first'));
    check('set with options', true, $client->set('php/id=7', 'second'));
    check('a double', true, $client->set('php/id=7', 'second'));
    check('peek', 'first', $client->get('php/peek'));
    check('open', 'first', $client->get('php/open'));
    check('close and open', 'second', $client->get('php/close/open/t=100'));
    check('abort', false, $client->get('php/abort'));
    check('again', 'second', $client->get('php/open'));
    check('close', false, $client->get('php/close'));
    check('nothing is left', false, $client->get('php/t=10'));
    check('one of each', ['x' => 1, 'y' => 2], (function () use ($client) {
        $client->set('x', 1);
        $client->set('y', 2);
        return $client->getMulti(['x', 'y']);
    })());
    check('over the limit', false, $client->set('php', str_repeat('x', 2 << 20)));
    check('its result', Memcached::RES_E2BIG, $client->getResultCode());
    check('add makes no sense', false, $client->add('php', 'x'));
    check('and nothing is out of step', true, $client->set('php', 'x'));
    check('delete', true, $client->delete('php'));
    check('delete again', false, $client->delete('php'));
    check('its result', Memcached::RES_NOTFOUND, $client->getResultCode());
}

function work(Memcached $client, string $queue, int $patience): void
{
    $client->setOption(Memcached::OPT_POLL_TIMEOUT, 60000);
    while (($job = $client->get("$queue/open/t=$patience")) !== false) {
        $client->get("$queue/close");
        check('closed', Memcached::RES_NOTFOUND, $client->getResultCode());
        echo "$job\n";
    }
}

match ($argv[3]) {
    'check' => checks(connect()),
    'work' => work(connect(), $argv[4], (int) $argv[5]),
};
