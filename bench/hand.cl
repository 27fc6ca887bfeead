/* mlp_hand: one SGD training step of a 784-300-10 perceptron at batch 64, written by hand for a CPU: what a
 * perfect compiler would emit. Four stages, two work-groups of one item each, 16-wide vectors.
 *
 * The hidden axis is padded from 300 to PITCH = 304 = 19 vectors, with zeros in the weights, so that no loop has
 * a tail. The second layer's weights are kept transposed, [10][PITCH]; dlogits has a row of 16. */
#define BATCH  64
#define INPUTS 784
#define PITCH  304
#define RATE   0.1f

typedef float16 __attribute__((aligned(4))) float16u;
#define LOAD(p)     (*(__global const float16u *)(p))
#define STORE(p, v) (*(__global float16u *)(p) = (v))
#define KERNEL      __attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
#define LANE        ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

#define EACH2(F)  F(0) F(1)
#define EACH8(F)  EACH2(F) F(2) F(3) F(4) F(5) F(6) F(7)
#define EACH10(F) EACH8(F) F(8) F(9)
#define EACH14(F) EACH10(F) F(10) F(11) F(12) F(13)
#define EACH16(F) EACH14(F) F(14) F(15)

/* A tile of rows by three (or one) vectors of columns, with its accumulators in named registers. The user
 * defines LEFT(m): the number that row m multiplies with at step k. */
#define CLEAR3(m) float16 c##m##_0 = 0.0f, c##m##_1 = 0.0f, c##m##_2 = 0.0f;
#define CLEAR1(m) float16 c##m##_0 = 0.0f;
#define STEP3(m)                                                                                   \
    {                                                                                              \
        float16 a = LEFT(m);                                                                       \
        c##m##_0 = fma(a, b0, c##m##_0);                                                           \
        c##m##_1 = fma(a, b1, c##m##_1);                                                           \
        c##m##_2 = fma(a, b2, c##m##_2);                                                           \
    }
#define STEP1(m) c##m##_0 = fma((float16)LEFT(m), b0, c##m##_0);
#define DONE3(m) DONE(m, 0) DONE(m, 1) DONE(m, 2)
#define DONE1(m) DONE(m, 0)

static float sum16(float16 v) {
    float8 a = v.lo + v.hi;
    float4 b = a.lo + a.hi;
    float2 c = b.lo + b.hi;
    return c.x + c.y;
}

static float max16(float16 v) {
    float8 a = fmax(v.lo, v.hi);
    float4 b = fmax(a.lo, a.hi);
    float2 c = fmax(b.lo, b.hi);
    return fmax(c.x, c.y);
}

/* h = relu(x w + b). Each group takes nine vectors of columns, and half of the rows of the nineteenth. */
KERNEL hidden(__global const float *restrict x, __global const float *restrict w,
              __global const float *restrict b, __global float *restrict h) {
    int part = get_global_id(0);
#define LEFT(m) left[(m) * INPUTS + k]
#define DONE(m, v)                                                                                 \
    STORE(out + (m) * PITCH + 16 * v, fmax(c##m##_##v + LOAD(b + j + 16 * v), (float16)0.0f));
    for (int j = 144 * part; j < 144 * part + 144; j += 48) {
        for (int i = 0; i < BATCH; i += 8) {
            __global const float *left = x + i * INPUTS;
            __global float *out = h + i * PITCH + j;
            EACH8(CLEAR3)
            for (int k = 0; k < INPUTS; k++) {
                __global const float *right = w + k * PITCH + j;
                float16 b0 = LOAD(right), b1 = LOAD(right + 16), b2 = LOAD(right + 32);
                EACH8(STEP3)
            }
            EACH8(DONE3)
        }
    }
    for (int i = 32 * part; i < 32 * part + 32; i += 16) {
        const int j = 288;
        __global const float *left = x + i * INPUTS;
        __global float *out = h + i * PITCH + j;
        EACH16(CLEAR1)
        for (int k = 0; k < INPUTS; k++) {
            float16 b0 = LOAD(w + k * PITCH + j);
            EACH16(STEP1)
        }
        EACH16(DONE1)
    }
#undef LEFT
#undef DONE
}

/* Logits, softmax, the loss of each row and the gradient of the logits, two rows at a time. */
KERNEL output(__global const float *restrict h, __global const float *restrict w,
              __global const float *restrict b, __global const int *restrict y,
              __global float *restrict dlogits, __global float *restrict loss) {
    int part = get_global_id(0);
#define CLEAR(c) float16 z0_##c = 0.0f, z1_##c = 0.0f;
#define STEP(c)                                                                                    \
    {                                                                                              \
        float16 wc = LOAD(w + c * PITCH + j);                                                      \
        z0_##c = fma(h0, wc, z0_##c);                                                              \
        z1_##c = fma(h1, wc, z1_##c);                                                              \
    }
#define SUM0(c) sum16(z0_##c),
#define SUM1(c) sum16(z1_##c),
#define ROW(r)                                                                                     \
    {                                                                                              \
        float16 z = (float16)(EACH10(SUM##r) 0, 0, 0, 0, 0, 0) + LOAD(b);                          \
        z = select((float16)(-INFINITY), z, LANE < 10);                                            \
        float16 shifted = z - max16(z);                                                            \
        float16 e = select((float16)0.0f, exp(shifted), LANE < 10);                                \
        float total = sum16(e);                                                                    \
        float16 truth = select((float16)0.0f, (float16)1.0f, LANE == y[i + r]);                    \
        STORE(dlogits + (i + r) * 16, (e * (1.0f / total) - truth) * (1.0f / BATCH));              \
        loss[i + r] = log(total) - sum16(select((float16)0.0f, shifted, LANE == y[i + r]));        \
    }
    for (int i = 32 * part; i < 32 * part + 32; i += 2) {
        EACH10(CLEAR)
        for (int j = 0; j < PITCH; j += 16) {
            float16 h0 = LOAD(h + i * PITCH + j), h1 = LOAD(h + (i + 1) * PITCH + j);
            EACH10(STEP)
        }
        ROW(0) ROW(1)
    }
#undef CLEAR
#undef STEP
}

/* The second layer's update, the hidden layer's gradient and its bias's update: one pass over h. */
KERNEL backward(__global const float *restrict h, __global const float *restrict dlogits,
                __global float *restrict w, __global float *restrict b,
                __global float *restrict hidden_b, __global float *restrict dh) {
    int part = get_global_id(0);
#define FETCH(c) float16 w##c = LOAD(w + c * PITCH + j), g##c = 0.0f;
#define STEP(c)                                                                                    \
    {                                                                                              \
        float16 d = row[c];                                                                        \
        g##c = fma(d, hj, g##c);                                                                   \
        up[c & 1] = fma(d, w##c, up[c & 1]);                                                       \
    }
#define UPDATE(c) STORE(w + c * PITCH + j, fma((float16)(-RATE), g##c, w##c));
    for (int j = part ? 160 : 0; j < (part ? 304 : 160); j += 16) {
        EACH10(FETCH)
        float16 bias = 0.0f;
        for (int i = 0; i < BATCH; i++) {
            float16 hj = LOAD(h + i * PITCH + j), up[2] = {0.0f, 0.0f};
            __global const float *row = dlogits + i * 16;
            EACH10(STEP)
            float16 d = select((float16)0.0f, up[0] + up[1], hj > (float16)0.0f);
            bias += d;
            STORE(dh + i * PITCH + j, d);
        }
        EACH10(UPDATE)
        STORE(hidden_b + j, fma((float16)(-RATE), bias, LOAD(hidden_b + j)));
    }
    if (part) {
        float16 sum = 0.0f;
        for (int i = 0; i < BATCH; i++) sum += LOAD(dlogits + i * 16);
        STORE(b, fma((float16)(-RATE), sum, LOAD(b)));
    }
#undef STEP
}

/* w -= rate * x' dh. */
KERNEL update(__global const float *restrict x, __global const float *restrict dh,
              __global float *restrict w) {
    int part = get_global_id(0);
#define LEFT(m) left[k * INPUTS + (m)]
#define DONE(m, v)                                                                                 \
    STORE(out + (m) * PITCH + 16 * v,                                                              \
          fma((float16)(-RATE), c##m##_##v, LOAD(out + (m) * PITCH + 16 * v)));
    for (int j = 144 * part; j < 144 * part + 144; j += 48) {
        for (int i = 0; i < INPUTS; i += 8) {
            __global const float *left = x + i;
            __global float *out = w + i * PITCH + j;
            EACH8(CLEAR3)
            for (int k = 0; k < BATCH; k++) {
                __global const float *right = dh + k * PITCH + j;
                float16 b0 = LOAD(right), b1 = LOAD(right + 16), b2 = LOAD(right + 32);
                EACH8(STEP3)
            }
            EACH8(DONE3)
        }
    }
    for (int i = 392 * part; i < 392 * part + 392; i += 14) {
        const int j = 288;
        __global const float *left = x + i;
        __global float *out = w + i * PITCH + j;
        EACH14(CLEAR1)
        for (int k = 0; k < BATCH; k++) {
            float16 b0 = LOAD(dh + k * PITCH + j);
            EACH14(STEP1)
        }
        EACH14(DONE1)
    }
}
