#!/bin/sh
# Installs what the MAAS ChatOps bot needs on this host. Read it, then run it as root:  sh install.sh
# It may be run again: it changes what differs, and nothing else. What it does:
#   1. a user without a password, {user}, which may log in with one key, and run nothing but that program
#   2. {path}, owned by root: the program; beside it, in __pycache__, its compiled form
#   3. /etc/sudoers.d/maasbot, which allows it exactly that, without arguments
# It installs no package, starts no service and opens no port.
set -eu
umask 022

user='{user}'
path='{path}'
sha256='{sha256}'

fail() {{ echo "install: $*" >&2; exit 1; }}
[ "$(id -u)" = 0 ] || fail "must be run by root"
for program in python3 sudo visudo useradd install sha256sum; do
    command -v "$program" >/dev/null || fail "$program is missing"
done
[ -x /usr/bin/python3 ] || fail "/usr/bin/python3 is missing"
/usr/bin/python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 8))' || fail "python3 is older than 3.8"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Put a file in its place if it differs: content, owner root, mode. Never seen half written.
put() {{ # from to mode
    if [ -f "$2" ] && cmp -s "$1" "$2" && [ "$(stat -c %u:%g:%a "$2")" = "0:0:$3" ]; then
        echo "unchanged  $2"
    else
        install -o root -g root -m "$3" "$1" "$2.new"
        mv -f "$2.new" "$2"
        echo "installed  $2"
    fi
}}

# 1. The user
if id -u "$user" >/dev/null 2>&1; then
    [ "$(id -u "$user")" != 0 ] || fail "$user is root"
    echo "unchanged  user $user"
else
    useradd --system --create-home --home-dir "/var/lib/$user-login" --shell /bin/sh "$user"
    echo "created    user $user"
fi
# No password, and not locked either: a locked account may not log in with a key where PAM is asked.
[ "$(getent shadow "$user" | cut -d: -f2)" = '*' ] || usermod -p '*' "$user"
home=$(getent passwd "$user" | cut -d: -f6)
group=$(id -gn "$user")
install -d -o root -g root -m 755 "$home"
install -d -o root -g "$group" -m 750 "$home/.ssh"
# Owned by root, so that the user can't let anybody else in. Whatever the key's holder asks for, this program is run.
printf '%s\n' 'restrict,command="sudo -n {path}" {key}' >"$work/authorized_keys"
if [ -f "$home/.ssh/authorized_keys" ] && cmp -s "$work/authorized_keys" "$home/.ssh/authorized_keys"; then
    echo "unchanged  $home/.ssh/authorized_keys"
else
    install -o root -g "$group" -m 640 "$work/authorized_keys" "$home/.ssh/authorized_keys"
    echo "installed  $home/.ssh/authorized_keys"
fi

# 2. The program
cat >"$work/step" <<'MAASBOT_END_OF_HELPER'
{helper}MAASBOT_END_OF_HELPER
[ "$(sha256sum "$work/step" | cut -d' ' -f1)" = "$sha256" ] || fail "the program in this script is damaged"
/usr/bin/python3 -I -c 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read())' "$work/step"
install -d -o root -g root -m 755 "$(dirname "$path")"
put "$work/step" "$path" 755
# Its compiled form, so that each start is quicker; bound to the text by a hash, and never written by the program itself.
rm -rf "$(dirname "$path")/__pycache__"
/usr/bin/python3 -I -c 'import py_compile as p, sys
p.compile(sys.argv[1], doraise=True, invalidation_mode=p.PycInvalidationMode.CHECKED_HASH)' "$path"
sync

# 3. What sudo allows
cat >"$work/sudoers" <<'MAASBOT_END_OF_SUDOERS'
{sudoers}MAASBOT_END_OF_SUDOERS
visudo -q -c -f "$work/sudoers" || fail "sudo does not take the rule; nothing was put in place"
install -d -o root -g root -m 750 /etc/sudoers.d
put "$work/sudoers" /etc/sudoers.d/maasbot 440
visudo -q -c || {{ rm -f /etc/sudoers.d/maasbot; fail "the rule clashes with others; it was taken out again"; }}

install -d -o root -g root -m 700 /var/lib/maasbot /var/lib/maasbot/jobs /var/backups/maasbot
echo "checksum   $sha256"
echo "Check it:  echo '{{\"protocol\": 1, \"verb\": \"hello\"}}' | sudo -u $user sudo -n $path"
