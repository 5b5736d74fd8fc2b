<?php

/**
 * Laravel's cache on our store, through Laravel's own manager and repository: values, lifetimes, counters, tags, locks
 * among processes, and its rate limiter.
 */

declare(strict_types=1);

namespace NearCache\Tests;

use Illuminate\Cache\CacheManager;
use Illuminate\Cache\RateLimiter;
use Illuminate\Cache\Repository;
use Illuminate\Config\Repository as Config;
use Illuminate\Container\Container;
use Illuminate\Contracts\Cache\LockTimeoutException;
use NearCache\Adapter\Laravel\NearCacheServiceProvider;
use NearCache\Adapter\Laravel\Store;
use NearCache\Cache;
use PHPUnit\Framework\TestCase;

final class LaravelTest extends TestCase
{
    private Cache $memory;
    private Repository $cache;

    protected function setUp(): void
    {
        $this->memory = new Cache('8M', ['shared' => true, 'manual_clock' => true]);
        $this->cache = new Repository(new Store($this->memory, 'app'));
    }

    public function testTheProviderMakesADriver(): void
    {
        $name = 'nearcache-test-laravel-' . getmypid();
        $app = new Container();
        $app->instance('config', new Config(['cache' => [
            'default' => 'near',
            'prefix' => 'site',
            'stores' => ['near' => ['driver' => 'nearcache', 'name' => $name, 'memory' => '4M']],
        ]]));
        $app->singleton('cache', fn (Container $app) => new CacheManager($app));
        (new NearCacheServiceProvider($app))->register();
        try {
            $app['cache']->put('key', ['a' => 1], 60);
            $this->assertSame(['a' => 1], $app['cache']->get('key'));
            $this->assertInstanceOf(Store::class, $app['cache']->getStore());
            $this->assertSame(['a' => 1], (new Cache('4M', ['name' => $name]))->get('site:key'));
        } finally {
            Cache::unlink($name);
        }
    }

    public function testValuesAndLifetimes(): void
    {
        foreach ([1, 1.5, '', 'text', false, true, ['a' => ['b']], new \ArrayObject([1])] as $value) {
            $this->assertTrue($this->cache->put('key', $value, 10));
            $this->assertEquals($value, $this->cache->get('key', 'default'));
        }
        $this->memory->advanceClock(11);
        $this->assertNull($this->cache->get('key'));
        $this->assertSame('default', $this->cache->get('key', 'default'));
        $this->assertTrue($this->cache->forever('key', 1));
        $this->assertTrue($this->cache->put('long', 1, 40 * 86_400));
        $this->memory->advanceClock(39 * 86_400);
        $this->assertSame([1, 1], [$this->cache->get('key'), $this->cache->get('long')]);
        $this->memory->advanceClock(2 * 86_400);
        $this->assertSame([1, null], [$this->cache->get('key'), $this->cache->get('long')]);
        $this->assertSame(1, $this->cache->pull('key'));
        $this->assertFalse($this->cache->has('key'));
        $this->assertFalse($this->cache->forget('key'));
        $this->assertSame('made', $this->cache->remember('key', 10, fn () => 'made'));
        $this->assertSame('made', $this->cache->remember('key', 10, fn () => 'again'));
        $store = $this->cache->getStore();
        $this->assertTrue($store->touch('key', 100));
        $this->memory->advanceClock(50);
        $this->assertSame('made', $this->cache->get('key'));
    }

    public function testManyAtOnceAndKeysOfAnyLength(): void
    {
        $long = str_repeat('k', 300);
        $hash = '@' . hash('sha256', $long);
        $values = ['a' => 1, '12' => 'twelve', $long => 'long', $hash => 'not the long one', 'false' => false];
        $this->assertTrue($this->cache->putMany($values, 10));
        $keys = array_map(strval(...), array_keys($values));
        $this->assertSame($values + ['none' => null], $this->cache->many([...$keys, 'none']));
        $this->assertSame('long', $this->cache->get($long));
        $this->assertSame(1, $this->memory->get('app:a'));
    }

    public function testAddsOnceAndCounts(): void
    {
        $this->assertTrue($this->cache->add('key', 1, 10));
        $this->assertFalse($this->cache->add('key', 2, 10));
        $this->assertSame(6, $this->cache->increment('key', 5));
        $this->assertSame(4, $this->cache->decrement('key', 2));
        $this->assertSame(3, $this->cache->increment('key', -1));
        $this->assertSame(0, $this->cache->decrement('key', 10));
        $this->memory->advanceClock(11);
        $this->assertNull($this->cache->get('key'));
        $this->assertSame(3, $this->cache->increment('new', 3));
        $this->assertSame(3, (int) $this->cache->get('new'));
        $this->cache->put('word', 'seven', 10);
        $this->assertFalse($this->cache->increment('word'));

        $this->memory->set('app:n', 0);
        Processes::run(4, function (): void {
            for ($i = 0; $i < 500; $i++) {
                $this->cache->increment('n');
            }
        });
        $this->assertSame(2000, $this->cache->get('n'));
    }

    public function testTags(): void
    {
        $this->cache->tags(['people', 'artists'])->put('John', 1, 60);
        $this->cache->tags(['people', 'authors'])->put('Anne', 2, 60);
        $this->assertSame(1, $this->cache->tags(['people', 'artists'])->get('John'));
        $this->assertNull($this->cache->tags(['authors'])->get('John'));
        $this->cache->tags('authors')->flush();
        $this->assertNull($this->cache->tags(['people', 'authors'])->get('Anne'));
        $this->assertSame(1, $this->cache->tags(['people', 'artists'])->get('John'));
        $this->assertTrue($this->cache->flush());
        $this->assertNull($this->cache->tags(['people', 'artists'])->get('John'));
    }

    public function testALockHasOneHolder(): void
    {
        $mine = $this->cache->lock('job', 10);
        $theirs = $this->cache->lock('job', 10);
        $this->assertTrue($mine->get());
        $this->assertFalse($theirs->get());
        $this->assertFalse($theirs->release());
        $this->assertTrue($this->cache->restoreLock('job', $mine->owner())->release());
        $this->assertSame('done', $theirs->get(fn () => 'done'));

        // One that ended belongs to the next, and its first holder cannot give it up.
        $this->assertTrue($mine->get());
        $this->memory->advanceClock(11);
        $this->assertTrue($theirs->get());
        $this->assertFalse($mine->release());
        $this->assertFalse($mine->get());
        $mine->forceRelease();
        $this->assertTrue($mine->get());

        $never = $this->cache->lock('ever');
        $this->assertTrue($never->get());
        $this->memory->advanceClock(100 * 86_400);
        $this->assertFalse($this->cache->lock('ever', 5)->get());
        $this->expectException(LockTimeoutException::class);
        $this->cache->lock('ever', 5)->betweenBlockedAttemptsSleepFor(1)->block(0);
    }

    public function testProcessesAreOneAtATimeUnderALock(): void
    {
        $this->memory->set('inside', 0);
        $most = Processes::run(4, function (): int {
            $most = 0;
            for ($i = 0; $i < 20; $i++) {
                $lock = $this->cache->lock('job', 60)->betweenBlockedAttemptsSleepFor(1);
                $lock->block(30, function () use (&$most): void {
                    $most = max($most, $this->memory->increment('inside'));
                    usleep(100);
                    $this->memory->decrement('inside');
                });
            }
            return $most;
        });
        $this->assertSame([1, 1, 1, 1], $most);
    }

    public function testTheRateLimiter(): void
    {
        $limiter = new RateLimiter($this->cache);
        foreach ([1, 2, 3] as $hit) {
            $this->assertFalse($limiter->tooManyAttempts('mail', 3));
            $this->assertSame($hit, $limiter->hit('mail', 60));
        }
        $this->assertTrue($limiter->tooManyAttempts('mail', 3));
        $this->memory->advanceClock(61);
        $this->assertSame(0, (int) $limiter->attempts('mail'));
    }
}
