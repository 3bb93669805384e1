/* Waiting until a moment, exactly: asleep until shortly before, awake for the rest. */
#ifndef ASSAY_LOAD_WAIT_H
#define ASSAY_LOAD_WAIT_H

#include <stdint.h>

/* A sleeper wakes up to so late; the last stretch is spent awake. */
#define ASSAY_WAIT_AWAKE_NS 80000u

/* The kernel may gather this thread's wake-ups within 50 us by default; from here on it may not. */
void assay_wait_prepare(void);
/* Returns the host's time, which is `until_ns` or just behind it. */
uint64_t assay_wait_until_ns(uint64_t until_ns);
/* Tells the processor that this is a loop that waits. */
static inline void assay_wait_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
