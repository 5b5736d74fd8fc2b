<?php
/*
 * The page that PHP-FPM serves for the tests of settings: sessions, APCu's functions, and what is known of php.ini's cache.
 * The body is a verb and its arguments, in JSON; the answer is JSON.
 */
[$verb, $a] = json_decode(file_get_contents('php://input'), true);

/** The session, open; false if it could not be had. */
function session(string $id): bool
{
    session_id($id);
    return @session_start(['use_cookies' => 0, 'use_only_cookies' => 0, 'cache_limiter' => '']);
}

echo json_encode(match ($verb) {
    // Sessions.
    'count' => session($a['id']) ? $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1 : false,
    'hold' => session($a['id']) && file_put_contents($a['file'], getmypid()) && sleep(600),
    'session' => session($a['id']) ? $_SESSION : false,
    // APCu's functions.
    'entry' => apcu_entry($a['key'], function (string $key) {
        apcu_inc("calls of $key");
        // Long enough for the others to come and wait.
        usleep(300_000);
        return getmypid();
    }),
    'fetch' => apcu_fetch($a['key']),
    // The cache.
    'increment' => (new NearCache\Cache())->increment($a['key'], 1, 1),
    'info' => (new NearCache\Cache())->getInfo() + ['pid' => getmypid()],
    'keys' => iterator_to_array((new NearCache\Cache())->keys()),
});
