#!/bin/sh
# Runs driver_table.txt through a driver, whole values and all, and compares the answers byte for byte.
#
#   driver_check.sh DRIVER WORK_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
driver=$1
work=$2
cr=$(printf '\r')
sed -n "s/^> \(.*\)/\1$cr/p; s/^>\$/$cr/p" "$here/driver_table.txt" >"$work/driver.in"
sed -n "s/^< \(.*\)/\1$cr/p" "$here/driver_table.txt" >"$work/driver.want"

# Cases too long to write out: a key of 251 bytes, whose data must be swallowed, and a value of 2 MB.
key=$(printf '%0251d' 0)
{
    printf 'set %s 0 0 1\r\nx\r\nget %s\r\nget a %s\r\n' "$key" "$key" "$key"
    printf 'set big 0 0 2000000\r\n%02000000d\r\nget big\r\n' 0
    printf 'set big 0 0 1000000\r\n%01000000d\r\ngats 5 big\r\n' 0
} >>"$work/driver.in"
{
    printf 'CLIENT_ERROR bad command line format\r\n%.0s' 1 2 3
    printf 'SERVER_ERROR object too large for cache\r\nEND\r\n'
    printf 'STORED\r\nVALUE big 0 1000000 CAS\r\n%01000000d\r\nEND\r\n' 0
} >>"$work/driver.want"
"$driver" <"$work/driver.in" | sed 's/^\(VALUE big 0 1000000\) [0-9][0-9]*/\1 CAS/' >"$work/driver.got"
cmp "$work/driver.got" "$work/driver.want"
