// items.cl: what neighbouring items have, as one. `items` of them, a power of two up to 32, meet two by two, half as far apart
// each time, so that all come to the same. All items of a group call these together. Where the compiler takes PTX they
// take it from each other's registers; elsewhere from `own`, which has a place for each item l of the group.

//: swap_items
__attribute__((always_inline)) static float swap_items(float v, int apart, __local float *own, int l) {
#if mma_ptx()
    float other;
    __asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 31, 0xffffffff;" : "=f"(other) : "f"(v), "r"(apart));
    return other;
#else
    barrier(CLK_LOCAL_MEM_FENCE);
    own[l] = v;
    barrier(CLK_LOCAL_MEM_FENCE);
    return own[l ^ apart];
#endif
}
//: swapi_items
__attribute__((always_inline)) static int swapi_items(int v, int apart, __local int *own, int l) {
    return as_int(swap_items(as_float(v), apart, (__local float *)own, l)); // the bits alone
}
//: sum_items
__attribute__((always_inline)) static float sum_items(float v, int items, __local float *own, int l) {
#pragma unroll
    for (int apart = items / 2; apart; apart /= 2) v += swap_items(v, apart, own, l);
    return v;
}
//: sumi_items
__attribute__((always_inline)) static int sumi_items(int v, int items, __local int *own, int l) {
#pragma unroll
    for (int apart = items / 2; apart; apart /= 2) v = (int)((uint)v + (uint)swapi_items(v, apart, own, l));
    return v;
}
//: max_items
__attribute__((always_inline)) static float max_items(float v, int items, __local float *own, int l) {
#pragma unroll
    for (int apart = items / 2; apart; apart /= 2) {
        const float other = swap_items(v, apart, own, l);
        const float a = l & apart ? other : v, b = l & apart ? v : other; // 0 and -0 are equal: both take the same
        v = a > b || a != a ? a : b;
    }
    return v;
}
//: maxi_items
__attribute__((always_inline)) static int maxi_items(int v, int items, __local int *own, int l) {
#pragma unroll
    for (int apart = items / 2; apart; apart /= 2) v = max(v, swapi_items(v, apart, own, l));
    return v;
}
