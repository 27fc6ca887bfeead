#!/bin/sh
# word_vectors.sh: prepares a text for word_vectors.dlg, and reads what it found.
#     sh word_vectors.sh count TEXT [N]            writes words.txt, the N (1000) most frequent words, and pairs.csv: how
#                                                  often two of them stand within four words of each other
#     sh word_vectors.sh near WORD [WEIGHTS]       the words nearest to WORD
# both in the current directory, where word_vectors.dlg lies too. DLG is the command, `dlg` by default.
set -eu
export LC_ALL=C # the order of bytes, in which dlg numbers labels
case ${1:-} in
count)
    tr '[:upper:]' '[:lower:]' <"$2" | tr -cs "a-z'" '\n' | sed "s/^'*//; s/'*\$//" | grep . >all.txt
    sort all.txt | uniq -c | sort -k1,1nr -k2 | awk -v n="${3:-1000}" 'NR <= n { print $2 }' | sort >words.txt
    # Nearer words count more: one, a half, a third, a quarter.
    awk '
        NR == FNR { known[$1]; next }
        {
            for (i = 1; i <= 4; i++)
                if ($1 in known && before[i] in known) {
                    pair[$1 "," before[i]] += 1 / i
                    pair[before[i] "," $1] += 1 / i
                }
            for (i = 4; i > 1; i--) before[i] = before[i - 1]
            before[1] = $1
        }
        END { for (p in pair) print p "," pair[p] }' words.txt all.txt | sort >pairs.csv
    rm all.txt
    echo "$(wc -l <words.txt) words, $(wc -l <pairs.csv) pairs"
    ;;
near)
    number=$(grep -nxF -- "$2" words.txt | cut -d : -f 1)
    [ -n "$number" ] || { echo "word_vectors.sh: \`$2\` is not in words.txt" >&2; exit 1; }
    "${DLG:-dlg}" run word_vectors.dlg -D words="$(wc -l <words.txt)" --entry nearest --load "${3:-word_vectors.safetensors}" --set which=$((number - 1)) |
        sed 's/^near //' | tr ' ' '\n' | while read -r i; do sed -n "$((i + 1))p" words.txt; done | paste -s -d ' ' -
    ;;
*)
    sed -n '2,6s/^# *//p' "$0" >&2
    exit 2
    ;;
esac
