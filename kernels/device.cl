// device.cl: what the compiler of the text takes.

//: mma_ptx
// Inline PTX.
#if defined(__NV_CL_C_VERSION) || defined(cl_nv_compiler_options)
#define mma_ptx() 1
#else
#define mma_ptx() 0
#endif
