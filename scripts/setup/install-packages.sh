#!/bin/sh
# Installs the named Debian packages as root without letting apt start a single service: a policy-rc.d that forbids it
# stands guard meanwhile. One that was there before is put back, also by the next run after a crash.
# Without package names it only clears away a guard that a crashed run left.
# usage: install-packages.sh [PACKAGE…]
set -eu

# The folder is a variable for the tests alone.
sbin=${POLICY_FOLDER:-/usr/sbin}
guard=$sbin/policy-rc.d
saved=$sbin/policy-rc.d.before-pulumi-connections
marker='# guard of pulumi-connections set-up'

remove_guard() {
  if [ -e "$guard" ] && grep -qF "$marker" "$guard"; then rm -f "$guard"; fi
  if [ -e "$saved" ] || [ -L "$saved" ]; then mv -f "$saved" "$guard"; fi
}

# Set-ups of several checkouts take turns. The lock is on a folder that exists anyway: nothing to leave behind.
exec 9<"$sbin"
flock -w 900 9 || { echo "another set-up has been installing packages for 15 minutes" >&2; exit 1; }

trap remove_guard EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
remove_guard
[ $# -gt 0 ] || exit 0

if [ -e "$guard" ] || [ -L "$guard" ]; then mv -f "$guard" "$saved"; fi
printf '#!/bin/sh\n%s\nexit 101\n' "$marker" >"$guard"
chmod 755 "$guard"

export DEBIAN_FRONTEND=noninteractive
wait_for_dpkg='-oDPkg::Lock::Timeout=300'
# A no-op unless an earlier installation was interrupted, which would make apt refuse.
dpkg --configure -a </dev/null
apt-get "$wait_for_dpkg" -oAcquire::Retries=2 -oAcquire::http::Timeout=30 -oAcquire::https::Timeout=30 -q update </dev/null
apt-get "$wait_for_dpkg" -oAcquire::Retries=2 -oAcquire::http::Timeout=30 -oAcquire::https::Timeout=30 -q install \
  -y --no-install-recommends -oDpkg::Options::=--force-confold -- "$@" </dev/null
