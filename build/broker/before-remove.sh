#!/bin/sh
# Before removing sg-broker: "remove". An upgrade is restarted when the new files are there.
set -eu

[ "${1:-}" = remove ] || exit 0
[ -d /run/systemd/system ] || exit 0
# It may take half a minute: exchanges under way are finished first.
systemctl --quiet disable --now sg-broker.service
