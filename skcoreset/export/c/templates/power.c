/* 2^(t / 65536) */
static float NAME_power(float t)
{
    int32_t q, octaves, low, high;
    uint16_t fraction;
    float power;
    if (t < -MAX_EXPONENT)
        t = -MAX_EXPONENT;
    if (t > MAX_EXPONENT)
        t = MAX_EXPONENT;
    q = (int32_t)t;
    octaves = q < 0 ? ~(~q >> 16) : q >> 16;
    fraction = (uint16_t)(q - octaves * 65536);
    low = SKCORESET_READ16(NAME_powers + (fraction >> 10));
    high = SKCORESET_READ16(NAME_powers + (fraction >> 10) + 1);
    power = (float)(low + ((high - low) * (fraction & 1023) >> 10));
    power *= POWER_UNIT;
    for (; octaves > 0; --octaves)
        power *= 2.0f;
    for (; octaves < 0; ++octaves)
        power *= 0.5f;
    return power;
}
