<?php

/**
 * Loads these classes where there is no Composer: require this file, and those of the interfaces that are used.
 */

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    $prefix = 'NearCache\\Adapter\\';
    if (!str_starts_with($class, $prefix)) {
        return;
    }
    $file = __DIR__ . '/src/' . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
    if (is_file($file)) {
        require $file;
    }
});
