#!/bin/sh
# A sum so long that one f32 sum a lane would stop growing: half of 600,000,000 ones and zeros. And one as long as an axis may
# be, which no parts of equal length make: the place behind the last one is more than an int holds.
set -u
cat >most.dlg <<'END'
entry most -> ones = sum(bit_and(iota(2147483647), 1))
END
for target in cpu gpu; do
    timeout 300 "$DLG" run most.dlg --target $target >out 2>err || { cat err; exit 1; }
    grep -qx 'ones 1073741823' out || { cat out; exit 1; }
done
cat >half.dlg <<'END'
entry half -> m = mean(cast(iota(600000000) % 2, f32))
END
"$DLG" run half.dlg >out 2>err || { cat err; exit 1; }
grep -qx 'm 0.5' out && exit 0
cat out
exit 1
