--TEST--
getMulti, setMulti, deleteMulti
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M');
$long = str_repeat('k', 251);
var_dump($c->setMulti(['a' => 1, 'b' => [2], 7 => 'seven', 'd' => null]));
echo json_encode($c->getMulti(['b', 'a', 'zz', 7, '7', 'd'])), ' ', $c->getResultMessage(), "\n";
echo json_encode($c->getMulti(['zz', 7, 'a', 'yy'], Cache::GET_PRESERVE_ORDER)), ' ', $c->getResultMessage(), "\n";
var_dump(array_keys($c->getMulti([7])));
echo json_encode($c->getMulti(['zz'])), ' ', $c->getResultMessage(), "\n";
echo json_encode($c->getMulti([])), ' ', $c->getResultMessage(), "\n";
echo json_encode($c->getMulti(['a', '', $long])), ' ', $c->getResultMessage(), "\n";
echo json_encode($c->getMulti(['', $long])), ' ', $c->getResultMessage(), ' ', $c->getLastErrorMessage(), "\n";
$ref = 'a';
echo json_encode($c->getMulti([&$ref])), ' ', $ref, "\n";
echo json_encode($c->setMulti(['a' => 'x', '' => 2, 'b' => 'y'])), ' ', $c->getResultMessage(), ' ', json_encode($c->getMulti(['a', 'b'])), "\n";
echo json_encode($c->setMulti(['a' => str_repeat('x', 2 << 20), 'b' => 'z'])), ' ', $c->getResultMessage(), ' ', json_encode($c->getMulti(['a', 'b'])), "\n";
echo json_encode($c->setMulti([])), ' ', $c->getResultMessage(), "\n";
echo json_encode($c->deleteMulti(['b', 7, 'gone', $long])) === '{"b":true,"7":true,"gone":16,"' . $long . '":33}' ? "deleted\n" : "?\n";
echo $c->getResultMessage(), ' ', json_encode($c->getMulti(['b', 7])), "\n";
echo json_encode($c->deleteMulti(['d'], 9)), ' ', $c->getResultMessage(), ' ', json_encode($c->has('d')), "\n";
echo json_encode($c->deleteMulti(['d'])), ' ', $c->getResultMessage(), "\n";
echo json_encode($c->deleteMulti([])), ' ', $c->getResultMessage(), "\n";
$items = [];
for ($i = 0; $i < 5000; $i++) {
    $items["key:$i"] = $i;
}
var_dump($c->setMulti($items, 60), $c->getMulti(array_keys($items)) === $items, $c->check());
try {
    $c->getMulti('a');
} catch (TypeError $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
bool(true)
{"b":[2],"a":1,"7":"seven","d":null} SUCCESS
{"zz":null,"7":"seven","a":1,"yy":null} SUCCESS
array(1) {
  [0]=>
  int(7)
}
[] NOT FOUND
[] NOT FOUND
{"a":1} SUCCESS
false A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE the key has 251 bytes: the limit is 250
{"a":1} a
false A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE {"a":"x","b":"y"}
false ITEM TOO BIG {"b":"z"}
true SUCCESS
deleted
A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE []
{"d":38} INVALID ARGUMENTS true
{"d":true} SUCCESS
[] SUCCESS
bool(true)
bool(true)
bool(true)
NearCache\Cache::getMulti(): Argument #1 ($keys) must be of type array, string given
