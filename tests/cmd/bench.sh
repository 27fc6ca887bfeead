#!/bin/sh
# bench.sh: dlg-bench: its options, that the model of each case compiles as the case defines it, a run, and peers that
# compute something else, die, or are not there.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
bench=$DLG_BUILD_DIR/dlg-bench
quick="--rounds 2 --round-ms 1"

expect 0 'dlg-bench [OPTION...]' "$bench" --help
expect 2 'no option --wrong' "$bench" --wrong
expect 2 'missing after --only' "$bench" --only
expect 2 'out of range' "$bench" --rounds 0
expect 3 'models/ is not where it should be' "$bench" --directory /nowhere
# shellcheck disable=SC2086 # lists of words
expect 2 'no case matches nothing' "$bench" --only nothing --no-peers $quick
expect 3 'no OpenCL device matches' "$bench" --device 'no such device'

expect 0 '' "$bench" --list
cp out list
[ "$(wc -l <list)" -ge 40 ] || fail "too few cases: $(cat list)"
while read -r name model defines; do
    set --
    for define in $defines; do set -- "$@" -D "$define"; done
    expect 0 '' "$DLGC" "$DLG_SOURCE_DIR/bench/models/$model" --emit graph -o graph "$@"
    grep -q '^entry' graph || fail "$name has no entry"
done <list

# shellcheck disable=SC2086
expect 0 '| step/xor_mlp |' "$bench" --only step/xor_mlp --no-peers --plot plot.svg $quick
grep -q 'f32 multiply-adds' out || fail "the table has no limits: $(cat out)"
grep -q '<title>dlg: ' plot.svg || fail "the plot has no point"

# Peers stand in for those of peers.py.
cat >peer <<'EOF'
#!/bin/sh
[ "$2" = tinygrad ] && echo '{"error": "is elsewhere"}' && exit
echo '{"about": "here"}'
read -r request
[ "$2" = torch ] && exit
echo '{"check": 1e9}'
read -r request
EOF
chmod +x peer
# shellcheck disable=SC2086
expect 0 '"of_limit"' "$bench" --only product/nn_64x10x300 --json --python ./peer $quick
grep -q '"skip": "its result is another: 1e+09, ours ' out || fail "a wrong result passes: $(cat out)"
grep -q '"skip": "it died or hangs"' out || fail "a peer's death is not told: $(cat out)"
grep -q '"about": "is elsewhere"' out || fail "an absent peer is not told: $(cat out)"
done_testing
