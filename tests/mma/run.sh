#!/bin/sh
# What kernels/mma.cl does with the operands of ldmatrix and mma.sync, without a device that has them: its functions as C,
# run item by item, but for those that hold the instructions, whose part lanes.c has.
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
here=$DLG_SOURCE_DIR/tests/mma
awk '/^\/\/: / { keep = $2 !~ /^mma_(ptx|copy|copy_.*|mark|arrive|ldmatrix|tf32|tf32_first|bf16|bf16_pairs|pair|high)$/ } keep' \
    "$DLG_SOURCE_DIR/kernels/mma.cl" >mma.h || exit 1
"${CC:-cc}" -std=c11 -O1 -w -I. -I"$DLG_SOURCE_DIR/compiler" -o lanes "$here/lanes.c" -lm || exit 1
./lanes || exit 1
# The same of kernels/wgmma.cl: what its products tell the units of their operands.
awk '/^\/\/: / { keep = $2 ~ /^wgmma_(place|tile|row|column|bf16|product_.*)$/ } keep' \
    "$DLG_SOURCE_DIR/kernels/wgmma.cl" >wgmma.h || exit 1
"${CC:-cc}" -std=c11 -O1 -w -I. -I"$DLG_SOURCE_DIR/compiler" -o wgmma "$here/wgmma.c" || exit 1
./wgmma
