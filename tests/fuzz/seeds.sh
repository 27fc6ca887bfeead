#!/bin/sh
# seeds.sh DLGC OUT: what fuzzers begin with: the corpora, all programs of the source tree, what the compiler makes of
# some of them, and dictionaries of the language and of plans.
set -eu
dlgc=$1 out=$2
here=$(cd "$(dirname -- "$0")" && pwd)
root=$here/../..
mkdir -p "$out"
cp -R "$here/corpus/." "$out/"
for f in "$root"/samples/*.dlg "$root"/tests/*/*.dlg "$root"/tests/golden/*/*.dlg; do
    name=$(echo "${f#"$root"/}" | tr / -)
    cp "$f" "$out/compile/$name"
    # A plan and the beginning of its kernels, which the checksum does not cover.
    case $f in
    */diff/* | */structure/* | */samples/*)
        "$dlgc" "$f" -o "$out/whole.cl" >/dev/null 2>&1 || continue
        awk '{ print } /^\/\/! kernels / { exit }' "$out/whole.cl" >"$out/plan/$name.cl"
        ;;
    esac
done
rm -f "$out/whole.cl"
words() { sort -u | sed 's/.*/"&"/'; }
{
    sed -n 's/^\([a-z][a-z]*\)  *return T_.*/\1/p' "$root/grammar/dlg.l"
    sed -n 's/^[A-Z]*(\([A-Z0-9_]*\), \([a-z0-9_]*\), .*/\2/p' "$root/compiler/ops.def"
    sed -n 's/^fn \([a-z0-9_]*\)(.*/\1(/p; s/^optimizer \([a-z0-9_]*\)(.*/\1(/p' "$root/kernels/prelude.dlg"
    printf '%s\n' ' -> ' ' <- ' ' == ' ' ** ' ' // ' '...' ' @ ' ' ~ ' ': f32[' ': i32[' ': bool[' ': f16[' ': bf16[' \
        ': u8[' 'axis = ' 'keep = true' 'einsum(\"' 'reshape(' 'concat(' 'normal(0, 1)' '1e-3' '[::-1]' '[:, 0:' \
        'over p except q' 'grad(' 'where(' 'cast(' 'sum(' 'argmax(' 'const n = ' 'entry e -> ' '# '
} | words >"$out/compile.dict"
cat "$out"/plan/*.cl | tr ' ' '\n' | grep -E '^[a-z][a-z@-]*$' | sort | uniq -c | awk '$1 > 8 { print $2 }' | words >"$out/plan.dict"
printf '%s\n' __metadata__ dtype shape data_offsets F32 I32 BOOL F16 BF16 U8 I64 best/ checkpoint. data_rows data_held_out \
    data_seed data_hash.x '[0,4]' '\":{\"' '}}' 0x1p-3 18446744073709551615 | words >"$out/weights.dict"
cp "$out/weights.dict" "$out/tensors.dict"
printf '%s\n' '\"epoch\":' '\"step\":' '\"end\":true' '\"train\":{' '\"evaluate\":{' '\"rows\":' '\"loss\":' null 1e308 \
    -1e308 5e-324 '}}\x0a' | words >"$out/plot.dict"
printf '%s\n' .csv .csv.gz .npy .npz .idx -idx3- .idx1- :chars :bytes .gz : ':0:64' '\"' , | words >"$out/source.dict"
