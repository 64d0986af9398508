#!/bin/sh
# Before removing. deb: "remove"; rpm: how many versions stay. An upgrade leaves running agents alone: they hand over by themselves.
set -eu

case "${1:-}" in
    remove | 0) ;;
    *) exit 0 ;;
esac

here=/opt/sg-session
policy=/etc/sg-session/policy.json

# The apps and agents of every user, one process of each: not their children, and not commands that artists' programs run under.
running() {
    for process in /proc/[0-9]*; do
        program=$(readlink "$process/exe" 2>/dev/null) || continue
        case "$program" in
            "$here/sg-session-app" | "$here/sg-session-app (deleted)") ;;
            "$here/bin/sg-session" | "$here/bin/sg-session (deleted)")
                [ "$(tr '\0' '\n' <"$process/cmdline" 2>/dev/null | sed -n 2p)" = agent ] || continue
                ;;
            *) continue ;;
        esac
        # In a container it is another installation.
        # shellcheck disable=SC3013 # the shells that are /bin/sh on Linux have it
        [ "$process/root" -ef / ] || continue
        parent=$(sed -n 's/^PPid:[[:space:]]*//p' "$process/status" 2>/dev/null) || continue
        case "$(readlink "/proc/$parent/exe" 2>/dev/null)" in
            "$here/sg-session-app"* | "$here/chrome-sandbox"*) continue ;;
        esac
        echo "${process#/proc/}"
    done
}

for process in $(running); do kill -TERM "$process" 2>/dev/null || true; done
# An app takes up to six seconds to sign out.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    left=$(running)
    [ -n "$left" ] || break
    sleep 1
done
for process in $left; do echo "sg-session: process $process was asked to end and still runs" >&2; done

written="$here/policy-of-installation.sha256"
if [ -e "$written" ]; then
    if sha256sum --status --check "$written" 2>/dev/null; then rm -f "$policy"; fi
    rm -f "$written"
fi

# What root's Python has compiled of ours: no package knows of it, and the folders would stay for it.
rm -rf "$here/python/sg_session/__pycache__"
