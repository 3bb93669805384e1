#include "backends/cpu/machine.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "assay/banned.h"

#if defined(__x86_64__)
static void read_vendor(struct cpu_machine *out)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d))
        return;
    char id[13] = {0};
    memcpy(id, &b, 4);
    memcpy(id + 4, &d, 4);
    memcpy(id + 8, &c, 4);
    (void)snprintf(out->vendor, sizeof out->vendor, "%s",
                   !strcmp(id, "AuthenticAMD") ? "AMD" : !strcmp(id, "GenuineIntel") ? "Intel" : id);
    (void)snprintf(out->how_known, sizeof out->how_known, "cpuid");
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return;
    out->family = (a >> 8 & 15) == 15 ? 15 + (a >> 20 & 255) : a >> 8 & 15;
    out->model = (a >> 12 & 240) | (a >> 4 & 15);
}

static void read_product(struct cpu_machine *out)
{
    unsigned part[12];
    char     text[sizeof part + 1] = {0};
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, &part[4 * i], &part[4 * i + 1], &part[4 * i + 2], &part[4 * i + 3]))
            return;
    memcpy(text, part, sizeof part);
    const char *from = text;
    while (isspace((unsigned char)*from))
        from++;
    size_t length = strlen(from);
    while (length && isspace((unsigned char)from[length - 1]))
        length--;
    (void)snprintf(out->product, sizeof out->product, "%.*s", (int)length, from);
}
#else
static void read_vendor(struct cpu_machine *out)
{
    (void)snprintf(out->how_known, sizeof out->how_known, "/proc/cpuinfo");
}

/* The first line of /proc/cpuinfo that names a model. */
static void read_product(struct cpu_machine *out)
{
    char  line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && !*out->product && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (!colon || (strncmp(line, "model name", 10) && strncmp(line, "Hardware", 8)))
            continue;
        colon[strcspn(colon, "\n")] = 0;
        (void)snprintf(out->product, sizeof out->product, "%.127s", colon + 1 + (colon[1] == ' '));
    }
    if (f)
        (void)fclose(f);
}
#endif

void cpu_machine_read(struct cpu_machine *out)
{
    memset(out, 0, sizeof *out);
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    out->memory_bytes = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : 0;
    read_vendor(out);
    read_product(out);
}

bool cpu_machine_halves_512(const struct cpu_machine *machine)
{
    return !strcmp(machine->vendor, "AMD") && machine->family == 0x19; /* Zen 4; Zen 3 has no 512 bits at all */
}
