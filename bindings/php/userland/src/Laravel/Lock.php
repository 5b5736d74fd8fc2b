<?php

/**
 * Laravel's atomic lock: an item that only one can add. It is released by a compare-and-swap, so that a lock that ended
 * before, and is another's by now, stays his. Eviction and flush() end it, too: it saves work, and is no place for
 * safety.
 */

declare(strict_types=1);

namespace NearCache\Adapter\Laravel;

use Illuminate\Cache\Lock as LaravelLock;
use NearCache\Cache;

final class Lock extends LaravelLock
{
    /**
     * @param int $seconds after which it ends by itself; 0 is never
     * @param ?string $owner who holds it; null makes a new one up
     */
    public function __construct(private readonly Cache $cache, string $name, int $seconds, ?string $owner = null)
    {
        parent::__construct($name, $seconds, $owner);
    }

    public function acquire(): bool
    {
        return $this->cache->add($this->name, $this->owner, Store::expiration($this->seconds));
    }

    public function release(): bool
    {
        $held = $this->cache->get($this->name, null, Cache::GET_EXTENDED);
        // Stored as dead at once: that is a delete which fails if the item was changed.
        return is_array($held) && $held['value'] === $this->owner
            && $this->cache->cas((string) $held['cas'], $this->name, '', -1);
    }

    public function forceRelease(): void
    {
        $this->cache->delete($this->name);
    }

    protected function getCurrentOwner(): ?string
    {
        $owner = $this->cache->get($this->name);
        return is_string($owner) ? $owner : null;
    }
}
