// integer.cl: whole division. Rounds down, as in mathematics; 0 where the divisor is 0, and no trap.

//: floor_div
static int floor_div(int x, int y) {
    if (y == 0) return 0;
    if (y == -1) return (int)(0u - (uint)x); // the most negative number wraps
    const int q = x / y;
    return q - (x % y != 0 && (x < 0) != (y < 0));
}
//: floor_mod
static int floor_mod(int x, int y) {
    if (y == 0 || y == -1) return 0;
    const int r = x % y;
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
