/* meta get, invalidate, and the lease with all of its states. */
#include "check.h"

static char buffer[64];
static nearcache_item item;

static void meta(nearcache_cache *cache)
{
    nearcache_ask ask = { 0, 0, 0, 0 };
    const size_t room = sizeof buffer;

    IS(nearcache_meta_get(cache, S("m"), NULL, buffer, room, &item), NEARCACHE_MISS);
    IS(nearcache_meta_get(cache, S("m"), &ask, buffer, room, &item), NEARCACHE_MISS);
    IS(nearcache_set(cache, S("m"), S("value"), 6, 100, NULL), NEARCACHE_OK);
    IS(nearcache_meta_get(cache, S("m"), NULL, buffer, room, &item), NEARCACHE_OK);
    CHECK(item.len == 5 && item.flags == 6 && item.ttl == 100 && item.state == 0);
    IS(nearcache_meta_get(cache, S("m"), NULL, buffer, 2, &item), NEARCACHE_SHORT_BUFFER);
    CHECK(item.len == 5 && item.state == NEARCACHE_STATE_HIT_BEFORE);

    ask.wishes = NEARCACHE_ASK_TOUCH;
    ask.touch = 20;
    IS(nearcache_meta_get(cache, S("m"), &ask, buffer, room, &item), NEARCACHE_OK);
    ask.wishes = NEARCACHE_ASK_RECACHE;
    ask.recache = 20;
    IS(nearcache_meta_get(cache, S("m"), &ask, buffer, room, &item), NEARCACHE_OK);
    CHECK(item.ttl == 20 && !(item.state & NEARCACHE_STATE_WON)); /* 20 left is not fewer than 20 */
    IS(nearcache_advance_clock(cache, 5), NEARCACHE_OK);
    IS(nearcache_meta_get(cache, S("m"), &ask, buffer, room, &item), NEARCACHE_OK);
    CHECK(item.state & NEARCACHE_STATE_WON);
    IS(nearcache_meta_get(cache, S("m"), &ask, buffer, room, &item), NEARCACHE_OK);
    CHECK((item.state & (NEARCACHE_STATE_WON | NEARCACHE_STATE_SENT)) == NEARCACHE_STATE_SENT);

    ask.wishes = NEARCACHE_ASK_VIVIFY;
    ask.vivify = 30;
    IS(nearcache_meta_get(cache, S("viv"), &ask, NULL, 0, &item), NEARCACHE_OK);
    CHECK(item.len == 0 && item.ttl == 30 && (item.state & NEARCACHE_STATE_WON));
    IS(nearcache_meta_get(cache, S("viv"), &ask, NULL, 0, &item), NEARCACHE_OK);
    CHECK((item.state & (NEARCACHE_STATE_WON | NEARCACHE_STATE_SENT)) == NEARCACHE_STATE_SENT);

    ask.wishes = 8;
    REFUSED(nearcache_meta_get(cache, S("m"), &ask, buffer, room, &item), "unknown bits 0x8");
}

static void invalidate(nearcache_cache *cache)
{
    const size_t room = sizeof buffer;
    const int64_t exptime = 50;
    uint64_t unique = 0;

    IS(nearcache_invalidate(cache, S("s"), NULL), NEARCACHE_MISS);
    IS(nearcache_set(cache, S("s"), S("old"), 0, 100, &unique), NEARCACHE_OK);
    IS(nearcache_invalidate(cache, S("s"), NULL), NEARCACHE_OK);
    CHECK(holds(cache, "s", "old")); /* a plain get still sees it */
    IS(nearcache_meta_get(cache, S("s"), NULL, buffer, room, &item), NEARCACHE_OK);
    CHECK(item.ttl == 100 && item.cas != unique);
    CHECK((item.state & 7) == (NEARCACHE_STATE_WON | NEARCACHE_STATE_STALE));
    IS(nearcache_meta_get(cache, S("s"), NULL, buffer, room, &item), NEARCACHE_OK);
    CHECK((item.state & 7) == (NEARCACHE_STATE_SENT | NEARCACHE_STATE_STALE));
    IS(nearcache_cas(cache, S("s"), S("late"), 0, 0, unique, NULL), NEARCACHE_EXISTS);
    IS(nearcache_invalidate(cache, S("s"), &exptime), NEARCACHE_OK);
    IS(nearcache_meta_get(cache, S("s"), NULL, buffer, room, &item), NEARCACHE_OK);
    CHECK(item.ttl == 50);
    IS(nearcache_cas(cache, S("s"), S("new"), 0, 0, item.cas, NULL), NEARCACHE_OK);
    IS(nearcache_meta_get(cache, S("s"), NULL, buffer, room, &item), NEARCACHE_OK);
    CHECK((item.state & 7) == 0);
}

static void lease_on_a_missing_key(nearcache_cache *cache)
{
    const size_t room = sizeof buffer;
    uint64_t won;

    IS(nearcache_lease(cache, S("l"), 10, buffer, room, &item), NEARCACHE_WON);
    CHECK(item.len == 0 && item.cas != 0 && item.ttl == 10);
    won = item.cas;
    IS(nearcache_lease(cache, S("l"), 10, buffer, room, &item), NEARCACHE_WAIT);
    IS(nearcache_lease(cache, S("l"), 10, NULL, 0, &item), NEARCACHE_WAIT);
    IS(nearcache_cas(cache, S("l"), S("filled"), 4, 0, won, NULL), NEARCACHE_OK);
    IS(nearcache_lease(cache, S("l"), 10, buffer, room, &item), NEARCACHE_OK);
    CHECK(item.len == 6 && item.flags == 4 && memcmp(buffer, "filled", 6) == 0 && item.ttl == -1);
    IS(nearcache_lease(cache, S("l"), 10, buffer, 3, &item), NEARCACHE_SHORT_BUFFER);
    CHECK(item.len == 6);

    /* A delete between the win and the fill: the fill is refused, so nothing old is stored. */
    IS(nearcache_delete(cache, S("l")), NEARCACHE_OK);
    IS(nearcache_lease(cache, S("l"), 10, buffer, room, &item), NEARCACHE_WON);
    won = item.cas;
    IS(nearcache_delete(cache, S("l")), NEARCACHE_OK);
    IS(nearcache_cas(cache, S("l"), S("old"), 0, 0, won, NULL), NEARCACHE_MISS);

    /* The lease runs out: the next one wins, and the first comes too late. */
    IS(nearcache_lease(cache, S("l"), 10, buffer, room, &item), NEARCACHE_WON);
    won = item.cas;
    IS(nearcache_advance_clock(cache, 9), NEARCACHE_OK);
    IS(nearcache_lease(cache, S("l"), 10, buffer, room, &item), NEARCACHE_WAIT);
    IS(nearcache_advance_clock(cache, 1), NEARCACHE_OK);
    IS(nearcache_lease(cache, S("l"), 10, buffer, room, &item), NEARCACHE_WON);
    IS(nearcache_cas(cache, S("l"), S("late"), 0, 0, won, NULL), NEARCACHE_EXISTS);

    /* Giving up lets the next one in at once. */
    IS(nearcache_delete_cas(cache, S("l"), item.cas), NEARCACHE_OK);
    IS(nearcache_lease(cache, S("l"), 10, buffer, room, &item), NEARCACHE_WON);
    REFUSED(nearcache_lease(cache, S("l"), 0, buffer, room, &item), "lease_seconds");
}

static void lease_on_a_stale_key(nearcache_cache *cache)
{
    const size_t room = sizeof buffer;
    const int64_t exptime = 60;
    uint64_t won;

    IS(nearcache_set(cache, S("st"), S("stale"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_invalidate(cache, S("st"), &exptime), NEARCACHE_OK);
    memset(buffer, 0, room);
    IS(nearcache_lease(cache, S("st"), 10, buffer, room, &item), NEARCACHE_WON);
    CHECK((item.state & NEARCACHE_STATE_STALE) && item.len == 5 && memcmp(buffer, "stale", 5) == 0);
    won = item.cas;
    memset(buffer, 0, room);
    IS(nearcache_lease(cache, S("st"), 10, buffer, room, &item), NEARCACHE_WAIT);
    CHECK((item.state & NEARCACHE_STATE_STALE) && item.len == 5 && memcmp(buffer, "stale", 5) == 0);
    IS(nearcache_lease(cache, S("st"), 10, buffer, 2, &item), NEARCACHE_WAIT);
    CHECK(item.len == 5); /* longer than the buffer: the bytes are not there */
    IS(nearcache_cas(cache, S("st"), S("fresh"), 0, 0, won, NULL), NEARCACHE_OK);
    IS(nearcache_lease(cache, S("st"), 10, buffer, room, &item), NEARCACHE_OK);
    CHECK(!(item.state & NEARCACHE_STATE_STALE) && memcmp(buffer, "fresh", 5) == 0);
    /* An empty value is a value. */
    IS(nearcache_set(cache, S("st"), NULL, 0, 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_lease(cache, S("st"), 10, buffer, room, &item), NEARCACHE_OK);
    CHECK(item.len == 0);
}

int main(void)
{
    nearcache_cache *cache = open_cache(4 << 20, NEARCACHE_MANUAL_CLOCK);
    meta(cache);
    invalidate(cache);
    lease_on_a_missing_key(cache);
    lease_on_a_stale_key(cache);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    return finish("test_meta");
}
