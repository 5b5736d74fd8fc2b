--TEST--
Whatever a script does to an array that is kept decoded, it does to a copy of its own
--FILE--
<?php
require __DIR__ . '/l1_copy.inc';
?>
--EXPECT--
done
