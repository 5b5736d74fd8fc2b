--TEST--
The option shared: processes forked later have the same cache, and one that is killed harms none
--SKIPIF--
<?php
if (!function_exists('pcntl_fork')) {
    die('skip needs pcntl');
}
?>
--FILE--
<?php
$c = new NearCache\Cache('4M', ['shared' => true]);
$c->set('k', 'before');
$children = [];
for ($i = 0; $i < 4; $i++) {
    if (($child = pcntl_fork()) === 0) {
        $c->get('k') === 'before' && $c->set("child $i", getmypid());
        for ($n = 0; $n < 1000; $n++) {
            $c->increment('sum', 1, 1);
        }
        exec('kill -KILL ' . getmypid());
    }
    $children[$i] = $child;
}
foreach ($children as $i => $child) {
    pcntl_waitpid($child, $status);
    echo $i, ' ', pcntl_wtermsig($status) === SIGKILL ? 'killed' : 'ended', ' ', var_export($c->get("child $i") === $child, true), "\n";
}
var_dump((int) $c->get('sum') === 4000, $c->check(), $c->getInfo()['shared'], $c->getInfo()['name'], count($c->getProcesses()) >= 1);
?>
--EXPECT--
0 killed true
1 killed true
2 killed true
3 killed true
bool(true)
bool(true)
bool(true)
NULL
bool(true)
