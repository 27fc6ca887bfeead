/* peer_blas: the products by OpenBLAS and by CLBlast, loaded when they are installed. */
#include "bench.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* As cblas.h and clblast_c.h have them. */
enum { ROW_MAJOR = 101, NOT_TRANSPOSED = 111, TRANSPOSED = 112 };
typedef void (*CblasSgemm)(int, int, int, int, int, int, float, const float *, int, const float *,
                           int, float, float *, int);
typedef int (*ClblastSgemm)(int, int, int, size_t, size_t, size_t, float, cl_mem, size_t, size_t,
                            cl_mem, size_t, size_t, float, cl_mem, size_t, size_t,
                            cl_command_queue *, cl_event *);

/* A product y[m, n] as a call wants it. */
typedef struct Product {
    int a_op, b_op, m, n, k, lda, ldb;
    size_t a_count, b_count, y_count;
    float *a, *b, *y;
} Product;

static bool product_of(Product *p, const BenchCase *which) {
    free(p->a), free(p->b), free(p->y);
    *p = (Product){0};
    if (strncmp(which->model, "product_", 8) != 0) return false;
    Define defines[MAX_DEFINES];
    int count = case_defines(which, defines);
    for (int i = 0; i < count; i++) {
        int value = (int)defines[i].value;
        if (strcmp(defines[i].name, "M") == 0) p->m = value;
        if (strcmp(defines[i].name, "N") == 0) p->n = value;
        if (strcmp(defines[i].name, "K") == 0) p->k = value;
    }
    bool a_transposed = which->model[8] == 't', b_transposed = which->model[9] == 't';
    p->a_op = a_transposed ? TRANSPOSED : NOT_TRANSPOSED;
    p->b_op = b_transposed ? TRANSPOSED : NOT_TRANSPOSED;
    p->lda = a_transposed ? p->m : p->k;
    p->ldb = b_transposed ? p->k : p->n;
    p->a_count = (size_t)p->m * (size_t)p->k;
    p->b_count = (size_t)p->k * (size_t)p->n;
    p->y_count = (size_t)p->m * (size_t)p->n;
    p->a = need_memory(p->a_count * sizeof(float));
    p->b = need_memory(p->b_count * sizeof(float));
    p->y = need_memory(p->y_count * sizeof(float));
    input_floats("a", p->a, p->a_count);
    input_floats("b", p->b, p->b_count);
    return true;
}

/* ---- OpenBLAS -------------------------------------------------------------------------------- */

typedef struct Openblas {
    Product product;
    CblasSgemm sgemm;
} Openblas;

static void openblas_run(void *state, int runs) {
    Openblas *o = state;
    const Product *p = &o->product;
    for (int i = 0; i < runs; i++)
        o->sgemm(ROW_MAJOR, p->a_op, p->b_op, p->m, p->n, p->k, 1.0f, p->a, p->lda, p->b, p->ldb,
                 0.0f, p->y, p->n);
}

static const char *openblas_prepare(void *state, const BenchCase *which, double *check) {
    Openblas *o = state;
    if (!product_of(&o->product, which)) return "products only";
    openblas_run(o, 1);
    *check = result_check(o->product.y, o->product.y_count);
    return NULL;
}

static void *library(const char *const *names, char *why, size_t why_bytes) {
    for (; *names; names++) {
        void *lib = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
        if (lib) return lib;
    }
    const char *error = dlerror();
    snprintf(why, why_bytes, "not installed: %s", error ? error : "");
    return NULL;
}

/* By itself OpenBLAS does not always see AVX-512 on processors younger than it is, and an environment may name an older
 * one: then it is half as fast. Its own kernels for AVX-512 are those of SKYLAKEX. Done before it is loaded. */
static void choose_kernels(void) {
    unsetenv("OPENBLAS_CORETYPE");
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 1);
#endif
}

bool serve_openblas(Served *served, const char *device, char *why, size_t why_bytes) {
    static Openblas o;
    dlg_device *dev;
    if (dlg_device_open(&dev, device) < 0) {
        snprintf(why, why_bytes, "%s", dlg_error_text(dev));
        return false;
    }
    int threads = (int)dlg_device_get_info(dev)->compute_units;
    dlg_device_close(dev);
    choose_kernels();
    void *lib =
        library((const char *const[]){"libopenblas.so.0", "libopenblas.so", NULL}, why, why_bytes);
    if (!lib) return false;
    *(void **)&o.sgemm = dlsym(lib, "cblas_sgemm");
    void (*set_threads)(int);
    char *(*config)(void), *(*core)(void);
    *(void **)&set_threads = dlsym(lib, "openblas_set_num_threads");
    *(void **)&config = dlsym(lib, "openblas_get_config");
    *(void **)&core = dlsym(lib, "openblas_get_corename");
    if (!o.sgemm || !set_threads || !config || !core) {
        snprintf(why, why_bytes, "the library lacks cblas_sgemm or openblas_*");
        return false;
    }
    set_threads(threads);
    char version[64] = "";
    sscanf(config(), "%63s %63s", version, version);
    snprintf(served->about, sizeof(served->about), "OpenBLAS %.40s, kernels of %.40s, %d threads",
             version, core(), threads);
    served->prepare = openblas_prepare;
    served->run = openblas_run;
    served->state = &o;
    return true;
}

/* ---- CLBlast --------------------------------------------------------------------------------- */

typedef struct Clblast {
    Product product;
    ClblastSgemm sgemm;
    cl_context context;
    cl_command_queue queue;
    cl_mem a, b, y;
} Clblast;

static bool clblast_calls(Clblast *c, int runs) {
    const Product *p = &c->product;
    for (int i = 0; i < runs; i++) {
        int status = c->sgemm(ROW_MAJOR, p->a_op, p->b_op, (size_t)p->m, (size_t)p->n, (size_t)p->k,
                              1.0f, c->a, 0, (size_t)p->lda, c->b, 0, (size_t)p->ldb, 0.0f, c->y, 0,
                              (size_t)p->n, &c->queue, NULL);
        if (status) return false;
    }
    return clFinish(c->queue) == CL_SUCCESS;
}

static void clblast_run(void *state, int runs) {
    if (!clblast_calls(state, runs)) fail("CLBlast failed");
}

static cl_mem buffer_of(Clblast *c, float *from, size_t count) {
    cl_int status;
    cl_mem buffer =
        clCreateBuffer(c->context, CL_MEM_COPY_HOST_PTR, count * sizeof(float), from, &status);
    check_cl(status, "clCreateBuffer");
    return buffer;
}

static const char *clblast_prepare(void *state, const BenchCase *which, double *check) {
    Clblast *c = state;
    if (c->a) clReleaseMemObject(c->a), clReleaseMemObject(c->b), clReleaseMemObject(c->y);
    c->a = c->b = c->y = NULL;
    Product *p = &c->product;
    if (!product_of(p, which)) return "products only";
    c->a = buffer_of(c, p->a, p->a_count);
    c->b = buffer_of(c, p->b, p->b_count);
    c->y = buffer_of(c, p->y, p->y_count);
    if (!clblast_calls(c, 1)) return "CLBlast failed";
    check_cl(clEnqueueReadBuffer(c->queue, c->y, CL_TRUE, 0, p->y_count * sizeof(float), p->y, 0,
                                 NULL, NULL),
             "clEnqueueReadBuffer");
    *check = result_check(p->y, p->y_count);
    return NULL;
}

bool serve_clblast(Served *served, const char *device, char *why, size_t why_bytes) {
    static Clblast c;
    void *lib =
        library((const char *const[]){"libclblast.so.1", "libclblast.so", NULL}, why, why_bytes);
    if (!lib) return false;
    *(void **)&c.sgemm = dlsym(lib, "CLBlastSgemm");
    dlg_device *dev;
    if (!c.sgemm || dlg_device_open(&dev, device) < 0) {
        snprintf(why, why_bytes, "%s", c.sgemm ? dlg_error_text(dev) : "it has no CLBlastSgemm");
        return false;
    }
    cl_device_id id = same_device(dlg_device_get_info(dev));
    dlg_device_close(dev);
    cl_int status;
    c.context = clCreateContext(NULL, 1, &id, NULL, NULL, &status);
    check_cl(status, "clCreateContext");
    c.queue = clCreateCommandQueue(c.context, id, 0, &status);
    check_cl(status, "clCreateCommandQueue");
    snprintf(served->about, sizeof(served->about), "CLBlast on the same OpenCL device");
    served->prepare = clblast_prepare;
    served->run = clblast_run;
    served->state = &c;
    return true;
}
