#!/bin/sh
# Takes away what install.sh put on this host. Read it, then run it as root:  sh uninstall.sh
# MAAS itself and its backups in /var/backups/maasbot are left as they are.
set -eu

user='{user}'
path='{path}'

fail() {{ echo "uninstall: $*" >&2; exit 1; }}
[ "$(id -u)" = 0 ] || fail "must be run by root"
if command -v systemctl >/dev/null && systemctl list-units --no-legend 'maasbot-*.service' 2>/dev/null | grep -q .; then
    fail "a job is running (systemctl list-units 'maasbot-*'): wait for its end"
fi

# The right goes first, then what it was for.
rm -f /etc/sudoers.d/maasbot /etc/sudoers.d/maasbot.new
rm -f "$path" "$path.new"
rm -rf "$(dirname "$path")/__pycache__"
rmdir "$(dirname "$path")" 2>/dev/null || true
if id -u "$user" >/dev/null 2>&1; then
    home=$(getent passwd "$user" | cut -d: -f6)
    # Whoever is logged in with its key is shown out first.
    if command -v loginctl >/dev/null; then loginctl terminate-user "$user" 2>/dev/null || true; fi
    for try in 1 2 3 4 5 6 7 8 9 10; do
        if ! pkill -KILL -u "$user"; then break; fi
        sleep 0.5
    done
    userdel "$user"
    if [ "$home" = "/var/lib/$user-login" ]; then rm -rf "$home"; fi
    echo "removed    user $user"
fi
rm -rf /var/lib/maasbot /run/maasbot
echo "removed    $path, /etc/sudoers.d/maasbot, /var/lib/maasbot"
if [ -d /var/backups/maasbot ] && ! rmdir /var/backups/maasbot 2>/dev/null; then
    echo "left       /var/backups/maasbot: backups of MAAS; remove them by hand when nobody needs them"
fi
