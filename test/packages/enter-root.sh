#!/bin/sh
# Makes a Debian root this mount namespace's own and stays as its first process. Started by machine.ts through unshare, as root:
# enter-root.sh LOWER UPPER WORK AT. What is written goes to UPPER; LOWER is shared by every test file.
set -eu
lower=$1 upper=$2 work=$3 at=$4
# /proc is still that of the machine around us: this is what it calls us.
read -r pid rest </proc/self/stat
mount --make-rprivate /
mount -t overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work" overlay "$at"
cd "$at"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
  : >"dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/shm dev/pts run/lock run/user
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
# A root that is not its namespace's own would refuse everybody user namespaces, which Chromium's sandbox is made of.
pivot_root . .
umount -l .
cd /
echo "ready $pid"
trap : TERM INT HUP
# The first process also takes in orphans; `wait` collects them.
while :; do
  sleep 1000 &
  wait "$!" || :
done
