#!/bin/sh
# make gpu-bundle: what a machine with a GPU needs to run Attune's checks and measurements, with nothing to build or install
# there: programs, plugin, the check of operations, and every library that they name but glibc and the compiler's own.
#   tests/gpu/make-bundle.sh SRCDIR OUT     OUT/attune-gpu.tar.xz, and the same unpacked in OUT/attune-gpu
# cuBLASLt and the driver are the machine's; on-device.sh looks for the first. oneDNN and cairo are left out: large, and no part
# of what is measured.
set -eu
source=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
build=$out/build bundle=$out/attune-gpu
most_bytes=41943040
strip=${STRIP:-strip}
# Of glibc, the loader and the compiler: those of the machine that it is carried to, which must be no older than these.
machine='^(ld-linux.*|libc|libm|libmvec|libdl|librt|libpthread|libresolv|libutil|libstdc\+\+|libgcc_s)\.so'

mkdir -p "$build"
[ -f "$build/Makefile" ] || (cd "$build" && "$source/configure" --with-cuda=yes --without-onednn --without-cairo ${CC:+CC="$CC"})
make -C "$build" attune attune-engine attune-cuda.so tests/gpu/test_device tests/lib/json_get

rm -rf "$bundle"
mkdir -p "$bundle/bin" "$bundle/lib" "$bundle/share"
cp "$build/attune" "$build/attune-engine" "$build/attune-cuda.so" "$build/tests/gpu/test_device" "$build/tests/lib/json_get" "$bundle/bin"
"$strip" "$bundle"/bin/*
cp -R "$source/share/attune" "$bundle/share"
cp "$source/tests/gpu/on-device.sh" "$bundle"
cp "$source/bench/gpu_transformers.py" "$bundle"

# Libraries, with those that they name themselves; ldd follows them.
for file in "$bundle"/bin/*; do
    ldd "$file" 2>/dev/null | awk -v machine="$machine" '$3 ~ /^\// && $1 !~ machine && $1 !~ /^libcublas/ { print $3 }'
done | sort -u | while read -r library; do
    cp -L "$library" "$bundle/lib"
done
"$strip" --strip-unneeded "$bundle"/lib/*

# Everything inside finds what it names inside, or in glibc; cuBLASLt is the machine's.
for file in "$bundle"/bin/* "$bundle"/lib/*; do
    LD_LIBRARY_PATH=$bundle/lib ldd "$file" 2>/dev/null | awk -v file="${file#"$bundle"/}" -v machine="$machine" -v inside="$bundle/lib/" '
        $1 ~ machine || $1 ~ /linux-vdso|ld-linux/ || $1 ~ /^libcublas/ || /statically linked/ { next }
        $2 == "=>" && index($3, inside) == 1 { next }
        { print file " needs " $0; bad = 1 }
        END { exit bad }' || touch "$out/incomplete"
done
if [ -e "$out/incomplete" ]; then
    rm "$out/incomplete"
    echo "the bundle lacks what stands above" >&2
    exit 1
fi
XZ_OPT=${XZ_OPT:--T0} tar -C "$out" -cJf "$out/attune-gpu.tar.xz.tmp" attune-gpu
mv "$out/attune-gpu.tar.xz.tmp" "$out/attune-gpu.tar.xz"
bytes=$(wc -c <"$out/attune-gpu.tar.xz")
echo "$out/attune-gpu.tar.xz: $((bytes / 1024)) KiB, $(ls "$bundle/lib" | wc -l) libraries beside the programs"
if [ "$bytes" -gt $most_bytes ]; then
    echo "that is more than the 40 MiB that it may take" >&2
    exit 1
fi
