#!/usr/bin/env bash
# Runs the studies of this folder on the first NVIDIA GPU of this machine.
#
#   bash run.sh [SECONDS]        stop after so many seconds, with everything saved; the same command goes on
#
# Needs Python with a CUDA build of torch @TORCH@ (its libraries are used, not its Python), or TORCH_LIB with their folder.
# The records are in results/ and, for carrying back, in results.tar; `cargo xtask gpu collect` takes either.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
sha256sum --quiet --check checksums.txt

work=${WORK:-work}
mkdir -p "$work/pack" results
for first in data/*.000; do
    name=$(basename "$first" .000)
    [ -f "$work/pack/$name" ] || { cat data/"$name".[0-9][0-9][0-9] > "$work/pack/$name.part" && mv "$work/pack/$name.part" "$work/pack/$name"; }
done

torch=${TORCH_LIB:-$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')}
found=$(python3 -c 'import torch; print(torch.__version__.split("+")[0])' 2>/dev/null || echo unknown)
[ "$found" = "@TORCH@" ] || [ -n "${TORCH_LIB:-}" ] || { echo "torch $found is here, and the program was linked with @TORCH@" >&2; exit 1; }
libraries=$torch
# The CUDA libraries that torch's wheels bring along lie beside it.
for folder in "$torch"/../../nvidia/*/lib; do [ -d "$folder" ] && libraries=$libraries:$folder; done
export LD_LIBRARY_PATH=$libraries:${LD_LIBRARY_PATH:-} GOMP_SPINCOUNT=0

weights=()
for file in weights/*; do [ -f "$file" ] && weights+=(--weights "$(basename "${file%.*}")=$file"); done
until=$(( SECONDS + ${1:-86400} ))
status=0
for recipe in recipes/*.toml; do
    name=$(basename "$recipe" .toml)
    left=$(( until - SECONDS ))
    [ "$left" -gt 0 ] || { echo "no time left for $name"; status=130; break; }
    # Interrupted, the program saves and ends with 130.
    timeout --signal=INT --kill-after=60 "$left" programs/clothingid-train study "$recipe" --pack "$work/pack" \
        --out "results/$name" --work "$work/$name" --device "${DEVICE:-cuda:0}" "${weights[@]}" > "results/$name.txt" || status=$?
    tar -cf results.tar results
done
exit "$status"
