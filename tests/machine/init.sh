#!/bin/sh
# The first process of the virtual machine: mounts, loads modules, then runs what the tests hand it.
#
# `/host` is the machine that started it, read-only: its programs and libraries run here under this kernel. `/host/mnt` is a folder shared with
# the tests. A file `in/NAME.sh` there is run; what it prints becomes `out/NAME.txt`, its exit status `out/NAME.rc`.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
for module in virtio_pci 9pnet_virtio 9p; do modprobe "$module"; done
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host || poweroff -f
for place in dev proc sys; do mount -o rbind "/$place" "/host/$place"; done
mount -t tmpfs tmp /host/tmp
mount -t tmpfs run /host/run
mount -t tmpfs var /host/var/tmp
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 share /host/mnt || poweroff -f
ip link set lo up
# Modules are loaded from the file system in memory: the host has another kernel.
mkdir -p /host/tmp/bin
cat > /host/tmp/modprobe <<'END'
#!/bin/sh
echo "$@" > /tmp/modprobe.wanted
while [ -e /tmp/modprobe.wanted ]; do sleep 0.1; done
exit "$(cat /tmp/modprobe.rc)"
END
chmod +x /host/tmp/modprobe
(
    while :; do
        if [ -s /host/tmp/modprobe.wanted ]; then
            # shellcheck disable=SC2046 # words of a command line
            modprobe $(cat /host/tmp/modprobe.wanted)
            echo $? > /host/tmp/modprobe.rc
            rm /host/tmp/modprobe.wanted
        fi
        sleep 0.1
    done
) &
read -r up _ < /proc/uptime
echo "$up" > /host/mnt/up
while [ ! -e /host/mnt/end ]; do
    for script in /host/mnt/in/*.sh; do
        [ -e "$script" ] || continue
        name=$(basename "$script" .sh)
        mv "$script" "/host/mnt/in/$name.run"
        chroot /host /usr/bin/env -i PATH=/tmp:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp /bin/bash "/mnt/in/$name.run" > "/host/mnt/out/$name.txt" 2>&1 < /dev/null
        echo $? > "/host/mnt/out/$name.rc.new"
        mv "/host/mnt/out/$name.rc.new" "/host/mnt/out/$name.rc"
    done
    sleep 0.2
done
sync
poweroff -f
