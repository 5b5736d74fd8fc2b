<?php
/**
 * A worker that shares its cache with others: does what it is told on standard input, a line at a time.
 *
 *   worker.php DATABASE CACHE_NAME CACHE_MIB
 *
 *   get ID       ->  hit|miss MICROSECONDS VISITS NAME
 *   update ID    ->  updated MICROSECONDS
 */

declare(strict_types=1);

require __DIR__ . '/Users.php';

if ($argc !== 4) {
    fwrite(STDERR, "usage: worker.php DATABASE CACHE_NAME CACHE_MIB\n");
    exit(1);
}
[, $database, $name, $mebibytes] = $argv;
$users = new Users($database, new NearCache\Cache("{$mebibytes}M", ['name' => $name]));

while (($line = fgets(STDIN)) !== false) {
    [$verb, $id] = explode(' ', trim($line));
    $hits = $users->hits;
    $begin = hrtime(true);
    if ($verb === 'update') {
        $users->updateUser((int) $id);
        printf("updated %.2f\n", (hrtime(true) - $begin) / 1e3);
    } else {
        $user = $users->getUser((int) $id);
        $took = (hrtime(true) - $begin) / 1e3;
        printf("%s %.2f %d %s\n", $users->hits > $hits ? 'hit' : 'miss', $took, $user['visits'], $user['name']);
    }
    flush();
}
