<?php
/*
 * The page that PHP-FPM serves for the tests of stampedes: asks for a key by way of remember() or apcu_entry(), with a producer
 * that does what the request wants it to. Files say how far the workers are: no cache is between them and the test.
 */
[$verb, $a] = json_decode(file_get_contents('php://input'), true);
$cache = new NearCache\Cache();

/** Waits for what is to come true. */
function until(callable $true): void
{
    $deadline = hrtime(true) + 60e9;
    while (!$true()) {
        hrtime(true) < $deadline || throw new RuntimeException('nothing came of it in a minute');
        usleep(1000);
        clearstatcache();
    }
}

/** Tells the test, and the other workers, how many have come this far; the file `<name>.<worker>` is one of them. */
function arrive(string $name): void
{
    // Whoever sees the file is to find the number in it.
    file_put_contents("$name-" . getmypid(), getmypid());
    rename("$name-" . getmypid(), "$name." . getmypid());
}

/** How a producer ends. */
function finish(string $how): mixed
{
    switch ($how) {
        case 'throw':
            throw new LogicException('thrown on purpose');
        case 'exit':
            exit('ended on purpose');
        case 'fatal':
            return a_function_that_is_not_there();
        case 'memory':
            ini_set('memory_limit', '8M');
            for ($all = [];; $all[] = str_repeat('x', 1000));
        case 'time':
            set_time_limit(1);
            for (;;);
        case 'closure':
            // Cannot be serialized.
            return fn() => 1;
        case 'wait':
            // A sleep ends early when a signal asks the worker to end after this request.
            until(fn() => false);
    }
    return ['made by' => getmypid(), 'how' => $how];
}

/** The key's value. */
$ask = function (string $key, callable $producer) use ($a, $cache): mixed {
    return ($a['api'] ?? 'remember') === 'apcu_entry'
        ? apcu_entry($key, $producer, 600)
        : $cache->remember($key, $a['ttl'] ?? 600, $producer, $a['stale'] ?? 0, $a['lease'] ?? 30);
};
$producer = function () use ($a, $cache): mixed {
    $cache->increment("times of {$a['key']}", 1, 1);
    isset($a['begun']) && arrive($a['begun']);
    isset($a['gate']) && until(fn() => file_exists($a['gate']));
    isset($a['takes']) && usleep($a['takes']);
    return finish($a['how'] ?? 'return');
};
$answer = null;
$began = hrtime(true);
switch ($verb) {
    case 'ask':
        if (isset($a['together'])) {
            // No worker has two requests at once: so many files are so many workers.
            arrive($a['here']);
            until(fn() => count(glob($a['here'] . '.*')) >= $a['together']);
        } elseif (isset($a['here'])) {
            arrive($a['here']);
        }
        if ($a['again'] ?? false) {
            register_shutdown_function(fn() => $ask($a['key'], fn() => 'made as the request ended'));
        }
        $answer = $ask($a['key'], $producer);
        break;
    case 'itself':
        $answer = $ask($a['key'], fn() => ['outer' => $producer(), 'inner' => $ask($a['key'], fn() => 'inner')]);
        break;
    case 'nested':
        // Each of two makes what the other asks for within.
        $answer = $ask($a['key'], fn() => [$producer(), $ask($a['other'], fn() => 'of ' . getmypid())]);
        break;
    case 'get':
        $answer = $cache->get($a['key']);
        break;
    case 'set':
        $answer = $cache->set($a['key'], $a['value'], $a['ttl']);
        break;
    case 'times':
        $answer = (int) $cache->get("times of {$a['key']}");
        break;
    case 'keys':
        $answer = iterator_to_array($cache->keys($a['key']));
        break;
    case 'check':
        $answer = $cache->check();
        break;
}
echo json_encode(['pid' => getmypid(), 'answer' => $answer, 'code' => $cache->getResultCode(), 'seconds' => (hrtime(true) - $began) / 1e9]);
