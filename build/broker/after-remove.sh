#!/bin/sh
# After removing sg-broker: "remove", and "purge" when its configuration is to go too.
set -eu

case "${1:-}" in
    remove)
        if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
        exit 0
        ;;
    purge) ;;
    *) exit 0 ;;
esac

# With the keys in it.
rm -rf /etc/sg-broker

# The database holds the audit. It goes only when that is asked for; kept, it becomes root's, so that no later user of the same number
# finds it.
if [ "${SG_BROKER_PURGE_DATABASE:-}" = yes ]; then
    rm -rf /var/lib/sg-broker
elif rmdir /var/lib/sg-broker 2>/dev/null; then
    :
elif [ -d /var/lib/sg-broker ]; then
    chown -h root:root /var/lib/sg-broker
    chmod 0700 /var/lib/sg-broker
    echo "sg-broker: /var/lib/sg-broker is kept, with the database and its audit. To remove it too: rm -r /var/lib/sg-broker" >&2
fi

if getent passwd sg-broker >/dev/null; then
    if command -v deluser >/dev/null 2>&1; then
        deluser --quiet --system sg-broker >/dev/null 2>&1 || true
    else
        userdel sg-broker >/dev/null 2>&1 || true
    fi
fi
