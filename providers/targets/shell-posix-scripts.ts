import type { ScriptName } from "./shell.js";

/*
 * Run as `sh -c SCRIPT pulumi-connections ARGUMENTS…`; arguments are data. POSIX sh with the tools of a Linux host (GNU
 * coreutils or busybox: stat -c, readlink -f, sha256sum). Each tells its outcome as words on standard output and exits 0;
 * any other exit code means that the script itself broke.
 */

const ANSWERS = `
fail() { printf 'failed %s\\n' "$1"; exit 0; }
answer() { printf '%s\\n' "$*"; exit 0; }
`;
const PREAMBLE = `${ANSWERS}
LC_ALL=C; export LC_ALL
sum_of() { if [ -e "$1" ]; then sha256sum < "$1" | cut -c1-64; else echo absent; fi; }
`;

/**
 * MARK [read|stat|list|realPath PATH]…: for each question "MARK <file|directory|other|absent|failed> <stat>", a line end,
 * and what was asked for up to the next MARK. <stat> = raw mode (hex), size, uid, gid, mtime, ctime.
 */
const FILES_QUERY = `${PREAMBLE}
mark=$1; shift
while [ $# -gt 1 ]; do
  question=$1; path=$2; shift 2
  if ! info=$(stat -L -c '%f %s %u %g %Y %Z' -- "$path" 2>&1); then
    case $info in
      *': No such file or directory' | *': Not a directory') printf '%s absent\\n' "$mark" ;;
      *) printf '%s failed\\n%s' "$mark" "$info" ;;
    esac
    continue
  fi
  kind=other
  [ -f "$path" ] && kind=file
  [ -d "$path" ] && kind=directory
  case $question-$kind in
    read-file | list-directory)
      if ! [ -r "$path" ]; then printf '%s failed\\nPermission denied' "$mark"; continue; fi ;;
  esac
  printf '%s %s %s\\n' "$mark" "$kind" "$info"
  case $question-$kind in
    read-file) cat -- "$path" ;;
    list-directory)
      cd -- "$path" || continue
      for name in * .*; do
        case $name in . | ..) continue ;; esac
        if [ -e "$name" ] || [ -L "$name" ]; then printf '%s\\0' "$name"; fi
      done
      cd / ;;
    realPath-*) readlink -fn -- "$path" ;;
  esac
done
printf '%s end\\n' "$mark"
`;

/**
 * PATH EXPECTED MODE OWNER SHA256 TEMP-PREFIX TEMP-NAME PURPOSE MINUTES, the bytes on standard input. OWNER "-" = the
 * directory's. PURPOSE replace = links are followed, older temporary files go at once; create = a link counts as there, and
 * temporary files go after MINUTES.
 * Answers ok | changed <sha256> | missing-directory | directory | torn | failed <step>.
 */
const FILE_WRITE = `${PREAMBLE}
umask 077
path=$1 expected=$2 mode=$3 owner=$4 sum=$5 prefix=$6 name=$7 purpose=$8 minutes=$9
if [ "$purpose" = create ] && [ -L "$path" ]; then answer changed link; fi
real=$(readlink -fn -- "$path" && printf x) || answer missing-directory
real=\${real%x}
dir=\${real%/*}
[ -d "$dir/" ] || answer missing-directory
[ -d "$real" ] && answer directory
if [ -e "$real" ] && ! [ -r "$real" ]; then fail 'to read it: Permission denied'; fi
found=$(sum_of "$real")
[ "$found" = "$expected" ] || answer changed "$found"
old=; [ "$purpose" = create ] && old="-mmin +$minutes"
find "$dir/" -maxdepth 1 -type f -name "$prefix*.tmp" $old -exec rm -f -- {} +
temp=$dir/$name
trap 'rm -f -- "$temp"' EXIT
trap 'exit 1' HUP INT TERM PIPE
set -C
cat > "$temp" || fail 'to write it'
set +C
[ "$(sum_of "$temp")" = "$sum" ] || answer torn
if [ "$expected" = absent ]; then
  [ "$owner" = - ] && owner=$(stat -L -c %u:%g -- "$dir/")
else
  owner=$(stat -c %u:%g -- "$real") && mode=$(stat -c %a -- "$real") || fail 'to look at it'
  if [ -e /sys/fs/selinux/enforce ]; then chcon --reference="$real" -- "$temp" || fail 'to label it'; fi
fi
chown -- "$owner" "$temp" || fail 'to give it to its owner'
chmod -- "$mode" "$temp" || fail 'to set its mode'
sync -- "$temp" || fail 'to make it durable'
found=$(sum_of "$real")
[ "$found" = "$expected" ] || answer changed "$found"
if [ "$expected" = absent ]; then
  ln -T -- "$temp" "$real" || { found=$(sum_of "$real"); [ "$found" = absent ] && fail 'to link it'; answer changed "$found"; }
else
  mv -fT -- "$temp" "$real" || fail 'to rename it'
fi
sync -- "$dir/"
answer ok
`;

/** PATH EXPECTED: ok | changed <sha256> | directory | failed <step>. A link itself is removed, not what it points to. */
const FILE_REMOVE = `${PREAMBLE}
path=$1 expected=$2
[ -e "$path" ] || [ -L "$path" ] || answer ok
[ -d "$path" ] && answer directory
found=$(sum_of "$path")
[ "$expected" = any ] || [ "$found" = "$expected" ] || answer changed "$found"
rm -f -- "$path" || fail 'to remove it'
sync -- "\${path%/*}/"
answer ok
`;

/** UMASK PATH: ok | file | failed <step>. */
const MAKE_DIRECTORY = `${PREAMBLE}
umask "$1"; path=$2
[ -d "$path" ] && answer ok
part=$path
while [ -n "$part" ] && [ ! -e "$part" ]; do part=\${part%/*}; done
[ -z "$part" ] || [ -d "$part" ] || answer file
mkdir -p -- "$path" || fail 'to create it'
answer ok
`;

/** ORIGINAL FILE: gives the file the original's SELinux context. */
const LABEL_LIKE = 'chcon --reference="$1" -- "$2"';

/** The host's boot: another one after every restart, unlike process numbers and start times. Empty where there is no /proc. */
const BOOT = `
boot_of_host() { cat /proc/sys/kernel/random/boot_id 2>/dev/null; }
`;

/** Sets $identity: what tells a process from a later one with the same number. */
const IDENTITY = `${BOOT}
identity_of() {
  identity=
  if [ -r "/proc/$1/stat" ]; then
    identity=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20)-$(boot_of_host)
  else
    identity=$(ps -o lstart= -p "$1" 2>/dev/null)
  fi
}
`;

/**
 * The runner: becomes its own session, says that it is there (file descriptor 3), then runs the command and writes its exit
 * status under a temporary name first. Its own traps are handlers, not "ignore", so that the command keeps its defaults.
 */
const JOB_RUNNER = `
trap : HUP INT TERM
dir=$1; shift
${IDENTITY}
identity_of $$
printf '%s %s\\n' $$ "$identity" > "$dir/process.tmp" && mv -f "$dir/process.tmp" "$dir/process" || exit 1
echo started >&3
exec 3>&-
"$@"
echo $? > "$dir/exit.tmp" && mv -f "$dir/exit.tmp" "$dir/exit"
`;

/**
 * DIRECTORY CWD PROGRAM ARGUMENTS…: started | exists | failed <step>. Creating the directory is what makes sure that a name
 * is started once. The answer comes when the runner has written its process number. That it was begun has to outlast a loss of
 * power: `started` holds when, in words and in seconds, and in which boot.
 */
const JOB_START = `${ANSWERS}
${BOOT}
mask=$(umask); umask 077
dir=$1 cwd=$2; shift 2
mkdir -p -- "\${dir%/*}" || fail 'to create its folder'
if [ -e "$dir" ]; then answer exists; fi
if [ -n "$cwd" ]; then cd -- "$cwd" || fail 'to enter its working directory'; fi
mkdir -- "$dir" 2>/dev/null || { [ -d "$dir" ] && answer exists; fail 'to create its folder'; }
{ date -u +%Y-%m-%dT%H:%M:%SZ && date +%s; } > "$dir/started" && boot_of_host >> "$dir/started"
[ -s "$dir/started" ] && : > "$dir/output" && sync -- "$dir/started" "$dir" "\${dir%/*}" || { rm -rf -- "$dir"; fail 'to write its folder'; }
umask "$mask"
detach=; command -v setsid >/dev/null 2>&1 && detach=setsid
word=$( { nohup $detach sh -c '${JOB_RUNNER.replaceAll("'", "'\\''")}' pulumi-connections-job "$dir" "$@" 3>&1 >"$dir/output" 2>&1 </dev/null & } )
[ "$word" = started ] || fail 'to start it'
answer started
`;

/**
 * DIRECTORY OFFSET MAX: absent, or "<running|ended|lost> <pid> <started> <exit code or -> <size of the output>", of a lost one
 * also " <host's restart or -> <processes of its session that go on, with commas>", a line end, and at most MAX bytes of output
 * from OFFSET on (negative: that many from the end).
 */
const JOB_POLL = `${PREAMBLE}
${IDENTITY}
dir=$1 offset=$2 max=$3
[ -d "$dir" ] || answer absent
pid=0 recorded= code=- state=running
look() {
  [ -r "$dir/process" ] && read -r pid recorded < "$dir/process"
  [ -r "$dir/exit" ] && read -r code < "$dir/exit"
  # What a loss of power left of a file is no exit status.
  case $code in '' | *[!0-9]*) code=- ;; esac
  case $pid in '' | *[!0-9]*) pid=0 ;; esac
}
alive() {
  [ "$pid" != 0 ] && kill -0 "$pid" 2>/dev/null || return 1
  identity_of "$pid"
  [ "$identity" = "$recorded" ]
}
# Between mkdir and the first line of the runner there is no process number yet.
starting() {
  [ "$pid" = 0 ] || return 1
  born=$(sed -n 2p "$dir/started" 2>/dev/null)
  [ -n "$born" ] || born=$(stat -c %Y -- "$dir")
  [ $(($(date +%s) - born)) -lt 10 ]
}
restart() {
  now=$(boot_of_host)
  [ -n "$boot" ] && [ -n "$now" ] && [ "$boot" != "$now" ] || return 1
  date -u -d "@$(sed -n 's/^btime //p' /proc/stat)" +%Y-%m-%dT%H:%M:%SZ
}
# A number is not given to another process while a session has it: is there one, the session is another's, or over.
session() {
  [ "$pid" = 0 ] || [ -e "/proc/$pid" ] && return
  cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^\\([0-9]*\\) .*) /\\1 /' | while read -r number _state _parent _group session _rest; do
    [ "$session" = "$pid" ] && printf '%s,' "$number"
  done
}
look
if [ "$code" = - ] && ! alive; then
  # It may have begun or ended since.
  look
  if [ "$code" = - ] && ! alive && ! starting; then state=lost; fi
fi
[ "$code" = - ] || state=ended
size=$(wc -c < "$dir/output" 2>/dev/null || echo 0)
started=$(sed -n 1p "$dir/started" 2>/dev/null)
boot=$(sed -n 3p "$dir/started" 2>/dev/null)
lost=
if [ "$state" = lost ]; then lost=$(restart) && lost=" $lost" || lost=" - $(session)"; fi
printf '%s %s %s %s %s%s\\n' "$state" "$pid" "\${started:--}" "$code" "$size" "$lost"
if [ "$offset" -lt 0 ]; then tail -c "$((0 - offset))" "$dir/output"; else tail -c "+$((offset + 1))" "$dir/output" | head -c "$max"; fi
exit 0
`;

/** DIRECTORY BEGINNING: the names of its jobs that begin so, a line each, or failed <step>. */
const JOB_LIST = `${PREAMBLE}
[ -d "$1" ] || exit 0
cd -- "$1" || fail 'to enter their folder'
for name in "$2"*; do
  if [ -d "$name" ]; then printf '%s\\n' "$name"; fi
done
exit 0
`;

/** DIRECTORY TRASH: ok | failed <step>. Renamed first: a half-removed job must not look like one. */
const JOB_COLLECT = `${PREAMBLE}
[ -e "$1" ] || answer ok
mv -- "$1" "$2" || fail 'to put it away'
rm -rf -- "$2" || fail 'to remove it'
answer ok
`;

export const POSIX_SCRIPTS: Readonly<Record<ScriptName, string>> = {
  "files-query": FILES_QUERY,
  "file-write": FILE_WRITE,
  "file-remove": FILE_REMOVE,
  "make-directory": MAKE_DIRECTORY,
  "label-like": LABEL_LIKE,
  "job-start": JOB_START,
  "job-poll": JOB_POLL,
  "job-list": JOB_LIST,
  "job-collect": JOB_COLLECT,
};
