--TEST--
set, get, add, replace, append, prepend, delete, has: answers and result codes
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M');
function show(string $what, mixed $answer): void
{
    global $c;
    echo str_pad($what, 22), var_export($answer, true), '  ', $c->getResultCode(), ' ', $c->getResultMessage(), "\n";
}
show('fresh', null);
show('get miss', $c->get('a'));
show('set', $c->set('a', 'one'));
show('get', $c->get('a'));
show('set again', $c->set('a', 'two'));
show('get', $c->get('a'));
show('add present', $c->add('a', 'x'));
show('add', $c->add('b', 'x'));
show('replace', $c->replace('b', 'y'));
show('replace missing', $c->replace('c', 'y'));
show('append', $c->append('b', '>'));
show('prepend', $c->prepend('b', '<'));
show('get', $c->get('b'));
show('append missing', $c->append('c', '>'));
show('prepend missing', $c->prepend('c', '>'));
show('has', $c->has('b'));
show('has missing', $c->has('c'));
show('delete', $c->delete('b'));
show('delete missing', $c->delete('b'));
show('delete later', $c->delete('a', 5));
show('get', $c->get('a'));
show('empty value', $c->set('e', ''));
show('get', $c->get('e'));
show('binary', $c->set("\0\xff \r\n", "\0\xff\r\n"));
show('get', bin2hex($c->get("\0\xff \r\n")));
show('append empty', $c->append('e', ''));
show('flush', $c->flush());
show('get', $c->get('a'));
var_dump($c->check());
?>
--EXPECT--
fresh                 NULL  0 SUCCESS
get miss              false  16 NOT FOUND
set                   true  0 SUCCESS
get                   'one'  0 SUCCESS
set again             true  0 SUCCESS
get                   'two'  0 SUCCESS
add present           false  14 NOT STORED
add                   true  0 SUCCESS
replace               true  0 SUCCESS
replace missing       false  14 NOT STORED
append                true  0 SUCCESS
prepend               true  0 SUCCESS
get                   '<y>'  0 SUCCESS
append missing        false  14 NOT STORED
prepend missing       false  14 NOT STORED
has                   true  0 SUCCESS
has missing           false  16 NOT FOUND
delete                true  0 SUCCESS
delete missing        false  16 NOT FOUND
delete later          false  38 INVALID ARGUMENTS
get                   'two'  0 SUCCESS
empty value           true  0 SUCCESS
get                   ''  0 SUCCESS
binary                true  0 SUCCESS
get                   '00ff0d0a'  0 SUCCESS
append empty          true  0 SUCCESS
flush                 true  0 SUCCESS
get                   false  16 NOT FOUND
bool(true)
