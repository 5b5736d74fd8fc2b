--TEST--
nearcache.memcached_alias and nearcache.apcu_compat: the extensions themselves come first, wherever php.ini names them
--SKIPIF--
<?php
foreach (['igbinary', 'msgpack', 'memcached', 'apcu'] as $name) {
    if (!file_exists(ini_get('extension_dir') . "/$name.so")) {
        die("skip needs the extension $name");
    }
}
?>
--FILE--
<?php
$own = preg_match('/extension=(\S+nearcache\S*?)["\']?( |$)/', getenv('TEST_PHP_EXTRA_ARGS'), $found) ? $found[1] : null;
foreach ([0, 4] as $place) {
    $extensions = ['igbinary', 'msgpack', 'memcached', 'apcu'];
    array_splice($extensions, $place, 0, [$own]);
    $options = implode(' ', array_map(fn ($name) => '-d ' . escapeshellarg("extension=$name"), $extensions));
    echo shell_exec(escapeshellarg(PHP_BINARY) . " -n $options -d nearcache.memcached_alias=1 -d nearcache.apcu_compat=1 -d nearcache.enable_cli=1 -d apc.enable_cli=1 -r "
        . escapeshellarg('var_dump(get_parent_class("Memcached"), class_exists("NearCache\Cache"), (new ReflectionFunction("apcu_sma_info"))->getExtension()->getINIEntries()["apc.shm_size"]);') . ' 2>&1');
}
?>
--EXPECT--
bool(false)
bool(true)
string(3) "32M"
bool(false)
bool(true)
string(3) "32M"
