/* error: the messages of libdlg.
 *
 * Requires: nothing. Establishes: after a failure the device's text says what failed; no message is
 * ever half written (one that does not fit in memory becomes a constant). */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "rt.h"

const char *dlg_version(void) {
    return DLG_VERSION;
}

const char *dlg_status_text(int status) {
    switch (status) {
#define ROW(name, number, text)                                                                    \
    case number: return text;
        DLG_STATUS_TABLE(ROW)
#undef ROW
    }
    return "unknown status";
}

const char *dlg_error_text(const dlg_device *dev) {
    return dev ? dev->message : dlg_status_text(DLG_ERR_MEMORY);
}

int rt_fail(dlg_device *dev, int status, const char *fmt, ...) {
    if (!dev) return status;
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    char *text = len < 0 ? NULL : malloc((size_t)len + 1);
    if (text) vsnprintf(text, (size_t)len + 1, fmt, again);
    /* What was quoted from a file must not move a terminal's cursor. */
    for (char *s = text; s && *s; s++)
        if (((unsigned char)*s < ' ' && *s != '\n' && *s != '\t') || *s == 127) *s = '?';
    va_end(again);
    va_end(args);
    free(dev->error); /* only now: an argument may be the old message */
    dev->error = text;
    dev->message = text ? text : dlg_status_text(status);
    return status;
}

int rt_no_memory(dlg_device *dev, uint64_t bytes) {
    return rt_fail(dev, DLG_ERR_MEMORY, "out of memory: %llu bytes were needed",
                   (unsigned long long)bytes);
}

int rt_no_name(dlg_device *dev, const char *name, const void *list, size_t count,
               const char *(*at)(const void *list, size_t i), const char *fmt, ...) {
    char message[1024], names[512] = "";
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    const char *near = nearest_name(name, list, count, at);
    if (near) return rt_fail(dev, DLG_ERR_NAME, "%s; is it `%.200s`?", message, near);
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof names; i++) {
        const char *other = at(list, i);
        if (!other) continue;
        used +=
            (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", other);
    }
    return rt_fail(dev, DLG_ERR_NAME, "%s; it has: %s%s", message, used ? names : "none",
                   used < sizeof names ? "" : "...");
}

static const struct {
    cl_int code;
    const char *name;
} cl_codes[] = {
#define C(name)                                                                                    \
    { name, #name }
    C(CL_DEVICE_NOT_FOUND),
    C(CL_DEVICE_NOT_AVAILABLE),
    C(CL_COMPILER_NOT_AVAILABLE),
    C(CL_MEM_OBJECT_ALLOCATION_FAILURE),
    C(CL_OUT_OF_RESOURCES),
    C(CL_OUT_OF_HOST_MEMORY),
    C(CL_MEM_COPY_OVERLAP),
    C(CL_BUILD_PROGRAM_FAILURE),
    C(CL_MAP_FAILURE),
    C(CL_MISALIGNED_SUB_BUFFER_OFFSET),
    C(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
    C(CL_COMPILE_PROGRAM_FAILURE),
    C(CL_LINKER_NOT_AVAILABLE),
    C(CL_LINK_PROGRAM_FAILURE),
    C(CL_DEVICE_PARTITION_FAILED),
    C(CL_KERNEL_ARG_INFO_NOT_AVAILABLE),
    C(CL_INVALID_VALUE),
    C(CL_INVALID_DEVICE_TYPE),
    C(CL_INVALID_PLATFORM),
    C(CL_INVALID_DEVICE),
    C(CL_INVALID_CONTEXT),
    C(CL_INVALID_QUEUE_PROPERTIES),
    C(CL_INVALID_COMMAND_QUEUE),
    C(CL_INVALID_HOST_PTR),
    C(CL_INVALID_MEM_OBJECT),
    C(CL_INVALID_BINARY),
    C(CL_INVALID_BUILD_OPTIONS),
    C(CL_INVALID_PROGRAM),
    C(CL_INVALID_PROGRAM_EXECUTABLE),
    C(CL_INVALID_KERNEL_NAME),
    C(CL_INVALID_KERNEL_DEFINITION),
    C(CL_INVALID_KERNEL),
    C(CL_INVALID_ARG_INDEX),
    C(CL_INVALID_ARG_VALUE),
    C(CL_INVALID_ARG_SIZE),
    C(CL_INVALID_KERNEL_ARGS),
    C(CL_INVALID_WORK_DIMENSION),
    C(CL_INVALID_WORK_GROUP_SIZE),
    C(CL_INVALID_WORK_ITEM_SIZE),
    C(CL_INVALID_GLOBAL_OFFSET),
    C(CL_INVALID_EVENT_WAIT_LIST),
    C(CL_INVALID_EVENT),
    C(CL_INVALID_OPERATION),
    C(CL_INVALID_BUFFER_SIZE),
    C(CL_INVALID_GLOBAL_WORK_SIZE),
    C(CL_INVALID_PROPERTY),
    C(CL_INVALID_COMPILER_OPTIONS),
    C(CL_INVALID_LINKER_OPTIONS),
    C(CL_INVALID_DEVICE_PARTITION_COUNT),
#undef C
};

const char *rt_cl_name(cl_int code) {
    for (size_t i = 0; i < sizeof cl_codes / sizeof *cl_codes; i++)
        if (cl_codes[i].code == code) return cl_codes[i].name;
    return "an unknown OpenCL error";
}

int rt_cl_fail(dlg_device *dev, cl_int code, const char *what) {
    bool memory = code == CL_OUT_OF_HOST_MEMORY || code == CL_MEM_OBJECT_ALLOCATION_FAILURE;
    return rt_fail(dev, memory ? DLG_ERR_MEMORY : DLG_ERR_OPENCL, "%s: %s (%d)", what,
                   rt_cl_name(code), (int)code);
}

size_t rt_utf8_char(const char *text, const char *end, uint32_t *code) {
    const unsigned char *s = (const unsigned char *)text;
    size_t len = s[0] < 0x80                   ? 1
                 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                               : 0;
    if (len == 0 || (size_t)(end - text) < len) return 0;
    *code = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        *code = *code << 6 | (s[i] & 0x3f);
    }
    /* overlong forms, surrogates and what is beyond U+10FFFF */
    if ((len == 3 && *code < 0x800) || (len == 4 && *code < 0x10000) || *code > 0x10ffff ||
        (*code >= 0xd800 && *code < 0xe000))
        return 0;
    return len;
}

size_t rt_utf8_put(char *out, uint32_t code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {[2] = 0xc0, [3] = 0xe0, [4] = 0xf0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[len] | code);
    return len;
}

bool rt_utf8(const char *text) {
    const char *end = text + strlen(text);
    uint32_t code;
    for (size_t len; text < end; text += len)
        if ((len = rt_utf8_char(text, end, &code)) == 0) return false;
    return true;
}

bool rt_mul(uint64_t a, uint64_t b, uint64_t *out) {
    if (b && a > UINT64_MAX / b) return false;
    *out = a * b;
    return true;
}

bool rt_add(uint64_t a, uint64_t b, uint64_t *out) {
    if (a > UINT64_MAX - b) return false;
    *out = a + b;
    return true;
}
