// wgmma.cl: products of tiles in local memory by wgmma, which the matrix units of one kind of NVIDIA device have (compute
// capability 9.0). Its OpenCL compiler has no such instructions: they stand in the text as comments of PTX, each a line
// that begins with "// DLG ". A runtime that defines DLG_WGMMA takes this mark from the PTX that the driver made
// (docs/program-format.md). Elsewhere the same sums come, in the same places, by the units for all arithmetic.
//
// A group has 256 items: two warp groups of 128. The first has rows 0 to 63 of a tile of results, the second 64 to 127; an
// item has of these, with w = l / 32 % 4 and t = l % 32, sums[4 * j + 2 * h + i] in row 16 * w + t / 4 + 8 * h and column
// 8 * j + t % 4 * 2 + i.
//
// An operand's tile is in lines of 128 bytes, eight lines in 1024 bytes at a multiple of that. Of the address of each 16
// bytes bits 4 to 6 are the exclusive or of themselves and bits 7 to 9, so that what is read together lies in different
// banks. An index says where an element would lie without that.

//: wgmma_array
// The array NAME in local memory, which may be larger than what OpenCL allows.
#ifdef DLG_WGMMA
#define wgmma_array(type, name, elems, bytes)                                                                           \
    uint wgmma_##name;                                                                                                  \
    __asm volatile("// DLG .shared .align 1024 .b8 dlg_" #name "[" #bytes "]; mov.u32 %0, dlg_" #name ";"               \
                   : "=r"(wgmma_##name));                                                                               \
    __local type *const name = (__local type *)(size_t)wgmma_##name
#else
#define wgmma_array(type, name, elems, bytes) __local type name[elems] __attribute__((aligned(16)))
#endif
//: wgmma_ld4
// At a multiple of 16 bytes.
static float4 wgmma_ld4(const __global float *p) {
    return *(const __global float4 *)p;
}
//: wgmma_nearest
// Numbers rounded to the nearest of tf32: half of the last place is added, and the units do not look at the last 13 bits. A NaN
// stays one.
static float4 wgmma_nearest(float4 v) {
    return fma(as_float4(as_uint4(v) & 0xff800000), (float4)(0x1p-11f), v);
}
//: wgmma_pairs
// The bits of numbers rounded to the nearest of bf16, of two as near to the even one.
static uint2 wgmma_pairs(float4 v) {
#ifdef DLG_WGMMA
    uint2 pairs;
    __asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pairs.x) : "f"(v.y), "f"(v.x));
    __asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pairs.y) : "f"(v.w), "f"(v.z));
    return pairs;
#else
    const uint4 u = as_uint4(v), even = (u >> 16) & 1;
    const uint4 bits = select((u + 0x7fff + even) >> 16, u >> 16 | 0x40, (u & 0x7fffffff) > 0x7f800000);
    return (uint2)(bits.x | bits.y << 16, bits.z | bits.w << 16);
#endif
}
//: wgmma_sttf
static void wgmma_sttf(__global float *p, float4 v) {
    *(__global float4 *)p = wgmma_nearest(v);
}
//: wgmma_stbf
static void wgmma_stbf(__global ushort *p, float4 v) {
    *(__global uint2 *)p = wgmma_pairs(v);
}
//: wgmma_place
// Where the byte `at` of an array lies.
static int wgmma_place(int at) {
#ifdef DLG_WGMMA
    return at ^ (at >> 3 & 0x70);
#else
    return at;
#endif
}
//: wgmma_copy_f32
// 16 bytes to local memory, or zeros, while the item goes on.
static void wgmma_copy_f32(__local float *to, int at, const __global float *from, int inside) {
#ifdef DLG_WGMMA
    __asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((uint)(size_t)to + wgmma_place(4 * at)),
                   "l"(from), "r"(inside ? 16 : 0)
                   : "memory");
#else
    for (int i = 0; i < 4; i++) to[at + i] = inside ? from[i] : 0.0f;
#endif
}
//: wgmma_copy_bf16
static void wgmma_copy_bf16(__local ushort *to, int at, const __global ushort *from, int inside) {
#ifdef DLG_WGMMA
    __asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((uint)(size_t)to + wgmma_place(2 * at)),
                   "l"(from), "r"(inside ? 16 : 0)
                   : "memory");
#else
    for (int i = 0; i < 8; i++) to[at + i] = inside ? from[i] : 0;
#endif
}
//: wgmma_put_tf32
static void wgmma_put_tf32(__local float *to, int at, float4 v) {
    *(__local float4 *)((__local char *)to + wgmma_place(4 * at)) = wgmma_nearest(v);
}
//: wgmma_put_3xtf32
// As the sum of two of tf32, the first the nearest to it; the second comes `half` elements later.
static void wgmma_put_3xtf32(__local float *to, int at, float4 v, int half_of) {
#ifdef DLG_WGMMA
    const float4 near = fma((float4)(-8192.0f), v, v * 8193.0f);
    const float4 first = select(as_float4(as_uint4(v) & 0xffffe000), near, fabs(v) < 4e34f);
    *(__local float4 *)((__local char *)to + wgmma_place(4 * at)) = first;
    *(__local float4 *)((__local char *)to + wgmma_place(4 * (at + half_of))) = v - first;
#else
    *(__local float4 *)(to + at) = v;
#endif
}
//: wgmma_put_bf16
static void wgmma_put_bf16(__local ushort *to, int at, float4 v) {
    *(__local uint2 *)((__local char *)to + wgmma_place(2 * at)) = wgmma_pairs(v);
}
//: wgmma_settle
static void wgmma_settle(void) {
#ifdef DLG_WGMMA
    __asm volatile("// DLG fence.proxy.async.shared::cta;" ::: "memory");
#endif
}
//: wgmma_sums64
#define wgmma_sums8(d, i) \
    "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
        "+f"(d[i + 7])
#define wgmma_sums64(d, i) \
    wgmma_sums8(d, i), wgmma_sums8(d, i + 8), wgmma_sums8(d, i + 16), wgmma_sums8(d, i + 24), \
        wgmma_sums8(d, i + 32), wgmma_sums8(d, i + 40), wgmma_sums8(d, i + 48), wgmma_sums8(d, i + 56)
//: wgmma_128
// d += a * b, or = where `add` is 0; `type` k steps at once, of 128 columns. Tail: how the operands lie, of bf16.
#define wgmma_128(type, k, tail, d, a, b, add) \
    __asm volatile("// DLG { .reg .pred p; setp.ne.b32 p, %66, 0; wgmma.mma_async.sync.aligned.m64n128k" k ".f32." \
                   type "." type " {" \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63" \
                   "}, %64, %65, p, 1, 1" tail "; }" \
                   : wgmma_sums64(d, 0) \
                   : "l"(a), "l"(b), "r"(add))
//: wgmma_256
// The same of 256 columns.
#define wgmma_256(type, k, tail, d, a, b, add) \
    __asm volatile("// DLG { .reg .pred p; setp.ne.b32 p, %130, 0; wgmma.mma_async.sync.aligned.m64n256k" k ".f32." \
                   type "." type " {" \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, " \
    "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
    "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, " \
    "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
    "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127" \
                   "}, %128, %129, p, 1, 1" tail "; }" \
                   : wgmma_sums64(d, 0), wgmma_sums64(d, 64) \
                   : "l"(a), "l"(b), "r"(add))
//: wgmma_begin
static void wgmma_begin(void) {
#ifdef DLG_WGMMA
    __asm volatile("// DLG wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
//: wgmma_commit
static void wgmma_commit(void) {
#ifdef DLG_WGMMA
    __asm volatile("// DLG wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
//: wgmma_done
// Waits for all products but the last 1 (or 0).
__attribute__((always_inline)) static void wgmma_done(float *sums, int columns, int but) {
#ifdef DLG_WGMMA
    if (but)
        __asm volatile("// DLG wgmma.wait_group.sync.aligned 1;" ::: "memory");
    else if (columns == 1)
        __asm volatile("// DLG wgmma.wait_group.sync.aligned 0;" : wgmma_sums64(sums, 0)::"memory");
    else
        __asm volatile("// DLG wgmma.wait_group.sync.aligned 0;" : wgmma_sums64(sums, 0), wgmma_sums64(sums, 64)::"memory");
#endif
}
//: wgmma_add
// Waits for the product of some steps, and adds it to the sums: the units cut off what they add.
__attribute__((always_inline)) static void wgmma_add(float *sums, int columns) {
#ifdef DLG_WGMMA
    __asm volatile("// DLG wgmma.wait_group.sync.aligned 0;" : wgmma_sums64(sums, 64)::"memory");
#endif
#pragma unroll
    for (int i = 0; i < 64 * columns; i++) sums[i] += sums[64 * columns + i];
}
//: wgmma_tile
// A tile as the units are told of it: lines of 128 bytes along what is contracted, or (blocks of 64) beside each other.
static ulong wgmma_tile(const __local void *tile, int along) {
    const ulong way = (ulong)1 << 62 | (ulong)(1024 >> 4) << 32 | (ulong)(along ? 1 : 8192 >> 4) << 16;
    return way | ((uint)(size_t)tile >> 4 & 0x3fff);
}
//: wgmma_row
static int wgmma_row(int l, int i) {
    return l / 32 * 16 + l % 32 / 4 + i / 2 % 2 * 8;
}
//: wgmma_column
static int wgmma_column(int l, int i) {
    return i / 4 * 8 + l % 4 * 2 + i % 2;
}
//: wgmma_f32
// What no matrix unit does: the item's sums.
static void wgmma_f32(float *sums, const __local float *a, const __local float *b, int columns, int l) {
    for (int i = 0; i < 64 * columns; i++) {
        const __local float *p = a + wgmma_row(l, i) * 32, *q = b + wgmma_column(l, i) * 32;
        for (int k = 0; k < 32; k++) sums[i] = fma(p[k], q[k], sums[i]);
    }
}
//: wgmma_product_tf32
// Begins sums += the product of the tiles at a and at b by 32 steps.
__attribute__((always_inline)) static void wgmma_product_tf32(float *sums, const __local float *a,
                                                              const __local float *b, int columns, int l) {
#ifdef DLG_WGMMA
    const ulong left = wgmma_tile(a, 1) + l / 128 * 512, right = wgmma_tile(b, 1);
    wgmma_begin();
#pragma unroll
    for (int k = 0; k < 4; k++) {
        if (columns == 1)
            wgmma_128("tf32", "8", "", sums, left + 2 * k, right + 2 * k, 1);
        else
            wgmma_256("tf32", "8", "", sums, left + 2 * k, right + 2 * k, 1);
    }
    wgmma_commit();
#else
    wgmma_f32(sums, a, b, columns, l);
#endif
}
//: wgmma_product_3xtf32
// Begins sums[64 ..] = the same product; that of what rounding leaves of both does not count.
__attribute__((always_inline)) static void wgmma_product_3xtf32(float *sums, const __local float *a,
                                                                const __local float *b, int columns, int half_of,
                                                                int l) {
#ifdef DLG_WGMMA
    const ulong left = wgmma_tile(a, 1) + l / 128 * 512, right = wgmma_tile(b, 1);
    float *part = sums + 64;
    wgmma_begin();
#pragma unroll
    for (int k = 0; k < 4; k++) {
        wgmma_128("tf32", "8", "", part, left + half_of / 4 + 2 * k, right + 2 * k, k > 0);
        wgmma_128("tf32", "8", "", part, left + 2 * k, right + half_of / 4 + 2 * k, 1);
    }
#pragma unroll
    for (int k = 0; k < 4; k++) wgmma_128("tf32", "8", "", part, left + 2 * k, right + 2 * k, 1);
    wgmma_commit();
#else
    for (int i = 0; i < 64; i++) sums[64 + i] = 0.0f;
    wgmma_f32(sums + 64, a, b, columns, l);
#endif
}
//: wgmma_bf16
#define wgmma_bf16(tail) \
    if (columns == 1) \
        wgmma_128("bf16", "16", tail, to, left, right, k > 0 || !apart); \
    else \
        wgmma_256("bf16", "16", tail, to, left, right, 1)
//: wgmma_product_bf16
// Begins sums += the product of the tiles at a and at b by 64 steps; with `apart`, of 128 columns, sums[64 ..] = it.
__attribute__((always_inline)) static void wgmma_product_bf16(float *sums, const __local ushort *a,
                                                              const __local ushort *b, int columns, int along_a,
                                                              int along_b, int apart, int l) {
    float *to = apart ? sums + 64 : sums;
#ifdef DLG_WGMMA
    ulong left = wgmma_tile(a, along_a) + l / 128 * 512, right = wgmma_tile(b, along_b);
    wgmma_begin();
#pragma unroll
    for (int k = 0; k < 4; k++) {
        if (along_a && along_b) {
            wgmma_bf16(", 0, 0");
        } else if (along_a) {
            wgmma_bf16(", 0, 1");
        } else if (along_b) {
            wgmma_bf16(", 1, 0");
        } else {
            wgmma_bf16(", 1, 1");
        }
        left += along_a ? 2 : 128;
        right += along_b ? 2 : 128;
    }
    wgmma_commit();
#else
    for (int i = 0; i < 64 * columns; i++) {
        const int y = wgmma_row(l, i), x = wgmma_column(l, i);
        if (apart) to[i] = 0.0f;
        for (int k = 0; k < 64; k++) {
            const ushort p = a[along_a ? y * 64 + k : y / 64 * 4096 + k * 64 + y % 64];
            const ushort q = b[along_b ? x * 64 + k : x / 64 * 4096 + k * 64 + x % 64];
            to[i] = fma(as_float((uint)p << 16), as_float((uint)q << 16), to[i]);
        }
    }
#endif
}
//: wgmma_sums_out
// The tile by rows, 8 places apart.
__attribute__((always_inline)) static void wgmma_sums_out(__local float *to, const float *sums, int columns, int l) {
    const int pitch = columns * 128 + 8;
#pragma unroll
    for (int i = 0; i < 64 * columns; i += 2)
        *(__local float2 *)(to + wgmma_row(l, i) * pitch + wgmma_column(l, i)) = (float2)(sums[i], sums[i + 1]);
}
