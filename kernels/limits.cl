/* limits.cl: what the benchmark (bench/limits.c) and profiles (runtime/limits.c) measure a device with. On a CPU (-D CPU) a work-item is a thread's share and goes through
 * a range of its own in explicit vectors; on a GPU neighbouring items take neighbouring vectors. */
#ifdef CPU
typedef float16 Vector;
#define FIRST(count) (get_global_id(0) * ((count) / get_global_size(0)))
#define END(count)   (FIRST(count) + (count) / get_global_size(0))
#define STEP         1
#else
typedef float4 Vector;
#define FIRST(count) get_global_id(0)
#define END(count)   (count)
#define STEP         get_global_size(0)
#endif

/* Where b begins: not as far from a as loads and stores of one set of the cache are. */
#define SKEW 40

/* Sixteen chains of multiply-adds that do not wait for each other. A turn: 16 x 2 operations an element. */
__kernel void peak(__global Vector *out, int turns) {
    Vector x = out[0], y = out[1];
#define CHAIN(n) Vector a##n = out[n] + (float)n;
#define TURN(n)  a##n = fma(x, y, a##n);
#define ALL(m)   m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
    ALL(CHAIN)
    for (int i = 0; i < turns; i++) { ALL(TURN) }
#define TOTAL(n) +a##n
    Vector total = 0.0f ALL(TOTAL);
    /* Never so: the inputs are zeros. But the compiler cannot know. */
    if (((float *)&total)[0] == 12345.0f) out[0] = total;
}

/* The same with six chains, of 6 x 2 operations: what sixteen registers of 32 bytes hold with the factors. */
__kernel void peak_of_few(__global Vector *out, int turns) {
    Vector x = out[0], y = out[1];
#define FEW(m) m(0) m(1) m(2) m(3) m(4) m(5)
    FEW(CHAIN)
    for (int i = 0; i < turns; i++) { FEW(TURN) }
    Vector total = 0.0f FEW(TOTAL);
    if (((float *)&total)[0] == 12345.0f) out[0] = total;
}

/* `turns` copies of `count` vectors, to and fro by turns, so that none is without effect. */
__kernel void copy(__global Vector *a, __global Vector *b, ulong count, int turns) {
    b += SKEW;
    for (int t = 0; t < turns; t++) {
        __global const Vector *from = t & 1 ? b : a;
        __global Vector *to = t & 1 ? a : b;
        for (ulong i = FIRST(count); i < END(count); i += STEP) to[i] = from[i];
    }
}

#ifdef STREAM
/* The same with stores that pass by the caches. */
__kernel void stream(__global Vector *a, __global Vector *b, ulong count, int turns) {
    b += SKEW;
    for (int t = 0; t < turns; t++) {
        __global const Vector *from = t & 1 ? b : a;
        __global Vector *to = t & 1 ? a : b;
        for (ulong i = FIRST(count); i < END(count); i += STEP)
            __builtin_nontemporal_store(from[i], to + i);
    }
}
#endif

/* `turns` sums of `count` vectors (of a; a multiple of 4 for each item). */
__kernel void read(__global Vector *a, __global Vector *b, ulong count, int turns) {
    Vector s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
    for (int t = 0; t < turns; t++) {
        for (ulong i = FIRST(count); i + 3 * STEP < END(count); i += 4 * STEP) {
            s0 += a[i];
            s1 += a[i + STEP];
            s2 += a[i + 2 * STEP];
            s3 += a[i + 3 * STEP];
        }
        /* What is read again is read again: the compiler must not take one turn's sum for the next. */
        if (((float *)&s0)[0] == 12345.0f) a[FIRST(count)] = s1;
    }
    b[get_global_id(0)] = s0 + s1 + s2 + s3;
}

__kernel void nothing(__global float *out) {
    if (get_global_id(0) == 123456789) out[0] = 1.0f;
}
