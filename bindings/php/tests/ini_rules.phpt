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
const BAD = ['enabled' => 'maybe', 'compression' => 'much', 'enable_cli' => '2', 'memory_size' => '64', 'permissions' => '0999', 'item_size_limit' => '2G', 'l1_size' => '-1',
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
nearcache.apcu_compat                      '0'              of the server
nearcache.compression                      '0'              of all
nearcache.compression_factor               '1.3'            of all
nearcache.compression_level                '3'              of all
nearcache.compression_threshold            '2000'           of all
nearcache.compression_type                 'fastlz'         of all
nearcache.default_ttl                      '0'              of all
nearcache.enable_cli                       '0'              of the server
nearcache.enabled                          '1'              of the server
nearcache.isolation                        'shared'         of the server
nearcache.item_size_limit                  '1M'             of the server
nearcache.l1_size                          '8M'             of the server
nearcache.memcached_alias                  '0'              of the server
nearcache.memory_size                      '64M'            of the server
nearcache.permissions                      '0600'           of the server
nearcache.segment                          ''               of the server
nearcache.serializer                       'php'            of all
nearcache.sess_lock_expire                 '0'              of all
nearcache.sess_lock_retries                '5'              of all
nearcache.sess_lock_wait_max               '150'            of all
nearcache.sess_lock_wait_min               '150'            of all
nearcache.sess_locking                     '1'              of all
nearcache.sess_prefix                      'memc.sess.key.' of all
nearcache.unserialize_allowed_classes      '*'              of the server

bad in php.ini
nearcache.enabled is "maybe": it must be 1 or 0 (on or off); it stays "1"
nearcache.compression is "much": it must be 1 or 0 (on or off); it stays "0"
nearcache.enable_cli is "2": it must be 1 or 0 (on or off); it stays "0"
nearcache.memory_size is "64": it must be a number of bytes between 1048576 and 4398046511104, as in ..., or 0; it stays "64M"
nearcache.permissions is "0999": it must be permission bits in octal, 0 to 0777, as in 0600; it stays "0600"
nearcache.item_size_limit is "2G": it must be a number of bytes between 1024 and 1073741824, as in ..., or 0; it stays "1M"
nearcache.l1_size is "-1": it must be a number of bytes between 0 and 4398046511104, as in ...; it stays "8M"
nearcache.memcached_alias is "y": it must be 1 or 0 (on or off); it stays "0"
nearcache.apcu_compat is "x": it must be 1 or 0 (on or off); it stays "0"
nearcache.default_ttl is "-5": it must be a number between 0 and 2147483648; it stays "0"
nearcache.serializer is "xml": it must be one of php, igbinary, json, json_array, msgpack, portable; it stays "php"
nearcache.compression_type is "lz4": it must be one of fastlz, zlib, zstd; it stays "fastlz"
nearcache.compression_level is "max": it must be a number between -7 and 22; it stays "3"
nearcache.compression_threshold is "2k": it must be a number between 0 and 1073741824; it stays "2000"
nearcache.compression_factor is "-1": it must be a number of 1 or more, as in 1.3; it stays "1.3"
nearcache.sess_locking is "sure": it must be 1 or 0 (on or off); it stays "1"
nearcache.sess_lock_wait_min is "60001": it must be a number between 0 and 60000; it stays "150"
nearcache.sess_lock_wait_max is "1.5": it must be a number between 0 and 60000; it stays "150"
nearcache.sess_lock_retries is "-1": it must be a number between 0 and 1000000; it stays "5"
nearcache.sess_lock_expire is "never": it must be a number between 0 and 2147483648; it stays "0"
nearcache.sess_prefix is "ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp": it must be at most 150 bytes; it stays "memc.sess.key."
tested: isolation segment unserialize_allowed_classes have rules of their own

by a script
string(1) "5"
string(1) "7"
bool(false)

Warning: ini_set(): nearcache.sess_lock_retries is "-7": it must be a number between 0 and 1000000; it stays "7" in %s on line %d
bool(false)
string(1) "7"
