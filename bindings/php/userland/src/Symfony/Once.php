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
        // No key or namespace of Symfony's has this character.
        $turn = '@once:' . hash('sha256', $this->namespace . ':' . $item->getKey());
        // What is there already is to be replaced: early, as chance wanted it, or because the caller does.
        $replaces = $item->isHit();
        $old = self::expiry($item);
        do {
            $mine = $made = false;
            $value = null;
            $kept = $this->cache->remember($turn, 1, function () use (
                $callback,
                $item,
                &$save,
                $pool,
                $setMetadata,
                $replaces,
                $old,
                &$mine,
                &$made,
                &$value,
            ): bool {
                $mine = true;
                // Another may have saved it between our miss and our turn.
                $there = $pool->getItem($item->getKey());
                if ($there->isHit() && !($replaces && self::expiry($there) === $old)) {
                    return true;
                }
                $made = true;
                $value = $callback($item, $save);
                if (!$save) {
                    return false;
                }
                // How long it took is a part of what is saved.
                $setMetadata === null || $setMetadata($item);
                $save = false;
                return $pool->save($item->set($value));
            }, 0, $this->lease);

            // Those who still wait find the item. Of one that is not kept the answer stays for a second, in which
            // nobody waits: each needs a value of his own.
            if ($mine && $kept) {
                $this->cache->delete($turn);
            }
            if ($made) {
                return $value;
            }
            $there = $pool->getItem($item->getKey());
            if ($there->isHit()) {
                $save = false;
                return $there->get();
            }
            // Deleted since, or evicted: once more.
        } while ($kept);
        return $callback($item, $save);
    }

    private static function expiry(CacheItemInterface $item): ?float
    {
        $expiry = $item instanceof ItemInterface ? $item->getMetadata()[ItemInterface::METADATA_EXPIRY] ?? null : null;
        return $expiry === null ? null : (float) $expiry;
    }
}
