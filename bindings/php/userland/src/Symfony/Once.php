<?php

/**
 * Symfony's callbacks, computed once: of all processes that miss a key one computes it, the others wait for what it
 * saves. It takes the place of Symfony's LockRegistry, whose locks are on its source files, two dozen for all keys,
 * and held by a process that hangs for as long as it hangs.
 *
 * The right to compute is a lease of Cache::remember(), on a key beside the item's: the item itself is saved by the
 * pool, with the lifetime and tags that the callback decides on. A killed process keeps the others waiting no longer
 * than the lease.
 *
 * NearCacheAdapter sets it for itself. A TagAwareAdapter in front needs one, too, as it computes by itself:
 * `$tagAware->setCallbackWrapper(new Once($cache, 'app.tags'))`.
 */

declare(strict_types=1);

namespace NearCache\Adapter\Symfony;

use NearCache\Cache;
use Psr\Cache\CacheItemInterface;
use Psr\Cache\CacheItemPoolInterface;
use Symfony\Contracts\Cache\CacheInterface;
use Symfony\Contracts\Cache\ItemInterface;

final class Once
{
    /**
     * @param string $namespace tells the keys of several pools apart
     * @param int $lease seconds, 1 to 86400: more than computing takes
     */
    public function __construct(
        private readonly Cache $cache,
        private readonly string $namespace = '',
        private readonly int $lease = 30,
    ) {
    }

    public function __invoke(
        callable $callback,
        ItemInterface $item,
        bool &$save,
        CacheItemPoolInterface&CacheInterface $pool,
        ?\Closure $setMetadata = null,
    ): mixed {
        $key = $item->getKey();
        // No key or namespace of Symfony's has this character.
        $lease = '@once:' . hash('sha256', $this->namespace . ':' . $key);
        // What is there already is to be replaced: early, as chance wanted it, or because the caller does.
        $old = $item->isHit() ? self::expiry($item) : null;
        $replace = $item->isHit();
        $mine = false;
        $value = null;

        $this->cache->remember($lease, 1, function () use (
            $callback, $item, &$save, $pool, $setMetadata, $key, $replace, $old, &$mine, &$value
        ): bool {
            // Another has saved it between our miss and our turn.
            $there = $pool->getItem($key);
            if ($there->isHit() && !($replace && self::expiry($there) === $old)) {
                return true;
            }
            $mine = true;
            $value = $callback($item, $save);
            if ($save) {
                // How long it took is a part of what is saved.
                $setMetadata === null || $setMetadata($item);
                $pool->save($item->set($value));
                $save = false;
            }
            return true;
        }, 0, $this->lease);

        if ($mine) {
            // Those who still wait find the item.
            $this->cache->delete($lease);
            return $value;
        }
        $there = $pool->getItem($key);
        if ($there->isHit()) {
            $save = false;
            return $there->get();
        }
        // It was not to be kept, or did not fit.
        return $callback($item, $save);
    }

    private static function expiry(CacheItemInterface $item): ?float
    {
        $expiry = $item instanceof ItemInterface ? $item->getMetadata()[ItemInterface::METADATA_EXPIRY] ?? null : null;
        return $expiry === null ? null : (float) $expiry;
    }
}
