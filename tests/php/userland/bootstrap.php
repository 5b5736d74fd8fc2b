<?php

/**
 * What the adapters' tests load: the adapters, and of the libraries they adapt to those of Debian's packages, or of the
 * folder that NEARCACHE_PHP_LIBRARIES names (laid out as Debian's /usr/share/php).
 */

declare(strict_types=1);

// Illuminate 8 and Symfony 5.4 are older than PHP 8.2: what it finds outdated in them is not what is tested.
error_reporting(E_ALL & ~E_DEPRECATED);

$libraries = getenv('NEARCACHE_PHP_LIBRARIES') ?: '/usr/share/php';
set_include_path($libraries . PATH_SEPARATOR . get_include_path());

foreach (
    [
        'Psr/Cache/autoload.php',
        'Psr/SimpleCache/autoload.php',
        'Symfony/Component/Cache/autoload.php',
        'Illuminate/Contracts/autoload.php',
        'Illuminate/Support/autoload.php',
        'Illuminate/Container/autoload.php',
        'Illuminate/Cache/autoload.php',
        'Illuminate/Config/autoload.php',
        'Cache/IntegrationTests/autoload.php',
    ] as $file
) {
    require_once $libraries . '/' . $file;
}
require_once __DIR__ . '/../../../bindings/php/userland/autoload.php';
require_once __DIR__ . '/Processes.php';
