#!/bin/sh
# Of a system's bundle, called by RAUC once a slot is written: the boot partition holds entries for both slots, and starts its own.
set -eu
[ "$1" = slot-post-install ] || exit 0
case $RAUC_SLOT_NAME in
boot.0) own=a ;;
boot.1) own=b ;;
*) exit 0 ;;
esac
echo "$RAUC_SLOT_NAME starts with root-$own"
printf 'default slot-%s.conf\ntimeout 0\nauto-entries no\neditor no\n' "$own" > "$RAUC_SLOT_MOUNT_POINT/loader/loader.conf.new"
mv "$RAUC_SLOT_MOUNT_POINT/loader/loader.conf.new" "$RAUC_SLOT_MOUNT_POINT/loader/loader.conf"
