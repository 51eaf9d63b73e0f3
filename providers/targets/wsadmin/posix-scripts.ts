/*
 * Run as `sh -c SCRIPT pulumi-connections ARGUMENTS…`; arguments are data, and none of them is a secret. POSIX sh with the
 * tools of a Linux host. Lines of ours on standard output begin with "@@ ".
 */

/**
 * PROFILE COMMAND…: becomes the owner of the profile, so that what the product's programs write stays his. Run by root as
 * somebody else's profile wants it, by the owner as he is; anybody else is told so.
 */
export const AS_PROFILE_OWNER = `
profile=$1; shift
owner=$(stat -L -c %u -- "$profile") || { echo "@@ no-profile"; exit 0; }
[ "$owner" = "$(id -u)" ] && exec "$@"
[ "$(id -u)" = 0 ] || { echo "@@ not-owner $(stat -L -c %U -- "$profile")"; exit 0; }
exec runuser -u "$(stat -L -c %U -- "$profile")" -- "$@"
`;

/**
 * Sets $folder: a new directory that only its owner may enter, in memory where the host offers that. What a killed run left
 * is removed first: its process is gone, or it never named one within a quarter of an hour. $tag and $state are set before.
 */
const PRIVATE_FOLDER = `
umask 077
LC_ALL=C; export LC_ALL
for base in /dev/shm "$state/run"; do
  [ "$base" = /dev/shm ] || mkdir -p -- "$base" 2>/dev/null
  [ -d "$base" ] && [ -w "$base" ] || continue
  for old in "$base/pulumi-connections-$tag".*; do
    [ -d "$old" ] && ! [ -L "$old" ] && [ -O "$old" ] || continue
    if [ -s "$old/pid" ]; then kill -0 "$(cat "$old/pid")" 2>/dev/null && continue
    elif [ -z "$(find "$old" -maxdepth 0 -mmin +15)" ]; then continue; fi
    rm -rf -- "$old"
  done
  folder=$(mktemp -d "$base/pulumi-connections-$tag.XXXXXXXX") && break
done
[ -d "$folder" ] || { echo "@@ no-folder"; exit 0; }
`;

/**
 * Writes soap.client.props and ipc.client.props into $folder: the profile's own, with our values ($folder/soap and /ipc)
 * instead of the ones of the same keys.
 */
const CLIENT_PROPERTIES = `
for kind in soap ipc; do
  keys=$(sed -n 's/^\\([A-Za-z.]*\\)=.*/\\1/p' "$folder/$kind" | tr '\\n' '|')
  if [ -r "$profile/properties/$kind.client.props" ]; then
    grep -Ev "^[[:space:]]*(\${keys}-)[[:space:]]*[=:]" "$profile/properties/$kind.client.props" > "$folder/$kind.client.props"
    echo >> "$folder/$kind.client.props"
  fi
  cat "$folder/$kind" >> "$folder/$kind.client.props"
  rm -f -- "$folder/$kind"
done
`;

const TAKE_FILES = `
while [ "$1" != -- ]; do head -c "$2" > "$folder/$1" || { echo "@@ no-folder"; exit 0; }; shift 2; done
shift
`;

/**
 * TAG STATE PROFILE [NAME SIZE]… -- SECONDS HOST PORT, the files one after the other on standard input: runs script.py in
 * wsadmin. The folder is gone when this ends.
 */
export const WSADMIN = `
tag=$1 state=$2 profile=$3; shift 3
folder=
trap 'cd /; rm -rf -- "$folder"' EXIT
trap 'exit 1' HUP INT TERM PIPE
${PRIVATE_FOLDER}
echo $$ > "$folder/pid"
${TAKE_FILES}
${CLIENT_PROPERTIES}
[ -x "$profile/bin/wsadmin.sh" ] || { echo "@@ no-program $profile/bin/wsadmin.sh"; exit 0; }
limit=; command -v timeout >/dev/null 2>&1 && limit="timeout -k 10 $1"
cd "$folder" || exit 1
$limit "$profile/bin/wsadmin.sh" -lang jython -conntype SOAP -host "$2" -port "$3" \\
  -javaoption "-Dcom.ibm.SOAP.ConfigURL=file:$folder/soap.client.props" \\
  -javaoption "-Dcom.ibm.IPC.ConfigURL=file:$folder/ipc.client.props" \\
  -tracefile "$folder/wsadmin.traceout" -f "$folder/script.py" "$folder/request.properties" </dev/null 2>&1
code=$?
printf '\\n@@ ended %s\\n' "$code"
`;

/** TAG STATE PROFILE [NAME SIZE]… --, the files on standard input: prepares a folder for SERVER_COMMAND and says "@@ folder PATH". */
export const PREPARE_FOLDER = `
tag=$1 state=$2 profile=$3; shift 3
folder=
trap 'rm -rf -- "$folder"' HUP INT TERM PIPE
${PRIVATE_FOLDER}
${TAKE_FILES}
${CLIENT_PROPERTIES}
echo "@@ folder $folder"
`;

/** FOLDER: for one whose command was never started. Only ours, whatever the argument says. */
export const DROP_FOLDER = `
case $1 in */pulumi-connections-*) [ -d "$1" ] && [ -O "$1" ] && rm -rf -- "$1" ;; esac
exit 0
`;

const HOLD_FOLDER = `
if [ -n "$folder" ]; then
  echo $$ > "$folder/pid"
  trap 'rm -rf -- "$folder"' EXIT
  trap 'exit 1' HUP INT TERM
fi
`;

/**
 * FOLDER PROFILE COMMAND ARGUMENTS…: one of the profile's own commands. With a folder it logs in as the properties there say:
 * the profile's environment is loaded through WAS_USER_SCRIPT, the product's way to name it, and then told of them.
 */
export const SERVER_COMMAND = `
folder=$1 profile=$2 command=$3; shift 3
${HOLD_FOLDER}
program=$profile/bin/$command
[ -x "$program" ] || { echo "@@ no-program $program"; exit 0; }
if [ -z "$folder" ]; then "$program" "$@" </dev/null; exit $?; fi
cat > "$folder/setupCmdLine.sh" <<END
. "$profile/bin/setupCmdLine.sh"
CLIENTSOAP="-Dcom.ibm.SOAP.ConfigURL=file:$folder/soap.client.props"
CLIENTIPC="-Dcom.ibm.IPC.ConfigURL=file:$folder/ipc.client.props"
export CLIENTSOAP CLIENTIPC
END
[ -r "$profile/bin/setupCmdLine.sh" ] || { echo "@@ no-program $profile/bin/setupCmdLine.sh"; exit 0; }
home=$(. "$profile/bin/setupCmdLine.sh" >/dev/null 2>&1; printf %s "$WAS_HOME")
[ -x "$home/bin/$command" ] || { echo "@@ no-program $home/bin/$command"; exit 0; }
WAS_USER_SCRIPT=$folder/setupCmdLine.sh; export WAS_USER_SCRIPT
"$home/bin/$command" "$@" </dev/null
exit $?
`;

/**
 * FOLDER PROFILE INSTALL-DIR ARGUMENTS…: updateSilent from its own folder with that profile's environment. User and password
 * are the two lines of $FOLDER/login; the product takes them as arguments only, so its own processes show them. In English,
 * for its words are read; in UTF-8, for the archives that it writes hold names of any language.
 */
export const UPDATE_SILENT = `
folder=$1 profile=$2 installation=$3; shift 3
${HOLD_FOLDER}
cd -- "$installation/updateInstaller" 2>/dev/null || { echo "@@ no-program $installation/updateInstaller"; exit 0; }
[ -x ./updateSilent.sh ] || { echo "@@ no-program $installation/updateInstaller/updateSilent.sh"; exit 0; }
if [ -r "$profile/bin/setupCmdLine.sh" ]; then set -a; . "$profile/bin/setupCmdLine.sh" >/dev/null 2>&1; set +a; fi
if [ -n "$folder" ]; then
  { IFS= read -r user; IFS= read -r password; } < "$folder/login"
  rm -f -- "$folder/login"
  set -- "$@" -wasUserId "$user" -wasPassword "$password"
fi
for one in en_US.utf8 en_US.UTF-8 en_GB.utf8 en_GB.UTF-8 C.utf8 C.UTF-8; do
  locale -a 2>/dev/null | grep -qxF -e "$one" && { LC_ALL=$one LANG=$one; export LC_ALL LANG; break; }
done
./updateSilent.sh "$@" </dev/null
code=$?
printf '\\n@@ ended %s\\n' "$code"
`;

/**
 * INSTALL-DIR: says "@@ running" when an update installer that may change something runs, whoever started it: its script, or
 * a Java in its folder. One that only lists is told by its own arguments or by those of what started it (-installDir, and no
 * -install, -uninstall or -uninstallAll); what cannot be told counts as one that changes. "@@ hidden" where it sees none and its user may not
 * see the processes of others (/proc mounted with hidepid: the first process of all is not there, or not readable).
 */
export const INSTALLER_RUNNING = `
folder=$(readlink -fn -- "$1/updateInstaller")
lists() {
  grep -qzxi -e -installDir "$1/cmdline" 2>/dev/null && ! grep -qzxiE -e '-(un)?install(All)?' "$1/cmdline" 2>/dev/null
}
listing=
for one in $(grep -lzxE -e '(.*/)?(updateSilent|updateWizard)\\.sh' /proc/[0-9]*/cmdline 2>/dev/null); do
  if lists "\${one%/cmdline}"; then listing="$listing \${one%/cmdline}"; continue; fi
  if grep -qzxE -e '(.*/)?(updateSilent|updateWizard)\\.sh' "$one" 2>/dev/null; then echo "@@ running"; exit 0; fi
done
listed() {
  above=\${1#/proc/}
  while [ "\${above:-0}" -gt 1 ]; do
    case "$listing " in *" /proc/$above "*) return 0;; esac
    above=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$above/status" 2>/dev/null)
  done
  return 1
}
for one in $(ls -l /proc/[0-9]*/exe 2>/dev/null | sed -n 's,^.* \\(/proc/[0-9]*\\)/exe -> .*/java$,\\1,p'); do
  [ "$(readlink -- "$one/cwd")" = "$folder" ] || continue
  if lists "$one" || listed "$one"; then continue; fi
  if [ -e "$one/exe" ]; then echo "@@ running"; exit 0; fi
done
if [ -r /proc/1/cmdline ] && cat /proc/1/cmdline >/dev/null 2>&1; then echo "@@ none"; else echo "@@ hidden"; fi
`;
