/* What is done to outputs that were right. */
#ifndef CHAOS_FAULTS_H
#define CHAOS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "backends/reference/device.h"

/* A number in [0, 1) that looks random, a function of k alone. */
double fault_share(uint64_t k);

/* One computed element, chosen by k, becomes NaN; false: the format has none. */
bool fault_nan(struct device_output *o, uint64_t k);
/* One computed element, the largest of 64 chosen by k, is changed by a relative 1e-2, or by as little as its format can
 * hold if that is more. false: all of them are zero or not finite. */
bool fault_wrong(struct device_output *o, uint64_t k);
/* About every thirtieth element of a floating output moves by one unit in its last place, as a sum does that is added in another
 * order; which ones, and up or down, is a function of `key`. Zeros stay, and so does what is not finite. */
void fault_reorder(struct device_output *o, uint64_t key);
/* One bit of the computed bytes, chosen by k, is turned over. false: there are none. */
bool fault_flip(struct device_output *o, uint64_t k);
/* A training step in which one param's gradient never arrives: it is zeros where it is an output ("<param>.gradient"), and param and
 * moments stay as they were. `param` "": the largest that is trained. Nothing else is touched, nor a graph that does not train. */
void fault_lost_gradient(struct device_program *p, const char *param);
/* Changes `bytes` bytes behind the place an output is bound to. */
void fault_overrun(const struct device_output *o, uint64_t bytes);

#endif
