#include "harness/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

#define PAGE_BYTES ((size_t)4096)

bool assay_size_multiply(size_t a, size_t b, size_t *out)
{
    if (b && a > SIZE_MAX / b)
        return false;
    *out = a * b;
    return true;
}

void *assay_block_new(size_t bytes)
{
    void *block;
    if (bytes > PTRDIFF_MAX - PAGE_BYTES)
        return NULL;
    bytes = (bytes ? bytes + PAGE_BYTES - 1 : PAGE_BYTES) / PAGE_BYTES * PAGE_BYTES;
    block = aligned_alloc(PAGE_BYTES, bytes);
    if (block)
        memset(block, 0, bytes); /* which also touches every page: no first-touch faults are left for a timed phase */
    return block;
}

void assay_block_free(void *block)
{
    free(block);
}

uint64_t assay_memory_available_bytes(void)
{
    unsigned long long kib = 0;
    char               line[128];
    FILE              *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
            break;
    if (f)
        (void)fclose(f);
    return kib ? kib * 1024 : UINT64_MAX;
}
