#!/bin/sh
# After installing and upgrading. deb: "configure" and the old version; rpm: how many versions are there now.
# electron-builder puts a value in for each dollar sign with a name in braces, and fpm one for each percent sign: there is neither here.
set -eu

case "${1:-}" in
    configure | [1-9]*) ;;
    *) exit 0 ;;
esac

here=/opt/sg-session
policy=/etc/sg-session/policy.json

# Chromium's helper for machines where users cannot make namespaces of their own.
chown root:root "$here/chrome-sandbox"
chmod 4755 "$here/chrome-sandbox"

# Ubuntu 23.10 and later let only programs with such a profile make them. Older AppArmor does not know it, and does not ask for it.
restricted=$(cat /proc/sys/kernel/apparmor_restrict_unprivileged_userns 2>/dev/null || echo 0)
profile="$here/resources/apparmor-profile"
if [ "$restricted" = 1 ] && apparmor_parser --skip-kernel-load --skip-cache "$profile" >/dev/null 2>&1; then
    install -m 0644 "$profile" /etc/apparmor.d/sg-session
    # Not in a root that is being built for other machines.
    if ! { command -v ischroot >/dev/null 2>&1 && ischroot; }; then
        apparmor_parser --replace --skip-cache /etc/apparmor.d/sg-session || echo "sg-session: its AppArmor profile is loaded at the next start of the machine" >&2
    fi
fi

if [ -e /usr/share/icons/hicolor/icon-theme.cache ] && command -v gtk-update-icon-cache >/dev/null 2>&1; then
    gtk-update-icon-cache --quiet --force --ignore-theme-index /usr/share/icons/hicolor || true
fi

# What IT says at installation becomes the machine's policy, unless there is one: sg-session judges and writes it.
wishes=
set -- policy write --if-none
if [ -n "${SG_SESSION_POLICY:-}" ]; then wishes=1; set -- "$@" --from "$SG_SESSION_POLICY"; fi
if [ -n "${SG_SESSION_SITE:-}" ]; then wishes=1; set -- "$@" --site "$SG_SESSION_SITE"; fi
if [ -n "${SG_SESSION_BROKER:-}" ]; then wishes=1; set -- "$@" --broker "$SG_SESSION_BROKER"; fi
if [ -n "${SG_SESSION_CLIENT_ID:-}" ]; then wishes=1; set -- "$@" --client-id "$SG_SESSION_CLIENT_ID"; fi
if [ -n "${SG_SESSION_CONSENT:-}" ]; then wishes=1; set -- "$@" --consent "$SG_SESSION_CONSENT"; fi
if [ -n "${SG_SESSION_START_AT_LOGIN:-}" ]; then wishes=1; set -- "$@" --start-at-login "$SG_SESSION_START_AT_LOGIN"; fi
if [ -n "$wishes" ] && ! [ -e "$policy" ]; then
    # Without what else stands in the environment of whoever installs: Node and its libraries listen to some of it.
    if ! env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$here/bin/sg-session" "$@" >/dev/null; then
        echo "sg-session: installed, but without the policy that was asked for: correct it and install once more, or write $policy yourself" >&2
        exit 1
    fi
    # Removal takes away what came with the installation, and nothing that somebody else wrote or changed.
    sha256sum "$policy" >"$here/policy-of-installation.sha256"
fi
