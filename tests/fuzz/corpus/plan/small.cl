//! dlg 1
//! model m target gpu from "m.dlg"
//! arena 512 align 128
//! buffer 0 x i32 2x3 input source "a.csv" columns 0:3 axis 0
//! buffer 1 p bool 2 param init literal 0 1
//! buffer 2 q f32 8 param init normal 0 1e-3
//! buffer 3 step i32 scalar state init constant 0
//! buffer 4 a f32 32 arena 0
//! buffer 5 b f32 32 arena 128
//! buffer 6 o@1 f32 scalar output
//! entry e reads x updates p q step returns x
//! launch k global 64 local 32 args 0 1 2 3 4 =-7 at "m.dlg":3
//! launch k global 64 local 32 args 0 1 2 3 5 =7 at "m.dlg":3
//! entry e@1 returns o@1
//! launch j global 1 local 1 args 6
//! kernels 2 checksum 21183762e30396dc
/* __kernel */ __kernel __attribute__((reqd_work_group_size(32, 1, 1))) void k(
    __global int *x) {} // "
__kernel void j(__global float *o) { *o = '"'; }
//! end
