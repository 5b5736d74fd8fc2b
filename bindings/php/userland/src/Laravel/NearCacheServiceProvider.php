<?php

/**
 * Makes `'driver' => 'nearcache'` a store of Laravel's config/cache.php. Composer's package discovery registers it.
 *
 *     'nearcache' => [
 *         'driver' => 'nearcache',
 *         'name' => null,          // a cache of this name; without one that of php.ini
 *         'memory' => '64M',       // of a cache that is made
 *         'prefix' => null,        // instead of the one of config/cache.php
 *     ],
 */

declare(strict_types=1);

namespace NearCache\Adapter\Laravel;

use Illuminate\Support\ServiceProvider;
use NearCache\Cache;

final class NearCacheServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->callAfterResolving('cache', static function (object $manager): void {
            // Laravel binds the closure to its manager, and calls it with the application.
            $manager->extend('nearcache', function ($app, array $config) use ($manager) {
                $name = $config['name'] ?? null;
                $cache = $name === null
                    ? new Cache()
                    : new Cache($config['memory'] ?? '64M', ['name' => $name]);
                $prefix = $config['prefix'] ?? $app['config']['cache.prefix'] ?? '';
                return $manager->repository(new Store($cache, (string) $prefix), $config);
            });
        });
    }
}
