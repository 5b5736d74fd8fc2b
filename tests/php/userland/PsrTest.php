<?php

/**
 * What the public suites leave open: namespaces and their generations, what clear() reaches, keys of any length, long
 * and odd lifetimes, and stores that fail.
 */

declare(strict_types=1);

namespace NearCache\Tests;

use NearCache\Adapter\InvalidArgument;
use NearCache\Adapter\ItemPool;
use NearCache\Adapter\Laravel\Store;
use NearCache\Adapter\SimpleCache;
use NearCache\Adapter\Space;
use NearCache\Adapter\Symfony\NearCacheAdapter;
use NearCache\Cache;
use PHPUnit\Framework\TestCase;

final class PsrTest extends TestCase
{
    private Cache $memory;

    protected function setUp(): void
    {
        $this->memory = new Cache('4M', ['item_size_max' => '64K']);
    }

    public function testClearForgetsANamespaceAndNothingElse(): void
    {
        $one = new SimpleCache($this->memory, 'one');
        $two = new ItemPool($this->memory, 'two');
        $all = new SimpleCache($this->memory);
        $one->set('key', 1);
        $two->save($two->getItem('key')->set(2));
        $all->set('key', 3);
        $this->assertSame([1, 2, 3], [$one->get('key'), $two->getItem('key')->get(), $all->get('key')]);

        $this->assertTrue($one->clear());
        $this->assertSame([null, 2, 3], [$one->get('key'), $two->getItem('key')->get(), $all->get('key')]);
        $this->assertTrue($two->clear());
        $this->assertFalse($two->getItem('key')->isHit());
        $this->assertSame(3, $all->get('key'));
        $one->set('key', 4);
        $this->assertTrue($all->clear());
        $this->assertSame(0, $this->memory->stats()['curr_items']);
        $this->assertNull($one->get('key'));
    }

    public function testAllWorkersClearTogetherAndTheKeysAreThoseOfTheOtherLanguages(): void
    {
        $mine = new SimpleCache($this->memory, 'app');
        $theirs = new SimpleCache($this->memory, 'app');
        $mine->set('key', 'old');
        $theirs->clear();
        $this->assertFalse($mine->has('key'));
        $mine->set('key', 'new');
        [$generation] = $this->memory->getRaw('nearcache:namespace:app');
        $this->assertSame('new', $this->memory->get("app:$generation:key"));
        // As another language raises it.
        $this->memory->increment('nearcache:namespace:app');
        $this->assertNull($mine->get('key'));
    }

    public function testAGenerationThatWasEvictedIsNotUsedAgain(): void
    {
        $cache = new SimpleCache($this->memory, 'app');
        $cache->set('key', 'old');
        $cache->clear();
        [$generation] = $this->memory->getRaw('nearcache:namespace:app');
        $this->memory->delete('nearcache:namespace:app');
        $this->assertNull($cache->get('key'));
        $this->assertGreaterThan((int) $generation, (int) $this->memory->getRaw('nearcache:namespace:app')[0]);
    }

    public function testLongKeysAreAllApart(): void
    {
        foreach (['', 'app'] as $namespace) {
            $cache = new SimpleCache($this->memory, $namespace);
            foreach ([200, 249, 250, 251, 1000, 100_000] as $length) {
                $cache->set(str_repeat('k', $length), $length);
                $cache->set(str_repeat('k', $length - 1) . 'l', -$length);
            }
            foreach ([200, 249, 250, 251, 1000, 100_000] as $length) {
                $this->assertSame($length, $cache->get(str_repeat('k', $length)));
                $this->assertSame(-$length, $cache->get(str_repeat('k', $length - 1) . 'l'));
            }
        }
    }

    public function testTheCachesOwnPrefixTakesFromTheRoomForKeys(): void
    {
        $this->memory->setOption(Cache::OPT_PREFIX_KEY, str_repeat('p', 100));
        $cache = new SimpleCache($this->memory, str_repeat('n', 64));
        $pool = new NearCacheAdapter($this->memory, str_repeat('n', 64));
        $store = new Store($this->memory, 'app');
        foreach ([1, 149, 150, 151, 250, 1000] as $length) {
            $key = str_repeat('k', $length);
            $this->assertTrue($cache->set($key, $length) && $store->put($key, $length, 0));
            $this->assertTrue($pool->save($pool->getItem($key)->set($length)));
            $this->assertSame($length, $cache->get($key));
            $this->assertSame($length, $pool->getItem($key)->get());
            $this->assertSame($length, $store->get($key));
        }
        $this->expectExceptionMessage('at most 64');
        new SimpleCache($this->memory, str_repeat('n', 65));
    }

    public function testKeysThatLookLikeNumbersAndKeysOfAnyBytes(): void
    {
        $cache = new SimpleCache($this->memory);
        $this->assertTrue($cache->setMultiple(['12' => 'a', 'Grüße' => 'b', "a b\r\n" => 'c', "\0" => 'd']));
        $this->assertSame(['12' => 'a', "\0" => 'd', 'x' => '?'], $cache->getMultiple(['12', "\0", 'x'], '?'));
        $this->assertSame('b', $cache->get('Grüße'));
        $this->assertSame('c', $cache->get("a b\r\n"));
        $this->assertTrue($cache->deleteMultiple(['12', 'Grüße']));
        $this->assertSame([false, false, true], array_map($cache->has(...), ['12', 'Grüße', "\0"]));
    }

    public function testNothingIsStoredIfOneKeyIsBad(): void
    {
        $cache = new SimpleCache($this->memory);
        try {
            $cache->setMultiple(['good' => 1, 'b:d' => 2]);
            $this->fail('a key with a colon was taken');
        } catch (InvalidArgument $error) {
            $this->assertStringContainsString('"b:d"', $error->getMessage());
        }
        $this->assertFalse($cache->has('good'));
    }

    public function testNullAndFalseAreValues(): void
    {
        $cache = new SimpleCache($this->memory, 'app');
        $pool = new ItemPool($this->memory, 'app');
        foreach (['n' => null, 'f' => false, 'z' => 0, 'e' => ''] as $key => $value) {
            $this->assertTrue($cache->set($key, $value));
            $this->assertSame($value, $cache->get($key, 'default'));
            $this->assertSame([$key => $value], $cache->getMultiple([$key], 'default'));
            $this->assertTrue($pool->getItem($key)->isHit());
            $this->assertSame($value, $pool->getItem($key)->get());
        }
    }

    public function testLifetimesOfMoreThanAMonthOfMonthsAndOfEver(): void
    {
        $memory = new Cache('4M', ['manual_clock' => true]);
        $cache = new SimpleCache($memory);
        $cache->set('month', 1, 2_592_000);
        $cache->set('more', 1, 2_592_001);
        $cache->set('interval', 1, new \DateInterval('P2M'));
        $cache->set('ever', 1, PHP_INT_MAX);
        $cache->set('past', 1);
        $cache->set('past', 1, new \DateInterval('PT0S'));
        $cache->set('default', 1);
        (new SimpleCache($memory, '', new \DateInterval('PT10S')))->set('short', 1);
        $there = fn (): string => implode(' ', array_filter(
            ['month', 'more', 'interval', 'ever', 'past', 'default', 'short'],
            $cache->has(...),
        ));
        $this->assertSame('month more interval ever default short', $there());
        $memory->advanceClock(11);
        $this->assertSame('month more interval ever default', $there());
        $memory->advanceClock(2_592_000);
        $this->assertSame('interval ever default', $there());
        $memory->advanceClock(40 * 86_400);
        $this->assertSame('ever default', $there());
    }

    public function testSecondsOfAnInterval(): void
    {
        $this->assertSame(-5, Space::seconds(\DateInterval::createFromDateString('-5 seconds')));
        $this->assertSame(90, Space::seconds(new \DateInterval('PT1M30S')));
        $this->assertGreaterThanOrEqual(28 * 86_400, Space::seconds(new \DateInterval('P1M')));
    }

    public function testStoresThatFailSaySo(): void
    {
        $cache = new SimpleCache($this->memory);
        $pool = new ItemPool($this->memory);
        $large = str_repeat('x', 100_000);
        $this->assertFalse($cache->set('key', $large));
        $this->assertFalse($cache->setMultiple(['small' => 1, 'large' => $large]));
        $this->assertSame(1, $cache->get('small'));
        $this->assertFalse($pool->save($pool->getItem('key')->set($large)));
        $pool->saveDeferred($pool->getItem('large')->set($large));
        $pool->saveDeferred($pool->getItem('fits')->set(1));
        $this->assertFalse($pool->commit());
        $this->assertTrue($pool->hasItem('fits'));
        $this->expectExceptionMessage('Serialization of \'Closure\' is not allowed');
        $cache->set('key', fn () => 1);
    }

    public function testDeferredItemsAreAsTheyWereWhenTheyWereDeferred(): void
    {
        $pool = new ItemPool($this->memory, 'app', 60);
        $item = $pool->getItem('key')->set('deferred');
        $pool->saveDeferred($item);
        $item->set('changed');
        $this->assertSame('deferred', $pool->getItem('key')->get());
        $this->assertSame('deferred', $pool->getItems(['key'])['key']->get());
        $this->assertFalse((new ItemPool($this->memory, 'app'))->hasItem('key'));
        $pool->save($item);
        $pool->commit();
        $this->assertSame('changed', $pool->getItem('key')->get());
    }

    public function testItemsOfOthersAndLifetimesThatAreNoneAreRefused(): void
    {
        $pool = new ItemPool($this->memory);
        $foreign = $this->createStub(\Psr\Cache\CacheItemInterface::class);
        $calls = [
            'items that it made itself' => fn () => $pool->save($foreign),
            'a point in time is' => fn () => $pool->getItem('a')->expiresAt('tomorrow'),
            'a lifetime is' => fn () => $pool->getItem('a')->expiresAfter('60'),
            'a ttl is' => fn () => (new SimpleCache($this->memory))->set('a', 1, '60'),
            'not "a:b"' => fn () => new ItemPool($this->memory, 'a:b'),
            '(151 bytes)' => fn () => new SimpleCache($this->memory, str_repeat('n', 151)),
        ];
        foreach ($calls as $says => $call) {
            try {
                $call();
                $this->fail("nothing was thrown that says $says");
            } catch (InvalidArgument $error) {
                $this->assertStringContainsString($says, $error->getMessage());
            }
        }
    }
}
