/* OpenCL of which some launches and builds fail, put before the library by LD_PRELOAD: launches of DLG_REFUSE_ITEMS
 * work-items, and programs in whose text DLG_REFUSE_TEXT stands. For DLG_REFUSE_WORD programs are built with 0 in its
 * place. With DLG_REFUSE_STATUS to build ends the process, and DLG_REFUSE_PLATFORM is what the platform is called.
 * With DLG_REFUSE_SAME no file that is looked at by its name is one that is open. */
#define _GNU_SOURCE
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* POSIX has it that what dlsym returns can be a function; C does not. */
#define REAL(function)                                                                             \
    __typeof__(&(function)) real;                                                                  \
    *(void **)&real = dlsym(RTLD_NEXT, #function)

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t *offset, const size_t *items, const size_t *group,
                              cl_uint count, const cl_event *list, cl_event *event) {
    REAL(clEnqueueNDRangeKernel);
    const char *refused = getenv("DLG_REFUSE_ITEMS");
    if (refused && strtoull(refused, NULL, 10) == *items) return CL_OUT_OF_RESOURCES;
    return real(queue, kernel, dimensions, offset, items, group, count, list, event);
}

static int is_refused(cl_program program) {
    const char *refused = getenv("DLG_REFUSE_TEXT");
    size_t bytes = 0;
    int found = 0;
    if (!refused || clGetProgramInfo(program, CL_PROGRAM_SOURCE, 0, NULL, &bytes) || !bytes)
        return 0;
    char *text = malloc(bytes);
    if (!text) abort();
    if (!clGetProgramInfo(program, CL_PROGRAM_SOURCE, bytes, text, NULL))
        found = strstr(text, refused) != NULL;
    free(text);
    return found;
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                      const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                      void *user) {
    REAL(clBuildProgram);
    const char *ends = getenv("DLG_REFUSE_STATUS");
    if (ends) exit(atoi(ends));
    if (is_refused(program)) return CL_BUILD_PROGRAM_FAILURE;
    const char *word = getenv("DLG_REFUSE_WORD");
    char other[512];
    if (word) {
        snprintf(other, sizeof other, "%s -D %s=0", options, word);
        options = other;
    }
    return real(program, count, devices, options, notify, user);
}

cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t size, void *value,
                         size_t *wanted) {
    REAL(clGetPlatformInfo);
    const char *name = what == CL_PLATFORM_NAME ? getenv("DLG_REFUSE_PLATFORM") : NULL;
    if (!name) return real(platform, what, size, value, wanted);
    if (value) snprintf(value, size, "%s", name);
    if (wanted) *wanted = strlen(name) + 1;
    return CL_SUCCESS;
}

int lstat(const char *path, struct stat *st) {
    REAL(lstat);
    int failed = real(path, st);
    if (!failed && getenv("DLG_REFUSE_SAME")) st->st_ino++;
    return failed;
}
