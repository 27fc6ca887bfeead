#!/bin/sh
# Models give in dlg what they give in PyTorch: with weights that PyTorch made, and with weights that dlg made, which
# PyTorch loaded. make_torch.py made the figures. The guide shows the code that it uses.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
here=$DLG_SOURCE_DIR/tests/interchange

error() { awk '/^error / { print $2 }' out; }

for model in mlp convnet lstm transformer; do
    cp "$here/$model".npz "$here/$model".*.safetensors .
    sed '/^entry train/d' "$here/$model.dlg" >$model.dlg # the kernels of training are many, and run nowhere here
    for side in torch dlg; do
        check="dlg run $model.dlg --entry check --set x=$model.npz:x --load $model.$side.safetensors"
        # shellcheck disable=SC2086 # a list of words
        expect 0 "error " $check --set "want=$model.npz:$side"
        awk -v e="$(error)" 'BEGIN { exit !(e ~ /^[0-9]/ && e <= 1e-5) }' || fail "$model, weights of $side: off by $(error)"
    done
    # shellcheck disable=SC2086
    expect 0 "error " $check --set "want=$model.npz:torch"
    awk -v e="$(error)" 'BEGIN { exit !(e > 0.1) }' || fail "$model: any weights do: off by $(error)"
    expect 0 "" "$DLGC" "$here/$model.dlg" --emit plan -o plan
    awk '$4 ~ /:/ { next } / param / { print $4, $6 }' plan | sort >names
    tr '{' '\n' <"$model.dlg.safetensors" | LC_ALL=C awk '
        name && match($0, /"shape":\[[0-9,]*\]/) {
            shape = substr($0, RSTART + 9, RLENGTH - 10)
            gsub(/,/, "x", shape)
            print name, shape
        }
        { name = "" }
        match($0, /"[^"]*":$/) { name = substr($0, RSTART + 1, RLENGTH - 3) }' | grep -v running | sort >saved
    same names saved
done

# The guide has the code as it is.
awk '/^```python$/ && !n++ { on = 1; next } /^```$/ { on = 0 } on' "$DLG_SOURCE_DIR/docs/from-pytorch.md" >guide.py
same guide.py "$here/dlg_torch.py"
done_testing
