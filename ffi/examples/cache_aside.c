/*
 * Cache-aside with a lease: of many threads or requests that miss one key, one computes the value and the others
 * wait for it, so that the database is asked once.
 *
 *   cc cache_aside.c $(pkg-config --cflags --libs nearcache) -o cache_aside && ./cache_aside
 */
#include <nearcache.h>

#include <stdio.h>
#include <string.h>

enum { LEASE_SECONDS = 5, TTL_SECONDS = 300, PROFILE_MAX = 4096 };

/* Stands for what is slow: a query, a rendering, a remote call. Returns the length. */
static size_t load_profile(const char *user, char *profile, size_t capacity)
{
    printf("loading %s\n", user);
    return (size_t)snprintf(profile, capacity, "{\"name\":\"%s\"}", user);
}

/* The profile of a user, out of the cache if it can be. Returns the length. */
static size_t profile_of(nearcache_cache *cache, const char *user, char *profile, size_t capacity)
{
    nearcache_item item;
    size_t len;
    const nearcache_status status =
        nearcache_lease(cache, user, strlen(user), LEASE_SECONDS, profile, capacity, &item);

    if (status == NEARCACHE_OK)
        return item.len;
    if (status == NEARCACHE_WAIT && (item.state & NEARCACHE_STATE_STALE) && item.len <= capacity)
        return item.len; /* someone is refreshing it: the stale value will do */

    /* Won, or someone else is at it, or the cache failed: a cache that fails must not stop the program. */
    if (status < 0)
        fprintf(stderr, "cache: %s\n", nearcache_last_error());
    len = load_profile(user, profile, capacity);
    if (status == NEARCACHE_WON) {
        /* The unique makes sure that nothing was deleted or changed while the profile was loaded. */
        if (nearcache_cas(cache, user, strlen(user), profile, len, 0, TTL_SECONDS, item.cas, NULL) < 0)
            fprintf(stderr, "cache: %s\n", nearcache_last_error());
    }
    return len;
}

int main(void)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    nearcache_cache *cache = NULL;
    char profile[PROFILE_MAX];
    int i;

    options.size = 16u << 20;
    if (nearcache_open(&options, &cache) != NEARCACHE_OK) {
        fprintf(stderr, "nearcache_open: %s\n", nearcache_last_error());
        return 1;
    }
    for (i = 0; i < 3; i++) {
        const size_t len = profile_of(cache, "ada", profile, sizeof profile);
        printf("%.*s\n", (int)len, profile);
    }
    /* The user changed: the next reader loads it anew, the others may see the old one for 10 seconds at most. */
    {
        const int64_t serve_stale = 10;
        nearcache_invalidate(cache, "ada", 3, &serve_stale);
    }
    printf("%.*s\n", (int)profile_of(cache, "ada", profile, sizeof profile), profile);
    nearcache_close(cache);
    return 0;
}
