/* What the tests of durable stores have in common: a directory of their own, and stores in it. Included first. */
#ifndef NEARCACHE_TESTS_DURABLE_H
#define NEARCACHE_TESTS_DURABLE_H

#define _XOPEN_SOURCE 700 /* nftw() */

#include "check.h"

#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[256];

/* "<root>/<name>", good until the third call after. */
static inline const char *at(const char *name)
{
    static char paths[3][512];
    static int turn;
    char *path = paths[turn++ % 3];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static inline void make_root(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/nearcache-test-XXXXXX", tmp == NULL || *tmp == '\0' ? "/tmp" : tmp);
    if (mkdtemp(root) == NULL) {
        perror(root);
        exit(1);
    }
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static inline void remove_root(void)
{
    CHECK(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

/* A store whose clock stands until it is moved. */
static inline nearcache_store_options by_hand(void)
{
    nearcache_store_options options = NEARCACHE_STORE_OPTIONS_INIT;
    options.manual_clock = 1700000000;
    options.near_size = 2 << 20;
    options.block_cache = 1 << 20;
    return options;
}

static inline nearcache_store *open_store(const char *name, const nearcache_store_options *options)
{
    nearcache_store *store = NULL;
    IS(nearcache_store_open(at(name), options, &store), NEARCACHE_OK);
    if (store == NULL)
        exit(finish("open_store"));
    return store;
}

static inline nearcache_status put(nearcache_store *store, const char *key, const char *value)
{
    return nearcache_store_set(store, key, strlen(key), value, strlen(value), 0, 0, NULL);
}

/* The key holds exactly these bytes. */
static inline int keeps(nearcache_store *store, const char *key, const char *value)
{
    char buffer[4096];
    size_t len = 0;
    return nearcache_store_get(store, key, strlen(key), buffer, sizeof buffer, &len, NULL) == NEARCACHE_OK &&
           len == strlen(value) && memcmp(buffer, value, len) == 0;
}

static inline int bytes_are(nearcache_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

static inline uint64_t number_of(nearcache_store *store, const char *queue, const char *name)
{
    uint64_t value = 0;
    IS(queue == NULL ? nearcache_store_stat(store, name, &value)
                     : nearcache_queue_stat(store, queue, name, &value),
       NEARCACHE_OK);
    return value;
}

static inline nearcache_status push_text(nearcache_store *store, const char *queue, const char *body)
{
    return nearcache_queue_push(store, queue, body, strlen(body), NULL, NULL);
}

/* The one message that a queue hands out within `wait` milliseconds has this body; its copy. */
static inline nearcache_message reserved(nearcache_store *store, const char *queue, uint32_t lease, uint32_t wait,
                                         const char *body)
{
    nearcache_messages *messages = NULL;
    nearcache_message message;
    memset(&message, 0, sizeof message);
    IS(nearcache_queue_reserve(store, queue, 1, lease, wait, &messages), NEARCACHE_OK);
    if (messages != NULL) {
        IS(nearcache_messages_next(messages, &message), NEARCACHE_OK);
        CHECK(bytes_are(message.body, body));
        IS(nearcache_messages_next(messages, &message), NEARCACHE_END);
    }
    nearcache_messages_close(messages);
    return message; /* its bytes are gone, its receipt and numbers are not */
}

static inline void has_none(nearcache_store *store, const char *queue)
{
    nearcache_messages *messages = NULL;
    IS(nearcache_queue_reserve(store, queue, 1, 0, 0, &messages), NEARCACHE_MISS);
    CHECK(messages == NULL);
}

static inline pid_t forked(void)
{
    pid_t pid;
    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(1);
    }
    return pid;
}

static inline int ended_well(pid_t pid)
{
    int status = -1;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif
