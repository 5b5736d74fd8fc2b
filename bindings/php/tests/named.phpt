--TEST--
A cache with a name: made, attached, read only, removed
--FILE--
<?php
use NearCache\Cache;

require __DIR__ . '/sharing.inc';

$app = new Cache('4M', ['name' => 'app']);
$app->set('k', ['a' => 1]);
$info = $app->getInfo();
echo $info['name'], ' ', basename($info['path']), ' ', $info['size'], ' ', decoct($info['permissions']), "\n";
var_dump($info['evict'], $info['shared'], $info['read_only'], $info['uid'] === fileowner($info['path']), abs($info['created'] - time()) < 60);
[$me] = $app->getProcesses();
var_dump($me['pid'] === getmypid(), $me['life'], $me['threads'] >= 1, $me['name'] !== '', abs($me['since'] - time()) < 60);

// Attached again, its own size and options hold; one mapping serves all objects.
$again = new Cache('8M', ['name' => 'app', 'create' => false]);
var_dump($again->get('k'), $again->stats()['limit_maxbytes']);

// By path, too.
$path = $info['path'];
var_dump((new Cache(options: ['name' => $path, 'create' => false]))->get('k'));

$reader = new Cache(options: ['name' => 'app', 'read_only' => true]);
var_dump($reader->getInfo()['read_only'], $reader->get('k'), $reader->set('k', 1), $reader->getResultCode() === Cache::RES_WRITE_FAILURE,
    $reader->getResultMessage(), $reader->getLastErrorMessage(), $reader->increment('n', 1, 1), $reader->flush(), $reader->delete('k'),
    $reader->get('k'));

// Removed: who has it keeps it, the next makes a new one.
var_dump(Cache::unlink('app'), Cache::unlink('app'), $app->get('k'));
$new = new Cache('4M', ['name' => 'app']);
var_dump($new->get('k'), $new->set('k', 'new'), $app->get('k'), (new Cache('4M', ['name' => 'app']))->get('k'));
unset($app, $again, $reader, $new);
var_dump((new Cache('4M', ['name' => 'app']))->get('k'), Cache::unlink('app'));
echo "--\n";

$attempts = [
    fn() => new Cache('4M', ['name' => 'nobody', 'create' => false]),
    fn() => new Cache(options: ['name' => 'nobody', 'read_only' => true]),
    fn() => new Cache('4M', ['name' => '.hidden']),
    fn() => new Cache('4M', ['name' => 'some/where']),
    fn() => new Cache('4M', ['name' => 7]),
    fn() => new Cache('4M', ['name' => "a\0b"]),
    fn() => new Cache('4M', ['read_only' => true]),
    fn() => new Cache('4M', ['name' => 'app', 'read_only' => true, 'create' => true]),
    fn() => new Cache('4M', ['name' => 'app', 'permissions' => 01000]),
    fn() => Cache::unlink('..'),
];
foreach ($attempts as $attempt) {
    try {
        $attempt();
        echo "no error\n";
    } catch (NearCache\Exception $e) {
        echo str_replace(getenv('NEARCACHE_DIR'), 'DIR', $e->getMessage()), "\n";
    }
}
file_put_contents(getenv('NEARCACHE_DIR') . '/foreign', 'this is no cache');
foreach ([fn() => new Cache('4M', ['name' => 'foreign']), fn() => Cache::unlink('foreign')] as $attempt) {
    try {
        $attempt();
        echo "no error\n";
    } catch (NearCache\Exception $e) {
        var_dump(strlen($e->getMessage()) > 20);
    }
}
echo file_get_contents(getenv('NEARCACHE_DIR') . '/foreign'), "\n";
?>
--EXPECTF--
app app 4194304 600
bool(true)
bool(true)
bool(false)
bool(true)
bool(true)
bool(true)
string(5) "alive"
bool(true)
bool(true)
bool(true)
array(1) {
  ["a"]=>
  int(1)
}
int(4194304)
array(1) {
  ["a"]=>
  int(1)
}
bool(true)
array(1) {
  ["a"]=>
  int(1)
}
bool(false)
bool(true)
string(13) "WRITE FAILURE"
string(73) "the cache is attached for reading alone: open it for writing to change it"
bool(false)
bool(false)
bool(false)
array(1) {
  ["a"]=>
  int(1)
}
bool(true)
bool(false)
array(1) {
  ["a"]=>
  int(1)
}
bool(false)
bool(true)
array(1) {
  ["a"]=>
  int(1)
}
string(3) "new"
string(3) "new"
bool(true)
--
%s
%s
".hidden" cannot name a cache: a name has 1 to 100 letters, digits, '.', '_' or '-', and no '.' in front; a path has a '/'
"some/where" is a relative path: give an absolute one, or a name without a '/'
the option name must be a string, or null for a cache without a name
the name of a cache, or its path, must be UTF-8 without a zero byte
the options create, read_only and permissions are of a cache with a name: give the option name, too
a read_only cache is never created: leave the option create out
the option permissions must be an int of permission bits, 0 to 0777, as in 0600
".." cannot name a cache: a name has 1 to 100 letters, digits, '.', '_' or '-', and no '.' in front; a path has a '/'
bool(true)
bool(true)
this is no cache
