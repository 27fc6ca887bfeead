#!/bin/sh
# The structure of what is emitted, not its text. A program of this folder says in comments what it
# expects of the plan for the cpu target, as does tests/diff/offsets.dlg:
#   # structure with OPTION...    of dlgc
#   # expect-launches: ENTRY N     as many launches
#   # expect-at-most: ENTRY N      no more than so many
#   # expect-kernels: N            distinct kernels in all
#   # expect-distinct: ENTRY N     no more distinct kernels than so many
#   # expect-offsets: ENTRY N      at least so many launches that pass their kernel an offset
#   # expect-no-repeat: ENTRY      a loop is a kernel, not launches
#   # expect-no-buffer: SHAPE      nothing in memory has this shape
dlgc=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
failed=0
for file in "$here"/*.dlg "$here"/../diff/offsets.dlg; do
    options=$(sed -n 's/^# structure with //p' "$file")
    # shellcheck disable=SC2086 # a list of words
    if ! "$dlgc" "$file" --emit plan $options -o plan; then
        failed=1
        continue
    fi
    grep -q '^# expect' "$file" || { echo "$file expects nothing"; failed=1; }
    awk -v file="${file##*/}" '
        FNR == NR && /^\/\/! entry / { entry = $3; count[entry] = 0; next }
        FNR == NR && /^\/\/! launch / {
            count[entry]++
            if (!seen[entry, $3]++) distinct[entry]++
            if (/ =/) offsets[entry]++
            next
        }
        FNR == NR && /^\/\/! repeat / { repeats[entry]++; next }
        FNR == NR && /^\/\/! buffer / { shape[$6]++; next }
        FNR == NR && /^\/\/! kernels / { kernels = $3; next }
        FNR == NR { next }
        function wrong(what, want, got) {
            printf "%s: %s: expected %s, got %s\n", file, what, want, got
            bad = 1
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
        END { exit bad }' plan "$file" || failed=1
done
exit $failed
