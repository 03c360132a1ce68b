#!/bin/sh
# Installs what this archive holds, for systems without packages of Debian: run it as root from the archive's folder.
set -eu
cd "$(dirname "$0")"
[ "$(id -u)" = 0 ] || { echo "run this as root: sudo ./install.sh" >&2; exit 1; }
install -D -m 755 usr/bin/clothingid /usr/bin/clothingid
for file in lib/systemd/system/*.service lib/systemd/system/*.timer lib/udev/rules.d/*.rules; do install -D -m 644 "$file" "/$file"; done
[ -e /etc/clothingid/config.toml ] || install -D -m 644 etc/clothingid/config.toml /etc/clothingid/config.toml
(cd usr/share && find . -type f) | while read -r file; do install -D -m 644 "usr/share/$file" "/usr/share/$file"; done
if [ -d /run/udev ]; then udevadm control --reload && udevadm trigger --subsystem-match=video4linux; fi || true
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable clothingid.service clothingid-update.timer
    systemctl restart clothingid.service clothingid-update.timer
fi
echo "installed; the page is http://localhost:8080, the settings are /etc/clothingid/config.toml, the journal is: journalctl -u clothingid"
