# include: beside the file, in -I, once each; the command line of both tools.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
mkdir -p lib other
cat >main.dlg <<'END'
include "lib/layers.dlg"
include "lib/layers.dlg"
input x : f32[4, 3]
entry e -> y = twice(x) + offset, z = first
END
cat >lib/layers.dlg <<'END'
include "more.dlg"
include "../main.dlg"
fn twice(x) { return x * 2 }
first = ones(3) * offset
END
echo 'const offset = 5' >lib/more.dlg
expect 0 "" "$DLGC" main.dlg -o main.cl
grep -qF '// lib/layers.dlg' main.cl || fail "the kernel's comment does not name the included file"
printf '1,2,3\n4,5,6\n7,8,9\n1,1,1\n' >x.csv
expect 0 "z" "$DLG" run main.dlg --entry e --set x=x.csv
expect 0 "" "$DLGC" main.dlg -D offset=7 -o seven.cl
grep -qF '//! const offset 7' seven.cl || fail "-D does not reach the const of an included file"
mv lib/more.dlg other/more.dlg
expect 1 "looked for lib/more.dlg" "$DLGC" main.dlg -o no.cl
expect 0 "" "$DLGC" main.dlg -I nowhere -I other -o again.cl
expect 0 "" "$DLG" inspect main.dlg -I other
echo 'fn broken(x) { return x * nothing }' >lib/layers.dlg
echo 'entry e -> y = broken(ones(2))' >main.dlg
sed -i '1i include "lib/layers.dlg"' main.dlg
expect 1 "lib/layers.dlg:1:27" "$DLGC" main.dlg -o no.cl
mkfifo pipe
echo 'include "pipe"' >main.dlg
expect 1 "pipe is no regular file" "$DLGC" main.dlg -o no.cl
# A chain that is too deep, and one that is not.
i=0
while [ $i -lt 120 ]; do
    echo "include \"c$((i + 1)).dlg\"" >c$i.dlg
    i=$((i + 1))
done
echo 'const deep = 1' >c120.dlg
expect 1 "100 in each other" "$DLGC" c0.dlg -o no.cl
echo 'entry e -> y = ones(deep)' >>c40.dlg
expect 0 "" "$DLGC" c40.dlg -o deep.cl
[ -e no.cl ] && fail "a program was written in spite of an error"
# A program may come through a pipe, which is opened once.
cp "$DLG_SOURCE_DIR/samples/xor.dlg" .
mkfifo pipe.dlg
cat xor.dlg >pipe.dlg &
writer=$!
expect 0 "" timeout 60 "$DLGC" pipe.dlg -o piped.cl
wait $writer || fail "the pipe was closed too early"
[ -s piped.cl ] || fail "nothing came through the pipe"
done_testing
