#!/bin/sh
# Scripts that rewrite what is kept refuse where there is no compiler: its complaint would be kept instead.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
for script in golden passes; do
    for path in "$PWD/missing/dlgc" "$PWD" "$DLG" ''; do
        expect 1 "nothing is rewritten" sh "$DLG_SOURCE_DIR/tests/$script/run.sh" "$path" --update
    done
done
done_testing
