#!/usr/bin/env bash
# Runs a script as root on a machine that is thrown away: this machine's files with every change going to memory, a
# systemd of its own as the first process, no network but the loopback. So a package can be installed as it really is,
# and nothing of it is left.
#
#   tests/packaging/machine.sh FOLDER SCRIPT     FOLDER is copied to /test there, and SCRIPT of it is run
#
# Needs root, and leave to mount: a container may have to be given it.
set -euo pipefail

if [ "${1:-}" != --inside ]; then
    [ "$(id -u)" = 0 ] || exec sudo -n "$0" "$@"
    # nspawn makes its control groups beside its own; without a systemd to give it one, it gets one here.
    groups=()
    if [ ! -d /run/systemd/system ]; then
        for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
            [ ! -w "$root/cgroup.procs" ] || groups+=("$root/nearcache-packaging.$$")
        done
        set -- --keep-unit "$@"
    else
        set -- --property=Description=nearcache "$@"
    fi
    # shellcheck disable=SC2317  # the trap calls it
    tidy() {
        local group
        for group in "${groups[@]}"; do
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        done
    }
    trap tidy EXIT
    [ ${#groups[@]} -eq 0 ] || mkdir "${groups[@]}"
    (
        for group in "${groups[@]}"; do
            echo "$BASHPID" >"$group/cgroup.procs"
        done
        exec unshare --mount --propagation private "$0" --inside "$@"
    )
    exit
fi

unit=$2 folder=$(realpath "$3") script=$4
where=$(mktemp -d)
mount -t tmpfs -o mode=755 nearcache "$where"
mkdir "$where/upper" "$where/work" "$where/root" "$where/test"
cp -r "$folder/." "$where/test"
mount -t overlay -o "lowerdir=/,upperdir=$where/upper,workdir=$where/work" overlay "$where/root"
cd "$where/root"
mkdir test
cp -r ../test/. test
# What a container does not want started or installed, and what is not to be started here.
rm -rf usr/sbin/policy-rc.d etc/dpkg/dpkg.cfg.d/* etc/systemd/system/{multi-user,timers}.target.wants
cat >etc/systemd/system/test.service <<UNIT
[Service]
Type=oneshot
WorkingDirectory=/test
ExecStart=/test/$script
StandardOutput=file:/test/log
StandardError=file:/test/log
ExecStopPost=/bin/sh -c 'echo \$EXIT_STATUS >/test/status'
ExecStopPost=/bin/systemctl --no-block exit
UNIT
timeout 300 systemd-nspawn --quiet --directory=. --register=no "$unit" --private-network --capability=CAP_IPC_LOCK --rlimit=MEMLOCK=infinity \
    --console=pipe --link-journal=no \
    /lib/systemd/systemd --unit=test.service >console 2>&1 </dev/null || true
[ ! -e test/log ] || cat test/log
if [ ! -s test/status ]; then
    echo "the machine did not come to its end; what it said:" >&2
    tail -n 30 console >&2
    exit 1
fi
# A process that was killed has a signal's name for a status.
exit "$(sed 's/[^0-9].*/1/; s/^$/1/' test/status)"
