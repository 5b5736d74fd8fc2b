<?php
/*
 * The page that PHP-FPM serves for the tests of decoded arrays: as page.php, but values are arrays, each read several times, so
 * that a worker keeps it decoded. An answer is the text that history.py judges; an array that is not whole has none.
 */
const READS = 4;
$cache = new NearCache\Cache();

/** The array of a key's version: its text in parts, in arrays. */
function made(string $key, int $version, int $length): array
{
    $seed = sha1("$key:$version");
    $payload = substr(str_repeat($seed, intdiv($length, strlen($seed)) + 1), 0, $length);
    $text = "$key $version $length $payload " . md5($payload);
    return ['version' => $version, 'parts' => array_map(fn($part) => ['text' => $part], str_split($text, 100)), 'end' => $version];
}

/** What the array of a get tells; null for a miss. */
function told(mixed $value): ?string
{
    if ($value === false) {
        return null;
    }
    $value['version'] === $value['end'] || throw new RuntimeException("torn: {$value['version']}, {$value['end']}");
    return implode('', array_column($value['parts'], 'text'));
}

$answers = [];
foreach (json_decode(file_get_contents('php://input'), true) as [$verb, $key, $version, $length]) {
    switch ($verb) {
        case 'get':
            $newest = 0;
            for ($reads = 0; $reads < READS; $reads++) {
                $value = $cache->get($key);
                $text = told($value);
                if ($value !== false) {
                    // A version is never followed by an older one. And what a script writes into its array is its own.
                    $value['version'] >= $newest || throw new RuntimeException("$key: {$value['version']} after $newest");
                    $newest = $value['version'];
                    $value['parts'][0]['text'] = 'changed by a script';
                    $value['end'] = 0;
                }
            }
            $answers[] = $text;
            break;
        case 'set':
            $answers[] = $cache->set($key, made($key, $version, $length));
            break;
        case 'delete':
            $cache->delete($key);
            $answers[] = true;
            break;
        case 'check':
            $answers[] = $cache->check();
            break;
        case 'stats':
            $answers[] = $cache->stats();
            break;
    }
}
echo json_encode(['pid' => getmypid(), 'answers' => $answers]);
