#if CLASSES
static inline int NAME(const READING_T *x)
{
    /* on the stack of AVR it would take more code */
    static SUM_T sums[N_OUTPUTS];
    COUNT_T k, best = 0;
    NAME_sums(x, sums);
    for (k = 1; k < N_OUTPUTS; ++k)
        if (sums[k] > sums[best])
            best = k;
    return best;
}
#elif TWO_CLASSES
static inline int NAME(const READING_T *x)
{
    static SUM_T sums[1];
    NAME_sums(x, sums);
    return sums[0] > 0;
}
#elif ONE_CLASS
static inline int NAME(const READING_T *x)
{
    static SUM_T sums[1];
    NAME_sums(x, sums);
    return 0;
}
#elif LABELS
static inline void NAME(const READING_T *x, uint8_t *labels)
{
    static SUM_T sums[N_OUTPUTS];
    COUNT_T k;
    NAME_sums(x, sums);
    for (k = 0; k < N_OUTPUTS; ++k)
        labels[k] = sums[k] > 0;
}
#elif ONE_VALUE
static inline float NAME(const READING_T *x)
{
    static SUM_T sums[1];
    NAME_sums(x, sums);
#if POWERS
    return NAME_power((float)sums[0] * UNIT);
#else
    return (float)sums[0] * UNIT;
#endif
}
#else
static inline void NAME(const READING_T *x, float *y)
{
    static SUM_T sums[N_OUTPUTS];
    COUNT_T k;
    NAME_sums(x, sums);
    for (k = 0; k < N_OUTPUTS; ++k) {
#if POWERS
        y[k] = NAME_power((float)sums[k] * UNIT);
#else
        y[k] = (float)sums[k] * UNIT;
#endif
    }
}
#endif
#if PROBABILITIES

static inline void NAME_proba(const READING_T *x, float *p)
{
    static SUM_T sums[N_OUTPUTS];
#if CLASSES
    COUNT_T k, best = 0;
    float total = 0.0f;
    NAME_sums(x, sums);
    for (k = 1; k < N_OUTPUTS; ++k)
        if (sums[k] > sums[best])
            best = k;
    for (k = 0; k < N_OUTPUTS; ++k) {
        p[k] = NAME_power((float)(sums[k] - (int32_t)sums[best]) * UNIT);
        total += p[k];
    }
    for (k = 0; k < N_OUTPUTS; ++k)
        p[k] /= total;
#else
    COUNT_T k;
    NAME_sums(x, sums);
    for (k = 0; k < N_OUTPUTS; ++k) {
        float t = (float)sums[k] * UNIT;
        float e = NAME_power(t < 0.0f ? t : -t);
        p[k + FIRST_P] = (t < 0.0f ? e : 1.0f) / (1.0f + e);
    }
#if COMPLEMENT
    p[0] = 1.0f - p[1];
#endif
#endif
}
#endif
