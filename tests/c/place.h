/* What the tests of shared caches have in common: a directory of their own, in which names are looked for, and other
 * processes, forked or started anew. */
#ifndef NEARCACHE_TESTS_PLACE_H
#define NEARCACHE_TESTS_PLACE_H

#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char place[64];

/* "<directory>/<name>", good until the third call after. */
static inline const char *path_of(const char *name)
{
    static char paths[3][512];
    static int turn;
    char *path = paths[turn++ % 3];
    snprintf(path, sizeof paths[0], "%s/%s", place, name);
    return path;
}

static inline void make_place(void)
{
    snprintf(place, sizeof place, "/dev/shm/nearcache-test-XXXXXX");
    if (mkdtemp(place) == NULL || setenv("NEARCACHE_DIR", place, 1) != 0) {
        perror(place);
        exit(1);
    }
}

static inline void remove_place(void)
{
    DIR *directory = opendir(place);
    struct dirent *entry;
    CHECK(directory != NULL);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            CHECK(remove(path_of(entry->d_name)) == 0);
    }
    if (directory != NULL)
        closedir(directory);
    CHECK(rmdir(place) == 0);
}

/* A cache in a place, 2 MiB if it is created. */
static inline nearcache_options options_of(const char *name, uint32_t access)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    options.size = 2 << 20;
    options.name = name;
    options.access = access;
    return options;
}

static inline nearcache_status open_named(const char *name, uint32_t access, nearcache_cache **cache_out)
{
    const nearcache_options options = options_of(name, access);
    return nearcache_open(&options, cache_out);
}

static inline nearcache_cache *must_open(nearcache_options options)
{
    nearcache_cache *cache = NULL;
    IS(nearcache_open(&options, &cache), NEARCACHE_OK);
    if (cache == NULL)
        exit(finish("must_open"));
    return cache;
}

/* fork() with nothing left in the buffers of stdio for the child to write again. */
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

/* Ends a forked child: its failed checks are its status. Nothing that was registered with atexit() runs. */
static inline void child_ends(void)
{
    fflush(NULL);
    _exit(failures != 0);
}

/* This program again, as a process that shares nothing but what it opens itself. */
static inline pid_t started(const char *program, const char *part, const char *argument)
{
    const pid_t pid = forked();
    if (pid == 0) {
        execl(program, program, part, argument, (char *)NULL);
        perror(program);
        _exit(127);
    }
    return pid;
}

static inline int ended_well(pid_t pid)
{
    int status = -1;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline int ended_by(pid_t pid, int signal)
{
    int status = -1;
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

static inline nearcache_status set_text(nearcache_cache *cache, const char *key, const char *value)
{
    return nearcache_set(cache, key, strlen(key), value, strlen(value), 0, 0, NULL);
}

#endif
