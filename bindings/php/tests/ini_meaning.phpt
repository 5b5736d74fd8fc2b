--TEST--
php.ini: what the settings of the cache do: item_size_limit, permissions, isolation, and phpinfo
--FILE--
<?php
require __DIR__ . '/sharing.inc';
$directory = getenv('NEARCACHE_DIR');
$on = ['nearcache.enable_cli' => '1', 'nearcache.memory_size' => '4M'];

echo "item_size_limit\n";
$store = '$c = new NearCache\Cache; foreach ([900, 5000] as $n) { var_dump($c->set("k", str_repeat("x", $n))); }';
echo php($on + ['nearcache.item_size_limit' => '2K'], $store), php($on, $store);

echo "permissions\n";
foreach (['0600', '0640'] as $bits) {
    php($on + ['nearcache.segment' => "bits$bits", 'nearcache.permissions' => $bits], 'new NearCache\Cache;');
    printf("%o\n", fileperms("$directory/bits$bits") & 0777);
}

echo "isolation\n";
const TELL = '$c = new NearCache\Cache; echo json_encode([$c->getInfo()["name"], $c->increment("n", 1, 1), (new NearCache\Cache)->increment("n")], JSON_UNESCAPED_SLASHES), "\n";';
foreach ([['user', ''], ['user', 'site'], ['user', "$directory/path"], ['pool', ''], ['pool', 'site'], ['pool', "$directory/path"]] as [$isolation, $segment]) {
    foreach ([1, 2] as $_) {
        echo strtr(php($on + ['nearcache.isolation' => $isolation, 'nearcache.segment' => $segment], TELL), [$directory => 'DIR', '.' . fileowner($directory) . '"' => '.UID"']);
    }
}
echo "nothing is made before it is used\n";
php($on + ['nearcache.isolation' => 'pool', 'nearcache.segment' => 'unused'], '');
var_dump(file_exists("$directory/unused.cli"));
echo "what cannot be had at its first use\n";
file_put_contents("$directory/foreign.cli", 'no cache');
echo preg_replace('/: nearcache shares no cache, each object has one of its own: .*? in .*/', ': ...', trim(php($on + ['nearcache.isolation' => 'pool', 'nearcache.segment' => 'foreign'],
    'var_dump((new NearCache\Cache)->set("k", 1), (new NearCache\Cache)->get("k"));'))), "\n";

echo "phpinfo\n";
$info = php($on + ['nearcache.segment' => 'info'], '$c = new NearCache\Cache; $c->set("a", 1); $c->get("a"); $c->get("a"); $c->get("a"); $c->get("b"); (new ReflectionExtension("nearcache"))->info();');
echo str_replace($directory, 'DIR', implode("\n", preg_grep('/Shared cache|Open|Items|Memory limit|Gets|Hits|Misses|Hit ratio|Sets|Evictions|isolation/', explode("\n", $info)))), "\n";
echo preg_match('/^Bytes => [1-9]/m', $info), preg_match('/Shared cache => none/', php([], '(new ReflectionExtension("nearcache"))->info();')), "\n";
?>
--EXPECT--
item_size_limit
bool(true)
bool(false)
bool(true)
bool(true)
permissions
600
640
isolation
["php",1,2]
["php",3,4]
["site",1,2]
["site",3,4]
["DIR/path.UID",1,2]
["DIR/path.UID",3,4]
["php.cli",1,2]
["php.cli",3,4]
["site.cli",1,2]
["site.cli",3,4]
["DIR/path.cli",1,2]
["DIR/path.cli",3,4]
nothing is made before it is used
bool(false)
what cannot be had at its first use
Warning: ...
bool(true)
bool(false)
phpinfo
Shared cache => DIR/info
Open caches => 1
Items => 1
Memory limit (bytes) => 4194304
Gets => 4
Hits => 3
Misses => 1
Hit ratio => 75.00 %
Sets => 1
Evictions => 0
nearcache.isolation => shared => shared
11
