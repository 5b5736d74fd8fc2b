/* Caches of unrelated processes: by a name, by a path, by a descriptor passed over exec; who they are, and how they
 * go. Started with a part's name it is the other process. */
#include "place.h"

static const char *program;

/* The other process: attaches, reads, answers. */
static void other(nearcache_options options)
{
    nearcache_cache *cache;
    options.access = NEARCACHE_EXISTING;
    cache = must_open(options);
    CHECK(holds(cache, "question", "from the first"));
    IS(set_text(cache, "answer", "from the second"), NEARCACHE_OK);
    IS(nearcache_delete(cache, S("question")), NEARCACHE_OK);
    IS(nearcache_incr(cache, S("n"), 5, NULL), NEARCACHE_OK);
    nearcache_close(cache);
}

enum { RACERS = 8, STEPS = 100 };

/* One of many that start at once: one of them creates the cache, and none counts in another. */
static void racer(const char *name)
{
    nearcache_cache *cache = must_open(options_of(name, NEARCACHE_OPEN_OR_CREATE));
    int i, failed = 0;
    for (i = 0; i < STEPS; i++)
        failed += nearcache_incr_or(cache, S("steps"), 1, 1, 0, NULL) != NEARCACHE_OK;
    CHECK(failed == 0);
    nearcache_close(cache);
}

static void race(void)
{
    pid_t racers[RACERS];
    nearcache_cache *cache;
    char expected[16];
    int i, round;
    for (round = 0; round < 3; round++) {
        for (i = 0; i < RACERS; i++)
            racers[i] = started(program, "race", "race");
        for (i = 0; i < RACERS; i++)
            CHECK(ended_well(racers[i]));
        cache = must_open(options_of("race", NEARCACHE_EXISTING));
        snprintf(expected, sizeof expected, "%d", RACERS * STEPS);
        CHECK(holds(cache, "steps", expected));
        IS(nearcache_check(cache), NEARCACHE_OK);
        nearcache_close(cache);
        IS(nearcache_unlink("race"), NEARCACHE_OK);
    }
}

static void ask(nearcache_cache *cache)
{
    IS(set_text(cache, "question", "from the first"), NEARCACHE_OK);
    IS(set_text(cache, "n", "1"), NEARCACHE_OK);
    CHECK(nearcache_delete(cache, S("answer")) >= 0);
}

static void answered(nearcache_cache *cache)
{
    CHECK(holds(cache, "answer", "from the second"));
    CHECK(holds(cache, "n", "6"));
    IS(nearcache_contains(cache, S("question")), NEARCACHE_MISS);
    IS(nearcache_check(cache), NEARCACHE_OK);
}

static void by_name(void)
{
    nearcache_cache *cache = NULL, *again = NULL;
    nearcache_options options = options_of("app", NEARCACHE_EXISTING);
    IS(nearcache_open(&options, &cache), NEARCACHE_NO_REGION);
    CHECK(strstr(nearcache_last_error(), place) != NULL);
    cache = must_open(options_of("app", NEARCACHE_CREATE));
    IS(open_named("app", NEARCACHE_CREATE, &again), NEARCACHE_REGION_EXISTS);
    CHECK(strstr(nearcache_last_error(), place) != NULL);
    ask(cache);
    CHECK(ended_well(started(program, "name", "app")));
    answered(cache);

    /* Twice in one process, and with another size asked for: it is one cache, of its first size. */
    options.access = NEARCACHE_OPEN_OR_CREATE;
    options.size = 16 << 20;
    again = must_open(options);
    CHECK(stat_of(again, "limit_maxbytes") == 2 << 20);
    CHECK(holds(again, "answer", "from the second"));
    IS(nearcache_delete(again, S("answer")), NEARCACHE_OK);
    IS(nearcache_contains(cache, S("answer")), NEARCACHE_MISS);
    IS(set_text(cache, "left", "behind"), NEARCACHE_OK);
    nearcache_close(cache);
    nearcache_close(again);

    /* Nobody has it open, and it is there. */
    cache = must_open(options_of("app", NEARCACHE_EXISTING));
    CHECK(holds(cache, "left", "behind"));

    /* Its name goes; who has it keeps it. */
    IS(nearcache_unlink("app"), NEARCACHE_OK);
    IS(nearcache_unlink("app"), NEARCACHE_MISS);
    CHECK(holds(cache, "left", "behind"));
    again = must_open(options_of("app", NEARCACHE_OPEN_OR_CREATE));
    IS(nearcache_contains(again, S("left")), NEARCACHE_MISS);
    IS(set_text(again, "new", "one"), NEARCACHE_OK);
    IS(nearcache_contains(cache, S("new")), NEARCACHE_MISS);
    nearcache_close(cache);
    nearcache_close(again);
    IS(nearcache_unlink("app"), NEARCACHE_OK);
}

static void by_path(void)
{
    nearcache_cache *cache;
    nearcache_about about;
    char path[512], told[512], tiny[8];
    struct stat file;
    nearcache_options options;
    snprintf(path, sizeof path, "%s", path_of("by path, in no encoding: \377"));
    options = options_of(path, NEARCACHE_OPEN_OR_CREATE);
    options.permissions = 0640;
    cache = must_open(options);
    ask(cache);
    CHECK(ended_well(started(program, "name", path)));
    answered(cache);

    CHECK(stat(path, &file) == 0 && (file.st_mode & 0777) == 0640);
    IS(nearcache_info(cache, told, sizeof told, &about), NEARCACHE_OK);
    CHECK(strcmp(told, path) == 0 && about.path_len == strlen(path));
    CHECK(about.size == 2 << 20 && about.layout == NEARCACHE_LAYOUT_VERSION);
    CHECK(about.home == NEARCACHE_HOME_PATH && about.read_only == 0);
    CHECK(about.uid == geteuid() && about.permissions == 0640);
    CHECK(about.created > 1500000000);
    CHECK(about.processes_max > 1 && about.threads_max >= about.processes_max);
    memset(&about, 0, sizeof about);
    IS(nearcache_info(cache, tiny, sizeof tiny, &about), NEARCACHE_SHORT_BUFFER);
    CHECK(about.path_len == strlen(path) && about.size == 2 << 20);
    IS(nearcache_info(cache, told, about.path_len, &about), NEARCACHE_SHORT_BUFFER);
    IS(nearcache_info(cache, told, about.path_len + 1, &about), NEARCACHE_OK);
    IS(nearcache_info(cache, NULL, 0, &about), NEARCACHE_OK);
    nearcache_close(cache);
    IS(nearcache_unlink(path), NEARCACHE_OK);
    CHECK(stat(path, &file) != 0);
}

static void by_descriptor(nearcache_options options)
{
    nearcache_cache *cache = must_open(options), *again;
    int32_t descriptor = -1;
    int passed;
    char number[16];
    IS(nearcache_descriptor(cache, &descriptor), NEARCACHE_OK);
    CHECK(descriptor >= 0 && (fcntl(descriptor, F_GETFD) & FD_CLOEXEC));
    passed = dup(descriptor); /* without FD_CLOEXEC */
    snprintf(number, sizeof number, "%d", passed);
    ask(cache);
    CHECK(ended_well(started(program, "descriptor", number)));
    answered(cache);

    /* It was duplicated: the caller's own is the caller's to close. */
    options = (nearcache_options)NEARCACHE_OPTIONS_INIT;
    options.descriptor = passed;
    again = must_open(options);
    CHECK(close(passed) == 0);
    nearcache_close(cache);
    answered(again);
    IS(set_text(again, "a", "b"), NEARCACHE_OK);
    nearcache_close(again);
}

static void no_descriptor(void)
{
    nearcache_cache *cache = open_cache(1 << 20, 0);
    int32_t descriptor = 12345;
    nearcache_about about;
    char path[8] = "before";
    IS(nearcache_descriptor(cache, &descriptor), NEARCACHE_MISS);
    CHECK(descriptor == 12345);
    IS(nearcache_info(cache, path, sizeof path, &about), NEARCACHE_OK);
    CHECK(about.home == NEARCACHE_HOME_PRIVATE && about.path_len == 0 && path[0] == '\0');
    nearcache_close(cache);
}

struct roll {
    pid_t wanted;
    int met, others, suspect;
    uint32_t threads;
    char name[64];
};

static void on_process(void *user, const nearcache_process *process)
{
    struct roll *roll = user;
    if (process->pid != (uint32_t)roll->wanted) {
        roll->others++;
        return;
    }
    roll->met++;
    roll->suspect = process->life != NEARCACHE_ALIVE;
    roll->threads = process->threads;
    snprintf(roll->name, sizeof roll->name, "%s", process->name);
    CHECK(process->since > 1500000000);
}

static struct roll look_for(nearcache_cache *cache, pid_t pid)
{
    struct roll roll = { .wanted = pid };
    IS(nearcache_processes(cache, on_process, &roll), NEARCACHE_OK);
    return roll;
}

static void who_shares_it(void)
{
    nearcache_cache *cache = must_open(options_of("who", NEARCACHE_CREATE));
    int ready[2];
    char byte;
    size_t reaped = 99;
    pid_t pid;
    struct roll roll;
    CHECK(look_for(cache, getpid()).others == 0);
    IS(set_text(cache, "a", "b"), NEARCACHE_OK);
    CHECK(pipe(ready) == 0);
    pid = forked();
    if (pid == 0) {
        IS(set_text(cache, "c", "d"), NEARCACHE_OK);
        byte = failures == 0 ? 'y' : 'n';
        if (write(ready[1], &byte, 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    CHECK(read(ready[0], &byte, 1) == 1 && byte == 'y');
    roll = look_for(cache, getpid());
    CHECK(roll.met == 1 && roll.others == 1 && !roll.suspect && roll.threads == 1);
    CHECK(roll.name[0] != '\0');
    roll = look_for(cache, pid);
    CHECK(roll.met == 1 && !roll.suspect && roll.threads == 1);

    CHECK(kill(pid, SIGKILL) == 0);
    CHECK(ended_by(pid, SIGKILL));
    roll = look_for(cache, pid);
    CHECK(roll.met == 0 || roll.suspect);
    IS(nearcache_reap(cache, &reaped), NEARCACHE_OK);
    CHECK(reaped <= 1);
    CHECK(look_for(cache, getpid()).met == 1);
    CHECK(holds(cache, "c", "d"));
    close(ready[0]);
    close(ready[1]);
    nearcache_close(cache);
}

static void a_child_that_only_closes(void)
{
    nearcache_cache *cache = must_open(options_of("who", NEARCACHE_EXISTING));
    pid_t pid;
    IS(set_text(cache, "a", "parent's"), NEARCACHE_OK);
    pid = forked();
    if (pid == 0) {
        nearcache_close(cache);
        child_ends();
    }
    CHECK(ended_well(pid));
    CHECK(look_for(cache, getpid()).met == 1 && !look_for(cache, getpid()).suspect);
    CHECK(look_for(cache, pid).met == 0);
    CHECK(holds(cache, "a", "parent's"));
    nearcache_close(cache);
}

/* As a daemon does when it starts; its descriptors' numbers then belong to other files. */
static void all_descriptors_closed(void)
{
    nearcache_cache *cache = must_open(options_of("who", NEARCACHE_EXISTING));
    int32_t descriptor = -1;
    const pid_t pid = forked();
    int i;
    if (pid == 0) {
        IS(set_text(cache, "b", "before"), NEARCACHE_OK);
        for (i = 3; i < 64; i++)
            close(i);
        IS(nearcache_descriptor(cache, &descriptor), NEARCACHE_MISS);
        for (i = 0; i < 16; i++)
            CHECK(open("/dev/null", O_RDONLY) >= 3);
        IS(nearcache_descriptor(cache, &descriptor), NEARCACHE_MISS);
        CHECK(holds(cache, "b", "before"));
        IS(set_text(cache, "b", "after"), NEARCACHE_OK);
        nearcache_close(cache);
        for (i = 3; i < 19; i++)
            CHECK(fcntl(i, F_GETFD) >= 0);
        child_ends();
    }
    CHECK(ended_well(pid));
    CHECK(holds(cache, "b", "after"));
    nearcache_close(cache);
}

struct list {
    char names[256];
    int troubled;
};

static void on_region(void *user, const nearcache_region *region)
{
    struct list *list = user;
    snprintf(list->names + strlen(list->names), sizeof list->names - strlen(list->names), "%s ", region->name);
    CHECK(strstr(region->path, place) == region->path && region->uid == geteuid());
    if (*region->trouble != '\0')
        list->troubled++;
    else
        CHECK(region->len >= 1 << 20);
}

static void the_list(void)
{
    struct list list = { "", 0 };
    FILE *foreign = fopen(path_of("middle"), "w");
    nearcache_close(must_open(options_of("first", NEARCACHE_CREATE)));
    nearcache_close(must_open(options_of("last", NEARCACHE_CREATE)));
    CHECK(foreign != NULL && fputs("no cache", foreign) > 0 && fclose(foreign) == 0);
    IS(nearcache_unlink("who"), NEARCACHE_OK);
    IS(nearcache_regions(on_region, &list), NEARCACHE_OK);
    CHECK(strcmp(list.names, "first last middle ") == 0);
    CHECK(list.troubled == 1);
    IS(nearcache_unlink("middle"), NEARCACHE_FOREIGN);
    REFUSED(nearcache_unlink("no name"), "cannot name a cache");
}

int main(int argc, char **argv)
{
    nearcache_options inherited = NEARCACHE_OPTIONS_INIT, options = NEARCACHE_OPTIONS_INIT;
    program = argv[0];
    if (argc == 3 && strcmp(argv[1], "race") == 0) {
        racer(argv[2]);
        return finish("test_shared (a racer)");
    }
    if (argc == 3) {
        if (strcmp(argv[1], "descriptor") == 0)
            options.descriptor = atoi(argv[2]);
        else
            options.name = argv[2];
        other(options);
        return finish("test_shared (the other process)");
    }
    make_place();
    by_name();
    by_path();
    inherited.shared = 1;
    inherited.size = 1 << 20;
    by_descriptor(inherited);
    by_descriptor(options_of("passed", NEARCACHE_CREATE));
    IS(nearcache_unlink("passed"), NEARCACHE_OK);
    no_descriptor();
    race();
    who_shares_it();
    a_child_that_only_closes();
    all_descriptors_closed();
    the_list();
    remove_place();
    return finish("test_shared");
}
