#!/bin/sh
# After removing. deb: "remove", later perhaps "purge"; rpm: how many versions stay.
set -eu

case "${1:-}" in
    remove | purge | 0) ;;
    *) exit 0 ;;
esac

profile=/etc/apparmor.d/sg-session
if [ -e "$profile" ]; then
    if ! { command -v ischroot >/dev/null 2>&1 && ischroot; }; then
        apparmor_parser --remove "$profile" >/dev/null 2>&1 || true
    fi
    rm -f "$profile" /var/cache/apparmor/*/sg-session
fi

if [ -e /usr/share/icons/hicolor/icon-theme.cache ] && command -v gtk-update-icon-cache >/dev/null 2>&1; then
    gtk-update-icon-cache --quiet --force --ignore-theme-index /usr/share/icons/hicolor || true
fi

# A policy that the studio wrote stays, as a package's configuration does, until it is purged.
if [ "$1" = purge ]; then rm -f /etc/sg-session/policy.json; fi
if [ -d /etc/sg-session ]; then rmdir --ignore-fail-on-non-empty /etc/sg-session; fi
