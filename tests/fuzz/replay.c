/* A main for a fuzz target: feeds it every file of the directories (or the files) named, in order of
 * their names, so that what was once found is tested for ever. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) return fprintf(stderr, "%s cannot be opened\n", path), 1;
    size_t size = 0, cap = 1 << 16;
    uint8_t *data = malloc(cap);
    while (data) {
        size_t got = fread(data + size, 1, cap - size, f);
        if (got == 0) break;
        size += got;
        if (size == cap) {
            uint8_t *more = realloc(data, cap *= 2);
            if (!more) free(data);
            data = more;
        }
    }
    fclose(f);
    if (!data) return fprintf(stderr, "%s: out of memory\n", path), 1;
    fprintf(stderr, "%s: %zu bytes\n", path, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

static int visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int replay(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) return fprintf(stderr, "%s cannot be read\n", path), 1;
    if (!S_ISDIR(st.st_mode)) return replay_file(path);
    struct dirent **files;
    int failed = 0, count = scandir(path, &files, visible, alphasort);
    for (int i = 0; i < count; i++) {
        char child[4096];
        snprintf(child, sizeof(child), "%s/%s", path, files[i]->d_name);
        failed |= replay_file(child);
        free(files[i]);
    }
    if (count >= 0) free(files);
    return failed | (count <= 0);
}

int main(int argc, char **argv) {
    int failed = argc < 2;
    for (int i = 1; i < argc; i++) failed |= replay(argv[i]);
    return failed;
}
