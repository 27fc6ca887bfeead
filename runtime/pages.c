/* pages: memory of the host for the buffers of a device that works in it, in pages of 2 MiB where the system has them.
 *
 * Kernels go through some hundred buffers at large steps: with pages of 4 KiB half of their time goes by in looking up
 * where a page is, and twice as much on a virtual machine. Buffers lie in regions, one after the other; a region ends
 * with the last of its buffers.
 *
 * Establishes: what pages_take gives is zero, and no two buffers share a line of a cache. */
#define _GNU_SOURCE /* MADV_HUGEPAGE */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "rt.h"

enum { LINE = 128 };
static const size_t page_bytes = 2u << 20;
static const size_t region_bytes = 32u << 20; /* of buffers that are less than half of it */

struct Pages {
    atomic_size_t users; /* buffers, and the device while it takes from it */
    void *mapped;
    size_t mapped_bytes, used_bytes; /* used: of what begins at `at` */
    char *at;
};

static Pages *map(size_t bytes) {
    Pages *p = calloc(1, sizeof *p);
    if (!p || bytes > SIZE_MAX - page_bytes) {
        free(p);
        return NULL;
    }
    p->mapped_bytes = bytes + page_bytes;
    p->mapped =
        mmap(NULL, p->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p->mapped == MAP_FAILED) {
        free(p);
        return NULL;
    }
    p->at = (char *)p->mapped + (page_bytes - (uintptr_t)p->mapped % page_bytes) % page_bytes;
#ifdef MADV_HUGEPAGE
    (void)madvise(p->at, bytes, MADV_HUGEPAGE); /* without them it is slower, no more */
#endif
    atomic_init(&p->users, 1);
    return p;
}

void *pages_take(Pages **now, size_t bytes, Pages **of) {
    if (bytes > SIZE_MAX - LINE) return NULL;
    bytes = (bytes + LINE - 1) / LINE * LINE;
    if (bytes > region_bytes / 2) {
        *of = map(bytes);
        return *of ? (*of)->at : NULL;
    }
    if (!*now || (*now)->used_bytes + bytes > region_bytes) {
        Pages *next = map(region_bytes);
        if (!next) return NULL;
        if (*now) pages_give(*now);
        *now = next;
    }
    char *at = (*now)->at + (*now)->used_bytes;
    (*now)->used_bytes += bytes;
    atomic_fetch_add(&(*now)->users, 1);
    *of = *now;
    return at;
}

void pages_give(Pages *p) {
    if (atomic_fetch_sub(&p->users, 1) > 1) return;
    munmap(p->mapped, p->mapped_bytes);
    free(p);
}
