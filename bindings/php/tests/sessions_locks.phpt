--TEST--
Sessions are locked: who waits, how long, and what a lock that was lost or left behind does
--FILE--
<?php
require __DIR__ . '/sharing.inc';
$on = ['session.use_cookies' => '0', 'session.use_only_cookies' => '0', 'session.cache_limiter' => '', 'session.save_path' => '', 'session.save_handler' => 'nearcache',
    'nearcache.enable_cli' => '1', 'nearcache.memory_size' => '4M'];
const HELP = <<<'CODE'
ob_start();
$c = new NearCache\Cache();
const LOCK = 'memc.sess.key.lock.s';
function show(mixed ...$values): void { foreach ($values as $value) { echo json_encode($value), "\n"; } }
$said = [];
set_error_handler(function ($_, $message) { global $said; $said[] = $message; return true; });
function start(): array { global $c; session_id('s'); $began = hrtime(true); $is = session_start(); return [$is, (hrtime(true) - $began) / 1e6]; }
CODE;

echo "waits as long as the settings say\n";
foreach ([['5', '150', '150', 750], ['3', '40', '1000', 280], ['4', '40', '100', 320], ['0', '150', '150', 0]] as [$retries, $min, $max, $wait]) {
    $settings = ['nearcache.sess_lock_retries' => $retries, 'nearcache.sess_lock_wait_min' => $min, 'nearcache.sess_lock_wait_max' => $max];
    echo php($on + $settings, HELP . "\$c->set(LOCK, '1', 100); [\$is, \$ms] = start(); show(\$is, \$ms >= $wait, \$ms < $wait + 20000, \$said[0]);");
}
echo "not locked\n";
echo php($on + ['nearcache.sess_locking' => '0'], HELP . '$c->set(LOCK, "1", 100); show(start()[0], $c->get(LOCK)); session_write_close(); show($c->get(LOCK));');
echo "a lock ends: that of a worker that was killed, and that of one that is too slow\n";
foreach (['1' => 2, '7' => 8] as $expire => $most) {
    echo php($on + ['nearcache.sess_lock_expire' => $expire, 'nearcache.apcu_compat' => '1'], HELP . "start(); \$ttl = \$c->get(LOCK) === '1' ? apcu_key_info(LOCK)['ttl'] : null; show(\$ttl <= $most && \$ttl >= $most - 2);");
}
echo php($on + ['max_execution_time' => '90', 'nearcache.apcu_compat' => '1'], HELP . 'start(); $ttl = apcu_key_info(LOCK)["ttl"]; show($ttl > 80 && $ttl <= 91);');
echo "who lost the lock does not remove the next one's, and is told\n";
echo php($on, HELP . <<<'CODE'
start();
$_SESSION['a'] = 1;
$c->delete(LOCK);
$c->set(LOCK, 'of another', 100);
session_write_close();
show($c->get(LOCK), $c->get('memc.sess.key.s'), $said);
CODE);
echo "released: by session_write_close, session_abort, session_destroy, at the script's end, after a fatal error\n";
foreach (['session_write_close();', 'session_abort();', 'session_destroy();'] as $end) {
    echo php($on, HELP . "start(); $end show(\$c->get(LOCK));");
}
foreach (['', 'exit;', 'none();', 'throw new Exception;', 'ini_set("memory_limit", "3M"); str_repeat("x", 1 << 28);'] as $end) {
    php($on + ['nearcache.segment' => 'ends'], HELP . "start(); \$_SESSION['n'] = 1; $end");
    $left = new NearCache\Cache(options: ['name' => 'ends', 'create' => false]);
    echo json_encode([$left->get('memc.sess.key.lock.s'), $left->get('memc.sess.key.s')]), "\n";
    $left->flush();
}
?>
--EXPECTF--
waits as long as the settings say
false
true
true
"session_start(): another request has had this session for the 750 ms that nearcache.sess_lock_retries and nearcache.sess_lock_wait_max allow to wait for it: let them allow more, or have scripts call session_write_close() when they are done with it"
false
true
true
"session_start(): another request has had this session for the 280 ms that nearcache.sess_lock_retries and nearcache.sess_lock_wait_max allow to wait for it: let them allow more, or have scripts call session_write_close() when they are done with it"
false
true
true
"session_start(): another request has had this session for the 320 ms that nearcache.sess_lock_retries and nearcache.sess_lock_wait_max allow to wait for it: let them allow more, or have scripts call session_write_close() when they are done with it"
false
true
true
"session_start(): another request has had this session for the 0 ms that nearcache.sess_lock_retries and nearcache.sess_lock_wait_max allow to wait for it: let them allow more, or have scripts call session_write_close() when they are done with it"
not locked
true
"1"
"1"
a lock ends: that of a worker that was killed, and that of one that is too slow
true
true
true
who lost the lock does not remove the next one's, and is told
"of another"
"a|i:1;"
["session_write_close(): the session's lock ended before the script did, so another request may have changed the session meanwhile: raise nearcache.sess_lock_expire"]
released: by session_write_close, session_abort, session_destroy, at the script's end, after a fatal error
false
false
false
[false,"n|i:1;"]
[false,"n|i:1;"]
[false,"n|i:1;"]
[false,"n|i:1;"]
[false,"n|i:1;"]
