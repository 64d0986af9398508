#!/bin/sh
# What Gatekeeper says of the packages in a folder, and of the app inside: judge-packages.sh FOLDER
set -eu
folder="$1"
found=0
for pkg in "$folder"/*.pkg; do
  [ -e "$pkg" ] || continue
  found=1
  pkgutil --check-signature "$pkg"
  spctl --assess --type install --verbose "$pkg"
  xcrun stapler validate "$pkg"
done
for dmg in "$folder"/*.dmg; do
  [ -e "$dmg" ] || continue
  found=1
  mount="$(mktemp -d)"
  hdiutil attach -nobrowse -readonly -mountpoint "$mount" "$dmg" >/dev/null
  status=0
  {
    codesign --verify --deep --strict --verbose=2 "$mount/sg-session.app" &&
      spctl --assess --type execute --verbose "$mount/sg-session.app" &&
      xcrun stapler validate "$mount/sg-session.app" &&
      "$mount/sg-session.app/Contents/Resources/bin/sg-session" --version
  } || status=$?
  # The app may be asked by others what it is allowed; ours alone are allowed to read its memory.
  codesign --display --entitlements - --xml "$mount/sg-session.app" 2>/dev/null | grep -q get-task-allow && status=1
  hdiutil detach "$mount" >/dev/null
  [ "$status" = 0 ] || exit "$status"
done
[ "$found" = 1 ] || { echo "no .pkg and no .dmg in $folder" >&2; exit 1; }
