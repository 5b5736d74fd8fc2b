<?php
/*
 * The calls of apcu_calls.php on APCu and on nearcache with nearcache.apcu_compat=1, in a process each. Whatever answers
 * differ must be listed here, and whatever is listed must differ.
 *
 * Usage: php apcu.php EXTENSION
 */

const LISTED = [
    'entry without a callable' => 'the sentence says less of why it is none',
    'its keys' => 'an item with a negative ttl is dead from the start, and not listed',
    'serialize' => 'an iterator is not serialized; what APCu makes of it cannot be read',
];

/** The answers, by label. */
function answers(string ...$options): array
{
    $command = [PHP_BINARY, '-n', ...$options, __DIR__ . '/apcu_calls.php'];
    $process = proc_open($command, [1 => ['pipe', 'w']], $pipes);
    $said = stream_get_contents($pipes[1]);
    if (proc_close($process) !== 0) {
        fwrite(STDERR, "the calls did not end well:\n$said");
        exit(1);
    }
    $answers = [];
    foreach (explode("\n", trim($said)) as $line) {
        $answer = json_decode($line, true);
        if (!is_array($answer)) {
            fwrite(STDERR, "said besides its answers: $line\n");
            exit(1);
        }
        isset($answers[$answer[0]]) && exit("two calls have the label $answer[0]\n");
        $answers[$answer[0]] = array_slice($answer, 1);
    }
    return $answers;
}

$theirs = answers('-d', 'extension=apcu', '-d', 'apc.enable_cli=1');
$ours = answers('-d', "extension=$argv[1]", '-d', 'nearcache.enable_cli=1', '-d', 'nearcache.apcu_compat=1');
$wrong = 0;
foreach ($theirs + $ours as $label => $_) {
    $differs = ($theirs[$label] ?? null) !== ($ours[$label] ?? null);
    if ($differs !== isset(LISTED[$label])) {
        $wrong++;
        echo $label, $differs ? ': differs' : ': is listed, and does not differ', "\n  APCu:      ",
            json_encode($theirs[$label] ?? null), "\n  nearcache: ", json_encode($ours[$label] ?? null), "\n";
    }
}
echo count($theirs), " calls, $wrong wrong\n";
exit($wrong === 0 && count($theirs) > 200 ? 0 : 1);
