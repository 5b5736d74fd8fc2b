/* touch, delete, delete_cas and flush_all. */
#include "check.h"

static void touches(nearcache_cache *cache)
{
    nearcache_item before, after;
    IS(nearcache_touch(cache, S("t"), 60), NEARCACHE_MISS);
    IS(nearcache_set(cache, S("t"), S("v"), 0, 10, NULL), NEARCACHE_OK);
    IS(nearcache_gets(cache, S("t"), NULL, 0, &before), NEARCACHE_SHORT_BUFFER);
    IS(nearcache_touch(cache, S("t"), 60), NEARCACHE_OK);
    IS(nearcache_gets(cache, S("t"), NULL, 0, &after), NEARCACHE_SHORT_BUFFER);
    CHECK(before.ttl == 10 && after.ttl == 60 && before.cas == after.cas);
    IS(nearcache_advance_clock(cache, 59), NEARCACHE_OK);
    IS(nearcache_touch(cache, S("t"), 0), NEARCACHE_OK);
    IS(nearcache_advance_clock(cache, 1000000), NEARCACHE_OK);
    CHECK(holds(cache, "t", "v"));
    IS(nearcache_touch(cache, S("t"), -1), NEARCACHE_OK);
    IS(nearcache_contains(cache, S("t")), NEARCACHE_MISS);
    IS(nearcache_touch(cache, S("t"), 0), NEARCACHE_MISS); /* the dead stay dead */
}

static void deletes(nearcache_cache *cache)
{
    uint64_t old = 0, now = 0;
    IS(nearcache_delete(cache, S("d")), NEARCACHE_MISS);
    IS(nearcache_delete_cas(cache, S("d"), 1), NEARCACHE_MISS);
    IS(nearcache_set(cache, S("d"), S("1"), 0, 0, &old), NEARCACHE_OK);
    IS(nearcache_set(cache, S("d"), S("2"), 0, 0, &now), NEARCACHE_OK);
    IS(nearcache_delete_cas(cache, S("d"), old), NEARCACHE_EXISTS);
    CHECK(holds(cache, "d", "2"));
    IS(nearcache_delete_cas(cache, S("d"), now), NEARCACHE_OK);
    IS(nearcache_contains(cache, S("d")), NEARCACHE_MISS);
    IS(nearcache_set(cache, S("d"), S("3"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_delete(cache, S("d")), NEARCACHE_OK);
    IS(nearcache_delete(cache, S("d")), NEARCACHE_MISS);
}

static void flushes(nearcache_cache *cache)
{
    IS(nearcache_set(cache, S("a"), S("1"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_flush_all(cache, 0), NEARCACHE_OK);
    IS(nearcache_contains(cache, S("a")), NEARCACHE_MISS);
    IS(nearcache_set(cache, S("a"), S("2"), 0, 0, NULL), NEARCACHE_OK);
    CHECK(holds(cache, "a", "2"));

    IS(nearcache_flush_all(cache, 10), NEARCACHE_OK);
    IS(nearcache_advance_clock(cache, 5), NEARCACHE_OK);
    IS(nearcache_set(cache, S("b"), S("3"), 0, 0, NULL), NEARCACHE_OK);
    CHECK(holds(cache, "a", "2"));
    IS(nearcache_advance_clock(cache, 6), NEARCACHE_OK);
    IS(nearcache_contains(cache, S("a")), NEARCACHE_MISS);
    IS(nearcache_contains(cache, S("b")), NEARCACHE_MISS); /* what was stored meanwhile dies too */
    CHECK(stat_of(cache, "cmd_flush") == 2);
}

int main(void)
{
    nearcache_cache *cache = open_cache(4 << 20, NEARCACHE_MANUAL_CLOCK);
    touches(cache);
    deletes(cache);
    flushes(cache);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    return finish("test_remove");
}
