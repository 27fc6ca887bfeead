// together.cl: how the groups of a launch wait for each other. See vector.cl on blocks.
//
// OpenCL promises no group that others run beside it. So those that come within some milliseconds are the team (one alone
// may be), and the others find nothing to do: a launch ends whatever a driver does, and what it computes does not depend
// on how many they are. `counters`, all 0 between launches, a line of memory apart:
// [0] who came, and 65536 once nobody more may; [32] how many the team are; [64] arrivals at meetings; [96] who left.
//
// What a group stored before a meeting all see after it. OpenCL C 1.2 has no fence for that: its mem_fence is for a group
// alone with NVIDIA's drivers, where the instructions stand instead. On a processor the atomic operations are such fences for
// the core, and mem_fence beside them, before an arrival and after a wait, keeps the compiler from moving others past them.

//: part_of_kernel
// Before the function of what a group does. A driver of processors whose threads each do a group may have one array in local
// memory for all of them where it hands that to a function (PoCL 3.1), but not where the function becomes part of the kernel.
#if defined(cl_nv_pragma_unroll) || defined(__NV_CL_C_VERSION)
#define part_of_kernel()
#else
#define part_of_kernel() __attribute__((always_inline))
#endif
//: arrive_for_all
static void arrive_for_all(volatile __global int *at) {
#if defined(cl_nv_pragma_unroll) || defined(__NV_CL_C_VERSION)
    asm volatile("fence.acq_rel.gpu; red.relaxed.gpu.global.add.s32 [%0], 1;" ::"l"(at) : "memory");
#else
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    atomic_inc(at);
#endif
}
//: wait_for_all
// Until so many have arrived.
static void wait_for_all(volatile __global int *at, int count) {
#if defined(cl_nv_pragma_unroll) || defined(__NV_CL_C_VERSION)
    int now = 0;
    while (now < count) asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(now) : "l"(at) : "memory");
#else
    while (*at < count) {
    }
    atomic_or(at, 0);
    mem_fence(CLK_GLOBAL_MEM_FENCE);
#endif
}
//: close_team
static void close_team(volatile __global int *counters) {
    const int came = atomic_or(counters, 65536);
    if (came < 65536) atomic_xchg(counters + 32, came);
}
//: gather_items
// Where a group is one item: returns how many are in the team; *me is its number in it. Who came too late is by itself,
// behind all work. So often one looks whether the others have come: a processor's may have to be woken.
static int gather_items(volatile __global int *counters, int *me, int looks) {
    int n = 0;
    *me = atomic_inc(counters);
    if (*me >= 65536) {
        *me = 1 << 30;
        return 1;
    }
    if (*me + 1 == (int)get_num_groups(0)) close_team(counters);
    for (int i = 0; i < looks && n == 0; i++) n = counters[32];
    if (n == 0) close_team(counters);
    while (n == 0) n = counters[32];
    return n;
}
//: gather_groups
// The same where it is several: team[1] is the group's number.
static int gather_groups(volatile __global int *counters, __local int *team, int l) {
    if (l == 0) {
        int me;
        team[0] = gather_items(counters, &me, 4000);
        team[1] = me;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return team[0];
}
//: next_group
// The first group for `me` where `taken` others were dealt out before.
static int next_group(int me, int n, int taken) {
    return me < n ? (me + n - taken % n) % n : me;
}
//: meet_items
// Waits until all n of the team are here; `met` counts arrivals up to the meeting before.
static int meet_items(volatile __global int *counters, int met, int n) {
    if (n > 1) {
        arrive_for_all(counters + 64);
        wait_for_all(counters + 64, met + n);
    }
    return met + n;
}
//: meet_groups
// The same where a group is several items.
static int meet_groups(volatile __global int *counters, int met, int n, int l) {
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    if (l == 0) meet_items(counters, met, n);
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    return met + n;
}
//: leave_groups
// The last one leaves the counters as they were.
static void leave_groups(volatile __global int *counters, int l) {
    if (l == 0 && atomic_inc(counters + 96) == (int)get_num_groups(0) - 1)
        counters[0] = counters[32] = counters[64] = counters[96] = 0;
}
