<?php

/**
 * The public PSR-6 suite. Its pools are one cache's, as those of one application are.
 */

declare(strict_types=1);

namespace NearCache\Tests;

use Cache\IntegrationTests\CachePoolTest;
use NearCache\Adapter\ItemPool;
use NearCache\Cache;

final class ItemPoolSuiteTest extends CachePoolTest
{
    private ?Cache $memory = null;

    public function createCachePool(): ItemPool
    {
        return new ItemPool($this->memory ??= new Cache('4M'));
    }
}
