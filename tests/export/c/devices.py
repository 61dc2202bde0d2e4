"""Compilers and simulated devices that run exported C."""

import re
import shutil
import subprocess
from dataclasses import dataclass

import numpy as np

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
STRICT = ["-std=c99", *WARNINGS]
NO_UB = ["-g", "-fsanitize=undefined", "-fno-sanitize-recover"]

# The first argument chooses the function.
HOST_FUNCTION = """
static void run{number}(void)
{{
    static {in_type} x[{n_in}];
    while (fread(x, sizeof x, 1, stdin) == 1) {{
        {call}
        fwrite({result}, sizeof *({result}), {n_out}, stdout);
    }}
}}
"""

# Rows are in flash; results are printed byte by byte.
DEVICE_MAIN = """
static const {in_type} rows[{n_rows}][{n_in}] {flash} = {{
{rows}
}};
static void hex(const void *data, unsigned size)
{{
    const uint8_t *byte = (const uint8_t *)data;
    for (; size; --size, ++byte) {{
        put("0123456789abcdef"[*byte >> 4]);
        put("0123456789abcdef"[*byte & 15]);
    }}
}}
int main(void)
{{
    static {in_type} x[{n_in}];
    unsigned k;
    start();
    for (k = 0; k < {n_rows}; ++k) {{
        uint32_t cycles;
        copy(x, rows[k], sizeof x);
        start_clock();
        {{
            {call}
            cycles = read_clock();
            hex({result}, {n_out} * sizeof *({result}));
        }}
        put(' ');
        hex(&cycles, sizeof cycles);
        put('\\n');
    }}
    finish();
    return 0;
}}
"""

AVR_SUPPORT = """
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <string.h>
static volatile uint16_t overflows;
ISR(TIMER1_OVF_vect) { ++overflows; }
extern uint8_t _end;
static void put(char c)
{
    while (!(UCSR0A & (1 << UDRE0)))
        ;
    UDR0 = (uint8_t)c;
}
static void copy(void *to, const void *from, unsigned n) { memcpy_P(to, from, n); }
static void start(void)
{
    uint8_t *p = &_end;
    /* the stack is what is overwritten */
    while (p < (uint8_t *)SP - 8)
        *p++ = 0xa5;
    UCSR0B = 1 << TXEN0;
    TIMSK1 = 1 << TOIE1;
    sei();
}
static void start_clock(void)
{
    TCCR1B = 0;
    overflows = 0;
    TCNT1 = 0;
    TCCR1B = 1 << CS10;
}
static uint32_t read_clock(void)
{
    uint16_t high, low;
    do {
        high = overflows;
        low = TCNT1;
    } while (high != overflows);
    return (uint32_t)high << 16 | low;
}
static void finish(void)
{
    const uint8_t *p = &_end;
    uint16_t stack;
    while (*p == 0xa5)
        ++p;
    stack = RAMEND + 1 - (uint16_t)p;
    put('=');
    put("0123456789abcdef"[stack >> 12]);
    put("0123456789abcdef"[stack >> 8 & 15]);
    put("0123456789abcdef"[stack >> 4 & 15]);
    put("0123456789abcdef"[stack & 15]);
    put('\\n');
    cli();
    sleep_mode();
}
"""

# As much of the Arduino library as the sketch uses. It ends with the first delay.
ARDUINO = """
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <stdint.h>
struct {
    void begin(long) { UCSR0B = 1 << TXEN0; }
    void print(char c)
    {
        while (!(UCSR0A & (1 << UDRE0)))
            ;
        UDR0 = (uint8_t)c;
    }
    void print(const char *text) { while (*text) print(*text++); }
    void println() { print('\\n'); }
    void println(unsigned long number)
    {
        char digits[11], *p = digits + 10;
        *p = 0;
        do
            *--p = (char)('0' + number % 10);
        while (number /= 10);
        print(p);
        println();
    }
    void println(int number) { println((unsigned long)number); }
} Serial;
static unsigned long micros() { return 0; }
static void delay(int) { cli(); sleep_mode(); }
void setup();
void loop();
int main() { setup(); for (;;) loop(); }
"""

ARM_SUPPORT = """
#include <string.h>
static void host(int what, const void *data)
{
    register int r0 __asm__("r0") = what;
    register const void *r1 __asm__("r1") = data;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
static void put(char c) { host(3, &c); }
static void copy(void *to, const void *from, unsigned n) { memcpy(to, from, n); }
static void start(void) { }
static void start_clock(void) { }
static uint32_t read_clock(void) { return 0; }
static void finish(void) { host(0x18, (const void *)0x20026); }
int main(void);
static void reset(void) { main(); for (;;) ; }
struct vectors { const void *stack; void (*reset)(void); };
__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    (const void *)STACK, reset
};
"""

# Core, and end of the RAM.
ARM_MACHINES = {
    "mps2-an385": ("cortex-m3", 0x20400000),
    "microbit": ("cortex-m0", 0x20004000),
}

ARM_SCRIPT = """
SECTIONS
{
    .text 0 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }
    . = 0x20000000;
    .data : { *(.data*) }
    .bss : { *(.bss*) *(COMMON) }
}
"""


@dataclass
class Call:
    """How a function of exported C is called, and what it gives.

    `result` is an expression of a pointer to the first of `n_out` results.
    """

    code: str
    result: str
    n_out: int
    dtype: type


def predict_call(program):
    """`predict`, in the form that the program has."""
    if program.is_classifier and not program.is_multilabel:
        return Call(f"int y = {program.name}(x);", "&y", 1, np.int32)
    if program.is_classifier or program.n_outputs_ > 1:
        ctype, dtype = (
            ("uint8_t", np.uint8)
            if program.is_classifier
            else (
                "float",
                np.float32,
            )
        )
        n = program.n_outputs_
        return Call(f"{ctype} y[{n}]; {program.name}(x, y);", "y", n, dtype)
    return Call(f"float y = {program.name}(x);", "&y", 1, np.float32)


def proba_call(program, n_classes):
    name = f"{program.name}_proba"
    return Call(f"float p[{n_classes}]; {name}(x, p);", "p", n_classes, np.float32)


def compile_on_host(functions, folder, *, compiler="gcc", options=("-O2",)):
    """Compile headers and a file that includes them; return what runs them on rows.

    Parameters
    ----------
    functions : list of (source, in_type, n_in, Call)

    Returns
    -------
    run : callable
        Takes the number of a function, and rows as C gets them: bytes or floats.
    """
    suffix, standard = "c", STRICT
    if compiler == "g++":
        suffix, standard = "cpp", ["-std=c++11", *WARNINGS]
    source, binary = folder / f"host.{suffix}", folder / f"host-{compiler}"
    parts = ["#include <stdio.h>\n"]
    # a source with several functions is there once
    for number, text in enumerate(dict.fromkeys(text for text, *_ in functions)):
        (folder / f"header{number}.h").write_text(text)
        parts.append(f'#include "header{number}.h"\n')
    for number, (_, in_type, n_in, call) in enumerate(functions):
        parts.append(
            HOST_FUNCTION.format(
                number=number,
                in_type=in_type,
                n_in=n_in,
                call=call.code,
                result=call.result,
                n_out=call.n_out,
            )
        )
    cases = " ".join(f"case {k}: run{k}(); break;" for k in range(len(functions)))
    parts.append(
        "int main(int argc, char **argv)\n{\n(void)argc;\n"
        f"switch (argv[1][0] - '0') {{ {cases} }}\nreturn 0;\n}}\n"
    )
    source.write_text("".join(parts))
    subprocess.run([compiler, *standard, *options, source, "-o", binary], check=True)

    def run(number, rows):
        call = functions[number][-1]
        output = subprocess.run(
            [binary, chr(ord("0") + number)],
            input=np.ascontiguousarray(rows).tobytes(),
            capture_output=True,
            check=True,
        ).stdout
        return np.frombuffer(output, call.dtype).reshape(len(rows), call.n_out)

    return run


def _device_source(program, support, rows, call, flash):
    in_type = "float" if rows.dtype == np.float32 else f"{rows.dtype}_t"
    text = ",\n".join(
        "{"
        + ", ".join(repr(float(x)) if in_type == "float" else str(x) for x in row)
        + "}"
        for row in rows.tolist()
    )
    main = DEVICE_MAIN.format(
        in_type=in_type,
        n_in=rows.shape[1],
        n_rows=len(rows),
        rows=text,
        flash=flash,
        call=call.code,
        result=call.result,
        n_out=call.n_out,
    )
    return program.source + support + main


def _results(output, call):
    """Results and cycles of each row."""
    rows = re.findall(r"([0-9a-f]{2,}) ([0-9a-f]{8})", output)
    data = b"".join(bytes.fromhex(result) for result, _ in rows)
    if call.dtype is np.int32 and len(data) == 2 * len(rows):
        # an int of AVR
        results = np.frombuffer(data, np.int16).astype(np.int32)
    else:
        results = np.frombuffer(data, call.dtype)
    cycles = [int.from_bytes(bytes.fromhex(word), "little") for _, word in rows]
    return results.reshape(len(rows), call.n_out), np.array(cycles)


def sizes_on_avr(program, n_in, call, folder):
    """Flash and static RAM of a program that only predicts, its input included.

    With None for program and call, of one that does nothing.
    """
    source, body, in_type = "#include <stdint.h>\n", "", "uint8_t"
    if program is not None:
        source, in_type = program.source, program.input_type
        # the compiler is to believe that the result is used
        use = f'__asm__ volatile("" : : "r"({call.result}) : "memory");'
        body = f"{call.code}\n{use}"
    source += f"{in_type} x[{n_in}];\nint main(void) {{ for (;;) {{ {body} }} }}\n"
    return _sizes(_build_avr(source, folder / "size.c"))


def _build_avr(source, path):
    path.write_text(source)
    elf = path.with_suffix(".elf")
    command = ["avr-gcc", "-mmcu=atmega328p", "-Os", *STRICT, path, "-o", elf]
    subprocess.run(command, check=True)
    return elf


def _simulate_avr(elf):
    """What the program prints, with dots for line ends."""
    command = ["simavr", "-m", "atmega328p", "-f", "16000000", elf]
    run = subprocess.run(command, capture_output=True, timeout=120)
    return re.sub(r"\x1b\[\d*m", "", (run.stdout + run.stderr).decode())


def _sizes(elf):
    """Flash and static RAM of a program for AVR."""
    command = ["avr-size", elf]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, output.splitlines()[1].split()[:3])
    return text + data, data + bss


def run_on_avr(program, rows, call, folder):
    """Results, cycles of each row, and bytes of stack on an ATmega328P."""
    source = _device_source(program, AVR_SUPPORT, rows, call, "PROGMEM")
    elf = _build_avr(source, folder / "avr.c")
    output = _simulate_avr(elf)
    results, cycles = _results(output, call)
    stack = int(re.search("=([0-9a-f]{4})", output)[1], 16)
    return results, cycles, stack


def run_sketch(path, folder):
    """What an Arduino sketch prints on an ATmega328P, its flash and its static RAM."""
    source, elf = folder / "sketch.cpp", folder / "sketch.elf"
    source.write_text(ARDUINO + path.read_text())
    options = ["-mmcu=atmega328p", "-Os", "-std=c++11", *WARNINGS, "-I", path.parent]
    subprocess.run(["avr-g++", *options, source, "-o", elf], check=True)
    return _simulate_avr(elf), *_sizes(elf)


def run_on_arm(program, rows, call, folder, *, machine):
    """Results on a machine of qemu: a Cortex-M3, or the M0 of the first micro:bit."""
    cpu, stack = ARM_MACHINES[machine]
    source = _device_source(program, ARM_SUPPORT, rows, call, "")
    path, elf, script = folder / "arm.c", folder / "arm.elf", folder / "arm.ld"
    path.write_text(source)
    script.write_text(ARM_SCRIPT)
    options = [f"-mcpu={cpu}", "-mthumb", "-Os", f"-DSTACK={stack:#x}", "-nostartfiles"]
    command = ["arm-none-eabi-gcc", *options, *STRICT, "-T", script, path, "-o", elf]
    subprocess.run(command, check=True)
    options = ["-M", machine, "-nographic", "-semihosting", "-kernel", elf]
    run = subprocess.run(
        ["qemu-system-arm", *options], capture_output=True, text=True, timeout=120
    )
    return _results(run.stdout + run.stderr, call)[0]


def has(*tools):
    return all(map(shutil.which, tools))
