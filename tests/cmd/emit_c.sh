#!/bin/sh
# dlgc --emit c: models as C programs that need OpenCL alone, with the values, results and weights of `dlg`.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
[ -z "${DLG_SANITIZE:-}" ] || exit 77
cp "$DLG_SOURCE_DIR"/samples/xor.* "$DLG_SOURCE_DIR"/samples/char_rnn.dlg .
strict="-std=c99 -O1 -Wall -Wextra -Wpedantic -Werror"
opencl=$(pkg-config --cflags --libs OpenCL)

# make MODEL: MODEL.c and use.c become ./use.
make_use() {
    # shellcheck disable=SC2086 # lists of words
    $CC $strict "$1.c" use.c $opencl -lm -o use || fail "$1.c does not build"
}

# The kernels that `dlg` takes there, so that its results are the same to the last digit.
target="--target $(device_target)"
# shellcheck disable=SC2086
expect 0 "" "$DLGC" xor.dlg --emit c $target
cat >use.c <<'C'
#include "xor.h"
#include <stdio.h>
static int failed(const xor_model *m) {
    puts(xor_error(m));
    xor_close((xor_model *)m);
    return 1;
}
int main(int argc, char **argv) {
    const float x[8] = {0, 0, 0, 1, 1, 0, 1, 1}, y[XOR_batch] = {0, 1, 1, 0};
    float loss = -1, out[4];
    xor_model *m;
    if (xor_open(&m, NULL, 1)) return failed(m);
    if (argc > 1) {
        if (xor_load(m, argv[1])) return failed(m);
    } else {
        if (xor_train(m, x, y, &loss)) return failed(m);
        printf("loss %.4g\n", loss);
        for (int i = 0; i < 1999; i++)
            if (xor_train(m, NULL, NULL, NULL)) return failed(m);
        if (xor_save(m, "c.w")) return failed(m);
    }
    if (xor_predict(m, x, out)) return failed(m);
    for (int i = 0; i < 4; i++) printf("row %d:  out %.4g\n", i, out[i]);
    if (!xor_set(m, "h.w", out, 4) || !xor_get(m, "fly", out, 4)) return 2;
    puts(xor_error(m));
    xor_close(m);
    xor_close(NULL);
    return 0;
}
C
# Whatever the source is called: its name is text, and where no #include can have it that is said.
odd=$(printf 'a"b\\c\nd')
cp xor.dlg "$odd.dlg"
expect 2 "name another with -o FILE.c" "$DLGC" "$odd.dlg" --emit c
expect 2 "name another with -o FILE.c" "$DLGC" xor.dlg --emit c -o 'o"dd.c'
[ -e "$odd.c" ] || [ -e 'o"dd.c' ] && fail "a file that cannot be included is written"
expect 0 "" "$DLGC" "$odd.dlg" --emit c -o 'o\dd.c'
# shellcheck disable=SC2086
$CC $strict $opencl -c 'o\dd.c' -o odd.o || fail "a backslash in the name"
mkdir 'x*'
cp xor.dlg 'x*/y.dlg'
expect 0 "" "$DLGC" 'x*/y.dlg' --emit c
# shellcheck disable=SC2086
$CC $strict $opencl -c 'x*/y.c' -o odd.o || fail "a comment's end in the path"
bytes=$(printf 'b\377\001c')
cp xor.dlg "$bytes.dlg"
expect 0 "" "$DLGC" "$bytes.dlg" -o bytes.cl # not UTF-8
grep -q '^//! model b__c target [a-z0-9_]* from "b?.c.dlg"$' bytes.cl || fail "the name: $(sed -n 2p bytes.cl)"
expect 0 "row 0:  out" "$DLG" run "$bytes.dlg" --rows 0
# Of other letters names of C have none, which is said.
cp xor.dlg 模型.dlg
expect 0 "those of 模型.dlg begin with \`model_\`; a file of another name gives others" "$DLGC" 模型.dlg --emit c
grep -q "^int model_open(model_model " 模型.h || fail "the names: $(grep open 模型.h)"
cp xor.dlg 3ä.dlg
expect 0 "those of 3ä.dlg begin with \`_3__\`; a file of another name gives others" "$DLGC" 3ä.dlg --emit c
grep -q "^int _3__open(_3__model " 3ä.h || fail "the names: $(grep open 3ä.h)"
control=$(printf 'ä\033[31m')
cp xor.dlg "$control.dlg"
expect 0 "begin with" "$DLGC" "$control.dlg" --emit c -o control.c
[ -z "$(tr -dc '\033' <err)" ] || fail "a control character of a name is printed"
# shellcheck disable=SC2086
$CC $strict $opencl -c 模型.c -o odd.o || fail "a name without letters"
cp xor.dlg modèle.dlg
expect 0 "begin with \`mod_le_\`" "$DLGC" modèle.dlg --emit c
"$DLGC" xor.dlg --emit graph | tail -n +2 >plain.graph
"$DLGC" "$odd.dlg" --emit graph >odd.graph || fail "the graph"
expect 0 "# the graph of a\"b/c d.dlg" head -n 1 odd.graph
tail -n +2 odd.graph | sed 's/a_b_c_d/xor/' | cmp -s - plain.graph || fail "the name goes into the graph: $(head -n 3 odd.graph)"
cp odd.graph odd_graph.dlg
expect 0 "" "$DLGC" odd_graph.dlg -o odd.cl

make_use xor
expect 0 "there is no tensor of that name: fly" ./use
grep -v "^there" out >used
{
    "$DLG" run xor.dlg --quiet --entry train --seed 1 --rows 0:4
    "$DLG" run xor.dlg --load c.w --rows 0:4
} >want || fail "what C saved is not read"
same used want
expect 0 "on 4 rows: all, for the weights do not say which rows their training held out" "$DLG" eval xor.dlg --load c.w
expect 0 "" "$DLG" train xor.dlg --epochs 300 --quiet --save d.w
"$DLG" run xor.dlg --load d.w --rows 0:4 >want
expect 0 "" ./use d.w
grep -v "^there" out >used
same used want

# Weights that are not right are refused.
head -c 300 d.w >cut.w
expect 1 "its header is cut off before: " ./use cut.w
head -c 5 d.w >cut.w
expect 1 "it is too short" ./use cut.w
sed 's/"h.w"/"h.v"/' d.w >other.w
expect 1 "the weights file: it does not have: h.w" ./use other.w
sed 's/\[2,8\]/[8,2]/' d.w >other.w
expect 1 "it has another type or shape for: h.w" ./use other.w
sed 's/"h.b"/"h.b/' d.w >other.w
expect 1 "the weights file: it is malformed" ./use other.w
expect 1 "cannot open: none.w" ./use none.w

# In the program they are what it starts with; what is not the model's is refused, with nothing written.
# shellcheck disable=SC2086
expect 0 "" "$DLGC" xor.dlg --emit c $target --weights d.w -o embedded.c
cat >use.c <<'C'
#include "embedded.h"
#include <stdio.h>
int main(void) {
    const float x[8] = {0, 0, 0, 1, 1, 0, 1, 1};
    float out[4];
    xor_model *m;
    if (xor_open(&m, NULL, 7) || xor_predict(m, x, out)) return puts(xor_error(m)), 1;
    for (int i = 0; i < 4; i++) printf("row %d:  out %.4g\n", i, out[i]);
    if (xor_save(m, "e.w")) return puts(xor_error(m)), 1;
    xor_close(m);
    return 0;
}
C
make_use embedded
"$DLG" run xor.dlg --load d.w --rows 0:4 >want
expect 0 "" ./use
same out want
cp e.w states.w
# shellcheck disable=SC2086
expect 0 "" "$DLGC" xor.dlg --emit c $target --weights states.w -o embedded.c
make_use embedded
expect 0 "" ./use
same out want
same e.w states.w
rm embedded.c embedded.h
for how in 's/"h.w"/"h.v"/:it does not have: h.w' 's/\[2,8\]/[8,2]/:it has another type or shape for: h.w' \
    's/F32/I32/:it has another type or shape for: h.w' 's/"h.b"/"h.b/:it is malformed: '; do
    sed "${how%%:*}" d.w >other.w
    expect 1 "error: other.w: these are no weights of xor.dlg: ${how#*:}" "$DLGC" xor.dlg --emit c --weights other.w -o embedded.c
done
{ head -c -1 d.w; printf '?'; } >other.w
expect 1 "by its checksum: it is damaged" "$DLGC" xor.dlg --emit c --weights other.w -o embedded.c
sed 's/"seed":"0"/"seed":"1"/' d.w >other.w
expect 1 "by its checksum: it is damaged" "$DLGC" xor.dlg --emit c --weights other.w -o embedded.c
for how in 's/"dlg_checksum":"./"dlg_checksum":"+/:its checksum is damaged: ' \
    's/"dlg_checksum":"../"dlg_checksum":"0x/:its checksum is damaged: ' 's/"dlg_checksum":"./"dlg_checksum":" /:its checksum is damaged: ' \
    's/"dlg_checksum":"./"dlg_checksum":"A/:its checksum is damaged: ' 's/"dlg_checksum"/"\\udc00abcdef"/:it is malformed: ' \
    's/"seed":/"step":/;s/"dlg_checksum"/"own_checksum"/:it is malformed: '; do
    sed "${how%:*: }" d.w >other.w
    cmp -s d.w other.w && fail "not changed: $how"
    expect 1 "error: other.w: these are no weights of xor.dlg: ${how##*/:}" "$DLGC" xor.dlg --emit c --weights other.w -o embedded.c
    expect 1 "other.w" "$DLG" run xor.dlg --load other.w --rows 0
done
# What the metadata hold is text with escapes.
printf 'a "b" \\\t/\n\303\251\360\237\230\200\001 and so on\n' >escapes.txt
cat >escapes.dlg <<'MODEL'
input s : i32[1, 2] from "escapes.txt" chars
param w : f32[30] = 0.5
loss = sum(w[s])
entry train -> loss { minimize loss by sgd() }
MODEL
expect 0 "" "$DLG" train escapes.dlg --epochs 1 --quiet --save escapes.w
expect 0 "" "$DLGC" escapes.dlg --emit c --weights escapes.w
head -c 400 d.w >cut.w
expect 1 "it is malformed: " "$DLGC" xor.dlg --emit c --weights cut.w -o embedded.c
expect 1 "cannot read none.w" "$DLGC" xor.dlg --emit c --weights none.w -o embedded.c
expect 1 "cannot read ." "$DLGC" xor.dlg --emit c --weights . -o embedded.c
expect 1 "/dev/zero is longer than 1073741824 bytes" "$DLGC" xor.dlg --emit c --weights /dev/zero -o embedded.c
[ -e embedded.c ] && fail "a program was written without its weights"
expect 2 "--weights goes with --emit c" "$DLGC" xor.dlg --weights d.w

# Loops, states and whole numbers: the characters that `dlg sample` takes as the likeliest.
small="-D batch=16 -D T=16 -D hidden=16 -D chars=6"
i=0
while [ $i -lt 200 ]; do
    echo "abcbd"
    i=$((i + 1))
done >input.txt
# shellcheck disable=SC2086
{
    expect 0 "" "$DLG" train char_rnn.dlg $small --epochs 20 --quiet --save w
    expect 0 "" "$DLG" sample char_rnn.dlg $small --load w --prompt ab --length 12 --temperature 0
    mv out sampled
    expect 0 "" "$DLGC" char_rnn.dlg $small $target -O0 --emit c -o char_rnn.c
}
cat >use.c <<'C'
#include "char_rnn.h"
#include <stdio.h>
int main(void) {
    float probs[CHAR_RNN_chars];
    int32_t s[2] = {1, 0}; /* newline, a, b, c, d */
    char_rnn_model *m;
    if (char_rnn_open(&m, NULL, 0) || char_rnn_load(m, "w")) return puts(char_rnn_error(m)), 1;
    for (int i = 0; i < 14; i++) {
        putchar("\nabcd"[s[0]]);
        if (char_rnn_generate(m, s, probs)) return puts(char_rnn_error(m)), 1;
        s[0] = 0;
        for (int k = 1; k < 5; k++)
            if (probs[k] > probs[s[0]]) s[0] = k;
        if (i == 0) s[0] = 2;
    }
    char_rnn_close(m);
    return 0;
}
C
make_use char_rnn
expect 0 "" ./use
tr -d '\n' <out >used
tr -d '\n' <sampled >want
same used want

# Values at the start, of all kinds and types; names that are none in C.
cat >first-values.dlg <<'MODEL'
param a_name_that_is_longer_than_32_bytes : f32[7, 3] ~ normal(1, 2)
param half : f16[9] ~ uniform(-3, 3)
state literal : i32[3] = [1, -2, 3]
state flags : bool[2] = [true, false]
state bytes : u8[2] = 200
const int = 3, H = 1, h = 2
input double : f32[2]
entry for_all -> float = sum(double) + sum(a_name_that_is_longer_than_32_bytes) + sum(cast(half, f32)), n = literal,
    t = flags, b = bytes
entry open -> y = double * int
MODEL
expect 0 "" "$DLGC" first-values.dlg --emit c
cat >use.c <<'C'
#include "first-values.h"
#include <stdio.h>
static void put(first_values_model *m, const char *name, size_t bytes) {
    unsigned char values[128];
    if (first_values_get(m, name, values, bytes)) puts(first_values_error(m));
    fwrite(values, 1, bytes, stdout);
}
int main(void) {
    const float x[2] = {1, 2};
    float y[2];
    first_values_model *m;
    if (first_values_open(&m, NULL, 5) || first_values_open_(m, x, y) || y[1] != 2 * FIRST_VALUES_int) return 1;
    put(m, "a_name_that_is_longer_than_32_bytes", 84);
    put(m, "half", 18);
    put(m, "literal", 12);
    put(m, "flags", 2);
    put(m, "bytes", 2);
    first_values_close(m);
    return 0;
}
C
make_use first-values
./use >used || fail "first-values: status $?"
: >want
printf '1\n2\n' >x.csv
for name in a_name_that_is_longer_than_32_bytes:84 half:18 literal:12 flags:2 bytes:2; do
    expect 0 "" "$DLG" run first-values.dlg --seed 5 --entry for_all --set double=x.csv --quiet --get "${name%:*}=v.npy"
    tail -c "${name#*:}" v.npy >>want
done
same used want

# All types within the program, with another seed.
cat >>first-values.dlg <<'MODEL'
entry train -> one = sum(double) { minimize sum(a_name_that_is_longer_than_32_bytes) + sum(cast(half, f32)) by sgd(lr = 0)
    literal <- literal
    flags <- flags
    bytes <- bytes
}
MODEL
sed -i 's/, seed\|, 5)/, 6)/; s/open_(m, x, y)/open_(m, x, y)/' use.c
expect 0 "" "$DLG" train first-values.dlg --seed 5 --steps 1 --set double=x.csv --quiet --save all.w
expect 0 "" "$DLGC" first-values.dlg --emit c --weights all.w
make_use first-values
./use >used || fail "first-values with weights: status $?"
same used want

# Two files; neither replaces what dlgc did not make.
expect 2 "--emit c writes two files: -o takes the one that ends in .c" "$DLGC" xor.dlg --emit c -o xor.txt
echo mine >kept.h
expect 1 "kept.h is there and was not made by dlgc" "$DLGC" xor.dlg --emit c -o kept.c
[ -e kept.c ] && fail "half of the two files"
expect 0 "" "$DLGC" xor.dlg --emit c
done_testing
