/* Floats as integers; NaN becomes the lowest value. */
static void NAME_convert(const float *x, int16_t *v)
{
    COUNT_T i;
    for (i = 0; i < N_INPUTS; ++i) {
        float value = x[i] - SKCORESET_READ_FLOAT(NAME_centers + CENTER);
        value *= SKCORESET_READ_FLOAT(NAME_factors + FACTOR);
        if (!(value > -PEAK))
            value = -PEAK;
        if (value > PEAK)
            value = PEAK;
        v[i] = (int16_t)(value < 0.0f ? value - 0.5f : value + 0.5f);
    }
}
