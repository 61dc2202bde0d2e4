/* n neurons of a layer, from their inputs to their values. */
static void LAYER(const IN_T *x, OUT_T *y, COUNT_T n)
{
    for (; n; --n) {
#if SPARSE
        SUM_T sum = NEURON(x + N_IN, N_IN, BIAS_UNIT);
#else
        SUM_T sum = NEURON(x, N_IN, BIAS_UNIT);
#endif
#if SATURATION
#if UNSIGNED
        sum = sum < 0 ? 0 : sum >> SHIFT;
#else
        sum = sum < 0 ? ~(~sum >> SHIFT) : sum >> SHIFT;
#endif
#if SATURATES
        if (sum > PEAK)
            sum = PEAK;
#if SIGNED
        if (sum < -PEAK)
            sum = -PEAK;
#endif
#endif
        *y++ = (OUT_T)sum;
#elif TANH
        MAGNITUDE_T magnitude = (MAGNITUDE_T)(sum < 0 ? -sum : sum);
        MAGNITUDE_T i = magnitude >> SHIFT;
        int32_t value = PEAK;
        if (i < LAST_ENTRY) {
            int32_t low = (int16_t)SKCORESET_READ16(ENTRIES + i);
            int32_t high = (int16_t)SKCORESET_READ16(ENTRIES + i + 1);
            int32_t fraction = (int32_t)((magnitude >> FRACTION_SHIFT) & FRACTION_MASK);
            value = low + ((high - low) * fraction >> FRACTION_BITS);
            value = (value + ENTRY_ROUNDING) >> ENTRY_BITS;
        }
        *y++ = (OUT_T)(sum < 0 ? -value : value);
#else
        *y++ = sum;
#endif
    }
}
