/* One step of an optimizer over a run of elements, in one pass. Outputs may be any of the inputs. */
#ifndef CPU_OPTIMIZERS_OPTIMIZERS_H
#define CPU_OPTIMIZERS_OPTIMIZERS_H

#include <stdbool.h>
#include <stddef.h>

struct cpu_update {
    const float *p, *g, *m, *v;             /* m of Sgd may be NULL */
    float       *p_next, *m_next, *v_next;  /* p_next: U, of LAMB's first half; m_next of Sgd may be NULL */
    float        rate, scale, decay, momentum;
    float        beta1, rest1, beta2, rest2; /* rest: 1 - beta */
    float        correct1, correct2;         /* 1 / (1 - beta^T) */
    float        epsilon;
    bool         direction; /* U is wanted, not P - R U */
};

struct cpu_optimizer_kernels {
    void (*sgd)(const struct cpu_update *u, size_t begin, size_t end);
    void (*adam)(const struct cpu_update *u, size_t begin, size_t end);
    void (*apply)(const struct cpu_update *u, size_t begin, size_t end); /* p - rate g */
};

#endif
