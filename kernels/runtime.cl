/* Kernels of the runtime itself: they put the rows of a batch into an entry's inputs, and look for what is not
 * finite.
 */

/* The bytes of a row, in the largest pieces that they are a multiple of; items share them. (Without `restrict`, which
 * oclgrind does not know in what is inlined; the kernel has it.) */
void copy_row(__global const uchar *from, __global uchar *to, uint bytes) {
    uint lane = get_local_id(0), lanes = get_local_size(0);
    if (bytes % 16 == 0)
        for (uint i = lane; i < bytes / 16; i += lanes)
            ((__global uint4 *)to)[i] = ((__global const uint4 *)from)[i];
    else if (bytes % 4 == 0)
        for (uint i = lane; i < bytes / 4; i += lanes)
            ((__global uint *)to)[i] = ((__global const uint *)from)[i];
    else if (bytes % 2 == 0)
        for (uint i = lane; i < bytes / 2; i += lanes)
            ((__global ushort *)to)[i] = ((__global const ushort *)from)[i];
    else
        for (uint i = lane; i < bytes; i += lanes) to[i] = from[i];
}

/* to[o, b, ...] = from[row, o, ...], of rows of `inner` bytes. */
void put_sample(__global const uchar *from, __global uchar *to, size_t row, size_t b,
                uint batch, uint outer, uint inner) {
    for (size_t o = 0; o < outer; o++)
        copy_row(from + (row * outer + o) * inner, to + (o * batch + b) * inner, inner);
}

/* Several batches of up to four inputs: batch k of input n lies k * pitch_n bytes behind the first, and
 * to_n[k, o, b, ...] = from_n[rows[first + k * batch + b], o, ...].
 * Shapes: from_n[samples, outer_n, inner_n bytes], to_n[batches, outer_n, batch, inner_n bytes], rows[any]. An input that
 * there is not has an inner_n of 0.
 * Requires: first + count <= the length of rows; every one of these rows below the number of samples; buffers begin
 * at multiples of 16 bytes.
 * A work-group takes every num_groups-th of the `count` rows, its items share the row. */
__kernel void gather(__global const uint *restrict rows, uint first, uint count, uint batch,
                     __global const uchar *restrict from0, __global uchar *restrict to0, uint outer0,
                     uint inner0, ulong pitch0, __global const uchar *restrict from1,
                     __global uchar *restrict to1, uint outer1, uint inner1, ulong pitch1,
                     __global const uchar *restrict from2, __global uchar *restrict to2, uint outer2,
                     uint inner2, ulong pitch2, __global const uchar *restrict from3,
                     __global uchar *restrict to3, uint outer3, uint inner3, ulong pitch3) {
    for (uint r = get_group_id(0); r < count; r += get_num_groups(0)) {
        size_t row = rows[first + r], k = r / batch, b = r % batch;
        put_sample(from0, to0 + k * pitch0, row, b, batch, outer0, inner0);
        if (inner1) put_sample(from1, to1 + k * pitch1, row, b, batch, outer1, inner1);
        if (inner2) put_sample(from2, to2 + k * pitch2, row, b, batch, outer2, inner2);
        if (inner3) put_sample(from3, to3 + k * pitch3, row, b, batch, outer3, inner3);
    }
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
