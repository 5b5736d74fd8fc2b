/* fork: the child has a copy of its own; what either does, the other does not see. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static int child(nearcache_cache *cache)
{
    char key[16];
    int i;
    CHECK(holds(cache, "before", "parent"));
    IS(nearcache_set(cache, S("before"), S("child"), 0, 0, NULL), NEARCACHE_OK);
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
    return finish("test_fork (child)");
}

int main(void)
{
    nearcache_cache *cache = open_cache(1 << 20, 0);
    int status = -1;
    pid_t pid;
    IS(nearcache_set(cache, S("before"), S("parent"), 0, 0, NULL), NEARCACHE_OK);
    fflush(NULL);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        exit(child(cache));
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(holds(cache, "before", "parent"));
    IS(nearcache_contains(cache, S("c2999")), NEARCACHE_MISS);
    IS(nearcache_set(cache, S("after"), S("parent"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    return finish("test_fork");
}
