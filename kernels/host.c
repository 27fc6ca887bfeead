/* The host's side of the model: what stands before are its tables, what comes behind are its entries. */

/* @types */
enum { TYPE_f32, TYPE_i32, TYPE_bool, TYPE_f16, TYPE_bf16, TYPE_u8 };
enum { KIND_input, KIND_param, KIND_state, KIND_arena, KIND_output };
enum { INIT_none, INIT_constant, INIT_uniform, INIT_normal, INIT_literal };

struct tensor {
    const char *name;
    int type, kind, rank;
    long long shape[8];
    size_t elems, offset; /* offset: in the arena, bytes */
    int init;
    size_t number; /* of numbers[]: where what the init says begins */
};

struct launch {
    int kernel; /* k0, k1, ... */
    size_t global, local;
    int arg, args; /* of args[] */
};

enum { ARG_tensor, ARG_number, ARG_turn };

struct arg {
    int what, value; /* a tensor; a number; the iteration of the repeat at this depth */
};

struct given {
    int tensor; /* -1: the end of the table */
    const void *values;
};

/* A launch, or the begin of launches that run `trips` times, up to the step `end`. */
struct step {
    int launch, trips, end;
};

/* @tables */

static const size_t type_bytes[] = {4, 4, 1, 2, 2, 1};
static const char *const type_names[] = {"F32", "I32", "BOOL", "F16", "BF16", "U8"};

struct MODEL {
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_mem arena, buffers[TENSORS + 1];
    cl_kernel kernels[LAUNCHES + 1];
    char error[4096];
};

/* ---- Errors ---------------------------------------------------------------------------------- */

static int fail(struct MODEL *m, const char *what, const char *more) {
    snprintf(m->error, sizeof m->error, "%s%s%s", what, *more ? ": " : "", more);
    return -1;
}

static int cl_fail(struct MODEL *m, cl_int code, const char *what) {
    char text[40];
    snprintf(text, sizeof text, "OpenCL error %d", (int)code);
    return fail(m, what, text);
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* The first device of the type that the model was compiled for, or else the first. */
static cl_device_id find_device(void) {
    cl_platform_id platforms[16];
    cl_uint count = 0;
    cl_device_id device;
    cl_device_type wanted[2] = {TARGET_DEVICE, CL_DEVICE_TYPE_ALL};
    if (clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS) return NULL;
    for (int i = 0; i < 2; i++)
        for (cl_uint p = 0; p < count && p < 16; p++)
            if (clGetDeviceIDs(platforms[p], wanted[i], 1, &device, NULL) == CL_SUCCESS)
                return device;
    return NULL;
}

static int build(struct MODEL *m) {
    cl_int code;
    cl_uint lines = sizeof kernel_lines / sizeof *kernel_lines;
    m->program =
        clCreateProgramWithSource(m->context, lines, (const char **)kernel_lines, NULL, &code);
    if (code != CL_SUCCESS) return cl_fail(m, code, "cannot make an OpenCL program");
    code = clBuildProgram(m->program, 1, &m->device, "-cl-denorms-are-zero", NULL, NULL);
    if (code == CL_SUCCESS) return 0;
    char log[3000] = "";
    clGetProgramBuildInfo(m->program, m->device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
    return fail(m, "the kernels do not compile on this device", log);
}

static size_t bytes_of(int t) {
    return tensors[t].elems * type_bytes[tensors[t].type];
}

static size_t padded(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

static int make_buffer(struct MODEL *m, size_t bytes, cl_mem *out) {
    cl_int code;
    cl_uchar zero = 0;
    *out = clCreateBuffer(m->context, CL_MEM_READ_WRITE, padded(bytes), NULL, &code);
    if (code == CL_SUCCESS)
        code = clEnqueueFillBuffer(m->queue, *out, &zero, 1, 0, padded(bytes), 0, NULL, NULL);
    return code == CL_SUCCESS ? 0 : cl_fail(m, code, "cannot allocate a tensor");
}

/* The arena is one buffer where its tensors may begin where the plan has them; otherwise each is one of its own. */
static int allocate(struct MODEL *m) {
    cl_uint align_bits = 0;
    clGetDeviceInfo(m->device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof align_bits, &align_bits, NULL);
    size_t align = align_bits >= 8 ? align_bits / 8 : 1;
    int one = ARENA_BYTES > 0;
    for (int t = 0; t < TENSORS; t++)
        if (tensors[t].kind == KIND_arena && tensors[t].offset % align) one = 0;
    if (one && make_buffer(m, ARENA_BYTES, &m->arena)) return -1;
    for (int t = 0; t < TENSORS; t++) {
        if (tensors[t].kind != KIND_arena || !one) {
            if (make_buffer(m, bytes_of(t), &m->buffers[t])) return -1;
            continue;
        }
        size_t size = padded(bytes_of(t)), left = padded(ARENA_BYTES) - tensors[t].offset;
        cl_buffer_region region = {tensors[t].offset, size < left ? size : left};
        cl_int code;
        m->buffers[t] = clCreateSubBuffer(m->arena, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION,
                                          &region, &code);
        if (code != CL_SUCCESS) return cl_fail(m, code, "cannot take a part of the arena");
    }
    return 0;
}

static int bind(struct MODEL *m) {
    for (int i = 0; i < LAUNCHES; i++) {
        char name[24];
        cl_int code;
        snprintf(name, sizeof name, "k%d", launches[i].kernel);
        m->kernels[i] = clCreateKernel(m->program, name, &code);
        for (int k = 0; k < launches[i].args && code == CL_SUCCESS; k++) {
            const struct arg *a = &args[launches[i].arg + k];
            cl_int number = a->value;
            code = a->what == ARG_tensor
                       ? clSetKernelArg(m->kernels[i], (cl_uint)k, sizeof(cl_mem),
                                        &m->buffers[a->value])
                       : clSetKernelArg(m->kernels[i], (cl_uint)k, sizeof number, &number);
        }
        if (code != CL_SUCCESS) return cl_fail(m, code, name);
    }
    return 0;
}

/* ---- Values at the start --------------------------------------------------------------------- */

/* XXH64 of Yann Collet, of short texts alone as names are. */
static uint64_t rotate(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

static uint64_t word(const unsigned char *p, int bytes) {
    uint64_t v = 0;
    while (bytes-- > 0) v = v << 8 | p[bytes];
    return v;
}

static uint64_t hash_name(const char *name, size_t len, uint64_t seed) {
    const uint64_t p1 = 0x9E3779B185EBCA87u, p2 = 0xC2B2AE3D27D4EB4Fu, p3 = 0x165667B19E3779F9u,
                   p4 = 0x85EBCA77C2B2AE63u, p5 = 0x27D4EB2F165667C5u;
    const unsigned char *p = (const unsigned char *)name, *end = p + len;
    uint64_t h = seed + p5;
    if (len >= 32) {
        uint64_t v[4] = {seed + p1 + p2, seed + p2, seed, seed - p1};
        for (; end - p >= 32; p += 32)
            for (int i = 0; i < 4; i++) v[i] = rotate(v[i] + word(p + 8 * i, 8) * p2, 31) * p1;
        h = rotate(v[0], 1) + rotate(v[1], 7) + rotate(v[2], 12) + rotate(v[3], 18);
        for (int i = 0; i < 4; i++) h = (h ^ rotate(v[i] * p2, 31) * p1) * p1 + p4;
    }
    h += len;
    for (; end - p >= 8; p += 8) h = rotate(h ^ rotate(word(p, 8) * p2, 31) * p1, 27) * p1 + p4;
    if (end - p >= 4) {
        h = rotate(h ^ word(p, 4) * p1, 23) * p2 + p3;
        p += 4;
    }
    for (; p < end; p++) h = rotate(h ^ *p * p5, 11) * p1;
    h = (h ^ h >> 33) * p2;
    h = (h ^ h >> 29) * p3;
    return h ^ h >> 32;
}

static void store(int type, void *values, size_t i, double v) {
    float f = (float)v;
    int32_t n = (int32_t)(type == TYPE_i32 ? v : 0);
    int half = type == TYPE_f16;
    uint16_t h = 0;
    if (type == TYPE_f16 || type == TYPE_bf16) {
        uint16_t top = half ? 0x7c00 : 0x7f80; /* what would become infinite becomes the greatest */
        h = half ? narrow(v, 10, -14) : narrow(v, 7, -126);
        if (v - v == 0 && (h & 0x7fff) == top) h--;
    }
    switch (type) {
    case TYPE_f32: memcpy((char *)values + 4 * i, &f, 4); break;
    case TYPE_i32: memcpy((char *)values + 4 * i, &n, 4); break;
    case TYPE_bool: ((unsigned char *)values)[i] = v != 0; break;
    case TYPE_u8: ((unsigned char *)values)[i] = (unsigned char)v; break;
    default: memcpy((char *)values + 2 * i, &h, 2);
    }
}

/* As `dlg` gives them for this seed, bit for bit. */
static void first_values(int t, uint64_t seed, void *values) {
    const struct tensor *x = &tensors[t];
    const double *number = &numbers[x->number];
    uint64_t hash = hash_name(x->name, strcspn(x->name, "@"), seed);
    uint32_t key[2] = {(uint32_t)hash, (uint32_t)(hash >> 32)}, counter[4] = {0}, words[4];
    for (size_t i = 0; i < x->elems; i++) {
        if (x->init == INIT_constant || x->init == INIT_literal) {
            store(x->type, values, i, number[x->init == INIT_literal ? i : 0]);
            continue;
        }
        counter[0] = (uint32_t)(i / 4);
        if (i % 4 == 0) philox(counter, key, words);
        store(x->type, values, i,
              random_value(x->init == INIT_normal, number[0], number[1], words[i % 4]));
    }
}

static int write_tensor(struct MODEL *m, int t, const void *values) {
    cl_int code = clEnqueueWriteBuffer(m->queue, m->buffers[t], CL_TRUE, 0, bytes_of(t), values, 0,
                                       NULL, NULL);
    return code == CL_SUCCESS ? 0 : cl_fail(m, code, tensors[t].name);
}

static int read_tensor(struct MODEL *m, int t, void *values) {
    cl_int code = clEnqueueReadBuffer(m->queue, m->buffers[t], CL_TRUE, 0, bytes_of(t), values, 0,
                                      NULL, NULL);
    return code == CL_SUCCESS ? 0 : cl_fail(m, code, tensors[t].name);
}

static int is_variable(int t) {
    return tensors[t].kind == KIND_param || tensors[t].kind == KIND_state;
}

/* The weights that the program was made with, and values of the seed for what they do not hold. */
static int begin(struct MODEL *m, uint64_t seed) {
    for (int t = 0; t < TENSORS; t++) {
        if (!is_variable(t)) continue;
        const struct given *g = given;
        while (g->tensor >= 0 && g->tensor != t) g++;
        if (g->tensor == t) {
            if (write_tensor(m, t, g->values)) return -1;
            continue;
        }
        void *values = malloc(bytes_of(t) + 1);
        if (!values) return fail(m, "out of memory", "");
        first_values(t, seed, values);
        int status = write_tensor(m, t, values);
        free(values);
        if (status) return status;
    }
    return 0;
}

static void close_model(struct MODEL *m) {
    if (!m) return;
    if (m->queue) clFinish(m->queue);
    for (int i = 0; i < LAUNCHES; i++)
        if (m->kernels[i]) clReleaseKernel(m->kernels[i]);
    for (int t = TENSORS;
         t-- > 0;) /* parts of the arena in the reverse of the order they were made in */
        if (m->buffers[t]) clReleaseMemObject(m->buffers[t]);
    if (m->arena) clReleaseMemObject(m->arena);
    if (m->program) clReleaseProgram(m->program);
    if (m->queue) clReleaseCommandQueue(m->queue);
    if (m->context) clReleaseContext(m->context);
    free(m);
}

static int open_model(struct MODEL **out, cl_device_id device, uint64_t seed) {
    cl_int code;
    struct MODEL *m = *out = calloc(1, sizeof *m);
    if (!m) return -1;
    m->device = device ? device : find_device();
    if (!m->device) return fail(m, "there is no OpenCL device", "");
    m->context = clCreateContext(NULL, 1, &m->device, NULL, NULL, &code);
    if (code != CL_SUCCESS) return cl_fail(m, code, "cannot open the device");
    m->queue = clCreateCommandQueue(m->context, m->device, 0, &code);
    if (code != CL_SUCCESS) return cl_fail(m, code, "cannot make a command queue");
    if (build(m) || allocate(m) || bind(m)) return -1;
    return begin(m, seed);
}

/* ---- Running --------------------------------------------------------------------------------- */

static int launch(struct MODEL *m, int i, const cl_int *turns) {
    const struct launch *l = &launches[i];
    cl_int code = CL_SUCCESS;
    for (int k = 0; k < l->args && code == CL_SUCCESS; k++)
        if (args[l->arg + k].what == ARG_turn)
            code = clSetKernelArg(m->kernels[i], (cl_uint)k, sizeof *turns,
                                  &turns[args[l->arg + k].value]);
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(m->queue, m->kernels[i], 1, NULL, &l->global, &l->local, 0,
                                      NULL, NULL);
    return code == CL_SUCCESS ? 0 : cl_fail(m, code, "a launch failed");
}

static int run(struct MODEL *m, int step, int end, cl_int *turns, int depth) {
    for (int status; step < end; step = steps[step].launch < 0 ? steps[step].end : step + 1) {
        if (steps[step].launch >= 0) {
            if ((status = launch(m, steps[step].launch, turns))) return status;
            continue;
        }
        for (int turn = 0; turn < steps[step].trips; turn++) {
            turns[depth] = turn;
            if ((status = run(m, step + 1, steps[step].end, turns, depth + 1))) return status;
        }
    }
    return 0;
}

static int run_entry(struct MODEL *m, int step, int end) {
    cl_int turns[64];
    int status = run(m, step, end, turns, 0);
    if (!status && clFlush(m->queue) != CL_SUCCESS) status = fail(m, "the device failed", "");
    return status;
}

/* ---- Tensors by name ------------------------------------------------------------------------- */

static int find(struct MODEL *m, const char *name, size_t bytes) {
    for (int t = 0; t < TENSORS; t++) {
        if (tensors[t].kind == KIND_arena || strcmp(tensors[t].name, name) != 0) continue;
        if (bytes == bytes_of(t)) return t;
        fail(m, "the size does not match", name);
        return -1;
    }
    fail(m, "there is no tensor of that name", name);
    return -1;
}

static int set_by_name(struct MODEL *m, const char *name, const void *values, size_t bytes) {
    int t = find(m, name, bytes);
    return t < 0 ? t : write_tensor(m, t, values);
}

static int get_by_name(struct MODEL *m, const char *name, void *values, size_t bytes) {
    int t = find(m, name, bytes);
    return t < 0 ? t : read_tensor(m, t, values);
}

/* ---- Weights: safetensors files --------------------------------------------------------------- */

/* Checks a file; with `apply` its values become the model's. Params must all be there. */
static int take_weights(struct MODEL *m, const char *file, size_t bytes, int apply) {
    for (int t = 0; t < TENSORS; t++) {
        const char *values, *wrong;
        if (!is_variable(t)) continue;
        wrong = find_weights(file, bytes, tensors[t].name, type_names[tensors[t].type],
                             tensors[t].rank, tensors[t].shape, bytes_of(t), &values);
        if (!wrong && !values && tensors[t].kind == KIND_param) wrong = "it does not have";
        if (wrong) {
            char text[100];
            snprintf(text, sizeof text, "the weights file: %s", wrong);
            return fail(m, text, tensors[t].name);
        }
        if (apply && values && write_tensor(m, t, values)) return -1;
    }
    return 0;
}

static int load_weights(struct MODEL *m, const char *path) {
    FILE *f = fopen(path, "rb");
    char *file = NULL;
    size_t bytes = 0, room = 0, got = 1;
    if (!f) return fail(m, "cannot open", path);
    while (got > 0) {
        if (bytes == room) {
            char *more = realloc(file, room = room ? 2 * room : 1 << 16);
            if (!more) break;
            file = more;
        }
        got = fread(file + bytes, 1, room - bytes, f);
        bytes += got;
    }
    int status =
        got > 0 || ferror(f) ? fail(m, "cannot read", path) : take_weights(m, file, bytes, 0);
    if (!status) status = take_weights(m, file, bytes, 1);
    fclose(f);
    free(file);
    return status;
}

static int write_header(FILE *f, size_t *length) {
    size_t at = 0;
    int n = fprintf(f, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (int t = 0; t < TENSORS && n >= 0; t++) {
        if (!is_variable(t)) continue;
        *length += (size_t)n;
        n = fprintf(f, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", tensors[t].name,
                    type_names[tensors[t].type]);
        for (int i = 0; i < tensors[t].rank && n >= 0; i++) {
            *length += (size_t)n;
            n = fprintf(f, "%s%lld", i ? "," : "", tensors[t].shape[i]);
        }
        if (n < 0) break;
        *length += (size_t)n;
        n = fprintf(f, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                    (unsigned long long)(at + bytes_of(t)));
        at += bytes_of(t);
    }
    if (n < 0) return -1;
    *length += (size_t)n;
    for (n = 1; n > 0 && (*length + 1) % 8; ++*length) n = fputc(' ', f) == EOF ? -1 : 1;
    ++*length;
    return n < 0 || fputc('}', f) == EOF ? -1 : 0;
}

static int write_weights(struct MODEL *m, FILE *f) {
    unsigned char size[8] = {0};
    size_t length = 0;
    if (fwrite(size, 1, 8, f) != 8 || write_header(f, &length)) return -1;
    for (int t = 0; t < TENSORS; t++) {
        if (!is_variable(t)) continue;
        void *values = malloc(bytes_of(t) + 1);
        int written = values && !read_tensor(m, t, values) &&
                      fwrite(values, 1, bytes_of(t), f) == bytes_of(t);
        free(values);
        if (!written) return -1;
    }
    for (int i = 0; i < 8; i++) size[i] = (unsigned char)((uint64_t)length >> 8 * i);
    return fseek(f, 0, SEEK_SET) != 0 || fwrite(size, 1, 8, f) != 8 ? -1 : 0;
}

static int save_weights(struct MODEL *m, const char *path) {
    FILE *f = fopen(path, "wb");
    if (!f) return fail(m, "cannot write", path);
    int failed = write_weights(m, f);
    failed = fclose(f) != 0 || failed;
    return failed ? fail(m, "cannot write", path) : 0;
}
