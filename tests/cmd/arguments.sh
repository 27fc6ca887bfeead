#!/bin/sh
# A concat and a gradient sum of more values than a kernel may have arguments (a device need not take more than 128):
# made in parts, the same at every level of optimisation.
set -u
awk 'BEGIN {
    n = 300
    for (i = 0; i < n; i++) print "param p" i " : f32[2] = " i
    print "param w : f32[2] = 1"
    print "l = sum(w * p0)"
    for (i = 1; i < n; i++) print "l = l + sum(w * p" i ")"
    printf "entry parts -> y = sum(concat(p0"
    for (i = 1; i < n; i++) printf ", p" i
    print ", axis = 0) * iota(600))"
    print "entry slope -> g = grad(l, w)"
}' >many.dlg
for level in -O0 -O1 -O2; do
    "$DLGC" many.dlg $level -o many.cl || exit 1
    "$DLG" run many.cl --entry slope >out 2>err || { cat err; exit 1; }
    "$DLG" run many.cl --entry parts >>out 2>err || { cat err; exit 1; }
    # The sums of i, and of i * (2 i + 2 i + 1), for i below 300: 35865050.
    awk '/^y/ && ($2 < 35865040 || $2 > 35865060) { exit 1 } /^g/ && $0 != "g 44850 44850" { exit 1 }' out ||
        { echo "$level:"; cat out; exit 1; }
    awk '/^\/\/! launch/ {
        for (i = 1; i <= NF && $i != "args"; i++) {}
        for (n = 0; i + n < NF && $(i + n + 1) != "flops"; n++) {}
        if (n > 100) { print "a kernel with " n " arguments"; exit 1 }
    }' many.cl || exit 1
done
