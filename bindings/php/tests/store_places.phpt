--TEST--
Places: options, who has a directory, opened once in a process, killed and opened again, forks, sockets, open_basedir
--SKIPIF--
<?php
if (!function_exists('pcntl_fork')) {
    die('skip needs pcntl');
}
?>
--FILE--
<?php
use NearCache\{Cache, Queue, Store};

require __DIR__ . '/store.inc';

function say(mixed ...$values): void
{
    echo implode(' ', array_map('json_encode', $values)), "\n";
}
$place = "$directory/s";

thrown(fn() => new Store(''), fn() => new Store("a\0b"), fn() => new Store("\xff"), fn() => new Store('unix:'), fn() => new Store('tcp:host'), fn() => new Store("$directory/none", ['create' => false]),
    fn() => new Store("unix:$directory/none"), fn() => new Store('tcp:127.0.0.1:1'),
    fn() => new Store("unix:$directory/none", QUICK), fn() => new Store(), fn() => new Store($place, 7));
touch("$directory/file");
thrown(fn() => new Store("$directory/file"), fn() => new Store("$directory/file/s"));
foreach ([['policy' => 'sometimes'], ['policy' => 0], ['policy' => 1e9], ['policy' => null], ['near' => 'much'], ['near' => 1000], ['near_name' => ''], ['near_name' => 'a/b'], ['item_size_max' => 1],
    ['quota' => -1], ['create' => 1], ['accept_loss' => 'yes'], ['block_cache' => 1], ['workers' => 0], ['manual_clock' => true], ['serializer' => 'xml'], ['serializer' => 99],
    ['compression' => 'gz'], ['polcy' => 'always'], [0 => 1]] as $wrong) {
    thrown(fn() => new Store($place, $wrong));
}
say(file_exists($place));

// Once in a process, whoever asks; closed with the last of its objects.
chdir($directory);
$s = new Store('s', ['policy' => 0.05, 'near' => '2M', 'near_name' => "$directory/near", 'item_size_max' => '2M', 'quota' => '10M', 'block_cache' => '2M', 'workers' => 1, 'serializer' => Cache::SERIALIZER_JSON_ARRAY]);
$same = new Store("$directory/./s");
$q = new Queue($place, 'q');
$s->set('k', ['v']);
say($same->getRaw('k')[0], (new Cache(options: ['name' => "$directory/near", 'read_only' => true]))->getMulti(['k']), $s->get('k'));
var_dump($same instanceof Store, str_replace($directory, 'DIR', print_r($s, true)));
thrown(fn() => new Store($place, ['policy' => 'always']), fn() => $s->set('big', str_repeat('x', 3 << 20)));
for ($i = 0; $i < 12; $i++) {
    try {
        $s->set("big $i", str_repeat('x', 1 << 20));
    } catch (NearCache\QuotaException $e) {
        echo get_class($e), ' ', $i, ' ', preg_replace('/\d{5,}/', 'N', $e->getMessage()), "\n";
        break;
    }
}
$code = 'try { $s = new NearCache\Store(' . var_export($place, true) . '); echo json_encode($s->get("k")), "\n"; } catch (NearCache\InUseException $e) { echo $e->getMessage(), "\n"; }';
$said = php($code);
say((bool) preg_match("~^$place is in use by .*\b" . getmypid() . '\b.*reach it through the daemon~', $said));
unset($s, $same, $q);
echo php($code);

// The child of a fork is told so, and harms nothing.
$s = new Store($place);
$q = $s->queue('q');
$snapshot = $s->snapshot();
$scan = $s->scan();
$batch = $s->batch()->set('of the child', 1);
$q->put('m');
$m = $q->get();
$pid = pcntl_fork();
if ($pid === 0) {
    ob_start();
    thrown(fn() => $s->get('k'), fn() => $s->set('k', 1), fn() => $s->range(), fn() => $snapshot->get('k'), fn() => $scan->valid(), fn() => $batch->commit(), fn() => $q->put(1), fn() => $q->get(), fn() => $m->ack(), fn() => $s->stats(), fn() => $s->verify(), fn() => new Store($place));
    $lines = explode("\n", trim(ob_get_clean()));
    $told = count(preg_grep('~belongs to the parent~', $lines));
    $lines = preg_grep('~belongs to the parent~', $lines, PREG_GREP_INVERT);
    echo $told, ' told; ', preg_replace('~by .*: one~', 'by its parent: one', implode("\n", $lines)), "\n";
    exit;
}
pcntl_waitpid($pid, $status);
say(pcntl_wexitstatus($status), $s->get('k'), $s->has('of the child'), $m->ack(), count($q));
unset($s, $q, $snapshot, $scan, $batch, $m);

// A writer that is killed: what he was told is there.
foreach ([1, 2] as $round) {
    [$process, $pipe] = start('$s = new NearCache\Store(' . var_export("$directory/killed", true) . '); $q = $s->queue("q");
        for ($i = 0; ; $i++) { $s->batch(fn($b) => $b->set("k$i", $i)->push($q, $i)); echo "$i\n"; flush(); }');
    do {
        $last = (int) fgets($pipe);
    } while ($last < 50);
    proc_terminate($process, SIGKILL);
    while (($line = fgets($pipe)) !== false) {
        $last = str_ends_with($line, "\n") ? (int) $line : $last;
    }
    proc_close($process);
    $s = new Store("$directory/killed");
    $q = $s->queue('q');
    $lost = 0;
    for ($i = 0; $i <= $last; $i++) {
        $lost += $s->get("k$i") !== $i;
        $lost += $q->take()->value !== $i;
    }
    $s->verify();
    say($round, $lost, count($q) <= 1);
    $s->flush();
    $q->delete();
    unset($s, $q);
}

echo php('try { new NearCache\Store(' . var_export($place, true) . '); } catch (NearCache\Exception $e) { echo $e->getMessage(), "\n"; }', ['open_basedir' => __DIR__, 'display_errors' => '0']);
?>
--EXPECT--
NearCache\Exception: where is the store? A directory, a daemon's socket as unix:PATH, or tcp:HOST:PORT
NearCache\Exception: where is the store? A directory, a daemon's socket as unix:PATH, or tcp:HOST:PORT
NearCache\Exception: the place of a store must be UTF-8: a directory, or a daemon's socket
NearCache\Exception: unix: is followed by the socket's path
NearCache\Exception: "host" is no address: tcp: is followed by HOST:PORT
NearCache\Exception: there is no store at DIR/none: create one there
NearCache\ConnectionException: cannot connect to unix:DIR/none: No such file or directory (os error 2); is nearcached running there, with --store or --queue?
NearCache\ConnectionException: cannot connect to tcp:127.0.0.1:1: Connection refused (os error 111); is nearcached running there, with --store or --queue?
NearCache\Exception: unix:DIR/none is a daemon's socket, and how its store is opened is the daemon's to say: open it without options
ArgumentCountError: NearCache\Store::__construct() expects at least 1 argument, 0 given
TypeError: NearCache\Store::__construct(): Argument #2 ($options) must be of type array, int given
NearCache\DamagedException: DIR/file is no directory: a store is one
NearCache\Exception: cannot make the directory DIR/file/s: Not a directory (os error 20)
NearCache\Exception: the option policy must be 'always', 'never', or the seconds between two syncs: 0.001 to 3600
NearCache\Exception: the option policy must be 'always', 'never', or the seconds between two syncs: 0.001 to 3600
NearCache\Exception: the option policy must be 'always', 'never', or the seconds between two syncs: 0.001 to 3600
NearCache\Exception: the option policy must be 'always', 'never', or the seconds between two syncs: 0.001 to 3600
NearCache\Exception: near must be a number of bytes of 0 or more, as an int or as a string like "64M" (K, M and G count 1024, 1024 K and 1024 M)
NearCache\Exception: near is 1000 bytes: it is 0 for no near tier, or 1048576 and more
NearCache\Exception: the option near_name must be a name, or an absolute path
NearCache\Exception: "a/b" is a relative path: give an absolute one, or a name without a '/'
NearCache\Exception: item_size_max is 1 bytes: it is 1 KiB to 1 GiB
NearCache\Exception: quota must be a number of bytes of 0 or more, as an int or as a string like "64M" (K, M and G count 1024, 1024 K and 1024 M)
NearCache\Exception: the option create must be true or false
NearCache\Exception: the option accept_loss must be true or false
NearCache\Exception: block_cache is 1 bytes: it is 1 MiB at least
NearCache\Exception: workers is 0: it is 1 to 64
NearCache\Exception: the option manual_clock must be the Unix time at which the clock stands, an int
NearCache\Exception: the option serializer must be php, igbinary, json, json_array, msgpack or portable, or its number (Cache::SERIALIZER_*)
NearCache\Exception: the option serializer must be php, igbinary, json, json_array, msgpack or portable, or its number (Cache::SERIALIZER_*)
NearCache\Exception: the option compression must be true, false, or one of zlib, fastlz and zstd
NearCache\Exception: there is no option "polcy": the options are policy, near, near_name, item_size_max, quota, create, accept_loss, block_cache, workers, manual_clock, serializer, compression
NearCache\Exception: there is no option "0": the options are policy, near, near_name, item_size_max, quota, create, accept_loss, block_cache, workers, manual_clock, serializer, compression
false
"[\"v\"]" {"k":["v"]} ["v"]
bool(true)
string(79) "NearCache\Store Object
(
    [place] => DIR/s
    [serializer] => json_array
)
"
NearCache\Exception: DIR/s is open in this process with policy EveryMillis(50), not Always: open it with the same options, or with none
NearCache\Exception: the value takes 3145790 bytes: the limit is 2097152; raise it to store it
NearCache\QuotaException 9 over quota: N bytes are stored and N more were to be, the quota is N; delete something, or raise it
true
["v"]
11 told; NearCache\InUseException: DIR/s is in use by its parent: one process owns a store; close it there, or reach it through the daemon
0 ["v"] false true 0
1 0 true
2 0 true
open_basedir does not allow the path of this store
