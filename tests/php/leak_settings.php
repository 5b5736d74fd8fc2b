<?php
/*
 * Rounds of what php.ini adds (APCu's functions, \Memcached, sessions), for valgrind: what is lost may not depend on their
 * number (the argument).
 */
$rounds = (int) $argv[1];
class W
{
    public $t = 1;
}

function all_of_it(): void
{
    apcu_store('a', ['x' => [1,2,3], 'o' => new W]);
    apcu_fetch('a', $s);
    apcu_fetch(['a', 'b', 5 => 'zz']);
    @apcu_store(5, 1);
    @apcu_fetch(['a', 5]);
    apcu_store(['m1' => 1, 'm2' => 'two', str_repeat('k', 20) => [1]]);
    @apcu_store(str_repeat('k', 300), 1);
    apcu_add('a', 1);
    apcu_add(['a' => 1, 'b' => 2]);
    apcu_inc('n', 3, $s);
    apcu_dec('n', 10, $s);
    apcu_cas('n', -7, 2);
    apcu_exists(['a', 'q']);
    apcu_delete(['a', 'q']);
    apcu_fetch(5);
    apcu_exists(1.5);
    apcu_entry('e', fn ($k) => [$k]);
    apcu_delete('e');
    try { apcu_entry('e', fn () => throw new Exception('x'));
    } catch (Exception $e) {}
    foreach (new APCUIterator('/^m/') as $k => $v) { } foreach (new APCUIterator(['m1', 'nope']) as $k => $v) { break;
    }
    try { @new APCUIterator('/(/');
    } catch (ValueError $e) {} $i = new APCUIterator;
    $i->getTotalCount();
    $i->getTotalSize();
    apcu_delete(new APCUIterator('/^m/'));
    apcu_cache_info();
    apcu_sma_info();
    apcu_key_info('n');
    apcu_clear_cache();
    try { apcu_fetch(new W);
    } catch (Error $e) {}
    $m = new Memcached('id', function ($m, $id) { $m->set('c', 1);
    }, '--SERVER=a:1');
    $m->get('c');
    unset($m);
    try { new Memcached('id', fn () => throw new Exception('y'));
    } catch (Exception $e) {}
    foreach (['s1', 's2', str_repeat('y', 300), 'lock.z'] as $id) { session_id($id);
    if (@session_start()) { $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
    session_reset();
    $_SESSION['z'] = str_repeat('z', 100);
    session_regenerate_id($id === 's2');
    session_write_close();
    } }
    session_id('s1');
    session_start();
    $_SESSION['big'] = str_repeat('x', 1500000);
    @session_write_close();
    session_start();
    session_destroy();
    ini_set('nearcache.sess_lock_retries', '3');
    @ini_set('nearcache.sess_lock_retries', 'x');
}
ob_start();
for ($n = 0; $n < $rounds; $n++) { all_of_it(); }
ob_end_clean();
echo "ok\n";
