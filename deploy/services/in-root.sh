#!/bin/sh
# in-root.sh ROOT USER COMMAND...: run a command inside a Debian root as one of its users, without any
# privilege. With IN_PRIVATE_MOUNTS=1 we are in a mount namespace of our own and mount /proc, /dev and, in memory,
# the folder that IN_MEMORY names, if it does; they vanish with the command.
set -eu
root=$1
user=$2
shift 2
if [ "${IN_PRIVATE_MOUNTS:-}" = 1 ]; then
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  if [ -n "${IN_MEMORY:-}" ]; then
    folder=$root$IN_MEMORY
    mount -t tmpfs -o "mode=0700,uid=$(stat -c %u "$folder"),gid=$(stat -c %g "$folder")" tmpfs "$folder"
  fi
fi
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 PGPASSWORD="${PGPASSWORD:-}" \
  chroot "$root" setpriv --reuid="$user" --regid="$user" --init-groups --inh-caps=-all --no-new-privs "$@"
