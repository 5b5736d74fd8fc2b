--TEST--
php.ini: the cache that it asks for, the command line's switch, and settings that cannot be met
--FILE--
<?php
use NearCache\Cache;

require __DIR__ . '/sharing.inc';
$directory = getenv('NEARCACHE_DIR');

const TELL = '$c = new NearCache\Cache(); $i = $c->getInfo(); '
    . 'echo json_encode([$i["name"], $i["shared"], $i["size"], $c->increment("n", 1, 1)], JSON_UNESCAPED_SLASHES), "\n";';
$on = ['nearcache.enable_cli' => '1'];

echo "not asked for\n";
echo php($on + ['nearcache.enabled' => '0', 'nearcache.segment' => 'site'], TELL), php($on + ['nearcache.memory_size' => '0', 'nearcache.segment' => 'site'], TELL);
echo "not on the command line\n", php(['nearcache.segment' => 'site', 'nearcache.memory_size' => '4M'], TELL);
echo "a segment\n";
foreach ([1, 2] as $_) {
    echo php($on + ['nearcache.segment' => 'site', 'nearcache.memory_size' => '4M'], TELL);
}
echo (new Cache(options: ['name' => 'site', 'create' => false]))->get('n'), "\n";
echo "a path\n", str_replace($directory, 'DIR', php($on + ['nearcache.segment' => "$directory/site"], TELL));
echo "the defaults\n", php($on, TELL);
echo "a size alone\n", php($on + ['nearcache.memory_size' => '2M'], TELL);
echo "one cache for all objects without arguments, another for those with\n";
echo php($on + ['nearcache.memory_size' => '2M'], '(new NearCache\Cache)->set("k", 1); var_dump((new NearCache\Cache)->get("k"), (new NearCache\Cache("2M"))->get("k"));');
echo "a segment's default size\n", php($on + ['nearcache.segment' => 'default'], TELL);
echo "not changed by a script\n", php($on, 'var_dump(ini_set("nearcache.segment", "x"));');
echo "cannot be met\n";
foreach ([['nearcache.isolation' => 'mine'], ['nearcache.segment' => '.x'], ['nearcache.segment' => 'a/b'],
    ['nearcache.segment' => "$directory/none/such"], ['nearcache.isolation' => 'pool', 'nearcache.segment' => '.x'],
    ['nearcache.memory_size' => '4000G']] as $settings) {
    $said = php($on + $settings, TELL);
    preg_match('/Warning: PHP Startup: (.*?) in Unknown on line 0/', $said, $warning);
    echo str_starts_with($warning[1] ?? '', 'nearcache shares no cache, each object has one of its own: ') ? 'warned' : $said, ', ',
        preg_match('/^\[.*/m', $said, $answer) ? $answer[0] : $said, "\n";
}
?>
--EXPECT--
not asked for
[null,false,67108864,1]
[null,false,67108864,1]
not on the command line
[null,false,67108864,1]
a segment
["site",true,4194304,1]
["site",true,4194304,2]
2
a path
["DIR/site",true,4194304,3]
the defaults
[null,true,67108864,1]
a size alone
[null,true,2097152,1]
one cache for all objects without arguments, another for those with
int(1)
bool(false)
a segment's default size
["default",true,67108864,1]
not changed by a script
bool(false)
cannot be met
warned, [null,false,67108864,1]
warned, [null,false,67108864,1]
warned, [null,false,67108864,1]
warned, [null,false,67108864,1]
warned, [null,false,67108864,1]
warned, [null,false,67108864,1]
