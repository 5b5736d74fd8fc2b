/* The table of users, through SQLite. Every failure ends the program with a sentence. */
#ifndef DEMO_DATABASE_H
#define DEMO_DATABASE_H

#include "user.h"

typedef struct database database;

database *database_open(const char *path);
void database_close(database *db);

/* Reads one row; returns 1, or 0 if there is no such user. */
int database_read(database *db, uint32_t id, user *row);

/* Counts one more visit of this user, in a transaction of its own. */
void database_visit(database *db, uint32_t id);

/* Ends the program with a sentence, as printf words it. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
