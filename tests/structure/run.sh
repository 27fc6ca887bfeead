#!/bin/sh
# The structure of what is emitted, not its text. A program of this folder says in comments what it
# expects of the plan for the cpu target, as does tests/diff/offsets.dlg; for a sample a file
# SAMPLE.expect here says it:
#   # structure with OPTION...    of dlgc
#   # expect-launches: ENTRY N     as many launches
#   # expect-at-most: ENTRY N      no more than so many
#   # expect-kernels: N            distinct kernels in all
#   # expect-distinct: ENTRY N     no more distinct kernels than so many
#   # expect-offsets: ENTRY N      at least so many launches that pass their kernel an offset
#   # expect-no-repeat: ENTRY      a loop is a kernel, not launches
#   # expect-no-buffer: SHAPE      nothing in memory has this shape
#   # expect-bytes-ratio: ENTRY X  bytes moved, as a multiple of their bound (docs/passes.md), at most
#   # expect-arena-ratio: ENTRY X  the arena, as a multiple of what lives at one time, at most
#   # expect-arena: ENTRY N        bytes of the entry's arena
#   # expect-operations: ENTRY N  operations of a run at most
#   # expect-groups: ENTRY N     work-groups of each launch at least
#   # expect-call: NAME           a kernel calls this function of kernels/
#   # expect-text: N               bytes of the whole program at most: what a driver compiles
# Ratios are those that `dlg inspect` shows.
dlgc=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
failed=0

check() { # check PROGRAM EXPECTATIONS
    options=$(sed -n 's/^# structure with //p' "$2")
    # shellcheck disable=SC2086 # a list of words
    if ! "$dlgc" "$1" --emit plan $options -o plan || ! "$dlgc" "$1" $options -o program.cl ||
        ! "$DLG" inspect --json program.cl >figures; then
        failed=1
        return
    fi
    for call in $(sed -n 's/^# expect-call: //p' "$2"); do
        grep -q "[= ]$call(.*, l);" program.cl || { echo "${2##*/}: no kernel calls $call"; failed=1; }
    done
    grep -q '^# expect' "$2" || { echo "$2 expects nothing"; failed=1; }
    awk -v file="${2##*/}" -v text="$(wc -c <program.cl)" '
        function wrong(what, want, got) {
            printf "%s: %s: expected %s, got %s\n", file, what, want, got
            bad = 1
        }
        function ratio(what, figure) {
            if (figure == "arena_ratio" && figures[$3, "arena_bytes"] == "0") return
            if (figures[$3, figure] !~ /^[0-9]/ || figures[$3, figure] > $4 + 0)
                wrong(what " of " $3, "at most " $4, figures[$3, figure] "")
        }
        FILENAME == "plan" && /^\/\/! entry / { entry = $3; count[entry] = 0 }
        FILENAME == "plan" && /^\/\/! launch / {
            count[entry]++
            if (!seen[entry, $3]++) distinct[entry]++
            if (!(entry in groups) || $5 / $7 < groups[entry]) groups[entry] = $5 / $7
            if (/ =/) offsets[entry]++
        }
        FILENAME == "plan" && /^\/\/! repeat / { repeats[entry]++ }
        FILENAME == "plan" && /^\/\/! buffer / { shape[$6]++ }
        FILENAME == "plan" && /^\/\/! kernels / { kernels = $3 }
        FILENAME == "plan" { next }
        FILENAME == "figures" { # one key a line
            split($0, part, "\"")
            value = $2
            sub(/,$/, "", value)
            if (value == "{") entry = part[2]
            else if (/^  "/) entry = "" # of all entries
            else figures[entry, part[2]] = value ~ /\./ ? value + 0 : value
            next
        }
        $2 == "expect-launches:" && count[$3] != $4 { wrong("launches of " $3, $4, count[$3] "") }
        $2 == "expect-at-most:" && (!($3 in count) || count[$3] > $4) {
            wrong("launches of " $3, "at most " $4, count[$3] "")
        }
        $2 == "expect-kernels:" && kernels != $3 { wrong("kernels", $3, kernels) }
        $2 == "expect-distinct:" && (!($3 in count) || distinct[$3] > $4) {
            wrong("distinct kernels of " $3, "at most " $4, distinct[$3] "")
        }
        $2 == "expect-offsets:" && offsets[$3] + 0 < $4 {
            wrong("launches of " $3 " with an offset", "at least " $4, offsets[$3] + 0)
        }
        $2 == "expect-no-repeat:" && repeats[$3] { wrong("repeats of " $3, "none", repeats[$3]) }
        $2 == "expect-no-buffer:" && shape[$3] { wrong("buffers of shape " $3, "none", shape[$3]) }
        $2 == "expect-bytes-ratio:" { ratio("bytes", "bytes_ratio") }
        $2 == "expect-arena:" && figures[$3, "arena_bytes"] != $4 {
            wrong("arena of " $3, $4, figures[$3, "arena_bytes"] "")
        }
        $2 == "expect-arena-ratio:" { ratio("arena", "arena_ratio") }
        $2 == "expect-groups:" && !(groups[$3] >= $4) {
            wrong("groups of " $3, "at least " $4, groups[$3] "")
        }
        $2 == "expect-operations:" && !(figures[$3, "flops"] + 0 <= $4) {
            wrong("operations of " $3, "at most " $4, figures[$3, "flops"] "")
        }
        $2 == "expect-text:" && text + 0 > $3 { wrong("bytes of text", "at most " $3, text) }
        END { exit bad }' plan figures "$2" || failed=1
}

for file in "$here"/*.dlg "$here"/../diff/offsets.dlg; do check "$file" "$file"; done
for file in "$here"/*.expect; do
    name=$(basename "$file" .expect)
    check "$DLG_SOURCE_DIR/samples/$name.dlg" "$file"
done
# Every sample has its figures here.
for file in "$DLG_SOURCE_DIR"/samples/*.dlg; do
    name=$(basename "$file" .dlg)
    [ -f "$here/$name.expect" ] || { echo "the sample $name expects nothing"; failed=1; }
done
exit $failed
