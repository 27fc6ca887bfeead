/* compile: libdlgc, the compiler as a library. One call from source text to program text. It prints
 * nothing, keeps no state between calls and may be called from several threads at once. */
#ifndef DLG_COMPILE_H
#define DLG_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum Emit {
    EMIT_CL,      /* the program: plan and kernels */
    EMIT_GRAPH,   /* the graph after differentiation, as .dlg */
    EMIT_DOT,     /* the graph for graphviz */
    EMIT_PLAN,    /* the plan alone */
    EMIT_EXPLAIN, /* what each source line became, as text */
    EMIT_C,       /* the program as C: a source and its header */
} Emit;

/* The tile that a contraction goes by, both as texts of tiles.h. */
typedef struct TileChoice {
    const char *contraction; /* "cpu 64x300 by 784" */
    const char *tile;        /* "8x48" */
} TileChoice;

/* The same of a launch of a program. */
typedef struct TileUse {
    char contraction[96], tile[32];
    size_t entry;        /* of the program's, from 0, */
    size_t launch;       /* of the entry's */
    unsigned candidates; /* of which it is one */
} TileUse;

/* Zeroed means defaults. */
typedef struct CompileOptions {
    Emit emit;
    const char *target; /* a name of target.def; NULL: "cpu" */
    const char
        *precision; /* of products by matrix units: f32, 3xtf32, tf32, bf16; NULL: the target's */
    bool pair;      /* a processor's short launches may be done together (together.h) */
    const TileChoice *
        tiles; /* of contractions for which the model's is not to be taken; others are left alone */
    size_t tile_count;
    size_t
        tile_rank; /* of each other contraction the candidate of this rank, if there are so many; 0: the model's */
    int64_t cache_bytes;        /* of a core, instead of the target's; 0: the target's */
    int64_t ready_products;     /* see target.def, likewise */
    int64_t window_products;    /* likewise */
    uint32_t units;             /* of the device, likewise */
    const char *const *defines; /* "name=value" */
    size_t define_count;
    const char *const *include_dirs; /* where `include` looks too, after the file's own directory */
    size_t include_dir_count;
    const char *dump_after; /* a pass's name: the graph after it, instead of `emit` */
    int opt_level;   /* 0: -O2 (the default), 1: -O0 (nothing is fused), 2: -O1 (fused, a launch
                                   a kernel) */
    size_t rewrites; /* 0: as many as there are; N: N - 1 at most, and a note tells of the last */
    int64_t mem_budget_bytes;  /* 0: any; else of each entry's arena, not more */
    bool color;                /* ANSI colours in diagnostics */
    size_t memory_limit_bytes; /* 0: 1 GB */
    const char *header_name;   /* of EMIT_C: what the source includes; NULL: "model.h" */
    /* Of EMIT_C: a safetensors file in memory and what it is called, or NULL: the values at the start. */
    const char *weights_name, *weights;
    size_t weights_len;
} CompileOptions;

/* What a compilation gave. Owned by the caller, freed by compile_free. */
typedef struct CompileResult {
    int status; /* 0 done; 1 the input is wrong; 3 the system failed */
    char *text; /* what was asked for, NUL-terminated; NULL unless status is 0 */
    size_t text_len;
    char *header;   /* of EMIT_C, NUL-terminated; otherwise NULL */
    TileUse *tiles; /* of the launches of a program, in order; NULL: none */
    size_t tile_count;
    char *diagnostics;   /* rendered; "" when there were none; warnings may come with status 0 */
    size_t memory_bytes; /* the most that the compilation had in use at one time */
} CompileResult;

/* `name` is the file's name as the user gave it; it appears in diagnostics and in the program. */
CompileResult compile_text(const char *name, const char *source, size_t len,
                           const CompileOptions *options);
CompileResult compile_file(const char *path, const CompileOptions *options);
/* Whether a text is one for `defines`: NAME=NUMBER, or true or false. */
bool compile_define(const char *text);
/* A size in bytes: a whole number above 0, perhaps with K, M or G for 1024, 1024 * 1024 and so on; false: it is none. */
bool compile_size(const char *text, int64_t *bytes);
void compile_free(CompileResult *result);

/* The graphs that a file says, before any pass, for who evaluates them (reference.h). `result` has no
 * text; *out is NULL unless its status is 0, and else freed by compile_graphs_free. */
typedef struct CompiledGraphs CompiledGraphs;
struct Program;
CompileResult compile_graphs(const char *path, const CompileOptions *options, CompiledGraphs **out);
const struct Program *compiled_program(const CompiledGraphs *graphs);
void compile_graphs_free(CompiledGraphs *graphs);

#endif
