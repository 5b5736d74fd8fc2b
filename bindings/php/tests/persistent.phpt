--TEST--
persistent_id: one cache for all objects of the process that name it
--FILE--
<?php
use NearCache\Cache;
$options = ['persistent_id' => 'app'];
$a = new Cache('4M', $options);
$a->set('k', 'kept');
$b = new Cache('4M', $options);
var_dump($b->get('k'));
unset($a, $b);
var_dump((new Cache('4M', $options))->get('k'), (new Cache('4M', ['persistent_id' => 'other']))->get('k'), (new Cache('4M'))->get('k'));
try {
    new Cache('8M', $options);
} catch (NearCache\Exception $e) {
    echo $e->getMessage(), "\n";
}
ob_start();
(new ReflectionExtension('nearcache'))->info();
preg_match_all('/^(Version|Open caches|Persistent caches) => (.*)$/m', ob_get_clean(), $rows);
print_r(array_combine($rows[1], $rows[2]));
?>
--EXPECT--
string(4) "kept"
string(4) "kept"
bool(false)
bool(false)
the cache kept as persistent_id "app" was made with other options (4194304 bytes of memory): ask for the same, or choose another persistent_id
Array
(
    [Version] => 0.1.0
    [Open caches] => 2
    [Persistent caches] => 2
)
