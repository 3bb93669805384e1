/* Noise of real runs: logarithms of the medians of 40 launches in a row of four cases on back end cpu, less their mean, over their
 * standard deviation (0.26 to 0.37), to three digits. A virtual machine of two cores, others busy on both: hard noise, with tails and
 * with correlation, in place of what a quiet host would give. Recorded 2026-11-26 by
 *   assay run gemm/m=256,n=256,k=256 memory/bytes=4MiB softmax/rows=256,columns=1024 norm/rows=256,columns=1024 --backend cpu
 *             --launches 40 --min-s 20ms --min-runs 10 */
#ifndef ASSAY_JUDGE_HISTORY_TESTS_RECORDED_H
#define ASSAY_JUDGE_HISTORY_TESTS_RECORDED_H

#define RECORDED_CASES 4
#define RECORDED_LAUNCHES 40

static const char *const recorded_name[RECORDED_CASES] = {"gemm", "memory", "softmax", "norm"};
static const double recorded[RECORDED_CASES][RECORDED_LAUNCHES] = {
    {0.478, 0.479, -0.721, -0.884, -0.735, -1.075, -1.038, -0.693, -0.640, -0.483, -0.441, 0.044, -0.733, -1.367,
     -0.198, 0.400, 0.146, 0.579, 0.749, -0.808, 1.000, 0.673, 0.422, 0.829, 1.164, 2.019, 1.882, 0.097,
     -1.280, -0.492, -0.452, 0.736, 1.712, 1.614, 0.120, 1.688, -0.887, -0.925, -0.601, -2.375},
    {-0.074, -0.382, 0.115, 0.244, -0.765, -2.200, -0.111, -0.774, -0.364, 0.036, 0.091, 0.978, 0.259, 0.521,
     -1.463, 0.697, 0.345, -1.563, 0.761, 0.222, 0.610, 0.560, 0.536, 0.043, 0.103, -0.561, 0.500, 0.444,
     -0.191, 0.078, 0.486, -1.429, 1.025, 0.556, -1.082, 0.577, 0.609, 3.753, -1.663, -1.529},
    {0.570, 0.611, -1.318, -1.165, 0.606, -2.094, -1.743, 0.103, -0.480, 0.911, -0.766, -0.504, 0.906, 0.180,
     0.493, -1.070, -0.114, 0.624, 0.723, 0.604, 0.978, 1.254, 0.545, 1.037, 1.134, -1.331, 1.050, 0.557,
     0.541, -1.823, 0.119, 1.451, 1.266, -1.849, -0.979, -0.035, 0.105, -1.558, 0.644, -0.181},
    {-0.541, -0.082, 0.824, -0.921, -1.409, -0.764, -0.012, -0.364, -1.746, 0.207, 0.512, 0.894, -0.137, -0.932,
     1.161, -1.099, 0.506, 0.516, 0.840, 0.212, 1.076, 0.969, -1.856, -0.853, 1.463, 1.578, 0.933, 1.006,
     -1.636, -0.629, 0.883, 1.446, 0.528, 0.988, -1.440, 0.840, -0.485, -0.704, -0.010, -1.764},
};

#endif
