/* SQLite with prepared statements: what a careful program without a cache would do. */
#include "database.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct database {
    sqlite3 *handle;
    sqlite3_stmt *read;
    sqlite3_stmt *visit;
};

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void check(database *db, int status, int wanted)
{
    if (status != wanted)
        fail("SQLite: %s", sqlite3_errmsg(db->handle));
}

database *database_open(const char *path)
{
    database *db = calloc(1, sizeof *db);
    if (db == NULL)
        fail("out of memory");
    check(db, sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    /* A commit appends to the log without waiting for the disk: the usual setting of a web application. */
    check(db, sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL, NULL),
          SQLITE_OK);
    check(db,
          sqlite3_prepare_v2(db->handle,
                             "SELECT name, email, city, country, bio, created_at, visits FROM users WHERE id = ?", -1,
                             &db->read, NULL),
          SQLITE_OK);
    check(db,
          sqlite3_prepare_v2(db->handle, "UPDATE users SET visits = visits + 1 WHERE id = ?", -1, &db->visit, NULL),
          SQLITE_OK);
    return db;
}

void database_close(database *db)
{
    sqlite3_finalize(db->read);
    sqlite3_finalize(db->visit);
    sqlite3_close(db->handle);
    free(db);
}

static void copy_text(database *db, int column, user *row)
{
    const unsigned char *text = sqlite3_column_text(db->read, column);
    int length = sqlite3_column_bytes(db->read, column);
    if (text == NULL || length > USER_TEXT_MAX)
        fail("user %u has a text of %d bytes in column %d; the demo's rows hold at most %d", row->id, length, column,
             USER_TEXT_MAX);
    memcpy(row->text[column], text, (size_t)length + 1);
    row->length[column] = (uint8_t)length;
}

int database_read(database *db, uint32_t id, user *row)
{
    sqlite3_bind_int64(db->read, 1, id);
    int status = sqlite3_step(db->read);
    if (status == SQLITE_ROW) {
        row->id = id;
        for (int i = 0; i < USER_TEXTS; i++)
            copy_text(db, i, row);
        row->created_at = sqlite3_column_int64(db->read, 5);
        row->visits = (uint32_t)sqlite3_column_int64(db->read, 6);
    } else {
        check(db, status, SQLITE_DONE);
    }
    sqlite3_reset(db->read);
    return status == SQLITE_ROW;
}

void database_visit(database *db, uint32_t id)
{
    sqlite3_bind_int64(db->visit, 1, id);
    check(db, sqlite3_step(db->visit), SQLITE_DONE);
    sqlite3_reset(db->visit);
}
