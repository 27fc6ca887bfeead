/* Kernels of the runtime itself: they put the rows of a batch into an entry's inputs, and look for what is not
 * finite.
 *
 * gather4, gather2, gather1: to[o, b, i] = from[rows[first + b], o, i] for b < batch, of elements of so many
 * bytes.
 * Shapes: from[n, outer, inner], to[outer, batch, inner], rows[any]
 * Requires: first + batch <= the length of rows; every one of these rows below n.
 * A work-group takes every num_groups-th row of the batch, its items share the row. */

__kernel void gather4(__global const uint *restrict from, __global uint *restrict to,
                      __global const uint *restrict rows, uint first, uint batch, uint outer,
                      uint inner) {
    uint lane = get_local_id(0), lanes = get_local_size(0);
    for (uint b = get_group_id(0); b < batch; b += get_num_groups(0)) {
        __global const uint *row = from + (size_t)rows[first + b] * outer * inner;
        for (uint o = 0; o < outer; o++) {
            __global uint *out = to + ((size_t)o * batch + b) * inner;
            for (uint i = lane; i < inner; i += lanes) out[i] = row[(size_t)o * inner + i];
        }
    }
}

__kernel void gather2(__global const ushort *restrict from, __global ushort *restrict to,
                      __global const uint *restrict rows, uint first, uint batch, uint outer,
                      uint inner) {
    uint lane = get_local_id(0), lanes = get_local_size(0);
    for (uint b = get_group_id(0); b < batch; b += get_num_groups(0)) {
        __global const ushort *row = from + (size_t)rows[first + b] * outer * inner;
        for (uint o = 0; o < outer; o++) {
            __global ushort *out = to + ((size_t)o * batch + b) * inner;
            for (uint i = lane; i < inner; i += lanes) out[i] = row[(size_t)o * inner + i];
        }
    }
}

__kernel void gather1(__global const uchar *restrict from, __global uchar *restrict to,
                      __global const uint *restrict rows, uint first, uint batch, uint outer,
                      uint inner) {
    uint lane = get_local_id(0), lanes = get_local_size(0);
    for (uint b = get_group_id(0); b < batch; b += get_num_groups(0)) {
        __global const uchar *row = from + (size_t)rows[first + b] * outer * inner;
        for (uint o = 0; o < outer; o++) {
            __global uchar *out = to + ((size_t)o * batch + b) * inner;
            for (uint i = lane; i < inner; i += lanes) out[i] = row[(size_t)o * inner + i];
        }
    }
}

/* nonfinite4, nonfinite2: first[slot] = the least i below `count` for which x[begin + i] is infinite or NaN, if that
 * is less than what stands there. Of floats of so many bytes, whose exponent is `mask`.
 * An integer minimum: the result does not depend on the order of the items. */

__kernel void nonfinite4(__global const uint *restrict x, ulong begin, uint count, uint mask,
                         __global uint *restrict first, uint slot) {
    uint items = get_global_size(0);
    for (ulong i = get_global_id(0); i < count; i += items)
        if ((x[begin + i] & mask) == mask) {
            atomic_min(first + slot, (uint)i);
            break;
        }
}

__kernel void nonfinite2(__global const ushort *restrict x, ulong begin, uint count, uint mask,
                         __global uint *restrict first, uint slot) {
    uint items = get_global_size(0);
    for (ulong i = get_global_id(0); i < count; i += items)
        if ((x[begin + i] & mask) == mask) {
            atomic_min(first + slot, (uint)i);
            break;
        }
}
