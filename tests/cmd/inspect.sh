#!/bin/sh
# dlg inspect: what a run of an entry launches, moves and computes is that of all turns of its repeats; the
# bounds beside it.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"

cat >loops.dlg <<'END'
input x : f32[7, 4]
input w : f32[4, 4]
h, hs = scan t in 0..7 with h = zeros(4) {
    p = scan k in 0..5 with p = h { p = tanh(p @ w) }
    h = p + x[t]
    yield h
}
entry e -> hs
entry plain -> z = x * 2
END
expect 0 "" "$DLGC" -O1 loops.dlg # loops stay outside of kernels
# The same sums from the text of the plan.
awk '/^\/\/! entry e / { in_entry = 1; times = 1; next }
    /^\/\/! entry / { in_entry = 0 }
    !in_entry { next }
    $2 == "repeat" { depth++; times *= $3; trips[depth] = $3; if (depth > deepest) deepest = depth }
    $2 == "end-repeat" { times /= trips[depth--] }
    $2 == "launch" {
        launches += times
        for (i = 3; i < NF; i++) {
            if ($i == "bytes") bytes += times * $(i + 1)
            if ($i == "flops") flops += times * $(i + 1)
        }
    }
    END { printf "%d %d %d %d\n", deepest, launches, bytes, flops }' loops.cl >sums
read -r deepest launches bytes flops <sums
[ "$deepest" -eq 2 ] || fail "the loops are not in each other"
[ "$launches" -gt 35 ] || fail "fewer launches than turns: $launches"
expect 0 "\"launches\": $launches," "$DLG" inspect --json loops.cl
expect 0 "\"bytes\": $bytes," "$DLG" inspect --json loops.cl
expect 0 "\"flops\": $flops," "$DLG" inspect --json loops.cl
# x and w once in, hs once out.
expect 0 '"bound_bytes": 288,' "$DLG" inspect --json loops.cl
expect 0 "$(awk "BEGIN { printf \"%.2f\", $bytes / 288 }")" "$DLG" inspect loops.cl
expect 0 '"bytes_ratio": 1.0,' "$DLG" inspect --json loops.cl
expect 0 '"live_bytes": 0,' "$DLG" inspect --json loops.cl
expect 0 '"arena_ratio": null' "$DLG" inspect --json loops.cl

# A program that does not say them.
expect 0 '"bound_bytes": null,' "$DLG" inspect --json "$data/line.cl"
expect 0 '"arena_ratio": null' "$DLG" inspect --json "$data/line.cl"
expect 0 '"arena_bytes": 128,' "$DLG" inspect --json "$data/line.cl"
done_testing
