--TEST--
The arrays that are kept decoded take no more than nearcache.l1_size; what was given out stays until the request is over
--SKIPIF--
<?php
if (!function_exists('pcntl_fork')) {
    die('skip needs pcntl');
}
?>
--INI--
nearcache.l1_size=1M
memory_limit=256M
--FILE--
<?php
use NearCache\Cache;
require __DIR__ . '/l1.inc';
require __DIR__ . '/sharing.inc';
$c = new Cache('64M');
$bound = function (string $when) use ($c) {
    $now = l1($c);
    same("bound $when", $now['bytes'] + $now['retired_bytes'] <= $now['limit_bytes'], true);
};
same('the limit', l1($c)['limit_bytes'], 1 << 20);

// What is kept and was never given out makes room for what comes.
$routes = routes(20);
for ($i = 0; $i < 300; $i++) {
    $c->set("r$i", [$i, $routes]);
    $c->get("r$i");
    $c->get("r$i");
    $bound("at $i");
}
same('kept, of 300', l1($c)['items'] > 20 && l1($c)['items'] < 299, true);
same('the newest is', hits($c, fn() => same('r299', $c->get('r299'), [299, $routes])), 1);
same('the oldest is not', hits($c, fn() => same('r0', $c->get('r0'), [0, $routes])), 0);

// What is too large is decoded each time, and pushes nothing out.
$items = l1($c)['items'];
$c->set('large', $large = routes(2000));
same('too large', hits($c, fn() => [$c->get('large'), $c->get('large'), same('large', $c->get('large'), $large)]), 0);
same('pushed nothing out', l1($c)['items'] >= $items - 1, true);

// A script that holds all that it was given: when there is no room left, arrays are decoded as ever.
$held = [];
for ($version = 0; $version < 300; $version++) {
    $c->set('v', [$version, $routes]);
    for ($k = 0; $k < 4; $k++) {
        $held[] = $c->get('v');
    }
    $bound("at version $version");
}
foreach ($held as $i => $value) {
    same("held $i", $value, [intdiv($i, 4), $routes]);
}
same('full of what waits', l1($c)['retired_bytes'] > (1 << 20) / 2, true);
same('no more is kept', hits($c, fn() => [$c->get('v'), $c->get('v'), $c->get('v')]), 0);

// A child has its parent's, and goes on with its own.
$before = $c->get('r299');
$child = pcntl_fork();
if ($child === 0) {
    $c->set('r299', ['child']);
    exit($before === [299, $routes] && $c->get('r299') === ['child'] && $held[0] === [0, $routes] ? 3 : 4);
}
pcntl_waitpid($child, $status);
same('child', pcntl_wexitstatus($status), 3);
same('parent', $c->get('r299'), [299, $routes]);

// Processes on one cache: who stores is seen by all.
$shared = new Cache('8M', ['name' => 'l1']);
$shared->set('s', ['first']);
warm($shared, 's');
$say = fn(string $code) => php(['nearcache.l1_size' => '8M'], '$c = new NearCache\Cache(options: ["name" => "l1"]);' . $code);
same('another process', $say('for ($i = 0; $i < 4; $i++) echo $c->get("s")[0]; $c->set("s", ["second"]);'), 'firstfirstfirstfirst');
same('what it stored', $shared->get('s'), ['second']);
warm($shared, 's');
$say('$c->delete("s");');
same('what it deleted', $shared->get('s'), false);

// A name that leads to another cache: its uniques may be the same, its arrays are not.
$shared->set('t', ['of the old one']);
for ($i = 0; $i < 3; $i++) {
    $shared->get('t');
}
Cache::unlink('l1');
$anew = new Cache('8M', ['name' => 'l1']);
$anew->set('s', ['x']);
$anew->set('t', ['of the new one']);
for ($i = 0; $i < 3; $i++) {
    same('anew', [$anew->get('t'), $shared->get('t')], [['of the new one'], ['of the old one']]);
}

// None at all.
same('switched off', php(['nearcache.l1_size' => '0'], '
    $c = new NearCache\Cache("4M");
    $c->set("a", [1, [2]]);
    for ($i = 0; $i < 5; $i++) $c->get("a") === [1, [2]] or print("wrong");
    echo $c->stats()["l1_hits"], $c->stats()["l1_items"], $c->stats()["l1_bytes"];'), '000');
echo "done\n";
?>
--EXPECT--
done
