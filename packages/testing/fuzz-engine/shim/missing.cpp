// What Jazzer.js added to its own build of libFuzzer: where a comparison is made in the program. Without it all comparisons count as
// made in one place, so their operands are tried, but don't guide.
#include <cstdint>

extern "C" void __sanitizer_cov_trace_const_cmp8(uint64_t a, uint64_t b);

extern "C" void __sanitizer_cov_trace_const_cmp8_with_pc(uintptr_t, uint64_t a, uint64_t b) {
  __sanitizer_cov_trace_const_cmp8(a, b);
}
extern "C" void __sanitizer_cov_trace_pc_indir_with_pc(uintptr_t, uintptr_t) {}
