#include "backends/cpu/choosing/lines.h"

#include "assay/banned.h"

/* Does a come before b? A total order, also of what is no number. */
static inline bool precedes(struct cpu_ranked a, struct cpu_ranked b)
{
    bool a_is = a.value == a.value, b_is = b.value == b.value;
    if (a_is && b_is && a.value != b.value)
        return a.value > b.value;
    return a_is != b_is ? !a_is : a.index < b.index;
}

/* The root of the heap is the last of those kept. */
static void sift_down(struct cpu_ranked *heap, size_t n, size_t i)
{
    struct cpu_ranked x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && precedes(heap[child], heap[child + 1]))
            child++;
        if (!precedes(x, heap[child]))
            break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

/* Few: kept in order, each that is better moves those behind it. */
static void best_of_few(size_t n, const float *x, size_t step, float sign, size_t k, struct cpu_ranked *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct cpu_ranked next = {sign * x[i * step], (int32_t)i};
        if (kept == k && (next.value <= list[k - 1].value || !precedes(next, list[k - 1])))
            continue;
        size_t at = kept < k ? kept++ : k - 1;
        for (; at > 0 && precedes(next, list[at - 1]); at--)
            list[at] = list[at - 1];
        list[at] = next;
    }
}

void cpu_best(size_t n, const float *x, size_t step, bool least, size_t k, struct cpu_ranked *heap)
{
    float sign = least ? -1.0f : 1.0f;
    if (k <= 16) {
        if (k > 0)
            best_of_few(n, x, step, sign, k, heap);
        for (size_t i = 0; i < k; i++)
            heap[i].value *= sign;
        return;
    }
    for (size_t i = 0; i < k; i++)
        heap[i] = (struct cpu_ranked){sign * x[i * step], (int32_t)i};
    for (size_t i = k / 2; i-- > 0;)
        sift_down(heap, k, i);
    for (size_t i = k; i < n; i++) {
        float value = sign * x[i * step];
        if (value <= heap[0].value)
            continue;
        struct cpu_ranked next = {value, (int32_t)i};
        if (precedes(next, heap[0])) {
            heap[0] = next;
            sift_down(heap, k, 0);
        }
    }
    for (size_t i = k; i-- > 1;) { /* the last to the end, and so on */
        struct cpu_ranked last = heap[0];
        heap[0] = heap[i];
        heap[i] = last;
        sift_down(heap, i, 0);
    }
    for (size_t i = 0; i < k; i++)
        heap[i].value *= sign;
}
