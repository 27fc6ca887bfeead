//! dlg 1
//! model line target cpu from "line.dlg"
//! const batch 4
//! arena 128
//! buffer 0 x f32 4x2 input source "line.csv" columns 0:2 axis 0
//! buffer 1 t f32 2x4 input source "line.csv" columns 0:2 axis 1
//! buffer 2 y f32 4 input source "line.csv" columns 2 axis 0
//! buffer 3 id i32 4 input source "line.csv" columns 3 axis 0
//! buffer 4 even bool 4 input source "line.csv" columns 4 axis 0
//! buffer 5 rate f32 scalar input
//! buffer 6 w f32 2 param init constant 0
//! buffer 7 b f32 scalar param init constant 0
//! buffer 8 e f32 4 arena 0
//! buffer 9 loss f32 scalar output
//! buffer 10 ids i32 scalar output
//! buffer 11 good bool scalar output
//! buffer 12 p f32 4 output
//! buffer 13 x@1 f32 1x2 input source "line.csv" columns 0:2 axis 0
//! buffer 14 t@1 f32 2x1 input source "line.csv" columns 0:2 axis 1
//! buffer 15 y@1 f32 1 input source "line.csv" columns 2 axis 0
//! buffer 16 id@1 i32 1 input source "line.csv" columns 3 axis 0
//! buffer 17 even@1 bool 1 input source "line.csv" columns 4 axis 0
//! buffer 18 e@1 f32 1 arena 0
//! buffer 19 loss@1 f32 scalar output
//! buffer 20 ids@1 i32 scalar output
//! buffer 21 good@1 bool scalar output
//! buffer 22 p@1 f32 1 output
//! entry train reads x t y id even rate updates w b step returns loss ids good
//! launch judge global 1 local 1 args 0 1 2 3 4 6 7 8 9 10 11 =4
//! launch learn global 1 local 1 args 0 8 5 6 7 =4
//! entry evaluate reads x t y id even returns loss ids good
//! launch judge global 1 local 1 args 0 1 2 3 4 6 7 8 9 10 11 =4
//! entry evaluate@1 reads x@1 t@1 y@1 id@1 even@1 returns loss@1 ids@1 good@1
//! launch judge global 1 local 1 args 13 14 15 16 17 6 7 18 19 20 21 =1
//! entry predict reads x returns p
//! launch guess global 4 local 1 args 0 6 7 12
//! entry predict@1 reads x@1 returns p@1
//! launch guess global 1 local 1 args 13 6 7 22
//! kernels 3 checksum bb42c998de10f614
/* A line through points, written by hand after docs/program-format.md, for the tests of data and
 * training. The input t is x with its samples along axis 1, so that `good` tells whether batches are
 * selected rightly along both axes, of numbers of 4 bytes and of 1. */

/* e = x @ w + b - y; loss = mean(e ** 2); ids = the largest of id; good: t is x', even is id % 2 == 0 */
__kernel void judge(__global const float *x, __global const float *t, __global const float *y,
                    __global const int *id, __global const uchar *even, __global const float *w,
                    __global const float *b, __global float *e, __global float *loss,
                    __global int *ids, __global uchar *good, const int n)
{
    float sum = 0.0f;
    int most = id[0];
    bool right = true;
    for (int i = 0; i < n; i++) {
        e[i] = x[i * 2] * w[0] + x[i * 2 + 1] * w[1] + b[0] - y[i];
        sum += e[i] * e[i];
        most = max(most, id[i]);
        right = right && t[i] == x[i * 2] && t[n + i] == x[i * 2 + 1];
        right = right && even[i] == (id[i] % 2 == 0);
    }
    loss[0] = sum / n;
    ids[0] = most;
    good[0] = right;
}

/* w -= rate * mean(2 * e * x); b -= rate * mean(2 * e) */
__kernel void learn(__global const float *x, __global const float *e, __global const float *rate,
                    __global float *w, __global float *b, const int n)
{
    float d0 = 0.0f, d1 = 0.0f, db = 0.0f;
    for (int i = 0; i < n; i++) {
        d0 += 2.0f * e[i] * x[i * 2];
        d1 += 2.0f * e[i] * x[i * 2 + 1];
        db += 2.0f * e[i];
    }
    w[0] -= rate[0] * (d0 / n);
    w[1] -= rate[0] * (d1 / n);
    b[0] -= rate[0] * (db / n);
}

/* p = x @ w + b */
__kernel void guess(__global const float *x, __global const float *w, __global const float *b,
                    __global float *p)
{
    const int row = get_global_id(0);
    p[row] = x[row * 2] * w[0] + x[row * 2 + 1] * w[1] + b[0];
}
//! end
