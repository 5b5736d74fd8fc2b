/* fork: a private cache is copied; a shared one is shared, by children and grandchildren, whatever threads do at the
 * fork, and a pin stays its maker's. */
#include "place.h"

#include <pthread.h>

enum { THREADS = 3, FORKS = 12, KEYS = 32 };

static nearcache_cache *open_inherited(void)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    options.size = 2 << 20;
    options.shared = 1;
    return must_open(options);
}

static void copied(void)
{
    nearcache_cache *cache = open_cache(1 << 20, 0);
    char key[16];
    int i;
    pid_t pid;
    IS(set_text(cache, "before", "parent"), NEARCACHE_OK);
    pid = forked();
    if (pid == 0) {
        CHECK(holds(cache, "before", "parent"));
        IS(set_text(cache, "before", "child"), NEARCACHE_OK);
        CHECK(holds(cache, "before", "child"));
        for (i = 0; i < 3000; i++) {
            snprintf(key, sizeof key, "c%d", i);
            if (nearcache_set(cache, key, strlen(key), key, sizeof key, 0, 0, NULL) != NEARCACHE_OK)
                break;
        }
        CHECK(i == 3000);
        REFUSED(nearcache_delete(cache, "", 0), "empty");
        IS(nearcache_check(cache), NEARCACHE_OK);
        nearcache_close(cache);
        exit(finish("test_fork (child)"));
    }
    CHECK(ended_well(pid));
    CHECK(holds(cache, "before", "parent"));
    IS(nearcache_contains(cache, S("c2999")), NEARCACHE_MISS);
    IS(set_text(cache, "after", "parent"), NEARCACHE_OK);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
}

static void shared(void)
{
    nearcache_cache *cache = open_inherited();
    nearcache_about about;
    pid_t child;
    IS(set_text(cache, "family", "parent"), NEARCACHE_OK);
    IS(set_text(cache, "n", "0"), NEARCACHE_OK);
    child = forked();
    if (child == 0) {
        const pid_t grandchild = forked();
        if (grandchild == 0) {
            CHECK(holds(cache, "family", "parent"));
            IS(set_text(cache, "grandchild", "was here"), NEARCACHE_OK);
            IS(nearcache_incr(cache, S("n"), 100, NULL), NEARCACHE_OK);
            nearcache_close(cache);
            exit(finish("test_fork (grandchild)"));
        }
        CHECK(ended_well(grandchild));
        CHECK(holds(cache, "grandchild", "was here"));
        CHECK(holds(cache, "n", "100"));
        IS(set_text(cache, "family", "child"), NEARCACHE_OK);
        IS(nearcache_incr(cache, S("n"), 10, NULL), NEARCACHE_OK);
        nearcache_close(cache);
        exit(finish("test_fork (child)"));
    }
    CHECK(ended_well(child));
    CHECK(holds(cache, "family", "child"));
    CHECK(holds(cache, "grandchild", "was here"));
    CHECK(holds(cache, "n", "110"));
    /* What the dead have counted counts. */
    CHECK(stat_of(cache, "cmd_set") == 4);
    CHECK(stat_of(cache, "incr_hits") == 2);
    CHECK(stat_of(cache, "curr_items") == 3);
    IS(nearcache_info(cache, NULL, 0, &about), NEARCACHE_OK);
    CHECK(about.home == NEARCACHE_HOME_INHERITED && about.path_len == 0 && about.size == 2 << 20);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
}

/* A child that uses the cache first, before its parent ever has. */
static void parent_that_only_forks(void)
{
    nearcache_cache *cache = open_inherited();
    pid_t first = forked(), second;
    if (first == 0) {
        IS(set_text(cache, "a", "first"), NEARCACHE_OK);
        nearcache_close(cache);
        child_ends();
    }
    CHECK(ended_well(first));
    second = forked();
    if (second == 0) {
        CHECK(holds(cache, "a", "first"));
        IS(nearcache_delete(cache, S("a")), NEARCACHE_OK);
        nearcache_close(cache);
        child_ends();
    }
    CHECK(ended_well(second));
    IS(nearcache_contains(cache, S("a")), NEARCACHE_MISS);
    nearcache_close(cache);
}

struct worker {
    nearcache_cache *cache;
    pthread_t thread;
    const int *stop;
    int number, torn, failed;
};

/* One byte, repeated; how often depends on it. A mixture of two shows. */
static int whole(const unsigned char *value, size_t len)
{
    size_t i;
    if (len != 1 + 5u * value[0])
        return 0;
    for (i = 1; i < len; i++) {
        if (value[i] != value[0])
            return 0;
    }
    return 1;
}

static void mix(struct worker *w, unsigned round)
{
    unsigned char value[2000];
    char key[16];
    size_t len = 0;
    nearcache_status status;
    const int key_len = snprintf(key, sizeof key, "k%u", (round * 7 + (unsigned)w->number) % KEYS);
    memset(value, (int)((round + (unsigned)w->number * 31) & 0xff), sizeof value);
    if (round % 2 == 0) {
        len = 1 + 5u * value[0];
        w->failed += nearcache_set(w->cache, key, (size_t)key_len, value, len, 0, 0, NULL) != NEARCACHE_OK;
        return;
    }
    status = nearcache_get(w->cache, key, (size_t)key_len, value, sizeof value, &len, NULL);
    w->failed += status < 0;
    w->torn += status == NEARCACHE_OK && !whole(value, len);
}

static void *work(void *argument)
{
    struct worker *w = argument;
    unsigned round;
    for (round = 0; !__atomic_load_n(w->stop, __ATOMIC_RELAXED); round++)
        mix(w, round);
    return NULL;
}

/* What the parent's other threads had allocated is lost to the child, which is fork's nature: it ends by becoming
 * another program, so that no tool takes that for a leak. */
static void child_of_threads_ends(void)
{
    fflush(NULL);
    if (failures == 0)
        execlp("true", "true", (char *)NULL);
    _exit(1);
}

static void with_threads_running(void)
{
    nearcache_cache *cache = open_inherited();
    static struct worker workers[THREADS];
    int stop = 0, i;
    unsigned round;
    char expected[16];
    IS(set_text(cache, "children", "0"), NEARCACHE_OK);
    for (i = 0; i < THREADS; i++) {
        workers[i].cache = cache;
        workers[i].number = i;
        workers[i].stop = &stop;
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (i = 0; i < FORKS; i++) {
        const pid_t pid = forked();
        if (pid == 0) {
            struct worker self = { .cache = cache, .number = 10 + i };
            pid_t grandchild;
            for (round = 0; round < 500; round++)
                mix(&self, round);
            grandchild = forked();
            for (round = 0; round < 200; round++)
                mix(&self, round);
            CHECK(self.torn == 0 && self.failed == 0);
            IS(nearcache_incr(cache, S("children"), 1, NULL), NEARCACHE_OK);
            if (grandchild > 0)
                CHECK(ended_well(grandchild));
            child_of_threads_ends();
        }
        CHECK(ended_well(pid));
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
        CHECK(workers[i].torn == 0 && workers[i].failed == 0);
    }
    snprintf(expected, sizeof expected, "%d", 2 * FORKS);
    CHECK(holds(cache, "children", expected));
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
}

/* Enough values to go through all memory several times. */
static void storm(nearcache_cache *cache)
{
    static char value[2000];
    char key[16];
    int i;
    for (i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "s%d", i);
        if (nearcache_set(cache, key, strlen(key), value, sizeof value, 0, 0, NULL) != NEARCACHE_OK)
            break;
    }
    CHECK(i == 5000);
}

static void a_pin_given_back_by_the_child(void)
{
    nearcache_cache *cache = open_inherited();
    nearcache_pinned *pinned = NULL;
    const void *value = NULL;
    nearcache_item item;
    pid_t pid;
    IS(set_text(cache, "k", "held in place"), NEARCACHE_OK);
    IS(nearcache_pin(cache, S("k"), &pinned, &value, &item), NEARCACHE_OK);
    pid = forked();
    if (pid == 0) {
        nearcache_pinned *own = NULL;
        nearcache_unpin(pinned);
        /* The child pins for itself, in a place of its own. */
        IS(nearcache_pin(cache, S("k"), &own, &value, &item), NEARCACHE_OK);
        CHECK(item.len == 13 && memcmp(value, "held in place", 13) == 0);
        IS(nearcache_delete(cache, S("k")), NEARCACHE_OK);
        storm(cache);
        CHECK(memcmp(value, "held in place", 13) == 0);
        nearcache_unpin(own);
        nearcache_close(cache);
        exit(finish("test_fork (child)"));
    }
    CHECK(ended_well(pid));
    storm(cache);
    CHECK(item.len == 13 && memcmp(value, "held in place", 13) == 0);
    nearcache_unpin(pinned);
    storm(cache);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
}

int main(void)
{
    copied();
    shared();
    parent_that_only_forks();
    with_threads_running();
    a_pin_given_back_by_the_child();
    return finish("test_fork");
}
