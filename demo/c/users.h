/* Cache-aside: users in a database, a cache in front of it. */
#ifndef DEMO_USERS_H
#define DEMO_USERS_H

#include "cache.h"
#include "database.h"

#define USERS_KEY_MAX 32

typedef struct users {
    database *db;
    cache *cache; /* NULL: the database alone */
    long hits;
    long misses;
} users;

/* Writes the key of a user's row into `key`, which has room for USERS_KEY_MAX bytes; returns its length. */
size_t users_key(uint32_t id, char *key);

/* The cache first; on a miss the database, and the row is left in the cache for the next one. Returns 1, or 0 if there
 * is no such user. */
int users_get(users *u, uint32_t id, user *row);

/* Counts a visit. The row first, then the cache forgets it: a crash in between leaves an old row for at most
 * ROW_SECONDS; the other way round a reader could put the old row back. */
void users_update(users *u, uint32_t id);

/* Answers requests on standard input, a line each, until its end; worker.c says which. */
void users_serve(users *u);

#endif
