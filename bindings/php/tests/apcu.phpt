--TEST--
nearcache.apcu_compat: APCu's functions read and write the items of php.ini's cache
--FILE--
<?php
require __DIR__ . '/sharing.inc';
$on = ['nearcache.apcu_compat' => '1', 'nearcache.enable_cli' => '1', 'nearcache.memory_size' => '4M'];

echo "without it\n", php(['nearcache.enable_cli' => '1'], 'var_dump(function_exists("apcu_fetch"), class_exists("APCUIterator"), extension_loaded("apcu"));');
echo "one cache, two faces\n";
echo php($on, <<<'CODE'
$c = new NearCache\Cache();
apcu_store('a', ['x' => 1]);
$c->set('b', 2.5);
var_dump($c->get('a') === ['x' => 1], apcu_fetch('b'), apcu_inc('n', 5), $c->increment('n'), apcu_fetch('n'));
var_dump(apcu_store('n', PHP_INT_MAX), $c->increment('n'), apcu_delete('n'));
$c->set('s', '7');
var_dump(apcu_inc('s'), $c->increment('s'));
var_dump(apcu_dec('z', 3), $c->get('z'), $c->increment('z'), apcu_exists('z'), apcu_inc('z', 4), $c->increment('z'));
CODE);
echo "what cannot be\n";
echo php($on, <<<'CODE'
foreach (['', str_repeat('k', 251)] as $key) {
    var_dump(apcu_store($key, 1), apcu_add($key, 1), apcu_inc($key), apcu_cas($key, 1, 2), apcu_fetch($key), apcu_exists($key), apcu_delete($key), apcu_key_info($key),
        apcu_entry($key, fn () => 'made'));
}
var_dump(apcu_store([str_repeat('k', 251) => 1, 'good' => 2]) === [str_repeat('k', 251) => -1], apcu_fetch('good'));
var_dump(apcu_store('large', str_repeat('x', 2000000)), apcu_exists('large'));
foreach ([['/(/'], [null, -1], [null, APC_ITER_ALL, -1], [null, APC_ITER_ALL, 0, 3]] as $arguments) {
    try {
        new APCUIterator(...$arguments);
    } catch (ValueError $e) {
        echo $e->getMessage(), "\n";
    }
}
try {
    apcu_delete(new stdClass());
} catch (TypeError $e) {
    echo $e->getMessage(), "\n";
}
class Empty_ extends APCUIterator
{
    public function __construct() {}
}
try {
    (new Empty_())->valid();
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
set_error_handler(fn ($_, $message) => throw new LogicException($message));
try {
    apcu_store([str_repeat('k', 251) => 1, 'later' => 2]);
} catch (LogicException $e) {
    var_dump(apcu_exists('later'));
}
CODE);
echo "typed references\n";
echo php($on, <<<'CODE'
class T { public bool $ok = false; public int $number = 5; public string $text = ''; }
$t = new T;
apcu_store('k', 1);
apcu_fetch('k', $t->ok);
apcu_fetch('k', $t->text);
apcu_fetch('none', $t->number);
var_dump($t);
CODE);
echo "an entry of many: one makes it\n";
echo php($on + ['nearcache.segment' => 'entry'], <<<'CODE'
apcu_store('k', 1);
var_dump(apcu_entry('once', function (string $key) {
    // Nothing is locked but this key.
    var_dump(apcu_exists($key), apcu_fetch('k'), apcu_store('other', 2), iterator_count(new APCUIterator('/once/')));
    return 5;
}), apcu_fetch('once'), apcu_entry('once', fn () => 6));
CODE);
echo "no cache\n";
echo php(['nearcache.apcu_compat' => '1'], <<<'CODE'
var_dump(apcu_enabled(), apcu_store('a', 1), apcu_fetch('a', $success), $success, apcu_exists('a'), apcu_inc('a'), apcu_delete('a'), apcu_entry('a', fn () => 'made'),
    iterator_count(new APCUIterator()), apcu_cache_info(), apcu_clear_cache());
CODE);
?>
--EXPECT--
without it
bool(false)
bool(false)
bool(false)
one cache, two faces
bool(true)
float(2.5)
int(5)
int(6)
int(6)
bool(true)
int(-9223372036854775808)
bool(true)
bool(false)
int(8)
int(-3)
int(-3)
bool(false)
bool(true)
int(1)
int(2)
what cannot be

Warning: apcu_store(): the key is empty: a key has 1 to 250 bytes in Command line code on line 2

Warning: apcu_add(): the key is empty: a key has 1 to 250 bytes in Command line code on line 2

Warning: apcu_inc(): the key is empty: a key has 1 to 250 bytes in Command line code on line 2

Warning: apcu_entry(): what is made for a key of 0 bytes is not kept: a key has 1 to 250 in Command line code on line 3
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
NULL
string(4) "made"

Warning: apcu_store(): the key has 251 bytes: the limit is 250 in Command line code on line 2

Warning: apcu_add(): the key has 251 bytes: the limit is 250 in Command line code on line 2

Warning: apcu_inc(): the key has 251 bytes: the limit is 250 in Command line code on line 2

Warning: apcu_entry(): what is made for a key of 251 bytes is not kept: a key has 1 to 250 in Command line code on line 3
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
NULL
string(4) "made"

Warning: apcu_store(): the key has 251 bytes: the limit is 250 in Command line code on line 5
bool(true)
int(2)

Warning: apcu_store(): the item takes 2000064 bytes: the limit is 1048576; raise item_size_max to store it in Command line code on line 6
bool(false)
bool(false)

Warning: preg_match(): Compilation failed: missing closing parenthesis at offset 1 in Command line code on line 9
the search of an APCUIterator must be a regular expression, a list of keys, or null
APCUIterator::__construct(): Argument #2 ($format) must be made of the constants APC_ITER_*
APCUIterator::__construct(): Argument #3 ($chunk_size) must be 0 or greater
APCUIterator::__construct(): Argument #4 ($list) must be APC_LIST_ACTIVE or APC_LIST_DELETED
apcu_delete(): Argument #1 ($key) must be a string, a list of strings, or an APCUIterator
the APCUIterator is not made: a subclass with a constructor of its own must call parent::__construct()
bool(false)
typed references
object(T)#1 (3) {
  ["ok"]=>
  bool(true)
  ["number"]=>
  int(0)
  ["text"]=>
  string(1) "1"
}
an entry of many: one makes it
bool(false)
int(1)
bool(true)
int(0)
int(5)
int(5)
int(5)
no cache

Warning: apcu_cache_info(): No APC info available.  Perhaps APC is not enabled? Check apc.enabled in your ini file in Command line code on line 2
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
bool(false)
string(4) "made"
int(0)
bool(false)
bool(false)
