<?php
/*
 * The extension in PHP-FPM: request after request in one worker. A cache of an object's own ends with its request, one with a
 * persistent_id stays; a request that dies of memory or of a fatal error harms no later one; the worker stops cleanly. Arrays
 * that are kept decoded stay from one request to the next, and what was replaced in one is freed when the next begins, whatever
 * the last held of it to its end.
 *
 *     php fpm.php PHP_FPM EXTENSION
 */

[, $fpm, $extension] = $argv;
$directory = sys_get_temp_dir() . '/nearcache-' . bin2hex(random_bytes(6));
mkdir($directory, 0700);
$socket = "$directory/s";
$script = "$directory/page.php";
file_put_contents("$directory/fpm.conf", "[global]\nerror_log = $directory/log\ndaemonize = no\n[www]\nlisten = $socket\npm = static\n"
    . "pm.max_children = 1\ncatch_workers_output = yes\nphp_admin_value[memory_limit] = 16M\n");
file_put_contents($script, <<<'PAGE'
<?php
$kept = new NearCache\Cache('32M', ['persistent_id' => 'app']);
$own = new NearCache\Cache('1M');
$n = $kept->increment('requests', 1, 1);
$before = $own->get('k');
$own->set('k', 1);
$kept->set("from $n", ['request' => $n, 'pad' => str_repeat('x', 1000)]);
$counters = $kept->stats();
$waits = $counters['l1_retired_bytes'];
$kept->add('rows', array_map(fn($i) => ['id' => "row $i", 'tags' => ["tag $i", 'all']], range(0, 99)));
class Held
{
    public static array $rows = [];
    public function __construct(public array $rest) {}
    public function __destruct()
    {
        $this->rest[] = count(self::$rows);
    }
}
for ($i = 0; $i < 12; $i++) {
    $i % 4 ?: $kept->set('version', ["of $n" => ["$n.$i" => "value $n.$i"]]);
    Held::$rows = $kept->get('rows');
    $held[] = new Held([Held::$rows[$i]['id'] => $kept->get('version')] + Held::$rows);
}
stream_wrapper_register(strtr(Held::$rows[1]['id'], ' ', '-'), Held::class);
$right = $held[11]->rest['row 11'] === ["of $n" => ["$n.8" => "value $n.8"]] && Held::$rows[99]['tags'][0] === 'tag 99';
$hits = $kept->stats()['l1_hits'] - $counters['l1_hits'];
echo json_encode([$n, $before, $n > 1 ? $kept->get('from ' . ($n - 1))['request'] : null, $kept->check(), getmypid(), $right, $hits, $waits]);
switch ($_SERVER['QUERY_STRING']) {
    case 'memory':
        $kept->set('part', str_repeat('p', 500000));
        for ($held = []; ; ) {
            $held[] = $kept->get('part');
        }
    case 'fatal':
        $kept->get('none', function () { undefined_function(); });
    case 'exit':
        $kept->get('none', function () { exit; });
}
PAGE);
$command = [$fpm, '-n', '-R', '-F', '-y', "$directory/fpm.conf", '-d', "extension=$extension"];
$server = proc_open($command, [1 => ['file', "$directory/out", 'w'], 2 => ['file', "$directory/out", 'a']], $pipes);
$deadline = microtime(true) + 30;
while (!($probe = @stream_socket_client("unix://$socket"))) {
    if (microtime(true) > $deadline || !proc_get_status($server)['running']) {
        echo "php-fpm does not answer:\n", @file_get_contents("$directory/out"), @file_get_contents("$directory/log");
        exit(1);
    }
    usleep(10000);
}
fclose($probe);

function record(int $type, string $content): string
{
    return pack('CCnnCx', 1, $type, 1, strlen($content), 0) . $content;
}

/** One FastCGI request; the body of its answer. */
function request(string $query): string
{
    global $socket, $script;
    $params = '';
    foreach (['SCRIPT_FILENAME' => $script, 'REQUEST_METHOD' => 'GET', 'QUERY_STRING' => $query] as $name => $value) {
        $params .= pack('CN', strlen($name), strlen($value) | 0x80000000) . $name . $value;
    }
    $wire = stream_socket_client("unix://$socket");
    fwrite($wire, record(1, pack('nCx5', 1, 0)) . record(4, $params) . record(4, '') . record(5, ''));
    $body = '';
    while (strlen($header = (string) stream_get_contents($wire, 8)) === 8) {
        ['type' => $type, 'length' => $length, 'padding' => $padding] = unpack('Cversion/Ctype/nid/nlength/Cpadding', $header);
        $content = (string) stream_get_contents($wire, $length + $padding);
        if ($type === 6) {
            $body .= substr($content, 0, $length);
        }
    }
    return explode("\r\n\r\n", $body, 2)[1] ?? $body;
}

$failed = 0;
$worker = null;
foreach (['', '', 'memory', '', 'fatal', '', 'exit', ''] as $i => $query) {
    $body = request($query);
    $answer = json_decode(preg_replace('/\].*/s', ']', $body), true);
    $worker ??= $answer[4] ?? null;
    // Of 12 readings of each of two arrays the first two of a version are decoded, and the rows were there before.
    $expected = [$i + 1, false, $i ?: null, true, $worker, true, 6 + ($i ? 12 : 10), 0];
    if ($answer !== $expected || $worker === null || ($query === 'memory') !== str_contains($body, 'Allowed memory size')) {
        $failed++;
        echo "request $i ($query): $body\n    expected ", json_encode($expected), "\n";
    }
}
proc_terminate($server);
do {
    $status = proc_get_status($server);
} while ($status['running'] && !usleep(10000));
if ($status['signaled'] || $status['exitcode'] !== 0 || preg_match('/SIG(SEGV|ABRT|BUS)|core dumped/', file_get_contents("$directory/log"))) {
    $failed++;
    echo 'php-fpm ended with ', json_encode($status), "\n", file_get_contents("$directory/log");
}
array_map('unlink', glob("$directory/*"));
rmdir($directory);
exit($failed === 0 ? 0 : 1);
