<?php

/**
 * Symfony's cache on a nearcache, symfony/cache 5.4 and later: a pool of its own namespace, with Symfony's early
 * expiration and its versions of a namespace, and computed once by all processes (Once).
 *
 * Values are written by the extension itself, so that other languages can read what can be read at all, and a nested
 * array is not rebuilt by every get, unless a marshaller is given: to encrypt them, for example.
 *
 * Expired items make room for others by themselves: there is nothing to prune, and no PruneableInterface.
 */

declare(strict_types=1);

namespace NearCache\Adapter\Symfony;

use NearCache\Adapter\Space;
use NearCache\Cache;
use Symfony\Component\Cache\Adapter\AbstractAdapter;
use Symfony\Component\Cache\Exception\CacheException;
use Symfony\Component\Cache\Marshaller\MarshallerInterface;

final class NearCacheAdapter extends AbstractAdapter
{
    /** The longest time that memcached takes for a number of seconds; a larger number is a date. */
    private const MONTH = 2_592_000;

    /**
     * @param string $namespace what clear() forgets; without one it forgets the whole cache
     * @param int $defaultLifetime in seconds; 0 is for ever
     * @param ?MarshallerInterface $marshaller null leaves it to the extension how values are written
     */
    public function __construct(
        private readonly Cache $cache,
        string $namespace = '',
        int $defaultLifetime = 0,
        private readonly ?MarshallerInterface $marshaller = null,
    ) {
        // Symfony hashes what is longer.
        $this->maxIdLength = Space::room($cache);
        parent::__construct($namespace, $defaultLifetime);
        if ($namespace !== '') {
            $this->enableVersioning();
        }
        $this->setCallbackWrapper(new Once($cache, $namespace));
    }

    protected function doFetch(array $ids): iterable
    {
        // Of a class that is gone there is nothing to give back: Symfony logs it, and computes anew.
        $before = ini_set('unserialize_callback_func', self::class . '::handleUnserializeCallback');
        try {
            $found = $this->cache->getMulti(array_values($ids));
            // All keys were bad, or the cache failed; that none is there is an empty array.
            if ($found === false) {
                throw $this->failure();
            }
            if ($this->marshaller !== null) {
                $found = array_map($this->marshaller->unmarshall(...), $found);
            }
            return $found;
        } catch (\Error $error) {
            // What a value's own code throws when it is read is a miss, too.
            throw new CacheException($error->getMessage(), 0, $error);
        } finally {
            ini_set('unserialize_callback_func', (string) $before);
        }
    }

    protected function doHave(string $id): bool
    {
        return $this->cache->has($id);
    }

    protected function doClear(string $namespace): bool
    {
        // The version of a namespace has been raised already, and with it everything is gone.
        return $namespace !== '' || $this->cache->flush();
    }

    protected function doDelete(array $ids): bool
    {
        $done = true;
        foreach ($ids as $id) {
            $done = ($this->cache->delete($id) || $this->cache->getResultCode() === Cache::RES_NOTFOUND) && $done;
        }
        return $done;
    }

    protected function doSave(array $values, int $lifetime): array|bool
    {
        $failed = [];
        if ($this->marshaller !== null) {
            $values = $this->marshaller->marshall($values, $failed);
        }
        $expiration = $lifetime > self::MONTH ? time() + $lifetime : $lifetime;
        foreach ($values as $id => $value) {
            // Too large, or no memory for it, or it cannot be serialized: the others are stored all the same.
            try {
                $stored = $this->cache->set((string) $id, $value, $expiration);
            } catch (\Exception $exception) {
                if (count($values) === 1) {
                    throw $exception;
                }
                $stored = false;
            }
            if (!$stored) {
                $failed[] = $id;
            }
        }
        return $failed;
    }

    private function failure(): CacheException
    {
        return new CacheException('nearcache: ' . $this->cache->getLastErrorMessage());
    }
}
