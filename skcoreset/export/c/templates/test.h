/* The number of rows on which this device does not compute what Python does. */
static inline int NAME_test(void)
{
    static READING_T x[N_INPUTS];
    int row, n_wrong = 0;
    uint16_t i;
    for (row = 0; row < N_ROWS; ++row) {
        int wrong = 0;
#if ONE_RESULT
        /* returned */
#elif VALUES
        float y[N_OUTPUTS];
#else
        uint8_t y[N_OUTPUTS];
#endif
        for (i = 0; i < N_INPUTS; ++i)
            x[i] = READING_READ(NAME_test_rows + (uint16_t)row * N_INPUTS + i);
#if ONE_RESULT
        wrong = NAME(x) != RESULT_READ(NAME_test_results + row);
#else
        NAME(x, y);
        for (i = 0; i < N_OUTPUTS; ++i)
            if (y[i] != RESULT_READ(NAME_test_results + row * N_OUTPUTS + i))
                wrong = 1;
#endif
        n_wrong += wrong;
    }
    return n_wrong;
}
