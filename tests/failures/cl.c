/* OpenCL between the library and the driver: calls that can be made to fail, and a count of the objects that are there.
 *
 * The library is linked with this file and not with OpenCL: a function that is missing here is an error of the linker. */
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "inject.h"

#define CODE CL_OUT_OF_RESOURCES

static long live;

long cl_live(void) {
    return live;
}

static void *driver(const char *function) {
    static void *library;
    if (!library) library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    void *found = library ? dlsym(library, function) : NULL;
    if (found) return found;
    fprintf(stderr, "no OpenCL here: %s\n", dlerror());
    exit(1);
}

static const char *known[64];

const char *const *cl_functions(void) {
    return known;
}

static void know(const char *function) {
    size_t i = 0;
    while (known[i]) i++;
    known[i] = function;
}

/* POSIX has it that what dlsym returns can be a function; C does not. */
#define REAL(function)                                                                             \
    __typeof__(&(function)) real;                                                                  \
    *(void **)&real = driver(#function)
#define KNOW(function)                                                                             \
    __attribute__((constructor)) static void know_##function(void) {                               \
        know(#function);                                                                           \
    }

/* What gives a status. */
#define CALL(function, params, args)                                                               \
    KNOW(function)                                                                                 \
    cl_int function params {                                                                       \
        REAL(function);                                                                            \
        return inject_here(FAIL_CL, #function) ? CODE : real args;                                 \
    }
/* What waits does so, also where it fails: a queue that failed does not run on. */
#define WAIT(function, params, args)                                                               \
    KNOW(function)                                                                                 \
    cl_int function params {                                                                       \
        REAL(function);                                                                            \
        bool fails = inject_here(FAIL_CL, #function);                                              \
        cl_int status = real args;                                                                 \
        return fails ? CODE : status;                                                              \
    }
/* What makes something. */
#define MAKE(result, function, params, args)                                                       \
    KNOW(function)                                                                                 \
    result function params {                                                                       \
        REAL(function);                                                                            \
        result made = NULL;                                                                        \
        if (inject_here(FAIL_CL, #function)) {                                                     \
            *code = CODE;                                                                          \
        } else {                                                                                   \
            made = real args;                                                                      \
            live += made != NULL;                                                                  \
        }                                                                                          \
        return made;                                                                               \
    }
/* What releases it, also where it fails: no one could do more. */
#define RELEASE(function, type)                                                                    \
    KNOW(function)                                                                                 \
    cl_int function(type of) {                                                                     \
        REAL(function);                                                                            \
        bool fails = inject_here(FAIL_CL, #function);                                              \
        cl_int status = real(of);                                                                  \
        live -= status == CL_SUCCESS;                                                              \
        return fails ? CODE : status;                                                              \
    }
/* What may give an event. */
#define EVENT(function, params, args)                                                              \
    KNOW(function)                                                                                 \
    cl_int function params {                                                                       \
        REAL(function);                                                                            \
        cl_int status = inject_here(FAIL_CL, #function) ? CODE : real args;                        \
        live += status == CL_SUCCESS && event;                                                     \
        return status;                                                                             \
    }

#define WAITS cl_uint count, const cl_event *list, cl_event *event

CALL(clGetPlatformIDs, (cl_uint most, cl_platform_id *out, cl_uint *n), (most, out, n))
CALL(clGetPlatformInfo,
     (cl_platform_id of, cl_platform_info what, size_t size, void *out, size_t *n),
     (of, what, size, out, n))
CALL(clGetDeviceIDs,
     (cl_platform_id of, cl_device_type type, cl_uint most, cl_device_id *out, cl_uint *n),
     (of, type, most, out, n))
CALL(clGetDeviceInfo, (cl_device_id of, cl_device_info what, size_t size, void *out, size_t *n),
     (of, what, size, out, n))
CALL(clBuildProgram,
     (cl_program of, cl_uint n, const cl_device_id *devices, const char *options,
      void(CL_CALLBACK *notify)(cl_program, void *), void *user),
     (of, n, devices, options, notify, user))
CALL(clGetProgramBuildInfo,
     (cl_program of, cl_device_id device, cl_program_build_info what, size_t size, void *out,
      size_t *n),
     (of, device, what, size, out, n))
CALL(clGetKernelInfo, (cl_kernel of, cl_kernel_info what, size_t size, void *out, size_t *n),
     (of, what, size, out, n))
CALL(clGetKernelArgInfo,
     (cl_kernel of, cl_uint i, cl_kernel_arg_info what, size_t size, void *out, size_t *n),
     (of, i, what, size, out, n))
CALL(clGetKernelWorkGroupInfo,
     (cl_kernel of, cl_device_id device, cl_kernel_work_group_info what, size_t size, void *out,
      size_t *n),
     (of, device, what, size, out, n))
CALL(clSetKernelArg, (cl_kernel of, cl_uint i, size_t size, const void *value),
     (of, i, size, value))
CALL(clSetMemObjectDestructorCallback,
     (cl_mem of, void(CL_CALLBACK *notify)(cl_mem, void *), void *user), (of, notify, user))
CALL(clGetEventProfilingInfo,
     (cl_event of, cl_profiling_info what, size_t size, void *out, size_t *n),
     (of, what, size, out, n))
CALL(clFlush, (cl_command_queue queue), (queue))
WAIT(clWaitForEvents, (cl_uint n, const cl_event *list), (n, list))
WAIT(clFinish, (cl_command_queue queue), (queue))

MAKE(cl_context, clCreateContext,
     (const cl_context_properties *properties, cl_uint n, const cl_device_id *devices,
      void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
      cl_int *code),
     (properties, n, devices, notify, user, code))
MAKE(cl_command_queue, clCreateCommandQueue,
     (cl_context context, cl_device_id device, cl_command_queue_properties properties,
      cl_int *code),
     (context, device, properties, code))
MAKE(cl_mem, clCreateBuffer,
     (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code),
     (context, flags, size, host, code))
MAKE(cl_mem, clCreateSubBuffer,
     (cl_mem of, cl_mem_flags flags, cl_buffer_create_type type, const void *region, cl_int *code),
     (of, flags, type, region, code))
MAKE(cl_program, clCreateProgramWithSource,
     (cl_context context, cl_uint n, const char **texts, const size_t *lengths, cl_int *code),
     (context, n, texts, lengths, code))

static bool has_ptx;
static const char ptx[] = "//\n.version 9.0\n.target sm_90, texmode_independent\n// DLG ret;\n";

void cl_has_ptx(bool has) {
    has_ptx = has;
}

KNOW(clGetProgramInfo)
cl_int clGetProgramInfo(cl_program of, cl_program_info what, size_t size, void *out, size_t *n) {
    REAL(clGetProgramInfo);
    if (inject_here(FAIL_CL, "clGetProgramInfo")) return CODE;
    if (has_ptx && what == CL_PROGRAM_BINARY_SIZES)
        *(size_t *)out = sizeof ptx;
    else if (has_ptx && what == CL_PROGRAM_BINARIES)
        memcpy(*(unsigned char **)out, ptx, sizeof ptx);
    else
        return real(of, what, size, out, n);
    return CL_SUCCESS;
}

/* Here a program of its own, of a text that has nothing to build. */
KNOW(clCreateProgramWithBinary)
cl_program clCreateProgramWithBinary(cl_context context, cl_uint n, const cl_device_id *devices,
                                     const size_t *lengths, const unsigned char **binaries,
                                     cl_int *status, cl_int *code) {
    __typeof__(&(clCreateProgramWithSource)) real;
    *(void **)&real = driver("clCreateProgramWithSource");
    const char *text = "__kernel void k(__global int *x) { *x = 2; }";
    bool edited = has_ptx && n == 1 && devices && lengths[0] == strlen((const char *)binaries[0]) &&
                  strstr((const char *)binaries[0], ".target sm_90a,") &&
                  strstr((const char *)binaries[0], "\nret;\n");
    cl_program made = NULL;
    *status = CL_SUCCESS;
    *code = CODE;
    if (inject_here(FAIL_CL, "clCreateProgramWithBinary")) return NULL;
    if (edited) made = real(context, 1, &text, NULL, code);
    live += made != NULL;
    return made;
}
MAKE(cl_kernel, clCreateKernel, (cl_program program, const char *name, cl_int *code),
     (program, name, code))

RELEASE(clReleaseContext, cl_context)
RELEASE(clReleaseCommandQueue, cl_command_queue)
RELEASE(clReleaseMemObject, cl_mem)
RELEASE(clReleaseProgram, cl_program)
RELEASE(clReleaseKernel, cl_kernel)
RELEASE(clReleaseEvent, cl_event)

EVENT(clEnqueueNDRangeKernel,
      (cl_command_queue queue, cl_kernel kernel, cl_uint dims, const size_t *offset,
       const size_t *global, const size_t *local, WAITS),
      (queue, kernel, dims, offset, global, local, count, list, event))
EVENT(clEnqueueFillBuffer,
      (cl_command_queue queue, cl_mem to, const void *value, size_t value_size, size_t at,
       size_t size, WAITS),
      (queue, to, value, value_size, at, size, count, list, event))
EVENT(clEnqueueCopyBuffer,
      (cl_command_queue queue, cl_mem from, cl_mem to, size_t from_at, size_t to_at, size_t size,
       WAITS),
      (queue, from, to, from_at, to_at, size, count, list, event))
EVENT(clEnqueueWriteBuffer,
      (cl_command_queue queue, cl_mem to, cl_bool wait, size_t at, size_t size, const void *from,
       WAITS),
      (queue, to, wait, at, size, from, count, list, event))
EVENT(clEnqueueReadBuffer,
      (cl_command_queue queue, cl_mem from, cl_bool wait, size_t at, size_t size, void *to, WAITS),
      (queue, from, wait, at, size, to, count, list, event))
EVENT(clEnqueueMarkerWithWaitList, (cl_command_queue queue, WAITS), (queue, count, list, event))
