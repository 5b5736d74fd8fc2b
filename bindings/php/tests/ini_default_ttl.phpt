--TEST--
nearcache.default_ttl: the life of what is stored without an expiration, by every verb of either face
--FILE--
<?php
require __DIR__ . '/sharing.inc';
$on = ['nearcache.enable_cli' => '1', 'nearcache.apcu_compat' => '1', 'nearcache.memory_size' => '4M'];
const SEE = <<<'CODE'
$c = new NearCache\Cache();
/** About how many seconds are left, 0 for ever. */
function left(string $key): int { $ttl = apcu_key_info($key)['ttl']; return $ttl === 0 ? 0 : (int) round($ttl, -1); }
$verbs = [
    'set' => fn ($k, ...$ttl) => $c->set($k, 1, ...$ttl),
    'add' => fn ($k, ...$ttl) => $c->add($k, 1, ...$ttl),
    'replace' => fn ($k, ...$ttl) => $c->set($k, 1, 50) && $c->replace($k, 1, ...$ttl),
    'setMulti' => fn ($k, ...$ttl) => $c->setMulti([$k => 1], ...$ttl),
    'cas' => fn ($k, ...$ttl) => $c->set($k, 1, 50) && $c->cas($c->get($k, null, NearCache\Cache::GET_EXTENDED)['cas'], $k, 2, ...$ttl),
    'increment' => fn ($k, ...$ttl) => $c->increment($k, 1, 1, ...$ttl),
    'touch' => fn ($k, ...$ttl) => $c->set($k, 1, 50) && $c->touch($k, ...$ttl),
    'getAndTouch' => fn ($k, ...$ttl) => $c->set($k, 1, 50) && $c->getAndTouch($k, ...$ttl),
    'remember' => fn ($k, ...$ttl) => $c->remember($k, $ttl[0] ?? 0, fn () => 1),
    'get with a callback' => fn ($k, ...$ttl) => $c->get($k, function ($c, $k, &$value, &$expiration) use ($ttl) { $value = 1; $expiration = $ttl[0] ?? 0; return true; }),
    'apcu_store' => fn ($k, ...$ttl) => apcu_store($k, 1, ...$ttl),
    'apcu_add' => fn ($k, ...$ttl) => apcu_add([$k => 1], null, ...$ttl) === [],
    'apcu_inc' => fn ($k, ...$ttl) => apcu_inc($k, 1, $success, ...$ttl),
    'apcu_entry' => fn ($k, ...$ttl) => apcu_entry($k, fn () => 1, ...$ttl),
    'storeRaw' => fn ($k, ...$ttl) => $c->storeRaw('set', $k, '1', 0, ...$ttl),
];
foreach ($verbs as $name => $verb) {
    foreach ([[], [0], [3000]] as $n => $ttl) {
        $verb("$name $n", ...$ttl) || print("failed: ");
    }
    echo $name, ': ', left("$name 0"), ' ', left("$name 1"), ' ', left("$name 2"), "\n";
}
CODE;
echo php($on + ['nearcache.default_ttl' => '500'], SEE);
// More than 30 days, which memcached reads as a time.
echo php($on + ["nearcache.default_ttl" => "8640000"], strstr(SEE, "\$verbs", true) . '$c->set("k", 1); var_dump(left("k"));'), "\n";
echo php($on, strstr(SEE, "\$verbs", true) . '$c->set("k", 1); var_dump(left("k")); ini_set("nearcache.default_ttl", "70"); $c->set("k", 1); var_dump(left("k")); (new NearCache\Cache())->set("k", 1); var_dump(left("k"));');
?>
--EXPECT--
set: 500 500 3000
add: 500 500 3000
replace: 500 500 3000
setMulti: 500 500 3000
cas: 500 500 3000
increment: 500 500 3000
touch: 500 500 3000
getAndTouch: 500 500 3000
remember: 500 500 3000
get with a callback: 500 500 3000
apcu_store: 500 500 3000
apcu_add: 500 500 3000
apcu_inc: 500 500 3000
apcu_entry: 500 500 3000
storeRaw: 0 0 3000
int(8640000)

int(0)
int(0)
int(70)
