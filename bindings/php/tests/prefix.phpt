--TEST--
OPT_PREFIX_KEY: before every key of every verb, lists and callbacks included, up to 250 bytes together
--FILE--
<?php
use NearCache\Cache;
$plain = new Cache('4M', ['persistent_id' => 'prefix']);
$c = new Cache('4M', ['persistent_id' => 'prefix']);
function show(mixed ...$answers): void
{
    global $c;
    echo json_encode($answers), ' ', $c->getResultMessage(), "\n";
}
$plain->set('k', 'plain');
$plain->set('pk', 'of p');
show($c->setOption(Cache::OPT_PREFIX_KEY, 'p'), $c->getOption(Cache::OPT_PREFIX_KEY));
show($c->get('k'), $c->has('k'), $c->has('pk'), $c->fetchOr('none', 'default'), $c->getRaw('k')[0], $c->getAndTouch('k', 100));
show($c->set('a', 1), $plain->get('a'), $plain->get('pa'), $c->add('a', 2), $c->replace('a', 3), $c->increment('a'), $c->incrementRaw('a'), $c->decrement('a'));
show($c->setMulti(['m' => 1, 7 => 2]), $c->getMulti(['m', 7, 'none']), $plain->getMulti(['pm', 'p7']));
show($c->append('k', '>'), $c->prepend('k', '<'), $plain->get('pk'), $c->storeRaw('append', 'k', '!'), $plain->get('pk'));
show($c->getDelayed(['k', 'm']), $c->fetchAll());
show($c->get('made', function ($cache, $key, &$value) { $value = $key; return true; }), $plain->get('pmade'));
show($c->remember('remembered', 60, fn() => 'made'), $plain->get('premembered'));
show($c->cas($c->get('k', null, Cache::GET_EXTENDED)['cas'], 'k', 'cas'), $plain->get('pk'), $c->touch('k', 50));
$keys = iterator_to_array($c->keys());
sort($keys);
show($keys, iterator_to_array($c->keys('remem')));
$all = $c->getAllKeys();
sort($all);
show($all);
show($c->delete('k'), $c->deleteMulti(['m', 'none']), $plain->get('k'), $plain->has('pk'));
show($c->set('', 1));
show($c->get(''));
show($c->checkKey(''), $c->checkKey(str_repeat('k', 249)), $c->checkKey(str_repeat('k', 250)));
echo $c->getLastErrorMessage(), "\n";
show($c->set(str_repeat('k', 249), 'longest'), $c->get(str_repeat('k', 249)));
show($c->set(str_repeat('k', 250), 'longer'));
show($c->set(str_repeat('k', 251), 'longer'));
show($c->setOption(Cache::OPT_PREFIX_KEY, "\0\xff "), $c->set('bytes', 1), $plain->get("\0\xff bytes"));
show($c->setOption(Cache::OPT_PREFIX_KEY, str_repeat('q', 127)), $c->set(str_repeat('k', 123), 'both'), $c->get(str_repeat('k', 123)), $c->set(str_repeat('k', 124), 'both'));
// A callback that sets another prefix: the value goes where the verb began.
show($c->setOption(Cache::OPT_PREFIX_KEY, 'one:'), $c->get('x', function ($cache, $key, &$value) { $cache->setOption(Cache::OPT_PREFIX_KEY, 'two:'); $value = 'v'; return true; }),
    $plain->get('one:x'), $plain->get('two:x'), $c->get('x'));
show($c->setOption(Cache::OPT_PREFIX_KEY, null), $c->get('k'), $c->flush(), $plain->get('k'));
var_dump($c->check());
?>
--EXPECT--
[true,"p"] SUCCESS
["of p",true,false,"default","of p","of p"] SUCCESS
[true,false,1,false,true,4,5,4] SUCCESS
[true,{"m":1,"7":2},{"pm":1,"p7":2}] SUCCESS
[true,true,"<of p>",true,"<of p>!"] SUCCESS
[true,[{"key":"k","value":"<of p>!"},{"key":"m","value":1}]] SUCCESS
["made","made"] SUCCESS
["made","made"] SUCCESS
[true,"cas",true] SUCCESS
[["7","a","k","m","made","remembered"],["remembered"]] SUCCESS
[["k","p7","pa","pk","pm","pmade","premembered"]] SUCCESS
[true,{"m":true,"none":16},"plain",false] NOT FOUND
[false] A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
[false] A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
[false,true,false] A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
the key has 251 bytes: the limit is 250
[true,"longest"] SUCCESS
[false] A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
[false] A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
[true,true,1] SUCCESS
[true,true,"both",false] A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
[true,"v","v",false,false] NOT FOUND
[true,"plain",true,false] SUCCESS
bool(true)
