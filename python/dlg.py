"""dlg: models of libdlg from Python, through ctypes: one file, with NumPy where it is there and without.

    import dlg
    net = dlg.Program("xor.dlg", seed=1)        # a .cl, or a .dlg that dlgc compiles; the values at the start
    net.train(epochs=500, seed=1)               # on the data that the model names; the order of its rows
    out = net.predict(x=[[0, 1]] * 4)["out"]    # an entry: inputs in, results out
    net.save("xor.safetensors")

The library is looked for in DLG_LIBRARY, beside this file, in the lib folder of the prefix that this file is installed
under, then where the system looks. What is wrong raises dlg.Error with the library's message and its status.
Values go in as NumPy arrays, buffers or (nested) lists, in the tensor's type and size; they come out as NumPy arrays,
or without NumPy as memoryviews of the tensor's shape, whose tolist() gives lists. Elements of bf16, and without NumPy those of f16,
come out as their bits.
"""

import ctypes as c
import ctypes.util
import math
import operator
import os
import shutil
import stat
import subprocess
import warnings

try:
    import numpy
except ImportError:
    numpy = None

__all__ = ["Device", "Error", "Program", "devices", "version"]

# How elements lie in memory, by dlg_type: a name, the code of `array` and memoryview, the type of NumPy.
_TYPES = [
    ("f32", "f", "float32"), ("i32", "i", "int32"), ("bool", "B", "bool"),
    ("f16", "H", "float16"), ("bf16", "H", "uint16"), ("u8", "B", "uint8"),
]
_KINDS = ["input", "param", "state", "arena", "output"]
_OK, _USAGE, _NAME, _SIZE, _DATA, _BUILD, _STOPPED = 0, -1, -5, -6, -9, -12, -15


# ---- The structures of dlg.h, field by field ---------------------------------------------------------

class _DeviceInfo(c.Structure):
    _fields_ = [("number", c.c_int), ("platform", c.c_char * 128), ("name", c.c_char * 128),
                ("driver", c.c_char * 64), ("type", c.c_char * 16), ("compute_units", c.c_uint),
                ("memory_bytes", c.c_uint64), ("max_buffer_bytes", c.c_uint64),
                ("local_memory_bytes", c.c_uint64), ("max_group", c.c_size_t), ("vector_floats", c.c_uint),
                ("matrix_units", c.c_uint)]


class _ProgramOptions(c.Structure):
    _fields_ = [("seed", c.c_uint64)]


class _Source(c.Structure):
    _fields_ = [("form", c.c_int), ("path", c.c_char_p), ("first", c.c_int64), ("last", c.c_int64),
                ("axis", c.c_int)]


class _Tensor(c.Structure):
    _fields_ = [("index", c.c_size_t), ("name", c.c_char_p), ("user_name", c.c_char_p),
                ("type", c.c_int), ("kind", c.c_int), ("rank", c.c_int), ("shape", c.c_int64 * 8),
                ("elems", c.c_uint64), ("bytes", c.c_uint64), ("arena_offset", c.c_uint64),
                ("source", _Source)]


_TensorP = c.POINTER(_Tensor)


class _Entry(c.Structure):  # as far as it is read here
    _fields_ = [("name", c.c_char_p), ("reads", c.POINTER(_TensorP)), ("read_count", c.c_size_t),
                ("updates", c.POINTER(_TensorP)), ("update_count", c.c_size_t),
                ("returns", c.POINTER(_TensorP)), ("return_count", c.c_size_t), ("trains", c.c_int)]


class _WeightsOptions(c.Structure):
    _fields_ = [("checkpoint", c.c_int), ("partial", c.c_int), ("left", c.c_void_p),
                ("context", c.c_void_p), ("unsound", c.c_void_p)]


class _Data(c.Structure):
    _fields_ = [("name", c.c_char_p), ("source", c.c_char_p), ("values", c.c_void_p), ("rows", c.c_size_t)]


class _DatasetOptions(c.Structure):
    _fields_ = [("entries", c.POINTER(c.c_char_p)), ("entry_count", c.c_size_t),
                ("inputs", c.POINTER(c.c_char_p)), ("input_count", c.c_size_t),
                ("without", c.POINTER(c.c_char_p)), ("without_count", c.c_size_t),
                ("data", c.POINTER(_Data)), ("data_count", c.c_size_t), ("memory_bytes", c.c_uint64)]


class _Metrics(c.Structure):
    _fields_ = [("count", c.c_size_t), ("names", c.POINTER(c.c_char_p)), ("values", c.POINTER(c.c_double)),
                ("rows", c.c_uint64)]

    def as_dict(self):
        return {self.names[i].decode(): self.values[i] for i in range(self.count)}


class _Progress(c.Structure):
    _fields_ = [("event", c.c_int), ("epoch", c.c_uint64), ("epochs", c.c_uint64), ("step", c.c_uint64),
                ("steps", c.c_uint64), ("batch", c.c_uint64), ("batches", c.c_uint64),
                ("left_out", c.c_uint64), ("train", _Metrics), ("evaluate", _Metrics),
                ("seconds", c.c_double), ("samples_per_second", c.c_double), ("resumed", c.c_int),
                ("resumed_step", c.c_uint64), ("best_epoch", c.c_uint64), ("best", c.c_double),
                ("last", c.c_int), ("checkpoint", c.c_int), ("restored", c.c_int),
                ("restored_step", c.c_uint64), ("diverged_step", c.c_uint64),
                ("diverged_first", c.c_double), ("diverged_before", c.c_double), ("run", c.c_uint64)]


_ProgressFn = c.CFUNCTYPE(c.c_int, c.POINTER(_Progress), c.c_void_p)


class _TrainOptions(c.Structure):
    _fields_ = [("entry", c.c_char_p), ("evaluate", c.c_char_p), ("epochs", c.c_uint64),
                ("steps", c.c_uint64), ("seed", c.c_uint64), ("device_bytes", c.c_uint64),
                ("progress", _ProgressFn), ("user", c.c_void_p), ("late_events", c.c_int),
                ("report_steps", c.c_uint64), ("patience", c.c_uint64), ("metric", c.c_char_p),
                ("maximize", c.c_int), ("checkpoint", c.c_char_p), ("checkpoint_steps", c.c_uint64),
                ("checkpoint_seconds", c.c_double), ("resume", c.c_int), ("ignore_nan", c.c_int)]


# ---- The library -------------------------------------------------------------------------------------

def _prefix():
    """Where this file is installed under, if it is PREFIX/share/dlg/python."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def _load():
    here = os.path.dirname(os.path.abspath(__file__))
    places = [os.environ.get("DLG_LIBRARY"), os.path.join(here, "libdlg.so"),
              os.path.join(_prefix(), "lib", "libdlg.so"), ctypes.util.find_library("dlg"), "libdlg.so.0"]
    for place in places:
        if not place:
            continue
        try:
            return c.CDLL(place)
        except OSError:
            if place == os.environ.get("DLG_LIBRARY"):
                raise
    raise OSError("libdlg.so is not found: set DLG_LIBRARY to its path")


_lib = _load()
_P = c.c_void_p


def _declare(name, result, *arguments):
    function = getattr(_lib, "dlg_" + name)
    function.restype = result
    function.argtypes = arguments
    return function


_version = _declare("version", c.c_char_p)
_status_text = _declare("status_text", c.c_char_p, c.c_int)
_device_list = _declare("device_list", c.c_int, c.POINTER(c.POINTER(_DeviceInfo)), c.POINTER(c.c_size_t))
_device_list_free = _declare("device_list_free", None, c.POINTER(_DeviceInfo))
_device_open = _declare("device_open", c.c_int, c.POINTER(_P), c.c_char_p)
_device_info = _declare("device_get_info", c.POINTER(_DeviceInfo), _P)
_device_target = _declare("device_target", c.c_char_p, c.POINTER(_DeviceInfo))
_device_close = _declare("device_close", None, _P)
_error_text = _declare("error_text", c.c_char_p, _P)
_load_text = _declare("program_load_text", c.c_int, c.POINTER(_P), _P, c.c_char_p, c.c_char_p, c.c_size_t,
                      c.POINTER(_ProgramOptions))
_program_close = _declare("program_close", None, _P)
_tensor_count = _declare("tensor_count", c.c_size_t, _P)
_tensor_at = _declare("tensor_at", _TensorP, _P, c.c_size_t)
_tensor_find = _declare("tensor_find", _TensorP, _P, c.c_char_p)
_entry_count = _declare("entry_count", c.c_size_t, _P)
_entry_at = _declare("entry_at", c.POINTER(_Entry), _P, c.c_size_t)
_entry_find = _declare("entry_find", c.POINTER(_Entry), _P, c.c_char_p)
_set = _declare("set", c.c_int, _P, c.c_char_p, c.c_void_p, c.c_size_t)
_get = _declare("get", c.c_int, _P, c.c_char_p, c.c_void_p, c.c_size_t)
_init = _declare("init", c.c_int, _P, c.c_uint64)
_step = _declare("step", c.c_uint64, _P)
_run = _declare("run", c.c_int, _P, c.c_char_p)
_weights_save = _declare("weights_save", c.c_int, _P, c.c_char_p, c.POINTER(_WeightsOptions))
_weights_load = _declare("weights_load", c.c_int, _P, c.c_char_p, c.POINTER(_WeightsOptions))
_dataset_open = _declare("dataset_open", c.c_int, c.POINTER(_P), _P, c.POINTER(_DatasetOptions))
_dataset_close = _declare("dataset_close", None, _P)
_dataset_split = _declare("dataset_split", c.c_int, _P, c.c_double, c.c_uint64)
_train = _declare("train", c.c_int, _P, _P, c.POINTER(_TrainOptions))
_evaluate = _declare("evaluate", c.c_int, _P, _P, c.c_char_p, c.c_int, c.POINTER(_Metrics))
_metrics_free = _declare("metrics_free", None, c.POINTER(_Metrics))
_put_element = _declare("put_element", c.c_int, c.c_int, c.c_void_p, c.c_size_t, c.c_double)


class Error(Exception):
    """What the library says went wrong; `status` is the negative dlg_status."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def _check(status, device):
    if status < _OK:
        text = _error_text(device).decode(errors="replace") if device else ""
        raise Error(status, text or _status_text(status).decode())


def _path(path):
    return os.fsencode(path) if path is not None else None


def _name(name):
    return name.encode() if name is not None else None


def _count(name, value):
    """A whole number as the library takes it: a negative one would be a very large one there."""
    value = operator.index(value)
    if not 0 <= value < 1 << 64:
        raise Error(_USAGE, "%s is a whole number from 0 to 2^64 - 1, not %d" % (name, value))
    return value


def _spare(path):
    """The path as the library takes it; what is there and is no safetensors file is not overwritten, as by dlg."""
    path = _path(path)
    try:
        if path is None or not stat.S_ISREG(os.stat(path).st_mode):  # to read a pipe waits, and takes what is in it
            return path
        with open(path, "rb") as file:
            begin = file.read(9)
    except OSError:  # it is not there; or the library tells what is wrong
        return path
    if begin and begin[8:] != b"{":
        raise Error(_USAGE, "%s is there and is not a weights file: it is not overwritten; remove it first" % os.fsdecode(path))
    return path


def _list(names):
    """Those that the model has: x@1 is of a variant for one row."""
    return ", ".join(name for name in names if "@" not in name)


def _by(shape):
    return "x".join(map(str, shape)) or "one number"


def version():
    """The version of the library."""
    return _version().decode()


def devices():
    """The OpenCL devices, each as a dict."""
    rows, count = c.POINTER(_DeviceInfo)(), c.c_size_t()
    _check(_device_list(c.byref(rows), c.byref(count)), None)
    texts = ("platform", "name", "driver", "type")
    found = [{f: getattr(rows[i], f).decode(errors="replace") if f in texts else getattr(rows[i], f)
              for f, _ in _DeviceInfo._fields_} for i in range(count.value)]
    _device_list_free(rows)
    return found


class Device:
    """An open device: a number of devices() or a part of a name; None for the first processor, or else the first."""

    def __init__(self, selector=None):
        self._handle = _P()
        status = _device_open(c.byref(self._handle), None if selector is None else str(selector).encode())
        try:
            _check(status, self._handle)
        except Error:
            self.close()
            raise

    def targets(self):
        """What `dlgc --target` takes for it, and where that cannot be built, as without its best matrix units; none of "none"."""
        info = _device_info(self._handle)
        if not info:
            return []
        like = _DeviceInfo.from_buffer_copy(info.contents)
        found = []
        for units in range(like.matrix_units, -1, -1):
            like.matrix_units = units
            found.append(_device_target(c.byref(like)).decode())
        return list(dict.fromkeys(found))

    def close(self):
        """Ends it; its programs must be closed."""
        handle, self._handle = self._handle, None
        if handle:
            _device_close(handle)

    def __del__(self):
        if getattr(self, "_handle", None) and _device_close:
            self.close()


def _flat(values):
    if isinstance(values, (list, tuple)):
        for value in values:
            yield from _flat(value)
    else:
        yield float(values)


def _shape_of(values):
    """Of an array, a buffer or lists in lists; () of a number."""
    if hasattr(values, "shape"):
        return tuple(values.shape)
    if isinstance(values, (list, tuple)):
        shapes = {_shape_of(value) for value in values}
        if len(shapes) > 1:
            raise ValueError("what stands in a list is not all of one size: %s" % " and ".join(sorted(map(_by, shapes))[:2]))
        return (len(values),) + (shapes.pop() if shapes else ())
    try:
        return (memoryview(values).nbytes,)
    except TypeError:
        return ()


def _text_in(values):
    """A text that stands in the values, which is no number; None: there is none."""
    if isinstance(values, str):
        try:
            float(values)
        except ValueError:
            return values
    if isinstance(values, (list, tuple)) or getattr(getattr(values, "dtype", None), "kind", "none") in "OSU":
        texts = (_text_in(value) for value in getattr(values, "flat", values))
        return next((text for text in texts if text is not None), None)
    return None


def _bytes_of(t, values):
    """Values as memory in the tensor's type: something that holds it, the address, how many elements, their shape. What is no such
    thing is told with what the tensor takes."""
    kind = _TYPES[t.type][0]
    takes = "%s takes %s numbers, %s" % (t.user_name.decode(), kind, _by(t.shape[:t.rank]))
    try:
        return _bytes_of_type(t.type, values)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        try:
            text = _text_in(values)
        except RecursionError:
            raise Error(_DATA, "%s, and these are lists within lists without end" % takes) from None
        if text is None:
            raise Error(_DATA, "%s, in lists of equal lengths, an array or a buffer: %s" % (takes, error)) from None
        help = ": classes go by their numbers, which `dlg train` gives them from 0 in the order of their names, and characters " \
            "by those in the vocabulary (of `bytes`: list(text.encode()))" if kind in ("i32", "u8") else ""
        raise Error(_DATA, "%s, not the text %r%s" % (takes, text[:40], help)) from None


def _bytes_of_type(tensor_type, values):
    name, _, numpy_type = _TYPES[tensor_type]
    if numpy is not None and name != "bf16":
        array = numpy.asarray(values)
        shape = array.shape
        if array.dtype.kind == "O":  # NumPy takes None for NaN
            array = numpy.array([float(value) for value in array.flat]).reshape(shape)
        if array.dtype != numpy_type and not numpy_type.startswith("float"):
            with numpy.errstate(invalid="ignore"):  # of NaN, which no whole number is
                cast = array.astype(numpy_type)
            if not (cast == array).all():
                raise Error(_DATA, "%s does not hold these values" % name)
            array = cast
        array = numpy.ascontiguousarray(array, dtype=numpy_type)
        return array, array.ctypes.data, array.size, shape
    shape = _shape_of(values)
    size = c.sizeof(c.c_uint32) if name in ("f32", "i32") else 2 if name in ("f16", "bf16") else 1
    if not isinstance(values, (list, tuple, int, float)):  # a buffer: its bytes as they are
        held = (c.c_char * memoryview(values).nbytes).from_buffer_copy(memoryview(values).cast("B"))
        return held, c.addressof(held), len(held) // size, shape
    flat = list(_flat(values))
    held = (c.c_char * max(1, len(flat) * size))()
    for i, value in enumerate(flat):
        if _put_element(tensor_type, held, i, value) < _OK:
            raise Error(_DATA, "%s does not hold %r" % (name, value))
    return held, c.addressof(held), len(flat), shape


class Program:
    """A compiled program on a device: tensors by name, entries to run. Each entry is a method too, if its name is free."""

    def __init__(self, path, device=None, seed=0, text=None, dlgc="dlgc", options=()):
        """`path` is a .cl, or a .dlg that the command `dlgc` compiles for the device with these options, such as
        ["-D", "batch=8"]. With `text`, a program's text, it is only a name, beside which data is looked for. `device` is a Device
        or as it takes."""
        self._handle = None
        self.device = device if isinstance(device, Device) else Device(device)
        seed, options = _count("seed", seed), [os.fsdecode(option) for option in options]
        if text is None and os.fspath(path).endswith(".dlg"):
            targets = self.device.targets() or ["cpu"]
            beside = os.path.join(_prefix(), "bin", "dlgc")
            if dlgc == "dlgc" and not shutil.which(dlgc) and os.path.exists(beside):
                dlgc = beside
            if any(option.startswith("--t") for option in options):  # dlgc takes abbreviations, too
                targets = targets[:1]
            for target in targets:
                command = [dlgc, os.fspath(path), "-o", "-", "--target", target, *options]
                try:
                    done = subprocess.run(command, capture_output=True, check=False)
                except FileNotFoundError:
                    raise Error(-4, "the command %r, which compiles %s, is not found: install it, or say where it is by dlgc=..."
                                % (dlgc, os.fspath(path))) from None
                if done.returncode:
                    said = done.stderr.decode(errors="replace").strip()
                    raise Error(-4, said[len("error: "):] if said.startswith("error: ") else said)
                try:
                    return self._take(path, done.stdout, seed)
                except Error as error:
                    if error.status != _BUILD or target == targets[-1]:
                        raise
        if text is None:
            with open(path, "rb") as file:
                text = file.read()
        self._take(path, text.encode() if isinstance(text, str) else text, seed)

    def _take(self, path, text, seed):
        handle = _P()
        _check(_load_text(c.byref(handle), self.device._handle, _path(path), text, len(text),
                          c.byref(_ProgramOptions(seed))), self.device._handle)
        self._handle = handle

    def close(self):
        handle, self._handle = self._handle, None
        if handle:
            _program_close(handle)

    def __del__(self):
        if getattr(self, "_handle", None) and _program_close:
            self.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def __getattr__(self, name):
        if name.startswith("_") or not self._handle:
            raise AttributeError(name)
        if not _entry_find(self._handle, name.encode()):
            raise AttributeError("the program has no entry %r; its entries are %s" % (name, _list(self.entries)))

        def entry(*values, **inputs):
            if values:
                raise TypeError("inputs go by their names: %s(%s)" % (name, ", ".join(
                    i + "=..." for i in self.entries[name][0]) or ""))
            return self.run(name, **inputs)

        return entry

    def _check(self, status):
        _check(status, self.device._handle)

    def _open(self):
        if not self._handle:
            raise Error(-1, "the program is closed")
        return self._handle

    def _find(self, name):
        found = _tensor_find(self._open(), name.encode())
        if not found:
            raise Error(_NAME, "the program has no tensor %r; its tensors are %s" % (name, _list(self.tensors)))
        return found.contents

    @property
    def tensors(self):
        """Of each tensor but intermediates, by name: kind, type and shape."""
        found = {}
        for i in range(_tensor_count(self._open())):
            t = _tensor_at(self._handle, i).contents
            if _KINDS[t.kind] != "arena":
                found[t.name.decode()] = (_KINDS[t.kind], _TYPES[t.type][0], tuple(t.shape[:t.rank]))
        return found

    @property
    def entries(self):
        """Of each entry, by name: the inputs that it reads and what it returns."""
        found = {}
        for i in range(_entry_count(self._open())):
            e = _entry_at(self._handle, i).contents
            found[e.name.decode()] = ([e.reads[k].contents.user_name.decode() for k in range(e.read_count)],
                                      [e.returns[k].contents.user_name.decode() for k in range(e.return_count)])
        return found

    def set(self, name, values):
        """Copies a whole tensor in: of its shape, or all its elements one after the other."""
        t = self._find(name)
        held, address, count, shape = _bytes_of(t, values)
        own = tuple(t.shape[:t.rank])
        if len(shape) > 1 and shape != own:
            raise Error(_SIZE, "%s is %s, not %s: it is set as a whole" % (name, _by(own), _by(shape)))
        if count != t.elems:
            raise Error(_SIZE, "%s is %s: %d elements, not %d" % (name, _by(own), t.elems, count))
        self._check(_set(self._handle, t.name, address, t.bytes))
        del held

    def get(self, name):
        """A whole tensor, after what was run before."""
        t = self._find(name)
        shape = tuple(t.shape[:t.rank])
        _, code, numpy_type = _TYPES[t.type]
        if numpy is not None:
            array = numpy.empty(shape, numpy_type)
            self._check(_get(self._handle, t.name, array.ctypes.data, t.bytes))
            return array
        held = bytearray(t.bytes)
        self._check(_get(self._handle, t.name, (c.c_char * t.bytes).from_buffer(held), t.bytes))
        flat = memoryview(held).cast(code)
        return flat[0] if not shape else memoryview(held).cast(code, shape)

    def run(self, entry, **inputs):
        """Sets inputs, runs an entry once, and returns its results by name."""
        found = _entry_find(self._open(), entry.encode())
        if not found:
            raise Error(_NAME, "the program has no entry %r; its entries are %s" % (entry, _list(self.entries)))
        e = found.contents
        reads = {e.reads[k].contents.user_name.decode(): e.reads[k].contents for k in range(e.read_count)}
        for name, values in inputs.items():
            self.set(reads[name].name.decode() if name in reads else name, values)
        self._check(_run(self._handle, e.name))
        return {t.user_name.decode(): self.get(t.name.decode())
                for t in (e.returns[k].contents for k in range(e.return_count))}

    def init(self, seed=0):
        """Params and states to the values of this seed."""
        self._check(_init(self._open(), _count("seed", seed)))

    @property
    def step(self):
        """How many runs counted as training steps."""
        return _step(self._open())

    def load(self, path, checkpoint=False, partial=False):
        """Reads a safetensors file."""
        self._check(_weights_load(self._open(), _path(path), c.byref(_WeightsOptions(checkpoint, partial))))

    def save(self, path, checkpoint=False):
        """Writes one, whole or not at all, in place of one that is there; a file of another kind is not overwritten."""
        self._check(_weights_save(self._open(), _spare(path), c.byref(_WeightsOptions(checkpoint))))

    def _dataset(self, entries, data):
        """`data`: of inputs by name a source, as `--data` takes it, or the samples themselves, one after the other along the
        first axis, or all numbers along one. The arrays are copied."""
        rows, held = (_Data * max(1, len(data)))(), []
        for i, (name, values) in enumerate(data.items()):
            rows[i].name = name.encode()
            if isinstance(values, (str, os.PathLike)):
                rows[i].source = _path(values)
                continue
            t = self._find(name)
            memory, address, count, shape = _bytes_of(t, values)
            axis = t.source.axis if t.source.form else 0
            one = tuple(t.shape[i] for i in range(t.rank) if i != axis)
            sample = math.prod(one)
            if count % sample:
                raise Error(_DATA, "%s: %d elements are no whole samples of %d" % (name, count, sample))
            if len(shape) > 1 and math.prod(shape[1:]) != sample:
                raise Error(_SIZE, "%s: a sample is %s, not %s" % (name, _by(one), _by(shape[1:])))
            held.append(memory)
            rows[i].values, rows[i].rows = address, count // sample
        names = (c.c_char_p * len(entries))(*[e.encode() for e in entries])
        options = _DatasetOptions(names, len(entries), None, 0, None, 0, rows, len(data), 0)
        dataset = _P()
        self._check(_dataset_open(c.byref(dataset), self._open(), c.byref(options)))
        return dataset

    def train(self, epochs=0, steps=0, data=None, holdout=0.0, seed=0, entry="train", evaluate=None, progress=None,
              patience=0, metric=None, maximize=False, checkpoint=None, resume=False, ignore_nan=False):
        """Trains on data, from the values that are there, and returns the metrics of each epoch: dicts with "train" and,
        with rows held out, "evaluate". `progress` is called with such a dict after each epoch; what is true ends the run."""
        epochs_done, failure, missing = [], [], []

        def report(now, _):
            p = now.contents
            if p.event == 3 and p.checkpoint < _OK:  # DLG_EVENT_CHECKPOINT
                missing.append("there is no checkpoint of step %d: %s" % (
                    p.step, _error_text(self.device._handle).decode(errors="replace")))
            if p.event != 1:  # DLG_EVENT_EPOCH
                return 0
            epoch = {"epoch": p.epoch, "step": p.step, "seconds": p.seconds, "train": p.train.as_dict()}
            if p.evaluate.rows:
                epoch["evaluate"] = p.evaluate.as_dict()
            epochs_done.append(epoch)
            try:
                return 1 if progress and progress(epoch) else 0
            except BaseException as error:  # raised again behind the library
                failure.append(error)
                return 1

        checkpoint = _spare(checkpoint)
        epochs, steps, seed = _count("epochs", epochs), _count("steps", steps), _count("seed", seed)
        patience = _count("patience", patience)
        if (metric or patience) and not holdout > 0:
            raise Error(_USAGE, "patience and metric are of rows held out: say holdout=...")
        evaluates = evaluate or ("evaluate" if _entry_find(self._open(), b"evaluate") else None)
        entries = [entry] + ([evaluates] if evaluates and holdout > 0 else [])
        dataset = self._dataset(entries, data or {})
        callback = _ProgressFn(report)
        options = _TrainOptions(entry=_name(entry), evaluate=_name(evaluate), epochs=epochs, steps=steps, seed=seed,
                                progress=callback, patience=patience, metric=_name(metric), maximize=maximize,
                                checkpoint=checkpoint, resume=resume, ignore_nan=ignore_nan)
        try:
            self._check(_dataset_split(dataset, holdout, seed))
            status = _train(self._handle, dataset, c.byref(options))
            for text in missing:
                warnings.warn(text, RuntimeWarning, stacklevel=2)
            if failure:
                raise failure[0]
            self._check(_OK if status == _STOPPED else status)
        finally:
            _dataset_close(dataset)
        return epochs_done

    def evaluate_on(self, data=None, entry="evaluate"):
        """The means of an entry's scalars over all rows of the data."""
        dataset, metrics = self._dataset([entry], data or {}), _Metrics()
        try:
            self._check(_evaluate(self._handle, dataset, entry.encode(), 0, c.byref(metrics)))
            return metrics.as_dict()
        finally:
            _metrics_free(c.byref(metrics))
            _dataset_close(dataset)
