/* The sum of the next neuron: its bias, and level times input of each edge. */
static SKCORESET_APART SUM_T
NEURON(const IN_T *x, PLACE_T n_in, UNIT_T unit)
{
    const uint8_t *p = NAME_next;
#if SPARSE
    /* x is the end of the inputs, and i counts up to 0, which is a short test */
    PLACE_T i = (PLACE_T)(NAME_i - n_in);
#elif SCALED
    const uint16_t *factor = NAME_factors;
#endif
#if HALF_BYTES
    uint8_t rest = NAME_rest;
    uint8_t left = NAME_left;
#endif
    UNIT_T bias;
    SUM_T sum;
#if BIAS_IS_BYTE
    bias = (int8_t)SKCORESET_READ8(p++);
#else
    {
        BITS_T bits = SKCORESET_READ8(p++);
        bits |= (BITS_T)((BITS_T)SKCORESET_READ8(p++) << 8);
#if BIAS_IS_LONG
        bits |= (BITS_T)((BITS_T)SKCORESET_READ8(p++) << 16);
        bits |= (BITS_T)((BITS_T)SKCORESET_READ8(p++) << 24);
#endif
        bias = (BIAS_T)bits;
    }
#endif
    sum = (SUM_T)(UNIT_T)(bias * unit);
#if SPARSE
    while (i < 0) {
        LEVEL_T level;
#if HALF_BYTES
        uint8_t code;
        if (left) {
            left = 0;
            code = SKCORESET_READ8(p++);
            rest = (uint8_t)(code >> 4);
        } else {
            left = 1;
            code = rest;
        }
        code &= 15;
#elif TWO_BYTES
        uint16_t code = SKCORESET_READ8(p++);
        code |= (uint16_t)((uint16_t)SKCORESET_READ8(p++) << 8);
#else
        uint8_t code = SKCORESET_READ8(p++);
#endif
        if (code >= N_CODES) {
            i += (SKIP_T)((code - LAST_CODE) * REACH);
            continue;
        }
#if REACH_IS_POWER
        level = (LEVEL_T)(code >> REACH_BITS);
        code &= REACH_MASK;
#elif LEVELS_FIRST
        level = 0;
        if (code >= HALF_CODES) {
            code = (uint8_t)(code - HALF_CODES);
            level = HALF_LEVELS;
        }
        for (; code >= REACH; ++level)
            code = (uint8_t)(code - REACH);
#else
        level = (LEVEL_T)(code & LEVEL_MASK);
        code >>= LEVEL_BITS;
#endif
#if ODD
        level = (LEVEL_T)(2 * level - LARGEST);
#else
        level = (LEVEL_T)(level - LARGEST);
        if (level >= 0)
            ++level;
#endif
#else
    for (; n_in; --n_in, ++x) {
        int8_t level = (int8_t)SKCORESET_READ8(p++);
#endif
#if SCALED
#if SPARSE
        uint16_t f = SKCORESET_READ16(NAME_factors + (n_in + i));
        int32_t value = (int32_t)(((uint32_t)f * x[i] + ROUNDING) >> SCALE_SHIFT);
#else
        uint16_t f = SKCORESET_READ16(factor++);
        int32_t value = (int32_t)(((uint32_t)f * *x + ROUNDING) >> SCALE_SHIFT);
#endif
        sum += (SUM_T)((PRODUCT_T)level * value);
#elif SPARSE
#if UNSIGNED
        /* pixels and ReLU are 0 more often than not */
        if (x[i])
            sum += (SUM_T)((PRODUCT_T)level * x[i]);
#else
        sum += (SUM_T)((PRODUCT_T)level * x[i]);
#endif
#elif UNSIGNED
        if (*x)
            sum += (SUM_T)((PRODUCT_T)level * *x);
#else
        sum += (SUM_T)((PRODUCT_T)level * *x);
#endif
#if SPARSE
#if FAR
        i += code + 1;
#else
        /* in 8 bits, as long as they do */
        ++code;
        i += code;
#endif
#endif
    }
    NAME_next = p;
#if SPARSE
    NAME_i = i;
#endif
#if HALF_BYTES
    NAME_rest = rest;
    NAME_left = left;
#endif
    return sum;
}
