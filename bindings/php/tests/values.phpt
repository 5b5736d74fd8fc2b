--TEST--
Values: every type comes back as it went in, and is written as php-memcached writes it
--FILE--
<?php
use NearCache\Cache;
class Point
{
    public $x = 1;
    protected $y = [2.5, null];
    private $z = 'three';
}
class Tracked
{
    public function __construct(public int $n) {}
    public function __serialize(): array { return ['n' => $this->n + 1]; }
    public function __unserialize(array $data): void { $this->n = $data['n'] * 10; }
}
enum Suit: string { case Hearts = 'H'; }

$c = new Cache('8M');
$values = ['text', '', 'é', 0, 5, -7, PHP_INT_MAX, PHP_INT_MIN, true, false, null,
    1.0, 0.1, -0.0, 1e5, 1e6, 123456.0, 1e100, 1e-5, 0.0001, 1.5e-7, 5e-324, 1.7976931348623157e308, 3.3333333333333335, NAN, INF, -INF,
    [], [1, 'a' => [true, null]], '12', 'i:5;', Suit::Hearts];
foreach ($values as $value) {
    $c->set('k', $value);
    [$bytes, $flags] = $c->getRaw('k');
    $back = $c->get('k');
    $same = is_float($value) ? serialize($value) === serialize($back) : $value === $back;
    echo str_pad(var_export($bytes, true), 40), $flags, $same && $c->getResultCode() === 0 ? '' : '  came back as ' . var_export($back, true), "\n";
}
$c->set('k', new Point);
var_dump($c->get('k') == new Point, $c->get('k') !== $c->get('k'));
$c->set('k', new Tracked(4));
var_dump($c->get('k')->n);
$list = [1, 2];
$value = ['a' => &$list, 'b' => &$list];
$c->set('k', $value);
$back = $c->get('k');
$back['a'][] = 3;
echo json_encode($back), ' ', json_encode($list), "\n";
foreach (['long' => str_repeat('x', 47), 'longer' => str_repeat('y', 48), 'longest' => str_repeat('z', 49), 'big' => random_bytes(700000)] as $k => $v) {
    $c->set($k, $v);
    var_dump($c->get($k) === $v);
}
?>
--EXPECT--
'text'                                  0
''                                      0
'é'                                    0
'0'                                     1
'5'                                     1
'-7'                                    1
'9223372036854775807'                   1
'-9223372036854775808'                  1
'1'                                     3
''                                      3
'N;'                                    4
'1'                                     2
'.1'                                    2
'-0'                                    2
'100000'                                2
'1e+06'                                 2
'123456'                                2
'1e+100'                                2
'1e-05'                                 2
'.0001'                                 2
'1.5e-07'                               2
'5e-324'                                2
'1.7976931348623157e+308'               2
'3.3333333333333335'                    2
'NaN'                                   2
'Infinity'                              2
'-Infinity'                             2
'a:0:{}'                                4
'a:2:{i:0;i:1;s:1:"a";a:2:{i:0;b:1;i:1;N;}}'4
'12'                                    0
'i:5;'                                  0
'E:11:"Suit:Hearts";'                   4
bool(true)
bool(true)
int(50)
{"a":[1,2,3],"b":[1,2,3]} [1,2]
bool(true)
bool(true)
bool(true)
bool(true)
