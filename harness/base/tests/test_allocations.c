#include "harness/base/memory.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static uint64_t by_harness(void)
{
    return assay_allocations_so_far().by_harness;
}

Test(allocations, are_counted_in_a_plain_build_and_only_there)
{
#if defined(__GLIBC__) && !SANITIZED
    cr_expect(assay_allocations_counted());
#else
    cr_expect_not(assay_allocations_counted());
    cr_expect_eq(by_harness(), 0);
#endif
    uint64_t before = by_harness();
    (void)assay_allocations_counted();
    cr_expect_eq(by_harness(), before, "asking does not count");
}

Test(allocations, owner_is_ours_at_first_and_the_one_before_is_returned)
{
    cr_expect_eq(assay_allocation_owner_set(ASSAY_ALLOCATION_PLUGIN), ASSAY_ALLOCATION_HARNESS);
    cr_expect_eq(assay_allocation_owner_set(ASSAY_ALLOCATION_PLUGIN), ASSAY_ALLOCATION_PLUGIN);
    cr_expect_eq(assay_allocation_owner_set(ASSAY_ALLOCATION_HARNESS), ASSAY_ALLOCATION_PLUGIN);
    cr_expect_eq(assay_allocation_owner_set(ASSAY_ALLOCATION_HARNESS), ASSAY_ALLOCATION_HARNESS);
}

#if defined(__GLIBC__) && !SANITIZED
/* One kind of allocation; returns how many calls it took to make and drop it. Volatile keeps the compiler from
 * removing a pair of malloc and free. */
static void *volatile sink;
static uint64_t cost(int kind)
{
    uint64_t before = by_harness();
    void *block = NULL;
    switch (kind) {
    case 0: block = malloc(10); break;
    case 1: block = calloc(2, 10); break;
    case 2: block = realloc(NULL, 10); break;
    case 3: block = aligned_alloc(64, 128); break;
    case 4: cr_expect_eq(posix_memalign(&block, 64, 128), 0); break;
    case 5: block = memalign(64, 128); break;
    case 6: block = valloc(100); break;
    case 7: block = pvalloc(100); break;
    case 8: block = strdup("inside libc"); break;
    case 9: block = reallocarray(NULL, 3, 5); break;
    default: break;
    }
    sink = block;
    cr_expect_not_null(block);
    free(sink);
    return by_harness() - before;
}

Test(allocations, count_every_way_to_allocate_once)
{
    for (int kind = 0; kind < 10; kind++)
        cr_expect_eq(cost(kind), 1, "kind %d was counted %llu times", kind, (unsigned long long)cost(kind));
    uint64_t before = by_harness();
    free(NULL);
    cr_expect_eq(by_harness(), before, "freeing and looking are not counted");
}

Test(allocations, made_by_libraries_are_counted)
{
    uint64_t before = by_harness();
    json_t *object = json_object();
    cr_expect_gt(by_harness(), before);
    json_decref(object);
    /* What a plug-in opened later binds to is the first malloc of the global scope: it must be the program's. */
    Dl_info of_malloc = {0}, of_here = {0};
    static const char *const names[] = {"malloc", "calloc", "realloc", "free", "memalign", "aligned_alloc",
                                        "posix_memalign", "valloc", "pvalloc"};
    cr_assert(dladdr((void *)(uintptr_t)&cost, &of_here));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *symbol = dlsym(RTLD_DEFAULT, names[i]);
        cr_assert(symbol && dladdr(symbol, &of_malloc));
        cr_expect_eq(of_malloc.dli_fbase, of_here.dli_fbase, "%s is bound to %s", names[i], of_malloc.dli_fname);
    }
}

Test(allocations, are_split_by_owner)
{
    struct assay_allocations before = assay_allocations_so_far(), after;
    (void)assay_allocation_owner_set(ASSAY_ALLOCATION_PLUGIN);
    sink = malloc(8);
    (void)assay_allocation_owner_set(ASSAY_ALLOCATION_HARNESS);
    after = assay_allocations_so_far();
    free(sink);
    cr_expect_eq(after.by_plugin, before.by_plugin + 1);
    cr_expect_eq(after.by_harness, before.by_harness);
}

static void *other_thread(void *seen)
{
    uint64_t *count = seen;
    count[0] = by_harness();
    for (int i = 0; i < 100; i++) {
        sink = malloc(16);
        free(sink);
    }
    count[1] = by_harness();
    return NULL;
}

Test(allocations, of_other_threads_are_not_ours, .timeout = 20)
{
    pthread_t thread;
    uint64_t seen[2], before;
    cr_assert_eq(pthread_create(&thread, NULL, other_thread, seen), 0);
    before = by_harness();
    pthread_join(thread, NULL);
    cr_expect_eq(by_harness(), before);
    cr_expect_eq(seen[1] - seen[0], 100);
}

Test(allocations, go_on_counting_in_a_forked_child, .timeout = 20)
{
    uint64_t before = by_harness();
    pid_t child = fork();
    if (child == 0) {
        sink = malloc(16);
        _exit(by_harness() == before + 1 ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
}

Test(allocations, behave_as_the_functions_they_replace)
{
    void *volatile block = (void *)1;
    volatile size_t huge = (size_t)PTRDIFF_MAX - 64, odd = 3, two = 2;
    errno = 0;
    sink = malloc(huge);
    cr_expect_null(sink);
    cr_expect_eq(errno, ENOMEM);
    sink = calloc(huge, 4);
    cr_expect_null(sink);
    void *out = (void *)1;
    errno = 7;
    cr_expect_eq(posix_memalign(&out, odd, 8), EINVAL);
    cr_expect_eq(posix_memalign(&out, two, 8), EINVAL, "not a multiple of a pointer's size");
    cr_expect_eq(posix_memalign(&out, 64, huge), ENOMEM);
    cr_expect_eq(out, (void *)1, "untouched on failure");
    cr_expect_eq(errno, 7, "posix_memalign leaves errno alone");
    block = malloc(4);
    memcpy(block, "abc", 4);
    block = realloc(block, 100000);
    cr_expect_str_eq((char *)block, "abc");
    cr_expect_geq(malloc_usable_size(block), 100000, "one heap with glibc");
    free(block);
    errno = 0;
    sink = aligned_alloc(odd, 9);
    cr_expect_null(sink);
    cr_expect_eq(errno, EINVAL);
}
#endif
