<?php
/*
 * Calls of apcu_* and APCUIterator, each with what it answered: the same script runs on APCu and on nearcache, and
 * apcu.php compares. Nothing here may differ from run to run: no times, no addresses, no order that a hash table has.
 */

/** One call: its label, and what it returned, threw or warned of. */
function tell(string $label, callable $call): void
{
    $warned = [];
    set_error_handler(function (int $_, string $message) use (&$warned): bool {
        $warned[] = $message;
        return true;
    });
    try {
        $said = var_export(sorted($call()), true);
    } catch (Throwable $e) {
        $said = get_class($e) . ': ' . $e->getMessage();
    }
    restore_error_handler();
    echo json_encode([$label, $said, $warned], JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES), "\n";
}

function sorted(mixed $value): mixed
{
    if (is_array($value)) {
        if (!array_is_list($value)) {
            ksort($value);
        }
        return array_map('sorted', $value);
    }
    return is_object($value) && !$value instanceof stdClass && !$value instanceof Pair ? get_class($value) : $value;
}

class Pair
{
    public function __construct(public mixed $a = 1, protected mixed $b = [2], private mixed $c = null) {}

    public static function __set_state(array $state): Pair
    {
        return new Pair(...array_values($state));
    }
}

/** APCu tells the ttl that was given, nearcache what is left of it. */
function lasting(string $key): bool
{
    $ttl = apcu_key_info($key)['ttl'];
    return $ttl > 30 && $ttl <= 60;
}

apcu_clear_cache();
tell('enabled', fn () => apcu_enabled());

$values = ['string' => 'text', 'empty' => '', 'int' => 7, 'negative' => -9, 'least' => PHP_INT_MIN, 'most' => PHP_INT_MAX,
    'float' => 1.5, 'whole' => 2.0, 'tiny' => 4.9e-324, 'infinity' => INF, 'true' => true, 'false' => false, 'null' => null,
    'list' => [1, 'b', [3]], 'map' => ['x' => 1, 5 => 'five', 'n' => null], 'none' => [], 'object' => new Pair(1, [2], 'c'),
    'plain' => (object) ['p' => 1], 'long' => str_repeat('0123456789', 1000), 'bytes' => "\0\xff\n"];
foreach ($values as $name => $value) {
    tell("store the $name", fn () => apcu_store($name, $value));
    tell("fetch the $name", fn () => apcu_fetch($name));
    tell("fetch the $name, found", function () use ($name) {
        apcu_fetch($name, $success);
        return $success;
    });
    tell("exists the $name", fn () => apcu_exists($name));
}
tell('store a closure', fn () => apcu_store('closure', fn () => 1));
tell('fetch what is missing', fn () => [apcu_fetch('missing', $success), $success]);
tell('store without a value', fn () => apcu_store('valueless'));
tell('add present', fn () => apcu_add('int', 8));
tell('add missing', fn () => [apcu_add('added', 8), apcu_fetch('added')]);
tell('add many', fn () => [apcu_add(['int' => 1, 'more' => 2, 5 => 'five']), apcu_fetch('more'), apcu_fetch('5')]);
tell('store many', fn () => [apcu_store(['s1' => 1, 's2' => [2]]), apcu_fetch(['s1', 's2', 'missing'])]);
tell('store many, with a value beside', fn () => apcu_store(['s3' => 1], 'ignored'));
tell('store many, by an int', fn () => [apcu_store([17 => 'seventeen']), apcu_fetch('17'), apcu_exists('17')]);
tell('fetch many, found', fn () => [apcu_fetch(['missing'], $success), $success]);
tell('fetch many of other types', fn () => apcu_fetch(['s1', 17, null]));
tell('fetch no key', fn () => apcu_fetch([]));
tell('exists many', fn () => apcu_exists(['s1', 'missing', 's2']));
tell('exists many of other types', fn () => apcu_exists(['s1', 17, 1.5]));
foreach ([5, 1.5, null, true, new Pair()] as $key) {
    $type = get_debug_type($key);
    tell("store under $type", fn () => apcu_store($key, 1));
    tell("add under $type", fn () => apcu_add($key, 1));
    tell("fetch $type", fn () => [apcu_fetch($key, $success), $success ?? 'unset']);
    tell("exists $type", fn () => apcu_exists($key));
    // Of an object APCu makes a fatal error.
    is_object($key) || tell("delete $type", fn () => apcu_delete($key));
}
tell('store with a text ttl', fn () => apcu_store('t', 1, '60'));
tell('store with a bad ttl', fn () => apcu_store('t', 1, 'x'));
tell('store with a negative ttl', fn () => [apcu_store('neg', 1, -1), apcu_fetch('neg')]);
tell('references', function () {
    $a = [1, 2];
    $b = ['x' => &$a, 'y' => &$a];
    apcu_store('ref', $b);
    $a[] = 3;
    $c = apcu_fetch('ref');
    $c['x'][] = 4;
    return [$c, apcu_fetch('ref')];
});
tell('copies', function () {
    apcu_store('o', $o = new Pair(5));
    $o->a = 6;
    return [apcu_fetch('o')->a, apcu_fetch('o') === apcu_fetch('o')];
});

foreach (['inc', 'dec'] as $verb) {
    $count = "apcu_$verb";
    apcu_delete('n');
    tell("$verb missing", fn () => [$count('n', 5, $success), $success, apcu_fetch('n')]);
    tell("$verb present", fn () => [$count('n'), $count('n', 10), apcu_fetch('n')]);
    tell("$verb by a negative step", fn () => [$count('n', -100), apcu_fetch('n')]);
    tell("$verb by nothing", fn () => $count('n', 0));
    foreach (['string', 'float', 'true', 'null', 'list'] as $name) {
        tell("$verb of a $name", fn () => [$count($name, 1, $success), $success, apcu_fetch($name)]);
    }
    tell("$verb over the end", fn () => [apcu_store('e', $verb === 'inc' ? PHP_INT_MAX : PHP_INT_MIN), $count('e'), $count('e')]);
    tell("$verb with a ttl", fn () => [$count("$verb-ttl", 1, $success, 60), lasting("$verb-ttl")]);
    tell("$verb keeps the ttl", fn () => [$count("$verb-ttl", 1, $success, 5), lasting("$verb-ttl")]);
    tell("$verb around 0", fn () => [apcu_store('z', 0), $count('z', 1), $count('z', -2), $count('z', 1)]);
}
tell('cas', fn () => [apcu_store('cas', 1), apcu_cas('cas', 1, 2), apcu_cas('cas', 1, 3), apcu_fetch('cas')]);
tell('cas below 0', fn () => [apcu_cas('cas', 2, -5), apcu_cas('cas', -5, 5), apcu_fetch('cas')]);
tell('cas of a string', fn () => apcu_cas('string', 0, 1));
tell('cas missing', fn () => [apcu_cas('missing', 0, 1), apcu_exists('missing')]);
tell('cas keeps the ttl', fn () => [apcu_store('ct', 1, 60), apcu_cas('ct', 1, 2), lasting('ct')]);

tell('delete', fn () => [apcu_delete('int'), apcu_delete('int'), apcu_exists('int')]);
tell('delete many', fn () => [apcu_delete(['s1', 'missing', 's2']), apcu_exists(['s1', 's2'])]);
tell('delete many of other types', fn () => apcu_delete(['added', 17, null]));

tell('entry', function () {
    $calls = 0;
    $make = function (string $key) use (&$calls) {
        $calls++;
        return "made of $key";
    };
    return [apcu_entry('entry', $make), apcu_entry('entry', $make), $calls, apcu_fetch('entry')];
});
tell('entry with a ttl', fn () => [apcu_entry('ett', fn () => [1], 60), lasting('ett')]);
tell('entry that throws', fn () => apcu_entry('thrown', fn () => throw new LogicException('no')));
tell('after it', fn () => [apcu_exists('thrown'), apcu_entry('thrown', fn () => 1)]);
tell('entry in an entry', fn () => [apcu_entry('outer', fn () => apcu_entry('inner', fn () => 'i') . 'o'), apcu_fetch('inner')]);
tell('entry of null', fn () => [apcu_entry('nil', fn () => null), apcu_exists('nil')]);
tell('entry of false', fn () => [apcu_entry('no', fn () => false), apcu_exists('no')]);
tell('entry without a callable', fn () => apcu_entry('x', 'no such function'));
tell('entry of what cannot be stored', fn () => apcu_entry('closure', fn () => fn () => 1));

tell('key info of what is missing', fn () => apcu_key_info('missing'));
tell('key info', fn () => array_keys(apcu_key_info('string')));
tell('cache info', fn () => array_keys(array_diff_key(apcu_cache_info(), ['cleanups' => 1, 'defragmentations' => 1])));
tell('cache info, limited', fn () => array_keys(array_diff_key(apcu_cache_info(true), ['cleanups' => 1, 'defragmentations' => 1])));
tell('its list', fn () => array_keys(apcu_cache_info()['cache_list'][0]));
tell('its keys', function () {
    $keys = array_column(apcu_cache_info()['cache_list'], 'info');
    sort($keys);
    return $keys;
});
tell('its figures', fn () => array_map(get_debug_type(...), apcu_cache_info(true)));
tell('memory', fn () => array_map(get_debug_type(...), apcu_sma_info()));
tell('memory, limited', fn () => array_map(get_debug_type(...), apcu_sma_info(true)));

apcu_clear_cache();
foreach (['a1' => 1, 'a2' => [2], 'b1' => 'three', 'b2' => null] as $key => $value) {
    apcu_store($key, $value, 100);
}
/** What an iterator goes through, by key. */
$all = function (mixed ...$arguments): array {
    $found = [];
    foreach (new APCUIterator(...$arguments) as $key => $item) {
        $found[$key] = $item;
    }
    ksort($found);
    return $found;
};
tell('iterate keys and values', fn () => $all(null, APC_ITER_KEY | APC_ITER_VALUE));
tell('iterate by expression', fn () => $all('/^a/', APC_ITER_VALUE));
tell('iterate by keys', fn () => $all(['b2', 'a1', 'missing'], APC_ITER_KEY));
tell('iterate by no key', fn () => $all([], APC_ITER_KEY));
tell('iterate by an empty text', fn () => array_keys($all('', APC_ITER_KEY)));
tell('iterate by another type', fn () => $all(5, APC_ITER_KEY));
tell('iterate in chunks', fn () => array_keys($all(null, APC_ITER_KEY, 1)));
tell('iterate the deleted', fn () => $all(null, APC_ITER_KEY, 0, APC_LIST_DELETED));
tell('iterate everything', fn () => array_map(array_keys(...), $all('/a1/')));
tell('iterate nothing', fn () => $all('/a1/', APC_ITER_NONE));
tell('iterate types', fn () => $all('/a/', APC_ITER_TYPE | APC_ITER_REFCOUNT | APC_ITER_DTIME));
tell('totals', function () {
    $i = new APCUIterator('/^a/');
    return [$i->getTotalCount(), $i->getTotalHits() >= 0, $i->getTotalSize() > 0];
});
tell('by hand', function () {
    $i = new APCUIterator(['a1', 'b1'], APC_ITER_VALUE);
    $said = [];
    for ($i->rewind(); $i->valid(); $i->next()) {
        $said[$i->key()] = $i->current();
    }
    ksort($said);
    return [$said, $i->valid(), $i->next()];
});
tell('key at the end', function () {
    $i = new APCUIterator('/none/');
    return $i->key();
});
tell('current at the end', function () {
    $i = new APCUIterator('/none/');
    return $i->current();
});
tell('a fresh one', function () {
    $i = new APCUIterator(['a1'], APC_ITER_VALUE);
    return [$i->valid(), $i->key(), $i->current()];
});
tell('what is deleted meanwhile', function () {
    $i = new APCUIterator('/^b/', APC_ITER_KEY);
    apcu_delete(['b1', 'b2']);
    return [$i->valid(), apcu_store('b1', 'three'), apcu_store('b2', null)];
});
tell('delete by iterator', fn () => [apcu_delete(new APCUIterator('/^a/')), apcu_exists(['a1', 'a2', 'b1', 'b2'])]);
tell('clone', fn () => clone new APCUIterator());
tell('serialize', fn () => serialize(new APCUIterator()));
tell('clear', fn () => [apcu_clear_cache(), apcu_exists('b1'), apcu_cache_info(true)['num_entries']]);
foreach (['APC_ITER_TYPE', 'APC_ITER_KEY', 'APC_ITER_VALUE', 'APC_ITER_NUM_HITS', 'APC_ITER_MTIME', 'APC_ITER_CTIME', 'APC_ITER_DTIME',
    'APC_ITER_ATIME', 'APC_ITER_REFCOUNT', 'APC_ITER_MEM_SIZE', 'APC_ITER_TTL', 'APC_ITER_NONE', 'APC_ITER_ALL', 'APC_LIST_ACTIVE',
    'APC_LIST_DELETED'] as $name) {
    tell($name, fn () => constant($name));
}
foreach ((new ReflectionExtension('apcu'))->getFunctions() as $name => $function) {
    tell("signature of $name", fn () => preg_replace('/^.*\n/', '', (string) $function));
}
foreach ((new ReflectionClass('APCUIterator'))->getMethods() as $method) {
    tell("signature of $method->name", fn () => preg_replace('/^.*\n/', '', (string) $method));
}
tell('the class', fn () => [class_implements('APCUIterator'), (new ReflectionClass('APCUIterator'))->isFinal()]);
tell('the module', fn () => [extension_loaded('apcu'), version_compare(phpversion('apcu'), '5.1.0', '>='), ini_get('apc.enabled'), ini_get('apc.enable_cli')]);
foreach (['apcu_store', 'apcu_fetch', 'apcu_inc', 'apcu_entry', 'apcu_cas', 'apcu_enabled'] as $name) {
    tell("$name without arguments", fn () => $name());
    tell("$name with many", fn () => $name(1, 2, 3, 4, 5, 6));
}
