// random.cl: counter-based random bits: word 0 of Philox4x32-10 for the counter (x, y, 0, 0) and the key
// (z, 0). Source: Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3.

//: PHILOX
#define PHILOX(NAME, INT, UINT)                                                                    \
    static INT NAME(INT x, INT y, INT z) {                                                         \
        UINT c0 = as_##UINT(x), c1 = as_##UINT(y), c2 = 0, c3 = 0, k0 = as_##UINT(z), k1 = 0;      \
        for (int round = 0; round < 10; round++) {                                                 \
            const UINT high0 = mul_hi(c0, (UINT)(0xD2511F53u)), low0 = c0 * 0xD2511F53u;           \
            const UINT high1 = mul_hi(c2, (UINT)(0xCD9E8D57u)), low1 = c2 * 0xCD9E8D57u;           \
            c0 = high1 ^ c1 ^ k0;                                                                  \
            c1 = low1;                                                                             \
            c2 = high0 ^ c3 ^ k1;                                                                  \
            c3 = low0;                                                                             \
            k0 += 0x9E3779B9u;                                                                     \
            k1 += 0xBB67AE85u;                                                                     \
        }                                                                                          \
        return as_##INT(c0);                                                                       \
    }
//: philox
PHILOX(philox, int, uint)
//: philox2
PHILOX(philox2, int2, uint2)
//: philox4
PHILOX(philox4, int4, uint4)
//: philox8
PHILOX(philox8, int8, uint8)
//: philox16
PHILOX(philox16, int16, uint16)
