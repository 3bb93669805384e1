#include "harness/measure/core_clock.h"

#include "harness/base/clock.h"
#include "assay/banned.h"

#define ADDITIONS 65536 /* a multiple of 64 */

/* The addend is a register: newer cores fold chains of additions of a constant while renaming, several in one cycle. */
static uint64_t chain(uint64_t addend)
{
    uint64_t sum = 0;
#if defined(__x86_64__)
    uint64_t rounds = ADDITIONS / 64;
    __asm__ volatile("1:\n\t.rept 64\n\taddq %2, %0\n\t.endr\n\tdecq %1\n\tjnz 1b"
                     : "+r"(sum), "+r"(rounds)
                     : "r"(addend)
                     : "cc");
#elif defined(__aarch64__)
    uint64_t rounds = ADDITIONS / 64;
    __asm__ volatile("1:\n\t.rept 64\n\tadd %0, %0, %2\n\t.endr\n\tsubs %1, %1, #1\n\tb.ne 1b"
                     : "+r"(sum), "+r"(rounds)
                     : "r"(addend)
                     : "cc");
#else
#define ONE __asm__ volatile("" : "+r"(sum)); sum += addend;
#define EIGHT ONE ONE ONE ONE ONE ONE ONE ONE
    for (uint64_t rounds = 0; rounds < ADDITIONS / 64; rounds++) {
        EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT
    }
#endif
    return sum;
}

double assay_core_clock_hz(uint64_t budget_ns)
{
    volatile uint64_t one = 1;
    uint64_t          begin = assay_clock_now_ns(), before = begin, fastest = UINT64_MAX;
    do {
        uint64_t sum = chain(one);
        __asm__ volatile("" : : "r"(sum));
        uint64_t now = assay_clock_now_ns();
        if (now - before < fastest)
            fastest = now - before;
        before = now;
    } while (before - begin < budget_ns);
    return (double)ADDITIONS * 1e9 / (double)(fastest ? fastest : 1);
}
