/* report_text: the kernels of a program's text, with their comments and parameters. Any text is taken: what is no
 * kernel as dlgc writes them is found in part, or not. */
#include <stdlib.h>
#include <string.h>
#include "report.h"

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The function's name in "__kernel void NAME(", attributes aside. */
static bool find_name(KernelText *k, const char *at, const char *head) {
    int depth = 0;
    for (; at < head; at++) {
        if (*at == '(') depth++;
        if (*at == ')') depth--;
        if (depth || !is_word(*at)) continue;
        const char *word = at;
        while (at < head && is_word(*at)) at++;
        const char *behind = at + strspn(at, " \n");
        if (*behind == '(' && behind < head && strncmp(word, "__attribute__", 13) != 0) {
            k->name = word;
            k->name_len = (size_t)(at - word);
            k->parameters = behind + 1;
            return true;
        }
        at--;
    }
    return false;
}

/* What stands over the function: attributes, then the comment. */
static void find_comment(KernelText *k, const char *text) {
    for (const char *line = k->begin; line > text;) {
        for (line--; line > text && line[-1] != '\n';) line--;
        bool comment = strncmp(line, "//", 2) == 0;
        if (!comment && strncmp(line, "__attribute__", 13) != 0) break;
        k->begin = line;
        if (!comment) k->code = line;
    }
    if (k->begin == k->code || strncmp(k->begin, "// ", 3) != 0) return;
    if (strncmp(k->begin + 3, k->name, k->name_len) != 0 || k->begin[3 + k->name_len] != '\n')
        return;
    k->lines = k->begin + 4 + k->name_len;
    k->lines_end = k->code;
    if (k->lines >= k->lines_end) k->lines = NULL;
}

/* Where a function NAME_group, which is all that a kernel NAME calls, begins between `from`, where the kernel before
 * ends, and the kernel; NULL: there is none. */
static const char *find_group(const KernelText *k, const char *from) {
    static const char head[] = "static void ", tail[] = "_group(";
    for (const char *line = from; line && line < k->begin; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, head, sizeof head - 1) != 0) continue;
        const char *name = line + sizeof head - 1;
        if (strncmp(name, k->name, k->name_len) == 0 &&
            strncmp(name + k->name_len, tail, sizeof tail - 1) == 0)
            return line;
    }
    return NULL;
}

int kernels_open(KernelTexts *k, const dlg_program *prog) {
    const char *text = dlg_program_kernels(prog, NULL);
    *k = (KernelTexts){.at = calloc(dlg_program_kernel_count(prog) + 1, sizeof *k->at)};
    if (!k->at) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    for (const char *s = text;
         (s = strstr(s, "__kernel")) && k->count < dlg_program_kernel_count(prog); s++) {
        KernelText t = {.begin = s};
        const char *head = s + strcspn(s, "{;"), *end = strstr(s, "\n}");
        if (*head != '{' || !end || !find_name(&t, s + 8, head)) continue;
        while (t.begin > text && t.begin[-1] != '\n') t.begin--;
        t.code = t.begin;
        t.end = end + 2;
        const char *group = find_group(&t, k->count ? k->at[k->count - 1].end : text);
        if (group) t.begin = t.code = group;
        find_comment(&t, text);
        k->at[k->count++] = t;
    }
    return EXIT_DONE;
}

void kernels_close(KernelTexts *k) {
    free(k->at);
    *k = (KernelTexts){0};
}

const KernelText *kernels_find(const KernelTexts *k, const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < k->count; i++)
        if (k->at[i].name_len == len && memcmp(k->at[i].name, name, len) == 0) return &k->at[i];
    return NULL;
}

bool kernel_writes(const KernelText *k, size_t arg) {
    const char *at = k ? k->parameters : NULL, *end = at ? strchr(at, ')') : NULL;
    for (; end && arg > 0; arg--) {
        at = memchr(at, ',', (size_t)(end - at));
        if (!at) return true;
        at++;
    }
    if (!end) return true;
    const char *next = memchr(at, ',', (size_t)(end - at));
    for (end = next ? next : end; at + 6 <= end; at++)
        if (memcmp(at, "const ", 6) == 0 && !is_word(at[-1])) return false;
    return true;
}

const char *source_line(const char *at, const char *end, long *number, const char **rest,
                        size_t *rest_len) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline ? newline : end, *digit;
    if (stop - at >= 3 && memcmp(at, "// ", 3) == 0) at += 3;
    for (digit = at; digit < stop && *digit == ' ';) digit++;
    for (*number = 0; digit < stop && *digit >= '0' && *digit <= '9' && *number < 100000000;
         digit++)
        *number = *number * 10 + (*digit - '0');
    if (*number && stop - digit >= 2 && digit[0] == ' ' && digit[1] == ' ')
        at = digit + 2;
    else
        *number = 0;
    *rest = at;
    *rest_len = (size_t)(stop - at);
    return newline && newline + 1 < end ? newline + 1 : NULL;
}
