<?php

/**
 * The part of a cache that one PSR adapter has: which key it stores an item under, and how all of them are forgotten.
 *
 * Namespaces are those of every nearcache language (values.md, tags and namespaces): the keys of one begin with its
 * name and its generation, and to clear it is to raise the generation. That is one step however much is stored, no
 * worker finds anything from before it, and what was there is evicted in time. It costs one more get for each call.
 *
 * @internal
 */

declare(strict_types=1);

namespace NearCache\Adapter;

use NearCache\Cache;

final class Space
{
    /** What no key may contain, by both PSRs. */
    private const RESERVED = '{}()/\\@:';
    private const NAMESPACE_MAX = 150;
    /** A generation, the colons around it, and a hash behind the character that says it is one. */
    private const BEHIND_NAMESPACE = 19 + 2 + 65;

    private readonly string $generation;
    private readonly int $room;

    public function __construct(private readonly Cache $cache, private readonly string $name)
    {
        $this->room = self::room($cache);
        $most = min(self::NAMESPACE_MAX, $this->room - self::BEHIND_NAMESPACE);
        if (strlen($name) > $most || preg_match('/[^-+.\w]/', $name)) {
            throw new InvalidArgument(sprintf(
                'a namespace is at most %d letters, digits, "_", "-", "+" or ".", not "%s" (%d bytes)',
                $most,
                $name,
                strlen($name),
            ));
        }
        $this->generation = 'nearcache:namespace:' . $name;
    }

    /** The most bytes of a key: of memcached's 250, what the cache's own prefix leaves. */
    public static function room(Cache $cache): int
    {
        return 250 - strlen((string) $cache->getOption(Cache::OPT_PREFIX_KEY));
    }

    /** What the keys of this moment begin with: asked once for each call of the adapter. */
    public function prefix(): string
    {
        if ($this->name === '') {
            return '';
        }
        $generation = $this->cache->getRaw($this->generation);
        if ($generation === null) {
            $this->cache->add($this->generation, self::now());
            $generation = $this->cache->getRaw($this->generation);
        }
        // Without memory for a generation there is none for items: under a name that nobody has they are not found.
        return $this->name . ':' . rtrim($generation[0] ?? (string) self::now()) . ':';
    }

    /** Forgets all items; without a namespace those of the whole cache. */
    public function clear(): bool
    {
        return $this->name === ''
            ? $this->cache->flush()
            : $this->cache->increment($this->generation, 1, self::now()) !== false;
    }

    /**
     * The key an item is stored under: one that is too long as its hash, behind a character that no key begins with.
     */
    public function place(string $prefix, string $key): string
    {
        return $prefix . (strlen($prefix) + strlen($key) <= $this->room ? $key : '@' . hash('sha256', $key));
    }

    /** The key, if it is one. */
    public static function key(mixed $key): string
    {
        if (!is_string($key)) {
            throw new InvalidArgument('a key is a string, not ' . get_debug_type($key));
        }
        if ($key === '' || strpbrk($key, self::RESERVED) !== false) {
            throw new InvalidArgument(sprintf(
                'a key has at least one character and none of %s, which are reserved: "%s" cannot be one',
                self::RESERVED,
                $key,
            ));
        }
        return $key;
    }

    /**
     * memcached's form of a point in time, for 30 days and more; of 0 and of what is gone, null.
     *
     * @param float $time seconds since 1970
     */
    public static function until(float $time): ?int
    {
        return match (true) {
            $time <= microtime(true) => null,
            // No date, but a number that was meant to be never.
            $time >= PHP_INT_MAX => 0,
            default => (int) ceil($time),
        };
    }

    /** The seconds of an interval from now on: of months, too. */
    public static function seconds(\DateInterval $interval): int
    {
        $now = new \DateTimeImmutable('@' . time());
        return $now->add($interval)->getTimestamp() - $now->getTimestamp();
    }

    /** Nanoseconds since 1970: more than any generation there has been under a name. */
    private static function now(): int
    {
        return (int) (microtime(true) * 1e9);
    }
}
