<?php

/**
 * PSR-6 on a nearcache: psr/cache 1, 2 and 3 (see SimpleCache for the types). Deferred items are seen by the pool that
 * has them, and stored together by commit(), or at the latest when the pool goes.
 */

declare(strict_types=1);

namespace NearCache\Adapter;

use NearCache\Cache;
use Psr\Cache\CacheItemInterface;
use Psr\Cache\CacheItemPoolInterface;

final class ItemPool implements CacheItemPoolInterface
{
    private readonly Space $space;
    private readonly ?int $lifetime;

    /** @var array<string, Item> */
    private array $deferred = [];

    /**
     * @param string $namespace what clear() forgets; without one it forgets the whole cache
     * @param int|\DateInterval|null $lifetime of items that were given none; null is for ever
     */
    public function __construct(
        private readonly Cache $cache,
        string $namespace = '',
        int|\DateInterval|null $lifetime = null,
    ) {
        $this->space = new Space($cache, $namespace);
        $this->lifetime = $lifetime instanceof \DateInterval ? Space::seconds($lifetime) : $lifetime;
    }

    public function __destruct()
    {
        $this->commit();
    }

    public function getItem($key): CacheItemInterface
    {
        $key = Space::key($key);
        return $this->waiting($key) ?? $this->read($this->space->prefix(), $key);
    }

    /** @return array<string, Item> */
    public function getItems(array $keys = []): iterable
    {
        $keys = array_map(Space::key(...), $keys);
        $prefix = $this->space->prefix();
        $items = [];
        foreach ($keys as $key) {
            $items[$key] = $this->waiting($key) ?? $this->read($prefix, $key);
        }
        return $items;
    }

    public function hasItem($key): bool
    {
        $key = Space::key($key);
        return isset($this->deferred[$key])
            ? $this->waiting($key)->isHit()
            : $this->cache->has($this->space->place($this->space->prefix(), $key));
    }

    public function clear(): bool
    {
        $this->deferred = [];
        return $this->space->clear();
    }

    public function deleteItem($key): bool
    {
        return $this->deleteItems([$key]);
    }

    public function deleteItems(array $keys): bool
    {
        $keys = array_map(Space::key(...), $keys);
        $prefix = $this->space->prefix();
        $done = true;
        foreach ($keys as $key) {
            unset($this->deferred[$key]);
            $done = $this->remove($this->space->place($prefix, $key)) && $done;
        }
        return $done;
    }

    public function save(CacheItemInterface $item): bool
    {
        $item = self::ours($item);
        unset($this->deferred[$item->getKey()]);
        return $this->write($this->space->prefix(), $item);
    }

    public function saveDeferred(CacheItemInterface $item): bool
    {
        // A copy: what is done to the item later is not what was asked to be saved. Its lifetime begins now.
        $item = clone self::ours($item);
        if ($item->expiry() === null && $this->lifetime !== null) {
            $item->expiresAfter($this->lifetime);
        }
        $this->deferred[$item->getKey()] = $item;
        return true;
    }

    public function commit(): bool
    {
        if ($this->deferred === []) {
            return true;
        }
        [$items, $this->deferred] = [$this->deferred, []];
        $prefix = $this->space->prefix();
        $done = true;
        foreach ($items as $item) {
            $done = $this->write($prefix, $item) && $done;
        }
        return $done;
    }

    /** The item as it will be when what is deferred has been stored. */
    private function waiting(string $key): ?Item
    {
        $item = $this->deferred[$key] ?? null;
        if ($item === null) {
            return null;
        }
        $gone = $item->expiry() !== null && Space::until($item->expiry()) === null;
        return $gone ? new Item($key, null, false) : new Item($key, $item->get(), true);
    }

    private function read(string $prefix, string $key): Item
    {
        $value = $this->cache->get($this->space->place($prefix, $key));
        // Only a false may be a miss.
        $hit = $value !== false || $this->cache->getResultCode() === Cache::RES_SUCCESS;
        return new Item($key, $hit ? $value : null, $hit);
    }

    private function write(string $prefix, Item $item): bool
    {
        $place = $this->space->place($prefix, $item->getKey());
        $expiry = $item->expiry() ?? ($this->lifetime === null ? null : microtime(true) + $this->lifetime);
        $expiration = $expiry === null ? 0 : Space::until($expiry);
        return $expiration === null ? $this->remove($place) : $this->cache->set($place, $item->get(), $expiration);
    }

    private function remove(string $place): bool
    {
        return $this->cache->delete($place) || $this->cache->getResultCode() === Cache::RES_NOTFOUND;
    }

    private static function ours(CacheItemInterface $item): Item
    {
        return $item instanceof Item
            ? $item
            : throw new InvalidArgument('this pool saves items that it made itself, not ' . get_debug_type($item));
    }
}
