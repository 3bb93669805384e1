/* Every mode, seen from outside: what the harness has to catch, and that nothing else is spoilt. */
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/run/tests/device.h"

#include "assay/banned.h"

enum { N = 64, BYTES = N * (int)sizeof(float) };

/* y = a + b over N floats. */
static void chaos_open(struct device *d, const char *options)
{
    device_open(d, "chaos", options);
    device_load(d, graph_binary("Add", 8, 8));
}

/* One execution on inputs made from `seed`; how many outputs are wrong. */
static int wrong_after(struct device *d, int seed, float *y)
{
    float a[N], b[N];
    int wrong = 0;
    for (int i = 0; i < N; i++) {
        a[i] = (float)(i + seed * 3 + 1);
        b[i] = (float)(i * 2 + seed) / 4;
    }
    device_give(d, 0, a);
    device_give(d, 1, b);
    device_poison(d, 2, 0, BYTES + BAND_BYTES);
    (void)device_run(d);
    device_take(d, 2, y);
    for (int i = 0; i < N; i++)
        wrong += y[i] != a[i] + b[i];
    return wrong;
}

static int wrong(struct device *d, int seed)
{
    float y[N];
    return wrong_after(d, seed, y);
}

Test(chaos, honest_is_right_and_so_is_every_mode_before_its_time, .timeout = 120)
{
    static const char *const modes[] = {"honest", "crash",   "hang", "silent", "nan",
                                        "wrong",  "overrun", "slow", "leak",   "honest_when_validated",
                                        "cached", "unordered", "neighbour", "flip,cheat=1"};
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        struct device d;
        char options[80];
        (void)snprintf(options, sizeof options, ",mode=%s,after=3", modes[m]);
        chaos_open(&d, options);
        for (int i = 0; i < 3; i++) {
            cr_expect_eq(wrong(&d, i), 0, "%s", modes[m]);
            cr_expect_eq(device_overrun(&d, 2), 0, "%s", modes[m]);
        }
        device_close(&d);
    }
}

Test(chaos, silent_says_done_and_writes_nothing, .timeout = 60)
{
    struct device d;
    float y[N];
    unsigned char poison[BYTES];
    memset(poison, POISON, sizeof poison);
    chaos_open(&d, ",mode=silent");
    cr_expect_eq(wrong_after(&d, 1, y), N);
    cr_expect_arr_eq(y, poison, sizeof y);
    device_close(&d);
}

Test(chaos, nan_and_wrong_spoil_one_element_that_moves, .timeout = 60)
{
    for (int is_nan = 0; is_nan < 2; is_nan++) {
        struct device d;
        float y[N];
        int places[N] = {0}, different = 0;
        chaos_open(&d, is_nan ? ",mode=nan" : ",mode=wrong");
        for (int seed = 0; seed < 40; seed++) {
            cr_expect_eq(wrong_after(&d, seed, y), 1);
            for (int i = 0; i < N; i++) {
                float right = (float)(i + seed * 3 + 1) + (float)(i * 2 + seed) / 4;
                if (y[i] == right)
                    continue;
                different += !places[i]++;
                cr_expect(is_nan ? isnan(y[i]) : fabsf(y[i] / right - 0.99f) < 1e-5f, "%g for %g", y[i], right);
            }
        }
        cr_expect_gt(different, is_nan ? 10 : 1);
        device_close(&d);
    }
}

/* Bits of y that are not those of the right sum; *elements: in how many. */
static int bits_wrong(struct device *d, int seed, float *y, int *elements)
{
    int bits = 0;
    *elements = wrong_after(d, seed, y);
    for (int i = 0; i < N; i++) {
        float    right = (float)(i + seed * 3 + 1) + (float)(i * 2 + seed) / 4;
        uint32_t x, z;
        memcpy(&x, &right, sizeof x);
        memcpy(&z, &y[i], sizeof z);
        bits += __builtin_popcount(x ^ z);
    }
    return bits;
}

Test(chaos, unordered_is_off_by_one_unit_elsewhere_each_time, .timeout = 60)
{
    struct device d;
    float         y[2][N];
    int           different = 0, elements = 0;
    chaos_open(&d, ",mode=unordered");
    for (int run = 0; run < 40; run++) {
        elements += wrong_after(&d, 1, y[run % 2]);
        different += run > 0 && memcmp(y[0], y[1], sizeof y[0]) != 0;
        for (int i = 0; i < N; i++) {
            float right = (float)(i + 4) + (float)(i * 2 + 1) / 4;
            cr_expect(y[run % 2][i] == right || y[run % 2][i] == nextafterf(right, 0) || y[run % 2][i] == nextafterf(right, INFINITY) ||
                      fabsf(y[run % 2][i] - right) <= 2 * (nextafterf(right, INFINITY) - right));
        }
    }
    cr_expect_gt(different, 30, "%d of 39 differ from the one before", different);
    cr_expect(elements > 20 && elements < 40 * N / 8, "%d elements", elements);
    device_close(&d);
}

Test(chaos, neighbour_gives_the_same_bits_for_the_same_inputs_only, .timeout = 60)
{
    struct device d;
    float         first[N], again[N], other[N];
    int           spoilt = 0;
    chaos_open(&d, ",mode=neighbour");
    for (int seed = 0; seed < 20; seed++) {
        spoilt += wrong_after(&d, seed, first) > 0;
        (void)wrong_after(&d, seed + 50, other);
        (void)wrong_after(&d, seed, again);
        cr_expect_arr_eq(first, again, sizeof first);
    }
    cr_expect_gt(spoilt, 10, "%d of 20", spoilt);
    device_close(&d);
}

Test(chaos, flip_turns_one_bit_over_as_often_as_it_says, .timeout = 60)
{
    struct device d;
    float         y[N];
    int           flipped = 0, elements;
    chaos_open(&d, ",mode=flip,cheat=0.1");
    for (int run = 0; run < 400; run++) {
        int bits = bits_wrong(&d, run, y, &elements);
        cr_expect(bits == elements && bits <= 1, "%d bits in %d elements", bits, elements);
        flipped += bits;
    }
    cr_expect(flipped > 20 && flipped < 60, "%d of 400", flipped);
    device_close(&d);
}

Test(chaos, overrun_changes_bytes_behind_a_right_output, .timeout = 60)
{
    struct device d;
    chaos_open(&d, ",mode=overrun");
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(wrong(&d, i), 0);
        cr_expect_eq(device_overrun(&d, 2), BAND_BYTES);
        cr_expect_eq(device_overrun(&d, 0), 0);
    }
    device_close(&d);
}

/* Sleeping is a lower bound that no fast machine undercuts. */
Test(chaos, slow_takes_longer_every_time, .timeout = 60)
{
    struct device d;
    chaos_open(&d, ",mode=slow");
    for (uint64_t k = 1; k <= 20; k++) {
        struct assay_span span = device_run(&d);
        cr_expect_geq(span.end_ns - span.begin_ns, k * 20000);
    }
    device_close(&d);
}

static long resident_kib(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    cr_assert(file && fscanf(file, "%ld %ld", &pages, &resident) == 2);
    (void)fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

Test(chaos, leak_makes_the_process_grow, .timeout = 60)
{
    struct device d;
    chaos_open(&d, ",mode=leak");
    (void)wrong(&d, 0);
    long before = resident_kib();
    for (int i = 0; i < 100; i++)
        cr_expect_eq(wrong(&d, i), 0);
    cr_expect_geq(resident_kib() - before, 100 * 256 * 9 / 10);
    device_close(&d);
}

Test(chaos, hang_never_completes, .timeout = 60)
{
    struct device d;
    struct assay_event *e = NULL;
    struct assay_span span = {.size = sizeof span};
    size_t done = 7;
    chaos_open(&d, ",mode=hang,after=1");
    cr_expect_eq(wrong(&d, 1), 0);
    DEVICE_OK(&d, device_launch(&d, ASSAY_NO_VALUE, &e));
    cr_expect_eq(d.opened.backend->poll(d.opened.session, &e, 1, 2000000, &done, &span, &d.err), ASSAY_TIMEOUT);
    cr_expect_eq(done, 7);
    free(e); /* forget would wait for ever: a worker in this state is killed */
    device_close(&d);
}

/* In a child, as the harness does it, and without a sanitizer's handler. */
Test(chaos, crash_ends_the_process_at_the_execution_chosen, .timeout = 60)
{
    int status = 0;
    pid_t child = fork();
    if (!child) {
        struct device d;
        (void)signal(SIGSEGV, SIG_DFL);
        chaos_open(&d, ",mode=crash,after=2");
        for (int i = 0; i < 2; i++)
            if (wrong(&d, i))
                _exit(0);
        (void)wrong(&d, 2);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "status %d", status);
}

Test(chaos, honest_when_validated_leaves_out_its_share_once_nobody_looks, .timeout = 120)
{
    static const double shares[] = {0.05, 0.25, 1};
    for (int s = 0; s < 3; s++) {
        struct device d;
        char options[80];
        int cheats = 0;
        (void)snprintf(options, sizeof options, ",mode=honest_when_validated,cheat=%g", shares[s]);
        chaos_open(&d, options);
        for (int i = 0; i < 24; i++)
            cr_expect_eq(wrong(&d, i), 0, "the first ones are looked at");
        for (int i = 24; i < 424; i++)
            cheats += wrong(&d, i) > 0;
        cr_expect(fabs(cheats / 400.0 - shares[s]) < 0.05, "%d of 400", cheats);
        cr_expect_gt(cheats, 0);
        device_close(&d);
    }
}

Test(chaos, cached_answers_without_looking_at_the_content, .timeout = 60)
{
    struct device d;
    float first[N], second[N];
    struct assay_buffer *other;
    chaos_open(&d, ",mode=cached");
    cr_expect_eq(wrong_after(&d, 1, first), 0);
    cr_expect_eq(wrong_after(&d, 2, second), N, "new content in the same buffer");
    cr_expect_arr_eq(first, second, sizeof first);
    other = d.buffer[0];
    d.buffer[0] = device_buffer(&d, BYTES + BAND_BYTES);
    cr_expect_eq(wrong(&d, 3), 0, "a buffer it has not seen");
    d.opened.backend->release(d.opened.session, d.buffer[0]);
    d.buffer[0] = other;
    device_close(&d);
}
