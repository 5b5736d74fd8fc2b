--TEST--
php.ini: what each setting is without a value, and that a bad one is told of and changes nothing
--FILE--
<?php
require __DIR__ . '/sharing.inc';

$settings = (array) json_decode(php([], 'echo json_encode(ini_get_all("nearcache"));'), true);
foreach ($settings as $name => $about) {
    printf("%-42s %-16s %s\n", $name, var_export($about['global_value'], true), [4 => 'of the server', 7 => 'of all'][$about['access']]);
}

echo "\nbad in php.ini\n";
const BAD = ['enabled' => 'maybe', 'enable_cli' => '2', 'memory_size' => '64', 'permissions' => '0999', 'item_size_limit' => '2G', 'l1_size' => '-1',
    'memcached_alias' => 'y', 'apcu_compat' => 'x', 'default_ttl' => '-5', 'serializer' => 'xml', 'compression_type' => 'lz4', 'compression_level' => 'max',
    'compression_threshold' => '2k', 'compression_factor' => '-1', 'sess_locking' => 'sure', 'sess_lock_wait_min' => '60001',
    'sess_lock_wait_max' => '1.5', 'sess_lock_retries' => '-1', 'sess_lock_expire' => 'never'];
$bad = BAD + ['sess_prefix' => str_repeat('p', 151)];
foreach ($bad as $name => $value) {
    $said = php(["nearcache.$name" => $value], "echo ini_get('nearcache.$name') === '{$settings["nearcache.$name"]['global_value']}' ? 'stays' : 'changed';");
    echo preg_match('/^\s*Warning: PHP Startup: (.*) in Unknown on line 0\s*stays$/', $said, $warned) ? str_replace('64M (K, M and G count 1024, 1024 K and 1024 M)', '...', $warned[1]) : $said, "\n";
}
echo 'tested: ', implode(' ', array_diff(array_map(fn ($name) => substr($name, 10), array_keys($settings)), array_keys($bad))), " have rules of their own\n";

echo "\nby a script\n";
var_dump(ini_set('nearcache.sess_lock_retries', '7'), ini_get('nearcache.sess_lock_retries'), ini_set('nearcache.memory_size', '1M'));
var_dump(ini_set('nearcache.sess_lock_retries', '-7'), ini_get('nearcache.sess_lock_retries'));
?>
--EXPECTF--
