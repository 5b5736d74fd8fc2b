<?php

/**
 * The public PSR-6 suite through Symfony's component on our adapter.
 */

declare(strict_types=1);

namespace NearCache\Tests;

use Cache\IntegrationTests\CachePoolTest;
use NearCache\Adapter\Symfony\NearCacheAdapter;
use NearCache\Cache;

final class SymfonySuiteTest extends CachePoolTest
{
    private ?Cache $memory = null;

    public function createCachePool(): NearCacheAdapter
    {
        return new NearCacheAdapter($this->memory ??= new Cache('4M'), 'app');
    }
}
