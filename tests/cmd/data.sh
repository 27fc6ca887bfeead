#!/bin/sh
# Data of every kind through the commands.
. "$DLG_SOURCE_DIR/tests/cmd/lib.sh"
samples=$DLG_SOURCE_DIR/samples
cp "$samples"/digits.dlg "$samples"/digits.csv .

# A compressed table is the table: the weights are the same, and so is what they say of their data.
gzip -9 -c digits.csv >small.csv.gz
expect 0 "digits.csv: 1797 rows" "$DLG" train digits.dlg --epochs 1 --holdout 0.2 --save plain.w
expect 0 "small.csv.gz: 1797 rows" "$DLG" train digits.dlg --epochs 1 --holdout 0.2 --save packed.w \
    --data x=small.csv.gz:0:64 --data y=small.csv.gz:64
same plain.w packed.w
head -c 9999 small.csv.gz >cut.csv.gz
expect 1 "cut.csv.gz: is truncated" "$DLG" train digits.dlg --epochs 1 --data x=cut.csv.gz
cp digits.csv not.csv.gz
expect 1 "not.csv.gz: is not compressed by gzip" "$DLG" train digits.dlg --epochs 1 --data x=not.csv.gz
expect 1 "that is data of this run: it is not overwritten" "$DLG" train digits.dlg --epochs 1 \
    --data x=small.csv.gz:0:64 --save small.csv.gz

done_testing
