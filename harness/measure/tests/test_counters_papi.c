#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/measure/counters_papi.h"

static void fault(size_t pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char  *at = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(at, MAP_FAILED);
    (void)madvise(at, pages * page, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < pages; i++)
        at[i * page] = 1;
    (void)munmap(at, pages * page);
}

/* Software events go the same way through PAPI as those of the core, and start on every machine. */
Test(counters_papi, what_starts_counts_between_resume_and_pause)
{
    char               why[128] = "";
    pid_t              self = (pid_t)syscall(SYS_gettid);
    struct assay_papi *p = assay_papi_open(&self, 1, why, sizeof why);
    if (!p)
        cr_skip_test("%s", why);
    int none = assay_papi_add(p, "no::SUCH-EVENT", why, sizeof why);
    cr_expect(none == -1 && strstr(why, "no::SUCH-EVENT"), "%s", why);
    int faults = assay_papi_add(p, "perf::PAGE-FAULTS", why, sizeof why);
    if (faults < 0)
        cr_skip_test("%s", why);
    cr_expect_eq(assay_papi_add(p, "no::SUCH-EVENT", why, sizeof why), -1, "and leaves the set as it was");
    int switches = assay_papi_add(p, "perf::CONTEXT-SWITCHES", why, sizeof why);
    fault(1000);
    for (int i = 0; i < 2; i++) {
        cr_expect(assay_papi_resume(p));
        fault(1000);
        assay_papi_pause(p);
        fault(1000);
    }
    double got = assay_papi_value(p, faults);
    cr_expect(got >= 2000 && got < 2500, "%g faults", got);
    cr_expect(switches < 0 || assay_papi_value(p, switches) < 1000);
    assay_papi_close(p);
}

Test(counters_papi, a_thread_that_is_not_there_is_refused)
{
    char  why[128] = "";
    pid_t nobody = 0x3fffffff;
    cr_expect_null(assay_papi_open(&nobody, 1, why, sizeof why));
    cr_expect(*why);
    assay_papi_close(NULL);
}
