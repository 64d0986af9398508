#!/bin/sh
# Removes sg-session from this Mac: sudo /Applications/sg-session.app/Contents/Resources/share/uninstall.sh [--erase=all|--erase=keep-audit]
# With --erase also what it keeps for each user of the machine. Ends with a status other than 0 when something stays.
set -eu
PATH=/usr/bin:/bin:/usr/sbin:/sbin

app=/Applications/sg-session.app
command="$app/Contents/Resources/bin/sg-session"
label=org.sg-session.app.start-at-login
agent=/Library/LaunchAgents/$label.plist
link=/usr/local/bin/sg-session
policies="/Library/Application Support/sg-session"
status=0

usage() {
  echo "usage: sudo uninstall.sh [--erase=all|--erase=keep-audit]" >&2
  exit 2
}

[ $# -le 1 ] || usage
case "${1:-}" in
  "") erase="" ;;
  --erase=all) erase="--yes --all-users" ;;
  --erase=keep-audit) erase="--yes --all-users --keep-audit" ;;
  *) usage ;;
esac
if [ "$(id -u)" != 0 ]; then
  echo "sg-session: removing it takes root: sudo $0" >&2
  exit 2
fi

# The app and the agents of every user, by the program that runs, whatever they call themselves; not commands that artists' programs run under.
running() {
  lsof -t -- "$app/Contents/MacOS/sg-session" 2>/dev/null || true
  for process in $(lsof -t -- "$command" 2>/dev/null || true); do
    # shellcheck disable=SC2046 # words, each an argument
    set -- $(ps -o args= -p "$process")
    [ "${2:-}" != agent ] || echo "$process"
  done
}

# Asked to end first, in each session; then whatever still runs.
ps -axo uid=,comm= | awk -v app="$app/" 'index($0, app) { print $1 }' | sort -u | while read -r uid; do
  launchctl bootout "gui/$uid/$label" 2>/dev/null || true
done
for process in $(running); do kill -TERM "$process" 2>/dev/null || true; done
waited=0
while [ -n "$(running)" ] && [ $waited -lt 10 ]; do
  sleep 1
  waited=$((waited + 1))
done
for process in $(running); do kill -KILL "$process" 2>/dev/null || true; done

if [ -n "$erase" ]; then
  # shellcheck disable=SC2086 # words, each an argument
  "$command" erase $erase || status=1
fi
rm -f "$agent" "$policies/policy.json"
rmdir "$policies" 2>/dev/null || true
[ "$(readlink "$link" 2>/dev/null || true)" != "$command" ] || rm -f "$link"
rm -rf "$app"
pkgutil --forget org.sg-session.app >/dev/null 2>&1 || true
exit $status
