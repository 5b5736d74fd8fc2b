/* A cache attached for reading alone: all reads, no write, not even by force; nobody learns of it. */
#include "place.h"

#include <sys/mman.h>

#define WRITES(call)                                                                                         \
    do {                                                                                                     \
        IS(call, NEARCACHE_NOT_WRITABLE);                                                                    \
        CHECK(strstr(nearcache_last_error(), "reading alone") != NULL);                                      \
    } while (0)

static void on_hit(void *user, size_t index, const nearcache_item *item, const void *value)
{
    int *hits = user;
    CHECK(index == 1 && item->len == 5 && memcmp(value, "value", 5) == 0);
    ++*hits;
}

static void reads(nearcache_cache *cache)
{
    const nearcache_bytes keys[] = { { S("absent") }, { S("key") } };
    nearcache_pinned *pinned = NULL;
    nearcache_iter *iter = NULL;
    nearcache_bytes key;
    const void *value = NULL;
    nearcache_item item;
    nearcache_about about;
    char b[8];
    int hits = 0;
    CHECK(holds(cache, "key", "value"));
    IS(nearcache_contains(cache, S("absent")), NEARCACHE_MISS);
    IS(nearcache_get_many(cache, keys, 2, on_hit, &hits), NEARCACHE_OK);
    CHECK(hits == 1);
    IS(nearcache_pin(cache, S("key"), &pinned, &value, &item), NEARCACHE_OK);
    CHECK(item.len == 5 && memcmp(value, "value", 5) == 0 && item.flags == 7);
    nearcache_unpin(pinned);
    IS(nearcache_iter_open(cache, NULL, 0, NEARCACHE_KEYS_ONLY, &iter), NEARCACHE_OK);
    IS(nearcache_iter_next(iter, &key, NULL, NULL), NEARCACHE_OK);
    IS(nearcache_iter_next(iter, &key, NULL, NULL), NEARCACHE_OK);
    IS(nearcache_iter_next(iter, &key, NULL, NULL), NEARCACHE_OK);
    IS(nearcache_iter_next(iter, &key, NULL, NULL), NEARCACHE_END);
    nearcache_iter_close(iter);
    /* A look without wishes, also at what is stale: the right to renew it stays for who can use it. */
    IS(nearcache_meta_get(cache, S("key"), NULL, b, sizeof b, &item), NEARCACHE_OK);
    CHECK(item.len == 5 && memcmp(b, "value", 5) == 0);
    IS(nearcache_meta_get(cache, S("stale"), NULL, b, sizeof b, &item), NEARCACHE_OK);
    CHECK(item.len == 3 && memcmp(b, "old", 3) == 0);
    CHECK((item.state & NEARCACHE_STATE_STALE) != 0 && (item.state & NEARCACHE_STATE_WON) == 0);
    CHECK(stat_of(cache, "curr_items") == 3);
    IS(nearcache_check(cache), NEARCACHE_OK);
    IS(nearcache_info(cache, NULL, 0, &about), NEARCACHE_OK);
    CHECK(about.read_only == 1 && about.size == 2 << 20);
}

static void writes(nearcache_cache *cache)
{
    nearcache_item item;
    nearcache_ask ask = { NEARCACHE_ASK_VIVIFY, 0, 60, 0 };
    uint64_t number = 0;
    size_t reaped = 0;
    char b[8];
    WRITES(nearcache_set(cache, S("key"), S("x"), 0, 0, NULL));
    WRITES(nearcache_add(cache, S("new"), S("x"), 0, 0, NULL));
    WRITES(nearcache_replace(cache, S("key"), S("x"), 0, 0, NULL));
    WRITES(nearcache_append(cache, S("key"), S("x"), NULL));
    WRITES(nearcache_prepend(cache, S("key"), S("x"), NULL));
    WRITES(nearcache_cas(cache, S("key"), S("x"), 0, 0, 1, NULL));
    WRITES(nearcache_incr(cache, S("n"), 1, &number));
    WRITES(nearcache_decr(cache, S("n"), 1, &number));
    WRITES(nearcache_incr_or(cache, S("m"), 1, 1, 0, &number));
    WRITES(nearcache_decr_or(cache, S("m"), 1, 1, 0, &number));
    WRITES(nearcache_touch(cache, S("key"), 60));
    WRITES(nearcache_gat(cache, S("key"), 60, b, sizeof b, &item));
    WRITES(nearcache_delete(cache, S("key")));
    WRITES(nearcache_delete_cas(cache, S("key"), 1));
    WRITES(nearcache_flush_all(cache, 0));
    WRITES(nearcache_reset_stats(cache));
    WRITES(nearcache_invalidate(cache, S("key"), NULL));
    WRITES(nearcache_lease(cache, S("new"), 10, b, sizeof b, &item));
    WRITES(nearcache_meta_get(cache, S("new"), &ask, b, sizeof b, &item));
    WRITES(nearcache_reap(cache, &reaped));
    WRITES(nearcache_advance_clock(cache, 1));
    CHECK(holds(cache, "key", "value"));
}

/* Where this process has the file mapped, by the kernel's own account; *writable if any page of it may be written. */
static void *mapped(const char *path, size_t *len, int *writable)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024], mode[8];
    unsigned long from, to;
    void *found = NULL;
    *writable = 0;
    CHECK(maps != NULL);
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (strstr(line, path) == NULL || sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3)
            continue;
        found = (void *)from;
        *len = to - from;
        *writable |= mode[1] == 'w';
    }
    if (maps != NULL)
        fclose(maps);
    return found;
}

static void memory_is_not_writable(const char *path)
{
    size_t len = 0;
    int writable = 1;
    void *memory = mapped(path, &len, &writable);
    pid_t pid;
    CHECK(memory != NULL && len == 2 << 20 && !writable);
    if (memory == NULL)
        return;
    CHECK(mprotect(memory, len, PROT_READ | PROT_WRITE) != 0);
    pid = forked();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)memory = 1;
        _exit(0);
    }
    CHECK(ended_by(pid, SIGSEGV));
}

static void count(void *user, const nearcache_process *process)
{
    (void)process;
    ++*(int *)user;
}

/* Another process, which has never written, and cannot. */
static void reader(const char *path)
{
    nearcache_cache *cache = must_open(options_of(path, NEARCACHE_READ_ONLY));
    reads(cache);
    writes(cache);
    memory_is_not_writable(path);
    nearcache_close(cache);
}

/* The way to let in a user who is not trusted. It takes root to become one. */
static void another_user(const char *path)
{
    pid_t pid;
    if (geteuid() != 0) {
        printf("test_read_only: not root, so no other user to become\n");
        return;
    }
    CHECK(chmod(place, 0755) == 0 && chmod(path, 0644) == 0);
    pid = forked();
    if (pid == 0) {
        nearcache_cache *cache = NULL;
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
        IS(open_named(path, NEARCACHE_EXISTING, &cache), NEARCACHE_FOREIGN);
        reader(path);
        IS(nearcache_unlink(path), NEARCACHE_FOREIGN);
        child_ends();
    }
    CHECK(ended_well(pid));
    CHECK(chmod(path, 0600) == 0);
    pid = forked();
    if (pid == 0) {
        nearcache_cache *cache = NULL;
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
        IS(open_named(path, NEARCACHE_READ_ONLY, &cache), NEARCACHE_FOREIGN);
        child_ends();
    }
    CHECK(ended_well(pid));
}

int main(int argc, char **argv)
{
    nearcache_cache *cache = NULL, *both = NULL;
    char path[512];
    nearcache_item item;
    char buffer[8];
    uint64_t hits;
    int processes = 0;
    if (argc == 3) {
        reader(argv[2]);
        return finish("test_read_only (the reader)");
    }
    make_place();
    IS(open_named("app", NEARCACHE_READ_ONLY, &cache), NEARCACHE_NO_REGION);
    snprintf(path, sizeof path, "%s", path_of("app"));
    cache = must_open(options_of("app", NEARCACHE_CREATE));
    IS(nearcache_set(cache, S("key"), S("value"), 7, 0, NULL), NEARCACHE_OK);
    IS(set_text(cache, "n", "1"), NEARCACHE_OK);
    IS(set_text(cache, "stale", "old"), NEARCACHE_OK);
    IS(nearcache_invalidate(cache, S("stale"), NULL), NEARCACHE_OK);
    hits = stat_of(cache, "get_hits");
    CHECK(ended_well(started(argv[0], "read", path)));
    CHECK(stat_of(cache, "get_hits") == hits);
    IS(nearcache_processes(cache, count, &processes), NEARCACHE_OK);
    CHECK(processes == 1);
    another_user(path);
    IS(nearcache_lease(cache, S("stale"), 10, buffer, sizeof buffer, &item), NEARCACHE_WON);

    /* Beside a handle that writes, what the one stores the other sees. */
    both = must_open(options_of("app", NEARCACHE_READ_ONLY));
    IS(set_text(cache, "later", "seen"), NEARCACHE_OK);
    CHECK(holds(both, "later", "seen"));
    IS(set_text(both, "later", "not"), NEARCACHE_NOT_WRITABLE);
    nearcache_close(cache);
    CHECK(holds(both, "later", "seen"));
    nearcache_close(both);
    remove_place();
    return finish("test_read_only");
}
