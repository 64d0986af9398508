#!/bin/sh
# After installing and upgrading sg-broker: "configure" and, when there was one, the old version. fpm puts a value in for each percent
# sign in angle brackets: there is none here.
set -eu

[ "${1:-}" = configure ] || exit 0

if ! getent passwd sg-broker >/dev/null; then
    adduser --quiet --system --group --home /var/lib/sg-broker --no-create-home sg-broker
fi

# Configuration and keys: root writes them, the broker reads them. Who has set it up otherwise keeps that.
[ -d /etc/sg-broker ] || install -d -o root -g sg-broker -m 0750 /etc/sg-broker

# A database that an earlier removal has kept is root's since; until here nobody else could write into that folder.
if [ ! -d /var/lib/sg-broker ]; then
    install -d -o sg-broker -g sg-broker -m 0700 /var/lib/sg-broker
elif [ "$(stat -c '%U' /var/lib/sg-broker)" = root ]; then
    chown -hR sg-broker:sg-broker /var/lib/sg-broker
fi

# In a container or a root that is being built there is no systemd to talk to.
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
if [ -n "${2:-}" ]; then
    # Only where it runs. What is not good in the new version is in the journal, and must not keep dpkg from its work.
    systemctl try-restart sg-broker.service || echo "sg-broker: the new version did not start: journalctl -u sg-broker" >&2
else
    echo "sg-broker: write /etc/sg-broker/broker.json (example: /usr/share/doc/sg-broker/examples), then: systemctl enable --now sg-broker"
fi
