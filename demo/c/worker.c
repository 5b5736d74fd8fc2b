/* A worker that shares its cache with others: does what it is told, a line at a time.
 *
 *   get ID       ->  hit|miss MICROSECONDS VISITS NAME
 *   update ID    ->  updated MICROSECONDS
 */
#include "users.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static double microseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

void users_serve(users *u)
{
    char line[64], verb[16];
    uint32_t id;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "%15s %u", verb, &id) != 2)
            fail("a request is a verb and a user's id, not %s", line);
        double begin = microseconds();
        if (strcmp(verb, "update") == 0) {
            users_update(u, id);
            printf("updated %.2f\n", microseconds() - begin);
        } else if (strcmp(verb, "get") == 0) {
            user row;
            long hits = u->hits;
            if (!users_get(u, id, &row))
                fail("there is no user %u", id);
            double took = microseconds() - begin;
            printf("%s %.2f %u %s\n", u->hits > hits ? "hit" : "miss", took, row.visits, row.text[USER_NAME]);
        } else {
            fail("the verbs are get and update, not %s", verb);
        }
        fflush(stdout);
    }
}
