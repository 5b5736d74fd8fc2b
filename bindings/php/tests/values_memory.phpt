--TEST--
memory_limit: what a compressed value announces, or turns out to hold, is refused in words and not by the end of the request
--EXTENSIONS--
zlib
--INI--
memory_limit=16M
--FILE--
<?php
use NearCache\Cache;

$c = new Cache('8M');
set_error_handler(function ($level, $text) { echo preg_replace('/\d{7,}/', 'N', $text), "\n"; return true; });
$zlib = gzcompress(str_repeat("\0", 1000), 9);
// 100 MB of zeros in zlib's format, made piece by piece.
$deflate = deflate_init(ZLIB_ENCODING_DEFLATE);
$bomb = '';
for ($i = 0; $i < 100; $i++) {
    $bomb .= deflate_add($deflate, str_repeat("\0", 1000000), $i === 99 ? ZLIB_FINISH : ZLIB_NO_FLUSH);
}
foreach ([[0x30, pack('L', 100000000) . $bomb], [0x34, pack('L', 100000000) . $bomb], [0x4E430008, $bomb], [0x4E430002, "\x93\x07\xce\x4e\x43\0\x08\x80" . $bomb]] as [$flags, $bytes]) {
    $c->storeRaw('set', 'k', $bytes, $flags);
    var_dump($c->get('k'), $c->getResultMessage());
}
// What memory_limit leaves is used: again and again.
$text = str_repeat('x', 5000000);
$c->storeRaw('set', 'k', pack('L', 5000000) . gzcompress($text), 0x30);
for ($i = 0; $i < 20; $i++) {
    if ($c->get('k') !== $text) {
        echo "round $i\n";
    }
}
var_dump($c->check());
?>
--EXPECTF--
NearCache\Cache::get(): the value cannot be read: %d bytes with flags 0x30 (it holds N bytes or more, and memory_limit leaves N: raise it, or store less)
bool(false)
string(15) "PAYLOAD FAILURE"
NearCache\Cache::get(): the value cannot be read: %d bytes with flags 0x34 (it holds N bytes or more, and memory_limit leaves N: raise it, or store less)
bool(false)
string(15) "PAYLOAD FAILURE"
NearCache\Cache::get(): the value cannot be read: %d bytes with flags 0x4e430008 (it holds N bytes or more, and memory_limit leaves N: raise it, or store less)
bool(false)
string(15) "PAYLOAD FAILURE"
NearCache\Cache::get(): the value cannot be read: %d bytes with flags 0x4e430002 (it holds N bytes or more, and memory_limit leaves N: raise it, or store less)
bool(false)
string(15) "PAYLOAD FAILURE"
bool(true)
