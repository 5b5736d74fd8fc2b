<?php

/**
 * Laravel's cache store on a nearcache, illuminate/cache 8 and later, with its tags and its locks.
 *
 * As Laravel has it, 0 seconds are for ever, a stored null is a miss, and flush() forgets the whole cache, whatever the
 * prefix: give Laravel a cache of its own name if others share it. As memcached has it, counters are not negative.
 */

declare(strict_types=1);

namespace NearCache\Adapter\Laravel;

use Illuminate\Cache\TaggableStore;
use Illuminate\Contracts\Cache\Lock as LockContract;
use Illuminate\Contracts\Cache\LockProvider;
use NearCache\Adapter\Space;
use NearCache\Cache;

final class Store extends TaggableStore implements LockProvider
{
    /** The longest time that memcached takes for a number of seconds; a larger number is a date. */
    private const MONTH = 2_592_000;

    private readonly string $prefix;
    private readonly int $room;

    public function __construct(private readonly Cache $cache, string $prefix = '')
    {
        $this->prefix = $prefix === '' ? '' : $prefix . ':';
        $this->room = Space::room($cache);
    }

    public function get($key): mixed
    {
        $value = $this->cache->get($this->place($key));
        // Only a false may be a miss.
        return $value === false && $this->cache->getResultCode() !== Cache::RES_SUCCESS ? null : $value;
    }

    public function many(array $keys): array
    {
        $places = array_map($this->place(...), $keys);
        $found = $this->cache->getMulti($places) ?: [];
        $values = [];
        foreach ($keys as $index => $key) {
            $values[$key] = $found[$places[$index]] ?? null;
        }
        return $values;
    }

    public function put($key, $value, $seconds): bool
    {
        return $this->cache->set($this->place($key), $value, self::expiration($seconds));
    }

    public function putMany(array $values, $seconds): bool
    {
        $items = [];
        foreach ($values as $key => $value) {
            $items[$this->place($key)] = $value;
        }
        return $this->cache->setMulti($items, self::expiration($seconds));
    }

    /** Stores it if it is missing: of all who do so at once one gets true. */
    public function add($key, $value, $seconds): bool
    {
        return $this->cache->add($this->place($key), $value, self::expiration($seconds));
    }

    /** The new number; a missing key becomes the value. False if the value there is no number of 0 or more. */
    public function increment($key, $value = 1): int|string|bool
    {
        return $value < 0
            ? $this->decrement($key, -$value)
            : $this->cache->increment($this->place($key), $value, $value);
    }

    /** The new number, which is not less than 0; a missing key becomes 0. */
    public function decrement($key, $value = 1): int|string|bool
    {
        return $value < 0
            ? $this->increment($key, -$value)
            : $this->cache->decrement($this->place($key), $value, 0);
    }

    public function forever($key, $value): bool
    {
        return $this->put($key, $value, 0);
    }

    /** A new lifetime for what is there. */
    public function touch($key, $seconds): bool
    {
        return $this->cache->touch($this->place($key), self::expiration($seconds));
    }

    public function forget($key): bool
    {
        return $this->cache->delete($this->place($key));
    }

    public function flush(): bool
    {
        return $this->cache->flush();
    }

    public function lock($name, $seconds = 0, $owner = null): LockContract
    {
        return new Lock($this->cache, $this->place($name), (int) $seconds, $owner);
    }

    public function restoreLock($name, $owner): LockContract
    {
        return $this->lock($name, 0, $owner);
    }

    public function getPrefix(): string
    {
        return $this->prefix;
    }

    /** Where an item is: a key that is too long, or looks like a hash, as its hash. */
    private function place(string|int $key): string
    {
        $key = (string) $key;
        return strlen($this->prefix) + strlen($key) > $this->room || str_starts_with($key, '@')
            ? $this->prefix . '@' . hash('sha256', $key)
            : $this->prefix . $key;
    }

    /** @internal */
    public static function expiration(int|float|string $seconds): int
    {
        $seconds = max(0, (int) $seconds);
        return $seconds > self::MONTH ? (int) min(time() + $seconds, PHP_INT_MAX) : $seconds;
    }
}
