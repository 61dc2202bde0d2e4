#include <stdint.h>

#ifndef SKCORESET_FLASH
#ifdef __AVR__
#include <avr/pgmspace.h>
#define SKCORESET_FLASH PROGMEM
/* inlined, the function that reads edges gets too few registers */
#define SKCORESET_APART __attribute__((noinline))
#define SKCORESET_READ8(p) pgm_read_byte(p)
#define SKCORESET_READ16(p) pgm_read_word(p)
#define SKCORESET_READ32(p) pgm_read_dword(p)
#define SKCORESET_READ_FLOAT(p) pgm_read_float(p)
#else
#define SKCORESET_FLASH
#define SKCORESET_APART
#define SKCORESET_READ8(p) (*(p))
#define SKCORESET_READ16(p) (*(p))
#define SKCORESET_READ32(p) (*(p))
#define SKCORESET_READ_FLOAT(p) (*(p))
#endif
#endif
