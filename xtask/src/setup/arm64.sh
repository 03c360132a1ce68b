#!/usr/bin/env bash
# Makes what the arm64 build is built and tried with, out of Debian's packages for amd64 and arm64.
#
#   arm64.sh FOLDER
#
# FOLDER gets `rust` (Debian's Rust with the standard libraries of both processors), `bin/rustc` and `bin/rustdoc`, which start it, and
# `bin/qemu-aarch64-static`, which runs programs of the other processor. Nothing of the system is changed: packages are downloaded and unpacked there,
# with lists of apt's own that know both processors.
# Needs apt-get and dpkg of Debian 12 and its sources.
set -euo pipefail
mkdir -p "$1"
folder=$(realpath "$1")
work=$folder/work
rm -rf "$work" "$folder/made"
mkdir -p "$work"/{sources,lists/partial,cache/archives/partial,debs,rust,qemu}
touch "$work/status"

# Debian's own sources alone: others may not have packages for the other processor.
for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
    if [ -s "$file" ]; then cp "$file" "$work/sources/debian.${file##*.}"; fi
done
apt=(-qq -o APT::Architecture=amd64 -o APT::Architectures=amd64,arm64 -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources"
    -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
apt-get "${apt[@]}" update

# The first package that PACKAGE depends on whose name begins like BEGINNING.
dependency() {
    apt-cache "${apt[@]}" depends "$1" | awk -v begin="$2" '$1 ~ /Depends:$/ && index($2, begin) == 1 { sub(/:.*/, "", $2); print $2; exit }'
}
std=$(dependency libstd-rust-web-dev:amd64 libstd-rust-web-)
llvm=$(dependency "$std:amd64" libllvm)
[ -n "$std" ] && [ -n "$llvm" ] || { echo "the sources have no \`libstd-rust-web-dev\`" >&2; exit 1; }
(
    cd "$work/debs"
    apt-get "${apt[@]}" download rustc-web "$std:amd64" libstd-rust-web-dev:amd64 libstd-rust-web-dev:arm64 "$llvm" libz3-4 libedit2 libbsd0 libmd0 \
        libxml2 libicu72
    mkdir qemu
    cd qemu
    apt-get "${apt[@]}" download qemu-user-static
)
for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/rust"; done
for package in "$work"/debs/qemu/*.deb; do dpkg -x "$package" "$work/qemu"; done

# The compiler finds its standard libraries from the place of its own file; its libraries are looked for where they were unpacked.
rm -rf "$folder/rust" "$folder/bin"
mkdir "$folder/bin"
mv "$work/rust" "$folder/rust"
for program in rustc rustdoc; do
    cat > "$folder/bin/$program" << SCRIPT
#!/bin/sh
root=\$(dirname "\$(dirname "\$(realpath "\$0")")")/rust/usr
LD_LIBRARY_PATH=\$root/lib/x86_64-linux-gnu exec "\$root/bin/$program" "\$@"
SCRIPT
    chmod +x "$folder/bin/$program"
done
cp "$work/qemu/usr/bin/qemu-aarch64-static" "$folder/bin"
"$folder/bin/rustc" --version
"$folder/bin/qemu-aarch64-static" --version | head -1
rm -rf "$work"
# What it was made from, so that another version is noticed.
cp "$0" "$folder/made"
