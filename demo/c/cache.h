/* What the demo asks of a cache, whichever it is. */
#ifndef DEMO_CACHE_H
#define DEMO_CACHE_H

#include <stddef.h>

/* How long a row may be served from the cache: the bound on staleness should a delete get lost. */
#define ROW_SECONDS 300

typedef struct cache cache;

struct cache {
    /* Copies the value into `out`; returns its length, or -1 on a miss. */
    long (*get)(cache *self, const char *key, size_t key_length, unsigned char *out, size_t room);
    /* Stores for ROW_SECONDS. */
    void (*set)(cache *self, const char *key, size_t key_length, const unsigned char *value, size_t length);
    void (*delete)(cache *self, const char *key, size_t key_length);
    void (*close)(cache *self);
};

/* A nearcache of `bytes` bytes: of this process alone if `name` is NULL, else that of all processes of this user that
 * give the name, whatever language they are in. If it is there already it keeps its size. */
cache *cache_open_near(size_t bytes, const char *name);

/* A server that speaks memcached's text protocol on a unix socket. */
cache *cache_open_socket(const char *path);

#endif
