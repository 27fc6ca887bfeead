/* Kernel IR: what turns columns into rows, for all sizes, run on the host. */
#include "kir.h"
#include "suite.h"

static ArenaLimit limit = {.limit_bytes = (size_t)1 << 30};

/* Turns a matrix that lies by columns of `rows` numbers; returns how many elements of it end where they should not. */
static int turned_wrong(uint32_t columns, uint32_t rows) {
    Arena a;
    Kernel k;
    Val v[MAX_LANES];
    double in[MAX_LANES * MAX_LANES], out[MAX_LANES * MAX_LANES] = {0};
    arena_init(&a, &limit);
    kernel_init(&k, &a, 1, 1);
    const int64_t elems = (int64_t)columns * rows;
    uint32_t from = kernel_buffer(&k, 0, "in", DT_F32, elems);
    uint32_t to = kernel_buffer(&k, 1, "out", DT_F32, elems);
    for (uint32_t c = 0; c < columns; c++)
        v[c] = val_load(&k, from, idx_const(&k.index, c * rows), (uint8_t)rows, (Ranges){0}, "x");
    kernel_turn(&k, v, columns, rows);
    int wrong = 0;
    for (uint32_t r = 0; r < rows; r++) {
        wrong += k.values.at[v[r]].lanes != columns;
        kernel_store(&k, to, idx_const(&k.index, r * columns), v[r]);
    }
    kernel_finish(&k);
    for (int i = 0; i < elems; i++) in[i] = i;
    CU_ASSERT_PTR_NULL(kernel_run(&k, &a, (double *[]){in, out}, true, false, NULL));
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t c = 0; c < columns; c++) wrong += out[r * columns + c] != c * rows + r;
    arena_free(&a);
    return wrong;
}

static void test_turn(void) {
    for (uint32_t columns = 1; columns <= MAX_LANES; columns *= 2)
        for (uint32_t rows = 1; rows <= MAX_LANES; rows *= 2)
            CU_ASSERT_EQUAL(turned_wrong(columns, rows), 0);
}

RUN_SUITE("kir", {"columns become rows", test_turn})
