//! dlg 1
//! model offsets target cpu from "/work/main/tests/structure/../diff/offsets.dlg"
//! arena 14336 align 128
//! buffer 0 x f32 16x96 input
//! buffer 1 y f32 7x16 input
//! buffer 2 q i32 16x9 input
//! buffer 3 z f16 16x40 input
//! buffer 4 xs f32 5x24 input
//! buffer 5 u f32 16x16 param init normal 0 0.3
//! buffer 6 w f32 24x24 param init normal 0 0.3
//! buffer 7 v f32 6x6 param init normal 0 0.3
//! buffer 8 e f32 16x96 param init normal 0 0.3
//! buffer 9 a f32 16x16 output
//! buffer 10 add f32 16x16 arena 0
//! buffer 11 add@sliced f32 16x16 arena 1024
//! buffer 12 add.2@sliced f32 16x16 arena 0
//! buffer 13 b f32 16x16 output
//! buffer 14 parts f32 16x16 arena 0
//! buffer 15 parts@shifted f32 16x16 arena 1024
//! buffer 16 parts.2@shifted f32 16x16 arena 2048
//! buffer 17 parts.3@shifted f32 16x16 arena 3072
//! buffer 18 parts.4@shifted f32 16x16 arena 4096
//! buffer 19 add@shifted f32 16x16 arena 5120
//! buffer 20 add.2@shifted f32 16x16 arena 4096
//! buffer 21 add.3@shifted f32 16x16 arena 3072
//! buffer 22 add.4@shifted f32 16x16 arena 2048
//! buffer 23 c f32 4x64 output
//! buffer 24 mul f32 4x1 arena 1024
//! buffer 25 add@rows f32 4x64 arena 0
//! buffer 26 mul@rows f32 4x1 arena 1024
//! buffer 27 add.2@rows f32 4x64 arena 0
//! buffer 28 mul.2@rows f32 4x1 arena 1024
//! buffer 29 d f32 6 output
//! buffer 30 f f32 6 output
//! buffer 31 fs f32 5x6 output
//! buffer 32 carried f32 6 arena 0
//! buffer 33 d@rolled f32 5x6 arena 128
//! buffer 34 carried@rolled f32 6 arena 256
//! buffer 35 d.2@rolled f32 5x6 arena 0
//! buffer 36 carried.2@rolled f32 6 arena 128
//! buffer 37 d.3@rolled f32 5x6 arena 0
//! buffer 38 carried.3@rolled f32 6 arena 256
//! buffer 39 d.4@rolled f32 5x6 arena 0
//! buffer 40 carried.4@rolled f32 6 arena 384
//! buffer 41 f@rolled f32 5x6 arena 512
//! buffer 42 dot f32 6 arena 256
//! buffer 43 tanh f32 6 arena 256
//! buffer 44 tanh@rolled f32 6 arena 640
//! buffer 45 tanh.2@rolled f32 6 arena 256
//! buffer 46 dot@rolled f32 6 arena 128
//! buffer 47 dot.2@rolled f32 6 arena 256
//! buffer 48 dot.3@rolled f32 6 arena 128
//! buffer 49 loss f32 scalar output
//! buffer 50 parts@train f32 96x16 arena 0
//! buffer 51 parts.2@train f32 96x16 arena 6144
//! buffer 52 h f32 16x16 arena 12288
//! buffer 53 copy f32 16x16 arena 13312
//! entry sliced bound 14976 live 2048 reads x y q z returns a
//! launch k0 global 1 local 1 args 0 5 1 2 3 10 flops 9232 bytes 4256 at "/work/main/tests/structure/../diff/offsets.dlg":23
//! launch k1 global 1 local 1 args 10 5 0 1 2 3 11 =32 =2 =6 flops 9232 bytes 4256 at "/work/main/tests/structure/../diff/offsets.dlg":23
//! launch k1 global 1 local 1 args 11 5 0 1 2 3 12 =48 =3 =9 flops 9232 bytes 4256 at "/work/main/tests/structure/../diff/offsets.dlg":23
//! launch k1 global 1 local 1 args 12 5 0 1 2 3 9 =64 =4 =12 flops 9232 bytes 4256 at "/work/main/tests/structure/../diff/offsets.dlg":23
//! entry shifted bound 6912 live 6144 reads x returns b
//! launch k2 global 1 local 1 args 0 18 flops 0 bytes 128 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k3 global 1 local 1 args 0 18 flops 0 bytes 1920 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k4 global 1 local 1 args 0 17 flops 0 bytes 1792 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k5 global 1 local 1 args 0 16 flops 0 bytes 1664 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k6 global 1 local 1 args 0 15 flops 0 bytes 1536 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k7 global 1 local 1 args 0 14 flops 0 bytes 1408 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k8 global 1 local 1 args 18 5 0 19 =74 flops 8448 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k9 global 1 local 1 args 19 17 flops 0 bytes 256 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k8 global 1 local 1 args 17 5 0 20 =73 flops 8448 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k10 global 1 local 1 args 20 16 flops 0 bytes 384 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k8 global 1 local 1 args 16 5 0 21 =72 flops 8448 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k11 global 1 local 1 args 21 15 flops 0 bytes 512 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k8 global 1 local 1 args 15 5 0 22 =71 flops 8448 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k12 global 1 local 1 args 22 14 flops 0 bytes 640 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! launch k8 global 1 local 1 args 14 5 0 13 =70 flops 8448 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":28
//! entry rows bound 5224 live 1152 reads x y q returns c
//! launch k13 global 1 local 1 args 0 24 flops 520 bytes 1484 at "/work/main/tests/structure/../diff/offsets.dlg":33
//! launch k14 global 1 local 1 args 24 0 2 1 25 =416 =9 =1 flops 1028 bytes 2084 at "/work/main/tests/structure/../diff/offsets.dlg":33
//! launch k15 global 1 local 1 args 25 0 26 =192 flops 520 bytes 1356 at "/work/main/tests/structure/../diff/offsets.dlg":33
//! launch k14 global 1 local 1 args 26 0 2 1 27 =800 =18 =2 flops 1028 bytes 2084 at "/work/main/tests/structure/../diff/offsets.dlg":33
//! launch k15 global 1 local 1 args 27 0 28 =288 flops 520 bytes 1356 at "/work/main/tests/structure/../diff/offsets.dlg":33
//! launch k14 global 1 local 1 args 28 0 2 1 23 =1184 =27 =3 flops 1028 bytes 2084 at "/work/main/tests/structure/../diff/offsets.dlg":33
//! entry rolled bound 1880 live 768 reads y xs returns d f fs
//! launch k16 global 1 local 1 args 4 32 flops 0 bytes 48 at "/work/main/tests/structure/../diff/offsets.dlg":42
//! launch k17 global 1 local 1 args 40 flops 0 bytes 24 at "/work/main/tests/structure/../diff/offsets.dlg":49
//! repeat 5
//! launch k18 global 1 local 1 args 32 7 42 flops 72 bytes 192 at "/work/main/tests/structure/../diff/offsets.dlg":43
//! launch k19 global 1 local 1 args 42 4 32 33 @0 =0 flops 12 bytes 96 at "/work/main/tests/structure/../diff/offsets.dlg":43
//! end-repeat
//! repeat 5
//! launch k20 global 1 local 1 args 40 7 4 1 43 @0 =96 =0 flops 90 bytes 220 at "/work/main/tests/structure/../diff/offsets.dlg":51
//! launch k20 global 1 local 1 args 43 7 4 1 44 @0 =102 =16 flops 90 bytes 220 at "/work/main/tests/structure/../diff/offsets.dlg":51
//! launch k20 global 1 local 1 args 44 7 4 1 45 @0 =108 =32 flops 90 bytes 220 at "/work/main/tests/structure/../diff/offsets.dlg":51
//! launch k21 global 1 local 1 args 45 7 4 1 40 41 @0 flops 90 bytes 244 at "/work/main/tests/structure/../diff/offsets.dlg":51
//! end-repeat
//! launch k22 global 1 local 1 args 33 32 34 flops 42 bytes 168 at "/work/main/tests/structure/../diff/offsets.dlg":42
//! launch k16 global 1 local 1 args 40 30 flops 0 bytes 48 at "/work/main/tests/structure/../diff/offsets.dlg":49
//! launch k23 global 1 local 1 args 41 31 flops 0 bytes 240 at "/work/main/tests/structure/../diff/offsets.dlg":49
//! repeat 5
//! launch k18 global 1 local 1 args 34 7 46 flops 72 bytes 192 at "/work/main/tests/structure/../diff/offsets.dlg":43
//! launch k19 global 1 local 1 args 46 4 34 35 @0 =6 flops 12 bytes 96 at "/work/main/tests/structure/../diff/offsets.dlg":43
//! end-repeat
//! launch k22 global 1 local 1 args 35 34 36 flops 42 bytes 168 at "/work/main/tests/structure/../diff/offsets.dlg":42
//! repeat 5
//! launch k18 global 1 local 1 args 36 7 47 flops 72 bytes 192 at "/work/main/tests/structure/../diff/offsets.dlg":43
//! launch k19 global 1 local 1 args 47 4 36 37 @0 =12 flops 12 bytes 96 at "/work/main/tests/structure/../diff/offsets.dlg":43
//! end-repeat
//! launch k22 global 1 local 1 args 37 36 38 flops 42 bytes 168 at "/work/main/tests/structure/../diff/offsets.dlg":42
//! repeat 5
//! launch k18 global 1 local 1 args 38 7 48 flops 72 bytes 192 at "/work/main/tests/structure/../diff/offsets.dlg":43
//! launch k19 global 1 local 1 args 48 4 38 39 @0 =18 flops 12 bytes 96 at "/work/main/tests/structure/../diff/offsets.dlg":43
//! end-repeat
//! launch k22 global 1 local 1 args 39 38 29 flops 42 bytes 168 at "/work/main/tests/structure/../diff/offsets.dlg":46
//! entry train bound 53252 live 14336 reads x updates u e step returns loss
//! launch k24 global 1 local 1 args 0 5 8 50 flops 8704 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":23
//! launch k25 global 1 local 1 args 5 53 flops 0 bytes 2048 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k26 global 1 local 1 args 0 50 flops 0 bytes 2048 at "/work/main/tests/structure/../diff/offsets.dlg":23
//! launch k27 global 1 local 1 args 50 5 8 =256 =16 flops 8704 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k27 global 1 local 1 args 50 5 8 =512 =32 flops 8704 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k27 global 1 local 1 args 50 5 8 =768 =48 flops 8704 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k27 global 1 local 1 args 50 5 8 =1024 =64 flops 8704 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k28 global 1 local 1 args 50 5 8 52 51 flops 9984 bytes 5120 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k29 global 1 local 1 args 52 49 flops 514 bytes 1028 at "/work/main/tests/structure/../diff/offsets.dlg":62
//! launch k30 global 1 local 1 args 51 53 50 =1024 flops 8960 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k30 global 1 local 1 args 51 53 50 =768 flops 8960 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k30 global 1 local 1 args 51 53 50 =512 flops 8960 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k30 global 1 local 1 args 51 53 50 =256 flops 8960 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k30 global 1 local 1 args 51 53 50 =0 flops 8960 bytes 4096 at "/work/main/tests/structure/../diff/offsets.dlg":60
//! launch k31 global 1 local 1 args 50 51 5 flops 49664 bytes 13312 at "/work/main/tests/structure/../diff/offsets.dlg":23
//! launch k32 global 1 local 1 args 8 51 flops 12288 bytes 12288 at "/work/main/tests/structure/../diff/offsets.dlg":63
//! kernels 33 checksum 1adc8b3cc2f59658

#define ALL_NEAR(x) all(fabs(x) <= 10000.0f)
static float sine(float x) {
    return sin(x);
}
static float2 sine2(float2 x) {
    return ALL_NEAR(x) ? sin(x) : (float2)(sine(x.lo), sine(x.hi));
}
static float4 sine4(float4 x) {
    return ALL_NEAR(x) ? sin(x) : (float4)(sine2(x.lo), sine2(x.hi));
}
static float8 sine8(float8 x) {
    return ALL_NEAR(x) ? sin(x) : (float8)(sine4(x.lo), sine4(x.hi));
}
static float16 sine16(float16 x) {
    return ALL_NEAR(x) ? sin(x) : (float16)(sine8(x.lo), sine8(x.hi));
}
static float ldh(__global const ushort *p) {
    return vload_half(0, (__global const half *)p);
}
typedef float2 __attribute__((aligned(4))) float2_at_any; // not only at multiples of 2
static float2 ld2(__global const float *p) {
    return *(__global const float2_at_any *)p;
}
typedef float2 __attribute__((aligned(4))) float2_to_any;
static void st2(__global float *p, float2 v) {
    *(__global float2_to_any *)p = v;
}
typedef float4 __attribute__((aligned(4))) float4_at_any; // not only at multiples of 4
static float4 ld4(__global const float *p) {
    return *(__global const float4_at_any *)p;
}
typedef float4 __attribute__((aligned(4))) float4_to_any;
static void st4(__global float *p, float4 v) {
    *(__global float4_to_any *)p = v;
}
typedef float8 __attribute__((aligned(4))) float8_at_any; // not only at multiples of 8
static float8 ld8(__global const float *p) {
    return *(__global const float8_at_any *)p;
}
typedef float8 __attribute__((aligned(4))) float8_to_any;
static void st8(__global float *p, float8 v) {
    *(__global float8_to_any *)p = v;
}
typedef float16 __attribute__((aligned(4))) float16_at_any; // not only at multiples of 16
static float16 ld16(__global const float *p) {
    return *(__global const float16_at_any *)p;
}
typedef float16 __attribute__((aligned(4))) float16_to_any;
static void st16(__global float *p, float16 v) {
    *(__global float16_to_any *)p = v;
}
static float sum_lanes2(float2 v) {
    return v.s0 + v.s1;
}
static float sum_lanes4(float4 v) {
    return sum_lanes2(v.lo + v.hi);
}
static float sum_lanes8(float8 v) {
    return sum_lanes4(v.lo + v.hi);
}
static float sum_lanes16(float16 v) {
    return sum_lanes8(v.lo + v.hi);
}

// k0
//   23      a = tanh(a @ u + x[:, 16 * t:16 * t + 16] * y[t]) + reshape(where(q[:, t] == t, 0.5, z ...
// makes add[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k0(__global const float *restrict x,
    __global const float *restrict u,
    __global const float *restrict y,
    __global const int *restrict q,
    __global const ushort *restrict z,
    __global float *restrict add) {
    float16 acc = (float16)(0.0f);
    float16 acc1 = (float16)(0.0f);
    float16 acc2 = (float16)(0.0f);
    float16 acc3 = (float16)(0.0f);
    float16 acc4 = (float16)(0.0f);
    float16 acc5 = (float16)(0.0f);
    float16 acc6 = (float16)(0.0f);
    float16 acc7 = (float16)(0.0f);
    float16 acc8 = (float16)(0.0f);
    float16 acc9 = (float16)(0.0f);
    float16 acc10 = (float16)(0.0f);
    float16 acc11 = (float16)(0.0f);
    float16 acc12 = (float16)(0.0f);
    float16 acc13 = (float16)(0.0f);
    float16 acc14 = (float16)(0.0f);
    float16 acc15 = (float16)(0.0f);
    for (int k = 0; k < 16; k++) {
        const float x1 = x[k];
        const float16 u1 = ld16(u + k * 16);
        acc = fma((float16)(x1), u1, acc);
        const float x2 = x[k + 96];
        acc1 = fma((float16)(x2), u1, acc1);
        const float x3 = x[k + 192];
        acc2 = fma((float16)(x3), u1, acc2);
        const float x4 = x[k + 288];
        acc3 = fma((float16)(x4), u1, acc3);
        const float x5 = x[k + 384];
        acc4 = fma((float16)(x5), u1, acc4);
        const float x6 = x[k + 480];
        acc5 = fma((float16)(x6), u1, acc5);
        const float x7 = x[k + 576];
        acc6 = fma((float16)(x7), u1, acc6);
        const float x8 = x[k + 672];
        acc7 = fma((float16)(x8), u1, acc7);
        const float x9 = x[k + 768];
        acc8 = fma((float16)(x9), u1, acc8);
        const float x10 = x[k + 864];
        acc9 = fma((float16)(x10), u1, acc9);
        const float x11 = x[k + 960];
        acc10 = fma((float16)(x11), u1, acc10);
        const float x12 = x[k + 1056];
        acc11 = fma((float16)(x12), u1, acc11);
        const float x13 = x[k + 1152];
        acc12 = fma((float16)(x13), u1, acc12);
        const float x14 = x[k + 1248];
        acc13 = fma((float16)(x14), u1, acc13);
        const float x15 = x[k + 1344];
        acc14 = fma((float16)(x15), u1, acc14);
        const float x16 = x[k + 1440];
        acc15 = fma((float16)(x16), u1, acc15);
    }
    const float16 x17 = ld16(x + 16);
    const float16 y1 = ld16(y + 16);
    const int q1 = q[1];
    const float z1 = ldh(z + 3);
    st16(add, tanh(acc + x17 * y1) + ((q1 == 1) ? 0.5f : z1));
    const float16 x18 = ld16(x + 112);
    const int q2 = q[10];
    const float z2 = ldh(z + 43);
    st16(add + 16, tanh(acc1 + x18 * y1) + ((q2 == 1) ? 0.5f : z2));
    const float16 x19 = ld16(x + 208);
    const int q3 = q[19];
    const float z3 = ldh(z + 83);
    st16(add + 32, tanh(acc2 + x19 * y1) + ((q3 == 1) ? 0.5f : z3));
    const float16 x20 = ld16(x + 304);
    const int q4 = q[28];
    const float z4 = ldh(z + 123);
    st16(add + 48, tanh(acc3 + x20 * y1) + ((q4 == 1) ? 0.5f : z4));
    const float16 x21 = ld16(x + 400);
    const int q5 = q[37];
    const float z5 = ldh(z + 163);
    st16(add + 64, tanh(acc4 + x21 * y1) + ((q5 == 1) ? 0.5f : z5));
    const float16 x22 = ld16(x + 496);
    const int q6 = q[46];
    const float z6 = ldh(z + 203);
    st16(add + 80, tanh(acc5 + x22 * y1) + ((q6 == 1) ? 0.5f : z6));
    const float16 x23 = ld16(x + 592);
    const int q7 = q[55];
    const float z7 = ldh(z + 243);
    st16(add + 96, tanh(acc6 + x23 * y1) + ((q7 == 1) ? 0.5f : z7));
    const float16 x24 = ld16(x + 688);
    const int q8 = q[64];
    const float z8 = ldh(z + 283);
    st16(add + 112, tanh(acc7 + x24 * y1) + ((q8 == 1) ? 0.5f : z8));
    const float16 x25 = ld16(x + 784);
    const int q9 = q[73];
    const float z9 = ldh(z + 323);
    st16(add + 128, tanh(acc8 + x25 * y1) + ((q9 == 1) ? 0.5f : z9));
    const float16 x26 = ld16(x + 880);
    const int q10 = q[82];
    const float z10 = ldh(z + 363);
    st16(add + 144, tanh(acc9 + x26 * y1) + ((q10 == 1) ? 0.5f : z10));
    const float16 x27 = ld16(x + 976);
    const int q11 = q[91];
    const float z11 = ldh(z + 403);
    st16(add + 160, tanh(acc10 + x27 * y1) + ((q11 == 1) ? 0.5f : z11));
    const float16 x28 = ld16(x + 1072);
    const int q12 = q[100];
    const float z12 = ldh(z + 443);
    st16(add + 176, tanh(acc11 + x28 * y1) + ((q12 == 1) ? 0.5f : z12));
    const float16 x29 = ld16(x + 1168);
    const int q13 = q[109];
    const float z13 = ldh(z + 483);
    st16(add + 192, tanh(acc12 + x29 * y1) + ((q13 == 1) ? 0.5f : z13));
    const float16 x30 = ld16(x + 1264);
    const int q14 = q[118];
    const float z14 = ldh(z + 523);
    st16(add + 208, tanh(acc13 + x30 * y1) + ((q14 == 1) ? 0.5f : z14));
    const float16 x31 = ld16(x + 1360);
    const int q15 = q[127];
    const float z15 = ldh(z + 563);
    st16(add + 224, tanh(acc14 + x31 * y1) + ((q15 == 1) ? 0.5f : z15));
    const float16 x32 = ld16(x + 1456);
    const int q16 = q[136];
    const float z16 = ldh(z + 603);
    st16(add + 240, tanh(acc15 + x32 * y1) + ((q16 == 1) ? 0.5f : z16));
}

// k1
//   23      a = tanh(a @ u + x[:, 16 * t:16 * t + 16] * y[t]) + reshape(where(q[:, t] == t, 0.5, z ...
// makes add[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k1(__global const float *restrict add,
    __global const float *restrict u,
    __global const float *restrict x,
    __global const float *restrict y,
    __global const int *restrict q,
    __global const ushort *restrict z,
    __global float *restrict add1,
    const int offset,
    const int offset1,
    const int offset2) {
    float16 acc = (float16)(0.0f);
    float16 acc1 = (float16)(0.0f);
    float16 acc2 = (float16)(0.0f);
    float16 acc3 = (float16)(0.0f);
    float16 acc4 = (float16)(0.0f);
    float16 acc5 = (float16)(0.0f);
    float16 acc6 = (float16)(0.0f);
    float16 acc7 = (float16)(0.0f);
    float16 acc8 = (float16)(0.0f);
    float16 acc9 = (float16)(0.0f);
    float16 acc10 = (float16)(0.0f);
    float16 acc11 = (float16)(0.0f);
    float16 acc12 = (float16)(0.0f);
    float16 acc13 = (float16)(0.0f);
    float16 acc14 = (float16)(0.0f);
    float16 acc15 = (float16)(0.0f);
    for (int k = 0; k < 16; k++) {
        const float add2 = add[k];
        const float16 u1 = ld16(u + k * 16);
        acc = fma((float16)(add2), u1, acc);
        const float add3 = add[k + 16];
        acc1 = fma((float16)(add3), u1, acc1);
        const float add4 = add[k + 32];
        acc2 = fma((float16)(add4), u1, acc2);
        const float add5 = add[k + 48];
        acc3 = fma((float16)(add5), u1, acc3);
        const float add6 = add[k + 64];
        acc4 = fma((float16)(add6), u1, acc4);
        const float add7 = add[k + 80];
        acc5 = fma((float16)(add7), u1, acc5);
        const float add8 = add[k + 96];
        acc6 = fma((float16)(add8), u1, acc6);
        const float add9 = add[k + 112];
        acc7 = fma((float16)(add9), u1, acc7);
        const float add10 = add[k + 128];
        acc8 = fma((float16)(add10), u1, acc8);
        const float add11 = add[k + 144];
        acc9 = fma((float16)(add11), u1, acc9);
        const float add12 = add[k + 160];
        acc10 = fma((float16)(add12), u1, acc10);
        const float add13 = add[k + 176];
        acc11 = fma((float16)(add13), u1, acc11);
        const float add14 = add[k + 192];
        acc12 = fma((float16)(add14), u1, acc12);
        const float add15 = add[k + 208];
        acc13 = fma((float16)(add15), u1, acc13);
        const float add16 = add[k + 224];
        acc14 = fma((float16)(add16), u1, acc14);
        const float add17 = add[k + 240];
        acc15 = fma((float16)(add17), u1, acc15);
    }
    const float16 x1 = ld16(x + offset);
    const float16 y1 = ld16(y + offset);
    const int q1 = q[offset1];
    const float z1 = ldh(z + offset2);
    st16(add1, tanh(acc + x1 * y1) + ((q1 == offset1) ? 0.5f : z1));
    const float16 x2 = ld16(x + offset + 96);
    const int q2 = q[offset1 + 9];
    const float z2 = ldh(z + offset2 + 40);
    st16(add1 + 16, tanh(acc1 + x2 * y1) + ((q2 == offset1) ? 0.5f : z2));
    const float16 x3 = ld16(x + offset + 192);
    const int q3 = q[offset1 + 18];
    const float z3 = ldh(z + offset2 + 80);
    st16(add1 + 32, tanh(acc2 + x3 * y1) + ((q3 == offset1) ? 0.5f : z3));
    const float16 x4 = ld16(x + offset + 288);
    const int q4 = q[offset1 + 27];
    const float z4 = ldh(z + offset2 + 120);
    st16(add1 + 48, tanh(acc3 + x4 * y1) + ((q4 == offset1) ? 0.5f : z4));
    const float16 x5 = ld16(x + offset + 384);
    const int q5 = q[offset1 + 36];
    const float z5 = ldh(z + offset2 + 160);
    st16(add1 + 64, tanh(acc4 + x5 * y1) + ((q5 == offset1) ? 0.5f : z5));
    const float16 x6 = ld16(x + offset + 480);
    const int q6 = q[offset1 + 45];
    const float z6 = ldh(z + offset2 + 200);
    st16(add1 + 80, tanh(acc5 + x6 * y1) + ((q6 == offset1) ? 0.5f : z6));
    const float16 x7 = ld16(x + offset + 576);
    const int q7 = q[offset1 + 54];
    const float z7 = ldh(z + offset2 + 240);
    st16(add1 + 96, tanh(acc6 + x7 * y1) + ((q7 == offset1) ? 0.5f : z7));
    const float16 x8 = ld16(x + offset + 672);
    const int q8 = q[offset1 + 63];
    const float z8 = ldh(z + offset2 + 280);
    st16(add1 + 112, tanh(acc7 + x8 * y1) + ((q8 == offset1) ? 0.5f : z8));
    const float16 x9 = ld16(x + offset + 768);
    const int q9 = q[offset1 + 72];
    const float z9 = ldh(z + offset2 + 320);
    st16(add1 + 128, tanh(acc8 + x9 * y1) + ((q9 == offset1) ? 0.5f : z9));
    const float16 x10 = ld16(x + offset + 864);
    const int q10 = q[offset1 + 81];
    const float z10 = ldh(z + offset2 + 360);
    st16(add1 + 144, tanh(acc9 + x10 * y1) + ((q10 == offset1) ? 0.5f : z10));
    const float16 x11 = ld16(x + offset + 960);
    const int q11 = q[offset1 + 90];
    const float z11 = ldh(z + offset2 + 400);
    st16(add1 + 160, tanh(acc10 + x11 * y1) + ((q11 == offset1) ? 0.5f : z11));
    const float16 x12 = ld16(x + offset + 1056);
    const int q12 = q[offset1 + 99];
    const float z12 = ldh(z + offset2 + 440);
    st16(add1 + 176, tanh(acc11 + x12 * y1) + ((q12 == offset1) ? 0.5f : z12));
    const float16 x13 = ld16(x + offset + 1152);
    const int q13 = q[offset1 + 108];
    const float z13 = ldh(z + offset2 + 480);
    st16(add1 + 192, tanh(acc12 + x13 * y1) + ((q13 == offset1) ? 0.5f : z13));
    const float16 x14 = ld16(x + offset + 1248);
    const int q14 = q[offset1 + 117];
    const float z14 = ldh(z + offset2 + 520);
    st16(add1 + 208, tanh(acc13 + x14 * y1) + ((q14 == offset1) ? 0.5f : z14));
    const float16 x15 = ld16(x + offset + 1344);
    const int q15 = q[offset1 + 126];
    const float z15 = ldh(z + offset2 + 560);
    st16(add1 + 224, tanh(acc14 + x15 * y1) + ((q15 == offset1) ? 0.5f : z15));
    const float16 x16 = ld16(x + offset + 1440);
    const int q16 = q[offset1 + 135];
    const float z16 = ldh(z + offset2 + 600);
    st16(add1 + 240, tanh(acc15 + x16 * y1) + ((q16 == offset1) ? 0.5f : z16));
}

// k2
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k2(__global const float *restrict x,
    __global float *restrict parts) {
    const float x1 = x[15];
    const float x2 = x[111];
    const float x3 = x[207];
    const float x4 = x[303];
    const float x5 = x[399];
    const float x6 = x[495];
    const float x7 = x[591];
    const float x8 = x[687];
    const float x9 = x[783];
    const float x10 = x[879];
    const float x11 = x[975];
    const float x12 = x[1071];
    const float x13 = x[1167];
    const float x14 = x[1263];
    const float x15 = x[1359];
    const float x16 = x[1455];
    parts[0] = x1;
    parts[16] = x2;
    parts[32] = x3;
    parts[48] = x4;
    parts[64] = x5;
    parts[80] = x6;
    parts[96] = x7;
    parts[112] = x8;
    parts[128] = x9;
    parts[144] = x10;
    parts[160] = x11;
    parts[176] = x12;
    parts[192] = x13;
    parts[208] = x14;
    parts[224] = x15;
    parts[240] = x16;
}

// k3
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k3(__global const float *restrict x,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float8 x1 = ld8(x + t * 96);
        st8(parts + t * 16 + 1, x1);
        const float4 x2 = ld4(x + t * 96 + 8);
        st4(parts + t * 16 + 9, x2);
        const float2 x3 = ld2(x + t * 96 + 12);
        st2(parts + t * 16 + 13, x3);
        const float x4 = x[t * 96 + 14];
        parts[t * 16 + 15] = x4;
    }
}

// k4
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k4(__global const float *restrict x,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float8 x1 = ld8(x + t * 96);
        st8(parts + t * 16 + 2, x1);
        const float4 x2 = ld4(x + t * 96 + 8);
        st4(parts + t * 16 + 10, x2);
        const float2 x3 = ld2(x + t * 96 + 12);
        st2(parts + t * 16 + 14, x3);
    }
}

// k5
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k5(__global const float *restrict x,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float8 x1 = ld8(x + t * 96);
        st8(parts + t * 16 + 3, x1);
        const float4 x2 = ld4(x + t * 96 + 8);
        st4(parts + t * 16 + 11, x2);
        const float x3 = x[t * 96 + 12];
        parts[t * 16 + 15] = x3;
    }
}

// k6
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k6(__global const float *restrict x,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float8 x1 = ld8(x + t * 96);
        st8(parts + t * 16 + 4, x1);
        const float4 x2 = ld4(x + t * 96 + 8);
        st4(parts + t * 16 + 12, x2);
    }
}

// k7
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k7(__global const float *restrict x,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float8 x1 = ld8(x + t * 96);
        st8(parts + t * 16 + 5, x1);
        const float2 x2 = ld2(x + t * 96 + 8);
        st2(parts + t * 16 + 13, x2);
        const float x3 = x[t * 96 + 10];
        parts[t * 16 + 15] = x3;
    }
}

// k8
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes add[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k8(__global const float *restrict parts,
    __global const float *restrict u,
    __global const float *restrict x,
    __global float *restrict add,
    const int offset) {
    float16 acc = (float16)(0.0f);
    float16 acc1 = (float16)(0.0f);
    float16 acc2 = (float16)(0.0f);
    float16 acc3 = (float16)(0.0f);
    float16 acc4 = (float16)(0.0f);
    float16 acc5 = (float16)(0.0f);
    float16 acc6 = (float16)(0.0f);
    float16 acc7 = (float16)(0.0f);
    float16 acc8 = (float16)(0.0f);
    float16 acc9 = (float16)(0.0f);
    float16 acc10 = (float16)(0.0f);
    float16 acc11 = (float16)(0.0f);
    float16 acc12 = (float16)(0.0f);
    float16 acc13 = (float16)(0.0f);
    float16 acc14 = (float16)(0.0f);
    float16 acc15 = (float16)(0.0f);
    for (int k = 0; k < 16; k++) {
        const float parts1 = parts[k];
        const float16 u1 = ld16(u + k * 16);
        acc = fma((float16)(parts1), u1, acc);
        const float parts2 = parts[k + 16];
        acc1 = fma((float16)(parts2), u1, acc1);
        const float parts3 = parts[k + 32];
        acc2 = fma((float16)(parts3), u1, acc2);
        const float parts4 = parts[k + 48];
        acc3 = fma((float16)(parts4), u1, acc3);
        const float parts5 = parts[k + 64];
        acc4 = fma((float16)(parts5), u1, acc4);
        const float parts6 = parts[k + 80];
        acc5 = fma((float16)(parts6), u1, acc5);
        const float parts7 = parts[k + 96];
        acc6 = fma((float16)(parts7), u1, acc6);
        const float parts8 = parts[k + 112];
        acc7 = fma((float16)(parts8), u1, acc7);
        const float parts9 = parts[k + 128];
        acc8 = fma((float16)(parts9), u1, acc8);
        const float parts10 = parts[k + 144];
        acc9 = fma((float16)(parts10), u1, acc9);
        const float parts11 = parts[k + 160];
        acc10 = fma((float16)(parts11), u1, acc10);
        const float parts12 = parts[k + 176];
        acc11 = fma((float16)(parts12), u1, acc11);
        const float parts13 = parts[k + 192];
        acc12 = fma((float16)(parts13), u1, acc12);
        const float parts14 = parts[k + 208];
        acc13 = fma((float16)(parts14), u1, acc13);
        const float parts15 = parts[k + 224];
        acc14 = fma((float16)(parts15), u1, acc14);
        const float parts16 = parts[k + 240];
        acc15 = fma((float16)(parts16), u1, acc15);
    }
    const float x1 = x[offset + 15];
    const float x2 = x[offset + 14];
    const float x3 = x[offset + 13];
    const float x4 = x[offset + 12];
    const float x5 = x[offset + 11];
    const float x6 = x[offset + 10];
    const float x7 = x[offset + 9];
    const float x8 = x[offset + 8];
    const float x9 = x[offset + 7];
    const float x10 = x[offset + 6];
    const float x11 = x[offset + 5];
    const float x12 = x[offset + 4];
    const float x13 = x[offset + 3];
    const float x14 = x[offset + 2];
    const float x15 = x[offset + 1];
    const float x16 = x[offset];
    const float16 x17 = (float16)(x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16);
    st16(add, acc + x17);
    const float x18 = x[offset + 111];
    const float x19 = x[offset + 110];
    const float x20 = x[offset + 109];
    const float x21 = x[offset + 108];
    const float x22 = x[offset + 107];
    const float x23 = x[offset + 106];
    const float x24 = x[offset + 105];
    const float x25 = x[offset + 104];
    const float x26 = x[offset + 103];
    const float x27 = x[offset + 102];
    const float x28 = x[offset + 101];
    const float x29 = x[offset + 100];
    const float x30 = x[offset + 99];
    const float x31 = x[offset + 98];
    const float x32 = x[offset + 97];
    const float x33 = x[offset + 96];
    const float16 x34 = (float16)(x18, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30, x31, x32, x33);
    st16(add + 16, acc1 + x34);
    const float x35 = x[offset + 207];
    const float x36 = x[offset + 206];
    const float x37 = x[offset + 205];
    const float x38 = x[offset + 204];
    const float x39 = x[offset + 203];
    const float x40 = x[offset + 202];
    const float x41 = x[offset + 201];
    const float x42 = x[offset + 200];
    const float x43 = x[offset + 199];
    const float x44 = x[offset + 198];
    const float x45 = x[offset + 197];
    const float x46 = x[offset + 196];
    const float x47 = x[offset + 195];
    const float x48 = x[offset + 194];
    const float x49 = x[offset + 193];
    const float x50 = x[offset + 192];
    const float16 x51 = (float16)(x35, x36, x37, x38, x39, x40, x41, x42, x43, x44, x45, x46, x47, x48, x49, x50);
    st16(add + 32, acc2 + x51);
    const float x52 = x[offset + 303];
    const float x53 = x[offset + 302];
    const float x54 = x[offset + 301];
    const float x55 = x[offset + 300];
    const float x56 = x[offset + 299];
    const float x57 = x[offset + 298];
    const float x58 = x[offset + 297];
    const float x59 = x[offset + 296];
    const float x60 = x[offset + 295];
    const float x61 = x[offset + 294];
    const float x62 = x[offset + 293];
    const float x63 = x[offset + 292];
    const float x64 = x[offset + 291];
    const float x65 = x[offset + 290];
    const float x66 = x[offset + 289];
    const float x67 = x[offset + 288];
    const float16 x68 = (float16)(x52, x53, x54, x55, x56, x57, x58, x59, x60, x61, x62, x63, x64, x65, x66, x67);
    st16(add + 48, acc3 + x68);
    const float x69 = x[offset + 399];
    const float x70 = x[offset + 398];
    const float x71 = x[offset + 397];
    const float x72 = x[offset + 396];
    const float x73 = x[offset + 395];
    const float x74 = x[offset + 394];
    const float x75 = x[offset + 393];
    const float x76 = x[offset + 392];
    const float x77 = x[offset + 391];
    const float x78 = x[offset + 390];
    const float x79 = x[offset + 389];
    const float x80 = x[offset + 388];
    const float x81 = x[offset + 387];
    const float x82 = x[offset + 386];
    const float x83 = x[offset + 385];
    const float x84 = x[offset + 384];
    const float16 x85 = (float16)(x69, x70, x71, x72, x73, x74, x75, x76, x77, x78, x79, x80, x81, x82, x83, x84);
    st16(add + 64, acc4 + x85);
    const float x86 = x[offset + 495];
    const float x87 = x[offset + 494];
    const float x88 = x[offset + 493];
    const float x89 = x[offset + 492];
    const float x90 = x[offset + 491];
    const float x91 = x[offset + 490];
    const float x92 = x[offset + 489];
    const float x93 = x[offset + 488];
    const float x94 = x[offset + 487];
    const float x95 = x[offset + 486];
    const float x96 = x[offset + 485];
    const float x97 = x[offset + 484];
    const float x98 = x[offset + 483];
    const float x99 = x[offset + 482];
    const float x100 = x[offset + 481];
    const float x101 = x[offset + 480];
    const float16 x102 = (float16)(x86, x87, x88, x89, x90, x91, x92, x93, x94, x95, x96, x97, x98, x99, x100, x101);
    st16(add + 80, acc5 + x102);
    const float x103 = x[offset + 591];
    const float x104 = x[offset + 590];
    const float x105 = x[offset + 589];
    const float x106 = x[offset + 588];
    const float x107 = x[offset + 587];
    const float x108 = x[offset + 586];
    const float x109 = x[offset + 585];
    const float x110 = x[offset + 584];
    const float x111 = x[offset + 583];
    const float x112 = x[offset + 582];
    const float x113 = x[offset + 581];
    const float x114 = x[offset + 580];
    const float x115 = x[offset + 579];
    const float x116 = x[offset + 578];
    const float x117 = x[offset + 577];
    const float x118 = x[offset + 576];
    const float16 x119 = (float16)(x103, x104, x105, x106, x107, x108, x109, x110, x111, x112, x113, x114, x115, x116, x117, x118);
    st16(add + 96, acc6 + x119);
    const float x120 = x[offset + 687];
    const float x121 = x[offset + 686];
    const float x122 = x[offset + 685];
    const float x123 = x[offset + 684];
    const float x124 = x[offset + 683];
    const float x125 = x[offset + 682];
    const float x126 = x[offset + 681];
    const float x127 = x[offset + 680];
    const float x128 = x[offset + 679];
    const float x129 = x[offset + 678];
    const float x130 = x[offset + 677];
    const float x131 = x[offset + 676];
    const float x132 = x[offset + 675];
    const float x133 = x[offset + 674];
    const float x134 = x[offset + 673];
    const float x135 = x[offset + 672];
    const float16 x136 = (float16)(x120, x121, x122, x123, x124, x125, x126, x127, x128, x129, x130, x131, x132, x133, x134, x135);
    st16(add + 112, acc7 + x136);
    const float x137 = x[offset + 783];
    const float x138 = x[offset + 782];
    const float x139 = x[offset + 781];
    const float x140 = x[offset + 780];
    const float x141 = x[offset + 779];
    const float x142 = x[offset + 778];
    const float x143 = x[offset + 777];
    const float x144 = x[offset + 776];
    const float x145 = x[offset + 775];
    const float x146 = x[offset + 774];
    const float x147 = x[offset + 773];
    const float x148 = x[offset + 772];
    const float x149 = x[offset + 771];
    const float x150 = x[offset + 770];
    const float x151 = x[offset + 769];
    const float x152 = x[offset + 768];
    const float16 x153 = (float16)(x137, x138, x139, x140, x141, x142, x143, x144, x145, x146, x147, x148, x149, x150, x151, x152);
    st16(add + 128, acc8 + x153);
    const float x154 = x[offset + 879];
    const float x155 = x[offset + 878];
    const float x156 = x[offset + 877];
    const float x157 = x[offset + 876];
    const float x158 = x[offset + 875];
    const float x159 = x[offset + 874];
    const float x160 = x[offset + 873];
    const float x161 = x[offset + 872];
    const float x162 = x[offset + 871];
    const float x163 = x[offset + 870];
    const float x164 = x[offset + 869];
    const float x165 = x[offset + 868];
    const float x166 = x[offset + 867];
    const float x167 = x[offset + 866];
    const float x168 = x[offset + 865];
    const float x169 = x[offset + 864];
    const float16 x170 = (float16)(x154, x155, x156, x157, x158, x159, x160, x161, x162, x163, x164, x165, x166, x167, x168, x169);
    st16(add + 144, acc9 + x170);
    const float x171 = x[offset + 975];
    const float x172 = x[offset + 974];
    const float x173 = x[offset + 973];
    const float x174 = x[offset + 972];
    const float x175 = x[offset + 971];
    const float x176 = x[offset + 970];
    const float x177 = x[offset + 969];
    const float x178 = x[offset + 968];
    const float x179 = x[offset + 967];
    const float x180 = x[offset + 966];
    const float x181 = x[offset + 965];
    const float x182 = x[offset + 964];
    const float x183 = x[offset + 963];
    const float x184 = x[offset + 962];
    const float x185 = x[offset + 961];
    const float x186 = x[offset + 960];
    const float16 x187 = (float16)(x171, x172, x173, x174, x175, x176, x177, x178, x179, x180, x181, x182, x183, x184, x185, x186);
    st16(add + 160, acc10 + x187);
    const float x188 = x[offset + 1071];
    const float x189 = x[offset + 1070];
    const float x190 = x[offset + 1069];
    const float x191 = x[offset + 1068];
    const float x192 = x[offset + 1067];
    const float x193 = x[offset + 1066];
    const float x194 = x[offset + 1065];
    const float x195 = x[offset + 1064];
    const float x196 = x[offset + 1063];
    const float x197 = x[offset + 1062];
    const float x198 = x[offset + 1061];
    const float x199 = x[offset + 1060];
    const float x200 = x[offset + 1059];
    const float x201 = x[offset + 1058];
    const float x202 = x[offset + 1057];
    const float x203 = x[offset + 1056];
    const float16 x204 = (float16)(x188, x189, x190, x191, x192, x193, x194, x195, x196, x197, x198, x199, x200, x201, x202, x203);
    st16(add + 176, acc11 + x204);
    const float x205 = x[offset + 1167];
    const float x206 = x[offset + 1166];
    const float x207 = x[offset + 1165];
    const float x208 = x[offset + 1164];
    const float x209 = x[offset + 1163];
    const float x210 = x[offset + 1162];
    const float x211 = x[offset + 1161];
    const float x212 = x[offset + 1160];
    const float x213 = x[offset + 1159];
    const float x214 = x[offset + 1158];
    const float x215 = x[offset + 1157];
    const float x216 = x[offset + 1156];
    const float x217 = x[offset + 1155];
    const float x218 = x[offset + 1154];
    const float x219 = x[offset + 1153];
    const float x220 = x[offset + 1152];
    const float16 x221 = (float16)(x205, x206, x207, x208, x209, x210, x211, x212, x213, x214, x215, x216, x217, x218, x219, x220);
    st16(add + 192, acc12 + x221);
    const float x222 = x[offset + 1263];
    const float x223 = x[offset + 1262];
    const float x224 = x[offset + 1261];
    const float x225 = x[offset + 1260];
    const float x226 = x[offset + 1259];
    const float x227 = x[offset + 1258];
    const float x228 = x[offset + 1257];
    const float x229 = x[offset + 1256];
    const float x230 = x[offset + 1255];
    const float x231 = x[offset + 1254];
    const float x232 = x[offset + 1253];
    const float x233 = x[offset + 1252];
    const float x234 = x[offset + 1251];
    const float x235 = x[offset + 1250];
    const float x236 = x[offset + 1249];
    const float x237 = x[offset + 1248];
    const float16 x238 = (float16)(x222, x223, x224, x225, x226, x227, x228, x229, x230, x231, x232, x233, x234, x235, x236, x237);
    st16(add + 208, acc13 + x238);
    const float x239 = x[offset + 1359];
    const float x240 = x[offset + 1358];
    const float x241 = x[offset + 1357];
    const float x242 = x[offset + 1356];
    const float x243 = x[offset + 1355];
    const float x244 = x[offset + 1354];
    const float x245 = x[offset + 1353];
    const float x246 = x[offset + 1352];
    const float x247 = x[offset + 1351];
    const float x248 = x[offset + 1350];
    const float x249 = x[offset + 1349];
    const float x250 = x[offset + 1348];
    const float x251 = x[offset + 1347];
    const float x252 = x[offset + 1346];
    const float x253 = x[offset + 1345];
    const float x254 = x[offset + 1344];
    const float16 x255 = (float16)(x239, x240, x241, x242, x243, x244, x245, x246, x247, x248, x249, x250, x251, x252, x253, x254);
    st16(add + 224, acc14 + x255);
    const float x256 = x[offset + 1455];
    const float x257 = x[offset + 1454];
    const float x258 = x[offset + 1453];
    const float x259 = x[offset + 1452];
    const float x260 = x[offset + 1451];
    const float x261 = x[offset + 1450];
    const float x262 = x[offset + 1449];
    const float x263 = x[offset + 1448];
    const float x264 = x[offset + 1447];
    const float x265 = x[offset + 1446];
    const float x266 = x[offset + 1445];
    const float x267 = x[offset + 1444];
    const float x268 = x[offset + 1443];
    const float x269 = x[offset + 1442];
    const float x270 = x[offset + 1441];
    const float x271 = x[offset + 1440];
    const float16 x272 = (float16)(x256, x257, x258, x259, x260, x261, x262, x263, x264, x265, x266, x267, x268, x269, x270, x271);
    st16(add + 240, acc15 + x272);
}

// k9
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k9(__global const float *restrict add,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float2 add1 = ld2(add + t * 16 + 14);
        st2(parts + t * 16, add1);
    }
}

// k10
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k10(__global const float *restrict add,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float2 add1 = ld2(add + t * 16 + 13);
        st2(parts + t * 16, add1);
        const float add2 = add[t * 16 + 15];
        parts[t * 16 + 2] = add2;
    }
}

// k11
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k11(__global const float *restrict add,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float4 add1 = ld4(add + t * 16 + 12);
        st4(parts + t * 16, add1);
    }
}

// k12
//   28      b = concat(b[:, 16 - t:], x[:, 0:16 - t], axis = 1) @ u + x[:, 90 - t:80 - t - 6:-1]
// makes parts[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k12(__global const float *restrict add,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float4 add1 = ld4(add + t * 16 + 11);
        st4(parts + t * 16, add1);
        const float add2 = add[t * 16 + 15];
        parts[t * 16 + 4] = add2;
    }
}

// k13
//   33      c = sin(c @ reshape(x[t, 0:64], 64, 1) * 0.02 + x[4 * t:4 * t + 4, 32:]) * 0.5 + y[q[t ...
// makes mul[4x1]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k13(__global const float *restrict x,
    __global float *restrict mul) {
    for (int t = 0; t < 4; t++) {
        float16 sum = (float16)(0.0f);
        for (int i = 0; i < 64; i += 16) {
            const float16 x1 = ld16(x + t * 96 + i);
            const float16 x2 = ld16(x + i + 96);
            sum = fma(x1, x2, sum);
        }
        mul[t] = sum_lanes16(sum) * 0.02f;
    }
}

// k14
//   33      c = sin(c @ reshape(x[t, 0:64], 64, 1) * 0.02 + x[4 * t:4 * t + 4, 32:]) * 0.5 + y[q[t ...
// makes add[4x64]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k14(__global const float *restrict mul,
    __global const float *restrict x,
    __global const int *restrict q,
    __global const float *restrict y,
    __global float *restrict add,
    const int offset,
    const int offset1,
    const int offset2) {
    for (int t = 0; t < 4; t++) {
        const float mul1 = mul[t];
        const float16 x1 = ld16(x + t * 96 + offset);
        const int q1 = q[offset1];
        const int v = (0 <= q1) & (q1 < 7);
        const int row = v ? q1 : 0;
        const float y1 = y[row * 16 + offset2];
        const float v1 = v ? y1 : NAN;
        st16(add + t * 64, sine16(mul1 + x1) * 0.5f + v1);
        const float16 x2 = ld16(x + t * 96 + offset + 16);
        st16(add + t * 64 + 16, sine16(mul1 + x2) * 0.5f + v1);
        const float16 x3 = ld16(x + t * 96 + offset + 32);
        st16(add + t * 64 + 32, sine16(mul1 + x3) * 0.5f + v1);
        const float16 x4 = ld16(x + t * 96 + offset + 48);
        st16(add + t * 64 + 48, sine16(mul1 + x4) * 0.5f + v1);
    }
}

// k15
//   33      c = sin(c @ reshape(x[t, 0:64], 64, 1) * 0.02 + x[4 * t:4 * t + 4, 32:]) * 0.5 + y[q[t ...
// makes mul[4x1]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k15(__global const float *restrict add,
    __global const float *restrict x,
    __global float *restrict mul,
    const int offset) {
    for (int t = 0; t < 4; t++) {
        float16 sum = (float16)(0.0f);
        for (int i = 0; i < 64; i += 16) {
            const float16 add1 = ld16(add + t * 64 + i);
            const float16 x1 = ld16(x + i + offset);
            sum = fma(add1, x1, sum);
        }
        mul[t] = sum_lanes16(sum) * 0.02f;
    }
}

// k16
//   42      d, ds = scan t in 0..5 with d = d {
// makes carried[6]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k16(__global const float *restrict xs,
    __global float *restrict carried) {
    const float4 xs1 = ld4(xs);
    st4(carried, xs1);
    const float2 xs2 = ld2(xs + 4);
    st2(carried + 4, xs2);
}

// k17
//   49  f, fs = scan t in 0..5 with f = zeros(6) {
// makes carried[6]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k17(__global float *restrict carried) {
    st4(carried, (float4)(0.0f));
    st2(carried + 4, (float2)(0.0f));
}

// k18
//   43          d = tanh(d @ v + xs[t, 6 * s:6 * s + 6])
// makes dot[6]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k18(__global const float *restrict carried,
    __global const float *restrict v,
    __global float *restrict dot) {
    float4 acc = (float4)(0.0f);
    float2 acc1 = (float2)(0.0f);
    for (int k = 0; k < 6; k++) {
        const float carried1 = carried[k];
        const float4 v1 = ld4(v + k * 6);
        acc = fma((float4)(carried1), v1, acc);
        const float2 v2 = ld2(v + k * 6 + 4);
        acc1 = fma((float2)(carried1), v2, acc1);
    }
    st4(dot, acc);
    st2(dot + 4, acc1);
}

// k19
//   43          d = tanh(d @ v + xs[t, 6 * s:6 * s + 6])
// makes carried[6], d[5x6]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k19(__global const float *restrict dot,
    __global const float *restrict xs,
    __global float *restrict carried,
    __global float *restrict d,
    const int t,
    const int offset) {
    const float4 dot1 = ld4(dot);
    const float4 xs1 = ld4(xs + t * 24 + offset);
    const float4 d1 = tanh(dot1 + xs1);
    st4(carried, d1);
    st4(d + t * 6, d1);
    const float2 dot2 = ld2(dot + 4);
    const float2 xs2 = ld2(xs + t * 24 + offset + 4);
    const float2 d2 = tanh(dot2 + xs2);
    st2(carried + 4, d2);
    st2(d + t * 6 + 4, d2);
}

// k20
//   51          f = tanh(f @ v + xs[4 - t, 6 * s:6 * s + 6] * y[s, t])
// makes tanh[6]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k20(__global const float *restrict tanh1,
    __global const float *restrict v,
    __global const float *restrict xs,
    __global const float *restrict y,
    __global float *restrict tanh2,
    const int t,
    const int offset,
    const int offset1) {
    float4 acc = (float4)(0.0f);
    float2 acc1 = (float2)(0.0f);
    for (int k = 0; k < 6; k++) {
        const float tanh3 = tanh1[k];
        const float4 v1 = ld4(v + k * 6);
        acc = fma((float4)(tanh3), v1, acc);
        const float2 v2 = ld2(v + k * 6 + 4);
        acc1 = fma((float2)(tanh3), v2, acc1);
    }
    const float4 xs1 = ld4(xs + -t * 24 + offset);
    const float y1 = y[t + offset1];
    st4(tanh2, tanh(acc + xs1 * y1));
    const float2 xs2 = ld2(xs + -t * 24 + offset + 4);
    st2(tanh2 + 4, tanh(acc1 + xs2 * y1));
}

// k21
//   51          f = tanh(f @ v + xs[4 - t, 6 * s:6 * s + 6] * y[s, t])
// makes carried[6], f[5x6]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k21(__global const float *restrict tanh1,
    __global const float *restrict v,
    __global const float *restrict xs,
    __global const float *restrict y,
    __global float *restrict carried,
    __global float *restrict f,
    const int t) {
    float4 acc = (float4)(0.0f);
    float2 acc1 = (float2)(0.0f);
    for (int k = 0; k < 6; k++) {
        const float tanh2 = tanh1[k];
        const float4 v1 = ld4(v + k * 6);
        acc = fma((float4)(tanh2), v1, acc);
        const float2 v2 = ld2(v + k * 6 + 4);
        acc1 = fma((float2)(tanh2), v2, acc1);
    }
    const float4 xs1 = ld4(xs + -t * 24 + 114);
    const float y1 = y[t + 48];
    const float4 f1 = tanh(acc + xs1 * y1);
    st4(carried, f1);
    st4(f + t * 6, f1);
    const float2 xs2 = ld2(xs + -t * 24 + 118);
    const float2 f2 = tanh(acc1 + xs2 * y1);
    st2(carried + 4, f2);
    st2(f + t * 6 + 4, f2);
}

// k22
//   42      d, ds = scan t in 0..5 with d = d {
//   46      d = d + sum(ds, axis = 0) * 0.1
// makes carried[6]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k22(__global const float *restrict d,
    __global const float *restrict carried,
    __global float *restrict carried1) {
    float4 acc = (float4)(0.0f);
    float2 acc1 = (float2)(0.0f);
    for (int k = 0; k < 5; k++) {
        const float4 d1 = ld4(d + k * 6);
        acc = acc + d1;
        const float2 d2 = ld2(d + k * 6 + 4);
        acc1 = acc1 + d2;
    }
    const float4 carried2 = ld4(carried);
    st4(carried1, carried2 + acc * 0.1f);
    const float2 carried3 = ld2(carried + 4);
    st2(carried1 + 4, carried3 + acc1 * 0.1f);
}

// k23
//   49  f, fs = scan t in 0..5 with f = zeros(6) {
// makes fs[5x6]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k23(__global const float *restrict f,
    __global float *restrict fs) {
    const float16 f1 = ld16(f);
    st16(fs, f1);
    const float8 f2 = ld8(f + 16);
    st8(fs + 16, f2);
    const float4 f3 = ld4(f + 24);
    st4(fs + 24, f3);
    const float2 f4 = ld2(f + 28);
    st2(fs + 28, f4);
}

// k24
//   23      a = tanh(a @ u + x[:, 16 * t:16 * t + 16] * y[t]) + reshape(where(q[:, t] == t, 0.5, z ...
//   60      h = tanh(h @ u + e[:, 16 * t:16 * t + 16])
// makes parts[96x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k24(__global const float *restrict x,
    __global const float *restrict u,
    __global const float *restrict e,
    __global float *restrict parts) {
    float16 acc = (float16)(0.0f);
    float16 acc1 = (float16)(0.0f);
    float16 acc2 = (float16)(0.0f);
    float16 acc3 = (float16)(0.0f);
    float16 acc4 = (float16)(0.0f);
    float16 acc5 = (float16)(0.0f);
    float16 acc6 = (float16)(0.0f);
    float16 acc7 = (float16)(0.0f);
    float16 acc8 = (float16)(0.0f);
    float16 acc9 = (float16)(0.0f);
    float16 acc10 = (float16)(0.0f);
    float16 acc11 = (float16)(0.0f);
    float16 acc12 = (float16)(0.0f);
    float16 acc13 = (float16)(0.0f);
    float16 acc14 = (float16)(0.0f);
    float16 acc15 = (float16)(0.0f);
    for (int k = 0; k < 16; k++) {
        const float x1 = x[k];
        const float16 u1 = ld16(u + k * 16);
        acc = fma((float16)(x1), u1, acc);
        const float x2 = x[k + 96];
        acc1 = fma((float16)(x2), u1, acc1);
        const float x3 = x[k + 192];
        acc2 = fma((float16)(x3), u1, acc2);
        const float x4 = x[k + 288];
        acc3 = fma((float16)(x4), u1, acc3);
        const float x5 = x[k + 384];
        acc4 = fma((float16)(x5), u1, acc4);
        const float x6 = x[k + 480];
        acc5 = fma((float16)(x6), u1, acc5);
        const float x7 = x[k + 576];
        acc6 = fma((float16)(x7), u1, acc6);
        const float x8 = x[k + 672];
        acc7 = fma((float16)(x8), u1, acc7);
        const float x9 = x[k + 768];
        acc8 = fma((float16)(x9), u1, acc8);
        const float x10 = x[k + 864];
        acc9 = fma((float16)(x10), u1, acc9);
        const float x11 = x[k + 960];
        acc10 = fma((float16)(x11), u1, acc10);
        const float x12 = x[k + 1056];
        acc11 = fma((float16)(x12), u1, acc11);
        const float x13 = x[k + 1152];
        acc12 = fma((float16)(x13), u1, acc12);
        const float x14 = x[k + 1248];
        acc13 = fma((float16)(x14), u1, acc13);
        const float x15 = x[k + 1344];
        acc14 = fma((float16)(x15), u1, acc14);
        const float x16 = x[k + 1440];
        acc15 = fma((float16)(x16), u1, acc15);
    }
    const float16 e1 = ld16(e);
    st16(parts + 256, tanh(acc + e1));
    const float16 e2 = ld16(e + 96);
    st16(parts + 272, tanh(acc1 + e2));
    const float16 e3 = ld16(e + 192);
    st16(parts + 288, tanh(acc2 + e3));
    const float16 e4 = ld16(e + 288);
    st16(parts + 304, tanh(acc3 + e4));
    const float16 e5 = ld16(e + 384);
    st16(parts + 320, tanh(acc4 + e5));
    const float16 e6 = ld16(e + 480);
    st16(parts + 336, tanh(acc5 + e6));
    const float16 e7 = ld16(e + 576);
    st16(parts + 352, tanh(acc6 + e7));
    const float16 e8 = ld16(e + 672);
    st16(parts + 368, tanh(acc7 + e8));
    const float16 e9 = ld16(e + 768);
    st16(parts + 384, tanh(acc8 + e9));
    const float16 e10 = ld16(e + 864);
    st16(parts + 400, tanh(acc9 + e10));
    const float16 e11 = ld16(e + 960);
    st16(parts + 416, tanh(acc10 + e11));
    const float16 e12 = ld16(e + 1056);
    st16(parts + 432, tanh(acc11 + e12));
    const float16 e13 = ld16(e + 1152);
    st16(parts + 448, tanh(acc12 + e13));
    const float16 e14 = ld16(e + 1248);
    st16(parts + 464, tanh(acc13 + e14));
    const float16 e15 = ld16(e + 1344);
    st16(parts + 480, tanh(acc14 + e15));
    const float16 e16 = ld16(e + 1440);
    st16(parts + 496, tanh(acc15 + e16));
}

// k25
//   60      h = tanh(h @ u + e[:, 16 * t:16 * t + 16])
// makes copy[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k25(__global const float *restrict u,
    __global float *restrict copy) {
    for (int t = 0; t < 16; t++) {
        const float u1 = u[t];
        const float u2 = u[t + 16];
        const float u3 = u[t + 32];
        const float u4 = u[t + 48];
        const float u5 = u[t + 64];
        const float u6 = u[t + 80];
        const float u7 = u[t + 96];
        const float u8 = u[t + 112];
        const float u9 = u[t + 128];
        const float u10 = u[t + 144];
        const float u11 = u[t + 160];
        const float u12 = u[t + 176];
        const float u13 = u[t + 192];
        const float u14 = u[t + 208];
        const float u15 = u[t + 224];
        const float u16 = u[t + 240];
        const float16 u17 = (float16)(u1, u2, u3, u4, u5, u6, u7, u8, u9, u10, u11, u12, u13, u14, u15, u16);
        st16(copy + t * 16, u17);
    }
}

// k26
//   23      a = tanh(a @ u + x[:, 16 * t:16 * t + 16] * y[t]) + reshape(where(q[:, t] == t, 0.5, z ...
// makes parts[96x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k26(__global const float *restrict x,
    __global float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float16 x1 = ld16(x + t * 96);
        st16(parts + t * 16, x1);
    }
}

// k27
//   60      h = tanh(h @ u + e[:, 16 * t:16 * t + 16])
// makes parts[96x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k27(__global float *restrict parts,
    __global const float *restrict u,
    __global const float *restrict e,
    const int offset,
    const int offset1) {
    float16 acc = (float16)(0.0f);
    float16 acc1 = (float16)(0.0f);
    float16 acc2 = (float16)(0.0f);
    float16 acc3 = (float16)(0.0f);
    float16 acc4 = (float16)(0.0f);
    float16 acc5 = (float16)(0.0f);
    float16 acc6 = (float16)(0.0f);
    float16 acc7 = (float16)(0.0f);
    float16 acc8 = (float16)(0.0f);
    float16 acc9 = (float16)(0.0f);
    float16 acc10 = (float16)(0.0f);
    float16 acc11 = (float16)(0.0f);
    float16 acc12 = (float16)(0.0f);
    float16 acc13 = (float16)(0.0f);
    float16 acc14 = (float16)(0.0f);
    float16 acc15 = (float16)(0.0f);
    for (int k = 0; k < 16; k++) {
        const float parts1 = parts[k + offset];
        const float16 u1 = ld16(u + k * 16);
        acc = fma((float16)(parts1), u1, acc);
        const float parts2 = parts[k + offset + 16];
        acc1 = fma((float16)(parts2), u1, acc1);
        const float parts3 = parts[k + offset + 32];
        acc2 = fma((float16)(parts3), u1, acc2);
        const float parts4 = parts[k + offset + 48];
        acc3 = fma((float16)(parts4), u1, acc3);
        const float parts5 = parts[k + offset + 64];
        acc4 = fma((float16)(parts5), u1, acc4);
        const float parts6 = parts[k + offset + 80];
        acc5 = fma((float16)(parts6), u1, acc5);
        const float parts7 = parts[k + offset + 96];
        acc6 = fma((float16)(parts7), u1, acc6);
        const float parts8 = parts[k + offset + 112];
        acc7 = fma((float16)(parts8), u1, acc7);
        const float parts9 = parts[k + offset + 128];
        acc8 = fma((float16)(parts9), u1, acc8);
        const float parts10 = parts[k + offset + 144];
        acc9 = fma((float16)(parts10), u1, acc9);
        const float parts11 = parts[k + offset + 160];
        acc10 = fma((float16)(parts11), u1, acc10);
        const float parts12 = parts[k + offset + 176];
        acc11 = fma((float16)(parts12), u1, acc11);
        const float parts13 = parts[k + offset + 192];
        acc12 = fma((float16)(parts13), u1, acc12);
        const float parts14 = parts[k + offset + 208];
        acc13 = fma((float16)(parts14), u1, acc13);
        const float parts15 = parts[k + offset + 224];
        acc14 = fma((float16)(parts15), u1, acc14);
        const float parts16 = parts[k + offset + 240];
        acc15 = fma((float16)(parts16), u1, acc15);
    }
    const float16 e1 = ld16(e + offset1);
    st16(parts + offset + 256, tanh(acc + e1));
    const float16 e2 = ld16(e + offset1 + 96);
    st16(parts + offset + 272, tanh(acc1 + e2));
    const float16 e3 = ld16(e + offset1 + 192);
    st16(parts + offset + 288, tanh(acc2 + e3));
    const float16 e4 = ld16(e + offset1 + 288);
    st16(parts + offset + 304, tanh(acc3 + e4));
    const float16 e5 = ld16(e + offset1 + 384);
    st16(parts + offset + 320, tanh(acc4 + e5));
    const float16 e6 = ld16(e + offset1 + 480);
    st16(parts + offset + 336, tanh(acc5 + e6));
    const float16 e7 = ld16(e + offset1 + 576);
    st16(parts + offset + 352, tanh(acc6 + e7));
    const float16 e8 = ld16(e + offset1 + 672);
    st16(parts + offset + 368, tanh(acc7 + e8));
    const float16 e9 = ld16(e + offset1 + 768);
    st16(parts + offset + 384, tanh(acc8 + e9));
    const float16 e10 = ld16(e + offset1 + 864);
    st16(parts + offset + 400, tanh(acc9 + e10));
    const float16 e11 = ld16(e + offset1 + 960);
    st16(parts + offset + 416, tanh(acc10 + e11));
    const float16 e12 = ld16(e + offset1 + 1056);
    st16(parts + offset + 432, tanh(acc11 + e12));
    const float16 e13 = ld16(e + offset1 + 1152);
    st16(parts + offset + 448, tanh(acc12 + e13));
    const float16 e14 = ld16(e + offset1 + 1248);
    st16(parts + offset + 464, tanh(acc13 + e14));
    const float16 e15 = ld16(e + offset1 + 1344);
    st16(parts + offset + 480, tanh(acc14 + e15));
    const float16 e16 = ld16(e + offset1 + 1440);
    st16(parts + offset + 496, tanh(acc15 + e16));
}

// k28
//   60      h = tanh(h @ u + e[:, 16 * t:16 * t + 16])
// makes h[16x16], parts[96x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k28(__global const float *restrict parts,
    __global const float *restrict u,
    __global const float *restrict e,
    __global float *restrict h,
    __global float *restrict parts1) {
    float16 acc = (float16)(0.0f);
    float16 acc1 = (float16)(0.0f);
    float16 acc2 = (float16)(0.0f);
    float16 acc3 = (float16)(0.0f);
    float16 acc4 = (float16)(0.0f);
    float16 acc5 = (float16)(0.0f);
    float16 acc6 = (float16)(0.0f);
    float16 acc7 = (float16)(0.0f);
    float16 acc8 = (float16)(0.0f);
    float16 acc9 = (float16)(0.0f);
    float16 acc10 = (float16)(0.0f);
    float16 acc11 = (float16)(0.0f);
    float16 acc12 = (float16)(0.0f);
    float16 acc13 = (float16)(0.0f);
    float16 acc14 = (float16)(0.0f);
    float16 acc15 = (float16)(0.0f);
    for (int k = 0; k < 16; k++) {
        const float parts2 = parts[k + 1280];
        const float16 u1 = ld16(u + k * 16);
        acc = fma((float16)(parts2), u1, acc);
        const float parts3 = parts[k + 1296];
        acc1 = fma((float16)(parts3), u1, acc1);
        const float parts4 = parts[k + 1312];
        acc2 = fma((float16)(parts4), u1, acc2);
        const float parts5 = parts[k + 1328];
        acc3 = fma((float16)(parts5), u1, acc3);
        const float parts6 = parts[k + 1344];
        acc4 = fma((float16)(parts6), u1, acc4);
        const float parts7 = parts[k + 1360];
        acc5 = fma((float16)(parts7), u1, acc5);
        const float parts8 = parts[k + 1376];
        acc6 = fma((float16)(parts8), u1, acc6);
        const float parts9 = parts[k + 1392];
        acc7 = fma((float16)(parts9), u1, acc7);
        const float parts10 = parts[k + 1408];
        acc8 = fma((float16)(parts10), u1, acc8);
        const float parts11 = parts[k + 1424];
        acc9 = fma((float16)(parts11), u1, acc9);
        const float parts12 = parts[k + 1440];
        acc10 = fma((float16)(parts12), u1, acc10);
        const float parts13 = parts[k + 1456];
        acc11 = fma((float16)(parts13), u1, acc11);
        const float parts14 = parts[k + 1472];
        acc12 = fma((float16)(parts14), u1, acc12);
        const float parts15 = parts[k + 1488];
        acc13 = fma((float16)(parts15), u1, acc13);
        const float parts16 = parts[k + 1504];
        acc14 = fma((float16)(parts16), u1, acc14);
        const float parts17 = parts[k + 1520];
        acc15 = fma((float16)(parts17), u1, acc15);
    }
    const float16 e1 = ld16(e + 80);
    const float16 h1 = tanh(acc + e1);
    const float16 v = 0.00390625f * h1;
    st16(h, h1);
    st16(parts1 + 1280, (v + v) * (1.0f - h1 * h1));
    const float16 e2 = ld16(e + 176);
    const float16 h2 = tanh(acc1 + e2);
    const float16 v1 = 0.00390625f * h2;
    st16(h + 16, h2);
    st16(parts1 + 1296, (v1 + v1) * (1.0f - h2 * h2));
    const float16 e3 = ld16(e + 272);
    const float16 h3 = tanh(acc2 + e3);
    const float16 v2 = 0.00390625f * h3;
    st16(h + 32, h3);
    st16(parts1 + 1312, (v2 + v2) * (1.0f - h3 * h3));
    const float16 e4 = ld16(e + 368);
    const float16 h4 = tanh(acc3 + e4);
    const float16 v3 = 0.00390625f * h4;
    st16(h + 48, h4);
    st16(parts1 + 1328, (v3 + v3) * (1.0f - h4 * h4));
    const float16 e5 = ld16(e + 464);
    const float16 h5 = tanh(acc4 + e5);
    const float16 v4 = 0.00390625f * h5;
    st16(h + 64, h5);
    st16(parts1 + 1344, (v4 + v4) * (1.0f - h5 * h5));
    const float16 e6 = ld16(e + 560);
    const float16 h6 = tanh(acc5 + e6);
    const float16 v5 = 0.00390625f * h6;
    st16(h + 80, h6);
    st16(parts1 + 1360, (v5 + v5) * (1.0f - h6 * h6));
    const float16 e7 = ld16(e + 656);
    const float16 h7 = tanh(acc6 + e7);
    const float16 v6 = 0.00390625f * h7;
    st16(h + 96, h7);
    st16(parts1 + 1376, (v6 + v6) * (1.0f - h7 * h7));
    const float16 e8 = ld16(e + 752);
    const float16 h8 = tanh(acc7 + e8);
    const float16 v7 = 0.00390625f * h8;
    st16(h + 112, h8);
    st16(parts1 + 1392, (v7 + v7) * (1.0f - h8 * h8));
    const float16 e9 = ld16(e + 848);
    const float16 h9 = tanh(acc8 + e9);
    const float16 v8 = 0.00390625f * h9;
    st16(h + 128, h9);
    st16(parts1 + 1408, (v8 + v8) * (1.0f - h9 * h9));
    const float16 e10 = ld16(e + 944);
    const float16 h10 = tanh(acc9 + e10);
    const float16 v9 = 0.00390625f * h10;
    st16(h + 144, h10);
    st16(parts1 + 1424, (v9 + v9) * (1.0f - h10 * h10));
    const float16 e11 = ld16(e + 1040);
    const float16 h11 = tanh(acc10 + e11);
    const float16 v10 = 0.00390625f * h11;
    st16(h + 160, h11);
    st16(parts1 + 1440, (v10 + v10) * (1.0f - h11 * h11));
    const float16 e12 = ld16(e + 1136);
    const float16 h12 = tanh(acc11 + e12);
    const float16 v11 = 0.00390625f * h12;
    st16(h + 176, h12);
    st16(parts1 + 1456, (v11 + v11) * (1.0f - h12 * h12));
    const float16 e13 = ld16(e + 1232);
    const float16 h13 = tanh(acc12 + e13);
    const float16 v12 = 0.00390625f * h13;
    st16(h + 192, h13);
    st16(parts1 + 1472, (v12 + v12) * (1.0f - h13 * h13));
    const float16 e14 = ld16(e + 1328);
    const float16 h14 = tanh(acc13 + e14);
    const float16 v13 = 0.00390625f * h14;
    st16(h + 208, h14);
    st16(parts1 + 1488, (v13 + v13) * (1.0f - h14 * h14));
    const float16 e15 = ld16(e + 1424);
    const float16 h15 = tanh(acc14 + e15);
    const float16 v14 = 0.00390625f * h15;
    st16(h + 224, h15);
    st16(parts1 + 1504, (v14 + v14) * (1.0f - h15 * h15));
    const float16 e16 = ld16(e + 1520);
    const float16 h16 = tanh(acc15 + e16);
    const float16 v15 = 0.00390625f * h16;
    st16(h + 240, h16);
    st16(parts1 + 1520, (v15 + v15) * (1.0f - h16 * h16));
}

// k29
//   62  loss = mean(h * h)
// makes loss[scalar]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k29(__global const float *restrict h,
    __global float *restrict loss) {
    float16 sum = (float16)(0.0f);
    for (int i = 0; i < 256; i += 16) {
        const float16 h1 = ld16(h + i);
        sum = sum + h1 * h1;
    }
    loss[0] = sum_lanes16(sum) * 0.00390625f;
}

// k30
//   60      h = tanh(h @ u + e[:, 16 * t:16 * t + 16])
// makes parts[96x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k30(__global float *restrict parts,
    __global const float *restrict copy,
    __global const float *restrict parts1,
    const int offset) {
    float16 acc = (float16)(0.0f);
    float16 acc1 = (float16)(0.0f);
    float16 acc2 = (float16)(0.0f);
    float16 acc3 = (float16)(0.0f);
    float16 acc4 = (float16)(0.0f);
    float16 acc5 = (float16)(0.0f);
    float16 acc6 = (float16)(0.0f);
    float16 acc7 = (float16)(0.0f);
    float16 acc8 = (float16)(0.0f);
    float16 acc9 = (float16)(0.0f);
    float16 acc10 = (float16)(0.0f);
    float16 acc11 = (float16)(0.0f);
    float16 acc12 = (float16)(0.0f);
    float16 acc13 = (float16)(0.0f);
    float16 acc14 = (float16)(0.0f);
    float16 acc15 = (float16)(0.0f);
    for (int k = 0; k < 16; k++) {
        const float parts2 = parts[k + offset + 256];
        const float16 copy1 = ld16(copy + k * 16);
        acc = fma((float16)(parts2), copy1, acc);
        const float parts3 = parts[k + offset + 272];
        acc1 = fma((float16)(parts3), copy1, acc1);
        const float parts4 = parts[k + offset + 288];
        acc2 = fma((float16)(parts4), copy1, acc2);
        const float parts5 = parts[k + offset + 304];
        acc3 = fma((float16)(parts5), copy1, acc3);
        const float parts6 = parts[k + offset + 320];
        acc4 = fma((float16)(parts6), copy1, acc4);
        const float parts7 = parts[k + offset + 336];
        acc5 = fma((float16)(parts7), copy1, acc5);
        const float parts8 = parts[k + offset + 352];
        acc6 = fma((float16)(parts8), copy1, acc6);
        const float parts9 = parts[k + offset + 368];
        acc7 = fma((float16)(parts9), copy1, acc7);
        const float parts10 = parts[k + offset + 384];
        acc8 = fma((float16)(parts10), copy1, acc8);
        const float parts11 = parts[k + offset + 400];
        acc9 = fma((float16)(parts11), copy1, acc9);
        const float parts12 = parts[k + offset + 416];
        acc10 = fma((float16)(parts12), copy1, acc10);
        const float parts13 = parts[k + offset + 432];
        acc11 = fma((float16)(parts13), copy1, acc11);
        const float parts14 = parts[k + offset + 448];
        acc12 = fma((float16)(parts14), copy1, acc12);
        const float parts15 = parts[k + offset + 464];
        acc13 = fma((float16)(parts15), copy1, acc13);
        const float parts16 = parts[k + offset + 480];
        acc14 = fma((float16)(parts16), copy1, acc14);
        const float parts17 = parts[k + offset + 496];
        acc15 = fma((float16)(parts17), copy1, acc15);
    }
    const float16 parts18 = ld16(parts1 + offset + 256);
    st16(parts + offset, acc * (1.0f - parts18 * parts18));
    const float16 parts19 = ld16(parts1 + offset + 272);
    st16(parts + offset + 16, acc1 * (1.0f - parts19 * parts19));
    const float16 parts20 = ld16(parts1 + offset + 288);
    st16(parts + offset + 32, acc2 * (1.0f - parts20 * parts20));
    const float16 parts21 = ld16(parts1 + offset + 304);
    st16(parts + offset + 48, acc3 * (1.0f - parts21 * parts21));
    const float16 parts22 = ld16(parts1 + offset + 320);
    st16(parts + offset + 64, acc4 * (1.0f - parts22 * parts22));
    const float16 parts23 = ld16(parts1 + offset + 336);
    st16(parts + offset + 80, acc5 * (1.0f - parts23 * parts23));
    const float16 parts24 = ld16(parts1 + offset + 352);
    st16(parts + offset + 96, acc6 * (1.0f - parts24 * parts24));
    const float16 parts25 = ld16(parts1 + offset + 368);
    st16(parts + offset + 112, acc7 * (1.0f - parts25 * parts25));
    const float16 parts26 = ld16(parts1 + offset + 384);
    st16(parts + offset + 128, acc8 * (1.0f - parts26 * parts26));
    const float16 parts27 = ld16(parts1 + offset + 400);
    st16(parts + offset + 144, acc9 * (1.0f - parts27 * parts27));
    const float16 parts28 = ld16(parts1 + offset + 416);
    st16(parts + offset + 160, acc10 * (1.0f - parts28 * parts28));
    const float16 parts29 = ld16(parts1 + offset + 432);
    st16(parts + offset + 176, acc11 * (1.0f - parts29 * parts29));
    const float16 parts30 = ld16(parts1 + offset + 448);
    st16(parts + offset + 192, acc12 * (1.0f - parts30 * parts30));
    const float16 parts31 = ld16(parts1 + offset + 464);
    st16(parts + offset + 208, acc13 * (1.0f - parts31 * parts31));
    const float16 parts32 = ld16(parts1 + offset + 480);
    st16(parts + offset + 224, acc14 * (1.0f - parts32 * parts32));
    const float16 parts33 = ld16(parts1 + offset + 496);
    st16(parts + offset + 240, acc15 * (1.0f - parts33 * parts33));
}

// k31
//   23      a = tanh(a @ u + x[:, 16 * t:16 * t + 16] * y[t]) + reshape(where(q[:, t] == t, 0.5, z ...
//   63  entry train -> loss { minimize loss by sgd(lr = 0.1) }
// makes u[16x16]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k31(__global const float *restrict parts,
    __global const float *restrict parts1,
    __global float *restrict u) {
    float16 acc = (float16)(0.0f);
    float16 acc1 = (float16)(0.0f);
    float16 acc2 = (float16)(0.0f);
    float16 acc3 = (float16)(0.0f);
    float16 acc4 = (float16)(0.0f);
    float16 acc5 = (float16)(0.0f);
    float16 acc6 = (float16)(0.0f);
    float16 acc7 = (float16)(0.0f);
    float16 acc8 = (float16)(0.0f);
    float16 acc9 = (float16)(0.0f);
    float16 acc10 = (float16)(0.0f);
    float16 acc11 = (float16)(0.0f);
    float16 acc12 = (float16)(0.0f);
    float16 acc13 = (float16)(0.0f);
    float16 acc14 = (float16)(0.0f);
    float16 acc15 = (float16)(0.0f);
    for (int k = 0; k < 96; k++) {
        const float parts2 = parts[k * 16];
        const float16 parts3 = ld16(parts1 + k * 16);
        acc = fma((float16)(parts2), parts3, acc);
        const float parts4 = parts[k * 16 + 1];
        acc1 = fma((float16)(parts4), parts3, acc1);
        const float parts5 = parts[k * 16 + 2];
        acc2 = fma((float16)(parts5), parts3, acc2);
        const float parts6 = parts[k * 16 + 3];
        acc3 = fma((float16)(parts6), parts3, acc3);
        const float parts7 = parts[k * 16 + 4];
        acc4 = fma((float16)(parts7), parts3, acc4);
        const float parts8 = parts[k * 16 + 5];
        acc5 = fma((float16)(parts8), parts3, acc5);
        const float parts9 = parts[k * 16 + 6];
        acc6 = fma((float16)(parts9), parts3, acc6);
        const float parts10 = parts[k * 16 + 7];
        acc7 = fma((float16)(parts10), parts3, acc7);
        const float parts11 = parts[k * 16 + 8];
        acc8 = fma((float16)(parts11), parts3, acc8);
        const float parts12 = parts[k * 16 + 9];
        acc9 = fma((float16)(parts12), parts3, acc9);
        const float parts13 = parts[k * 16 + 10];
        acc10 = fma((float16)(parts13), parts3, acc10);
        const float parts14 = parts[k * 16 + 11];
        acc11 = fma((float16)(parts14), parts3, acc11);
        const float parts15 = parts[k * 16 + 12];
        acc12 = fma((float16)(parts15), parts3, acc12);
        const float parts16 = parts[k * 16 + 13];
        acc13 = fma((float16)(parts16), parts3, acc13);
        const float parts17 = parts[k * 16 + 14];
        acc14 = fma((float16)(parts17), parts3, acc14);
        const float parts18 = parts[k * 16 + 15];
        acc15 = fma((float16)(parts18), parts3, acc15);
    }
    const float16 u1 = ld16(u);
    st16(u, u1 - 0.1f * acc);
    const float16 u2 = ld16(u + 16);
    st16(u + 16, u2 - 0.1f * acc1);
    const float16 u3 = ld16(u + 32);
    st16(u + 32, u3 - 0.1f * acc2);
    const float16 u4 = ld16(u + 48);
    st16(u + 48, u4 - 0.1f * acc3);
    const float16 u5 = ld16(u + 64);
    st16(u + 64, u5 - 0.1f * acc4);
    const float16 u6 = ld16(u + 80);
    st16(u + 80, u6 - 0.1f * acc5);
    const float16 u7 = ld16(u + 96);
    st16(u + 96, u7 - 0.1f * acc6);
    const float16 u8 = ld16(u + 112);
    st16(u + 112, u8 - 0.1f * acc7);
    const float16 u9 = ld16(u + 128);
    st16(u + 128, u9 - 0.1f * acc8);
    const float16 u10 = ld16(u + 144);
    st16(u + 144, u10 - 0.1f * acc9);
    const float16 u11 = ld16(u + 160);
    st16(u + 160, u11 - 0.1f * acc10);
    const float16 u12 = ld16(u + 176);
    st16(u + 176, u12 - 0.1f * acc11);
    const float16 u13 = ld16(u + 192);
    st16(u + 192, u13 - 0.1f * acc12);
    const float16 u14 = ld16(u + 208);
    st16(u + 208, u14 - 0.1f * acc13);
    const float16 u15 = ld16(u + 224);
    st16(u + 224, u15 - 0.1f * acc14);
    const float16 u16 = ld16(u + 240);
    st16(u + 240, u16 - 0.1f * acc15);
}

// k32
//   63  entry train -> loss { minimize loss by sgd(lr = 0.1) }
// makes e[16x96]
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void k32(__global float *restrict e,
    __global const float *restrict parts) {
    for (int t = 0; t < 16; t++) {
        const float16 e1 = ld16(e + t * 96);
        const float parts1 = parts[t * 16 + 1200];
        const float parts2 = parts[t * 16 + 1201];
        const float parts3 = parts[t * 16 + 1202];
        const float parts4 = parts[t * 16 + 1203];
        const float parts5 = parts[t * 16 + 1204];
        const float parts6 = parts[t * 16 + 1205];
        const float parts7 = parts[t * 16 + 1206];
        const float parts8 = parts[t * 16 + 1207];
        const float parts9 = parts[t * 16 + 1208];
        const float parts10 = parts[t * 16 + 1209];
        const float parts11 = parts[t * 16 + 1210];
        const float parts12 = parts[t * 16 + 1211];
        const float parts13 = parts[t * 16 + 1212];
        const float parts14 = parts[t * 16 + 1213];
        const float parts15 = parts[t * 16 + 1214];
        const float parts16 = parts[t * 16 + 1215];
        const float16 v = (float16)(parts1, parts2, parts3, parts4, parts5, parts6, parts7, parts8, parts9, parts10, parts11, parts12, parts13, parts14, parts15, parts16);
        const int16 v1 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts17 = parts[t * 16 + 960];
        const float parts18 = parts[t * 16 + 961];
        const float parts19 = parts[t * 16 + 962];
        const float parts20 = parts[t * 16 + 963];
        const float parts21 = parts[t * 16 + 964];
        const float parts22 = parts[t * 16 + 965];
        const float parts23 = parts[t * 16 + 966];
        const float parts24 = parts[t * 16 + 967];
        const float parts25 = parts[t * 16 + 968];
        const float parts26 = parts[t * 16 + 969];
        const float parts27 = parts[t * 16 + 970];
        const float parts28 = parts[t * 16 + 971];
        const float parts29 = parts[t * 16 + 972];
        const float parts30 = parts[t * 16 + 973];
        const float parts31 = parts[t * 16 + 974];
        const float parts32 = parts[t * 16 + 975];
        const float16 v2 = (float16)(parts17, parts18, parts19, parts20, parts21, parts22, parts23, parts24, parts25, parts26, parts27, parts28, parts29, parts30, parts31, parts32);
        const int16 v3 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts33 = parts[t * 16 + 720];
        const float parts34 = parts[t * 16 + 721];
        const float parts35 = parts[t * 16 + 722];
        const float parts36 = parts[t * 16 + 723];
        const float parts37 = parts[t * 16 + 724];
        const float parts38 = parts[t * 16 + 725];
        const float parts39 = parts[t * 16 + 726];
        const float parts40 = parts[t * 16 + 727];
        const float parts41 = parts[t * 16 + 728];
        const float parts42 = parts[t * 16 + 729];
        const float parts43 = parts[t * 16 + 730];
        const float parts44 = parts[t * 16 + 731];
        const float parts45 = parts[t * 16 + 732];
        const float parts46 = parts[t * 16 + 733];
        const float parts47 = parts[t * 16 + 734];
        const float parts48 = parts[t * 16 + 735];
        const float16 v4 = (float16)(parts33, parts34, parts35, parts36, parts37, parts38, parts39, parts40, parts41, parts42, parts43, parts44, parts45, parts46, parts47, parts48);
        const int16 v5 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts49 = parts[t * 16 + 480];
        const float parts50 = parts[t * 16 + 481];
        const float parts51 = parts[t * 16 + 482];
        const float parts52 = parts[t * 16 + 483];
        const float parts53 = parts[t * 16 + 484];
        const float parts54 = parts[t * 16 + 485];
        const float parts55 = parts[t * 16 + 486];
        const float parts56 = parts[t * 16 + 487];
        const float parts57 = parts[t * 16 + 488];
        const float parts58 = parts[t * 16 + 489];
        const float parts59 = parts[t * 16 + 490];
        const float parts60 = parts[t * 16 + 491];
        const float parts61 = parts[t * 16 + 492];
        const float parts62 = parts[t * 16 + 493];
        const float parts63 = parts[t * 16 + 494];
        const float parts64 = parts[t * 16 + 495];
        const float16 v6 = (float16)(parts49, parts50, parts51, parts52, parts53, parts54, parts55, parts56, parts57, parts58, parts59, parts60, parts61, parts62, parts63, parts64);
        const int16 v7 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v8 = v7 ? v6 : (v5 ? v4 : (v3 ? v2 : (v1 ? v : (float16)(0.0f))));
        const float parts65 = parts[t * 16 + 240];
        const float parts66 = parts[t * 16 + 241];
        const float parts67 = parts[t * 16 + 242];
        const float parts68 = parts[t * 16 + 243];
        const float parts69 = parts[t * 16 + 244];
        const float parts70 = parts[t * 16 + 245];
        const float parts71 = parts[t * 16 + 246];
        const float parts72 = parts[t * 16 + 247];
        const float parts73 = parts[t * 16 + 248];
        const float parts74 = parts[t * 16 + 249];
        const float parts75 = parts[t * 16 + 250];
        const float parts76 = parts[t * 16 + 251];
        const float parts77 = parts[t * 16 + 252];
        const float parts78 = parts[t * 16 + 253];
        const float parts79 = parts[t * 16 + 254];
        const float parts80 = parts[t * 16 + 255];
        const float16 v9 = (float16)(parts65, parts66, parts67, parts68, parts69, parts70, parts71, parts72, parts73, parts74, parts75, parts76, parts77, parts78, parts79, parts80);
        const int16 v10 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts81 = parts[t * 16];
        const float parts82 = parts[t * 16 + 1];
        const float parts83 = parts[t * 16 + 2];
        const float parts84 = parts[t * 16 + 3];
        const float parts85 = parts[t * 16 + 4];
        const float parts86 = parts[t * 16 + 5];
        const float parts87 = parts[t * 16 + 6];
        const float parts88 = parts[t * 16 + 7];
        const float parts89 = parts[t * 16 + 8];
        const float parts90 = parts[t * 16 + 9];
        const float parts91 = parts[t * 16 + 10];
        const float parts92 = parts[t * 16 + 11];
        const float parts93 = parts[t * 16 + 12];
        const float parts94 = parts[t * 16 + 13];
        const float parts95 = parts[t * 16 + 14];
        const float parts96 = parts[t * 16 + 15];
        const float16 v11 = (float16)(parts81, parts82, parts83, parts84, parts85, parts86, parts87, parts88, parts89, parts90, parts91, parts92, parts93, parts94, parts95, parts96);
        const int16 v12 = -(int16)(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        st16(e + t * 96, e1 - 0.1f * (v12 ? v11 : (v10 ? v9 : v8)));
        const float16 e2 = ld16(e + t * 96 + 16);
        const float parts97 = parts[t * 16 + 1216];
        const float parts98 = parts[t * 16 + 1217];
        const float parts99 = parts[t * 16 + 1218];
        const float parts100 = parts[t * 16 + 1219];
        const float parts101 = parts[t * 16 + 1220];
        const float parts102 = parts[t * 16 + 1221];
        const float parts103 = parts[t * 16 + 1222];
        const float parts104 = parts[t * 16 + 1223];
        const float parts105 = parts[t * 16 + 1224];
        const float parts106 = parts[t * 16 + 1225];
        const float parts107 = parts[t * 16 + 1226];
        const float parts108 = parts[t * 16 + 1227];
        const float parts109 = parts[t * 16 + 1228];
        const float parts110 = parts[t * 16 + 1229];
        const float parts111 = parts[t * 16 + 1230];
        const float parts112 = parts[t * 16 + 1231];
        const float16 v13 = (float16)(parts97, parts98, parts99, parts100, parts101, parts102, parts103, parts104, parts105, parts106, parts107, parts108, parts109, parts110, parts111, parts112);
        const int16 v14 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts113 = parts[t * 16 + 976];
        const float parts114 = parts[t * 16 + 977];
        const float parts115 = parts[t * 16 + 978];
        const float parts116 = parts[t * 16 + 979];
        const float parts117 = parts[t * 16 + 980];
        const float parts118 = parts[t * 16 + 981];
        const float parts119 = parts[t * 16 + 982];
        const float parts120 = parts[t * 16 + 983];
        const float parts121 = parts[t * 16 + 984];
        const float parts122 = parts[t * 16 + 985];
        const float parts123 = parts[t * 16 + 986];
        const float parts124 = parts[t * 16 + 987];
        const float parts125 = parts[t * 16 + 988];
        const float parts126 = parts[t * 16 + 989];
        const float parts127 = parts[t * 16 + 990];
        const float parts128 = parts[t * 16 + 991];
        const float16 v15 = (float16)(parts113, parts114, parts115, parts116, parts117, parts118, parts119, parts120, parts121, parts122, parts123, parts124, parts125, parts126, parts127, parts128);
        const int16 v16 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts129 = parts[t * 16 + 736];
        const float parts130 = parts[t * 16 + 737];
        const float parts131 = parts[t * 16 + 738];
        const float parts132 = parts[t * 16 + 739];
        const float parts133 = parts[t * 16 + 740];
        const float parts134 = parts[t * 16 + 741];
        const float parts135 = parts[t * 16 + 742];
        const float parts136 = parts[t * 16 + 743];
        const float parts137 = parts[t * 16 + 744];
        const float parts138 = parts[t * 16 + 745];
        const float parts139 = parts[t * 16 + 746];
        const float parts140 = parts[t * 16 + 747];
        const float parts141 = parts[t * 16 + 748];
        const float parts142 = parts[t * 16 + 749];
        const float parts143 = parts[t * 16 + 750];
        const float parts144 = parts[t * 16 + 751];
        const float16 v17 = (float16)(parts129, parts130, parts131, parts132, parts133, parts134, parts135, parts136, parts137, parts138, parts139, parts140, parts141, parts142, parts143, parts144);
        const int16 v18 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v19 = v18 ? v17 : (v16 ? v15 : (v14 ? v13 : (float16)(0.0f)));
        const float parts145 = parts[t * 16 + 496];
        const float parts146 = parts[t * 16 + 497];
        const float parts147 = parts[t * 16 + 498];
        const float parts148 = parts[t * 16 + 499];
        const float parts149 = parts[t * 16 + 500];
        const float parts150 = parts[t * 16 + 501];
        const float parts151 = parts[t * 16 + 502];
        const float parts152 = parts[t * 16 + 503];
        const float parts153 = parts[t * 16 + 504];
        const float parts154 = parts[t * 16 + 505];
        const float parts155 = parts[t * 16 + 506];
        const float parts156 = parts[t * 16 + 507];
        const float parts157 = parts[t * 16 + 508];
        const float parts158 = parts[t * 16 + 509];
        const float parts159 = parts[t * 16 + 510];
        const float parts160 = parts[t * 16 + 511];
        const float16 v20 = (float16)(parts145, parts146, parts147, parts148, parts149, parts150, parts151, parts152, parts153, parts154, parts155, parts156, parts157, parts158, parts159, parts160);
        const int16 v21 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts161 = parts[t * 16 + 256];
        const float parts162 = parts[t * 16 + 257];
        const float parts163 = parts[t * 16 + 258];
        const float parts164 = parts[t * 16 + 259];
        const float parts165 = parts[t * 16 + 260];
        const float parts166 = parts[t * 16 + 261];
        const float parts167 = parts[t * 16 + 262];
        const float parts168 = parts[t * 16 + 263];
        const float parts169 = parts[t * 16 + 264];
        const float parts170 = parts[t * 16 + 265];
        const float parts171 = parts[t * 16 + 266];
        const float parts172 = parts[t * 16 + 267];
        const float parts173 = parts[t * 16 + 268];
        const float parts174 = parts[t * 16 + 269];
        const float parts175 = parts[t * 16 + 270];
        const float parts176 = parts[t * 16 + 271];
        const float16 v22 = (float16)(parts161, parts162, parts163, parts164, parts165, parts166, parts167, parts168, parts169, parts170, parts171, parts172, parts173, parts174, parts175, parts176);
        const int16 v23 = -(int16)(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        const float parts177 = parts[t * 16 + 16];
        const float parts178 = parts[t * 16 + 17];
        const float parts179 = parts[t * 16 + 18];
        const float parts180 = parts[t * 16 + 19];
        const float parts181 = parts[t * 16 + 20];
        const float parts182 = parts[t * 16 + 21];
        const float parts183 = parts[t * 16 + 22];
        const float parts184 = parts[t * 16 + 23];
        const float parts185 = parts[t * 16 + 24];
        const float parts186 = parts[t * 16 + 25];
        const float parts187 = parts[t * 16 + 26];
        const float parts188 = parts[t * 16 + 27];
        const float parts189 = parts[t * 16 + 28];
        const float parts190 = parts[t * 16 + 29];
        const float parts191 = parts[t * 16 + 30];
        const float parts192 = parts[t * 16 + 31];
        const float16 v24 = (float16)(parts177, parts178, parts179, parts180, parts181, parts182, parts183, parts184, parts185, parts186, parts187, parts188, parts189, parts190, parts191, parts192);
        const int16 v25 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v26 = e2 - 0.1f * (v25 ? v24 : (v23 ? v22 : (v21 ? v20 : v19)));
        st16(e + t * 96 + 16, v26);
        const float16 e3 = ld16(e + t * 96 + 32);
        const float parts193 = parts[t * 16 + 1232];
        const float parts194 = parts[t * 16 + 1233];
        const float parts195 = parts[t * 16 + 1234];
        const float parts196 = parts[t * 16 + 1235];
        const float parts197 = parts[t * 16 + 1236];
        const float parts198 = parts[t * 16 + 1237];
        const float parts199 = parts[t * 16 + 1238];
        const float parts200 = parts[t * 16 + 1239];
        const float parts201 = parts[t * 16 + 1240];
        const float parts202 = parts[t * 16 + 1241];
        const float parts203 = parts[t * 16 + 1242];
        const float parts204 = parts[t * 16 + 1243];
        const float parts205 = parts[t * 16 + 1244];
        const float parts206 = parts[t * 16 + 1245];
        const float parts207 = parts[t * 16 + 1246];
        const float parts208 = parts[t * 16 + 1247];
        const float16 v27 = (float16)(parts193, parts194, parts195, parts196, parts197, parts198, parts199, parts200, parts201, parts202, parts203, parts204, parts205, parts206, parts207, parts208);
        const int16 v28 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts209 = parts[t * 16 + 992];
        const float parts210 = parts[t * 16 + 993];
        const float parts211 = parts[t * 16 + 994];
        const float parts212 = parts[t * 16 + 995];
        const float parts213 = parts[t * 16 + 996];
        const float parts214 = parts[t * 16 + 997];
        const float parts215 = parts[t * 16 + 998];
        const float parts216 = parts[t * 16 + 999];
        const float parts217 = parts[t * 16 + 1000];
        const float parts218 = parts[t * 16 + 1001];
        const float parts219 = parts[t * 16 + 1002];
        const float parts220 = parts[t * 16 + 1003];
        const float parts221 = parts[t * 16 + 1004];
        const float parts222 = parts[t * 16 + 1005];
        const float parts223 = parts[t * 16 + 1006];
        const float parts224 = parts[t * 16 + 1007];
        const float16 v29 = (float16)(parts209, parts210, parts211, parts212, parts213, parts214, parts215, parts216, parts217, parts218, parts219, parts220, parts221, parts222, parts223, parts224);
        const int16 v30 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts225 = parts[t * 16 + 752];
        const float parts226 = parts[t * 16 + 753];
        const float parts227 = parts[t * 16 + 754];
        const float parts228 = parts[t * 16 + 755];
        const float parts229 = parts[t * 16 + 756];
        const float parts230 = parts[t * 16 + 757];
        const float parts231 = parts[t * 16 + 758];
        const float parts232 = parts[t * 16 + 759];
        const float parts233 = parts[t * 16 + 760];
        const float parts234 = parts[t * 16 + 761];
        const float parts235 = parts[t * 16 + 762];
        const float parts236 = parts[t * 16 + 763];
        const float parts237 = parts[t * 16 + 764];
        const float parts238 = parts[t * 16 + 765];
        const float parts239 = parts[t * 16 + 766];
        const float parts240 = parts[t * 16 + 767];
        const float16 v31 = (float16)(parts225, parts226, parts227, parts228, parts229, parts230, parts231, parts232, parts233, parts234, parts235, parts236, parts237, parts238, parts239, parts240);
        const int16 v32 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v33 = v32 ? v31 : (v30 ? v29 : (v28 ? v27 : (float16)(0.0f)));
        const float parts241 = parts[t * 16 + 512];
        const float parts242 = parts[t * 16 + 513];
        const float parts243 = parts[t * 16 + 514];
        const float parts244 = parts[t * 16 + 515];
        const float parts245 = parts[t * 16 + 516];
        const float parts246 = parts[t * 16 + 517];
        const float parts247 = parts[t * 16 + 518];
        const float parts248 = parts[t * 16 + 519];
        const float parts249 = parts[t * 16 + 520];
        const float parts250 = parts[t * 16 + 521];
        const float parts251 = parts[t * 16 + 522];
        const float parts252 = parts[t * 16 + 523];
        const float parts253 = parts[t * 16 + 524];
        const float parts254 = parts[t * 16 + 525];
        const float parts255 = parts[t * 16 + 526];
        const float parts256 = parts[t * 16 + 527];
        const float16 v34 = (float16)(parts241, parts242, parts243, parts244, parts245, parts246, parts247, parts248, parts249, parts250, parts251, parts252, parts253, parts254, parts255, parts256);
        const int16 v35 = -(int16)(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        const float parts257 = parts[t * 16 + 272];
        const float parts258 = parts[t * 16 + 273];
        const float parts259 = parts[t * 16 + 274];
        const float parts260 = parts[t * 16 + 275];
        const float parts261 = parts[t * 16 + 276];
        const float parts262 = parts[t * 16 + 277];
        const float parts263 = parts[t * 16 + 278];
        const float parts264 = parts[t * 16 + 279];
        const float parts265 = parts[t * 16 + 280];
        const float parts266 = parts[t * 16 + 281];
        const float parts267 = parts[t * 16 + 282];
        const float parts268 = parts[t * 16 + 283];
        const float parts269 = parts[t * 16 + 284];
        const float parts270 = parts[t * 16 + 285];
        const float parts271 = parts[t * 16 + 286];
        const float parts272 = parts[t * 16 + 287];
        const float16 v36 = (float16)(parts257, parts258, parts259, parts260, parts261, parts262, parts263, parts264, parts265, parts266, parts267, parts268, parts269, parts270, parts271, parts272);
        const int16 v37 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts273 = parts[t * 16 + 32];
        const float parts274 = parts[t * 16 + 33];
        const float parts275 = parts[t * 16 + 34];
        const float parts276 = parts[t * 16 + 35];
        const float parts277 = parts[t * 16 + 36];
        const float parts278 = parts[t * 16 + 37];
        const float parts279 = parts[t * 16 + 38];
        const float parts280 = parts[t * 16 + 39];
        const float parts281 = parts[t * 16 + 40];
        const float parts282 = parts[t * 16 + 41];
        const float parts283 = parts[t * 16 + 42];
        const float parts284 = parts[t * 16 + 43];
        const float parts285 = parts[t * 16 + 44];
        const float parts286 = parts[t * 16 + 45];
        const float parts287 = parts[t * 16 + 46];
        const float parts288 = parts[t * 16 + 47];
        const float16 v38 = (float16)(parts273, parts274, parts275, parts276, parts277, parts278, parts279, parts280, parts281, parts282, parts283, parts284, parts285, parts286, parts287, parts288);
        const int16 v39 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v40 = e3 - 0.1f * (v39 ? v38 : (v37 ? v36 : (v35 ? v34 : v33)));
        st16(e + t * 96 + 32, v40);
        const float16 e4 = ld16(e + t * 96 + 48);
        const float parts289 = parts[t * 16 + 1248];
        const float parts290 = parts[t * 16 + 1249];
        const float parts291 = parts[t * 16 + 1250];
        const float parts292 = parts[t * 16 + 1251];
        const float parts293 = parts[t * 16 + 1252];
        const float parts294 = parts[t * 16 + 1253];
        const float parts295 = parts[t * 16 + 1254];
        const float parts296 = parts[t * 16 + 1255];
        const float parts297 = parts[t * 16 + 1256];
        const float parts298 = parts[t * 16 + 1257];
        const float parts299 = parts[t * 16 + 1258];
        const float parts300 = parts[t * 16 + 1259];
        const float parts301 = parts[t * 16 + 1260];
        const float parts302 = parts[t * 16 + 1261];
        const float parts303 = parts[t * 16 + 1262];
        const float parts304 = parts[t * 16 + 1263];
        const float16 v41 = (float16)(parts289, parts290, parts291, parts292, parts293, parts294, parts295, parts296, parts297, parts298, parts299, parts300, parts301, parts302, parts303, parts304);
        const int16 v42 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts305 = parts[t * 16 + 1008];
        const float parts306 = parts[t * 16 + 1009];
        const float parts307 = parts[t * 16 + 1010];
        const float parts308 = parts[t * 16 + 1011];
        const float parts309 = parts[t * 16 + 1012];
        const float parts310 = parts[t * 16 + 1013];
        const float parts311 = parts[t * 16 + 1014];
        const float parts312 = parts[t * 16 + 1015];
        const float parts313 = parts[t * 16 + 1016];
        const float parts314 = parts[t * 16 + 1017];
        const float parts315 = parts[t * 16 + 1018];
        const float parts316 = parts[t * 16 + 1019];
        const float parts317 = parts[t * 16 + 1020];
        const float parts318 = parts[t * 16 + 1021];
        const float parts319 = parts[t * 16 + 1022];
        const float parts320 = parts[t * 16 + 1023];
        const float16 v43 = (float16)(parts305, parts306, parts307, parts308, parts309, parts310, parts311, parts312, parts313, parts314, parts315, parts316, parts317, parts318, parts319, parts320);
        const int16 v44 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts321 = parts[t * 16 + 768];
        const float parts322 = parts[t * 16 + 769];
        const float parts323 = parts[t * 16 + 770];
        const float parts324 = parts[t * 16 + 771];
        const float parts325 = parts[t * 16 + 772];
        const float parts326 = parts[t * 16 + 773];
        const float parts327 = parts[t * 16 + 774];
        const float parts328 = parts[t * 16 + 775];
        const float parts329 = parts[t * 16 + 776];
        const float parts330 = parts[t * 16 + 777];
        const float parts331 = parts[t * 16 + 778];
        const float parts332 = parts[t * 16 + 779];
        const float parts333 = parts[t * 16 + 780];
        const float parts334 = parts[t * 16 + 781];
        const float parts335 = parts[t * 16 + 782];
        const float parts336 = parts[t * 16 + 783];
        const float16 v45 = (float16)(parts321, parts322, parts323, parts324, parts325, parts326, parts327, parts328, parts329, parts330, parts331, parts332, parts333, parts334, parts335, parts336);
        const int16 v46 = -(int16)(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        const float16 v47 = v46 ? v45 : (v44 ? v43 : (v42 ? v41 : (float16)(0.0f)));
        const float parts337 = parts[t * 16 + 528];
        const float parts338 = parts[t * 16 + 529];
        const float parts339 = parts[t * 16 + 530];
        const float parts340 = parts[t * 16 + 531];
        const float parts341 = parts[t * 16 + 532];
        const float parts342 = parts[t * 16 + 533];
        const float parts343 = parts[t * 16 + 534];
        const float parts344 = parts[t * 16 + 535];
        const float parts345 = parts[t * 16 + 536];
        const float parts346 = parts[t * 16 + 537];
        const float parts347 = parts[t * 16 + 538];
        const float parts348 = parts[t * 16 + 539];
        const float parts349 = parts[t * 16 + 540];
        const float parts350 = parts[t * 16 + 541];
        const float parts351 = parts[t * 16 + 542];
        const float parts352 = parts[t * 16 + 543];
        const float16 v48 = (float16)(parts337, parts338, parts339, parts340, parts341, parts342, parts343, parts344, parts345, parts346, parts347, parts348, parts349, parts350, parts351, parts352);
        const int16 v49 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts353 = parts[t * 16 + 288];
        const float parts354 = parts[t * 16 + 289];
        const float parts355 = parts[t * 16 + 290];
        const float parts356 = parts[t * 16 + 291];
        const float parts357 = parts[t * 16 + 292];
        const float parts358 = parts[t * 16 + 293];
        const float parts359 = parts[t * 16 + 294];
        const float parts360 = parts[t * 16 + 295];
        const float parts361 = parts[t * 16 + 296];
        const float parts362 = parts[t * 16 + 297];
        const float parts363 = parts[t * 16 + 298];
        const float parts364 = parts[t * 16 + 299];
        const float parts365 = parts[t * 16 + 300];
        const float parts366 = parts[t * 16 + 301];
        const float parts367 = parts[t * 16 + 302];
        const float parts368 = parts[t * 16 + 303];
        const float16 v50 = (float16)(parts353, parts354, parts355, parts356, parts357, parts358, parts359, parts360, parts361, parts362, parts363, parts364, parts365, parts366, parts367, parts368);
        const int16 v51 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts369 = parts[t * 16 + 48];
        const float parts370 = parts[t * 16 + 49];
        const float parts371 = parts[t * 16 + 50];
        const float parts372 = parts[t * 16 + 51];
        const float parts373 = parts[t * 16 + 52];
        const float parts374 = parts[t * 16 + 53];
        const float parts375 = parts[t * 16 + 54];
        const float parts376 = parts[t * 16 + 55];
        const float parts377 = parts[t * 16 + 56];
        const float parts378 = parts[t * 16 + 57];
        const float parts379 = parts[t * 16 + 58];
        const float parts380 = parts[t * 16 + 59];
        const float parts381 = parts[t * 16 + 60];
        const float parts382 = parts[t * 16 + 61];
        const float parts383 = parts[t * 16 + 62];
        const float parts384 = parts[t * 16 + 63];
        const float16 v52 = (float16)(parts369, parts370, parts371, parts372, parts373, parts374, parts375, parts376, parts377, parts378, parts379, parts380, parts381, parts382, parts383, parts384);
        const int16 v53 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v54 = e4 - 0.1f * (v53 ? v52 : (v51 ? v50 : (v49 ? v48 : v47)));
        st16(e + t * 96 + 48, v54);
    }
    for (int t1 = 0; t1 < 16; t1++) {
        const float16 e5 = ld16(e + t1 * 96 + 64);
        const float parts385 = parts[t1 * 16 + 1264];
        const float parts386 = parts[t1 * 16 + 1265];
        const float parts387 = parts[t1 * 16 + 1266];
        const float parts388 = parts[t1 * 16 + 1267];
        const float parts389 = parts[t1 * 16 + 1268];
        const float parts390 = parts[t1 * 16 + 1269];
        const float parts391 = parts[t1 * 16 + 1270];
        const float parts392 = parts[t1 * 16 + 1271];
        const float parts393 = parts[t1 * 16 + 1272];
        const float parts394 = parts[t1 * 16 + 1273];
        const float parts395 = parts[t1 * 16 + 1274];
        const float parts396 = parts[t1 * 16 + 1275];
        const float parts397 = parts[t1 * 16 + 1276];
        const float parts398 = parts[t1 * 16 + 1277];
        const float parts399 = parts[t1 * 16 + 1278];
        const float parts400 = parts[t1 * 16 + 1279];
        const float16 v55 = (float16)(parts385, parts386, parts387, parts388, parts389, parts390, parts391, parts392, parts393, parts394, parts395, parts396, parts397, parts398, parts399, parts400);
        const int16 v56 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts401 = parts[t1 * 16 + 1024];
        const float parts402 = parts[t1 * 16 + 1025];
        const float parts403 = parts[t1 * 16 + 1026];
        const float parts404 = parts[t1 * 16 + 1027];
        const float parts405 = parts[t1 * 16 + 1028];
        const float parts406 = parts[t1 * 16 + 1029];
        const float parts407 = parts[t1 * 16 + 1030];
        const float parts408 = parts[t1 * 16 + 1031];
        const float parts409 = parts[t1 * 16 + 1032];
        const float parts410 = parts[t1 * 16 + 1033];
        const float parts411 = parts[t1 * 16 + 1034];
        const float parts412 = parts[t1 * 16 + 1035];
        const float parts413 = parts[t1 * 16 + 1036];
        const float parts414 = parts[t1 * 16 + 1037];
        const float parts415 = parts[t1 * 16 + 1038];
        const float parts416 = parts[t1 * 16 + 1039];
        const float16 v57 = (float16)(parts401, parts402, parts403, parts404, parts405, parts406, parts407, parts408, parts409, parts410, parts411, parts412, parts413, parts414, parts415, parts416);
        const int16 v58 = -(int16)(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        const float parts417 = parts[t1 * 16 + 784];
        const float parts418 = parts[t1 * 16 + 785];
        const float parts419 = parts[t1 * 16 + 786];
        const float parts420 = parts[t1 * 16 + 787];
        const float parts421 = parts[t1 * 16 + 788];
        const float parts422 = parts[t1 * 16 + 789];
        const float parts423 = parts[t1 * 16 + 790];
        const float parts424 = parts[t1 * 16 + 791];
        const float parts425 = parts[t1 * 16 + 792];
        const float parts426 = parts[t1 * 16 + 793];
        const float parts427 = parts[t1 * 16 + 794];
        const float parts428 = parts[t1 * 16 + 795];
        const float parts429 = parts[t1 * 16 + 796];
        const float parts430 = parts[t1 * 16 + 797];
        const float parts431 = parts[t1 * 16 + 798];
        const float parts432 = parts[t1 * 16 + 799];
        const float16 v59 = (float16)(parts417, parts418, parts419, parts420, parts421, parts422, parts423, parts424, parts425, parts426, parts427, parts428, parts429, parts430, parts431, parts432);
        const int16 v60 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v61 = v60 ? v59 : (v58 ? v57 : (v56 ? v55 : (float16)(0.0f)));
        const float parts433 = parts[t1 * 16 + 544];
        const float parts434 = parts[t1 * 16 + 545];
        const float parts435 = parts[t1 * 16 + 546];
        const float parts436 = parts[t1 * 16 + 547];
        const float parts437 = parts[t1 * 16 + 548];
        const float parts438 = parts[t1 * 16 + 549];
        const float parts439 = parts[t1 * 16 + 550];
        const float parts440 = parts[t1 * 16 + 551];
        const float parts441 = parts[t1 * 16 + 552];
        const float parts442 = parts[t1 * 16 + 553];
        const float parts443 = parts[t1 * 16 + 554];
        const float parts444 = parts[t1 * 16 + 555];
        const float parts445 = parts[t1 * 16 + 556];
        const float parts446 = parts[t1 * 16 + 557];
        const float parts447 = parts[t1 * 16 + 558];
        const float parts448 = parts[t1 * 16 + 559];
        const float16 v62 = (float16)(parts433, parts434, parts435, parts436, parts437, parts438, parts439, parts440, parts441, parts442, parts443, parts444, parts445, parts446, parts447, parts448);
        const int16 v63 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts449 = parts[t1 * 16 + 304];
        const float parts450 = parts[t1 * 16 + 305];
        const float parts451 = parts[t1 * 16 + 306];
        const float parts452 = parts[t1 * 16 + 307];
        const float parts453 = parts[t1 * 16 + 308];
        const float parts454 = parts[t1 * 16 + 309];
        const float parts455 = parts[t1 * 16 + 310];
        const float parts456 = parts[t1 * 16 + 311];
        const float parts457 = parts[t1 * 16 + 312];
        const float parts458 = parts[t1 * 16 + 313];
        const float parts459 = parts[t1 * 16 + 314];
        const float parts460 = parts[t1 * 16 + 315];
        const float parts461 = parts[t1 * 16 + 316];
        const float parts462 = parts[t1 * 16 + 317];
        const float parts463 = parts[t1 * 16 + 318];
        const float parts464 = parts[t1 * 16 + 319];
        const float16 v64 = (float16)(parts449, parts450, parts451, parts452, parts453, parts454, parts455, parts456, parts457, parts458, parts459, parts460, parts461, parts462, parts463, parts464);
        const int16 v65 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts465 = parts[t1 * 16 + 64];
        const float parts466 = parts[t1 * 16 + 65];
        const float parts467 = parts[t1 * 16 + 66];
        const float parts468 = parts[t1 * 16 + 67];
        const float parts469 = parts[t1 * 16 + 68];
        const float parts470 = parts[t1 * 16 + 69];
        const float parts471 = parts[t1 * 16 + 70];
        const float parts472 = parts[t1 * 16 + 71];
        const float parts473 = parts[t1 * 16 + 72];
        const float parts474 = parts[t1 * 16 + 73];
        const float parts475 = parts[t1 * 16 + 74];
        const float parts476 = parts[t1 * 16 + 75];
        const float parts477 = parts[t1 * 16 + 76];
        const float parts478 = parts[t1 * 16 + 77];
        const float parts479 = parts[t1 * 16 + 78];
        const float parts480 = parts[t1 * 16 + 79];
        const float16 v66 = (float16)(parts465, parts466, parts467, parts468, parts469, parts470, parts471, parts472, parts473, parts474, parts475, parts476, parts477, parts478, parts479, parts480);
        const int16 v67 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v68 = e5 - 0.1f * (v67 ? v66 : (v65 ? v64 : (v63 ? v62 : v61)));
        st16(e + t1 * 96 + 64, v68);
        const float16 e6 = ld16(e + t1 * 96 + 80);
        const float parts481 = parts[t1 * 16 + 1280];
        const float parts482 = parts[t1 * 16 + 1281];
        const float parts483 = parts[t1 * 16 + 1282];
        const float parts484 = parts[t1 * 16 + 1283];
        const float parts485 = parts[t1 * 16 + 1284];
        const float parts486 = parts[t1 * 16 + 1285];
        const float parts487 = parts[t1 * 16 + 1286];
        const float parts488 = parts[t1 * 16 + 1287];
        const float parts489 = parts[t1 * 16 + 1288];
        const float parts490 = parts[t1 * 16 + 1289];
        const float parts491 = parts[t1 * 16 + 1290];
        const float parts492 = parts[t1 * 16 + 1291];
        const float parts493 = parts[t1 * 16 + 1292];
        const float parts494 = parts[t1 * 16 + 1293];
        const float parts495 = parts[t1 * 16 + 1294];
        const float parts496 = parts[t1 * 16 + 1295];
        const float16 v69 = (float16)(parts481, parts482, parts483, parts484, parts485, parts486, parts487, parts488, parts489, parts490, parts491, parts492, parts493, parts494, parts495, parts496);
        const int16 v70 = -(int16)(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        const float parts497 = parts[t1 * 16 + 1040];
        const float parts498 = parts[t1 * 16 + 1041];
        const float parts499 = parts[t1 * 16 + 1042];
        const float parts500 = parts[t1 * 16 + 1043];
        const float parts501 = parts[t1 * 16 + 1044];
        const float parts502 = parts[t1 * 16 + 1045];
        const float parts503 = parts[t1 * 16 + 1046];
        const float parts504 = parts[t1 * 16 + 1047];
        const float parts505 = parts[t1 * 16 + 1048];
        const float parts506 = parts[t1 * 16 + 1049];
        const float parts507 = parts[t1 * 16 + 1050];
        const float parts508 = parts[t1 * 16 + 1051];
        const float parts509 = parts[t1 * 16 + 1052];
        const float parts510 = parts[t1 * 16 + 1053];
        const float parts511 = parts[t1 * 16 + 1054];
        const float parts512 = parts[t1 * 16 + 1055];
        const float16 v71 = (float16)(parts497, parts498, parts499, parts500, parts501, parts502, parts503, parts504, parts505, parts506, parts507, parts508, parts509, parts510, parts511, parts512);
        const int16 v72 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts513 = parts[t1 * 16 + 800];
        const float parts514 = parts[t1 * 16 + 801];
        const float parts515 = parts[t1 * 16 + 802];
        const float parts516 = parts[t1 * 16 + 803];
        const float parts517 = parts[t1 * 16 + 804];
        const float parts518 = parts[t1 * 16 + 805];
        const float parts519 = parts[t1 * 16 + 806];
        const float parts520 = parts[t1 * 16 + 807];
        const float parts521 = parts[t1 * 16 + 808];
        const float parts522 = parts[t1 * 16 + 809];
        const float parts523 = parts[t1 * 16 + 810];
        const float parts524 = parts[t1 * 16 + 811];
        const float parts525 = parts[t1 * 16 + 812];
        const float parts526 = parts[t1 * 16 + 813];
        const float parts527 = parts[t1 * 16 + 814];
        const float parts528 = parts[t1 * 16 + 815];
        const float16 v73 = (float16)(parts513, parts514, parts515, parts516, parts517, parts518, parts519, parts520, parts521, parts522, parts523, parts524, parts525, parts526, parts527, parts528);
        const int16 v74 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v75 = v74 ? v73 : (v72 ? v71 : (v70 ? v69 : (float16)(0.0f)));
        const float parts529 = parts[t1 * 16 + 560];
        const float parts530 = parts[t1 * 16 + 561];
        const float parts531 = parts[t1 * 16 + 562];
        const float parts532 = parts[t1 * 16 + 563];
        const float parts533 = parts[t1 * 16 + 564];
        const float parts534 = parts[t1 * 16 + 565];
        const float parts535 = parts[t1 * 16 + 566];
        const float parts536 = parts[t1 * 16 + 567];
        const float parts537 = parts[t1 * 16 + 568];
        const float parts538 = parts[t1 * 16 + 569];
        const float parts539 = parts[t1 * 16 + 570];
        const float parts540 = parts[t1 * 16 + 571];
        const float parts541 = parts[t1 * 16 + 572];
        const float parts542 = parts[t1 * 16 + 573];
        const float parts543 = parts[t1 * 16 + 574];
        const float parts544 = parts[t1 * 16 + 575];
        const float16 v76 = (float16)(parts529, parts530, parts531, parts532, parts533, parts534, parts535, parts536, parts537, parts538, parts539, parts540, parts541, parts542, parts543, parts544);
        const int16 v77 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts545 = parts[t1 * 16 + 320];
        const float parts546 = parts[t1 * 16 + 321];
        const float parts547 = parts[t1 * 16 + 322];
        const float parts548 = parts[t1 * 16 + 323];
        const float parts549 = parts[t1 * 16 + 324];
        const float parts550 = parts[t1 * 16 + 325];
        const float parts551 = parts[t1 * 16 + 326];
        const float parts552 = parts[t1 * 16 + 327];
        const float parts553 = parts[t1 * 16 + 328];
        const float parts554 = parts[t1 * 16 + 329];
        const float parts555 = parts[t1 * 16 + 330];
        const float parts556 = parts[t1 * 16 + 331];
        const float parts557 = parts[t1 * 16 + 332];
        const float parts558 = parts[t1 * 16 + 333];
        const float parts559 = parts[t1 * 16 + 334];
        const float parts560 = parts[t1 * 16 + 335];
        const float16 v78 = (float16)(parts545, parts546, parts547, parts548, parts549, parts550, parts551, parts552, parts553, parts554, parts555, parts556, parts557, parts558, parts559, parts560);
        const int16 v79 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float parts561 = parts[t1 * 16 + 80];
        const float parts562 = parts[t1 * 16 + 81];
        const float parts563 = parts[t1 * 16 + 82];
        const float parts564 = parts[t1 * 16 + 83];
        const float parts565 = parts[t1 * 16 + 84];
        const float parts566 = parts[t1 * 16 + 85];
        const float parts567 = parts[t1 * 16 + 86];
        const float parts568 = parts[t1 * 16 + 87];
        const float parts569 = parts[t1 * 16 + 88];
        const float parts570 = parts[t1 * 16 + 89];
        const float parts571 = parts[t1 * 16 + 90];
        const float parts572 = parts[t1 * 16 + 91];
        const float parts573 = parts[t1 * 16 + 92];
        const float parts574 = parts[t1 * 16 + 93];
        const float parts575 = parts[t1 * 16 + 94];
        const float parts576 = parts[t1 * 16 + 95];
        const float16 v80 = (float16)(parts561, parts562, parts563, parts564, parts565, parts566, parts567, parts568, parts569, parts570, parts571, parts572, parts573, parts574, parts575, parts576);
        const int16 v81 = -(int16)(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const float16 v82 = e6 - 0.1f * (v81 ? v80 : (v79 ? v78 : (v77 ? v76 : v75)));
        st16(e + t1 * 96 + 80, v82);
    }
}
//! end
