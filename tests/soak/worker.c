/* The soak's worker in C: `worker NAME SEED SLOT TABLE`. What it does and how it is judged: src/worker.rs, src/table.rs. */

#include <fcntl.h>
#include <inttypes.h>
#include <nearcache.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS_AT = 64, SLOT = 16, LONGEST = 200000 };
enum note { OPERATIONS, HITS, MISSES, REFUSALS, WORST };

static _Atomic uint64_t *words;
static uint64_t slots, keys, counters, slot, keys_at, counters_at;
static struct nearcache_cache *tight, *exact;
static uint64_t state;
static char expected[LONGEST], got[LONGEST];

static uint64_t draw(uint64_t bound)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % bound;
}

static void die(const char *form, ...)
{
    va_list arguments;
    va_start(arguments, form);
    fprintf(stderr, "FAULT in slot %" PRIu64 " (C): ", slot);
    vfprintf(stderr, form, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(3);
}

static uint64_t cpu(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static _Atomic uint64_t *note(enum note which)
{
    return &words[SLOTS_AT + SLOT * slot + which];
}

/* What a call that began then answered: 1 if it was done, 0 if it was refused for want of memory or of a place. */
static int judged(uint64_t begun, nearcache_status status, const char *what)
{
    uint64_t took = cpu() - begun;
    if (took > *note(WORST))
        *note(WORST) = took;
    ++*note(OPERATIONS);
    if (status == NEARCACHE_NOMEM || status == NEARCACHE_TOO_MANY) {
        ++*note(REFUSALS);
        return 0;
    }
    if (status < 0)
        die("%s: %s", what, nearcache_last_error());
    return 1;
}

/* A key's value of some version, as src/value.rs has it. */
static size_t value(uint64_t key, uint64_t version)
{
    char head[26];
    uint64_t low = version & 0xffffffff;
    size_t length = key % 32 == 0 ? 70000 + low * 7919 % 100000 : 26 + (low * 61 + key * 17) % 1500;
    snprintf(head, sizeof head, "%08" PRIx64 "%016" PRIx64 "|", key, version);
    for (size_t at = 0; at < length; at += 25)
        memcpy(expected + at, head, length - at < 25 ? length - at : 25);
    return length;
}

static size_t named(char *name, const char *kind, uint64_t number)
{
    return (size_t)sprintf(name, "%s %" PRIu64, kind, number);
}

static void store(void)
{
    char name[40];
    uint64_t key = slot * keys + draw(keys), at = keys_at + 2 * key, version = (words[at] >> 1) + 1;
    size_t name_len = named(name, "soak", key), len = value(key, version);
    words[at] = version << 1;
    uint64_t begun = cpu();
    nearcache_status status = nearcache_set(tight, name, name_len, expected, len, 0, 0, NULL);
    if (judged(begun, status, "set")) {
        words[at + 1] = version << 1;
    } else if (status == NEARCACHE_NOMEM) { /* The old value is gone then. */
        words[at] = version << 1 | 1;
        words[at + 1] = version << 1 | 1;
    }
}

static void discard(void)
{
    char name[40];
    uint64_t key = slot * keys + draw(keys), at = keys_at + 2 * key, code = ((words[at] >> 1) + 1) << 1 | 1;
    size_t name_len = named(name, "soak", key);
    words[at] = code;
    uint64_t begun = cpu();
    if (judged(begun, nearcache_delete(tight, name, name_len), "delete"))
        words[at + 1] = code;
}

static void look(void)
{
    char name[40];
    uint64_t key = draw(slots * keys), at = keys_at + 2 * key, floor = words[at + 1], of = 0, version = 0;
    size_t name_len = named(name, "soak", key), len = 0;
    uint64_t begun = cpu();
    nearcache_status status = nearcache_get(tight, name, name_len, got, sizeof got, &len, NULL);
    if (!judged(begun, status, "get"))
        return;
    uint64_t latest = words[at];
    if (status == NEARCACHE_MISS) {
        ++*note(MISSES);
        return;
    }
    ++*note(HITS);
    if (len < 24 || len > sizeof got || sscanf(got, "%8" SCNx64 "%16" SCNx64, &of, &version) != 2)
        die("%zu bytes of key %" PRIu64 " that are no value", len, key);
    if (of != key || value(key, version) != len || memcmp(got, expected, len) != 0)
        die("key %" PRIu64 " has a value of key %" PRIu64 ", or a torn one of version %" PRIu64, key, of, version);
    if (version < floor >> 1 || ((floor & 1) && version == floor >> 1))
        die("key %" PRIu64 " has version %" PRIu64 ", stale after code %" PRIu64, key, version, floor);
    if (version > latest >> 1)
        die("key %" PRIu64 " has version %" PRIu64 ", and code %" PRIu64 " was begun last", key, version, latest);
}

static uint64_t counter_at(uint64_t of, uint64_t counter)
{
    return counters_at + 2 * (of * counters + counter);
}

static void add(void)
{
    char name[40];
    uint64_t counter = draw(counters / 2), delta = 1 + draw(9), at = counter_at(slot, counter), sum;
    size_t name_len = named(name, "counter", counter);
    words[at] += delta;
    uint64_t begun = cpu();
    nearcache_status status = nearcache_incr(exact, name, name_len, delta, &sum);
    if (!judged(begun, status, "incr"))
        return;
    if (status == NEARCACHE_MISS)
        die("%s is gone", name);
    words[at + 1] += delta;
}

static void count(void)
{
    char name[40];
    uint64_t counter = draw(counters), least = 0, most = 0;
    size_t name_len = named(name, "counter", counter), len = 0;
    for (uint64_t of = 0; of < slots; of++)
        least += words[counter_at(of, counter) + 1];
    uint64_t begun = cpu();
    nearcache_status status = nearcache_get(exact, name, name_len, got, sizeof got - 1, &len, NULL);
    if (!judged(begun, status, "get"))
        return;
    for (uint64_t of = 0; of < slots; of++)
        most += words[counter_at(of, counter)];
    got[len] = 0;
    uint64_t sum = strtoull(got, NULL, 10);
    if (status == NEARCACHE_MISS || sum < least || sum > most)
        die("%s is %s, and should be %" PRIu64 " to %" PRIu64, name, got, least, most);
}

static struct nearcache_cache *attach(const char *name)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    struct nearcache_cache *cache = NULL;
    options.name = name;
    options.access = NEARCACHE_EXISTING;
    if (nearcache_open(&options, &cache) != NEARCACHE_OK)
        die("cannot attach %s: %s", name, nearcache_last_error());
    return cache;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: worker NAME SEED SLOT TABLE\n");
        return 2;
    }
    char second[200];
    struct stat stat;
    int file = open(argv[4], O_RDWR | O_CLOEXEC);
    if (file < 0 || fstat(file, &stat) != 0)
        die("cannot open %s", argv[4]);
    words = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (words == MAP_FAILED)
        die("cannot map %s", argv[4]);
    state = strtoull(argv[2], NULL, 10);
    slot = strtoull(argv[3], NULL, 10);
    slots = words[1];
    keys = words[2];
    counters = words[3];
    keys_at = SLOTS_AT + SLOT * slots;
    counters_at = keys_at + 2 * slots * keys;
    snprintf(second, sizeof second, "%s.exact", argv[1]);
    tight = attach(argv[1]);
    exact = attach(second);
    while (words[0] == 0) {
        switch (draw(16)) {
        case 0: case 1: case 2: case 3: store(); break;
        case 4: discard(); break;
        case 5: case 6: add(); break;
        case 7: count(); break;
        default: look();
        }
    }
    nearcache_close(tight);
    nearcache_close(exact);
    return 0;
}
