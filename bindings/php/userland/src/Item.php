<?php

/**
 * An item of PSR-6, made by ItemPool alone: a key, a value, and when it ends.
 */

declare(strict_types=1);

namespace NearCache\Adapter;

use Psr\Cache\CacheItemInterface;

final class Item implements CacheItemInterface
{
    /** Seconds since 1970, or null for the pool's own lifetime. */
    private ?float $expiry = null;

    /** @internal */
    public function __construct(
        private readonly string $key,
        private mixed $value,
        private readonly bool $hit,
    ) {
    }

    public function getKey(): string
    {
        return $this->key;
    }

    public function get(): mixed
    {
        return $this->value;
    }

    public function isHit(): bool
    {
        return $this->hit;
    }

    public function set(mixed $value): static
    {
        $this->value = $value;
        return $this;
    }

    public function expiresAt($expiration): static
    {
        $this->expiry = match (true) {
            $expiration === null => null,
            $expiration instanceof \DateTimeInterface => (float) $expiration->format('U.u'),
            default => throw new InvalidArgument(
                'a point in time is a DateTimeInterface or null, not ' . get_debug_type($expiration),
            ),
        };
        return $this;
    }

    public function expiresAfter($time): static
    {
        $this->expiry = match (true) {
            $time === null => null,
            is_int($time) => microtime(true) + $time,
            $time instanceof \DateInterval => microtime(true) + Space::seconds($time),
            default => throw new InvalidArgument(
                'a lifetime is an int of seconds, a DateInterval or null, not ' . get_debug_type($time),
            ),
        };
        return $this;
    }

    /**
     * @internal
     */
    public function expiry(): ?float
    {
        return $this->expiry;
    }
}
