/* Pins: stable whatever happens to the key, given back by any thread, alive after the cache was closed. */
#include "check.h"

#include <pthread.h>

static void *unpin_elsewhere(void *pinned)
{
    nearcache_unpin(pinned);
    return NULL;
}

static int all(const char *bytes, size_t len, char expected)
{
    size_t i;
    for (i = 0; i < len; i++) {
        if (bytes[i] != expected)
            return 0;
    }
    return 1;
}

/* Overwrites the whole cache several times while the pin is held. */
static void outlives_a_storm(nearcache_cache *cache, size_t len)
{
    nearcache_pinned *pinned = NULL;
    const void *value = NULL;
    nearcache_item item;
    char *bytes = malloc(len);
    char key[16];
    int i;

    CHECK(bytes != NULL);
    memset(bytes, 'p', len);
    IS(nearcache_set(cache, S("pinned"), bytes, len, 9, 0, NULL), NEARCACHE_OK);
    IS(nearcache_pin(cache, S("pinned"), &pinned, &value, &item), NEARCACHE_OK);
    CHECK(item.len == len && item.flags == 9 && item.ttl == NEARCACHE_TTL_NEVER);
    IS(nearcache_set(cache, S("pinned"), S("other"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_delete(cache, S("pinned")), NEARCACHE_OK);
    memset(bytes, 'x', len);
    for (i = 0; i < 6000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        if (nearcache_set(cache, key, strlen(key), bytes, len < 2000 ? len : 2000, 0, 0, NULL) != NEARCACHE_OK)
            break;
    }
    CHECK(i == 6000);
    CHECK(all(value, len, 'p'));
    IS(nearcache_flush_all(cache, 0), NEARCACHE_OK);
    CHECK(all(value, len, 'p'));
    nearcache_unpin(pinned);
    free(bytes);
}

static void edges(nearcache_cache *cache)
{
    nearcache_pinned *pinned = NULL, *again = NULL;
    const void *value = NULL, *other = NULL;
    nearcache_item item;
    pthread_t thread;

    nearcache_unpin(NULL);
    IS(nearcache_pin(cache, S("absent"), &pinned, &value, &item), NEARCACHE_MISS);
    CHECK(pinned == NULL && value == NULL);
    IS(nearcache_set(cache, S("empty"), NULL, 0, 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_pin(cache, S("empty"), &pinned, &value, &item), NEARCACHE_OK);
    CHECK(item.len == 0 && value != NULL);
    nearcache_unpin(pinned);

    /* A number that is changed under its pin: the pinned bytes stay. */
    IS(nearcache_set(cache, S("n"), S("10"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_incr(cache, S("n"), 1, NULL), NEARCACHE_OK);
    IS(nearcache_pin(cache, S("n"), &pinned, &value, &item), NEARCACHE_OK);
    CHECK(item.len == 2 && memcmp(value, "11", 2) == 0);
    IS(nearcache_incr(cache, S("n"), 88, NULL), NEARCACHE_OK);
    CHECK(memcmp(value, "11", 2) == 0);
    IS(nearcache_pin(cache, S("n"), &again, &other, &item), NEARCACHE_OK);
    CHECK(item.len == 2 && memcmp(other, "99", 2) == 0);
    nearcache_unpin(pinned);
    CHECK(memcmp(other, "99", 2) == 0);
    CHECK(pthread_create(&thread, NULL, unpin_elsewhere, again) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void many_at_once(nearcache_cache *cache)
{
    enum { MANY = 200 };
    nearcache_pinned *pinned[MANY];
    const void *value[MANY];
    nearcache_item item;
    char text[16];
    int i;
    for (i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "p%d", i);
        IS(nearcache_set(cache, text, strlen(text), text, sizeof text, 0, 0, NULL), NEARCACHE_OK);
        IS(nearcache_pin(cache, text, strlen(text), &pinned[i], &value[i], &item), NEARCACHE_OK);
    }
    for (i = 0; i < MANY; i++) {
        const int next = (i * 7) % MANY; /* in another order: 7 and 200 share no factor */
        snprintf(text, sizeof text, "p%d", next);
        CHECK(strcmp(value[next], text) == 0);
        nearcache_unpin(pinned[next]);
    }
}

static void outlives_the_handle(void)
{
    nearcache_cache *cache = open_cache(1 << 20, 0);
    nearcache_pinned *pinned = NULL;
    const void *value = NULL;
    nearcache_item item;
    IS(nearcache_set(cache, S("k"), S("still here"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_pin(cache, S("k"), &pinned, &value, &item), NEARCACHE_OK);
    nearcache_close(cache);
    CHECK(item.len == 10 && memcmp(value, "still here", 10) == 0);
    nearcache_unpin(pinned);
}

int main(void)
{
    nearcache_cache *cache = open_cache(4 << 20, 0);
    outlives_a_storm(cache, 100);
    outlives_a_storm(cache, 20000);
    outlives_a_storm(cache, 500000);
    edges(cache);
    many_at_once(cache);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    outlives_the_handle();
    return finish("test_pin");
}
