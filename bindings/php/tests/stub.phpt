--TEST--
The extension's reflection agrees with nearcache.stub.php: classes, constants, methods, parameters, types, defaults
--FILE--
<?php
$stub = file_get_contents(is_file(__DIR__ . '/../nearcache.stub.php') ? __DIR__ . '/../nearcache.stub.php' : __DIR__ . '/nearcache.stub.php');
eval('?>' . str_replace('namespace NearCache;', 'namespace Written;', $stub));

function type(?ReflectionType $type): string
{
    if ($type === null) {
        return 'none';
    }
    $names = explode('|', (string) $type);
    sort($names);
    return implode('|', $names);
}

function describe(string $class): array
{
    $class = new ReflectionClass($class);
    $facts = ['parent' => $class->getParentClass() ? $class->getParentClass()->name : null];
    foreach ($class->getReflectionConstants() as $constant) {
        $facts["const {$constant->name}"] = [$constant->getValue(), $constant->isPublic()];
    }
    foreach ($class->getMethods() as $method) {
        if ($method->class !== $class->name) {
            continue;
        }
        $parameters = [];
        foreach ($method->getParameters() as $p) {
            $parameters[] = [$p->name, type($p->getType()), $p->isOptional() ? ['default', $p->getDefaultValue()] : 'required'];
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

foreach (['Cache', 'Exception'] as $name) {
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
Cache: 196 facts
Exception: 1 facts
