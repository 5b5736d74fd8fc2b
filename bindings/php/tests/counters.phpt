--TEST--
increment and decrement: stored ints, texts, initial values, the ends of the range
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M', ['manual_clock' => true]);
function show(string $what, mixed $answer): void
{
    global $c;
    echo str_pad($what, 24), var_export($answer, true), '  ', $c->getResultMessage(), "\n";
}
show('missing', $c->increment('n'));
show('missing down', $c->decrement('n'));
show('initial', $c->increment('n', 2, 5));
show('again', $c->increment('n', 2, 5));
show('reads back', $c->get('n'));
show('initial down', $c->decrement('m', 2, 0, 10));
show('as int', $c->set('i', 41));
show('up', $c->increment('i'));
show('reads back', $c->get('i'));
show('down', $c->decrement('i', 2));
show('below zero', $c->decrement('i', 1000));
show('reads back', $c->get('i'));
show('by 0', $c->increment('i', 0));
show('as text', $c->set('t', '99'));
show('up', $c->increment('t'));
show('reads back', $c->get('t'));
show('word', $c->set('w', 'abc'));
show('up', $c->increment('w'));
show('negative int', $c->set('w', -5));
show('up', $c->increment('w'));
show('float', $c->set('w', 1.5));
show('up', $c->increment('w'));
show('int max', $c->set('b', PHP_INT_MAX));
show('past it', $c->increment('b'));
show('raw', $c->decrementRaw('b', 0));
show('by digits', $c->incrementRaw('b', '9223372036854775807'));
show('signed', $c->increment('b', 0));
show('wraps', $c->increment('b'));
show('huge initial', $c->incrementRaw('h', 1, '18446744073709551615'));
show('none', $c->incrementRaw('none', 1, null, 5));
show('initial 0', $c->incrementRaw('none', 1, 0, 5));
show('raw down', $c->decrementRaw('none', '1'));
show('raw negative', @$c->incrementRaw('none', -1));
show('negative offset', @$c->increment('i', -1));
show('negative initial', @$c->increment('i', 1, -1));
show('offset as digits', $c->increment('i', '5'));
$c->advanceClock(11);
show('expired initial', $c->get('m'));
$c->decrement('i', -1);
foreach (['x', '1.5x', [], '18446744073709551616'] as $bad) {
    try {
        var_dump($c->increment('i', $bad));
    } catch (TypeError $e) {
        echo $e->getMessage(), "\n";
    }
}
?>
--EXPECTF--
missing                 false  NOT FOUND
missing down            false  NOT FOUND
initial                 5  SUCCESS
again                   7  SUCCESS
reads back              '7'  SUCCESS
initial down            0  SUCCESS
as int                  true  SUCCESS
up                      42  SUCCESS
reads back              42  SUCCESS
down                    40  SUCCESS
below zero              0  SUCCESS
reads back              0  SUCCESS
by 0                    0  SUCCESS
as text                 true  SUCCESS
up                      100  SUCCESS
reads back              '100'  SUCCESS
word                    true  SUCCESS
up                      false  CLIENT ERROR
negative int            true  SUCCESS
up                      false  CLIENT ERROR
float                   true  SUCCESS
up                      false  CLIENT ERROR
int max                 true  SUCCESS
past it                 -9223372036854775807-1  SUCCESS
raw                     '9223372036854775808'  SUCCESS
by digits               '18446744073709551615'  SUCCESS
signed                  -1  SUCCESS
wraps                   0  SUCCESS
huge initial            '18446744073709551615'  SUCCESS
none                    false  NOT FOUND
initial 0               0  SUCCESS
raw down                0  SUCCESS
raw negative            false  INVALID ARGUMENTS
negative offset         false  INVALID ARGUMENTS
negative initial        false  INVALID ARGUMENTS
offset as digits        5  SUCCESS
expired initial         false  NOT FOUND

Warning: NearCache\Cache::decrement(): $offset cannot be negative: counters run from 0 to 18446744073709551615; use increment() to add and decrement() to subtract in %s on line %d
NearCache\Cache::increment(): Argument #2 ($offset) must be of type int, string given
NearCache\Cache::increment(): Argument #2 ($offset) must be of type int, string given
NearCache\Cache::increment(): Argument #2 ($offset) must be of type int, array given
NearCache\Cache::increment(): Argument #2 ($offset) must be of type int, string given
