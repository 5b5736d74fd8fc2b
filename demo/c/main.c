/* Cache-aside in C: users in SQLite, a cache in front, a stream of requests, and a check of what is cached.
 *
 *   users SOURCE DATABASE REQUESTS [SOCKET] [CACHE_MIB]
 *   users worker DATABASE CACHE_NAME CACHE_MIB
 *
 * SOURCE is database, nearcache or socket. The first half of the stream warms the cache up, the second half is
 * measured. Progress goes to standard error, one JSON object to standard output. A worker shares the cache of that name
 * with others, and does what it is told on standard input. */
#include "users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define UPDATE UINT32_C(0x80000000)
#define SAMPLES 5000

static uint64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t *load_requests(const char *path, size_t *count_out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail("cannot open %s; demo/make_users.py makes it", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    unsigned char *bytes = malloc((size_t)size + 1);
    uint32_t *requests = malloc((size_t)size + 1);
    if (bytes == NULL || requests == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size)
        fail("cannot read %s", path);
    fclose(file);
    for (long i = 0; i < size / 4; i++)
        requests[i] = (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 | (uint32_t)bytes[4 * i + 2] << 16 |
                      (uint32_t)bytes[4 * i + 3] << 24;
    free(bytes);
    *count_out = (size_t)size / 4;
    return requests;
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        fail("cannot read /proc/self/statm");
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Replays requests[from..to]; fills `latency` with the nanoseconds of each get and returns how many. */
static size_t replay(users *u, const uint32_t *requests, size_t from, size_t to, size_t total, uint32_t *latency)
{
    size_t gets = 0;
    user row;
    for (size_t i = from; i < to; i++) {
        uint32_t id = requests[i] & ~UPDATE;
        if (i % 10000 == 0)
            fprintf(stderr, "progress %zu %zu\n", i, total);
        if (requests[i] & UPDATE) {
            users_update(u, id);
            continue;
        }
        uint64_t begin = nanoseconds();
        if (!users_get(u, id, &row) || row.id != id)
            fail("there is no user %u", id);
        uint64_t took = nanoseconds() - begin;
        latency[gets++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    }
    return gets;
}

/* Compares up to SAMPLES users that are cached now with their rows; returns how many were compared. */
static long verify(users *u, const uint32_t *requests, size_t count)
{
    unsigned char packed[USER_PACKED_MAX];
    char key[USERS_KEY_MAX];
    long verified = 0;
    for (size_t i = 0; u->cache != NULL && i < SAMPLES && i < count; i++) {
        uint32_t id = requests[count - 1 - i * (count / SAMPLES + 1) % count] & ~UPDATE;
        user cached, stored;
        long length = u->cache->get(u->cache, key, users_key(id, key), packed, sizeof packed);
        if (length < 0)
            continue;
        if (user_unpack(packed, (size_t)length, &cached) != 0 || !database_read(u->db, id, &stored) ||
            !user_equal(&cached, &stored))
            fail("user %u: the cached row is not the database's", id);
        verified++;
    }
    return verified;
}

static int work(const char *database_path, const char *name, const char *mib)
{
    users u = {.db = database_open(database_path), .cache = cache_open_near(strtoul(mib, NULL, 10) << 20, name)};
    users_serve(&u);
    u.cache->close(u.cache);
    database_close(u.db);
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 4)
        fail("usage: users database|nearcache|socket DATABASE REQUESTS [SOCKET] [CACHE_MIB]\n"
             "       users worker DATABASE CACHE_NAME CACHE_MIB");
    const char *source = arguments[1];
    if (strcmp(source, "worker") == 0)
        return work(arguments[2], arguments[3], count > 4 ? arguments[4] : "16");
    size_t total, mib = count > 5 ? strtoul(arguments[5], NULL, 10) : 16;
    uint32_t *requests = load_requests(arguments[3], &total);
    uint32_t *latency = malloc(total * sizeof *latency);
    if (latency == NULL || total < 2)
        fail("%s holds %zu requests; at least 2 are needed", arguments[3], total);
    memset(latency, 0xff, total * sizeof *latency); /* resident before memory is measured */
    users u = {.db = database_open(arguments[2])};
    long resident = resident_kib();
    if (strcmp(source, "nearcache") == 0)
        u.cache = cache_open_near(mib << 20, NULL);
    else if (strcmp(source, "socket") == 0 && count > 4)
        u.cache = cache_open_socket(arguments[4]);
    else if (strcmp(source, "database") != 0)
        fail("the source is database, nearcache, or socket with a path; not %s", source);

    replay(&u, requests, 0, total / 2, total, latency);
    u.hits = u.misses = 0;
    uint64_t begin = nanoseconds();
    size_t gets = replay(&u, requests, total / 2, total, total, latency);
    double seconds = (double)(nanoseconds() - begin) / 1e9;
    long grown = resident_kib() - resident;
    long verified = verify(&u, requests, total);

    qsort(latency, gets, sizeof *latency, ascending);
    printf("{\"requests\": %zu, \"seconds\": %.6f, \"p50_us\": %.2f, \"p99_us\": %.2f, \"hits\": %ld, \"misses\": %ld, "
           "\"verified\": %ld, \"memory_kib\": %ld}\n",
           total - total / 2, seconds, latency[gets / 2] / 1e3, latency[gets * 99 / 100] / 1e3, u.hits, u.misses,
           verified, grown);
    if (u.cache != NULL)
        u.cache->close(u.cache);
    database_close(u.db);
    free(latency);
    free(requests);
    return 0;
}
