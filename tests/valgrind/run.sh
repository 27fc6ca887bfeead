#!/bin/sh
# dlgc leaks nothing and reads nothing that was not set: on both samples, and on a wrong program.
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }

check() { # check WANTED-STATUS ARGUMENT...: of dlgc
    wanted=$1
    shift
    valgrind -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=99 \
        "$DLGC" "$@" >out 2>log
    status=$?
    if [ "$status" -ne "$wanted" ]; then
        cat log
        echo "dlgc $*: exit status $status, not $wanted"
        exit 1
    fi
}

for sample in xor digits; do
    check 0 "$DLG_SOURCE_DIR/samples/$sample.dlg" -o "$sample.cl"
    check 0 "$DLG_SOURCE_DIR/samples/$sample.dlg" --emit graph
done
printf 'y = relu(x\nz = nothing + 1\nentry e -> z\n' >wrong.dlg
check 1 wrong.dlg
