// trig.cl: sine and cosine of vectors. PoCL's are wrong in near lanes where another lane of the vector is very
// large, so that such a vector goes by halves, in the end lane by lane. (NaN counts as large.)

//: ALL_NEAR
#define ALL_NEAR(x) all(fabs(x) <= 10000.0f)
//: sine
static float sine(float x) {
    return sin(x);
}
//: sine2
static float2 sine2(float2 x) {
    return ALL_NEAR(x) ? sin(x) : (float2)(sine(x.lo), sine(x.hi));
}
//: sine4
static float4 sine4(float4 x) {
    return ALL_NEAR(x) ? sin(x) : (float4)(sine2(x.lo), sine2(x.hi));
}
//: sine8
static float8 sine8(float8 x) {
    return ALL_NEAR(x) ? sin(x) : (float8)(sine4(x.lo), sine4(x.hi));
}
//: sine16
static float16 sine16(float16 x) {
    return ALL_NEAR(x) ? sin(x) : (float16)(sine8(x.lo), sine8(x.hi));
}
//: cosine
static float cosine(float x) {
    return cos(x);
}
//: cosine2
static float2 cosine2(float2 x) {
    return ALL_NEAR(x) ? cos(x) : (float2)(cosine(x.lo), cosine(x.hi));
}
//: cosine4
static float4 cosine4(float4 x) {
    return ALL_NEAR(x) ? cos(x) : (float4)(cosine2(x.lo), cosine2(x.hi));
}
//: cosine8
static float8 cosine8(float8 x) {
    return ALL_NEAR(x) ? cos(x) : (float8)(cosine4(x.lo), cosine4(x.hi));
}
//: cosine16
static float16 cosine16(float16 x) {
    return ALL_NEAR(x) ? cos(x) : (float16)(cosine8(x.lo), cosine8(x.hi));
}
