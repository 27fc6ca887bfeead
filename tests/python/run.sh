#!/bin/sh
# python/dlg.py, where python3 is there: its structures are those of dlg.h; it runs, trains and saves as `dlg` does, with NumPy
# (where it is there) and without.
set -u
[ -z "${DLG_SANITIZE:-}" ] || exit 77
command -v python3 >/dev/null && python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' || exit 77
cd "$DLG_TMP" || exit 1
DLG_LIBRARY=$DLG_BUILD_DIR/libdlg.so
PYTHONPATH=$DLG_SOURCE_DIR/python
PYTHONDONTWRITEBYTECODE=1
export DLG_LIBRARY PYTHONPATH PYTHONDONTWRITEBYTECODE
[ -e "$DLG_LIBRARY" ] || exit 77
cp "$DLG_SOURCE_DIR"/samples/xor.* "$DLG_SOURCE_DIR"/samples/digits.* .

# Each field lies where the header has it.
python3 - >layout.c <<'PY'
import dlg
names = {"DeviceInfo": "device_info", "ProgramOptions": "program_options", "Source": "source", "Tensor": "tensor",
         "Entry": "entry", "WeightsOptions": "weights_options", "Data": "data", "DatasetOptions": "dataset_options",
         "Metrics": "metrics", "Progress": "progress", "TrainOptions": "train_options"}
print("#include <dlg.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {")
for name, c_name in names.items():
    for field, _ in getattr(dlg, "_" + name)._fields_:
        print('printf("%s.%s %%zu %%zu\\n", offsetof(dlg_%s, %s), sizeof ((dlg_%s *)0)->%s);'
              % (name, field, c_name, field, c_name, field))
    if name != "Entry":
        print('printf("%s %%zu\\n", sizeof(dlg_%s));' % (name, c_name))
print("return 0; }")
PY
${CC:-cc} -std=c11 -I"$DLG_SOURCE_DIR/runtime" layout.c -o layout && ./layout >layout.want || exit 1
python3 - >layout.have <<'PY' || exit 1
import ctypes, dlg
for name in ("DeviceInfo", "ProgramOptions", "Source", "Tensor", "Entry", "WeightsOptions", "Data", "DatasetOptions",
             "Metrics", "Progress", "TrainOptions"):
    s = getattr(dlg, "_" + name)
    for field, _ in s._fields_:
        print("%s.%s %d %d" % (name, field, getattr(s, field).offset, getattr(s, field).size))
    if name != "Entry":
        print("%s %d" % (name, ctypes.sizeof(s)))
PY
diff layout.want layout.have || { echo "FAIL: dlg.py lays structures out otherwise than dlg.h"; exit 1; }

cat >use.py <<'PY'
import os, sys, warnings
if sys.argv[1] == "plain":
    sys.modules["numpy"] = None  # as if it were not there
import dlg

def fails(what, text):
    try:
        what()
    except dlg.Error as error:
        assert text in str(error) and error.status < 0, str(error)
        return
    raise AssertionError("no error: " + text)

def flat(values):  # of an array or a memoryview
    return list(dlg._flat(values.tolist()))

assert (dlg.numpy is None) == (sys.argv[1] == "plain")
assert dlg.Device().targets() and dlg.Device("none").targets() == []
assert dlg.devices() and dlg.version().startswith("0.")
dlgc = os.environ["DLGC"]
net = dlg.Program("xor.dlg", dlgc=dlgc, seed=1)
assert net.tensors["x"] == ("input", "f32", (4, 2)) and net.entries["predict"] == (["x"], ["out"])
x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
first = float(net.train(steps=1, entry="train")[0]["train"]["loss"])
net.init(1)
epochs = net.train(epochs=500, seed=1)
assert len(epochs) == 500 and epochs[-1]["train"]["loss"] < first / 5, epochs[-1]
out = net.predict(x=x)["out"]
assert [round(v) for v in flat(out)] == [0, 1, 1, 0], flat(out)
net.save("py-%s.w" % sys.argv[1])

# Samples from memory give what the file gives; a run is stopped by what the callback returns, or raises.
again = dlg.Program("xor.dlg", dlgc=dlgc, seed=1)
assert again.train(epochs=5, data={"x": x, "y": y}) != []
again.init(1)
again.train(epochs=500, seed=1, data={"x": x, "y": [0.0, 1.0, 1.0, 0.0]})
assert bytes(again.get("h.w")) == bytes(net.get("h.w"))
assert len(again.train(epochs=50, progress=lambda e: e["epoch"] == 3)) == 3
try:
    again.train(epochs=5, progress=lambda e: 1 // 0)
    raise AssertionError("what a callback raises is lost")
except ZeroDivisionError:
    pass
again.load("py-%s.w" % sys.argv[1])
assert bytes(again.get("h.b")) == bytes(net.get("h.b"))

# Buffers go in as they are; what is wrong is told.
import array
again.set("h.b", array.array("f", range(8)))
assert flat(again.get("h.b")) == list(range(8))
fails(lambda: again.set("h.b", [1, 2]), "h.b is 8: 8 elements, not 2")
fails(lambda: again.set("h.w", [[0, 0]] * 8), "h.w is 2x8, not 8x2")
fails(lambda: again.set("h.w", [[0] * 8, [0]]), "h.w")
fails(lambda: again.set("h.b", "cat"), "h.b takes f32 numbers, 8, not the text 'cat'")
fails(lambda: again.set("h.b", [[1, "dog"]]), "not the text 'dog'")
fails(lambda: again.set("h.b", {}), "h.b takes f32 numbers, 8, in lists of equal lengths, an array or a buffer")
fails(lambda: again.set("h.b", [None] * 8), "h.b takes f32 numbers")
again.set("h.b", ["1.5"] * 8)
assert flat(again.get("h.b")) == [1.5] * 8
fails(lambda: again.set("h.b", [10**400] * 8), "h.b takes f32 numbers, 8")
fails(lambda: again.set("h.w", [[1, 2], [3]]), "in lists of equal lengths")
fails(lambda: again.set("h.b", [[1, 2], 3]), "in lists of equal lengths")
ring = []
ring.append(ring)
fails(lambda: again.set("h.b", ring), "h.b takes f32 numbers, 8, and these are lists within lists without end")
fails(lambda: again.train(epochs=1, data={"x": [[1, 2], [3]]}), "in lists of equal lengths")
fails(lambda: again.train(epochs=1, data={"x": x, "y": ["a", "b"]}), "y takes f32 numbers, 4x1, not the text 'a'")
fails(lambda: again.save("xor.dlg"), "xor.dlg is there and is not a weights file: it is not overwritten")
os.mkfifo("pipe-%s" % sys.argv[1])
for wrong in (1, 1.5, "xor.dlg\0"):  # a number is no path, nor is what it is open as closed
    for what in (lambda: again.save(wrong), lambda: again.train(epochs=1, checkpoint=wrong)):
        try:
            what()
            raise AssertionError("a number is a path")
        except (TypeError, ValueError):
            os.fstat(1)
dlg._spare("pipe-%s" % sys.argv[1])  # does not wait
fails(lambda: again.train(epochs=1, checkpoint="xor.csv"), "xor.csv is there and is not a weights file")
again.save("py-%s.w" % sys.argv[1])  # weights are replaced
net.save("py-%s.w" % sys.argv[1])
fails(lambda: again.set("fly", [1]), "no tensor 'fly'; its tensors are ")
fails(lambda: again.run("fly"), "no entry 'fly'; its entries are predict, ")
fails(lambda: again.load("none.w"), "none.w")
fails(lambda: dlg.Program("xor.csv"), "xor.csv")
fails(lambda: dlg.Program("xor.dlg", dlgc=dlgc, options=["-D", "fly=1"]), "fly")
fails(lambda: dlg.Program("xor.dlg", dlgc=dlgc, device="no-such-device"), "no-such-device")
fails(lambda: again.train(epochs=1, data={"x": "none.csv:0:2"}), "none.csv")
fails(lambda: again.train(epochs=1, data={"x": [1, 2, 3]}), "no whole samples")
fails(lambda: again.train(epochs=1, data={"x": [[0, 0, 0]] * 4, "y": [0] * 6}), "a sample is 2, not 3")
fails(lambda: again.train(epochs=-1), "epochs is a whole number")
fails(lambda: again.init(1 << 64), "seed is a whole number")
fails(lambda: dlg.Program("xor.dlg", dlgc=dlgc, seed=-1), "seed is a whole number")
fails(lambda: dlg.Program("xor.dlg", dlgc="no-such-dlgc"), "'no-such-dlgc'")
wide = dlg.Program("xor.dlg", dlgc=dlgc, options=(o for o in ["--targ=gpu", "-D", "batch=2"]))
assert wide.tensors["x"][2] == (2, 2)
fails(lambda: again.train(epochs=1, metric="loss"), "rows held out")
for wrong, error, text in ((lambda: again.fly, AttributeError, "its entries are predict"),
                           (lambda: again.predict(x), TypeError, "predict(x=...)")):
    try:
        wrong()
        raise AssertionError("no error: " + text)
    except error as what:
        assert text in str(what), what
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    again.train(steps=1, checkpoint="no-such-folder/x")
assert "there is no checkpoint of step" in str(told[0].message), told
again.close()
fails(lambda: again.get("h.b"), "closed")

with dlg.Program("digits.dlg", dlgc=dlgc, seed=3) as digits:
    done = digits.train(epochs=3, seed=3, holdout=0.2)
    assert "acc" in done[-1]["evaluate"]
    digits.save("digits-%s.w" % sys.argv[1])
    means = digits.evaluate_on()
    assert 0 < means["acc"] < 1
    if dlg.numpy is not None:
        for wrong in (0.5, 2.0**40, 1 << 40, float("nan")):
            fails(lambda: digits.run("evaluate", y=dlg.numpy.full(64, wrong)), "i32 does not hold")
    fails(lambda: digits.set("y", [0.5] * 64), "i32 does not hold")
    fails(lambda: digits.set("y", ["cat"] * 64), "not the text 'cat': classes go by their numbers")
print("done")
PY
[ "$(python3 use.py plain)" = done ] || exit 1
kinds=plain
if python3 -c 'import numpy' 2>/dev/null; then
    [ "$(python3 use.py numpy)" = done ] || exit 1
    kinds="plain numpy"
fi
"$DLG" train xor.dlg --epochs 500 --seed 1 --quiet --save c.w || exit 1
"$DLG" train digits.dlg --epochs 3 --seed 3 --holdout 0.2 --quiet --save d.w || exit 1
for kind in $kinds; do
    cmp c.w "py-$kind.w" && cmp d.w "digits-$kind.w" || { echo "FAIL: other weights than those of dlg train"; exit 1; }
done
