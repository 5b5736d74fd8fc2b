<?php
/*
 * One session in php-memcached's handler, through nearcached, and in nearcache's, on one shared cache: each counts on from
 * where the other stopped, and waits for the other's lock.
 *
 *     php -n sessions.php EXTENSION NEARCACHED
 */
[, $extension, $daemon] = $argv;
$directory = '/dev/shm/nearcache-sessions-' . bin2hex(random_bytes(6));
mkdir($directory, 0700);
putenv("NEARCACHE_DIR=$directory");
$socket = "$directory/socket";
$user = trim(shell_exec('id -un'));
$server = proc_open([$daemon, '--region', 'sessions', '-s', $socket, '-a', '700', '-m', '16', '-u', $user], [], $pipes);
register_shutdown_function(function () use ($server, $directory) {
    proc_terminate($server);
    proc_close($server);
    array_map('unlink', glob("$directory/*"));
    rmdir($directory);
});
for ($deadline = microtime(true) + 20; !@stream_socket_client("unix://$socket"); usleep(10000)) {
    microtime(true) < $deadline && proc_get_status($server)['running'] || exit("nearcached does not answer on $socket\n");
}

/** What the code says with this handler. */
function with(string $handler, string $code): string
{
    global $extension, $socket;
    $settings = $handler === 'memcached'
        ? ['extension=igbinary', 'extension=msgpack', 'extension=memcached', "session.save_path=$socket:0", 'memcached.sess_binary_protocol=0', 'memcached.sess_lock_retries=0']
        : ["extension=$extension", 'session.save_path=sessions', 'nearcache.sess_lock_retries=0'];
    $settings = [...$settings, "session.save_handler=$handler", 'session.use_cookies=0', 'session.use_only_cookies=0', 'session.cache_limiter=', 'display_errors=0'];
    $options = array_merge(...array_map(fn ($setting) => ['-d', $setting], $settings));
    $process = proc_open([PHP_BINARY, '-n', ...$options, '-r', "session_id('one'); \$is = session_start(); $code"], [1 => ['pipe', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes);
    $said = stream_get_contents($pipes[1]);
    proc_close($process);
    return $said;
}

const COUNT = 'echo $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1; $_SESSION["list"][] = [1.5, "text", null];';
$said = [];
foreach (['memcached', 'nearcache', 'nearcache', 'memcached', 'nearcache'] as $handler) {
    $said[] = with($handler, COUNT);
}
// Killed with the session open: its lock stays, for either.
foreach (['memcached', 'nearcache'] as $holder) {
    $said[] = with($holder, 'echo "held"; flush(); exec("kill -KILL " . getmypid());');
    foreach (['memcached', 'nearcache'] as $handler) {
        $said[] = with($handler, 'var_export($is);');
    }
    $cache = fsockopen("unix://$socket");
    fwrite($cache, "delete memc.sess.key.lock.one\r\n");
    $said[] = trim(fgets($cache));
}
$said[] = with('nearcache', 'echo count($_SESSION["list"]);');
$expected = ['1', '2', '3', '4', '5', 'held', 'false', 'false', 'DELETED', 'held', 'false', 'false', 'DELETED', '5'];
if ($said !== $expected) {
    echo 'expected: ', json_encode($expected), "\ngot:      ", json_encode($said), "\n";
    exit(1);
}
echo count($said), " checks\n";
