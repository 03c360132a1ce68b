#!/bin/sh
# The first process of the virtual machine: mounts, loads modules, then runs what the tests hand it (`commands.sh`).
#
# `/host` is the machine that started it, read-only: its programs and libraries run here under this kernel. `/host/mnt` is a folder shared with
# the tests. With `stock` on the kernel's command line the machine has a system of its own instead, as Debian makes it (`stock.tar`).
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
for module in virtio_pci 9pnet_virtio 9p; do modprobe "$module"; done

share() {
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 share "$1" || poweroff -f
}

if grep -qw stock /proc/cmdline; then
    mkdir -p /files /stock
    mount -t tmpfs -o size=90% stock /stock
    mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000 stock /files || poweroff -f
    tar -xf /files/stock.tar -C /stock || poweroff -f
    share /stock/mnt
    # Its kernel is this one, with the drivers that it has; which of them a device needs, the system finds by itself.
    cp -r /lib/modules /stock/usr/lib
    cp /commands.sh /stock/usr/local/sbin
    cat > /stock/etc/systemd/system/commands.service <<'END'
[Unit]
Description=Commands of the tests
[Service]
ExecStart=/bin/sh /usr/local/sbin/commands.sh /mnt /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root
END
    mkdir -p /stock/etc/systemd/system/multi-user.target.wants
    ln -s ../commands.service /stock/etc/systemd/system/multi-user.target.wants
    exec switch_root /stock /sbin/init
fi

mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host || poweroff -f
for place in dev proc sys; do mount -o rbind "/$place" "/host/$place"; done
mount -t tmpfs tmp /host/tmp
mount -t tmpfs run /host/run
mount -t tmpfs var /host/var/tmp
share /host/mnt
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
exec /commands.sh /host/mnt chroot /host /usr/bin/env -i PATH=/tmp:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp
