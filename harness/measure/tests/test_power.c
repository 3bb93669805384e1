#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/measure/power.h"
#include "harness/measure/power_rapl.h"

static char folder[] = "/tmp/assay-power-XXXXXX";

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[64];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    cr_expect_eq(system(command), 0);
}

static void put(const char *name, const char *text)
{
    char               path[256], parent[256];
    struct assay_error err;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)snprintf(parent, sizeof parent, "%s", path);
    *strrchr(parent, '/') = 0;
    cr_assert_eq(assay_folder_make(parent, &err), ASSAY_OK);
    FILE *f = fopen(path, "w"); /* in place: an open descriptor must see it */
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void put_domain(const char *domain, const char *name, const char *range, const char *energy)
{
    const char *file[] = {"name", "max_energy_range_uj", "energy_uj"}, *text[] = {name, range, energy};
    for (int i = 0; i < 3; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", domain, file[i]);
        put(path, text[i]);
    }
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static struct assay_meter *opened(const char *how)
{
    struct assay_error  err;
    struct assay_meter *m = NULL;
    cr_assert_eq(assay_meter_open(how, &m, &err), ASSAY_OK, "%s", err.message);
    return m;
}

/* Measures for `ms` and closes; the watts that come out, or the reason in `why`. */
static double watts_of(struct assay_meter *m, long ms, char why[128])
{
    char source[128];
    assay_meter_start(m);
    pause_ms(ms);
    assay_meter_stop(m);
    struct assay_counter e = assay_meter_read(m, source);
    cr_expect_str_eq(e.unit, "joules");
    cr_expect(e.status == ASSAY_COUNTER_UNAVAILABLE ? *e.why != 0 : !*e.why);
    (void)snprintf(why, 128, "%s", e.why);
    assay_meter_close(m);
    return e.status == ASSAY_COUNTER_OK ? e.value / ((double)e.running_ns / 1e9) : -1;
}

Test(power, rapl_adds_packages_and_memory_and_goes_round, .init = make_folder, .fini = remove_folder)
{
    struct assay_rapl r;
    char              why[128] = "";
    put_domain("intel-rapl:0", "package-0\n", "1000000000000\n", "999999000000\n");
    put_domain("intel-rapl:0:0", "core\n", "1000000000000\n", "0\n");
    put_domain("intel-rapl:0:1", "dram\n", "1000000000000\n", "500\n");
    put_domain("intel-rapl:1", "package-1\n", "1000000000000\n", "7\n");
    put_domain("intel-rapl:2", "psys\n", "1000000000000\n", "0\n");
    put_domain("intel-rapl-mmio:0", "package-0\n", "1000000000000\n", "0\n");
    cr_assert(assay_rapl_open(&r, folder, why, sizeof why), "%s", why);
    cr_expect_eq(r.n, 3);
    cr_expect_str_eq(r.scope, "package-0 + dram + package-1");
    cr_expect(assay_rapl_start(&r));
    put_domain("intel-rapl:0", "package-0\n", "1000000000000\n", "2000000\n"); /* past its end: 3 J */
    put_domain("intel-rapl:0:1", "dram\n", "1000000000000\n", "4000500\n");    /* 4 J */
    put_domain("intel-rapl:1", "package-1\n", "1000000000000\n", "5000007\n"); /* 5 J */
    cr_expect(assay_rapl_stop(&r, 1000000000));
    cr_expect_float_eq(r.joules, 12, 1e-9);
    cr_expect(assay_rapl_start(&r));
    put_domain("intel-rapl:1", "package-1\n", "1000000000000\n", "6000007\n");
    cr_expect(assay_rapl_stop(&r, 1000000000));
    cr_expect_float_eq(r.joules, 13, 1e-9, "pairs of start and stop add up");
    cr_expect(assay_rapl_start(&r));
    cr_expect_not(assay_rapl_stop(&r, (uint64_t)3600e9), "in an hour it may have gone round more than once");
    assay_rapl_close(&r);
}

Test(power, a_part_of_rapl_is_no_rapl, .init = make_folder, .fini = remove_folder)
{
    struct assay_rapl r;
    char              why[128] = "";
    cr_expect_not(assay_rapl_open(&r, "/nonexistent", why, sizeof why));
    cr_expect(strstr(why, "/nonexistent"), "%s", why);
    put_domain("intel-rapl:0", "package-0\n", "1000\n", "5\n");
    put_domain("intel-rapl:1", "package-1\n", "1000\n", "not yet\n");
    cr_expect_not(assay_rapl_open(&r, folder, why, sizeof why));
    cr_expect(strstr(why, "package-1"), "%s", why);
    cr_expect_eq(r.n, 0);
}

Test(power, this_machines_meter_has_a_value_or_a_reason)
{
    char                why[128], source[128];
    struct assay_meter *m = opened(NULL);
    struct assay_counter e = assay_meter_read(m, source);
    cr_expect(e.status == ASSAY_COUNTER_UNAVAILABLE && *e.why, "before anything was measured");
    cr_expect(!strncmp(source, "rapl", 4));
    double watts = watts_of(m, 200, why);
    cr_expect(watts >= 0 || *why);
    cr_expect_lt(watts, 1e5);
    cr_expect(watts_of(opened(""), 20, why) >= 0 || *why);
    assay_meter_close(NULL);
}

Test(power, a_command_that_prints_watts_is_a_meter, .timeout = 30)
{
    char   why[128];
    double watts = watts_of(opened("cmd=while :; do echo ' 250.5 '; sleep 0.05; done"), 400, why);
    cr_expect_float_eq(watts, 250.5, 0.01, "%g (%s)", watts, why);
    /* From 100 to 300 half-way: each value holds until the next, so the mean is near 200 and surely not either. */
    watts = watts_of(opened("cmd=echo 100; sleep 0.5; while :; do echo 300; sleep 0.05; done"), 1000, why);
    cr_expect(watts > 120 && watts < 280, "%g (%s)", watts, why);
    /* The first value comes late: it counts from the start. */
    watts = watts_of(opened("cmd=sleep 0.2; while :; do echo 50; sleep 0.05; done"), 500, why);
    cr_expect_float_eq(watts, 50, 0.01, "%g (%s)", watts, why);
}

Test(power, many_short_measurements_add_up_without_allocating, .timeout = 30)
{
    char                source[128];
    struct assay_meter *m = opened("cmd=while :; do echo 80; sleep 0.02; done");
    pause_ms(200);
    struct assay_allocations before = assay_allocations_so_far();
    for (int i = 0; i < 20; i++) {
        assay_meter_start(m);
        pause_ms(5);
        assay_meter_stop(m);
        pause_ms(5);
    }
    assay_meter_stop(m); /* once too often */
    struct assay_allocations after = assay_allocations_so_far();
    cr_expect_eq(before.by_harness, after.by_harness);
    struct assay_counter e = assay_meter_read(m, source);
    cr_expect_eq(e.status, ASSAY_COUNTER_OK, "%s", e.why);
    cr_expect_geq(e.running_ns, 100000000u);
    cr_expect_float_eq(e.value, 80 * (double)e.running_ns / 1e9, 0.02 * e.value, "only what was measured counts");
    cr_expect(strstr(source, "cmd while") && strstr(source, "external"), "%s", source);
    assay_meter_close(m);
}

Test(power, a_command_that_is_no_meter_gives_its_reason, .timeout = 30)
{
    char why[128];
    cr_expect_lt(watts_of(opened("cmd=no-such-meter-command"), 300, why), 0);
    cr_expect(strstr(why, "exit 127") && strstr(why, "no-such-meter-command"), "%s", why);
    cr_expect_lt(watts_of(opened("cmd=echo lots; sleep 5"), 300, why), 0);
    cr_expect_str_eq(why, "'lots' is not a number of watts");
    cr_expect_lt(watts_of(opened("cmd=echo 5 6; sleep 5"), 300, why), 0, "two numbers");
    cr_expect_lt(watts_of(opened("cmd=echo -5; sleep 5"), 300, why), 0, "negative");
    cr_expect_lt(watts_of(opened("cmd=echo nan; sleep 5"), 300, why), 0, "not a number");
    cr_expect_lt(watts_of(opened("cmd=echo 5W; sleep 5"), 300, why), 0, "a unit");
    cr_expect_lt(watts_of(opened("cmd=echo 120"), 300, why), 0, "ended after one");
    cr_expect(strstr(why, "exit 0"), "%s", why);
    cr_expect_lt(watts_of(opened("cmd=sleep 5"), 100, why), 0, "silent");
    cr_expect(*why);
    cr_expect_lt(watts_of(opened("cmd=while :; do printf 1; done"), 300, why), 0, "a line without end");
    cr_expect(strstr(why, "256 characters"), "%s", why);
    cr_expect_lt(watts_of(opened("cmd=while :; do echo complaint >&2; done"), 300, why), 0, "complaints are read away");
}

Test(power, closing_ends_the_command_and_what_it_started, .timeout = 30, .init = make_folder, .fini = remove_folder)
{
    char   how[256], path[256], why[128];
    double watts;
    (void)snprintf(how, sizeof how, "cmd=while :; do echo 1; date +%%s%%N > %s/alive; sleep 0.02; done", folder);
    (void)snprintf(path, sizeof path, "%s/alive", folder);
    watts = watts_of(opened(how), 300, why);
    cr_expect_float_eq(watts, 1, 0.01, "%s", why);
    struct stat first, second;
    pause_ms(100);
    cr_assert_eq(stat(path, &first), 0);
    pause_ms(300);
    cr_assert_eq(stat(path, &second), 0);
    cr_expect(first.st_mtim.tv_sec == second.st_mtim.tv_sec && first.st_mtim.tv_nsec == second.st_mtim.tv_nsec);
}

Test(power, a_file_is_read_from_its_last_whole_line, .timeout = 30, .init = make_folder, .fini = remove_folder)
{
    char how[256], why[128], text[128];
    (void)snprintf(how, sizeof how, "file=%s/watts", folder);
    put("watts", "10\n20\n40\n7");
    double watts = watts_of(opened(how), 300, why);
    cr_expect_float_eq(watts, 40, 0.01, "%g %s: '7' may be half of 75", watts, why);
    put("watts", "33");
    watts = watts_of(opened(how), 300, why);
    cr_expect_float_eq(watts, 33, 0.01, "%g %s", watts, why);
    (void)snprintf(text, sizeof text, "1 5\n%llu 60\n", (unsigned long long)(assay_clock_utc_ns() / 1000000000));
    put("watts", text);
    watts = watts_of(opened(how), 300, why);
    cr_expect_float_eq(watts, 60, 0.01, "%g %s", watts, why);
}

Test(power, a_file_that_is_no_meter_gives_its_reason, .timeout = 30, .init = make_folder, .fini = remove_folder)
{
    char                how[256], why[128];
    struct timespec     old[2] = {{1000, 0}, {1000, 0}};
    (void)snprintf(how, sizeof how, "file=%s/watts", folder);
    cr_expect_lt(watts_of(opened(how), 100, why), 0);
    cr_expect(strstr(why, "No such file"), "%s", why);
    put("watts", "");
    cr_expect_lt(watts_of(opened(how), 100, why), 0, "empty");
    put("watts", "nothing\n");
    cr_expect_lt(watts_of(opened(how), 200, why), 0);
    cr_expect(strstr(why, "'nothing'"), "%s", why);
    put("watts", "1000 60\n");
    cr_expect_lt(watts_of(opened(how), 200, why), 0, "written in 1970");
    cr_expect(strstr(why, "s old"), "%s", why);
    put("watts", "60\n");
    cr_assert_eq(utimensat(AT_FDCWD, how + 5, old, 0), 0);
    cr_expect_lt(watts_of(opened(how), 200, why), 0, "a logger that died long ago");
    cr_expect(strstr(why, "s old"), "%s", why);
    (void)snprintf(how, sizeof how, "file=%s", folder);
    cr_expect_lt(watts_of(opened(how), 100, why), 0);
    cr_expect(strstr(why, "not a regular file"), "%s", why);
}

Test(power, what_is_not_understood_is_refused)
{
    struct assay_error  err;
    struct assay_meter *m = NULL;
    const char         *wrong[] = {"ipmi", "cmd=", "file=", "cmd", "Cmd=echo 1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(assay_meter_open(wrong[i], &m, &err), ASSAY_CONFIG, "%s", wrong[i]);
        cr_expect(*err.message && !m);
    }
}
