/* SIGKILL and SIGSTOP in the middle of a loop of sets, again and again: the others go on, and no value is mixed. */
#include "place.h"

#include <sched.h>

enum { KILLS = 12, AT_ONCE = 2, KEYS = 64, MORE = 300 };

/* One byte, repeated; how often depends on it and on nothing else. */
static size_t length_of(unsigned char byte)
{
    return 20 + 11u * byte;
}

static int whole(const unsigned char *value, size_t len)
{
    size_t i;
    if (len == 0 || len != length_of(value[0]))
        return 0;
    for (i = 1; i < len; i++) {
        if (value[i] != value[0])
            return 0;
    }
    return 1;
}

static nearcache_status write_one(nearcache_cache *cache, unsigned round)
{
    unsigned char value[4096];
    char key[16];
    const unsigned char byte = (unsigned char)(round * 37 + round / KEYS);
    snprintf(key, sizeof key, "k%u", round % KEYS);
    memset(value, byte, sizeof value);
    return nearcache_set(cache, key, strlen(key), value, length_of(byte), 0, 0, NULL);
}

/* For ever; the parent ends it. */
static void child(nearcache_cache *cache, unsigned seed)
{
    unsigned round;
    for (round = seed * 1000;; round++) {
        if (write_one(cache, round) != NEARCACHE_OK ||
            nearcache_incr(cache, S("progress"), 1, NULL) != NEARCACHE_OK ||
            (round % 5 == 0 && nearcache_delete(cache, S("k7")) < 0)) {
            fprintf(stderr, "child: %s\n", nearcache_last_error());
            _exit(1);
        }
    }
}

static uint64_t progress(nearcache_cache *cache)
{
    uint64_t number = 0;
    IS(nearcache_incr(cache, S("progress"), 0, &number), NEARCACHE_OK);
    return number;
}

static void survivor_goes_on(nearcache_cache *cache)
{
    unsigned char value[4096];
    char key[16];
    unsigned i, bad = 0;
    for (i = 0; i < KEYS; i++) {
        size_t len = 0;
        nearcache_status status;
        snprintf(key, sizeof key, "k%u", i);
        status = nearcache_get(cache, key, strlen(key), value, sizeof value, &len, NULL);
        bad += status < 0 || (status == NEARCACHE_OK && !whole(value, len));
    }
    CHECK(bad == 0);
    for (i = 0; i < 1000; i++)
        bad += write_one(cache, i) != NEARCACHE_OK;
    CHECK(bad == 0);
}

static pid_t new_child(nearcache_cache *cache, unsigned seed)
{
    const pid_t pid = forked();
    if (pid == 0)
        child(cache, seed);
    return pid;
}

static void count(void *user, const nearcache_process *process)
{
    int *lives = user;
    lives[process->life == NEARCACHE_ALIVE]++;
}

/* Ten seconds after they were missed first, by the cache's clock, what the dead held comes back. */
static void bury(nearcache_cache *cache, size_t dead)
{
    size_t reaped = 0;
    int lives[2] = { 0, 0 };
    IS(nearcache_reap(cache, &reaped), NEARCACHE_OK);
    CHECK(reaped <= dead);
    IS(nearcache_processes(cache, count, lives), NEARCACHE_OK);
    CHECK(lives[1] == 1 && (size_t)lives[0] <= dead);
    IS(nearcache_advance_clock(cache, 11), NEARCACHE_OK);
    IS(nearcache_reap(cache, &reaped), NEARCACHE_OK);
    CHECK(reaped <= dead);
    lives[0] = lives[1] = 0;
    IS(nearcache_processes(cache, count, lives), NEARCACHE_OK);
    CHECK(lives[1] == 1 && lives[0] == 0);
}

static void kill_again_and_again(nearcache_cache *cache)
{
    pid_t children[AT_ONCE];
    unsigned i;
    int status = 0;
    IS(set_text(cache, "progress", "0"), NEARCACHE_OK);
    for (i = 0; i < AT_ONCE; i++)
        children[i] = new_child(cache, i);
    for (i = 0; i < KILLS; i++) {
        const uint64_t enough = progress(cache) + MORE + i * 13;
        pid_t *victim = &children[i % AT_ONCE];
        while (progress(cache) < enough && failures == 0)
            sched_yield();
        /* Stopped, it delays nobody; and it may die so. */
        CHECK(kill(*victim, SIGSTOP) == 0);
        CHECK(waitpid(*victim, &status, WUNTRACED) == *victim && WIFSTOPPED(status));
        survivor_goes_on(cache);
        if (i % 3 != 0) {
            CHECK(kill(*victim, SIGCONT) == 0);
            survivor_goes_on(cache);
        }
        CHECK(kill(*victim, SIGKILL) == 0);
        CHECK(ended_by(*victim, SIGKILL));
        survivor_goes_on(cache);
        *victim = new_child(cache, AT_ONCE + i);
    }
    for (i = 0; i < AT_ONCE; i++) {
        CHECK(kill(children[i], SIGKILL) == 0);
        CHECK(ended_by(children[i], SIGKILL));
    }
    survivor_goes_on(cache);
    bury(cache, KILLS + AT_ONCE);
    survivor_goes_on(cache);
    IS(nearcache_check(cache), NEARCACHE_OK);
}

int main(void)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    nearcache_cache *cache;
    make_place();
    options.size = 2 << 20;
    options.shared = 1;
    options.flags = NEARCACHE_MANUAL_CLOCK;
    cache = must_open(options);
    kill_again_and_again(cache);
    nearcache_close(cache);

    options.shared = 0;
    options.name = "killed";
    cache = must_open(options);
    kill_again_and_again(cache);
    nearcache_close(cache);
    /* Nobody closed it in order, and it is warm. */
    cache = must_open(options_of("killed", NEARCACHE_EXISTING));
    IS(nearcache_contains(cache, S("progress")), NEARCACHE_OK);
    survivor_goes_on(cache);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    remove_place();
    return finish("test_killed");
}
