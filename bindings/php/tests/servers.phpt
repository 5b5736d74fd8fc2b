--TEST--
Servers, SASL, buckets: taken and given back; encryption is refused
--FILE--
<?php
use NearCache\Cache;
$c = new Cache('4M');
set_error_handler(function (int $level, string $message) { echo "warning: $message\n"; return true; });
function show(mixed ...$answers): void
{
    global $c;
    echo json_encode($answers, JSON_UNESCAPED_SLASHES), ' ', $c->getResultMessage(), "\n";
}
show($c->set('k', 1), $c->getServerList());
show($c->getServerByKey('k'));
echo $c->getLastErrorMessage(), "\n";
show($c->addServer('localhost', 11211), $c->addServer('/run/memcached', 0, 5), $c->addServers([['a', 1, 2], ['host' => 'b', 'port' => '2']]), $c->getServerList());
show($c->getServerByKey('k'));
show($c->getServerByKey(''));
show($c->addServers([['no port'], 'no list', [5, 5], ['good', 1]]), count($c->getServerList()));
$list = $c->getServerList();
$list[] = 'mine';
show(count($c->getServerList()), $c->get('k'), $c->resetServerList(), $c->getServerList(), $c->get('k'));
show($c->quit(), $c->flushBuffers(), $c->getLastDisconnectedServer(), $c->isPersistent(), $c->isPristine(), (new Cache('1M', ['persistent_id' => 'p']))->isPersistent());
show($c->setSaslAuthData('user', 'password'));
show($c->setEncodingKey('secret'), $c->getLastErrorCode(), $c->getLastErrorErrno());
show($c->setBucket([0, 1], null, 2), $c->setBucket([0], [1], 0));
show($c->setBucket([], null, 0), $c->setBucket([0, -1], null, 0), $c->setBucket(['x' => []], null, 0), $c->setBucket([0, 1], [0], 0), $c->setBucket([0], null, -1));
foreach ([fn() => $c->addServer('h'), fn() => $c->addServer([], 1), fn() => $c->addServer('h', 'x'), fn() => $c->addServers('x'), fn() => $c->setBucket(1, 2, 3),
    fn() => $c->getServerByKey(), fn() => $c->setEncodingKey([])] as $bad) {
    try {
        $bad();
        echo "no error\n";
    } catch (Error $e) {
        echo get_class($e), ': ', $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
[true,[]] SUCCESS
[false] NO SERVERS DEFINED
no server was added, and none is needed
[true,true,true,[{"host":"localhost","port":11211,"type":"TCP"},{"host":"/run/memcached","port":0,"type":"SOCKET"},{"host":"a","port":1,"type":"TCP"},{"host":"b","port":2,"type":"TCP"}]] SUCCESS
[{"host":"localhost","port":11211,"weight":0}] SUCCESS
[false] A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE
warning: NearCache\Cache::addServers(): entry #1 is no server: it must be a list of host, port and, if you like, weight; the others are added
warning: NearCache\Cache::addServers(): entry #2 is no server: it must be a list of host, port and, if you like, weight; the others are added
warning: NearCache\Cache::addServers(): entry #3 is no server: it must be a list of host, port and, if you like, weight; the others are added
[true,5] SUCCESS
[5,1,true,[],1] SUCCESS
[true,true,false,false,true,true] SUCCESS
[true] SUCCESS
warning: NearCache\Cache::setEncodingKey(): values are not encrypted: they stay in the memory of this machine, where no wire is to be protected; encrypt what others who have this cache must not read before you store it
[false,28,0] ACTION NOT SUPPORTED
[true,true] SUCCESS
warning: NearCache\Cache::setBucket(): the map of servers cannot be empty
warning: NearCache\Cache::setBucket(): the maps must hold ints of 0 or more
warning: NearCache\Cache::setBucket(): the maps must hold ints of 0 or more
warning: NearCache\Cache::setBucket(): the forward map must be as long as the map of servers
warning: NearCache\Cache::setBucket(): the number of replicas cannot be negative
[false,false,false,false,false] INVALID ARGUMENTS
ArgumentCountError: NearCache\Cache::addServer() expects at least 2 arguments, 1 given
TypeError: NearCache\Cache::addServer(): Argument #1 ($host) must be of type string, array given
TypeError: NearCache\Cache::addServer(): Argument #2 ($port) must be of type int, string given
TypeError: NearCache\Cache::addServers(): Argument #1 ($servers) must be of type array, string given
TypeError: NearCache\Cache::setBucket(): Argument #1 ($host_map) must be of type array, int given
ArgumentCountError: NearCache\Cache::getServerByKey() expects exactly 1 argument, 0 given
TypeError: NearCache\Cache::setEncodingKey(): Argument #1 ($key) must be of type string, array given
