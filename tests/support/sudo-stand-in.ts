/**
 * A stand-in for sudo, as a program for a test host: same options, same texts, no privileges gained (the tests need no root).
 * With a file "sudo-password" beside it, it asks on standard error and reads from standard input, three
 * times at most, as `sudo -S` does; without one it needs no password. Calls and
 * wrong passwords are noted in "sudo-calls" if that file is there.
 */
export const SUDO_STAND_IN = `#!/bin/sh
here=$(dirname "$0")
ask=yes prompt='Password: '
while [ $# -gt 0 ]; do
  case $1 in
    -n) ask=no; shift ;;
    -S) shift ;;
    -p) prompt=$2; shift 2 ;;
    -u) [ "$2" = nobody-like-that ] && { echo "sudo: unknown user $2" >&2; exit 1; }; shift 2 ;;
    --) shift; break ;;
    *) break ;;
  esac
done
if [ -w "$here/../sudo-calls" ]; then { printf '%s' "$*" | tr '\\n' ' '; echo; } >> "$here/../sudo-calls"; fi
if [ -f "$here/requiretty" ]; then echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1; fi
if [ -f "$here/sudo-password" ]; then
  [ "$ask" = no ] && { echo 'sudo: a password is required' >&2; exit 1; }
  tries=0
  while :; do
    printf '%s' "$prompt" >&2
    IFS= read -r given || { echo >&2; echo 'sudo: no password was provided' >&2; exit 1; }
    [ "$given" = "$(cat "$here/sudo-password")" ] && break
    tries=$((tries + 1))
    [ -w "$here/../sudo-calls" ] && echo 'wrong password' >> "$here/../sudo-calls"
    [ $tries = 3 ] && { echo 'sudo: 3 incorrect password attempts' >&2; exit 1; }
    echo 'Sorry, try again.' >&2
  done
fi
exec "$@"
`;
