#!/bin/sh
# demo.sh [DLG TRAIN OPTION...]: installs what is missing, builds into build/, trains a model of real
# handwritten digits, and shows what it reads in rows that it never saw. For example: demo.sh --seed 3
set -u
. "$(dirname -- "$0")/common.sh"
cd "$root" || exit 1

# shellcheck disable=SC2086 # a list of words
need $build_packages
build "$root/build" -DDLG_TESTS=OFF

model=samples/digits.dlg
program=build/digits.cl
weights=build/digits.safetensors
build/dlgc "$model" -o "$program" || exit 1
say "The program that dlgc made of $model, to be read, edited and run: $program"
say ""
build/dlg train "$model" --holdout 0.2 --epochs 100 --seed 1 --save "$weights" "$@" || exit 1

# Lines such as `row 17:  probs 0.01 0.97 ... (largest: 1); y 1`, then the pictures of those rows.
rows=$(build/dlg run "$model" --load "$weights" --entry predict --held-out --rows 0:8 --with y) || exit 1
say ""
say "Held-out digits, as the model sees them:"
say ""
printf '%s\n' "$rows" | awk -F, '
    NR == FNR {
        split($0, word, " "); sub(/:/, "", word[2])
        row[++n] = word[2]
        read = $0; sub(/.*largest: /, "", read); guess[n] = read + 0
        sub(/.* y /, "", read); truth[n] = read + 0
        next
    }
    { for (k = 1; k <= n; k++) if (row[k] == FNR - 1) pixels[k] = $0 }
    END {
        for (line = 0; line < 8; line++) {
            for (k = 1; k <= n; k++) {
                split(pixels[k], pixel, ",")
                printf "  "
                for (c = 1; c <= 8; c++) {
                    ink = substr(" .:-=+*#%@", 1 + int(pixel[8 * line + c] * 9 / 16), 1)
                    printf "%s", ink
                }
            }
            printf "\n"
        }
        for (k = 1; k <= n; k++) printf "  read: %d %s", guess[k], guess[k] == truth[k] ? "" : "!"
        printf "\n"
        for (k = 1; k <= n; k++) printf "  is: %d   ", truth[k]
        printf "\n"
    }' - samples/digits.csv
say ""
result=$(build/dlg eval "$model" --load "$weights" --json) || exit 1
printf '%s\n' "$result" | awk '
    function field(name) {
        if (!match($0, "\"" name "\": *[-+.0-9e]+")) exit 1
        value = substr($0, RSTART, RLENGTH)
        sub(/.*: */, "", value)
        return value + 0
    }
    { printf "digits: accuracy %.1f %% on %d held-out rows\n", 100 * field("acc"), field("rows") }' ||
    die "dlg eval said: $result"
