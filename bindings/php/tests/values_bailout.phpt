--TEST--
memory_limit is hit while a value is read or written, by every serializer and compressor: the cache stays sound and goes on
--FILE--
<?php
require __DIR__ . '/sharing.inc';

const OPEN = '$c = new NearCache\Cache("64M", ["name" => "app", "item_size_max" => "16M"]); ';
// So many parts that no request of 16 MB holds them.
const STORE = OPEN . 'var_dump($c->set("k", array_fill(0, 700000, "part")));';
const READ = OPEN . 'echo "begun\n"; $x = $c->get("k"); echo $c->getResultCode() === 0 ? "not reached\n" : "";';
const WRITE = OPEN . '$a = array_fill(0, 300, array_fill(0, 1000, str_repeat("x", 80))); echo "begun\n"; $c->set("k", $a); echo "not reached\n";';
$c = new NearCache\Cache('64M', ['name' => 'app', 'item_size_max' => '16M']);
foreach (['php', 'json_array', 'portable'] as $serializer) {
    foreach (['off', 'fastlz', 'zlib', 'zstd'] as $type) {
        $settings = ['nearcache.serializer' => $serializer, 'nearcache.compression' => $type === 'off' ? '0' : '1', 'nearcache.compression_type' => $type === 'off' ? 'fastlz' : $type];
        if (($said = php($settings + ['memory_limit' => '-1'], STORE)) !== "bool(true)\n") {
            echo "$serializer $type: $said\n";
        }
        foreach ([READ, WRITE] as $work) {
            $before = $work === READ ? $c->getRaw('k')[0] : $c->set('k', 'old') . $c->getRaw('k')[0];
            $said = php($settings + ['memory_limit' => '16M'], $work);
            // PHP itself says this or that, by how much was asked for at once; or the value is refused before.
            if (!str_starts_with($said, "begun\n") || str_contains($said, 'not reached') || !preg_match('/emory (size|limit) of \d+ bytes exhausted|memory_limit leaves/', $said)) {
                echo "$serializer $type: $said\n";
            }
            $after = $work === READ ? $c->getRaw('k')[0] : '1' . $c->getRaw('k')[0];
            if ($before !== $after || !$c->set('other', 1) || $c->get('other') !== 1 || !$c->check()) {
                echo "$serializer $type: the cache is not as it was\n";
            }
        }
    }
}
var_dump($c->check());
?>
--EXPECT--
bool(true)
