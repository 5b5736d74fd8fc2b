/* Statuses, their texts, the sentence of each thread, and the three versions. */
#include "check.h"

#include <pthread.h>

static void texts(void)
{
    static const nearcache_status all[] = {
        NEARCACHE_OK,      NEARCACHE_MISS,    NEARCACHE_EXISTS, NEARCACHE_NOT_STORED, NEARCACHE_SHORT_BUFFER,
        NEARCACHE_WON,     NEARCACHE_WAIT,    NEARCACHE_END,    NEARCACHE_INVALID,    NEARCACHE_TOO_BIG,
        NEARCACHE_NOMEM,   NEARCACHE_NOT_NUMERIC, NEARCACHE_SYSTEM, NEARCACHE_LAYOUT, NEARCACHE_CORRUPT,
        NEARCACHE_PANIC,   NEARCACHE_NO_REGION, NEARCACHE_REGION_EXISTS, NEARCACHE_FOREIGN,
        NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
        NEARCACHE_DUPLICATE, NEARCACHE_OVER, NEARCACHE_IN_USE, NEARCACHE_NO_STORE, NEARCACHE_NEWER,
        NEARCACHE_LOST, NEARCACHE_DISK_FULL, NEARCACHE_OVER_QUOTA, NEARCACHE_CLOSED, NEARCACHE_FORKED,
        NEARCACHE_REFUSED, NEARCACHE_STOPPED, NEARCACHE_NO_QUEUE, NEARCACHE_QUEUE_FULL,
        NEARCACHE_CONNECTION, NEARCACHE_UNSUPPORTED,
    };
    const char *unknown = nearcache_status_text(12345);
    size_t i, j;
    CHECK(strcmp(unknown, "unknown status") == 0);
    CHECK(nearcache_status_text(INT32_MIN) == unknown);
    for (i = 0; i < sizeof all / sizeof *all; i++) {
        const char *text = nearcache_status_text(all[i]);
        CHECK(*text != '\0' && strcmp(text, unknown) != 0);
        CHECK(text == nearcache_status_text(all[i]));
        for (j = 0; j < i; j++) {
            CHECK(all[i] != all[j]);
            CHECK(strcmp(text, nearcache_status_text(all[j])) != 0);
        }
    }
}

static void *fails_alone(void *cache)
{
    static char copy[256];
    CHECK(strcmp(nearcache_last_error(), "") == 0);
    IS(nearcache_delete(cache, "", 0), NEARCACHE_INVALID);
    snprintf(copy, sizeof copy, "%s", nearcache_last_error());
    return copy;
}

static void sentences(void)
{
    nearcache_cache *cache;
    pthread_t thread;
    void *other = NULL;
    char mine[256];

    CHECK(strcmp(nearcache_last_error(), "") == 0);
    cache = open_cache(1 << 20, 0);
    IS(nearcache_delete(cache, S("absent")), NEARCACHE_MISS);
    CHECK(strcmp(nearcache_last_error(), "") == 0); /* an answer is not a failure */

    REFUSED(nearcache_delete(NULL, S("k")), "`cache` is NULL");
    snprintf(mine, sizeof mine, "%s", nearcache_last_error());
    IS(nearcache_set(cache, S("k"), S("v"), 0, 0, NULL), NEARCACHE_OK);
    CHECK(strcmp(nearcache_last_error(), mine) == 0); /* a success leaves it */

    CHECK(pthread_create(&thread, NULL, fails_alone, cache) == 0);
    CHECK(pthread_join(thread, &other) == 0);
    CHECK(strstr(other, "empty") != NULL);
    CHECK(strcmp(nearcache_last_error(), mine) == 0); /* each thread has its own */
    nearcache_close(cache);
}

static void versions(void)
{
    nearcache_cache *cache = open_cache(1 << 20, 0);
    nearcache_about about;
    int major = 0, minor = 0, patch = 0;
    CHECK(strcmp(nearcache_release(), NEARCACHE_RELEASE) == 0);
    CHECK(nearcache_release_number() == NEARCACHE_RELEASE_NUMBER);
    CHECK(sscanf(nearcache_release(), "%d.%d.%d", &major, &minor, &patch) == 3);
    CHECK(nearcache_release_number() == (uint32_t)(major * 1000000 + minor * 1000 + patch));
    CHECK(nearcache_abi_version() == NEARCACHE_ABI_VERSION);
    CHECK(nearcache_layout_version() == NEARCACHE_LAYOUT_VERSION);
    IS(nearcache_info(cache, NULL, 0, &about), NEARCACHE_OK);
    CHECK(about.layout == NEARCACHE_LAYOUT_VERSION);
    nearcache_close(cache);
}

int main(void)
{
    sentences(); /* first: it begins with no failure made */
    texts();
    versions();
    return finish("test_status");
}
