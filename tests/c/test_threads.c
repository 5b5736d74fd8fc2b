/* One handle, many threads: counting, whole values, one winner of each lease, pins under eviction. */
#include "check.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 3000, KEYS = 64, LEASES = 200 };

struct worker {
    nearcache_cache *cache;
    pthread_t thread;
    uint64_t seed;
    int won[LEASES];
    int torn, failed, gets;
};

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Each value is one byte repeated: a mixture shows. */
static int whole(const unsigned char *value, size_t len)
{
    size_t i;
    for (i = 1; i < len; i++) {
        if (value[i] != value[0])
            return 0;
    }
    return 1;
}

static void write_one(struct worker *w, const char *key, size_t key_len)
{
    unsigned char value[3000];
    const uint64_t r = next(&w->seed);
    const size_t len = (size_t)(r % sizeof value);
    memset(value, (int)(r >> 32 & 0xff), sizeof value);
    w->failed += nearcache_set(w->cache, key, key_len, value, len, 0, 0, NULL) != NEARCACHE_OK;
}

static void read_one(struct worker *w, const char *key, size_t key_len)
{
    unsigned char value[3000];
    nearcache_pinned *pinned = NULL;
    const void *in_place = NULL;
    nearcache_item item;
    size_t len = 0;
    nearcache_status status = nearcache_get(w->cache, key, key_len, value, sizeof value, &len, NULL);
    w->gets++;
    w->failed += status < 0;
    w->torn += status == NEARCACHE_OK && !whole(value, len);
    if (next(&w->seed) % 4 == 0) {
        status = nearcache_pin(w->cache, key, key_len, &pinned, &in_place, &item);
        w->failed += status < 0;
        if (status == NEARCACHE_OK) {
            w->torn += !whole(in_place, item.len);
            write_one(w, key, key_len);
            w->torn += !whole(in_place, item.len);
            nearcache_unpin(pinned);
        }
    }
}

static void *work(void *argument)
{
    struct worker *w = argument;
    char key[16];
    int i;
    for (i = 0; i < ROUNDS; i++) {
        const int key_len = snprintf(key, sizeof key, "key %d", (int)(next(&w->seed) % KEYS));
        if (next(&w->seed) % 3 == 0)
            write_one(w, key, (size_t)key_len);
        else
            read_one(w, key, (size_t)key_len);
        w->failed += nearcache_incr(w->cache, S("counter"), 1, NULL) != NEARCACHE_OK;
    }
    for (i = 0; i < LEASES; i++) {
        nearcache_item item;
        char buffer[8];
        const int key_len = snprintf(key, sizeof key, "lease %d", i);
        const nearcache_status status =
            nearcache_lease(w->cache, key, (size_t)key_len, 1000, buffer, sizeof buffer, &item);
        w->failed += status < 0;
        w->won[i] = status == NEARCACHE_WON;
    }
    return NULL;
}

int main(void)
{
    nearcache_cache *cache = open_cache(8 << 20, NEARCACHE_MANUAL_CLOCK);
    static struct worker workers[THREADS];
    char expected[32];
    int i, j, won;

    IS(nearcache_set(cache, S("counter"), S("0"), 0, 0, NULL), NEARCACHE_OK);
    for (i = 0; i < THREADS; i++) {
        workers[i].cache = cache;
        workers[i].seed = 0x9e3779b97f4a7c15u * (uint64_t)(i + 1);
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
        CHECK(workers[i].torn == 0);
        CHECK(workers[i].failed == 0);
        CHECK(workers[i].gets > ROUNDS / 3);
    }
    snprintf(expected, sizeof expected, "%d", THREADS * ROUNDS);
    CHECK(holds(cache, "counter", expected));
    for (i = 0; i < LEASES; i++) {
        for (j = won = 0; j < THREADS; j++)
            won += workers[j].won[i];
        CHECK(won == 1);
    }
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    return finish("test_threads");
}
