/* narrow: a double as f16 or bf16. Part of libdlg, and of models as C programs (host.c).
 *
 * By whole numbers alone, rounded once, the same on every machine. */
#include <stdint.h>
#include <string.h>

/* The bits of a float of `width` explicit significant bits whose least exponent is `least` (-14 of f16). */
static uint16_t narrow(double v, int width, int least) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 48 & 0x8000), top = (uint16_t)(0x7fff >> width << width);
    int exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    uint64_t part = bits & UINT64_C(0xfffffffffffff);
    if (exponent == 1024) return (uint16_t)(sign | top | (part ? 1u << (width - 1) : 0));
    if (exponent > 200) return (uint16_t)(sign | top);
    if (exponent < least - width - 1) return sign;
    part |= UINT64_C(1) << 52;
    /* Of 52 bits behind the point stay `width`, below the least exponent fewer. */
    int drop = 52 - width + (exponent < least ? least - exponent : 0);
    uint64_t kept = part >> drop, rest = part & ((UINT64_C(1) << drop) - 1);
    uint64_t half = UINT64_C(1) << (drop - 1);
    kept += rest > half || (rest == half && (kept & 1));
    /* A carry out of the significant bits raises the exponent by itself. */
    uint64_t r = exponent < least ? kept : kept + ((uint64_t)(exponent - least) << width);
    return (uint16_t)(sign | (r > top ? top : r));
}
