// tile.cl: loads and stores of vectors at any element of a group's own memory, where a group is one item: what a chain
// keeps between its parts. Blocks as in vector.cl.

//: ldt2
typedef float2 __attribute__((aligned(4))) float2_in_tile;
static float2 ldt2(const float *p) {
    return *(const float2_in_tile *)p;
}
//: stt2
typedef float2 __attribute__((aligned(4))) float2_to_tile;
static void stt2(float *p, float2 v) {
    *(float2_to_tile *)p = v;
}
//: ldit2
typedef int2 __attribute__((aligned(4))) int2_in_tile;
static int2 ldit2(const int *p) {
    return *(const int2_in_tile *)p;
}
//: stit2
typedef int2 __attribute__((aligned(4))) int2_to_tile;
static void stit2(int *p, int2 v) {
    *(int2_to_tile *)p = v;
}
//: ldt4
typedef float4 __attribute__((aligned(4))) float4_in_tile;
static float4 ldt4(const float *p) {
    return *(const float4_in_tile *)p;
}
//: stt4
typedef float4 __attribute__((aligned(4))) float4_to_tile;
static void stt4(float *p, float4 v) {
    *(float4_to_tile *)p = v;
}
//: ldit4
typedef int4 __attribute__((aligned(4))) int4_in_tile;
static int4 ldit4(const int *p) {
    return *(const int4_in_tile *)p;
}
//: stit4
typedef int4 __attribute__((aligned(4))) int4_to_tile;
static void stit4(int *p, int4 v) {
    *(int4_to_tile *)p = v;
}
//: ldt8
typedef float8 __attribute__((aligned(4))) float8_in_tile;
static float8 ldt8(const float *p) {
    return *(const float8_in_tile *)p;
}
//: stt8
typedef float8 __attribute__((aligned(4))) float8_to_tile;
static void stt8(float *p, float8 v) {
    *(float8_to_tile *)p = v;
}
//: ldit8
typedef int8 __attribute__((aligned(4))) int8_in_tile;
static int8 ldit8(const int *p) {
    return *(const int8_in_tile *)p;
}
//: stit8
typedef int8 __attribute__((aligned(4))) int8_to_tile;
static void stit8(int *p, int8 v) {
    *(int8_to_tile *)p = v;
}
//: ldt16
typedef float16 __attribute__((aligned(4))) float16_in_tile;
static float16 ldt16(const float *p) {
    return *(const float16_in_tile *)p;
}
//: stt16
typedef float16 __attribute__((aligned(4))) float16_to_tile;
static void stt16(float *p, float16 v) {
    *(float16_to_tile *)p = v;
}
//: ldit16
typedef int16 __attribute__((aligned(4))) int16_in_tile;
static int16 ldit16(const int *p) {
    return *(const int16_in_tile *)p;
}
//: stit16
typedef int16 __attribute__((aligned(4))) int16_to_tile;
static void stit16(int *p, int16 v) {
    *(int16_to_tile *)p = v;
}

// As ldp16 of vector.cl.

//: ldpt2
static float2 ldpt2(const float *p, int at, int elems, int from, int to) {
    if (at >= 0 && at + 2 <= elems) return ldt2(p + at);
    float v[2] = {0.0f};
    for (int i = max(from, 0); i < min(to, 2); i++) v[i] = p[at + i];
    return vload2(0, v);
}
//: ldpt4
static float4 ldpt4(const float *p, int at, int elems, int from, int to) {
    if (at >= 0 && at + 4 <= elems) return ldt4(p + at);
    float v[4] = {0.0f};
    for (int i = max(from, 0); i < min(to, 4); i++) v[i] = p[at + i];
    return vload4(0, v);
}
//: ldpt8
static float8 ldpt8(const float *p, int at, int elems, int from, int to) {
    if (at >= 0 && at + 8 <= elems) return ldt8(p + at);
    float v[8] = {0.0f};
    for (int i = max(from, 0); i < min(to, 8); i++) v[i] = p[at + i];
    return vload8(0, v);
}
//: ldpt16
static float16 ldpt16(const float *p, int at, int elems, int from, int to) {
    if (at >= 0 && at + 16 <= elems) return ldt16(p + at);
    float v[16] = {0.0f};
    for (int i = max(from, 0); i < min(to, 16); i++) v[i] = p[at + i];
    return vload16(0, v);
}
