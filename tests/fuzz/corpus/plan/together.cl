//! dlg 1
//! model together target gpu from "together.dlg"
//! const batch 4
//! arena 2560 align 512
//! buffer 0 x f32 4x3 input
//! buffer 1 y f32 4x1 input
//! buffer 2 h.w f32 3x2 param init uniform -1.0954452 1.0954452
//! buffer 3 h.b f32 2 param init constant 0
//! buffer 4 loss.w f32 2x1 param init uniform -1.4142135 1.4142135
//! buffer 5 loss.b f32 1 param init constant 0
//! buffer 6 loss f32 scalar output
//! buffer 7 carried f32 4x2 arena 0
//! buffer 8 h f32 2x4x2 arena 512
//! buffer 9 carried@train f32 4x2 arena 1024
//! buffer 10 carried.2@train f32 4x2 arena 1536
//! buffer 11 add f32 4x2 arena 1024
//! buffer 12 sub f32 4x1 arena 1024
//! buffer 13 gradsum f32 4x1 arena 2048
//! entry train bound 652 live 2560 reads x y updates h.w h.b loss.w loss.b step returns loss
//! together together0 global 512 local 256 args 0 2 3 11 7 10 8 4 5 1 12 13 6 9
//! launch k0 global 256 local 256 args 0 2 3 11 flops 1792 bytes 112 at "together.dlg":4
//! launch k1 global 512 local 256 args 7 10 flops 0 bytes 64 at "together.dlg":4
//! repeat 2
//! launch k2 global 256 local 256 args 11 7 8 @0 flops 512 bytes 96 at "together.dlg":4
//! end-repeat
//! launch k3 global 256 local 256 args 7 4 5 1 12 13 flops 2048 bytes 92 at "together.dlg":5
//! launch k4 global 512 local 256 args 12 6 13 5 flops 3840 bytes 40 at "together.dlg":5
//! launch k5 global 256 local 256 args 13 4 9 flops 512 bytes 56 at "together.dlg":4
//! launch k6 global 256 local 256 args 7 13 4 flops 2560 bytes 56 at "together.dlg":5
//! repeat 2
//! launch k7 global 256 local 256 args 9 8 10 @0 flops 1024 bytes 96 at "together.dlg":4
//! end-repeat
//! launch k8 global 256 local 256 args 10 3 flops 1536 bytes 40 at "together.dlg":4
//! launch k9 global 256 local 256 args 0 10 2 flops 2560 bytes 104 at "together.dlg":4
//! end-together
//! kernels 11 checksum bdcee9cf03813687

static void arrive_for_all(volatile __global int *at) {
#if defined(cl_nv_pragma_unroll) || defined(__NV_CL_C_VERSION)
    asm volatile("fence.acq_rel.gpu; red.relaxed.gpu.global.add.s32 [%0], 1;" ::"l"(at) : "memory");
#else
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    atomic_inc(at);
#endif
}
static int seen_by_all(volatile __global int *at) {
#if defined(cl_nv_pragma_unroll) || defined(__NV_CL_C_VERSION)
    int now;
    asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(now) : "l"(at) : "memory");
    return now;
#else
    return atomic_or(at, 0);
#endif
}
static void close_team(volatile __global int *counters) {
    const int came = atomic_or(counters, 65536);
    if (came < 65536) atomic_xchg(counters + 32, came);
}
// Returns how many are in the team; team[1] is this group's number in it. Who came too late is by itself, behind all work.
static int gather_groups(volatile __global int *counters, __local int *team, int l) {
    if (l == 0) {
        int me = atomic_inc(counters), n = 0;
        if (me >= 65536) {
            n = 1;
            me = 1 << 30;
        } else {
            if (me + 1 == (int)get_num_groups(0)) close_team(counters);
            for (int i = 0; i < 4000 && n == 0; i++) n = counters[32];
            if (n == 0) close_team(counters);
            while (n == 0) n = counters[32];
        }
        team[0] = n;
        team[1] = me;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return team[0];
}
// The first group for `me` where `taken` others were dealt out before.
static int next_group(int me, int n, int taken) {
    return me < n ? (me + n - taken % n) % n : me;
}
// Waits until all n of the team are here; `met` counts arrivals up to the meeting before.
static int meet_groups(volatile __global int *counters, int met, int n, int l) {
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (l == 0 && n > 1) {
        arrive_for_all(counters + 64);
        while (seen_by_all(counters + 64) < met + n) {
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    return met + n;
}
// The last one leaves the counters as they were.
static void leave_groups(volatile __global int *counters, int l) {
    if (l == 0 && atomic_inc(counters + 96) == (int)get_num_groups(0) - 1)
        counters[0] = counters[32] = counters[64] = counters[96] = 0;
}

// k0
//    4  h = scan t in 0..2 with h = zeros(batch, 2) { h = tanh(dense(x, 2) + h) }
// makes add[4x2]
static void k0_group(const int g, const int l,
    __global const float *x,
    __global const float *h_w,
    __global const float *h_b,
    __global float *add) {
    if (l < 8) {
        const int i = l;
        float acc = 0.0f;
        for (int k = 0; k < 3; k++) {
            const float x1 = x[(i / 2) * 3 + k];
            const float h_w1 = h_w[i % 2 + k * 2];
            acc = fma(x1, h_w1, acc);
        }
        const float h_b1 = h_b[i % 2];
        add[i] = acc + h_b1;
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k0(__global const float *restrict x,
    __global const float *restrict h_w,
    __global const float *restrict h_b,
    __global float *restrict add) {
    k0_group(get_group_id(0), get_local_id(0), x, h_w, h_b, add);
}

// k1
//    4  h = scan t in 0..2 with h = zeros(batch, 2) { h = tanh(dense(x, 2) + h) }
// makes carried[4x2]
//       carried[4x2]
static void k1_group(const int g, const int l,
    __global float *carried,
    __global float *carried1) {
    // carried[4x2]
    if (g == 0) {
        if (l < 8) {
            const int i = l;
            carried[i] = 0.0f;
        }
    }
    // carried[4x2]
    if (g == 1) {
        if (l < 8) {
            const int i1 = l;
            carried1[i1] = 0.0f;
        }
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k1(__global float *restrict carried,
    __global float *restrict carried1) {
    k1_group(get_group_id(0), get_local_id(0), carried, carried1);
}

// k2
//    4  h = scan t in 0..2 with h = zeros(batch, 2) { h = tanh(dense(x, 2) + h) }
// makes carried[4x2], h[2x4x2]
static void k2_group(const int g, const int l,
    __global const float *add,
    __global float *carried,
    __global float *h,
    const int t) {
    if (l < 8) {
        const int i = l;
        const float add1 = add[i];
        const float carried1 = carried[i];
        const float h1 = tanh(add1 + carried1);
        carried[i] = h1;
        h[i + t * 8] = h1;
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k2(__global const float *restrict add,
    __global float *restrict carried,
    __global float *restrict h,
    const int t) {
    k2_group(get_group_id(0), get_local_id(0), add, carried, h, t);
}

// k3
//    5  loss = mse(dense(h, 1), y)
// makes sub[4x1], gradsum[4x1]
static void k3_group(const int g, const int l,
    __global const float *carried,
    __global const float *loss_w,
    __global const float *loss_b,
    __global const float *y,
    __global float *sub,
    __global float *gradsum) {
    if (l < 4) {
        const int i = l;
        float acc = 0.0f;
        for (int k = 0; k < 2; k++) {
            const float carried1 = carried[i * 2 + k];
            const float loss_w1 = loss_w[k];
            acc = fma(carried1, loss_w1, acc);
        }
        const float loss_b1 = loss_b[0];
        const float y1 = y[i];
        const float v = acc + loss_b1 - y1;
        const float v1 = 0.25f * v;
        sub[i] = v;
        gradsum[i] = v1 + v1;
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k3(__global const float *restrict carried,
    __global const float *restrict loss_w,
    __global const float *restrict loss_b,
    __global const float *restrict y,
    __global float *restrict sub,
    __global float *restrict gradsum) {
    k3_group(get_group_id(0), get_local_id(0), carried, loss_w, loss_b, y, sub, gradsum);
}

// k4
//    5  loss = mse(dense(h, 1), y)
//    6  entry train -> loss { minimize loss by sgd(lr = 0.1) }
// makes loss[scalar]
//       loss.b[1]
static void k4_group(const int g, const int l,
    __global const float *sub,
    __global float *loss,
    __global const float *gradsum,
    __global float *loss_b) {
    // loss[scalar]
    if (g == 0) {
        if (l == 0) {
            float sum = 0.0f;
            for (int i = 0; i < 4; i++) {
                const float sub1 = sub[i];
                sum = sum + sub1 * sub1;
            }
            loss[0] = sum * 0.25f;
        }
    }
    // loss.b[1]
    if (g == 1) {
        if (l == 0) {
            float sum1 = 0.0f;
            for (int i1 = 0; i1 < 4; i1++) {
                const float gradsum1 = gradsum[i1];
                sum1 = sum1 + gradsum1;
            }
            const float loss_b1 = loss_b[0];
            loss_b[0] = loss_b1 - 0.1f * sum1;
        }
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k4(__global const float *restrict sub,
    __global float *restrict loss,
    __global const float *restrict gradsum,
    __global float *restrict loss_b) {
    k4_group(get_group_id(0), get_local_id(0), sub, loss, gradsum, loss_b);
}

// k5
//    4  h = scan t in 0..2 with h = zeros(batch, 2) { h = tanh(dense(x, 2) + h) }
//    5  loss = mse(dense(h, 1), y)
// makes carried[4x2]
static void k5_group(const int g, const int l,
    __global const float *gradsum,
    __global const float *loss_w,
    __global float *carried) {
    if (l < 8) {
        const int i = l;
        float acc = 0.0f;
        const float gradsum1 = gradsum[i / 2];
        const float loss_w1 = loss_w[i % 2];
        acc = fma(gradsum1, loss_w1, acc);
        carried[i] = acc;
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k5(__global const float *restrict gradsum,
    __global const float *restrict loss_w,
    __global float *restrict carried) {
    k5_group(get_group_id(0), get_local_id(0), gradsum, loss_w, carried);
}

// k6
//    5  loss = mse(dense(h, 1), y)
//    6  entry train -> loss { minimize loss by sgd(lr = 0.1) }
// makes loss.w[2x1]
static void k6_group(const int g, const int l,
    __global const float *carried,
    __global const float *gradsum,
    __global float *loss_w) {
    if (l < 2) {
        const int i = l;
        float acc = 0.0f;
        for (int k = 0; k < 4; k++) {
            const float carried1 = carried[i + k * 2];
            const float gradsum1 = gradsum[k];
            acc = fma(carried1, gradsum1, acc);
        }
        const float loss_w1 = loss_w[i];
        loss_w[i] = loss_w1 - 0.1f * acc;
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k6(__global const float *restrict carried,
    __global const float *restrict gradsum,
    __global float *restrict loss_w) {
    k6_group(get_group_id(0), get_local_id(0), carried, gradsum, loss_w);
}

// k7
//    4  h = scan t in 0..2 with h = zeros(batch, 2) { h = tanh(dense(x, 2) + h) }
// makes carried[4x2], carried[4x2]
static void k7_group(const int g, const int l,
    __global float *carried,
    __global const float *h,
    __global float *carried1,
    const int t) {
    if (l < 8) {
        const int i = l;
        const float carried2 = carried[i];
        const float h1 = h[i - t * 8 + 8];
        const float v = carried2 * (1.0f - h1 * h1);
        const float carried3 = carried1[i];
        carried[i] = v;
        carried1[i] = carried3 + v;
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k7(__global float *restrict carried,
    __global const float *restrict h,
    __global float *restrict carried1,
    const int t) {
    k7_group(get_group_id(0), get_local_id(0), carried, h, carried1, t);
}

// k8
//    4  h = scan t in 0..2 with h = zeros(batch, 2) { h = tanh(dense(x, 2) + h) }
//    6  entry train -> loss { minimize loss by sgd(lr = 0.1) }
// makes h.b[2]
static void k8_group(const int g, const int l,
    __global const float *carried,
    __global float *h_b) {
    if (l < 2) {
        const int i = l;
        float sum = 0.0f;
        for (int i1 = 0; i1 < 4; i1++) {
            const float carried1 = carried[i + i1 * 2];
            sum = sum + carried1;
        }
        const float h_b1 = h_b[i];
        h_b[i] = h_b1 - 0.1f * sum;
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k8(__global const float *restrict carried,
    __global float *restrict h_b) {
    k8_group(get_group_id(0), get_local_id(0), carried, h_b);
}

// k9
//    4  h = scan t in 0..2 with h = zeros(batch, 2) { h = tanh(dense(x, 2) + h) }
//    6  entry train -> loss { minimize loss by sgd(lr = 0.1) }
// makes h.w[3x2]
static void k9_group(const int g, const int l,
    __global const float *x,
    __global const float *carried,
    __global float *h_w) {
    if (l < 6) {
        const int i = l;
        float acc = 0.0f;
        for (int k = 0; k < 4; k++) {
            const float x1 = x[i / 2 + k * 3];
            const float carried1 = carried[i % 2 + k * 2];
            acc = fma(x1, carried1, acc);
        }
        const float h_w1 = h_w[i];
        h_w[i] = h_w1 - 0.1f * acc;
    }
}
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void k9(__global const float *restrict x,
    __global const float *restrict carried,
    __global float *restrict h_w) {
    k9_group(get_group_id(0), get_local_id(0), x, carried, h_w);
}

#ifdef DLG_MEETS
// together0
// launches of train one after the other, which is faster as one launch
__attribute__((reqd_work_group_size(256, 1, 1)))
__kernel void together0(__global const float *x_0,
    __global float *h_w_2,
    __global float *h_b_3,
    __global float *add_11,
    __global float *carried_7,
    __global float *carried_2_train_10,
    __global float *h_8,
    __global float *loss_w_4,
    __global float *loss_b_5,
    __global const float *y_1,
    __global float *sub_12,
    __global float *gradsum_13,
    __global float *loss_6,
    __global float *carried_train_9,
    volatile __global int *counters) {
    __local uint4 shared[1];
    __local int team[2];
    const int l = get_local_id(0);
    const int n = gather_groups(counters, team, l), me = team[1];
    int met = 0;
    for (int g = me; g < 1; g += n) {
        k0_group(g, l, x_0, h_w_2, h_b_3, add_11);
    }
    for (int g = next_group(me, n, 1); g < 2; g += n) {
        k1_group(g, l, carried_7, carried_2_train_10);
    }
    met = meet_groups(counters, met, n, l);
    for (int turn0 = 0; turn0 < 2; turn0++) {
        for (int g = me; g < 1; g += n) {
            k2_group(g, l, add_11, carried_7, h_8, turn0);
        }
        met = meet_groups(counters, met, n, l);
    }
    for (int g = me; g < 1; g += n) {
        k3_group(g, l, carried_7, loss_w_4, loss_b_5, y_1, sub_12, gradsum_13);
    }
    met = meet_groups(counters, met, n, l);
    for (int g = me; g < 2; g += n) {
        k4_group(g, l, sub_12, loss_6, gradsum_13, loss_b_5);
    }
    met = meet_groups(counters, met, n, l);
    for (int g = me; g < 1; g += n) {
        k5_group(g, l, gradsum_13, loss_w_4, carried_train_9);
    }
    met = meet_groups(counters, met, n, l);
    for (int g = me; g < 1; g += n) {
        k6_group(g, l, carried_7, gradsum_13, loss_w_4);
    }
    met = meet_groups(counters, met, n, l);
    for (int turn0 = 0; turn0 < 2; turn0++) {
        for (int g = me; g < 1; g += n) {
            k7_group(g, l, carried_train_9, h_8, carried_2_train_10, turn0);
        }
        met = meet_groups(counters, met, n, l);
    }
    for (int g = me; g < 1; g += n) {
        k8_group(g, l, carried_2_train_10, h_b_3);
    }
    for (int g = next_group(me, n, 1); g < 1; g += n) {
        k9_group(g, l, x_0, carried_2_train_10, h_w_2);
    }
    leave_groups(counters, l);
}
#endif
//! end
