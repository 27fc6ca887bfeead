// types.cl: loads, stores and rounding of the storage types. In a kernel an f16 or bf16 is a float and an u8
// an int; in memory an f16 or bf16 is an ushort of its bits, an u8 an uchar. See vector.cl on blocks.
//
// Vectors go through a private one: some drivers take vload_half16 and its like for aligned, which they are not.
//
// Rounding is to the nearest, to the even one of two as near; beyond the greatest number infinite; NaN stays.

//: ldh
static float ldh(__global const ushort *p) {
    return vload_half(0, (__global const half *)p);
}
//: sth
static void sth(__global ushort *p, float v) {
    vstore_half_rte(v, 0, (__global half *)p);
}
//: ldbf
static float ldbf(__global const ushort *p) {
    return as_float((uint)*p << 16);
}
//: stbf
static void stbf(__global ushort *p, float v) {
    const uint u = as_uint(v), even = (u >> 16) & 1;
    *p = (ushort)(v != v ? u >> 16 | 0x40 : (u + 0x7fff + even) >> 16);
}

//: tf32_of
// f32 rounded to the nearest of tf32.
static float tf32_of(float v) {
    const uint u = as_uint(v);
    return as_float(v != v ? u : (u + 0x1000) & 0xffffe000);
}
//: sttf
static void sttf(__global float *p, float v) {
    *p = tf32_of(v);
}

//: ldh2
static float2 ldh2(__global const ushort *p) {
    const ushort2 bits = vload2(0, p);
    return vload_half2(0, (const half *)&bits);
}
//: sth2
static void sth2(__global ushort *p, float2 v) {
    ushort2 bits;
    vstore_half2_rte(v, 0, (half *)&bits);
    vstore2(bits, 0, p);
}
//: ldbf2
static float2 ldbf2(__global const ushort *p) {
    return as_float2(convert_uint2(vload2(0, p)) << 16);
}
//: stbf2
static void stbf2(__global ushort *p, float2 v) {
    const uint2 u = as_uint2(v), even = (u >> 16) & 1;
    vstore2(convert_ushort2(v != v ? u >> 16 | 0x40 : (u + 0x7fff + even) >> 16), 0, p);
}
//: ldu2
static int2 ldu2(__global const uchar *p) {
    return convert_int2(vload2(0, p));
}
//: stu2
static void stu2(__global uchar *p, int2 v) {
    vstore2(convert_uchar2(v), 0, p);
}

//: ldh4
static float4 ldh4(__global const ushort *p) {
    const ushort4 bits = vload4(0, p);
    return vload_half4(0, (const half *)&bits);
}
//: sth4
static void sth4(__global ushort *p, float4 v) {
    ushort4 bits;
    vstore_half4_rte(v, 0, (half *)&bits);
    vstore4(bits, 0, p);
}
//: ldbf4
static float4 ldbf4(__global const ushort *p) {
    return as_float4(convert_uint4(vload4(0, p)) << 16);
}
//: stbf4
static void stbf4(__global ushort *p, float4 v) {
    const uint4 u = as_uint4(v), even = (u >> 16) & 1;
    vstore4(convert_ushort4(v != v ? u >> 16 | 0x40 : (u + 0x7fff + even) >> 16), 0, p);
}
//: ldu4
static int4 ldu4(__global const uchar *p) {
    return convert_int4(vload4(0, p));
}
//: stu4
static void stu4(__global uchar *p, int4 v) {
    vstore4(convert_uchar4(v), 0, p);
}

//: ldh8
static float8 ldh8(__global const ushort *p) {
    const ushort8 bits = vload8(0, p);
    return vload_half8(0, (const half *)&bits);
}
//: sth8
static void sth8(__global ushort *p, float8 v) {
    ushort8 bits;
    vstore_half8_rte(v, 0, (half *)&bits);
    vstore8(bits, 0, p);
}
//: ldbf8
static float8 ldbf8(__global const ushort *p) {
    return as_float8(convert_uint8(vload8(0, p)) << 16);
}
//: stbf8
static void stbf8(__global ushort *p, float8 v) {
    const uint8 u = as_uint8(v), even = (u >> 16) & 1;
    vstore8(convert_ushort8(v != v ? u >> 16 | 0x40 : (u + 0x7fff + even) >> 16), 0, p);
}
//: ldu8
static int8 ldu8(__global const uchar *p) {
    return convert_int8(vload8(0, p));
}
//: stu8
static void stu8(__global uchar *p, int8 v) {
    vstore8(convert_uchar8(v), 0, p);
}

//: ldh16
static float16 ldh16(__global const ushort *p) {
    const ushort16 bits = vload16(0, p);
    return vload_half16(0, (const half *)&bits);
}
//: sth16
static void sth16(__global ushort *p, float16 v) {
    ushort16 bits;
    vstore_half16_rte(v, 0, (half *)&bits);
    vstore16(bits, 0, p);
}
//: ldbf16
static float16 ldbf16(__global const ushort *p) {
    return as_float16(convert_uint16(vload16(0, p)) << 16);
}
//: stbf16
static void stbf16(__global ushort *p, float16 v) {
    const uint16 u = as_uint16(v), even = (u >> 16) & 1;
    vstore16(convert_ushort16(v != v ? u >> 16 | 0x40 : (u + 0x7fff + even) >> 16), 0, p);
}
//: ldu16
static int16 ldu16(__global const uchar *p) {
    return convert_int16(vload16(0, p));
}
//: stu16
static void stu16(__global uchar *p, int16 v) {
    vstore16(convert_uchar16(v), 0, p);
}

// A float as an f16 holds it. Below 2^-14 its steps are 2^-24, as those of floats from 0.5 to 1.
//: f16_of
static float f16_of(float x) {
    const float a = fabs(x);
    uint u = as_uint(a);
    u = (u + 0xfff + ((u >> 13) & 1)) & 0xffffe000;
    const float wide = u < 0x47800000 ? as_float(u) : INFINITY;
    const float r = a < 0x1p-14f ? (a + 0.5f) - 0.5f : wide;
    return x != x ? x : copysign(r, x);
}
//: f16_of2
static float2 f16_of2(float2 x) {
    const float2 a = fabs(x);
    uint2 u = as_uint2(a);
    u = (u + 0xfff + ((u >> 13) & 1)) & 0xffffe000;
    const float2 wide = u < 0x47800000 ? as_float2(u) : (float2)(INFINITY);
    const float2 r = a < 0x1p-14f ? (a + 0.5f) - 0.5f : wide;
    return x != x ? x : copysign(r, x);
}
//: f16_of4
static float4 f16_of4(float4 x) {
    const float4 a = fabs(x);
    uint4 u = as_uint4(a);
    u = (u + 0xfff + ((u >> 13) & 1)) & 0xffffe000;
    const float4 wide = u < 0x47800000 ? as_float4(u) : (float4)(INFINITY);
    const float4 r = a < 0x1p-14f ? (a + 0.5f) - 0.5f : wide;
    return x != x ? x : copysign(r, x);
}
//: f16_of8
static float8 f16_of8(float8 x) {
    const float8 a = fabs(x);
    uint8 u = as_uint8(a);
    u = (u + 0xfff + ((u >> 13) & 1)) & 0xffffe000;
    const float8 wide = u < 0x47800000 ? as_float8(u) : (float8)(INFINITY);
    const float8 r = a < 0x1p-14f ? (a + 0.5f) - 0.5f : wide;
    return x != x ? x : copysign(r, x);
}
//: f16_of16
static float16 f16_of16(float16 x) {
    const float16 a = fabs(x);
    uint16 u = as_uint16(a);
    u = (u + 0xfff + ((u >> 13) & 1)) & 0xffffe000;
    const float16 wide = u < 0x47800000 ? as_float16(u) : (float16)(INFINITY);
    const float16 r = a < 0x1p-14f ? (a + 0.5f) - 0.5f : wide;
    return x != x ? x : copysign(r, x);
}

// A float as a bf16 holds it.
//: bf16_of
static float bf16_of(float x) {
    const uint u = as_uint(x);
    return x != x ? x : as_float((u + 0x7fff + ((u >> 16) & 1)) & 0xffff0000);
}
//: bf16_of2
static float2 bf16_of2(float2 x) {
    const uint2 u = as_uint2(x);
    return x != x ? x : as_float2((u + 0x7fff + ((u >> 16) & 1)) & 0xffff0000);
}
//: bf16_of4
static float4 bf16_of4(float4 x) {
    const uint4 u = as_uint4(x);
    return x != x ? x : as_float4((u + 0x7fff + ((u >> 16) & 1)) & 0xffff0000);
}
//: bf16_of8
static float8 bf16_of8(float8 x) {
    const uint8 u = as_uint8(x);
    return x != x ? x : as_float8((u + 0x7fff + ((u >> 16) & 1)) & 0xffff0000);
}
//: bf16_of16
static float16 bf16_of16(float16 x) {
    const uint16 u = as_uint16(x);
    return x != x ? x : as_float16((u + 0x7fff + ((u >> 16) & 1)) & 0xffff0000);
}
