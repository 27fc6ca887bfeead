/* Kernels of the runtime itself: they put the rows of a batch into an entry's inputs, and look for what is not
 * finite.
 */

/* Which samples a launch selects: rows[first + r] for r below `count`, `batch` of them a batch. */
#define SAMPLES __global const uint *rows, uint first, uint count, uint batch

/* Copies one input's samples in pieces of one type, `pieces` a row; items share a row. A row's copy begins before the one
 * before it is there: there is nothing else in the loop. (Without `restrict`, which oclgrind does not know in what is
 * inlined; the kernel has it.) */
#define PUT_SAMPLES(NAME, TYPE)                                                                            \
    void NAME(SAMPLES, __global const TYPE *from, __global TYPE *to, uint outer, uint pieces, ulong pitch) { \
        uint lane = get_local_id(0), lanes = get_local_size(0);                                            \
        for (uint r = get_group_id(0); r < count; r += get_num_groups(0)) {                                \
            size_t row = rows[first + r], k = r / batch, b = r % batch;                                    \
            for (size_t o = 0; o < outer; o++)                                                             \
                for (uint i = lane; i < pieces; i += lanes)                                                \
                    to[k * pitch + (o * batch + b) * pieces + i] = from[(row * outer + o) * pieces + i];   \
        }                                                                                                  \
    }
PUT_SAMPLES(put_64, uint16)
PUT_SAMPLES(put_16, uint4)
PUT_SAMPLES(put_4, uint)
PUT_SAMPLES(put_2, ushort)
PUT_SAMPLES(put_1, uchar)

/* In the largest pieces that a row of `inner` bytes is a multiple of; where items share a row, of 16 bytes at most. */
void put_samples(SAMPLES, __global const uchar *from, __global uchar *to, uint outer, uint inner, ulong pitch) {
#define PUT(NAME, TYPE, BYTES)                                                                             \
    NAME(rows, first, count, batch, (__global const TYPE *)from, (__global TYPE *)to, outer, inner / BYTES, pitch / BYTES)
    if (inner == 0)
        return;
    else if (inner % 64 == 0 && get_local_size(0) == 1)
        PUT(put_64, uint16, 64);
    else if (inner % 16 == 0)
        PUT(put_16, uint4, 16);
    else if (inner % 4 == 0)
        PUT(put_4, uint, 4);
    else if (inner % 2 == 0)
        PUT(put_2, ushort, 2);
    else
        PUT(put_1, uchar, 1);
}

/* Several batches of up to four inputs: batch k of input n lies k * pitch_n bytes behind the first, and
 * to_n[k, o, b, ...] = from_n[rows[first + k * batch + b], o, ...].
 * Shapes: from_n[samples, outer_n, inner_n bytes], to_n[batches, outer_n, batch, inner_n bytes], rows[any]. An input that
 * there is not has an inner_n of 0.
 * Requires: first + count <= the length of rows; every one of these rows below the number of samples; buffers begin,
 * and pitch_n is, at multiples of 64 bytes.
 * A work-group takes every num_groups-th of the `count` rows, its items share the row. */
__kernel void gather(__global const uint *restrict rows, uint first, uint count, uint batch,
                     __global const uchar *restrict from0, __global uchar *restrict to0, uint outer0,
                     uint inner0, ulong pitch0, __global const uchar *restrict from1,
                     __global uchar *restrict to1, uint outer1, uint inner1, ulong pitch1,
                     __global const uchar *restrict from2, __global uchar *restrict to2, uint outer2,
                     uint inner2, ulong pitch2, __global const uchar *restrict from3,
                     __global uchar *restrict to3, uint outer3, uint inner3, ulong pitch3) {
    put_samples(rows, first, count, batch, from0, to0, outer0, inner0, pitch0);
    put_samples(rows, first, count, batch, from1, to1, outer1, inner1, pitch1);
    put_samples(rows, first, count, batch, from2, to2, outer2, inner2, pitch2);
    put_samples(rows, first, count, batch, from3, to3, outer3, inner3, pitch3);
}

/* nonfinite4, nonfinite2: among x[begin + i], i below `count`, of floats of so many bytes: first[slot] becomes the least i
 * of a NaN, first[slot + 1] that of an infinity, if they are less than what stands there. `infinity` is one's bits, and
 * `sign` all but those of a sign. With `compare` elements do not count that have the bits of before[before_begin + i].
 * An integer minimum: the result does not depend on the order of the items. */

__kernel void nonfinite4(__global const uint *x, ulong begin, uint count, uint infinity, uint sign,
                         __global const uint *before, ulong before_begin, uint compare,
                         __global uint *first, uint slot) {
    uint items = get_global_size(0), nan = 0xffffffff, inf = 0xffffffff;
    for (ulong i = get_global_id(0); i < count; i += items) {
        uint bits = x[begin + i];
        if ((bits & sign) < infinity || (compare && bits == before[before_begin + i])) continue;
        if ((bits & sign) > infinity)
            nan = min(nan, (uint)i);
        else
            inf = min(inf, (uint)i);
    }
    if (nan != 0xffffffff) atomic_min(first + slot, nan);
    if (inf != 0xffffffff) atomic_min(first + slot + 1, inf);
}

__kernel void nonfinite2(__global const ushort *x, ulong begin, uint count, uint infinity, uint sign,
                         __global const ushort *before, ulong before_begin, uint compare,
                         __global uint *first, uint slot) {
    uint items = get_global_size(0), nan = 0xffffffff, inf = 0xffffffff;
    for (ulong i = get_global_id(0); i < count; i += items) {
        uint bits = x[begin + i];
        if ((bits & sign) < infinity || (compare && bits == before[before_begin + i])) continue;
        if ((bits & sign) > infinity)
            nan = min(nan, (uint)i);
        else
            inf = min(inf, (uint)i);
    }
    if (nan != 0xffffffff) atomic_min(first + slot, nan);
    if (inf != 0xffffffff) atomic_min(first + slot + 1, inf);
}
