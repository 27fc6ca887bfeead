//! dlg 1
//! model xor target cpu from "xor.dlg"
//! const batch 4
//! const rate 0.1
//! arena 384
//! buffer 0 x f32 4x2 input
//! buffer 1 y f32 4x1 input source "xor.csv" columns 2:3 axis 0
//! buffer 2 h.w f32 2x8 param init uniform -1 1
//! buffer 3 h.b f32 8 param init literal -0.75 -0.5 -0.25 0 0.25 0.5 0.75 1
//! buffer 4 out.w f32 8x1 param init normal 0 0.5
//! buffer 5 out.b f32 1 param init constant 0
//! buffer 6 h.w:momentum.v f32 2x8 state init constant 0
//! buffer 7 out.scale f32 scalar state init constant 1
//! buffer 8 step i32 scalar state init constant 0
//! buffer 9 h f32 4x8 arena 0
//! buffer 10 p f32 4x1 arena 128
//! buffer 11 dp f32 4x1 arena 256
//! buffer 12 loss f32 scalar output
//! buffer 13 probs f32 4x1 output
//! buffer 14 right bool 4x1 output
//! buffer 15 x@1 f32 1x2 input
//! buffer 16 h@1 f32 1x8 arena 0
//! buffer 17 probs@1 f32 1x1 output
//! entry train reads x y updates h.w h.b out.w out.b h.w:momentum.v step returns loss
//! launch hidden global 4 local 1 args 0 2 3 9 at "xor.dlg":10
//! launch output global 4 local 1 args 9 4 5 7 10 at "xor.dlg":11
//! launch squares global 1 local 1 args 10 1 11 12 =4 at "xor.dlg":12
//! launch learn global 1 local 1 args 0 9 11 2 3 4 5 6 8 =10
//! entry predict reads x returns probs
//! launch hidden global 4 local 1 args 0 2 3 9
//! launch output global 4 local 1 args 9 4 5 7 13
//! entry predict@1 reads x@1 returns probs@1
//! launch hidden global 1 local 1 args 15 2 3 16
//! launch output global 1 local 1 args 16 4 5 7 17
//! entry evaluate reads x y returns loss right
//! launch hidden global 4 local 1 args 0 2 3 9
//! launch output global 4 local 1 args 9 4 5 7 10
//! launch squares global 1 local 1 args 10 1 11 12 =4
//! launch judge global 4 local 1 args 10 1 14
//! kernels 5 checksum e4490a9ec350ff8f
/* A program written by hand after docs/program-format.md: exclusive or by a network of 2-8-1 with
 * tanh, trained with momentum. The tests of the runtime use it, so that they need no compiler. */

/* h[row, 8] = tanh(x[row, 2] @ w[2, 8] + b[8]) */
__kernel void hidden(__global const float *x, __global const float *w, __global const float *b,
                     __global float *h)
{
    const int row = get_global_id(0);
    for (int j = 0; j < 8; j++)
        h[row * 8 + j] = tanh(x[row * 2] * w[j] + x[row * 2 + 1] * w[8 + j] + b[j]);
}

/* p[row, 1] = (h[row, 8] @ w[8, 1] + b[1]) * scale */
__kernel void output(__global const float *h, __global const float *w, __global const float *b,
                     __global const float *scale, __global float *p)
{
    const int row = get_global_id(0);
    float sum = b[0];
    for (int j = 0; j < 8; j++)
        sum += h[row * 8 + j] * w[j];
    p[row] = sum * scale[0];
}

/* loss = mean((p - y) ** 2) and its gradient in p */
__kernel void squares(__global const float *p, __global const float *y, __global float *dp,
                      __global float *loss, const int n)
{
    float sum = 0.0f;
    for (int i = 0; i < n; i++) {
        const float e = p[i] - y[i];
        dp[i] = 2.0f * e / n;
        sum += e * e;
    }
    loss[0] = sum / n;
}

/* Gradients and updates of all four parameters; percent: the learning rate. */
__kernel void learn(__global const float *x, __global const float *h, __global const float *dp,
                    __global float *w1, __global float *b1, __global float *w2, __global float *b2,
                    __global float *v, __global int *step, const int percent)
{
    const float rate = percent / 100.0f;
    float db2 = 0.0f;
    for (int j = 0; j < 8; j++) {
        float dw2 = 0.0f, db1 = 0.0f, da = 0.0f, db = 0.0f;
        for (int i = 0; i < 4; i++) {
            const float hj = h[i * 8 + j];
            const float dz = dp[i] * w2[j] * (1.0f - hj * hj);
            dw2 += dp[i] * hj;
            db1 += dz;
            da += dz * x[i * 2];
            db += dz * x[i * 2 + 1];
        }
        v[j] = 0.5f * v[j] + da;
        v[8 + j] = 0.5f * v[8 + j] + db;
        w1[j] -= rate * v[j];
        w1[8 + j] -= rate * v[8 + j];
        b1[j] -= rate * db1;
        w2[j] -= rate * dw2;
    }
    for (int i = 0; i < 4; i++)
        db2 += dp[i];
    b2[0] -= rate * db2;
    step[0] += 1;
}

/* right[row, 1] = (p > 0.5) == (y > 0.5) */
__kernel void judge(__global const float *p, __global const float *y, __global uchar *right)
{
    const int row = get_global_id(0);
    right[row] = (p[row] > 0.5f) == (y[row] > 0.5f);
}
//! end
