/* What may lie where a cache is looked for: each is refused with a sentence, or replaced where that is right, and
 * none ends the process or is harmed. */
#include "place.h"

#include <errno.h>

/* Refused, with the path in the sentence, in each way of opening. */
static void refused(const char *path, nearcache_status status, const char *word)
{
    const uint32_t ways[] = { NEARCACHE_OPEN_OR_CREATE, NEARCACHE_EXISTING, NEARCACHE_READ_ONLY };
    nearcache_cache *cache = NULL;
    size_t i;
    for (i = 0; i < sizeof ways / sizeof *ways; i++) {
        IS(open_named(path, ways[i], &cache), status);
        CHECK(cache == NULL);
        CHECK(strstr(nearcache_last_error(), path) != NULL);
        if (strstr(nearcache_last_error(), word) == NULL)
            fprintf(stderr, "no '%s' in: %s\n", word, nearcache_last_error());
        CHECK(strstr(nearcache_last_error(), word) != NULL);
    }
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

/* A whole cache's file, with one item in it. */
static void make_cache(const char *path)
{
    nearcache_cache *cache = must_open(options_of(path, NEARCACHE_CREATE));
    IS(set_text(cache, "key", "value"), NEARCACHE_OK);
    nearcache_close(cache);
}

static void no_caches(void)
{
    const char *path = path_of("strange");
    char before[] = "somebody's file, longer than nothing", after[sizeof before] = "";
    FILE *file;
    write_file(path, "", 0);
    refused(path, NEARCACHE_FOREIGN, "empty");
    write_file(path, before, sizeof before);
    refused(path, NEARCACHE_FOREIGN, "cache");
    IS(nearcache_unlink(path), NEARCACHE_FOREIGN);
    file = fopen(path, "r");
    CHECK(file != NULL && fread(after, 1, sizeof after, file) == sizeof after && fclose(file) == 0);
    CHECK(memcmp(before, after, sizeof before) == 0);
    CHECK(unlink(path) == 0);

    CHECK(mkdir(path, 0700) == 0);
    refused(path, NEARCACHE_FOREIGN, "regular file");
    CHECK(rmdir(path) == 0);
    CHECK(mkfifo(path, 0600) == 0);
    refused(path, NEARCACHE_FOREIGN, "regular file");
    CHECK(unlink(path) == 0);

    make_cache(path_of("whole"));
    CHECK(symlink(path_of("whole"), path) == 0);
    refused(path, NEARCACHE_FOREIGN, "symbolic link");
    IS(nearcache_unlink(path), NEARCACHE_FOREIGN);
    CHECK(unlink(path) == 0 && unlink(path_of("whole")) == 0);
}

/* Nobody else's, and nobody's at all. */
static void no_permission(void)
{
    const char *path = path_of("closed");
    nearcache_cache *cache = NULL;
    pid_t pid;
    make_cache(path);
    CHECK(chmod(path, 0) == 0);
    if (geteuid() == 0) {
        /* root may open all: the child becomes somebody who may not. */
        CHECK(chmod(place, 0755) == 0);
        pid = forked();
        if (pid == 0) {
            CHECK(setgid(65534) == 0 && setuid(65534) == 0);
            refused(path, NEARCACHE_FOREIGN, "may not be opened");
            child_ends();
        }
        CHECK(ended_well(pid));
        CHECK(chmod(path, 0666) == 0 && chown(path, 65534, 65534) == 0);
        IS(open_named(path, NEARCACHE_EXISTING, &cache), NEARCACHE_FOREIGN);
        CHECK(strstr(nearcache_last_error(), "65534") != NULL);
        CHECK(chmod(place, 0700) == 0);
    } else {
        refused(path, NEARCACHE_FOREIGN, "may not be opened");
    }
    CHECK(unlink(path) == 0);

    /* A directory that anybody may write to is no place for names. */
    CHECK(chmod(place, 0777) == 0);
    IS(open_named("app", NEARCACHE_OPEN_OR_CREATE, &cache), NEARCACHE_FOREIGN);
    CHECK(strstr(nearcache_last_error(), place) != NULL);
    CHECK(chmod(place, 0700) == 0);
}

static void no_directory(void)
{
    nearcache_cache *cache = NULL;
    IS(open_named("/no/such/directory/app", NEARCACHE_OPEN_OR_CREATE, &cache), NEARCACHE_SYSTEM);
    CHECK(strstr(nearcache_last_error(), "/no/such/directory") != NULL);
    IS(open_named("/no/such/directory/app", NEARCACHE_EXISTING, &cache), NEARCACHE_NO_REGION);
    IS(nearcache_unlink("/no/such/directory/app"), NEARCACHE_MISS);
    REFUSED(open_named("", NEARCACHE_CREATE, &cache), "cannot name a cache");
    REFUSED(open_named(".hidden", NEARCACHE_CREATE, &cache), "cannot name a cache");
    REFUSED(open_named("a b", NEARCACHE_CREATE, &cache), "cannot name a cache");
    CHECK(cache == NULL);
}

/* Cut short: never mapped. Who may create gets a new one, and the rest is kept aside. */
static void truncated(void)
{
    const off_t lengths[] = { 8, 4095, 4096, 1 << 20, (2 << 20) - 4096 };
    const char *path = path_of("cut");
    char aside[512];
    struct stat file;
    nearcache_cache *cache = NULL;
    size_t i;
    snprintf(aside, sizeof aside, "%s", path_of("cut.damaged"));
    for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        make_cache(path);
        CHECK(truncate(path, lengths[i]) == 0);
        IS(open_named(path, NEARCACHE_EXISTING, &cache), NEARCACHE_CORRUPT);
        CHECK(strstr(nearcache_last_error(), path) != NULL);
        IS(open_named(path, NEARCACHE_READ_ONLY, &cache), NEARCACHE_CORRUPT);
        cache = must_open(options_of(path, NEARCACHE_OPEN_OR_CREATE));
        IS(nearcache_contains(cache, S("key")), NEARCACHE_MISS);
        IS(set_text(cache, "key", "new"), NEARCACHE_OK);
        IS(nearcache_check(cache), NEARCACHE_OK);
        nearcache_close(cache);
        cache = NULL;
        CHECK(stat(aside, &file) == 0 && file.st_size == lengths[i]);
        CHECK(unlink(aside) == 0);
        IS(nearcache_unlink(path), NEARCACHE_OK);
    }
}

/* One bit of each word of the first page. What is attached all the same is used. */
static void flipped(void)
{
    const char *path = path_of("flipped");
    unsigned char page[4096], bit;
    char buffer[64];
    size_t at, len;
    int file, layouts = 0, foreign = 0, corrupt = 0, attached = 0;
    make_cache(path);
    file = open(path, O_RDWR);
    CHECK(file >= 0 && pread(file, page, sizeof page, 0) == sizeof page);
    for (at = 0; at < sizeof page; at++) {
        nearcache_cache *cache = NULL;
        nearcache_status status;
        if (at % 8 != at / 8 % 8)
            continue; /* one byte of each word, another in the next */
        bit = page[at] ^ (unsigned char)(1u << at / 64 % 8);
        CHECK(pwrite(file, &bit, 1, (off_t)at) == 1);
        status = open_named(path, NEARCACHE_EXISTING, &cache);
        layouts += status == NEARCACHE_LAYOUT;
        foreign += status == NEARCACHE_FOREIGN;
        corrupt += status == NEARCACHE_CORRUPT;
        if (status == NEARCACHE_OK) {
            attached++;
            (void)nearcache_get(cache, S("key"), buffer, sizeof buffer, &len, NULL);
            (void)nearcache_set(cache, S("key"), S("value"), 0, 0, NULL);
            nearcache_close(cache);
        } else {
            CHECK(status == NEARCACHE_LAYOUT || status == NEARCACHE_FOREIGN || status == NEARCACHE_CORRUPT ||
                  status == NEARCACHE_NO_REGION);
            CHECK(strstr(nearcache_last_error(), path) != NULL);
        }
        CHECK(pwrite(file, page, sizeof page, 0) == sizeof page);
    }
    CHECK(layouts > 0 && foreign > 0 && corrupt > 0 && attached > 0);
    CHECK(close(file) == 0);
    CHECK(unlink(path) == 0);
}

static void no_cache_behind_a_descriptor(void)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    nearcache_cache *cache = NULL;
    FILE *empty = tmpfile();
    int ends[2];
    options.descriptor = 12345;
    IS(nearcache_open(&options, &cache), NEARCACHE_SYSTEM);
    CHECK(strstr(nearcache_last_error(), "12345") != NULL);
    CHECK(empty != NULL && pipe(ends) == 0);
    options.descriptor = fileno(empty);
    IS(nearcache_open(&options, &cache), NEARCACHE_FOREIGN);
    options.descriptor = ends[0];
    IS(nearcache_open(&options, &cache), NEARCACHE_FOREIGN);
    CHECK(fcntl(ends[0], F_GETFD) >= 0); /* the caller's own stays open */
    fclose(empty);
    close(ends[0]);
    close(ends[1]);
    CHECK(cache == NULL);
}

int main(void)
{
    make_place();
    no_caches();
    no_permission();
    no_directory();
    truncated();
    flipped();
    no_cache_behind_a_descriptor();
    remove_place();
    return finish("test_hostile");
}
