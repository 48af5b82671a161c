#include <cstdio>
#include <exception>

#include "cli/verbs.h"
#include "wiring_world.h"

int main(int argc, char** argv) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2")) {  // weir is built for x86-64-v3: say so, do not trap
    std::fprintf(stderr, "weir: this processor has no AVX2, which weir is built for\n");
    return 1;
  }
#endif
  try {
    return weir::cli::run_command_line(argc, argv, {weir::make_world});
  } catch (const std::exception& problem) {  // out of memory: nothing else throws this far
    std::fprintf(stderr, "weir: %s\n", problem.what());
    return 1;
  }
}
