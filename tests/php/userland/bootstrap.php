<?php

/**
 * What the adapters' tests load: the adapters, and the libraries they adapt to, from Debian's packages. For others
 * NEARCACHE_PHP_AUTOLOAD names the vendor/autoload.php of a project that requires cache/integration-tests,
 * symfony/cache, illuminate/cache, illuminate/config and illuminate/container.
 */

declare(strict_types=1);

// Illuminate 8 and Symfony 5.4 are older than PHP 8.2: what it finds outdated in them is not what is tested.
error_reporting(E_ALL & ~E_DEPRECATED);

$autoloaders = [
    'Psr/Cache/autoload.php',
    'Psr/SimpleCache/autoload.php',
    'Symfony/Component/Cache/autoload.php',
    'Illuminate/Cache/autoload.php',
    'Illuminate/Config/autoload.php',
    'Illuminate/Container/autoload.php',
    'Cache/IntegrationTests/autoload.php',
];
foreach (getenv('NEARCACHE_PHP_AUTOLOAD') ? [getenv('NEARCACHE_PHP_AUTOLOAD')] : $autoloaders as $file) {
    require_once $file;
}
require_once __DIR__ . '/../../../bindings/php/userland/autoload.php';
require_once __DIR__ . '/Processes.php';
