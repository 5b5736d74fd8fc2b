#!/usr/bin/env bash
# Installs the packages on a machine with a systemd of its own (machine.sh), uses everything that is in them, and purges
# them: the service in its sandbox, its instances, its caches in the hands of other processes, the tool, the library.
set -u
. ./check.sh
export DEBIAN_FRONTEND=noninteractive

install_all() {
    dpkg --force-confold -i ./*.deb
}

# What is where packages put things, but for logs, caches of other packages and dpkg's own books.
files() {
    find /etc /usr /opt /srv /var \( -path /var/log -o -path /var/cache -o -path /var/lib/dpkg \) -prune -o -print | sort
    find /run /dev/shm -path /run/systemd -prune -o -name '*nearcache*' -print | sort
}

# ask PORT LINE...: the replies.
ask() {
    local port=$1
    shift
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return
    printf '%s\r\n' "$@" quit >&3
    cat <&3
    exec 3<&-
}

stored_and_read() {
    ask 11211 'set user:1 0 0 3' Ada >/dev/null && expect Ada ask 11211 'get user:1'
}

main_pid() {
    systemctl show --property=MainPID --value "${1:-nearcached}"
}

# status FIELD: of the daemon, from /proc.
status() {
    sed -n "s/^$1:[[:space:]]*//p" "/proc/$(main_pid)/status"
}

# options TEXT: as an operator changes them; the service has no limit of starts within a time here.
options() {
    sed -i "s|^OPTIONS=.*|OPTIONS=\"$1\"|" /etc/default/nearcached &&
        systemctl reset-failed nearcached && systemctl restart nearcached && until_true answers_after 0
}

as_service() {
    setpriv --reuid=nearcache --regid=nearcache --clear-groups "$@"
}

sandboxed() {
    expect nearcache stat -c %U "/proc/$(main_pid)" &&
        expect 1 status NoNewPrivs && expect 2 status Seccomp && expect 0+ status CapEff && expect 0+ status CapBnd &&
        refuse nsenter -t "$(main_pid)" -m touch /etc/here && refuse nsenter -t "$(main_pid)" -m touch /var/lib/here &&
        touch /tmp/outside && refuse nsenter -t "$(main_pid)" -m test -e /tmp/outside
}

exposure() {
    systemd-analyze verify nearcached.service nearcached@www.service &&
        systemd-analyze security --threshold=20 --no-pager nearcached.service
}

# The listening sockets of port 11211 (2BCB): one, on the loopback.
local_only() {
    local found
    found=$(awk '$2 ~ /:2BCB$/ && $4 == "0A" {print $2}' /proc/net/tcp /proc/net/tcp6)
    [ "$found" = 0100007F:2BCB ] || { echo "$found"; return 1; }
}

# Where root itself may not raise the limit, locking fails by the limit and not by the sandbox's filter.
memory_locked() {
    options "-m 16 -k -l 127.0.0.1" || return
    if (ulimit -l unlimited) 2>/dev/null; then
        [ "$(status VmLck | sed 's/[^0-9]//g')" -ge 16384 ]
    else
        expect '.*mlockall\(\) failed: Cannot allocate memory.*' journalctl -u nearcached
    fi
}

shared_region() {
    options "-m 16 -l 127.0.0.1 --region app" && stored_and_read &&
        expect Ada as_service nearcache get app user:1 &&
        as_service nearcache set app user:2 Grace && expect Grace ask 11211 'get user:2' &&
        expect ".*\\b$(main_pid)\\b.*alive.*" as_service nearcache stat app
}

# answers_after PID: another process than that one.
answers_after() {
    [ "$(main_pid)" != 0 ] && [ "$(main_pid)" != "$1" ] && expect 'VERSION .*' ask 11211 version
}

# Killed, it comes back by itself; and what was in the cache is there.
warm_after_kill() {
    local before
    before=$(main_pid)
    kill -9 "$before"
    until_true answers_after "$before" && expect Ada ask 11211 'get user:1'
}

warm_after_stop() {
    systemctl stop nearcached && expect Ada as_service nearcache get app user:1 &&
        systemctl start nearcached && until_true answers_after 0 && expect Ada ask 11211 'get user:1'
}

reload() {
    local before
    before=$(main_pid)
    systemctl reload nearcached && expect Ada ask 11211 'get user:1' && [ "$(main_pid)" = "$before" ]
}

# The example of the manual page: an instance that runs as another user.
instance() {
    mkdir -p /etc/systemd/system/nearcached@www.service.d
    printf '[Service]\nUser=www-data\n' >/etc/systemd/system/nearcached@www.service.d/override.conf
    echo 'OPTIONS="-s /run/nearcached-www/socket -a 777"' >/etc/default/nearcached-www
    systemctl daemon-reload && systemctl enable --now nearcached@www && until_true test -S /run/nearcached-www/socket &&
        expect www-data stat -c %U "/proc/$(main_pid nearcached@www)" &&
        expect 'VERSION .*' perl -MIO::Socket::UNIX -e \
            '$s = IO::Socket::UNIX->new("/run/nearcached-www/socket") or die $!; print $s "version\r\n"; print scalar <$s>'
}

c_program() {
    # shellcheck disable=SC2046  # the flags are words
    cc -Wall -Werror -o shared example.c $(pkg-config --cflags --libs nearcache) && expect Ada ./shared &&
        ldd ./shared | grep -q "/lib/$(gcc -print-multiarch)/libnearcache.so.0" &&
        cc -o static example.c -l:libnearcache.a $(pkg-config --libs --static nearcache | sed 's/-lnearcache//') &&
        expect Ada ./static && refuse grep -q libnearcache.so ./static
}

pages_found() {
    local page
    for page in nearcached nearcache; do
        expect "/usr/share/man/man1/$page.1.gz" man -w $page || return
    done
}

# An upgrade leaves what the operator has changed, and the service runs the new program.
upgrade() {
    local before
    before=$(main_pid)
    install_all && until_true answers_after "$before" &&
        grep -q -- '--region app' /etc/default/nearcached && expect active systemctl is-active nearcached@www
}

disabled_stays_disabled() {
    systemctl disable --now nearcached && install_all && [ "$(systemctl is-enabled nearcached)" = disabled ] &&
        [ "$(systemctl is-active nearcached)" = inactive ]
}

# A removed package keeps what an operator would miss, and nothing runs any more.
removal() {
    systemctl start nearcached && dpkg --remove nearcached && refuse pgrep -x nearcached &&
        grep -q -- '--region app' /etc/default/nearcached && expect Ada as_service nearcache get app user:1
}

# The user is left, by intent; and what this test itself has written.
purge() {
    rm -r /etc/default/nearcached-www /etc/systemd/system/nearcached@www.service.d
    systemctl disable nearcached@www 2>/dev/null
    dpkg --purge nearcached nearcache libnearcache-dev libnearcache0 || return
    files >after
    ! diff before after | grep '^[<>]'
}

files >before
step "the packages are installed" install_all
step "the service runs" until_true stored_and_read
step "it listens on this machine alone" local_only
step "it is in its sandbox" sandboxed
step "systemd finds the units right, and tight" exposure
step "-k locks memory" memory_locked
step "a region is shared with another process" shared_region
step "it is restarted when killed, warm" warm_after_kill
step "warm after a stop and a start" warm_after_stop
step "a reload ends nothing" reload
step "an instance of another user, on a unix socket" instance
step "a C program, shared and static" c_program
step "man finds the pages" pages_found
step "an upgrade" upgrade
step "what was disabled stays disabled" disabled_stays_disabled
step "removed" removal
step "purged: nothing is left" purge
finish
