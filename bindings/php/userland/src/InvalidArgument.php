<?php

/**
 * What the adapters throw for a key, a lifetime or an item that an interface does not allow: of either PSR, so that
 * code written for one of them catches it.
 */

declare(strict_types=1);

namespace NearCache\Adapter;

final class InvalidArgument extends \InvalidArgumentException implements
    \Psr\Cache\InvalidArgumentException,
    \Psr\SimpleCache\InvalidArgumentException
{
}
