/*
 * Looks at a node's machine and clears its temp folders. Arguments are data; lines of ours begin with "@@ ". For hosts with
 * /proc, as Linux has it; elsewhere a signal is "unknown".
 */

/**
 * PROFILE NODE ADDRESS [SERVER PORTS]…: for each "@@ SERVER PROCESS PID START PORTS". PROCESS running | absent | unknown, START
 * seconds since the epoch, PORTS open | closed | some | unknown; PORTS asked for are comma-separated, "-" for none.
 * A server's JVM ends with "… <config folder> <cell> <node> <server>"; a pid file may name a process that is another's by now.
 */
export const OBSERVE_SERVERS = `
profile=$1 node=$2 address=$3; shift 3
LC_ALL=C; export LC_ALL
# The programs that start, stop and ask for a server end with the same arguments.
is_server() {
  tr '\\0' '\\n' < "/proc/$1/cmdline" 2>/dev/null | tail -n 2 | { IFS= read -r n; IFS= read -r s; [ "$n" = "$node" ] && [ "$s" = "$server" ]; } &&
    ! grep -qzE '^com\\.ibm\\.ws\\.management\\.tools\\.' "/proc/$1/cmdline" 2>/dev/null
}
start_of() {
  ticks=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20)
  boot=$(sed -n 's/^btime //p' /proc/stat)
  if [ -n "$ticks" ] && [ -n "$boot" ]; then echo $((boot + ticks / $(getconf CLK_TCK))); else echo -; fi
}
addresses=$(getent ahostsv4 "$address" 2>/dev/null | cut -d' ' -f1 | sort -u)
# Addresses in /proc/net/tcp are little-endian hexadecimal. One that is not this machine's own (translated on the way, or a
# name that only means the machine itself) tells no two servers apart: then every listener on the port counts.
hex=
for one in $addresses; do
  case $one in
    "$address") ;;
    127.*) continue ;;
    *) grep -q -- "-- $one$" /proc/net/fib_trie 2>/dev/null || continue ;;
  esac
  hex="$hex $(echo "$one" | { IFS=. read -r a b c d; printf '%02X%02X%02X%02X' "$d" "$c" "$b" "$a"; })"
done
listening=
[ -r /proc/net/tcp ] && listening=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r _ end _ state _; do
  [ "$state" = 0A ] && echo "$end"
done)
port_open() {
  port=$(printf '%04X' "$1")
  for end in $listening; do
    [ "\${end#*:}" = "$port" ] || continue
    case \${end%:*} in
      00000000 | 00000000000000000000000000000000) return 0 ;;
    esac
    [ -z "$hex" ] && return 0
    for one in $hex; do
      case \${end%:*} in "$one" | 0000000000000000FFFF0000"$one") return 0 ;; esac
    done
  done
  return 1
}
while [ $# -gt 1 ]; do
  server=$1 ports=$2; shift 2
  process=unknown pid=- start=-
  if [ -d "/proc/$$" ]; then
    process=absent
    read -r pid < "$profile/logs/$server/$server.pid" 2>/dev/null || pid=-
    if [ "$pid" != - ] && is_server "$pid"; then process=running
    else
      pid=-
      for one in $(grep -lzxF -e "$server" /proc/[0-9]*/cmdline 2>/dev/null); do
        one=\${one#/proc/} one=\${one%/cmdline}
        if is_server "$one"; then process=running pid=$one; break; fi
      done
    fi
    [ "$pid" = - ] || start=$(start_of "$pid")
  fi
  state=unknown
  if [ "$ports" != - ] && [ -r /proc/net/tcp ]; then
    open=0 closed=0
    for one in $(echo "$ports" | tr , ' '); do
      if port_open "$one"; then open=$((open + 1)); else closed=$((closed + 1)); fi
    done
    state=some
    [ "$open" = 0 ] && state=closed
    [ "$closed" = 0 ] && state=open
  fi
  printf '@@ %s\\t%s\\t%s\\t%s\\t%s\\n' "$server" "$process" "$pid" "$start" "$state"
done
exit 0
`;

/**
 * PROFILE NODE: "@@ service UNIT ACTIVE-STATE" for the systemd unit that the running agent belongs to, or else whose text or
 * init script names this profile and its agent; "@@ script" when there is none; "@@ several UNIT…" when it cannot be told.
 * Of the running agent's unit: "@@ stranger UNIT" when neither its text nor a script that it starts names this profile's agent;
 * "@@ shared UNIT KILLMODE PID…" when its end is the end of other processes too, such as members that the agent started.
 */
export const AGENT_CONTROL = `
profile=$1 node=$2
command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ] || { echo "@@ script"; exit 0; }
read -r pid < "$profile/logs/nodeagent/nodeagent.pid" 2>/dev/null || pid=
if [ -n "$pid" ] && tr '\\0' '\\n' < "/proc/$pid/cmdline" 2>/dev/null | tail -n 1 | grep -qx nodeagent; then
  unit=$(sed -n 's,^.*:.*/\\([^/]*\\.service\\)$,\\1,p' "/proc/$pid/cgroup" | head -n 1)
  case $unit in
    '' | user@*.service | sshd.service | ssh.service | sshd@*.service | ssh@*.service) ;;
    *)
      text=$(systemctl cat -- "$unit" 2>/dev/null; cat "/etc/init.d/\${unit%.service}" 2>/dev/null)
      for file in $(printf '%s\\n' "$text" | sed -n 's,^Exec[A-Za-z]*=[-@:+!]*\\(/[^ ]*\\).*,\\1,p' | sort -u); do
        text="$text$(head -c 65536 "$file" 2>/dev/null | tr -d '\\0')"
      done
      case $text in *"$profile"*) ;; *) echo "@@ stranger $unit"; exit 0 ;; esac
      case $text in *nodeagent* | *startNode*) ;; *) echo "@@ stranger $unit"; exit 0 ;; esac
      mode=$(systemctl show -p KillMode --value -- "$unit")
      case $mode in process | none) echo "@@ service $unit active"; exit 0 ;; esac
      path=$(sed -n 's,^[0-9]*:[^:]*:\\(.*/[^/]*\\.service\\)$,\\1,p' "/proc/$pid/cgroup" | head -n 1)
      for group in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        [ -r "$group$path/cgroup.procs" ] || continue
        others=$(grep -vxF -e "$pid" "$group$path/cgroup.procs" | tr '\\n' ' ')
        if [ -z "$others" ]; then echo "@@ service $unit active"; else echo "@@ shared $unit $mode $others"; fi
        exit 0
      done
      echo "@@ shared $unit $mode unknown"
      exit 0 ;;
  esac
fi
units=$(grep -lsF -e "$profile/" /etc/systemd/system/*.service /etc/systemd/system/*/*.service /run/systemd/system/*.service \\
  /usr/lib/systemd/system/*.service /lib/systemd/system/*.service /etc/init.d/* | while IFS= read -r file; do
  grep -qE 'nodeagent|startNode' "$file" || continue
  unit=\${file##*/}
  echo "\${unit%.service}.service"
done | sort -u)
found= count=0
for unit in $units; do found="$found $unit"; count=$((count + 1)); done
if [ "$count" = 0 ]; then echo "@@ script"; exit 0; fi
if [ "$count" -gt 1 ]; then echo "@@ several$found"; exit 0; fi
echo "@@ service$found $(systemctl show -p ActiveState --value -- "\${found# }")"
`;

/**
 * Looks at all folders that are to be emptied: real ones below the profile, none on the way a link. One that is not there yet
 * would be made where the folder above it really lies. "@@ refused REASON FOLDER<tab>WHERE IT LEADS" for the first that is not so.
 */
const FOLDERS_FIT = `
profile=$1; shift
LC_ALL=C; export LC_ALL
root=$(cd -P -- "$profile" 2>/dev/null && pwd) || { echo "@@ refused no-profile $profile"; exit 0; }
for folder in "$@"; do
  there=$folder
  case $folder in "$profile"/*) ;; *) echo "@@ refused outside $folder"; exit 0 ;; esac
  while [ "$there" != "$profile" ] && ! [ -e "$there" ] && ! [ -L "$there" ]; do there=\${there%/*}; done
  [ "$there" != "$profile" ] || continue
  [ -d "$there" ] || { echo "@@ refused not-a-folder $there"; exit 0; }
  real=$(cd -P -- "$there" && pwd)
  rest=\${real#"$root"/}
  [ "$rest" != "$real" ] || { printf '@@ refused outside %s\\t%s\\n' "$there" "$real"; exit 0; }
  [ "$real" = "$root/\${there#"$profile"/}" ] || { printf '@@ refused link %s\\t%s\\n' "$there" "$real"; exit 0; }
  case /$rest/ in
    */tranlog/* | */config/* | /logs/* | /properties/* | /bin/* | /installedApps/*) echo "@@ refused protected $folder"; exit 0 ;;
  esac
done
`;

/** PROFILE FOLDER…: "@@ fit" where CLEAR_FOLDERS would empty them. Changes nothing. */
export const LOOK_AT_FOLDERS = `${FOLDERS_FIT}
echo "@@ fit"
`;

/**
 * PROFILE FOLDER…: empties each. Folders are real ones below the profile, never the profile's own, "tranlog", "config",
 * "logs" or "properties"; none on the way is a link. "@@ cleared COUNT FOLDER", "@@ refused REASON FOLDER"; a first pass looks at all of them
 * before anything is deleted.
 */
export const CLEAR_FOLDERS = `${FOLDERS_FIT}
for folder in "$@"; do
  [ -d "$folder" ] || { echo "@@ cleared 0 $folder"; continue; }
  count=$(find "$folder" -xdev -mindepth 1 ! -type d | wc -l)
  find "$folder" -xdev -mindepth 1 -depth -delete || { echo "@@ refused failed $folder"; exit 0; }
  echo "@@ cleared $count $folder"
done
`;

/**
 * PROFILE SECONDS: what of the profile is not its owner's. "@@ owner USER"; "@@ process USER<tab>SERVER" for a running server of
 * the profile that another user runs; "@@ file USER<tab>PATH" for the first such files of config, logs and temp; at last
 * "@@ ended CODE", 124 when there was no time to look at everything. Root and the owner can see it all, others are told so.
 */
export const OWNERSHIP = `
profile=$1 seconds=$2
LC_ALL=C; export LC_ALL
owner=$(stat -L -c %u -- "$profile") || { echo "@@ no-profile"; exit 0; }
[ "$(id -u)" = 0 ] || [ "$(id -u)" = "$owner" ] || { echo "@@ not-owner $(stat -L -c %U -- "$profile")"; exit 0; }
echo "@@ owner $(stat -L -c %U -- "$profile")"
for file in "$profile"/logs/*/*.pid; do
  read -r pid < "$file" 2>/dev/null || continue
  server=\${file##*/} server=\${server%.pid}
  [ "$(tr '\\0' '\\n' < "/proc/$pid/cmdline" 2>/dev/null | tail -n 1)" = "$server" ] || continue
  user=$(sed -n 's/^Uid:[[:space:]]*\\([0-9]*\\).*/\\1/p' "/proc/$pid/status" 2>/dev/null)
  [ -z "$user" ] || [ "$user" = "$owner" ] || printf '@@ process %s\\t%s\\n' "$(getent passwd "$user" | cut -d: -f1)" "$server"
done
cd -- "$profile" || { echo "@@ no-profile"; exit 0; }
limit=; command -v timeout >/dev/null 2>&1 && limit="timeout -k 5 $seconds"
set --
for folder in config logs temp; do [ -d "$folder" ] && set -- "$@" "$folder"; done
[ $# -gt 0 ] || { echo "@@ ended 0"; exit 0; }
{ $limit find -H "$@" -xdev ! -uid "$owner" -printf '@@ file %u\\t%p\\n' 2>/dev/null; echo "@@ ended $?"; } | head -n 12
exit 0
`;

/** PROFILE FOLDER AS-PROFILE-OWNER: makes FOLDER his and says "@@ owned" when he can write in it. */
export const OWNED_FOLDER = `
profile=$1 folder=$2
owner=$(stat -L -c %u -- "$profile") || { echo "@@ no-profile"; exit 0; }
mkdir -p -- "\${folder%/*}" || exit 0
# Made by this very run, or a real folder: a link that somebody put there would give him what it leads to.
mkdir -m 700 -- "$folder" 2>/dev/null || { [ -d "$folder" ] && ! [ -L "$folder" ]; } || { echo "it is no folder of its own" >&2; exit 0; }
[ "$(id -u)" != 0 ] || chown -h -- "$owner" "$folder" || exit 0
exec sh -c "$3" pulumi-connections "$profile" sh -c '[ -w "$1" ] && echo "@@ owned"' sh "$folder"
`;

/**
 * PATH…: "@@ now SECONDS", then for each "@@ path CHANGED CONTENT WRITTEN DESCRIPTORS FILES" in their order. CHANGED and WRITTEN: seconds
 * since the epoch, the last change of status, and of content, of a file or of anything in a folder's META-INF. Digests: CONTENT of the names
 * and sizes of all files below; FILES of these and their times; DESCRIPTORS of names, sizes, times and bytes below META-INF, of a
 * folder alone. Times in whole seconds, as backup programs restore them. "-" for what cannot be told. Follows no link but PATH itself.
 */
export const APPLICATION_FILES = `
LC_ALL=C; export LC_ALL
digest() { sort | sha256sum | cut -c1-16; }
last() { printf '%s\\n' "$times" | cut -d' ' -f"$1" | sort -n | tail -n 1; }
whole() { printf '%s\\n' "$1" | sed 's/^\\(-\\{0,1\\}[0-9]*\\)\\.[0-9]*/\\1/'; }
echo "@@ now $(date +%s)"
for path in "$@"; do
  marker=$path changed=- content=- written=- descriptors=- all=-
  [ -d "$path" ] && marker=$path/META-INF
  # What cannot be read to its end says nothing.
  if times=$(find -H "$marker" -printf '%C@ %T@\\n' 2>/dev/null) && files=$(find -H "$path" -type f -printf '%T@ %s %P\\n' 2>/dev/null); then
    changed=$(last 1) written=$(last 2)
    content=$(printf '%s\\n' "$files" | cut -d' ' -f2- | digest)
    all=$(whole "$files" | digest)
    if [ -d "$marker" ] && own=$(find -H "$marker" -type f -printf '%T@ %s %P\\n' 2>/dev/null) &&
      bytes=$(cd -- "$marker" && find . -type f -exec sha256sum {} + 2>/dev/null); then
      descriptors=$({ whole "$own"; printf '%s\\n' "$bytes"; } | digest)
    fi
  fi
  echo "@@ path $changed $content $written $descriptors $all"
done
exit 0
`;

/** PATH…: for each "@@ archive CHANGED DIGEST" in their order: its last change of status, seconds since the epoch, and SHA-256. "-" where there is no such file. */
export const ARCHIVES = `
LC_ALL=C; export LC_ALL
for path in "$@"; do
  changed=- digest=-
  if [ -f "$path" ] && at=$(find -H "$path" -printf '%C@\\n' 2>/dev/null) && sum=$(sha256sum < "$path" 2>/dev/null); then
    changed=$at digest=\${sum%% *}
  fi
  echo "@@ archive $changed $digest"
done
exit 0
`;
