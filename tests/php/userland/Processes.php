<?php

/**
 * Several processes at once: each runs a closure, and what it returns comes back.
 */

declare(strict_types=1);

namespace NearCache\Tests;

final class Processes
{
    /**
     * Runs `$work(number)` in so many forked processes, which all begin at the same moment.
     *
     * @param \Closure(int): mixed $work
     * @return list<mixed>
     */
    public static function run(int $count, \Closure $work): array
    {
        $ends = [];
        for ($number = 0; $number < $count; $number++) {
            [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
            $pid = pcntl_fork();
            if ($pid === 0) {
                fclose($ours);
                foreach ($ends as [, $other]) {
                    fclose($other);
                }
                fread($theirs, 1);
                try {
                    $answer = $work($number);
                } catch (\Throwable $error) {
                    $answer = (string) $error;
                }
                fwrite($theirs, serialize($answer));
                // Without destructors and without PHPUnit's own end.
                posix_kill(getmypid(), SIGKILL);
            }
            fclose($theirs);
            $ends[] = [$pid, $ours];
        }
        foreach ($ends as [, $end]) {
            fwrite($end, 'x');
        }
        $answers = [];
        foreach ($ends as [$pid, $end]) {
            $answers[] = unserialize((string) stream_get_contents($end));
            pcntl_waitpid($pid, $status);
        }
        return $answers;
    }
}
