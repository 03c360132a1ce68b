#!/usr/bin/env bash
# Makes what the suite `camera` boots: Debian's kernel with the drivers of virtual cameras and screens, and a stock system of this machine's release.
#
#   make.sh FOLDER
#
# FOLDER gets `vmlinuz`, `initramfs.gz`, `kernel` (the release) and `stock.tar`. Nothing of the system is changed: packages are downloaded and unpacked
# there. Needs apt-get of Debian, mmdebstrap (with uidmap where it is not root), busybox-static, cpio, kmod, make and gcc.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(realpath "$1")
work=$folder/work
rm -rf "$work"
mkdir -p "$work"/{debs,image,headers,loopback}

image=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
release=${image#linux-image-}
(
    cd "$work/debs"
    apt-get download -qq -o APT::Sandbox::User=root "$image" "linux-headers-$release" "linux-headers-${release%-*}-common" \
        "linux-kbuild-$(echo "$release" | cut -d. -f1,2)" v4l2loopback-dkms
)
dpkg -x "$work"/debs/linux-image-*.deb "$work/image"
for package in "$work"/debs/{linux-headers,linux-kbuild,v4l2loopback}*.deb; do dpkg -x "$package" "$work/headers"; done

# MJPEG from a program, as a camera: the kernel itself has no such driver.
sources=$work/headers/usr/src
sed -i "s#include /usr/src/#include $sources/#" "$sources/linux-headers-$release/Makefile"
cp "$sources"/v4l2loopback-*/*.[ch] "$work/loopback"
echo 'obj-m := v4l2loopback.o' > "$work/loopback/Kbuild"
make -s -C "$sources/linux-headers-$release" M="$work/loopback" modules
modules=$work/image/lib/modules/$release
mkdir -p "$modules/extra"
cp "$work/loopback/v4l2loopback.ko" "$modules/extra"
depmod -b "$work/image" "$release"

root=$work/root
mkdir -p "$root"/{bin,dev,proc,sys,host,"lib/modules/$release"}
busybox=$(command -v busybox)
cp "$busybox" "$root/bin/busybox"
for name in $("$busybox" --list); do [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"; done
for module in virtio_pci virtio_net 9pnet_virtio 9p vivid v4l2loopback bochs vgem vhci_hcd uvcvideo xhci_pci usb_storage sd_mod vfat nls_ascii nls_cp437; do
    modprobe -d "$work/image" -S "$release" --show-depends "$module"
done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r file; do
    place=$root/${file#"$work/image"}
    mkdir -p "$(dirname "$place")"
    cp "$file" "$place"
done
cp "$modules"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$release"
depmod -b "$root" "$release"
cp "$here/init.sh" "$root/init"
cp "$here/commands.sh" "$root"
chmod +x "$root"/{init,commands.sh}
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$folder/initramfs.gz.new"
cp "$work"/image/boot/vmlinuz-* "$folder/vmlinuz"

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=${CLOTHINGID_DEBIAN_MIRROR:-http://deb.debian.org}
mmdebstrap --variant=minbase --components=main --quiet --format=tar --include=curl,dbus,kmod,systemd-sysv,udev \
    --aptopt='Apt::Install-Recommends "false"' "$codename" "$folder/stock.tar.new" \
    "deb $mirror/debian $codename main" "deb $mirror/debian-security $codename-security main"
mv "$folder/stock.tar.new" "$folder/stock.tar"
mv "$folder/initramfs.gz.new" "$folder/initramfs.gz"
echo "$release" > "$folder/kernel"
# What it was made from, so that another version is noticed.
cp "$here"/{init,commands,make}.sh "$folder"
rm -rf "$work"
