<?php
/*
 * nearcached as PHP's memcached extension (libmemcached) sees it. Called with the address of a running daemon and the
 * protocol, `php client.php 127.0.0.1 11211 text` or `php client.php /path/to/socket 0 binary`, and for binary with a user and
 * a password where they are asked for. Exits with 1 and names what went wrong.
 */

declare(strict_types=1);

define('IN_BINARY', $argv[3] === 'binary');
define('USER', $argv[4] ?? null);
define('PASSWORD', $argv[5] ?? null);

$failures = 0;
$checks = 0;

function check(string $what, mixed $expected, mixed $got): void
{
    global $failures, $checks;
    $checks++;
    if ($expected !== $got) {
        $failures++;
        fprintf(STDERR, "%s: expected %s, got %s\n", $what, var_export($expected, true), var_export($got, true));
    }
}

function connect(array $options = [], ?string $user = USER, ?string $password = PASSWORD): Memcached
{
    global $argv;
    $client = new Memcached();
    $client->setOptions($options + [Memcached::OPT_BINARY_PROTOCOL => IN_BINARY, Memcached::OPT_TCP_NODELAY => true]);
    if ($user !== null) {
        $client->setSaslAuthData($user, $password);
    }
    $client->addServer($argv[1], (int) $argv[2]);
    return $client;
}

function verbs(Memcached $client): void
{
    check('flush', true, $client->flush());
    check('get of nothing', false, $client->get('key'));
    check('its result', Memcached::RES_NOTFOUND, $client->getResultCode());
    check('replace of nothing', false, $client->replace('key', 'x'));
    check('its result', IN_BINARY ? Memcached::RES_NOTFOUND : Memcached::RES_NOTSTORED, $client->getResultCode());
    check('add', true, $client->add('key', 'value'));
    check('add again', false, $client->add('key', 'x'));
    check('get', 'value', $client->get('key'));
    check('set', true, $client->set('key', 'other'));
    check('delete', true, $client->delete('key'));
    check('delete again', false, $client->delete('key'));
    check('its result', Memcached::RES_NOTFOUND, $client->getResultCode());
    $client->setOption(Memcached::OPT_COMPRESSION, false);
    check('set', true, $client->set('key', 'b'));
    check('append', true, $client->append('key', 'c'));
    check('prepend', true, $client->prepend('key', 'a'));
    check('get', 'abc', $client->get('key'));
    check('append to nothing', false, $client->append('missing', 'c'));
    check('get', 'abc', $client->get('key'));
    check('touch', true, $client->touch('key', 2000));
    check('touch of nothing', false, $client->touch('missing', 2000));
}

function types(Memcached $client): void
{
    // The type travels in the client's flags.
    foreach ([5, 2.5, true, false, '', 'text', ['a' => [1, null]], str_repeat('long ', 100_000)] as $value) {
        check('set', true, $client->set('typed', $value));
        check('get', $value, $client->get('typed'));
    }
}

function uniques(Memcached $client): void
{
    $client->set('key', 'one');
    $got = $client->get('key', null, Memcached::GET_EXTENDED);
    check('value', 'one', $got['value']);
    check('cas', true, $client->cas($got['cas'], 'key', 'two'));
    check('cas again', false, $client->cas($got['cas'], 'key', 'three'));
    check('its result', Memcached::RES_DATA_EXISTS, $client->getResultCode());
    check('cas of nothing', false, $client->cas($got['cas'], 'missing', 'x'));
    check('its result', Memcached::RES_NOTFOUND, $client->getResultCode());
    check('get', 'two', $client->get('key'));
}

function many(Memcached $client): void
{
    $values = [];
    for ($number = 0; $number < 500; $number++) {
        $values["key$number"] = str_repeat("$number", $number);
    }
    check('setMulti', true, $client->setMulti($values));
    check('getMulti', $values, $client->getMulti(array_keys($values), Memcached::GET_PRESERVE_ORDER));
    check('getDelayed', true, $client->getDelayed(['key1', 'missing', 'key2'], true));
    $fetched = $client->fetchAll();
    check('fetchAll', ['1', '22'], array_column($fetched, 'value'));
    $deleted = $client->deleteMulti(['key1', 'missing']);
    check('deleteMulti', ['key1' => true, 'missing' => Memcached::RES_NOTFOUND], $deleted);
}

function numbers(Memcached $client): void
{
    check('increment of nothing', false, $client->increment('number'));
    check('its result', Memcached::RES_NOTFOUND, $client->getResultCode());
    if (IN_BINARY) {
        // This protocol can make them.
        check('increment', 40, $client->increment('number', 5, 40));
        check('increment', 45, $client->increment('number', 5, 40));
        check('decrement', 0, $client->decrement('number', 100));
    }
    $client->set('number', 10);
    check('increment', 15, $client->increment('number', 5));
    check('decrement', 0, $client->decrement('number', 100));
    $client->set('text', 'text');
    check('increment of text', false, @$client->increment('text'));
}

function expiry(Memcached $client): void
{
    check('set', true, $client->set('key', 'value', 1000));
    check('touch', true, $client->touch('key', 2000));
    check('touch of nothing', false, $client->touch('missing', 2000));
    check('set of the past', true, $client->set('key', 'value', time() - 100));
    check('get', false, $client->get('key'));
}

function largest(Memcached $client): void
{
    $client->setOption(Memcached::OPT_COMPRESSION, false);
    $value = random_bytes(1_000_000);
    check('set', true, $client->set('large', $value));
    check('get', true, $client->get('large') === $value);
    check('too large', false, $client->set('large', str_repeat('x', 2_000_000)));
    check('its result', Memcached::RES_E2BIG, $client->getResultCode());
    $left = $client->get('large');
    // A cache forgets what was to be replaced; a store loses nothing.
    $expected = getenv('STORE') === false ? 'nothing' : 'what was there';
    check('what it leaves', $expected, match ($left) { false => 'nothing', $value => 'what was there', default => 'another' });
}

function administration(Memcached $client): void
{
    $version = $client->getVersion();
    check('version', ['1.6.45'], array_values($version));
    $stats = $client->getStats();
    check('stats', 2, (int) reset($stats)['threads']);
    check('longest key', true, $client->set(str_repeat('k', 250), 'x'));
    check('get', 'x', $client->get(str_repeat('k', 250)));
}

verbs(connect());
types(connect());
uniques(connect());
many(connect());
many(connect([Memcached::OPT_NO_BLOCK => true, Memcached::OPT_BUFFER_WRITES => false]));
numbers(connect());
expiry(connect());
largest(connect());
administration(connect());
if (USER !== null) {
    foreach ([[USER, 'wrong'], ['nobody', PASSWORD], [null, null]] as [$other, $wrong]) {
        check('a stranger sets', false, @connect([], $other, $wrong)->set('key', 'stranger'));
        check('a stranger gets', false, @connect([], $other, $wrong)->get('key'));
    }
    check('what strangers leave', true, connect()->set('key', 'mine'));
}
echo "$checks checks, $failures failures\n";
exit($failures > 0 ? 1 : 0);
