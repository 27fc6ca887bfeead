#!/bin/sh
# The kernels of both samples on oclgrind's simulated device: no access outside a buffer, no data race.
# (Its check of uninitialized memory is off: it reports falsely on vectors.)
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
command -v oclgrind >/dev/null || { echo "oclgrind is not installed"; exit 77; }

check() { # check ARGUMENT...: of dlg
    oclgrind --data-races --log "$DLG_TMP/log" "$DLG" "$@" --device Oclgrind >out 2>&1
    status=$?
    if [ "$status" -ne 0 ] || [ -s "$DLG_TMP/log" ]; then
        cat out
        head -n 60 "$DLG_TMP/log"
        echo "dlg $*: exit status $status"
        exit 1
    fi
    rm -f "$DLG_TMP/log"
}

for sample in xor digits; do
    file=$DLG_SOURCE_DIR/samples/$sample.dlg
    check train "$file" --steps 3 --save "$sample.safetensors" --quiet
    check eval "$file" --load "$sample.safetensors"
done
