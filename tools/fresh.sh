#!/usr/bin/env bash
# "On a fresh machine", proved: runs commands in a new Debian 12 root, on a clean clone of HEAD, as root.
#
#   tools/fresh.sh COMMAND…      each a shell line, run in the clone; the first that fails ends the run
#
# The root is Debian's minimal one (mmdebstrap, variant minbase). From this machine come only how to reach the package
# registries (certificates, proxies, resolver, mirrors of Debian, settings of pip and Maven) and the commit itself;
# ../shared is absent. The commands have their own mount, pid, ipc and uts namespaces; the network is the machine's, so
# the ports of a demo must be free.
#   MEKONG_FRESH_DIR=DIR     where the root is made (default /var/tmp; about 8 GB are needed)
#   MEKONG_FRESH_CACHE=DIR   keeps downloaded Debian archives between runs; nothing else is ever cached
#   MEKONG_FRESH_KEEP=1      leaves the root for a look
set -euo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf 'fresh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

[ $# -gt 0 ] || die "no command given"
[ "$(id -u)" = 0 ] || die "needs root: mount namespaces and the uids of jobs"
work=$(mktemp -d "${MEKONG_FRESH_DIR:-/var/tmp}/mekong-fresh-XXXXXX")
root=$work/root
commit=$(git -C "$repo" rev-parse HEAD)

# Every mount is made inside of a namespace that dies with its last process. Should one stand here all the same, a
# removal could reach through it: then nothing is removed.
cleanup() {
  local code=$?
  if [ "${MEKONG_FRESH_KEEP:-}" = 1 ]; then
    say "the root stays: $root"
  elif findmnt -rno TARGET | grep -q "^$work"; then
    say "mounts left below $work, not removed: $(findmnt -rno TARGET | grep "^$work" | tr '\n' ' ')"
  else
    rm -rf --one-file-system "$work"
  fi
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# --- how this machine reaches the package registries ---------------------------------------------------

# Copies a file or folder of this machine to the same place of the root.
hand_in() {
  [ -e "$1" ] || return 0
  mkdir -p "$root$(dirname "$1")"
  cp -rL "$1" "$root$(dirname "$1")/"
}

# NAME=VALUE of each variable about proxies, certificates and registries; one that names a folder of this machine's
# own packages is left out.
registry_env() {
  local names='[A-Za-z]+_(proxy|PROXY)|SSL_CERT_(FILE|DIR)|(CURL|REQUESTS)_CA_BUNDLE|GIT_SSL_CAINFO|NODE_EXTRA_CA_CERTS'
  names+='|PIP_[A-Z_]+|MAVEN_[A-Z]+|(npm_config|NPM_CONFIG)_[A-Za-z]+|GO(PROXY|SUMDB|NOSUMDB)|CARGO_(HTTP|NET|REGISTR)[A-Z_]+'
  env | grep -E "^($names)=" | grep -v '^PIP_FIND_LINKS=/' || true
}

# Arguments of mmdebstrap: this machine's mirrors, if it is a Debian 12 itself, and how apt reaches them.
debian_sources() {
  local file
  (. /etc/os-release && [ "${VERSION_CODENAME:-}" = bookworm ] && [ "$ID" = debian ]) || return 0
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
    [ ! -s "$file" ] || printf '%s\n' "$file"
  done
}

make_root() {
  local options=() sources
  apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' >"$work/apt.conf" || true
  options+=("--aptopt=$work/apt.conf" --variant=minbase --include=ca-certificates --mode=root)
  if [ -d /usr/local/share/ca-certificates ]; then
    options+=('--setup-hook=mkdir -p "$1/usr/local/share"'
              '--setup-hook=cp -rL /usr/local/share/ca-certificates "$1/usr/local/share/"')
  fi
  if [ -n "${MEKONG_FRESH_CACHE:-}" ]; then
    mkdir -p "$MEKONG_FRESH_CACHE"
    options+=(--skip=download/empty --skip=essential/unlink
              '--setup-hook=mkdir -p "$1/var/cache/apt/archives"'
              "--setup-hook=cp -n '$MEKONG_FRESH_CACHE'/*.deb \"\$1/var/cache/apt/archives/\" 2>/dev/null || true"
              "--customize-hook=cp -n \"\$1\"/var/cache/apt/archives/*.deb '$MEKONG_FRESH_CACHE'/ 2>/dev/null || true")
  fi
  mapfile -t sources < <(debian_sources)
  mmdebstrap --quiet "${options[@]}" bookworm "$root" "${sources[@]}"
  hand_in /etc/resolv.conf
  hand_in /etc/hosts
  hand_in /etc/pip.conf
  hand_in "$HOME/.config/pip"
  hand_in "$HOME/.m2/settings.xml"
}

# --- the run --------------------------------------------------------------------------------------------

# Run inside of the new namespaces: enters the root for good, so that no path of this machine is left.
enter() {
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  local node
  for node in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "$root/dev/${node%:*}" c 1 "${node#*:}"
  done
  mknod -m 666 "$root/dev/tty" c 5 0
  mkdir "$root/dev/pts" "$root/dev/shm" "$root/.host"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  for node in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${node%:*}" "$root/dev/${node#*:}"; done
  if [ -n "${MEKONG_FRESH_CACHE:-}" ]; then mount --bind "$MEKONG_FRESH_CACHE" "$root/var/cache/apt/archives"; fi
  hostname fresh
  cd "$root"
  pivot_root . .host
  umount -l /.host
  rmdir /.host
  cd /root/mekong
  local variables
  mapfile -t variables < <(registry_env)
  exec /usr/bin/env -i "${variables[@]}" HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 CI=true /bin/bash -c "$1"
}

say "commit $commit, root $root"
began=$SECONDS
make_root
say "Debian $(cat "$root/etc/debian_version"), $(du -sm "$root" | cut -f1) MB, in $((SECONDS - began)) s"
mkdir -p "$root/root"
git clone --quiet --no-hardlinks --no-checkout "$repo" "$root/root/mekong"
git -C "$root/root/mekong" checkout --quiet --detach "$commit"
git -C "$root/root/mekong" remote remove origin

export -f enter registry_env
export root
for command in "$@"; do
  say "--- $command"
  started=$SECONDS
  code=0
  unshare --mount --pid --ipc --uts --fork --kill-child --propagation private \
    bash -c 'set -euo pipefail; enter "$1"' enter "$command" </dev/null || code=$?
  say "--- $command: exit code $code, $((SECONDS - started)) s"
  [ "$code" = 0 ] || exit "$code"
done
say "all of $# commands passed at $commit in $((SECONDS - began)) s; $(du -sm "$root" | cut -f1) MB at the end"
