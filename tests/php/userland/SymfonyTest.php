<?php

/**
 * Symfony's cache contracts on our adapter: computed once by all processes, early expiration, tags, namespaces, and
 * what of Symfony's own adapter for memcached runs on the extension's class.
 */

declare(strict_types=1);

namespace NearCache\Tests;

use NearCache\Adapter\Symfony\NearCacheAdapter;
use NearCache\Adapter\Symfony\Once;
use NearCache\Cache;
use PHPUnit\Framework\TestCase;
use Symfony\Component\Cache\Adapter\MemcachedAdapter;
use Symfony\Component\Cache\Adapter\TagAwareAdapter;
use Symfony\Component\Cache\Exception\InvalidArgumentException;
use Symfony\Component\Cache\Marshaller\DefaultMarshaller;
use Symfony\Component\Cache\PruneableInterface;
use Symfony\Contracts\Cache\ItemInterface;

final class SymfonyTest extends TestCase
{
    private Cache $memory;

    protected function setUp(): void
    {
        $this->memory = new Cache('8M', ['shared' => true, 'item_size_max' => '64K']);
    }

    /** The answers of processes that ask for one key at once, and how often it was computed. */
    private function stampede(\Closure $ask, int $processes = 8): array
    {
        $this->memory->set('computed', 0);
        $this->memory->set('begun', 0);
        $compute = function (ItemInterface $item) use ($processes): string {
            $item->expiresAfter(60);
            $this->memory->increment('computed');
            // Until everybody is there: from here on they wait for this one.
            $deadline = microtime(true) + 10;
            while ($this->memory->get('begun') < $processes && microtime(true) < $deadline) {
                usleep(100);
            }
            usleep(20_000);
            return 'made by ' . getmypid();
        };
        $answers = Processes::run($processes, function () use ($ask, $compute): mixed {
            $this->memory->increment('begun');
            return $ask($compute);
        });
        return [$answers, $this->memory->get('computed')];
    }

    public function testEightProcessesComputeOnce(): void
    {
        $pool = new NearCacheAdapter($this->memory, 'app');
        [$answers, $computed] = $this->stampede(fn (\Closure $compute) => $pool->get('key', $compute));
        $this->assertSame(1, $computed);
        $this->assertStringStartsWith('made by ', $answers[0]);
        $this->assertCount(1, array_unique($answers));
        $this->assertSame($answers[0], $pool->getItem('key')->get());
    }

    public function testEightProcessesComputeOnceBehindTags(): void
    {
        $pool = new TagAwareAdapter(new NearCacheAdapter($this->memory, 'app'));
        $pool->setCallbackWrapper(new Once($this->memory, 'app.tags'));
        $ask = fn (\Closure $compute) => $pool->get('key', function (ItemInterface $item) use ($compute) {
            $item->tag(['red', 'blue']);
            return $compute($item);
        });
        [$answers, $computed] = $this->stampede($ask);
        $this->assertSame(1, $computed);
        $this->assertCount(1, array_unique($answers));
        $this->assertTrue($pool->hasItem('key'));
        $pool->invalidateTags(['red']);
        $this->assertFalse($pool->hasItem('key'));
        [, $computed] = $this->stampede($ask);
        $this->assertSame(1, $computed);
    }

    public function testOneThatIsKilledKeepsTheOthersNoLongerThanTheLease(): void
    {
        $pool = new NearCacheAdapter($this->memory, 'app');
        $pool->setCallbackWrapper(new Once($this->memory, 'app', 1));
        $this->memory->set('turn', 0);
        $begin = microtime(true);
        $answers = Processes::run(4, fn (int $number) => $pool->get('key', function () use ($number): int {
            if ($this->memory->increment('turn') === 1) {
                posix_kill(getmypid(), SIGKILL);
            }
            return $number;
        }));
        $this->assertSame(2, $this->memory->get('turn'));
        $lived = array_filter($answers, is_int(...));
        $this->assertCount(3, $lived);
        $this->assertCount(1, array_unique($lived));
        $this->assertLessThan(10, microtime(true) - $begin);
    }

    public function testWhatTheCallbackThrowsPassesAndTheNextOneIsAsked(): void
    {
        $pool = new NearCacheAdapter($this->memory, 'app');
        try {
            $pool->get('key', fn () => throw new \DomainException('no'));
            $this->fail('the exception was lost');
        } catch (\DomainException $error) {
            $this->assertSame('no', $error->getMessage());
        }
        $this->assertSame('yes', $pool->get('key', fn () => 'yes'));
    }

    public function testWhatIsNotToBeSavedIsComputedByEach(): void
    {
        $pool = new NearCacheAdapter($this->memory, 'app');
        $this->memory->set('computed', 0);
        $answers = Processes::run(4, fn () => $pool->get('key', function (ItemInterface $item, bool &$save): int {
            $save = false;
            return $this->memory->increment('computed');
        }));
        sort($answers);
        $this->assertSame([1, 2, 3, 4], $answers);
        $this->assertFalse($pool->hasItem('key'));
    }

    public function testBeta(): void
    {
        $pool = new NearCacheAdapter($this->memory, 'app');
        $number = 0;
        $compute = function (ItemInterface $item) use (&$number): int {
            $item->expiresAfter(100);
            usleep(2000);
            return ++$number;
        };
        $this->assertSame(1, $pool->get('key', $compute));
        $this->assertSame(1, $pool->get('key', $compute, 0, $metadata));
        $this->assertGreaterThan(microtime(true) + 90, $metadata[ItemInterface::METADATA_EXPIRY]);
        $this->assertGreaterThanOrEqual(2, $metadata[ItemInterface::METADATA_CTIME]);
        // Always anew, however long it is good.
        $this->assertSame(2, $pool->get('key', $compute, INF));
        $this->assertSame(3, $pool->get('key', $compute, INF));
        // Surely early: 2 ms times beta, times what chance gives, is more than 100 s.
        $this->assertSame(4, $pool->get('key', $compute, 1e12));
        $this->assertSame(4, $pool->get('key', $compute, 0));
        $this->expectException(\Psr\Cache\InvalidArgumentException::class);
        $pool->get('key', $compute, -1);
    }

    public function testRecursionDoesNotWaitForItself(): void
    {
        $pool = new NearCacheAdapter($this->memory, 'app');
        $value = $pool->get('key', fn () => 'outer ' . $pool->get('key', fn () => 'inner'));
        $this->assertSame('outer inner', $value);
        $this->assertSame('outer inner', $pool->get('key', fn () => 'again'));
    }

    public function testNamespacesAndVersions(): void
    {
        $one = new NearCacheAdapter($this->memory, 'one');
        $two = new NearCacheAdapter($this->memory, 'two', 60);
        foreach ([$one, $two] as $pool) {
            $pool->save($pool->getItem('key')->set('value'));
            $pool->save($pool->getItem(str_repeat('k', 300))->set('long'));
        }
        $this->assertTrue($one->clear());
        $this->assertFalse($one->hasItem('key'));
        $this->assertSame('value', $two->getItem('key')->get());
        $this->assertSame('long', $two->getItem(str_repeat('k', 300))->get());
        // Another worker's pool sees the version once it asks for it anew, as at the end of each request.
        $other = new NearCacheAdapter($this->memory, 'two');
        $this->assertTrue($other->hasItem('key'));
        $two->clear();
        $other->reset();
        $this->assertFalse($other->hasItem('key'));
        $all = new NearCacheAdapter($this->memory);
        $this->assertTrue($all->clear());
        $this->assertSame(0, $this->memory->stats()['curr_items']);
        $this->expectException(InvalidArgumentException::class);
        new NearCacheAdapter($this->memory, 'a/b');
    }

    public function testValuesAreTheExtensionsOwnUnlessAMarshallerIsGiven(): void
    {
        $plain = new NearCacheAdapter($this->memory);
        $plain->save($plain->getItem('key')->set('text'));
        $this->assertSame('text', $this->memory->get('key'));
        $marshalled = new NearCacheAdapter($this->memory, '', 0, new DefaultMarshaller(false));
        $marshalled->save($marshalled->getItem('other')->set('text'));
        $this->assertSame('s:4:"text";', $this->memory->get('other'));
        $this->assertSame('text', $marshalled->getItem('other')->get());
        foreach ([null, false, 0, 1.5, '', ['a' => ['b' => 1]], new \ArrayObject([1])] as $value) {
            $plain->save($plain->getItem('key')->set($value));
            $this->assertTrue($plain->getItem('key')->isHit());
            $this->assertEquals($value, $plain->getItem('key')->get());
        }
    }

    public function testAClassThatIsGoneIsAMiss(): void
    {
        $pool = new NearCacheAdapter($this->memory);
        $this->memory->storeRaw('set', 'key', 'O:11:"NoSuchThing":0:{}', 4);
        $this->assertFalse($pool->getItem('key')->isHit());
    }

    public function testWhatDoesNotFitIsNotSavedAndTheRestIs(): void
    {
        $pool = new NearCacheAdapter($this->memory, 'app');
        $pool->saveDeferred($pool->getItem('large')->set(str_repeat('x', 100_000)));
        $pool->saveDeferred($pool->getItem('closure')->set(fn () => 1));
        $pool->saveDeferred($pool->getItem('small')->set(1));
        $this->assertFalse($pool->commit());
        $this->assertSame([false, false, true], array_map($pool->hasItem(...), ['large', 'closure', 'small']));
    }

    public function testNothingIsPruned(): void
    {
        $pool = new NearCacheAdapter($this->memory, 'app');
        $this->assertNotInstanceOf(PruneableInterface::class, $pool);
        $this->assertFalse((new TagAwareAdapter($pool))->prune());
    }

    public function testSymfonysOwnMemcachedAdapterOnTheAlias(): void
    {
        if (!is_a(\Memcached::class, Cache::class, true)) {
            $this->markTestSkipped('\Memcached is not the extension\'s class here: userland.sh asks a PHP without it.');
        }
        $pool = new class (new \Memcached(), 'app') extends MemcachedAdapter {
            public static function isSupported(): bool
            {
                return true;
            }
        };
        $this->assertSame(7, $pool->get('key', fn () => 7));
        $this->assertSame(7, $pool->getItem('key')->get());
        $this->assertTrue($pool->clear());
        $this->assertFalse($pool->hasItem('key'));
    }
}
