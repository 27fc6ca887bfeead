#!/bin/sh
# mlp.sh: the emitted training step of a 784-300-10 perceptron against one written by hand. Builds into
# build/bench; needs what scripts/demo.sh installs. Quiet machines give quieter numbers: only the ratio
# of one run means anything.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build/bench
mkdir -p "$build"
{ cmake -S "$root" -B "$build" -DDLG_BENCH=ON -DDLG_TESTS=OFF &&
    cmake --build "$build" -j"$(getconf _NPROCESSORS_ONLN)"; } >"$build/build.log" 2>&1 ||
    { tail -n 40 "$build/build.log" >&2; exit 1; }
"$build/dlgc" "$root/bench/mnist_mlp.dlg" -o "$build/mnist_mlp.cl"
exec "$build/bench_mlp" "$build/mnist_mlp.cl"
