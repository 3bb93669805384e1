// The C++ library's own random numbers, for test_mt19937.c to compare with.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace {
std::mt19937 generator;
}

extern "C" {
void cxx_seed(uint64_t seed)
{
    generator.seed(seed);
}
uint32_t cxx_next(void)
{
    return static_cast<uint32_t>(generator());
}
// of int, as LoadGen has it
uint32_t cxx_below(uint32_t n)
{
    std::uniform_int_distribution<> any(0, static_cast<int>(n - 1));
    return static_cast<uint32_t>(any(generator));
}
double cxx_unit(void)
{
    return std::generate_canonical<double, 53>(generator);
}
double cxx_exponential(double rate)
{
    std::exponential_distribution<> gap(rate);
    return gap(generator);
}
void cxx_shuffle(uint32_t *values, uint32_t n)
{
    std::vector<std::size_t> wide(values, values + n);
    std::shuffle(wide.begin(), wide.end(), generator);
    std::copy(wide.begin(), wide.end(), values);
}
}
