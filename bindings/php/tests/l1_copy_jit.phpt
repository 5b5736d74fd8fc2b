--TEST--
Whatever a script does to an array that is kept decoded, it does to a copy of its own, also when opcache compiles it
--SKIPIF--
<?php
if (!file_exists(ini_get('extension_dir') . '/opcache.so')) {
    die('skip needs opcache');
}
?>
--INI--
zend_extension=opcache
opcache.enable=1
opcache.enable_cli=1
opcache.jit_buffer_size=32M
opcache.jit=tracing
opcache.jit_hot_loop=2
opcache.jit_hot_func=2
--FILE--
<?php
require __DIR__ . '/l1_copy.inc';
$jit = opcache_get_status(false)['jit'] ?? [];
($jit['on'] ?? php_uname('m') !== 'x86_64') or print("the JIT is off\n");
?>
--EXPECT--
done
