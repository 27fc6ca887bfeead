#!/bin/sh
# --emit dot: every kernel that is launched is a box, every edge leads between nodes that are drawn, every value
# in a kernel comes from somewhere; graphviz reads it, where there is graphviz. The text is pinned in
# tests/golden/explain.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"

check_drawing() { # check_drawing FILE ARGUMENT...
    file=$1
    shift
    expect 0 "digraph" "$DLGC" "$@" --emit dot "$file"
    cp out drawing
    expect 0 "" "$DLGC" "$@" --emit plan "$file"
    awk '/^\/\/! launch / { print $3 }' out >launched
    sed -n 's/^ *label="\(k[0-9]*\)[,"].*/\1/p' drawing >drawn
    same launched drawn
    awk '
        / -> / { from[++edges] = $1; to[edges] = $3; sub(/;$/, "", to[edges]); next }
        /^ *[nvo][0-9_]+ \[/ {
            node[$1] = 1
            leaf[$1] = /label="(iota|iteration|literal|copy)/
        }
        /{$/ { depth++ }
        /^ *}$/ { depth-- }
        END {
            for (i = 1; i <= edges; i++) {
                if (!(from[i] in node) || !(to[i] in node)) { print "an edge to nowhere: " from[i], to[i]; bad = 1 }
                into[to[i]] = out[from[i]] = 1
            }
            for (n in node) {
                if (n ~ /^n/ && !(n in into) && !leaf[n]) { print "nothing leads to " n; bad = 1 }
                if (n ~ /^n/ && !(n in out)) { print "nothing follows " n; bad = 1 }
                if (n ~ /^o/ && !(n in into)) { print "nothing leads to the result " n; bad = 1 }
            }
            if (depth) { print "braces"; bad = 1 }
            exit bad || !edges
        }' drawing >wrong || { fail "$file $*"; head -5 wrong; }
    ! command -v nop >/dev/null || expect 0 "" nop drawing
}

for file in "$DLG_SOURCE_DIR"/samples/*.dlg "$DLG_SOURCE_DIR"/tests/diff/scan_gradient.dlg \
    "$DLG_SOURCE_DIR"/tests/diff/scan.dlg "$DLG_SOURCE_DIR"/tests/diff/language.dlg; do
    for level in -O0 -O1 -O2; do check_drawing "$file" $level; done
    check_drawing "$file" --target gpu
done
done_testing
