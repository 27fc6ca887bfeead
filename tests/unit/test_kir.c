/* Kernel IR: what turns columns into rows, for all sizes, run on the host; the pointers of a loop in its text. */
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

/* Each of 64 items has the sum, or the greatest, of 8 neighbours; `some`: but the last item is not there. */
static const char *meets(Op op, int64_t own, bool some, double *out) {
    Arena a;
    Kernel k;
    double in[64];
    static char wrong[80];
    arena_init(&a, &limit);
    kernel_init(&k, &a, 1, 64);
    uint32_t from = kernel_buffer(&k, 0, "in", DT_F32, 64);
    uint32_t to = kernel_buffer(&k, 1, "out", DT_F32, 64);
    uint32_t local = kernel_local(&k, "own", DT_F32, own);
    Range *there = NEW(&a, Range);
    *there = (Range){k.local, 0, 63};
    if (some) kernel_if(&k, (Ranges){1, there});
    Val x = val_load(&k, from, k.local, 1, (Ranges){0}, "x");
    kernel_store(&k, to, k.local, kernel_meet(&k, op, x, 8, local));
    if (some) kernel_end(&k);
    kernel_finish(&k);
    for (int i = 0; i < 64; i++) in[i] = i;
    const char *text = kernel_run(&k, &a, (double *[]){in, out}, true, false, NULL);
    snprintf(wrong, sizeof wrong, "%s", text ? text : "");
    arena_free(&a);
    return wrong;
}

static void test_meet(void) {
    double out[64];
    CU_ASSERT_STRING_EQUAL(meets(OP_ADD, 64, false, out), "");
    for (int i = 0; i < 64; i++) CU_ASSERT_EQUAL(out[i], 8 * (i / 8 * 8) + 28);
    CU_ASSERT_STRING_EQUAL(meets(OP_MAX, 64, false, out), "");
    for (int i = 0; i < 64; i++) CU_ASSERT_EQUAL(out[i], i / 8 * 8 + 7);
    CU_ASSERT_STRING_EQUAL(meets(OP_ADD, 64, true, out), "items meet without some of them");
    CU_ASSERT_STRING_EQUAL(meets(OP_ADD, 63, false, out), "own is no array to meet by");
}

/* The sum of a row of `in`, one after the other: for each of 4 rows of 8. */
static void sum_rows(Kernel *k, uint32_t turns) {
    IndexTable *t = &k->index;
    Idx row, at;
    uint32_t from = kernel_buffer(k, 0, "in", DT_F32, 33),
             to = kernel_buffer(k, 1, "out", DT_F32, 4);
    kernel_for(k, "r", idx_const(t, 0), idx_const(t, 4), 1, &row);
    uint32_t acc = kernel_var(k, "acc", val_const(k, DT_F32, 0));
    kernel_for(k, "k", idx_const(t, 0), idx_const(t, 8), 1, &at);
    kernel_turns(k, turns);
    Idx place = idx_offset(t, idx_add(t, idx_scale(t, row, 8), at), 1);
    Val x = val_load(k, from, place, 1, (Ranges){0}, "x");
    kernel_set(k, acc, val_ew(k, OP_ADD, val_read(k, acc), x, NO_VAL));
    kernel_end(k);
    kernel_store(k, to, row, val_read(k, acc));
    kernel_end(k);
    kernel_finish(k);
}

/* What stays the same in the loop is a pointer before it, and the values are those without it. */
static void test_points(void) {
    double in[33], out[2][4];
    for (int i = 0; i < 33; i++) in[i] = i * i;
    for (uint32_t turns = 0; turns < 2; turns++) {
        Arena a;
        Kernel k;
        Text text;
        arena_init(&a, &limit);
        kernel_init(&k, &a, 1, 1);
        k.by_registers = true;
        sum_rows(&k, turns * 4);
        text_init(&text, &a);
        kernel_print(&k, "k0", NULL, 0, false, &text);
        CU_ASSERT_EQUAL(strstr(text.at, "*in_at = in + r * 8;") != NULL, turns == 1);
        CU_ASSERT_EQUAL(strstr(text.at, "#pragma unroll 4\n") != NULL, turns == 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(text.at, turns ? "in_at[k + 1]" : "in[r * 8 + k + 1]"));
        CU_ASSERT_PTR_NULL(kernel_run(&k, &a, (double *[]){in, out[turns]}, true, false, NULL));
        arena_free(&a);
    }
    CU_ASSERT_EQUAL(memcmp(out[0], out[1], sizeof(out[0])), 0);
}

RUN_SUITE("kir", {"columns become rows", test_turn}, {"a loop has pointers", test_points},
          {"neighbours meet", test_meet})
