--TEST--
The extension's reflection agrees with the stubs: classes, constants, properties, methods, parameters, types, defaults
--FILE--
<?php
foreach (['nearcache', 'nearcache_store'] as $name) {
    $stub = file_get_contents(is_file(__DIR__ . "/../$name.stub.php") ? __DIR__ . "/../$name.stub.php" : __DIR__ . "/$name.stub.php");
    eval('?>' . str_replace('namespace NearCache;', 'namespace Written;', $stub));
}

function type(?ReflectionType $type): string
{
    if ($type === null) {
        return 'none';
    }
    $names = explode('|', strtr((string) $type, ['Written\\' => '', 'NearCache\\' => '']));
    sort($names);
    return implode('|', $names);
}

function describe(string $class): array
{
    $class = new ReflectionClass($class);
    $parent = $class->getParentClass();
    $facts = ['parent' => $parent ? strtr($parent->name, ['Written\\' => 'NearCache\\']) : null, 'final' => $class->isFinal()];
    $facts['interfaces'] = $class->getInterfaceNames();
    foreach ($class->getReflectionConstants() as $constant) {
        $facts["const {$constant->name}"] = [$constant->getValue(), $constant->isPublic()];
    }
    foreach ($class->getProperties() as $property) {
        if ($property->class === $class->name) {
            $facts["property {$property->name}"] = [type($property->getType()), $property->isReadOnly(), $property->isPublic()];
        }
    }
    foreach ($class->getMethods() as $method) {
        if ($method->class !== $class->name) {
            continue;
        }
        $parameters = [];
        foreach ($method->getParameters() as $p) {
            $default = $p->isOptional() ? ['default', serialize($p->getDefaultValue())] : 'required';
            $parameters[] = [$p->name, type($p->getType()), $default, $p->isPassedByReference()];
        }
        $facts["method {$method->name}"] = [
            'parameters' => $parameters,
            'returns' => type($method->getReturnType()),
            'static' => $method->isStatic(),
            'public' => $method->isPublic(),
        ];
    }
    ksort($facts);
    return $facts;
}

$names = array_filter(get_declared_classes(), fn($name) => preg_match('~^(Written|NearCache)\\\\\w+$~', $name));
$names = array_unique(array_map(fn($name) => explode('\\', $name)[1], $names));
sort($names);
foreach ($names as $name) {
    if (!class_exists("Written\\$name") || !class_exists("NearCache\\$name")) {
        echo "$name is not in both\n";
        continue;
    }
    $written = describe("Written\\$name");
    $built = describe("NearCache\\$name");
    foreach (array_keys($written + $built) as $fact) {
        if (($written[$fact] ?? null) !== ($built[$fact] ?? null)) {
            echo "$name, $fact: written ", json_encode($written[$fact] ?? null), ', built ', json_encode($built[$fact] ?? null), "\n";
        }
    }
    echo $name, ': ', count($built), " facts\n";
}
?>
--EXPECT--
Batch: 16 facts
BatchRefusedException: 3 facts
Cache: 198 facts
ConnectionException: 3 facts
DamagedException: 3 facts
DiskFullException: 3 facts
Exception: 3 facts
InUseException: 3 facts
Message: 18 facts
NoQueueException: 3 facts
Queue: 27 facts
QueueFullException: 3 facts
QuotaException: 3 facts
Scan: 9 facts
Snapshot: 8 facts
Store: 36 facts
