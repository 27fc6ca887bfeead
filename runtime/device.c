/* device: OpenCL devices, and the few things that the library asks of one.
 *
 * Establishes: every OpenCL status is looked at and told in words; the queue is in order, so that
 * commands see the results of those before them without events. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "build_log.h"
#include "ptx.h"
#include "rt.h"
#include "rt_kernels.h"

enum {
    PLATFORM_NOT_FOUND = -1001, /* CL_PLATFORM_NOT_FOUND_KHR: the loader has no driver */
    LAUNCHES_A_FLUSH = 64,
    LAUNCHES_A_MARK = 2048
};

/* ---- listing ------------------------------------------------------------------------------------ */

typedef struct Found {
    cl_platform_id platform;
    cl_device_id device;
} Found;

/* The texts of the platform and the device, cut to the fields of the info. */
static cl_int name_texts(Found f, dlg_device_info *i) {
    char platform[512] = "", name[512] = "", driver[512] = "";
    cl_int code =
        clGetPlatformInfo(f.platform, CL_PLATFORM_NAME, sizeof platform - 1, platform, NULL);
    if (!code) code = clGetDeviceInfo(f.device, CL_DEVICE_NAME, sizeof name - 1, name, NULL);
    if (!code) code = clGetDeviceInfo(f.device, CL_DRIVER_VERSION, sizeof driver - 1, driver, NULL);
    snprintf(i->platform, sizeof i->platform, "%.*s", (int)sizeof i->platform - 1, platform);
    snprintf(i->name, sizeof i->name, "%.*s", (int)sizeof i->name - 1, name);
    snprintf(i->driver, sizeof i->driver, "%.*s", (int)sizeof i->driver - 1, driver);
    return code;
}

/* The compute capability of a device of NVIDIA, 90 for 9.0, which says what instructions kernels/mma.cl, kernels/wgmma.cl
 * and kernels/together.cl may use; 0 of any other. */
static int compute_capability(dlg_device *dev, cl_device_id device, cl_uint *capability) {
    enum { CAPABILITY_MAJOR = 0x4000, CAPABILITY_MINOR }; /* of cl_nv_device_attribute_query */
    size_t len = 0;
    cl_uint major = 0, minor = 0;
    *capability = 0;
    cl_int code = clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, 0, NULL, &len);
    char *names = code == CL_SUCCESS ? calloc(len + 1, 1) : NULL;
    if (code == CL_SUCCESS && !names) return rt_no_memory(dev, len + 1);
    if (code == CL_SUCCESS) code = clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, len, names, NULL);
    if (code == CL_SUCCESS && strstr(names, "cl_nv_device_attribute_query")) {
        code = clGetDeviceInfo(device, CAPABILITY_MAJOR, sizeof major, &major, NULL);
        if (code == CL_SUCCESS)
            code = clGetDeviceInfo(device, CAPABILITY_MINOR, sizeof minor, &minor, NULL);
    }
    *capability = major * 10 + minor;
    free(names);
    return code == CL_SUCCESS ? DLG_OK
                              : rt_cl_fail(dev, code, "cannot ask a device for its extensions");
}

static int describe(dlg_device *dev, Found f, int number, dlg_device_info *out) {
    dlg_device_info i = {.number = number};
    cl_device_type type = 0;
    cl_uint units = 0, floats = 0, capability = 0;
    cl_ulong memory = 0, most = 0, local = 0;
    size_t group = 0;
    const struct {
        cl_device_info what;
        size_t bytes;
        void *to;
    } asked[] = {{CL_DEVICE_TYPE, sizeof type, &type},
                 {CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units},
                 {CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory},
                 {CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof most, &most},
                 {CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local},
                 {CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof group, &group},
                 {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof floats, &floats}};
    cl_int code = name_texts(f, &i);
    for (size_t k = 0; k < sizeof asked / sizeof *asked && !code; k++)
        code = clGetDeviceInfo(f.device, asked[k].what, asked[k].bytes, asked[k].to, NULL);
    if (code != CL_SUCCESS) return rt_cl_fail(dev, code, "cannot ask a device what it is");
    int status = compute_capability(dev, f.device, &capability);
    if (status < 0) return status;
    strcpy(i.type, type & CL_DEVICE_TYPE_CPU           ? "cpu"
                   : type & CL_DEVICE_TYPE_GPU         ? "gpu"
                   : type & CL_DEVICE_TYPE_ACCELERATOR ? "accelerator"
                                                       : "other");
    i.compute_units = units;
    i.memory_bytes = memory;
    i.max_buffer_bytes = most;
    i.local_memory_bytes = local;
    i.max_group = group;
    i.vector_floats = floats;
    i.matrix_units = capability == PTX_CAPABILITY ? 2 : capability >= 80;
    *out = i;
    return DLG_OK;
}

/* The targets are rows of the compiler's target.def, whose `width` these 16 are. */
const char *dlg_device_target(const dlg_device_info *info) {
    if (!info) return "cpu";
    if (!strcmp(info->type, "gpu"))
        return info->matrix_units > 1 ? "gpu_wgmma" : info->matrix_units ? "gpu_mma" : "gpu";
    return info->vector_floats && info->vector_floats < 16 ? "cpu8" : "cpu";
}

/* All devices in the order of the platforms; the caller frees *found. */
static int find_devices(dlg_device *dev, Found **found, size_t *count) {
    enum { MOST_PLATFORMS = 64, MOST_DEVICES = 1024 };
    cl_platform_id platforms[MOST_PLATFORMS];
    cl_device_id devices[MOST_DEVICES];
    cl_uint platform_count = 0;
    *found = NULL;
    *count = 0;
    cl_int code = clGetPlatformIDs(MOST_PLATFORMS, platforms, &platform_count);
    if (code == PLATFORM_NOT_FOUND) return DLG_OK;
    if (code != CL_SUCCESS) return rt_cl_fail(dev, code, "cannot list the OpenCL platforms");
    if (platform_count > MOST_PLATFORMS) platform_count = MOST_PLATFORMS;
    for (cl_uint p = 0; p < platform_count; p++) {
        cl_uint n = 0;
        code = clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MOST_DEVICES, devices, &n);
        if (code == CL_DEVICE_NOT_FOUND) continue;
        if (code != CL_SUCCESS) {
            free(*found);
            *found = NULL;
            return rt_cl_fail(dev, code, "cannot list the devices of an OpenCL platform");
        }
        if (n > MOST_DEVICES) n = MOST_DEVICES;
        Found *more = realloc(*found, (*count + n + 1) * sizeof *more);
        if (!more) {
            free(*found);
            *found = NULL;
            return rt_no_memory(dev, (*count + n + 1) * sizeof *more);
        }
        *found = more;
        for (cl_uint d = 0; d < n; d++) more[(*count)++] = (Found){platforms[p], devices[d]};
    }
    return DLG_OK;
}

int dlg_device_list(dlg_device_info **list, size_t *count) {
    if (!list || !count) return DLG_ERR_USAGE;
    Found *found;
    *list = NULL;
    int status = find_devices(NULL, &found, count);
    if (status < 0) return status;
    if (*count && !(*list = calloc(*count, sizeof **list))) status = DLG_ERR_MEMORY;
    for (size_t i = 0; i < *count && status == DLG_OK; i++)
        status = describe(NULL, found[i], (int)i, &(*list)[i]);
    if (status < 0) {
        free(*list);
        *list = NULL;
        *count = 0;
    }
    free(found);
    return status;
}

void dlg_device_list_free(dlg_device_info *list) {
    free(list);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static bool contains_nocase(const char *text, const char *part) {
    size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i])) i++;
        if (i == n) return true;
    }
    return n == 0;
}

static bool matches(const dlg_device_info *info, const char *selector) {
    char text[sizeof info->platform + sizeof info->name + 2];
    if (!selector || !*selector) return strcmp(info->type, "cpu") == 0;
    snprintf(text, sizeof text, "%s: %s", info->platform, info->name);
    return contains_nocase(text, selector);
}

/* Which of `count` devices a selector means, described in dev->info; *which is `count` when none. */
static int select_device(dlg_device *dev, const Found *found, size_t count, const char *selector,
                         size_t *which) {
    bool any = !selector || !*selector;
    int status = DLG_OK;
    *which = count;
    if (!any && selector[strspn(selector, "0123456789")] == 0) {
        unsigned long long number = strtoull(selector, NULL, 10);
        if (number < count) *which = (size_t)number;
    } else {
        for (size_t i = 0; i < count && status == DLG_OK; i++) {
            status = describe(dev, found[i], (int)i, &dev->info);
            if (status < 0 || !matches(&dev->info, selector)) continue;
            *which = i;
            break;
        }
        if (any && *which == count && count > 0) *which = 0;
    }
    if (status == DLG_OK && *which < count)
        status = describe(dev, found[*which], (int)*which, &dev->info);
    return status;
}

static int open_device(dlg_device *dev, const char *selector) {
    Found *found;
    size_t count, which;
    cl_int code;
    cl_uint align_bits = 0, capability;
    cl_bool unified = CL_FALSE;
    int status = find_devices(dev, &found, &count);
    if (status < 0) return status;
    if (count == 0) {
        cl_uint platforms = 0;
        clGetPlatformIDs(0, NULL, &platforms);
        status = rt_fail(dev, DLG_ERR_DEVICE, "there is no OpenCL device: %s",
                         platforms ? "the driver that is installed offers none (PoCL needs a "
                                     "cache that it can write: see HOME and POCL_CACHE_DIR)"
                                   : "no driver is installed (on Debian, pocl-opencl-icd makes "
                                     "the processor one)");
        goto out;
    }
    status = select_device(dev, found, count, selector, &which);
    if (status < 0) goto out;
    if (which == count) {
        status = rt_fail(dev, DLG_ERR_DEVICE, "no OpenCL device matches `%.200s`; there %s %zu",
                         selector, count == 1 ? "is" : "are", count);
        goto out;
    }
    dev->id = found[which].device;
    dev->context = clCreateContext(NULL, 1, &dev->id, NULL, NULL, &code);
    if (code != CL_SUCCESS) {
        status = rt_cl_fail(dev, code, "cannot open the device");
        goto out;
    }
    dev->queue = clCreateCommandQueue(dev->context, dev->id, 0, &code);
    if (code != CL_SUCCESS) {
        status = rt_cl_fail(dev, code, "cannot make a command queue");
        goto out;
    }
    code = clGetDeviceInfo(dev->id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof align_bits, &align_bits,
                           NULL);
    if (!code)
        code =
            clGetDeviceInfo(dev->id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof unified, &unified, NULL);
    if (code != CL_SUCCESS) {
        status = rt_cl_fail(dev, code, "cannot ask the device how it has its memory");
        goto out;
    }
    dev->exact = strcmp(dev->info.platform, "Oclgrind") == 0;
    /* A simulator's groups come one by one, and it looks at all that they do. A processor's do so
     * only where they are asked to (pair.c). */
    if ((status = compute_capability(dev, dev->id, &capability)) < 0) goto out;
    dev->meets = dev->exact || capability >= 70;
    dev->capability = capability;
    dev->base_align = align_bits >= 8 ? align_bits / 8 : 1;
    dev->host_memory = unified && strcmp(dev->info.type, "cpu") == 0;
    dev->real = true;
out:
    free(found);
    return status;
}

int dlg_device_open(dlg_device **dev, const char *selector) {
    if (!dev) return DLG_ERR_USAGE;
    *dev = calloc(1, sizeof **dev);
    if (!*dev) return DLG_ERR_MEMORY;
    (*dev)->message = "";
    if (selector && strcmp(selector, "none") == 0) return DLG_OK;
    return open_device(*dev, selector);
}

void dlg_device_close(dlg_device *dev) {
    if (!dev) return;
    if (dev->queue) clFinish(dev->queue);
    if (dev->mark) clReleaseEvent(dev->mark);
    profile_free(dev->profile);
    if (dev->own) clReleaseProgram(dev->own);
    if (dev->queue) clReleaseCommandQueue(dev->queue);
    if (dev->context) clReleaseContext(dev->context);
    if (dev->pages) pages_give(dev->pages);
    free(dev->error);
    free(dev);
}

const dlg_device_info *dlg_device_get_info(const dlg_device *dev) {
    return dev && dev->real ? &dev->info : NULL;
}

/* ---- building ----------------------------------------------------------------------------------- */

static int build_failed(dlg_device *dev, const char *file, int64_t line, const char *text,
                        cl_program program, cl_int code) {
    size_t bytes = 0;
    /* A log is given whole or not at all. */
    clGetProgramBuildInfo(program, dev->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
    char *log = bytes < SIZE_MAX ? calloc(1, bytes + 1) : NULL, *all = NULL;
    if (log && bytes)
        clGetProgramBuildInfo(program, dev->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
    if (log) all = build_log(log, file, line, text);
    char why[RT_CACHE_WHY];
    /* A log that names no error is of a driver that failed for something else. */
    bool other = log && !strstr(log, "error") && rt_cache_fails(dev, why, sizeof why);
    int status = other
                     ? rt_fail(dev, DLG_ERR_OPENCL, "%s: the kernels could not be built (%s): %s",
                               file, rt_cl_name(code), why)
                     : rt_fail(dev, DLG_ERR_BUILD, "%s: the kernels do not compile on %s (%s)\n%s",
                               file, dev->info.name, rt_cl_name(code),
                               all ? all : "(there is no memory for what the driver says)");
    free(all);
    free(log);
    return status;
}

/* Builds a text behind a line for the preprocessor, with lines of PTX or without. *program is to be released unless it is
 * NULL. */
static cl_int build(dlg_device *dev, const char *head, const char *text, size_t len, bool ptx,
                    cl_program *program) {
    const char *parts[] = {head, text};
    size_t lens[] = {strlen(head), len};
    cl_int code;
    *program = clCreateProgramWithSource(dev->context, 2, parts, lens, &code);
    if (code != CL_SUCCESS) *program = NULL;
    if (code != CL_SUCCESS) return code;
    char options[128];
    snprintf(options, sizeof options, "-cl-kernel-arg-info -cl-denorms-are-zero -w%s%s",
             dev->meets || dev->pair.when ? " -D DLG_MEETS" : "", ptx ? " -D DLG_WGMMA" : "");
    return clBuildProgram(*program, 1, &dev->id, options, NULL, NULL);
}

/* `#line LINE "FILE"`. */
static void line_directive(char *out, size_t size, int64_t line, const char *file) {
    size_t n = (size_t)snprintf(out, size, "#line %" PRId64 " \"", line);
    for (; *file && n + 4 < size; file++) {
        if (*file == '"' || *file == '\\') out[n++] = '\\';
        out[n++] = (unsigned char)*file < ' ' ? '?' : *file;
    }
    snprintf(out + n, size - n, "\"\n");
}

/* The PTX that the driver made of a program, to be freed; NULL where it gives none. */
static int binary_of(dlg_device *dev, cl_program program, char **ptx, size_t *len) {
    cl_uint devices = 0;
    *ptx = NULL;
    *len = 0;
    cl_int code = clGetProgramInfo(program, CL_PROGRAM_NUM_DEVICES, sizeof devices, &devices, NULL);
    if (code == CL_SUCCESS && devices == 1)
        code = clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof *len, len, NULL);
    if (code == CL_SUCCESS && *len) {
        *ptx = malloc(*len);
        if (!*ptx) return rt_no_memory(dev, *len);
        code = clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof *ptx, ptx, NULL);
    }
    if (code == CL_SUCCESS) return DLG_OK;
    free(*ptx);
    *ptx = NULL;
    return rt_cl_fail(dev, code, "cannot ask for a program's binary");
}

/* Puts the program of the PTX with its marked lines in the place of *program. */
static int build_ptx(dlg_device *dev, const char *file, cl_program *program) {
    size_t len;
    cl_int code, loaded = CL_SUCCESS;
    const char *why = "there is none";
    char *ptx, *edited = NULL;
    int status = binary_of(dev, *program, &ptx, &len);
    if (status < 0) return status;
    if (ptx) edited = ptx_edit(ptx, len, &why);
    free(ptx);
    if (!edited && !why) return rt_no_memory(dev, len);
    if (!edited)
        return rt_fail(dev, DLG_ERR_BUILD,
                       "%s: what %s makes of the kernels is not the PTX that "
                       "lines can be put into: %s",
                       file, dev->info.name, why);
    const unsigned char *binary = (const unsigned char *)edited;
    len = strlen(edited);
    cl_program made =
        clCreateProgramWithBinary(dev->context, 1, &dev->id, &len, &binary, &loaded, &code);
    if (code == CL_SUCCESS) code = loaded;
    if (code == CL_SUCCESS) code = clBuildProgram(made, 1, &dev->id, "", NULL, NULL);
    if (code != CL_SUCCESS && made)
        status = build_failed(dev, file, 0, "", made, code); /* what it names are lines of PTX */
    else if (code != CL_SUCCESS)
        status = rt_fail(dev, DLG_ERR_BUILD, "%s: %s does not take the PTX of the kernels (%s)",
                         file, dev->info.name, rt_cl_name(code));
    free(edited);
    if (status < 0) {
        if (made) clReleaseProgram(made);
        return status;
    }
    clReleaseProgram(*program);
    *program = made;
    return DLG_OK;
}

int rt_build(dlg_device *dev, const char *file, int64_t line, const char *text, size_t len,
             bool has_ptx, cl_program *built) {
    *built = NULL;
    char head[1024];
    /* A driver of another kind never sees these lines: the text has the same in OpenCL C. */
    const bool ptx = has_ptx && dev->capability;
    if (ptx && dev->capability != PTX_CAPABILITY)
        return rt_fail(dev, DLG_ERR_BUILD,
                       "%s: its kernels have instructions of compute capability 9.0, and %s is of "
                       "%u.%u: compile it for the target gpu_mma",
                       file, dev->info.name, dev->capability / 10, dev->capability % 10);
    cl_program program, named = NULL;
    snprintf(head, sizeof head, "#line %" PRId64 "\n", line);
    cl_int code = build(dev, head, text, len, ptx, &program);
    if (!program) return rt_cl_fail(dev, code, "cannot make an OpenCL program");
    if (code == CL_SUCCESS) {
        int done = ptx ? build_ptx(dev, file, &program) : DLG_OK;
        if (done < 0)
            clReleaseProgram(program);
        else
            *built = program;
        return done;
    }
    /* Once more, for messages that name the file and not the driver's own copy. It is no part of the text that
     * is built otherwise: drivers keep what they built under the text, wherever the file lies. */
    line_directive(head, sizeof head, line, file);
    cl_int again = build(dev, head, text, len, ptx, &named);
    bool fails = named && again != CL_SUCCESS;
    int status = build_failed(dev, file, line, text, fails ? named : program, code);
    if (named) clReleaseProgram(named);
    clReleaseProgram(program);
    return status;
}

int rt_own_kernel(dlg_device *dev, const char *name, cl_kernel *kernel) {
    *kernel = NULL;
    int status = dev->own ? DLG_OK
                          : rt_build(dev, "kernels/runtime.cl", 1, rt_kernels_cl, rt_kernels_cl_len,
                                     false, &dev->own);
    if (status < 0) return status;
    cl_int code;
    *kernel = clCreateKernel(dev->own, name, &code);
    return code == CL_SUCCESS ? DLG_OK : rt_cl_fail(dev, code, "a kernel of the runtime");
}

/* ---- memory and the queue ----------------------------------------------------------------------- */

static void CL_CALLBACK give_pages(cl_mem buffer, void *pages) {
    (void)buffer;
    pages_give(pages);
}

/* A buffer of zeros in memory of the host, which the device reads and writes without copies. CL_SUCCESS with NULL: the
 * system has no memory for it. */
static cl_int host_buffer(dlg_device *dev, size_t bytes, cl_mem *out) {
    Pages *pages;
    cl_int code;
    void *at = pages_take(&dev->pages, bytes, &pages);
    *out = NULL;
    if (!at) return CL_SUCCESS;
    cl_mem made =
        clCreateBuffer(dev->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, bytes, at, &code);
    if (code != CL_SUCCESS) {
        pages_give(pages);
        return code;
    }
    code = clSetMemObjectDestructorCallback(made, give_pages, pages);
    if (code == CL_SUCCESS) {
        *out = made;
        return code;
    }
    clReleaseMemObject(made);
    pages_give(pages);
    return code;
}

/* The same in the device's own memory. */
static cl_int device_buffer(dlg_device *dev, size_t bytes, cl_mem *out) {
    cl_int code;
    cl_uchar zero = 0;
    *out = NULL;
    cl_mem made = clCreateBuffer(dev->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (code != CL_SUCCESS) return code;
    code = clEnqueueFillBuffer(dev->queue, made, &zero, sizeof zero, 0, bytes, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        *out = made;
    else
        clReleaseMemObject(made);
    return code;
}

int rt_buffer(dlg_device *dev, uint64_t bytes, const char *what, cl_mem *buffer) {
    *buffer = NULL;
    uint64_t padded = dev->exact ? bytes : (bytes + 63) / 64 * 64;
    if (padded > dev->info.max_buffer_bytes || padded > SIZE_MAX)
        return rt_fail(dev, DLG_ERR_LIMIT,
                       "%s needs %" PRIu64 " bytes; %s allows %" PRIu64 " a buffer", what, padded,
                       dev->info.name, dev->info.max_buffer_bytes);
    bool in_host = dev->host_memory && !dev->exact;
    cl_int code = in_host ? host_buffer(dev, (size_t)padded, buffer)
                          : device_buffer(dev, (size_t)padded, buffer);
    if (code == CL_SUCCESS && !*buffer) return rt_no_memory(dev, padded);
    if (code != CL_SUCCESS) {
        char text[300];
        snprintf(text, sizeof text, "cannot allocate %" PRIu64 " bytes for %.200s", padded, what);
        return rt_cl_fail(dev, code, text);
    }
    return DLG_OK;
}

void rt_release_parts(cl_mem *list, size_t count) {
    for (size_t i = list ? count : 0; i-- > 0;)
        if (list[i]) clReleaseMemObject(list[i]);
}

/* Marks the queue and waits for the mark before: the host is at most two marks ahead. */
static int mark(dlg_device *dev) {
    cl_event next;
    cl_int code = clEnqueueMarkerWithWaitList(dev->queue, 0, NULL, &next);
    if (code != CL_SUCCESS) return rt_cl_fail(dev, code, "cannot mark the queue");
    clFlush(dev->queue);
    if (dev->mark) {
        code = clWaitForEvents(1, &dev->mark);
        clReleaseEvent(dev->mark);
    }
    dev->mark = next;
    dev->enqueued = 0;
    if (code != CL_SUCCESS) return rt_cl_fail(dev, code, "the device failed while it ran kernels");
    return DLG_OK;
}

int rt_launch(dlg_device *dev, cl_kernel kernel, const char *name, size_t global, size_t local) {
    cl_event event, *timed = profile_goes_on(dev->profile) ? &event : NULL;
    cl_int code =
        clEnqueueNDRangeKernel(dev->queue, kernel, 1, NULL, &global, &local, 0, NULL, timed);
    if (code != CL_SUCCESS) {
        char text[300];
        snprintf(text, sizeof text, "cannot launch the kernel %.200s", name);
        return rt_cl_fail(dev, code, text);
    }
    int status = timed ? profile_launched(dev->profile, event, name) : DLG_OK;
    if (status < 0) return status;
    dev->launches++;
    if (++dev->enqueued >= LAUNCHES_A_MARK) return mark(dev);
    if (dev->enqueued % LAUNCHES_A_FLUSH == 0) clFlush(dev->queue);
    return DLG_OK;
}

int rt_write(dlg_device *dev, cl_mem buffer, uint64_t offset, const void *data, uint64_t bytes) {
    cl_int code = clEnqueueWriteBuffer(dev->queue, buffer, CL_TRUE, (size_t)offset, (size_t)bytes,
                                       data, 0, NULL, NULL);
    return code == CL_SUCCESS ? DLG_OK : rt_cl_fail(dev, code, "cannot copy to the device");
}

int rt_read(dlg_device *dev, cl_mem buffer, uint64_t offset, void *data, uint64_t bytes) {
    cl_int code = clEnqueueReadBuffer(dev->queue, buffer, CL_TRUE, (size_t)offset, (size_t)bytes,
                                      data, 0, NULL, NULL);
    return code == CL_SUCCESS ? DLG_OK : rt_cl_fail(dev, code, "cannot copy from the device");
}

int rt_read_hash(dlg_device *dev, cl_mem buffer, uint64_t bytes, uint64_t seed, RtFile *file,
                 uint64_t *hash) {
    const uint64_t most = 1 << 20; /* a piece is hashed while it is in the cache */
    const size_t room = (size_t)(bytes < most ? bytes : most);
    int status = DLG_OK;
    void *piece = malloc(room + 1);
    XXH64_state_t *state = XXH64_createState();
    if (!piece || !state)
        status = rt_no_memory(dev, room);
    else
        (void)XXH64_reset(state, seed);
    for (uint64_t at = 0, n; status == DLG_OK && at < bytes; at += n) {
        n = bytes - at < room ? bytes - at : room;
        status = rt_read(dev, buffer, at, piece, n);
        if (status == DLG_OK && file) status = rt_file_write(file, piece, (size_t)n);
        if (status == DLG_OK) (void)XXH64_update(state, piece, (size_t)n);
    }
    if (status == DLG_OK) *hash = XXH64_digest(state);
    XXH64_freeState(state);
    free(piece);
    return status;
}

int rt_finish(dlg_device *dev) {
    cl_int code = clFinish(dev->queue);
    dev->enqueued = 0;
    if (dev->mark) clReleaseEvent(dev->mark);
    dev->mark = NULL;
    return code == CL_SUCCESS ? DLG_OK
                              : rt_cl_fail(dev, code, "the device failed while it ran kernels");
}
