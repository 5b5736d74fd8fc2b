/* nearcache in the process: all that the demo needs of nearcache.h. */
#include "cache.h"
#include "database.h"

#include <nearcache.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct near_cache {
    cache base; /* first, so that one is the other */
    nearcache_cache *handle;
} near_cache;

static void check(nearcache_status status)
{
    if (status < 0)
        fail("nearcache: %s", nearcache_last_error());
}

static long near_get(cache *base, const char *key, size_t key_length, unsigned char *out, size_t room)
{
    near_cache *self = (near_cache *)base;
    size_t length;
    nearcache_status status = nearcache_get(self->handle, key, key_length, out, room, &length, NULL);
    check(status);
    if (status == NEARCACHE_SHORT_BUFFER)
        fail("the cached row has %zu bytes; the demo's rows have at most %zu", length, room);
    return status == NEARCACHE_OK ? (long)length : -1;
}

static void near_set(cache *base, const char *key, size_t key_length, const unsigned char *value, size_t length)
{
    near_cache *self = (near_cache *)base;
    check(nearcache_set(self->handle, key, key_length, value, length, 0, ROW_SECONDS, NULL));
}

static void near_delete(cache *base, const char *key, size_t key_length)
{
    near_cache *self = (near_cache *)base;
    check(nearcache_delete(self->handle, key, key_length));
}

static void near_close(cache *base)
{
    near_cache *self = (near_cache *)base;
    nearcache_close(self->handle);
    free(self);
}

cache *cache_open_near(size_t bytes, const char *name)
{
    near_cache *self = calloc(1, sizeof *self);
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    if (self == NULL)
        fail("out of memory");
    options.size = bytes;
    options.name = name;
    check(nearcache_open(&options, &self->handle));
    self->base = (cache){near_get, near_set, near_delete, near_close};
    return &self->base;
}
