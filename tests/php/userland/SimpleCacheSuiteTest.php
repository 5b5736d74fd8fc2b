<?php

/**
 * The public PSR-16 suite, with a namespace. Its waits move the cache's own clock.
 */

declare(strict_types=1);

namespace NearCache\Tests;

use Cache\IntegrationTests\SimpleCacheTest;
use NearCache\Adapter\SimpleCache;
use NearCache\Cache;

final class SimpleCacheSuiteTest extends SimpleCacheTest
{
    private Cache $memory;

    public function createSimpleCache(): SimpleCache
    {
        $this->memory = new Cache('4M', ['manual_clock' => true]);
        return new SimpleCache($this->memory, 'app');
    }

    public function advanceTime($seconds): void
    {
        $this->memory->advanceClock($seconds);
    }
}
