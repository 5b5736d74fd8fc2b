<?php

/**
 * A request of tests/php/threads.c: what threads share of a cache is whole, what is a request's own stays its own.
 *
 * @var int $thread which of the threads; -1 for the request that counts up, where $round is the number of threads
 * @var int $round which of its requests
 * @var int $rounds how many each has
 */

declare(strict_types=1);

use NearCache\Cache;

function must(bool $held, string $what): void
{
    global $thread, $round;
    if (!$held) {
        throw new LogicException("thread $thread, round $round: $what");
    }
}

/** An array of which a mixture of two versions can be told. */
function routes(int $version): array
{
    return array_map(static fn (int $row): array => ['row' => $row, 'version' => $version], range(1, 50));
}

$cache = new Cache();
must($cache->getInfo()['size'] === 32 << 20, 'new Cache() is not the one of php.ini');

if ($thread === -1) {
    must($cache->get('requests') === $round * $rounds, 'increments were lost: ' . $cache->get('requests'));
    for ($each = 0; $each < $rounds; $each++) {
        must($cache->get("makings $each") === 1, "made more than once: {$cache->get("makings $each")} times");
    }
    $cache->check();
    return;
}

$cache->add('requests', 0);
$cache->increment('requests');

// Result codes and messages are an object's own.
must($cache->get("none $thread") === false && $cache->getResultCode() === Cache::RES_NOTFOUND, 'a miss');
must(!$cache->set(str_repeat('k', 251), 1) && $cache->getResultCode() === Cache::RES_BAD_KEY_PROVIDED, 'a bad key');

// Arrays: read whole while others replace them, and what is done to a copy is done to that copy.
$cache->add('routes', routes(0));
for ($i = 0; $i < 20; $i++) {
    $routes = $cache->get('routes');
    must($routes === routes($routes[0]['version']), 'a mixture of versions');
    $routes[0]['version'] = -1;
    $routes[] = $thread;
    must(count($cache->get('routes')) === 50 && $cache->get('routes')[0]['version'] >= 0, 'a copy was shared');
    $i % 5 !== $thread % 5 || $cache->set('routes', routes($thread * 1000 + $round));
}

// A value of this thread alone.
$mine = new ArrayObject([$thread => str_repeat("$round ", 100)]);
$cache->set("mine $thread", $mine);
must($cache->get("mine $thread") == $mine, 'an object came back as another');

// A persistent cache is the process's, under its name.
$persistent = new Cache('2M', ['persistent_id' => 'threads']);
$persistent->set("key $thread", $round);
must($persistent->get("key $thread") === $round, 'the persistent cache');

// One of all threads makes it.
if (method_exists($cache, 'remember')) {
    $made = $cache->remember("made $round", 600, static function () use ($cache, $round): array {
        $cache->add("makings $round", 0);
        $cache->increment("makings $round");
        return routes($round);
    });
    must($made === routes($round), 'what was remembered');
}

// A callback that throws, one that ends the request, and warnings: none of them is seen by another thread.
try {
    $cache->get("throws $thread", static fn () => throw new DomainException("$thread"));
    must(false, 'the exception was lost');
} catch (DomainException $error) {
    must($error->getMessage() === (string) $thread, "another thread's exception");
}
if ($round % 7 === 3) {
    $cache->get("exits $thread", static fn () => exit(0));
}
