# --partial: what fits is loaded, what is left is told; without it a file that does not match is refused.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
cat >small.dlg <<'END'
h = dense(ones(2, 3), 4)
out = dense(h, 2)
extra = dense(h, 5)
loss = mean(out * out) + mean(extra * extra)
entry show -> w = h.w, head = out.w
entry train -> loss { minimize loss by sgd() }
END
cat >large.dlg <<'END'
h = dense(ones(2, 3), 4)
out = dense(h, 7)
more = dense(h, 2)
loss = mean(out * out) + mean(more * more)
entry show -> w = h.w
entry head -> w2 = out.w
entry train -> loss { minimize loss except h by sgd() }
END
expect 0 "" "$DLG" train small.dlg --steps 3 --seed 5 --save small.w
expect 0 "" "$DLG" run small.dlg --entry show --load small.w --get w=small.npy
expect 1 "4x2 in the file but F32 4x7" "$DLG" run large.dlg --entry show --load small.w
grep -qF -- "--partial loads what fits" err || fail "the way out is not told"
expect 0 "" "$DLG" run large.dlg --entry show --load small.w --partial --get w=large.npy
same small.npy large.npy
grep -qF 'left: `out.w` is F32 4x2 in the file but F32 4x7 in the program' err || fail "another shape is not told"
grep -qF 'left: `extra.w` is in the file alone' err || fail "what the program has not is not told"
grep -qF 'left: `more.w` is in the program alone' err || fail "what the file has not is not told"
# Training on from them, with what was loaded left as it is.
expect 0 "" "$DLG" train large.dlg --steps 5 --load small.w --partial --save tuned.w
expect 0 "" "$DLG" run large.dlg --entry show --load tuned.w --get w=tuned.npy
same small.npy tuned.npy
cat >foreign.dlg <<'END'
other = dense(ones(2, 3), 4)
entry show -> w = other.w
END
expect 1 "nothing in it fits" "$DLG" run foreign.dlg --load small.w --partial
expect 2 "--partial" "$DLG" run small.dlg --entry show --partial
head -c 100 small.w >cut.w
expect 1 "cut off" "$DLG" run small.dlg --entry show --load cut.w --partial
grep -qF -- "--partial loads" err && fail "a damaged file is no matter of --partial"
done_testing
