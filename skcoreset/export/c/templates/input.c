/* The reading of input i that is nearest to a value in the units of X. */
static inline READING_T NAME_input(uint16_t i, float value)
{
#if SHARED_SCALE
    (void)i;
    value = (value - OFFSET) / SCALE;
#else
    value -= SKCORESET_READ_FLOAT(NAME_offsets + i);
    value /= SKCORESET_READ_FLOAT(NAME_scales + i);
#endif
    if (!(value > 0.0f))
        return 0;
    if (value > LARGEST_READING)
        return LARGEST_READING;
    return (READING_T)(value + 0.5f);
}
