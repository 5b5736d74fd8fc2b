<?php

/**
 * PSR-16 on a nearcache: psr/simple-cache 1, 2 and 3. Parameters have no types where version 1 has none, so that one
 * class does for all three, and what has the wrong type is refused as the interface demands, not by a TypeError.
 */

declare(strict_types=1);

namespace NearCache\Adapter;

use NearCache\Cache;
use Psr\SimpleCache\CacheInterface;

final class SimpleCache implements CacheInterface
{
    /** The longest time that memcached takes for a number of seconds; a larger number is a date. */
    private const MONTH = 2_592_000;

    private readonly Space $space;
    private readonly ?int $lifetime;

    /**
     * @param string $namespace what clear() forgets; without one it forgets the whole cache
     * @param int|\DateInterval|null $lifetime of what is stored without a ttl; null is for ever
     */
    public function __construct(
        private readonly Cache $cache,
        string $namespace = '',
        int|\DateInterval|null $lifetime = null,
    ) {
        $this->space = new Space($cache, $namespace);
        $this->lifetime = $lifetime instanceof \DateInterval ? Space::seconds($lifetime) : $lifetime;
    }

    public function get($key, mixed $default = null): mixed
    {
        $value = $this->cache->get($this->place($key));
        // Only a false may be a miss.
        return $value === false && $this->cache->getResultCode() !== Cache::RES_SUCCESS ? $default : $value;
    }

    public function set($key, mixed $value, $ttl = null): bool
    {
        $expiration = $this->expiration($ttl);
        $place = $this->place($key);
        return $expiration === null ? $this->remove($place) : $this->cache->set($place, $value, $expiration);
    }

    public function delete($key): bool
    {
        return $this->remove($this->place($key));
    }

    public function clear(): bool
    {
        return $this->space->clear();
    }

    /** @return array<string, mixed> */
    public function getMultiple($keys, mixed $default = null): iterable
    {
        $places = $this->places(self::each($keys));
        // It is false if the cache can read none of them.
        $found = $this->cache->getMulti(array_values($places)) ?: [];
        $values = [];
        foreach ($places as $key => $place) {
            $values[$key] = array_key_exists($place, $found) ? $found[$place] : $default;
        }
        return $values;
    }

    public function setMultiple($values, $ttl = null): bool
    {
        $expiration = $this->expiration($ttl);
        $keys = $items = [];
        foreach (self::each($values) as $key => $value) {
            // PHP's arrays make ints of the keys that look like one.
            $keys[] = is_int($key) ? (string) $key : $key;
            $items[] = $value;
        }
        $places = $this->places($keys);
        if ($expiration === null) {
            return $this->removeAll($places);
        }
        // A key that came twice has its last value.
        $items = array_combine(array_map(fn (string $key): string => $places[$key], $keys), $items);
        return $this->cache->setMulti($items, $expiration);
    }

    public function deleteMultiple($keys): bool
    {
        return $this->removeAll($this->places(self::each($keys)));
    }

    public function has($key): bool
    {
        return $this->cache->has($this->place($key));
    }

    private function place(mixed $key): string
    {
        $key = Space::key($key);
        return $this->space->place($this->space->prefix(), $key);
    }

    /**
     * Where the items of these keys are, all of them checked before anything is done with one.
     *
     * @param iterable<mixed> $keys
     * @return array<string, string>
     */
    private function places(iterable $keys): array
    {
        $prefix = $this->space->prefix();
        $places = [];
        foreach ($keys as $key) {
            $key = Space::key($key);
            $places[$key] = $this->space->place($prefix, $key);
        }
        return $places;
    }

    private function remove(string $place): bool
    {
        return $this->cache->delete($place) || $this->cache->getResultCode() === Cache::RES_NOTFOUND;
    }

    /** @param array<string, string> $places */
    private function removeAll(array $places): bool
    {
        $done = true;
        foreach ($places as $place) {
            $done = $this->remove($place) && $done;
        }
        return $done;
    }

    /** memcached's expiration; null if the item is to be gone at once. */
    private function expiration(mixed $ttl): ?int
    {
        $ttl ??= $this->lifetime;
        if ($ttl instanceof \DateInterval) {
            $ttl = Space::seconds($ttl);
        } elseif ($ttl === null) {
            return 0;
        } elseif (!is_int($ttl)) {
            throw new InvalidArgument(
                'a ttl is an int of seconds, a DateInterval or null, not ' . get_debug_type($ttl),
            );
        }
        return match (true) {
            $ttl <= 0 => null,
            $ttl <= self::MONTH => $ttl,
            default => Space::until(time() + $ttl),
        };
    }

    /** @return iterable<mixed, mixed> */
    private static function each(mixed $list): iterable
    {
        return is_iterable($list)
            ? $list
            : throw new InvalidArgument('an array or a Traversable is wanted, not ' . get_debug_type($list));
    }
}
