--TEST--
session.save_handler=nearcache: sessions begin, change, are renamed, end; and what cannot be leaves them as they were
--FILE--
<?php
require __DIR__ . '/sharing.inc';
$directory = getenv('NEARCACHE_DIR');
const QUIET = ['session.use_cookies' => '0', 'session.use_only_cookies' => '0', 'session.cache_limiter' => '', 'session.save_path' => '', 'session.save_handler' => 'nearcache'];
$on = QUIET + ['nearcache.enable_cli' => '1', 'nearcache.memory_size' => '4M'];
const HELP = <<<'CODE'
ob_start();
$c = new NearCache\Cache();
function keys(): array { global $c; $keys = iterator_to_array($c->keys()); sort($keys); return $keys; }
function show(mixed ...$values): void { foreach ($values as $value) { echo json_encode($value, JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR), "\n"; } }
function counted(string $id): int { session_id($id); session_start(); $n = $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; session_write_close(); return $n; }
CODE;

echo "life\n";
echo php($on, HELP . <<<'CODE'
show(counted('abc'), counted('abc'), counted('def'), keys(), $c->get('memc.sess.key.abc'));
session_id('abc');
session_start();
show(keys(), 'locked while it is open', $c->get('memc.sess.key.lock.abc'));
$_SESSION['n'] = 99;
session_reset();
show($_SESSION['n'], 'reset to what is stored');
$_SESSION['n'] = 99;
session_abort();
show(keys(), counted('abc'));
session_start();
session_regenerate_id();
$new = session_id();
show(strlen($new), in_array("memc.sess.key.$new", keys()), in_array('memc.sess.key.abc', keys()));
session_regenerate_id(true);
show(in_array("memc.sess.key.$new", keys()), $_SESSION);
session_destroy();
show(keys());
show(session_start(['read_and_close' => true]), session_status() === PHP_SESSION_NONE, session_start(), session_gc());
CODE);

echo "strict mode, ids, lazy writing\n";
echo php($on + ['session.use_strict_mode' => '1'], HELP . <<<'CODE'
session_id('madeup');
session_start();
show(session_id() !== 'madeup', strlen(session_id()));
$_SESSION['n'] = 1;
$id = session_id();
session_write_close();
session_id($id);
session_start();
show(session_id() === $id, $_SESSION);
session_write_close();
show(session_create_id('pre-') !== session_create_id('pre-'));
CODE);
echo php($on + ['session.gc_maxlifetime' => '100'], HELP . <<<'CODE'
counted('lazy');
$before = $c->get('memc.sess.key.lazy', null, NearCache\Cache::GET_EXTENDED)['cas'];
session_id('lazy');
session_start();
session_write_close();
show($c->get('memc.sess.key.lazy', null, NearCache\Cache::GET_EXTENDED)['cas'] === $before);
session_start();
$c->delete('memc.sess.key.lazy');
session_write_close();
show($c->get('memc.sess.key.lazy'), 'stored anew, as it was gone');
CODE);

echo "what cannot be\n";
echo php($on, HELP . <<<'CODE'
counted('big');
session_start();
$_SESSION['n'] = str_repeat('x', 2000000);
show(session_write_close());
show(counted('big'), 'the session before it stayed');
foreach ([str_repeat('i', 300), 'lock.big'] as $id) {
    session_id($id);
    show(session_start());
}
session_write_close();
CODE);
echo "the cache\n";
echo php(QUIET, HELP . 'show(session_start());');
echo str_replace($directory, 'DIR', php(['session.save_path' => $directory] + $on, HELP . 'show(session_start());'));
echo php(['session.save_path' => 'of/a/place'] + $on, HELP . 'show(session_start());');
foreach (['sessions', "$directory/path"] as $place) {
    foreach ([1, 2] as $_) {
        echo php(['session.save_path' => $place] + QUIET + ['nearcache.memory_size' => '2M'], HELP . 'show(counted("a"), keys());');
    }
}
var_dump((new NearCache\Cache(options: ['name' => 'sessions', 'create' => false]))->getInfo()['size']);
echo "a prefix\n", php($on + ['nearcache.sess_prefix' => 'mine:'], HELP . 'show(counted("a"), keys());');
echo "the class SessionHandler\n", php($on, HELP . <<<'CODE'
class Own extends SessionHandler
{
    public function read(string $id): string|false { echo "read "; return parent::read($id); }
    public function write(string $id, string $data): bool { echo "write "; return parent::write($id, $data); }
}
session_set_save_handler(new Own());
show(counted('own'), counted('own'), keys());
CODE);
?>
--EXPECTF--
life
1
2
1
["memc.sess.key.abc","memc.sess.key.def"]
"n|i:2;"
["memc.sess.key.abc","memc.sess.key.def","memc.sess.key.lock.abc"]
"locked while it is open"
"1"
2
"reset to what is stored"
["memc.sess.key.abc","memc.sess.key.def"]
3
32
false
true
false
{"n":3}
["memc.sess.key.abc","memc.sess.key.def"]
true
true
true
0
strict mode, ids, lazy writing
true
32
true
{"n":1}
true
true
"n|i:1;"
"stored anew, as it was gone"
what cannot be

Warning: session_write_close(): the session of 2000015 bytes was not written, and the one before it stays: the item takes 2000091 bytes: the limit is 1048576; raise item_size_max to store it in Command line code on line 8

Warning: session_write_close(): Failed to write session data (nearcache). Please verify that the current setting of session.save_path is correct () in Command line code on line 8
true
2
"the session before it stayed"

Warning: session_start(): the session's id has 300 bytes: it may have 1 to 231, which is what nearcache.sess_prefix leaves of a key's 250 in Command line code on line 12

Warning: session_start(): Failed to read session data: nearcache (path: ) in Command line code on line 12
false

Warning: session_start(): the session's id begins with "lock.", as only locks' keys do in Command line code on line 12

Warning: session_start(): Failed to read session data: nearcache (path: ) in Command line code on line 12
false
the cache

Warning: session_start(): sessions have no cache, for php.ini's is "none": see nearcache.enabled, nearcache.memory_size and, on the command line, nearcache.enable_cli, or name a cache in session.save_path in Command line code on line 5

Warning: session_start(): Failed to initialize storage module: nearcache (path: ) in Command line code on line 5
false

Warning: session_start(): session.save_path is the directory "DIR": with session.save_handler=nearcache it must be empty for php.ini's cache, or the name or path of one in Command line code on line 5

Warning: session_start(): Failed to initialize storage module: nearcache (path: DIR) in Command line code on line 5
false

Warning: session_start(): session.save_path: "of/a/place" is a relative path: give an absolute one, or a name without a '/' in Command line code on line 5

Warning: session_start(): Failed to initialize storage module: nearcache (path: of/a/place) in Command line code on line 5
false
1
[]
2
[]
1
[]
2
[]
int(2097152)
a prefix
1
["mine:a"]
the class SessionHandler
read write read write 1
2
["memc.sess.key.own"]
