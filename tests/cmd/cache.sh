#!/bin/sh
# PoCL's cache that cannot be written is said to be why kernels do not build, and kernels that are wrong are not mistaken for it.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cp "$data/line.cl" "$data/line.csv" "$DLG_SOURCE_DIR"/samples/digits.dlg "$DLG_SOURCE_DIR"/samples/digits.csv .
[ "$(device_lines | sed -n '1s/^[0-9]* *\(Portable Computing Language\):.*/\1/p')" ] || {
    echo "the device is not PoCL's"
    exit 77
}
export DLG
mkdir cache
POCL_CACHE_DIR=$PWD/cache
export POCL_CACHE_DIR
small="dlg train line.cl --set rate=0.3 --epochs 1 --quiet"
large="dlg train digits.dlg --steps 1 --quiet"
what="the cache that PoCL builds kernels in, $PWD/cache, cannot be written"
hint="Make room there, or let POCL_CACHE_DIR name a folder that can be written"
export small large what hint

# Where it fails by itself, and where its compiler ends the process.
(ulimit -f 4; exec $large >out 2>err)
status=$?
[ "$status" -eq 3 ] || fail "a limit: status $status: $(cat err)"
grep -qF "dlg: what digits.dlg compiles to: the kernels could not be built (CL_BUILD_PROGRAM_FAILURE): $what: File too large (see ulimit -f). $hint" err ||
    fail "a limit: $(cat err)"
(ulimit -f 4; exec $small >out 2>err)
status=$?
[ "$status" -eq 3 ] || fail "a limit: status $status: $(cat err)"
grep -qF ": $what: File too large (see ulimit -f). $hint" err || fail "a limit: $(cat err)"
ls -A cache | grep -q '^dlg\.' && fail "a trial is left"

# Kernels that are wrong are so; what is used wrongly is so, whatever the cache is like.
sed 's/float d0 = 0.0f/float d0 = nonsense/' line.cl >wrong.cl
expect 1 "wrong.cl: the kernels do not compile on" dlg train wrong.cl --set rate=0.3 --epochs 1
POCL_CACHE_DIR=/nowhere expect 2 "no-such" dlg train wrong.cl --no-such
grep -q cache err && fail "the cache is blamed: $(cat err)"

# What another driver does has nothing to do with it.
if [ -z "${DLG_SANITIZE:-}" ]; then
    (ulimit -f 4; LD_PRELOAD=$DLG_BUILD_DIR/tests/librefuse.so DLG_REFUSE_STATUS=7 DLG_REFUSE_PLATFORM=other exec $small >out 2>err)
    status=$?
    [ "$status" -eq 7 ] || fail "another driver ended the process: status $status"
    [ -s err ] && fail "PoCL is blamed: $(cat err)"
fi

# Wherever PoCL has it.
for where in "XDG_CACHE_HOME= POCL_KERNEL_CACHE=no" "XDG_CACHE_HOME= POCL_KERNEL_CACHE=1" "XDG_CACHE_HOME=$PWD/xdg"; do
    mkdir home
    (unset POCL_CACHE_DIR; ulimit -f 4; exec env $where HOME="$PWD/home" $small >out 2>err)
    folder=$(find home xdg -name kcache -o -name uncached 2>found)
    grep -qF "the cache that PoCL builds kernels in, $PWD/$folder, cannot be written" err || fail "in $folder: $(cat err)"
    rm -rf home xdg
done

cat >disk.sh <<'EOF'
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
mount -t tmpfs -o size=64k none cache || exit 77
expect 3 "$what: No space left on device. $hint" $large
rm -rf cache/* && mount -o remount,ro cache || exit 77
expect 3 "$what: Read-only file system. $hint" $large
done_testing
EOF
on_own_disk disk.sh ""
expect 0 "" $small
expect 0 "" $large
done_testing
