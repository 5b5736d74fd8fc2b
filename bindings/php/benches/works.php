<?php
/*
 * What bench.php measures: each work as a function of the number of calls, for each cache that can do it. All caches hold
 * the same keys and values, and each call's own loop is the same; one work is that loop alone, to be taken off.
 */

const KEYS = 1024;

/** A route table as frameworks cache it: for each route its path, methods, defaults, requirements and options. */
function routes(int $count): array
{
    $routes = [];
    for ($i = 0; $i < $count; $i++) {
        $routes["app_blog_$i"] = [
            'path' => "/blog/$i/{slug}",
            'methods' => ['GET', 'HEAD'],
            'defaults' => ['_controller' => "App\\Controller\\BlogController$i::show", '_locale' => 'en', 'page' => 1],
            'requirements' => ['slug' => '[a-z0-9-]+', 'page' => '\d+'],
            'options' => ['compiler_class' => 'Symfony\\Component\\Routing\\RouteCompiler', 'utf8' => true],
            'schemes' => [],
            'condition' => null,
            'priority' => $i,
        ];
    }
    return $routes;
}

/** An object's methods under the names that the works use. */
final class Peer
{
    /** @param array<string, Closure> $verbs each takes the number of calls */
    public function __construct(public string $name, public array $verbs, public Closure $prepare) {}
}

/** The verbs of a cache that is an object with get, set, getMulti and increment. */
function verbs(object $cache, array $keys, array $values): array
{
    $verbs = [];
    $verbs['get of a 100-byte string'] = function (int $n) use ($cache, $keys) {
        for ($i = 0; $i < $n; $i++) { $cache->get($keys[$i & 1023]); }
    };
    $verbs['get of an int'] = function (int $n) use ($cache) {
        for ($i = 0; $i < $n; $i++) { $cache->get('int'); }
    };
    $verbs['miss'] = function (int $n) use ($cache) {
        for ($i = 0; $i < $n; $i++) { $cache->get('none'); }
    };
    $verbs['set of a 100-byte string'] = function (int $n) use ($cache, $keys, $values) {
        $value = $values['string'];
        for ($i = 0; $i < $n; $i++) { $cache->set($keys[$i & 1023], $value); }
    };
    $verbs['set of an int'] = function (int $n) use ($cache) {
        for ($i = 0; $i < $n; $i++) { $cache->set('int', 5); }
    };
    foreach ([10, 100, 1000] as $count) {
        $key = "routes:$count";
        $verbs["get of $count routes"] = function (int $n) use ($cache, $key) {
            for ($i = 0; $i < $n; $i++) { $cache->get($key); }
        };
        $verbs["set of $count routes"] = function (int $n) use ($cache, $key, $values) {
            $value = $values[$key];
            for ($i = 0; $i < $n; $i++) { $cache->set($key, $value); }
        };
    }
    return $verbs;
}

function fill(object $cache, array $keys, array $values): void
{
    foreach ($keys as $key) {
        $cache->set($key, $values['string']);
    }
    foreach (['int' => 5, 'n' => 5] + array_slice($values, 1) as $key => $value) {
        $cache->set($key, $value);
    }
    foreach ($values as $key => $value) {
        // Three readings, as a worker that has been running has made them.
        for ($i = 0; $i < 3; $i++) {
            if ($cache->get($key === 'string' ? $keys[7] : $key) !== $value) {
                throw new RuntimeException("it does not give back '$key'");
            }
        }
    }
}

function peers(string $socket): array
{
    $keys = array_map(fn($i) => "bench:key:$i", range(0, KEYS - 1));
    $ten = array_slice($keys, 0, 10);
    $values = ['string' => str_repeat('v', 100)];
    foreach ([10, 100, 1000] as $count) {
        $values["routes:$count"] = routes($count);
    }
    $peers = [];

    $near = new NearCache\Cache('128M', ['shared' => true]);
    $verbs = verbs($near, $keys, $values);
    $verbs['getMulti of 10 strings'] = function (int $n) use ($near, $ten) {
        for ($i = 0; $i < $n; $i++) { $near->getMulti($ten); }
    };
    $verbs['increment'] = function (int $n) use ($near) {
        for ($i = 0; $i < $n; $i++) { $near->increment('n'); }
    };
    $peers[] = new Peer('nearcache', $verbs, fn() => fill($near, $keys, $values));

    // Functions, not methods: their loops are written out, so that nobody pays for a wrapper.
    $verbs = [
        'get of a 100-byte string' => function (int $n) use ($keys) {
            for ($i = 0; $i < $n; $i++) { apcu_fetch($keys[$i & 1023]); }
        },
        'get of an int' => function (int $n) {
            for ($i = 0; $i < $n; $i++) { apcu_fetch('int'); }
        },
        'miss' => function (int $n) {
            for ($i = 0; $i < $n; $i++) { apcu_fetch('none'); }
        },
        'getMulti of 10 strings' => function (int $n) use ($ten) {
            for ($i = 0; $i < $n; $i++) { apcu_fetch($ten); }
        },
        'set of a 100-byte string' => function (int $n) use ($keys, $values) {
            $value = $values['string'];
            for ($i = 0; $i < $n; $i++) { apcu_store($keys[$i & 1023], $value); }
        },
        'set of an int' => function (int $n) {
            for ($i = 0; $i < $n; $i++) { apcu_store('int', 5); }
        },
        'increment' => function (int $n) {
            for ($i = 0; $i < $n; $i++) { apcu_inc('n'); }
        },
    ];
    foreach ([10, 100, 1000] as $count) {
        $key = "routes:$count";
        $verbs["get of $count routes"] = function (int $n) use ($key) {
            for ($i = 0; $i < $n; $i++) { apcu_fetch($key); }
        };
        $verbs["set of $count routes"] = function (int $n) use ($key, $values) {
            $value = $values[$key];
            for ($i = 0; $i < $n; $i++) { apcu_store($key, $value); }
        };
    }
    $apcu = new class {
        public function get(string $key): mixed { return apcu_fetch($key); }
        public function set(string $key, mixed $value): bool { return apcu_store($key, $value); }
    };
    $peers[] = new Peer('APCu', $verbs, fn() => fill($apcu, $keys, $values));

    if (extension_loaded('yac')) {
        $yac = new Yac();
        $verbs = verbs($yac, $keys, $values);
        $verbs['getMulti of 10 strings'] = function (int $n) use ($yac, $ten) {
            for ($i = 0; $i < $n; $i++) { $yac->get($ten); }
        };
        $peers[] = new Peer('Yac', $verbs, fn() => fill($yac, $keys, $values));
    }

    $connect = function () use ($socket) {
        $client = new Memcached();
        // Compressing costs more than it saves over a socket of the same machine.
        $client->setOption(Memcached::OPT_COMPRESSION, false);
        $client->addServer($socket, 0);
        return $client;
    };
    // Each process has a connection of its own: made when it first calls.
    $client = new class($connect) {
        private ?Memcached $own = null;
        private int $process = 0;
        public function __construct(private Closure $connect) {}
        public function own(): Memcached
        {
            if ($this->process !== getmypid()) {
                [$this->own, $this->process] = [($this->connect)(), getmypid()];
            }
            return $this->own;
        }
    };
    $names = ['getMulti of 10 strings', 'increment', ...array_keys(verbs(new stdClass(), $keys, $values))];
    $verbs = [];
    foreach ($names as $name) {
        $verbs[$name] = function (int $n) use ($client, $name, $keys, $ten, $values) {
            static $own = null, $process = 0;
            if ($process !== getmypid()) {
                $memcached = $client->own();
                $own = verbs($memcached, $keys, $values);
                $own['getMulti of 10 strings'] = function (int $n) use ($memcached, $ten) {
                    for ($i = 0; $i < $n; $i++) { $memcached->getMulti($ten); }
                };
                $own['increment'] = function (int $n) use ($memcached) {
                    for ($i = 0; $i < $n; $i++) { $memcached->increment('n'); }
                };
                $process = getmypid();
            }
            $own[$name]($n);
        };
    }
    $peers[] = new Peer('php-memcached, unix socket', $verbs, fn() => fill($client->own(), $keys, $values));
    return $peers;
}

/** The loop of every work without its call: a key of the list, or none. */
function loops(): array
{
    $keys = array_map(fn($i) => "bench:key:$i", range(0, KEYS - 1));
    return [
        true => function (int $n) use ($keys) { for ($i = 0; $i < $n; $i++) { $keys[$i & 1023]; } },
        false => function (int $n) { for ($i = 0; $i < $n; $i++) { } },
    ];
}
