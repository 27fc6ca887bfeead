/* dlg help: topics and errors, as docs/ says them, and man pages. */
#include "help.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "cmd.h"
#include "files.h"
#include "markdown.h"
#include "rt.h"

typedef struct Topic {
    const char *name, *file, *section; /* section NULL: the whole file */
} Topic;

static const Topic topics[] = {
    {"language", "language.md", NULL},
    {"data", "command-line.md", "Where data comes from"},
    {"files", "files.md", NULL},
    {"training", "command-line.md", "Training"},
    {"profile", "command-line.md", "Where the time goes"},
    {"memory", "command-line.md", "Little memory"},
    {"explain", "command-line.md", "Explaining"},
    {"targets", "targets.md", NULL},
    {"environment", "environment.md", NULL},
    {"status", "status.md", NULL},
    {"errors", "errors.md", NULL},
};
enum { TOPICS = sizeof topics / sizeof *topics };

static const CommandFile *find_file(const char *name) {
    for (size_t i = 0; i < command_files_count; i++)
        if (strcmp(command_files[i].name, name) == 0) return &command_files[i];
    return NULL;
}

void help_topics(FILE *out) {
    for (size_t i = 0; i < TOPICS; i++)
        fprintf(out, "%s%s", topics[i].name, i == TOPICS / 2 ? ",\n  " : ", ");
    fputs("a command, or the code of an error such as E0401.\n", out);
}

/* As wide as the terminal, but no wider than is read well. */
static int page_width(void) {
    struct winsize size;
    if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 80;
    return size.ws_col < 40 ? 40 : size.ws_col > 100 ? 100 : size.ws_col;
}

static bool show(const char *file, const char *section) {
    const CommandFile *f = find_file(file);
    if (!f) return false;
    size_t len = f->len;
    const char *text = section ? markdown_section(f->text, section, &len) : f->text;
    if (text && strcmp(file, "errors.md") == 0 &&
        !section) { /* what stands before the first error */
        const char *first = strstr(text, "\n## ");
        if (first) len = (size_t)(first - text);
    }
    if (text) markdown_plain(stdout, text, len, page_width());
    return text != NULL;
}

/* "E0401", in either case. */
static bool show_error(const char *topic) {
    char code[6];
    if (strlen(topic) != 5 || !strchr("EWew", topic[0]) || strspn(topic + 1, "0123456789") != 4)
        return false;
    snprintf(code, sizeof code, "%c%s", toupper((unsigned char)topic[0]), topic + 1);
    return show("errors.md", code);
}

static void list_errors(void) {
    const CommandFile *f = find_file("errors.md");
    putchar('\n');
    for (const char *s = f ? f->text : NULL; s && (s = strstr(s, "\n## "));) {
        s += 4;
        printf("  %.*s\n", (int)strcspn(s, "\n"), s);
    }
}

static const char *topic_at(const void *list, size_t i) {
    return ((const Topic *)list)[i].name;
}

static int unknown(const char *topic) {
    const char *near = nearest_name(topic, topics, TOPICS, topic_at);
    if (!near) near = args_nearest(topic);
    complain("there is no command and no topic `%s`%s%s%s `dlg help` lists them", topic,
             near ? "; is it `" : ";", near ? near : "", near ? "`?" : "");
    return EXIT_USAGE;
}

int cmd_help(int argc, char **argv) {
    if (argc < 1 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
        strcmp(argv[0], "-?") == 0) {
        args_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[0], "--man") == 0) {
        if (argc > 1) return args_man(stdout, argv[1]) ? EXIT_DONE : unknown(argv[1]);
        args_man_all(stdout);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < TOPICS; i++) {
        if (strcmp(topics[i].name, argv[0]) != 0 || !show(topics[i].file, topics[i].section))
            continue;
        if (strcmp(argv[0], "errors") == 0) list_errors();
        return EXIT_DONE;
    }
    return show_error(argv[0]) ? EXIT_DONE : unknown(argv[0]);
}

void help_section_man(FILE *out, const char *section) {
    const CommandFile *f = find_file("command-line.md");
    size_t len;
    const char *text = f ? markdown_section(f->text, section, &len) : NULL;
    if (!text) return;
    const char *body = strchr(text, '\n') + 1; /* behind the heading */
    fputs(".SH MORE\n", out);
    markdown_man(out, body, len - (size_t)(body - text));
}

void help_man(FILE *out) {
    for (size_t i = 0; i < TOPICS; i++) {
        const CommandFile *f = topics[i].section ? NULL : find_file(topics[i].file);
        if (!f || strcmp(topics[i].file, "errors.md") == 0) continue;
        const char *body = strchr(f->text, '\n') + 1;
        fputs(".SH ", out);
        for (const char *s = topics[i].name; *s; s++) fputc(toupper((unsigned char)*s), out);
        fputc('\n', out);
        markdown_man(out, body, strlen(body));
    }
}
