<?php
/*
 * What bench.php measured, in words and as a picture: a Markdown table, a chart in SVG (no fonts or scripts from elsewhere,
 * readable on a light page and on a dark one), and whether the bars are met.
 */

/** What the extension is to reach with one process: the work, the peer (or none: nanoseconds), the most. */
const BARS = [
    ['get of a 100-byte string', 'APCu', 0.85],
    ['set of a 100-byte string', 'APCu', 1.0],
    ['get of a 100-byte string', 'php-memcached, unix socket', 0.01],
    ['get of 10 routes', null, 120],
    ['get of 100 routes', null, 120],
    ['get of 1000 routes', null, 120],
];
const COLOURS = ['nearcache' => '#d55e00', 'APCu' => '#0072b2', 'Yac' => '#009e73', 'php-memcached, unix socket' => '#cc79a7'];

/** Says which bars are not met; is there one? */
function misses_a_bar(array $rows): bool
{
    $missed = false;
    foreach (BARS as [$work, $peer, $most]) {
        foreach ($rows as $row) {
            $seen = $peer === null ? $row['ours'] : $row['ratio'];
            if ($row['work'] === $work && ($peer ?? $row['peer']) === $row['peer'] && $seen > $most) {
                echo "not met: $work, ", $peer === null ? "$seen ns and not $most" : sprintf('%.3f of %s and not %s', $seen, $peer, $most), "\n";
                $missed = true;
                break;
            }
        }
    }
    return $missed;
}

/** Three digits, and none that nobody reads. */
function figure(float $number): string
{
    return match (true) {
        $number >= 10_000 => number_format($number),
        $number >= 100 => sprintf('%.0f', $number),
        $number >= 10 => sprintf('%.1f', $number),
        $number >= 0.01 => sprintf('%.2f', $number),
        default => sprintf('%.2g', $number),
    };
}

/** @return array<string, array<string, array>> the rows by work and peer */
function by_work(array $rows): array
{
    $works = [];
    foreach ($rows as $row) {
        $works[$row['work']][$row['peer']] = $row;
    }
    return $works;
}

function table(array $rows): string
{
    $peers = array_values(array_unique(array_column($rows, 'peer')));
    $lines = [['work', 'nearcache', ...$peers], ['---', ...array_fill(0, count($peers) + 1, '---:')]];
    foreach (by_work($rows) as $work => $of) {
        $line = [$work, figure(reset($of)['ours'])];
        foreach ($peers as $peer) {
            $row = $of[$peer] ?? null;
            $line[] = $row ? sprintf('%s (%s ±%d %%)', figure($row['theirs']), figure($row['ratio']), round($row['spread'] * 100)) : '';
        }
        $lines[] = $line;
    }
    return implode('', array_map(fn($line) => '| ' . implode(' | ', $line) . " |\n", $lines));
}

function write(string $directory, array $rows): void
{
    preg_match('/^model name\s*:\s*(.*)$/m', (string) @file_get_contents('/proc/cpuinfo'), $model);
    $versions = 'PHP ' . PHP_VERSION . ', APCu ' . phpversion('apcu') . (extension_loaded('yac') ? ', Yac ' . phpversion('yac') : '')
        . ', php-memcached ' . phpversion('memcached');
    $processors = substr_count((string) @file_get_contents('/proc/cpuinfo'), "processor\t");
    file_put_contents("$directory/speed.md", "# PHP beside other caches\n\n"
        . "Nanoseconds a call, medians of rounds in which the caches took turns; the time of the loop is taken off. In brackets nearcache's\n"
        . "divided by the other's, below 1 is better for nearcache, and half of the width of the middle half of the rounds. Two\n"
        . "processes work at the same time on one cache. `make bench-php REPORT=bindings/php/benches/results`\n\n"
        . "Measured on $processors cores, " . trim($model[1] ?? php_uname('m')) . ". $versions.\n\n![PHP beside other caches](speed.svg)\n\n" . table($rows));
    file_put_contents("$directory/speed.svg", chart($rows));
}

/** One line for each work of one process, on it a dot for each cache where its time lies, on a scale of powers of ten. */
function chart(array $rows): string
{
    [$left, $right, $top, $step] = [220, 880, 66, 22];
    $works = array_filter(by_work($rows), fn($work) => !str_contains($work, 'processes'), ARRAY_FILTER_USE_KEY);
    $all = array_merge(...array_values(array_map(fn($of) => [reset($of)['ours'], ...array_column($of, 'theirs')], $works)));
    [$low, $high] = [floor(log10(min($all))), ceil(log10(max($all)))];
    $at = fn(float $time) => sprintf('%.1f', $left + ($right - $left) * (log10($time) - $low) / ($high - $low));
    $height = $top + $step * count($works) + 34;
    $bottom = $height - 30;
    $title = 'Time of a call from PHP (logarithmic; further left is better)';
    $svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 $height\" role=\"img\">\n<title>$title</title>\n"
        . '<style>text{font:13px system-ui,sans-serif;fill:#24292f}.head{font-weight:600;font-size:15px}.grid{stroke:#d0d7de}'
        . "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}}</style>\n"
        . "<text class=\"head\" x=\"14\" y=\"22\">$title</text>\n";
    $x = 20;
    $peers = ['nearcache', ...array_unique(array_column($rows, 'peer'))];
    foreach ($peers as $peer) {
        $svg .= sprintf("<circle cx=\"%d\" cy=\"40\" r=\"5\" fill=\"%s\"/><text x=\"%d\" y=\"44\">%s</text>\n", $x, COLOURS[$peer], $x + 10, $peer);
        $x += 34 + (int) (7.4 * strlen($peer));
    }
    for ($power = $low; $power <= $high; $power++) {
        $label = ['1 ns', '10 ns', '100 ns', '1 µs', '10 µs', '100 µs', '1 ms', '10 ms', '100 ms'][(int) $power] ?? "1e$power ns";
        $tick = $at(10 ** $power);
        $svg .= "<line class=\"grid\" x1=\"$tick\" x2=\"$tick\" y1=\"" . ($top - 12) . "\" y2=\"$bottom\"/>"
            . "<text x=\"$tick\" y=\"" . ($bottom + 18) . "\" text-anchor=\"middle\">$label</text>\n";
    }
    $y = $top;
    foreach ($works as $work => $of) {
        $svg .= sprintf('<text x="%d" y="%d" text-anchor="end">%s</text>', $left - 14, $y + 4, $work)
            . "<line class=\"grid\" x1=\"$left\" x2=\"$right\" y1=\"$y\" y2=\"$y\"/>\n";
        foreach ([...array_column($of, 'theirs', 'peer'), 'nearcache' => reset($of)['ours']] as $peer => $time) {
            $svg .= sprintf("<circle cx=\"%s\" cy=\"%d\" r=\"5\" fill=\"%s\"><title>%s: %s ns</title></circle>\n", $at($time), $y, COLOURS[$peer], $peer, figure($time));
        }
        $y += $step;
    }
    return "$svg</svg>\n";
}
