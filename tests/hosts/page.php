<?php
/*
 * The page that PHP-FPM serves for the tests: does the operations of the request's body, in JSON, on the cache that php.ini asks
 * for. Values are made as history.py's value_of makes them.
 */
$cache = new NearCache\Cache();
$answers = [];
foreach (json_decode(file_get_contents('php://input'), true) as [$verb, $key, $version, $length]) {
    switch ($verb) {
        case 'get':
            $value = $cache->get($key);
            $answers[] = $value === false ? null : $value;
            break;
        case 'set':
            $seed = sha1("$key:$version");
            $payload = substr(str_repeat($seed, intdiv($length, strlen($seed)) + 1), 0, $length);
            $answers[] = $cache->set($key, "$key $version $length $payload " . md5($payload));
            break;
        case 'delete':
            $cache->delete($key);
            $answers[] = true;
            break;
        case 'increment':
            $answers[] = $cache->increment($key, 1, 1);
            break;
        case 'check':
            try {
                $answers[] = $cache->check();
            } catch (NearCache\Exception $e) {
                $answers[] = $e->getMessage();
            }
            break;
        case 'info':
            $answers[] = $cache->getInfo();
            break;
        case 'processes':
            $answers[] = $cache->getProcesses();
            break;
        case 'stats':
            $answers[] = $cache->stats();
            break;
    }
}
echo json_encode(['pid' => getmypid(), 'answers' => $answers]);
